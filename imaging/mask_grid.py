"""A mask's own grid against the grid of an image: the same voxels, or moved on request."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from imaging.geometry import VolumeGeometry
from imaging.mask_fault import MaskFault

TOLERANCE_VOXELS = 0.1
"""A mask grid may lie this far from the image grid, corner for corner (imaging contract)."""


def index_map(
    own: VolumeGeometry, image: VolumeGeometry
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how indices of a mask's own grid become indices of the image.

    Returns
    -------
    (3, 3) int array, (3,) int array
        ``image index = turn @ own index + start``; the turn swaps and mirrors axes at most.

    Raises
    ------
    MaskFault
        ``mask_grid_mismatch`` or ``mask_no_position``.

    Notes
    -----
    A mask may cover a part of the image's grid if its axes run the way the image's do, or the
    whole of it with axes in any order and direction (NIfTI files of DICOM images are often
    mirrored in storage). A mirrored part is refused: that is what a sign lost between LPS and RAS
    looks like.
    """
    steps = own.affine[:3, :3]
    if not np.isfinite(own.affine).all() or abs(np.linalg.det(steps)) < 1e-9:
        raise MaskFault("mask_no_position", "the affine of the mask is singular")
    exact_turn = np.linalg.inv(image.affine[:3, :3]) @ steps
    exact_start = image.patient_to_index(own.affine[:3, 3])
    turn = np.rint(exact_turn).astype(np.int64)
    start = np.rint(exact_start).astype(np.int64)
    size = np.array(own.shape)
    corners = np.array(list(product(*((0, n - 1) for n in size))))
    exact = corners @ exact_turn.T + exact_start
    offset = float(np.abs(exact - (corners @ turn.T + start)).max())
    ways = np.abs(turn)
    if (ways.sum(axis=0) != 1).any() or (ways.sum(axis=1) != 1).any() or offset > TOLERANCE_VOXELS:
        raise MaskFault("mask_grid_mismatch", _apart(own, image))
    placed = corners @ turn.T + start
    inside = (placed.min(axis=0) >= 0).all() and (placed.max(axis=0) < image.shape).all()
    whole = inside and tuple(ways @ size) == image.shape
    if not whole and not (inside and np.array_equal(turn, np.eye(3, dtype=np.int64))):
        raise MaskFault("mask_grid_mismatch", _apart(own, image))
    return turn, start


def fits_grid(own: VolumeGeometry, image: VolumeGeometry) -> bool:
    """Return whether every voxel of a mask's own grid is a voxel of the image."""
    try:
        index_map(own, image)
    except MaskFault:
        return False
    return True


def on_image_grid(
    array: NDArray[np.bool_], own: VolumeGeometry, image: VolumeGeometry
) -> NDArray[np.bool_]:
    """Return a mask on the grid of the image that holds its voxels (see `index_map`)."""
    turn, start = index_map(own, image)
    from_axis = np.abs(turn).argmax(axis=1)
    signs = turn.sum(axis=1)
    turned = array.transpose(tuple(from_axis))[tuple(slice(None, None, int(s)) for s in signs)]
    ends = start + turn @ (np.array(array.shape) - 1)
    low = np.minimum(start, ends)
    placed = np.zeros(image.shape, dtype=np.bool_)
    placed[tuple(slice(a, a + n) for a, n in zip(low, turned.shape, strict=True))] = turned
    return placed


def resampled(
    array: NDArray[np.bool_], own: VolumeGeometry, image: VolumeGeometry
) -> tuple[NDArray[np.bool_], float]:
    """Return a mask on another grid, and by how many percent that changed its volume.

    Raises
    ------
    MaskFault
        ``mask_outside_image`` where a voxel of the mask lies outside the image,
        ``mask_without_pixel`` where no voxel of the image has its centre in the mask.

    Notes
    -----
    A voxel of the image belongs to the mask if its centre lies in a voxel of the mask: nothing is
    smoothed and no part of a voxel is counted.
    """
    drawn = np.argwhere(array)
    moved = np.zeros(image.shape, dtype=np.bool_)
    if not len(drawn):
        return moved, 0.0
    corners = np.array(list(product((-0.5, 0.5), repeat=3)))
    low, high = drawn.min(axis=0), drawn.max(axis=0)
    box = np.array(list(product(*zip(low, high, strict=True)))) + 0.0
    reach = image.patient_to_index(own.index_to_patient((box[:, None] + corners).reshape(-1, 3)))
    first = np.maximum(np.floor(reach.min(axis=0)), 0).astype(int)
    last = np.minimum(np.ceil(reach.max(axis=0)), np.array(image.shape) - 1).astype(int)
    centres = image.patient_to_index(own.index_to_patient(drawn))
    if ((centres < -0.5) | (centres > np.array(image.shape) - 0.5)).any():
        raise MaskFault("mask_outside_image", "its voxels lie beyond the image")
    for z in range(first[0], last[0] + 1):
        rows, columns = np.mgrid[first[1] : last[1] + 1, first[2] : last[2] + 1]
        points = np.stack([np.full(rows.shape, z), rows, columns], axis=-1)
        index = np.rint(own.patient_to_index(image.index_to_patient(points))).astype(np.int64)
        known = ((index >= 0) & (index < array.shape)).all(axis=-1)
        held = np.zeros(rows.shape, dtype=np.bool_)
        held[known] = array[tuple(index[known].T)]
        moved[z, first[1] : last[1] + 1, first[2] : last[2] + 1] = held
    if not moved.any():
        raise MaskFault("mask_without_pixel", f"{len(drawn)} voxels of its own grid")
    before = len(drawn) * own.voxel_volume_ml
    return moved, 100.0 * (float(moved.sum()) * image.voxel_volume_ml - before) / before


def _apart(own: VolumeGeometry, image: VolumeGeometry) -> str:
    """Say in numbers how two grids differ."""
    spacing = " x ".join(f"{step:.3f}" for step in own.spacing_mm)
    expected = " x ".join(f"{step:.3f}" for step in image.spacing_mm)
    start = image.patient_to_index(own.affine[:3, 3])
    return (
        f"mask {own.shape}, {spacing} mm; image {image.shape}, {expected} mm; the mask's first "
        f"voxel lies at index ({start[0]:.2f}, {start[1]:.2f}, {start[2]:.2f}) of the image"
    )
