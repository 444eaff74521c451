"""Multi-frame images: every frame is a slice, with what it says itself over what all share."""

import dataclasses

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from imaging.frame import FrameError, read_frames
from imaging.header import read_header
from imaging.series import group_series, load_volume
from tests.imaging.awkward import writer as w
from tests.imaging.awkward.enhanced import multiframe, stack


def group(tmp_path, *files, syntax=ExplicitVRLittleEndian):
    paths = w.write(files, tmp_path, syntax)
    return group_series([read_header(path) for path in paths])


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_each_frame_has_the_header_of_a_slice(tmp_path, syntax):
    frames = stack(3, content={"FrameAcquisitionDateTime": "20240302101530.5"})
    (path,) = w.write([multiframe("a", frames)], tmp_path, syntax)
    whole = read_header(path)
    assert (whole.number_of_frames, whole.frame_number) == (3, None)
    found = read_frames(whole)
    assert [f.frame_number for f in found] == [1, 2, 3]
    assert [f.position for f in found] == [(-10, -20, 30), (-10, -20, 32.5), (-10, -20, 35)]
    for frame in found:
        assert frame.orientation == (1, 0, 0, 0, 1, 0)
        assert frame.pixel_spacing == (0.7, 0.8)
        assert (frame.rescale_slope, frame.rescale_intercept, frame.rescale_type) == (
            1,
            -1024,
            "HU",
        )
        assert (frame.acquisition_date, frame.acquisition_time) == ("20240302", "101530.5")
        assert (frame.file, frame.pixel_offset) == (whole.file, whole.pixel_offset)
        assert frame.sop_instance_uid == whole.sop_instance_uid


def test_an_enhanced_ct_is_one_volume_whose_slices_name_their_frames(tmp_path):
    frames = stack(6)
    (series,) = group(tmp_path, multiframe("a", frames[::-1])).series  # from head to feet
    volume = load_volume(series)
    np.testing.assert_array_equal(volume.array, w.words(6) - 1024)
    np.testing.assert_allclose(volume.geometry.affine, w.affine(), atol=1e-12)
    assert volume.frame_numbers == (6, 5, 4, 3, 2, 1)
    assert len(set(volume.sop_instance_uids)) == 1
    assert len(series.report.files_used) == 1
    assert series.volume_id.endswith("#all")


def test_a_frame_s_own_rescale_wins_over_the_shared_one(tmp_path):
    frames = stack(4)
    for k, frame in enumerate(frames):
        frame.groups["PixelValueTransformationSequence"] = {
            "RescaleSlope": 0.5 + k, "RescaleIntercept": 10.25 * k, "RescaleType": "US",
        }  # fmt: skip
    (series,) = group(tmp_path, multiframe("a", frames, kind="MR", rescale=(1, 0))).series
    expected = [w.words(4)[k] * (0.5 + k) + 10.25 * k for k in range(4)]
    np.testing.assert_array_equal(load_volume(series).array, np.stack(expected).astype("f4"))
    assert "rescale_differs_between_slices" in series.report.flags


