"""What the headers of consecutive slices have in common, so that it need not be walked again.

Slices of a series differ in few elements. The bytes between those are compared in one piece with
the slice before; where they are the same they mean the same.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from imaging.header_element import LONG
from imaging.header_layout import Free, HeaderLayout
from imaging.header_walk import OWN, SLOTS, Heads, Walk

_MOST_NEW = 12
"""If more elements than this differ for the first time, it is another series."""
_MOST_FREE = 0.5
_MOST_LAYOUTS = 32
_PREFIX = 128
_SYNTAX = b"\x02\x00\x10\x00"
_TAG = struct.Struct("<HH")
_OWN = {_TAG.pack(tag >> 16, tag & 0xFFFF) for tag in OWN}
_SHARED = {_TAG.pack(tag >> 16, tag & 0xFFFF) for tag in SLOTS if tag not in OWN}


class HeaderModel:
    """The elements of one header, and which of them are free to differ in the next.

    Parameters
    ----------
    walk : Walk
        That has gone through a file, all in its window.
    values : list
        Of the decoded header.
    before : HeaderModel or None
        Of the slice before: what differs from it is free from now on.
    """

    def __init__(self, walk: Walk, values: list[Any], before: HeaderModel | None) -> None:
        ends = [*walk.starts[1:], walk.at]
        data = walk.data
        self.elements = [data[i:j] for i, j in zip(walk.starts, ends, strict=True)]
        self.tags = [part[:4] for part in self.elements]
        self.implicit, self.uniform, self.syntax = walk.implicit, walk.uniform, walk.syntax
        self.row, self.values = walk.row, values
        self.free = self._freed(before)
        self.shares_all = not any(self.tags[place] in _SHARED for place in self.free)
        self._pieces = tuple(self._cut(walk))
        self._layouts: dict[int, HeaderLayout] = {}

    def follow(self, walk: Walk) -> bool:
        """Return whether a file fits; its row is then filled and its pixels found."""
        walk.implicit, walk.uniform, walk.syntax = self.implicit, self.uniform, self.syntax
        key = walk.size if self.uniform else 0  # those of one size have mostly one layout
        layout = self._layouts.get(key)
        if layout is not None and layout.fill(walk):
            return True
        free = self._walked(walk)
        if free is None:
            return False
        plain = not any(part.is_undefined(walk.data) for part in free)
        if layout is None and plain and len(self._layouts) < _MOST_LAYOUTS:
            self._layouts[key] = HeaderLayout(walk, _PREFIX, free, self.row)
        return True

    def _walked(self, walk: Walk) -> list[Free] | None:
        """Go from one element that may differ to the next; return them, None where one is not."""
        row, data, pos = self.row.copy(), walk.data, _PREFIX
        free: list[Free] = []
        for run, tag, heads in self._pieces:
            if heads is None:
                if not data.startswith(run, pos):
                    return None
                pos += len(run)
                continue
            head = data[pos : pos + 8]
            if head[:4] != tag:
                return None
            slot, length = heads.get(head) or walk.look_up(pos, heads)[1]
            long = head[4:6] in LONG and (not walk.implicit or tag[:2] == b"\2\0")
            free.append(Free(pos, 12 if long else 8, length, slot))
            if slot >= 0:
                row[slot] = data[pos + 4 : pos + length]
            pos += length
        if walk.base or pos + 12 > len(data):
            return None
        walk.row, walk.at = row, pos
        return free if walk.at_pixels else None

    def _freed(self, before: HeaderModel | None) -> frozenset[int]:
        """Return the places of the elements that are expected to differ."""
        fixed = self._fixed()
        own = frozenset(place for place, tag in enumerate(self.tags) if tag in _OWN) - fixed
        if before is None or before.tags != self.tags:
            return own
        pairs = enumerate(zip(self.elements, before.elements, strict=True))
        new = {place for place, (one, two) in pairs if one != two} - before.free
        free = before.free if len(new) > _MOST_NEW or new & fixed else before.free | new
        return free if len(free) < _MOST_FREE * len(self.tags) else own

    def _fixed(self) -> set[int]:
        """Return the places of what decides how the rest is read."""
        first = next(place for place, tag in enumerate(self.tags) if place and tag[:2] != b"\2\0")
        return {0, first, *(place for place, tag in enumerate(self.tags) if tag == _SYNTAX)}

    def _cut(self, walk: Walk) -> Iterable[tuple[bytes, bytes, Heads | None]]:
        """Return runs of elements that must be the same, and elements that may differ."""
        run: list[bytes] = []
        for place, (tag, part) in enumerate(zip(self.tags, self.elements, strict=True)):
            if place not in self.free:
                run.append(part)
                continue
            yield b"".join(run), b"", None
            run = []
            yield b"", tag, walk.heads(tag[:2])
        yield b"".join(run), b"", None
