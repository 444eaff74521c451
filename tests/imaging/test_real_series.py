"""Reading real scanners' files: the right volume, or the right refusal."""

from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK

from imaging.dicom_seg import MaskError, read_masks, read_segment_identities
from imaging.header import HeaderError, InstanceHeader, read_header
from imaging.pixel import read_pixels
from imaging.pixel_error import PixelError
from imaging.series import Grouping, group_series, load_volume
from imaging.stored_word import stored_words

pytestmark = pytest.mark.shared


def headers_in(folder: Path) -> list[InstanceHeader]:
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            found.append(read_header(path))
        except HeaderError as error:
            if error.reason_code not in ("not_dicom", "unreadable_file"):  # licences, folders
                raise
    return found


def group(folder: Path) -> Grouping:
    return group_series(headers_in(folder))


def test_a_whole_liver_ct_equals_pydicom_slice_by_slice(shared_data):
    folder = shared_data / "hcc_tace_hcc048_portal"
    (series,) = group(folder).series
    volume = load_volume(series)
    assert volume.array.shape == (89, 512, 512)
    assert volume.geometry.spacing_mm == pytest.approx((2.5, 0.703125, 0.703125))
    assert volume.geometry.index_to_patient([0, 0, 0]).tolist() == [-180, -180, -396]
    assert volume.array.dtype == np.int16
    for z, path in enumerate(series.report.files_used):
        d = pydicom.dcmread(path)
        assert d.SOPInstanceUID == volume.sop_instance_uids[z]
        assert d.ImagePositionPatient[2] == -396 + 2.5 * z
        assert np.array_equal(volume.array[z], d.pixel_array + int(d.RescaleIntercept))
    # declared padding (-2000) does not occur; outside the circle the scanner wrote -1024 (-2048 HU)
    assert volume.padding is not None
    assert int(volume.padding[44].sum()) == 55772
    assert volume.array[~volume.padding].min() >= -1500
    assert volume.report.flags == ("undeclared_padding",)


@pytest.mark.parametrize(
    ("folder", "codes"),
    [
        ("sliceincrement/001", {"missing_slice"}),
        ("sliceincrement/002", {"missing_slice"}),
        ("notavolume/001", {"bolus_tracking"}),
    ],
)
def test_gaps_and_monitoring_scans_are_refused_or_left_out(shared_data, folder, codes):
    found = group(shared_data / "odd_dicom" / "dicom2nifti_failing" / folder)
    assert found.series == ()
    assert {r.reason_code for r in (*found.refused, *found.left_out)} == codes


def test_the_gap_in_a_real_series_is_named(shared_data):
    found = group(shared_data / "odd_dicom" / "dicom2nifti_failing" / "sliceincrement" / "001")
    assert "gap of 10.00 mm between slice positions 28.11 and 38.11 mm" in found.refused[0].detail


def test_a_real_gantry_tilt_is_kept(shared_data):
    (series,) = group(
        shared_data / "odd_dicom" / "dicom2nifti_failing" / "gantrytilting" / "001"
    ).series
    np.testing.assert_allclose(series.geometry.affine[:3, 0], [0, 0, 5], atol=1e-9)
    assert series.geometry.slice_spacing_mm == pytest.approx(5 * 0.970295726276)
    assert "gantry_tilt" in series.report.flags


def test_two_orientations_in_one_real_series_are_two_volumes(shared_data):
    found = group(shared_data / "odd_dicom" / "dicom2nifti_failing" / "sliceorientation" / "001")
    assert sorted(round(s.geometry.slice_spacing_mm, 2) for s in found.series) == [3.3, 4.4]


def test_a_real_series_of_variable_spacing_is_refused(shared_data):
    found = group(shared_data / "odd_dicom" / "dcm_qa_ct_ge_variable_tilt")
    assert [r.reason_code for r in found.refused] == ["uneven_spacing"]


LOSSLESS = ("1.2", "1.2.1", "1.2.2", "1.2.1.99", "1.2.5", "1.2.4.57", "1.2.4.70", "1.2.4.80",
            "1.2.4.90")  # fmt: skip


