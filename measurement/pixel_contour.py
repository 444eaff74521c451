"""The contour of a mask, drawn row by row straight from its pixels.

The same vertices and edges, to the last bit, as those of `measurement.contour.Edge`, in a fraction
of the time: a row of pixels is held as the bits of a few words, so that 64 of them are compared
together, and the smoothed field is computed only of pixels whose eight neighbours differ.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imaging import machine_code
from measurement.line import Inside, Pairs, Points

REACH = 3
"""Pixels that the smoothing reaches: seven in a column are the bits of one byte."""

NONE, ONE, TWO, THREE, SIX, SEVEN, LAST = (np.uint64(bits) for bits in (0, 1, 2, 3, 6, 7, 63))
FOURTEEN, TWENTY_EIGHT = np.uint64(14), np.uint64(28)
LOW_SEVEN = np.uint64(0x7F7F7F7F7F7F7F7F)
PAIRS = np.uint64(0x0003000300030003)
FOURS = np.uint64(0x0000000F0000000F)
BYTE = np.uint64(0xFF)
BYTES = np.uint64(0x0101010101010101)

PRIME = np.uint64(67)
BIT = np.zeros(67, dtype=np.int64)
"""Number of the bit that is set, by the remainder that a power of two leaves on division by 67."""
for _bit in range(64):
    BIT[(1 << _bit) % 67] = _bit

TOP, LEFT, RIGHT, BOTTOM = 0, 1, 3, 4
CUT = np.array(
    [
        (TOP, TOP), (TOP, LEFT), (TOP, RIGHT), (RIGHT, LEFT),
        (BOTTOM, LEFT), (TOP, BOTTOM), (TOP, LEFT), (RIGHT, BOTTOM),
        (RIGHT, BOTTOM), (TOP, RIGHT), (TOP, BOTTOM), (BOTTOM, LEFT),
        (RIGHT, LEFT), (TOP, RIGHT), (TOP, LEFT), (TOP, TOP),
    ]
)  # fmt: skip
"""Sides between which an edge crosses a cell, by the corners inside.

Bits: upper left, upper right, lower left, lower right. A saddle (6 and 9) has its two low corners
cut off; the other of its edges joins the other two sides. A side is where its vertex is numbered,
seen from that above the cell; the lower one in the next row.
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
        Value of the field where the edge runs. A pixel that is set and lies beside one all of
        whose neighbours are set has to be above it, and one in the like gap below.
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
    octets = columns // 8 + 2
    pixels = np.zeros((rows, 8 * octets), dtype=np.uint8)
    pixels[:, :columns] = plane
    eights = pixels.view(np.uint64)
    marks = _packed(eights)
    fields, inside = _smoothed(eights, marks, half, sums, level)
    points, numbers = _vertices(inside, fields, level, dy, dx)
    edges = _joined(inside, numbers, points.shape[0])
    return points, edges, _spread(inside, octets), _thin(marks, inside)


