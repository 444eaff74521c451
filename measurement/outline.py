"""Both outlines of a lesion, of its viable part and of its whole, drawn once per slice."""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from imaging import machine_code
from imaging.geometry import VolumeGeometry
from measurement.bypass import Rim
from measurement.chord import farthest_pair
from measurement.contained import rim_of
from measurement.contour import (
    CARVED_LEVEL,
    FINE_SMOOTHING_PX,
    LEVEL,
    MARGIN_PX,
    Contour,
    Edge,
    edge,
    mask_contour,
)
from measurement.line import Inside

WIDTHS = 16
"""Directions of the half circle in which a slice's width bounds its longest distance."""

NOWHERE = -1
"""In place of the two vertices of a slice that are farthest apart: nobody asked for them."""

Mask = NDArray[np.bool_]
Row = tuple[float, int, int, int]
Box = tuple[slice, slice, slice]


class RegionError(ValueError):
    """A mask does not fit its grid."""


class LesionOutline:
    """Outlines on every slice, with what the search for diameters needs of them.

    Parameters
    ----------
    viable, whole : (z, y, x) bool arrays
        Viable tissue outside the whole lesion is not counted.
    geometry : VolumeGeometry
    degree : (z, y, x) float64 array, optional
        How viable each pixel is, from 0 to 1: where it falls to 0.5 within the whole lesion runs
        the edge of the viable part, finer than by pixels. Without it, the edge is that of the
        mask.

    Raises
    ------
    RegionError
        If an array is not of the grid's shape.
    """

    def __init__(
        self,
        viable: Mask,
        whole: Mask,
        geometry: VolumeGeometry,
        *,
        degree: NDArray[np.float64] | None = None,
    ) -> None:
        for name, region in (("viable part", viable), ("whole lesion", whole)):
            if region.shape != geometry.shape:
                msg = (
                    f"the {name} has shape {region.shape}, its grid {geometry.shape}. "
                    "Read the mask onto the geometry of the volume that is measured."
                )
                raise RegionError(msg)
        self.geometry = geometry
        self.whole = whole
        self._given = viable
        self.spacing_mm = (geometry.spacing_mm[1], geometry.spacing_mm[2])
        self._box = bounding_box(whole)
        self._viable = _cropped(viable, self._box, within=whole)
        self._degree = None if degree is None else _cropped_degree(degree, self._box)
        self.known: dict[float, Any] = {}
        self._viable_edges: dict[int, Edge] = {}
        self._whole_edges: dict[int, Edge] = {}
        self._rows: dict[int, Row | None] = {}
        self._viable_contours: dict[int, Contour] = {}
        self._whole_contours: dict[int, Contour] = {}
        self._insides: dict[int, Inside] = {}
        self._rims: dict[int, tuple[Rim, float]] = {}
        self._from_pixels: set[int] = set()
        self._distances: dict[int, NDArray[np.float64]] = {}

    @cached_property
    def viable(self) -> Mask:
        """Viable tissue of the whole lesion, on the whole grid."""
        return self._given & self.whole

    @cached_property
    def _whole(self) -> Mask:
        """The whole lesion in its box."""
        return _cropped(self.whole, self._box)

    @cached_property
    def _carved(self) -> NDArray[np.bool_]:
        """Slices of the crop on which a part of the lesion is not viable."""
        return np.asarray((self._viable != self._whole).any(axis=(1, 2)))

    def viable_edge(self, index: int) -> Edge:
        """Edge of the viable part on one slice of the crop, as a stack of one slice."""
        if index not in self._viable_edges:
            viable = self._viable[index : index + 1]
            if self._degree is None:
                self._viable_edges[index] = edge(viable, level=self._level(index))
            else:
                whole = self.whole_edge(index)
                field = np.minimum(whole.field, self._degree[index : index + 1])
                self._viable_edges[index] = Edge(field, whole.kept & viable)
        return self._viable_edges[index]

    def whole_edge(self, index: int) -> Edge:
        """Edge of the whole lesion on one slice of the crop, as a stack of one slice."""
        if index not in self._whole_edges:
            whole = self._whole[index : index + 1]
            self._whole_edges[index] = (
                edge(whole, also_keep=self.viable_edge(index).kept, level=self._level(index))
                if self._degree is None
                else edge(whole, smoothing_px=FINE_SMOOTHING_PX)
            )
        return self._whole_edges[index]

    def _level(self, index: int) -> float:
        """Return where both edges of a slice run in its smoothed masks."""
        return CARVED_LEVEL if self._degree is None and self._carved[index] else LEVEL

    def thin_on(self, slice_index: int) -> bool:
        """Whether viable tissue of a slice is so thin that pixels had to stand in for its edge."""
        return bool(self.viable_edge(self.cropped_index(slice_index)).kept.any())

    @cached_property
    def slices(self) -> list[Row]:
        """Per slice with viable tissue (farthest distance in mm, slice, its two vertices).

        Slices count within the crop and come in falling order of that distance.
        """
        return list(self.in_turn())

    def in_turn(
        self, only: Collection[int] | None = None, *, gap_mm: float = math.inf
    ) -> Iterator[Row]:
        """Yield the rows of `slices` one by one; a slice is drawn only when it may be the next.

        ``only`` names the slices of the volume that are asked for (all by default). Where a hole
        is wider than the gap, a slice comes by how long a run beside it can be, and without its
        two vertices.
        """
        # pixels of the edge's inside lie within the hull of the mask's; its vertices a pixel off
        mask = self._viable if self._degree is None else self._whole
        bounds = _widths(mask, *self.spacing_mm) + 2.0 * max(self.spacing_mm)
        waiting = [
            (-float(bound), index, False)
            for index, bound in enumerate(bounds)
            if math.isfinite(bound) and (only is None or self.slice_index(index) in only)
        ]
        heapq.heapify(waiting)
        while waiting:
            bound, index, drawn = heapq.heappop(waiting)
            row = self._row_past_hole(index, gap_mm, -bound)
            if row is None:
                continue
            if drawn:
                yield row
            else:
                heapq.heappush(waiting, (-row[0], index, True))

    def _row(self, index: int) -> Row | None:
        """Return the farthest distance of one slice; None without viable tissue."""
        if index not in self._rows:
            self._rows[index] = None
            points = self.viable_contour(index).points_mm
            if len(points):
                length, one, two = farthest_pair(points)
                self._rows[index] = float(length), index, int(one), int(two)
        return self._rows[index]

    def _row_past_hole(self, index: int, gap_mm: float, bound_mm: float) -> Row | None:
        """Return the bound on runs past a hole where it is the lower one, else the usual row."""
        if math.isfinite(gap_mm):
            (_, _, disc), length = self.rim(index)
            # a line may now cross the disc where that takes no more than the gap
            length = math.hypot(length, gap_mm) * (1.0 + 1e-12)
            if disc[2] > 0.5 * gap_mm + 1e-3 and length <= bound_mm:
                return length, index, NOWHERE, NOWHERE
        return self._row(index)

    def farthest(self, index: int) -> tuple[int, int]:
        """Return the two vertices of a cropped slice that are farthest apart."""
        row = self._row(index)
        return row[2:] if row is not None else (NOWHERE, NOWHERE)

    def rim(self, index: int) -> tuple[Rim, float]:
        """Return a cropped slice as a rim around a hole, and a bound on its runs without gaps."""
        if index not in self._rims:
            viable = self.viable_contour(index)
            rim, bound = rim_of(
                viable.points_mm, viable.edges, (self.inside(index), self.spacing_mm)
            )
            self._rims[index] = rim, float(bound)
        return self._rims[index]

    def contours(self, index: int) -> tuple[Contour, Contour]:
        """Return the contours of the viable part and of the whole lesion on a cropped slice."""
        return self.viable_contour(index), self.whole_contour(index)

    def viable_contour(self, index: int) -> Contour:
        """Return the contour of the viable part on a cropped slice."""
        if index not in self._viable_contours:
            self._draw_viable(index)
        return self._viable_contours[index]

    def inside(self, index: int) -> Inside:
        """Return which pixels of a cropped slice lie inside the contour of the viable part."""
        if index not in self._insides:
            self._draw_viable(index)
        return self._insides[index]

    def _draw_viable(self, index: int) -> None:
        """Draw the viable part of one slice, from its pixels where its edge is that of a mask."""
        if self._degree is None:
            drawn = mask_contour(self._viable[index], self.spacing_mm, self._level(index))
            if drawn is not None:
                self._viable_contours[index], self._insides[index] = drawn
                self._from_pixels.add(index)
                return
        edge_there = self.viable_edge(index)
        self._viable_contours[index] = edge_there.contour(0, self.spacing_mm)
        self._insides[index] = (edge_there.field[0] >= edge_there.level).astype(np.uint8)

    def whole_contour(self, index: int) -> Contour:
        """Return the contour of the whole lesion on a cropped slice."""
        if index not in self._whole_contours:
            drawn = None
            self.viable_contour(index)
            if index in self._from_pixels:  # and has no thin parts that the whole must keep
                drawn = mask_contour(self._whole[index], self.spacing_mm, self._level(index))
            self._whole_contours[index] = (
                self.whole_edge(index).contour(0, self.spacing_mm) if drawn is None else drawn[0]
            )
        return self._whole_contours[index]

    def distance_mm(self, index: int) -> NDArray[np.float64]:
        """Return how far each pixel of a cropped slice is from the centres of viable ones."""
        if index not in self._distances:
            columns = self._viable.shape[2]
            outside = self.inside(index)[:, :columns] == 0
            self._distances[index] = ndimage.distance_transform_edt(
                outside, sampling=self.spacing_mm
            )
        return self._distances[index]

    def slice_index(self, index: int) -> int:
        """Return which slice of the volume a cropped one is."""
        return int(self._box[0].start) + index

    def cropped_index(self, slice_index: int) -> int:
        """Return which slice of the crop one of the volume is."""
        return slice_index - int(self._box[0].start)

    def to_index(self, index: int, x_mm: float, y_mm: float) -> tuple[float, float, float]:
        """Return (z, row, column) in the volume of a point on a cropped slice."""
        z, y, x = (part.start for part in self._box)
        return (
            float(z + index),
            y - MARGIN_PX + y_mm / self.spacing_mm[0],
            x - MARGIN_PX + x_mm / self.spacing_mm[1],
        )


