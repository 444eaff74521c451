"""A person's word survives a rerun and changes exactly what hangs on it."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from tests.system.job import EXIT_REFUSED, EXIT_USAGE, Trial

Rows = list[dict[str, str]]


def read(path: Path) -> Rows:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def write(path: Path, rows: Rows) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def by_subject(rows: Rows) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for row in rows:
        found.setdefault(row["subject_id"], []).append(row)
    return found


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def leading(rows: Rows, quantity: str = "viable_diameter", timepoint: str = "1") -> dict[str, str]:
    """The first accepted length of a follow-up."""
    return next(
        row for row in rows
        if row["quantity"] == quantity and row["timepoint"] == timepoint and row["value"] not in ("", "0")
    )  # fmt: skip


def test_an_edited_phase_survives_a_rerun_and_changes_exactly_what_hangs_on_it(
    trial: Trial, run: Path
):
    before = read(run / "tables" / "measurements.csv")
    judged = leading(before)
    plan = read(run / "plan.csv")
    edited = next(row for row in plan if row["volume_id"] == judged["volume_id"])
    assert (edited["phase"], edited["use"]) == ("late_arterial", "measure")
    edited |= {"phase": "portal_venous", "phase_by": "reader-7"}
    write(run / "plan.csv", plan)

    done = trial.run(run, "--workers", "2")
    assert done.returncode == EXIT_REFUSED, done.stdout + done.stderr
    kept = next(r for r in read(run / "plan.csv") if r["volume_id"] == judged["volume_id"])
    assert (kept["phase"], kept["phase_by"]) == ("portal_venous", "reader-7")
    assert kept["use"] != "measure"

    after = read(run / "tables" / "measurements.csv")

    def elsewhere(rows: Rows) -> Rows:
        return [row for row in rows if row["study_uid"] != judged["study_uid"]]

    assert elsewhere(after) == elsewhere(before)
    lesions = read(run / "tables" / "lesions.csv")
    here = [
        row for row in lesions
        if (row["subject_id"], row["timepoint"], row["site"]) == (judged["subject_id"], "1", "hepatic")
    ]  # fmt: skip
    assert here
    for row in here:
        assert row["viable_diameter_mm"] == ""
        assert row["status"] == "not_evaluable"
        assert "arterial" in row["status_reason"]
    responses = by_subject(read(run / "tables" / "responses.csv"))
    response = next(r for r in responses[judged["subject_id"]] if r["timepoint"] == "1")
    assert response["target_response"] in ("NE", "PD")

    # and a further run keeps it and changes nothing
    again = trial.run(run, "--workers", "1")
    assert again.returncode == EXIT_REFUSED
    assert read(run / "tables" / "measurements.csv") == after


def decide(path: Path, measured: dict[str, str], **cells: str) -> Path:
    row = {
        "measurement_id": measured["measurement_id"],
        "revision": measured["revision"],
        "verdict": "reject",
        "value": "",
        "decided_by": "reader-7",
        "decided_on": "2026-03-01",
        "reason": "vessel, not tumour",
    } | cells
    write(path, [row])
    return path


def test_a_rejected_measurement_leaves_the_lesion_not_evaluable(
    trial: Trial, run: Path, tmp_path: Path
):
    before = read(run / "tables" / "measurements.csv")
    judged = leading(before)
    decisions = decide(tmp_path / "decisions.csv", judged)
    done = trial.run(run, "--decisions", decisions)
    assert done.returncode == EXIT_REFUSED, done.stdout + done.stderr

    after = read(run / "tables" / "measurements.csv")
    added = [row for row in after if row not in before]
    assert [(r["measurement_id"], r["revision"], r["supersedes"], r["accepted"], r["decided_by"]) for r in added] == [
        (judged["measurement_id"], "2", "1", "false", "reader-7")
    ]  # fmt: skip
    assert "vessel, not tumour" in added[0]["reason"]
    assert all(row in after for row in before if row["measurement_id"] != judged["measurement_id"])
    lesion = next(
        r for r in read(run / "tables" / "lesions.csv")
        if (r["subject_id"], r["lesion_id"], r["timepoint"]) == (judged["subject_id"], judged["lesion_id"], "1")
    )  # fmt: skip
    assert (lesion["viable_diameter_mm"], lesion["status"]) == ("", "not_evaluable")

    # applying it twice changes nothing
    trial.run(run, "--decisions", decisions)
    assert read(run / "tables" / "measurements.csv") == after


def test_a_replaced_measurement_moves_the_sum_and_nothing_else(
    trial: Trial, run: Path, finished: Path, tmp_path: Path
):
    judged = leading(read(run / "tables" / "measurements.csv"))
    ends = [float(judged[f"end1_{axis}_mm"]) for axis in "xyz"]
    moved = {f"end1_{axis}_mm": str(value) for axis, value in zip("xyz", ends, strict=True)}
    moved |= {
        f"end2_{axis}_mm": str(v)
        for axis, v in zip("xyz", [ends[0] + 90.0, *ends[1:]], strict=True)
    }
    decisions = decide(
        tmp_path / "decisions.csv", judged, verdict="replace", value="90.0", reason="drawn anew", **moved
    )  # fmt: skip
    done = trial.run(run, "--decisions", decisions)
    assert done.returncode == EXIT_REFUSED, done.stdout + done.stderr

    def lesions(folder: Path) -> dict[tuple[str, str, str], dict[str, str]]:
        rows = read(folder / "tables" / "lesions.csv")
        return {(r["subject_id"], r["lesion_id"], r["timepoint"]): r for r in rows}

    here = (judged["subject_id"], judged["lesion_id"], "1")
    was, now = lesions(finished), lesions(run)
    assert [key for key in was if was[key] != now[key]] == [here]
    assert now[here]["viable_diameter_mm"] == "90"
    old, new = (by_subject(read(f / "tables" / "responses.csv")) for f in (finished, run))
    assert [s for s in old if old[s] != new[s]] == [judged["subject_id"]]
    response = next(r for r in new[judged["subject_id"]] if r["timepoint"] == "1")
    assert response["overall_response"] == "PD"


def test_a_decision_on_an_unknown_measurement_stops_before_any_work(
    trial: Trial, run: Path, tmp_path: Path
):
    judged = leading(read(run / "tables" / "measurements.csv"))
    unknown = judged | {"measurement_id": "0" * 16}
    done = trial.run(run, "--decisions", decide(tmp_path / "decisions.csv", unknown))
    assert done.returncode == EXIT_USAGE
    assert "0" * 16 in done.stdout + done.stderr


def test_an_edited_plan_whose_data_are_gone_is_refused_with_the_way_to_mend_it(
    trial: Trial, run: Path
):
    plan = read(run / "plan.csv")
    plan[0] |= {"volume_id": "1.2.3.4#all", "series_uid": "1.2.3.4", "phase_by": "reader-7"}
    write(run / "plan.csv", plan)
    done = trial.run(run)
    told = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == EXIT_USAGE, told
    assert "1.2.3.4#all" in told
    assert "emove" in told
