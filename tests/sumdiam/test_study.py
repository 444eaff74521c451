"""One study measured from real DICOM files, and every kind of bad input with its remedy."""

import datetime as dt
import pickle
import shutil
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pydicom
import pytest

from imaging.reference_object import (
    Ball,
    Body,
    Field,
    ReferenceLesion,
    StudyIdentity,
    hypervascular,
    hypervascular_mr,
    lesion_segment,
    reference_study,
    seg_dataset,
    soft_tissue,
    standard_scans,
)
from measurement.lesion_table import Measurements
from measurement.reading import MeasurementSettings
from measurement.table import from_records, parse_text, to_text
from sumdiam.archive.scan import ScanOptions, scan_archives
from sumdiam.batch.plan import make_plan
from sumdiam.batch.plan_table import Plan
from sumdiam.batch.study import StudyResult, StudyTask, build_tasks, measure_study
from sumdiam.batch.study_image import StudyImages
from sumdiam.batch.timepoint import timepoint_table

LIVER_PLACE = (-20.0, -4.0, 0.0)
OUTSIDE = (45.0, -10.0, 0.0)
PIXEL_MM = 2.5


def planned(*archives, edit=None):
    catalogue = scan_archives(archives)
    plan = make_plan(catalogue)
    if edit is not None:
        text = to_text(plan.plan)
        edit(text)
        previous = replace(plan, plan=parse_text(text, Plan, origin="plan.csv"))
        plan = make_plan(catalogue, previous=previous)
    return catalogue, plan


def tasks_of(*archives, settings=None, edit=None) -> list[StudyTask]:
    catalogue, plan = planned(*archives, edit=edit)
    return build_tasks(plan, catalogue, settings)


def measured(*archives, **options) -> dict[str, StudyResult]:
    return {task.study_uid: measure_study(task) for task in tasks_of(*archives, **options)}


def value(result: StudyResult, lesion: str, quantity: str):
    found = [r for r in result.rows if (r["lesion_id"], r["quantity"]) == (lesion, quantity)]
    assert len(found) == 1
    return found[0]["value"]


@pytest.fixture(scope="module")
def clean(pristine) -> dict[str, StudyResult]:
    return measured(pristine)


def test_a_ball_of_24_mm_is_measured_within_a_pixel(clean):
    assert [result.status for result in clean.values()] == ["done"] * 3
    for result in clean.values():
        assert abs(value(result, "T1", "viable_diameter") - 24.0) < PIXEL_MM
        assert abs(value(result, "T1", "whole_diameter") - 24.0) < PIXEL_MM
        assert result.notes == ()


def test_rows_are_rows_of_measurements_and_can_be_walked_back(clean, pristine):
    tasks = {task.study_uid: task for task in tasks_of(pristine)}
    for uid, result in clean.items():
        frame = from_records([{**row, "revision": 1} for row in result.rows], Measurements)
        lead = frame.set_index("quantity").loc["viable_diameter"]
        task = tasks[uid]
        assert lead["study_uid"] == uid
        assert lead["volume_id"] == task.arterial.volume_id
        header = task.arterial.headers[lead["slice"]]
        assert lead["sop_instance_uid"] == header.sop_instance_uid
        ends = lead[["end1_x_mm", "end1_y_mm", "end1_z_mm", "end2_x_mm", "end2_y_mm", "end2_z_mm"]]
        x1, y1, z1, x2, y2, z2 = (float(end) for end in ends)
        assert z1 == z2 == header.position[2]
        assert ((x1 - x2) ** 2 + (y1 - y2) ** 2) ** 0.5 == pytest.approx(lead["value"])
        assert lead["decided_by"] == "auto"


def test_both_diameters_of_a_lesion_have_an_overlay(clean):
    for result in clean.values():
        drawn = {
            row["measurement_id"]
            for row in result.rows
            if row["quantity"] in ("viable_diameter", "whole_diameter") and row["value"] is not None
        }
        assert set(result.overlays) == drawn
        assert all(png.startswith(b"\x89PNG") for png in result.overlays.values())


def test_measuring_again_gives_the_same_bytes(clean, pristine):
    for task in tasks_of(pristine):
        again = measure_study(pickle.loads(pickle.dumps(task)))  # noqa: S301 - our own
        assert again.rows == clean[task.study_uid].rows
        assert again.overlays == clean[task.study_uid].overlays


