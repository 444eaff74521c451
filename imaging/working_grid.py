"""The regular coarse grid on which volumes are compared, and volumes and masks read onto it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from imaging.geometry import VolumeGeometry
from imaging.volume import Volume

Mask = NDArray[np.bool_]
Values = NDArray[np.float32]
Points = NDArray[np.float64]

STEP_MM = 3.0
"""Step of the grid: slices of a liver CT are 2.5 to 5 mm apart, and finer steps show noise."""

SMOOTH_MM = 2.0
SOFT_TISSUE_HU = (-120.0, 180.0)
"""Gas is as dark as fat and bone as bright as a vessel, so that neither outweighs soft tissue."""

SIGNAL_PERCENTILES = (1.0, 99.0)
"""What stands for the soft-tissue window where values have no unit."""


def grid_about(points_mm: Points, like: VolumeGeometry, margin_mm: float) -> VolumeGeometry:
    """Return a grid of 3 mm steps, square to a volume's slices, about some points.

    Parameters
    ----------
    points_mm : (n, 3) in LPS mm
    like : its slices and rows give the directions; a gantry tilt is not followed
    margin_mm : how far the grid reaches beyond the points
    """
    normal = like.normal
    along = like.affine[:3, 2] / np.linalg.norm(like.affine[:3, 2])
    axes = np.stack([normal, np.cross(along, -normal), along], axis=1)
    placed = points_mm @ axes
    low, high = placed.min(axis=0) - margin_mm, placed.max(axis=0) + margin_mm
    z, y, x = (math.ceil(extent / STEP_MM) + 1 for extent in high - low)
    affine = np.eye(4)
    affine[:3, :3] = axes * STEP_MM
    affine[:3, 3] = axes @ low
    return VolumeGeometry(affine, (z, y, x))


def grown(grid: VolumeGeometry, voxels: int) -> VolumeGeometry:
    """Return a grid with so many more voxels on every side."""
    affine = grid.affine.copy()
    affine[:3, 3] = grid.index_to_patient([-voxels] * 3)
    z, y, x = (size + 2 * voxels for size in grid.shape)
    return VolumeGeometry(affine, (z, y, x))


def grid_points(grid: VolumeGeometry) -> Points:
    """Return the centres of a grid's voxels, (z, y, x, 3) in LPS mm."""
    axes = [np.arange(size, dtype=np.float64) for size in grid.shape]
    return grid.index_to_patient(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1))


def window_of(volume: Volume) -> tuple[float, float]:
    """Return the values between which a volume is compared."""
    if volume.unit == "HU":
        return SOFT_TISSUE_HU
    counted = volume.array if volume.padding is None else volume.array[~volume.padding]
    low, high = np.percentile(counted[:: max(1, len(counted) // 16)], SIGNAL_PERCENTILES)
    return float(low), float(max(high, low + 1.0))


def read_onto(volume: Volume, grid: VolumeGeometry) -> tuple[Values, Mask]:
    """Return a volume smoothed by 2 mm on a grid, and where the volume has values.

    Returns
    -------
    (z, y, x) float32 array
        Within the window of `window_of`; for signal scaled to that of soft tissue.
    (z, y, x) bool array
    """
    geometry = volume.geometry
    index = geometry.patient_to_index(grid_points(grid))
    flat = index.reshape(-1, 3)
    start = np.clip(np.floor(flat.min(axis=0)).astype(int) - 3, 0, None)
    stop = np.minimum(np.ceil(flat.max(axis=0)).astype(int) + 4, geometry.shape)
    if (stop - start < 1).any():
        return np.zeros(grid.shape, np.float32), np.zeros(grid.shape, bool)
    box = tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    low, high = window_of(volume)
    part = np.clip(volume.array[box], low, high).astype(np.float32)
    inside: Mask = np.all((index >= -0.5) & (index <= np.array(geometry.shape) - 0.5), axis=-1)
    if volume.padding is not None:
        inside &= ~_nearest(volume.padding[box], index - start)
    if volume.unit != "HU":
        soft_low, soft_high = SOFT_TISSUE_HU
        part = (part - low) * ((soft_high - soft_low) / (high - low)) + soft_low
    spacing = np.array(geometry.spacing_mm)
    bins = np.minimum(np.maximum(1, np.floor(0.75 * STEP_MM / spacing)).astype(int), part.shape)
    part = _binned(part, bins)
    # averaging over a bin has smoothed already, with the variance of a box
    rest = np.sqrt(np.maximum(SMOOTH_MM**2 - (bins * spacing) ** 2 / 12.0, 0.0))
    part = ndimage.gaussian_filter(part, rest / (bins * spacing), mode="nearest", truncate=3.0)
    at = (index - start - (bins - 1) / 2.0) / bins
    values = ndimage.map_coordinates(part, np.moveaxis(at, -1, 0), order=1, mode="nearest")
    return values, inside


def mask_onto(mask: Mask, geometry: VolumeGeometry, grid: VolumeGeometry) -> Mask:
    """Return a mask on a grid: each voxel has the value of the nearest one of the mask."""
    return _nearest(mask, geometry.patient_to_index(grid_points(grid)))


def _nearest(mask: Mask, index: Points) -> Mask:
    """Return the mask's values nearest to (..., 3) indices; False outside."""
    near = np.rint(index).astype(int)
    size = np.array(mask.shape)
    inside = ((near >= 0) & (near < size)).all(axis=-1)
    near = np.clip(near, 0, size - 1)
    return np.asarray(mask[tuple(np.moveaxis(near, -1, 0))] & inside, dtype=np.bool_)


def _binned(array: Values, bins: NDArray[np.int64]) -> Values:
    """Return means over bins of voxels; what does not fill a bin at the end is left out."""
    z, y, x = (size // step for size, step in zip(array.shape, bins, strict=True))
    a, b, c = bins.tolist()
    cut = array[: z * a, : y * b, : x * c].reshape(z, a, y, b, x, c)
    return np.asarray(cut.mean(axis=(1, 3, 5)), dtype=np.float32)
