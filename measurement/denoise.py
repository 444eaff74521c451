"""Noise taken from a region without moving its edges: total variation inside a mask."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

ITERATIONS = 60


def flattened(
    values: NDArray[np.float64],
    region: NDArray[np.bool_],
    spacing_mm: tuple[float, float, float],
    strength: float,
) -> NDArray[np.float64]:
    """Image of least total variation near the values, within a region alone.

    Parameters
    ----------
    values : (z, y, x) float64 array
    region : (z, y, x) bool array
        Outside it the result is 0, and nothing outside has any influence.
    spacing_mm : (z, y, x)
    strength : float
        Weight of the variation, in units of the values per pixel of the plane.

    Notes
    -----
    Minimum of 1/2 |u - values|^2 + strength x TV(u) by fast gradient projection on its dual
    (Beck and Teboulle 2009, IEEE Trans Image Process 18:2419). Its level sets are the regions
    that weigh contrast against length of edge: noise along an edge averages out, while the edge
    of a disc stays where it is and only loses contrast of 2 x strength / radius.
    """
    pixel = math.sqrt(spacing_mm[1] * spacing_mm[2])
    steps = np.array([pixel / step for step in spacing_mm])
    return np.asarray(_dual(values * region, region, steps, strength, ITERATIONS))


@njit(cache=True)  # type: ignore[untyped-decorator]
def _dual(  # noqa: C901 - three nested loops over voxels, twice
    values: NDArray[np.float64],
    region: NDArray[np.bool_],
    steps: NDArray[np.float64],
    strength: float,
    iterations: int,
) -> NDArray[np.float64]:
    """Fast gradient projection; differences across the border of the region are none."""
    nz, ny, nx = values.shape
    bound = 4.0 * (steps[0] ** 2 + steps[1] ** 2 + steps[2] ** 2)
    p = np.zeros((3, nz, ny, nx))
    q = np.zeros((3, nz, ny, nx))
    image = values.copy()
    momentum = 1.0
    for turn in range(iterations + 1):
        # image = values - strength * divergence adjoint of q
        for z in range(nz):
            for y in range(ny):
                for x in range(nx):
                    if region[z, y, x]:
                        total = -(q[0, z, y, x] * steps[0] + q[1, z, y, x] * steps[1])
                        total -= q[2, z, y, x] * steps[2]
                        if z > 0:
                            total += q[0, z - 1, y, x] * steps[0]
                        if y > 0:
                            total += q[1, z, y - 1, x] * steps[1]
                        if x > 0:
                            total += q[2, z, y, x - 1] * steps[2]
                        image[z, y, x] = values[z, y, x] - strength * total
        if turn == iterations:
            break
        following = 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * momentum * momentum))
        push = (momentum - 1.0) / following
        momentum = following
        for z in range(nz):
            for y in range(ny):
                for x in range(nx):
                    if not region[z, y, x]:
                        continue
                    here = image[z, y, x]
                    a = b = c = 0.0
                    if z + 1 < nz and region[z + 1, y, x]:
                        a = q[0, z, y, x] + (image[z + 1, y, x] - here) * steps[0] / (
                            bound * strength
                        )
                    if y + 1 < ny and region[z, y + 1, x]:
                        b = q[1, z, y, x] + (image[z, y + 1, x] - here) * steps[1] / (
                            bound * strength
                        )
                    if x + 1 < nx and region[z, y, x + 1]:
                        c = q[2, z, y, x] + (image[z, y, x + 1] - here) * steps[2] / (
                            bound * strength
                        )
                    size = max(1.0, math.sqrt(a * a + b * b + c * c))
                    a, b, c = a / size, b / size, c / size
                    q[0, z, y, x] = a + push * (a - p[0, z, y, x])
                    q[1, z, y, x] = b + push * (b - p[1, z, y, x])
                    q[2, z, y, x] = c + push * (c - p[2, z, y, x])
                    p[0, z, y, x], p[1, z, y, x], p[2, z, y, x] = a, b, c
    return image
