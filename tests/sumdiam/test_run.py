"""The main job on a small archive: what it leaves, what it keeps, what it takes back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from measurement.lesion_table import Measurements
from measurement.table import columns_of
from sumdiam.batch.run import run
from sumdiam.batch.settings import RunSettings
from sumdiam.export.table_file import read_table
from sumdiam.store.decision import DecisionError
from sumdiam.store.lock import RunLockedError, run_lock
from sumdiam.store.workspace import Workspace

RESULTS = ("plan.csv", "masks.csv", "matches.csv", "run.json", "report.html", "tables", "overlays",
           "figures")  # fmt: skip


def contents(folder: Path, parts: tuple[str, ...] = RESULTS) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for part in parts
        for file in sorted([folder / part, *(folder / part).rglob("*")])
        if file.is_file()
    }


@pytest.fixture(scope="module")
def first(pristine, tmp_path_factory):
    """A finished run of three studies, and what it said."""
    out = tmp_path_factory.mktemp("first") / "run"
    return out, run(RunSettings((pristine,), out, workers=2))


@pytest.fixture
def finished(first, tmp_path) -> Path:
    return Path(shutil.copytree(first[0], tmp_path / "run"))


def test_a_run_leaves_tables_figures_overlays_report_and_facts(first):
    out, summary = first
    assert (summary.exit_code, summary.count("done"), summary.report) == (0, 3, out / "report.html")
    names = {path.name for path in out.iterdir()}
    assert {*RESULTS, "run.sqlite"} <= names
    measurements = read_table(out / "tables" / "measurements")
    assert list(measurements.columns) == columns_of(Measurements)
    ids = set(measurements["measurement_id"])
    pictures = {path.stem for path in (out / "overlays").iterdir()}
    assert len(pictures) == 6  # viable and whole diameter of each of three lesions
    assert pictures <= ids
    assert (out / "tables" / "sumdiam.xlsx").is_file()


def test_each_longest_diameter_has_the_uncertainty_between_readers_beside_its_own(first):
    measurements = read_table(first[0] / "tables" / "measurements")
    long = measurements[measurements["quantity"].isin(["viable_diameter", "whole_diameter"])]
    assert len(long) == 6
    assert np.allclose(long["reader_uncertainty"], 0.085 * long["value"])
    assert (long["standard_uncertainty"] > 0).all()
    assert measurements.drop(long.index)["reader_uncertainty"].isna().all()


def test_who_is_not_analysed_stands_in_the_flow_with_the_reason_of_the_table(pristine, finished):
    run(RunSettings((pristine,), finished, policies="seed", workers=1))  # they apply exclusions
    table = read_table(finished / "tables" / "exclusions")
    reasons = table.loc[~table["analysed"], "reason"].value_counts().to_dict()
    assert reasons == {"no images after baseline": 1}
    flow = pd.read_csv(finished / "figures" / "flow.csv", keep_default_na=False)
    [said] = flow.loc[flow["box"] == "lost", "reasons"]
    assert said == "no images after baseline: 1"
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert page.count("not analysed: no images after baseline") == 1  # its one visit


def test_the_closing_words_name_studies_lesions_and_the_report(first):
    out, summary = first
    lines = summary.lines()
    assert lines[0] == "Studies: 3 found, 3 measured, 0 refused"
    assert any(line.startswith("Lesions: 3 measured") for line in lines)
    assert lines[-1] == f"Report: {out / 'report.html'}"


def test_the_facts_hold_versions_configuration_and_digests_but_no_clock(first):
    facts = json.loads((first[0] / "run.json").read_text(encoding="utf-8"))
    assert facts["versions"]["pydicom"]
    assert facts["configuration"]["criteria"] == "mrecist"
    assert len(facts["inputs"][0]["sha256"]) == 64
    assert f"{time.gmtime().tm_year}-" not in json.dumps(facts)


def test_a_second_run_measures_nothing_and_writes_the_same_bytes(pristine, finished):
    before = contents(finished)
    with Workspace.in_folder(finished) as workspace:
        seconds = [entry.seconds for entry in workspace.entries()]
    run(RunSettings((pristine,), finished, workers=2))
    with Workspace.in_folder(finished) as workspace:
        assert [entry.seconds for entry in workspace.entries()] == seconds
    assert contents(finished) == before


def test_a_study_that_is_damaged_later_is_refused_and_its_values_withdrawn(
    archive, finished, study_uid
):
    uid = study_uid(archive / "S01" / "t1")
    file = archive / "S01" / "t1" / "late_arterial" / "02.dcm"
    file.unlink()
    before = read_table(finished / "tables" / "measurements")
    summary = run(RunSettings((archive,), finished, workers=1))
    assert summary.exit_code == 3
    assert any("refused" in line and uid in line for line in summary.lines())

    after = read_table(finished / "tables" / "measurements")
    here = after[after["study_uid"] == uid]
    last = here[here["revision"] == 2]
    assert len(last) == len(before[before["study_uid"] == uid])
    assert not last["accepted"].any()
    assert last["reason"].str.startswith("withdrawn: its study is refused").all()
    # nothing is overwritten, nothing else has changed
    old = after[after["revision"] == 1].reset_index(drop=True)
    pd.testing.assert_frame_equal(old, before)
    lesions = read_table(finished / "tables" / "lesions")
    told = ["subject_id", "timepoint", "status", "status_reason"]
    assert lesions[told].fillna("").to_numpy().tolist() == [
        ["S01", 0, "measured", ""],
        ["S01", 1, "not_evaluable", "study refused: missing slice"],
        ["S02", 0, "measured", ""],
    ]
    assert lesions.loc[1, "viable_diameter_mm":"u_whole_volume"].isna().all()
    responses = read_table(finished / "tables" / "responses")
    visit = responses[(responses["subject_id"] == "S01") & (responses["timepoint"] == 1)].iloc[0]
    assert visit["overall_response"] == "NE"
    assert "0 of 1 targets measured (T1 is not: study refused: missing slice)" in visit["reason"]
    assert not {path.stem for path in (finished / "overlays").iterdir()} & set(
        last["measurement_id"]
    )


def test_a_mended_study_is_measured_again_and_equals_the_first_run(
    archive, pristine, finished, first
):
    file = Path("S01") / "t1" / "late_arterial" / "02.dcm"
    (archive / file).unlink()
    run(RunSettings((archive,), finished, workers=1))
    (archive / file).write_bytes((pristine / file).read_bytes())
    summary = run(RunSettings((archive,), finished, workers=1))
    assert summary.exit_code == 0
    derived = ("tables/lesions.csv", "tables/responses.csv", "overlays", "plan.csv", "masks.csv")
    assert contents(finished, derived) == contents(first[0], derived)
    assert read_table(finished / "tables" / "measurements")["revision"].max() == 3


def test_a_decision_on_an_unknown_measurement_stops_before_any_work(pristine, finished, tmp_path):
    path = tmp_path / "decisions.csv"
    path.write_text(
        "measurement_id,revision,verdict,decided_by,decided_on,reason\n"
        "0000000000000000,1,accept,reader-7,2026-01-02,looked at\n"
    )
    before = contents(finished)
    with pytest.raises(DecisionError, match=r"decisions\.csv: no measurement 0000000000000000"):
        run(RunSettings((pristine,), finished, decisions=path))
    assert contents(finished) == before


def test_a_control_arm_and_policies_of_a_file_are_recorded_and_touch_nothing_measured(
    pristine, finished, tmp_path
):
    subjects = tmp_path / "subjects.csv"
    subjects.write_text("subject_id,arm\nS01,new\nS02,old\n", encoding="utf-8")
    (tmp_path / "own.toml").write_text('confirm = "on"\n', encoding="utf-8")
    blind = ("plan.csv", "masks.csv", "matches.csv", "overlays", "tables/measurements.csv",
             "tables/lesions.csv")  # fmt: skip
    before = contents(finished, blind)
    asked = {"policies": str(tmp_path / "own.toml"), "subjects": subjects, "control_arm": "old"}
    run(RunSettings((pristine,), finished, **asked))
    assert contents(finished, blind) == before
    arms = read_table(finished / "tables" / "arms")
    assert arms[["arm", "role"]].to_numpy().tolist() == [["old", "control"], ["new", "compared"]]
    policies = read_table(finished / "tables" / "policies").set_index("policy")["value"]
    assert policies["confirm"] == "on"
    facts = json.loads((finished / "run.json").read_text(encoding="utf-8"))
    assert facts["configuration"]["control arm"] == "old"
    assert facts["configuration"]["policies"] == "own.toml"


def test_a_folder_in_use_is_refused(pristine, finished):
    with run_lock(finished), pytest.raises(RunLockedError, match="Wait until it ends"):
        run(RunSettings((pristine,), finished))


def test_a_run_that_is_interrupted_says_so_and_can_go_on(pristine, tmp_path, first):
    out = tmp_path / "run"
    command = [sys.executable, "-m", "sumdiam", "run", str(pristine), "--out", str(out)]
    process = subprocess.Popen(
        [*command, "--workers", "1"], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while not (out / "plan.csv").exists() and process.poll() is None:
        time.sleep(0.02)
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: to every process of the run
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped. What is measured is kept" in err
    assert "Traceback" not in err
    run(RunSettings((pristine,), out, workers=2))
    parts = ("plan.csv", "masks.csv", "matches.csv", "tables", "overlays")
    assert contents(out, parts) == contents(first[0], parts)
