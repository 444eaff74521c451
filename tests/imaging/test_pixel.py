"""Pixel values: rescale, number types, unused bits, padding, transfer syntaxes."""

import copy

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from imaging.series import SeriesError, load_volume


def load(slices, data, syntax=ExplicitVRLittleEndian):
    (series,) = slices.regroup(slices.save(data, syntax)).series
    return load_volume(series)


def stored(data, words):
    """Give every slice its own copy of the same words."""
    for d in data:
        d.PixelData = np.asarray(words).tobytes()
    return data


RAMP = np.arange(24).reshape(4, 6)


def test_values_are_rescaled_and_lie_where_row_and_column_say(slices):
    volume = load(slices, slices.make(3))
    assert volume.unit == "HU"
    assert volume.array.dtype == np.int16
    assert volume.array[2, 3, 5] == 100 * 2 + 10 * 3 + 5 - 1024
    assert volume.slice_thickness_mm == 2.5
    assert volume.frame_numbers == (1, 1, 1)
    assert [uid[-1] for uid in volume.sop_instance_uids] == ["1", "2", "3"]
    assert volume.padding is None


def test_each_slice_is_rescaled_by_its_own_slope_and_intercept(slices):
    data = stored(slices.make(4), RAMP.astype("<i2"))
    for k, d in enumerate(data):
        d.RescaleSlope, d.RescaleIntercept = k + 1, -1000 * (k % 2)
    volume = load(slices, data)
    assert volume.array.dtype == np.int16
    for k in range(4):
        np.testing.assert_array_equal(volume.array[k], RAMP * (k + 1) - 1000 * (k % 2))
    assert volume.report.flags == ("rescale_differs_between_slices",)


def test_a_fractional_slope_gives_float32_and_keeps_earlier_slices_exact(slices):
    data = stored(slices.make(3), RAMP.astype("<i2"))
    data[2].RescaleSlope = 0.5
    volume = load(slices, data)
    assert volume.array.dtype == np.float32
    np.testing.assert_array_equal(volume.array[0], RAMP - 1024)
    np.testing.assert_array_equal(volume.array[2], RAMP / 2 - 1024)


def test_values_beyond_int16_are_not_wrapped(slices):
    words = np.full((4, 6), 65535, dtype="<u2")
    data = stored(slices.make(3, PixelRepresentation=0), words)
    volume = load(slices, data)
    assert volume.array.dtype == np.float32
    assert volume.array.max() == 65535 - 1024


@pytest.mark.parametrize("syntax", [
    ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian, RLELossless,
])  # fmt: skip
@pytest.mark.parametrize("kind", ["i2", "u2"])
def test_every_plain_transfer_syntax_gives_the_same_values(slices, syntax, kind):
    data = slices.make(3, PixelRepresentation=int(kind == "i2"))
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    for d in data:
        d.PixelData = (RAMP * 50 + 9).astype(order + kind).tobytes()
        if syntax == RLELossless:
            d.file_meta = pydicom.dataset.FileMetaDataset()
            d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            d.compress(RLELossless, generate_instance_uid=False)
    if syntax == ExplicitVRBigEndian:
        for d in data:
            d["PixelData"].VR = "OW"
            # pydicom writes OW bytes as they are, so they were made big endian above
    volume = load(slices, data, syntax)
    np.testing.assert_array_equal(volume.array[1], RAMP * 50 + 9 - 1024)


def test_eight_bit_images_are_read(slices):
    data = slices.make(3, BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0)
    volume = load(slices, stored(data, RAMP.astype(np.uint8)))
    np.testing.assert_array_equal(volume.array[0], RAMP - 1024)


def test_signed_twelve_bits_in_sixteen_keep_their_sign_without_sign_extension(slices):
    data = slices.make(3, BitsStored=12, HighBit=11)
    values = RAMP - 12
    volume = load(slices, stored(data, (values & 0xFFF).astype("<u2")))
    np.testing.assert_array_equal(volume.array[0], values - 1024)
    again = load(slices, stored(copy.deepcopy(data), values.astype("<i2")))
    np.testing.assert_array_equal(again.array[0], values - 1024)


def test_overlay_bits_that_the_header_declares_are_removed(slices):
    data = slices.make(3, BitsStored=12, HighBit=11, PixelRepresentation=0)
    for d in data:
        d.add_new(0x60000100, "US", 16)
        d.add_new(0x60000102, "US", 12)
    volume = load(slices, stored(data, (RAMP | 0x1000).astype("<u2")))
    np.testing.assert_array_equal(volume.array[0], RAMP - 1024)


def test_bits_beyond_bits_stored_that_nothing_explains_are_refused(slices):
    data = slices.make(3, BitsStored=12, HighBit=11, PixelRepresentation=0)
    with pytest.raises(SeriesError, match="Export it again") as caught:
        load(slices, stored(data, (RAMP + 4096).astype("<u2")))
    assert caught.value.reason_code == "bits_beyond_stored"


