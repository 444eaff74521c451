"""How far one image lies from another, place by place: windowed least squares on gradients.

SimpleITK's deformable metrics need 10 to 40 s for a lesion's surroundings on one core (B-spline of
30 mm with correlation, 34,000 voxels); this takes a tenth of a second a step. It is the method of
Lucas and Kanade (IJCAI 1981:674) with Gaussian windows, in which the mean difference of the two
images is left free in every window: enhancement of a whole organ does not move it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from imaging.grid_sampling import BIN, at_voxels, bin_sums, displaced_values
from imaging.working_grid import STEP_MM, Mask, Values

Field = NDArray[np.float32]
"""(3, z, y, x) displacement in mm along the grid's axes (slices, rows, columns)."""

OUTLIER = 3.0
"""Differences beyond so many robust SD (vessels and kidneys that enhance) count little."""

LEAST_SCALE = 12.0
PRIOR = 0.4
"""Keeps a place without edges where it is: the mean square of a gradient, in HU^2 per mm^2."""


def warped(moving: Values, field: Field, reach: int) -> Values:
    """Return the moving image at the places to which a field points.

    Parameters
    ----------
    moving : on the grid of the field, grown by ``reach`` voxels on every side
    """
    image, to = np.ascontiguousarray(moving), np.ascontiguousarray(field)  # compiled for these
    return displaced_values(image, to, STEP_MM, reach)


def step(
    fixed: Values, moved: Values, weight: Values, window_mm: float, *, noise_prior: float = 0.0
) -> Field:
    """Return by how much further the moved image has to go to meet the fixed one.

    Parameters
    ----------
    weight : (z, y, x), 0 where nothing is to be compared
    window_mm : SD of the Gaussian window that shares one displacement
    noise_prior : adds so many times the slopes of noise to the prior: where images hold little
        but noise, nothing moves; elsewhere it takes more steps
    """
    gradient: Field = np.stack(np.gradient(0.5 * (fixed + moved), STEP_MM)).astype(np.float32)
    difference = fixed - moved
    weight = weight * inlier(difference, weight, window_mm)
    share = _windowed(weight, window_mm) + np.float32(1e-6)
    mean = _windowed(weight * difference, window_mm) / share
    means = [_windowed(weight * part, window_mm) / share for part in gradient]
    matrix = np.empty((*share.shape, 3, 3), np.float64)
    right = np.empty((*share.shape, 3), np.float64)
    for i in range(3):
        product = _windowed(weight * gradient[i] * difference, window_mm)
        right[..., i] = product - share * means[i] * mean
        for j in range(i, 3):
            product = _windowed(weight * gradient[i] * gradient[j], window_mm)
            matrix[..., i, j] = matrix[..., j, i] = product - share * means[i] * means[j]
    prior = PRIOR + noise_prior * (_noise(difference, weight) if noise_prior else 0.0)
    matrix[..., range(3), range(3)] += prior
    coarse = np.moveaxis(np.linalg.solve(matrix, right[..., None])[..., 0], -1, 0)
    return at_voxels(coarse.astype(np.float32), fixed.shape)


def _noise(difference: Values, weight: Values) -> float:
    """Return the median squared slope of a difference along an axis: that of noise, if aligned."""
    used = weight > 0
    if not used.any():
        return 0.0
    along: list[Values] = list(np.gradient(difference, STEP_MM))
    slopes = [float(np.median(np.square(part[used]))) for part in along]
    return float(np.mean(slopes))


def inlier(difference: Values, weight: Values, window_mm: float) -> Values:
    """Return how much each voxel counts: less where it differs far more than its surroundings."""
    share = _windowed(weight, window_mm) + np.float32(1e-6)
    mean = _windowed(weight * difference, window_mm) / share
    off = difference - at_voxels(mean[None], difference.shape)[0]
    used = np.abs(off[weight > 0])
    scale = max(OUTLIER * 1.4826 * float(np.median(used)), LEAST_SCALE) if used.size else 1.0
    return np.asarray(1.0 / (1.0 + np.square(off / np.float32(scale))), dtype=np.float32)


def centred(difference: Values, weight: Values, window_mm: float) -> Values:
    """Return a difference less its mean in a window about each voxel."""
    share = _windowed(weight, window_mm) + np.float32(1e-6)
    mean = _windowed(weight * difference, window_mm) / share
    return np.asarray(difference - at_voxels(mean[None], difference.shape)[0], dtype=np.float32)


def checkerboard(shape: tuple[int, int, int], voxels: int) -> Mask:
    """Mark every second of the cubes of so many voxels that fill a grid."""
    z, y, x = (np.arange(size) // voxels for size in shape)
    return np.asarray((z[:, None, None] + y[None, :, None] + x) % 2 == 0, dtype=np.bool_)


def _windowed(values: Values, window_mm: float) -> Values:
    """Return means over bins, as windows are far wider, smoothed; zero beyond the grid."""
    binned = (bin_sums(values) / BIN**3).astype(np.float32)
    sigma = window_mm / (BIN * STEP_MM)
    return np.asarray(
        ndimage.gaussian_filter(binned, sigma, mode="constant", truncate=2.5), dtype=np.float32
    )
