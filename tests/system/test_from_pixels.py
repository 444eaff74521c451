"""What the main job reports of the simulated trial comes from its images, not from its tables."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from sumdiam.batch.run import run
from sumdiam.batch.settings import RunSettings
from sumdiam.demo.archive import write_datasets
from sumdiam.demo.cohort.table import Cohort, load_cohort
from sumdiam.demo.imaged.archive import study_folder, write_trial_archive
from sumdiam.demo.imaged.input_table import true_lengths, write_trial_inputs
from sumdiam.demo.imaged.study import shapes_of, trial_study
from sumdiam.demo.imaged.subject import imaged_subjects
from sumdiam.export.table_file import read_table

PATIENT = "SIM-216"  # three small visits: PR at the first follow-up, a new nodule at the second


def only(cohort: Cohort, name: str) -> Cohort:
    tables = {
        part: frame[frame["subject_id"] == name].reset_index(drop=True)
        for part in ("subjects", "timepoints", "lesions", "plan")
        for frame in [getattr(cohort, part)]
    }
    return replace(cohort, **tables)


def settings(folder: Path, out: Path) -> RunSettings:
    return RunSettings(
        (folder / "archive",), out, subjects=folder / "subjects.csv",
        findings=folder / "findings.csv", policies="seed", simulated=True,
    )  # fmt: skip


def tables(out: Path) -> dict[str, pd.DataFrame]:
    names = ("measurements", "responses", "outcomes", "lesions")
    return {name: read_table(out / "tables" / name) for name in names}


@pytest.fixture(scope="module")
def patient():
    (found,) = imaged_subjects(only(load_cohort(), PATIENT))
    return found


@pytest.fixture(scope="module")
def whole(patient, tmp_path_factory):
    """The patient's archive and a finished run over it."""
    folder = tmp_path_factory.mktemp("trial")
    write_trial_archive([patient], folder / "archive", workers=1)
    write_trial_inputs(only(load_cohort(), PATIENT), true_lengths([patient]), folder)
    run(settings(folder, folder / "run"))
    return folder


def standing(frame: pd.DataFrame, timepoints: set[int]) -> pd.DataFrame:
    """What counts now: a run that goes on keeps every version of a measurement."""
    last = frame.sort_values("revision").drop_duplicates("measurement_id", keep="last")
    return last[last["accepted"] & last["timepoint"].isin(timepoints)].sort_values(
        ["lesion_id", "quantity"], ignore_index=True
    )


@pytest.fixture(scope="module")
def smaller(patient) -> str:
    """The target that is drawn smaller at baseline."""
    return max(patient.visits[0].lesions, key=lambda one: one.viable_mm).lesion_id


@pytest.fixture(scope="module")
def changed(whole, patient, smaller, tmp_path_factory):
    """The same run after one SEG was deleted and, at another visit, one lesion drawn smaller."""
    folder = Path(shutil.copytree(whole, tmp_path_factory.mktemp("changed") / "trial"))
    visit, without, _ = patient.visits
    (study_folder(patient, without, folder / "archive") / "masks.dcm").unlink()
    extents = tuple(
        replace(one, viable_mm=one.viable_mm - 1, whole_mm=one.whole_mm - 1)
        if one.lesion_id == smaller
        else one
        for one in visit.lesions
    )
    study = trial_study(patient, visit, shapes_of(patient, replace(visit, lesions=extents)))
    write_datasets(study, study_folder(patient, visit, folder / "archive"))
    run(settings(folder, folder / "run"))
    return folder


@pytest.fixture(scope="module")
def before_and_after(whole, changed):
    return tables(whole / "run"), tables(changed / "run")


def test_the_images_give_what_the_tables_say(before_and_after):
    before, _ = before_and_after
    assert before["outcomes"]["best_response"].tolist() == ["PR"]
    words = before["responses"].set_index("timepoint")["overall_response"]
    assert (words[1], words[2]) == ("PR", "PD")


def test_without_its_masks_a_timepoint_is_not_evaluable_and_reads_no_0_mm(before_and_after):
    before, after = (one["measurements"] for one in before_and_after)
    assert len(standing(before, {1})) > 0
    assert len(standing(after, {1})) == 0
    row = before_and_after[1]["responses"].set_index("timepoint").loc[1]
    assert row["overall_response"] == "NE"
    assert pd.isna(row["sum_mm"])
    assert "no row at this visit" in row["reason"]


def test_a_study_that_was_not_touched_measures_the_same_to_the_byte(before_and_after):
    before, after = (standing(one["measurements"], {2}) for one in before_and_after)
    assert len(before) > 20
    assert after.to_csv() == before.to_csv()


def test_a_lesion_a_millimetre_smaller_in_its_image_measures_a_millimetre_less(
    before_and_after, smaller
):
    lengths = []
    for one in before_and_after:
        rows = standing(one["measurements"], {0})
        rows = rows[rows["quantity"] == "viable_diameter"]
        lengths.append(rows.set_index("lesion_id")["value"])
    shift = lengths[1] - lengths[0]
    assert shift[smaller] == pytest.approx(-1, abs=0.4)
    assert shift.drop(smaller).abs().max() < 0.05  # its neighbours' reference tissue moved a little
    sums = [one["responses"].set_index("timepoint")["sum_mm"] for one in before_and_after]
    assert sums[1][0] - sums[0][0] == pytest.approx(shift[smaller], abs=0.11)  # one decimal


def test_responses_change_only_where_the_rules_derive_them_from_what_changed(before_and_after):
    before, after = before_and_after
    rows = [one["responses"].set_index("timepoint") for one in (before, after)]
    # of the last visit only what hangs on the baseline, and on the visit that has gone
    assert rows[1].loc[2, "sum_mm"] == rows[0].loc[2, "sum_mm"]
    assert rows[1].loc[2, "baseline_sum_mm"] == rows[1].loc[0, "sum_mm"]
    assert (
        rows[1].loc[2, "change_from_baseline_percent"]
        > rows[0].loc[2, "change_from_baseline_percent"]
    )
    assert rows[1].loc[2, "overall_response"] == rows[0].loc[2, "overall_response"] == "PD"
    assert after["outcomes"]["best_response"].tolist() == ["PD"]  # its PR was at that visit
