"""Calipers of TID 1500 reports: what is stated, held against where it was drawn."""

import math

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from imaging.mask_file import MaskError
from imaging.sr_caliper import ImagePlane, read_sr
from tests.imaging.awkward_mask import writer as w

GRID = w.Grid(row_step=(0.0, 0.8, 0.0), column_step=(0.5, 0.0, 0.0))
IMAGES = w.ct_slices(GRID)
LENGTH = Code("410668003", "SCT", "Length")
MM, CM, ML = (Code(unit, "UCUM", unit) for unit in ("mm", "cm", "ml"))


def plane(image: pydicom.Dataset) -> ImagePlane:
    return ImagePlane(
        tuple(float(v) for v in image.ImagePositionPatient),
        tuple(float(v) for v in image.ImageOrientationPatient),
        tuple(float(v) for v in image.PixelSpacing),
    )


PLANES = {image.SOPInstanceUID: plane(image) for image in IMAGES}


def in_pixels(*points, image=IMAGES[3]):
    source = hd.sr.SourceImageForRegion(image.SOPClassUID, image.SOPInstanceUID)
    return hd.sr.CoordinatesForMeasurement("POLYLINE", np.array(points), source)


def in_mm(*points):
    return hd.sr.CoordinatesForMeasurement3D("POLYLINE", np.array(points), w.FRAME)


def report(tmp_path, *measurements):
    """Write a report of one lesion; measurements are (concept, value, unit, coordinates)."""
    made = [
        hd.sr.Measurement(
            name=concept, value=value, unit=unit,
            referenced_coordinates=[where] if where is not None else None,
        )
        for concept, value, unit, where in measurements
    ]  # fmt: skip
    group = hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier("1.2.3.99", "T1"),
        finding_type=codes.SCT.Neoplasm,
        finding_sites=[hd.sr.FindingSite(codes.SCT.Liver)],
        measurements=made,
    )
    observer = hd.sr.ObserverContext(
        codes.DCM.Person, hd.sr.PersonObserverIdentifyingAttributes("Doe^Jane")
    )
    content = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_person_context=observer),
        procedure_reported=codes.LN.CTUnspecifiedBodyRegion,
        imaging_measurements=[group],
    )
    sr = hd.sr.Comprehensive3DSR(
        evidence=IMAGES, content=content, series_instance_uid="1.2.3.50", series_number=9,
        sop_instance_uid="1.2.3.51", instance_number=1,
    )  # fmt: skip
    return w.save(sr, tmp_path / "sr.dcm")


def test_a_line_in_pixels_that_bears_out_its_length_is_used(tmp_path):
    # 24 columns of 0.5 mm and 20 rows of 0.8 mm: 12 and 16 mm, 20 mm in all
    path = report(tmp_path, (LENGTH, 20.0, MM, in_pixels((2.5, 1.25), (26.5, 21.25))))
    (found,) = read_sr(path, PLANES)
    assert (found.tracking_id, found.tracking_uid) == ("T1", "1.2.3.99")
    assert found.finding == ("SCT", "108369006", "Neoplasm")
    assert found.site[1] == "10200004"
    assert found.concept == ("SCT", "410668003", "Length")
    caliper = found.caliper
    assert caliper.reason_code is None
    assert caliper.usable_mm == 20.0
    assert caliper.measured_mm == pytest.approx(20.0, abs=1e-6)
    assert caliper.sop_instance_uid == IMAGES[3].SOPInstanceUID
    # the centre of the first pixel is (0.5, 0.5): the line starts at column 2, row 0.75
    assert caliper.ends_mm[0] == pytest.approx(tuple(GRID.at(3, 0.75, 2)), abs=1e-6)
    assert caliper.ends_mm[1] == pytest.approx(tuple(GRID.at(3, 20.75, 26)), abs=1e-6)


def test_rows_and_columns_of_different_spacing_are_not_confused(tmp_path):
    path = report(tmp_path, (LENGTH, 8.0, MM, in_pixels((3.5, 2.5), (3.5, 12.5))))
    assert read_sr(path, PLANES)[0].caliper.usable_mm == 8.0


def test_a_length_that_its_coordinates_contradict_is_not_used(tmp_path):
    path = report(tmp_path, (LENGTH, 28.1, MM, in_pixels((2.5, 1.25), (26.5, 21.25))))
    (found,) = read_sr(path, PLANES)
    assert found.caliper.reason_code == "caliper_disagrees"
    assert found.caliper.usable_mm is None
    assert (found.caliper.stated_mm, round(found.caliper.measured_mm, 6)) == (28.1, 20.0)


