"""Results as tables: selections, responses, outcomes, exclusions and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from assessment.best_response import Best
from assessment.code import (
    CR,
    I_CPD,
    I_UPD,
    NEW_WORDS,
    NO_DAY,
    NO_ROLE,
    NONE,
    PD,
    PR,
    RESPONSES,
    ROLE_WORDS,
    Bools,
    Ints,
    Texts,
    dates_of,
    percent_of,
    words_of,
)
from assessment.course import Course
from assessment.depth import Depth
from assessment.endpoints import (
    Times,
    at_rank,
    duration_times,
    hepatic_progression_times,
    post_progression_times,
    progression_times,
    survival_times,
)
from assessment.exclusions import REASONS
from assessment.immune import I_WORDS
from assessment.measurand import NAMES, PER_UNIT
from assessment.progression import SITES, first_site
from assessment.response import first_progression
from assessment.response_table import (
    Events,
    Exclusions,
    Outcomes,
    Responses,
    Selections,
    as_table,
)
from assessment.subject_response import SubjectResponses, disease_control, followed_cases


def _whole(values: Ints, known: Bools) -> Any:
    """Return whole numbers with missing cells."""
    known = np.asarray(known)
    return pd.arrays.IntegerArray(np.where(known, values, 0).astype(np.int64), ~known)


def _truth(values: Bools, known: Bools) -> Any:
    """Return truths with missing cells."""
    return pd.arrays.BooleanArray(np.asarray(values & known), ~np.asarray(known))


def _case_columns(result: SubjectResponses, policy_id: str, case: Ints) -> dict[str, Any]:
    """Return the key of each case."""
    course = result.course
    return {
        "subject_id": course.visits.subject_id[course.subject[case]],
        "reader": course.reader[case],
        "criteria": [result.rules.criteria.name] * len(case),
        "policy_id": [policy_id] * len(case),
    }


def selection_frame(result: SubjectResponses) -> pd.DataFrame:
    """Return the role of every lesion, with its reason."""
    course, chosen = result.course, result.reading.selection
    states = result.reading.states
    return as_table(
        {
            "subject_id": course.visits.subject_id[course.subject[course.lesion_case]],
            "reader": course.reader[course.lesion_case],
            "criteria": [result.rules.criteria.name] * len(course.lesion_id),
            "lesion_id": course.lesion_id,
            "role": words_of(chosen.role, ROLE_WORDS),
            "order": _whole(chosen.order, chosen.order > 0),
            "measurand": words_of(np.where(chosen.role == NO_ROLE, NONE, states.measurand), NAMES),
            "reason": chosen.reason,
        },
        Selections,
    )


def response_frame(result: SubjectResponses, policy_id: str) -> pd.DataFrame:
    """Return one row per case and visit."""
    case, rank = np.nonzero(result.course.exists)
    at = (case, rank)
    whole, liver, doubt = result.whole, result.hepatic, result.doubt
    sums, found = whole.sums, whole.found
    baseline = sums.baseline[case]
    total, nadir = sums.total[at], found.nadir[at]
    later, unit = rank > 0, result.rules.criteria.unit
    complete = sums.complete[at] & (sums.n_expected[case] > 0)
    from_baseline = later & complete & (baseline >= 0)
    from_nadir = later & complete & (nadir >= 0)
    columns = {
        **_case_columns(result, policy_id, case),
        "timepoint": result.course.visits.timepoint[result.course.subject[case], rank],
        "n_targets_expected": sums.n_expected[case],
        "n_targets_measured": sums.n_measured[at],
        **_amounts(
            unit,
            {
                "sum": (total, sums.n_measured[at] > 0),
                "baseline_sum": (baseline, (baseline >= 0) & (sums.n_expected[case] > 0)),
                "nadir_sum": (nadir, (nadir >= 0) & (sums.n_expected[case] > 0)),
                "hepatic_sum": (liver.sums.total[at], liver.sums.n_measured[at] > 0),
                "change_from_baseline": (total - baseline, from_baseline),
                "change_from_nadir": (total - nadir, from_nadir),
            },
        ),
        "change_from_baseline_percent": percent_of(total - baseline, baseline, from_baseline),
        "change_from_nadir_percent": percent_of(total - nadir, nadir, from_nadir),
        "target_response": words_of(found.target[at], RESPONSES),
        "nontarget_response": words_of(found.nontarget[at], RESPONSES),
        "new_lesion": words_of(np.where(later, whole.new[at], NONE), NEW_WORDS),
        "overall_response": words_of(whole.shown[at], RESPONSES),
        "hepatic_response": words_of(liver.shown[at], RESPONSES),
        "recorded_response": words_of(result.recorded[at], RESPONSES),
        "reason": result.reason[at],
        "within_error_of_cutoff": _truth(doubt.within_error[at], doubt.known[at]),
    }
    for place, name in enumerate(("p_cr", "p_pr", "p_sd", "p_pd", "p_ne")):
        columns[name] = np.where(doubt.known[at], doubt.probability[case, rank, place], np.nan)
    return as_table(columns, Responses)


def _amounts(unit: str, steps: Mapping[str, tuple[Ints, Bools]]) -> dict[str, Any]:
    """Return columns named with their unit from whole steps of it, NaN where unknown."""
    return {
        f"{name}_{unit}": np.where(known, values / float(PER_UNIT[unit]), np.nan)
        for name, (values, known) in steps.items()
    }


def outcome_frame(result: SubjectResponses, policy_id: str) -> pd.DataFrame:
    """Return one row per case."""
    case = np.flatnonzero(result.kept)
    course = result.course
    dated = (course.visits.no_dates[course.subject] == "")[case]
    fault = course.visits.no_dates[course.subject][case]
    start = result.people.start[course.subject]
    counted = result.counted
    columns = {
        **_case_columns(result, policy_id, case),
        "best_response": words_of(_best_codes(result, result.best)[case], RESPONSES),
        "best_response_reason": result.best.reason[case],
        "confirmed_best_response": words_of(
            np.where(dated, _best_codes(result, result.confirmed)[case], NONE), RESPONSES
        ),
        "confirmed_best_response_reason": np.where(dated, result.confirmed.reason[case], fault),
        "objective_response": np.isin(counted.code[case], (CR, PR)),
        "disease_control": disease_control(counted)[case],
        "best_response_doubtful": _truth(
            result.doubt.best_doubtful[case], result.doubt.best_known[case]
        ),
        "p_best_response": np.where(
            result.doubt.best_known[case], result.doubt.best_probability[case], np.nan
        ),
        "best_change_percent": _decrease(result.best_change, case, sign=-1),
    }
    columns |= _depth_columns(result, case, dated, fault, start)
    columns |= _progression_columns(result, case, dated, fault)
    response = at_rank(course.visits.last_day[course.subject], result.response_rank)
    known = dated & (result.response_rank[case] >= 0) & (start[case] != NO_DAY)
    columns["time_to_response_days"] = _days_between(start[case], response[case], known)
    times = duration_times(
        followed_cases(course, result.people, dict(result.rules.policy)),
        result.whole.found.overall,
        result.response_rank,
    )
    columns["duration_of_response_days"] = _days_between(
        times.start[case], times.end[case], times.known[case]
    )
    return as_table(columns, Outcomes)


def _best_codes(result: SubjectResponses, best: Best) -> Ints:
    """Return the best responses in the rule set's own words."""
    immune = result.whole.immune
    if immune is None:
        return best.code
    code = np.where(best.code == PD, np.where(immune.confirmed, I_CPD, I_UPD), best.code)
    for plain, word in I_WORDS.items():
        code = np.where(best.code == plain, word, code)
    return code


