"""Which lesions are targets under a rule set, with the reason for each taken or left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from assessment.code import (
    NEW,
    NO_ROLE,
    NON_TARGET,
    NOT_MEASURED,
    ROLE_WORDS,
    TARGET,
    Bools,
    Ints,
    Texts,
    per_case,
    written,
)
from assessment.course import Course
from assessment.criteria import Criteria, Rules
from assessment.lesion_state import LesionStates
from assessment.measurand import NAMES, PER_UNIT, SHOWN_UNITS

BASELINE = (slice(None), 0)
"""The cells of (lesion, rank) arrays at baseline."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Role of each lesion, its order among the targets, and why.

    Attributes
    ----------
    role : (lesion,) code of `ROLE_WORDS`
    order : (lesion,) 1, 2, ... among the targets of its case, 0 otherwise
    reason : (lesion,) in words
    given : (case,) whether a selection came with the table
    """

    role: Ints
    order: Ints
    reason: Texts
    given: Bools


def select_targets(
    course: Course,
    states: LesionStates,
    criteria: Criteria,
    policy: Mapping[str, str],
    *,
    select: str,
) -> Selection:
    """Return the role of every lesion.

    A role given with the table wins unless `select` is "auto". Lesions without a given role, in a
    case where targets are given, are non-target at baseline and new later.

    Source: Eisenhauer 2009, sections 3.1 and 3.2; PMC5771991 table 4; limits by policy.
    """
    given = given_roles(course) if select != "auto" else np.full(len(course.lesion_id), -1)
    has_given = per_case((given == TARGET), course.bounds) > 0
    role, reason = _by_rules(course, states, criteria)
    candidate = (role == TARGET) & (given == -1) & ~has_given[course.lesion_case]
    rank = _order(course, states, candidate, policy)
    taken, left = _within_limits(course, states, candidate, rank, policy)
    reason = np.where(candidate & ~taken, left, reason)
    role = np.where((role == TARGET) & ~taken, NON_TARGET, role)
    reason = np.where(
        (given == -1) & has_given[course.lesion_case] & (role == NON_TARGET),
        "non-target: targets were given, and this lesion was not among them",
        reason,
    )
    role, reason = _apply_given(course, states, given, role, reason)
    role = np.where(states.fragment, NO_ROLE, role)
    reason = np.where(
        states.fragment, "fragment: added to " + course.lesion_id[states.parent], reason
    )
    role, reason = _zero_baseline(course, states, role, reason, policy)
    return Selection(
        role=role,
        order=_order_of_targets(course, states, role),
        reason=reason,
        given=has_given,
    )


def given_roles(course: Course) -> Ints:
    """Return the role given with each lesion, -1 where none is."""
    word = course.first_words("role_given")
    given = np.full(len(course.lesion_id), -1, dtype=np.int64)
    for code, name in enumerate(ROLE_WORDS[:3]):
        given[word.equals(name)] = code
    return given


def in_baseline(course: Course, states: LesionStates) -> Bools:
    """Return which lesions are there at baseline, enhancing, measured, or not."""
    recorded = course.recorded[:, 0]
    dead = ~course.words("status").at(BASELINE).equals(
        "absent"
    )  # a row with a viable diameter of 0 is a lesion without enhancement
    return np.asarray(recorded & (states.visible[:, 0] | dead))


def minimum_length(course: Course, criteria: Criteria) -> Ints:
    """Return the least measurable length of each lesion at baseline, from its slice thickness."""
    thickness = course.number("slice_thickness_mm")[:, 0]
    least = criteria.length("target", "minimum_mm")
    step = np.rint(np.nan_to_num(thickness) * 100).astype(np.int64)
    thick = step > criteria.length("target", "thick_slice_above_mm")
    return np.where(
        thick, np.maximum(least, criteria.number("target", "slice_factor") * step), least
    )


def _node_limits(states: LesionStates, criteria: Criteria) -> tuple[Ints, Ints]:
    """Return from which short axis a node is a target, and from which it is disease."""
    pairs = [
        np.where(
            states.porta_hepatis,
            criteria.length("node", f"porta_hepatis_{name}"),
            criteria.length("node", name),
        )
        for name in ("target_mm", "disease_mm")
    ]
    return pairs[0], pairs[1]


def _by_rules(course: Course, states: LesionStates, criteria: Criteria) -> tuple[Ints, Texts]:
    """Return the role each lesion could have, and why; limits come later."""
    value, size = states.value[:, 0], states.length[:, 0]
    least = minimum_length(course, criteria)
    node_target, node_disease = _node_limits(states, criteria)
    length = written(np.maximum(size, 0)) + " mm"
    name = np.array(NAMES, dtype=object)[states.measurand]
    part = np.where(states.in_mm, name, "longest diameter")
    viable = states.viable
    known = size != NOT_MEASURED  # the length decides, where there is one
    told = course.words("finding").at(BASELINE)
    finding = told.holds(criteria.value("target", "nontarget_findings"))
    treated = course.truth("treated_before")[:, 0] == 1
    ill_defined = course.truth("well_delineated")[:, 0] == 0
    status = course.words("status").at(BASELINE)
    never = criteria.value("target", "treated_before") == "never"
    unnamed = status.is_any(["present", "progressed", "equivocal"])
    missing = value == NOT_MEASURED
    cases: list[tuple[Bools, int, Texts | str]] = [
        (~in_baseline(course, states), NEW, "not there at baseline"),
        (finding, NON_TARGET, "non-target: " + told.text),
        (unnamed & missing, NON_TARGET, "non-target: " + status.text + ", without a length"),
        (
            missing,
            NON_TARGET,
            "not evaluable: no " + name + " at baseline; no other length stands in for it",
        ),
        (states.node & known & (size < node_disease), NO_ROLE, "normal node: short axis " + length),
        (
            states.node & known & (size < node_target),
            NON_TARGET,
            "non-target: node of short axis " + length,
        ),
        (status.equals("equivocal"), NON_TARGET, "non-target: equivocal"),
        (viable & (value == 0), NON_TARGET, "non-target: no arterial enhancement at baseline"),
        (value == 0, NEW, "not there at baseline"),
        (ill_defined, NON_TARGET, "non-target: not well delineated"),
        (treated & ~states.node & never, NON_TARGET, "non-target: treated before"),
        (~states.node & status.equals("too_small"), NON_TARGET, "non-target: too small to measure"),
        (
            ~states.node & known & (size < least),
            NON_TARGET,
            "non-target: " + part + " " + length + ", measurable from " + written(least) + " mm",
        ),
    ]
    amount = written(np.maximum(value, 0), PER_UNIT[criteria.unit])
    taken = "taken: " + name + " " + amount + f" {SHOWN_UNITS[criteria.unit]}"
    return _first_case(cases, taken)


def _first_case(
    cases: list[tuple[Bools, int, Texts | str]], otherwise: Texts
) -> tuple[Ints, Texts]:
    """Return role and reason of the first case that is true, else those of a target."""
    role = np.select([c for c, _, _ in cases], [r for _, r, _ in cases], TARGET)
    texts = [np.broadcast_to(np.asarray(t, dtype=object), role.shape) for _, _, t in cases]
    reason = np.select([c for c, _, _ in cases], texts, otherwise)
    return role.astype(np.int64), reason.astype(object)


def organ_codes(course: Course, states: LesionStates) -> Ints:
    """Return a code of each lesion's organ; all nodes are one organ."""
    named = course.first_words("organ")
    words = (*named.words, "lymph nodes", "liver", "unspecified")
    node, liver, unspecified = (words.index(word) for word in words[-3:])
    unnamed = np.where(states.hepatic, liver, unspecified)
    code = np.where(states.node, node, np.where(named.given, named.codes, unnamed))
    return code.astype(np.int64)


