"""Cases: where slices lie, which are missing, doubled or cut, and what is no slice."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
from pydicom import uid

from tests.imaging.awkward import writer as w
from tests.imaging.awkward.answer import Answer, Expected, case, flag, load, refuse, volume

TILT = "gantry tilt, orientation jitter to 1e-4"
GAP = "missing slice, uneven spacing, truncated transfer"
SPACING = "PixelSpacing missing, zero, NaN, one value, decimal comma; only ImagerPixelSpacing"
NO_SLICE = "localizer, secondary capture, dose report, bolus-tracking, MIP, coronal reformat"
SAME = "identical duplicates"
OWNER = "same SOPInstanceUID, other pixels; two patients or studies under one series UID"
ORDER = "order and orientation"


@case(ORDER)
def from_head_to_feet(folder: Path) -> Answer:
    """Slice k of the files lies below slice k - 1, so that z runs against the files."""
    w.write(w.make("down", start=w.place(5), step=(0, 0, -w.STEP_MM)), folder)
    values = w.words(6)[::-1] + w.INTERCEPT
    return load(Expected(values.astype(float), w.affine()))


@case(ORDER)
def files_and_numbers_out_of_order(folder: Path) -> Answer:
    slices = w.make("shuffled")
    for d, number in zip(slices, (4, 1, 6, 2, 5, 3), strict=True):
        d.InstanceNumber = number
    w.write([slices[k] for k in (3, 0, 5, 2, 1, 4)], folder)
    return load(volume())


@case(ORDER)
def coronal_mr(folder: Path) -> Answer:
    orientation, step = (1.0, 0, 0, 0, 0, -1.0), (0, 4.0, 0)  # rows run to the feet
    slices = w.make("coronal", modality="MR", step=step)
    for d in slices:
        d.ImageOrientationPatient = list(orientation)
    w.write(slices, folder)
    return load(volume(intercept=0, step=step, orientation=orientation))


@case(ORDER)
def sagittal_mr(folder: Path) -> Answer:
    orientation, step = (0, 1.0, 0, 0, 0, -1.0), (-4.0, 0, 0)  # normal = y x -z = -x
    slices = w.make("sagittal", modality="MR", step=step)
    for d in slices:
        d.ImageOrientationPatient = list(orientation)
    w.write(slices, folder)
    return load(volume(intercept=0, step=step, orientation=orientation))


@case(ORDER)
def doubly_oblique_mr(folder: Path) -> Answer:
    a, b = np.radians(20), np.radians(-35)
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_z = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    turn = about_z @ about_x
    orientation = [round(float(c), 10) for c in (*turn[:, 0], *turn[:, 1])]
    step = [round(float(c), 8) for c in 3 * turn[:, 2]]
    slices = w.make("oblique", modality="MR", step=step)
    for d in slices:
        d.ImageOrientationPatient = orientation
        d.ImagePositionPatient = [round(c, 8) for c in d.ImagePositionPatient]
    w.write(slices, folder)
    return load(volume(intercept=0, step=step, orientation=orientation))


@case(ORDER)
def slice_location_that_contradicts_the_position(folder: Path) -> Answer:
    slices = w.make("location")
    for k, d in enumerate(slices):
        d.SliceLocation = -7.0 * k
    w.write(slices, folder)
    return load(volume())


@case(ORDER)
def no_instance_numbers(folder: Path) -> Answer:
    slices = w.make("nonumbers")
    for d in slices:
        del d.InstanceNumber, d.SliceThickness
    w.write(slices[::-1], folder)
    return load(volume())


@case(TILT)
def gantry_tilt(folder: Path) -> Answer:
    """The table moves along z, the planes are tilted: the grid is a shear."""
    tilt = np.radians(20)
    orientation = (1.0, 0, 0, 0, round(float(np.cos(tilt)), 9), -round(float(np.sin(tilt)), 9))
    slices = w.make("tilt", step=(0, 0, 5.0), GantryDetectorTilt=20, SliceThickness=5)
    for d in slices:
        d.ImageOrientationPatient = list(orientation)
    w.write(slices, folder)
    return flag(volume(step=(0, 0, 5.0), orientation=orientation), codes=["gantry_tilt"])


@case(TILT)
def orientation_jitter(folder: Path) -> Answer:
    slices = w.make("jitter")
    for k, d in enumerate(slices):
        turn = 1e-4 * (-1) ** k
        d.ImageOrientationPatient = [1, turn, 0, -turn, 1, 0]
    w.write(slices, folder)
    return load(volume(place_off_mm=5e-3))  # 1e-4 over 25 mm


@case(TILT)
def positions_rounded_to_a_tenth_of_a_millimetre(folder: Path) -> Answer:
    slices = w.make("rounded", 9, step=(0, 0, 0.625))
    for d in slices:
        d.ImagePositionPatient = [*w.START_MM[:2], round(float(d.ImagePositionPatient[2]), 1)]
        d.SliceThickness = 0.625
    w.write(slices, folder)
    return load(volume(9, step=(0, 0, 0.625), place_off_mm=0.1))


@case(GAP)
def missing_slice(folder: Path) -> Answer:
    slices = w.make("gap", 8)
    del slices[3]
    w.write(slices, folder)
    return refuse("missing_slice")


@case(GAP)
def missing_second_slice(folder: Path) -> Answer:
    slices = w.make("gap2", 8)
    del slices[1]
    w.write(slices, folder)
    return refuse("missing_slice")


@case(GAP)
def several_missing_slices(folder: Path) -> Answer:
    slices = w.make("gaps", 12)
    del slices[8], slices[7], slices[3]
    w.write(slices, folder)
    return refuse("missing_slice")


@case(GAP)
def missing_slice_of_a_tilted_series(folder: Path) -> Answer:
    slices = w.make("tiltgap", 8, step=(0, 0, 5.0), SliceThickness=5)
    for d in slices:
        d.ImageOrientationPatient = [1, 0, 0, 0, 0.939692621, -0.342020143]
    del slices[4]
    w.write(slices, folder)
    return refuse("missing_slice")


@case(GAP)
def uneven_spacing(folder: Path) -> Answer:
    slices = w.make("uneven", 8)
    for d in slices[4:]:
        d.ImagePositionPatient = [*w.START_MM[:2], float(d.ImagePositionPatient[2]) + 1.0]
    w.write(slices, folder)
    return refuse("uneven_spacing")


@case(GAP)
def spacing_that_changes_on_the_way(folder: Path) -> Answer:
    slices = w.make("change", 8)
    for n, d in enumerate(slices[4:], start=1):
        d.ImagePositionPatient = [*w.START_MM[:2], 37.5 + 5.0 * n]
    w.write(slices, folder)
    return refuse("uneven_spacing", "missing_slice")


@case(GAP)
def a_slice_shifted_sideways(folder: Path) -> Answer:
    slices = w.make("shifted", 8)
    slices[3].ImagePositionPatient = [-4, -20, slices[3].ImagePositionPatient[2]]
    w.write(slices, folder)
    return refuse("not_on_a_line")


@case(GAP)
def every_second_slice(folder: Path) -> Answer:
    w.write(w.make("half", 11)[::2], folder)
    values = w.words(11)[::2] + w.INTERCEPT
    return flag(
        Expected(values.astype(float), w.affine(step=(0, 0, 5.0))), codes=["gaps_between_slices"]
    )


@case(GAP)
def last_slices_not_transferred(folder: Path) -> Answer:
    """Nothing is uneven; the number of images in the acquisition tells."""
    w.write(w.make("short", 8, ImagesInAcquisition=8)[:6], folder)
    values = w.words(8)[:6] + w.INTERCEPT
    return flag(Expected(values.astype(float), w.affine()), codes=["fewer_images_than_stated"])


@case(GAP)
def last_file_cut_in_its_pixels(folder: Path) -> Answer:
    path = w.write(w.make("cut"), folder)[-1]
    path.write_bytes(path.read_bytes()[:-300])
    return refuse("truncated_pixel_data", culprit=path.name)


@case(GAP)
def last_file_cut_in_its_header(folder: Path) -> Answer:
    path = w.write(w.make("cuthead"), folder)[-1]
    raw = path.read_bytes()
    path.write_bytes(raw[: raw.index(b"\x20\x00\x37\x00DS") + 3])
    return refuse("unreadable_dicom", "no_matrix", "no_position", culprit=path.name)


@case(GAP)
def last_file_empty(folder: Path) -> Answer:
    path = w.write(w.make("empty"), folder)[-1]
    path.write_bytes(b"")
    values = w.words(6)[:5] + w.INTERCEPT
    return flag(Expected(values.astype(float), w.affine()), codes=["damaged_file_beside"])


@case(GAP)
def compressed_file_cut(folder: Path) -> Answer:
    slices = w.make("cutrle")
    paths = w.write(slices, folder)
    for d, path in zip(slices, paths, strict=True):
        d.compress(uid.RLELossless, generate_instance_uid=False)
        d.save_as(path, enforce_file_format=True)
    paths[2].write_bytes(paths[2].read_bytes()[:-200])
    return refuse("pixel_data_undecodable", "truncated_pixel_data", culprit=paths[2].name)


@case(GAP)
def one_slice_alone(folder: Path) -> Answer:
    w.write(w.make("alone", 1), folder)
    values = w.words(1) + float(w.INTERCEPT)
    return refuse("single_slice", harmless=[Expected(values, w.affine())])


@case(SAME)
def duplicates(folder: Path) -> Answer:
    slices = w.make("copies")
    w.write([*slices, copy.deepcopy(slices[1]), copy.deepcopy(slices[4])], folder)
    return load(volume(), left_out=["duplicate"])


@case(SAME)
def a_duplicate_in_another_transfer_syntax(folder: Path) -> Answer:
    slices = w.make("copysyntax")
    w.write(slices, folder)
    w.write([copy.deepcopy(slices[2])], folder, uid.ImplicitVRLittleEndian, start=6)
    return load(volume(), left_out=["duplicate"])


@case(SAME)
def duplicates_under_other_names(folder: Path) -> Answer:
    """One export anonymised twice: other instance UIDs, the same slices."""
    slices = w.make("renamed")
    again = w.make("renamed", number=101)
    w.write([*slices, *again[:3]], folder)
    return load(volume(), left_out=["duplicate"])


@case(OWNER)
def same_instance_other_pixels(folder: Path) -> Answer:
    slices = w.make("other")
    double = copy.deepcopy(slices[2])
    double.PixelData = bytes(len(double.PixelData))
    w.write([*slices, double], folder)
    return refuse("same_uid_other_content", culprit="i006.dcm")


@case(OWNER)
def same_instance_other_position(folder: Path) -> Answer:
    slices = w.make("otherplace")
    double = copy.deepcopy(slices[2])
    double.ImagePositionPatient = w.place(6)
    w.write([*slices, double], folder)
    return refuse("same_uid_other_content", culprit="i006.dcm")


def _halves() -> list[Expected]:
    """Return the slices of each owner apart."""
    values = w.words(6) + float(w.INTERCEPT)
    return [Expected(values[:3], w.affine()), Expected(values[3:], w.affine(w.place(3)))]


@case(OWNER)
def two_patients_under_one_series(folder: Path) -> Answer:
    slices = w.make("patients")
    for d in slices[3:]:
        d.PatientID = "P2"
    w.write(slices, folder)
    return refuse("mixed_patients", harmless=_halves())


@case(OWNER)
def two_studies_under_one_series(folder: Path) -> Answer:
    slices = w.make("studies")
    for d in slices[3:]:
        d.StudyInstanceUID = f"{w.ROOT}.77"
    w.write(slices, folder)
    return refuse("mixed_studies", harmless=_halves())


def _spacing(name: str, value: object, folder: Path) -> Answer:
    slices = w.make(name)
    for d in slices:
        del d.PixelSpacing
        if value is not None:
            d.PixelSpacing = value
    w.write(slices, folder)
    return refuse("no_pixel_spacing", culprit="i000.dcm")


@case(SPACING)
def no_pixel_spacing(folder: Path) -> Answer:
    return _spacing("nospacing", None, folder)


@case(SPACING)
def zero_pixel_spacing(folder: Path) -> Answer:
    return _spacing("zerospacing", [0, 0], folder)


@case(SPACING)
def one_pixel_spacing(folder: Path) -> Answer:
    return _spacing("onespacing", [0.7], folder)


@case(SPACING)
def empty_pixel_spacing(folder: Path) -> Answer:
    return _spacing("emptyspacing", [], folder)


@case(SPACING)
def only_imager_pixel_spacing(folder: Path) -> Answer:
    slices = w.make("imager", ImagerPixelSpacing=[0.7, 0.8])
    for d in slices:
        del d.PixelSpacing
    w.write(slices, folder)
    return refuse("no_pixel_spacing", culprit="i000.dcm")


def _rewritten(name: str, tag: bytes, old: bytes, new: bytes, folder: Path) -> None:
    """Write a series, then put other bytes of equal length into one DS element of every file."""
    assert len(old) == len(new)
    for path in w.write(w.make(name), folder):
        raw = path.read_bytes()
        head = tag + b"DS" + len(old).to_bytes(2, "little")
        assert head + old in raw
        path.write_bytes(raw.replace(head + old, head + new))


@case(SPACING)
def pixel_spacing_with_a_decimal_comma(folder: Path) -> Answer:
    _rewritten("comma", b"\x28\x00\x30\x00", b"0.7\\0.8 ", b"0,7\\0,8 ", folder)
    return refuse("no_pixel_spacing", culprit="i000.dcm")


@case(SPACING)
def pixel_spacing_not_a_number(folder: Path) -> Answer:
    _rewritten("nan", b"\x28\x00\x30\x00", b"0.7\\0.8 ", b"NaN\\NaN ", folder)
    return refuse("no_pixel_spacing", culprit="i000.dcm")


@case(SPACING)
def position_with_a_decimal_comma(folder: Path) -> Answer:
    for path in w.write(w.make("commaplace"), folder):
        raw = path.read_bytes()
        at = raw.index(b"\x20\x00\x32\x00DS") + 8
        size = int.from_bytes(raw[at - 2 : at], "little")
        path.write_bytes(raw[:at] + raw[at : at + size].replace(b".", b",") + raw[at + size :])
    return refuse("no_position", culprit="i000.dcm")


@case(SPACING)
def no_position(folder: Path) -> Answer:
    slices = w.make("noplace", SliceLocation=1.0)
    del slices[2].ImagePositionPatient
    w.write(slices, folder)
    return refuse("no_position", culprit="i002.dcm")


@case(SPACING)
def no_orientation(folder: Path) -> Answer:
    slices = w.make("noturn")
    for d in slices:
        del d.ImageOrientationPatient
    w.write(slices, folder)
    return refuse("bad_orientation", culprit="i000.dcm")


@case(SPACING)
def directions_that_are_not_perpendicular(folder: Path) -> Answer:
    slices = w.make("skew")
    for d in slices:
        d.ImageOrientationPatient = [1, 0, 0, 0.5, 0.8660254, 0]
    w.write(slices, folder)
    return refuse("bad_orientation", culprit="i000.dcm")


def _scout(name: str, **elements: object) -> list:
    """Return a localizer: one sagittal projection of another matrix."""
    (d,) = w.make(name, 1, number=90, **elements)
    d.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    d.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    return [d]


@case(NO_SLICE)
def a_localizer_in_the_series(folder: Path) -> Answer:
    w.write([*_scout("scout"), *w.make("scout")], folder)
    return load(volume(), left_out=["localizer"])


@case(NO_SLICE)
def a_localizer_alone(folder: Path) -> Answer:
    w.write(_scout("scoutalone"), folder)
    return refuse("localizer")


@case(NO_SLICE)
def secondary_captures_alone(folder: Path) -> Answer:
    slices = w.make("capture", 3, SOPClassUID=uid.SecondaryCaptureImageStorage, Modality="OT")
    w.write(slices, folder)
    return refuse("secondary_capture")


@case(NO_SLICE)
def a_dose_report_in_the_series(folder: Path) -> Answer:
    slices = w.make("dose")
    (report,) = w.make("dose", 1, number=90, SOPClassUID=uid.XRayRadiationDoseSRStorage)
    del report.PixelData, report.ImagePositionPatient
    report.Modality = "SR"
    w.write([*slices, report], folder)
    return load(volume(), left_out=["other_object"])


@case(NO_SLICE)
def bolus_tracking_alone(folder: Path) -> Answer:
    slices = w.make("bolus", step=(0, 0, 0))
    for k, d in enumerate(slices):
        d.AcquisitionNumber, d.AcquisitionTime = k + 1, f"1015{k:02d}"
    w.write(slices, folder)
    return refuse("bolus_tracking")


@case(NO_SLICE)
def a_projection_in_the_series(folder: Path) -> Answer:
    (mip,) = w.make("mip", 1, number=90, ImageType=["DERIVED", "SECONDARY", "AXIAL", "MIP"])
    mip.ImagePositionPatient = w.place(6)  # continues the stack as if it were a slice of it
    w.write([*w.make("mip"), mip], folder)
    return load(volume(), left_out=["projection"])


@case(NO_SLICE)
def a_coronal_reformat_alone(folder: Path) -> Answer:
    slices = w.make(
        "coronalct", step=(0, 3, 0), ImageType=["DERIVED", "SECONDARY", "REFORMATTED"],
        ImageOrientationPatient=[1, 0, 0, 0, 0, -1],
    )  # fmt: skip
    w.write(slices, folder)
    return refuse("reformatted")


@case(NO_SLICE)
def a_coronal_reformat_in_the_series(folder: Path) -> Answer:
    coronal = w.make(
        "corinside", 4, number=50, step=(0, 3, 0),
        ImageOrientationPatient=[1, 0, 0, 0, 0, -1],
    )  # fmt: skip
    w.write([*w.make("corinside"), *coronal], folder)
    return load(volume(), left_out=["reformatted"])