def test_where_the_archive_lies_changes_nothing(archive, pristine):
    one = {task.study_uid: task.digest for task in tasks_of(archive)}
    assert one == {task.study_uid: task.digest for task in tasks_of(pristine)}


def test_the_digest_covers_the_study_and_nothing_else(archive, edit_file, study_uid):
    def digests(**options):
        return {task.study_uid: task.digest for task in tasks_of(archive, **options)}

    before = digests()
    assert len(set(before.values())) == 3
    other = digests(settings=MeasurementSettings(gap_mm=5.0))
    assert all(before[uid] != other[uid] for uid in before)
    edit_file(archive / "S02" / "t0" / "native" / "01.dcm", SeriesDescription="LIVER NATIVE 2")
    after = digests()
    changed = [uid for uid in before if before[uid] != after[uid]]
    assert changed == [study_uid(archive / "S02")]


# Damage: what is done to S01/t0, and what must come of it.


def drop_middle(study):
    (study / "late_arterial" / "03.dcm").unlink()


def drop_last(study):
    (study / "late_arterial" / "05.dcm").unlink()


def drop_native_slice(study):
    (study / "native" / "02.dcm").unlink()


def truncate_pixels(study):
    path = study / "late_arterial" / "02.dcm"
    path.write_bytes(path.read_bytes()[:-500])


def break_header(study):
    path = study / "native" / "02.dcm"
    path.write_bytes(b"\x00" * 3000)


def empty_file(study):
    (study / "late_arterial" / "02.dcm").write_bytes(b"")


def foreign_patient(study):
    path = study / "late_arterial" / "02.dcm"
    dataset = pydicom.dcmread(path)
    dataset.PatientID = "SOMEONE-ELSE"
    dataset.save_as(path)


def doubled_slice(study):
    path = study / "late_arterial" / "02.dcm"
    dataset = pydicom.dcmread(path)
    dataset.SOPInstanceUID = "1.2.3.4.5"
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4.5"
    pixels = bytearray(dataset.PixelData)
    pixels[1000] ^= 1
    dataset.PixelData = bytes(pixels)
    dataset.save_as(study / "late_arterial" / "02b.dcm")


def truncate_mask(study):
    path = study / "seg.dcm"
    path.write_bytes(path.read_bytes()[:-60])


def mask_without_image(study):
    shutil.rmtree(study / "late_arterial")


def mask_without_any_image(study):
    shutil.rmtree(study / "late_arterial")
    shutil.rmtree(study / "native")


def second_mask(study):
    dataset = pydicom.dcmread(study / "seg.dcm")
    dataset.SOPInstanceUID = "1.2.3.4.6"
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4.6"
    dataset.save_as(study / "seg2.dcm")


def two_subjects(study):
    for path in (study / "native").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.ClinicalTrialSubjectID = "S99"
        dataset.save_as(path)


def no_date(study):
    for path in study.rglob("*.dcm"):
        dataset = pydicom.dcmread(path)
        for keyword in ("AcquisitionDate", "SeriesDate", "StudyDate", "AcquisitionDateTime"):
            if keyword in dataset:
                setattr(dataset, keyword, "")
        dataset.save_as(path)


DAMAGE = [
    (drop_middle, "missing_slice", "Fetch the series again"),
    (drop_last, "referenced_image_missing", "Fetch the series again"),
    (drop_native_slice, "missing_slice", "Fetch the series again"),
    (truncate_pixels, "truncated_pixel_data", "see S01/t0/late_arterial/02.dcm"),
    (break_header, "unreadable_study_file", "S01/t0/native/02.dcm"),
    (empty_file, "unreadable_study_file", "S01/t0/late_arterial/02.dcm"),
    (foreign_patient, "mixed_patients", "exclude the series in the plan"),
    (doubled_slice, "", "series"),
    (truncate_mask, "", "seg.dcm"),
    (mask_without_image, "image_missing", "seg.dcm"),
    (mask_without_any_image, "image_missing", "seg.dcm"),
    (second_mask, "doubled_mask", "seg2.dcm"),
    (two_subjects, "mixed_subjects", "Separate the files"),
    (no_date, "no_date", "acquired_on"),
]


@pytest.mark.parametrize(("damage", "code", "says"), DAMAGE)
def test_damage_refuses_its_study_with_a_remedy_and_touches_no_other(
    archive, clean, study_uid, damage, code, says
):
    uid = study_uid(archive / "S01" / "t0")
    damage(archive / "S01" / "t0")
    results = measured(archive)
    refused = results.pop(uid)
    assert refused.status == "refused"
    assert refused.rows == ()
    assert refused.reason
    assert says in refused.reason
    assert not code or refused.reason_code == code
    assert {r.status for r in results.values()} == {"done"}
    for other, result in results.items():
        assert _values(result) == _values(clean[other])


