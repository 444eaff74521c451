"""Warnings: selections that a rule set would not make, tables that contradict themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from assessment.code import (
    NO_DAY,
    NON_TARGET,
    NOT_MEASURED,
    TARGET,
    Bools,
    Ints,
    Texts,
    days_of,
    per_case,
    written,
)
from assessment.course import Course
from assessment.lesion_state import linked_lesions
from assessment.measurand import NAMES
from assessment.people import People
from assessment.response_table import Warnings, as_table
from assessment.subject_response import SubjectResponses
from assessment.targets import given_roles, minimum_length, organ_codes

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


class _Collector:
    """Gathers warnings as columns."""

    def __init__(self, course: Course, criteria: str | None) -> None:
        self.course = course
        self.criteria = criteria
        self.rows: list[tuple[Any, ...]] = []

    def subject(self, subject: str, timepoint: int | None, code: str, text: str) -> None:
        """Warn of a subject, whoever reads it."""
        self.rows.append((subject, None, self.criteria, None, timepoint, code, text))

    def cases(self, where: Bools, code: str, message: str | Texts) -> None:
        """Warn of cases."""
        text = np.broadcast_to(np.asarray(message, dtype=object), where.shape)
        for case in np.flatnonzero(where).tolist():
            self._add(case, None, None, code, text[case])

    def lesions(self, where: Bools, code: str, message: str | Texts) -> None:
        """Warn of lesions."""
        text = np.broadcast_to(np.asarray(message, dtype=object), where.shape)
        for lesion in np.flatnonzero(where):
            case = self.course.lesion_case[lesion]
            self._add(case, self.course.lesion_id[lesion], None, code, text[lesion])

    def visits(self, where: Bools, code: str, message: str | Texts) -> None:
        """Warn of lesions at visits; `where` is (lesion, rank)."""
        text = np.broadcast_to(np.asarray(message, dtype=object), where.shape)
        for lesion, rank in zip(*np.nonzero(where), strict=True):
            case = self.course.lesion_case[lesion]
            timepoint = self.course.visits.timepoint[self.course.subject[case], rank]
            name = self.course.lesion_id[lesion]
            self._add(case, name, int(timepoint), code, text[lesion, rank])

    def _add(
        self, case: int, lesion: str | None, timepoint: int | None, code: str, text: str
    ) -> None:
        """Add one row."""
        subject = self.course.visits.subject_id[self.course.subject[case]]
        reader = self.course.reader[case]
        self.rows.append((subject, reader, self.criteria, lesion, timepoint, code, text))

    def frame(self) -> pd.DataFrame:
        """Return the table."""
        return warning_frame(self.rows)


def warning_frame(rows: Iterable[tuple[Any, ...]]) -> pd.DataFrame:
    """Return warnings as a table: subject, reader, criteria, lesion, timepoint, code, message."""
    names = ("subject_id", "reader", "criteria", "lesion_id", "timepoint", "code", "message")
    columns: list[Any] = list(zip(*rows, strict=True)) or [()] * len(names)
    return as_table(dict(zip(names, map(list, columns), strict=True)), Warnings)


def course_warnings(course: Course, late: list[tuple[str, int]]) -> pd.DataFrame:
    """Return warnings that no rule set changes: dates, visits, contradicting rows."""
    visits = course.visits
    out = _Collector(course, None)
    for subject, timepoint in late:
        out.subject(subject, timepoint, "after_cutoff", "after the data cut-off: left out")
    for subject in visits.subject_id[visits.no_dates == "dates_backwards"]:
        out.subject(subject, None, "dates_backwards", DATES_BACKWARDS)
    undated = visits.exists & ((visits.first_day == NO_DAY) | (visits.last_day == NO_DAY))
    partly = undated & (visits.exists & ~undated).any(axis=1)[:, None]
    for place, rank in zip(*np.nonzero(partly), strict=True):
        subject, timepoint = visits.subject_id[place], int(visits.timepoint[place, rank])
        out.subject(subject, timepoint, "date_missing", DATE_MISSING)
    if visits.listed.any():
        for place, rank in zip(*np.nonzero(visits.exists & ~visits.listed), strict=True):
            subject, timepoint = visits.subject_id[place], int(visits.timepoint[place, rank])
            out.subject(subject, timepoint, "visit_not_listed", VISIT_NOT_LISTED)
    _scan_warnings(out, course)
    unread = ~course.baseline_known
    out.cases(unread, "no_baseline", "timepoint 0 was not read: responses are NE")
    for name in ("site", "node", "organ", "role_given"):
        words = course.column(name, "")
        first = course.first_word(name)[:, None]
        differ = ((words != "") & (words != first)).any(axis=1)
        text = f"{name} differs between visits: the first is used"
        out.lesions(differ, f"{name}_changes", text)
    for name in ("split_from", "merged_into"):
        named = course.first_word(name)
        unknown = (named != "") & (linked_lesions(course, named) == np.arange(len(named)))
        told = f"{name} names no other lesion of this subject and reader: " + named
        out.lesions(unknown, "unknown_link", told)
    return out.frame()


def _scan_warnings(out: _Collector, course: Course) -> None:
    """Warn of visits that last too long, and of scan dates outside their visit."""
    visits = course.visits
    dated = visits.exists & (visits.first_day != NO_DAY) & (visits.last_day != NO_DAY)
    length = np.where(dated, visits.last_day, 0) - np.where(dated, visits.first_day, 0)
    text = f"first and last scan of the visit lie more than {LONGEST_VISIT_DAYS} days apart"
    for place, rank in zip(*np.nonzero(length > LONGEST_VISIT_DAYS), strict=True):
        subject, timepoint = visits.subject_id[place], int(visits.timepoint[place, rank])
        out.subject(subject, timepoint, "visit_too_long", text)
    scan = np.append(days_of(course.table["scan_on"]), NO_DAY)[course.row]
    subject_of = course.subject[course.lesion_case]
    known = (scan != NO_DAY) & (dated & visits.listed)[subject_of]
    outside = (scan < visits.first_day[subject_of]) | (scan > visits.last_day[subject_of])
    text = "scan_on lies outside the visit's dates in the table of timepoints: those are used"
    out.visits(known & outside, "scan_outside_visit", text)


def modality_warnings(timepoints: pd.DataFrame | None) -> pd.DataFrame:
    """Return the visits imaged by another modality than the baseline."""
    if timepoints is None:
        return warning_frame([])
    changed = timepoints[timepoints["modality_changed"].fillna(value=False)]
    text = "another modality than at baseline: lengths may not be comparable"
    ids, numbers = changed["subject_id"].tolist(), changed["timepoint"].tolist()
    return warning_frame(
        (subject, None, None, None, number, "modality_changed", text)
        for subject, number in zip(ids, numbers, strict=True)
    )


def people_warnings(course: Course, people: People, policy: Mapping[str, str]) -> pd.DataFrame:
    """Return warnings of the subjects' dates against their visits."""
    visits = course.visits
    out = _Collector(course, None)
    window = int(policy["baseline_window_days"])
    known = visits.exists[:, 0] & (people.start != NO_DAY) & (visits.no_dates == "")
    gap = np.where(known, people.start, 0) - np.where(known, visits.last_day[:, 0], 0)
    images = np.where(visits.exists, visits.last_day, NO_DAY).max(axis=1)
    dead = (people.died != NO_DAY) & (visits.no_dates == "")
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
        for subject in visits.subject_id[where]:
            out.subject(subject, None, code, text)
    return out.frame()


