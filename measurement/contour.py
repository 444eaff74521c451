"""The edge of a region on one slice: straight pieces between neighbouring pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from imaging import machine_code
from measurement.line import Inside
from measurement.pixel_contour import contour_of_mask

SMOOTHING_PX = 0.75
"""Width of the Gaussian before the contour is drawn.

With 0.7, which spec/measurement.md chose on 22 shapes, 1,200 of benchmarks/planar_shape.py are read
0.30 pixels too long in the mean, with this 0.28: a caliper picks the highest steps of an edge.
"""

FINE_SMOOTHING_PX = 1.3
"""The same for the outline of a lesion whose viable part has an edge finer than pixels.

A caliper picks the highest steps of an outline of pixels. On discs, rings and crescents the error
falls from +0.5 to +0.2 pixels; benchmarks/viable_accuracy.py.
"""

LEVEL = 0.5
CARVED_LEVEL = 0.525
"""Level of both edges on a slice where part of the lesion is not viable.

A caliper in a rim picks the highest steps of two edges: 1,500 digital shapes with dead tissue
(seeds 11 to 13 of benchmarks/contained_accuracy.py) are read 0.33 pixels too long at level 0.5, the
worst 1.43, and 0.15, the worst 1.12, at this one. Convex shapes keep 0.5: short ones lose their
ends otherwise.
"""

THIN_LINE_ABOVE = 0.03
"""How far above the level pixels are kept that the smoothing would erase."""


@dataclass(frozen=True, slots=True, eq=False)
class Contour:
    """Edge of a region on one slice; a bag of edges, as a line needs no order of them.

    Parameters
    ----------
    points_mm : (n, 2) float64 array
        Vertices (x, y) in mm in the slice plane: column and row index times the spacing.
    edges : (m, 2) int64 array
        Vertices at both ends of every edge.
    """

    points_mm: NDArray[np.float64]
    edges: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """Field of a (z, y, x) region whose edge on each slice runs at one level of it.

    Parameters
    ----------
    field : (z, y, x) float64 array
        Smoothed region.
    kept : (z, y, x) bool array
        Pixels of structures so thin that smoothing alone would have erased them.
    level : float
        Value of the field where the edge runs.
    """

    field: NDArray[np.float64]
    kept: NDArray[np.bool_]
    level: float = LEVEL

    def contour(self, index: int, spacing_mm: tuple[float, float]) -> Contour:
        """Return the edge on slice ``index``; spacing is (row, column) in mm."""
        points, edges = _marching_squares(
            self.field[index], self.level, spacing_mm[0], spacing_mm[1]
        )
        return Contour(points, edges)


def edge(
    region: NDArray[np.bool_],
    *,
    also_keep: NDArray[np.bool_] | None = None,
    smoothing_px: float = SMOOTHING_PX,
    level: float = LEVEL,
) -> Edge:
    """Return where the edge of a region runs on each of its slices.

    Parameters
    ----------
    region : (z, y, x) bool array
        With `measurement.crop.MARGIN_PX` empty pixels on every side of each slice.
    also_keep : (z, y, x) bool array, optional
        Pixels that must stay within the edge, as those kept of a part of this region: so the
        edge of the part never leaves that of the whole.

    Notes
    -----
    Contour at level 0.5 of the region smoothed by 0.75 px, unless stated. Connected groups of
    pixels that it would erase and that do not merely roughen a surviving edge are kept, as thin
    as a line that just survives.
    """
    field = _smoothed(region, *smoothing_weights(smoothing_px))
    kept = _thin_parts(region, field, level)
    if also_keep is not None:
        kept |= also_keep & region
    if kept.any():
        field = np.where(kept, np.maximum(field, level + THIN_LINE_ABOVE), field)
    return Edge(field, kept, level)


def mask_contour(
    plane: NDArray[np.bool_], spacing_mm: tuple[float, float], level: float = LEVEL
) -> tuple[Contour, Inside] | None:
    """Return the edge of a mask on one slice, and the pixels inside; None if it has thin parts.

    Parameters
    ----------
    plane : (rows, columns) bool array
        With `measurement.crop.MARGIN_PX` empty pixels on every side.
    spacing_mm : (row, column)
    level : float
        Value of the smoothed mask where the edge runs.

    Notes
    -----
    The contour of `edge`, to the last bit; see `measurement.pixel_contour`.
    """
    points, edges, inside, thin = contour_of_mask(
        plane, *smoothing_weights(), level, spacing_mm[0], spacing_mm[1]
    )
    return None if thin else (Contour(points, edges), inside)


@lru_cache(maxsize=8)
def smoothing_weights(
    smoothing_px: float = SMOOTHING_PX,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Half a Gaussian kernel, and its sum over each pattern of set pixels along a column.

    Returns
    -------
    half : (reach + 1,) float64 array
        Weight of the middle, and of the pixels at 1, 2, ... beside it; cut at 4 widths.
    sums : (2 ** (2 reach + 1),) float64 array
        Bit k of an entry's number says that pixel k of the column is set.
    """
    reach = int(4.0 * smoothing_px + 0.5)
    kernel = np.exp(-0.5 / smoothing_px**2 * np.arange(-reach, reach + 1) ** 2)
    half = (kernel / kernel.sum())[reach:]
    bits = np.arange(2 ** (2 * reach + 1))[:, None] >> np.arange(2 * reach + 1) & 1
    sums = bits[:, reach] * half[0]
    for k in range(reach, 0, -1):
        sums = sums + (bits[:, reach - k] + bits[:, reach + k]) * half[k]
    return half, sums


