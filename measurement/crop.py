"""The box of a lesion cut out of its volume, and how wide its slices are."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from imaging import machine_code

MARGIN_PX = 6
"""Empty pixels that the edge of a region needs around every slice."""

WIDTHS = 16
"""Directions of the half circle in which a slice's width bounds its longest distance."""

Mask = NDArray[np.bool_]
Box = tuple[slice, slice, slice]


def bounding_box(region: Mask) -> Box:
    """Return the smallest box of a (z, y, x) region; an empty one for an empty region."""
    eights = _eights(region)
    if eights is not None:
        planes, rows, taken = _taken(eights)
        columns = taken.view(np.bool_)
    else:
        size = math.prod(region.shape[1:])
        planes = np.asarray(region.reshape(region.shape[0], size).any(axis=1))
        held = np.flatnonzero(planes)
        flat = np.asarray(region[held[0] : held[-1] + 1].any(axis=0)) if held.size else region[:0]
        rows, columns = np.asarray(flat.any(axis=1)), np.asarray(flat.any(axis=0))
    places = [np.flatnonzero(axis) for axis in (planes, rows, columns)]
    if not places[0].size:
        return slice(0, 0), slice(0, 0), slice(0, 0)
    z, y, x = (slice(int(place[0]), int(place[-1]) + 1) for place in places)
    return z, y, x


def _eights(region: Mask) -> NDArray[np.uint64] | None:
    """Return eight pixels at a time, as most whole volumes allow; None where this one does not."""
    if not _in_memory_order(region) or region.shape[2] % 8:
        return None
    eights = region.view(np.uint64)
    return eights if eights.flags.aligned else None


def _in_memory_order(region: Mask) -> bool:
    """Whether compiled code can take an array as it is."""
    plain = region.flags.c_contiguous and region.flags.writeable
    return bool(plain and region.dtype == np.bool_)


@machine_code.compiled
def _taken(
    eights: NDArray[np.uint64],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.uint64]]:
    """Return which planes and rows hold a pixel, and eight columns each that do."""
    planes, rows, words = eights.shape
    in_plane, in_row = np.zeros(planes, dtype=np.bool_), np.zeros(rows, dtype=np.bool_)
    columns = np.zeros(words, dtype=np.uint64)
    for z in range(planes):
        for r in range(rows):
            row, some = eights[z, r], np.uint64(0)
            for w in range(words):
                some |= row[w]
            if some != np.uint64(0):
                in_plane[z] = in_row[r] = True
                for w in range(words):
                    columns[w] |= row[w]
    return in_plane, in_row, columns


@machine_code.compiled
def widths(region: Mask, dy: float, dx: float) -> NDArray[np.float64]:
    """Bound, per slice, on the distance of two pixels' centres; minus infinity without any.

    ``region`` has its margin; ``dy`` and ``dx`` are the spacing of rows and columns in mm. The
    bound, in mm, is the largest of the widths in `WIDTHS` directions, over the cosine of what lies
    between two.
    """
    planes, rows, columns = region.shape
    bounds = np.full(planes, -np.inf)
    angles = np.arange(WIDTHS) * (math.pi / WIDTHS)
    cosines, sines = np.cos(angles) * dx, np.sin(angles) * dy
    for z in range(planes):
        low, high = np.full(WIDTHS, np.inf), np.full(WIDTHS, -np.inf)
        for r in range(rows):
            row = region[z, r]
            first, last = MARGIN_PX, columns - 1 - MARGIN_PX
            while first <= last and not row[first]:
                first += 1
            if first > last:
                continue
            while not row[last]:
                last -= 1
            for k in range(WIDTHS):
                down = r * sines[k]
                one, two = first * cosines[k] + down, last * cosines[k] + down
                near, far = (one, two) if one < two else (two, one)
                low[k] = near if near < low[k] else low[k]
                high[k] = far if far > high[k] else high[k]
        bounds[z] = (high - low).max() / math.cos(0.5 * math.pi / WIDTHS)
    return bounds


def cropped(viable: Mask, whole: Mask, box: Box) -> tuple[Mask, Mask]:
    """Return the box of two regions with the margin that their edges need around every slice.

    Viable tissue outside the whole lesion is left out.
    """
    if not (_in_memory_order(viable) and _in_memory_order(whole)):
        viable, whole = (np.array(part[box], dtype=bool, order="C") for part in (viable, whole))
        box = slice(0, whole.shape[0]), slice(0, whole.shape[1]), slice(0, whole.shape[2])
    starts = box[0].start, box[1].start, box[2].start
    parts = _cut(viable, whole, starts, (box[0].stop, box[1].stop, box[2].stop))
    return parts[0], parts[1]


@machine_code.compiled
def _cut(
    viable: Mask, whole: Mask, starts: tuple[int, int, int], stops: tuple[int, int, int]
) -> NDArray[np.bool_]:
    """Return both parts one after the other."""
    planes, rows, columns = stops[0] - starts[0], stops[1] - starts[1], stops[2] - starts[2]
    shape = (2, planes, rows + 2 * MARGIN_PX, columns + 2 * MARGIN_PX)
    parts = np.zeros(shape, dtype=np.bool_)
    for z in range(planes):
        for r in range(rows):
            one = viable[starts[0] + z, starts[1] + r, starts[2] : stops[2]]
            other = whole[starts[0] + z, starts[1] + r, starts[2] : stops[2]]
            first = parts[0, z, MARGIN_PX + r, MARGIN_PX : MARGIN_PX + columns]
            second = parts[1, z, MARGIN_PX + r, MARGIN_PX : MARGIN_PX + columns]
            for c in range(columns):
                first[c] = one[c] & other[c]
                second[c] = other[c]
    return parts


def cropped_degree(degree: NDArray[np.float64], box: Box) -> NDArray[np.float64]:
    """Return the box with its margin; beyond the grid the nearest value goes on."""
    _, rows, columns = degree.shape
    at = [
        np.clip(np.arange(part.start - MARGIN_PX, part.stop + MARGIN_PX), 0, size - 1)
        for part, size in zip(box[1:], (rows, columns), strict=True)
    ]
    return degree[box[0]][:, at[0]][:, :, at[1]]
