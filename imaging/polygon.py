"""Which pixel centres lie inside a polygon."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_FLOAT_NOISE = 1e-9
"""Pixels: what rounding of coordinates may leave, so that a vertex meant on a centre is on it."""


def inside_polygon(vertices: ArrayLike, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels whose centres lie inside a closed polygon, by the even-odd rule.

    Parameters
    ----------
    vertices : (n, 2) array
        (row, column) in pixels; the centre of the first pixel is (0, 0). The last vertex is joined
        to the first.
    shape : (rows, columns)

    Returns
    -------
    (rows, columns) bool array

    Notes
    -----
    A ray from each centre towards higher columns crosses the outline an odd number of times where
    the centre lies inside; so a keyhole cuts its hole out, whichever way the outline runs. Of
    centres on the outline itself those at its lowest row or column belong to it and those at its
    highest do not, so that two polygons that share an edge share no pixel.
    """
    start = np.asarray(vertices, dtype=np.float64)
    start = start + (np.rint(start) - start) * (np.abs(np.rint(start) - start) < _FLOAT_NOISE)
    end = np.roll(start, -1, axis=0)
    upwards = start[:, 0] <= end[:, 0]
    low = np.where(upwards[:, None], start, end)
    high = np.where(upwards[:, None], end, start)
    first = np.clip(np.ceil(low[:, 0]), 0, shape[0]).astype(np.int64)
    last = np.clip(np.ceil(high[:, 0]), 0, shape[0]).astype(np.int64)
    counts = last - first
    edge = np.repeat(np.arange(len(start)), counts)
    rows = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    share = (rows - low[edge, 0]) / (high[edge, 0] - low[edge, 0])
    crossing = low[edge, 1] + share * (high[edge, 1] - low[edge, 1])
    columns = np.clip(np.ceil(crossing - _FLOAT_NOISE), 0, shape[1]).astype(np.int64)
    crossings = np.zeros((shape[0], shape[1] + 1), dtype=np.int64)
    np.add.at(crossings, (rows, columns), 1)
    beyond = np.cumsum(crossings[:, ::-1], axis=1)[:, ::-1]
    inside: NDArray[np.bool_] = beyond[:, 1:] % 2 == 1
    return inside