def _days_between(start: Ints, end: Ints, known: Bools) -> Any:
    """Return end minus start in days, missing where unknown."""
    return _whole(np.where(known, end, 0) - np.where(known, start, 0), known)


def _decrease(depth: Depth, case: Ints, *, sign: int = 1) -> Any:
    """Return the decrease in percent of the baseline."""
    return percent_of(sign * depth.decrease[case], depth.baseline[case], depth.known[case])


def _depth_columns(
    result: SubjectResponses, case: Ints, dated: Bools, fault: Texts, start: Ints
) -> dict[str, Any]:
    """Return early shrinkage and depth of response; without dates they are missing."""
    columns: dict[str, Any] = {}
    day = result.course.visits.last_day[result.course.subject]
    for name, depth in (("ets", result.ets), ("dpr", result.dpr)):
        known = dated & depth.known[case]
        columns[f"{name}_percent"] = np.where(known, _decrease(depth, case), np.nan)
        columns[f"{name}_days"] = _days_between(
            start[case], at_rank(day, depth.rank)[case], known & (start[case] != NO_DAY)
        )
        columns[f"{name}_reason"] = np.where(dated, depth.reason[case], fault)
    columns["ets"] = _truth(result.ets.early_shrinkage[case], dated & result.ets.known[case])
    return columns


