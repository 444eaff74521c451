"""The edge of a region on one slice: straight pieces between neighbouring pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

SMOOTHING_PX = 0.7
"""Width of the Gaussian before the contour is drawn; source: spec/measurement.md, 22 shapes."""

FINE_SMOOTHING_PX = 1.3
"""The same for the outline of a lesion whose viable part has an edge finer than pixels.

A caliper picks the highest steps of an outline of pixels. On discs, rings and crescents the error
falls from +0.5 to +0.2 pixels; benchmarks/viable_accuracy.py.
"""

LEVEL = 0.5
MARGIN_PX = 6
THIN_LINE_VALUE = 0.57
"""Value that the smoothing leaves in the middle of a line of one pixel's width."""


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
    """Field of a (z, y, x) region whose level 0.5 is the region's edge on each slice.

    Parameters
    ----------
    field : (z, y, x) float64 array
        Smoothed region.
    kept : (z, y, x) bool array
        Pixels of structures so thin that smoothing alone would have erased them.
    """

    field: NDArray[np.float64]
    kept: NDArray[np.bool_]

    def contour(self, index: int, spacing_mm: tuple[float, float]) -> Contour:
        """Return the edge on slice ``index``; spacing is (row, column) in mm."""
        points, edges = _marching_squares(self.field[index], LEVEL, spacing_mm[0], spacing_mm[1])
        return Contour(points, edges)


def edge(
    region: NDArray[np.bool_],
    *,
    also_keep: NDArray[np.bool_] | None = None,
    smoothing_px: float = SMOOTHING_PX,
) -> Edge:
    """Return where the edge of a region runs on each of its slices.

    Parameters
    ----------
    region : (z, y, x) bool array
        With `MARGIN_PX` empty pixels on every side of each slice.
    also_keep : (z, y, x) bool array, optional
        Pixels that must stay within the edge, as those kept of a part of this region: so the
        edge of the part never leaves that of the whole.

    Notes
    -----
    Contour at level 0.5 of the region smoothed by 0.7 px, unless stated. Connected groups of
    pixels that it would erase and that do not merely roughen a surviving edge are kept at the
    value of a thin line.
    """
    field = ndimage.gaussian_filter(
        region.astype(np.float64), (0.0, smoothing_px, smoothing_px), mode="constant"
    )
    kept = _thin_parts(region, field >= LEVEL)
    if also_keep is not None:
        kept = kept | (also_keep & region)
    return Edge(np.where(kept, np.maximum(field, THIN_LINE_VALUE), field), kept)


def _thin_parts(region: NDArray[np.bool_], surviving: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark groups of erased pixels of which at least one has no surviving neighbour."""
    erased = region & ~surviving
    if not erased.any():
        return erased
    lonely = _without_neighbour(erased, surviving)
    if not lonely.any():
        return np.zeros_like(region)
    neighbours = np.zeros((3, 3, 3), dtype=bool)
    neighbours[1] = True
    groups, count = ndimage.label(erased, neighbours)
    chosen = np.zeros(count + 1, dtype=bool)
    chosen[np.unique(groups[lonely])] = True
    return np.asarray(chosen[groups], dtype=np.bool_)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _without_neighbour(
    erased: NDArray[np.bool_], surviving: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Mark erased pixels with no surviving one among the eight around them on their slice."""
    lonely = erased.copy()
    planes, rows, columns = erased.shape
    for z in range(planes):
        for r in range(rows):
            for c in range(columns):
                if not erased[z, r, c]:
                    continue
                for y in range(max(0, r - 1), min(rows, r + 2)):
                    for x in range(max(0, c - 1), min(columns, c + 2)):
                        if surviving[z, y, x]:
                            lonely[z, r, c] = False
    return lonely


@njit(cache=True)  # type: ignore[untyped-decorator]
def _marching_squares(
    field: NDArray[np.float64], level: float, dy: float, dx: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices where grid edges cross the level, and the edges that join them within cells.

    Diagonal neighbours above the level are joined. Parts that differ in value at no corner from
    those of a larger field stay within that field's contour.
    """
    rows, columns = field.shape
    across = np.full((rows, columns), -1, dtype=np.int64)  # between (r, c) and (r, c + 1)
    down = np.full((rows, columns), -1, dtype=np.int64)  # between (r, c) and (r + 1, c)
    points = np.empty((2 * rows * columns, 2))
    count = 0
    for r in range(rows):
        for c in range(columns):
            here = field[r, c]
            if c + 1 < columns and (here >= level) != (field[r, c + 1] >= level):
                points[count, 0] = (c + (level - here) / (field[r, c + 1] - here)) * dx
                points[count, 1] = r * dy
                across[r, c] = count
                count += 1
            if r + 1 < rows and (here >= level) != (field[r + 1, c] >= level):
                points[count, 0] = c * dx
                points[count, 1] = (r + (level - here) / (field[r + 1, c] - here)) * dy
                down[r, c] = count
                count += 1
    return points[:count].copy(), _joined(field, level, across, down, count)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _joined(
    field: NDArray[np.float64],
    level: float,
    across: NDArray[np.int64],
    down: NDArray[np.int64],
    count: int,
) -> NDArray[np.int64]:
    """Edges within cells between the vertices on their sides."""
    rows, columns = field.shape
    edges = np.empty((2 * count + 2, 2), dtype=np.int64)
    ends = np.empty(4, dtype=np.int64)
    found = 0
    for r in range(rows - 1):
        for c in range(columns - 1):
            met = 0
            for end in (across[r, c], down[r, c + 1], across[r + 1, c], down[r, c]):
                if end >= 0:
                    ends[met] = end
                    met += 1
            if met == 2:
                edges[found, 0], edges[found, 1] = ends[0], ends[1]
                found += 1
            elif met == 4:
                # a saddle: cut off the two low corners; ends are top, right, bottom, left
                one, two = (1, 3) if field[r, c] >= level else (3, 1)
                edges[found, 0], edges[found, 1] = ends[0], ends[one]
                edges[found + 1, 0], edges[found + 1, 1] = ends[2], ends[two]
                found += 2
    return edges[:found].copy()
