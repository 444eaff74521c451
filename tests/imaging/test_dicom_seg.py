"""Masks from DICOM segmentations, written by highdicom and by hand."""

import copy
import warnings

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes

from imaging.dicom_seg import MaskError, read_masks, read_segment_identities
from imaging.geometry import VolumeGeometry
from imaging.series import load_volume


def describe(number, **more):
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=f"lesion {number}",
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Neoplasm,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        **more,
    )


def segmentation(images, array, descriptions, kind="BINARY", **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return hd.seg.Segmentation(
            source_images=images,
            pixel_array=array,
            segmentation_type=kind,
            segment_descriptions=descriptions,
            series_instance_uid="1.2.3.9",
            series_number=100,
            sop_instance_uid="1.2.3.9.1",
            instance_number=1,
            manufacturer="m",
            manufacturer_model_name="m",
            software_versions="1",
            device_serial_number="1",
            **more,
        )


@pytest.fixture
def scene(slices):
    """Five CT slices, their grid, and a two-segment mask in slice order."""
    for_seg = slices.make(5, PatientName="", PatientBirthDate="", PatientSex="", StudyTime="",
                          AccessionNumber="", StudyID="", ReferringPhysicianName="")  # fmt: skip
    paths = slices.save(for_seg)
    (series,) = slices.regroup(paths).series
    array = np.zeros((5, 4, 6, 2), dtype=np.uint8)
    array[1:4, 1:3, 2:5, 0] = 1
    array[2, 0:4, 0:6:2, 1] = 1
    return [pydicom.dcmread(p) for p in paths], series.geometry, array


def saved(seg, tmp_path):
    path = tmp_path / "seg.dcm"
    seg.save_as(path)
    return path


def test_each_segment_lies_where_it_was_drawn_overlaps_and_all(scene, tmp_path):
    images, geometry, array = scene
    path = saved(segmentation(images, array, [describe(1), describe(2)]), tmp_path)
    masks = read_masks(path, geometry)
    assert sorted(masks) == [1, 2]
    for number in (1, 2):
        np.testing.assert_array_equal(masks[number].array, array[..., number - 1].astype(bool))
    assert masks[2].mask_id == "1.2.3.9.1#2"
    assert list(read_masks(path, geometry, segments={2})) == [2]


def test_frames_are_placed_by_position_not_by_order(scene, tmp_path):
    images, geometry, array = scene
    seg = segmentation(images[::-1], array[::-1], [describe(1), describe(2)])
    masks = read_masks(saved(seg, tmp_path), geometry)
    np.testing.assert_array_equal(masks[1].array, array[..., 0].astype(bool))


def test_a_declared_but_empty_segment_is_an_empty_mask(scene, tmp_path):
    images, geometry, array = scene
    array[..., 1] = 0
    path = saved(segmentation(images, array, [describe(1), describe(2)]), tmp_path)
    masks = read_masks(path, geometry)
    assert masks[2].declared_empty
    assert masks[2].array.shape == geometry.shape
    assert not masks[1].declared_empty


def test_a_fractional_segment_holds_what_exceeds_one_half(scene, tmp_path):
    images, geometry, _ = scene
    fractions = np.zeros((5, 4, 6, 1), dtype=np.float32)
    fractions[2, 1, 1:5, 0] = [0.4, 0.5, 0.6, 1.0]
    seg = segmentation(
        images, fractions, [describe(1)], "FRACTIONAL",
        fractional_type="PROBABILITY", max_fractional_value=200,
    )  # fmt: skip
    mask = read_masks(saved(seg, tmp_path), geometry)[1]
    assert mask.array[2, 1].tolist() == [False, False, False, True, True, False]


def test_a_label_map_gives_a_mask_for_each_label(scene, tmp_path):
    images, geometry, array = scene
    labels = np.where(array[..., 1], 2, array[..., 0]).astype(np.uint8)
    seg = segmentation(images, labels, [describe(1), describe(2)], "LABELMAP")
    masks = read_masks(saved(seg, tmp_path), geometry)
    assert sorted(masks) == [1, 2]
    for number in (1, 2):
        np.testing.assert_array_equal(masks[number].array, labels == number)


def test_identity_says_who_a_segment_is(scene, tmp_path):
    images, _, array = scene
    description = describe(
        1,
        tracking_id="lesion A",
        tracking_uid="1.2.3.4.5",
        anatomic_regions=[codes.SCT.Liver],
    )
    header = read_segment_identities(
        saved(segmentation(images, array[..., :1], [description]), tmp_path)
    )
    (segment,) = header.segments
    assert (segment.label, segment.tracking_id, segment.tracking_uid) == (
        "lesion 1", "lesion A", "1.2.3.4.5",
    )  # fmt: skip
    assert segment.property_type == ("SCT", "108369006", "Neoplasm")
    assert segment.anatomic_region == ("SCT", "10200004", "Liver")
    assert segment.algorithm_type == "MANUAL"
    assert header.referenced_series_uid == images[0].SeriesInstanceUID
    assert set(header.referenced_sop_uids) == {d.SOPInstanceUID for d in images}
    assert header.frame_of_reference_uid == images[0].FrameOfReferenceUID


def fault(path, geometry, segments=None):
    with pytest.raises(MaskError) as caught:
        read_masks(path, geometry, segments)
    assert caught.value.file == str(path)
    return caught.value.reason_code


def test_an_image_without_its_last_slice_refuses_the_mask_drawn_there(scene, slices, tmp_path):
    images, _, array = scene
    array[4, 0, 0, 0] = 1
    path = saved(segmentation(images, array[..., :1], [describe(1)]), tmp_path)
    (shorter,) = slices.group(images[:4]).series
    assert fault(path, shorter.geometry) == "mask_outside_image"
    absent = set(read_segment_identities(path).referenced_sop_uids) - {
        h.sop_instance_uid for h in shorter.headers
    }
    assert absent == {images[4].SOPInstanceUID}


@pytest.mark.parametrize(
    ("shift_mm", "verdict"), [((0, 0, 0.2), "read"), ((0, 0, 0.5), "off"), ((0.05, 0, 0), "read"),
                              ((0.2, 0, 0), "off"), ((0, 0.3, 0), "off")]
)  # fmt: skip
def test_a_tenth_of_a_voxel_is_the_limit_of_the_grid(scene, tmp_path, shift_mm, verdict):
    images, geometry, array = scene
    path = saved(segmentation(images, array[..., :1], [describe(1)]), tmp_path)
    affine = geometry.affine.copy()
    affine[:3, 3] += shift_mm
    moved = VolumeGeometry(affine, geometry.shape, geometry.frame_of_reference_uid)
    if verdict == "off":
        assert fault(path, moved) == "mask_grid_mismatch"
    else:
        assert read_masks(path, moved)[1].array.sum() == array[..., 0].sum()


def test_another_pixel_spacing_or_a_tilted_grid_is_refused(scene, tmp_path):
    images, geometry, array = scene
    path = saved(segmentation(images, array[..., :1], [describe(1)]), tmp_path)
    for column, factor in ((1, 1.1), (2, 2.0)):
        affine = geometry.affine.copy()
        affine[:3, column] *= factor
        assert fault(path, VolumeGeometry(affine, geometry.shape)) == "mask_grid_mismatch"


def test_another_frame_of_reference_is_refused_and_an_absent_one_is_not(scene, tmp_path):
    images, geometry, array = scene
    path = saved(segmentation(images, array[..., :1], [describe(1)]), tmp_path)
    other = VolumeGeometry(geometry.affine, geometry.shape, "1.2.3.4")
    assert fault(path, other) == "mask_frame_of_reference"
    assert read_masks(path, VolumeGeometry(geometry.affine, geometry.shape))[1].array.any()


def test_mirrored_and_turned_frames_find_their_voxels(scene, tmp_path):
    images, geometry, array = scene
    seg = segmentation(images, array[..., :1], [describe(1)])
    # the same frames, each stored turned by 180 degrees: origin at the far corner
    frames = seg.pixel_array[:, ::-1, ::-1]
    groups = seg.SharedFunctionalGroupsSequence[0]
    groups.PlaneOrientationSequence[0].ImageOrientationPatient = [-1, 0, 0, 0, -1, 0]
    for item in seg.PerFrameFunctionalGroupsSequence:
        x, y, z = item.PlanePositionSequence[0].ImagePositionPatient
        item.PlanePositionSequence[0].ImagePositionPatient = [x + 5 * 0.8, y + 3 * 0.7, z]
    seg.PixelData = np.packbits(frames.ravel(), bitorder="little").tobytes()
    mask = read_masks(saved(seg, tmp_path), geometry)[1]
    np.testing.assert_array_equal(mask.array, array[..., 0].astype(bool))


def test_a_mask_drawn_on_every_second_slice_is_refused_not_halved(scene, slices, tmp_path):
    geometry = scene[1]
    coarse = slices.make(3, step_mm=(0, 0, 5), PatientName="", PatientBirthDate="", PatientSex="",
                         StudyTime="", AccessionNumber="", StudyID="",
                         ReferringPhysicianName="")  # fmt: skip
    images = [pydicom.dcmread(p) for p in slices.save(coarse)]
    seg = segmentation(images, np.ones((3, 4, 6, 1), dtype=np.uint8), [describe(1)])
    seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices = 5
    assert fault(saved(seg, tmp_path), geometry) == "mask_grid_mismatch"


def test_faults_of_the_file_are_refused_by_name(scene, tmp_path):
    images, geometry, array = scene
    good = segmentation(images, array[..., :1], [describe(1)])

    def broken(change):
        seg = copy.deepcopy(good)
        change(seg)
        return fault(saved(seg, tmp_path), geometry)

    frames = "PerFrameFunctionalGroupsSequence"
    assert fault(saved(good, tmp_path), geometry, {7}) == "mask_no_such_segment"
    assert broken(lambda s: setattr(s, "PixelData", b"\0\0")) == "truncated_pixel_data"
    assert broken(lambda s: s[frames][0].pop("PlanePositionSequence")) == "mask_no_position"
    assert broken(lambda s: s[frames].value.pop()) == "mask_unreadable"
    assert broken(lambda s: setattr(s, "SegmentationType", "OTHER")) == "mask_not_supported"
    assert broken(lambda s: s.SegmentSequence.append(s.SegmentSequence[0])) == "mask_unreadable"

    def twice(seg):
        seg[frames][1].PlanePositionSequence = seg[frames][0].PlanePositionSequence

    assert broken(twice) == "mask_repeated_frame"
    path = tmp_path / "text"
    path.write_text("no mask")
    assert fault(path, geometry) == "mask_unreadable"
    assert fault(tmp_path / "absent", geometry) == "unreadable_file"
    assert fault(images[0].filename, geometry) == "mask_unreadable"


def test_masks_on_a_tilted_gantry_find_their_voxels(slices, tmp_path):
    tilt = np.radians(20)
    data = slices.make(5, step_mm=(0, 0, 5), SliceThickness=5, PatientName="", StudyTime="",
                       PatientBirthDate="", PatientSex="", AccessionNumber="", StudyID="",
                       ReferringPhysicianName="", ImageOrientationPatient=[
                           1, 0, 0, 0, float(np.cos(tilt)), -float(np.sin(tilt))])  # fmt: skip
    paths = slices.save(data)
    (series,) = slices.regroup(paths).series
    assert "gantry_tilt" in series.report.flags
    array = np.zeros((5, 4, 6, 1), dtype=np.uint8)
    array[1:4, 1:3, 2:5, 0] = 1
    path = saved(segmentation([pydicom.dcmread(p) for p in paths], array, [describe(1)]), tmp_path)
    mask = read_masks(path, series.geometry)[1]
    np.testing.assert_array_equal(mask.array, array[..., 0].astype(bool))


def test_a_mask_is_read_on_a_volume_with_the_voxels_it_names(scene, slices, tmp_path):
    images, _, array = scene
    (series,) = slices.group(images).series
    volume = load_volume(series)
    path = saved(segmentation(images, array[..., :1], [describe(1)]), tmp_path)
    mask = read_masks(path, volume.geometry)[1]
    # stored value is 100 x slice + 10 x row + column; rows 1-2, columns 2-4 of slices 1-3
    assert volume.array[mask.array].min() == 100 + 10 + 2 - 1024
    assert volume.array[mask.array].max() == 300 + 20 + 4 - 1024
