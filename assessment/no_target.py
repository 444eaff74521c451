"""Why a case without a target cannot be evaluated."""

from __future__ import annotations

import numpy as np

from assessment.code import NON_TARGET, NOT_MEASURED, Bools, Ints
from assessment.course import Course
from assessment.criteria import Rules
from assessment.lesion_state import LesionStates
from assessment.targets import BASELINE, in_baseline
from assessment.visit_array import per_case
from assessment.words import Words, first_of, one_word


def no_target_reason(
    course: Course,
    states: LesionStates,
    role: Ints,
    rules: Rules,
    member: Bools,
    n_targets: Ints,
) -> Words:
    """Return why a case without target is NE: a target could not be measured, or none enhanced.

    Only the member lesions are looked at, of which `n_targets` are targets; empty where the case
    is not NE for such a reason.
    """
    criteria, policy = rules.criteria, rules.policy
    none = n_targets == 0
    if not none.any():
        return one_word("", len(none))
    member = member & none[course.lesion_case]
    other = member & (role == NON_TARGET)
    dead_lesion = other & states.viable & states.gone[:, 0]
    count = {
        "unmeasured": per_case(member & _unmeasured(course, states, role), course.bounds),
        "alive": per_case(other & ~states.gone[:, 0], course.bounds),
        "dead": per_case(dead_lesion, course.bounds),
    }
    name = str(criteria.value("measurand", "hepatic"))
    enhances = bool(criteria.value("target", "needs_enhancement"))
    dead = none & (count["alive"] == 0) & (count["dead"] > 0) & enhances
    if policy["zero_baseline"] == "non_target":
        dead = np.zeros_like(dead)
    unmeasured = f"a lesion at baseline has no length that these criteria measure (liver: {name})"
    return first_of(
        [
            (none & (count["unmeasured"] > 0), unmeasured),
            (dead, "no enhancing tumour at baseline (zero baseline)"),
        ],
        "",
    )


def _unmeasured(course: Course, states: LesionStates, role: Ints) -> Bools:
    """Return which baseline lesions might be targets, had their measurand been given."""
    finding = course.words("finding").at(BASELINE).given
    named = course.words("status").at(BASELINE).is_any(["present", "progressed", "equivocal"])
    return np.asarray(
        (role == NON_TARGET)
        & in_baseline(course, states)
        & (states.value[:, 0] == NOT_MEASURED)
        & ~named
        & ~finding
        & ~course.first_words("role_given").given
    )
