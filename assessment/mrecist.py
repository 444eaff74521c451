"""The usual door: a lesion table in, responses, outcomes and events out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from assessment.conformance import (
    conformance_warnings,
    course_warnings,
    modality_warnings,
    people_warnings,
)
from assessment.course import late_visits, make_course, make_visits, without_visits
from assessment.criteria import Rules, load_criteria
from assessment.frame import (
    event_frame,
    exclusion_frame,
    outcome_frame,
    response_frame,
    selection_frame,
    survival_frame,
)
from assessment.people import make_people
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
from measurement.lesion_table import Lesions
from measurement.table import (
    TableError,
    TableModel,
    check,
    columns_of,
    empty_table,
    key_of,
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
    criteria: Sequence[str] = ("mrecist",),
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
    criteria : names of rule sets
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
    lesions = _at_door(lesions, Lesions, "lesions")
    timepoints = None if timepoints is None else _at_door(timepoints, Timepoints, "timepoints")
    if subjects is not None:
        subjects = _at_door(subjects, Subjects, "subjects")
    if select not in ("given", "auto"):
        msg = f'select is {select!r}: choose "given" (roles in the table win) or "auto"'
        raise PolicyError(msg)
    policy_set = PolicySet(policies) if isinstance(policies, str) else policies
    names = list(dict.fromkeys(criteria))
    schemes = [scheme] if scheme is None or isinstance(scheme, str) else list(scheme)
    lesions, timepoints, late = _before_cutoff(lesions, timepoints, subjects)
    course = make_course(lesions, timepoints, subjects)
    people = make_people(course.visits, subjects)
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
        modality_warnings(timepoints),
        people_warnings(course, people, results[0].rules.policy),
        *map(conformance_warnings, results),
    ]
    return Assessment(
        policies=_joined([policies_frame(policy_set, names)], Policies),
        warnings=_joined(warnings, Warnings),
        **_derived(results, policy_set.policy_id, schemes),
    )


def _derived(
    results: Sequence[SubjectResponses], policy_id: str, schemes: Sequence[str | None]
) -> dict[str, pd.DataFrame]:
    """Return the tables of what the rule sets say of every case."""
    events = [
        event_frame(result, policy_id, *scheme_values(result.rules.policy, chosen))
        for chosen in schemes
        for result in results
    ] + [
        survival_frame(results, policy_id, *scheme_values(results[0].rules.policy, chosen))
        for chosen in schemes
    ]
    return {
        "selections": _joined([selection_frame(result) for result in results], Selections),
        "responses": _joined([response_frame(r, policy_id) for r in results], Responses),
        "outcomes": _joined([outcome_frame(r, policy_id) for r in results], Outcomes),
        "events": _joined(events, Events),
        "exclusions": _joined([exclusion_frame(r, policy_id) for r in results], Exclusions),
    }


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
    lesions: pd.DataFrame, timepoints: pd.DataFrame | None, subjects: pd.DataFrame | None
) -> tuple[pd.DataFrame, pd.DataFrame | None, list[tuple[str, int]]]:
    """Return the tables without visits after each subject's data cut-off, and those visits."""
    if subjects is None or not subjects["data_cutoff_on"].notna().any():
        return lesions, timepoints, []
    visits = make_visits(lesions, timepoints, subjects)
    late = late_visits(visits, make_people(visits, subjects).cutoff)
    if late:
        lesions = without_visits(lesions, late)
        timepoints = None if timepoints is None else without_visits(timepoints, late)
    cutoff = subjects.set_index("subject_id")["data_cutoff_on"]
    lesions = _dated_until(lesions, cutoff, ["scan_on"])
    if timepoints is not None:
        timepoints = _dated_until(timepoints, cutoff, ["first_scan_on", "last_scan_on"])
    return lesions, timepoints, late


def _dated_until(
    table: pd.DataFrame, cutoff: pd.Series[pd.Timestamp], columns: Sequence[str]
) -> pd.DataFrame:
    """Return the table with a visit across the cut-off ending on it: nothing later counts."""
    limit = table["subject_id"].map(cutoff)
    clipped = {name: table[name].mask(table[name] > limit, limit) for name in columns}
    return table.assign(**clipped)


def _joined(frames: list[pd.DataFrame], model: type[TableModel]) -> pd.DataFrame:
    """Return the frames one below the other, sorted by key, checked."""
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return empty_table(model)
    whole = filled[0] if len(filled) == 1 else pd.concat(filled, ignore_index=True)
    key = key_of(model) or columns_of(model)
    ordered = whole.sort_values(key, kind="stable", ignore_index=True)
    return check(ordered, model, origin=model.__name__)