def _days_between_dates(course: Course, people: People) -> Ints:
    """Return the days between each subject's first and last date of any kind."""
    visits = course.visits
    own = np.stack([people.start, people.died, people.alive, people.new_therapy], axis=1)
    seen = [np.where(visits.exists, d, NO_DAY) for d in (visits.first_day, visits.last_day)]
    days = np.concatenate([*seen, own], axis=1)
    known = days != NO_DAY
    last = np.where(known, days, NO_DAY).max(axis=1)
    first = np.where(known, days, np.iinfo(np.int64).max).min(axis=1)
    return np.where(known.any(axis=1), last - np.minimum(first, last), 0)


def conformance_warnings(result: SubjectResponses) -> pd.DataFrame:
    """Return where a given selection breaks the rule set, and what else a person should look at."""
    course, states = result.course, result.reading.states
    criteria, policy = result.rules.criteria, result.rules.policy
    role = result.reading.selection.role
    out = _Collector(course, criteria.name)
    target = role == TARGET
    value, size = states.value[:, 0], states.length[:, 0]
    limits = [
        (target, "max_targets", "targets"),
        (target & states.hepatic, "max_hepatic_targets", "hepatic_targets"),
        (target & ~states.hepatic, "max_extrahepatic_targets", "extrahepatic_targets"),
    ]
    for chosen, name_of_limit, words in limits:
        limit = int(policy[name_of_limit])
        count = per_case(chosen, course.bounds)
        text = (
            count.astype(str).astype(object) + f" {words.replace('_', ' ')} given, at most {limit}"
        )
        out.cases(count > limit, f"too_many_{words}", text)
    crowded = _crowded_organs(course, organ_codes(course, states), target, policy)
    out.lesions(
        crowded,
        "too_many_in_organ",
        f"more than {policy['max_targets_per_organ']} targets in this organ",
    )
    least = np.where(
        states.node, criteria.length("node", "target_mm"), minimum_length(course, criteria)
    )
    text = (
        "target of "
        + written(np.maximum(size, 0))
        + " mm, measurable from "
        + written(least)
        + " mm"
    )
    out.lesions(target & (size > 0) & (size < least), "target_too_small", text)
    name = np.array(NAMES, dtype=object)[states.measurand]
    out.lesions(
        target & (value == NOT_MEASURED),
        "target_not_measured_at_baseline",
        "no " + name + " at baseline",
    )
    dead = target & states.viable & (value == 0)
    out.lesions(dead, "target_not_enhancing", "target without arterial enhancement at baseline")
    _status_warnings(out, result)
    return out.frame()