def _values(result: StudyResult):
    """Return what is measured, whatever timepoint the visit has now."""
    drop = {"timepoint", "measurement_id"}
    return [{k: v for k, v in row.items() if k not in drop} for row in result.rows]


def test_what_a_study_was_refused_for_is_listed_for_the_person(archive, study_uid):
    drop_middle(archive / "S01" / "t0")
    plan = make_plan(scan_archives([archive]))
    uid = study_uid(archive / "S01" / "t0")
    [problem] = [one for one in plan.problems if uid in one.where]
    assert problem.code == "missing_slice"
    assert problem.refused
    assert problem.where.startswith("S01, study")


def test_a_refused_series_of_a_study_that_is_measured_all_the_same_is_told_once(archive, study_uid):
    uid = study_uid(archive / "S01" / "t0")
    drop_native_slice(archive / "S01" / "t0")
    catalogue, plan = planned(archive, edit=lambda text: _exclude_native(text, uid))
    told = [one for one in (*catalogue.problems, *plan.problems) if uid in one.where]
    assert [(one.code, one.refused) for one in told] == [("missing_slice", True)]
    assert any(note.startswith("missing_slice") for note in plan.notes[uid])


def _exclude_native(text: pd.DataFrame, uid: str) -> None:
    row = (text["study_uid"] == uid) & (text["phase"] == "native")
    text.loc[row, "use_by"] = "R1"


def test_a_refused_study_is_measured_once_its_files_are_mended(archive, pristine, study_uid):
    uid = study_uid(archive / "S01" / "t0")
    drop_middle(archive / "S01" / "t0")
    damaged = {task.study_uid: task.digest for task in tasks_of(archive)}
    shutil.copy(
        pristine / "S01" / "t0" / "late_arterial" / "03.dcm",
        archive / "S01" / "t0" / "late_arterial",
    )
    mended = {task.study_uid: task.digest for task in tasks_of(archive)}
    assert mended[uid] != damaged[uid]
    assert mended == {task.study_uid: task.digest for task in tasks_of(pristine)}


def test_a_person_may_leave_a_refused_volume_out(archive, study_uid):
    drop_native_slice(archive / "S01" / "t0")
    uid = study_uid(archive / "S01" / "t0")
    result = measured(archive, edit=lambda text: _exclude_native(text, uid))[uid]
    assert result.status == "done"
    assert all("no_native_phase" in row["flags"] for row in result.rows)


def test_a_study_without_a_mask_is_done_and_noted(archive, clean, study_uid):
    (archive / "S01" / "t0" / "seg.dcm").unlink()
    catalogue = scan_archives([archive])
    plan = make_plan(catalogue)
    uid = study_uid(archive / "S01" / "t0")
    results = {task.study_uid: measure_study(task) for task in build_tasks(plan, catalogue)}
    assert (results[uid].status, results[uid].rows) == ("done", ())
    assert results[uid].notes[0].startswith("no_mask: nobody outlined anything")
    assert [(one.code, one.refused) for one in plan.problems] == [("no_mask", False)]
    assert plan.timepoints["new_lesions_assessed"].tolist() == [False, True, True]


@pytest.mark.parametrize("damage", ["missing", "broken"])
def test_a_late_phase_that_is_missing_or_refused_is_only_noted(tmp_path, write_study, damage):
    who = write_study(tmp_path / "S01", phases=("native", "late_arterial", "portal_venous"))
    whole = measured(tmp_path)[who.study_uid]
    assert value(whole, "T1", "late_contrast") is not None
    if damage == "missing":
        shutil.rmtree(tmp_path / "S01" / "portal_venous")
    else:
        (tmp_path / "S01" / "portal_venous" / "02.dcm").unlink()
    result = measured(tmp_path)[who.study_uid]
    assert result.status == "done"
    assert value(result, "T1", "viable_diameter") == value(whole, "T1", "viable_diameter")
    assert "late_contrast" not in {row["quantity"] for row in result.rows}
    noted = [note.split(":")[0] for note in result.notes]
    assert noted == ([] if damage == "missing" else ["missing_slice"])


