"""Results as columns of tables: selections, responses, outcomes, exclusions and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

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
    choose,
    dates_of,
    percent_of,
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
from assessment.output_table import truths, whole_numbers
from assessment.progression import SITES, first_site
from assessment.response import first_progression
from assessment.subject_response import SubjectResponses, disease_control, followed_cases
from assessment.words import Words, first_of, one_word


def _who(course: Course, case: Ints) -> dict[str, Any]:
    """Return subject and reader of each case."""
    return {
        "subject_id": Words(course.subject[case], course.visits.words, ordered=True),
        "reader": course.reader_words.at(case),
    }


def _case_columns(result: SubjectResponses, policy_id: str, case: Ints) -> dict[str, Any]:
    """Return the key of each case."""
    return {
        **_who(result.course, case),
        "criteria": one_word(result.rules.criteria.name, len(case)),
        "policy_id": one_word(policy_id, len(case)),
    }


def selection_frame(result: SubjectResponses) -> dict[str, Any]:
    """Return the role of every lesion, with its reason."""
    course, chosen = result.course, result.reading.selection
    measurand = np.where(chosen.role == NO_ROLE, NONE, result.reading.states.measurand)
    return {
        **_who(course, course.lesion_case),
        "criteria": one_word(result.rules.criteria.name, len(course.lesion_case)),
        "lesion_id": course.lesion_words,
        "role": Words(chosen.role, ROLE_WORDS),
        "order": whole_numbers(chosen.order, chosen.order > 0),
        "measurand": Words(measurand, NAMES),
        "reason": chosen.reason,
    }


def response_frame(result: SubjectResponses, policy_id: str) -> dict[str, Any]:
    """Return one row per case and visit."""
    cells = result.course.cells
    case, rank, at = cells.case, cells.rank, cells.of
    whole, liver, doubt = result.whole, result.hepatic, result.doubt
    sums, found = whole.sums, whole.found
    baseline = sums.baseline[case]
    total, nadir = at(sums.total), at(found.nadir)
    later, unit = rank > 0, result.rules.criteria.unit
    complete = at(sums.complete) & (sums.n_expected[case] > 0)
    from_baseline = later & complete & (baseline >= 0)
    from_nadir = later & complete & (nadir >= 0)
    columns = {
        **_case_columns(result, policy_id, case),
        "timepoint": result.course.visits.timepoint[result.course.subject[case], rank],
        "n_targets_expected": sums.n_expected[case],
        "n_targets_measured": at(sums.n_measured),
        **_amounts(
            unit,
            {
                "sum": (total, at(sums.n_measured) > 0),
                "baseline_sum": (baseline, (baseline >= 0) & (sums.n_expected[case] > 0)),
                "nadir_sum": (nadir, (nadir >= 0) & (sums.n_expected[case] > 0)),
                "hepatic_sum": (at(liver.sums.total), at(liver.sums.n_measured) > 0),
                "change_from_baseline": (total - baseline, from_baseline),
                "change_from_nadir": (total - nadir, from_nadir),
            },
        ),
        "change_from_baseline_percent": percent_of(total - baseline, baseline, from_baseline),
        "change_from_nadir_percent": percent_of(total - nadir, nadir, from_nadir),
        "target_response": Words(at(found.target), RESPONSES),
        "nontarget_response": Words(at(found.nontarget), RESPONSES),
        "new_lesion": Words(choose(later, at(whole.new), NONE), NEW_WORDS),
        "overall_response": Words(at(whole.shown), RESPONSES),
        "hepatic_response": Words(at(liver.shown), RESPONSES),
        "recorded_response": Words(at(result.recorded), RESPONSES),
        "reason": result.reason,
        "within_error_of_cutoff": truths(at(doubt.within_error), at(doubt.known)),
    }
    names = ("p_cr", "p_pr", "p_sd", "p_pd", "p_ne") if doubt.drawn else ()
    for place, name in enumerate(names):
        columns[name] = np.where(at(doubt.known), doubt.probability[case, rank, place], np.nan)
    return columns


def _amounts(unit: str, steps: Mapping[str, tuple[Ints, Bools]]) -> dict[str, Any]:
    """Return columns named with their unit from whole steps of it, NaN where unknown."""
    return {
        f"{name}_{unit}": np.where(known, values / float(PER_UNIT[unit]), np.nan)
        for name, (values, known) in steps.items()
    }


def outcome_frame(result: SubjectResponses, policy_id: str) -> dict[str, Any]:
    """Return one row per case."""
    case = np.flatnonzero(result.kept)
    course = result.course
    dated = course.visits.dated[course.subject[case]]
    fault = course.visits.no_dates.at(course.subject[case])
    start = result.people.start[course.subject]
    counted = result.counted
    columns = {
        **_case_columns(result, policy_id, case),
        "best_response": Words(_best_codes(result, result.best)[case], RESPONSES),
        "best_response_reason": result.best.reason.at(case),
        "confirmed_best_response": Words(
            np.where(dated, _best_codes(result, result.confirmed)[case], NONE), RESPONSES
        ),
        "confirmed_best_response_reason": first_of(
            [(~dated, fault)], result.confirmed.reason.at(case)
        ),
        "objective_response": np.isin(counted.code[case], (CR, PR)),
        "disease_control": disease_control(counted)[case],
        "best_response_doubtful": truths(
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
        result.followed,
        result.whole.found.overall,
        result.response_rank,
    )
    columns["duration_of_response_days"] = _days_between(
        times.start[case], times.end[case], times.known[case]
    )
    return columns


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
    return whole_numbers(np.where(known, end, 0) - np.where(known, start, 0), known)


def _decrease(depth: Depth, case: Ints, *, sign: int = 1) -> Any:
    """Return the decrease in percent of the baseline."""
    return percent_of(sign * depth.decrease[case], depth.baseline[case], depth.known[case])


def _depth_columns(
    result: SubjectResponses, case: Ints, dated: Bools, fault: Words, start: Ints
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
        columns[f"{name}_reason"] = first_of([(~dated, fault)], depth.reason.at(case))
    columns["ets"] = truths(result.ets.early_shrinkage[case], dated & result.ets.known[case])
    return columns


def _progression_columns(
    result: SubjectResponses, case: Ints, dated: Bools, fault: Words
) -> dict[str, Any]:
    """Return whether, when and where the disease progressed first."""
    rank = first_progression(result.whole.found.overall)
    site, reason = first_site(result.whole, result.hepatic, result.extrahepatic)
    visit = result.course.visits.timepoint[result.course.subject, np.maximum(rank, 0)]
    known = dated & (rank >= 0)[case]
    return {
        "progressed": truths((rank >= 0)[case], dated),
        "first_progression_timepoint": whole_numbers(visit[case], known),
        "first_progression_site": Words(np.where(known, site[case], NONE), SITES),
        "first_progression_reason": first_of([(~dated, fault)], reason.at(case)),
    }


def exclusion_frame(result: SubjectResponses, policy_id: str) -> dict[str, Any]:
    """Return who is analysed under the published analysis' rules."""
    case = np.arange(len(result.course.subject))
    code = result.excluded.code
    return {
        **_case_columns(result, policy_id, case),
        "analysed": result.excluded.analysed,
        "code": code,
        "reason": Words(code.codes, tuple(REASONS[word] for word in code.words)),
    }


