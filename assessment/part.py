"""Responses of the whole disease and of its hepatic and extrahepatic part, by one engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict

import numpy as np

from assessment.attenuation import attenuation_falls
from assessment.code import NO_DAY, NON_TARGET, TARGET, Bools, Ints, choose
from assessment.course import Course
from assessment.criteria import Rules
from assessment.immune import ImmuneResponses, confirm_progression
from assessment.lesion_state import LesionStates, join_merged, lesion_states
from assessment.new_growth import growth_of
from assessment.new_lesion import NewLesions, find_new_lesions, new_lesion_codes
from assessment.no_target import no_target_reason
from assessment.response import (
    Margin,
    NonTargets,
    Setting,
    TimepointResponses,
    assess_timepoints,
)
from assessment.sums import Counted, Sums, count_targets, large_again, sum_targets, target_flags
from assessment.targets import Selection, select_targets
from assessment.visit_array import Packed, any_of_case, ever, filled, rows_of
from assessment.words import Words


@dataclass(frozen=True, slots=True)
class Reading:
    """Every lesion's role and state under a rule set, and its new lesions."""

    course: Course
    rules: Rules
    states: LesionStates
    selection: Selection
    new: NewLesions
    _kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def target_flags(self) -> Packed:
        """What is counted of each lesion, were it a target; worked out once for all parts."""
        if "target" not in self._kept:
            value, gone = self.states.value, self.states.gone
            rules = sum_rules(self.rules)
            self._kept["target"] = target_flags(value, gone, self.course.bounds, **rules)
        found: Packed = self._kept["target"]
        return found

    @property
    def nontarget_flags(self) -> Packed:
        """What is counted of each lesion, were it a non-target; worked out once for all parts."""
        if "nontarget" not in self._kept:
            states = self.states
            progressed = states.progressed & ~self.unproven
            self._kept["nontarget"] = NonTargets.flags(
                states.seen, states.gone, progressed, self.course.bounds
            )
        found: Packed = self._kept["nontarget"]
        return found

    @property
    def unproven(self) -> Bools:
        """(lesion, rank): an effusion without proof of malignancy; its growth is no progression."""
        words = self.rules.criteria.value("new_lesion", "effusion_findings")
        findings = self.course.words("finding")
        if not findings.words:
            return np.broadcast_to(np.zeros((1, 1), dtype=bool), self.course.row.shape)
        effusion = findings.holds(words).any(axis=1, keepdims=True)
        if not effusion.any():
            return np.broadcast_to(effusion, self.course.row.shape)
        positive = self.course.words("cytology").equals("positive")
        return np.asarray(effusion & ~ever(positive))

    @property
    def day(self) -> Ints:
        """(case, rank): date of a response that is no PD, NO_DAY where dates cannot be used."""
        if "day" not in self._kept:
            visits = self.course.visits
            usable = visits.dated[:, None] & visits.exists
            day = choose(usable, visits.last_day, NO_DAY)
            self._kept["day"] = rows_of(day, self.course.subject)
        found: Ints = self._kept["day"]
        return found


@dataclass(frozen=True, slots=True)
class Part:
    """Responses of a part of the lesions.

    Attributes
    ----------
    member : (lesion,) which lesions belong to it
    sums, nontargets, setting : what the responses were made from
    new : (case, rank) codes of `code.NEW_WORDS`, dated back
    no_target : (case,) why a case without target is NE
    found : the responses, progression that has to be confirmed as the outcomes judge it
    immune : what became of such progression, for the rule set that asks for it
    """

    member: Bools
    sums: Sums
    nontargets: NonTargets
    setting: Setting
    new: Ints
    no_target: Words
    found: TimepointResponses
    immune: ImmuneResponses | None = None

    @property
    def shown(self) -> Ints:
        """(case, rank): codes of the overall response in the rule set's own words."""
        return self.found.overall if self.immune is None else self.immune.shown


def read_lesion_states(course: Course, rules: Rules, *, select: str) -> Reading:
    """Return roles and states of the lesions under a rule set."""
    states = lesion_states(course, rules.criteria, rules.policy)
    selection = select_targets(course, states, rules.criteria, rules.policy, select=select)
    states = join_merged(course, states, selection.role)
    new = find_new_lesions(course, states, selection.role, rules.criteria, rules.policy)
    return Reading(course, rules, states, selection, new)


def moved_sums(reading: Reading, sums: Sums, moved: Callable[[Ints], Ints]) -> Sums:
    """Return the sums of all targets with the states that other lengths would give them.

    A lesion that is seen stays seen; so only nodes may change their state, and lesions that come
    back or are judged one by one. Sums and baselines stay those of the lengths themselves.

    Parameters
    ----------
    moved : gives the other lengths (lesion, rank) of the lesions at an index
    """
    states, rules = reading.states, sum_rules(reading.rules)
    target = reading.selection.role == TARGET
    sums = _returned_otherwise(reading, sums, moved, target & ~states.node)
    one_by_one = target & (states.node | (rules["lesion_percent"] is not None))
    if not one_by_one.any():
        return sums
    course, criteria = reading.course, reading.rules.criteria
    cases = np.flatnonzero(any_of_case(one_by_one, course.bounds))
    inside = np.zeros(len(course.bounds) - 1, dtype=bool)
    inside[cases] = True
    lesion = np.flatnonzero(inside[course.lesion_case])
    gone, own = rows_of(states.gone, lesion), moved(lesion)
    if criteria.measures_short_axis:
        normal = criteria.length("node", "gone_below_mm")
        by_length = states.node[lesion, None] & (states.value[lesion] >= 0)
        gone = np.where(by_length, own < normal, gone)
    bounds = np.append(0, np.cumsum(np.diff(course.bounds)[cases]))
    part = sum_targets(own, gone, target[lesion], bounds, **rules)
    changed = {}
    for name in ("all_gone", "any_present", "returned", "returned_large", "grown"):
        whole = getattr(sums, name).copy(order="F")
        whole[cases] = getattr(part, name)
        changed[name] = whole
    return replace(sums, **changed)