@machine_code.compiled
def _smoothed(
    region: NDArray[np.bool_], half: NDArray[np.float64], sums: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Gaussian mean on each slice, nothing beyond it; computed where the pixels around differ.

    The same sums in the same order as ``scipy.ndimage.gaussian_filter``.
    """
    planes, rows, columns = region.shape
    reach = half.size - 1
    every = sums.size - 1
    field = np.zeros(region.shape)
    pattern = np.zeros(columns, dtype=np.int64)
    down = np.zeros(columns + 2 * reach)
    inside = sums[every] * half[0]
    for k in range(reach, 0, -1):
        inside += (sums[every] + sums[every]) * half[k]
    for z in range(planes):
        pattern[:] = 0
        for r in range(-reach, rows):
            below = r + reach
            some = 0
            if below < rows:
                added = region[z, below]
                for c in range(columns):
                    pattern[c] = (pattern[c] >> 1) | (np.int64(added[c]) << (2 * reach))
                    some |= pattern[c]
            else:
                for c in range(columns):
                    pattern[c] >>= 1
                    some |= pattern[c]
            if r >= 0 and some != 0:
                for c in range(columns):
                    down[c + reach] = sums[pattern[c]]
                _along_row(pattern, down, half, every, inside, field[z, r])
    return field


@machine_code.compiled
def _along_row(
    pattern: NDArray[np.int64],
    down: NDArray[np.float64],
    half: NDArray[np.float64],
    every: int,
    inside: float,
    row: NDArray[np.float64],
) -> None:
    """Sum one row of column sums (``reach`` zeros on either side) wherever columns differ."""
    columns, reach = pattern.size, half.size - 1
    done = 0
    for c in range(-1, columns):
        here = pattern[c] if c >= 0 else 0
        after = pattern[c + 1] if c + 1 < columns else 0
        if here == after and here in (0, every):
            continue
        start, stop = max(done, c - reach), min(columns, c + reach + 2)
        for k in range(done, start):
            row[k] = inside if pattern[k] == every else 0.0
        for k in range(start, stop):
            total = down[k + reach] * half[0]
            for away in range(reach, 0, -1):
                total += (down[k + reach - away] + down[k + reach + away]) * half[away]
            row[k] = total
        done = max(done, stop)


def _thin_parts(
    region: NDArray[np.bool_], field: NDArray[np.float64], level: float
) -> NDArray[np.bool_]:
    """Mark groups of erased pixels of which at least one has no surviving neighbour."""
    lonely = np.zeros_like(region)
    if not _mark_lonely(region, field, level, lonely):
        return lonely
    erased = region & (field < level)
    neighbours = np.zeros((3, 3, 3), dtype=bool)
    neighbours[1] = True
    groups, count = ndimage.label(erased, neighbours)
    chosen = np.zeros(count + 1, dtype=bool)
    chosen[np.unique(groups[lonely])] = True
    return np.asarray(chosen[groups], dtype=np.bool_)


@machine_code.compiled
def _mark_lonely(
    region: NDArray[np.bool_], field: NDArray[np.float64], level: float, lonely: NDArray[np.bool_]
) -> int:
    """Mark erased pixels with no surviving one among the eight around them; return how many."""
    planes, rows, columns = region.shape
    found = 0
    for z in range(planes):
        for r in range(rows):
            for c in range(columns):
                if not region[z, r, c] or field[z, r, c] >= level:
                    continue
                alone = True
                for y in range(max(0, r - 1), min(rows, r + 2)):
                    for x in range(max(0, c - 1), min(columns, c + 2)):
                        alone &= field[z, y, x] < level
                if alone:
                    lonely[z, r, c] = True
                    found += 1
    return found


@machine_code.compiled
def _marching_squares(
    field: NDArray[np.float64], level: float, dy: float, dx: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices where grid edges cross the level, and the edges that join them within cells.

    Diagonal neighbours above the level are joined. Parts that differ in value at no corner from
    those of a larger field stay within that field's contour.
    """
    rows, columns = field.shape
    # vertices between (r, c) and (r, c + 1), between (r, c) and (r + 1, c), and the row before
    across, down = np.zeros(columns, dtype=np.int64), np.zeros(columns, dtype=np.int64)
    across_before, down_before = across.copy(), down.copy()
    high = field >= level
    changes = np.zeros(columns, dtype=np.bool_)
    points = np.empty((2 * rows * columns, 2))
    edges = np.empty((2 * rows * columns, 2), dtype=np.int64)
    count, found = 0, 0
    for r in range(rows):
        here, after = high[r], high[min(r + 1, rows - 1)]
        for c in range(columns - 1):
            changes[c] = (here[c] ^ here[c + 1]) | (here[c] ^ after[c])
        changes[columns - 1] = here[columns - 1] ^ after[columns - 1]
        for c in range(columns):
            if not changes[c]:
                continue
            value = field[r, c]
            if c + 1 < columns and here[c] != here[c + 1]:
                points[count, 0] = (c + (level - value) / (field[r, c + 1] - value)) * dx
                points[count, 1] = r * dy
                across[c] = count
                count += 1
            if here[c] != after[c]:
                points[count, 0] = c * dx
                points[count, 1] = (r + (level - value) / (field[r + 1, c] - value)) * dy
                down[c] = count
                count += 1
        if r > 0 and count > 0:
            found = _join(
                high[r - 1], here, (across_before, down_before, across), changes, edges, found
            )
        across, across_before = across_before, across
        down, down_before = down_before, down
    return points[:count].copy(), edges[:found].copy()


@machine_code.compiled
def _join(
    upper: NDArray[np.bool_],
    lower: NDArray[np.bool_],
    sides: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    changes: NDArray[np.bool_],
    edges: NDArray[np.int64],
    found: int,
) -> int:
    """Write the edges within one row of cells between the vertices on their sides."""
    top, down, bottom = sides
    ends = np.empty(4, dtype=np.int64)
    for c in range(upper.size - 1):
        changes[c] = (upper[c] ^ upper[c + 1]) | (lower[c] ^ lower[c + 1]) | (upper[c] ^ lower[c])
    for c in range(upper.size - 1):
        if not changes[c]:
            continue
        met = 0
        if upper[c] != upper[c + 1]:
            ends[met] = top[c]
            met += 1
        if upper[c + 1] != lower[c + 1]:
            ends[met] = down[c + 1]
            met += 1
        if lower[c] != lower[c + 1]:
            ends[met] = bottom[c]
            met += 1
        if upper[c] != lower[c]:
            ends[met] = down[c]
            met += 1
        if met == 2:
            edges[found, 0], edges[found, 1] = ends[0], ends[1]
            found += 1
        elif met == 4:
            # a saddle: cut off the two low corners; ends are top, right, bottom, left
            one, two = (1, 3) if upper[c] else (3, 1)
            edges[found, 0], edges[found, 1] = ends[0], ends[one]
            edges[found + 1, 0], edges[found + 1, 1] = ends[2], ends[two]
            found += 2
    return found
