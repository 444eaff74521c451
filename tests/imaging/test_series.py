"""Grouping, order, geometry and refusals, each on a series written for it."""

import copy
import pickle
from datetime import date

import numpy as np
import pydicom
import pytest

from imaging.header import read_header
from imaging.series import SeriesError, group_series, load_volume


def refusal(grouping):
    assert grouping.series == ()
    (refused,) = grouping.refused
    return refused


def test_an_axial_series_runs_from_feet_to_head_with_its_affine_in_closed_form(slices):
    (series,) = slices.group(slices.make(5)[::-1]).series
    assert series.volume_id == f"{series.series_uid}#all"
    # column = slice step, row step, column step in LPS mm: PS3.3 C.7.6.2.1.1
    expected = [[0, 0, 0.8, -10], [0, 0.7, 0, -20], [2.5, 0, 0, 30], [0, 0, 0, 1]]
    np.testing.assert_allclose(series.geometry.affine, expected, atol=1e-12)
    assert series.geometry.shape == (5, 4, 6)
    assert [h.instance_number for h in series.headers] == [1, 2, 3, 4, 5]
    assert series.acquired_on == date(2024, 3, 1)
    assert series.report.flags == ()


def test_slices_sent_head_first_are_turned_to_increase_along_the_normal(slices):
    volume = load_volume(
        slices.group(slices.make(3, step_mm=(0, 0, -2.5), start_mm=(0, 0, 100))).series[0]
    )
    assert volume.geometry.affine[2, 3] == 95
    assert volume.array[:, 0, 0].tolist() == [200 - 1024, 100 - 1024, -1024]


def test_the_order_of_files_changes_nothing(slices):
    headers = [read_header(p) for p in slices.save(slices.make(6))]
    once = group_series(headers)
    again = group_series([headers[k] for k in (3, 0, 5, 1, 4, 2)])
    assert [s.headers for s in once.series] == [s.headers for s in again.series]


