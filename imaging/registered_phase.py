"""The native phase resampled onto the arterial grid about one lesion, where it has to move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from imaging.geometry import VolumeGeometry
from imaging.registration import PhaseAlignment
from imaging.volume import Volume
from imaging.working_grid import Mask, Points, Values

AROUND_MM = 20.0
"""Values are given so far around the lesion; beyond, the volume is padding."""

AIR_HU = -1024.0


def registered_phase(
    native: Volume, alignment: PhaseAlignment, lesion: Mask, grid: VolumeGeometry
) -> Volume | None:
    """Return the native phase on the arterial grid; None where it does not reach the whole lesion.

    Parameters
    ----------
    native : Volume
        On a grid of its own, or displaced.
    lesion : (z, y, x) bool array
        On the arterial grid.
    grid : that of the arterial phase, which is never resampled itself

    Notes
    -----
    Cubic splines, as linear interpolation would halve the noise between two voxels and blur the
    edge there. Finer slices than those of the grid are averaged first.
    """
    box = _box(lesion, grid)
    index = native.geometry.patient_to_index(alignment.native_points(_points(box, grid)))
    size = np.array(native.geometry.shape)
    inside: Mask = np.all((index >= -0.5) & (index <= size - 0.5), axis=-1)
    start = np.clip(np.floor(index.reshape(-1, 3).min(axis=0)).astype(int) - 4, 0, size - 1)
    stop = np.clip(np.ceil(index.reshape(-1, 3).max(axis=0)).astype(int) + 5, start + 1, size)
    part = tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    at = np.moveaxis(index - start, -1, 0)
    if native.padding is not None:
        padded = native.padding[part].astype(np.float32)
        inside &= ndimage.map_coordinates(padded, at, order=1, mode="nearest") <= 0.0
    if not inside[lesion[box]].all():
        return None
    values = ndimage.map_coordinates(_averaged(native, part, grid), at, order=3, mode="nearest")
    array = np.zeros(grid.shape, dtype=native.array.dtype)
    if native.array.dtype == np.int16:
        values = np.rint(values)
    array[box] = np.where(inside, values, 0.0)
    padding = np.ones(grid.shape, dtype=bool)
    padding[box] = ~inside
    slices = grid.shape[0]
    return replace(
        native,
        array=array,
        geometry=grid,
        padding=padding,
        sop_instance_uids=("",) * slices,  # its slices are no instance's any more
        frame_numbers=(1,) * slices,
    )


def _averaged(native: Volume, part: tuple[slice, ...], grid: VolumeGeometry) -> Values:
    """Return part of a volume, smoothed where its voxels are smaller than those of the grid."""
    values = native.array[part].astype(np.float32)
    if native.unit == "HU":
        values = np.maximum(values, np.float32(AIR_HU))  # padding values would ring
    ratio = np.array(grid.spacing_mm) / np.array(native.geometry.spacing_mm)
    sigma = 0.5 * np.sqrt(np.maximum(np.square(ratio) - 1.0, 0.0))
    sigma[ratio < 1.1] = 0.0
    if not sigma.any():
        return values
    return np.asarray(ndimage.gaussian_filter(values, sigma, mode="nearest"), dtype=np.float32)


def _box(lesion: Mask, grid: VolumeGeometry) -> tuple[slice, slice, slice]:
    """Return the box of a lesion and its surroundings."""
    found = ndimage.find_objects(lesion.astype(np.uint8))[0]
    z, y, x = (
        slice(max(0, part.start - margin), min(size, part.stop + margin))
        for part, size, margin in zip(
            found, grid.shape, np.ceil(AROUND_MM / np.array(grid.spacing_mm)).astype(int),
            strict=True,
        )
    )  # fmt: skip
    return z, y, x


def _points(box: tuple[slice, slice, slice], grid: VolumeGeometry) -> Points:
    """Return the centres of the voxels of a box, (z, y, x, 3) in LPS mm."""
    axes = [np.arange(part.start, part.stop, dtype=np.float64) for part in box]
    return grid.index_to_patient(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1))
