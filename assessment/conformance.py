"""Warnings: selections that a rule set would not make, tables that contradict themselves."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from assessment.code import NO_DAY, NON_TARGET, NOT_MEASURED, TARGET, Bools, Ints, Texts, choose
from assessment.course import Course
from assessment.lesion_state import TOO_SMALL, linked_lesions
from assessment.measurand import NAMES
from assessment.people import People
from assessment.phrase import amounts, joined, labels, spelled
from assessment.subject_response import SubjectResponses
from assessment.targets import BASELINE, given_roles, minimum_length, organ_codes
from assessment.visit_array import by_visit, filled, lowest_earlier, per_case
from assessment.warning import Warned
from assessment.words import Words, compacted

DATES_BACKWARDS = (
    "scan dates do not increase with the timepoint: correct the dates or the numbers of the "
    "timepoints; until then nothing that needs dates is given"
)
DATE_MISSING = (
    "other timepoints of this subject have dates, this one has none: give it; until then nothing "
    "that needs dates is given"
)
LONGEST_VISIT_DAYS = 14
"""Studies within so many days are one timepoint."""
FAR_APART_DAYS = 50 * 366
DATES_FAR_APART = (
    "two of this subject's dates lie more than 50 years apart: correct the one that stands for "
    "'unknown', or leave its cell empty"
)
TARGET_CALLED_PROGRESSED = (
    "a target progresses by its length, not by status progressed: give the length, or make the "
    "lesion non-target"
)
VISIT_NOT_LISTED = "lesions at a timepoint that the table of timepoints does not list"


def course_warnings(course: Course, late: list[tuple[str, int]]) -> list[dict[str, Any]]:
    """Return warnings that no rule set changes: dates, visits, contradicting rows."""
    visits = course.visits
    out = Warned(course, None)
    out.pairs(late, "after_cutoff", "after the data cut-off: left out")
    out.subjects(visits.no_dates.equals("dates_backwards"), "dates_backwards", DATES_BACKWARDS)
    undated = visits.exists & ((visits.first_day == NO_DAY) | (visits.last_day == NO_DAY))
    partly = undated & (visits.exists & ~undated).any(axis=1)[:, None]
    out.subject_visits(partly, "date_missing", DATE_MISSING)
    if visits.listed.any():
        out.subject_visits(visits.exists & ~visits.listed, "visit_not_listed", VISIT_NOT_LISTED)
    _scan_warnings(out, course)
    unread = ~course.baseline_known
    out.cases(unread, "no_baseline", "timepoint 0 was not read: responses are NE")
    for name in ("site", "node", "organ", "role_given"):
        if len(course.table.text(name).words) < 2:
            continue
        words = course.words(name)
        first = words.first().codes[:, None]
        differ = (words.given & (words.codes != first)).any(axis=1)
        text = f"{name} differs between visits: the first is used"
        out.lesions(differ, f"{name}_changes", text)
    for name in ("split_from", "merged_into"):
        named = course.first_words(name)
        if named.words:
            unlinked = linked_lesions(course, named) == np.arange(len(named.codes))
            told = partial(_link_text, name, named)
            out.lesions(named.given & unlinked, "unknown_link", told)
    return out.parts


def _link_text(name: str, named: Words, index: Any) -> Words:
    """Say which lesion is named that is not there."""
    text = f"{name} names no other lesion of this subject and reader: "
    return labels(named.codes[index], named.words, text)


def _scan_warnings(out: Warned, course: Course) -> None:
    """Warn of visits that last too long, and of scan dates outside their visit."""
    visits = course.visits
    dated = visits.exists & (visits.first_day != NO_DAY) & (visits.last_day != NO_DAY)
    length = np.where(dated, visits.last_day, 0) - np.where(dated, visits.first_day, 0)
    text = f"first and last scan of the visit lie more than {LONGEST_VISIT_DAYS} days apart"
    out.subject_visits(length > LONGEST_VISIT_DAYS, "visit_too_long", text)
    if not visits.listed.any():
        return
    scan = course.scan_day
    subject_of = course.subject[course.lesion_case]
    known = (scan != NO_DAY) & (dated & visits.listed)[subject_of]
    outside = (scan < visits.first_day[subject_of]) | (scan > visits.last_day[subject_of])
    text = "scan_on lies outside the visit's dates in the table of timepoints: those are used"
    out.visits(known & outside, "scan_outside_visit", text)


def people_warnings(
    course: Course, people: People, policy: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return warnings of the subjects' dates against their visits."""
    visits = course.visits
    out = Warned(course, None)
    window = int(policy["baseline_window_days"])
    known = visits.exists[:, 0] & (people.start != NO_DAY) & visits.dated
    gap = np.where(known, people.start, 0) - np.where(known, visits.last_day[:, 0], 0)
    images = np.where(visits.exists, visits.last_day, NO_DAY).max(axis=1)
    dead = (people.died != NO_DAY) & visits.dated
    passed = people.died != NO_DAY
    for where, code, text in (
        (
            passed & (people.alive > people.died),
            "alive_after_death",
            "last known alive after the date of death: the date of death is used",
        ),
        (
            passed & (people.start != NO_DAY) & (people.died < people.start),
            "death_before_start",
            "death before the start: no time to event that ends with it is given",
        ),
        (_days_between_dates(course, people) > FAR_APART_DAYS, "dates_far_apart", DATES_FAR_APART),
        (gap > window, "baseline_early", f"baseline more than {window} days before the start"),
        (gap < 0, "baseline_late", "baseline after the start"),
        (dead & (images > people.died), "images_after_death", "images after the date of death"),
        (~people.listed & people.handed_in, "not_in_subjects", "not in the table of subjects"),
    ):
        out.subjects(where, code, text)
    return out.parts


