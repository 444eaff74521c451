"""The workspace: revisions, decisions and ledger, as spec/tables.md promises them."""

from __future__ import annotations

import datetime as dt
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from measurement.table import from_records, to_text
from sumdiam.store.decision_table import Decisions
from sumdiam.store.settlement import still_asked
from sumdiam.store.workspace import StoreError, Workspace


@dataclass(frozen=True)
class Study:
    study_uid: str
    subject_id: str = "S1"
    timepoint: int | None = 0
    digest: str = "d1"


@dataclass(frozen=True)
class Result:
    study_uid: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    status: str = "done"
    reason_code: str | None = None
    reason: str | None = None
    overlays: dict[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.5


def reading(measurement: str = "m1", value: float | None = 30.0, **cells: Any) -> dict[str, Any]:
    return {
        "measurement_id": measurement,
        "subject_id": "S1",
        "reader": "auto",
        "lesion_id": "L1",
        "timepoint": 0,
        "quantity": "viable_diameter",
        "value": value,
        "unit": "mm",
        "standard_uncertainty": 0.4,
        "study_uid": "1.2.3",
        "mask_id": "1.9#1",
        "slice": 7,
        "sop_instance_uid": "1.2.3.7",
        "end1_x_mm": 0.0,
        "end1_y_mm": 0.0,
        "end1_z_mm": 5.0,
        "end2_x_mm": value,
        "end2_y_mm": 0.0,
        "end2_z_mm": 5.0,
        "gap_mm": 2.0,
        "method": "longest_viable gap=2",
        **cells,
    }


def decision(revision: int, verdict: str, **cells: Any) -> dict[str, Any]:
    return {
        "measurement_id": "m1",
        "revision": revision,
        "verdict": verdict,
        "decided_by": "reviewer1",
        "decided_on": pd.Timestamp("2026-01-02"),
        "reason": "the chord leaves the lesion",
        **cells,
    }


def decisions(*rows: dict[str, Any]) -> pd.DataFrame:
    return from_records(rows, Decisions)


@pytest.fixture
def workspace(tmp_path: Path):
    with Workspace.in_folder(tmp_path) as opened:
        yield opened


def measure(workspace: Workspace, *rows: dict[str, Any], study: str = "1.2.3") -> None:
    workspace.register([Study(study, digest=repr(rows))], redo=[study])
    workspace.lease([study])
    workspace.record_study(Result(study, list(rows)))


def history(workspace: Workspace) -> list[tuple[Any, ...]]:
    frame = workspace.measurements()
    columns = ["revision", "supersedes", "value", "decided_by", "accepted"]
    rows = frame[columns].astype(object).itertuples(index=False)
    return [tuple(None if pd.isna(cell) else cell for cell in row) for row in rows]


FIRST = (1, None, 30.0, "auto", True)


def test_a_first_measurement_is_revision_one(workspace):
    measure(workspace, reading())
    workspace.settle()
    assert history(workspace) == [FIRST]


def test_measuring_again_with_an_equal_result_makes_no_revision(workspace):
    for version in ("0.1", "0.2"):
        measure(workspace, reading(software_version=version))
        workspace.settle()
    assert history(workspace) == [FIRST]
    assert workspace.measurements()["software_version"].tolist() == ["0.1"]


def test_a_changed_value_makes_a_revision_that_supersedes_the_last(workspace):
    for value in (30.0, 31.0, 31.0):
        measure(workspace, reading(value=value))
        workspace.settle()
    assert history(workspace) == [FIRST, (2, 1, 31.0, "auto", True)]


def test_a_value_becomes_missing_with_its_reason_as_a_new_revision(workspace):
    measure(workspace, reading())
    workspace.settle()
    measure(workspace, reading(value=None, reason="no arterial phase"))
    workspace.settle()
    assert history(workspace)[1] == (2, 1, None, "auto", True)


def test_a_study_that_leaves_the_plan_withdraws_its_values_and_keeps_them(workspace):
    measure(workspace, reading())
    workspace.settle()
    workspace.register([])
    for _ in range(2):
        workspace.settle()
    assert history(workspace) == [FIRST, (2, 1, None, "auto", False)]
    assert "no longer in the plan" in workspace.measurements()["reason"].iloc[1]


def test_a_study_that_comes_back_unchanged_is_not_measured_again(workspace):
    study = Study("1.2.3")
    workspace.register([study])
    workspace.record_study(Result("1.2.3", [reading()]))
    workspace.settle()
    workspace.register([])
    workspace.settle()
    workspace.register([study])
    workspace.settle()
    assert workspace.to_do() == []
    assert history(workspace)[2] == (3, 2, 30.0, "auto", True)


def test_a_study_refused_after_having_been_done_withdraws_its_values(workspace):
    measure(workspace, reading())
    workspace.settle()
    workspace.register([Study("1.2.3", digest="changed")])
    workspace.record_study(Result("1.2.3", [], "refused", "missing_slice", "gap after 10 mm"))
    workspace.settle()
    assert history(workspace) == [FIRST, (2, 1, None, "auto", False)]
    assert "refused (missing_slice)" in workspace.measurements()["reason"].iloc[1]
    (entry,) = workspace.entries()
    assert (entry.state, entry.reason_code, entry.reason) == (
        "refused",
        "missing_slice",
        "gap after 10 mm",
    )


def test_a_mask_that_is_no_longer_measured_withdraws_only_its_own_values(workspace):
    measure(workspace, reading(), reading("m2", 12.0, lesion_id="L2"))
    workspace.settle()
    measure(workspace, reading())
    workspace.settle()
    frame = workspace.measurements()
    assert frame.groupby("measurement_id")["revision"].max().to_dict() == {"m1": 1, "m2": 2}


def test_the_order_in_which_studies_finish_changes_nothing(tmp_path):
    studies = [Study(f"1.2.{n}", f"S{n % 3}", n) for n in range(6)]
    tables = []
    for order in (studies, studies[::-1]):
        with Workspace.in_folder(tmp_path / str(len(tables))) as workspace:
            workspace.register(studies)
            for study in order:
                row = reading(f"m{study.timepoint}", 20.0 + study.timepoint)
                row |= {"subject_id": study.subject_id, "study_uid": study.study_uid}
                workspace.record_study(Result(study.study_uid, [row]))
            # the lesion moved from one study of the visit to the other
            workspace.settle()
            for study in order:
                other = (study.timepoint + 1) % 6
                row = reading(f"m{other}", 20.0 + other)
                row |= {"subject_id": f"S{other % 3}", "study_uid": study.study_uid}
                workspace.register(studies, redo=[study.study_uid])
                workspace.record_study(Result(study.study_uid, [row]))
            workspace.settle()
            tables.append(to_text(workspace.measurements()).to_csv())
    assert tables[0] == tables[1]


def test_a_lesion_measured_twice_at_one_timepoint_has_no_value_and_says_why(workspace):
    workspace.register([Study("1.2.3"), Study("1.2.4")])
    workspace.record_study(Result("1.2.3", [reading()]))
    workspace.record_study(Result("1.2.4", [reading(study_uid="1.2.4", mask_id="1.8#1")]))
    workspace.settle()
    frame = workspace.measurements()
    assert frame["value"].isna().all()
    assert frame["reason"].str.contains("masks 1.8#1, 1.9#1.*masks.csv").all()


# decisions


def test_an_accepted_value_is_a_new_revision_of_the_person(workspace):
    measure(workspace, reading())
    (outcome,) = workspace.settle(decisions(decision(1, "accept")))
    assert history(workspace) == [FIRST, (2, 1, 30.0, "reviewer1", True)]
    assert (outcome.state, outcome.resulting_revision) == ("applied", 2)
    assert workspace.measurements()["reader"].unique().tolist() == ["auto"]


def test_a_rejected_value_is_not_accepted(workspace):
    measure(workspace, reading())
    workspace.settle(decisions(decision(1, "reject")))
    assert history(workspace)[1] == (2, 1, 30.0, "reviewer1", False)
    assert workspace.measurements()["reason"].iloc[1] == "the chord leaves the lesion"


def test_a_replaced_value_carries_the_persons_value_and_ends(workspace):
    measure(workspace, reading())
    ends = dict(zip(["end1_x_mm", "end1_y_mm", "end1_z_mm"], [1.0, 2.0, 15.0], strict=True))
    ends |= dict(zip(["end2_x_mm", "end2_y_mm", "end2_z_mm"], [1.0, 26.0, 15.0], strict=True))
    workspace.settle(decisions(decision(1, "replace", value=24.0, **ends)))
    row = workspace.measurements().iloc[1]
    assert (row["value"], row["end2_y_mm"], row["decided_by"]) == (24.0, 26.0, "reviewer1")
    # the ends lie 10 mm away from the slice of the automatic caliper
    assert pd.isna(row["slice"])
    assert pd.isna(row["sop_instance_uid"])
    assert pd.isna(row["standard_uncertainty"])
    assert row["reader_uncertainty"] == pytest.approx(0.085 * 24.0)


def test_applying_a_decision_twice_changes_nothing(workspace):
    measure(workspace, reading())
    handed_in = decisions(decision(1, "replace", value=24.0))
    workspace.settle(handed_in)
    before, audit = history(workspace), workspace.audit()
    workspace.settle(handed_in)
    assert history(workspace) == before
    assert workspace.audit() == audit


def test_measuring_again_equally_leaves_the_persons_revision_on_top(workspace):
    measure(workspace, reading())
    workspace.settle(decisions(decision(1, "replace", value=24.0)))
    measure(workspace, reading())
    (outcome,) = workspace.settle()
    assert history(workspace)[-1] == (2, 1, 24.0, "reviewer1", True)
    assert outcome.state == "applied"


def test_a_decision_turns_stale_when_the_automatic_value_changes(workspace):
    handed_in = decisions(decision(1, "replace", value=24.0))
    measure(workspace, reading())
    workspace.settle(handed_in)
    measure(workspace, reading(value=33.0, flags="low_cnr(1.3)"))
    (outcome,) = workspace.settle(handed_in)
    assert history(workspace) == [
        FIRST,
        (2, 1, 24.0, "reviewer1", True),
        (3, 2, 33.0, "auto", True),
    ]
    assert outcome.state == "stale"
    assert "decide on revision 3" in outcome.message
    flags = workspace.measurements()["flags"]
    assert flags.isna().tolist() == [True, True, False]
    assert flags.iloc[2] == "low_cnr(1.3);decision_stale"


def test_a_stale_decision_is_listed_without_being_handed_in_again(workspace):
    measure(workspace, reading())
    workspace.settle(decisions(decision(1, "reject")))
    measure(workspace, reading(value=33.0))
    (outcome,) = workspace.settle()
    assert (outcome.state, outcome.resulting_revision) == ("stale", 2)


def test_a_new_decision_on_the_new_value_takes_the_flag_away(workspace):
    measure(workspace, reading())
    old = decision(1, "reject")
    workspace.settle(decisions(old))
    measure(workspace, reading(value=33.0))
    workspace.settle(decisions(old))
    outcomes = workspace.settle(decisions(old, decision(3, "accept")))
    assert [outcome.state for outcome in outcomes] == ["stale", "applied"]
    assert history(workspace)[-1] == (4, 3, 33.0, "reviewer1", True)
    assert workspace.measurements()["flags"].isna().all()


def test_a_stale_decision_asks_for_nothing_once_a_later_revision_was_judged(workspace):
    measure(workspace, reading())
    old = decision(1, "reject")
    workspace.settle(decisions(old))
    measure(workspace, reading(value=33.0))
    assert [outcome.revision for outcome in still_asked(workspace.settle())] == [1]
    outcomes = workspace.settle(decisions(old, decision(3, "accept")))
    assert still_asked(outcomes) == []
    assert outcomes[0].state == "stale"
    assert outcomes[0].message == "settled since by the decision of reviewer1 on revision 3"
    # and when that one is out of date too, it alone asks
    measure(workspace, reading(value=35.0))
    again = workspace.settle(decisions(old))
    assert [(one.revision, one.state) for one in still_asked(again)] == [(3, "stale")]
    assert "decide on revision 5" in still_asked(again)[0].message


def test_a_refused_decision_settles_no_stale_one(workspace):
    measure(workspace, reading())
    workspace.settle(decisions(decision(1, "reject")))
    measure(workspace, reading(value=33.0))
    outcomes = workspace.settle(decisions(decision(9, "accept")))
    assert [(one.revision, one.state) for one in still_asked(outcomes)] == [
        (1, "stale"),
        (9, "refused"),
    ]


def test_a_changed_mind_is_a_further_revision(workspace):
    measure(workspace, reading())
    workspace.settle(decisions(decision(1, "reject")))
    workspace.settle(decisions(decision(1, "accept")))
    assert history(workspace)[1:] == [
        (2, 1, 30.0, "reviewer1", False),
        (3, 2, 30.0, "reviewer1", True),
    ]


def test_a_second_person_may_judge_the_first_persons_revision(workspace):
    measure(workspace, reading())
    outcomes = workspace.settle(
        decisions(
            decision(1, "replace", value=24.0),
            decision(2, "reject", decided_by="reviewer2"),
        )
    )
    assert [outcome.state for outcome in outcomes] == ["applied", "applied"]
    assert history(workspace)[-1] == (3, 2, 24.0, "reviewer2", False)


def test_a_decision_on_a_withdrawn_value_is_stale(workspace):
    measure(workspace, reading())
    workspace.settle()
    workspace.register([])
    (outcome,) = workspace.settle(decisions(decision(1, "accept")))
    assert outcome.state == "stale"
    assert history(workspace)[-1] == (2, 1, None, "auto", False)


def test_an_unknown_measurement_is_refused_and_the_nearest_is_named(workspace):
    measure(workspace, reading("abcdef0123456789"))
    (outcome,) = workspace.settle(
        decisions(decision(1, "accept", measurement_id="abcdef0123456788"))
    )
    assert outcome.state == "refused"
    assert "nearest known is abcdef0123456789" in outcome.message
    assert len(history(workspace)) == 1


def test_a_revision_that_does_not_exist_is_refused(workspace):
    measure(workspace, reading())
    (outcome,) = workspace.settle(decisions(decision(4, "accept")))
    assert outcome.state == "refused"
    assert "revisions 1 to 1, not 4" in outcome.message


def test_every_revision_that_a_person_made_is_in_the_audit(workspace):
    measure(workspace, reading())
    workspace.settle(decisions(decision(1, "reject")))
    lines = [what for _, _, what in workspace.audit()]
    assert "decision of reviewer1 on m1 revision 1 (reject): applied" in lines
    assert "measurement m1: revision 2 by reviewer1" in lines
    when = dt.datetime.fromisoformat(workspace.audit()[0][0])
    assert when.utcoffset() == dt.timedelta(0)


# ledger


def test_only_what_is_missing_or_changed_is_to_do(workspace):
    studies = [Study("1"), Study("2"), Study("3")]
    workspace.register(studies)
    workspace.record_study(Result("1"))
    workspace.record_study(Result("2", status="refused", reason_code="x", reason="y"))
    workspace.register(studies)
    assert workspace.to_do() == ["3"]
    workspace.register([Study("1", digest="other"), *studies[1:]])
    assert workspace.to_do() == ["1", "3"]


def test_the_leases_of_a_killed_run_are_to_do_again(tmp_path):
    with Workspace.in_folder(tmp_path) as first:
        first.register([Study("1"), Study("2")])
        first.lease(["1"])
    with Workspace.in_folder(tmp_path) as second:
        assert second.to_do() == ["2"]
        assert second.begin_run() == 1
        assert second.to_do() == ["1", "2"]
        assert second.entries()[0].attempts == 0


def test_a_study_that_fails_three_times_is_quarantined(workspace):
    workspace.register([Study("1")])
    states = [workspace.record_failure("1", "worker died") for _ in range(3)]
    assert states == ["failed", "failed", "quarantined"]
    assert workspace.to_do() == []


def test_a_new_run_tries_a_quarantined_study_again(workspace):
    workspace.register([Study("1")])
    for _ in range(3):
        workspace.record_failure("1", "worker died")
    workspace.register([Study("1")])
    assert workspace.to_do() == ["1"]


def test_rows_and_ledger_are_written_together_or_not_at_all(workspace):
    workspace.register([Study("1.2.3")])
    with pytest.raises(LookupError, match=r"study 9\.9 is not in the ledger"):
        workspace.record_study(Result("9.9", [reading()]))
    broken = Result("1.2.3", [reading(unit=None), reading(value=object())])
    with pytest.raises(Exception, match="object"):
        workspace.record_study(broken)
    assert workspace.entries()[0].state == "todo"
    assert workspace.settle() == []
    assert workspace.measurements().empty


def test_a_commit_survives_the_machine(tmp_path):
    with Workspace.in_folder(tmp_path) as workspace, workspace._engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert raw.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_a_workspace_of_another_layout_is_refused(tmp_path):
    Workspace.in_folder(tmp_path).close()
    database = sqlite3.connect(tmp_path / "run.sqlite")
    with database:
        database.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    database.close()
    with pytest.raises(StoreError, match=r"layout 99.*another --out"):
        Workspace.in_folder(tmp_path)


@pytest.mark.parametrize("url", ["no url", "nodriver://host/name", "sqlite:////nowhere/a/b.sqlite"])
def test_a_database_that_cannot_be_opened_is_named_with_the_remedy(url):
    with pytest.raises(StoreError, match=r"cannot be opened.*Check that the URL"):
        Workspace(url)


def test_no_password_is_shown():
    with pytest.raises(StoreError) as caught:
        Workspace("nodriver://user:secret@host/name")
    assert "secret" not in str(caught.value)
