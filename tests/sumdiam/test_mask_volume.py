"""Which volume a label image belongs to: by its grid and its folder, else a person says."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from measurement.table import parse_text, to_text
from sumdiam.archive.scan import scan_archives
from sumdiam.batch.plan import make_plan
from sumdiam.batch.plan_table import Masks
from sumdiam.batch.study import build_tasks, measure_study
from tests.imaging.awkward_mask import writer as w
from tests.sumdiam.test_run_mask_kinds import drawn, grid_of


@pytest.fixture(scope="module")
def two_visits(write_study, tmp_path_factory):
    """S01 at two visits on one grid, without mask files; the tumour's voxels and the grid."""
    root = tmp_path_factory.mktemp("visits") / "archive"
    write_study(root / "S01" / "t0")
    _, grid, masks = drawn(root)
    write_study(root / "S01" / "t1", visit="t1", day=dt.date(2020, 4, 2))
    for seg in root.rglob("seg.dcm"):
        seg.unlink()
    return root, grid, masks


@pytest.fixture
def archive(two_visits, tmp_path) -> Path:
    root = tmp_path / "archive"
    for file in sorted(two_visits[0].rglob("*.dcm")):
        target = root / file.relative_to(two_visits[0])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    return root


def planned(archive: Path, edit=None):
    catalogue = scan_archives([archive])
    plan = make_plan(catalogue)
    if edit is not None:
        text = to_text(plan.masks)
        edit(text)
        masks = parse_text(text, Masks, origin="masks.csv")
        plan = make_plan(catalogue, previous=replace(plan, masks=masks))
    return catalogue, plan


def put(path: Path, values: np.ndarray, grid: w.Grid) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    w.write_nifti(path, values, sform=grid.ras())


def study_at(plan, timepoint: int) -> str:
    return plan.plan.loc[plan.plan["timepoint"] == timepoint, "study_uid"].iloc[0]


def test_a_label_image_belongs_to_the_study_in_whose_folder_it_lies(archive, two_visits):
    _, grid, masks = two_visits
    for visit in ("t0", "t1"):
        put(archive / "S01" / visit / "liver_tumor.nii.gz", masks["T1"], grid)
    _, plan = planned(archive)
    assert plan.masks["timepoint"].tolist() == [0, 1]
    assert plan.masks["study_uid"].tolist() == [study_at(plan, 0), study_at(plan, 1)]
    assert plan.masks["mask_id"].is_unique  # though both files are equal, byte for byte
    assert not plan.refused_studies


def test_a_label_image_in_a_tree_of_its_own_is_joined_by_the_names_of_its_folders(
    archive, two_visits
):
    _, grid, masks = two_visits
    (archive / "S01").rename(archive / "images")
    root = archive / "images_of"
    root.mkdir()
    (archive / "images").rename(root / "S01")
    put(archive / "masks" / "S01" / "t1" / "liver_tumor.nii.gz", masks["T1"], grid)
    _, plan = planned(archive)
    (row,) = plan.masks.to_dict("records")
    assert row["study_uid"] == study_at(plan, 1)


def test_a_label_image_that_fits_two_studies_is_left_to_a_person(archive, two_visits):
    _, grid, masks = two_visits
    put(archive / "S01" / "liver_tumor.nii.gz", masks["T1"], grid)
    _, plan = planned(archive)
    assert plan.masks.empty
    (problem,) = [p for p in plan.problems if p.code == "mask_study_unknown"]
    assert problem.refused
    assert problem.where == "S01/liver_tumor.nii.gz"
    assert "volumes of 2 studies fit" in problem.sentence


def test_a_label_image_of_no_grid_refuses_its_study_until_a_person_gives_its_volume(
    archive, two_visits
):
    _, grid, masks = two_visits
    wide = replace(
        grid,
        shape=(6, 20, 24),
        column_step=tuple(2 * np.array(grid.column_step)),
        row_step=tuple(2 * np.array(grid.row_step)),
        first=tuple(
            np.array(grid.first) + np.array(grid.column_step) / 2 + np.array(grid.row_step) / 2
        ),
    )
    coarse = masks["T1"].reshape(6, 20, 2, 24, 2).sum(axis=(2, 4)) >= 2
    put(archive / "S01" / "t0" / "liver_tumor.nii.gz", coarse, wide)
    catalogue, plan = planned(archive)
    uid = study_at(plan, 0)
    assert plan.refused_studies[uid][0] == "mask_volume_unknown"
    assert "no volume has its grid (6 x 20 x 24 voxels" in plan.masks["evidence"].iloc[0]

    volume = plan.plan.query("study_uid == @uid and phase == 'late_arterial'")["volume_id"].iloc[0]

    def give(text):
        text["volume_id"] = volume
        text["decided_by"] = "reader-7"

    catalogue, plan = planned(archive, give)
    assert uid not in plan.refused_studies
    results = {
        resample: next(
            measure_study(task)
            for task in build_tasks(plan, catalogue, resample_masks=resample)
            if task.study_uid == uid
        )
        for resample in (False, True)
    }
    assert (results[False].status, results[False].reason_code) == ("refused", "mask_grid_mismatch")
    assert results[True].status == "done"
    rows = {row["quantity"]: row for row in results[True].rows}
    assert 20 < rows["whole_diameter"]["value"] < 32  # a ball of 24 mm drawn in pixels of 5 mm
    assert all("mask_resampled(" in row["flags"] for row in rows.values())


