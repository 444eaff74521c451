"""Medians of organs in one volume, from few of its slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from imaging.header import InstanceHeader
from imaging.organ_region import OrganSlice, organ_slice, organ_values
from imaging.phase_content import OrganMedians
from imaging.pixel import read_pixels
from imaging.series import ImageSeries

_FIRST, _MORE = 12, 7
_APART_MM = 15.0
_UPRIGHT = 0.9
"""Cosine of the tilt up to which a slice counts as axial."""
_MASK_SLICES = 9
_LEAST_VOXELS = 30


def medians_in_image(series: ImageSeries) -> OrganMedians | None:
    """Return the medians of aorta and liver of an axial CT, found in at most 19 of its slices.

    Returns
    -------
    OrganMedians or None
        None where the series is no axial CT, or neither organ is plainly there.

    Raises
    ------
    PixelError
        If a slice cannot be read.

    Notes
    -----
    Twelve slices over the whole volume tell where the liver is; seven more, 15 mm apart, are read
    there. One slice is held in memory at a time.
    """
    normal = series.geometry.affine[:3, 0]
    if series.modality != "CT" or abs(normal[2]) < _UPRIGHT * np.linalg.norm(normal):
        return None
    count = len(series.headers)
    first = sorted({round(i * (count - 1) / max(_FIRST - 1, 1)) for i in range(_FIRST)})
    seen = {z: _seen(series, z) for z in first}
    areas = {z: 0.0 if one is None else one.liver_area_mm2 for z, one in seen.items()}
    best = max(areas, key=lambda z: (areas[z], -z))
    if areas[best] == 0.0:
        return None
    step = max(1, round(_APART_MM / series.geometry.spacing_mm[0]))
    for z in (best + step * k for k in range(-(_MORE // 2), _MORE // 2 + 1)):
        if 0 <= z < count and z not in seen:
            seen[z] = _seen(series, z)
    aorta, liver = organ_values([seen[z] for z in sorted(seen)])
    if aorta is None and liver is None:
        return None
    return OrganMedians(aorta=aorta, liver=liver, found_by="image", slices=len(seen))


def medians_in_masks(
    series: ImageSeries, masks: Mapping[str, NDArray[np.bool_]]
) -> OrganMedians | None:
    """Return the medians of the masked organs of a volume, in at most 9 slices of each.

    Parameters
    ----------
    masks : mapping
        (z, y, x) bool arrays on the grid of the series, by ``aorta``, ``liver`` or ``spleen``.

    Raises
    ------
    PixelError
        If a slice cannot be read.
    """
    wanted = {organ: _most_filled(mask) for organ, mask in sorted(masks.items())}
    values: dict[str, list[NDArray[np.float32]]] = {organ: [] for organ in wanted}
    slices = sorted({z for chosen in wanted.values() for z in chosen})
    for z in slices:
        pixels = _pixels([series.headers[z]], hounsfield=series.modality == "CT")[0]
        for organ, chosen in wanted.items():
            if z in chosen:
                values[organ].append(pixels[masks[organ][z] & np.isfinite(pixels)])
    found = {
        organ: float(np.median(np.concatenate(parts)))
        for organ, parts in values.items()
        if sum(part.size for part in parts) >= _LEAST_VOXELS
    }
    if not found:
        return None
    return OrganMedians(
        aorta=found.get("aorta"), liver=found.get("liver"), spleen=found.get("spleen"),
        found_by="masks", slices=len(slices),
    )  # fmt: skip


def _most_filled(mask: NDArray[np.bool_]) -> tuple[int, ...]:
    """Return the slices that show most of a mask."""
    counts = mask.sum(axis=(1, 2))
    ranked = sorted(np.flatnonzero(counts).tolist(), key=lambda z: (-counts[z], z))
    return tuple(sorted(ranked[:_MASK_SLICES]))


def _seen(series: ImageSeries, z: int) -> OrganSlice | None:
    """Return what one slice shows, its columns to the patient's left and its rows to the back."""
    values = _pixels([series.headers[z]], hounsfield=True)[0]
    values = np.where(np.isfinite(values), values, np.float32(-1000))
    affine, (_, dy, dx) = series.geometry.affine, series.geometry.spacing_mm
    to_back = affine[1, 1] > 0
    return organ_slice(
        values if to_back else values[::-1], (dy, dx), to_left=bool(affine[0, 2] > 0)
    )


def _pixels(headers: Sequence[InstanceHeader], *, hounsfield: bool) -> NDArray[np.float32]:
    """Return (z, y, x) values with padding as NaN."""
    pixels = read_pixels(headers, hounsfield=hounsfield)
    values = pixels.array.astype(np.float32)
    if pixels.padding is not None:
        values[pixels.padding] = np.nan
    return values