def _order(
    course: Course, states: LesionStates, candidate: Bools, policy: Mapping[str, str]
) -> Ints:
    """Return the place of each candidate in the order of taking, by policy; ties by lesion id."""
    value = -states.value[:, 0]
    place = np.arange(len(value))  # sorted by lesion id within the case
    if policy["target_selection"] == "one_per_organ_first":
        organ = organ_codes(course, states)
        first = np.lexsort((place, value, organ, course.lesion_case, ~candidate))
        round_ = rank_within(first, course.lesion_case * (organ.max(initial=0) + 1) + organ)
        order = np.lexsort((place, value, round_, course.lesion_case, ~candidate))
    else:
        order = np.lexsort((place, value, course.lesion_case, ~candidate))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = place
    return rank


def rank_within(order: Ints, group: Ints) -> Ints:
    """Return 0, 1, ... within each group, counted along the order."""
    by_group = order[np.argsort(group[order], kind="stable")]
    sorted_group = group[by_group]
    start = np.flatnonzero(np.r_[True, sorted_group[1:] != sorted_group[:-1]][: len(by_group)])
    length = np.diff(np.r_[start, len(by_group)])
    rank = np.empty(len(order), dtype=np.int64)
    rank[by_group] = np.arange(len(by_group)) - np.repeat(start, length)
    return rank


