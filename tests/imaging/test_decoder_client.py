"""A hostile file ends the process that decodes it, not the one that reads the archive."""

import os
import signal
import subprocess
import sys
import threading
import time
import zlib

import imagecodecs
import numpy as np
import psutil
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
)

from imaging.decoder_client import DecoderLimits, decode_apart
from imaging.header import HeaderError, read_header
from imaging.pixel_error import PixelError
from imaging.series import SeriesError, load_volume

ROWS = COLUMNS = 16
WORDS = np.random.default_rng(3).integers(0, 4096, (6, ROWS, COLUMNS)).astype("<u2")
WHOLE = {
    "BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0, "Rows": ROWS, "Columns": COLUMNS,
}  # fmt: skip
ENCODERS = {
    JPEGLosslessSV1: lambda words: imagecodecs.ljpeg_encode(words, bitspersample=12),
    HTJ2KLossless: imagecodecs.htj2k_encode,
    JPEG2000Lossless: lambda words: imagecodecs.jpeg2k_encode(
        words, reversible=True, codecformat="J2K", level=0, bitspersample=12
    ),
    JPEGLSLossless: imagecodecs.jpegls_encode,
}


def compressed(slices, syntax, spoil=lambda code: code, count=4):
    """Write slices; the second is spoiled."""
    data = slices.make(count, **WHOLE)
    for k, d in enumerate(data):
        code = bytes(ENCODERS[syntax](np.ascontiguousarray(WORDS[k])))
        d.PixelData = encapsulate([spoil(code) if k == 1 else code])
        d["PixelData"].VR, d["PixelData"].is_undefined_length = "OB", True
    return slices.save(data, syntax)


def decoding():
    """The decoding processes of this process."""
    children = psutil.Process().children()
    return [child for child in children if "imaging.capped_worker" in child.cmdline()]


@pytest.mark.parametrize("syntax", ENCODERS)
def test_every_codec_gives_the_words_that_were_encoded(slices, syntax):
    (series,) = slices.regroup(compressed(slices, syntax)).series
    np.testing.assert_array_equal(load_volume(series).array, WORDS[:4].astype(int) - 1024)


def test_a_file_that_ends_its_decoder_is_refused_by_name_and_the_next_is_read(slices):
    # no file at hand ends a decoder in use: those that read this one are ended as a crash would
    paths = compressed(slices, JPEGLSLossless)
    header = read_header(paths[1])
    paths[1].unlink()
    os.mkfifo(paths[1])  # to open it blocks for ever
    over = threading.Event()

    def crash():
        while not over.wait(0.3):
            for child in decoding():
                child.send_signal(signal.SIGABRT)

    crashing = threading.Thread(target=crash)
    crashing.start()
    try:
        with pytest.raises(PixelError, match=paths[1].name) as caught:
            decode_apart(header)
    finally:
        over.set()
        crashing.join()
    assert caught.value.reason_code == "decoder_crashed"
    assert "SIGABRT" in str(caught.value)
    np.testing.assert_array_equal(decode_apart(read_header(paths[2])), WORDS[2])


def test_a_decoder_that_another_killed_is_replaced_and_the_slice_read(slices):
    paths = compressed(slices, HTJ2KLossless)
    decode_apart(read_header(paths[0]))
    for child in decoding():
        child.kill()
        child.wait()
    np.testing.assert_array_equal(decode_apart(read_header(paths[1])), WORDS[1])


def test_a_file_that_never_ends_is_refused_after_its_time(slices):
    paths = compressed(slices, JPEGLSLossless)
    header = read_header(paths[1])
    paths[1].unlink()
    os.mkfifo(paths[1])  # to open it blocks for ever
    start = time.monotonic()
    with pytest.raises(PixelError, match=paths[1].name) as caught:
        decode_apart(header, DecoderLimits(seconds=2))
    assert caught.value.reason_code == "decoder_time"
    assert time.monotonic() - start < 20
    np.testing.assert_array_equal(decode_apart(read_header(paths[2])), WORDS[2])


def bomb(path, megabytes):
    """Let a deflated file unpack to so many megabytes."""
    raw = path.read_bytes()
    at = raw.index(b"\x02\x00\x00\x00UL") + 12 + int.from_bytes(raw[140:144], "little")
    inside = zlib.decompress(raw[at:], -zlib.MAX_WBITS)
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    parts = [raw[:at], deflate.compress(inside)]
    parts += [deflate.compress(bytes(1 << 20)) for _ in range(megabytes)]
    path.write_bytes(b"".join([*parts, deflate.flush()]))


def test_a_bomb_of_memory_is_refused_and_takes_none_of_ours(slices):
    paths = slices.save(slices.make(2), DeflatedExplicitVRLittleEndian)
    header = read_header(paths[1])
    bomb(paths[1], 2048)
    assert paths[1].stat().st_size < 3 << 20
    before = psutil.Process().memory_info().rss
    with pytest.raises(PixelError, match=paths[1].name) as caught:
        decode_apart(header)
    assert caught.value.reason_code == "decoder_memory"
    assert psutil.Process().memory_info().rss - before < 64 << 20
    assert decode_apart(read_header(paths[0])).shape == (4, 6)


