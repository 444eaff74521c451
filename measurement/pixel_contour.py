"""The contour of a mask, drawn row by row straight from its pixels.

The same vertices and edges, to the last bit, as those of `measurement.contour.Edge`, in a fraction
of the time: the smoothed field is computed only near the mask's border, two rows of it are held at
a time, and eight pixels that are alike are passed over together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imaging import machine_code
from measurement.line import Inside, Pairs, Points

REACH = 3
"""Pixels that the smoothing reaches: seven in a column are the bits of one byte."""

EVERY = 0x7F
"""Seven pixels in a column that are all set."""

ONE, SIX, EIGHT, REST = (np.uint64(bits) for bits in (1, 6, 8, 56))
NONE = np.uint64(0)
LOW_BITS = np.uint64(0x0101010101010101)
LOW_SEVEN = np.uint64(0x7F7F7F7F7F7F7F7F)
LOW_SIX = np.uint64(0x3F3F3F3F3F3F3F3F)

TOP, RIGHT, BOTTOM, LEFT = range(4)
CUT = np.array(
    [
        (0, 0), (TOP, LEFT), (TOP, RIGHT), (RIGHT, LEFT),
        (BOTTOM, LEFT), (TOP, BOTTOM), (TOP, LEFT), (RIGHT, BOTTOM),
        (RIGHT, BOTTOM), (TOP, RIGHT), (TOP, BOTTOM), (BOTTOM, LEFT),
        (RIGHT, LEFT), (TOP, RIGHT), (TOP, LEFT), (0, 0),
    ]
)  # fmt: skip
"""Sides between which an edge crosses a cell, by the corners inside.