def _days_between_dates(course: Course, people: People) -> Ints:
    """Return the days between each subject's first and last date of any kind."""
    visits = course.visits
    own = [people.start, people.died, people.alive, people.new_therapy]
    seen = [
        choose(visits.exists[:, rank], days[:, rank], NO_DAY)
        for days in (visits.first_day, visits.last_day)
        for rank in range(days.shape[1])
    ]
    none = int(np.iinfo(np.int64).max)
    last = np.maximum.reduce([*own, *seen])
    first = np.minimum.reduce([choose(days == NO_DAY, none, days) for days in (*own, *seen)])
    return choose(last != NO_DAY, last - np.minimum(first, last), 0)


def conformance_warnings(result: SubjectResponses) -> list[dict[str, Any]]:
    """Return where a given selection breaks the rule set, and what else a person should look at."""
    course, states = result.course, result.reading.states
    criteria = result.rules.criteria
    role = result.reading.selection.role
    out = Warned(course, criteria.name)
    target = role == TARGET
    value, size = states.value[:, 0], states.length[:, 0]
    if result.reading.selection.given.any():  # else the rules chose, within the limits
        _limit_warnings(out, result)
    least = _least_of_target(result)
    small = target & (size > 0) & (size < least)
    out.lesions(small, "target_too_small", partial(_size_text, size, least))
    out.lesions(
        target & (value == NOT_MEASURED),
        "target_not_measured_at_baseline",
        lambda index: labels(states.measurand[index], NAMES, "no ", " at baseline"),
    )
    dead = target & states.viable & (value == 0)
    out.lesions(dead, "target_not_enhancing", "target without arterial enhancement at baseline")
    _status_warnings(out, result)
    return out.parts


def _least_of_target(result: SubjectResponses) -> Ints:
    """Return the least length of a target, of a node its short axis, in hundredths of a mm."""
    course, criteria = result.course, result.rules.criteria
    node = criteria.length("node", "target_mm")
    return np.where(result.reading.states.node, node, minimum_length(course, criteria))


def _limit_warnings(out: Warned, result: SubjectResponses) -> None:
    """Warn of more targets than allowed, in all, in the liver or outside, in an organ."""
    course, states = result.course, result.reading.states
    policy = result.rules.policy
    target = result.reading.selection.role == TARGET
    limits = [
        (target, "max_targets", "targets"),
        (target & states.hepatic, "max_hepatic_targets", "hepatic_targets"),
        (target & ~states.hepatic, "max_extrahepatic_targets", "extrahepatic_targets"),
    ]
    for chosen, name_of_limit, words in limits:
        limit = int(policy[name_of_limit])
        count = per_case(chosen, course.bounds)
        text = f" {words.replace('_', ' ')} given, at most {limit}"
        out.cases(count > limit, f"too_many_{words}", partial(_count_text, count, text))
    crowded = _crowded_organs(course, organ_codes(course, states), target, policy)
    out.lesions(
        crowded,
        "too_many_in_organ",
        f"more than {policy['max_targets_per_organ']} targets in this organ",
    )


