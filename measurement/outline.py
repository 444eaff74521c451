"""Both outlines of a lesion, of its viable part and of its whole, drawn once per slice."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from imaging.geometry import VolumeGeometry
from measurement.chord import farthest_pair
from measurement.contour import FINE_SMOOTHING_PX, LEVEL, MARGIN_PX, Contour, Edge, edge

Mask = NDArray[np.bool_]
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
        self.viable = viable & whole
        self.whole = whole
        self.spacing_mm = (geometry.spacing_mm[1], geometry.spacing_mm[2])
        self._box = bounding_box(whole)
        self._viable = _cropped(self.viable, self._box)
        self._whole = _cropped(whole, self._box)
        self._degree = None if degree is None else _cropped_degree(degree, self._box)
        self.known: dict[float, Any] = {}
        self._viable_contours: dict[int, Contour] = {}
        self._whole_contours: dict[int, Contour] = {}
        self._distances: dict[int, NDArray[np.float64]] = {}

    @cached_property
    def viable_edge(self) -> Edge:
        """Edge of the viable part, on the cropped grid."""
        if self._degree is None:
            return edge(self._viable)
        whole = self.whole_edge
        return Edge(np.minimum(whole.field, self._degree), whole.kept & self._viable)

    @cached_property
    def whole_edge(self) -> Edge:
        """Edge of the whole lesion, on the cropped grid."""
        if self._degree is None:
            return edge(self._whole, also_keep=self.viable_edge.kept)
        return edge(self._whole, smoothing_px=FINE_SMOOTHING_PX)

    def thin_on(self, slice_index: int) -> bool:
        """Whether viable tissue of a slice is so thin that pixels had to stand in for its edge."""
        return bool(self.viable_edge.kept[slice_index - self._box[0].start].any())

    @cached_property
    def slices(self) -> list[tuple[float, int, int, int]]:
        """Per slice with viable tissue (farthest distance in mm, slice, its two vertices).

        Slices count within the crop and come in falling order of that distance.
        """
        found = []
        for index in range(self._viable.shape[0]):
            if (self.viable_edge.field[index] >= LEVEL).any():
                length, one, two = farthest_pair(self.viable_contour(index).points_mm)
                found.append((float(length), index, int(one), int(two)))
        return sorted(found, key=lambda row: (-row[0], row[1]))

    def contours(self, index: int) -> tuple[Contour, Contour]:
        """Return the contours of the viable part and of the whole lesion on a cropped slice."""
        return self.viable_contour(index), self.whole_contour(index)

    def viable_contour(self, index: int) -> Contour:
        """Return the contour of the viable part on a cropped slice."""
        if index not in self._viable_contours:
            self._viable_contours[index] = self.viable_edge.contour(index, self.spacing_mm)
        return self._viable_contours[index]

    def whole_contour(self, index: int) -> Contour:
        """Return the contour of the whole lesion on a cropped slice."""
        if index not in self._whole_contours:
            self._whole_contours[index] = self.whole_edge.contour(index, self.spacing_mm)
        return self._whole_contours[index]

    def distance_mm(self, index: int) -> NDArray[np.float64]:
        """Return how far each pixel of a cropped slice is from the centres of viable ones."""
        if index not in self._distances:
            outside = self.viable_edge.field[index] < LEVEL
            self._distances[index] = ndimage.distance_transform_edt(
                outside, sampling=self.spacing_mm
            )
        return self._distances[index]

    def slice_index(self, index: int) -> int:
        """Return which slice of the volume a cropped one is."""
        return int(self._box[0].start) + index

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
    found = []
    for axis in range(3):
        other = tuple(k for k in range(3) if k != axis)
        at = np.flatnonzero(region.any(axis=other))
        found.append(slice(int(at[0]), int(at[-1]) + 1) if at.size else slice(0, 0))
    return found[0], found[1], found[2]


def _cropped(region: Mask, box: Box) -> Mask:
    """Return the box of a region with the margin that its edge needs around every slice."""
    margin = (MARGIN_PX, MARGIN_PX)
    return np.pad(region[box], ((0, 0), margin, margin))


def _cropped_degree(degree: NDArray[np.float64], box: Box) -> NDArray[np.float64]:
    """Return the box with its margin; beyond the grid the nearest value goes on."""
    _, rows, columns = degree.shape
    at = [
        np.clip(np.arange(part.start - MARGIN_PX, part.stop + MARGIN_PX), 0, size - 1)
        for part, size in zip(box[1:], (rows, columns), strict=True)
    ]
    return degree[box[0]][:, at[0]][:, :, at[1]]