@pytest.mark.parametrize("place", [0, -1])
def test_a_late_phase_that_lacks_its_first_or_last_slice_is_not_used_and_noted(
    tmp_path, write_study, place
):
    who = write_study(tmp_path / "S01", phases=("native", "late_arterial", "portal_venous"))
    sorted((tmp_path / "S01" / "portal_venous").iterdir())[place].unlink()
    [note] = measured(tmp_path)[who.study_uid].notes
    assert note.startswith("grid_differs: the volume is not on the grid of the arterial one")
    assert "(portal_venous, 5 slices beside 6; volume " in note


@pytest.mark.parametrize("place", [0, -1])
def test_a_native_phase_that_lacks_its_first_or_last_slice_is_resampled_and_noted(
    tmp_path, write_study, clean, place
):
    who = write_study(tmp_path / "S01")
    sorted((tmp_path / "S01" / "native").iterdir())[place].unlink()
    result = measured(tmp_path)[who.study_uid]
    [note] = result.notes
    assert note.startswith("native_resampled: the native volume is on another grid")
    assert "(native, 5 slices beside 6; volume " in note
    assert abs(value(result, "T1", "viable_diameter") - 24.0) < PIXEL_MM
    assert all("registered" in row["flags"] for row in result.rows)


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"AcquisitionDate": "20xx0102"}, "date_unreadable"),
        ({"StudyDate": "20200202"}, "dates_differ"),
        ({"AcquisitionDate": "19200102"}, "date_implausible"),
    ],
)
def test_a_doubtful_date_of_one_slice_is_noted_as_dates_drive_survival(
    archive, edit_file, study_uid, cells, code
):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of the date that is to be wrong
        edit_file(archive / "S01" / "t0" / "native" / "03.dcm", **cells)
    uid = study_uid(archive / "S01" / "t0")
    results = measured(archive)
    assert code in [note.split(":")[0] for note in results[uid].notes]
    assert [one.notes for other, one in results.items() if other != uid] == [(), ()]


def test_a_damaged_instance_uid_is_noted(archive, edit_file, study_uid):
    victim = archive / "S01" / "t0" / "native" / "03.dcm"
    edit_file(victim, SOPInstanceUID="1.2.3.4")
    [note] = measured(archive)[study_uid(archive / "S01" / "t0")].notes
    assert note.startswith("instance_uid_differs: ")


def test_without_an_arterial_phase_hepatic_lesions_are_not_evaluable(tmp_path, write_study):
    lesions = [
        ReferenceLesion("T1", Ball(24.0, LIVER_PLACE), hypervascular()),
        ReferenceLesion("E1", Ball(20.0, OUTSIDE), soft_tissue(), organ="soft_tissue"),
    ]
    who = write_study(
        tmp_path / "S01", phases=("portal_venous",), lesions=lesions, drawn_on="portal_venous"
    )
    result = measured(tmp_path)[who.study_uid]
    assert result.status == "done"
    lead = next(row for row in result.rows if row["quantity"] == "viable_diameter")
    assert lead["value"] is None
    assert lead["reason"] == "no arterial phase"
    assert abs(value(result, "E1", "whole_diameter") - 20.0) < PIXEL_MM


def test_lesions_outside_the_liver_and_nodes_are_measured_as_a_whole(tmp_path, write_study):
    lesions = [
        ReferenceLesion("T1", Ball(24.0, LIVER_PLACE), hypervascular()),
        ReferenceLesion("E1", Ball(20.0, OUTSIDE), soft_tissue(), organ="soft_tissue"),
        ReferenceLesion("N1", Ball(20.0, (45.0, 25.0, 0.0)), soft_tissue(), organ="lymph_node"),
    ]
    who = write_study(tmp_path / "S01", lesions=lesions)
    result = measured(tmp_path)[who.study_uid]
    assert abs(value(result, "E1", "whole_diameter") - 20.0) < PIXEL_MM
    assert abs(value(result, "N1", "node_short_axis") - 20.0) < PIXEL_MM
    assert "viable_diameter" not in {r["quantity"] for r in result.rows if r["lesion_id"] == "E1"}
    pictures = {
        ("T1", "viable_diameter"),
        ("T1", "whole_diameter"),
        ("E1", "whole_diameter"),
        ("N1", "node_short_axis"),
    }
    drawn = {
        (row["lesion_id"], row["quantity"])
        for row in result.rows
        if row["measurement_id"] in result.overlays
    }
    assert drawn == pictures