def _crowded_organs(
    course: Course,
    organ: Ints,
    target: Bools,
    policy: Any,
) -> Bools:
    """Return the targets in organs that hold more of them than allowed."""
    key = course.lesion_case * (organ.max(initial=0) + 1) + organ
    unique, inverse = np.unique(key, return_inverse=True)
    count = np.bincount(inverse, weights=target, minlength=len(unique)).astype(np.int64)
    return np.asarray(target & (count[inverse] > int(policy["max_targets_per_organ"])))


def _status_warnings(out: _Collector, result: SubjectResponses) -> None:
    """Warn of unfit targets, of status against length, and of growing non-targets."""
    course, states = result.course, result.reading.states
    target = result.reading.selection.role == TARGET
    for column, bad, code, words in (
        ("well_delineated", 0, "target_not_well_delineated", "target that is not well delineated"),
        ("treated_before", 1, "target_treated_before", "target that was treated before"),
    ):
        out.lesions(target & (course.column(column, -1)[:, 0] == bad), code, words)
    status = course.column("status", "")
    counted = result.reading.selection.role <= NON_TARGET
    called = target[:, None] & states.progressed
    out.visits(called, "target_called_progressed", TARGET_CALLED_PROGRESSED)
    text = "status " + status + " beside a length: the status is used"
    out.visits(states.overruled & counted[:, None], "status_contradicts_length", text)
    given = given_roles(course)
    late = (given == TARGET) & (course.row[:, 0] < 0)
    out.lesions(late, "target_not_at_baseline", "given as target, but without a row at baseline")
    grown = _grown_nontargets(result)
    out.visits(grown, "nontarget_grows", "non-target grew: progression only if a finding says so")


def _grown_nontargets(result: SubjectResponses) -> Bools:
    """Return where a measured non-target grew by the rule set's flag from its smallest length."""
    criteria, states = result.rules.criteria, result.reading.states
    value = states.length
    huge = np.iinfo(np.int64).max
    low = np.minimum.accumulate(np.where(value >= 0, value, huge), axis=1)
    low = np.concatenate([np.full_like(low[:, :1], huge), low[:, :-1]], axis=1)
    known = (value >= 0) & (low != huge)
    low = np.where(known, low, 0)
    growth = np.where(known, value - low, 0)
    percent = criteria.number("nontarget", "growth_flag_percent")
    large = (100 * growth >= percent * low) & (
        growth >= criteria.length("nontarget", "growth_flag_mm")
    )
    nontarget = (result.reading.selection.role == NON_TARGET)[:, None]
    return np.asarray(nontarget & large & known & (states.measurand >= 0)[:, None])
