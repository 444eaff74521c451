"""Every real folder: the values and places that its manifest, index or raw truth states."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK

from imaging.header import read_header
from imaging.pixel import read_pixels, stored_words
from imaging.series import group_series, load_volume
from tests.imaging.awkward import writer as w
from tests.imaging.awkward.enhanced import Frame, multiframe

pytestmark = pytest.mark.shared

CT_IMAGE = "odd_dicom/cornerstone_ctimage_transfer_syntaxes"
# PS3.5 section 10 and A.4: which of the thirteen keep every bit
LOSSLESS = {
    "1.2",
    "1.2.1",
    "1.2.2",
    "1.2.1.99",
    "1.2.5",
    "1.2.4.57",
    "1.2.4.70",
    "1.2.4.80",
    "1.2.4.90",
}
LOSSY = {"1.2.4.51", "1.2.4.81", "1.2.4.91"}
REFUSED = {"1.2.4.50", "1.2.4.53", "1.2.4.55"}


def tail_of(path: Path) -> str:
    return read_header(path).transfer_syntax.removeprefix("1.2.840.10008.")


def twice(path: Path, folder: Path) -> list[Path]:
    """Write an image and a copy of it 5 mm further on, so that the two are a volume."""
    files = []
    for k in range(2):
        d = pydicom.dcmread(path)
        d.SOPInstanceUID = f"1.2.3.{k + 1}"
        d.InstanceNumber = k + 1
        x, y, z = d.ImagePositionPatient
        d.ImagePositionPatient = [x, y, float(z) + 5 * k]
        files.append(folder / f"{k}.dcm")
        d.save_as(files[-1], enforce_file_format=False)
    return files


def test_every_transfer_syntax_of_one_image_is_equal_flagged_or_refused_by_name(
    shared_data, tmp_path
):
    folder = shared_data / CT_IMAGE
    raw = pydicom.dcmread(folder / "CTImage.dcm")
    truth = raw.pixel_array.astype(int) * int(raw.RescaleSlope) + int(raw.RescaleIntercept)
    seen = set()
    for number, path in enumerate(sorted(folder.glob("CTImage.dcm_*"))):
        tail = tail_of(path)
        seen.add(tail)
        if tail in REFUSED:
            (refused,) = group_series([read_header(path)]).refused
            assert refused.reason_code == "transfer_syntax_refused"
            assert path.name in refused.detail
            continue
        (tmp_path / str(number)).mkdir()
        files = twice(path, tmp_path / str(number))
        (series,) = group_series([read_header(file) for file in files]).series
        volume = load_volume(series)
        assert ("lossy_compressed" in volume.report.flags) == (tail in LOSSY), path.name
        off = np.abs(volume.array - truth).max()
        assert off == 0 if tail in LOSSLESS else off <= 60, path.name
        np.testing.assert_allclose(volume.geometry.affine[:3, 0], [0, 0, 5], atol=1e-6)
    assert seen == LOSSLESS | LOSSY | REFUSED


def test_what_is_no_slice_in_the_odd_folder_is_left_out_by_name(shared_data):
    folder = shared_data / CT_IMAGE
    names = {
        "no-pixel-data.dcm": "other_object",
        "no-pixel-spacing.dcm": "other_object",
        "CT0012.fragmented_no_bot_jpeg_baseline.51.dcm": "derived",  # a perfusion map, two frames
    }
    for name, code in names.items():
        found = group_series([read_header(folder / name)])
        assert [item.reason_code for item in found.left_out] == [code]
        assert not found.series


def test_a_jpeg_2000_slice_of_another_maker_equals_pydicom(shared_data):
    path = shared_data / CT_IMAGE / "CT2_J2KR"
    expected = pydicom.dcmread(path).pixel_array
    np.testing.assert_array_equal(stored_words(read_header(path)), expected)


def test_two_real_slices_equal_their_ground_truth(shared_data):
    folder = shared_data / "odd_dicom/dicom2nifti_failing/slicecount"
    (series,) = group_series([read_header(p) for p in sorted((folder / "001").iterdir())]).series
    volume = load_volume(series)
    truth = SimpleITK.ReadImage(str(folder / "001_ground_truth.nii.gz"))
    check_against_image(volume, truth)
    assert "two_slices" in volume.report.flags


def check_against_image(volume, truth):
    """Compare with an image of SimpleITK, whose slices may run the other way."""
    array = SimpleITK.GetArrayFromImage(truth)
    assert volume.array.size == array.size
    step = np.maximum(np.array(volume.array.shape) // 7, 1)
    for index in np.argwhere(
        np.ones(tuple(-(-n // s) for n, s in zip(volume.array.shape, step, strict=True)))
    ):
        at = np.minimum(index * step, np.array(volume.array.shape) - 1)
        place = volume.geometry.index_to_patient(at)
        theirs = truth.TransformPhysicalPointToContinuousIndex(place.tolist())
        nearest = np.rint(theirs).astype(int)
        assert np.abs(np.subtract(theirs, nearest)).max() < 0.05
        assert volume.array[tuple(at)] == array[tuple(nearest[::-1])]


def test_every_slice_of_the_index_has_the_stated_place_and_values(shared_data):
    folder = shared_data / "hcc_tace_slices"
    with (folder / "index.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if (folder / row["file"]).exists()]
    assert len(rows) == 25
    padded = 0
    for row in rows:
        header = read_header(folder / row["file"])
        assert header.series_uid == row["uid"]
        assert header.pixel_spacing == pytest.approx((float(row["ps"]),) * 2)
        assert header.slice_thickness == float(row["st"])
        assert header.position[2] == pytest.approx(float(row["z"]), abs=1e-3)
        assert (header.rescale_slope, header.rescale_intercept) == (
            float(row["slope"]),
            float(row["inter"]),
        )
        words = stored_words(header)
        assert (int(words.min()), int(words.max())) == (int(row["mn"]), int(row["mx"]))
        pixels = read_pixels([header], hounsfield=True)
        np.testing.assert_array_equal(pixels.array[0], words.astype(int) + int(float(row["inter"])))
        outside = int(row["mn"]) + float(row["inter"]) < -1500  # nothing attenuates so little
        assert (pixels.padding is not None) == outside
        padded += outside
        (refused,) = group_series([header]).refused
        assert refused.reason_code == "single_slice"  # two are DERIVED/SECONDARY/PROCESSED
    assert 0 < padded < 25


def test_padding_of_a_whole_liver_ct_counts_in_no_statistic(shared_data):
    files = sorted((shared_data / "hcc_tace_hcc048_portal").glob("*.dcm"))
    (series,) = group_series([read_header(p) for p in files]).series
    volume = load_volume(series)
    slices = sorted((pydicom.dcmread(p) for p in files), key=lambda d: d.ImagePositionPatient[2])
    raw = np.stack([d.pixel_array.astype(int) + int(d.RescaleIntercept) for d in slices])
    assert raw.min() == -2048  # the manifest: minimum stored HU
    inside = ~volume.padding
    assert inside.sum() == (raw > -2048).sum()
    assert volume.array[inside].mean(dtype=float) == pytest.approx(raw[raw > -2048].mean())
    assert volume.array[inside].min() >= -1024


def test_a_series_of_jpeg_2000_slices_lies_where_its_segmentation_lies(shared_data, tmp_path):
    """The files lost their UIDs to an anonymiser; with new ones the series is whole."""
    folder = shared_data / "totalseg_abdomen"
    files = sorted((folder / "example_ct_dicom").iterdir())
    assert len(files) == 20
    for k, path in enumerate(files):
        d = pydicom.dcmread(path)
        d.SOPInstanceUID, d.StudyInstanceUID, d.SeriesInstanceUID = (
            f"1.2.9.{k + 1}",
            "1.2.7",
            "1.2.8",
        )
        d.save_as(tmp_path / path.name, enforce_file_format=False)
    (series,) = group_series([read_header(p) for p in sorted(tmp_path.iterdir())]).series
    volume = load_volume(series)
    assert volume.array.shape == (20, 512, 512)
    assert volume.geometry.spacing_mm == pytest.approx((2, 0.9765625, 0.9765625))
    assert volume.slice_thickness_mm == 3
    liver = SimpleITK.ReadImage(str(folder / "example_seg_dicom.nii.gz"))
    array = SimpleITK.GetArrayFromImage(liver)
    assert int((array == 5).sum()) == 366_708  # the manifest
    for at in ((0, 0, 0), (19, 511, 511), (7, 100, 300)):
        theirs = liver.TransformPhysicalPointToContinuousIndex(
            volume.geometry.index_to_patient(at).tolist()
        )
        assert np.abs(np.subtract(theirs, np.rint(theirs))).max() < 0.01
    k, j, i = np.argwhere(array == 5)[::5000].T
    places = [
        liver.TransformIndexToPhysicalPoint([int(a), int(b), int(c)])
        for a, b, c in zip(i, j, k, strict=True)
    ]
    index = np.rint(volume.geometry.patient_to_index(places)).astype(int)
    assert 40 < np.median(volume.array[tuple(index.T)]) < 160  # liver, so image and mask agree


def test_a_legacy_converted_ct_equals_its_single_frames(shared_data):
    """Real pairs: the same slices as three files and as one multi-frame file."""
    for name in ("23x38x3", "24x38x3"):
        folder = shared_data / "dcmqi_liver_seg/segmentations" / name
        single, multi = (
            load_volume(group_series([read_header(p) for p in sorted(d.iterdir())]).series[0])
            for d in (folder / "image", folder / "multiframe")
        )
        np.testing.assert_array_equal(single.array, multi.array)
        np.testing.assert_allclose(single.geometry.affine, multi.geometry.affine, atol=1e-9)
        assert multi.frame_numbers in ((1, 2, 3), (3, 2, 1))
        assert single.array.shape == (3, *map(int, reversed(name.split("x")[:2])))


def test_three_real_liver_slices_are_a_volume_of_the_stated_size(shared_data):
    folder = shared_data / "dcmqi_liver_seg/segmentations/ct-3slice"
    (series,) = group_series([read_header(p) for p in sorted(folder.iterdir())]).series
    volume = load_volume(series)
    assert volume.array.shape == (3, 512, 512)
    assert volume.geometry.spacing_mm[1:] == pytest.approx((0.810547, 0.810547))
    assert volume.slice_thickness_mm == 1.25
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(list(series.report.files_used))
    np.testing.assert_array_equal(volume.array, SimpleITK.GetArrayFromImage(reader.Execute()))


def test_a_real_pet_has_a_slope_for_each_slice_and_names_its_unit(shared_data):
    found = group_series(
        [read_header(p) for p in sorted((shared_data / "ibsi_sts/dicom/STS_003").rglob("*.dcm"))]
    )
    (series,) = [one for one in found.series if one.modality == "PT"]
    volume = load_volume(series)
    assert (volume.unit, volume.signal_unit) == ("signal", "GML")  # standardised uptake
    assert len({h.rescale_slope for h in series.headers}) > 1
    for z, path in enumerate(series.report.files_used):
        d = pydicom.dcmread(path)
        expected = d.pixel_array * float(d.RescaleSlope) + float(d.RescaleIntercept)
        np.testing.assert_allclose(volume.array[z], expected, rtol=1e-6)


@pytest.fixture(scope="module")
def flip_angles(shared_data):
    """Real liver MR: five flip angles, (angle, z, y, x), and the affine of the image."""
    image = SimpleITK.ReadImage(str(shared_data / "liver_mr_vfa" / "liver_vfa_4d.nii.gz"))
    array = SimpleITK.GetArrayFromImage(image)
    assert array.shape == (5, 36, 96, 78)
    spacing = image.GetSpacing()[:3]
    assert spacing == pytest.approx((4.6875, 4.6875, 5), abs=0.01)
    return np.rint(array).clip(0, 32767).astype(np.int16), image


def _places(image, count):
    """Return orientation, spacing (row, column) and the position of each slice."""
    direction = np.array(image.GetDirection()).reshape(4, 4)[:3, :3]
    spacing = np.array(image.GetSpacing()[:3])
    origin = np.array(image.GetOrigin()[:3])
    orientation = [round(float(c), 9) for c in (*direction[:, 0], *direction[:, 1])]
    positions = [origin + k * spacing[2] * direction[:, 2] for k in range(count)]
    rounded = [[round(float(c), 6) for c in position] for position in positions]
    return orientation, [float(spacing[1]), float(spacing[0])], rounded


@pytest.mark.parametrize("enhanced", [False, True])
def test_five_real_flip_angles_in_one_series_are_five_volumes(flip_angles, tmp_path, enhanced):
    array, image = flip_angles
    orientation, spacing, positions = _places(image, 36)
    angles = (2, 5, 10, 15, 20)
    slices, frames = [], []
    for v, angle in enumerate(angles):
        for k in range(36):
            if enhanced:
                timing = {"MRTimingAndRelatedParametersSequence": {"FlipAngle": float(angle)}}
                frames.append(Frame(array[v, k], positions[k], orientation, groups=timing))
                continue
            (d,) = w.make("vfa", 1, number=1 + 36 * v + k, modality="MR", FlipAngle=angle)
            w.put_pixels(d, array[v, k], signed=True)
            d.ImagePositionPatient, d.ImageOrientationPatient = positions[k], orientation
            d.PixelSpacing, d.SliceThickness = spacing, 5
            slices.append(d)
    if enhanced:
        file = multiframe("vfa", frames, kind="MR", rescale=None, signed=True)
        measures = file.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
        measures.PixelSpacing, measures.SliceThickness = spacing, 5
        slices = [file]
    found = group_series([read_header(p) for p in w.write(slices, tmp_path)])
    assert Counter(s.volume_id.split("#")[1] for s in found.series) == Counter(
        f"flip={angle}" for angle in angles
    )
    for series in found.series:
        volume = load_volume(series)
        v = angles.index(int(series.volume_id.split("=")[1]))
        turned = (
            array[v]
            if volume.geometry.index_to_patient([0, 0, 0]) == pytest.approx(positions[0], abs=1e-4)
            else array[v][::-1]
        )
        np.testing.assert_array_equal(volume.array, turned)
        assert volume.geometry.spacing_mm == pytest.approx((5, *spacing), abs=1e-3)
