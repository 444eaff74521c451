"""The fast walk over a header gives what pydicom gives, or leaves the file to pydicom."""

import io
import os
import random
import resource
import struct
import time
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
)

from imaging.header import HeaderError, InstanceHeader, parse_header, read_header
from imaging.header_reader import HeaderReader

PLAIN = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)


def outcome(read, path):
    """Return a header, or the code of its refusal."""
    try:
        return read(path)
    except HeaderError as error:
        return error.reason_code


def rich(slices, count, **elements):
    """Slices with sequences, private elements, text beyond ASCII and long values."""
    data = slices.make(count, **elements)
    for k, d in enumerate(data):
        d.SpecificCharacterSet = "ISO_IR 192"
        d.PatientName, d.SeriesDescription = "Möller^Ä", "Leber arteriell, spät"
        d.SliceLocation, d.WindowWidth = 30 + 2.5 * k, [400, 350 + k]
        d.ContentTime = f"10150{k}.25"
        item, inner = Dataset(), Dataset()
        inner.CodeValue, inner.CodeMeaning = "T-62000", "Liver"
        item.ReferencedSOPInstanceUID = f"1.2.3.{k}"
        item.PurposeOfReferenceCodeSequence = [inner, Dataset()]
        d.ReferencedImageSequence, d.SourceImageSequence = [item], []
        private = d.private_block(0x0029, "ACME 1", create=True)
        private.add_new(1, "OB", bytes(range(256)) * 8)
        private.add_new(2, "SQ", [inner])
    return data


def written(d, syntax, *, undefined, preamble=True):
    """Return the bytes of a file."""
    for element in d.iterall():
        if element.VR == "SQ":
            element.is_undefined_length = undefined
            for item in element.value:
                item.is_undefined_length_sequence_item = undefined
    stream = io.BytesIO()
    d.save_as(stream, enforce_file_format=True)
    return stream.getvalue() if preamble else stream.getvalue()[132:]


def files(slices):
    """Bytes of files of all kinds; and how many of them are plain."""
    plain, other = [], []
    for syntax in (*PLAIN, JPEG2000Lossless):
        for undefined in (False, True):
            for d in rich(slices, 3):
                if syntax == JPEG2000Lossless:
                    d.PixelData = pydicom.encaps.encapsulate([b"\xff\x4f\xff\xd9"])
                    d["PixelData"].is_undefined_length = True
                slices.save([d], syntax)
                plain.append(written(d, syntax, undefined=undefined))
    for syntax in PLAIN:
        for d in slices.make(2, modality="MR"):
            slices.save([d], syntax)
            plain.append(written(d, syntax, undefined=False))
    odd = (
        ({"NumberOfFrames": 2}, ExplicitVRLittleEndian, True),
        ({"SpecificCharacterSet": ["", "ISO 2022 IR 87"]}, ExplicitVRLittleEndian, True),
        ({}, ExplicitVRBigEndian, True),
        ({}, DeflatedExplicitVRLittleEndian, True),
        ({}, ExplicitVRLittleEndian, False),
        ({}, ImplicitVRLittleEndian, False),
    )
    for elements, syntax, preamble in odd:
        (d,) = slices.make(1, **elements)
        slices.save([d], syntax)
        other.append(written(d, syntax, undefined=False, preamble=preamble))
    return plain, other