def test_a_declared_empty_segment_is_zero(tmp_path, write_study):
    lesions = [
        ReferenceLesion("T1", None, hypervascular()),
        ReferenceLesion("T2", Ball(24.0, LIVER_PLACE), hypervascular()),
    ]
    who = write_study(tmp_path / "S01", lesions=lesions)
    result = measured(tmp_path)[who.study_uid]
    assert value(result, "T1", "viable_diameter") == 0.0


def test_a_drawn_viable_part_is_measured_as_drawn(tmp_path, write_study):
    lesions = [ReferenceLesion("T1", Ball(24.0, LIVER_PLACE), hypervascular())]
    who = write_study(tmp_path / "S01", lesions=lesions, with_viable_segments=True)
    [task] = tasks_of(tmp_path)
    assert {mask.lesion_id for mask in task.masks if mask.role != "liver"} == {"T1"}
    result = measure_study(task)
    assert abs(value(result, "T1", "viable_diameter") - 24.0) < PIXEL_MM
    masks = {row["quantity"]: row["mask_id"] for row in result.rows}
    assert masks["viable_diameter"] != masks["whole_diameter"]
    assert result.study_uid == who.study_uid


def test_a_hepatic_mask_on_another_grid_is_refused(tmp_path, write_study):
    who = write_study(tmp_path / "S01", phases=("native", "late_arterial", "portal_venous"),
                      drawn_on="portal_venous")  # fmt: skip
    for path in (tmp_path / "S01" / "portal_venous").iterdir():
        dataset = pydicom.dcmread(path)
        x, y, z = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x + 2.0, y, z]
        dataset.save_as(path)
    result = measured(tmp_path)[who.study_uid]
    assert (result.status, result.reason_code) == ("refused", "mask_grid_mismatch")
    assert "0.80 voxels" in (result.reason or "")


@pytest.mark.parametrize("drawn_on", ["portal_venous", "late_arterial"])
def test_what_is_sought_in_a_phase_that_the_mask_was_not_drawn_on_is_flagged(
    tmp_path, write_study, drawn_on
):
    who = write_study(
        tmp_path / "S01", phases=("late_arterial", "portal_venous"), drawn_on=drawn_on
    )
    flagged = {
        row["quantity"]: "mask_of_other_phase" in (row["flags"] or "").split(";")
        for row in measured(tmp_path)[who.study_uid].rows
    }
    elsewhere = drawn_on == "portal_venous"
    of_voxels = ("viable_diameter", "viable_perpendicular", "viable_volume", "mean_attenuation")
    assert {name: flagged[name] for name in of_voxels} == dict.fromkeys(of_voxels, elsewhere)
    of_outline = ("whole_diameter", "whole_perpendicular", "whole_volume")
    assert not any(flagged[name] for name in of_outline)


@pytest.mark.parametrize(
    ("slope", "scale", "flag"),
    [
        (1.0, 0.008, None),
        (1.0, 0.010, "scale_factors_differ(1.25)"),
        (1.25, 0.0064, None),  # other numbers, one product
        (1.25, 0.008, "scale_factors_differ(1.25)"),
    ],
)
def test_mr_phases_that_the_scanner_scaled_differently_are_flagged(
    tmp_path, write_study, slope, scale, flag
):
    lesion = ReferenceLesion("T1", Ball(24.0, LIVER_PLACE), hypervascular_mr())
    who = write_study(tmp_path / "S01", lesions=[lesion], body=Body("MR"))
    for phase, slopes in (("native", (slope, scale)), ("late_arterial", (1.0, 0.008))):
        for path in (tmp_path / "S01" / phase).iterdir():
            image = pydicom.dcmread(path)
            image.RescaleSlope, image.RescaleIntercept, image.RescaleType = slopes[0], 0, "US"
            block = image.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
            block.add_new(0x0E, "FL", slopes[1])
            image.save_as(path)
    rows = {row["quantity"]: row for row in measured(tmp_path)[who.study_uid].rows}
    found = [one for one in (rows["viable_diameter"]["flags"] or "").split(";") if "scale" in one]
    assert found == ([] if flag is None else [flag])
    assert "scale" not in (rows["whole_diameter"]["flags"] or "")


def test_a_drawn_viable_part_is_taken_as_drawn_whatever_phase_it_was_drawn_on(
    tmp_path, write_study
):
    who = write_study(
        tmp_path / "S01",
        phases=("late_arterial", "portal_venous"),
        drawn_on="portal_venous",
        with_viable_segments=True,
    )
    result = measured(tmp_path)[who.study_uid]
    [lead] = [row for row in result.rows if row["quantity"] == "viable_diameter"]
    assert "mask_of_other_phase" not in (lead["flags"] or "")


