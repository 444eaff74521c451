"""Early tumour shrinkage and depth of response, on the hepatic targets' own sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from assessment.code import PD, Bools, Ints, choose
from assessment.phrase import percentages
from assessment.sums import Sums
from assessment.visit_array import earlier, first_rank
from assessment.words import Words, first_of, one_word

EARLY_SHRINKAGE_PERCENT = 20
"""Strictly more than this decrease at the first follow-up. Source: the published analysis."""


@dataclass(frozen=True, slots=True)
class Depth:
    """Per case: by how much a sum fell, and where.

    Attributes
    ----------
    known : whether there is an answer
    decrease, baseline : hundredths of a mm; the answer is 100 decrease / baseline percent
    rank : visit of it
    reason : in words
    """

    known: Bools
    decrease: Ints
    baseline: Ints
    rank: Ints
    reason: Words

    @property
    def early_shrinkage(self) -> Bools:
        """(case,): the decrease is strictly more than 20 %."""
        return self.known & (100 * self.decrease > EARLY_SHRINKAGE_PERCENT * self.baseline)


def early_shrinkage(sums: Sums, exists: Bools, policy: Mapping[str, str]) -> Depth:
    """Return the decrease of the sum at the first follow-up."""
    follow_up = exists.copy()
    follow_up[:, 0] = False
    wanted = follow_up
    if policy["ets_incomplete_first_followup"] != "missing":
        wanted = follow_up & sums.complete
    rank = first_rank(wanted)
    case = np.arange(len(rank))
    measured = np.asarray(wanted.any(axis=1) & sums.complete[case, rank])
    has_baseline = np.asarray(sums.baseline > 0)
    decrease = sums.baseline - sums.total[case, rank]
    known = measured & has_baseline
    reason = first_of(
        [
            (sums.n_expected == 0, "no hepatic target"),
            (~has_baseline, "hepatic sum at baseline is zero or not complete"),
            (np.asarray(~follow_up.any(axis=1)), "no follow-up"),
            (~measured, "hepatic targets not all measured at the first follow-up"),
        ],
        percentages(-decrease, sums.baseline, "", " at the first follow-up"),
    )
    return Depth(known, decrease, sums.baseline, rank, reason)


def depth_of_response(
    sums: Sums, overall: Ints, exists: Bools, eligible: Bools, policy: Mapping[str, str]
) -> Depth:
    """Return the largest decrease of the sum from baseline, first PD included, and where.

    Parameters
    ----------
    eligible : (case,) subjects that have a depth of response, by policy
    """
    found, decrease, rank = _deepest(sums, _until(overall, exists, policy))
    has_baseline = np.asarray(sums.baseline > 0)
    reason = first_of(
        [
            (~eligible, "no disease control"),
            (sums.n_expected == 0, "no hepatic target"),
            (~has_baseline, "hepatic sum at baseline is zero or not complete"),
            (~found, "hepatic targets never all measured after baseline"),
        ],
        percentages(-decrease, sums.baseline, "", " from baseline"),
    )
    return Depth(eligible & has_baseline & found, decrease, sums.baseline, rank, reason)


def best_change(sums: Sums, overall: Ints, exists: Bools, policy: Mapping[str, str]) -> Depth:
    """Return the largest decrease of the sum from baseline up to first PD, of everybody."""
    within = _until(overall, exists, {**policy, "dpr_until": "first_pd"})
    found, decrease, rank = _deepest(sums, within)
    nothing = one_word("", len(rank))
    return Depth((sums.baseline > 0) & found, decrease, sums.baseline, rank, nothing)


def _deepest(sums: Sums, visits: Bools) -> tuple[Bools, Ints, Ints]:
    """Return who has a complete sum at one of the visits, by how much the least fell, and where."""
    within = visits & sums.complete
    total = choose(within, sums.total, np.iinfo(np.int64).max)
    least, rank = total[:, 0].copy(), np.zeros(len(total), dtype=np.int64)
    for place in range(1, total.shape[1]):
        less = total[:, place] < least
        rank = choose(less, place, rank)
        least = choose(less, total[:, place], least)
    found = np.asarray(within.any(axis=1))
    return found, choose(found, sums.baseline - least, 0), rank


def _until(overall: Ints, exists: Bools, policy: Mapping[str, str]) -> Bools:
    """Return the follow-up visits that depth of response looks at."""
    follow_up = exists & (np.arange(exists.shape[1]) > 0)
    if policy["dpr_until"] == "end":
        return np.asarray(follow_up)
    return np.asarray(follow_up & ~earlier(overall == PD))