def _progression_columns(
    result: SubjectResponses, case: Ints, dated: Bools, fault: Texts
) -> dict[str, Any]:
    """Return whether, when and where the disease progressed first."""
    rank = first_progression(result.whole.found.overall)
    site, reason = first_site(result.whole, result.hepatic, result.extrahepatic)
    visit = result.course.visits.timepoint[result.course.subject, np.maximum(rank, 0)]
    known = dated & (rank >= 0)[case]
    return {
        "progressed": _truth((rank >= 0)[case], dated),
        "first_progression_timepoint": _whole(visit[case], known),
        "first_progression_site": words_of(np.where(known, site[case], NONE), SITES),
        "first_progression_reason": np.where(
            dated, np.where(rank[case] >= 0, reason[case], "no PD"), fault
        ),
    }


def exclusion_frame(result: SubjectResponses, policy_id: str) -> pd.DataFrame:
    """Return who is analysed under the published analysis' rules."""
    case = np.arange(len(result.course.subject))
    return as_table(
        {
            **_case_columns(result, policy_id, case),
            "analysed": result.excluded.analysed,
            "code": result.excluded.code,
            "reason": [REASONS[code] for code in result.excluded.code],
        },
        Exclusions,
    )


def event_frame(
    result: SubjectResponses, policy_id: str, scheme: str, policy: Mapping[str, str]
) -> pd.DataFrame:
    """Return the endpoints that rest on a reader's responses."""
    followed = followed_cases(result.course, result.people, dict(policy))
    overall, liver = result.whole.found.overall, result.hepatic.found.overall
    times = {
        "PFS": progression_times(followed, overall, deaths=True),
        "TTP": progression_times(followed, overall, deaths=False),
        "hepatic_PFS": hepatic_progression_times(followed, liver, overall),
        "PPS": post_progression_times(followed, overall),
        "DOR": duration_times(followed, overall, result.response_rank),
    }
    case = np.flatnonzero(result.kept)
    key = _case_columns(result, policy_id, case)
    origin = result.people.origin
    rows = [
        _event_columns(key, scheme, endpoint, found, case, origin)
        for endpoint, found in times.items()
    ]
    return pd.concat(rows, ignore_index=True)


def _event_columns(
    key: Mapping[str, Any], scheme: str, endpoint: str, times: Times, case: Ints, origin: str
) -> pd.DataFrame:
    """Return one endpoint's rows; the reason names where time starts."""
    known = times.known[case]
    start = {"PPS": "first PD", "DOR": "first response"}.get(endpoint, origin)
    return as_table(
        {
            **key,
            "scheme": [scheme] * len(case),
            "endpoint": [endpoint] * len(case),
            "start_on": dates_of(np.where(known, times.start[case], NO_DAY)),
            "end_on": dates_of(np.where(known, times.end[case], NO_DAY)),
            "days": _days_between(times.start[case], times.end[case], known),
            "event": _truth(times.event[case], known),
            "reason": np.where(known, f"from {start}: " + times.reason[case], times.reason[case]),
        },
        Events,
    )


def survival_frame(
    results: Sequence[SubjectResponses], policy_id: str, scheme: str, policy: Mapping[str, str]
) -> pd.DataFrame:
    """Return overall survival, which no reader and no rule set changes."""
    course, people = results[0].course, results[0].people
    kept = np.zeros(len(course.visits.subject_id), dtype=bool)
    for result in results:
        kept[course.subject[result.kept]] = True
    subject = np.flatnonzero(kept)
    followed = followed_cases(_one_case_each(course), people, dict(policy))
    key = {
        "subject_id": course.visits.subject_id[subject],
        "reader": ["none"] * len(subject),
        "criteria": ["none"] * len(subject),
        "policy_id": [policy_id] * len(subject),
    }
    times = survival_times(followed, people.start)
    return _event_columns(key, scheme, "OS", times, subject, people.origin)


def _one_case_each(course: Course) -> Course:
    """Return a course with every subject once, whoever reads it."""
    n = len(course.visits.subject_id)
    return Course(
        visits=course.visits,
        subject=np.arange(n),
        reader=np.full(n, "none", dtype=object),
        bounds=np.zeros(n + 1, dtype=np.int64),
        lesion_case=course.lesion_case[:0],
        lesion_id=course.lesion_id[:0],
        row=course.row[:0],
        table=course.table,
    )
