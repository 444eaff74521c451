"""Where lesions find room: centres of balls that fit into a region and do not touch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from imaging.geometry import VolumeGeometry
from imaging.noise import random_for
from imaging.solid import Point

TRIES = 20


class PlacementError(ValueError):
    """The region has no room for all lesions; the message says for how many it has."""


def find_sites(
    allowed: NDArray[np.bool_],
    geometry: VolumeGeometry,
    radii_mm: Sequence[float],
    *,
    margin_mm: float = 3.0,
    wall_mm: float = 3.0,
    seed: Sequence[str] = (),
) -> list[Point]:
    """Centres for balls of these radii, all inside a region, none touching another.

    Parameters
    ----------
    allowed : (z, y, x) bool array
        The liver, less what must stay free; the end of the scan counts as outside.
    geometry : its grid, axial
    radii_mm : one per lesion; the largest it ever reaches
    margin_mm : free distance between lesions
    wall_mm : free distance from the region's surface
    seed : words; the same give the same sites

    Returns
    -------
    list of (x, y, z) in LPS mm, in the order of the radii, at random sub-pixel positions

    Raises
    ------
    PlacementError
        If not all find room.

    Notes
    -----
    Largest first, each near the wall it just fits (so the middle stays free for others), in up
    to 20 random orders of choice.
    """
    depth = _depth_mm(allowed, geometry) - np.float32(wall_mm)
    order = sorted(range(len(radii_mm)), key=lambda index: -radii_mm[index])
    most = 0
    for attempt in range(TRIES):
        rng = random_for("sites", str(attempt), *seed)
        found: dict[int, Point] = {}
        free = depth.copy()
        for index in order:
            site = _site(free, geometry, radii_mm[index], rng)
            if site is None:
                break
            found[index] = site
            _occupy(free, geometry, site, radii_mm[index] + margin_mm)
        most = max(most, len(found))
        if len(found) == len(radii_mm):
            return [found[index] for index in range(len(radii_mm))]
    msg = (
        f"the region has room for {most} of {len(radii_mm)} lesions (radii {sorted(radii_mm)}, "
        f"{margin_mm} mm apart, {wall_mm} from the wall, in mm): "
        "make them smaller or fewer, or the region larger"
    )
    raise PlacementError(msg)


def _depth_mm(allowed: NDArray[np.bool_], geometry: VolumeGeometry) -> NDArray[np.float32]:
    """Distance of each voxel to the nearest one outside the region; beyond the scan is outside."""
    padded = np.pad(allowed, 1)
    depth = ndimage.distance_transform_edt(padded, sampling=geometry.spacing_mm)
    return np.asarray(depth[1:-1, 1:-1, 1:-1], dtype=np.float32)


def _site(
    free: NDArray[np.float32], geometry: VolumeGeometry, needed_mm: float, rng: np.random.Generator
) -> Point | None:
    """Return a random place that is just deep enough, moved by up to half a pixel."""
    row_mm, column_mm = geometry.spacing_mm[1:]
    needed_mm += 0.5 * float(np.hypot(row_mm, column_mm)) + 0.5 * geometry.spacing_mm[0]
    best = float(free.max(initial=0.0))
    if best < needed_mm:
        return None
    snug = min(best, needed_mm + 2.0 * max(geometry.spacing_mm))
    candidates = np.argwhere((free >= needed_mm) & (free <= snug))
    index = candidates[rng.integers(len(candidates))] + rng.uniform(-0.5, 0.5, 3)
    x, y, z = geometry.index_to_patient(index).tolist()
    return x, y, z


def _occupy(
    free: NDArray[np.float32], geometry: VolumeGeometry, site: Point, radius_mm: float
) -> None:
    """Shorten the free distance by a ball that was placed, its margin included."""
    k, i, j = (np.arange(n) for n in free.shape)
    affine, origin = geometry.affine, geometry.affine[:3, 3] - np.array(site)
    x = origin[0] + affine[0, 1] * i[None, :, None] + affine[0, 2] * j[None, None, :]
    y = origin[1] + affine[1, 1] * i[None, :, None] + affine[1, 2] * j[None, None, :]
    z = origin[2] + affine[2, 0] * k[:, None, None]
    distance = np.sqrt(np.square(x) + np.square(y) + np.square(z)) - radius_mm
    np.minimum(free, distance.astype(np.float32), out=free)
