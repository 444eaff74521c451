"""The usual door: a lesion table in, responses, outcomes and events out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from assessment.conformance import (
    conformance_warnings,
    course_warnings,
    people_warnings,
)
from assessment.course import Course, make_course
from assessment.criteria import Rules, UnknownCriteriaError, load_criteria
from assessment.frame import (
    event_frame,
    exclusion_frame,
    outcome_frame,
    response_frame,
    selection_frame,
    survival_frame,
)
from assessment.lesion_columns import LesionColumns, lesion_columns
from assessment.output_table import KnownWords, table
from assessment.people import People, make_people
from assessment.policy import PolicyError, PolicySet, policies_frame, scheme_values
from assessment.response_table import (
    Events,
    Exclusions,
    Outcomes,
    Policies,
    Responses,
    Selections,
    Subjects,
    Timepoints,
    Warnings,
)
from assessment.subject_response import SubjectResponses, assess_subjects
from assessment.visits import in_visits, late_visits, make_visits, places_of, subject_places
from assessment.warning import modality_warnings
from measurement.lesion_table import Lesions
from measurement.table import (
    TableError,
    TableModel,
    check,
    columns_of,
    empty_table,
    typed_columns,
)


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything derived from a lesion table; columns in `assessment.response_table`."""

    selections: pd.DataFrame
    policies: pd.DataFrame
    responses: pd.DataFrame
    outcomes: pd.DataFrame
    events: pd.DataFrame
    exclusions: pd.DataFrame
    warnings: pd.DataFrame


def assess(
    lesions: pd.DataFrame,
    *,
    timepoints: pd.DataFrame | None = None,
    subjects: pd.DataFrame | None = None,
    criteria: str | Sequence[str] = ("mrecist",),
    policies: str | PolicySet = "default",
    scheme: str | Sequence[str] | None = None,
    select: Literal["given", "auto"] = "given",
    probabilities: bool = True,
) -> Assessment:
    """Return response, outcomes and times to event of every subject, reader and rule set.

    Parameters
    ----------
    lesions : DataFrame
        Of the schema `measurement.lesion_table.Lesions` (absent columns are empty ones); text
        tables go through `read_lesions` first.
    timepoints, subjects : DataFrame, optional
        Visits and people. Without dates (here or in `scan_on`): responses and unconfirmed best
        response only; the rest is missing with reason `no_dates`.
    criteria : name or names of rule sets
    policies : name of a policy set, or a `PolicySet`
    scheme : censoring scheme(s): `seed`, `treatment_policy`, `fda_strict`; else by the policies
    select : "given": a role in the table wins; "auto": the rules choose the targets
    probabilities : work out how sure each category is, where uncertainties are given

    Raises
    ------
    TableError, UnknownCriteriaError, PolicyError
        A table or a name that cannot be used.

    Examples
    --------
    >>> from assessment import read_lesions
    >>> columns = ["subject_id", "lesion_id", "timepoint", "site", "viable_diameter_mm"]
    >>> cells = [["S1", "L1", "0", "hepatic", "66.0"], ["S1", "L1", "1", "hepatic", "46.2"]]
    >>> table = read_lesions(pd.DataFrame(cells, columns=columns), "example")
    >>> assess(table).responses["overall_response"].tolist()
    [<NA>, 'PR']
    """
    policy_set = PolicySet(policies) if isinstance(policies, str) else policies
    names = list(dict.fromkeys([criteria] if isinstance(criteria, str) else criteria))
    if not names:
        raise UnknownCriteriaError("")
    schemes = [scheme] if scheme is None or isinstance(scheme, str) else list(scheme)
    read = read_tables(lesions, timepoints, subjects, select=select)
    course, people, late = read.course, read.people, read.late
    results = [
        assess_subjects(
            course,
            people,
            Rules(load_criteria(name), policy_set.values_for(name)),
            select=select,
            probabilities=probabilities,
        )
        for name in names
    ]
    warnings = [
        course_warnings(course, late),
        modality_warnings(read.timepoints),
        people_warnings(course, people, results[0].rules.policy),
        *map(conformance_warnings, results),
    ]
    return Assessment(
        policies=table([policies_frame(policy_set, names)], Policies),
        warnings=table([part for found in warnings for part in found], Warnings),
        **_derived(results, policy_set.policy_id, schemes),
    )


@dataclass(frozen=True, slots=True)
class ReadTables:
    """Tables that passed the door: as arrays, without what lies after a subject's data cut-off.

    ``late`` are the visits after it: subject and timepoint.
    """

    course: Course
    people: People
    timepoints: pd.DataFrame | None
    late: list[tuple[str, int]]


