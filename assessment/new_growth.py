"""Growth of non-targets and new lesions since a visit, which may differ from case to case."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assessment.code import NEW, NO_ROLE, NON_TARGET, Bools, Ints
from assessment.course import Course
from assessment.criteria import Criteria
from assessment.lesion_state import LesionStates
from assessment.new_lesion import NewLesions
from assessment.targets import organ_codes, rank_within
from assessment.visit_array import first_rank, per_case


@dataclass(frozen=True, slots=True)
class Growth:
    """Lengths of the lesions that may confirm a progression.

    Attributes
    ----------
    bounds, lesion_case : as in `Course`
    length : (lesion, rank) hundredths of a mm, negative where there is none
    nontarget : (lesion,) is one
    progressed : (lesion, rank) a person called it so
    counting : (lesion, rank) is a new lesion that counts
    summed : (lesion,) is a new lesion of the new lesions' sum
    percent, least : growth of that sum: by the least it confirms, by both it is progression anew
    """

    bounds: Ints
    lesion_case: Ints
    length: Ints
    nontarget: Bools
    progressed: Bools
    counting: Bools
    summed: Bools
    percent: int
    least: int

    def _any(self, flag: Bools) -> Bools:
        """(case,): whether any of its lesions is flagged."""
        return np.asarray(per_case(flag, self.bounds) > 0)

    def _longer(self, since: Ints, rank: int) -> tuple[Bools, Ints]:
        """(lesion,): whether measured at both visits, and by how much it is longer now."""
        before = self.length[np.arange(len(self.length)), since]
        now = self.length[:, rank]
        both = (before >= 0) & (now >= 0)
        return both, np.where(both, now - before, 0)

    def nontargets_since(self, visit: Ints, rank: int) -> Bools:
        """(case,): a non-target that had progressed is longer, or another has progressed."""
        since = np.maximum(visit, 0)[self.lesion_case]
        had = self.progressed[np.arange(len(self.length)), since]
        both, longer = self._longer(since, rank)
        grows = both & (longer > 0) & had
        another = self.progressed[:, rank] & ~had
        return self._any(self.nontarget & (grows | another))

    def another_since(self, visit: Ints, rank: int) -> Bools:
        """(case,): a new lesion counts that did not count then."""
        since = np.maximum(visit, 0)[self.lesion_case]
        before = self.counting[np.arange(len(self.length)), since]
        return self._any(self.counting[:, rank] & ~before)

    def new_lesions_since(self, visit: Ints, rank: int) -> Bools:
        """(case,): their sum has grown enough, or one outside the sum has grown at all."""
        since = np.maximum(visit, 0)[self.lesion_case]
        then = self.counting[np.arange(len(self.length)), since]
        both, longer = self._longer(since, rank)
        total = per_case(np.where(then & both & self.summed, longer, 0), self.bounds)
        other = self._any(then & both & ~self.summed & (longer > 0))
        return np.asarray((total >= self.least) | other)

    def progressed_since(self, visit: Ints, rank: int) -> Bools:
        """(case,): accepted new lesions progress anew: another, their sum, or as a person says.

        Their sum is held to its smallest value from the visit on, as RECIST 1.1 holds that of the
        targets.
        """
        since = np.maximum(visit, 0)[self.lesion_case]
        ranks = np.arange(self.length.shape[1])
        window = (ranks >= since[:, None]) & (ranks < rank)
        then = self.counting[np.arange(len(self.length)), since] & self.summed
        now = then & (self.length[:, rank] >= 0)
        sums = per_case(np.where(now[:, None], np.maximum(self.length, 0), 0), self.bounds)
        lacking = per_case(now[:, None] & (self.length < 0), self.bounds) > 0
        inside = (ranks >= np.maximum(visit, 0)[:, None]) & (ranks < rank) & ~lacking
        low = np.where(inside, sums, np.iinfo(np.int64).max).min(axis=1)
        known = inside.any(axis=1) & (per_case(now, self.bounds) > 0)
        rise = np.where(known, sums[:, rank] - np.where(known, low, 0), 0)
        larger = (
            known & (rise >= self.least) & (100 * rise >= self.percent * np.where(known, low, 0))
        )
        said = self.progressed[:, rank] & ~(self.progressed & window).any(axis=1)
        called = self._any(said & self.counting[:, rank])
        return np.asarray(self.another_since(visit, rank) | larger | called)


def growth_of(
    course: Course,
    states: LesionStates,
    role: Ints,
    new: NewLesions,
    member: Bools,
    criteria: Criteria,
    *,
    dated: bool,
) -> Growth:
    """Return what the member lesions' growth is read from."""
    counting = (new.dated if dated else new.recorded) & member[:, None]
    return Growth(
        bounds=course.bounds,
        lesion_case=course.lesion_case,
        length=states.length,
        nontarget=member & (role == NON_TARGET),
        progressed=states.progressed,
        counting=counting,
        summed=_summed(course, states, counting & _may_be_new(role, states)[:, None], criteria),
        percent=criteria.number("response", "pd_increase_percent"),
        least=criteria.length("immune", "new_growth_mm"),
    )


def _may_be_new(role: Ints, states: LesionStates) -> Bools:
    """Return which lesions can be new: those of that role, and nodes that were normal."""
    return np.asarray((role == NEW) | ((role == NO_ROLE) & states.node))


def _summed(course: Course, states: LesionStates, counting: Bools, criteria: Criteria) -> Bools:
    """Return the new lesions that have a sum of their own: the first to come, then the largest."""
    first = first_rank(counting)
    place = np.arange(len(first))
    size = states.length[place, first]
    least = np.where(
        states.node,
        criteria.length("immune", "new_node_minimum_mm"),
        criteria.length("immune", "new_minimum_mm"),
    )
    taken = counting.any(axis=1) & (size >= least)
    order = np.lexsort((place, -size, first, course.lesion_case))
    organ = organ_codes(course, states)
    groups = [
        (course.lesion_case * (organ.max(initial=0) + 1) + organ, "max_new_targets_per_organ"),
        (course.lesion_case, "max_new_targets"),
    ]
    for group, limit in groups:
        inside = order[taken[order]]
        rank = np.full(len(first), -1)
        rank[inside] = rank_within(group[inside])
        taken &= rank < criteria.number("immune", limit)
    return np.asarray(taken)