def test_a_seg_on_another_grid_is_moved_where_that_was_asked_for(tmp_path, write_study):
    who = write_study(tmp_path / "S01")
    lesion = ReferenceLesion("T1", Ball(24.0, LIVER_PLACE), hypervascular())
    fine = reference_study(
        who, Field((12, 40, 48), (2.5, 2.5, 2.5)), [lesion], standard_scans(["portal_venous"]),
        drawn_on="portal_venous",
    )  # fmt: skip
    (tmp_path / "S01" / "fine").mkdir()
    for number, image in enumerate(fine.series["portal_venous"]):
        image.save_as(tmp_path / "S01" / "fine" / f"{number}.dcm", enforce_file_format=True)
    fine.seg.save_as(tmp_path / "S01" / "seg.dcm", enforce_file_format=True)
    catalogue = scan_archives([tmp_path])
    plan = make_plan(catalogue)
    [refused] = map(measure_study, build_tasks(plan, catalogue))
    assert refused.reason_code == "mask_grid_mismatch"
    said = refused.reason or ""
    assert "other slices, rows or columns" in said
    assert "--resample-masks" in said
    [moved] = map(measure_study, build_tasks(plan, catalogue, resample_masks=True))
    values = {row["quantity"]: row["value"] for row in moved.rows}
    assert 24.0 - PIXEL_MM < values["whole_diameter"] < 24.0 + 1.5 * PIXEL_MM
    assert all("mask_resampled" in str(row["flags"]) for row in moved.rows)
    [note] = [note for note in moved.notes if "the liver" in note]  # it is moved along
    assert note.startswith("mask_resampled: ")
    [task] = build_tasks(plan, catalogue, resample_masks=True)
    [liver] = StudyImages(task).liver_masks(task.arterial)
    truth_ml = float(fine.liver.sum()) * 2.5**3 / 1000
    assert liver.array.sum() * 5.0 * 2.5**2 / 1000 == pytest.approx(truth_ml, rel=0.05)


def gapped(root, phase, place):
    """Remove a slice; return how the study is scanned with the gap allowed."""
    slices = sorted((root / "S01" / phase).iterdir())
    uid = pydicom.dcmread(slices[place], stop_before_pixels=True).SeriesInstanceUID
    slices[place].unlink()
    catalogue = scan_archives([root], options=ScanOptions(allow_gaps=(uid,)))
    [result] = map(measure_study, build_tasks(make_plan(catalogue), catalogue))
    return result


def test_a_series_with_a_gap_is_measured_and_flagged_where_that_was_allowed(tmp_path, write_study):
    who = write_study(tmp_path / "S01")
    result = gapped(tmp_path, "late_arterial", 4)
    assert result.status == "done", result.reason
    assert all("gap_allowed" in row["flags"] for row in result.rows)
    assert abs(value(result, "T1", "whole_diameter") - 24.0) < PIXEL_MM
    [row] = [row for row in result.rows if row["quantity"] == "whole_diameter"]
    images = {p.name: pydicom.dcmread(p) for p in (tmp_path / "S01/late_arterial").iterdir()}
    assert row["sop_instance_uid"] in {image.SOPInstanceUID for image in images.values()}
    refused = measured(tmp_path)[who.study_uid]  # without the option
    assert (refused.status, refused.reason_code) == ("refused", "missing_slice")


def test_a_length_is_never_read_on_a_slice_that_is_missing(tmp_path, write_study):
    write_study(tmp_path / "S01", lesions=[ReferenceLesion("T1", Ball(24.0, (-20.0, -4.0, 2.5)), hypervascular())])  # fmt: skip
    result = gapped(tmp_path, "late_arterial", 3)  # where the ball is largest
    [row] = [row for row in result.rows if row["quantity"] == "whole_diameter"]
    assert row["slice"] in (2, 4)
    # 5 mm off the middle of a ball of 24 mm
    assert abs(row["value"] - 2 * (12.0**2 - 5.0**2) ** 0.5) < PIXEL_MM


def test_a_lesion_on_missing_slices_alone_has_not_vanished(tmp_path, write_study):
    small = ReferenceLesion("T1", Ball(6.0, (-20.0, -4.0, 2.5)), hypervascular())
    write_study(tmp_path / "S01", lesions=[small])
    result = gapped(tmp_path, "late_arterial", 3)
    assert (result.status, result.reason_code) == ("refused", "missing_slice")


