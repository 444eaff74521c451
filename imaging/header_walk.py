"""A walk over the elements of a plain DICOM file, up to its pixels."""

from __future__ import annotations

import os
import re
import struct
from typing import Any

from pydicom.tag import BaseTag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    PrivateTransferSyntaxes,
)

from imaging.header_element import (
    LONG,
    UNDEFINED,
    GiveUpError,
    after_sequence,
    explicit_head,
    implicit_head,
)
from imaging.header_field import WANTED

_FIRST_BYTES = 8192
_NEXT_BYTES = 1 << 14
_LONGEST = 1 << 20
_MOST_ELEMENTS = 2000
_MOST_HEADS = 1 << 15
_MOST_SEQUENCES = 256
_PREFIX = 128

_WORDS = (b"OB", b"OW")
_TWELVE = {b"OB", b"OW", b"OF", b"OD", b"UN"}
_FLOAT_PIXELS, _PIXELS = 0x7FE00008, 0x7FE00010
_IMPLICIT = str(ImplicitVRLittleEndian).encode()
_UNCOMPRESSED = {_IMPLICIT, str(ExplicitVRLittleEndian).encode()}
_NOT_WALKED = {uid.encode() for uid in ("", DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian)}

OWN = (0x00080018, 0x00080022, 0x00080032, 0x00080033, 0x0008002A, 0x00200013, 0x00200032)
"""Elements that differ from slice to slice: instance, times, number, position."""
TAGS = tuple(map(BaseTag, dict.fromkeys((*OWN, *map(int, WANTED)))))
"""The wanted elements, a slice's own first: the columns of a row."""
SLOTS = {int(tag): slot for slot, tag in enumerate(TAGS)}
META = {0x00020002: len(TAGS), 0x00020003: len(TAGS) + 1, 0x00020010: len(TAGS) + 2}
"""SOP class, instance and transfer syntax of the file, the last columns of a row."""
_UID = re.compile(rb"UI..([0-9.]{1,64})?\0?", re.DOTALL)
_GROUP_LENGTH = b"\x02\0\0\0UL\x04\0"
_SKIP, _STOP = -1, -2

Row = list[bytes | None]
"""What follows the tag of each wanted element: representation, length and value."""
Head = tuple[int, int]
"""Column of the row (or skip, or stop), and bytes of the whole element."""
Heads = dict[bytes, Head]
Pixels = tuple[int | None, int | None, int | None]

_sequences: dict[bytes, bytes] = {}
_meta_heads: Heads = {}
_explicit_heads: Heads = {}
_implicit_heads: Heads = {}


