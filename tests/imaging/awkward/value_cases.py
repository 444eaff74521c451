"""Cases: what stored values mean."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from tests.imaging.awkward import writer as w
from tests.imaging.awkward.answer import Answer, Expected, case, flag, load, refuse, volume

VALUES = "per-slice rescale, alternating intercept, signed 12 in 16 bits, padding, overlay bits"
RESCALE = "RescaleSlope or Intercept missing on CT"
INVERTED = "MONOCHROME1"
PHILIPS = "Philips MR scale factors that differ between phases"
DATES = "missing, garbage or conflicting dates; century-off dates"
PET = "PET for completeness"


@case(VALUES)
def rescale_that_differs_from_slice_to_slice(folder: Path) -> Answer:
    slices = w.make("perslice")
    values = w.words(6).astype(np.float64)
    for k, d in enumerate(slices):
        d.RescaleSlope, d.RescaleIntercept = 1 + k, -1000 + 10 * k
        values[k] = values[k] * (1 + k) - 1000 + 10 * k
    w.write(slices, folder)
    return load(Expected(values, w.affine()))


@case(VALUES)
def intercept_that_alternates(folder: Path) -> Answer:
    """Stored values move against it, so that HU are smooth."""
    slices = w.make("alternate", signed=True)
    for k, d in enumerate(slices):
        d.RescaleIntercept = -1024 if k % 2 else 0
        stored = w.words(6)[k] - (0 if k % 2 else 1024)
        d.PixelData = stored.astype("<i2").tobytes()
    w.write(slices, folder)
    return load(volume())


@case(VALUES)
def slope_that_is_no_whole_number(folder: Path) -> Answer:
    w.write(w.make("fraction", RescaleSlope=0.37, RescaleIntercept=-900.5), folder)
    return load(Expected(w.words(6) * 0.37 - 900.5, w.affine(), value_off=1e-4))


@case(VALUES)
def values_beyond_sixteen_bits(folder: Path) -> Answer:
    slices = w.make("wide", RescaleSlope=20, RescaleIntercept=-1024)
    w.write(slices, folder)
    return load(Expected(w.words(6) * 20.0 - 1024, w.affine()))


@case(VALUES)
def unsigned_sixteen_bits(folder: Path) -> Answer:
    slices = w.make("unsigned", BitsStored=16, HighBit=15, RescaleIntercept=-33000)
    for k, d in enumerate(slices):
        d.PixelData = (w.words(6)[k] + 32600).astype("<u2").tobytes()
    w.write(slices, folder)
    return load(volume(intercept=-400))


@case(VALUES)
def sign_and_depth_that_differ_from_slice_to_slice(folder: Path) -> Answer:
    slices = w.make("signs", signed=True)
    for k, d in enumerate(slices):
        if k % 2:
            w.put_pixels(d, w.words(6)[k], signed=False)
        else:
            d.RescaleIntercept = 0
            d.PixelData = (w.words(6)[k] - 1024).astype("<i2").tobytes()
    w.write(slices, folder)
    return load(volume())


@case(VALUES)
def signed_twelve_bits_in_sixteen_extended(folder: Path) -> Answer:
    slices = w.make(
        "signed12", BitsStored=12, HighBit=11, PixelRepresentation=1, RescaleIntercept=0
    )
    for k, d in enumerate(slices):
        d.PixelData = (w.words(6)[k] - 1024).astype("<i2").tobytes()
    w.write(slices, folder)
    return load(volume())


@case(VALUES)
def signed_twelve_bits_in_sixteen_with_empty_high_bits(folder: Path) -> Answer:
    """Two's complement of 12 bits; the upper four are zero instead of a copy of the sign."""
    slices = w.make(
        "signed12z", BitsStored=12, HighBit=11, PixelRepresentation=1, RescaleIntercept=0
    )
    for k, d in enumerate(slices):
        d.PixelData = ((w.words(6)[k] - 1024) & 0x0FFF).astype("<u2").tobytes()
    w.write(slices, folder)
    return load(volume())


