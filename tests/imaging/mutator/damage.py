"""Changes that are harmless, changes of what values mean, and damage to raw bytes."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from pydicom import Dataset, uid

from tests.imaging.mutator.base import Files
from tests.imaging.mutator.kind import Change, Kind, edit, parsed, register, written

OTHER: list[Kind] = []


@register(OTHER, "harmless")
def files_renamed_in_another_order(files: Files, rng: random.Random) -> None:
    names = sorted(files)
    contents = [files[name] for name in rng.sample(names, len(names))]
    files.update(zip(names, contents, strict=True))


@register(OTHER, "harmless")
def private_elements_added(files: Files, rng: random.Random) -> None:
    def change(d: Dataset) -> None:
        block = d.private_block(0x0029, "SUMDIAM TEST", create=True)
        block.add_new(1, "OB", rng.randbytes(200))
        block.add_new(2, "LO", "text")

    edit(files, sorted(files), change)


@register(OTHER, "harmless")
def another_uncompressed_coding(files: Files, rng: random.Random) -> None:
    for name in sorted(files):
        d = parsed(files[name])
        if d.file_meta.TransferSyntaxUID.is_encapsulated:
            return
        d.file_meta.TransferSyntaxUID = rng.choice(
            (uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian,
             uid.DeflatedExplicitVRLittleEndian)
        )  # fmt: skip
        d["PixelData"].VR = "OW"
        files[name] = written(d)


_VALUES: tuple[dict[str, object], ...] = (
    {"RescaleIntercept": -1000}, {"RescaleIntercept": "-1024.5"}, {"RescaleSlope": 2},
    {"RescaleSlope": 0}, {"RescaleSlope": -1}, {"RescaleIntercept": 1e9},
    {"RescaleSlope": None}, {"RescaleIntercept": None}, {"RescaleType": "OD"},
    {"BitsStored": 16, "HighBit": 15}, {"BitsStored": 9, "HighBit": 8}, {"HighBit": 7},
    {"BitsAllocated": 8}, {"PixelRepresentation": 0}, {"PixelRepresentation": 1},
    {"PhotometricInterpretation": "MONOCHROME1"}, {"PhotometricInterpretation": "RGB"},
    {"SamplesPerPixel": 3}, {"PixelPaddingValue": 700}, {"PixelPaddingValue": 0},
    {"InstanceNumber": 400}, {"AcquisitionNumber": 9}, {"AcquisitionTime": "235900"},
    {"Modality": "XX"}, {"StudyDate": "18991231"}, {"NumberOfFrames": 2}, {"NumberOfFrames": 0},
    {"SliceThickness": 0}, {"LossyImageCompression": "01"}, {"ConvolutionKernel": "B70f"},
)  # fmt: skip


def _set(where: str, cells: dict[str, object]) -> Change:
    """Return a change of elements of one slice or of all."""

    def apply(d: Dataset) -> None:
        for keyword, value in cells.items():
            if value is None and keyword in d:
                delattr(d, keyword)
            elif keyword == "PixelPaddingValue":  # pydicom leaves its sign to whoever writes it
                d.add_new(keyword, "SS" if d.PixelRepresentation else "US", value)
            elif value is not None:
                setattr(d, keyword, value)

    def change(files: Files, rng: random.Random) -> None:
        names = sorted(files)
        edit(files, names if where == "all" else rng.choice(names), apply)

    return change


OTHER += [
    Kind(kind.name, kind.family, kind.change, multiframe=True) for kind in OTHER[1:]
]  # an order of files is of several files
OTHER += [
    Kind(f"{where}_{'_'.join(f'{k}={v}' for k, v in cells.items())}", "value",
         _set(where, cells), multiframe)
    for cells in _VALUES for where, multiframe in (("one", False), ("all", False), ("all", True))
]  # fmt: skip


def _bytes(change: Callable[[bytearray, random.Random], None]) -> None:
    """Register damage to the bytes of one file or of a few."""

    def to_files(files: Files, rng: random.Random) -> None:
        for name in rng.sample(sorted(files), min(len(files), rng.choice((1, 1, 1, 3)))):
            data = bytearray(files[name])
            change(data, rng)
            files[name] = bytes(data)

    for multiframe in (False, True):
        OTHER.append(Kind(change.__name__, "bytes", to_files, multiframe))


@_bytes
def bytes_changed_anywhere(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 2, 8, 64))):
        data[rng.randrange(len(data))] = rng.randrange(256)


@_bytes
def bytes_changed_in_the_header(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 2, 4))):
        data[rng.randrange(128, min(len(data), 1500))] = rng.randrange(256)


@_bytes
def digit_changed(data: bytearray, rng: random.Random) -> None:
    places = [k for k in range(128, min(len(data), 1500)) if 48 <= data[k] < 58]
    for place in rng.sample(places, min(len(places), rng.choice((1, 1, 2)))):
        data[place] = rng.randrange(48, 58)


@_bytes
def bit_flipped(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(128, len(data))] ^= 1 << rng.randrange(8)


@_bytes
def block_overwritten(data: bytearray, rng: random.Random) -> None:
    size = rng.choice((4, 40, 512))
    start = rng.randrange(len(data))
    data[start : start + size] = rng.choice((bytes(size), b"\xff" * size, rng.randbytes(size)))


@_bytes
def bytes_inserted(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(128, len(data))
    data[start:start] = rng.randbytes(rng.randrange(1, 20))


@_bytes
def bytes_removed(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(128, len(data))
    del data[start : start + rng.randrange(1, 20)]


@_bytes
def bytes_repeated(data: bytearray, rng: random.Random) -> None:
    start, size = rng.randrange(128, len(data)), rng.choice((8, 64, 512))
    data[start:start] = data[start : start + size]


@_bytes
def cut_anywhere(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


@_bytes
def length_of_an_element_changed(data: bytearray, rng: random.Random) -> None:
    groups = (b"\x08\x00", b"\x18\x00", b"\x20\x00", b"\x28\x00", b"\xe0\x7f", b"\xfe\xff")
    places = [k for k in range(132, min(len(data), 4000) - 8) if bytes(data[k : k + 2]) in groups]
    if places:
        place = rng.choice(places)
        length = rng.choice((0, 1, 2, 7, 255, 65535, rng.randrange(65536)))
        at = place + (6 if data[place + 4 : place + 6].isalpha() else 4)
        struct.pack_into("<H", data, at, length)


@_bytes
def value_representation_changed(data: bytearray, rng: random.Random) -> None:
    kinds = (b"DS", b"IS", b"US", b"UI", b"CS", b"LO", b"SQ", b"UN", b"OW", b"OB", b"FD")
    places = [k for k in range(132, min(len(data), 4000) - 2) if bytes(data[k : k + 2]) in kinds]
    if places:
        place = rng.choice(places)
        data[place : place + 2] = rng.choice(kinds)


@_bytes
def tag_changed(data: bytearray, rng: random.Random) -> None:
    places = [k for k in range(134, min(len(data), 4000)) if data[k : k + 2].isalpha()]
    if places:
        data[rng.choice(places) - rng.randrange(1, 5)] ^= 1 << rng.randrange(8)


@_bytes
def code_stream_damaged(data: bytearray, rng: random.Random) -> None:
    start = len(data) // 2
    for _ in range(rng.choice((1, 3, 20))):
        data[rng.randrange(start, len(data))] = rng.randrange(256)
