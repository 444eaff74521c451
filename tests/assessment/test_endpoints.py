"""Times to event of single patients: where each ends, whether in an event, and why."""

import numpy as np
import pytest

from assessment.code import NO_DAY, NONE, RESPONSES
from assessment.endpoints import (
    Followed,
    Times,
    at_rank,
    duration_times,
    hepatic_progression_times,
    post_progression_times,
    progression_times,
    survival_times,
)
from assessment.policy import PolicySet, scheme_values
from assessment.words import one_word

START = 1000
IMAGES = "censored at the last images"
EVALUABLE = "censored at the last evaluable images"
AT_START = "censored at the start: no assessment after baseline"
THERAPY = "censored at the last adequate visit on or before new therapy"
UNKNOWN_START = "no_dates: the start is not known"
BACKWARDS = "dates_backwards: ends before it starts"


def absolute(day):
    return NO_DAY if day is None else START + day


def followed(visits, *, start=0, dates=None, scheme="seed", fault="", table=True, **policy):
    """Return one case: `PR@60 PD@120~125 SD@180u -`, where `u` is not adequate, `?` not stated.

    The baseline was on the day before the start.
    """
    overall, first, last, adequate, exists = [NONE], [START - 1], [START - 1], [1], [True]
    for visit in visits.split():
        word, _, days = visit.partition("@")
        there = word != "-"
        overall.append(RESPONSES.index(word) if there else NONE)
        one, _, other = days.rstrip("u?").partition("~")
        first.append(START + int(one) if there else NO_DAY)
        last.append(START + int(other or one) if there else NO_DAY)
        adequate.append(0 if days.endswith("u") else -1 if days.endswith("?") else 1)
        exists.append(there)
    given = dates or {}
    _, values = scheme_values(PolicySet("default", policy).values_for("mrecist"), scheme)
    case = Followed(
        exists=np.array([exists]), first_day=np.array([first]), last_day=np.array([last]),
        adequate=np.array([adequate]), start=np.array([absolute(start)]),
        died=np.array([absolute(given.get("died"))]),
        alive=np.array([absolute(given.get("alive"))]),
        new_therapy=np.array([absolute(given.get("therapy"))]),
        no_dates=one_word(fault, 1), vital_known=table, policy=values,
    )  # fmt: skip
    return case, np.array([overall])


def told(times):
    """Return days from the start, whether that is an event, and why; None without an answer."""
    reason = times.reason.text[0]
    if not times.known[0]:
        assert not times.event[0]
        return None, reason
    return int(times.end[0] - times.start[0]), bool(times.event[0]), reason


def progression(visits, *, deaths=True, **given):
    case, overall = followed(visits, **given)
    return told(progression_times(case, overall, deaths=deaths))


DIED = {"dates": {"died": 200}}


@pytest.mark.parametrize(
    ("visits", "given", "answer"),
    [
        ("SD@60 PD@120~125", {}, (120, True, "PD at follow-up 2")),  # its first scan date
        ("PD@60 PD@120", {}, (60, True, "PD at follow-up 1")),
        ("SD@60 SD@120~125", {}, (125, False, IMAGES)),  # the last scan date
        ("SD@60 NE@120", {}, (120, False, IMAGES)),
        ("SD@60 -", {}, (60, False, IMAGES)),
        ("", {}, (0, False, AT_START)),
        ("-", {}, (0, False, AT_START)),
        ("SD@60", DIED, (200, True, "death without PD")),
        ("SD@60 PD@120", DIED, (120, True, "PD at follow-up 2")),
        ("", DIED, (200, True, "death without PD")),
        ("SD@60", {"start": None}, (None, UNKNOWN_START)),
        ("", {"start": None}, (None, UNKNOWN_START)),
        ("PD@60", {"start": 61}, (None, BACKWARDS)),
        ("PD@60", {"start": 60}, (0, True, "PD at follow-up 1")),
        ("PD@60", {"fault": "dates_backwards"}, (None, "dates_backwards")),
        ("PD@60", {"fault": "no_dates"}, (None, "no_dates")),
    ],
)
def test_progression_free_survival(visits, given, answer):
    assert progression(visits, **given) == answer


@pytest.mark.parametrize(
    ("visits", "given", "answer"),
    [
        ("SD@60", DIED, (60, False, f"death without PD: {IMAGES}")),
        ("SD@60", {}, (60, False, IMAGES)),
        ("", DIED, (0, False, f"death without PD: {AT_START}")),
        ("SD@60 PD@120", DIED, (120, True, "PD at follow-up 2")),
    ],
)
def test_a_death_censors_the_time_to_progression(visits, given, answer):
    assert progression(visits, deaths=False, **given) == answer


@pytest.mark.parametrize(
    ("visits", "answer"),
    [
        ("SD@60 NE@120", (60, False, EVALUABLE)),
        ("SD@60 SD@120", (120, False, EVALUABLE)),
        ("SD@60 SD@120u", (60, False, EVALUABLE)),
        ("SD@60 SD@120?", (120, False, EVALUABLE)),
        ("NE@60", (0, False, AT_START)),
        ("NE@60 PD@120", (120, True, "PD at follow-up 2")),
    ],
)
def test_the_treatment_policy_censors_at_the_last_evaluable_images(visits, answer):
    assert progression(visits, scheme="treatment_policy") == answer


