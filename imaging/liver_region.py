"""The liver of a portal-venous CT, roughly: good enough to find room for planted lesions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from imaging.volume import Volume

LIVER_HU = (
    80.0,
    130.0,
)  # portal venous; unenhanced liver, muscle and bowel lie below, vessels above
OPENING_MM = 6.0  # parts the liver from stomach wall, heart, muscle and spleen
CLOSING_MM = 8.0  # bridges the vessels in it
COARSE = 2  # every second row and column is enough for a region
LEAST_ML = 200.0
EVEN_MM, EVEN_HU = 8.0, 20.0  # a mean over 8 mm further off the median is tumour, hilum or fat


class LiverNotFoundError(ValueError):
    """No large region of liver-like attenuation; the message says which series and what to do."""


def find_liver_region(volume: Volume) -> NDArray[np.bool_]:
    """Largest even region of 80 to 130 HU in the patient's right half, as (z, y, x) bool array.

    Parameters
    ----------
    volume : Volume
        A portal-venous CT in HU on axial slices.

    Raises
    ------
    LiverNotFoundError
        If the values have no unit HU, or no such region of 200 ml is there.

    Notes
    -----
    Smoothed by 1.5 mm, opened by 6 mm, closed by 8 mm. No segmentation to measure with: it
    misses the capsule and holds vessels and whatever tumour looks like liver.
    """
    if volume.unit != "HU":
        msg = f"{volume.volume_id}: values are no HU; lesions can be planted in CT only"
        raise LiverNotFoundError(msg)
    smooth = _smooth(volume, 1.5)[:, ::COARSE, ::COARSE]
    z, y, x = volume.geometry.spacing_mm
    spacing = (z, y * COARSE, x * COARSE)
    body = np.flatnonzero((smooth > -150).any(axis=(0, 1)))
    middle = float(np.mean(body)) if body.size else smooth.shape[2] / 2.0
    like = (smooth > LIVER_HU[0]) & (smooth < LIVER_HU[1])
    kernel = _largest_right(_deeper(like, OPENING_MM, spacing), _right_half(volume, middle))
    region = like & _within(kernel, OPENING_MM, spacing)
    # vessels belong to the liver: closed by 8 mm, but not over fat
    closed = _deeper(_within(region, CLOSING_MM, spacing), CLOSING_MM, spacing)
    region |= closed & (smooth > LIVER_HU[0])
    fine = region.repeat(COARSE, axis=1).repeat(COARSE, axis=2)
    fine = fine[:, : volume.geometry.shape[1], : volume.geometry.shape[2]]
    volume_ml = float(fine.sum()) * volume.geometry.voxel_volume_ml
    if volume_ml < LEAST_ML:
        msg = (
            f"{volume.volume_id}: the largest region of {LIVER_HU[0]:.0f} to {LIVER_HU[1]:.0f} HU "
            f"has {volume_ml:.0f} ml, a liver at least {LEAST_ML:.0f}. "
            "Choose a portal-venous CT series of the whole liver."
        )
        raise LiverNotFoundError(msg)
    return np.asarray(fine, dtype=bool)


def even_liver(volume: Volume, liver: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Liver without what is uneven on a scale of 8 mm: hilum, tumour, edge; vessels stay."""
    smooth = _smooth(volume, EVEN_MM)
    middle = float(np.median(volume.array[liver]))
    return np.asarray(liver & (np.abs(smooth - middle) <= EVEN_HU), dtype=bool)


def _smooth(volume: Volume, sd_mm: float) -> NDArray[np.float32]:
    """Gaussian smoothing by mm, of values cut to -200..300 HU so bone and gas do not bleed far."""
    sigma = [sd_mm / step for step in volume.geometry.spacing_mm]
    cut = np.clip(volume.array, -200, 300).astype(np.float32)
    return np.asarray(ndimage.gaussian_filter(cut, sigma, truncate=3.0), dtype=np.float32)


def _right_half(volume: Volume, middle: float) -> slice:
    """Columns on the patient's right of the middle of the body."""
    to_left = volume.geometry.affine[0, 2] > 0  # columns run to the patient's left
    return slice(0, int(middle)) if to_left else slice(int(middle), None)


def _largest_right(parts: NDArray[np.bool_], right: slice) -> NDArray[np.bool_]:
    """Return the connected part that has most voxels in the right half; nothing if none has."""
    labels, count = ndimage.label(parts)
    sizes = np.bincount(labels[:, :, right].ravel(), minlength=count + 1)
    sizes[0] = 0
    return np.asarray((labels == sizes.argmax()) & (labels > 0), dtype=bool)


def _deeper(
    mask: NDArray[np.bool_], by_mm: float, spacing: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """Voxels that lie deeper in a mask than a distance; the end of the scan counts as inside."""
    return np.asarray(ndimage.distance_transform_edt(mask, sampling=spacing) > by_mm, dtype=bool)


def _within(
    mask: NDArray[np.bool_], by_mm: float, spacing: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """Voxels at most a distance from a mask."""
    if not mask.any():
        return mask
    return np.asarray(ndimage.distance_transform_edt(~mask, sampling=spacing) <= by_mm, dtype=bool)
