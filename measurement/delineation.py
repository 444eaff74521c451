"""How much of a lesion's border can be seen: inside against outside, place by place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from imaging.volume import Volume
from measurement.crop import Mask
from measurement.reading import LesionImages, MeasurementSettings

Values = NDArray[np.float64]

INSIDE_MM = 4.0
OUTSIDE_MM = (1.0, 5.0)
"""Tissue is compared up to so deep in the lesion, and from here to there outside its outline."""

WINDOW_MM = 2.5
"""SD of the Gaussian window that stands for one place of the border."""

CERTAIN_SD = 3.0
CORRELATED = 2.0
"""Noise of neighbouring voxels is alike: means are this much less sure than of white noise."""

LEAST_WEIGHT = 0.02
COUNTED_PART = 0.5
"""A border of which less than this part has tissue beside it is not judged."""

HIDDEN_PART = 0.25
"""Nor is one that noise may hide along more than this part."""


def clear_border_percent(images: LesionImages, settings: MeasurementSettings) -> float | None:
    """Part of a lesion's border along which it stands out from what is beside it, in percent.

    Parameters
    ----------
    images : LesionImages
        On one grid, cut to the lesion's surroundings.
    settings : MeasurementSettings
        The least difference that counts is the least enhancement that does.

    Returns
    -------
    float or None
        None where other lesions, padding or the end of the scan lie along most of the border, or
        noise would hide the least difference along more than a quarter of it.

    Notes
    -----
    At every voxel of the border the mean of the lesion within 4 mm of its outline is compared with
    that of the tissue 1 to 5 mm outside, in a Gaussian window. The border is clear there if the two
    differ by 10 HU (of signal: by the part of the liver that counts as enhancement) and by three
    standard errors, in the arterial or the portal venous or delayed phase. A border that fades out
    over centimetres is not clear, as both sides look alike.
    """
    lesion = images.lesion.array
    spacing = images.image.geometry.spacing_mm
    within = ndimage.distance_transform_edt(lesion, sampling=spacing)
    beyond = ndimage.distance_transform_edt(~lesion, sampling=spacing)
    border = lesion & ~ndimage.binary_erosion(lesion)
    inside = lesion & (within <= INSIDE_MM)
    outside = (beyond > OUTSIDE_MM[0]) & (beyond <= OUTSIDE_MM[1])
    if images.other_lesions is not None:
        outside &= ~images.other_lesions
    counted, clear, sure = (np.zeros_like(border) for _ in range(3))
    least = _least(images, outside, settings)
    for volume in _compared(images):
        usable = np.ones_like(lesion) if volume.padding is None else ~volume.padding
        seen, differs, would = _differs(volume, inside & usable, outside & usable, least)
        counted |= seen & border
        clear |= differs & border
        sure |= would & border
    hidden = counted & ~clear & ~sure
    if counted.sum() < COUNTED_PART * border.sum() or hidden.sum() > HIDDEN_PART * counted.sum():
        return None
    return 100.0 * float(clear.sum()) / float(counted.sum())


def _compared(images: LesionImages) -> list[Volume]:
    """Return the images in which a border may show: every phase, and the enhancement."""
    arterial, native = images.arterial, images.native
    first = arterial if arterial is not None else images.image
    found = [one for one in (first, native, images.late) if one is not None]
    if arterial is not None and native is not None:
        rise = arterial.array.astype(np.float32) - native.array.astype(np.float32)
        parts = [one.padding for one in (arterial, native) if one.padding is not None]
        padding = np.logical_or.reduce(parts) if parts else None
        found.append(replace(arterial, array=rise, padding=padding))
    return found


def _least(images: LesionImages, around: Mask, settings: MeasurementSettings) -> float:
    """Return the least difference that counts."""
    image = images.image
    if image.unit == "HU":
        return settings.viable.least_enhancement
    beside = image.array[around]
    level = float(np.median(beside)) if beside.size else 0.0
    return settings.viable.least_enhancement_part * abs(level)


def _differs(volume: Volume, inside: Mask, outside: Mask, least: float) -> tuple[Mask, Mask, Mask]:
    """Return where both sides have tissue, where they differ for sure, and where it would show."""
    sigma = WINDOW_MM / np.array(volume.geometry.spacing_mm)
    values = volume.array.astype(np.float64)
    within, share, few = _mean(values, inside, sigma)
    beside, other, fewer = _mean(values, outside, sigma)
    seen = (share > LEAST_WEIGHT) & (other > LEAST_WEIGHT)
    left = (values - beside)[outside & (other > LEAST_WEIGHT)]
    spread = 1.4826 * float(np.median(np.abs(left - np.median(left)))) if left.size else 0.0
    error = CERTAIN_SD * CORRELATED * spread * np.sqrt(few + fewer)
    differs = seen & (np.abs(within - beside) >= np.maximum(least, error))
    return seen, differs, seen & (error <= least)


def _mean(values: Values, region: Mask, sigma: Values) -> tuple[Values, Values, Values]:
    """Return local means over a region, the share of the window in it, and their variance.

    The variance is that of white noise of SD 1: the sum of squared weights by their squared sum.
    """
    part = region.astype(np.float64)
    share = ndimage.gaussian_filter(part, sigma, mode="constant")
    total = np.maximum(share, 1e-6)
    mean = ndimage.gaussian_filter(part * values, sigma, mode="constant") / total
    # a Gaussian squared is one of SD by the root of 2, and of this height
    height = 1.0 / np.prod(2.0 * np.sqrt(np.pi) * sigma)
    squared = height * ndimage.gaussian_filter(part, sigma / np.sqrt(2.0), mode="constant")
    return mean, share, squared / np.square(total)
