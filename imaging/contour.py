"""Contours of a structure set on the slices of an image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from imaging.geometry import VolumeGeometry
from imaging.mask_fault import MaskFault
from imaging.polygon import inside_polygon

TOLERANCE_VOXELS = 0.1
"""A contour may lie this far from the plane of its slice (imaging contract)."""
_SAME_POINT = 1e-3
_CROSSING_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Contour:
    """One closed outline.

    Parameters
    ----------
    points_mm : (n, 3) array
        (x, y, z) in LPS mm.
    exclusive : bool
        Whether it is said to be combined with the others of its plane by exclusive or.
    """

    points_mm: NDArray[np.float64]
    exclusive: bool = False


@dataclass(frozen=True, slots=True)
class _Plane:
    """The outlines of one plane, in pixels of the image: where, and which."""

    slice_index: float
    outlines: tuple[NDArray[np.float64], ...]
    exclusive: bool


def draw_contours(
    contours: Sequence[Contour], geometry: VolumeGeometry, *, resample: bool = False
) -> tuple[NDArray[np.bool_], tuple[str, ...], float | None]:
    """Return the voxels inside contours, what is doubtful about them, and the change of volume.

    Parameters
    ----------
    resample : bool
        Give every slice the nearest contour plane, within half of the distance of neighbouring
        planes, where planes and slices differ.

    Returns
    -------
    (z, y, x) bool array; reason codes; change in percent or None

    Raises
    ------
    MaskFault
        ``contour_tilted``, ``mask_grid_mismatch``, ``mask_outside_image``, ``contours_cross``,
        ``mask_without_pixel``.

    Notes
    -----
    Contours of one plane are combined by the even-odd rule, which cuts holes whether they are
    drawn as contours of their own or by a keyhole. A contour that repeats another would cut itself
    out by that rule: it is used once.
    """
    flags: set[str] = set()
    usable = [one for one in contours if len(one.points_mm) > 2]
    if len(usable) < len(contours):
        flags.add("contour_without_area")
    planes = _planes(usable, geometry, flags)
    rasters = [_raster(plane, geometry, flags) for plane in planes]
    places = np.array([plane.slice_index for plane in planes])
    array = np.zeros(geometry.shape, dtype=np.bool_)
    change = None
    if resample and _needs_resampling(places):
        change = _spread(rasters, places, array)
    else:
        for plane, raster in zip(planes, rasters, strict=True):
            array[_slice_of(plane, geometry)] ^= raster
        if _skips_slices(array):
            flags.add("contours_skip_slices")
    if contours and not array.any():
        raise MaskFault("mask_without_pixel", f"{len(contours)} contours")
    return array, tuple(sorted(flags)), change


def _planes(contours: Iterable[Contour], geometry: VolumeGeometry, flags: set[str]) -> list[_Plane]:
    """Return the outlines by plane, from the first slice to the last."""
    found: dict[int, list[tuple[float, NDArray[np.float64], bool]]] = defaultdict(list)
    for number, contour in enumerate(contours, start=1):
        index = geometry.patient_to_index(contour.points_mm)
        lowest, highest = float(index[:, 0].min()), float(index[:, 0].max())
        if highest - lowest > 2 * TOLERANCE_VOXELS:
            detail = f"contour {number} spans {highest - lowest:.2f} slice distances"
            raise MaskFault("contour_tilted", detail)
        place = (lowest + highest) / 2
        key = round(place / TOLERANCE_VOXELS)
        near = next((k for k in (key, key - 1, key + 1) if k in found), key)
        found[near].append((place, index[:, 1:], contour.exclusive))
    return [
        _Plane(
            float(np.mean([place for place, _, _ in group])),
            _without_repeats([outline for _, outline, _ in group], flags),
            all(exclusive for _, _, exclusive in group),
        )
        for _, group in sorted(found.items())
    ]


def _without_repeats(
    outlines: Sequence[NDArray[np.float64]], flags: set[str]
) -> tuple[NDArray[np.float64], ...]:
    """Return each outline once, wherever it starts and whichever way it runs."""
    kept: dict[frozenset[tuple[int, ...]], NDArray[np.float64]] = {}
    for outline in outlines:
        points = np.rint(outline / _SAME_POINT).astype(np.int64)
        kept.setdefault(frozenset(map(tuple, points.tolist())), outline)
    if len(kept) < len(outlines):
        flags.add("contour_repeated")
    return tuple(kept.values())


def _raster(plane: _Plane, geometry: VolumeGeometry, flags: set[str]) -> NDArray[np.bool_]:
    """Return the pixels of a slice inside the outlines of one plane."""
    rows, columns = geometry.shape[1:]
    drawn = []
    for outline in plane.outlines:
        # a rim of one pixel around the image shows what reaches beyond it
        if outline.min() < -1 or (outline.max(axis=0) > (rows, columns)).any():
            raise MaskFault("mask_outside_image", _where(plane, outline, geometry))
        rimmed = inside_polygon(outline + 1, (rows + 2, columns + 2))
        raster = rimmed[1:-1, 1:-1]
        if rimmed.sum() != raster.sum():
            raise MaskFault("mask_outside_image", _where(plane, outline, geometry))
        drawn.append(raster)
    if not plane.exclusive:
        _refuse_crossing(drawn, plane, flags)
    combined: NDArray[np.bool_] = np.logical_xor.reduce(drawn)
    return combined


def _where(plane: _Plane, outline: NDArray[np.float64], geometry: VolumeGeometry) -> str:
    """Say where a contour reaches to, in voxels."""
    low, high = outline.min(axis=0), outline.max(axis=0)
    return (
        f"a contour at slice {plane.slice_index:.1f} reaches from row {low[0]:.1f}, column "
        f"{low[1]:.1f} to row {high[0]:.1f}, column {high[1]:.1f} of {geometry.shape}"
    )


def _refuse_crossing(drawn: Sequence[NDArray[np.bool_]], plane: _Plane, flags: set[str]) -> None:
    """Refuse contours that overlap in part: whether both mean the overlap is not said.

    A hole whose outline slips over the rim by a few pixels is a hole all the same, and flagged.
    """
    for number, one in enumerate(drawn):
        for other in drawn[number + 1 :]:
            shared = int((one & other).sum())
            smaller = min(int(one.sum()), int(other.sum()))
            if not shared or shared == smaller:
                continue
            if min(shared, smaller - shared) > max(2.0, _CROSSING_SHARE * smaller):
                detail = f"{shared} pixels are in two contours at slice {plane.slice_index:.1f}"
                raise MaskFault("contours_cross", detail)
            flags.add("contours_touch")


def _slice_of(plane: _Plane, geometry: VolumeGeometry) -> int:
    """Return the slice that a plane of contours lies on."""
    index = round(plane.slice_index)
    if abs(plane.slice_index - index) > TOLERANCE_VOXELS:
        raise MaskFault(
            "mask_grid_mismatch",
            f"contours lie at slice {plane.slice_index:.2f}, between two slices of the image",
        )
    if not 0 <= index < geometry.shape[0]:
        detail = f"contours at slice {index} of {geometry.shape[0]}"
        raise MaskFault("mask_outside_image", detail)
    return index


def _skips_slices(array: NDArray[np.bool_]) -> bool:
    """Return whether slices without contours lie between two that outline the same pixels."""
    slices = np.flatnonzero(array.any(axis=(1, 2)))
    return any(
        bool((array[below] & array[above]).any())
        for below, above in pairwise(slices.tolist())
        if above - below > 1
    )


def _needs_resampling(places: NDArray[np.float64]) -> bool:
    """Return whether planes lie between slices, or further apart than slices do."""
    between = np.abs(places - np.rint(places)) > TOLERANCE_VOXELS
    return bool(between.any() or (np.diff(places) > 1 + TOLERANCE_VOXELS).any())


def _spread(
    rasters: Sequence[NDArray[np.bool_]], places: NDArray[np.float64], array: NDArray[np.bool_]
) -> float:
    """Give every slice its nearest plane; return the change of volume in percent.

    A plane stands for half the distance to each neighbour, the outermost ones for as much outwards
    as inwards; a single plane for one slice.
    """
    steps = np.diff(places)
    typical = float(np.median(steps)) if steps.size else 1.0
    reach = np.minimum(np.concatenate([[typical], steps]), typical) / 2
    reach_up = np.minimum(np.concatenate([steps, [typical]]), typical) / 2
    stands_for = reach + reach_up
    drawn = float(sum(r.sum() * h for r, h in zip(rasters, stands_for, strict=True)))
    for index in range(array.shape[0]):
        offset = index - places
        covers = (offset >= -reach) & (offset < reach_up)
        for number in np.flatnonzero(covers).tolist():
            array[index] |= rasters[number]
    outside = places.min() < -typical or places.max() > array.shape[0] - 1 + typical
    if outside:
        raise MaskFault("mask_outside_image", f"contours up to slice {places.max():.1f}")
    return 100.0 * (float(array.sum()) - drawn) / drawn if drawn else 0.0