def _count_text(count: Ints, text: str, index: Any) -> Words:
    """Say how many there are."""
    return spelled(count[index], lambda n: f"{n}{text}")


def _size_text(size: Ints, least: Ints, index: Any) -> Texts:
    """Say how long a target is, and how long it had to be."""
    own = amounts(size[index], before="target of ", after=" mm, measurable from ")
    return joined(own, amounts(least[index], after=" mm"))


def _crowded_organs(
    course: Course,
    organ: Ints,
    target: Bools,
    policy: Any,
) -> Bools:
    """Return the targets in organs that hold more of them than allowed."""
    key = course.lesion_case * (organ.max(initial=0) + 1) + organ
    crowd = key[target]
    found, place = compacted(crowd, int(key.max(initial=0)) + 1)
    count = np.bincount(place, minlength=len(found))
    crowded = np.zeros(len(key), dtype=bool)
    crowded[target] = count[place] > int(policy["max_targets_per_organ"])
    return crowded


def _status_warnings(out: Warned, result: SubjectResponses) -> None:
    """Warn of unfit targets, of status against length, and of growing non-targets."""
    course, states = result.course, result.reading.states
    target = result.reading.selection.role == TARGET
    for column, bad, code, words in (
        ("well_delineated", 0, "target_not_well_delineated", "target that is not well delineated"),
        ("treated_before", 1, "target_treated_before", "target that was treated before"),
    ):
        out.lesions(target & (course.truth(column)[:, 0] == bad), code, words)
    counted = result.reading.selection.role <= NON_TARGET
    called = target[:, None] & states.progressed
    out.visits(called, "target_called_progressed", TARGET_CALLED_PROGRESSED)
    status = course.words("status")
    denied = states.overruled & counted[:, None]
    denied[:, 0] |= _large_but_too_small(result)
    out.visits(
        denied,
        "status_contradicts_length",
        lambda index: labels(
            status.codes[index], status.words, "status ", " beside a length: the status is used"
        ),
    )
    given = given_roles(course)
    late = (given == TARGET) & ~course.recorded[:, 0]
    out.lesions(late, "target_not_at_baseline", "given as target, but without a row at baseline")
    grown = _grown_nontargets(result)
    out.visits(grown, "nontarget_grows", "non-target grew: progression only if a finding says so")


def _large_but_too_small(result: SubjectResponses) -> Bools:
    """Return which lesions are kept from being targets as too small beside a length that is not."""
    course, states = result.course, result.reading.states
    selection = result.reading.selection
    called = course.words("status").at(BASELINE).equals(TOO_SMALL)
    if not called.any():
        return called
    least = _least_of_target(result)
    large = states.length[:, 0] >= least
    free = (given_roles(course) < 0) & (selection.role == NON_TARGET)
    return np.asarray(called & large & free)


def _grown_nontargets(result: SubjectResponses) -> Bools:
    """Return where a measured non-target grew by the rule set's flag from its smallest length."""
    criteria, states = result.rules.criteria, result.reading.states
    found = filled(states.value.shape, value=False, dtype=bool)
    lesion = np.flatnonzero(result.reading.selection.role == NON_TARGET)
    value = by_visit(states.length_of(lesion))
    huge = int(np.iinfo(value.dtype).max)
    low = lowest_earlier(np.where(value >= 0, value, huge), huge)
    known = (value >= 0) & (low != huge)
    low = np.where(known, low, 0)
    growth = np.where(known, value - low, 0)
    percent = criteria.number("nontarget", "growth_flag_percent")
    large = (100 * growth >= percent * low) & (
        growth >= criteria.length("nontarget", "growth_flag_mm")
    )
    found[lesion] = large & known
    return found