def damaged(raw, rng):
    """Return bytes with one of the things that happen to them: structure first, or at random."""
    b = bytearray(raw)
    place = rng.randrange(128, len(b) - 8)
    heads = [i for i in range(132, len(b) - 8) if b[i : i + 2].isalpha() and b[i : i + 2].isupper()]
    kind = rng.randrange(8)
    if kind < 2:
        for _ in range(rng.choice((1, 1, 3))):
            b[rng.randrange(128, len(b))] = rng.choice((0, 1, 255, 83, 92, rng.randrange(256)))
    elif kind == 2:
        b = b[:place]
    elif kind == 3:
        b[place : place + rng.randrange(1, 9)] = rng.randbytes(rng.randrange(1, 9))
    elif kind == 4:
        b[place:place] = b[rng.randrange(128, place + 1) : place]
    elif kind == 5 and heads:
        b[rng.choice(heads) + rng.randrange(2, 8)] = rng.choice((0, 1, 2, 254, 255))
    elif kind == 6 and heads:
        at = rng.choice(heads)
        b[at : at + 2] = rng.choice((b"SQ", b"UN", b"OB", b"DS", b"US", b"FD", b"UI", b"ZZ"))
    elif kind == 7:
        at = rng.randrange(132, len(b) - 12)
        b[at : at + 4] = rng.choice(
            (b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0", b"\xe0\x7f\x10\0", b"\x02\0\x10\0")
        )
    return bytes(b)


def compare_damaged(bases, path, seed, count):
    """Read mutants both ways, in one process, so that what the walk remembers is at stake too."""
    rng, walked = random.Random(seed), 0
    reader = HeaderReader(InstanceHeader)
    for _ in range(count):
        raw = rng.choice(bases)
        path.write_bytes(damaged(raw, rng) if rng.random() < 0.8 else raw)
        header = reader.read(str(path))
        if header is not None:
            walked += 1
            assert header == outcome(parse_header, path), path
    return walked


@pytest.fixture
def bases(slices):
    plain, other = files(slices)
    return plain + other


def test_every_field_equals_pydicoms_in_files_of_all_kinds(slices, tmp_path):
    plain, other = files(slices)
    for raw in (*plain, *other, *plain):  # again, as what is remembered is then used
        path = tmp_path / "one"
        path.write_bytes(raw)
        assert read_header(path) == parse_header(path)


def test_plain_files_are_walked_and_all_others_left_to_pydicom(slices, tmp_path):
    plain, other = files(slices)
    reader, path = HeaderReader(InstanceHeader), tmp_path / "one"
    for raw in plain:
        path.write_bytes(raw)
        assert reader.read(str(path)) is not None
    for raw in other:
        path.write_bytes(raw)
        assert reader.read(str(path)) is None
        assert isinstance(read_header(path), InstanceHeader)


def test_a_damaged_header_is_read_as_pydicom_reads_it_or_refused_alike(bases, tmp_path):
    assert compare_damaged(bases, tmp_path / "one", seed=20240301, count=1200) > 400


@pytest.mark.slow
def test_many_damaged_headers_are_read_as_pydicom_reads_them(bases, tmp_path):
    assert compare_damaged(bases, tmp_path / "one", seed=7, count=20000) > 7000


def test_a_header_that_ends_anywhere_is_read_as_pydicom_reads_it(slices, tmp_path):
    (d,) = rich(slices, 1)
    slices.save([d])
    raw = written(d, ExplicitVRLittleEndian, undefined=True)
    path = tmp_path / "one"
    for length in range(0, len(raw), 7):
        path.write_bytes(raw[:length])
        assert outcome(read_header, path) == outcome(parse_header, path), length


@pytest.mark.shared
def test_every_field_of_real_files_equals_pydicoms(shared_data):
    reader, walked = HeaderReader(InstanceHeader), 0
    for path in sorted(shared_data.rglob("*")):
        header = reader.read(str(path))
        if header is not None:
            walked += 1
            assert header == parse_header(path), path.name
    assert walked > 600


def test_a_private_element_of_megabytes_is_stepped_over_not_read(slices, tmp_path):
    (d,) = slices.make(1)
    (path,) = slices.save([d])
    raw = path.read_bytes()
    at = raw.index(b"\xe0\x7f\x10\0")
    large = 200 << 20
    head = struct.pack("<HH2s2xI", 0x7011, 0x1001, b"OB", large)
    with (tmp_path / "large").open("wb") as stream:
        stream.write(raw[:at] + head)
        stream.seek(large, 1)  # a hole: it takes no room on the disk
        stream.write(raw[at:])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    header = HeaderReader(InstanceHeader).read(str(tmp_path / "large"))
    assert header is not None
    assert header.pixel_offset == at + 12 + large + 12
    assert header == parse_header(tmp_path / "large")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 2


def test_a_pipe_is_not_opened(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    start = time.monotonic()
    assert HeaderReader(InstanceHeader).read(str(pipe)) is None
    assert outcome(read_header, pipe) == "unreadable_file"
    assert time.monotonic() - start < 5


def test_what_is_remembered_of_one_series_does_not_leak_into_the_next(slices):
    first = slices.save(slices.make(4, SeriesDescription="arterial", KVP="120"))
    second = slices.save(slices.make(4, SeriesDescription="portal venous", SliceThickness="1.25"))
    third = slices.save(slices.make(4, SeriesDescription="arterial"), ImplicitVRLittleEndian)
    reader = HeaderReader(InstanceHeader)
    for path in (p for trio in zip(first, second, third, strict=True) for p in trio):
        assert reader.read(str(path)) == parse_header(path)
    for path in (*first, *second, *third, *first):
        d = pydicom.dcmread(path, stop_before_pixels=True)
        header = reader.read(str(path))
        assert header is not None
        assert header.series_description == d.SeriesDescription
        assert header.kvp == d.get("KVP")
        assert header.slice_thickness == d.SliceThickness


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("syntax", [*PLAIN, JPEG2000Lossless])
def test_slices_of_one_size_may_have_elements_of_other_lengths(slices, tmp_path, syntax, undefined):
    rng = random.Random(f"{syntax}{undefined}")
    reader, walked, sizes = HeaderReader(InstanceHeader), 0, set()
    for k in range(60):
        (d,) = rich(slices, 1)
        d.SOPInstanceUID += f".{k}"
        d.ContentTime, d.InstanceNumber = "101502.25", rng.choice((7, 10, 100, 1000))
        d.ImagePositionPatient = [rng.choice(("0", "-125.5", "3.25")) for _ in range(3)]
        d.SliceThickness = rng.choice(("2", "2.50"))  # shared by most series, not by this
        d.ReferencedImageSequence[0].ReferencedSOPInstanceUID = rng.choice(("1.2", "1.2.3.44"))
        d.AcquisitionTime = rng.choice(("101500", "101501.25"))
        if rng.random() < 0.1:
            del d.ContentTime
        if syntax == JPEG2000Lossless:
            d.PixelData = pydicom.encaps.encapsulate([bytes(2 * rng.randrange(1, 4))])
            d["PixelData"].is_undefined_length = True
        slices.save([d], syntax)
        path = tmp_path / f"{k}.dcm"
        path.write_bytes(written(d, syntax, undefined=undefined))
        header = reader.read(str(path))
        assert header == parse_header(path)
        walked += header is not None
        sizes.add(path.stat().st_size)
    assert walked == 60
    assert len(sizes) < 40


def test_the_walk_takes_a_path_of_any_kind(slices, tmp_path):
    (path,) = slices.save(slices.make(1))
    assert read_header(str(path)) == read_header(Path(path))
    assert outcome(read_header, tmp_path / "absent") == "unreadable_file"
    assert outcome(read_header, "a\0b") in {"unreadable_dicom", "unreadable_file"}
