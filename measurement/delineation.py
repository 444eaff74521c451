"""How much of a lesion's border can be seen: inside against outside, place by place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from imaging.volume import Volume
from measurement.outline import Mask
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
        None where other lesions, padding or the end of the scan lie along most of the border.

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
    counted, clear = np.zeros_like(border), np.zeros_like(border)
    for volume in _compared(images):
        usable = np.ones_like(lesion) if volume.padding is None else ~volume.padding
        seen, differs = _differs(
            volume, inside & usable, outside & usable, _least(volume, outside, settings)
        )
        counted |= seen & border
        clear |= differs & border
    if counted.sum() < COUNTED_PART * border.sum():
        return None
    return 100.0 * float(clear.sum()) / float(counted.sum())


def _compared(images: LesionImages) -> list[Volume]:
    """Return the phases in which a border may show."""
    first = images.arterial if images.arterial is not None else images.image
    return [first] if images.late is None else [first, images.late]


def _least(volume: Volume, around: Mask, settings: MeasurementSettings) -> float:
    """Return the least difference that counts in a volume."""
    if volume.unit == "HU":
        return settings.viable.least_enhancement
    beside = volume.array[around]
    level = float(np.median(beside)) if beside.size else 0.0
    return settings.viable.least_enhancement_part * abs(level)


def _differs(
    volume: Volume, inside: Mask, outside: Mask, least: float
) -> tuple[Mask, NDArray[np.bool_]]:
    """Return where both sides have tissue, and where they differ for sure."""
    sigma = WINDOW_MM / np.array(volume.geometry.spacing_mm)
    values = volume.array.astype(np.float64)
    within, share, few = _mean(values, inside, sigma)
    beside, other, fewer = _mean(values, outside, sigma)
    seen = (share > LEAST_WEIGHT) & (other > LEAST_WEIGHT)
    left = (values - beside)[outside & (other > LEAST_WEIGHT)]
    spread = 1.4826 * float(np.median(np.abs(left - np.median(left)))) if left.size else 0.0
    error = CORRELATED * spread * np.sqrt(few + fewer)
    differs = seen & (np.abs(within - beside) >= np.maximum(least, CERTAIN_SD * error))
    return seen, differs


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