def test_gaps_allowed_in_a_series_that_is_not_there_are_said(pristine):
    catalogue = scan_archives([pristine], options=ScanOptions(allow_gaps=("1.2.3",)))
    assert [(p.code, p.where) for p in catalogue.problems] == [
        ("gap_series_absent", "series 1.2.3")
    ]


@pytest.mark.parametrize("shift_mm", [0.0, 5.0])
def test_one_lesion_drawn_on_two_volumes_under_two_ids_is_not_counted_twice(
    tmp_path, write_study, shift_mm
):
    """Outside the liver each is measured on its own volume, here of two grids and breaths."""
    where = [ReferenceLesion("E1", Ball(20.0, OUTSIDE), soft_tissue(), organ="soft_tissue")]
    who = write_study(tmp_path / "S01", lesions=where)
    x, y, z = OUTSIDE
    again = ReferenceLesion(
        "E2", Ball(20.0, (x + shift_mm, y, z)), soft_tissue(), organ="soft_tissue"
    )
    other = reference_study(
        who, Field((12, 40, 48), (2.5, 2.5, 2.5)), [again], standard_scans(["portal_venous"]),
        drawn_on="portal_venous", reader="R2",
    )  # fmt: skip
    (tmp_path / "S01" / "pv").mkdir()
    for number, image in enumerate(other.series["portal_venous"]):
        image.save_as(tmp_path / "S01" / "pv" / f"{number}.dcm", enforce_file_format=True)
    other.seg.save_as(tmp_path / "S01" / "seg_pv.dcm", enforce_file_format=True)
    result = measured(tmp_path)[who.study_uid]
    assert (result.status, result.reason_code) == ("refused", "doubled_mask")
    for said in ("E1", "E2", "seg.dcm", "seg_pv.dcm", "drawn on"):
        assert said in (result.reason or "")


def test_two_lesions_beside_each_other_on_two_volumes_are_two(tmp_path, write_study):
    where = [ReferenceLesion("E1", Ball(16.0, OUTSIDE), soft_tissue(), organ="soft_tissue")]
    who = write_study(tmp_path / "S01", lesions=where)
    x, y, z = OUTSIDE
    beside = ReferenceLesion("E2", Ball(16.0, (x, y + 12.0, z)), soft_tissue(), organ="soft_tissue")
    other = reference_study(
        who, Field((12, 40, 48), (2.5, 2.5, 2.5)), [beside], standard_scans(["portal_venous"]),
        drawn_on="portal_venous", reader="R2",
    )  # fmt: skip
    (tmp_path / "S01" / "pv").mkdir()
    for number, image in enumerate(other.series["portal_venous"]):
        image.save_as(tmp_path / "S01" / "pv" / f"{number}.dcm", enforce_file_format=True)
    other.seg.save_as(tmp_path / "S01" / "seg_pv.dcm", enforce_file_format=True)
    result = measured(tmp_path)[who.study_uid]
    assert result.status == "done", result.reason
    assert {row["lesion_id"] for row in result.rows} == {"E1", "E2"}


def test_one_lesion_drawn_in_two_files_under_two_ids_is_not_counted_twice(tmp_path, write_study):
    who = write_study(tmp_path / "S01")
    images = [pydicom.dcmread(p) for p in sorted((tmp_path / "S01" / "late_arterial").iterdir())]
    drawn = pydicom.dcmread(tmp_path / "S01" / "seg.dcm")
    first = [int(item.SegmentNumber) for item in drawn.SegmentSequence if item.SegmentLabel == "T1"]
    mask = np.zeros((6, 40, 48), dtype=bool)
    for frame, pixels in zip(
        drawn.PerFrameFunctionalGroupsSequence, drawn.pixel_array, strict=True
    ):
        if frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber in first:
            z = float(frame.PlanePositionSequence[0].ImagePositionPatient[2])
            mask[round((z - float(images[0].ImagePositionPatient[2])) / 5.0)] = pixels > 0
    assert mask.any()
    study = StudyIdentity("S01", "baseline", dt.date(2020, 1, 2))
    other = seg_dataset(images, [lesion_segment("T9", mask)], study, reader="R2")
    other.save_as(tmp_path / "S01" / "seg_again.dcm", enforce_file_format=True)
    result = measured(tmp_path)[who.study_uid]
    assert (result.status, result.reason_code) == ("refused", "doubled_mask")
    for said in ("T1", "T9", "seg.dcm", "seg_again.dcm", "100 %"):
        assert said in (result.reason or "")


