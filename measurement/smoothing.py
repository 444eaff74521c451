"""Gaussian means inside a region, and what noise is left of them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from measurement.crop import Mask, bounding_box

Spacing = tuple[float, float, float]
Values = NDArray[np.float64]


def smoothed_within(values: Values, region: Mask, spacing_mm: Spacing, width_mm: float) -> Values:
    """Gaussian mean over the region alone, so that nothing outside bleeds into it.

    ``width_mm`` is the SD of the Gaussian; outside the region the result is zero.
    """
    smooth = np.zeros(region.shape)
    box = bounding_box(region)
    part = region[box]
    inside = np.where(part, values[box], 0.0)
    if width_mm > 0.0:
        sigma = [width_mm / step for step in spacing_mm]
        weight = ndimage.gaussian_filter(
            part.astype(np.float64), sigma, mode="constant", truncate=3.0
        )
        total = ndimage.gaussian_filter(inside, sigma, mode="constant", truncate=3.0)
        inside = np.where(part, total / np.maximum(weight, 1e-12), 0.0)
    smooth[box] = inside
    return smooth


def robust_sd(values: Values) -> float:
    """SD that a few vessels do not move: 1.4826 x the median distance to the median."""
    if values.size == 0:
        return math.nan
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def part_response(width_mm: float, part_mm: float = 10.0) -> float:
    """Value that smoothing leaves in the middle of a ball of height 1: 10 mm unless stated."""
    x = 0.5 * part_mm / width_mm
    return math.erf(x / math.sqrt(2.0)) - math.sqrt(2.0 / math.pi) * x * math.exp(-0.5 * x * x)


def equivalent_noise(noise_at: float, width_mm: float, spacing_mm: Spacing) -> float:
    """SD per voxel of white noise that would leave the same after smoothing."""
    kept = 1.0
    for step in spacing_mm:
        reach = int(4.0 * width_mm / step) + 1
        weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) * step / width_mm) ** 2)
        weights /= weights.sum()
        kept *= float(np.square(weights).sum())
    return noise_at / math.sqrt(kept)
