"""Slices that are put straight into the volume equal those that a slow reading gives."""

import itertools
import tracemalloc

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from imaging.pixel import read_pixels
from imaging.series import SeriesError, load_volume


def slow(paths, *, hounsfield=True):
    """Values, padding and flags of slices as pydicom and plain arithmetic give them, in float64.

    Slice by slice, pixel by pixel where a rule speaks of pixels.
    """
    values, padding, flags = [], [], set()
    for path in paths:
        d = pydicom.dcmread(path)
        kind = "i" if d.PixelRepresentation else "u"
        order = ">" if d.file_meta.TransferSyntaxUID == ExplicitVRBigEndian else "<"
        words = np.frombuffer(d.PixelData, f"{order}{kind}{d.BitsAllocated // 8}")
        words = words.reshape(d.Rows, d.Columns).astype(np.int64)
        cut = words & ((1 << d.BitsStored) - 1)
        if d.PixelRepresentation:
            cut = np.where(cut >= 1 << (d.BitsStored - 1), cut - (1 << d.BitsStored), cut)
        pad = np.zeros(words.shape, bool)
        if "PixelPaddingValue" in d:
            ends = [d.PixelPaddingValue, d.get("PixelPaddingRangeLimit", d.PixelPaddingValue)]
            pad = (words >= min(ends)) & (words <= max(ends))
            top = max(ends) * d.get("RescaleSlope", 1) + d.get("RescaleIntercept", 0)
            if pad.any() and hounsfield and top > -500:
                flags.add("padding_in_tissue_range")
                pad[:] = False
        cut = np.where(pad, words, cut)
        hu = cut * float(d.get("RescaleSlope", 1)) + float(d.get("RescaleIntercept", 0))
        if hounsfield and (hu[~pad] < -1500).any():
            flags.add("undeclared_padding")
            pad |= hu < -1500
        values.append(hu)
        padding.append(pad)
    return np.stack(values), np.stack(padding), tuple(sorted(flags))


def check(slices, data, syntax=ExplicitVRLittleEndian, *, hounsfield=True):
    """Compare a volume with the slow reading of its files."""
    (series,) = slices.regroup(slices.save(data, syntax)).series
    volume = load_volume(series)
    paths = [header.file for header in series.headers]
    values, padding, flags = slow(paths, hounsfield=hounsfield)
    fits = (values == np.rint(values)).all() and -32768 <= values.min() <= values.max() <= 32767
    assert volume.array.dtype == (np.int16 if fits else np.float32)
    np.testing.assert_array_equal(volume.array, values.astype(volume.array.dtype))
    if volume.padding is None:
        assert not padding.any()
    else:
        np.testing.assert_array_equal(volume.padding, padding)
    assert set(flags) <= set(volume.report.flags)
    assert set(volume.report.flags) - set(flags) <= {"eight_bits"}


FORMATS = [(signed, bits) for signed in (0, 1) for bits in (12, 16)]
WAYS = list(itertools.product(FORMATS, (0, -1024, -1500, -2000, -8192, 1000), (1, 2, 0.5)))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_every_sign_depth_and_rescale_gives_the_values_of_the_slow_reading(slices, syntax):
    rng = np.random.default_rng(11)
    for (signed, bits), intercept, slope in WAYS:
        low, high = (-(1 << bits - 1), 1 << bits - 1) if signed else (0, 1 << bits)
        data = slices.make(
            3, PixelRepresentation=signed, BitsStored=bits, HighBit=bits - 1,
            RescaleIntercept=intercept, RescaleSlope=slope,
        )  # fmt: skip
        for k, d in enumerate(data):  # the first two are narrow, the last takes all there is
            ends = (low, high) if k == 2 else (max(low, 400), min(high, 1500))
            d.PixelData = rng.integers(*ends, (4, 6)).astype("<i2" if signed else "<u2").tobytes()
        check(slices, data, syntax)


@pytest.mark.parametrize("extreme", [-32768, -1, 0, 1, 32767, 32768, 65535])
@pytest.mark.parametrize("intercept", [-65000, -32768, -32767, -1, 0, 1, 32767, 32768])
def test_values_at_the_ends_of_int16_do_not_wrap(slices, extreme, intercept):
    signed = int(extreme < 32768)
    data = slices.make(3, PixelRepresentation=signed, RescaleIntercept=intercept)
    words = np.full((4, 6), 0 if signed else 40000).astype("<i2" if signed else "<u2")
    words[2, 3] = extreme
    for d in data:
        d.PixelData = words.tobytes()
    check(slices, data)


@pytest.mark.parametrize(("value", "limit"), [(-2000, None), (-2000, -1990), (5, None), (5, 20)])
def test_padding_is_the_same_however_a_slice_is_read(slices, value, limit):
    data = slices.make(4)
    words = np.arange(24, dtype="<i2").reshape(4, 6)
    for k, d in enumerate(data):
        d.add_new(0x00280120, "SS", value)
        if limit is not None:
            d.add_new(0x00280121, "SS", limit)
        own = words.copy() + 100 * (k == 0)
        own[0, k] = value
        d.PixelData = own.tobytes()
    check(slices, data)


def test_big_endian_and_eight_bits_go_the_slow_way_and_arrive(slices):
    data = slices.make(3)
    for d in data:
        d.PixelData = np.arange(24).astype(">i2").tobytes()
        d["PixelData"].VR = "OW"
    check(slices, data, ExplicitVRBigEndian)
    data = slices.make(3, BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0)
    for d in data:
        d.PixelData = np.arange(24).astype("u1").tobytes()
    check(slices, data)


def test_mr_signal_has_no_impossible_values(slices):
    data = slices.make(3, modality="MR")
    for d in data:
        d.PixelData = (np.arange(24) - 5000).astype("<i2").tobytes()
    check(slices, data, hounsfield=False)


@pytest.mark.shared
def test_a_real_series_equals_the_slow_reading(shared_data, slices):
    folder = shared_data / "hcc_tace_hcc048_portal"
    (series,) = slices.regroup(sorted(folder.rglob("*.dcm"))).series
    volume = load_volume(series)
    values, padding, _ = slow([header.file for header in series.headers])
    np.testing.assert_array_equal(volume.array, values.astype(np.int16))
    np.testing.assert_array_equal(volume.padding, padding)


def test_loading_takes_hardly_more_memory_than_the_volume(slices):
    words = np.arange(512 * 512).astype("<i2") % 3000
    data = slices.make(40, Rows=512, Columns=512)
    for d in data:
        d.PixelData = words.tobytes()
    (series,) = slices.regroup(slices.save(data)).series
    tracemalloc.start()
    volume = load_volume(series)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.2 * volume.array.nbytes


def test_only_chosen_slices_are_read_and_all_others_are_no_tissue(slices):
    paths = slices.save(slices.make(5))
    (series,) = slices.regroup(paths).series
    whole = read_pixels(series.headers, hounsfield=True)
    paths[0].write_bytes(b"gone")  # not read, so not missed
    part = read_pixels(series.headers, hounsfield=True, chosen={1, 3})
    np.testing.assert_array_equal(part.array[[1, 3]], whole.array[[1, 3]])
    assert part.array[[0, 2, 4]].max() == -32768
    assert part.padding is not None
    assert part.padding[[0, 2, 4]].all()
    assert not part.padding[[1, 3]].any()
    with pytest.raises(SeriesError):
        load_volume(series)
