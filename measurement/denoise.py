"""Noise taken from a region without moving its edges: total variation inside a mask."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from imaging import machine_code

ITERATIONS = 60


def flattened(
    values: NDArray[np.float64],
    region: NDArray[np.bool_],
    spacing_mm: tuple[float, float, float],
    strength: float,
    *,
    border: float = 0.0,
) -> NDArray[np.float64]:
    """Image of least total variation near the values, within a region alone.

    Parameters
    ----------
    values : (z, y, x) float64 array
    region : (z, y, x) bool array
        Outside it the result is 0, and no value outside has any influence.
    spacing_mm : (z, y, x)
    strength : float
        Weight of the variation, in units of the values per pixel of the plane.
    border : float
        Weight of the step from the region's border down to 0 within a slice, as part of that of
        a step inside.

    Notes
    -----
    Minimum of 1/2 |u - values|^2 + strength x TV(u) by fast gradient projection on its dual
    (Beck and Teboulle 2009, IEEE Trans Image Process 18:2419). Its level sets are the regions
    that weigh contrast against length of edge: noise along an edge averages out, while the edge
    of a disc stays where it is and only loses contrast of 2 x strength / radius.
    """
    pixel = math.sqrt(spacing_mm[1] * spacing_mm[2])
    steps = np.array([pixel / step for step in spacing_mm])
    inner = (slice(1, -1),) * 3
    wide = np.pad(region, 1)
    flat = _dual(np.pad(values * region, 1), wide, steps, strength, border, ITERATIONS)
    return np.asarray(flat[inner])


@machine_code.compiled
def _dual(
    values: NDArray[np.float64],
    region: NDArray[np.bool_],
    steps: NDArray[np.float64],
    strength: float,
    border: float,
    iterations: int,
) -> NDArray[np.float64]:
    """Fast gradient projection; across the border of the region, differences in a slice are to 0.

    The region keeps off the last voxel of every axis.
    """
    bound = 4.0 * (steps[0] ** 2 + steps[1] ** 2 + steps[2] ** 2)
    p = np.zeros((3, *values.shape))
    q = np.zeros((3, *values.shape))
    image = values.copy()
    momentum = 1.0
    for _ in range(iterations):
        _primal(values, region, q, steps, strength, border, image)
        following = 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * momentum * momentum))
        _ascend(image, region, p, q, steps, border, bound * strength, (momentum - 1.0) / following)
        momentum = following
    _primal(values, region, q, steps, strength, border, image)
    return image


@machine_code.compiled
def _primal(
    values: NDArray[np.float64],
    region: NDArray[np.bool_],
    q: NDArray[np.float64],
    steps: NDArray[np.float64],
    strength: float,
    border: float,
    image: NDArray[np.float64],
) -> None:
    """Write the image that belongs to the dual: values less strength x adjoint of the steps."""
    nz, ny, nx = values.shape
    for z in range(1, nz):
        for y in range(1, ny):
            for x in range(1, nx):
                if region[z, y, x]:
                    total = (q[0, z - 1, y, x] - q[0, z, y, x]) * steps[0]
                    down = 1.0 if region[z, y + 1, x] else border
                    up = 1.0 if region[z, y - 1, x] else border
                    total += (q[1, z, y - 1, x] * up - q[1, z, y, x] * down) * steps[1]
                    down = 1.0 if region[z, y, x + 1] else border
                    up = 1.0 if region[z, y, x - 1] else border
                    total += (q[2, z, y, x - 1] * up - q[2, z, y, x] * down) * steps[2]
                    image[z, y, x] = values[z, y, x] - strength * total


@machine_code.compiled
def _ascend(
    image: NDArray[np.float64],
    region: NDArray[np.bool_],
    p: NDArray[np.float64],
    q: NDArray[np.float64],
    steps: NDArray[np.float64],
    border: float,
    scale: float,
    push: float,
) -> None:
    """Move the dual along the steps of the image, back into the unit ball, and on by momentum."""
    _, nz, ny, nx = p.shape
    for z in range(nz - 1):
        for y in range(ny - 1):
            for x in range(nx - 1):
                inside = region[z, y, x]
                zz = inside and region[z + 1, y, x]
                yy, xx = region[z, y + 1, x], region[z, y, x + 1]
                if not (inside or yy or xx):
                    continue
                here = image[z, y, x]
                a = b = c = 0.0
                if zz:
                    a = q[0, z, y, x] + (image[z + 1, y, x] - here) * steps[0] / scale
                if inside or yy:
                    weight = steps[1] * (1.0 if inside and yy else border)
                    b = q[1, z, y, x] + (image[z, y + 1, x] - here) * weight / scale
                if inside or xx:
                    weight = steps[2] * (1.0 if inside and xx else border)
                    c = q[2, z, y, x] + (image[z, y, x + 1] - here) * weight / scale
                size = max(1.0, math.sqrt(a * a + b * b + c * c))
                a, b, c = a / size, b / size, c / size
                q[0, z, y, x] = a + push * (a - p[0, z, y, x])
                q[1, z, y, x] = b + push * (b - p[1, z, y, x])
                q[2, z, y, x] = c + push * (c - p[2, z, y, x])
                p[0, z, y, x], p[1, z, y, x], p[2, z, y, x] = a, b, c
