"""JPEG lossless: every legal stream is read, and none that the standard does not allow."""

import struct
import subprocess
import sys
import tempfile

import imagecodecs
import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLosslessSV1

from imaging.lossless_jpeg import DamagedStreamError, decode_lossless
from imaging.series import SeriesError, load_volume

SIZES = (0, 2, 3, 1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
"""Bits of a difference, the commonest first: codes of 2, 3, 3, 4, 5 ... 16 bits."""
COUNTS = (0, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2)


def segment(marker, body):
    """A segment with its length."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def codes():
    """The code of each size as a text of bits (C.2)."""
    found, code, k = {}, 0, 0
    for length, count in enumerate(COUNTS, 1):
        for _ in range(count):
            found[SIZES[k]] = format(code, f"0{length}b")
            code, k = code + 1, k + 1
        code <<= 1
    return found


def predicted(samples, y, x, first_row, predictor, start):
    """The prediction of a sample (H.1.2.1)."""
    if y == first_row and x == 0:
        return start
    if y == first_row:
        return int(samples[y, x - 1])
    if x == 0:
        return int(samples[y - 1, 0])
    a, b, c = int(samples[y, x - 1]), int(samples[y - 1, x]), int(samples[y - 1, x - 1])
    return [a, b, c, a + b - c, a + ((b - c) >> 1), b + ((a - c) >> 1), (a + b) >> 1][predictor - 1]


def bits_of(difference):
    """The bits of a difference, modulo 65536 (H.1.2.2)."""
    difference = (difference + 32767) % 65536 - 32767
    size = abs(difference).bit_length()
    if size in (0, 16):
        return codes()[size]
    low = difference if difference > 0 else difference + (1 << size) - 1
    return codes()[size] + format(low, f"0{size}b")


def coded(text):
    """Bits as bytes, padded with ones, a zero after each 0xFF (F.1.2.3)."""
    text += "1" * (-len(text) % 8)
    data = bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))
    return data.replace(b"\xff", b"\xff\0")


def stream(samples, precision=12, predictor=1, shift=0, *, interval_rows=0, rows_last=False,
           before=b"", more_bits=""):  # fmt: skip
    """A JPEG lossless stream, written slowly after the standard."""
    rows, columns = samples.shape
    kept = samples >> shift
    height = interval_rows or rows
    data = b""
    for number, first in enumerate(range(0, rows, height)):
        data += bytes((0xFF, 0xD0 + (number - 1) % 8)) if number else b""
        start = 1 << (precision - shift - 1)
        text = ""
        for y in range(first, min(first + height, rows)):
            for x in range(columns):
                expected = predicted(kept, y, x, first, predictor, start)
                text += bits_of(int(kept[y, x]) - expected)
        data += coded(text + more_bits)
    frame = struct.pack(">BHHBBBB", precision, 0 if rows_last else rows, columns, 1, 1, 0x11, 0)
    return b"".join((
        b"\xff\xd8", before,
        segment(0xDD, struct.pack(">H", interval_rows * columns)) if interval_rows else b"",
        segment(0xC3, frame),
        segment(0xC4, bytes((0x02, *COUNTS, *SIZES))),
        segment(0xDA, bytes((1, 1, 0x20, predictor, 0, shift))),
        data,
        segment(0xDC, struct.pack(">H", rows)) if rows_last else b"",
        b"\xff\xd9",
    ))  # fmt: skip


def noise(bits, shape=(7, 9), seed=1):
    return np.random.default_rng(seed).integers(0, 1 << bits, shape).astype(np.uint16)


def decoded(code, shape=(7, 9)):
    return decode_lossless(code, rows=shape[0], columns=shape[1])


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("bits", [2, 8, 12, 15, 16])
def test_a_stream_of_another_encoder_gives_its_samples(bits, predictor):
    for shape in ((7, 9), (1, 1), (1, 30), (30, 1), (40, 50)):
        kind = np.uint8 if bits <= 8 else np.uint16
        samples = noise(bits, shape).astype(kind)
        code = imagecodecs.jpeg_encode(
            samples, lossless=True, predictor=predictor, bitspersample=bits
        )
        found, precision = decoded(code, shape)
        np.testing.assert_array_equal(found, samples)
        assert precision == bits


@pytest.mark.parametrize("predictor", range(1, 8))
def test_a_stream_of_a_third_encoder_gives_its_samples(predictor):
    samples = noise(12, (40, 50), predictor)
    found, _ = decoded(imagecodecs.ljpeg_encode(samples, bitspersample=12), (40, 50))
    np.testing.assert_array_equal(found, samples)


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("options", [
    {}, {"interval_rows": 2}, {"interval_rows": 7}, {"rows_last": True}, {"shift": 3},
    {"before": segment(0xE0, b"JFIF\0") + b"\xff\xff" + segment(0xFE, b"a comment")},
    {"precision": 16}, {"interval_rows": 1, "rows_last": True, "shift": 1},
], ids=str)  # fmt: skip
def test_what_the_standard_allows_is_read(options, predictor):
    samples = (
        noise(options.get("precision", 12)) >> options.get("shift", 0) << options.get("shift", 0)
    )
    found, _ = decoded(stream(samples, predictor=predictor, **options))
    np.testing.assert_array_equal(found, samples)


def test_a_difference_of_half_the_range_has_no_bits_of_its_own():
    samples = np.array([[0, 32768, 0, 65535, 32767]], dtype=np.uint16)
    found, _ = decoded(stream(samples, 16), (1, 5))
    np.testing.assert_array_equal(found, samples)


def test_restarts_are_counted_modulo_eight():
    samples = noise(12, (20, 3))
    found, _ = decoded(stream(samples, interval_rows=1), (20, 3))
    np.testing.assert_array_equal(found, samples)


GOOD = stream(noise(12))
FRAME, TABLE, SCAN = (GOOD.index(bytes((0xFF, marker))) for marker in (0xC3, 0xC4, 0xDA))
RESTARTED = stream(noise(12), interval_rows=2)


def put(place, *values, code=GOOD):
    """The stream with other bytes at a place."""
    return code[:place] + bytes(values) + code[place + len(values) :]


@pytest.mark.parametrize(("code", "said"), [
    (GOOD[:-2], "no marker"),
    (GOOD[:-2] + b"\xff\xda", "marker DA after"),
    (GOOD[:-3] + b"\xff\xd9", "no code, or too few|before its last code"),
    (GOOD[: SCAN + 10] + b"\x12\x34" + GOOD[SCAN + 10 :], "follow the last code|no code|before its last"),
    (GOOD[: SCAN + 10] + GOOD[SCAN + 12 :], "follow the last code|no code|before its last"),
    (GOOD[: SCAN + 10] + b"\xff\xd9", "no code, or too few|before its last code"),
    (stream(noise(12), more_bits="01010101"), "8 bits follow|9 bits|1. bits"),
    (put(SCAN + 12, 0xFF, 0x00, 0xFF, 0x00, 0xFF, 0x00), "no code"),
    (put(1, 0x12), "no start"),
    (put(FRAME + 1, 0xC1), "marker C1"),
    (put(FRAME + 1, 0x12), "marker 12"),
    (put(FRAME + 4, 17), "of 17 bits"),
    (put(FRAME + 5, 0, 8), "8 x 9 samples, not 7 x 9"),
    (put(FRAME + 7, 0, 8), "7 x 8 samples, not 7 x 9"),
    (put(FRAME + 9, 3), "3 components"),
    (put(FRAME + 11, 0x01), "components"),
    (put(TABLE + 4, 0x04), "Huffman table"),
    (put(TABLE + 5, 3, *[0] * 14, 14), "more codes than there are"),
    (put(TABLE + 5, 200), "Huffman table"),
    (put(TABLE + 25, 17), "differences of 17 bits"),
    (put(SCAN + 5, 2), "component 2"),
    (put(SCAN + 6, 0x30), "Huffman table 30 is not there"),
    (put(SCAN + 6, 0x21), "Huffman table 21"),
    (put(SCAN + 7, 0), "predictor 0"),
    (put(SCAN + 7, 8), "predictor 8"),
    (put(SCAN + 8, 63), "scan of component"),
    (put(SCAN + 9, 12), "point transform 12"),
    (put(SCAN + 9, 0x10), "point transform 16"),
    (RESTARTED.replace(b"\xff\xd1", b"\xff\xd2"), "D2 for restart 2"),
    (RESTARTED.replace(b"\xff\xd1", b""), "before its last|no code|follow the last"),
    (put(RESTARTED.index(b"\xff\xdd") + 5, 19, code=RESTARTED), "restarts within a row"),
    (stream(noise(12), rows_last=True).replace(b"\xff\xdc\0\4\0\7", b"\xff\xdc\0\4\0\6"), "number of rows"),
    (b"", "no start"),
    (GOOD[:FRAME] + GOOD[TABLE:], "not one scan"),
    (GOOD[:FRAME] + GOOD[FRAME:TABLE] * 2 + GOOD[TABLE:], "not one frame"),
], ids=lambda part: part if isinstance(part, str) else "")  # fmt: skip
def test_what_the_standard_does_not_allow_is_refused_with_its_fault(code, said):
    with pytest.raises(DamagedStreamError, match=said):
        decoded(code)


def test_a_stream_cut_anywhere_is_refused():
    for code in (GOOD, RESTARTED):
        for length in (*range(0, len(code) - 9, 4), *range(len(code) - 9, len(code))):
            with pytest.raises(DamagedStreamError):
                decoded(code[:length])


def test_padding_of_zeros_is_read_as_some_encoders_write_it():
    samples = np.array([[0, 2]], dtype=np.uint16)
    code = stream(samples)  # codes of 13 and 3 bits, differences of 12 and 2: two ones are left
    assert code[-3] & 3 == 3
    for ending, legal in ((0, True), (3, True), (1, False), (2, False)):
        spoiled = put(len(code) - 3, code[-3] & 0xFC | ending, code=code)
        if legal:
            np.testing.assert_array_equal(decoded(spoiled, (1, 2))[0], samples)
        else:
            with pytest.raises(DamagedStreamError, match="2 bits follow"):
                decoded(spoiled, (1, 2))


# in files


@pytest.mark.slow
@pytest.mark.compiled
def test_loops_are_compiled_before_the_time_for_a_slice_begins(slices, monkeypatch):
    # as in a first run: nothing is kept, a new process decodes, and a slice has less time than
    # compiling takes
    with tempfile.TemporaryDirectory() as empty:
        monkeypatch.setenv("NUMBA_CACHE_DIR", empty)
        script = (
            "import sys\n"
            "from imaging.decoder_client import DecoderLimits, decode_apart\n"
            "from imaging.header import read_header\n"
            "words = decode_apart(read_header(sys.argv[1]), DecoderLimits(seconds=0.5))\n"
            "print(int(words.sum()))\n"
        )
        samples = noise(12)
        file = series(slices, samples, 12, **TWELVE).headers[1].file
        done = subprocess.run(
            [sys.executable, "-c", script, file], capture_output=True, text=True, check=True
        )
    assert int(done.stdout) == samples.sum()


def series(slices, samples, precision, **elements):
    """A series whose second slice has these samples."""
    rows, columns = samples.shape
    data = slices.make(3, Rows=rows, Columns=columns, **elements)
    for k, d in enumerate(data):
        code = stream(samples if k == 1 else samples & 0xFF, precision)
        d.PixelData = encapsulate([code + b"\0" * (len(code) % 2)])
        d["PixelData"].VR, d["PixelData"].is_undefined_length = "OB", True
    (found,) = slices.regroup(slices.save(data, JPEGLosslessSV1)).series
    return found


TWELVE = {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0}


def test_samples_beyond_the_precision_are_refused_by_name(slices):
    samples = noise(12)
    samples[3, 4] = 5000
    with pytest.raises(SeriesError, match="1 samples beyond 12 bits") as caught:
        load_volume(series(slices, samples, 12, **{**TWELVE, "BitsStored": 16, "HighBit": 15}))
    assert caught.value.reason_code == "pixel_data_undecodable"


def test_words_with_their_sign_extended_are_read(slices):
    samples = (noise(11).astype(np.int16) - 1000).view(np.uint16)
    volume = load_volume(series(slices, samples, 12, **{**TWELVE, "PixelRepresentation": 1}))
    np.testing.assert_array_equal(volume.array[1], samples.view(np.int16) - 1024)


def test_declared_padding_beyond_the_precision_is_padding(slices):
    samples = noise(12)
    samples[0] = 63536
    padded = series(slices, samples, 12, **TWELVE, PixelPaddingValue=63536, modality="MR")
    volume = load_volume(padded)
    assert volume.padding is not None
    assert volume.padding[1, 0].all()
    np.testing.assert_array_equal(volume.array[1, 1:], samples[1:])


def test_words_of_eight_bits_are_read_and_longer_ones_refused(slices):
    elements = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0}
    samples = noise(8)
    volume = load_volume(series(slices, samples, 8, **elements))
    np.testing.assert_array_equal(volume.array[1], samples.astype(int) - 1024)
    with pytest.raises(SeriesError, match="12 bits, not 8"):
        load_volume(series(slices, samples, 12, **elements))
