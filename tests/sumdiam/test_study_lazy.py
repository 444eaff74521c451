"""Only the compressed slices around a lesion are decoded, and the answer is that of all."""

import datetime as dt

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import HTJ2KLossless

from imaging.header import read_header
from imaging.reference_object import (
    Acquisition,
    Ball,
    Field,
    ReferenceLesion,
    StudyIdentity,
    hypervascular,
    reference_study,
    standard_scans,
)
from imaging.series import group_series, load_volume
from sumdiam.archive.scan import scan_archives
from sumdiam.batch.plan import make_plan
from sumdiam.batch.study import build_tasks, measure_study

SLICES = 24
FIELD = Field((SLICES, 40, 48), (5.0, 2.5, 2.5))
LESION = ReferenceLesion("T1", Ball(24.0, (-20.0, -4.0, 0.0)), hypervascular())


def write(folder, phases=("late_arterial", "portal_venous")):
    """A study of 24 slices whose lesion lies in the middle six, with 15 mm to both sides."""
    who = StudyIdentity("S01", "baseline", dt.date(2020, 1, 2))
    study = reference_study(
        who, FIELD, [LESION], standard_scans(phases), acquisition=Acquisition(5.0)
    )
    for phase, instances in study.series.items():
        (folder / phase).mkdir(parents=True)
        for number, instance in enumerate(instances):
            instance.save_as(folder / phase / f"{number:02d}.dcm", enforce_file_format=True)
    study.seg.save_as(folder / "seg.dcm", enforce_file_format=True)


def compress(folder):
    """Compress every slice without loss; the pixels stay the same."""
    for path in sorted(folder.rglob("[0-9]*.dcm")):
        d = pydicom.dcmread(path)
        code = imagecodecs.htj2k_encode(np.ascontiguousarray(d.pixel_array), reversible=True)
        assert np.array_equal(imagecodecs.htj2k_decode(code), d.pixel_array)
        d.file_meta.TransferSyntaxUID = HTJ2KLossless
        d.PixelData = encapsulate([bytes(code)])
        d["PixelData"].VR, d["PixelData"].is_undefined_length = "OB", True
        d.save_as(path)


def spoil(path):
    """Destroy a codestream, its length and end kept."""
    raw = path.read_bytes()
    (code,) = generate_frames(pydicom.dcmread(path).PixelData, number_of_frames=1)
    at = raw.index(code[:40])
    path.write_bytes(raw[:at] + bytes(len(code)) + raw[at + len(code) :])


def measured(folder):
    catalogue = scan_archives([folder])
    (task,) = build_tasks(make_plan(catalogue), catalogue, None)
    return measure_study(task)


@pytest.fixture
def study(tmp_path):
    write(tmp_path / "archive")
    return tmp_path / "archive"


def test_a_compressed_study_gives_the_rows_and_pictures_of_an_uncompressed_one(study):
    plain = measured(study)
    compress(study)
    packed = measured(study)
    assert plain.status == packed.status == "done"
    assert packed.rows == plain.rows
    assert packed.overlays == plain.overlays


def test_slices_far_from_every_lesion_are_not_decoded(study):
    plain = measured(study)
    compress(study)
    for phase in ("late_arterial", "portal_venous"):
        for number in (0, 1, 2, SLICES - 2, SLICES - 1):
            spoil(study / phase / f"{number:02d}.dcm")
    assert measured(study).rows == plain.rows


def test_a_slice_beside_the_lesion_that_cannot_be_decoded_refuses_the_study(study):
    compress(study)
    spoil(study / "late_arterial" / f"{SLICES // 2 + 3:02d}.dcm")
    found = measured(study)
    assert (found.status, found.reason_code) == ("refused", "pixel_data_undecodable")
    assert f"{SLICES // 2 + 3:02d}.dcm" in found.reason


def test_a_far_slice_that_was_cut_short_is_still_found(study):
    compress(study)
    path = study / "late_arterial" / "01.dcm"
    path.write_bytes(path.read_bytes()[:-40])
    found = measured(study)
    assert (found.status, found.reason_code) == ("refused", "pixel_data_undecodable")
    assert "01.dcm" in found.reason
    assert "break off" in found.reason


def test_a_native_phase_is_registered_on_all_slices(tmp_path):
    write(tmp_path / "archive", ("native", "late_arterial"))
    compress(tmp_path / "archive")
    spoil(tmp_path / "archive" / "late_arterial" / "01.dcm")
    assert measured(tmp_path / "archive").status == "refused"


def test_slices_that_are_not_decoded_are_padding_and_no_tissue(study):
    compress(study)
    headers = [read_header(path) for path in sorted((study / "late_arterial").iterdir())]
    (series,) = group_series(headers).series
    whole, part = load_volume(series), load_volume(series, slices=range(5, 9))
    np.testing.assert_array_equal(part.array[5:9], whole.array[5:9])
    assert part.padding is not None
    unread = np.ones(SLICES, bool)
    unread[5:9] = False
    assert part.padding[unread].all()
    assert part.array[unread].max() == -32768
    assert part.geometry == whole.geometry
    assert part.sop_instance_uids == whole.sop_instance_uids


def test_uncompressed_slices_are_read_whatever_is_wanted(study):
    headers = [read_header(path) for path in sorted((study / "late_arterial").iterdir())]
    (series,) = group_series(headers).series
    np.testing.assert_array_equal(load_volume(series, slices=[3]).array, load_volume(series).array)
