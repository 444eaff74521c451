"""Both outlines of a lesion, of its viable part and of its whole, drawn once per slice."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from imaging.geometry import VolumeGeometry
from measurement.chord import farthest_pair
from measurement.contour import LEVEL, MARGIN_PX, Contour, Edge, edge

Mask = NDArray[np.bool_]


class RegionError(ValueError):
    """A mask does not fit its grid."""


class LesionOutline:
    """Outlines on every slice, with what the search for diameters needs of them.

    Parameters
    ----------
    viable, whole : (z, y, x) bool arrays
        Viable tissue outside the whole lesion is not counted.
    geometry : VolumeGeometry

    Raises
    ------
    RegionError
        If an array is not of the grid's shape.
    """

    def __init__(self, viable: Mask, whole: Mask, geometry: VolumeGeometry) -> None:
        for name, region in (("viable part", viable), ("whole lesion", whole)):
            if region.shape != geometry.shape:
                msg = (
                    f"the {name} has shape {region.shape}, its grid {geometry.shape}. "
                    "Read the mask onto the geometry of the volume that is measured."
                )
                raise RegionError(msg)
        self.geometry = geometry
        self.spacing_mm = geometry.spacing_mm[1:]
        self._box = bounding_box(whole)
        self._viable = _cropped(viable & whole, self._box)
        self._whole = _cropped(whole, self._box)
        self._contours: dict[int, tuple[Contour, Contour]] = {}
        self._distances: dict[int, NDArray[np.float64]] = {}

    @cached_property
    def viable_edge(self) -> Edge:
        """Edge of the viable part, on the cropped grid."""
        return edge(self._viable)

    @cached_property
    def whole_edge(self) -> Edge:
        """Edge of the whole lesion, on the cropped grid."""
        return edge(self._whole, also_keep=self.viable_edge.kept)

    @property
    def has_thin_parts(self) -> bool:
        """Whether parts of the viable tissue are so thin that pixels had to stand in."""
        return bool(self.viable_edge.kept.any())

    @cached_property
    def slices(self) -> list[tuple[float, int, int, int]]:
        """Per slice with viable tissue (farthest distance in mm, slice, its two vertices).

        Slices count within the crop and come in falling order of that distance.
        """
        found = []
        for index in range(self._viable.shape[0]):
            if (self.viable_edge.field[index] >= LEVEL).any():
                length, one, two = farthest_pair(self.contours(index)[0].points_mm)
                found.append((float(length), index, int(one), int(two)))
        return sorted(found, key=lambda row: (-row[0], row[1]))

    def contours(self, index: int) -> tuple[Contour, Contour]:
        """Return the contours of the viable part and of the whole lesion on a cropped slice."""
        if index not in self._contours:
            spacing = (self.spacing_mm[0], self.spacing_mm[1])
            self._contours[index] = (
                self.viable_edge.contour(index, spacing),
                self.whole_edge.contour(index, spacing),
            )
        return self._contours[index]

    def distance_mm(self, index: int) -> NDArray[np.float64]:
        """Return how far each pixel of a cropped slice is from the centres of viable ones."""
        if index not in self._distances:
            outside = self.viable_edge.field[index] < LEVEL
            self._distances[index] = ndimage.distance_transform_edt(
                outside, sampling=self.spacing_mm
            )
        return self._distances[index]

    def to_index(self, index: int, x_mm: float, y_mm: float) -> tuple[float, float, float]:
        """Return (z, row, column) in the volume of a point on a cropped slice."""
        z, y, x = (part.start for part in self._box)
        return (
            float(z + index),
            y - MARGIN_PX + y_mm / self.spacing_mm[0],
            x - MARGIN_PX + x_mm / self.spacing_mm[1],
        )


def bounding_box(region: Mask) -> tuple[slice, slice, slice]:
    """Return the smallest box of a (z, y, x) region; an empty one for an empty region."""
    found = []
    for axis in range(3):
        other = tuple(k for k in range(3) if k != axis)
        at = np.flatnonzero(region.any(axis=other))
        found.append(slice(int(at[0]), int(at[-1]) + 1) if at.size else slice(0, 0))
    return found[0], found[1], found[2]


def _cropped(region: Mask, box: tuple[slice, slice, slice]) -> Mask:
    """Return the box of a region with the margin that its edge needs around every slice."""
    margin = (MARGIN_PX, MARGIN_PX)
    return np.pad(region[box], ((0, 0), margin, margin))