def _within_limits(
    course: Course, states: LesionStates, candidate: Bools, rank: Ints, policy: Mapping[str, str]
) -> tuple[Bools, Texts]:
    """Return who is taken, and why the others are left: per organ, per site, in all.

    As the three kinds of group are nested, cutting each in turn is the same as taking one by one.
    """
    organ = organ_codes(course, states)
    limits = [
        (organ + 1, int(policy["max_targets_per_organ"]), "in this organ"),
        (np.where(states.hepatic, 1, 0), int(policy["max_hepatic_targets"]), "in the liver"),
        (
            np.where(states.hepatic, 0, 1),
            int(policy["max_extrahepatic_targets"]),
            "outside the liver",
        ),
        (np.ones_like(organ), int(policy["max_targets"]), "in all"),
    ]
    taken = candidate.copy()
    reason = np.full(len(candidate), "", dtype=object)
    for group, limit, where in limits:
        index = np.flatnonzero(taken & (group > 0))
        index = index[np.argsort(rank[index], kind="stable")]
        key = course.lesion_case * (organ.max(initial=0) + 2) + group
        within = np.full(len(candidate), -1, dtype=np.int64)
        if len(index):
            sub = rank_within(np.arange(len(index)), key[index])
            within[index] = sub
        over = within >= limit
        reason[over] = f"non-target: at most {limit} targets {where}"
        taken &= ~over
    return taken, reason


def _apply_given(
    course: Course, states: LesionStates, given: Ints, role: Ints, reason: Texts
) -> tuple[Ints, Texts]:
    """Let given roles win, except that what is there at baseline cannot be new."""
    there = in_baseline(course, states)
    chosen = np.where((given == NEW) & there & ~states.node, NON_TARGET, given)
    words = np.array(ROLE_WORDS, dtype=object)[given]
    texts = np.where(
        chosen == given,
        words + ": as given",
        "non-target: given as new, but there at baseline",
    )
    known = given >= 0
    return np.where(known, chosen, role), np.where(known, texts, reason)


def _zero_baseline(
    course: Course, states: LesionStates, role: Ints, reason: Texts, policy: Mapping[str, str]
) -> tuple[Ints, Texts]:
    """Under `zero_baseline = non_target`, make targets whose sum is 0 at baseline non-target."""
    if policy["zero_baseline"] != "non_target":
        return role, reason
    target = role == TARGET
    nothing = per_case(target & (states.value[:, 0] != 0), course.bounds) == 0
    moved = target & nothing[course.lesion_case]
    text = "non-target: the baseline sum is 0 (policy zero_baseline)"
    return np.where(moved, NON_TARGET, role), np.where(moved, text, reason)


def _order_of_targets(course: Course, states: LesionStates, role: Ints) -> Ints:
    """Return 1, 2, ... for the targets of each case, largest at baseline first."""
    target = role == TARGET
    order = np.lexsort((np.arange(len(role)), -states.value[:, 0], course.lesion_case, ~target))
    rank = rank_within(order, course.lesion_case)
    return np.where(target, rank + 1, 0)


def no_target_reason(
    course: Course, states: LesionStates, role: Ints, rules: Rules, member: Bools
) -> Texts:
    """Return why a case without target is NE: a target could not be measured, or none enhanced.

    Only the member lesions are looked at; empty where the case is not NE for such a reason.
    """
    criteria, policy = rules.criteria, rules.policy
    other = member & (role == NON_TARGET)
    dead_lesion = other & states.viable & states.gone[:, 0]
    count = {
        "target": per_case(member & (role == TARGET), course.bounds),
        "unmeasured": per_case(member & _unmeasured(course, states, role), course.bounds),
        "alive": per_case(other & ~states.gone[:, 0], course.bounds),
        "dead": per_case(dead_lesion, course.bounds),
    }
    none = count["target"] == 0
    name = str(criteria.value("measurand", "hepatic"))
    enhances = bool(criteria.value("target", "needs_enhancement"))
    dead = none & (count["alive"] == 0) & (count["dead"] > 0) & enhances
    if policy["zero_baseline"] == "non_target":
        dead = np.zeros_like(dead)
    return np.select(
        [none & (count["unmeasured"] > 0), dead],
        [
            f"a lesion at baseline has no length that these criteria measure (liver: {name})",
            "no enhancing tumour at baseline (zero baseline)",
        ],
        "",
    ).astype(object)


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