@pytest.mark.parametrize(
    ("stated", "agrees"),
    # 0.1 mm, and half of the last written digit
    [(20.1, True), (20.15, False), (19.9, True), (20.2, False), (20.0, True)],
)
def test_rounding_is_forgiven_and_no_more(tmp_path, stated, agrees):
    path = report(tmp_path, (LENGTH, stated, MM, in_pixels((2.25, 1.25), (26.25, 21.25))))
    assert (read_sr(path, PLANES)[0].caliper.reason_code is None) is agrees


def test_points_on_whole_pixels_may_be_a_pixel_off(tmp_path):
    off = math.hypot(0.5, 0.8)
    path = report(tmp_path, (LENGTH, round(20 + off, 2), MM, in_pixels((2, 1), (26, 21))))
    assert read_sr(path, PLANES)[0].caliper.reason_code is None
    path = report(tmp_path, (LENGTH, round(20.3 + off, 2), MM, in_pixels((2, 1), (26, 21))))
    assert read_sr(path, PLANES)[0].caliper.reason_code == "caliper_disagrees"


def test_a_line_in_space_needs_no_image(tmp_path):
    path = report(tmp_path, (LENGTH, 3.0, CM, in_mm((10.0, -4.0, 7.0), (20.0, 16.0, 27.0))))
    (found,) = read_sr(path)
    assert found.caliper.stated_mm == 30.0
    assert found.caliper.measured_mm == pytest.approx(30.0)  # 10, 20, 20
    assert found.caliper.reason_code is None


def test_a_line_on_an_image_that_is_not_there_says_so(tmp_path):
    path = report(tmp_path, (LENGTH, 20.0, MM, in_pixels((2.5, 1.25), (26.5, 21.25))))
    caliper = read_sr(path, {})[0].caliper
    assert (caliper.reason_code, caliper.usable_mm) == ("caliper_image_missing", None)


def test_a_length_without_a_line_says_so_and_a_volume_is_no_caliper(tmp_path):
    volume = Code("118565006", "SCT", "Volume")
    path = report(tmp_path, (LENGTH, 20.0, MM, None), (volume, 4.2, ML, None))
    length, ml = read_sr(path, PLANES)
    assert length.caliper.reason_code == "caliper_without_line"
    assert (ml.value, ml.unit, ml.caliper) == (4.2, "ml", None)


def test_two_axes_of_one_lesion_keep_their_own_lines(tmp_path):
    short = Code("103340004", "SCT", "Short Axis")
    path = report(
        tmp_path,
        (LENGTH, 20.0, MM, in_pixels((2.5, 1.25), (26.5, 21.25))),
        (short, 8.0, MM, in_pixels((3.5, 2.5), (3.5, 12.5))),
    )
    assert [one.caliper.usable_mm for one in read_sr(path, PLANES)] == [20.0, 8.0]


def test_what_is_no_report_is_refused_by_name(tmp_path):
    path = tmp_path / "sr.dcm"
    path.write_text("no report")
    for file in (path, w.save(IMAGES[0], tmp_path / "ct.dcm")):
        with pytest.raises(MaskError, match=file.name) as caught:
            read_sr(file)
        assert caught.value.reason_code == "sr_unreadable"
    with pytest.raises(MaskError) as caught:
        read_sr(tmp_path / "absent.dcm")
    assert caught.value.reason_code == "unreadable_file"


def test_a_number_that_is_none_is_refused(tmp_path):
    path = report(tmp_path, (LENGTH, 20.25, MM, None))
    data = path.read_bytes()
    written = b"DS\x06\x0020.25 "  # with its VR: generated UIDs and times may hold the digits too
    assert data.count(written) == 1
    path.write_bytes(data.replace(written, b"DS\x06\x0020,25 "))
    with pytest.raises(MaskError) as caught:
        read_sr(path)
    assert caught.value.reason_code == "sr_unreadable"


@pytest.mark.shared
def test_a_real_report_gives_its_numbers_and_no_false_caliper(shared_data):
    found = read_sr(shared_data / "dcmqi_liver_seg" / "sr-example" / "sr.dcm")
    assert len(found) == 22
    assert {one.tracking_id for one in found} == {"primary tumor"}
    assert {one.finding[2] for one in found} == {"Neoplasm, Primary"}
    assert {one.site[2] for one in found} == {"pharyngeal tonsil (adenoid)"}
    assert all(one.caliper is None for one in found)
    (volume,) = [one for one in found if one.unit == "ml"]
    assert volume.value == 33.5824
    mean = found[0]
    assert (mean.value, mean.unit, mean.derivation[2]) == (6.01529, "{SUVbw}g/ml", "Mean")
    seg = pydicom.dcmread(shared_data / "dcmqi_liver_seg" / "sr-example" / "seg.dcm")
    assert found[0].segments == ((seg.SOPInstanceUID, 1),)