@case(VALUES)
def overlay_in_the_unused_bits(folder: Path) -> Answer:
    slices = w.make("overlay")
    for k, d in enumerate(slices):
        stored = w.words(6)[k]
        stored[4:9, 5:15] |= 1 << 12
        d.PixelData = stored.astype("<u2").tobytes()
        for element, vr, value in (
            (0x0010, "US", w.ROWS), (0x0011, "US", w.COLUMNS), (0x0040, "CS", "G"),
            (0x0050, "SS", [1, 1]), (0x0100, "US", 16), (0x0102, "US", 12),
        ):  # fmt: skip
            d.add_new((0x6000, element), vr, value)
    w.write(slices, folder)
    return load(volume())


@case(VALUES)
def bits_beyond_those_stored_that_nothing_explains(folder: Path) -> Answer:
    slices = w.make("beyond")
    slices[2].PixelData = (w.words(6)[2] | 1 << 13).astype("<u2").tobytes()
    w.write(slices, folder)
    return refuse("bits_beyond_stored", culprit="i002.dcm")


def _round(values: np.ndarray) -> np.ndarray:
    """Return where a circle ends, as a reconstruction's does."""
    y, x = np.mgrid[: w.ROWS, : w.COLUMNS]
    outside = (y - 11.5) ** 2 / 12**2 + (x - 15.5) ** 2 / 16**2 > 1
    return np.broadcast_to(outside, values.shape)


@case(VALUES)
def padding_declared(folder: Path) -> Answer:
    slices = w.make("padding", signed=True, RescaleIntercept=0)
    stored = w.words(6) - 1024
    outside = _round(stored)
    stored = np.where(outside, -2000, stored)
    for k, d in enumerate(slices):
        d.PixelData = stored[k].astype("<i2").tobytes()
        d.add_new(0x00280120, "SS", -2000)
    w.write(slices, folder)
    return load(Expected(stored.astype(float), w.affine(), padding=outside))


@case(VALUES)
def padding_declared_under_the_wrong_sign(folder: Path) -> Answer:
    """PixelPaddingValue as US 63536, pixels signed: the same sixteen bits."""
    slices = w.make("padsign", signed=True, RescaleIntercept=0)
    stored = w.words(6) - 1024
    outside = _round(stored)
    stored = np.where(outside, -2000, stored)
    for k, d in enumerate(slices):
        d.PixelData = stored[k].astype("<i2").tobytes()
    for path in w.write(slices, folder):
        raw = path.read_bytes()
        at = raw.index(b"\x28\x00\x52\x10")  # the element that follows
        element = b"\x28\x00\x20\x01US" + struct.pack("<HH", 2, 63536)
        path.write_bytes(raw[:at] + element + raw[at:])
    return load(Expected(stored.astype(float), w.affine(), padding=outside))


@case(VALUES)
def padding_range(folder: Path) -> Answer:
    slices = w.make("padrange", signed=True, RescaleIntercept=0)
    stored = w.words(6) - 1024
    outside = _round(stored)
    stored = np.where(outside, -2010 + np.arange(w.COLUMNS) % 11, stored)
    for k, d in enumerate(slices):
        d.PixelData = stored[k].astype("<i2").tobytes()
        d.add_new(0x00280120, "SS", -2010)
        d.add_new(0x00280121, "SS", -2000)
    w.write(slices, folder)
    return load(Expected(stored.astype(float), w.affine(), padding=outside))


@case(VALUES)
def padding_not_declared(folder: Path) -> Answer:
    slices = w.make("padundeclared", signed=True, RescaleIntercept=0)
    stored = w.words(6) - 1024
    outside = _round(stored)
    stored = np.where(outside, -3024, stored)
    for k, d in enumerate(slices):
        d.PixelData = stored[k].astype("<i2").tobytes()
    w.write(slices, folder)
    return flag(
        Expected(stored.astype(float), w.affine(), padding=outside), codes=["undeclared_padding"]
    )


@case(INVERTED)
def monochrome1(folder: Path) -> Answer:
    w.write(w.make("mono1", PhotometricInterpretation="MONOCHROME1"), folder)
    return load(volume())