class Walk:
    """One open file: a window of its bytes, and the wanted elements found so far.

    Parameters
    ----------
    file : int
        Descriptor of a regular file.
    size : int, optional
        Its bytes, where they have been asked for.
    """

    __slots__ = (
        "at",
        "base",
        "data",
        "file",
        "found_pixels",
        "implicit",
        "row",
        "size",
        "starts",
        "syntax",
        "uniform",
    )

    def __init__(self, file: int, size: int | None = None) -> None:
        self.file = file
        self.size = os.fstat(file).st_size if size is None else size
        self.base = self.at = 0
        self.data = os.read(file, _FIRST_BYTES)
        self.implicit = self.uniform = False
        self.syntax = ""
        self.row: Row = []
        self.starts: list[int] = []
        self.found_pixels: Pixels | None = None

    @property
    def in_window(self) -> bool:
        """Whether all elements and the head of the pixels lie in the bytes at hand."""
        return self.base == 0 and self.at < self.size and self.at + 12 <= len(self.data)

    @property
    def at_pixels(self) -> bool:
        """Whether plain pixel data begin where the walk ended."""
        heads = _implicit_heads if self.implicit else _explicit_heads
        return self.at < self.size and self.look_up(self.at, heads)[1][0] == _STOP

    def through(self) -> None:
        """Walk from the prefix to the pixels, or to the end where there are none.

        Raises
        ------
        GiveUpError, struct.error, OSError
            Where pydicom should read the file.
        """
        self.row = [None] * (len(TAGS) + len(META))
        if self.base:
            self.base = 0
            os.lseek(self.file, 0, os.SEEK_SET)
            self.data = os.read(self.file, _FIRST_BYTES)
        if self.data[_PREFIX : _PREFIX + 12] != b"DICM" + _GROUP_LENGTH:
            raise GiveUpError
        self.starts = [_PREFIX]
        pos = self._meta(_PREFIX + 4)
        self.judge_syntax()
        self.at = self._elements(pos)

    def judge_syntax(self) -> None:
        """Take the encoding from the transfer syntax; give up where it is not plain."""
        syntax = self.uid(0x00020010)
        if syntax in _NOT_WALKED or syntax.decode() in PrivateTransferSyntaxes:
            raise GiveUpError
        self.implicit, self.uniform = syntax == _IMPLICIT, syntax in _UNCOMPRESSED
        self.syntax = syntax.decode()

    def uid(self, tag: int) -> bytes:
        """Return a UID of the file meta information, empty where absent."""
        part = self.row[META[tag]]
        if part is None:
            return b""
        found = _UID.fullmatch(part)
        if found is None:
            raise GiveUpError
        return found[1] or b""

    def heads(self, group: bytes) -> Heads:
        """Return the heads known for elements of a group (two bytes)."""
        if group == b"\x02\0":
            return _meta_heads
        return _implicit_heads if self.implicit else _explicit_heads

    def value(self, slot: int) -> bytes:
        """Return the value of a wanted element, empty where absent."""
        part = self.row[slot]
        if part is None:
            return b""
        return part[8:] if part[:2] in LONG and not self.implicit else part[4:]

    def pixels(self) -> Pixels:
        """Return tag, place and bytes of the pixels; None where absent, compressed or undefined."""
        if self.found_pixels is not None:
            return self.found_pixels
        if self.at == self.size:
            return None, None, None
        pos = self.at - self.base
        tag, before, length = (implicit_head if self.implicit else explicit_head)(self.data, pos)
        place = self.at + before if self.uniform else None
        return tag, place, None if length == UNDEFINED else length

    def _meta(self, pos: int) -> int:
        """Walk over the file meta information; return where the data set begins."""
        data = self.data
        while (head := data[pos : pos + 8])[:2] == b"\x02\0":
            slot, length = _meta_heads.get(head) or self.look_up(pos, _meta_heads)[1]
            self.starts.append(pos)
            if slot >= 0:
                self.row[slot] = data[pos + 4 : pos + length]
            pos += length
        if head[:2] == b"\0\0" or len(head) < 8 or self.base:
            raise GiveUpError  # a command set, or not even one element
        return pos

    def _elements(self, pos: int) -> int:
        """Collect the wanted elements; return where the pixel data, or else the file, end them."""
        heads = _implicit_heads if self.implicit else _explicit_heads
        row, data, starts = self.row, self.data, self.starts
        letters = data[pos + 4 : pos + 6]
        if (letters.isalpha() and letters.isupper()) is self.implicit:
            raise GiveUpError  # pydicom believes the first element, not the transfer syntax
        for _ in range(_MOST_ELEMENTS):
            found = heads.get(data[pos : pos + 8])
            if found is None:
                pos, found = self.look_up(pos, heads)
                data = self.data
            slot, length = found
            end = pos + length
            if slot >= 0:
                if end > len(data):
                    self._move(pos, length)
                    data, pos, end = self.data, 0, length
                row[slot] = data[pos + 4 : end]
            elif slot == _STOP:
                return self.base + pos
            starts.append(pos)
            pos = end
        raise GiveUpError

    def look_up(self, pos: int, heads: Heads) -> tuple[int, Head]:
        """Return an element's place, as the window may move, and what to do with it."""
        if self.base + pos == self.size:
            return pos, (_STOP, 0)
        if pos + 12 > len(self.data):
            self._move(pos, min(12, self.size - self.base - pos))
            pos = 0
        head = self.data[pos : pos + 8]
        implicit = heads is _implicit_heads
        tag, before, length = (implicit_head if implicit else explicit_head)(self.data, pos)
        if tag >= _FLOAT_PIXELS:
            plain = head[4:6] not in _TWELVE if implicit else head[4:6] in _WORDS
            if tag != _PIXELS or not plain:
                raise GiveUpError
            return pos, (_STOP, 0)
        if tag == 0x00020000 and head != _GROUP_LENGTH:
            raise GiveUpError
        slot = (META if heads is _meta_heads else SLOTS).get(tag, _SKIP)
        if slot >= 0 and (length == UNDEFINED or (head[4:6] == b"SQ" and not implicit)):
            raise GiveUpError
        if length == UNDEFINED:
            return self._sequence(pos, head, implicit=implicit)
        if before == 8:  # else its length is not in the eight bytes
            _remember(heads, head, (slot, before + length), _MOST_HEADS)
        return pos, (slot, before + length)

    def _move(self, pos: int, needed: int) -> None:
        """Move the window to a place in it or beyond; it then holds the bytes needed."""
        start = self.base + pos
        if start + needed > self.size or needed > _LONGEST:
            raise GiveUpError
        os.lseek(self.file, start, os.SEEK_SET)
        self.base, self.data = start, os.read(self.file, max(needed, _NEXT_BYTES))
        if len(self.data) < needed:
            raise GiveUpError

    def _sequence(self, pos: int, head: bytes, *, implicit: bool) -> tuple[int, Head]:
        """Return the place and length of a sequence of undefined length."""
        known = _sequences.get(head, b"-")
        if self.data.startswith(known, pos):  # as in the slice before
            return pos, (_SKIP, len(known))
        try:
            end = after_sequence(self.data, pos, implicit=implicit)
        except struct.error:  # it goes on beyond the window
            self._move(pos, min(_LONGEST, self.size - self.base - pos))
            pos, end = 0, after_sequence(self.data, 0, implicit=implicit)
        _remember(_sequences, head, self.data[pos:end], _MOST_SEQUENCES)
        return pos, (_SKIP, end - pos)


def _remember(memory: dict[bytes, Any], key: bytes, value: object, most: int) -> None:
    """Keep a value; forget all others first where they are too many."""
    if len(memory) >= most:
        memory.clear()
    memory[key] = value
