"""Masks read in a process of their own: no mask file can take the process that measures along.

A damaged or hostile file may crash a decoder, unfold to gigabytes or never end, be it a compressed
DICOM SEG, a structure set or a packed NIfTI.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imaging.capped_process import CapError, Caps, call_apart
from imaging.geometry import VolumeGeometry
from imaging.mask import LesionMask, MaskError
from imaging.mask_file import read_masks

_CODES = {"time": "mask_time", "memory": "mask_memory", "crash": "mask_crashed"}
_AS_DRAWN, _MOVED = "as drawn", "moved"
_SECONDS, _VOXELS_PER_SECOND = 30.0, 4e6
_MEMORY_BYTES, _BYTES_PER_VOXEL, _BYTES_PER_FILE_BYTE = 1 << 30, 16, 4


@dataclass(frozen=True, slots=True, eq=False)
class _Packed:
    """A mask whose array is cut to the box that holds it: all else of a volume is nothing.

    Parameters
    ----------
    mask : LesionMask
        Its array is that of the box.
    corner : (z, y, x) of the first voxel of the box
    """

    mask: LesionMask
    corner: tuple[int, ...]


def read_masks_apart(
    path: str | Path,
    geometry: VolumeGeometry,
    segments: Collection[int] | None = None,
    *,
    resample: bool = False,
    caps: Caps | None = None,
) -> dict[int, LesionMask]:
    """Return masks on the grid of an image as `imaging.mask_file.read_masks` does, in a child.

    Parameters
    ----------
    caps : Caps, optional
        By default 30 s and 1 GiB, and more for large grids, many segments and large files.

    Raises
    ------
    MaskError
        As `read_masks`; ``mask_crashed``, ``mask_time`` or ``mask_memory`` where the file ended
        the child, or would have.
    OSError
        If no process can be started.
    """
    caps = caps or usual_caps(path, geometry, segments)
    wanted = None if segments is None else tuple(sorted(segments))
    kept = _MOVED if resample else _AS_DRAWN
    try:
        found = call_apart(caps, 0, packed_masks, str(path), geometry, wanted, kept)
    except CapError as error:
        raise MaskError(
            _CODES.get(error.cause, "mask_unreadable"), str(path), error.detail
        ) from None
    return {number: _unpacked(one, geometry) for number, one in found.items()}


def usual_caps(
    path: str | Path, geometry: VolumeGeometry, segments: Collection[int] | None
) -> Caps:
    """Return what reading a mask may take: it grows with what an honest file of its size takes."""
    voxels = float(np.prod(geometry.shape, dtype=np.float64))
    parts = 1 + (len(segments) if segments is not None else 8)
    try:
        size = Path(path).stat().st_size
    except OSError:  # said where it is opened
        size = 0
    return Caps(
        seconds=_SECONDS + voxels * parts / _VOXELS_PER_SECOND,
        memory_bytes=int(
            _MEMORY_BYTES + voxels * (_BYTES_PER_VOXEL + parts) + _BYTES_PER_FILE_BYTE * size
        ),
    )


def packed_masks(
    path: str, geometry: VolumeGeometry, segments: tuple[int, ...] | None, resample: str
) -> dict[int, _Packed]:
    """Return the masks of a file, each cut to its box; called in the child."""
    found = read_masks(path, geometry, segments, resample=resample == _MOVED)
    return {number: _packed(mask) for number, mask in found.items()}


def _packed(mask: LesionMask) -> _Packed:
    """Return a mask cut to its box."""
    box = []
    for axis in range(mask.array.ndim):
        others = tuple(a for a in range(mask.array.ndim) if a != axis)
        held = np.flatnonzero(mask.array.any(axis=others))
        box.append(slice(int(held[0]), int(held[-1]) + 1) if held.size else slice(0, 0))
    cut = np.ascontiguousarray(mask.array[tuple(box)])
    return _Packed(replace(mask, array=cut), tuple(one.start for one in box))


def _unpacked(one: _Packed, geometry: VolumeGeometry) -> LesionMask:
    """Return the mask on its whole grid."""
    array: NDArray[np.bool_] = np.zeros(geometry.shape, dtype=bool)
    sizes = one.mask.array.shape
    box = [slice(at, at + size) for at, size in zip(one.corner, sizes, strict=True)]
    array[tuple(box)] = one.mask.array
    return replace(one.mask, array=array)