@case(RESCALE)
def no_slope(folder: Path) -> Answer:
    slices = w.make("noslope")
    for d in slices:
        del d.RescaleSlope
    w.write(slices, folder)
    return refuse("no_rescale", culprit="i000.dcm")


@case(RESCALE)
def no_intercept_on_one_slice(folder: Path) -> Answer:
    slices = w.make("nointercept")
    del slices[3].RescaleIntercept
    w.write(slices, folder)
    return refuse("no_rescale", culprit="i003.dcm")


@case(RESCALE)
def neither_slope_nor_intercept(folder: Path) -> Answer:
    slices = w.make("norescale")
    for d in slices:
        del d.RescaleSlope, d.RescaleIntercept, d.RescaleType
    w.write(slices, folder)
    return refuse("no_rescale", culprit="i000.dcm")


@case(RESCALE)
def slope_zero(folder: Path) -> Answer:
    w.write(w.make("slope0", RescaleSlope=0), folder)
    return refuse("bad_rescale", culprit="i000.dcm")


@case(RESCALE)
def intercept_with_a_decimal_comma(folder: Path) -> Answer:
    for path in w.write(w.make("commarescale", RescaleIntercept="-1024.5"), folder):
        raw = path.read_bytes()
        path.write_bytes(raw.replace(b"-1024.5", b"-1024,5"))
    return refuse("bad_rescale", culprit="i000.dcm")


@case(RESCALE)
def values_that_are_not_hounsfield(folder: Path) -> Answer:
    w.write(w.make("density", RescaleType="MGML"), folder)
    return refuse("not_hounsfield", culprit="i000.dcm", harmless=[volume()])


@case(RESCALE)
def values_that_are_hounsfield_by_assumption(folder: Path) -> Answer:
    w.write(w.make("unspecified", RescaleType="US"), folder)
    return flag(volume(), codes=["hounsfield_unstated"])