def test_a_header_within_a_bomb_is_refused_before_it_is_unpacked(slices):
    (path,) = slices.save(slices.make(1), DeflatedExplicitVRLittleEndian)
    bomb(path, 1024)
    with pytest.raises(HeaderError, match="Correct the files") as caught:
        read_header(path)
    assert caught.value.reason_code == "inflates_too_far"


def test_a_codestream_of_gigabytes_is_refused_within_the_limits(slices):
    def swollen(code):
        place = code.index(b"\xff\x51") + 6
        return code[:place] + (60000).to_bytes(4, "big") * 2 + code[place + 8 :]

    paths = compressed(slices, JPEG2000Lossless, swollen)
    with pytest.raises(PixelError, match=paths[1].name):
        decode_apart(read_header(paths[1]))
    for child in decoding():
        assert child.memory_info().rss < 1 << 30


def test_threads_decode_beside_each_other(slices):
    headers = [read_header(path) for path in compressed(slices, HTJ2KLossless)]
    wrong = []

    def work(k):
        same = [np.array_equal(decode_apart(headers[k]), WORDS[k]) for _ in range(20)]
        wrong.extend([k] * (20 - sum(same)))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


SCRIPT = """
import sys, time
from imaging.decoder_client import decode_apart
from imaging.header import read_header
import psutil
decode_apart(read_header(sys.argv[1]))
print(psutil.Process().children()[0].pid, flush=True)
time.sleep(float(sys.argv[2]))
"""


@pytest.mark.parametrize("how", ["ends", "killed"])
def test_no_decoder_outlives_the_process_that_started_it(slices, how):
    path = compressed(slices, HTJ2KLossless)[0]
    seconds = "0" if how == "ends" else "600"
    parent = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(path), seconds],
        stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    child = psutil.Process(int(parent.stdout.readline()))
    if how == "killed":
        parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert psutil.wait_procs([child], timeout=10)[1] == []


def test_an_interrupt_leaves_no_answer_behind_for_the_next_slice(slices):
    paths = compressed(slices, HTJ2KLossless)
    header = read_header(paths[0])
    paths[0].unlink()
    os.mkfifo(paths[0])
    timer = threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        decode_apart(header)
    timer.join()
    np.testing.assert_array_equal(decode_apart(read_header(paths[1])), WORDS[1])


def test_uncompressed_slices_need_no_decoder(slices):
    for child in decoding():
        child.kill()
        child.wait()
    (series,) = slices.group(slices.make(3)).series
    load_volume(series)
    assert [child for child in decoding() if child.status() != psutil.STATUS_ZOMBIE] == []


@pytest.mark.shared
def test_the_direct_codecs_equal_pydicom_on_real_files(shared_data):
    folder = shared_data / "odd_dicom" / "cornerstone_ctimage_transfer_syntaxes"
    truth = pydicom.dcmread(
        folder / "CTImage.dcm_LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1.dcm"
    )
    seen = 0
    for path in sorted(folder.glob("CTImage.dcm_*")):
        header = read_header(path)
        if header.transfer_syntax[-3:] in (".57", ".70", ".80", ".90"):
            np.testing.assert_array_equal(decode_apart(header), truth.pixel_array)
            seen += 1
    assert seen == 4
    for path in sorted((shared_data / "totalseg_abdomen").rglob("*.dcm"))[:5]:
        np.testing.assert_array_equal(
            decode_apart(read_header(path)), pydicom.dcmread(path).pixel_array
        )


def test_a_compressed_file_cut_within_its_last_bytes_is_refused(slices):
    paths = compressed(slices, JPEG2000Lossless)
    paths[3].write_bytes(paths[3].read_bytes()[:-2])  # all its pixels are there
    (series,) = slices.regroup(paths).series
    with pytest.raises(SeriesError, match="truncated_pixel_data"):
        load_volume(series)


def test_a_code_stream_whose_decoder_hides_its_error_is_refused(slices):
    def spoil(code):
        data = bytearray(code)
        start = data.index(b"\xff\x93") + 2
        data[start + 6 : start + 10] = bytes(4)
        return bytes(data)

    (series,) = slices.regroup(compressed(slices, HTJ2KLossless, spoil)).series
    with pytest.raises(SeriesError, match="undecodable"):
        load_volume(series)


def test_what_lies_between_two_fragments_is_not_passed_over(slices):
    # pydicom looks for the next fragment, and CharLS was at work on the rest for half a minute
    paths = compressed(slices, JPEGLSLossless)
    raw = paths[1].read_bytes()
    at = raw.index(b"\xff\xd8") + 400
    paths[1].write_bytes(raw[:at] + bytes(range(1, 23)) + raw[at:])
    (series,) = slices.regroup(paths).series
    with pytest.raises(SeriesError, match="no fragment after 2 of them") as caught:
        load_volume(series)
    assert caught.value.reason_code == "pixel_data_undecodable"
    assert caught.value.file == str(paths[1])
