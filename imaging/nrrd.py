"""Text headers of NRRD and MetaImage files, looked at before their values are read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from imaging.mask import SegmentIdentity
from imaging.mask_fault import MaskFault

MOST_VOXELS = 1_000_000_000
_HEADER_BYTES = 4_000_000
_SPACES = {
    "left-posterior-superior", "lps", "right-anterior-superior", "ras", "left-anterior-superior",
    "las", "left-posterior-superior-time", "right-anterior-superior-time",
    "left-anterior-superior-time", "lpst", "rast", "last",
}  # fmt: skip
_NRRD_BYTES = {
    "uint8": 1, "uint8_t": 1, "unsigned char": 1, "uchar": 1, "int8": 1, "int8_t": 1,
    "signed char": 1, "short": 2, "int16": 2, "int16_t": 2, "short int": 2, "signed short": 2,
    "ushort": 2, "uint16": 2, "uint16_t": 2, "unsigned short": 2, "int": 4, "int32": 4,
    "int32_t": 4, "signed int": 4, "uint": 4, "uint32": 4, "uint32_t": 4, "unsigned int": 4,
    "float": 4, "double": 8,
}  # fmt: skip
_METAIMAGE_BYTES = {
    "MET_UCHAR": 1, "MET_CHAR": 1, "MET_SHORT": 2, "MET_USHORT": 2, "MET_INT": 4, "MET_UINT": 4,
    "MET_FLOAT": 4, "MET_DOUBLE": 8,
}  # fmt: skip
_SEGMENT = re.compile(r"Segment(\d+)_(\w+)$")


@dataclass(frozen=True, slots=True)
class TextHeader:
    """What the header of a file says.

    Parameters
    ----------
    fields : mapping
        Lower-case names to values.
    notes : mapping
        Key and value pairs of NRRD (``key:=value``).
    data_file : Path, optional
        Where the values lie, if not in the same file.
    """

    fields: Mapping[str, str]
    notes: Mapping[str, str]
    data_file: Path | None


@dataclass(frozen=True, slots=True)
class LayeredSegment:
    """A segment of a ``.seg.nrrd`` file: who it is, in which layer, under which value."""

    identity: SegmentIdentity
    layer: int
    value: int


def nrrd_header(path: Path) -> TextHeader:
    """Return the header of a NRRD file.

    Raises
    ------
    MaskFault
        ``mask_unreadable``, ``mask_no_position`` (no space, no directions or no origin),
        ``mask_not_supported``, ``too_large``, ``mask_data_elsewhere``.
    """
    lines = _lines(path)
    if not lines or not lines[0].startswith("NRRD"):
        raise MaskFault("mask_unreadable", "no NRRD header")
    fields, notes = _fields_and_notes(lines[1:])
    _check_size(fields.get("sizes", ""))
    for needed in ("space directions", "space origin"):
        if needed not in fields:
            raise MaskFault("mask_no_position", f"no {needed}")
    if fields.get("space", "").lower() not in _SPACES:
        raise MaskFault("mask_no_position", f"space {fields.get('space')!r} is no patient's")
    units = set(re.findall(r'"([^"]*)"', fields.get("space units", "")))
    if units - {"mm", ""}:
        raise MaskFault("mask_not_supported", f"units {sorted(units)}")
    written = fields.get("data file") or fields.get("datafile")
    data_file = _beside(path, written) if written else None
    if data_file is not None and fields.get("encoding", "").lower() == "raw":
        skipped = "byte skip" in fields or "line skip" in fields
        bytes_each = _NRRD_BYTES.get(fields.get("type", "").lower())
        _check_bytes(data_file, fields["sizes"], None if skipped else bytes_each)
    return TextHeader(fields, notes, data_file)


def _fields_and_notes(lines: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the fields (``name: value``) and notes (``key:=value``) of a NRRD header."""
    fields, notes = {}, {}
    for line in lines:
        if not line:
            break
        if line.startswith("#"):
            continue
        if ":=" in line and line.find(":=") <= line.find(":"):
            key, value = line.split(":=", 1)
            notes[key.strip()] = value.replace("\\n", "\n").strip()
        elif ":" in line:
            key, value = line.split(":", 1)
            fields[key.strip().lower()] = value.strip()
    return fields, notes


