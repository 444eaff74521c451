"""A study of known content, written and read back: every voxel, mask and phase returns."""

import datetime as dt

import numpy as np
import pytest
from highdicom.legacy import LegacyConvertedEnhancedCTImage

from imaging.dicom_seg import read_masks, read_segment_identities
from imaging.header import read_header
from imaging.phantom import Field
from imaging.phase import guess_phases, series_facts
from imaging.reference_dicom import StudyIdentity
from imaging.reference_lesion import ReferenceLesion
from imaging.reference_object import reference_study, standard_scans
from imaging.series import group_series, load_volume
from imaging.shape import Ball
from imaging.tissue import hypervascular

PHASES = ("native", "late_arterial", "portal_venous", "delayed")


@pytest.fixture(scope="module")
def study():
    lesions = [
        ReferenceLesion("L1", Ball(18.0, (-20.0, -5.0, 0.0)), hypervascular()),
        ReferenceLesion("L2", None, hypervascular()),
    ]
    identity = StudyIdentity("S1", "baseline", dt.date(2024, 3, 1))
    grid = Field(shape=(10, 80, 96), spacing_mm=(2.5, 1.6, 1.6))
    return reference_study(identity, grid, lesions, standard_scans(PHASES))


@pytest.fixture(scope="module")
def read_back(study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    paths = []
    for k, instance in enumerate(study.datasets()):
        paths.append(folder / f"{(k * 37) % 101:03d}_{k}")  # files in no order
        instance.save_as(paths[-1], enforce_file_format=True)
    found = group_series([read_header(path) for path in sorted(paths)])
    return found, paths[-1]


def test_every_voxel_returns_where_it_was(study, read_back):
    found, _ = read_back
    assert found.refused == ()
    by_uid = {series.series_uid: series for series in found.series}
    for truth in study.volumes.values():
        volume = load_volume(by_uid[truth.volume_id.split("#")[0]])
        assert volume.geometry.same_grid(truth.geometry, tolerance_voxels=1e-6)
        assert volume.volume_id == truth.volume_id
        assert volume.sop_instance_uids == truth.sop_instance_uids
        np.testing.assert_array_equal(volume.array, truth.array)
        assert volume.report.flags == ()


def test_masks_return_voxel_for_voxel_and_a_vanished_lesion_is_declared_empty(study, read_back):
    found, seg = read_back
    header = read_segment_identities(seg)
    (series,) = [s for s in found.series if s.series_uid == header.referenced_series_uid]
    masks = {m.identity.tracking_id: m for m in read_masks(seg, series.geometry).values()}
    np.testing.assert_array_equal(masks["L1"].array, study.masks["L1"])
    assert masks["L2"].declared_empty


def test_a_multi_frame_image_that_highdicom_converted_is_the_same_volume(study, tmp_path):
    """An independent writer of legacy-converted enhanced images."""
    truth = study.volumes["late_arterial"]
    single = [d for d in study.datasets() if d.SOPInstanceUID in truth.sop_instance_uids]
    converted = LegacyConvertedEnhancedCTImage(
        single[::-1], series_instance_uid="1.2.3", series_number=9, sop_instance_uid="1.2.3.4",
        instance_number=1,
    )  # fmt: skip
    converted.save_as(tmp_path / "one.dcm")
    (series,) = group_series([read_header(tmp_path / "one.dcm")]).series
    volume = load_volume(series)
    np.testing.assert_array_equal(volume.array, truth.array)
    assert volume.geometry.same_grid(truth.geometry, tolerance_voxels=1e-6)
    assert set(volume.sop_instance_uids) == {"1.2.3.4"}
    assert sorted(volume.frame_numbers) == list(range(1, 11))
    assert series.acquired_on == dt.date(2024, 3, 1)
    paths = [tmp_path / f"{k}.dcm" for k in range(len(study.datasets()))]
    for path, instance in zip(paths, study.datasets(), strict=True):
        instance.save_as(path, enforce_file_format=True)
    seg = next(p for p in paths if read_header(p).modality == "SEG")
    masks = {m.identity.tracking_id: m for m in read_masks(seg, series.geometry).values()}
    np.testing.assert_array_equal(masks["L1"].array, study.masks["L1"])


def test_the_phases_are_understood_together(study, read_back):
    found, _ = read_back
    guesses = guess_phases([series_facts(series) for series in found.series])
    truth = {volume.volume_id: phase for phase, volume in study.volumes.items()}
    assert {volume_id: guess.phase for volume_id, guess in guesses.items()} == truth
    assert not any(guess.conflicts for guess in guesses.values())