def bounding_box(region: Mask) -> Box:
    """Return the smallest box of a (z, y, x) region; an empty one for an empty region."""
    size = math.prod(region.shape[1:])
    planes = np.flatnonzero(region.reshape(region.shape[0], size).any(axis=1))
    if not planes.size:
        return slice(0, 0), slice(0, 0), slice(0, 0)
    depth = slice(int(planes[0]), int(planes[-1]) + 1)
    flat = np.asarray(region[depth].any(axis=0))
    rows, columns = np.flatnonzero(flat.any(axis=1)), np.flatnonzero(flat.any(axis=0))
    return (
        depth,
        slice(int(rows[0]), int(rows[-1]) + 1),
        slice(int(columns[0]), int(columns[-1]) + 1),
    )


@machine_code.compiled
def _widths(region: Mask, dy: float, dx: float) -> NDArray[np.float64]:
    """Bound, per slice, on the distance of two pixels' centres; minus infinity without any.

    The largest of the widths in `WIDTHS` directions, over the cosine of what lies between two.
    """
    planes, rows, columns = region.shape
    bounds = np.full(planes, -np.inf)
    angles = np.arange(WIDTHS) * (math.pi / WIDTHS)
    cosines, sines = np.cos(angles) * dx, np.sin(angles) * dy
    for z in range(planes):
        low, high = np.full(WIDTHS, np.inf), np.full(WIDTHS, -np.inf)
        for r in range(rows):
            first, last = 0, columns - 1
            while first < columns and not region[z, r, first]:
                first += 1
            if first == columns:
                continue
            while not region[z, r, last]:
                last -= 1
            for k in range(WIDTHS):
                one = first * cosines[k] + r * sines[k]
                two = last * cosines[k] + r * sines[k]
                near, far = (one, two) if one < two else (two, one)
                low[k] = near if near < low[k] else low[k]
                high[k] = far if far > high[k] else high[k]
        bounds[z] = (high - low).max() / math.cos(0.5 * math.pi / WIDTHS)
    return bounds


def _cropped(region: Mask, box: Box, *, within: Mask | None = None) -> Mask:
    """Return the box of a region with the margin that its edge needs around every slice."""
    part = region[box] if within is None else region[box] & within[box]
    planes, rows, columns = part.shape
    cropped = np.zeros((planes, rows + 2 * MARGIN_PX, columns + 2 * MARGIN_PX), dtype=bool)
    cropped[:, MARGIN_PX : MARGIN_PX + rows, MARGIN_PX : MARGIN_PX + columns] = part
    return cropped


def _cropped_degree(degree: NDArray[np.float64], box: Box) -> NDArray[np.float64]:
    """Return the box with its margin; beyond the grid the nearest value goes on."""
    _, rows, columns = degree.shape
    at = [
        np.clip(np.arange(part.start - MARGIN_PX, part.stop + MARGIN_PX), 0, size - 1)
        for part, size in zip(box[1:], (rows, columns), strict=True)
    ]
    return degree[box[0]][:, at[0]][:, :, at[1]]
