"""Volumes of masks, and what their edge leaves uncertain."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from imaging.geometry import VolumeGeometry
from measurement.crop import Mask


def volume_ml(region: Mask, geometry: VolumeGeometry) -> float:
    """Volume of a region: its voxels times the volume of one.

    Examples
    --------
    >>> grid = VolumeGeometry.upright(shape=(2, 10, 10), spacing_mm=(5.0, 1.0, 1.0))
    >>> round(volume_ml(np.ones(grid.shape, dtype=bool), grid), 6)
    1.0
    """
    return float(np.count_nonzero(region)) * geometry.voxel_volume_ml


def enhancing_fraction(viable: Mask, whole: Mask) -> float:
    """Part of the whole lesion that is viable (qEASL), from 0 to 1; NaN for an empty lesion."""
    total = np.count_nonzero(whole)
    return float(np.count_nonzero(viable & whole)) / total if total else math.nan


def volume_uncertainty_ml(region: Mask, geometry: VolumeGeometry, *, shift_mm: float) -> float:
    """Return the standard uncertainty of a volume whose surface is off by a shift of this SD.

    Notes
    -----
    Surface, counted in the slices (perimeter times slice spacing), times the shift; voxels that
    the edge cuts at random average out and are left out.
    """
    inner = region & ~ndimage.binary_erosion(region, np.ones((1, 3, 3), dtype=bool))
    step = math.sqrt(geometry.spacing_mm[1] * geometry.spacing_mm[2])
    surface_mm2 = np.count_nonzero(inner) * step * geometry.slice_spacing_mm
    return float(surface_mm2 * shift_mm / 1000.0)


def holes_filled(region: Mask) -> Mask:
    """Region with its holes filled, slice by slice; separate islands are not joined."""
    filled = region.copy()
    for index in np.flatnonzero(region.any(axis=(1, 2))):
        filled[index] = ndimage.binary_fill_holes(region[index])
    return filled
