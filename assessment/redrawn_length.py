"""Other lengths that the targets could have been given, and the responses that follow from them.

Each positive length of a target is drawn from a normal distribution with its standard uncertainty;
errors of one lesion at different visits are independent (those of one measurement are: another
scan, another outline). A lesion that is seen stays seen, one that is gone stays gone, unless
`reader_doubt` lets another reader judge; roles, non-targets and new lesions stand as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from assessment.code import TARGET, Bools, Floats, Ints, choose
from assessment.measurand import DRAWN_STEPS
from assessment.part import Part, Reading, sum_rules
from assessment.reader_doubt import (
    OWN_LESIONS,
    Noise,
    ReaderModel,
    as_other_reader,
    gone_for_other,
    own_lesions,
    same_lesions_share,
)
from assessment.response import NonTargets, assess_timepoints
from assessment.sums import sum_targets


@dataclass(frozen=True, slots=True)
class DrawnTargets:
    """The targets of some cases, whose lengths are drawn.

    Attributes
    ----------
    cases : the cases, in order
    lesion : (lesion,) their targets, sorted by case
    place : (lesion,) the place of each target's case among `cases`
    """

    cases: Ints
    lesion: Ints
    place: Ints

    @classmethod
    def of(cls, reading: Reading, cases: Ints) -> DrawnTargets:
        """Return the targets of some cases."""
        inside = np.isin(reading.course.lesion_case, cases)
        lesion = np.flatnonzero(inside & (reading.selection.role == TARGET))
        return cls(cases, lesion, np.searchsorted(cases, reading.course.lesion_case[lesion]))


def total_uncertainty(reading: Reading) -> Floats:
    """Return the standard uncertainty of each length, by policy with that between readers."""
    states = reading.states
    if reader_model(reading.rules.policy) is not None:  # that between them holds it
        return np.zeros_like(states.uncertainty)
    if reading.rules.policy["doubt_from"] == "measurement":
        return states.uncertainty
    share = same_lesions_share()
    return np.sqrt(states.uncertainty**2 + (share * np.maximum(states.value, 0)) ** 2)


def reader_model(policy: Mapping[str, str]) -> ReaderModel | None:
    """Return the model of readers who chose their own lesions, where the policies ask for it."""
    asked = (
        policy["doubt_from"] == "measurement_and_reader" and policy["reader_model"] == OWN_LESIONS
    )
    return own_lesions() if asked else None


def drawn_lengths(
    reading: Reading,
    whole: Part,
    targets: DrawnTargets,
    spread: Floats,
    noise: Floats,
    reader: Noise | None,
) -> tuple[Ints, Bools]:
    """Return drawn values (draw, target, rank) of targets, and which of them are gone.

    Parameters
    ----------
    spread : (lesion, rank) standard uncertainties, 0 where a length does not move
    noise : (draw, target, rank) standard normal
    reader : draws of other readers; None where nobody else reads
    """
    states, criteria = reading.states, reading.rules.criteria
    lesion = targets.lesion
    value, gone = states.value[lesion], states.gone[lesion]
    least = DRAWN_STEPS[criteria.unit]
    steps = np.rint((value + noise * spread[lesion]) / least).astype(np.int64) * least
    drawn = choose((value > 0) & (spread[lesion] > 0), np.maximum(steps, least), value)
    model = reader_model(reading.rules.policy)
    if model is not None and reader is not None:
        cases = targets.cases
        total, nothing = whole.sums.total[cases], whole.sums.all_gone[cases]
        chance = gone_for_other(model, total, whole.sums.baseline[cases], nothing, criteria.unit)
        other = as_other_reader(
            model,
            reader,
            drawn,
            place=targets.place,
            chance=chance,
            nothing=nothing,
            unit=criteria.unit,
        )
        steps = np.rint(other / least).astype(np.int64) * least
        drawn = choose(other > 0, np.maximum(steps, least), other.astype(np.int64))
        gone = np.where(value >= 0, drawn == 0, gone)
    normal = criteria.length("node", "gone_below_mm")
    by_length = states.node[lesion, None] & (value >= 0) & criteria.measures_short_axis
    return drawn, np.where(by_length, drawn < normal, gone)


def redrawn_responses(
    reading: Reading, whole: Part, targets: DrawnTargets, drawn: Ints, gone: Bools
) -> Ints:
    """Return overall responses (draw x case, rank) of drawn lengths, one draw after the other.

    Parameters
    ----------
    drawn, gone : (draw, target, rank) of `drawn_lengths`
    """
    draws, _, depth = drawn.shape
    cases, n = targets.cases, len(targets.cases)
    bounds = np.searchsorted(
        (np.arange(draws)[:, None] * n + targets.place).ravel(), np.arange(draws * n + 1)
    )
    sums = sum_targets(
        drawn.reshape(-1, depth),
        gone.reshape(-1, depth),
        np.ones(draws * len(targets.lesion), dtype=bool),
        bounds,
        **sum_rules(reading.rules),
    )
    found = assess_timepoints(
        sums, _repeated(whole.nontargets, cases, draws), np.tile(whole.new[cases], (draws, 1)),
        whole.setting.chosen(cases).repeated(draws),
    )  # fmt: skip
    return found.overall


def _repeated(nontargets: NonTargets, cases: Ints, draws: int) -> NonTargets:
    """Return the non-targets of some cases, once for every draw."""
    return NonTargets(
        n=np.tile(nontargets.n[cases], draws),
        present=np.tile(nontargets.present[cases], (draws, 1)),
        gone=np.tile(nontargets.gone[cases], (draws, 1)),
        progressed=np.tile(nontargets.progressed[cases], (draws, 1)),
        returned=np.tile(nontargets.returned[cases], (draws, 1)),
    )