def test_a_label_image_whose_path_names_its_series_needs_no_folder(archive, two_visits):
    _, grid, masks = two_visits
    _, plan = planned(archive)
    volume = plan.plan.query("timepoint == 1 and phase == 'late_arterial'").iloc[0]
    put(archive / f"{volume['series_uid']}_liver_tumor.nii.gz", masks["T1"], grid)
    _, plan = planned(archive)
    (row,) = plan.masks.to_dict("records")
    assert row["volume_id"] == volume["volume_id"]
    assert "whose series its path names" in row["evidence"]


def test_a_label_image_in_one_study_is_not_given_to_another_that_has_its_grid(archive, two_visits):
    _, grid, masks = two_visits
    for file in sorted((archive / "S01" / "t1").rglob("*.dcm")):
        image = pydicom.dcmread(file)
        x, y, z = image.ImagePositionPatient
        image.ImagePositionPatient = [x + 1.0, y, z]
        image.save_as(file)
    moved = replace(grid, first=(grid.first[0] + 1.0, *grid.first[1:]))
    put(archive / "S01" / "t0" / "liver_tumor.nii.gz", masks["T1"], moved)
    _, plan = planned(archive)
    (row,) = plan.masks.to_dict("records")
    assert row["study_uid"] == study_at(plan, 0)
    assert plan.refused_studies[row["study_uid"]][0] == "mask_volume_unknown"
    # beside both studies it goes to the one whose grid it has
    (archive / "S01/t0/liver_tumor.nii.gz").rename(archive / "S01/liver_tumor.nii.gz")
    _, plan = planned(archive)
    assert plan.masks["study_uid"].tolist() == [study_at(plan, 1)]


def test_a_lesion_outside_the_liver_on_several_equal_grids_is_left_to_a_person(archive, two_visits):
    """It is measured on the volume it was drawn on, and which that is nobody said."""
    _, grid, masks = two_visits
    put(archive / "S01" / "t0" / "lung_metastasis.nii.gz", masks["T1"], grid)
    _, plan = planned(archive)
    (row,) = plan.masks.to_dict("records")
    assert (row["site"], row["mask_role"]) == ("extrahepatic", "lesion_whole")
    assert plan.refused_studies == {
        study_at(plan, 0): ("mask_volume_unknown", "mask file S01/t0/lung_metastasis.nii.gz")
    }


def test_files_of_zeros_at_two_visits_are_two_lesions_of_0_mm_and_no_copies(archive, two_visits):
    _, grid, masks = two_visits
    for visit in ("t0", "t1"):
        put(archive / "S01" / visit / "liver_tumor.nii.gz", 0 * masks["T1"], grid)

    def name(text):
        text["lesion_id"] = "T1"
        text["decided_by"] = "reader-7"

    catalogue, plan = planned(archive, name)
    assert plan.masks["timepoint"].tolist() == [0, 1]
    for task in build_tasks(plan, catalogue):
        values = {row["quantity"]: row["value"] for row in measure_study(task).rows}
        assert values["viable_diameter"] == 0.0
        assert values["whole_diameter"] == 0.0


def test_an_equal_file_in_the_same_folder_is_a_copy(archive, two_visits):
    _, grid, masks = two_visits
    for name in ("liver_tumor", "liver_tumor_copy"):
        put(archive / "S01" / "t0" / f"{name}.nii.gz", masks["T1"], grid)
    catalogue, plan = planned(archive)
    assert len(plan.masks) == 1
    assert ("S01/t0/liver_tumor_copy.nii.gz", "duplicate") in {
        (item.file, item.reason_code) for item in catalogue.left_out
    }


def test_an_image_beside_the_masks_is_passed_over_and_a_damaged_mask_is_not(archive, two_visits):
    _, grid, masks = two_visits
    noise = np.random.default_rng(1).normal(100, 20, grid.shape)
    w.write_nifti(archive / "S01/t0/ct.nii.gz", noise, kind="f4", sform=grid.ras())
    put(archive / "S01" / "t1" / "liver_tumor.nii.gz", masks["T1"], grid)
    path = archive / "S01" / "t1" / "liver_tumor.nii.gz"
    path.write_bytes(path.read_bytes()[:-30])
    catalogue, plan = planned(archive)
    left_out = {(item.file, item.reason_code) for item in catalogue.left_out}
    assert ("S01/t0/ct.nii.gz", "mask_not_labels") in left_out
    assert list(plan.refused_studies) == [study_at(plan, 1)]
    assert "liver_tumor.nii.gz" in plan.refused_studies[study_at(plan, 1)][1]


def test_a_whole_lesion_and_its_viable_part_in_two_files_are_one_lesion(archive, two_visits):
    _, grid, masks = two_visits
    core = masks["T1"].copy()
    core[:, :, : core.shape[2] // 2 - 8] = False
    put(archive / "S01" / "t0" / "liver_tumor.nii.gz", masks["T1"], grid)
    put(archive / "S01" / "t0" / "liver_tumor_viable.nii.gz", core, grid)
    _, plan = planned(archive)
    assert sorted(plan.masks["mask_role"]) == ["lesion_viable", "lesion_whole"]
    assert plan.masks["lesion_id"].nunique() == 1


def test_the_grid_of_the_test_is_that_of_its_images(two_visits):
    files = sorted((two_visits[0] / "S01/t0/late_arterial").iterdir())
    assert grid_of([pydicom.dcmread(file) for file in files]) == two_visits[1]