def test_padding_is_a_mask_and_keeps_its_value(slices):
    data = slices.make(3)
    for d in data:
        d.add_new(0x00280120, "SS", -2000)
    words = RAMP.astype("<i2")
    words[0, :2] = -2000
    volume = load(slices, stored(data, words))
    np.testing.assert_array_equal(volume.padding[1], words == -2000)
    assert volume.array[1, 0, 0] == -3024
    assert volume.report.flags == ()


def test_a_padding_range_covers_what_lies_between_its_limits(slices):
    data = slices.make(3)
    for d in data:
        d.add_new(0x00280120, "SS", -2000)
        d.add_new(0x00280121, "SS", -1990)
    words = RAMP.astype("<i2")
    words[0, :4] = [-2000, -1995, -1990, -1989]
    volume = load(slices, stored(data, words))
    assert volume.padding[0, 0].tolist() == [True, True, True, True, False, False]
    # -1989 is no declared padding, but -3013 HU is nothing that attenuates
    assert volume.report.flags == ("undeclared_padding",)


def test_padding_in_unsigned_words_is_told_from_tissue_before_bits_are_cut(slices):
    data = slices.make(3, BitsStored=12, HighBit=11, PixelRepresentation=0)
    for d in data:
        d.add_new(0x00280120, "US", 63536)
        d.RescaleIntercept = -65000
    words = RAMP.astype("<u2")
    words[0, 0] = 63536  # its low twelve bits alone would read 2096
    volume = load(slices, stored(data, words))
    assert volume.padding[0, 0, 0]
    assert volume.array[0, 0, 0] == 63536 - 65000


def test_a_padding_value_among_tissue_is_not_believed(slices):
    data = slices.make(3, RescaleIntercept=0)
    for d in data:
        d.add_new(0x00280120, "SS", 5)
    volume = load(slices, stored(data, RAMP.astype("<i2")))
    assert volume.padding is None
    assert volume.report.flags == ("padding_in_tissue_range",)


def test_monochrome1_values_are_left_as_stored(slices):
    data = slices.make(3, PhotometricInterpretation="MONOCHROME1")
    assert load(slices, data).array[0, 0, 5] == 5 - 1024


def test_mr_without_rescale_is_signal_as_stored(slices):
    volume = load(slices, slices.make(3, modality="MR"))
    assert volume.unit == "signal"
    assert volume.array[1, 0, 0] == 100


def test_a_file_that_shrank_after_its_header_was_read_is_refused(slices):
    paths = slices.save(slices.make(3))
    (series,) = slices.regroup(paths).series
    paths[1].write_bytes(paths[1].read_bytes()[:-2])
    with pytest.raises(SeriesError, match=paths[1].name) as caught:
        load_volume(series)
    assert caught.value.reason_code == "truncated_pixel_data"
    paths[1].unlink()
    with pytest.raises(SeriesError) as caught:
        load_volume(series)
    assert caught.value.reason_code == "file_changed"


def test_compressed_data_that_cannot_be_decoded_are_refused_naming_the_syntax(slices):
    data = slices.make(3)
    for d in data:
        d.PixelData = pydicom.encaps.encapsulate([b"\xff\x4f garbage "])
        d["PixelData"].VR, d["PixelData"].is_undefined_length = "OB", True
    (series,) = slices.regroup(slices.save(data, "1.2.840.10008.1.2.4.90")).series
    with pytest.raises(SeriesError, match="JPEG 2000") as caught:
        load_volume(series)
    assert caught.value.reason_code == "pixel_data_undecodable"


@pytest.mark.parametrize("uid", [
    "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55",
    "1.2.840.10008.1.2.4.100",
])  # fmt: skip
def test_retired_and_video_transfer_syntaxes_are_refused_by_name(slices, uid):
    data = slices.make(3)
    for d in data:
        d.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8\xff\xd9"])
        d["PixelData"].VR, d["PixelData"].is_undefined_length = "OB", True
    (refused,) = slices.regroup(slices.save(data, uid)).refused
    assert refused.reason_code == "transfer_syntax_refused"
    assert pydicom.uid.UID(uid).name in refused.detail


def test_a_volume_beyond_all_reason_is_refused_before_it_takes_memory(slices):
    data = slices.make(3, Rows=65535, Columns=65535)
    for d in data:
        d.PixelData = pydicom.encaps.encapsulate([b"\xff\x4f garbage "])
        d["PixelData"].VR, d["PixelData"].is_undefined_length = "OB", True
    (series,) = slices.regroup(slices.save(data, "1.2.840.10008.1.2.4.90")).series
    with pytest.raises(SeriesError, match="65535") as caught:
        load_volume(series)
    assert caught.value.reason_code == "too_large"