@pytest.mark.parametrize(
    ("visits", "dates", "answer"),
    [
        ("SD@60 PD@120", {"therapy": 119}, (60, False, THERAPY)),
        ("SD@60 PD@120", {"therapy": 120}, (120, True, "PD at follow-up 2")),
        ("SD@60 PD@120", {"therapy": 60}, (60, False, THERAPY)),
        ("SD@60 PD@120", {"therapy": 59}, (0, False, THERAPY)),
        ("SD@60", {"therapy": 100, "died": 110}, (60, False, THERAPY)),
        ("SD@60 SD@120", {"therapy": 130}, (120, False, EVALUABLE)),
        ("SD@60 SD@120", {"therapy": 100}, (60, False, THERAPY)),
        ("SD@60 PD@120", {}, (120, True, "PD at follow-up 2")),
    ],
)
def test_new_therapy_censors_under_the_strict_scheme(visits, dates, answer):
    assert progression(visits, dates=dates, scheme="fda_strict") == answer
    plain = progression(visits, dates=dates)
    assert plain == progression(visits, dates={**dates, "therapy": None})


def test_new_therapy_does_not_hide_that_dates_run_backwards():
    given = {"start": 100, "dates": {"therapy": 50}, "scheme": "fda_strict"}
    assert progression("PD@90", **given) == (None, BACKWARDS)


def missed(n):
    return f"{n} visits missed before the event: censored at the last adequate visit"


@pytest.mark.parametrize(
    ("visits", "dates", "answer"),
    [  # visits are due on days 91, 182, 273, 364, within 14 days
        ("SD@91 PD@287", {}, (287, True, "PD at follow-up 2")),  # the third may still come
        ("SD@91 PD@288", {}, (91, False, missed(2))),
        ("SD@91 PD@379", {}, (91, False, missed(3))),
        ("SD@77 PD@197", {}, (197, True, "PD at follow-up 2")),  # the first was made
        ("SD@76 PD@197", {}, (76, False, missed(2))),  # the first was not
        ("SD@91 PD@197", {}, (197, True, "PD at follow-up 2")),
        ("SD@91", {"died": 288}, (91, False, missed(2))),
        ("SD@91", {"died": 287}, (287, True, "death without PD")),
        ("SD@91 SD@364", {"died": 364}, (91, False, missed(2))),
        ("SD@91 NE@182 SD@273u PD@364", {}, (91, False, missed(2))),
        ("SD@91 SD@364", {}, (364, False, EVALUABLE)),  # no event, nothing to censor
        ("PD@197", {}, (0, False, missed(2))),
        ("PD@196", {}, (196, True, "PD at follow-up 1")),
        ("PD@14", {}, (14, True, "PD at follow-up 1")),
        ("SD@-20 PD@196", {}, (196, True, "PD at follow-up 2")),  # images before the start
    ],
)
def test_two_missed_visits_in_a_row_censor_the_event_behind_them(visits, dates, answer):
    assert progression(visits, dates=dates, scheme="fda_strict") == answer


def test_without_a_start_no_visit_is_missed():
    given = {"start": None, "scheme": "fda_strict"}
    assert progression("SD@91 PD@364", **given) == (None, UNKNOWN_START)


def hepatic(liver, whole, *, policy="ignore", **given):
    case, overall = followed(whole, hepatic_pfs_extrahepatic_pd=policy, **given)
    _, part = followed(liver)
    return told(hepatic_progression_times(case, part, overall))


@pytest.mark.parametrize(
    ("liver", "whole", "given", "answer", "censored"),
    [
        ("SD@60 PD@120", "PD@60 PD@120", {}, (120, True, "PD at follow-up 2"), (60, False)),
        ("SD@60 PD@120", "SD@60 PD@120", {}, (120, True, "PD at follow-up 2"), (120, True)),
        ("PD@60 PD@120", "PD@60 PD@120", {}, (60, True, "PD at follow-up 1"), (60, True)),
        ("SD@60 SD@120", "SD@60 PD@120", {}, (120, False, IMAGES), (120, False)),
        ("SD@60 SD@120", "PD@60 PD@120", {}, (120, False, IMAGES), (60, False)),
        ("SD@60 SD@120", "SD@60 SD@120", {}, (120, False, IMAGES), (120, False)),
        ("SD@60", "PD@60", DIED, (200, True, "death without PD"), (60, False)),
        ("SD@60", "PD@60", {"dates": {"died": 60}}, (60, True, "death without PD"), (60, True)),
        ("SD@60", "SD@60", DIED, (200, True, "death without PD"), (200, True)),
    ],
)
def test_hepatic_pfs_goes_on_past_extrahepatic_pd_or_is_censored_there(
    liver, whole, given, answer, censored
):
    assert hepatic(liver, whole, **given) == answer
    days, event, reason = hepatic(liver, whole, policy="censor", **given)
    assert (days, event) == censored
    changed = censored != answer[:2]
    assert reason == ("censored at extrahepatic PD" if changed else answer[2])


