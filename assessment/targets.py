"""Which lesions are targets under a rule set, with the reason for each taken or left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    first_code,
)
from assessment.course import Course
from assessment.criteria import Criteria
from assessment.lesion_state import TOO_SMALL, LesionStates
from assessment.measurand import NAMES, PER_UNIT, SHOWN_UNITS
from assessment.phrase import amounts, labels, merged
from assessment.visit_array import per_case
from assessment.words import Told, Words

LARGEST_KEY = 2**62
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
    reason: Words
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
    queue = _queue(course, states, np.flatnonzero(candidate), policy)
    taken = _within_limits(course, states, candidate, queue, policy, reason)
    role = np.where((role == TARGET) & ~taken, NON_TARGET, role)
    other = (given == -1) & has_given[course.lesion_case] & (role == NON_TARGET)
    reason.put(other, "non-target: targets were given, and this lesion was not among them")
    role = _apply_given(course, states, given, role, reason)
    fragment = np.flatnonzero(states.fragment)
    role[fragment] = NO_ROLE
    if len(fragment):
        parents = course.lesion_words.at(states.parent[fragment])
        reason.put(fragment, merged("fragment: added to ", parents))
    role = _zero_baseline(course, states, role, reason, policy)
    return Selection(
        role=role,
        order=_order_of_targets(course, states, role),
        reason=reason.finished(),
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
    least = criteria.length("target", "minimum_mm")
    if "slice_thickness_mm" not in course.table.numbers:
        return np.full(len(course.lesion_case), least)
    thickness = course.number("slice_thickness_mm")[:, 0]
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


def _by_rules(course: Course, states: LesionStates, criteria: Criteria) -> tuple[Ints, Told]:
    """Return the role each lesion could have, and why; limits come later."""
    value, size = states.value[:, 0], states.length[:, 0]
    least = minimum_length(course, criteria)
    node_target, node_disease = _node_limits(states, criteria)
    known = size != NOT_MEASURED  # the length decides, where there is one
    finding, status = (course.words(name).at(BASELINE) for name in ("finding", "status"))
    treated = (course.truth("treated_before")[:, 0] == 1) & ~status.equals("progressed")
    ill_defined = course.truth("well_delineated")[:, 0] == 0
    never = criteria.value("target", "treated_before") == "never"
    unnamed = status.is_any(["present", "progressed", "equivocal"])
    missing = value == NOT_MEASURED
    told = _Reasons(states, least, criteria, finding, status)
    cases: list[tuple[Bools, int, str | Callable[[Ints], Words]]] = [
        (~in_baseline(course, states), NEW, "not there at baseline"),
        (finding.holds(criteria.value("target", "nontarget_findings")), NON_TARGET, told.finding),
        (unnamed & missing, NON_TARGET, told.unnamed),
        (missing, NON_TARGET, told.not_measured),
        (states.node & known & (size < node_disease), NO_ROLE, told.normal_node),
        (states.node & known & (size < node_target), NON_TARGET, told.small_node),
        (status.equals("equivocal"), NON_TARGET, "non-target: equivocal"),
        (
            states.viable & (value == 0),
            NON_TARGET,
            "non-target: no arterial enhancement at baseline",
        ),
        (value == 0, NEW, "not there at baseline"),
        (ill_defined, NON_TARGET, "non-target: not well delineated"),
        (treated & never, NON_TARGET, "non-target: treated before"),
        (status.equals(TOO_SMALL), NON_TARGET, "non-target: too small to measure"),
        (~states.node & known & (size < least), NON_TARGET, told.too_short),
    ]
    first = first_code([where for where, _, _ in cases], range(len(cases)), len(cases))
    reason = Told(len(value))
    for place, (_, _, text) in enumerate([*cases, (None, TARGET, told.taken)]):
        index = np.flatnonzero(first == place)
        if len(index):
            reason.put(index, text if isinstance(text, str) else text(index))
    roles = np.array([*(role for _, role, _ in cases), TARGET])
    return roles[first], reason


@dataclass(frozen=True, slots=True)
class _Reasons:
    """Words for the lesions at an index, with their lengths and names."""

    states: LesionStates
    least: Ints
    criteria: Criteria
    told: Words
    status: Words

    def _length(self, index: Ints, before: str, after: str = " mm") -> Words:
        """Return each lesion's length."""
        return amounts(np.maximum(self.states.length[index, 0], 0), 100, before, after)

    def finding(self, index: Ints) -> Words:
        """Say which finding is no target."""
        return merged("non-target: ", self.told.at(index))

    def unnamed(self, index: Ints) -> Words:
        """Say what a person called a lesion that has no length."""
        return merged("non-target: ", self.status.at(index), ", without a length")

    def not_measured(self, index: Ints) -> Words:
        """Say what was not measured."""
        name = labels(self.states.measurand[index], NAMES, "not evaluable: no ")
        return merged(name, " at baseline; no other length stands in for it")

    def normal_node(self, index: Ints) -> Words:
        """Say how short the axis of a normal node is."""
        return merged(self._length(index, "normal node: short axis "))

    def small_node(self, index: Ints) -> Words:
        """Say how short the axis of a node is that is no target."""
        return merged(self._length(index, "non-target: node of short axis "))

    def too_short(self, index: Ints) -> Words:
        """Say how long a lesion is, and how long a target has to be."""
        names = (*NAMES, "longest diameter")
        part = np.where(self.states.in_mm[index], self.states.measurand[index], len(NAMES))
        return merged(
            labels(part, names, "non-target: "),
            self._length(index, " ", " mm, measurable from "),
            amounts(self.least[index], 100, "", " mm"),
        )

    def taken(self, index: Ints) -> Words:
        """Say what was measured of a target."""
        unit = self.criteria.unit
        value = np.maximum(self.states.value[index, 0], 0)
        return merged(
            labels(self.states.measurand[index], NAMES, "taken: "),
            amounts(value, PER_UNIT[unit], " ", f" {SHOWN_UNITS[unit]}"),
        )