@machine_code.compiled
def _packed(eights: Words) -> Words:
    """Return a bit for each pixel that is set; with a blank row and a blank word on either side.

    Eight pixels, one per byte, become eight bits, the first one lowest.
    """
    rows, octets = eights.shape
    marks = np.zeros((rows + 2, octets // 8 + 3), dtype=np.uint64)
    for r in range(rows):
        for k in range(octets):
            byte = eights[r, k]
            byte = (byte | (byte >> SEVEN)) & PAIRS
            byte = (byte | (byte >> FOURTEEN)) & FOURS
            byte = (byte | (byte >> TWENTY_EIGHT)) & BYTE
            marks[r + 1, 1 + (k >> 3)] |= byte << np.uint64(8 * (k & 7))
    return marks


@machine_code.compiled
def _spread(inside: Words, octets: int) -> Inside:
    """Return one byte for each pixel again."""
    rows = inside.shape[0] - 2
    pixels = np.empty((rows, 8 * octets), dtype=np.uint8)
    eights = pixels.view(np.uint64)
    for r in range(rows):
        for k in range(octets):
            byte = (inside[r + 1, 1 + (k >> 3)] >> np.uint64(8 * (k & 7))) & BYTE
            byte = (byte | (byte << TWENTY_EIGHT)) & FOURS
            byte = (byte | (byte << FOURTEEN)) & PAIRS
            eights[r, k] = (byte | (byte << SEVEN)) & BYTES
    return pixels


@machine_code.compiled
def _smoothed(
    eights: Words, marks: Words, half: Points, sums: Points, level: float
) -> tuple[Points, Words]:
    """Return the field where the pixels around differ, and which pixels lie inside its edge.

    No edge runs between a place where they do not differ and its neighbours. The same sums in the
    same order as `measurement.contour` makes them.
    """
    rows, octets = eights.shape
    fields = np.empty((rows, 64 * (marks.shape[1] - 2) + 1))
    inside = np.zeros(marks.shape, dtype=np.uint64)
    pattern = np.zeros(8 * octets + 16, dtype=np.uint8)
    patterns = pattern.view(np.uint64)
    w0, w1, w2, w3 = half[0], half[1], half[2], half[3]
    for r in range(-REACH, rows):
        for k in range(octets):
            added = eights[r + REACH, k] << SIX if r + REACH < rows else NONE
            patterns[k + 1] = ((patterns[k + 1] >> ONE) & LOW_SEVEN) | added
        for w in range(1, marks.shape[1] - 1 if r >= 0 else 0):
            mixed, every = _mixed(marks, r, w)
            while mixed != NONE:
                others = mixed & (mixed - ONE)
                bit = mixed ^ others
                mixed = others
                c = 64 * (w - 1) + BIT[np.int64(bit % PRIME)]
                p = c + 8
                total = sums[pattern[p]] * w0
                total += (sums[pattern[p - 3]] + sums[pattern[p + 3]]) * w3
                total += (sums[pattern[p - 2]] + sums[pattern[p + 2]]) * w2
                total += (sums[pattern[p - 1]] + sums[pattern[p + 1]]) * w1
                fields[r, c] = total
                if total >= level:
                    every |= bit
            inside[r + 1, w] = every
    return fields, inside


@machine_code.inlined
def _mixed(marks: Words, r: int, w: int) -> tuple[np.uint64, np.uint64]:
    """Pixels of a word of a row around which some but not all are set, and those where all are."""
    above, here, below = marks[r, w], marks[r + 1, w], marks[r + 2, w]
    some, every = above | here | below, above & here & below
    before = marks[r, w - 1] | marks[r + 1, w - 1] | marks[r + 2, w - 1]
    after = marks[r, w + 1] | marks[r + 1, w + 1] | marks[r + 2, w + 1]
    some |= (some << ONE) | (before >> LAST) | (some >> ONE) | (after << LAST)
    before = marks[r, w - 1] & marks[r + 1, w - 1] & marks[r + 2, w - 1]
    after = marks[r, w + 1] & marks[r + 1, w + 1] & marks[r + 2, w + 1]
    every &= ((every << ONE) | (before >> LAST)) & ((every >> ONE) | (after << LAST))
    return some & ~every, every


@machine_code.compiled
def _vertices(
    inside: Words, fields: Points, level: float, dy: float, dx: float
) -> tuple[Points, Pairs]:
    """Return the vertices right of and below pixels, and their numbers by row and place."""
    rows, columns = fields.shape
    numbers = np.empty((rows, 2 * columns), dtype=np.int64)
    points = np.empty((4 * (rows + columns), 2))
    count = 0
    for r in range(rows - 1):
        if count + 2 * columns > points.shape[0]:
            points = _doubled(points)
        for w in range(1, inside.shape[1] - 1):
            here = inside[r + 1, w]
            beside = here ^ ((here >> ONE) | (inside[r + 1, w + 1] << LAST))
            below = here ^ inside[r + 2, w]
            while (beside | below) != NONE:
                # one vertex at a time, that to the right of a pixel first
                bit = (beside | below) & ~((beside | below) - ONE)
                across = beside & bit
                beside ^= across
                below ^= bit ^ across
                c = 64 * (w - 1) + BIT[np.int64(bit % PRIME)]
                right = np.int64(across != NONE)
                value = fields[r, c]
                share = (level - value) / (fields[r + 1 - right, c + right] - value)
                points[count, 0] = (c + share * right) * dx
                points[count, 1] = (r + share * (1 - right)) * dy
                numbers[r, 2 * c + 1 - right] = count
                count += 1
    return points[:count].copy(), numbers


@machine_code.compiled
def _joined(inside: Words, numbers: Pairs, count: int) -> Pairs:
    """Return the edges within the cells between four pixels: as many as vertices."""
    edges = np.empty((count, 2), dtype=np.int64)
    rows, width = numbers.shape
    flat = numbers.reshape(rows * width)
    sides = np.where(CUT == BOTTOM, width, CUT)
    found = 0
    for r in range(rows - 1):
        for w in range(1, inside.shape[1] - 1):
            upper, lower = inside[r + 1, w], inside[r + 2, w]
            right = (upper >> ONE) | (inside[r + 1, w + 1] << LAST)
            under = (lower >> ONE) | (inside[r + 2, w + 1] << LAST)
            change = (upper ^ right) | (lower ^ under) | (upper ^ lower)
            while change != NONE:
                bit = change & ~(change - ONE)
                change ^= bit
                place = BIT[np.int64(bit % PRIME)]
                shift = np.uint64(place)
                kind = ((upper >> shift) & ONE) | (((right >> shift) & ONE) << ONE)
                kind |= (((lower >> shift) & ONE) << TWO) | (((under >> shift) & ONE) << THREE)
                corners = np.int64(kind)
                at = r * width + 2 * (64 * (w - 1) + place)
                edges[found, 0] = flat[at + sides[corners, 0]]
                edges[found, 1] = flat[at + sides[corners, 1]]
                found += 1
                if corners == 6 or corners == 9:
                    edges[found, 0] = flat[at + width]
                    edges[found, 1] = flat[at + (RIGHT if corners == 6 else LEFT)]
                    found += 1
    return edges


@machine_code.compiled
def _thin(marks: Words, inside: Words) -> bool:
    """Whether smoothing erases a pixel that has no surviving one among the eight around it."""
    for r in range(1, marks.shape[0] - 1):
        for w in range(1, marks.shape[1] - 1):
            lost = marks[r, w] & ~inside[r, w]
            if lost == NONE:
                continue
            near = inside[r - 1, w] | inside[r, w] | inside[r + 1, w]
            before = inside[r - 1, w - 1] | inside[r, w - 1] | inside[r + 1, w - 1]
            after = inside[r - 1, w + 1] | inside[r, w + 1] | inside[r + 1, w + 1]
            near |= (near << ONE) | (before >> LAST) | (near >> ONE) | (after << LAST)
            if (lost & ~near) != NONE:
                return True
    return False


@machine_code.compiled
def _doubled(points: Points) -> Points:
    """Return vertices with as much room again behind them."""
    more = np.empty((2 * points.shape[0], 2))
    more[: points.shape[0]] = points
    return more
