"""Heads of DICOM elements in explicit and implicit little endian, as far as they are plain."""

from __future__ import annotations

import struct

from pydicom.datadict import dictionary_VR
from pydicom.valuerep import EXPLICIT_VR_LENGTH_16, EXPLICIT_VR_LENGTH_32

UNDEFINED = 0xFFFFFFFF
CHARACTER_SET = 0x00080005
LONG = {str(vr).encode() for vr in EXPLICIT_VR_LENGTH_32}
"""Representations whose length takes four bytes more."""
_SHORT = {str(vr).encode() for vr in EXPLICIT_VR_LENGTH_16}
_MARKS = 0xFFFEE000
_ITEM, _ITEM_END, _SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0"
_DEEPEST = 16

_EXPLICIT = struct.Struct("<HH2sH").unpack_from
_IMPLICIT = struct.Struct("<HHI").unpack_from
_LENGTH = struct.Struct("<I").unpack_from
_MARK = struct.Struct("<4sI").unpack_from


class GiveUpError(Exception):
    """The file is not plain; pydicom shall read it."""


def explicit_head(data: bytes, pos: int) -> tuple[int, int, int]:
    """Return tag, bytes before the value and bytes of the value of an explicit element."""
    group, number, vr, length = _EXPLICIT(data, pos)
    if vr in _SHORT:
        return group << 16 | number, 8, length
    if vr not in LONG:
        raise GiveUpError
    return group << 16 | number, 12, _LENGTH(data, pos + 8)[0]


def implicit_head(data: bytes, pos: int) -> tuple[int, int, int]:
    """Return tag, bytes before the value and bytes of the value of an implicit element."""
    group, number, length = _IMPLICIT(data, pos)
    return group << 16 | number, 8, length


def after_sequence(data: bytes, pos: int, *, implicit: bool, depth: int = 0) -> int:
    """Return the place after an element of undefined length, which must be a sequence."""
    tag, before, _ = (implicit_head if implicit else explicit_head)(data, pos)
    if depth > _DEEPEST or not (
        _is_sequence(tag, data[pos + before : pos + before + 4])
        if implicit
        else data[pos + 4 : pos + 6] == b"SQ"
    ):
        raise GiveUpError
    pos += before
    while True:
        mark, length = _MARK(data, pos)
        pos += 8
        if mark == _SEQUENCE_END:
            return pos
        if mark != _ITEM:
            raise GiveUpError
        end = None if length == UNDEFINED else pos + length
        pos = _after_item(data, pos, end, implicit=implicit, depth=depth)


def _after_item(data: bytes, pos: int, end: int | None, *, implicit: bool, depth: int) -> int:
    """Return the place after an item of a sequence, whose end is known or has a mark."""
    head = implicit_head if implicit else explicit_head
    while pos != end:
        if data[pos : pos + 4] == _ITEM_END and end is None:
            return pos + 8
        tag, before, length = head(data, pos)
        if tag == CHARACTER_SET or tag >= _MARKS or (end is not None and pos > end):
            raise GiveUpError
        if length == UNDEFINED:
            pos = after_sequence(data, pos, implicit=implicit, depth=depth + 1)
        else:
            pos += before + length
    return pos


def _is_sequence(tag: int, begins: bytes) -> bool:
    """Return whether an implicit element is a sequence, known as such or begun by an item."""
    try:
        return dictionary_VR(tag) == "SQ"
    except KeyError:
        return begins == _ITEM
