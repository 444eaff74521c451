"""Fall of the targets' mean attenuation from baseline (Choi), as whole numbers."""

from __future__ import annotations

import numpy as np

from assessment.code import TARGET, Bools, Ints
from assessment.course import Course
from assessment.criteria import Criteria
from assessment.lesion_state import LesionStates
from assessment.visit_array import per_case

TENTHS = 10
UNKNOWN, NOT_FALLEN, FALLEN = -1, 0, 1


def attenuation_falls(
    course: Course, states: LesionStates, role: Ints, member: Bools, criteria: Criteria
) -> Ints | None:
    """(case, rank): FALLEN, NOT_FALLEN or UNKNOWN; None for rule sets that ask for no attenuation.

    Compared are the targets that are still there, with themselves at baseline: the fall of their
    mean is that of their sum. One of them without a value, now or at baseline, leaves it unknown,
    and so does a baseline of 0 HU or below, of which there is no percentage. Sums are of tenths
    of a HU, to which the lesion table was rounded.
    """
    if not criteria.has("attenuation"):
        return None
    given = course.number("mean_attenuation_hu")
    known = np.isfinite(given)
    tenths = np.where(known, np.rint(np.where(known, given, 0) * TENTHS), 0).astype(np.int64)
    there = (member & (role == TARGET))[:, None] & ~states.gone
    now = per_case(np.where(there, tenths, 0), course.bounds)
    before = per_case(np.where(there, tenths[:, :1], 0), course.bounds)
    lacking = per_case(there & ~(known & known[:, :1]), course.bounds) > 0
    percent = criteria.number("attenuation", "pr_decrease_percent")
    fallen = 100 * (before - now) >= percent * before
    usable = ~lacking & (before > 0)
    return np.where(usable, np.where(fallen, FALLEN, NOT_FALLEN), UNKNOWN).astype(np.int64)
