"""One visit onto another by the outline of the liver: for points and masks, never for an image."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from imaging import local_displacement as local
from imaging.geometry import VolumeGeometry
from imaging.local_displacement import Field
from imaging.rigid_start import rigid_field
from imaging.working_grid import STEP_MM, Mask, Points, Values, grid_about, grown, mask_onto

MARGIN_MM = 15.0
REACH = 12
DEEPEST_MM = 20.0
"""Depth in the liver is compared up to here: what is deeper looks alike."""

BAND_MM = 12.0
"""Voxels so near the surface drive the registration."""

SCALE = 5.0
"""Depth in mm times this has slopes like those of soft tissue in HU."""

WINDOWS_MM = (25.0, 25.0, 25.0)
FEWEST_VOXELS = 1000


@dataclass(frozen=True, slots=True, eq=False)
class VisitAlignment:
    """Where points of one visit lie in another.

    Parameters
    ----------
    residual_mm : mean distance that is left between the two outlines of the liver
    grid, field : the working grid of the first visit, and (3, z, y, x) mm along its axes
    shift_mm : (x, y, z) in LPS
        From the middle of the liver of the first visit to that of the other.
    """

    residual_mm: float
    grid: VolumeGeometry
    field: Field
    shift_mm: Points

    def moved_points(self, points_mm: Points) -> Points:
        """Return where in the other visit points of the first lie, (..., 3) LPS mm."""
        at = np.moveaxis(self.grid.patient_to_index(points_mm), -1, 0)
        moved = [ndimage.map_coordinates(part, at, order=1, mode="nearest") for part in self.field]
        axes = self.grid.affine[:3, :3] / STEP_MM
        return np.asarray(points_mm + self.shift_mm + np.stack(moved, -1) @ axes.T, np.float64)

    def fetched_mask(self, mask: Mask, geometry: VolumeGeometry, grid: VolumeGeometry) -> Mask:
        """Return a mask of the other visit on a grid of the first: for matching, not measuring."""
        index = np.moveaxis(np.indices(grid.shape), 0, -1)
        points = self.moved_points(grid.index_to_patient(index))
        near = np.rint(geometry.patient_to_index(points)).astype(int)
        size = np.array(mask.shape)
        inside = np.all((near >= 0) & (near < size), axis=-1)
        near = np.clip(near, 0, size - 1)
        return np.asarray(mask[tuple(np.moveaxis(near, -1, 0))] & inside, dtype=np.bool_)


class LiverOutlineError(ValueError):
    """A liver mask is too small to register visits by it."""


def align_visits(
    first: Mask, first_geometry: VolumeGeometry, other: Mask, other_geometry: VolumeGeometry
) -> VisitAlignment:
    """Return where points of one visit lie in another, by the outlines of the liver.

    Parameters
    ----------
    first, other : (z, y, x) bool arrays
        The liver with its lesions in it, at the two visits.

    Raises
    ------
    LiverOutlineError
        If one of the outlines has less than some 30 ml.

    Notes
    -----
    Rotation and shift, then a smooth deformation with windows of 25 mm, on maps of the depth in the
    liver: what grows or shrinks inside it cannot be matched away.
    """
    inside = np.argwhere(first)
    here, there = (
        geometry.index_to_patient(np.argwhere(mask))
        for mask, geometry in ((first, first_geometry), (other, other_geometry))
    )
    if not len(inside) or not len(there):
        raise LiverOutlineError(_empty(len(here), len(there)))
    shift = there.mean(axis=0) - here.mean(axis=0)
    grid = grid_about(here, first_geometry, MARGIN_MM)
    fixed = _depth(first, first_geometry, grid)
    moving = _depth(other, _moved(other_geometry, -shift), grown(grid, REACH))
    if min(np.count_nonzero(fixed > 0), np.count_nonzero(moving > 0)) < FEWEST_VOXELS:
        raise LiverOutlineError(_empty(len(here), len(there)))
    weight = (np.abs(fixed) <= BAND_MM * SCALE).astype(np.float32)
    start = np.zeros((3, *grid.shape), np.float32)
    field = rigid_field(fixed, weight, moving, np.ones_like(moving), REACH, start)
    for window in WINDOWS_MM:
        moved = local.warped(moving, field, REACH)
        field = field + local.step(fixed, moved, weight, window)
    left = local.warped(moving, field, REACH) - fixed
    surface = np.abs(fixed) <= STEP_MM * SCALE
    residual = float(np.abs(left[surface]).mean()) / SCALE
    return VisitAlignment(residual, grid, np.round(field, 2), shift)


def _depth(liver: Mask, geometry: VolumeGeometry, grid: VolumeGeometry) -> Values:
    """Return the depth in the liver on a grid, negative outside, in mm times the scale."""
    here = mask_onto(liver, geometry, grid)
    within = ndimage.distance_transform_edt(here) - ndimage.distance_transform_edt(~here)
    depth = np.clip(within * STEP_MM, -DEEPEST_MM, DEEPEST_MM) * SCALE
    return np.asarray(ndimage.gaussian_filter(depth, 0.7), dtype=np.float32)


def _moved(geometry: VolumeGeometry, by_mm: Points) -> VolumeGeometry:
    """Return a grid that lies elsewhere."""
    affine = geometry.affine.copy()
    affine[:3, 3] += by_mm
    return replace(geometry, affine=affine)


def _empty(*voxels: int) -> str:
    """Say that an outline is too small."""
    return (
        f"the outlines of the liver hold {voxels[0]} and {voxels[1]} voxels, too few to register "
        "the visits by. Draw the whole liver at both, or match the lesions in matches.csv."
    )
