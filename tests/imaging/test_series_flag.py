"""What makes a volume doubtful though it can be read."""

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian


def flags(slices, data, syntax=ExplicitVRLittleEndian):
    (series,) = slices.regroup(slices.save(data, syntax)).series
    return set(series.report.flags)


def exchanged(data, one, two):
    first, second = data[one].ImagePositionPatient, data[two].ImagePositionPatient
    data[one].ImagePositionPatient, data[two].ImagePositionPatient = second, first
    return data


@pytest.mark.parametrize("reverse", [False, True])
def test_two_slices_whose_places_are_exchanged_are_flagged(slices, reverse):
    data = slices.make(9)
    if reverse:
        for d, number in zip(data, range(9, 0, -1), strict=True):
            d.InstanceNumber = number
    assert "slices_out_of_order" not in flags(slices, data)
    assert "slices_out_of_order" in flags(slices, exchanged(data, 2, 6))


def test_slices_acquired_in_turns_or_numbered_at_random_are_not_out_of_order(slices):
    for numbers in ((1, 6, 2, 7, 3, 8, 4, 9, 5), (4, 9, 1, 6, 2, 8, 5, 3, 7), (1,) * 9):
        data = slices.make(9)
        for d, number in zip(data, numbers, strict=True):
            d.InstanceNumber = number
        assert "slices_out_of_order" not in flags(slices, data)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
@pytest.mark.parametrize("element", ["Rows", "Columns"])
def test_pixel_data_of_more_rows_or_columns_than_stated_are_flagged(slices, syntax, element):
    data = slices.make(4)
    assert "surplus_pixel_data" not in flags(slices, data, syntax)
    for d in data:
        setattr(d, element, d[element].value - 1)
    assert "surplus_pixel_data" in flags(slices, data, syntax)


def test_a_few_bytes_behind_the_pixels_are_not_surplus(slices):
    data = slices.make(4)
    for d in data:
        d.PixelData += bytes(6)
    assert "surplus_pixel_data" not in flags(slices, data)