def event_frame(
    result: SubjectResponses, policy_id: str, scheme: str, policy: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the endpoints that rest on a reader's responses."""
    followed = replace(result.followed, policy=policy)
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
    return [
        _event_columns(key, scheme, endpoint, found, case, origin)
        for endpoint, found in times.items()
    ]


def _event_columns(
    key: Mapping[str, Any], scheme: str, endpoint: str, times: Times, case: Ints, origin: str
) -> dict[str, Any]:
    """Return one endpoint's rows; the reason names where time starts."""
    known = times.known[case]
    start = {"PPS": "first PD", "DOR": "first response"}.get(endpoint, origin)
    told = times.reason.at(case)
    both = (*told.words, *(f"from {start}: {word}" for word in told.words))
    return {
        **key,
        "scheme": one_word(scheme, len(case)),
        "endpoint": one_word(endpoint, len(case)),
        "start_on": dates_of(np.where(known, times.start[case], NO_DAY)),
        "end_on": dates_of(np.where(known, times.end[case], NO_DAY)),
        "days": _days_between(times.start[case], times.end[case], known),
        "event": truths(times.event[case], known),
        "reason": Words(told.codes + len(told.words) * known.astype(np.int64), both),
    }


def survival_frame(
    results: Sequence[SubjectResponses], policy_id: str, scheme: str, policy: Mapping[str, str]
) -> dict[str, Any]:
    """Return overall survival, which no reader and no rule set changes."""
    course, people = results[0].course, results[0].people
    kept = np.zeros(len(course.visits.words), dtype=bool)
    for result in results:
        kept[course.subject[result.kept]] = True
    subject = np.flatnonzero(kept)
    if np.array_equal(course.subject, np.arange(len(kept))):
        followed = replace(results[0].followed, policy=policy)
    else:
        followed = followed_cases(_one_case_each(course), people, policy)
    key = {
        "subject_id": Words(subject, course.visits.words, ordered=True),
        "reader": one_word("none", len(subject)),
        "criteria": one_word("none", len(subject)),
        "policy_id": one_word(policy_id, len(subject)),
    }
    times = survival_times(followed, people.start)
    return _event_columns(key, scheme, "OS", times, subject, people.origin)


def _one_case_each(course: Course) -> Course:
    """Return a course with every subject once, whoever reads it."""
    n = len(course.visits.words)
    return Course(
        visits=course.visits,
        subject=np.arange(n),
        reader_words=one_word("none", n),
        bounds=np.zeros(n + 1, dtype=np.int64),
        lesion_case=course.lesion_case[:0],
        lesion_words=course.lesion_words.at(slice(0)),
        row=course.row[:0],
        table=course.table,
    )