def organ_codes(course: Course, states: LesionStates) -> Ints:
    """Return a code of each lesion's organ; all nodes are one organ."""
    named = course.first_words("organ")
    words = (*named.words, "lymph nodes", "liver", "unspecified")
    node, liver, unspecified = (words.index(word) for word in words[-3:])
    unnamed = np.where(states.hepatic, liver, unspecified)
    code = np.where(states.node, node, np.where(named.given, named.codes, unnamed))
    return code.astype(np.int64)


def _queue(
    course: Course, states: LesionStates, candidate: Ints, policy: Mapping[str, str]
) -> Ints:
    """Return the candidates in the order of taking, case by case, by policy; ties by lesion id."""
    case, value = course.lesion_case[candidate], states.value[candidate, 0]
    if policy["target_selection"] != "one_per_organ_first":
        return candidate[_largest_first(case, value)]
    organ = organ_codes(course, states)
    own = organ[candidate]
    first = np.lexsort((-value, own, case))
    round_ = np.empty(len(first), dtype=np.int64)
    round_[first] = rank_within(case[first] * (organ.max(initial=0) + 1) + own[first])
    return candidate[np.lexsort((-value, round_, case))]


def _largest_first(case: Ints, value: Ints) -> Ints:
    """Return the order by case, then by falling value; equal ones stay as they are."""
    top = int(value.max(initial=0))
    span = top - int(value.min(initial=0)) + 1
    if (int(case.max(initial=0)) + 1) * span >= LARGEST_KEY:
        return np.lexsort((-value, case))
    return np.argsort(case * span + (top - value), kind="stable")


def rank_within(group: Ints) -> Ints:
    """Return 0, 1, ... within each group, in the order in which its members stand."""
    order = None if (np.diff(group) >= 0).all() else np.argsort(group, kind="stable")
    ordered = group if order is None else group[order]
    begins = np.ones(len(group), dtype=bool)
    begins[1:] = ordered[1:] != ordered[:-1]
    start = np.flatnonzero(begins)
    length = np.diff(np.append(start, len(group)))
    rank = np.arange(len(group)) - np.repeat(start, length)
    if order is None:
        return rank
    found = np.empty_like(rank)
    found[order] = rank
    return found


def _within_limits(
    course: Course,
    states: LesionStates,
    candidate: Bools,
    queue: Ints,
    policy: Mapping[str, str],
    reason: Told,
) -> Bools:
    """Return who is taken, and write why the others are left: per organ, per site, in all.

    As the three kinds of group are nested, cutting each in turn is the same as taking one by one.
    """
    organ = organ_codes(course, states)
    everybody = np.ones(len(organ), dtype=bool)
    limits = [
        (organ, everybody, "max_targets_per_organ", "in this organ"),
        (None, states.hepatic, "max_hepatic_targets", "in the liver"),
        (None, ~states.hepatic, "max_extrahepatic_targets", "outside the liver"),
        (None, everybody, "max_targets", "in all"),
    ]
    taken = candidate.copy()
    for group, inside, name, where in limits:
        limit = int(policy[name])
        index = queue[(taken & inside)[queue]]
        key = course.lesion_case[index]
        if group is not None:
            key = key * (int(organ.max(initial=0)) + 1) + group[index]
        over = index[rank_within(key) >= limit]
        reason.put(over, f"non-target: at most {limit} targets {where}")
        taken[over] = False
    return taken


def _apply_given(
    course: Course, states: LesionStates, given: Ints, role: Ints, reason: Told
) -> Ints:
    """Let given roles win, except that what is there at baseline cannot be new."""
    known = given >= 0
    if not known.any():
        return role
    there = in_baseline(course, states)
    chosen = np.where((given == NEW) & there & ~states.node, NON_TARGET, given)
    for code, word in enumerate(ROLE_WORDS[:3]):
        reason.put(known & (given == code), f"{word}: as given")
    reason.put(known & (chosen != given), "non-target: given as new, but there at baseline")
    return np.where(known, chosen, role)


def _zero_baseline(
    course: Course, states: LesionStates, role: Ints, reason: Told, policy: Mapping[str, str]
) -> Ints:
    """Under `zero_baseline = non_target`, make targets whose sum is 0 at baseline non-target."""
    if policy["zero_baseline"] != "non_target":
        return role
    target = role == TARGET
    nothing = per_case(target & (states.value[:, 0] != 0), course.bounds) == 0
    moved = target & nothing[course.lesion_case]
    reason.put(moved, "non-target: the baseline sum is 0 (policy zero_baseline)")
    return np.where(moved, NON_TARGET, role)


def _order_of_targets(course: Course, states: LesionStates, role: Ints) -> Ints:
    """Return 1, 2, ... for the targets of each case, largest at baseline first."""
    target = np.flatnonzero(role == TARGET)
    queue = target[_largest_first(course.lesion_case[target], states.value[target, 0])]
    order = np.zeros(len(role), dtype=np.int64)
    order[queue] = rank_within(course.lesion_case[queue]) + 1
    return order
