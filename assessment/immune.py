"""Progression that must be confirmed (iRECIST): its state from visit to visit.

Source: Seymour 2017, Lancet Oncol 18:e143, tables 2 and 3; the EORTC's answers to frequent
questions for growth in small steps and for responses while new lesions persist.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assessment.code import (
    CR,
    I_CPD,
    I_CR,
    I_NON_CR_NON_PD,
    I_PR,
    I_SD,
    I_UPD,
    NE,
    NEW_NO,
    NEW_YES,
    NO_DAY,
    NON_CR_NON_PD,
    NONE,
    PD,
    PR,
    SD,
    Bools,
    Ints,
)
from assessment.criteria import overall_table
from assessment.new_growth import Growth
from assessment.response import Setting, TimepointResponses
from assessment.sums import Sums
from assessment.visit_array import ever

I_WORDS = {CR: I_CR, PR: I_PR, SD: I_SD, NON_CR_NON_PD: I_NON_CR_NON_PD}
BETTER = {CR: 0, PR: 1, SD: 2, PD: 3}
"""Order of target responses; the others cannot be compared."""
(
    BY_TARGET_GROWTH, BY_OTHER_KIND, BY_NONTARGET_GROWTH, BY_NEW_GROWTH, BY_ANOTHER_NEW,
    UNCONFIRMED, TOO_EARLY, RESET, RESET_DESPITE_NEW,
) = range(1, 10)  # fmt: skip
"""What the state did at a visit; 0: nothing to say."""


@dataclass(frozen=True, slots=True)
class ImmuneResponses:
    """What becomes of the responses when progression has to be confirmed.

    Attributes
    ----------
    shown : (case, rank) codes with the words of iRECIST
    judged : (case, rank) codes for the outcomes: PD where a progression began that was confirmed
        or never taken back, NE at a visit whose progression was
    why : (case, rank) what the state did
    late : (case, rank) confirmed later than is usual
    confirmed : (case,) whether progression was confirmed
    """

    shown: Ints
    judged: Ints
    why: Ints
    late: Bools
    confirmed: Bools


@dataclass(slots=True)
class _State:
    """What earlier visits leave behind, by case: -1 stands for no visit."""

    anchor: Ints
    settled: Ints
    done: Bools


def confirm_progression(
    found: TimepointResponses, sums: Sums, new: Ints, growth: Growth, setting: Setting
) -> ImmuneResponses:
    """Return the responses under the rule that progression has to be confirmed.

    Parameters
    ----------
    found : the responses of RECIST 1.1, visit by visit
    new : (case, rank) codes of `code.NEW_WORDS`
    growth : growth of non-targets and of new lesions
    """
    shape = found.overall.shape
    state = _State(
        np.full(shape[0], -1), np.full(shape[0], -1), np.zeros(shape[0], dtype=bool)
    )  # fmt: skip
    table = overall_table(setting.criteria)
    shown, judged = np.full(shape, NONE), np.full(shape, NONE)
    why, late = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
    for rank in range(1, shape[1]):
        there = setting.exists[:, rank]
        raw = _without_settled(found, new, growth, setting, table, state, rank)
        cause = _causes(found, sums, growth, setting, state, rank)
        pending = state.anchor >= 0
        early, beyond = _interval(setting, state.anchor, rank)
        open_ = there & pending & ~state.done
        confirms = open_ & (cause > 0) & ~early & (raw != NE)
        better = open_ & ~confirms & _better(found, new, state.anchor, rank, raw)
        milder = _milder(table, found, rank)
        raw = np.where(better, milder, raw)
        begins = there & ~pending & ~state.done & (raw == PD)
        stays = open_ & ~confirms & (raw == PD)
        resets = open_ & ~confirms & (raw != PD) & (raw != NE)
        code = _with_words(raw)
        code = np.where(begins | stays, I_UPD, np.where(confirms, I_CPD, code))
        code = np.where(there & state.done & (raw == PD), I_CPD, code)
        shown[:, rank] = np.where(there, code, NONE)
        taken = np.where(raw == PD, NE, raw)
        judged[:, rank] = np.where(there & ~state.done, taken, np.where(there, raw, NONE))
        judged[confirms, state.anchor[confirms]] = PD
        late[:, rank] = confirms & beyond
        why[:, rank] = np.select(
            [confirms, better, resets, stays & (cause > 0), stays],
            [cause, RESET_DESPITE_NEW, RESET, TOO_EARLY, UNCONFIRMED],
            0,
        )
        state.done |= confirms
        state.anchor = np.where(begins, rank, np.where(resets, -1, state.anchor))
        kept = (state.settled >= 0) & (new[:, rank] == NEW_YES)
        state.settled = np.where(better, rank, np.where(kept | ~there, state.settled, -1))
    open_end = (state.anchor >= 0) & ~state.done
    judged[open_end, state.anchor[open_end]] = PD
    shown, judged = _after_confirmation(shown, judged, setting)
    return ImmuneResponses(shown, judged, why, late, state.done)


def _without_settled(
    found: TimepointResponses,
    new: Ints,
    growth: Growth,
    setting: Setting,
    table: Ints,
    state: _State,
    rank: int,
) -> Ints:
    """Return the overall response at a visit; new lesions that a response outlived do not count.

    They keep a complete response from being one.
    """
    accepted = (state.settled >= 0) & (new[:, rank] == NEW_YES)
    accepted &= ~growth.progressed_since(state.settled, rank)
    milder = _milder(table, found, rank)
    raw = np.where(accepted, milder, found.overall[:, rank])
    return np.where(setting.baseline_known, raw, NE)


def _milder(table: Ints, found: TimepointResponses, rank: int) -> Ints:
    """Return the overall response without the new lesions, which let no response be complete."""
    target, nontarget = found.target[:, rank], found.nontarget[:, rank]
    code = table[target, nontarget, NEW_NO]
    has_target = np.isin(target, (CR, PR, SD, PD))
    return np.where(code == CR, np.where(has_target, PR, NON_CR_NON_PD), code)


def _causes(
    found: TimepointResponses,
    sums: Sums,
    growth: Growth,
    setting: Setting,
    state: _State,
    rank: int,
) -> Ints:
    """Return what would confirm each case's open progression at a visit, 0 where nothing does."""
    case = np.arange(len(state.anchor))
    at = np.maximum(state.anchor, 0)
    target, before = found.target[:, rank], found.target[case, at]
    nontarget, other_before = found.nontarget[:, rank], found.nontarget[case, at]
    rise = sums.total[:, rank] - sums.total[case, at]
    least = setting.criteria.length("immune", "target_growth_mm")
    sum_grows = (target == PD) & (before == PD) & (rise >= least) & sums.complete[case, at]
    other_kind = ((target == PD) & (before != PD)) | ((nontarget == PD) & (other_before != PD))
    nontarget_grows = (other_before == PD) & growth.nontargets_since(at, rank)
    causes = [
        (sum_grows, BY_TARGET_GROWTH),
        (other_kind, BY_OTHER_KIND),
        (nontarget_grows, BY_NONTARGET_GROWTH),
        (growth.another_since(at, rank), BY_ANOTHER_NEW),
        (growth.new_lesions_since(at, rank), BY_NEW_GROWTH),
    ]
    code = np.select([where for where, _ in causes], [code for _, code in causes], 0)
    return np.where(state.anchor >= 0, code, 0)


