"""How sure a category is, given the uncertainty of the lengths behind it.

Lengths are drawn as `redrawn_length` says. Draws are the same for every subject, so that a
subject's answer does not depend on who else is in the table (`redraw` draws for whole trials).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from assessment.best_response import best_codes
from assessment.code import (
    CR,
    NE,
    NONE,
    PD,
    PR,
    SD,
    TARGET,
    Bools,
    Floats,
    Ints,
    choose,
)
from assessment.measurand import DRAWN_STEPS
from assessment.part import Part, Reading, moved_sums
from assessment.reader_doubt import LENGTHS_IN_UNIT, reader_noise
from assessment.redrawn_length import (
    DrawnTargets,
    drawn_lengths,
    reader_model,
    redrawn_responses,
    total_uncertainty,
)
from assessment.response import Margin, assess_timepoints
from assessment.sums import Sums
from assessment.visit_array import any_of_case, by_visit, ever, per_case, rows_of, sums_of_case

CATEGORIES = (CR, PR, SD, PD, NE)
DRAWS = 2000
SEED = 20100401
COVERAGE = 1.96
"""Standard uncertainties on either side of a sum: 95 % of a normal distribution."""
CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class Doubt:
    """How sure the responses of every case are.

    Attributes
    ----------
    known : (case, rank) whether every length up to the visit has an uncertainty
    probability : (case, rank, 5) of CR, PR, SD, PD, NE
    within_error : (case, rank) the sum lies within its error of a cut-off that would change the
        overall response
    drawn : whether there are probabilities at all
    best_known : (case,)
    best_doubtful : (case,) one such change would change the best response
    best_probability : (case,) share of the draws that give the best response stated
    """

    known: Bools
    probability: Floats
    within_error: Bools
    drawn: bool
    best_known: Bools
    best_doubtful: Bools
    best_probability: Floats


@dataclass(frozen=True, slots=True)
class UnsureLengths:
    """Arrays (lesion, rank) of the targets.

    Attributes
    ----------
    lacking : measured, but without an uncertainty
    spread : standard uncertainty in steps of the unit, 0 where there is none
    """

    lacking: Bools
    spread: Floats


def unsure_lengths(reading: Reading) -> UnsureLengths:
    """Return how sure the lengths of the targets are."""
    spread = total_uncertainty(reading)
    needed = (reading.selection.role == TARGET)[:, None] & (reading.states.value > 0)
    known = needed & np.isfinite(spread)
    return UnsureLengths(needed & ~known, np.where(known, spread, 0.0))


def doubts(
    reading: Reading,
    whole: Part,
    unsure: UnsureLengths,
    start: Ints,
    dated: Bools,
    stated: Ints,
    *,
    probabilities: bool,
) -> Doubt:
    """Return the doubt of every response and of the best response.

    Parameters
    ----------
    stated : (case,) code of the best response without confirmation
    start : (case,) where the minimum interval of SD starts
    dated : (case,) where dates are known
    probabilities : draw; else only the distance from cut-offs is looked at
    """
    until = ever(any_of_case(unsure.lacking, reading.course.bounds))
    has_length = ever(whole.sums.total > 0)
    known = ~until & has_length & (whole.found.overall != NONE)
    best_known = (known | (whole.found.overall == NONE)).all(axis=1) & known.any(axis=1)
    if whole.immune is not None:  # the categories are drawn, not what later visits make of them
        best_known = np.zeros_like(best_known)
    spread = unsure.spread
    within, doubtful = _near_cutoffs(reading, whole, spread, start, dated, stated)
    probability = np.full((0, *known.shape[1:], len(CATEGORIES)), np.nan)
    best = np.full(len(start), np.nan)
    drawn = probabilities and bool(known.any())
    if drawn:
        probability, best = _simulate(reading, whole, spread, start, dated, known.any(axis=1))
    return Doubt(known, probability, within & known, drawn, best_known, doubtful & best_known, best)


def margin(reading: Reading, all_sums: Sums, spread: Floats) -> Margin:
    """Return the sums of all targets 1.96 standard uncertainties off, to either side."""
    variance = sums_of_case(spread**2, reading.course.bounds)
    model = reader_model(reading.rules.policy)
    if model is not None:
        share = LENGTHS_IN_UNIT[reading.rules.criteria.unit] * model.sd_change
        variance = variance + (share * all_sums.total) ** 2
    reach = np.ceil(COVERAGE * np.sqrt(variance) - 1e-9).astype(np.int64)
    least = DRAWN_STEPS[reading.rules.criteria.unit]  # seen is never less than one step
    ends = []
    for sign in (-1, 1):

        def moved(lesion: Ints, sign: int = sign) -> Ints:
            value = rows_of(reading.states.value, lesion)
            own = np.ceil(COVERAGE * rows_of(spread, lesion) - 1e-9).astype(np.int64)
            return choose(value > 0, np.maximum(value + sign * own, least), value)

        sums = moved_sums(reading, all_sums, moved)
        total = np.maximum(all_sums.total + sign * reach, 0)
        total = choose(reach > 0, total, all_sums.total)
        ends.append(replace(sums, total=total, baseline=all_sums.baseline))
    return Margin(ends[0], ends[1])


def _near_cutoffs(
    reading: Reading, whole: Part, spread: Floats, start: Ints, dated: Bools, stated: Ints
) -> tuple[Bools, Bools]:
    """Return where such a sum gives another response, and whose best response that changes."""
    found = whole.found
    if whole.immune is not None:  # what is confirmed later is judged before that
        ends = margin(reading, whole.sums, spread)
        found = assess_timepoints(whole.sums, whole.nontargets, whole.new, whole.setting, ends)
    actual = found.overall
    differs = [(end != actual) & (actual != NONE) for end in (found.lower, found.higher)]
    policy, day = reading.rules.policy, reading.day
    doubtful = np.zeros(len(stated), dtype=bool)
    for end, where in zip((found.lower, found.higher), differs, strict=True):
        for rank in np.flatnonzero(where.any(axis=0)):
            case = np.flatnonzero(where[:, rank] & ~doubtful)
            other = by_visit(actual[case])
            other[:, rank] = end[case, rank]
            code = best_codes(other, by_visit(day[case]), start[case], policy, dated=dated[case])
            doubtful[case] = code != stated[case]
    return differs[0] | differs[1], doubtful


def _simulate(
    reading: Reading, whole: Part, spread: Floats, start: Ints, dated: Bools, wanted: Bools
) -> tuple[Floats, Floats]:
    """Return the share of draws in each category, and that of the best response stated."""
    depth = whole.found.overall.shape[1]
    probability = np.full((len(start), depth, len(CATEGORIES)), np.nan)
    best = np.full(len(start), np.nan)
    cases = np.flatnonzero(wanted)
    target = reading.selection.role == TARGET
    per = np.maximum(per_case(target, reading.course.bounds), 1)[cases] * depth * DRAWS
    chunk = np.cumsum(per) // CELLS_AT_ONCE
    noise = _noise(int(reading.selection.order.max(initial=0)), depth)
    for part in np.unique(chunk):
        chosen = cases[chunk == part]
        overall, codes, stated = _draw(reading, whole, spread, start, dated, chosen, noise)
        for place, category in enumerate(CATEGORIES):
            probability[chosen, :, place] = (overall == category).mean(axis=0)
        best[chosen] = (codes == stated).mean(axis=0)
    return probability, best


def _noise(n_targets: int, depth: int) -> Floats:
    """Return standard normal draws (draw, target order, rank), the same in every run."""
    noise = np.empty((DRAWS, n_targets, depth))
    for order in range(n_targets):
        for rank in range(depth):
            generator = np.random.default_rng([SEED, order, rank])
            noise[:, order, rank] = generator.standard_normal(DRAWS)
    return noise


def _draw(
    reading: Reading,
    whole: Part,
    spread: Floats,
    start: Ints,
    dated: Bools,
    cases: Ints,
    noise: Floats,
) -> tuple[Ints, Ints, Ints]:
    """Return overall (draw, case, rank) and best responses (draw, case), and the best stated."""
    policy = reading.rules.policy
    targets = DrawnTargets.of(reading, cases)
    n, depth = len(cases), noise.shape[2]
    own = noise[:, reading.selection.order[targets.lesion] - 1, :]
    asked = reader_model(policy) is not None
    reader = reader_noise(DRAWS, depth, SEED) if asked else None
    drawn, gone = drawn_lengths(reading, whole, targets, spread, own, reader)
    overall = redrawn_responses(reading, whole, targets, drawn, gone)
    day, begin = np.tile(reading.day[cases], (DRAWS, 1)), np.tile(start[cases], DRAWS)
    codes = best_codes(overall, day, begin, policy, dated=np.tile(dated[cases], DRAWS))
    stated = best_codes(
        whole.found.overall[cases], reading.day[cases], start[cases], policy, dated=dated[cases]
    )
    return overall.reshape(DRAWS, n, depth), codes.reshape(DRAWS, n), stated


__all__ = ["CATEGORIES", "Doubt", "doubts"]
