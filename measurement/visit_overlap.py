"""How lesions outlined at two visits lie to one another, by the liver's outline alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imaging.geometry import VolumeGeometry
from imaging.visit_registration import VisitAlignment
from measurement.correspondence import Meeting, PlacedLesion

Mask = NDArray[np.bool_]
Points = NDArray[np.float64]

STEP_MM = 1.0
"""Lesions are laid over one another in steps of this; what is smaller counts by its centroid."""

MOST_STEPS = 72
"""A lesion is sampled in at most so many steps across: a large one in coarser ones."""

IN_LIVER_MM = 10.0
OUTSIDE_MM = 14.0
OUTSIDE_PART = 0.15
"""Outside the liver its outline says little: the tolerance grows by this part of the distance."""


@dataclass(frozen=True, slots=True, eq=False)
class OutlinedLesion:
    """The outline of one lesion, cut to its surroundings.

    Parameters
    ----------
    mask : (z, y, x) bool array, not empty
    geometry : VolumeGeometry
        Of the mask.
    place : as of `PlacedLesion`
    """

    name: str
    mask: Mask
    geometry: VolumeGeometry
    place: str = ""

    @property
    def volume_mm3(self) -> float:
        """Volume of the outline."""
        return float(np.count_nonzero(self.mask)) * self.geometry.voxel_volume_ml * 1000.0

    @property
    def centre_mm(self) -> Points:
        """Centroid, (x, y, z) in LPS."""
        return self.geometry.index_to_patient(np.argwhere(self.mask).mean(axis=0))

    def placed(self) -> PlacedLesion:
        """Return what matching needs of it."""
        radius_mm = (3.0 * self.volume_mm3 / (4.0 * math.pi)) ** (1.0 / 3.0)
        return PlacedLesion(self.name, radius_mm, self.place)


def meeting(
    earlier: Sequence[OutlinedLesion],
    later: Sequence[OutlinedLesion],
    alignment: VisitAlignment,
    *,
    loose_mm: float = 0.0,
) -> Meeting:
    """Return distances and overlaps of the lesions of two visits.

    Parameters
    ----------
    alignment : VisitAlignment
        From the earlier visit to the later one, by outlines of the liver.
    loose_mm : float
        What to add to the tolerance, where the outlines are known to say less.

    Notes
    -----
    Centroids of the earlier visit are moved to the later one. Around each earlier lesion a grid is
    laid, both outlines are looked up on it, the later one through the registration: no image is
    resampled, and no lesion moves the registration.
    """
    shape = (len(earlier), len(later))
    distance, shared, tolerance = (np.zeros(shape) for _ in range(3))
    centres = [one.centre_mm for one in later]
    for i, one in enumerate(earlier):
        moved = alignment.moved_points(one.centre_mm[None])[0]
        loose = _tolerance_mm(one, alignment) + loose_mm
        at = _Sample.about(one)
        moved_at = alignment.moved_points(at.points_mm)
        for j, other in enumerate(later):
            distance[i, j] = float(np.linalg.norm(moved - centres[j]))
            shared[i, j] = _shared(one, other, at, moved_at)
            tolerance[i, j] = loose
    return Meeting(distance, shared, tolerance)


def _tolerance_mm(lesion: OutlinedLesion, alignment: VisitAlignment) -> float:
    """Return how far the registration may be off at a lesion."""
    if lesion.place in ("", "liver"):
        return IN_LIVER_MM
    grid = alignment.grid
    index = grid.patient_to_index(lesion.centre_mm)
    beyond = np.maximum(np.maximum(-index, index - (np.array(grid.shape) - 1)), 0.0)
    away_mm = float(np.linalg.norm(beyond * np.array(grid.spacing_mm)))
    return OUTSIDE_MM + OUTSIDE_PART * away_mm


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Points inside an earlier lesion, each standing for the same volume."""

    points_mm: Points
    volume_mm3: float

    @classmethod
    def about(cls, lesion: OutlinedLesion) -> _Sample:
        """Return points on a regular grid inside a lesion; its centroid where it holds none."""
        found = np.argwhere(lesion.mask)
        corners = np.stack([found.min(axis=0) - 0.5, found.max(axis=0) + 0.5])
        spacing = np.array(lesion.geometry.spacing_mm)
        sizes = (corners[1] - corners[0]) * spacing
        step = max(STEP_MM, float(sizes.max()) / MOST_STEPS)
        counts = np.maximum(np.rint(sizes / step).astype(int), 1)
        axes = [
            low + (np.arange(n) + 0.5) * (high - low) / n
            for low, high, n in zip(corners[0], corners[1], counts, strict=True)
        ]
        index = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        inside = _values(lesion.mask, index)
        if not inside.any():
            return cls(lesion.centre_mm[None], lesion.volume_mm3)
        points = lesion.geometry.index_to_patient(index[inside])
        return cls(points, lesion.volume_mm3 / len(points))


def _shared(one: OutlinedLesion, other: OutlinedLesion, at: _Sample, moved: Points) -> float:
    """Return the volume that both cover, as part of the smaller one."""
    inside = _values(other.mask, other.geometry.patient_to_index(moved))
    both = float(np.count_nonzero(inside)) * at.volume_mm3
    return min(both / min(one.volume_mm3, other.volume_mm3), 1.0)


def _values(mask: Mask, index: Points) -> Mask:
    """Return a mask's values nearest to (n, 3) indices; False outside."""
    near = np.rint(index).astype(int)
    size = np.array(mask.shape)
    inside = ((near >= 0) & (near < size)).all(axis=-1)
    near = np.clip(near, 0, size - 1)
    return np.asarray(mask[tuple(near.T)] & inside, dtype=np.bool_)