def test_one_image_in_every_lossless_transfer_syntax_has_the_same_values(shared_data):
    folder = shared_data / "odd_dicom" / "cornerstone_ctimage_transfer_syntaxes"
    truth = pydicom.dcmread(folder / "CTImage.dcm").pixel_array
    seen = Counter()
    for path in sorted(folder.glob("CTImage.dcm_*")):
        header = read_header(path)
        tail = header.transfer_syntax.removeprefix("1.2.840.10008.")
        if tail in LOSSLESS:
            np.testing.assert_array_equal(stored_words(header), truth, err_msg=path.name)
            seen[tail] += 1
        elif tail in ("1.2.4.53", "1.2.4.55"):
            with pytest.raises(PixelError):
                stored_words(header)
    assert set(seen) == set(LOSSLESS)


def test_jpeg_2000_slices_are_decoded_as_pydicom_does(shared_data):
    headers = headers_in(shared_data / "totalseg_abdomen" / "example_ct_dicom")
    (refused,) = group_series(headers).refused
    assert refused.reason_code == "no_uid"  # these files were anonymised beyond identity
    pixels = read_pixels(headers[:3], hounsfield=True)
    for z in range(3):
        d = pydicom.dcmread(headers[z].file)
        np.testing.assert_array_equal(pixels.array[z], d.pixel_array.astype(int) - 1024)


def test_real_ct_mr_and_pet_agree_with_simpleitk(shared_data):
    found = group(shared_data / "ibsi_sts" / "dicom" / "STS_003")
    assert found.series
    for series in found.series:
        reader = SimpleITK.ImageSeriesReader()
        reader.SetFileNames(list(series.report.files_used))
        image = reader.Execute()
        volume = load_volume(series)
        np.testing.assert_allclose(volume.array, SimpleITK.GetArrayFromImage(image), atol=1e-3)
        for index in ((0, 0, 0), (3, 7, 11), tuple(n - 1 for n in volume.array.shape)):
            theirs = image.TransformIndexToPhysicalPoint([int(i) for i in index[::-1]])
            np.testing.assert_allclose(volume.geometry.index_to_patient(index), theirs, atol=0.05)


def test_a_real_liver_segmentation_equals_its_label_image(shared_data):
    folder = shared_data / "dcmqi_liver_seg" / "segmentations"
    (series,) = group(folder / "ct-3slice").series
    header = read_segment_identities(folder / "liver.dcm")
    assert header.referenced_series_uid == series.series_uid
    assert set(header.referenced_sop_uids) == {h.sop_instance_uid for h in series.headers}
    assert header.segments[0].property_type == ("SRT", "T-62000", "Liver")
    mask = read_masks(folder / "liver.dcm", series.geometry)[1]
    truth = SimpleITK.ReadImage(str(folder / "liver_seg.nrrd"))
    np.testing.assert_array_equal(mask.array, SimpleITK.GetArrayFromImage(truth) == 1)
    liver = load_volume(series).array[mask.array]
    assert (
        30 < np.median(liver) < 70
    )  # liver without contrast, so mask and image lie on one another


def test_overlapping_real_segments_are_read_apart(shared_data):
    folder = shared_data / "dcmqi_liver_seg" / "segmentations"
    (series,) = group(folder / "ct-3slice").series
    masks = read_masks(folder / "partial_overlaps.dcm", series.geometry)
    first = SimpleITK.GetArrayFromImage(
        SimpleITK.ReadImage(str(folder / "partial_overlaps-1.nrrd"))
    )
    for number in (1, 4, 5):
        np.testing.assert_array_equal(masks[number].array, first == number)
    assert (masks[1].array & masks[2].array).any()


def test_a_real_sparse_label_map_leaves_its_gap_empty(shared_data):
    folder = shared_data / "dcmqi_liver_seg" / "segmentations"
    (series,) = group(folder / "24x38x3" / "image").series
    mask = read_masks(folder / "sparse-labelmap-ppv5.dcm", series.geometry)[1]
    assert mask.array.sum(axis=(1, 2)).tolist() == [315, 0, 315]


def test_a_real_segmentation_on_another_patient_is_refused(shared_data):
    folder = shared_data / "dcmqi_liver_seg" / "segmentations"
    (series,) = group(folder / "24x38x3" / "image").series
    with pytest.raises(MaskError, match="frames of reference"):
        read_masks(folder / "liver.dcm", series.geometry)