def read_tables(
    lesions: pd.DataFrame,
    timepoints: pd.DataFrame | None,
    subjects: pd.DataFrame | None,
    *,
    select: str,
) -> ReadTables:
    """Return the tables of `assess` as arrays.

    Raises
    ------
    TableError, PolicyError
        As `assess`.
    """
    columns = _lesions_at_door(lesions)
    timepoints = None if timepoints is None else _at_door(timepoints, Timepoints, "timepoints")
    if subjects is not None:
        subjects = _at_door(subjects, Subjects, "subjects")
    if select not in ("given", "auto"):
        msg = f'select is {select!r}: choose "given" (roles in the table win) or "auto"'
        raise PolicyError(msg)
    columns, timepoints, late = _before_cutoff(columns, timepoints, subjects)
    course = make_course(columns, timepoints, subjects)
    if course is None:
        raise _refused(lesions)
    return ReadTables(course, make_people(course.visits, subjects), timepoints, late)


def _derived(
    results: Sequence[SubjectResponses], policy_id: str, schemes: Sequence[str | None]
) -> dict[str, pd.DataFrame]:
    """Return the tables of what the rule sets say of every case."""
    schemes_of = [
        (result, *scheme_values(result.rules.policy, chosen))
        for chosen in schemes
        for result in results
    ]
    events = [part for entry in schemes_of for part in event_frame(entry[0], policy_id, *entry[1:])]
    events += [
        survival_frame(results, policy_id, *scheme_values(results[0].rules.policy, chosen))
        for chosen in schemes
    ]
    known: KnownWords = {}
    return {
        "selections": table([selection_frame(result) for result in results], Selections, known),
        "responses": table([response_frame(r, policy_id) for r in results], Responses, known),
        "outcomes": table([outcome_frame(r, policy_id) for r in results], Outcomes, known),
        "events": table(events, Events, known),
        "exclusions": table([exclusion_frame(r, policy_id) for r in results], Exclusions, known),
    }


def _lesions_at_door(lesions: pd.DataFrame) -> LesionColumns:
    """Return the lesion table's columns; what is not plain at first sight, the schema judges."""
    known = columns_of(Lesions)
    if len(lesions) and all(name in known for name in lesions.columns):
        columns = lesion_columns(lesions)
        if columns is not None:
            return columns
    columns = lesion_columns(_at_door(lesions, Lesions, "lesions"))
    if columns is None:
        raise _refused(lesions)
    return columns


def _refused(lesions: pd.DataFrame) -> TableError:
    """Return why the lesion table is refused, as its schema says it."""
    try:
        _at_door(lesions, Lesions, "lesions")
    except TableError as error:
        return error
    return TableError("lesions: the table does not meet its schema; see docs/tables.md.")


def _at_door(frame: pd.DataFrame, model: type[TableModel], origin: str) -> pd.DataFrame:
    """Return the table's known columns, typed and checked; absent ones are empty."""
    if not len(frame):
        return empty_table(model)
    known = columns_of(model)
    missing = [name for name in known if name not in frame]
    if model is not Subjects:
        unknown = [name for name in frame.columns if name not in known]
        if unknown:
            msg = (
                f"{origin}: unknown column {', '.join(map(str, unknown))}. "
                f"Rename or remove it; known are {', '.join(known)}."
            )
            raise TableError(msg)
    columns = model.to_schema().columns
    lacking = [name for name in missing if not columns[name].nullable]
    if lacking:
        way = ", or pass it through read_lesions, which has defaults" if model is Lesions else ""
        msg = f"{origin}: column missing: {', '.join(lacking)}. Add it{way}."
        raise TableError(msg)
    typed = typed_columns(frame, model)
    return check(typed, model, origin=origin)


def _before_cutoff(
    lesions: LesionColumns, timepoints: pd.DataFrame | None, subjects: pd.DataFrame | None
) -> tuple[LesionColumns, pd.DataFrame | None, list[tuple[str, int]]]:
    """Return the tables without visits after each subject's data cut-off, and those visits.

    A visit across the cut-off ends on it: nothing later counts.
    """
    if subjects is None or not subjects["data_cutoff_on"].notna().any():
        return lesions, timepoints, []
    visits = make_visits(lesions, timepoints, subjects)
    cutoff = make_people(visits, subjects).cutoff
    late = late_visits(visits, cutoff)
    place = subject_places(lesions, visits.subject_id)
    kept = ~in_visits(visits, late, place, lesions.timepoint)
    lesions = lesions.scanned_until(cutoff[place]).kept(kept)
    if timepoints is not None:
        place = places_of(timepoints["subject_id"], visits.subject_id)
        number = timepoints["timepoint"].to_numpy(dtype=np.int64)
        kept = ~in_visits(visits, late, place, number)
        limit = timepoints["subject_id"].map(subjects.set_index("subject_id")["data_cutoff_on"])
        dates = ("first_scan_on", "last_scan_on")
        clipped = {name: timepoints[name].mask(timepoints[name] > limit, limit) for name in dates}
        timepoints = timepoints.assign(**clipped)[kept]
    subject, rank = np.nonzero(late)
    ids, numbers = visits.subject_id[subject], visits.timepoint[subject, rank]
    return lesions, timepoints, list(zip(ids.tolist(), numbers.tolist(), strict=True))