def metaimage_header(path: Path) -> TextHeader:
    """Return the header of a MetaImage file (``.mha``, ``.mhd``).

    Raises
    ------
    MaskFault
        As `nrrd_header`.
    """
    fields = {}
    for line in _lines(path):
        key, found, value = line.partition("=")
        if not found:
            break
        fields[key.strip().lower()] = value.strip()
        if key.strip().lower() == "elementdatafile":
            break
    written = fields.get("elementdatafile", "")
    if "dimsize" not in fields or not written:
        raise MaskFault("mask_unreadable", "no MetaImage header")
    _check_size(fields["dimsize"])
    if not any(name in fields for name in ("offset", "position", "origin")):
        raise MaskFault("mask_no_position", "no Offset")
    if not any(name in fields for name in ("elementspacing", "elementsize")):
        raise MaskFault("mask_no_position", "no ElementSpacing")
    local = written.upper() == "LOCAL"
    data_file = path if local else _beside(path, written)
    packed = fields.get("compresseddata", "False").lower() == "true"
    plain = not packed and "headersize" not in fields and "elementnumberofchannels" not in fields
    bytes_each = _METAIMAGE_BYTES.get(fields.get("elementtype", "").upper())
    before = _metaimage_header_bytes(path) if local else 0
    _check_bytes(data_file, fields["dimsize"], bytes_each if plain else None, before=before)
    return TextHeader(fields, {}, None if local else data_file)


def _metaimage_header_bytes(path: Path) -> int:
    """Return where the values start that follow their header in one file."""
    with path.open("rb") as stream:
        data = stream.read(_HEADER_BYTES)
    at = re.search(rb"ElementDataFile\s*=\s*LOCAL\r?\n", data, re.IGNORECASE)
    if at is None:
        raise MaskFault("mask_unreadable", "no end of its header")
    return at.end()


def layered_segments(notes: Mapping[str, str]) -> tuple[LayeredSegment, ...]:
    """Return the segments that the notes of a ``.seg.nrrd`` file declare, in their order.

    Notes
    -----
    Without a layer (files of before 2020) each segment has a layer of its own, under the value 1.
    """
    found: dict[int, dict[str, str]] = {}
    for key, value in notes.items():
        matched = _SEGMENT.match(key)
        if matched:
            found.setdefault(int(matched[1]), {})[matched[2]] = value
    segments = []
    for number, told in sorted(found.items()):
        category, kind, region = _terminology(told.get("Tags", ""))
        try:
            layer, label = int(told.get("Layer", number)), int(told.get("LabelValue", 1))
        except ValueError:
            raise MaskFault("mask_unreadable", f"layer or value of segment {number}") from None
        segments.append(
            LayeredSegment(
                SegmentIdentity(
                    number=number + 1,
                    label=told.get("Name") or told.get("ID") or "",
                    property_category=category,
                    property_type=kind,
                    anatomic_region=region,
                ),
                layer,
                label,
            )
        )
    return tuple(segments)


Code = tuple[str, str, str]


def _terminology(tags: str) -> tuple[Code | None, Code | None, Code | None]:
    """Return category, type and region that a segment's terminology entry names."""
    entry = next(
        (tag.split(":", 1)[1] for tag in tags.split("|") if tag.startswith("TerminologyEntry:")), ""
    )
    parts = [_code(part) for part in entry.split("~")]
    parts += [None] * (7 - len(parts))
    return parts[1], parts[2], parts[5]


def _code(written: str) -> Code | None:
    """Return (scheme, value, meaning) of ``scheme^value^meaning``."""
    parts = [part.strip() for part in written.split("^")]
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 and parts[1] else None


def _lines(path: Path) -> list[str]:
    """Return the lines of a file's text header."""
    with path.open("rb") as stream:
        data = stream.read(_HEADER_BYTES)
    head = data.split(b"\n\n", 1)[0].split(b"\r\n\r\n", 1)[0]
    return [line.rstrip("\r") for line in head.decode("utf-8", "replace").split("\n")]


def _check_size(written: str) -> None:
    """Refuse sizes that are none, or too large to be held."""
    sizes = [int(size) for size in written.split() if size.isdigit()]
    if len(sizes) != len(written.split()) or len(sizes) < 2 or min(sizes) < 1:
        raise MaskFault("mask_unreadable", f"sizes {written!r}")
    if math.prod(sizes) > MOST_VOXELS:
        raise MaskFault("too_large", f"{written} voxels")


def _check_bytes(data_file: Path, sizes: str, bytes_each: int | None, *, before: int = 0) -> None:
    """Refuse a file of values that is not as long as its header says: it may be another's."""
    if bytes_each is None:
        return
    expected = math.prod(int(size) for size in sizes.split()) * bytes_each
    found = data_file.stat().st_size - before
    if found != expected:
        raise MaskFault("mask_unreadable", f"the values are {found} bytes, not {expected}")


def _beside(path: Path, written: str) -> Path:
    """Return the file of values, which must lie in the same folder.

    A header could name any file of the machine; nothing outside the archive is touched.
    """
    named = path.parent / written
    plain = Path(written).name == written and "%" not in written and " " not in written
    if not plain or written.upper() == "LIST" or named.is_symlink() or not named.is_file():
        raise MaskFault("mask_data_elsewhere", "the header names another file for its values")
    return named
