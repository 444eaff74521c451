"""A contour as closed loops of vertices, and which of them bend the region in or out."""

from __future__ import annotations

import math

import numpy as np

from imaging import machine_code
from measurement.line import Inside, Pairs, Points

SHORT_MM = 1e-6
"""An edge that is shorter than this has no direction to rely on."""

CONVEX, NOTCHED, EITHER = 0, 1, 2


@machine_code.compiled
def loops(points: Points, edges: Pairs) -> tuple[Points, Pairs]:
    """Vertices in the order in which one meets them along the contours, and their neighbours.

    Parameters
    ----------
    points, edges
        Closed contours; two edges meet at each vertex.

    Returns
    -------
    places : (n, 2) float64 array
        The points in turn.
    beside : (n, 2) int64 array
        The vertices before and after each one, numbered in turn.
    """
    count = points.shape[0]
    joined = np.full((count, 2), -1, dtype=np.int64)
    for e in range(count):
        for end in range(2):
            v = edges[e, end]
            joined[v, 0 if joined[v, 0] < 0 else 1] = edges[e, 1 - end]
    places = np.empty((count, 2))
    beside = np.empty((count, 2), dtype=np.int64)
    met = np.zeros(count, dtype=np.bool_)
    place = 0
    for begin in range(count):
        first, v = place, begin
        while not met[v]:
            met[v] = True
            places[place] = points[v]
            beside[place, 0], beside[place, 1] = place - 1, place + 1
            place += 1
            v = joined[v, 1] if met[joined[v, 0]] else joined[v, 0]
        if place > first:
            beside[first, 0], beside[place - 1, 1] = place - 1, first
    return places, beside


@machine_code.compiled
def directions(places: Points, beside: Pairs) -> Points:
    """Return the unit vector from each vertex to the next; zero where they are too near to tell."""
    along = np.zeros(places.shape)
    for v in range(places.shape[0]):
        x = places[beside[v, 1], 0] - places[v, 0]
        y = places[beside[v, 1], 1] - places[v, 1]
        size = math.sqrt(x * x + y * y)
        if size >= SHORT_MM:
            along[v, 0], along[v, 1] = x / size, y / size
    return along


@machine_code.compiled
def kinds_of(
    places: Points, beside: Pairs, along: Points, inside: Inside, spacing: tuple[float, float]
) -> Pairs:  # fmt: skip
    """Whether the region is convex at each vertex, notched, or either for all that is known.

    A vertex lies between two neighbouring pixels, and the region on the side of the higher one.
    """
    dy, dx = spacing
    kinds = np.full(places.shape[0], EITHER, dtype=np.int64)
    for v in range(places.shape[0]):
        before = beside[v, 0]
        ax, ay, bx, by = -along[before, 0], -along[before, 1], along[v, 0], along[v, 1]
        bend = ax * by - ay * bx
        if abs(bend) < 1e-9:
            if ax * bx + ay * by < 0.0:  # straight on: never the farthest nearby
                kinds[v] = NOTCHED
            continue
        row, column = places[v, 1] / dy, places[v, 0] / dx
        r, c = math.floor(row + 1e-9), math.floor(column + 1e-9)
        if row - r < 1e-9 and column - c > 1e-9:
            inward = (1.0 if inside[r, c + 1] else -1.0, 0.0)
        elif column - c < 1e-9 and row - r > 1e-9:
            inward = (0.0, 1.0 if inside[r + 1, c] else -1.0)
        else:
            continue
        one = (inward[0] * by - inward[1] * bx) / bend
        two = (ax * inward[1] - ay * inward[0]) / bend
        if min(one, two) > 1e-9:
            kinds[v] = CONVEX
        elif min(one, two) < -1e-9:
            kinds[v] = NOTCHED
    return kinds


@machine_code.compiled
def empty_disc(
    places: Points, beside: Pairs, inside: Inside, spacing: tuple[float, float]
) -> tuple[float, float, float]:
    """Centre x, y and radius of a disc without tissue about the middle of the longest loops.

    A radius of zero where the region lies around all of them.
    """
    best = (0.0, 0.0, 0.0)
    first = 0
    while first < places.shape[0]:
        stop = beside[first, 0] + 1
        x, y = places[first:stop, 0].mean(), places[first:stop, 1].mean()
        c, r = math.floor(x / spacing[1]), math.floor(y / spacing[0])
        near = inside[r, c] | inside[r, c + 1] | inside[r + 1, c] | inside[r + 1, c + 1]
        if stop - first > places.shape[0] // 16 and not near:
            radius = clearance(places, beside, x, y)
            if radius > best[2]:
                best = (x, y, radius)
        first = stop
    return best


@machine_code.compiled
def clearance(places: Points, beside: Pairs, x: float, y: float) -> float:
    """Distance from a place to the nearest edge."""
    nearest = math.inf
    for v in range(places.shape[0]):
        w = beside[v, 1]
        nearest = min(
            nearest,
            to_edge(places[v, 0] - x, places[v, 1] - y, places[w, 0] - x, places[w, 1] - y),
        )
    return nearest


@machine_code.compiled
def to_edge(x: float, y: float, u: float, v: float) -> float:
    """Distance from the origin to the edge between (x, y) and (u, v)."""
    along_x, along_y = u - x, v - y
    size = along_x * along_x + along_y * along_y
    t = min(max(-(x * along_x + y * along_y) / size, 0.0), 1.0) if size > 0.0 else 0.0
    x, y = x + t * along_x, y + t * along_y
    return math.sqrt(x * x + y * y)
