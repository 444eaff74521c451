"""Which study is which timepoint: literal cases of the rule."""

import datetime as dt

import pandas as pd
import pytest

from measurement.table import from_records
from sumdiam.batch.plan_table import Masks, Plan
from sumdiam.batch.timepoint import StudyDay, number_timepoints, timepoint_table, treatment_start

START = dt.date(2020, 1, 31)


def day(offset: int) -> dt.date:
    return START + dt.timedelta(days=offset)


CASES = [
    # day of each study from the start (i: inadequate), timepoints, flags, why
    ([-5, 60, 120], [0, 1, 2], (), "one study each"),
    ([0, 60], [0, 1], (), "a study on the day of treatment is a baseline"),
    ([-28, 60], [0, 1], (), "28 days are within the limit"),
    ([-29, 60], [0, 1], ("baseline_too_early",), "29 days are not"),
    ([-60, -5, 60], [None, 0, 1], (), "earlier studies lie before the baseline"),
    ([-19, -5, 60], [0, 0, 1], (), "within 14 days of the baseline they are one with it"),
    ([-20, -5, 60], [None, 0, 1], (), "15 days are not"),
    ([-5, 4, 60], [0, 1, 2], (), "after treatment no study joins the baseline"),
    ([-5, 60, 74, 75], [0, 1, 1, 2], (), "the window opens with the first study"),
    ([-5, 60, 70, 80], [0, 1, 1, 2], (), "it does not creep on from study to study"),
    (["-5i", 60], [0, 1], ("baseline_inadequate",), "better an inadequate baseline than none"),
    ([-40, "-5i", 60], [0, None, 1], ("baseline_too_early",), "the last adequate study counts"),
    ([-10, "-5i", 60], [0, 0, 1], (), "an inadequate one near it belongs to it"),
    ([10, 60], [0, 1], ("baseline_after_start",), "the first study where none lies before"),
    ([10, 20, 60], [0, 0, 1], ("baseline_after_start",), "and what lies near it"),
]


@pytest.mark.parametrize(("offsets", "days"), [([-28, 60], None), ([-29, 60], 29), ([-90], 90)])
def test_how_early_the_baseline_lies_is_told_where_it_is_too_early(offsets, days):
    studies = [StudyDay(f"1.{i}", day(offset), adequate=True) for i, offset in enumerate(offsets)]
    assert number_timepoints(studies, START).early_days == days


@pytest.mark.parametrize(("offsets", "expected", "flags", "why"), CASES)
def test_studies_become_timepoints(offsets, expected, flags, why):
    studies = [
        StudyDay(f"u{number}", day(int(str(one).rstrip("i"))), not str(one).endswith("i"))
        for number, one in enumerate(offsets)
    ]
    course = number_timepoints(studies, START)
    found = [course.places[study.study_uid].timepoint for study in studies]
    assert found == expected, why
    assert course.flags == flags
    backwards = number_timepoints(studies[::-1], START)
    assert dict(backwards.places) == dict(course.places)


def test_without_a_start_the_first_study_is_the_baseline():
    studies = [StudyDay("a", day(0), True), StudyDay("b", day(14), True)]
    studies += [StudyDay("c", day(15), True), StudyDay("d", None, True)]
    course = number_timepoints(studies, None)
    assert [course.places[uid].timepoint for uid in "abcd"] == [0, 0, 1, None]
    assert course.places["d"].reason == "no_date"


def test_reasons_say_why_a_study_has_no_timepoint():
    studies = [StudyDay("a", day(-60), True), StudyDay("b", day(-30), True)]
    studies += [StudyDay("c", day(-3), False)]
    course = number_timepoints(studies, START)
    assert course.places["a"].reason == "before_baseline"
    assert course.places["c"].reason == "inadequate_before_start"


def test_treatment_start_counts_before_randomisation():
    assert treatment_start(day(-9), day(0)) == day(0)
    assert treatment_start(day(-9), None) == day(-9)
    assert treatment_start(None, None) is None


def volume(study: str, offset: int, timepoint: int, use: str = "measure", modality: str = "CT"):
    return {
        "volume_id": f"{study}#{use}",
        "subject_id": "S1",
        "study_uid": study,
        "series_uid": study,
        "modality": modality,
        "acquired_on": pd.Timestamp(day(offset)),
        "timepoint": timepoint,
        "timepoint_by": "auto",
        "phase": "late_arterial" if use == "measure" else "portal_venous",
        "phase_by": "auto",
        "use": use,
        "use_by": "auto",
    }


def mask(study: str, site: str = "hepatic"):
    return {
        "mask_id": f"{study}#1",
        "subject_id": "S1",
        "study_uid": study,
        "file": "seg.dcm",
        "segment": 1,
        "reader": "auto",
        "mask_role": "lesion_whole",
        "site": site,
        "node": "none",
        "decided_by": "auto",
    }


def test_the_table_of_timepoints_says_when_how_and_whether_new_lesions_were_looked_for():
    plan = from_records(
        [
            volume("a", 0, 0),
            volume("b", 3, 0, "washout"),
            volume("c", 90, 1, "washout"),
            volume("d", 180, 2, modality="MR"),
        ],
        Plan,
    )
    table = timepoint_table(plan, from_records([mask("a"), mask("c")], Masks))
    assert table["timepoint"].tolist() == [0, 1, 2]
    assert table["first_scan_on"].tolist() == [pd.Timestamp(day(n)) for n in (0, 90, 180)]
    assert table["last_scan_on"].tolist() == [pd.Timestamp(day(n)) for n in (3, 90, 180)]
    assert table["adequate"].tolist() == [True, False, True], "no arterial phase at timepoint 1"
    assert table["new_lesions_assessed"].tolist() == [True, False, False], "no mask at 2"
    assert table["modality_changed"].tolist() == [False, False, True]


def test_extrahepatic_lesions_alone_need_no_arterial_phase():
    plan = from_records([volume("c", 0, 0, "washout")], Plan)
    table = timepoint_table(plan, from_records([mask("c", "extrahepatic")], Masks))
    assert table["adequate"].tolist() == [True]


def test_a_study_that_could_not_be_measured_makes_no_timepoint_adequate():
    plan = from_records([volume("a", 0, 0), volume("d", 90, 1)], Plan)
    table = timepoint_table(plan, from_records([mask("a"), mask("d")], Masks), ["d"])
    assert table["adequate"].tolist() == [True, False]
    assert table["new_lesions_assessed"].tolist() == [True, False]
