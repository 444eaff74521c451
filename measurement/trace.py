"""One line against a contour in turn: the longest run on it, and quick looks at the field."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from measurement.line import ON_LINE_MM, Pairs, Points, intervals, longest_run

SAMPLES = 8
"""A segment is first looked up at so many places, less one, in the field."""

Pair = tuple[float, float]
Drawn = tuple[Points, float, Pair]
"""Field, level and (row, column) spacing of a contour."""

Traced = tuple[Points, Pairs, Points, Points, Pairs]
"""Vertices and edges in turn, with room for what the tracing of a line needs."""


@njit(cache=True)  # type: ignore[untyped-decorator]
def workplace(places: Points, beside: Pairs) -> Traced:
    """Vertices and edges in turn, with room for what the tracing of a line needs."""
    count = places.shape[0]
    edges = np.empty((count, 2), dtype=np.int64)
    for v in range(count):
        edges[v, 0], edges[v, 1] = v, beside[v, 1]
    work = np.empty((4, 2 * count + 2))
    return places, edges, work, np.empty(count), np.empty(count, dtype=np.int64)


@njit(cache=True)  # type: ignore[untyped-decorator]
def through(traced: Traced, one: Pair, two: Pair, best: Points) -> None:
    """Keep the longest run on the line through two vertices, if it is longer than the best."""
    places, edges, work, across, used = traced
    x, y = two[0] - one[0], two[1] - one[1]
    size = math.hypot(x, y)
    if size < ON_LINE_MM:
        return
    line = (one[0], one[1], x / size, y / size)
    for v in range(across.size):
        across[v] = (places[v, 1] - line[1]) * line[2] - (places[v, 0] - line[0]) * line[3]
    met = 0
    for e in range(edges.shape[0]):
        a, b = across[e], across[edges[e, 1]]
        if min(a, b) <= ON_LINE_MM and max(a, b) >= -ON_LINE_MM:
            used[met] = e
            met += 1
    pieces = intervals(places[:, 0], places[:, 1], edges, used, met, line, work)
    if pieces == 0 or work[1, pieces - 1] - work[0, 0] <= best[0] + 1e-9:
        return
    start, stop = longest_run(work, pieces, work, 0, 0.0)
    if stop - start > best[0] + 1e-9:
        best[0] = stop - start
        best[1], best[2] = line[0] + start * line[2], line[1] + start * line[3]
        best[3], best[4] = line[0] + stop * line[2], line[1] + stop * line[3]


@njit(cache=True)  # type: ignore[untyped-decorator]
def leaves(drawn: Drawn, one: Pair, two: Pair) -> bool:
    """Whether a segment surely leaves the region: some place has four pixels outside around it."""
    field, level, (dy, dx) = drawn
    for k in range(SAMPLES // 2):
        for side in range(2):
            t = 0.5 + (0.5 - side) * 2.0 * k / SAMPLES
            c = math.floor((one[0] + t * (two[0] - one[0])) / dx)
            r = math.floor((one[1] + t * (two[1] - one[1])) / dy)
            if (
                field[r, c] < level
                and field[r, c + 1] < level
                and field[r + 1, c] < level
                and field[r + 1, c + 1] < level
            ):
                return True
    return False