def test_a_lesion_on_a_volume_that_a_person_excluded_is_not_evaluable(tmp_path, write_study):
    lesions = [ReferenceLesion("E1", Ball(20.0, OUTSIDE), soft_tissue(), organ="soft_tissue")]
    who = write_study(tmp_path / "S01", phases=("native", "late_arterial", "portal_venous"),
                      lesions=lesions, drawn_on="portal_venous")  # fmt: skip

    def exclude(text: pd.DataFrame) -> None:
        row = text["phase"] == "portal_venous"
        text.loc[row, ["use", "use_by"]] = ["exclude", "R1"]

    result = measured(tmp_path, edit=exclude)[who.study_uid]
    [row] = result.rows
    assert row["value"] is None
    assert "excluded" in row["reason"]
    from_records([{**row, "revision": 1}], Measurements)


def test_one_lesion_in_two_studies_of_a_timepoint_is_measured_once(tmp_path, write_study):
    write_study(tmp_path / "S01" / "a", visit="a", day=dt.date(2020, 1, 2))
    late = write_study(tmp_path / "S01" / "b", visit="b", day=dt.date(2020, 1, 9))
    results = measured(tmp_path)
    rows = [row for result in results.values() for row in result.rows]
    assert {row["study_uid"] for row in rows} == {late.study_uid}
    noted = [note for result in results.values() for note in result.notes]
    assert noted == [f"lesion T1 is measured in study {late.study_uid}"]


def test_a_study_that_was_refused_makes_its_timepoint_inadequate(archive, study_uid):
    drop_middle(archive / "S01" / "t1")
    plan = make_plan(scan_archives([archive]))
    table = timepoint_table(plan.plan, plan.masks, plan.refused_studies)
    assert table["adequate"].tolist() == [True, False, True]


def test_masks_filed_under_a_study_of_their_own_belong_to_their_images(tmp_path, write_study):
    who = write_study(tmp_path / "S01")
    path = tmp_path / "S01" / "seg.dcm"
    dataset = pydicom.dcmread(path)
    dataset.StudyInstanceUID = "1.2.3.4.7"
    dataset.save_as(path)
    results = measured(tmp_path)
    assert [(uid, len(result.rows) > 0) for uid, result in results.items()] == [
        (who.study_uid, True)
    ]


def test_two_readers_files_of_one_lesion_are_ambiguous(tmp_path, write_study):
    """Who drew a mask is not read from the file, so two of them cannot be told apart."""
    who = write_study(tmp_path / "S01")
    images = [pydicom.dcmread(p) for p in sorted((tmp_path / "S01" / "late_arterial").iterdir())]
    study = StudyIdentity("S01", "baseline", dt.date(2020, 1, 2))
    drawn = pydicom.dcmread(tmp_path / "S01" / "seg.dcm")
    assert drawn.StudyInstanceUID == who.study_uid
    mask = np.zeros((6, 40, 48), dtype=bool)
    mask[2:4, 15:20, 12:18] = True
    other = seg_dataset(images, [lesion_segment("T1", mask)], study, reader="R2")
    other.save_as(tmp_path / "S01" / "seg_r2.dcm", enforce_file_format=True)
    result = measured(tmp_path)[who.study_uid]
    assert result.reason_code == "doubled_mask"
    assert "seg.dcm and S01/seg_r2.dcm" in (result.reason or "")


@pytest.mark.parametrize("organ", ["soft_tissue", "liver"])
def test_an_unknown_phase_stops_hepatic_lesions_only(tmp_path, write_study, edit_file, organ):
    lesions = [ReferenceLesion("E1", Ball(20.0, OUTSIDE), soft_tissue(), organ=organ)]
    who = write_study(tmp_path / "S01", phases=("late_arterial",), lesions=lesions)
    for path in (tmp_path / "S01" / "late_arterial").iterdir():
        edit_file(path, SeriesDescription="THORAX", ProtocolName="")
    result = measured(tmp_path)[who.study_uid]
    if organ == "liver":
        assert (result.status, result.reason_code) == ("refused", "undecided_use")
        assert "phase_by in plan.csv" in (result.reason or "")
    else:
        assert abs(value(result, "E1", "whole_diameter") - 20.0) < PIXEL_MM