def test_hepatic_pfs_without_dates_has_no_answer_under_either_policy():
    for policy in ("ignore", "censor"):
        found = hepatic("SD@60 SD@120", "PD@60 PD@120", policy=policy, fault="no_dates")
        assert found == (None, "no_dates")


@pytest.mark.parametrize(
    ("visits", "given", "answer"),
    [
        ("SD@60", {"dates": {"died": 200, "alive": 150}}, (200, True, "death")),
        ("SD@60", {"dates": {"alive": 150}}, (150, False, "censored at last known alive")),
        ("SD@60", {"dates": {"alive": 60}}, (60, False, "censored at last known alive")),
        ("SD@50~60", {"dates": {"alive": 59}}, (60, False, "censored at last images")),
        ("SD@60", {}, (60, False, "censored at last images")),
        ("SD@60", {"fault": "no_dates"}, (None, "neither died nor known to be alive")),
        ("SD@60", {"fault": "no_dates", **DIED}, (200, True, "death")),
        ("SD@60", {"start": None, **DIED}, (None, UNKNOWN_START)),
        ("SD@60", {"start": 201, **DIED}, (None, BACKWARDS)),
        ("SD@60", {"table": False, **DIED}, (None, "no_dates: no table of subjects")),
        ("", {"start": -1}, (0, False, "censored at last images")),  # those of the baseline
    ],
)
def test_overall_survival(visits, given, answer):
    case, _ = followed(visits, **given)
    assert told(survival_times(case, case.start)) == answer


@pytest.mark.parametrize(
    ("visits", "given", "answer"),
    [
        ("SD@60 PD@120~125", DIED, (80, True, "death")),  # from the first scan of the PD
        ("SD@60 PD@120~125", {}, (5, False, "censored at last images")),
        ("SD@60", DIED, (None, "no PD: not in this endpoint")),
        ("PD@60", {"fault": "no_dates", **DIED}, (None, "no_dates")),
        ("PD@60", {"dates": {"died": 59}}, (None, BACKWARDS)),
    ],
)
def test_survival_after_progression_is_of_those_who_progressed(visits, given, answer):
    case, overall = followed(visits, **given)
    assert told(post_progression_times(case, overall)) == answer


@pytest.mark.parametrize(
    ("visits", "rank", "given", "answer"),
    [
        ("PR@50~60 PD@120", 1, {}, (60, True, "PD at follow-up 2")),
        ("SD@30 PR@60 SD@90", 2, {}, (30, False, IMAGES)),
        ("PR@60", 1, DIED, (140, True, "death without PD")),
        ("SD@60", -1, {}, (None, "no response: not in this endpoint")),
        ("SD@60", -1, DIED, (None, "no response: not in this endpoint")),
        ("SD@60", -1, {"fault": "no_dates"}, (None, "no_dates")),
        ("PR@60", 1, {"fault": "no_dates"}, (None, "no_dates")),
    ],
)
def test_duration_of_response_is_of_responders(visits, rank, given, answer):
    case, overall = followed(visits, **given)
    assert told(duration_times(case, overall, np.array([rank]))) == answer


def test_a_scheme_that_censors_before_the_response_leaves_a_duration_of_zero():
    case, overall = followed("SD@30 PR@120 PD@180", dates={"therapy": 60}, scheme="fda_strict")
    assert told(duration_times(case, overall, np.array([2]))) == (0, False, THERAPY)


def test_a_progression_within_the_visit_of_the_response_runs_backwards():
    case, overall = followed("PR@60~130 PD@120")
    assert told(duration_times(case, overall, np.array([1]))) == (None, BACKWARDS)


def test_the_day_of_a_visit_is_not_known_where_there_is_none():
    days = np.array([[5, 6, 7]] * 3)
    assert at_rank(days, np.array([0, 2, -1])).tolist() == [5, 7, NO_DAY]


def test_an_answer_needs_both_ends_in_order():
    days = np.array([[5, NO_DAY, 5, 5, 5], [5, 6, NO_DAY, 4, 6]])
    times = Times(days[0], days[1], np.zeros(5, dtype=bool), one_word("", 5))
    assert times.known.tolist() == [True, False, False, False, True]


def test_cases_repeated_stand_once_for_each_draw():
    case, _ = followed("SD@60 PD@120u -", dates={"died": 200, "alive": 150, "therapy": 70})
    three = case.repeated(3, {"other": "policy"})
    for name in (
        "exists", "first_day", "last_day", "adequate", "start", "died", "alive", "new_therapy",
    ):  # fmt: skip
        want = np.concatenate([getattr(case, name)] * 3)
        np.testing.assert_array_equal(getattr(three, name), want)
    assert three.dated.tolist() == [True] * 3
    assert three.policy == {"other": "policy"}
    assert three.vital_known
    np.testing.assert_array_equal(three.last_image, [START + 120] * 3)
