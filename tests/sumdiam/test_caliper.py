"""Lengths of structured reports: whose they are, and what is said where they cannot be used."""

import shutil

import numpy as np
import pytest
from pydicom import dcmread

from measurement.lesion_table import Measurements
from measurement.table import empty_table
from sumdiam.archive.scan import ScanOptions, scan_archives
from sumdiam.batch.caliper import caliper_table
from sumdiam.batch.plan import make_plan
from tests.imaging.awkward_mask import writer as w
from tests.system.kind_archive import report

LINE = np.array([[2.0, 10.5, 12.5], [2.0, 18.5, 12.5]])
"""Eight columns of 2.5 mm: 20 mm."""


def calipers(archive, **options):
    catalogue = scan_archives([archive], options=ScanOptions(**options))
    return caliper_table(catalogue, make_plan(catalogue), empty_table(Measurements))


def images(folder):
    return [dcmread(path) for path in sorted((folder / "late_arterial").iterdir())]


def put(folder, stated=20.0, name="report", **lesion):
    made = report(images(folder), [(stated, LINE)], name=name, **lesion)
    return w.save(made, folder / f"{name}.dcm")


def test_a_report_is_of_the_subject_visit_and_lesion_of_its_image(archive):
    put(archive / "S01" / "t1")
    table, problems = calipers(archive)
    (row,) = table.to_dict("records")
    assert (row["subject_id"], row["timepoint"], row["lesion_id"]) == ("S01", 1, "T1")
    series = images(archive / "S01" / "t1")[2]
    assert row["series_uid"] == series.SeriesInstanceUID
    assert row["sop_instance_uid"] == series.SOPInstanceUID
    assert row["coordinates_mm"] == pytest.approx(20.0)
    assert row["agrees"]
    x, y, z = (float(v) for v in series.ImagePositionPatient)
    # the centre of the first pixel is (0.5, 0.5) in (column, row)
    assert row["end1_x_mm"] == pytest.approx(x + 10 * 2.5)
    assert (row["end1_y_mm"], row["end1_z_mm"]) == (pytest.approx(y + 12 * 2.5), pytest.approx(z))
    assert problems == ()


def test_the_tracking_uid_of_a_mask_names_the_lesion_before_its_tracking_id(archive):
    seg = dcmread(archive / "S01" / "t0" / "seg.dcm")
    uid = next(s.TrackingUID for s in seg.SegmentSequence if s.SegmentLabel == "T1")
    put(archive / "S01" / "t0", tracking_id="something else", tracking_uid=uid)
    (row,) = calipers(archive)[0].to_dict("records")
    assert (row["lesion_id"], row["lesion_by"]) == ("T1", "tracking uid")


def test_a_lesion_that_no_mask_shows_is_left_open_and_said(archive):
    put(archive / "S01" / "t0", tracking_id="T9")
    table, problems = calipers(archive)
    assert table["lesion_id"].isna().all()
    assert table["flags"].tolist() == ["caliper_lesion_unknown"]
    (told,) = problems
    assert (told.code, told.refused) == ("caliper_lesion_unknown", False)
    assert "T9: 20 mm stated" in told.sentence


def test_another_subjects_lesion_of_the_same_name_is_no_answer(archive):
    put(archive / "S02" / "t0")
    (archive / "S02" / "t0" / "seg.dcm").unlink()
    assert calipers(archive)[0]["lesion_id"].isna().all()


def test_an_image_that_is_not_there_leaves_the_length_unproved(archive):
    path = put(archive / "S01" / "t0")
    images_of = archive / "S01" / "t0" / "late_arterial"
    shutil.rmtree(images_of)
    table, problems = calipers(archive)
    (row,) = table.to_dict("records")
    assert row["flags"].split(";")[0] == "caliper_image_missing"
    assert (row["length_mm"], row["subject_id"], row["file"]) == (20.0, "S01", "S01/t0/report.dcm")
    assert table["agrees"].isna().all()
    assert path.name in problems[0].where


def test_a_copy_is_read_once_and_of_two_contents_none(archive):
    path = put(archive / "S01" / "t0")
    shutil.copy(path, path.with_name("z copy.dcm"))
    assert len(calipers(archive)[0]) == 1
    other = dcmread(path)
    other.SeriesDescription = "changed"
    other.save_as(path.with_name("z copy.dcm"))
    catalogue = scan_archives([archive])
    assert catalogue.reports == ()
    told = [item for item in catalogue.left_out if item.reason_code == "report_not_read"]
    assert [item.file for item in told] == ["S01/t0/report.dcm", "S01/t0/z copy.dcm"]
    assert catalogue.refused_files == ()


def test_reports_come_from_the_index_as_they_come_from_the_files(archive, tmp_path):
    put(archive / "S01" / "t0")
    first = calipers(archive, folder=tmp_path / "run", workers=1)
    again = calipers(archive, folder=tmp_path / "run", workers=1)
    assert first[0].equals(again[0])
    assert len(first[0]) == 1


def test_a_report_that_states_no_length_is_listed_and_left_out(archive):
    path = put(archive / "S01" / "t0")
    dataset = dcmread(path)
    dataset.ContentSequence = []
    dataset.save_as(path)
    catalogue = scan_archives([archive])
    assert catalogue.reports == ()
    assert ("S01/t0/report.dcm", "it states no length") in {
        (item.file, item.detail) for item in catalogue.left_out
    }


@pytest.mark.shared
def test_a_real_report_of_volumes_states_no_length(shared_data):
    catalogue = scan_archives([shared_data / "dcmqi_liver_seg"])
    told = [item.detail for item in catalogue.left_out if item.reason_code == "report_not_read"]
    assert len(told) + len(catalogue.reports) >= 1
