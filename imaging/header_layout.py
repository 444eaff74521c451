"""Headers whose elements all have the lengths of one before: taken apart in one step."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from imaging.header_walk import Row, Walk


@dataclass(frozen=True, slots=True)
class Free:
    """An element that may differ: where it begins, bytes before its value and in all, its column.

    The column is negative where nobody wants the element.
    """

    place: int
    before: int
    length: int
    slot: int

    def is_undefined(self, data: bytes) -> bool:
        """Return whether the element ends where a mark in it says, not after a stated length."""
        value = self.place + self.before
        return data[value - 4 : value] == b"\xff\xff\xff\xff"


class HeaderLayout:
    """The places of all elements of one header, which the next may share.

    Parameters
    ----------
    walk : Walk
        That has found the pixels of a file.
    begin : int
        Where the first element begins.
    free : Free
        Of the elements that may have other values, in order. All else has to be the same, lengths
        and the head of the pixels included.
    row : Row
        What the other elements say.
    """

    __slots__ = ("_at", "_begin", "_pixels", "_row", "_runs", "_split", "_wanted")

    def __init__(self, walk: Walk, begin: int, free: Iterable[Free], row: Row) -> None:
        sizes: list[int] = []
        runs: list[bytes] = []
        self._wanted: list[tuple[int, int, bytes]] = []
        pos = begin
        for element in free:
            value = element.place + element.before
            runs.append(walk.data[pos:value])
            pos = element.place + element.length
            sizes += (len(runs[-1]), pos - value)
            if element.slot >= 0:
                head = walk.data[element.place + 4 : value]
                self._wanted.append((element.slot, len(sizes) - 1, head))
        pixel_head = 8 if walk.implicit else 12
        runs.append(walk.data[pos : walk.at + pixel_head])
        sizes.append(len(runs[-1]))
        self._runs = tuple(runs)
        self._split = struct.Struct(
            "".join(f"{size}s" for size in sizes) + f"{12 - pixel_head}x"
        ).unpack_from
        self._begin, self._row, self._at, self._pixels = begin, row, walk.at, walk.pixels()

    def fill(self, walk: Walk) -> bool:
        """Return whether a file fits; its row is then filled and its pixels found."""
        try:
            parts = self._split(walk.data, self._begin)
        except struct.error:
            return False
        if parts[::2] != self._runs:
            return False
        walk.row = row = self._row.copy()
        for slot, number, head in self._wanted:
            row[slot] = head + parts[number]
        walk.at, walk.found_pixels = self._at, self._pixels
        return True