def _interval(setting: Setting, anchor: Ints, rank: int) -> tuple[Bools, Bools]:
    """Return who is too early to confirm, and who later than usual; without dates nobody is."""
    start = setting.day[np.arange(len(anchor)), np.maximum(anchor, 0)]
    day = setting.day[:, rank]
    known = (anchor >= 0) & (start != NO_DAY) & (day != NO_DAY)
    days = np.where(known, day, 0) - np.where(known, start, 0)
    earliest = setting.criteria.number("immune", "earliest_days")
    latest = setting.criteria.number("immune", "usual_latest_days")
    return known & (days < earliest), known & (days > latest)


def _better(found: TimepointResponses, new: Ints, anchor: Ints, rank: int, raw: Ints) -> Bools:
    """Return whose targets respond better than at the iUPD, although new lesions persist.

    A response that was there before the iUPD, and no change since, is none.
    """
    at = np.maximum(anchor, 0)
    target, before = found.target[:, rank], found.target[np.arange(len(anchor)), at]
    order = np.full(max(BETTER) + 10, -1)
    order[list(BETTER)] = list(BETTER.values())
    one, other = order[target], order[before]
    improved = (one >= 0) & (other >= 0) & (one < other) & (target != PD)
    only_new = (new[:, rank] == NEW_YES) & (found.nontarget[:, rank] != PD)
    return np.asarray(improved & only_new & (raw == PD))


def _with_words(raw: Ints) -> Ints:
    """Return the codes of iRECIST; NE, NED and nothing keep theirs."""
    code = raw.copy()
    for plain, immune in I_WORDS.items():
        code[raw == plain] = immune
    return code


def _after_confirmation(shown: Ints, judged: Ints, setting: Setting) -> tuple[Ints, Ints]:
    """Return the codes with visits after the confirmation as the policy `after_pd` wants them."""
    rule = setting.policy["after_pd"]
    if rule == "recompute":
        return shown, judged
    sure = shown == I_CPD
    after = ever(sure)
    after[:, 1:] = after[:, :-1].copy()
    after[:, 0] = False
    after &= setting.exists
    if rule == "pd_stays":
        return np.where(after, I_CPD, shown), np.where(after, PD, judged)
    return np.where(after, NONE, shown), np.where(after, NONE, judged)
