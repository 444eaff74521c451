"""Aorta and liver of a CT, found in a few slices: enough for a median, not to measure with.

What is found is weak evidence (`imaging.phase_content`): a liver full of tumour, an aneurysm or
scoliosis leads astray. Where a region is not plainly there, nothing is returned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]
Point = tuple[float, float]

PIXEL_MM = 2.0
"""Slices are averaged to pixels of about this size: medians need no more."""
_SMOOTH_MM = 2.5
_BODY_HU = -250.0
_BONE_HU = 150.0
_LEAST_BODY_MM = 150.0
_SPINE_MM2, _SPINE_OFF_MIDDLE_MM = 250.0, 45.0
_AORTA_RADIUS_MM = 5.5
"""Of the disc that must be even: the abdominal aorta is 15 to 25 mm wide, its wall excluded."""
_RING_MM = (14.0, 17.0)
_DARKER_HU = 25.0
_DARKER_SHARE = (0.25, 0.5)
"""Share of the ring around the disc that must be darker, below and above 100 HU: fat and crus
surround the aorta, while stomach and bowel are wider than the ring."""
_BRIGHT_HU = 100.0
_AHEAD_MM = (24.0, 56.0)
_TO_LEFT_MM = (-14.0, 32.0)
"""Where the aorta lies before the middle of the vertebra, and to the left of it."""
_EVEN_HU, _EVEN_SHARE = 16.0, 0.10
_AORTA_HU = (20.0, 650.0)
_WANDERS_MM = 8.0
_LEAST_DISCS, _MOST_SLICES = 3, 0.6
_SPREAD_HU, _SPREAD_SHARE = 12.0, 0.15
_LIVER_HU = (-15.0, 190.0)
_LIVER_DEEP_MM = 9.0
_LIVER_MM2 = 1200.0
"""Area deeper than 9 mm inside even soft tissue on the right; muscle and bowel are thinner."""
_LIVER_BAND_HU = 14.0


@dataclass(frozen=True, slots=True)
class OrganSlice:
    """One slice of a body, coarse and smooth: columns to the patient's left, rows to the back.

    Parameters
    ----------
    image : (y, x) array
        HU; -1000 outside the body.
    pixel_mm : (row, column) spacing
    middle : float
        Column of the middle of the body.
    spine : (row, column) of the vertebra, None where there is none
    liver_area_mm2 : float
        How much liver the slice seems to show; 0 where none.
    liver_hu : array
        Its values.
    """

    image: Image
    pixel_mm: Point
    middle: float
    spine: Point | None
    liver_area_mm2: float = 0.0
    liver_hu: Image | None = None


def organ_slice(
    values: NDArray[np.int16] | NDArray[np.float32], pixel_mm: Point, *, to_left: bool
) -> OrganSlice | None:
    """Return what a slice shows of body, spine and liver; None where there is no body on it.

    Parameters
    ----------
    values : (y, x) array
        HU; padding as -1000; rows run to the back.
    pixel_mm : (row, column) spacing
    to_left : bool
        Whether columns run to the patient's left.
    """
    image, pixel_mm = _coarse(values, pixel_mm)
    cut = np.clip(image if to_left else image[:, ::-1], -300, 800)
    smooth = ndimage.gaussian_filter(cut, [_SMOOTH_MM / 2 / step for step in pixel_mm])
    labels, count = ndimage.label(smooth > _BODY_HU)
    if count == 0:
        return None
    body = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    columns, rows = np.flatnonzero(body.any(axis=0)), np.flatnonzero(body.any(axis=1))
    if (columns[-1] - columns[0]) * pixel_mm[1] < _LEAST_BODY_MM:
        return None
    middle = float(columns[0] + columns[-1]) / 2
    inside = np.where(ndimage.binary_fill_holes(body), smooth, np.float32(-1000))
    spine = _spine(inside, pixel_mm, middle, (float(rows[0]), float(rows[-1])))
    found = OrganSlice(np.asarray(inside, dtype=np.float32), pixel_mm, middle, spine)
    part = _liver_part(found)
    return found if part is None else replace(found, liver_area_mm2=part[0], liver_hu=part[1])


def organ_values(slices: Sequence[OrganSlice | None]) -> tuple[float | None, float | None]:
    """Return the attenuation of aorta and liver in HU; None for what is not plainly there.

    Parameters
    ----------
    slices : as of `organ_slice`
        Axial, some centimetres apart, all of one volume.

    Notes
    -----
    Aorta: the brightest even disc of 11 mm before the spine that stands at about one place on most
    slices of the liver, as bowel with oral contrast does not, and with darker tissue around it.
    Liver: the most frequent value of the largest deep soft tissue on the patient's right.
    """
    # beside the liver alone: chest and pelvis hold other bright discs
    seen = [one for one in slices if one is not None and one.liver_hu is not None]
    return _aorta(seen), _liver(seen)


def _coarse(
    values: NDArray[np.int16] | NDArray[np.float32], pixel_mm: Point
) -> tuple[Image, Point]:
    """Return a slice averaged to about 2 mm, and its pixel size."""
    steps = [max(1, round(PIXEL_MM / step)) for step in pixel_mm]
    rows, columns = (n // step * step for n, step in zip(values.shape, steps, strict=True))
    blocks = values[:rows, :columns].astype(np.float32)
    blocks = blocks.reshape(rows // steps[0], steps[0], columns // steps[1], steps[1])
    return blocks.mean(axis=(1, 3)), (pixel_mm[0] * steps[0], pixel_mm[1] * steps[1])


def _spine(image: Image, pixel_mm: Point, middle: float, rows: Point) -> Point | None:
    """Return (row, column) of the middle of the vertebra: the bone at the back near the middle."""
    back = round((rows[0] + rows[1]) / 2 - 0.1 * (rows[1] - rows[0]))
    near = round(_SPINE_OFF_MIDDLE_MM / pixel_mm[1])
    bone = np.zeros(image.shape, dtype=bool)
    low, high = max(0, round(middle) - near), round(middle) + near + 1
    bone[back:, low:high] = image[back:, low:high] > _BONE_HU
    labels, count = ndimage.label(ndimage.binary_closing(bone, iterations=2))
    if count == 0:
        return None
    sizes = np.bincount(labels.ravel())[1:]
    if sizes.max() * pixel_mm[0] * pixel_mm[1] < _SPINE_MM2:
        return None
    row, column = np.median(np.argwhere(labels == sizes.argmax() + 1), axis=0)
    return float(row), float(column)


def _aorta(slices: Sequence[OrganSlice]) -> float | None:
    """Return the median attenuation of the brightest even disc that stands on most slices."""
    spines = np.array([one.spine for one in slices if one.spine is not None])
    if len(slices) < _LEAST_DISCS or not len(spines):
        return None
    row, column = np.median(spines, axis=0)
    dy, dx = slices[0].pixel_mm
    ahead, left = np.arange(*_AHEAD_MM, dy), np.arange(*_TO_LEFT_MM, dx)
    rows, columns = np.rint(row - ahead / dy), np.rint(column + left / dx)
    discs = np.stack([_discs(one, rows.astype(int), columns.astype(int)) for one in slices])
    # the aorta wanders: on each slice the brightest disc within 8 mm of a place is taken
    near = [2 * int(_WANDERS_MM / step) + 1 for step in (dy, dx)]
    found = ndimage.maximum_filter(discs, size=(1, *near), mode="constant", cval=-np.inf)
    share = np.isfinite(found).mean(axis=0)
    if share.max() < _MOST_SLICES:
        return None
    values = np.where(np.isfinite(found), found, np.nan)[:, share >= _MOST_SLICES]
    middles = np.nanmedian(values, axis=0)
    best = int(middles.argmax())
    middle = float(middles[best])
    spread = float(np.nanmedian(np.abs(values[:, best] - middle)))
    return middle if spread <= max(_SPREAD_HU, _SPREAD_SHARE * middle) else None


def _discs(one: OrganSlice, rows: NDArray[np.int_], columns: NDArray[np.int_]) -> Image:
    """Return the mean in the disc about each row and column; -inf where it is no vessel."""
    centres = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
    disc = _around(one.image, centres, _offsets(0.0, _AORTA_RADIUS_MM, one.pixel_mm))
    ring = _around(one.image, centres, _offsets(*_RING_MM, one.pixel_mm))
    mean, spread = disc.mean(axis=1), disc.std(axis=1)
    darker = (ring < mean[:, None] - _DARKER_HU).mean(axis=1)
    fits = (mean >= _AORTA_HU[0]) & (mean <= _AORTA_HU[1])
    fits &= spread <= np.maximum(_EVEN_HU, _EVEN_SHARE * mean)
    fits &= darker >= np.where(mean > _BRIGHT_HU, _DARKER_SHARE[1], _DARKER_SHARE[0])
    return np.where(fits, mean, np.float32(-np.inf)).reshape(rows.size, columns.size)


def _offsets(inner_mm: float, outer_mm: float, pixel_mm: Point) -> NDArray[np.int64]:
    """Return the (n, 2) pixel offsets of a ring, or of a disc where the inner radius is 0."""
    reach = [int(outer_mm / step) + 1 for step in pixel_mm]
    y, x = np.mgrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
    radius = np.hypot(y * pixel_mm[0], x * pixel_mm[1])
    inside = np.argwhere((radius >= inner_mm) & (radius <= outer_mm))
    return np.asarray(inside - np.array(reach), dtype=np.int64)


def _around(image: Image, centres: NDArray[np.int64], offsets: NDArray[np.int64]) -> Image:
    """Return (centres, offsets) values; beyond the image its edge."""
    where = centres[:, None, :] + offsets[None, :, :]
    rows = where[..., 0].clip(0, image.shape[0] - 1)
    columns = where[..., 1].clip(0, image.shape[1] - 1)
    return np.asarray(image[rows, columns], dtype=np.float32)


def _liver(slices: Sequence[OrganSlice]) -> float | None:
    """Return the most frequent value in the liver, over the slices that show most of it."""
    if not slices:
        return None
    largest = max(one.liver_area_mm2 for one in slices)
    values = np.concatenate(
        [one.liver_hu for one in slices if one.liver_hu is not None
         and one.liver_area_mm2 >= largest / 2]
    )  # fmt: skip
    low, high = _LIVER_HU
    counts, edges = np.histogram(values, bins=np.arange(low, high + 1, 2.0))
    peak = float(edges[np.convolve(counts, np.ones(5), mode="same").argmax()] + 1.0)
    near = np.abs(values - peak) <= _LIVER_BAND_HU
    return float(np.median(values[near])) if near.mean() >= 0.5 else None


def _liver_part(one: OrganSlice) -> tuple[float, Image] | None:
    """Return area in mm2 and values of the largest deep soft tissue on the patient's right."""
    if one.spine is None:
        return None
    smooth = ndimage.gaussian_filter(one.image, [_SMOOTH_MM / step for step in one.pixel_mm])
    like = (smooth > _LIVER_HU[0]) & (smooth < _LIVER_HU[1])
    deep = ndimage.distance_transform_edt(like, sampling=one.pixel_mm) > _LIVER_DEEP_MM
    deep[:, round(one.middle) :] = False
    labels, count = ndimage.label(deep)
    if count == 0:
        return None
    sizes = np.bincount(labels.ravel())[1:]
    largest = labels == sizes.argmax() + 1
    area = float(sizes.max()) * one.pixel_mm[0] * one.pixel_mm[1]
    if area < _LIVER_MM2:
        return None
    if np.argwhere(largest)[:, 0].mean() > one.spine[0] + 5:
        return None  # behind the spine lie the muscles of back and hip
    return area, smooth[largest]
