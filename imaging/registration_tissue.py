"""What may drive a registration: the liver about a lesion, without the lesion and without bone."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from imaging.working_grid import STEP_MM, Mask, Values

RIM_MM = 6.0
"""The liver's surface counts, with so much of what lies outside it."""

TUMOUR_MM = 3.0
"""Tumour enhances by itself: it and so much around it count nothing."""

BONE_HU = 160.0
BONE_MM = 4.0
LIKE_HU = 25.0
REFERENCE_MM = (3.0, 10.0)
"""Without a liver mask, liver is what is like the tissue so far outside the lesion and joined to
it."""

LEAST_ML = 20.0
NEIGHBOURHOOD_MM = 25.0


def driving_tissue(fixed: Values, lesion: Mask, tumour: Mask, liver: Mask | None) -> Mask:
    """Mark the voxels of the working grid that are compared.

    Parameters
    ----------
    fixed : (z, y, x) smoothed arterial values
    lesion, tumour : the lesion that is measured, and all lesions of the study
    liver : where it is outlined; else it is found, or all within 25 mm is taken

    Notes
    -----
    Breathing moves the liver and not the spine, so bone never counts (bright vessels go with it).
    """
    if liver is None or not (liver & ~tumour).any():
        liver = _similar(fixed, lesion, tumour)
    bone = _within(fixed >= BONE_HU, BONE_MM)
    region = _within(liver, RIM_MM) & ~_within(tumour, TUMOUR_MM) & ~bone
    return np.asarray(region, dtype=np.bool_)


def _similar(fixed: Values, lesion: Mask, tumour: Mask) -> Mask:
    """Return what is like the tissue around a lesion and joined to it."""
    distance = ndimage.distance_transform_edt(~lesion) * STEP_MM
    near = distance <= NEIGHBOURHOOD_MM
    ring = (distance > REFERENCE_MM[0]) & (distance <= REFERENCE_MM[1]) & ~tumour
    if not ring.any():
        return np.asarray(near, dtype=np.bool_)
    like = (np.abs(fixed - np.median(fixed[ring])) <= LIKE_HU) | tumour
    labels, _ = ndimage.label(ndimage.binary_erosion(like))
    joined = np.unique(labels[(ring | lesion) & (labels > 0)])
    found = ndimage.binary_dilation(np.isin(labels, joined[joined > 0]))
    if (found & ~tumour).sum() * STEP_MM**3 / 1000.0 < LEAST_ML:
        return np.asarray(near, dtype=np.bool_)
    return np.asarray(found, dtype=np.bool_)


def _within(mask: Mask, distance_mm: float) -> Mask:
    """Mark what lies at most so far from a mask."""
    if not mask.any():
        return mask
    near = ndimage.distance_transform_edt(~mask) * STEP_MM <= distance_mm
    return np.asarray(near, dtype=np.bool_)
