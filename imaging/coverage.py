"""How much of each pixel a shape covers, and which pixel centres lie in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imaging.geometry import VolumeGeometry
from imaging.shape import Shape
from imaging.solid import ShapeError, Solid

Box = tuple[slice, slice, slice]
SUBPIXELS = 8  # per side: an edge is placed within 1/16 pixel, far below the noise


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """Share of each pixel that lies in a lesion and in its viable part.

    Parameters
    ----------
    box : three slices
        The part of the grid that the arrays stand for; outside it both shares are 0.
    whole, viable : (z, y, x) float32 arrays in 0..1
    """

    box: Box
    whole: NDArray[np.float32]
    viable: NDArray[np.float32]


def coverage(shape: Shape, geometry: VolumeGeometry) -> Coverage:
    """Share of every pixel that a lesion covers, by 8 x 8 points per edge pixel.

    Notes
    -----
    A slice samples its plane: there is partial volume in the plane and none through it, so the
    closed forms of a plane hold exactly. Real slices average over their thickness.

    Raises
    ------
    ShapeError
        If the slices are not axial.
    """
    box = bounding_box(shape.whole, geometry)
    x, y, z = pixel_centres(geometry, box)
    whole = shape.inside_whole_at(x, y, z).astype(np.float32)
    viable = shape.inside_viable_at(x, y, z).astype(np.float32)
    edge = _edge_pixels(shape.bricks, geometry, box)
    if edge.any():
        points = _subpixels(geometry, box, edge)
        whole[edge] = shape.inside_whole_at(*points).mean(axis=-1)
        viable[edge] = shape.inside_viable_at(*points).mean(axis=-1)
    return Coverage(box, whole, viable)


def solid_coverage(solid: Solid, geometry: VolumeGeometry) -> tuple[Box, NDArray[np.float32]]:
    """Share of every pixel that one solid covers, within its box (see `coverage`)."""
    box = bounding_box(solid, geometry)
    x, y, z = pixel_centres(geometry, box)
    share = (solid.level_at(x, y, z) <= 1.0).astype(np.float32)
    edge = _edge_pixels((solid,), geometry, box)
    if edge.any():
        points = _subpixels(geometry, box, edge)
        share[edge] = (solid.level_at(*points) <= 1.0).mean(axis=-1)
    return box, share


def whole_mask(shape: Shape, geometry: VolumeGeometry) -> NDArray[np.bool_]:
    """Voxels whose centre lies in the lesion, as a (z, y, x) bool array."""
    mask = np.zeros(geometry.shape, dtype=bool)
    box = bounding_box(shape.whole, geometry)
    mask[box] = shape.inside_whole_at(*pixel_centres(geometry, box))
    return mask


def viable_mask(shape: Shape, geometry: VolumeGeometry) -> NDArray[np.bool_]:
    """Voxels whose centre lies in the viable part, as a (z, y, x) bool array."""
    mask = np.zeros(geometry.shape, dtype=bool)
    box = bounding_box(shape.whole, geometry)
    mask[box] = shape.inside_viable_at(*pixel_centres(geometry, box))
    return mask


def solid_mask(solid: Solid, geometry: VolumeGeometry) -> NDArray[np.bool_]:
    """Voxels whose centre lies in one solid, as a (z, y, x) bool array."""
    mask = np.zeros(geometry.shape, dtype=bool)
    box = bounding_box(solid, geometry)
    mask[box] = solid.level_at(*pixel_centres(geometry, box)) <= 1.0
    return mask


def planes_mm(geometry: VolumeGeometry) -> NDArray[np.float64]:
    """Height z of every slice plane of an axial grid, in LPS mm.

    Raises
    ------
    ShapeError
        If the slices are not axial.
    """
    affine = geometry.affine
    if np.abs(affine[[0, 1, 2, 2], [0, 0, 1, 2]]).max() > 1e-6:
        msg = "reference objects need axial slices without tilt: resample, or choose another series"
        raise ShapeError(msg)
    return np.asarray(affine[2, 3] + affine[2, 0] * np.arange(geometry.shape[0]))


def bounding_box(solid: Solid, geometry: VolumeGeometry) -> Box:
    """Slices of the grid that hold every pixel a solid touches; empty where it misses the grid."""
    z = planes_mm(geometry)
    reach = np.array(solid.reach_mm)
    reach[2] = min(reach[2], 2.0 * (np.ptp(z) + abs(solid.centre_mm[2]) + abs(z[0]) + 1.0))
    signs = np.array(np.meshgrid(*[(-1.0, 1.0)] * 3)).reshape(3, -1).T
    corners = geometry.patient_to_index(np.array(solid.centre_mm) + signs * reach)
    low = np.clip(np.floor(corners.min(axis=0)), 0, geometry.shape).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, geometry.shape).astype(int)
    first, second, third = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return first, second, third


def pixel_centres(
    geometry: VolumeGeometry, box: Box
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return x, y, z in mm of the pixel centres in a box, as arrays that broadcast to it."""
    affine = geometry.affine
    k, i, j = (np.arange(part.start, part.stop, dtype=np.float64) for part in box)
    z = (affine[2, 3] + affine[2, 0] * k)[:, None, None]
    x = _in_plane(affine[0], i, j)
    y = _in_plane(affine[1], i, j)
    return x, y, z


def _in_plane(
    row: NDArray[np.float64], i: NDArray[np.float64], j: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One coordinate from row and column indices, kept thin where one of them does not matter."""
    if row[1] == 0.0:
        return np.asarray((row[3] + row[2] * j)[None, None, :])
    if row[2] == 0.0:
        return np.asarray((row[3] + row[1] * i)[None, :, None])
    return np.asarray((row[3] + row[1] * i[:, None] + row[2] * j)[None])


def _edge_pixels(
    bricks: tuple[Solid, ...], geometry: VolumeGeometry, box: Box
) -> NDArray[np.bool_]:
    """Pixels that some surface may cross; none is missed, as levels are Lipschitz in the plane."""
    x, y, z = pixel_centres(geometry, box)
    _, row, column = geometry.spacing_mm
    reach = 0.5 * float(np.hypot(row, column)) + 1e-9
    edge = np.zeros([part.stop - part.start for part in box], dtype=bool)
    for solid in bricks:
        edge |= np.abs(solid.level_at(x, y, z) - 1.0) <= reach / min(solid.semi_axes_mm[:2])
    return edge


def _subpixels(
    geometry: VolumeGeometry, box: Box, edge: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return x, y, z in mm of 8 x 8 points spread over each edge pixel: (pixels, 64) arrays."""
    k, i, j = (
        index[:, None] + part.start for index, part in zip(np.nonzero(edge), box, strict=True)
    )
    step = (np.arange(SUBPIXELS) + 0.5) / SUBPIXELS - 0.5
    rows, columns = (part.ravel() for part in np.meshgrid(step, step, indexing="ij"))
    affine = geometry.affine
    x = affine[0, 3] + affine[0, 1] * (i + rows) + affine[0, 2] * (j + columns)
    y = affine[1, 3] + affine[1, 1] * (i + rows) + affine[1, 2] * (j + columns)
    return x, y, affine[2, 3] + affine[2, 0] * k.astype(np.float64)
