"""Response of each case at each visit: target, non-target and overall.

Compared in whole hundredths of a millimetre (or of what else is summed), percentages as integer
ratios: in floats 9.6 mm against a nadir of 8.0 mm falls short of the 20 % that it exactly is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from assessment.attenuation import FALLEN, UNKNOWN
from assessment.code import (
    CR,
    NA,
    NE,
    NO_DAY,
    NON_CR_NON_PD,
    NONE,
    PD,
    PR,
    SD,
    Bools,
    Ints,
    choose,
    first_code,
)
from assessment.criteria import Criteria, overall_table
from assessment.measurand import PER_UNIT
from assessment.sums import NO_SUM, Sums, lowest_before, vanished_before
from assessment.visit_array import Packed, filled, packed, per_case, rank_of_first

(
    BY_SUM, BY_RETURN_AFTER_CR, BY_RETURN, BY_RETURN_LARGE, CARRIED, BY_LESION, BY_ATTENUATION,
    NO_ATTENUATION,
) = range(1, 9)  # fmt: skip
"""What decided a target response; 0 is the sum or the state alone."""


@dataclass(frozen=True, slots=True)
class NonTargets:
    """Non-target lesions of each case: (case, rank) counts, but `n` (case)."""

    n: Ints
    present: Ints
    gone: Ints
    progressed: Ints
    returned: Ints

    def without(self, part: NonTargets) -> NonTargets:
        """Return the counts over the others."""
        return NonTargets(
            n=self.n - part.n,
            present=self.present - part.present,
            gone=self.gone - part.gone,
            progressed=self.progressed - part.progressed,
            returned=self.returned - part.returned,
        )

    @classmethod
    def count(
        cls, member: Bools, seen: Bools, gone: Bools, progressed: Bools, bounds: Ints
    ) -> NonTargets:
        """Return the counts over the member lesions; arrays (lesion, rank), `member` (lesion)."""
        return cls.of_flags(cls.flags(seen, gone, progressed, bounds), member, bounds)

    @staticmethod
    def flags(seen: Bools, gone: Bools, progressed: Bools, bounds: Ints) -> Packed:
        """Return what is to be counted of each lesion, were it a non-target."""
        returned = seen & vanished_before(seen, gone)
        return packed([seen, gone, progressed, returned], bounds)

    @classmethod
    def of_flags(cls, flags: Packed, member: Bools, bounds: Ints) -> NonTargets:
        """Return the counts over the member lesions from their flags."""
        if not member.any():
            nothing = filled((len(bounds) - 1, flags.numbers[0].shape[1]), 0, np.int64)
            return cls(per_case(member, bounds), nothing, nothing, nothing, nothing)
        n_present, n_gone, n_progressed, n_returned = flags.counts(member, bounds)
        return cls(
            n=per_case(member, bounds),
            present=n_present,
            gone=n_gone,
            progressed=n_progressed,
            returned=n_returned,
        )

    def responses(self, policy: Mapping[str, str]) -> Ints:
        """(case, rank): CR, NON-CR/NON-PD, PD, NE or NA, before any reappearance after CR."""
        evaluated = self.present + self.gone
        partly = evaluated < self.n[:, None]
        if policy["nontarget_partly_missing"] == "as_measured":
            partly = evaluated == 0
        progressed = self.progressed > 0
        if policy["reappearance"] == "pd_after_lesion_cr":
            progressed = progressed | (self.returned > 0)
        none = np.broadcast_to((self.n == 0)[:, None], evaluated.shape)
        return first_code(
            [none, progressed, partly, self.present > 0], [NA, PD, NE, NON_CR_NON_PD], CR
        )


@dataclass(frozen=True, slots=True)
class Setting:
    """What the responses of a set of cases depend on besides their lesions.

    Attributes
    ----------
    exists : (case, rank) visits that are there
    baseline_known : (case,)
    no_target_is_ne : (case,) without a target, the target response is NE
    day : (case, rank) date of a response that is no PD, NO_DAY where unknown
    attenuation : (case, rank) codes of `attenuation`, None where the rule set asks for none
    """

    criteria: Criteria
    policy: Mapping[str, str]
    exists: Bools
    baseline_known: Bools
    no_target_is_ne: Bools
    day: Ints
    attenuation: Ints | None = None

    def chosen(self, cases: Ints) -> Setting:
        """Return the setting of some of the cases."""
        return Setting(
            self.criteria,
            self.policy,
            self.exists[cases],
            self.baseline_known[cases],
            self.no_target_is_ne[cases],
            self.day[cases],
            None if self.attenuation is None else self.attenuation[cases],
        )

    def repeated(self, times: int) -> Setting:
        """Return the setting of the cases one after the other, several times."""
        return Setting(
            self.criteria,
            self.policy,
            np.tile(self.exists, (times, 1)),
            np.tile(self.baseline_known, times),
            np.tile(self.no_target_is_ne, times),
            np.tile(self.day, (times, 1)),
            None if self.attenuation is None else np.tile(self.attenuation, (times, 1)),
        )


@dataclass(frozen=True, slots=True)
class TimepointResponses:
    """Response codes by (case, rank); NONE at the baseline and where there is no visit.

    Attributes
    ----------
    nadir : smallest sum before the visit, NO_SUM where unknown
    cause : what decided the target response
    lower, higher : overall response, had this sum been lower or higher by its margin
    """

    target: Ints
    nontarget: Ints
    overall: Ints
    nadir: Ints
    cause: Ints
    lower: Ints
    higher: Ints


@dataclass(frozen=True, slots=True)
class Margin:
    """By how much a sum could be off: (case, rank) sums and states at either end."""

    low: Sums
    high: Sums


def assess_timepoints(
    sums: Sums,
    nontargets: NonTargets,
    new: Ints,
    setting: Setting,
    margin: Margin | None = None,
) -> TimepointResponses:
    """Return the responses of all cases, visit by visit.

    Parameters
    ----------
    sums, nontargets : of the cases
    new : (case, rank) codes of `code.NEW_WORDS`
    margin : the sums at the ends of their error, to see which category they would give
    """
    policy = setting.policy
    shape = sums.total.shape
    eligible = sums.complete & setting.exists & (sums.n_expected > 0)[:, None]
    if policy["nadir_from"] == "any":
        eligible = (sums.n_measured > 0) & setting.exists
    nadir = lowest_before(sums.total, eligible)
    table = overall_table(setting.criteria)
    by_lesions = nontargets.responses(policy)
    names = ("target", "nontarget", "overall", *(("lower", "higher") if margin else ()))
    out = {name: filled(shape, NONE, np.int8) for name in names}
    cause = filled(shape, 0, np.int8)
    history = _History.start(len(new), policy)
    for rank in range(1, shape[1]):
        there = setting.exists[:, rank]
        target, why = _target(sums, nadir, rank, setting, history)
        nontarget = by_lesions[:, rank]
        if policy["reappearance"] == "pd_after_overall_cr":
            again = history.overall_cr & (nontargets.present[:, rank] > 0)
            nontarget = choose(again, PD, nontarget)
        overall = _overall(table, target, nontarget, new[:, rank], history, setting)
        if margin is not None:
            for name, end in (("lower", margin.low), ("higher", margin.high)):
                other, _ = _target(end, nadir, rank, setting, history)
                shifted = _overall(table, other, nontarget, new[:, rank], history, setting)
                out[name][:, rank] = choose(there, shifted, NONE)
        out["target"][:, rank] = choose(there, target, NONE)
        out["nontarget"][:, rank] = choose(there, nontarget, NONE)
        out["overall"][:, rank] = choose(there, overall, NONE)
        cause[:, rank] = why
        history.add(overall, setting.day[:, rank], there)
    if margin is None:
        out |= {"lower": out["overall"], "higher": out["overall"]}
    return TimepointResponses(nadir=nadir, cause=cause, **out)


@dataclass(slots=True)
class _History:
    """What earlier visits leave behind for the next one, by case.

    Attributes
    ----------
    began : (gaps, case) day of the first response with so many visits NE since; NO_DAY where none
    """

    overall_cr: Bools
    progressed: Bools
    responded: Bools
    confirmed: Bools
    began: Ints
    confirms: bool
    least_days: int

    @classmethod
    def start(cls, n: int, policy: Mapping[str, str]) -> _History:
        """Return the state at baseline."""
        return cls(
            overall_cr=np.zeros(n, dtype=bool),
            progressed=np.zeros(n, dtype=bool),
            responded=np.zeros(n, dtype=bool),
            confirmed=np.zeros(n, dtype=bool),
            began=np.full((int(policy["ne_during_confirmation"]) + 1, n), NO_DAY, dtype=np.int64),
            confirms=policy["pr_carry_forward"] == "after_confirmed_pr",
            least_days=int(policy["confirmation_days"]),
        )

    def add(self, overall: Ints, day: Ints, there: Bools) -> None:
        """Take in one visit. A response is confirmed by a second one late enough after it."""
        response = there & ((overall == CR) | (overall == PR))
        gap = there & (overall == NE)
        self.overall_cr = self.overall_cr | (there & (overall == CR))
        progressed = there & (overall == PD)
        self.responded = (self.responded | response) & ~progressed
        self.progressed = self.progressed | progressed
        if not self.confirms:
            return
        # one more NE since each response; too many, or another response, and none can be confirmed
        later = np.concatenate([np.full((1, len(day)), NO_DAY), self.began[:-1]])
        began = choose(gap, later, choose(there & ~response & ~gap, NO_DAY, self.began))
        dated, open_ = response & (day != NO_DAY), began != NO_DAY
        late = open_ & (day - choose(open_, began, day) >= self.least_days)
        self.confirmed = (self.confirmed | (dated & late.any(axis=0))) & ~progressed
        began[0] = choose(dated & ~open_[0], day, began[0])
        self.began = began


def _target(
    sums: Sums, nadir: Ints, rank: int, setting: Setting, history: _History
) -> tuple[Ints, Ints]:
    """Return the target response at one visit, and what decided it."""
    progressed, cause = _progressed(sums, nadir[:, rank], rank, setting, history)
    shrinkage = sums.baseline - sums.total[:, rank]
    decrease = setting.criteria.number("response", "pr_decrease_percent")
    shrunk = 100 * shrinkage >= decrease * sums.baseline
    fallen, unsure = _attenuation(setting, rank, len(shrunk))
    by_size = (cause == BY_SUM) | (cause == BY_LESION)
    progressed &= ~(by_size & fallen)
    category = first_code([sums.all_gone[:, rank], progressed, shrunk | fallen], [CR, PD, PR], SD)
    softer = (category == PR) & ~shrunk
    unsure &= (category == SD) | (progressed & by_size & (category == PD))
    carried = (category == SD) & _carries(setting, history)
    category = choose(carried, PR, category)
    known = sums.complete[:, rank]
    if setting.policy["pd_despite_missing"] == "yes":
        known = known | (category == PD)  # the measured part alone proves it
    known = known & (sums.baseline > 0)
    category = choose(known & ~unsure, category, NE)
    none = choose(setting.no_target_is_ne, NE, NA)
    category = choose(sums.n_expected == 0, none, category)
    category = choose(setting.baseline_known, category, NE)
    first = first_code([carried & (category == PR)], [CARRIED], 0)
    cause = choose(category == PD, cause, first)
    cause = choose((category == PR) & softer, BY_ATTENUATION, cause)
    cause = choose((category == NE) & known & unsure, NO_ATTENUATION, cause)
    return category, cause


def _attenuation(setting: Setting, rank: int, n: int) -> tuple[Bools, Bools]:
    """Return whose attenuation has fallen enough at one visit, and of whom it is not known."""
    if setting.attenuation is None:
        nobody = np.zeros(n, dtype=bool)
        return nobody, nobody.copy()
    code = setting.attenuation[:, rank]
    return code == FALLEN, code == UNKNOWN


def _progressed(
    sums: Sums, nadir: Ints, rank: int, setting: Setting, history: _History
) -> tuple[Bools, Ints]:
    """Return who has target PD at one visit: by the sum, or because a lesion came back."""
    policy = setting.policy
    growth = sums.total[:, rank] - nadir
    percent = setting.criteria.number("response", "pd_increase_percent")
    unit = setting.criteria.unit
    least = PER_UNIT["mm"] * int(policy["pd_absolute_mm"]) if unit == "mm" else 0
    by_sum = (growth > 0) & (100 * growth >= percent * nadir) & (growth >= least)
    by_lesion = sums.grown[:, rank]
    if policy["pd_unit"] == "lesion" and unit == "mm2":
        by_sum &= nadir == 0  # from nothing, the sum rule or the return decides
    large = np.zeros_like(by_sum)
    if policy["zero_nadir"] == "from_10_mm":
        by_sum &= nadir > 0
        large = (nadir == 0) & sums.returned_large[:, rank]
    by_sum &= nadir != NO_SUM
    after_cr = history.overall_cr & sums.any_present[:, rank]
    again = sums.returned[:, rank]
    if policy["reappearance"] != "pd_after_overall_cr":
        after_cr = np.zeros_like(after_cr)
    if policy["reappearance"] != "pd_after_lesion_cr":
        again = np.zeros_like(again)
    cause = first_code(
        [by_sum, after_cr, again, large, by_lesion],
        [BY_SUM, BY_RETURN_AFTER_CR, BY_RETURN, BY_RETURN_LARGE, BY_LESION],
        0,
    )
    return cause > 0, cause


def _carries(setting: Setting, history: _History) -> Bools:
    """Return whose PR stays PR although the sum says SD."""
    return {
        "recompute": np.zeros_like(history.confirmed),
        "after_confirmed_pr": history.confirmed,
        "always": history.responded,
    }[setting.policy["pr_carry_forward"]]


def _overall(
    table: Ints, target: Ints, nontarget: Ints, new: Ints, history: _History, setting: Setting
) -> Ints:
    """Return the overall response at one visit from the rule set's table."""
    _, n, m = table.shape
    place = (target.astype(np.intp) * n + nontarget) * m + new
    overall = table.ravel()[place]
    overall = choose(setting.baseline_known, overall, NE)
    rule = setting.policy["after_pd"]
    if rule == "pd_stays":
        return choose(history.progressed, PD, overall)
    if rule == "none":
        return choose(history.progressed, NONE, overall)
    return overall


def first_progression(overall: Ints) -> Ints:
    """Return the rank of each case's first PD, -1 where there is none."""
    progressed = overall == PD
    return rank_of_first(progressed)


def evaluable(overall: Ints) -> Bools:
    """Return at which visits there is a response other than NE."""
    return np.asarray((overall != NONE) & (overall != NE))
