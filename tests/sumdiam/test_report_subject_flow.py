"""Flow of subjects: everyone is in exactly one end box, with the reason."""

from dataclasses import replace

import pandas as pd
import pytest

from assessment.response_table import Exclusions
from measurement.table import from_records
from stats.plots import check_flow
from sumdiam.report.run_tables import RunFacts, RunTables
from sumdiam.report.subject_flow import subject_flow
from sumdiam.report.view import choose_view

from .fake_run import KEY, fake_run


@pytest.fixture(scope="module")
def tables():
    return fake_run(n_subjects=24, n_lesions=1, side=8).tables


def flow(tables: RunTables):
    boxes = subject_flow(tables, choose_view(tables, RunFacts()))
    check_flow(boxes)
    return {box.key: box for box in boxes}


def test_arms_add_up_and_a_subject_without_a_study_is_said(tables):
    boxes = flow(tables)
    assert boxes["all"].n == 25  # 24 with studies, one in the subject table only
    assert boxes["lost"].reasons == (("no study in the archive", 1),)
    assert (boxes["arm0"].n, boxes["arm1"].n) == (12, 12)
    assert boxes["end1_ne"].reasons == (("no follow-up scan", 2),)


def test_the_rules_exclusions_leave_with_their_reason(tables):
    gone = ["DT-001", "DT-002"]
    outcomes = tables.outcomes[~tables.outcomes["subject_id"].isin(gone)]
    reason = "no follow-up images within 6 months (183 days) of the start"
    code = "no_followup_within_6_months"
    excluded = from_records(
        [{**KEY, "subject_id": s, "analysed": False, "code": code, "reason": reason} for s in gone],
        Exclusions,
    )
    boxes = flow(replace(tables, outcomes=outcomes, exclusions=excluded))
    assert boxes["lost"].reasons == ((reason, 2), ("no study in the archive", 1))


def test_refused_unfinished_and_unmeasured_studies_are_told_apart(tables):
    names = [f"DT-00{i}" for i in range(1, 5)]
    kept = tables.outcomes[~tables.outcomes["subject_id"].isin(names)]
    studies = tables.studies.copy()
    studies.loc[studies["subject_id"] == names[0], "status"] = "refused"
    studies.loc[studies["subject_id"] == names[1], "status"] = "failed"
    lesions = tables.lesions[~tables.lesions["subject_id"].isin(names[:3])]
    boxes = flow(replace(tables, outcomes=kept, studies=studies, lesions=lesions))
    assert dict(boxes["lost"].reasons) == {
        "every study was refused": 1,
        "studies not measured yet, or failed": 1,
        "studies without a measured lesion": 1,
        "no baseline to compare with": 1,
        "no study in the archive": 1,
    }


def test_subjects_without_an_arm_leave_before_the_arms(tables):
    subjects = tables.subjects.copy()
    subjects.loc[0, "arm"] = pd.NA
    boxes = flow(replace(tables, subjects=subjects))
    assert boxes["no_arm"].n == 1
    assert boxes["arm0"].n + boxes["arm1"].n == 23


def test_without_arms_there_is_one_line(tables):
    boxes = flow(replace(tables, subjects=RunTables().subjects))
    assert set(boxes) == {"all", "lost", "assessed", "one_ne", "one_best"}
    assert boxes["one_best"].n == int((tables.outcomes["best_response"] != "NE").sum())


def test_confirmed_responses_are_shown_where_the_policies_ask_for_them(tables):
    outcomes = tables.outcomes.assign(
        confirmed_best_response=pd.Series("SD", index=tables.outcomes.index, dtype="string")
    )
    policies = tables.policies.replace({"value": {"off": "on"}})
    view = choose_view(replace(tables, outcomes=outcomes, policies=policies), RunFacts())
    assert view.confirmed
    assert set(view.outcomes["best_response"]) == {"SD"}
    assert not choose_view(tables, RunFacts()).confirmed


def test_many_reasons_are_gathered_and_still_add_up(tables):
    reasons = pd.Series([f"reason {i}" for i in range(len(tables.outcomes))], dtype="string")
    outcomes = tables.outcomes.assign(best_response=pd.Series("NE", index=reasons.index,
                                      dtype="string"), best_response_reason=reasons)  # fmt: skip
    boxes = flow(replace(tables, outcomes=outcomes))
    assert len(boxes["end0_ne"].reasons) == 6
    assert boxes["end0_ne"].reasons[-1] == ("other reasons", 7)