Bits: upper left, upper right, lower left, lower right. A saddle (6 and 9) has its two low corners
cut off; the other of its edges joins the other two sides.
"""

Words = NDArray[np.uint64]


@machine_code.compiled
def contour_of_mask(
    plane: NDArray[np.bool_], half: Points, sums: Points, level: float, dy: float, dx: float
) -> tuple[Points, Pairs, Inside, bool]:
    """Vertices and edges of a mask smoothed within its slice, where nothing is too thin for that.

    Parameters
    ----------
    plane : (rows, columns) bool array
        With more than `REACH` empty pixels on every side.
    half : (`REACH` + 1,) float64 array
        Weight of the middle, and of the pixels at 1, 2, ... beside it.
    sums : (128,) float64 array
        Weighted sum of each pattern of seven pixels in a column.
    level : float
        Value of the field where the edge runs.
    dy, dx : float
        Spacing of rows and columns in mm.

    Returns
    -------
    points : (n, 2) float64 array
        Vertices (x, y) in mm.
    edges : (m, 2) int64 array
        Vertices at both ends of every edge.
    inside : (rows, columns and some more) uint8 array
        1 where the field is at least at the level.
    thin : bool
        Whether smoothing erases pixels that have no surviving neighbour: then the contour is
        not that of `measurement.contour.edge`, which keeps them.
    """
    rows, columns = plane.shape
    words = columns // 8 + 2
    inside = np.zeros(rows * 8 * words, dtype=np.uint8)
    marks = inside.view(np.uint64)
    pattern, added = np.zeros((2, 8 * words + 16), dtype=np.uint8)
    patterns, more = pattern.view(np.uint64), added.view(np.uint64)
    fields = np.zeros((2, 8 * words + 16))
    down, row = np.empty(20), np.empty(14)
    numbers = np.empty((4, 8 * words), dtype=np.int64)
    changed = np.empty(8 * words, dtype=np.int64)
    ends = np.empty(4, dtype=np.int64)
    points = np.empty((8 * (rows + columns), 2))
    edges = np.empty((8 * (rows + columns), 2), dtype=np.int64)
    count = found = 0
    for r in range(-REACH, rows):
        for c in range(columns):
            added[c + 8] = plane[r + REACH, c] if r + REACH < rows else False
        some = _moved_down(patterns, more)
        if r >= 0 and some:
            _smooth_row(pattern, patterns, down, row, half, sums, level, fields, inside, marks, r)
        if r < 1:
            continue
        if max(count, found) + 2 * columns > points.shape[0]:
            points, edges = _doubled(points, edges)
        count = _cross(
            inside, marks, words, fields, numbers, changed, points, count, (level, dy, dx), r
        )
        found = _join(inside, marks, words, numbers, changed, ends, edges, found, r)
    around = inside.reshape((rows, 8 * words))
    return points[:count].copy(), edges[:found].copy(), around, _thin(plane, around)


@machine_code.inlined
def _moved_down(pattern: Words, added: Words) -> bool:
    """Move the seven pixels of each column down by one row; return whether any is set."""
    some = NONE
    for w in range(pattern.size):
        here = ((pattern[w] >> ONE) & LOW_SEVEN) | (added[w] << SIX)
        pattern[w] = here
        some |= here
    return bool(some != NONE)


@machine_code.inlined
def _smooth_row(
    pattern: NDArray[np.uint8], patterns: Words, down: Points, row: Points, half: Points,
    sums: Points, level: float, fields: Points, inside: Inside, marks: Words, r: int,
) -> None:  # fmt: skip
    """Write a row of the field where the pixels around differ, and what lies inside its edge.

    No edge runs between a place where they do not differ and its neighbours. The same sums in the
    same order as `measurement.contour` makes them.
    """
    words = patterns.size - 2  # a blank one on either side
    parity = r & 1
    w0, w1, w2, w3 = half[0], half[1], half[2], half[3]
    for w in range(words):
        here = patterns[w + 1]
        marks[r * words + w] |= here & LOW_BITS
    for w in range(words):
        here = patterns[w + 1]
        beside = (here >> EIGHT) | (patterns[w + 2] << REST)
        if ((here ^ beside) | ((here ^ (here >> ONE)) & LOW_SIX)) == NONE:
            continue
        first = 8 * w + 2  # six pixels before the word
        for k in range(20):
            down[k] = sums[pattern[first + k]]
        for k in range(14):
            total = down[k + 3] * w0
            total += (down[k] + down[k + 6]) * w3
            total += (down[k + 1] + down[k + 5]) * w2
            total += (down[k + 2] + down[k + 4]) * w1
            row[k] = total
        for k in range(14):
            fields[parity, first + 3 + k] = row[k]
        for k in range(14):
            inside[8 * r * words + first - 5 + k] = row[k] >= level


@machine_code.inlined
def _cross(
    inside: Inside, marks: Words, words: int, fields: Points, numbers: Pairs, changed: Pairs,
    points: Points, count: int, drawn: tuple[float, float, float], r: int,
) -> int:  # fmt: skip
    """Write the vertices right of and below the pixels of the row before; return how many."""
    level, dy, dx = drawn
    parity, first = (r - 1) & 1, (r - 1) * words
    met = np.int64(0)
    for w in range(words - 1):
        here = marks[first + w]
        beside = (here >> EIGHT) | (marks[first + w + 1] << REST)
        change = (here ^ beside) | (here ^ marks[first + words + w])
        if change != NONE:
            for c in range(8 * w, 8 * w + 8):
                changed[met] = c
                met += np.int64(change & ONE)
                change >>= EIGHT
    at, below = 8 * first, 8 * (first + words)
    for k in range(met):
        c = changed[k]
        value = fields[parity, c + 8]
        if inside[at + c] != inside[at + c + 1]:
            points[count, 0] = (c + (level - value) / (fields[parity, c + 9] - value)) * dx
            points[count, 1] = (r - 1) * dy
            numbers[parity, c] = count
            count += 1
        if inside[at + c] != inside[below + c]:
            points[count, 0] = c * dx
            points[count, 1] = (
                (r - 1) + (level - value) / (fields[1 - parity, c + 8] - value)
            ) * dy
            numbers[2 + parity, c] = count
            count += 1
    return count


@machine_code.inlined
def _join(
    inside: Inside, marks: Words, words: int, numbers: Pairs, changed: Pairs, ends: Pairs,
    edges: Pairs, found: int, r: int,
) -> int:  # fmt: skip
    """Write the edges within the cells above the row before; return how many there are."""
    if r < 2:
        return found
    parity, first = r & 1, (r - 2) * words
    met = np.int64(0)
    for w in range(words - 1):
        one, two = marks[first + w], marks[first + words + w]
        beside = (one >> EIGHT) | (marks[first + w + 1] << REST)
        below = (two >> EIGHT) | (marks[first + words + w + 1] << REST)
        change = (one ^ beside) | (two ^ below) | (one ^ two)
        if change != NONE:
            for c in range(8 * w, 8 * w + 8):
                changed[met] = c
                met += np.int64(change & ONE)
                change >>= EIGHT
    at, lower = 8 * first, 8 * (first + words)
    for k in range(met):
        c = changed[k]
        kind = np.int64(inside[at + c]) + 2 * np.int64(inside[at + c + 1])
        kind += 4 * np.int64(inside[lower + c]) + 8 * np.int64(inside[lower + c + 1])
        ends[TOP], ends[RIGHT] = numbers[parity, c], numbers[2 + parity, c + 1]
        ends[BOTTOM], ends[LEFT] = numbers[1 - parity, c], numbers[2 + parity, c]
        edges[found, 0], edges[found, 1] = ends[CUT[kind, 0]], ends[CUT[kind, 1]]
        found += 1
        if kind in (6, 9):
            edges[found, 0] = ends[BOTTOM]
            edges[found, 1] = ends[RIGHT] if kind == 6 else ends[LEFT]
            found += 1
    return found


@machine_code.compiled
def _thin(plane: NDArray[np.bool_], inside: Inside) -> bool:
    """Whether smoothing erases a pixel that has no surviving one among the eight around it."""
    rows, columns = plane.shape
    for r in range(1, rows - 1):
        lost = 0
        for c in range(columns):
            lost |= plane[r, c] & (inside[r, c] ^ 1)
        if lost == 0:
            continue
        for c in range(1, columns - 1):
            if plane[r, c] and inside[r, c] == 0:
                near = 0
                for row in range(r - 1, r + 2):
                    near |= inside[row, c - 1] | inside[row, c] | inside[row, c + 1]
                if near == 0:
                    return True
    return False


@machine_code.compiled
def _doubled(points: Points, edges: Pairs) -> tuple[Points, Pairs]:
    """Return both arrays with as much room again behind them."""
    size = points.shape[0]
    more, joined = np.empty((2 * size, 2)), np.empty((2 * size, 2), dtype=np.int64)
    more[:size], joined[:size] = points, edges
    return more, joined