def _returned_otherwise(
    reading: Reading, sums: Sums, moved: Callable[[Ints], Ints], member: Bools
) -> Sums:
    """Return the sums with the lesions that vanished as large as other lengths make them."""
    states = reading.states
    nothing = states.gone & (states.value == 0)
    lesion = np.flatnonzero(nothing.any(axis=1) & member)
    value, gone = rows_of(states.value, lesion), rows_of(states.gone, lesion)
    flags = large_again(value, gone, moved(lesion), sum_rules(reading.rules)["reappears_from"])
    large = filled(sums.total.shape, value=False, dtype=bool)
    back, rank = np.nonzero(flags)
    large[reading.course.lesion_case[lesion[back]], rank] = True
    return replace(sums, returned_large=large)


class SumRules(TypedDict):
    """What the sums look for: options of `sums.sum_targets`."""

    reappears_from: int
    lesion_percent: int | None


def sum_rules(rules: Rules) -> SumRules:
    """Return what the sums look for under a rule set."""
    criteria = rules.criteria
    by_lesion = rules.policy["pd_unit"] == "lesion" and criteria.unit == "mm2"
    return {
        "reappears_from": criteria.amount("response", "reappears_from"),
        "lesion_percent": criteria.number("response", "pd_increase_percent") if by_lesion else None,
    }


@dataclass(frozen=True, slots=True)
class Members:
    """Some lesions, and the counts over the targets and the non-targets among them."""

    member: Bools
    targets: Counted
    nontargets: NonTargets

    @classmethod
    def of(cls, reading: Reading, member: Bools) -> Members:
        """Return the counts over the member lesions."""
        role, bounds = reading.selection.role, reading.course.bounds
        target, nontarget = member & (role == TARGET), member & (role == NON_TARGET)
        return cls(
            member,
            count_targets(reading.states.value, reading.target_flags, target, bounds),
            NonTargets.of_flags(reading.nontarget_flags, nontarget, bounds),
        )

    def without(self, part: Members) -> Members:
        """Return the counts over the others."""
        return Members(
            self.member & ~part.member,
            self.targets.without(part.targets),
            self.nontargets.without(part.nontargets),
        )


def assess_parts(
    reading: Reading, margin: Callable[[Sums], Margin] | None = None
) -> tuple[Part, Part, Part]:
    """Return the responses of all lesions, of the hepatic ones and of the others.

    Parameters
    ----------
    margin : gives the ends of the error of the sums over all lesions; their responses are wanted
    """
    whole = Members.of(reading, np.ones(len(reading.course.lesion_id), dtype=bool))
    hepatic = Members.of(reading, reading.states.hepatic)
    parts = (whole, hepatic, whole.without(hepatic))
    one, two, three = (
        assess_part(reading, members, margin=margin if members is whole else None)
        for members in parts
    )
    return one, two, three


def assess_part(
    reading: Reading,
    members: Members,
    *,
    dated: bool = True,
    margin: Callable[[Sums], Margin] | None = None,
) -> Part:
    """Return the responses of the member lesions.

    Parameters
    ----------
    dated : new lesions are dated back; else as they were recorded
    margin : gives the ends of the error of the sums
    """
    course, states, rules = reading.course, reading.states, reading.rules
    role, member, nontargets = reading.selection.role, members.member, members.nontargets
    sums = members.targets.sums
    no_target = no_target_reason(course, states, role, rules, member, sums.n_expected)
    immune = rules.criteria.has("immune")
    setting = Setting(
        criteria=rules.criteria,
        policy={**rules.policy, "after_pd": "recompute"} if immune else rules.policy,
        exists=course.exists,
        baseline_known=course.baseline_known,
        no_target_is_ne=~no_target.equals(""),
        day=reading.day,
        attenuation=attenuation_falls(course, states, role, member, rules.criteria),
    )
    new = new_lesion_codes(course, reading.new, member, rules.policy, dated=dated)
    ends = None if margin is None else margin(sums)
    found = assess_timepoints(sums, nontargets, new, setting, ends)
    part = Part(member, sums, nontargets, setting, new, no_target, found)
    return _with_confirmation(reading, part, dated=dated) if immune else part


def _with_confirmation(reading: Reading, part: Part, *, dated: bool) -> Part:
    """Return the part with its progression confirmed, open or taken back."""
    states, role = reading.states, reading.selection.role
    growth = growth_of(
        reading.course, states, role, reading.new, part.member, reading.rules.criteria, dated=dated
    )
    setting = replace(part.setting, policy=reading.rules.policy)
    immune = confirm_progression(part.found, part.sums, part.new, growth, setting)
    return replace(part, found=replace(part.found, overall=immune.judged), immune=immune)
