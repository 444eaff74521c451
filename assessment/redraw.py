"""A trial read again and again: what its outcomes would be with other errors of measurement.

The lengths of all subjects are drawn anew within their uncertainty, as `redrawn_length` says, and
responses, exclusions and progression-free survival derived from each draw by the rules of `assess`.
Errors of different lesions, visits and subjects are independent, unlike the draws of `probability`,
which are the same for every subject.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from assessment.best_response import best_response, confirmed_best_response
from assessment.code import CR, PR, TARGET, Anything, Bools, Floats, Ints, Texts
from assessment.criteria import Rules, load_criteria
from assessment.endpoints import progression_times
from assessment.exclusions import exclude
from assessment.mrecist import read_tables
from assessment.part import Reading
from assessment.policy import PolicyError, PolicySet, scheme_values
from assessment.reader_doubt import READER, Noise
from assessment.redrawn_length import (
    DrawnTargets,
    drawn_lengths,
    reader_model,
    redrawn_responses,
    total_uncertainty,
)
from assessment.subject_response import (
    SubjectResponses,
    assess_subjects,
    disease_control,
    interval_known,
    stable_from,
)

DRAWS = 500
SEED = 20100402
CELLS_AT_ONCE = 1_000_000
READ_AGAIN: Final = {
    "measurement": {"doubt_from": "measurement"},
    "same_lesions": {"doubt_from": "measurement_and_reader", "reader_model": "same_lesions"},
    "own_lesions": {"doubt_from": "measurement_and_reader", "reader_model": "own_lesions"},
}
"""Where other lengths come from, as policies: another measurement, another reader of the same
lesions, another reader who chooses lesions too."""


@dataclass(frozen=True, slots=True)
class Redrawn:
    """Outcomes of every subject in every draw.

    Attributes
    ----------
    subject_id : (subject,)
    kept : (draw, subject) whether the subject enters the outcomes
    response, control : (draw, subject) objective response, disease control
    days : (draw, subject) of progression-free survival, NaN where unknown
    event : (draw, subject)
    n_drawn, n_fixed : lengths of targets that were drawn, and that stayed for want of an
        uncertainty
    """

    subject_id: Texts
    kept: Bools
    response: Bools
    control: Bools
    days: Floats
    event: Bools
    n_drawn: int
    n_fixed: int


def redraw_outcomes(
    lesions: pd.DataFrame,
    *,
    timepoints: pd.DataFrame | None = None,
    subjects: pd.DataFrame | None = None,
    criteria: str = "mrecist",
    policies: str | PolicySet = "default",
    scheme: str | None = None,
    select: str = "given",
    read_again: Sequence[str] = tuple(READ_AGAIN),
    draws: int = DRAWS,
    seed: int = SEED,
) -> dict[str, Redrawn]:
    """Return the outcomes of a trial whose lengths are drawn anew, for each source of doubt.

    Parameters
    ----------
    lesions, timepoints, subjects, policies, select : as `assess` takes them; lesions of one reader
    criteria, scheme : of one rule set, one censoring scheme
    read_again : keys of `READ_AGAIN`
    draws, seed : how many, and from where; more draws do not change the first ones

    Raises
    ------
    TableError, UnknownCriteriaError, PolicyError
        As `assess`; and for lesions of several readers, for a rule set that confirms progression
        at later visits, and for a number of draws below one.

    Notes
    -----
    All draws use the same errors of measurement, so that what another reader adds is not chance.
    """
    unknown = [name for name in read_again if name not in READ_AGAIN]
    if unknown or draws < 1:
        msg = f"{draws} draws of {', '.join(unknown) or 'lengths'}: give one draw or more, and of "
        raise PolicyError(msg + ", ".join(READ_AGAIN))
    policy_set = PolicySet(policies) if isinstance(policies, str) else policies
    rules = Rules(load_criteria(criteria), policy_set.values_for(criteria))
    if not can_be_redrawn(criteria):
        msg = f"{criteria}: progression is confirmed at later visits, which is not drawn"
        raise PolicyError(msg)
    read = read_tables(lesions, timepoints, subjects, select=select)
    if len(np.unique(read.course.subject)) < len(read.course.subject):
        msg = "lesions of several readers: hand in those of one, whose outcomes are to be redrawn"
        raise PolicyError(msg)
    base = assess_subjects(read.course, read.people, rules, select=select, probabilities=False)
    _, policy = scheme_values(rules.policy, scheme)
    return {name: _redrawn(base, policy, name, draws, seed) for name in read_again}


def can_be_redrawn(criteria: str) -> bool:
    """Return whether outcomes under a rule set can be redrawn: not where progression waits."""
    return not load_criteria(criteria).has("immune")


def _redrawn(
    base: SubjectResponses, policy: Mapping[str, str], name: str, draws: int, seed: int
) -> Redrawn:
    """Return the outcomes of all draws."""
    rules = Rules(base.rules.criteria, {**policy, **READ_AGAIN[name]})
    reading = replace(base.reading, rules=rules)
    n = len(base.course.subject)
    targets = DrawnTargets.of(reading, np.arange(n))
    spread = total_uncertainty(reading)
    needed = (reading.selection.role == TARGET)[:, None] & (reading.states.value > 0)
    lacking = needed & ~np.isfinite(spread)
    spread = np.where(needed & ~lacking, spread, 0.0)
    drawn = needed & (spread > 0)
    if reader_model(rules.policy) is not None:
        drawn = needed
    parts = [
        _outcomes(base, reading, targets, spread, _Draws(seed, part))
        for part in _parts(draws, len(targets.lesion) * reading.day.shape[1])
    ]
    kept, response, control, days, event = (
        np.concatenate([part[place] for part in parts]) for place in range(5)
    )
    return Redrawn(
        subject_id=base.course.visits.subject_id[base.course.subject],
        kept=kept,
        response=response,
        control=control,
        days=days,
        event=event,
        n_drawn=int(drawn.sum()),
        n_fixed=int(lacking.sum()),
    )


def _parts(draws: int, cells: int) -> Iterator[range]:
    """Return the draws in parts that fit into memory."""
    step = max(CELLS_AT_ONCE // max(cells, 1), 1)
    return (range(start, min(start + step, draws)) for start in range(0, draws, step))


@dataclass(frozen=True, slots=True)
class _Draws:
    """Random numbers of some draws, the same however they are divided."""

    seed: int
    numbers: range

    def lengths(self, n: int, depth: int) -> Floats:
        """(draw, target, rank): standard normal."""
        generators = (np.random.default_rng([self.seed, number]) for number in self.numbers)
        return np.stack([one.standard_normal((n, depth)) for one in generators])

    def readers(self, place: Ints, cases: int, depth: int) -> Noise:
        """Return other readers, each with errors of their own for every case."""
        found = []
        for number in self.numbers:
            generator = np.random.default_rng([self.seed, READER, number])
            common, returned = generator.standard_normal((2, cases))
            own, sees = generator.standard_normal((cases, depth)), generator.random(cases)
            found.append((common[place], returned[place], own[place], sees[place]))
        return Noise(*(np.stack(values) for values in zip(*found, strict=True)))


def _outcomes(
    base: SubjectResponses, reading: Reading, targets: DrawnTargets, spread: Floats, some: _Draws
) -> tuple[Anything, ...]:
    """(draw, case): kept, response, control, days and event of some draws."""
    policy, n, depth = reading.rules.policy, len(targets.cases), reading.day.shape[1]
    times = len(some.numbers)
    noise = some.lengths(len(targets.lesion), depth)
    reader = None
    if reader_model(policy) is not None:
        reader = some.readers(targets.place, n, depth)
    drawn, gone = drawn_lengths(reading, base.whole, targets, spread, noise, reader)
    overall = redrawn_responses(reading, base.whole, targets, drawn, gone)
    day = np.tile(reading.day, (times, 1))
    begin = stable_from(reading, base.people)
    start, dated = np.tile(begin, times), np.tile(interval_known(base.course, begin), times)
    if policy["confirm"] == "on":
        without = np.tile(base.whole.sums.n_expected == 0, times)
        best = confirmed_best_response(
            overall, day, start, policy, dated=dated, without_target=without
        )
    else:
        best = best_response(overall, day, start, policy, dated=dated)
    followed = base.followed.repeated(times, policy)
    ends = progression_times(followed, overall, deaths=True)
    kept = np.ones(times * n, dtype=bool)
    if policy["exclusions"] == "apply":
        kept = exclude(followed, overall).analysed
    found = (
        kept, np.isin(best.code, (CR, PR)), disease_control(best),
        np.where(ends.known, ends.end - ends.start, np.nan), ends.event & ends.known,
    )  # fmt: skip
    return tuple(np.asarray(values).reshape(times, n) for values in found)