@pytest.mark.parametrize(
    ("frame", "pointer", "label"),
    [
        ({"content": {"TemporalPositionIndex": 1}}, "TemporalPositionIndex", "temporal"),
        ({"content": {"StackID": "A"}}, "", "stack"),
        ({"content": {"FrameAcquisitionNumber": 4}}, "", "acquisition"),
        ({"content": {"FrameAcquisitionDateTime": "20240301101530"}}, "", "time"),
        ({"groups": {"MREchoSequence": {"EffectiveEchoTime": 4.8}}}, "", "echo_time"),
        ({"groups": {"MRDiffusionSequence": {"DiffusionBValue": 50.0}}}, "", "b"),
        (
            {"groups": {"ContrastBolusUsageSequence": {"ContrastBolusAgentPhase": "POST"}}},
            "",
            "contrast_phase",
        ),
        ({"groups": {"TemporalPositionSequence": {"TemporalPositionTimeOffset": 9.0}}}, "", "offset"),
        ({"groups": {"MRImageFrameTypeSequence": {"ComplexImageComponent": "PHASE"}}}, "", "component"),
        ({"groups": {"CardiacSynchronizationSequence": {"NominalCardiacTriggerDelayTime": 40.0}}}, "",
         "trigger"),
        ({}, "ContrastBolusAgentNumber", "dimension:ContrastBolusAgentNumber"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_frames_of_two_volumes_are_told_apart(tmp_path, frame, pointer, label, syntax):
    pointers = (pointer,) if pointer else ()
    one = stack(4, index=(1,) * len(pointers))
    two = stack(4, volume=1, index=(2,) * len(pointers), **frame)
    mixed = [frame for pair in zip(one, two, strict=True) for frame in pair]
    file = multiframe("a", mixed, kind="MR", rescale=None, pointers=pointers)
    found = group(tmp_path, file, syntax=syntax)
    assert [s.volume_id.split("#")[1].split("=")[0] for s in found.series] == [label, label]
    arrays = sorted((load_volume(s).array for s in found.series), key=lambda a: a[0, 0, 0])
    np.testing.assert_array_equal(arrays[0], w.words(4))
    np.testing.assert_array_equal(arrays[1], w.words(4, 1))


def test_compressed_frames_are_decoded_one_by_one(tmp_path):
    file = multiframe("a", stack(5))
    (path,) = w.write([file], tmp_path)
    file.compress(RLELossless, generate_instance_uid=False)
    file.save_as(path)
    (series,) = group_series([read_header(path)]).series
    np.testing.assert_array_equal(load_volume(series).array, w.words(5) - 1024)


def test_frames_without_description_are_refused_by_file_and_reason(tmp_path):
    file = multiframe("a", stack(5))
    file.PerFrameFunctionalGroupsSequence.pop()
    (refused,) = group(tmp_path, file).refused
    assert refused.reason_code == "frames_not_described"
    assert refused.detail == "i000.dcm: NumberOfFrames is 5, 4 frames are described"
    with pytest.raises(FrameError, match="Convert to single-frame"):
        read_frames(read_header(tmp_path / "i000.dcm"))


def test_several_frames_in_a_class_of_single_slices_are_refused(tmp_path):
    (refused,) = group(tmp_path, w.make("a", 1, NumberOfFrames=8)[0]).refused
    assert refused.reason_code == "frames_not_described"


def test_a_position_at_the_top_level_does_not_place_a_frame(tmp_path):
    file = multiframe("a", stack(5), ImagePositionPatient=[0, 0, 0])
    del file.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence
    (refused,) = group(tmp_path, file).refused
    assert refused.reason_code == "no_position"
    assert "i000.dcm, frame 3" in refused.detail


def test_frames_that_are_no_source_images_are_left_out_in_one_entry(tmp_path):
    frames = stack(5)
    for k in (0, 1, 4):
        frames[k].groups["CTImageFrameTypeSequence"] = {
            "FrameType": ["DERIVED", "PRIMARY", "VOLUME", "MIP"]
        }
    found = group(tmp_path, multiframe("a", frames))
    assert [item.reason_code for item in found.left_out] == ["projection"]
    assert found.left_out[0].detail.startswith("frames 1-2, 5: ")
    assert found.series[0].geometry.shape[0] == 2


def test_an_image_sent_in_several_files_is_one_volume_and_refused_where_one_is_missing(tmp_path):
    frames = stack(6)
    parts = [
        multiframe(
            "a", frames[3 * n : 3 * n + 3], number=n + 1, ConcatenationUID="1.2.3",
            InConcatenationNumber=n + 1, InConcatenationTotalNumber=2,
        )
        for n in range(2)
    ]  # fmt: skip
    (series,) = group(tmp_path, *parts).series
    np.testing.assert_array_equal(load_volume(series).array, w.words(6) - 1024)
    (refused,) = group_series([read_header(tmp_path / "i000.dcm")]).refused
    assert refused.reason_code == "concatenation_incomplete"


def test_a_copy_of_a_multi_frame_file_is_dropped_and_one_with_other_pixels_refused(tmp_path):
    file = multiframe("a", stack(4))
    paths = w.write([file, file], tmp_path)
    headers = [read_header(path) for path in paths]
    assert group_series(headers).series[0].report.duplicates_dropped == 1
    file.PixelData = file.PixelData[:-2] + b"\1\0"
    w.write([file], tmp_path, start=1)
    (refused,) = group_series([headers[0], read_header(paths[1])]).refused
    assert refused.reason_code == "same_uid_other_content"


def test_headers_of_frames_may_be_handed_in_instead_of_the_file(tmp_path):
    (path,) = w.write([multiframe("a", stack(4))], tmp_path)
    whole = read_header(path)
    frames = read_frames(whole)
    assert group_series(frames).series[0].headers == group_series([whole]).series[0].headers
    assert dataclasses.replace(frames[1], frame_number=None) != whole


def test_a_damaged_functional_group_is_no_fault_of_the_disk(tmp_path):
    (path,) = w.write([multiframe("a", stack(4))], tmp_path, ImplicitVRLittleEndian)
    raw = path.read_bytes()
    head = b"\x28\x00\x10\x91"  # PixelMeasuresSequence: a length one too long
    at = raw.index(head) + 4
    path.write_bytes(raw[:at] + bytes([raw[at] + 1]) + raw[at + 1 :])
    (refused,) = group_series([read_header(path)]).refused
    assert refused.reason_code == "unreadable_dicom"
    assert refused.detail.startswith("i000.dcm")


def test_an_mr_frame_with_an_empty_rescale_is_refused(tmp_path):
    d = multiframe("empty", stack(4), kind="MR")
    shared = d.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence[0]
    shared.RescaleIntercept = ""
    found = group(tmp_path, d)
    assert [refused.reason_code for refused in found.refused] == ["bad_rescale"]
