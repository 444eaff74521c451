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

from imaging.geometry import VolumeGeometry
from measurement.bypass import Rim
from measurement.chord import farthest_pair
from measurement.contained import rim_of
from measurement.contour import (
    CARVED_LEVEL,
    FINE_SMOOTHING_PX,
    LEVEL,
    Contour,
    Edge,
    edge,
    mask_contour,
    smoothing_weights,
)
from measurement.crop import MARGIN_PX, Mask, bounding_box, cropped, cropped_degree, widths
from measurement.line import Inside
from measurement.slices import NOWHERE, longest_over_slices

Row = tuple[float, int, int, int]
Run = tuple[int, NDArray[np.float64]]
"""A cropped slice and a run on it: length, x and y of one end, x and y of the other."""


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
        If an array is not of the grid's shape, or holds something else than 0 and 1.
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
        viable, whole = as_mask(viable, "viable part"), as_mask(whole, "whole lesion")
        self.geometry = geometry
        self.whole = whole
        self._given = viable
        self.spacing_mm = geometry.spacing_mm[1:]
        self._box = bounding_box(whole)
        self._viable, self._whole = cropped(viable, whole, self._box)
        self._degree = None if degree is None else cropped_degree(degree, self._box)
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

    @property
    def of_pixels(self) -> bool:
        """Whether the edge of the viable part is that of a mask."""
        return self._degree is None

    def longest_without_gaps(self) -> tuple[Run | None, list[int]]:
        """Return the longest run without gaps, and slices of the volume that may hold a longer one.

        For outlines of pixels.
        """
        run, index, undecided = longest_over_slices(
            self._viable, self._whole, smoothing_weights(), (LEVEL, CARVED_LEVEL), self.spacing_mm
        )
        left = [self.slice_index(int(k)) for k in np.flatnonzero(undecided)]
        return (None if index == NOWHERE else (int(index), np.asarray(run))), left

    @cached_property
    def slices(self) -> list[Row]:
        """Per slice with viable tissue (farthest distance in mm, slice, its two vertices).

        Slices count within the crop and come in falling order of that distance.
        """
        return list(self.in_turn())

    def in_turn(
        self, only: Collection[int] | None = None, *, gap_mm: float = math.inf, each: bool = True
    ) -> Iterator[Row]:
        """Yield the rows of `slices` one by one; a slice is drawn only when it may be the next.

        ``only`` names the slices of the volume that are asked for (all by default). Where a hole
        is wider than the gap, a slice comes by how long a run beside it can be, and without its
        two vertices. Unless ``each`` is asked for, a slice that repeats the pixels of an earlier
        one is left out, as in a mask that was drawn on thicker slices: it holds nothing longer.
        """
        if only is not None and not only:
            return
        # pixels of the edge's inside lie within the hull of the mask's; its vertices a pixel off
        mask = self._viable if self._degree is None else self._whole
        bounds = widths(mask, *self.spacing_mm) + 2.0 * max(self.spacing_mm)
        waiting = [
            (-float(bound), index, False)
            for index, bound in enumerate(bounds)
            if math.isfinite(bound) and (only is None or self.slice_index(index) in only)
        ]
        heapq.heapify(waiting)
        met: dict[float, list[int]] = {}
        while waiting:
            bound, index, drawn = heapq.heappop(waiting)
            if not (each or drawn):
                equally_wide = met.setdefault(bound, [])
                if any(self._alike(index, other) for other in equally_wide):
                    continue
                equally_wide.append(index)
            row = self._row_past_hole(index, gap_mm, -bound)
            if row is None:
                continue
            if drawn:
                yield row
            else:
                heapq.heappush(waiting, (-row[0], index, True))

    def _alike(self, one: int, other: int) -> bool:
        """Whether two slices have the same pixels, and so the same edges."""
        return self._degree is None and all(
            part[one].tobytes() == part[other].tobytes() for part in (self._viable, self._whole)
        )

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


def as_mask(region: NDArray[Any], name: str) -> Mask:
    """Return a (z, y, x) mask of zeros and ones as one of bool; other values are refused."""
    if region.dtype == np.bool_:
        return region
    truth = np.asarray(region != 0)
    if not (region[truth] == 1).all():
        msg = (
            f"the {name} holds other values than 0 and 1 ({region.dtype}). "
            "Give the voxels of one lesion, for instance mask == label."
        )
        raise RegionError(msg)
    return truth