def test_a_coronal_mr_series_keeps_its_directions(slices):
    data = slices.make(
        3,
        modality="MR",
        step_mm=(0, -4, 0),
        SliceThickness=4,
        ImageOrientationPatient=[1, 0, 0, 0, 0, -1],
    )
    geometry = slices.group(data).series[0].geometry
    # normal = x cross -z = +y, so z index runs towards +y and starts at the last file
    np.testing.assert_allclose(geometry.normal, [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(geometry.affine[:3, 0], [0, 4, 0], atol=1e-12)
    np.testing.assert_allclose(geometry.affine[:3, 3], [-10, -28, 30])


def test_gantry_tilt_stays_in_the_affine_and_is_flagged(slices):
    tilt = np.radians(20)
    data = slices.make(
        8,
        step_mm=(0, 0, 5),
        SliceThickness=5,
        ImageOrientationPatient=[1, 0, 0, 0, float(np.cos(tilt)), -float(np.sin(tilt))],
    )
    (series,) = slices.group(data).series
    np.testing.assert_allclose(series.geometry.affine[:3, 0], [0, 0, 5], atol=1e-9)
    assert series.geometry.slice_spacing_mm == pytest.approx(5 * np.cos(tilt))
    assert series.report.flags == ("gantry_tilt",)


def test_orientation_jitter_is_one_volume_with_the_mean_direction(slices):
    data = slices.make(6)
    for k, d in enumerate(data):
        angle = 1e-4 * (-1) ** k
        d.ImageOrientationPatient = [1, angle, 0, -angle, 1, 0]
    (series,) = slices.group(data).series
    np.testing.assert_allclose(series.geometry.affine[:3, 2], [0.8, 0, 0], atol=1e-8)
    assert series.report.flags == ("orientation_jitter",)


def test_a_missing_slice_is_refused_naming_where_and_how_wide(slices):
    data = slices.make(6)
    del data[3]
    refused = refusal(slices.group(data))
    assert refused.reason_code == "missing_slice"
    assert "gap of 5.00 mm between slice positions 35.00 and 40.00 mm" in refused.detail
    assert "expected 2.50 mm; 1 missing in 1 gap(s)" in refused.detail
    assert len(refused.files) == 5


def test_a_gap_that_is_allowed_is_padding_and_every_slice_keeps_its_place(slices):
    data = slices.make(7)
    del data[4], data[2]
    headers = [read_header(path) for path in slices.save(data)]
    (series,) = group_series(headers, allow_gaps=True).series
    assert series.missing_slices == (2, 4)
    assert "gap_allowed" in series.report.flags
    volume = load_volume(series)
    assert volume.array.shape == (7, 4, 6)
    assert volume.geometry.affine[2].tolist() == [2.5, 0, 0, 30]
    for z in (0, 1, 3, 5, 6):
        assert volume.array[z, 2, 3] == 100 * z + 23 - 1024
    assert volume.padding.all(axis=(1, 2)).tolist() == [z in (2, 4) for z in range(7)]
    assert not volume.padding[[0, 1, 3, 5, 6]].any()
    assert [uid[-1:] for uid in volume.sop_instance_uids] == ["1", "2", "", "4", "", "6", "7"]
    data[3].ImagePositionPatient = [-10, -20, 43.5]  # uneven, not a gap of whole slices
    again = [read_header(path) for path in slices.save(data)]
    assert group_series(again, allow_gaps=True).refused[0].reason_code == "uneven_spacing"


def test_a_gap_wider_than_the_volume_is_refused_even_where_gaps_are_allowed(slices):
    data = slices.make(6)
    data[5].ImagePositionPatient = [-10, -20, 30 + 2.5 * 20_000]
    headers = [read_header(path) for path in slices.save(data)]
    (refused,) = group_series(headers, allow_gaps=True).refused
    assert refused.reason_code == "missing_slice"


@pytest.mark.parametrize("gone", range(1, 7))
@pytest.mark.parametrize("step", [0.3, 0.625, 5.0])
def test_a_missing_slice_is_found_wherever_it_lies_and_however_thin(slices, gone, step):
    data = slices.make(8, step_mm=(0, 0, step))
    del data[gone]
    assert refusal(slices.group(data)).reason_code == "missing_slice"


def test_uneven_spacing_is_refused(slices):
    data = slices.make(6)
    data[5].ImagePositionPatient = [-10, -20, 30 + 5 * 2.5 + 1.0]
    assert refusal(slices.group(data)).reason_code == "uneven_spacing"


def test_positions_rounded_to_a_tenth_of_a_millimetre_are_even(slices):
    data = slices.make(40, step_mm=(0, 0, 0.625))
    for d in data:
        d.ImagePositionPatient = [-10, -20, round(float(d.ImagePositionPatient[2]), 1)]
    (series,) = slices.group(data).series
    assert 0 < series.report.largest_position_residual_mm <= 0.1


def test_a_slice_shifted_sideways_is_refused(slices):
    data = slices.make(6)
    data[2].ImagePositionPatient = [-9, -20, 35]
    assert refusal(slices.group(data)).reason_code == "not_on_a_line"


def test_one_slice_alone_is_refused(slices):
    assert refusal(slices.group(slices.make(1))).reason_code == "single_slice"


def test_two_slices_are_read_and_flagged(slices):
    assert slices.group(slices.make(2)).series[0].report.flags == ("two_slices",)


def test_identical_duplicates_are_dropped_and_counted(slices):
    data = slices.make(4)
    grouping = slices.group([*data, data[1], data[2]])
    (series,) = grouping.series
    assert series.report.duplicates_dropped == 2
    assert [item.reason_code for item in grouping.left_out] == ["duplicate", "duplicate"]


def test_a_copy_in_another_transfer_syntax_is_a_duplicate(slices):
    data = slices.make(4)
    paths = slices.save(data) + slices.save([copy.deepcopy(data[0])], "1.2.840.10008.1.2")
    assert slices.regroup(paths).series[0].report.duplicates_dropped == 1


@pytest.mark.parametrize("what", ["pixels", "rescale"])
def test_the_same_instance_with_other_content_is_refused(slices, what):
    data = slices.make(4)
    other = copy.deepcopy(data[1])
    if what == "pixels":
        other.PixelData = bytes(48)
    else:
        other.RescaleIntercept = 0
    refused = refusal(slices.group([*data, other]))
    assert refused.reason_code == "same_uid_other_content"


@pytest.mark.parametrize(
    ("element", "code"),
    [
        ("PatientID", "mixed_patients"),
        ("ClinicalTrialSubjectID", "mixed_patients"),
        ("StudyInstanceUID", "mixed_studies"),
    ],
)
def test_two_owners_under_one_series_uid_are_refused(slices, element, code):
    data = slices.make(4, ClinicalTrialSubjectID="S1")
    setattr(data[2], element, "1.2.3.4")
    assert refusal(slices.group(data)).reason_code == code


def test_a_slice_of_another_series_in_the_folder_joins_its_own_series(slices):
    stray = slices.make(1, first_number=50, SeriesInstanceUID="1.2.3.4.5")
    grouping = slices.group(slices.make(4) + stray)
    assert [s.geometry.shape[0] for s in grouping.series] == [4]
    assert [(r.series_uid, r.reason_code) for r in grouping.refused] == [
        ("1.2.3.4.5", "single_slice")
    ]


def phases(slices, element, values, count=3):
    data = []
    for number, value in enumerate(values):
        part = slices.make(count, first_number=1 + number * count)
        for d in part:
            setattr(d, element, value)
        data += part
    return data


@pytest.mark.parametrize(
    ("element", "values", "labels"),
    [
        ("AcquisitionNumber", [1, 2], ["acquisition=1", "acquisition=2"]),
        ("AcquisitionTime", ["101500", "101540"], ["time=101500", "time=101540"]),
        ("TemporalPositionIdentifier", [1, 2], ["temporal=1", "temporal=2"]),
        ("ConvolutionKernel", ["B30f", "B60f"], ["kernel=B30f", "kernel=B60f"]),
        ("KVP", [80, 140], ["kvp=140", "kvp=80"]),
        ("SliceThickness", [2.5, 5], ["thickness=2.5", "thickness=5"]),
    ],
)
def test_two_volumes_in_one_series_are_split(slices, element, values, labels):
    grouping = slices.group(phases(slices, element, values))
    assert [s.volume_id.split("#")[1] for s in grouping.series] == labels
    assert all(s.geometry.shape[0] == 3 for s in grouping.series)
    assert not grouping.refused


def test_mr_echoes_and_b_values_are_split(slices):
    for element, name in (("EchoNumbers", "echo"), ("DiffusionBValue", "b")):
        data = phases(slices, element, [1, 2])
        for d in data:
            d.SOPClassUID, d.Modality = "1.2.840.10008.5.1.4.1.1.4", "MR"
        labels = [s.volume_id.split("#")[1] for s in slices.group(data).series]
        assert labels == [f"{name}=1", f"{name}=2"]


def test_phases_told_by_the_running_acquisition_time_alone_are_split(slices):
    data = phases(slices, "ImageComments", ["", ""])
    for k, d in enumerate(data):
        d.AcquisitionTime = f"1015{k + (20 if k >= 3 else 0):02d}.500000"
    labels = [s.volume_id.split("#")[1] for s in slices.group(data).series]
    assert labels == ["time=101500.500000", "time=101523.500000"]


def test_phases_told_by_a_running_time_are_not_split_where_rounds_overlap(slices):
    data = phases(slices, "ImageComments", ["", ""])
    for k, d in enumerate(data):
        d.AcquisitionTime = f"1015{[0, 1, 9, 2, 3, 4][k]:02d}"
    assert refusal(slices.group(data)).reason_code == "ambiguous_positions"


def test_repeated_positions_that_nothing_explains_are_refused_listing_what_varies(slices):
    data = phases(slices, "SliceThickness", [2.5, 2.5])
    data[0].KVP, data[1].KVP = 80, 80
    refused = refusal(slices.group(data))
    assert refused.reason_code == "ambiguous_positions"
    assert refused.detail == (
        "6 slices at 3 positions; attributes that vary but do not explain it: kvp"
    )


def test_attributes_that_contradict_one_another_are_refused(slices):
    data = phases(slices, "FlipAngle", [10, 20])
    for k, d in enumerate(data):
        d.KVP = 80 if k in (0, 1, 5) else 140
    refused = refusal(slices.group(data))
    assert "contradict one another: flip, kvp" in refused.detail


def test_a_phase_with_a_hole_is_refused_and_the_other_one_read(slices):
    data = phases(slices, "AcquisitionNumber", [1, 2], count=5)
    del data[7]
    grouping = slices.group(data)
    assert [s.volume_id.split("#")[1] for s in grouping.series] == ["acquisition=1"]
    assert [r.reason_code for r in grouping.refused] == ["missing_slice"]
    flags = grouping.series[0].report.flags
    assert flags == ("instance_number_gap", "series_partly_refused")


def test_chest_and_two_abdominal_phases_of_unequal_range_are_three_volumes(slices):
    chest = slices.make(5, start_mm=(0, 0, 10), AcquisitionNumber=1)
    arterial = slices.make(4, start_mm=(0, 0, 2.5), first_number=11, AcquisitionNumber=2)
    portal = slices.make(6, start_mm=(0, 0, -2.5), first_number=21, AcquisitionNumber=3)
    grouping = slices.group(chest + arterial + portal)
    assert [s.geometry.shape[0] for s in grouping.series] == [5, 4, 6]


def test_two_step_and_shoot_phases_are_two_volumes_not_one_for_each_step(slices):
    data = phases(slices, "ImageComments", ["", ""], count=6)
    for k, d in enumerate(data):
        d.AcquisitionNumber = 1 + k // 2  # two slices to a step, three steps to a phase
    grouping = slices.group(data)
    labels = [s.volume_id.split("#")[1] for s in grouping.series]
    assert labels == ["acquisition=1", "acquisition=4"]
    assert [s.geometry.shape[0] for s in grouping.series] == [6, 6]


def test_every_second_slice_missing_shows_in_thickness_and_numbers(slices):
    data = slices.make(9)[::2]
    (series,) = slices.group(data).series
    assert series.report.flags == ("gaps_between_slices", "instance_number_gap")


def test_acquisitions_half_a_spacing_apart_are_not_taken_for_one_fine_volume(slices):
    data = phases(slices, "AcquisitionNumber", [1, 2])
    for d in data[3:]:
        d.ImagePositionPatient = [-10, -20, float(d.ImagePositionPatient[2]) + 1.25]
    spacings = [s.geometry.slice_spacing_mm for s in slices.group(data).series]
    assert spacings == [2.5, 2.5]


def test_a_step_and_shoot_series_with_an_acquisition_for_each_slice_is_one_volume(slices):
    data = slices.make(5)
    for k, d in enumerate(data):
        d.AcquisitionNumber = k + 1
    (series,) = slices.group(data).series
    assert series.volume_id.endswith("#all")
    assert series.report.flags == ("several_acquisitions",)


def test_orientations_and_matrices_in_one_series_are_split(slices):
    sagittal = slices.make(
        3, modality="MR", first_number=10, step_mm=(3, 0, 0),
        ImageOrientationPatient=[0, 1, 0, 0, 0, -1],
    )  # fmt: skip
    fine = slices.make(3, modality="MR", first_number=20, PixelSpacing=[0.35, 0.4])
    grouping = slices.group(slices.make(3, modality="MR") + sagittal + fine)
    assert [s.volume_id.split("#")[1] for s in grouping.series] == [
        "orientation=0.000/1.000/0.000/0.000/0.000/-1.000",
        "orientation=1.000/0.000/0.000/0.000/1.000/0.000,matrix=4x6@0.35x0.4",
        "orientation=1.000/0.000/0.000/0.000/1.000/0.000,matrix=4x6@0.7x0.8",
    ]


def test_two_frames_of_reference_in_one_series_are_two_volumes(slices):
    data = slices.make(3) + slices.make(3, first_number=9, FrameOfReferenceUID="1.2.3")
    labels = [s.volume_id.split("#")[1] for s in slices.group(data).series]
    assert labels == ["frame=1.2.3", "frame=1.2.826.0.1.3680043.10.1234.3"]


@pytest.mark.parametrize(
    ("image_type", "code"),
    [
        (["ORIGINAL", "PRIMARY", "LOCALIZER"], "localizer"),
        (["DERIVED", "PRIMARY", "AXIAL", "MIP"], "projection"),
        (["DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"], "reformatted"),
        (["DERIVED", "SECONDARY", "OTHER"], "derived"),
        (["DERIVED", "PRIMARY", "ADC"], "derived"),
        (["ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 MON"], "bolus_tracking"),
    ],
)
def test_images_that_were_not_acquired_as_slices_are_left_out(slices, image_type, code):
    scout = slices.make(1, first_number=90, ImageType=image_type)
    grouping = slices.group(slices.make(4) + scout)
    assert [item.reason_code for item in grouping.left_out] == [code]
    assert grouping.series[0].report.left_out == grouping.left_out


@pytest.mark.parametrize("word", ["AXIAL", "PROCESSED"])
def test_derived_axial_ct_stays_and_is_flagged(slices, word):
    data = slices.make(4, ImageType=["DERIVED", "SECONDARY", word])
    assert slices.group(data).series[0].report.flags == ("derived_image",)


def test_processed_mr_is_left_out(slices):
    data = slices.make(4, modality="MR", ImageType=["DERIVED", "SECONDARY", "PROCESSED"])
    assert {item.reason_code for item in slices.group(data).left_out} == {"derived"}


def test_a_coronal_ct_reformat_is_left_out_whatever_its_image_type(slices):
    data = slices.make(4, step_mm=(0, 3, 0), ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
    assert {item.reason_code for item in slices.group(data).left_out} == {"reformatted"}


def test_one_plane_repeated_is_bolus_tracking(slices):
    data = slices.make(5, step_mm=(0, 0, 0))
    for k, d in enumerate(data):
        d.AcquisitionNumber = k
    assert {item.reason_code for item in slices.group(data).left_out} == {"bolus_tracking"}


@pytest.mark.parametrize(
    ("uid", "code"),
    [
        ("1.2.840.10008.5.1.4.1.1.7", "secondary_capture"),
        ("1.2.840.10008.5.1.4.1.1.88.67", "other_object"),
        ("1.2.840.10008.5.1.4.1.1.66.4", "other_object"),
    ],
)
def test_other_objects_are_left_out(slices, uid, code):
    grouping = slices.group(slices.make(2, SOPClassUID=uid))
    assert {item.reason_code for item in grouping.left_out} == {code}


@pytest.mark.parametrize(
    ("element", "value", "code"),
    [
        ("PixelSpacing", None, "no_pixel_spacing"),
        ("PixelSpacing", [0, 0], "no_pixel_spacing"),
        ("PixelSpacing", [0.7], "no_pixel_spacing"),
        ("PixelSpacing", [-0.7, 0.7], "no_pixel_spacing"),
        ("PixelSpacing", [140, 140], "no_pixel_spacing"),
        ("ImagePositionPatient", None, "no_position"),
        ("ImagePositionPatient", [0, 0], "no_position"),
        ("ImageOrientationPatient", None, "bad_orientation"),
        ("ImageOrientationPatient", [1, 0, 0, 1, 0, 0], "bad_orientation"),
        ("ImageOrientationPatient", [2, 0, 0, 0, 1, 0], "bad_orientation"),
        ("ImageOrientationPatient", [0, 0, 0, 0, 0, 0], "bad_orientation"),
        ("Rows", None, "no_matrix"),
        ("Rows", 0, "no_matrix"),
        ("RescaleSlope", None, "no_rescale"),
        ("RescaleIntercept", None, "no_rescale"),
        ("RescaleSlope", 0, "bad_rescale"),
        ("RescaleType", "MGML", "not_hounsfield"),
        ("BitsAllocated", 32, "unsupported_pixel_format"),
        ("HighBit", 14, "unsupported_pixel_format"),
        ("SamplesPerPixel", 3, "unsupported_pixel_format"),
        ("PhotometricInterpretation", "PALETTE COLOR", "unsupported_pixel_format"),
        ("Rows", 5, "truncated_pixel_data"),
        ("PixelData", None, "no_pixel_data"),
        ("SeriesInstanceUID", None, "no_uid"),
        ("SOPInstanceUID", None, "no_uid"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(slices, tmp_path, element, value, code):
    data = slices.make(4)
    meta = {d.SOPInstanceUID for d in data}
    assert len(meta) == 4
    for d in data:
        if value is None:
            delattr(d, element)
        else:
            setattr(d, element, value)
    paths = []
    for k, d in enumerate(data):
        path = tmp_path / f"x{k}.dcm"
        d.save_as(path, implicit_vr=False, little_endian=True, enforce_file_format=False)
        raw = path.read_bytes()
        path.write_bytes(bytes(128) + b"DICM" + raw)
        paths.append(path)
    assert refusal(slices.regroup(paths)).reason_code == code


@pytest.mark.parametrize(
    "written", [b"0,7\\0,8 ", b"nan\\nan ", b"0.7\\0.8\\1", b"0.7 0.8 ", b"1e99\\1"]
)
def test_a_spacing_that_is_no_number_is_refused(slices, written):
    paths = slices.save(slices.make(4))
    for path in paths:
        raw = path.read_bytes()
        # (0028,0030) DS, explicit little endian: "0.7\0.8" is 8 bytes with its padding
        old = b"\x28\x00\x30\x00DS\x08\x000.7\\0.8 "
        assert old in raw
        size = (len(written) + 1) // 2 * 2
        new = b"\x28\x00\x30\x00DS" + size.to_bytes(2, "little") + written.ljust(size)
        path.write_bytes(raw.replace(old, new))
    refused = refusal(slices.regroup(paths))
    assert refused.reason_code == "no_pixel_spacing"
    assert written.decode().strip().split("\\")[0] in refused.detail


def test_a_file_cut_short_refuses_its_series(slices):
    paths = slices.save(slices.make(4))
    paths[3].write_bytes(paths[3].read_bytes()[:-7])  # the last slice: no gap would show it
    refused = refusal(slices.regroup(paths))
    assert refused.reason_code == "truncated_pixel_data"
    assert paths[3].name in refused.detail


def test_a_last_file_cut_in_its_header_refuses_its_series(slices):
    paths = slices.save(slices.make(4))
    whole = paths[3].read_bytes()
    cut = whole.index(b"\x20\x00\x52\x00UI")  # before the frame of reference and the matrix
    paths[3].write_bytes(whole[:cut])
    refused = refusal(slices.regroup(paths))
    assert refused.reason_code == "no_matrix"
    assert len(refused.files) == 4


def test_a_damaged_file_beside_a_series_is_flagged(slices):
    paths = slices.save(slices.make(5))
    headers = [read_header(path) for path in paths[:4]]
    grouping = group_series(headers, damaged_files=[str(paths[4])])
    assert grouping.series[0].report.flags == ("damaged_file_beside",)
    elsewhere = group_series(headers, damaged_files=["/somewhere/else.dcm"])
    assert elsewhere.series[0].report.flags == ()


def test_a_missing_frame_of_reference_is_flagged(slices):
    data = slices.make(4)
    for d in data:
        del d.FrameOfReferenceUID
    (series,) = slices.group(data).series
    assert series.report.flags == ("no_frame_of_reference",)
    assert series.geometry.frame_of_reference_uid is None


@pytest.mark.parametrize(
    ("elements", "flag"),
    [
        ({"LossyImageCompression": "01"}, "lossy_compressed"),
        ({"ImagesInAcquisition": 5}, "fewer_images_than_stated"),
        ({"SpacingBetweenSlices": 1.25}, "spacing_contradicts_header"),
        ({"AcquisitionDate": "20240201"}, "dates_differ"),
        ({"AcquisitionDate": "2024-13-01"}, "date_unreadable"),
        ({"StudyDate": "19240301", "SeriesDate": "", "AcquisitionDate": ""}, "date_implausible"),
        ({"StudyDate": "", "SeriesDate": "", "AcquisitionDate": ""}, "no_date"),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_what_is_doubtful_is_flagged(slices, elements, flag):
    assert slices.group(slices.make(4, **elements)).series[0].report.flags == (flag,)


def test_a_gap_in_the_instance_numbers_is_flagged(slices):
    data = slices.make(5)[1:]
    assert slices.group(data).series[0].report.flags == ("instance_number_gap",)


def test_the_date_falls_back_from_acquisition_to_series_to_study(slices):
    kinds = ("AcquisitionDate", "SeriesDate", "StudyDate")
    days = dict(zip(kinds, ("20240303", "20240302", "20240301"), strict=True))
    for present in range(3):
        elements = {k: (days[k] if n >= present else "") for n, k in enumerate(kinds)}
        series = slices.group(slices.make(3, **elements)).series[0]
        assert series.acquired_on == date(2024, 3, 3 - present)


def test_errors_survive_pickling_between_processes():
    error = SeriesError("truncated_pixel_data", "1.2.3", "short", "/a/b.dcm")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (again.reason_code, again.file, str(again)) == (
        error.reason_code,
        error.file,
        str(error),
    )
    assert "Fetch the series again" in str(error)


@pytest.mark.parametrize(("count", "flagged"), [(1, True), (4, False)])
def test_an_instance_uid_that_its_file_meta_contradicts_is_flagged_unless_all_do(
    slices, count, flagged
):
    """Anonymisers that rename instances often leave the old names in the file meta information."""
    paths = slices.save(slices.make(4))
    for number, path in enumerate(paths[:count]):
        d = pydicom.dcmread(path)
        d.SOPInstanceUID = f"1.2.3.{number + 1}"
        d.save_as(path)
    (series,) = slices.regroup(paths).series
    assert ("instance_uid_differs" in series.report.flags) == flagged


def test_one_slice_of_another_day_does_not_date_the_volume(slices):
    data = slices.make(4)
    data[1].AcquisitionDate = "20230301"
    (series,) = slices.group(data).series
    assert series.acquired_on == date(2024, 3, 1)
    assert "dates_differ" in series.report.flags
    data[0].AcquisitionDate = "20230301"
    (series,) = slices.group(data).series
    assert series.acquired_on == date(2023, 3, 1)  # as many: the earlier


def test_an_mr_slice_with_an_empty_rescale_is_refused(slices):
    data = slices.make(4, modality="MR")
    data[2].RescaleSlope, data[2].RescaleIntercept = "2", ""
    (refused,) = slices.group(data).refused
    assert refused.reason_code == "bad_rescale"