@case(VALUES)
def eight_bits(folder: Path) -> Answer:
    slices = w.make("eight", RescaleIntercept=-100)
    for k, d in enumerate(slices):
        d.BitsAllocated, d.BitsStored, d.HighBit = 8, 8, 7
        d.PixelData = (w.words(6)[k] // 3).astype(np.uint8).tobytes()
        d["PixelData"].VR = "OB"
    w.write(slices, folder)
    return flag(Expected(w.words(6) // 3 - 100.0, w.affine()), codes=["eight_bits"])


@case(RESCALE)
def a_lookup_table_instead_of_a_line(folder: Path) -> Answer:
    slices = w.make("lut", modality="MR")
    for d in slices:
        item = w.identity("lut")
        for element in list(item):
            del item[element.tag]
        item.add_new(0x00283002, "US", [4, 0, 16])
        item.add_new(0x00283004, "LO", "US")
        item.add_new(0x00283006, "US", [0, 5, 9, 40])
        d.ModalityLUTSequence = [item]
    w.write(slices, folder)
    looked_up = np.array([0.0, 5, 9, 40])[np.minimum(w.words(6), 3)]
    harmless = [Expected(looked_up, w.affine())]
    return refuse("lookup_table", culprit="i000.dcm", harmless=harmless)


@case(RESCALE)
def mr_without_rescale(folder: Path) -> Answer:
    w.write(w.make("mrplain", modality="MR"), folder)
    return load(volume(intercept=0))


@case(RESCALE)
def colour(folder: Path) -> Answer:
    slices = w.make(
        "rgb", SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0
    )
    for d in slices:
        d.BitsAllocated, d.BitsStored, d.HighBit = 8, 8, 7
        d.PixelData = bytes(w.ROWS * w.COLUMNS * 3)
    w.write(slices, folder)
    return refuse("unsupported_pixel_format", culprit="i000.dcm")


@case(RESCALE)
def floating_point_pixels(folder: Path) -> Answer:
    slices = w.make("float", modality="MR")
    for k, d in enumerate(slices):
        del d.PixelData
        d.BitsAllocated, d.BitsStored, d.HighBit = 32, 32, 31
        d.FloatPixelData = w.words(6)[k].astype("<f4").tobytes()
    w.write(slices, folder)
    harmless = [volume(intercept=0)]
    return refuse("unsupported_pixel_format", culprit="i000.dcm", harmless=harmless)


@case(PHILIPS)
def philips_scale_that_differs_between_phases(folder: Path) -> Answer:
    slices = []
    for phase in range(2):
        part = w.make("philips", number=1 + 6 * phase, volume=phase, modality="MR")
        for d in part:
            d.TemporalPositionIdentifier, d.Manufacturer = phase + 1, "Philips Medical Systems"
            d.RescaleSlope, d.RescaleIntercept = 2.5 - phase, 0
            block = d.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
            block.add_new(0x0E, "FL", 0.01 + 0.02 * phase)
        slices += part
    w.write(slices, folder)
    return flag(
        Expected(w.words(6) * 2.5, w.affine(), value_off=1e-3, alternative=w.words(6) / 0.01),
        Expected(w.words(6, 1) * 1.5, w.affine(), value_off=1e-3, alternative=w.words(6, 1) / 0.03),
        codes=["scale_factors_differ"],
    )


@case(PHILIPS)
def philips_scale_that_differs_inside_one_volume(folder: Path) -> Answer:
    slices = w.make("philipsone", modality="MR", RescaleSlope=2, RescaleIntercept=0)
    for k, d in enumerate(slices):
        d.Manufacturer = "Philips Medical Systems"
        block = d.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
        block.add_new(0x0E, "FL", 0.01 + 0.01 * (k > 2))
    w.write(slices, folder)
    precise = w.words(6) / (0.01 + 0.01 * (np.arange(6) > 2))[:, None, None]
    return flag(
        Expected(w.words(6) * 2.0, w.affine(), alternative=precise), codes=["scale_factors_differ"]
    )


@case(PET)
def pet_with_a_slope_of_its_own_for_each_slice(folder: Path) -> Answer:
    slices = w.make("pet", modality="PT")
    values = np.empty((6, w.ROWS, w.COLUMNS))
    for k, d in enumerate(slices):
        d.RescaleSlope = 0.5 + 0.25 * k
        values[k] = w.words(6)[k] * (0.5 + 0.25 * k)
    w.write(slices, folder)
    return load(Expected(values, w.affine(), value_off=1e-3))


@case(PET)
def pet_in_two_units(folder: Path) -> Answer:
    counts = w.make("petunits", number=11, volume=1, modality="PT", Units="CNTS")
    w.write([*w.make("petunits", modality="PT"), *counts], folder)
    return load(volume(intercept=0), volume(6, 1, intercept=0))


@case(PET)
def pet_without_units(folder: Path) -> Answer:
    slices = w.make("petnone", modality="PT")
    for d in slices:
        del d.Units
    w.write(slices, folder)
    return flag(volume(intercept=0), codes=["no_units"])


def _dated(name: str, code: str, folder: Path, **dates: str) -> Answer:
    slices = w.make(name)
    for d in slices:
        for keyword in ("AcquisitionDate", "SeriesDate", "StudyDate"):
            delattr(d, keyword)
        for keyword, day in dates.items():
            setattr(d, keyword, day)
    w.write(slices, folder)
    return flag(volume(), codes=[code])


@case(DATES)
def no_dates(folder: Path) -> Answer:
    return _dated("nodate", "no_date", folder)


@case(DATES)
def dates_that_contradict_one_another(folder: Path) -> Answer:
    return _dated(
        "conflict", "dates_differ", folder, AcquisitionDate="20240301", SeriesDate="20240301",
        StudyDate="20230301",
    )  # fmt: skip


@case(DATES)
def a_date_of_another_century(folder: Path) -> Answer:
    return _dated("century", "date_implausible", folder, StudyDate="19240301")


@case(DATES)
def a_date_that_is_none(folder: Path) -> Answer:
    answer = _dated("garbage", "date_unreadable", folder, StudyDate="20240301")
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes().replace(b"20240301", b"2024XX01"))
    return answer
