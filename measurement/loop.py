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
    joined = np.empty((count, 2), dtype=np.int64)
    ends = np.zeros(count, dtype=np.int64)
    for e in range(count):
        one, two = edges[e, 0], edges[e, 1]
        joined[one, ends[one]] = two
        ends[one] += 1
        joined[two, ends[two]] = one
        ends[two] += 1
    places = np.empty((count, 2))
    beside = np.empty((count, 2), dtype=np.int64)
    met = np.zeros(count, dtype=np.bool_)
    place = 0
    for begin in range(count):
        if met[begin]:
            continue
        first, v, before = place, begin, joined[begin, 1]
        while True:
            met[v] = True
            places[place, 0], places[place, 1] = points[v, 0], points[v, 1]
            beside[place, 0], beside[place, 1] = place - 1, place + 1
            place += 1
            v, before = joined[v, 0] + joined[v, 1] - before, v
            if v == begin:
                break
        beside[first, 0], beside[place - 1, 1] = place - 1, first
    return places, beside


@machine_code.compiled
def directions(places: Points, beside: Pairs) -> Points:
    """Return the unit vector from each vertex to the next; zero where they are too near to tell."""
    along = np.empty(places.shape)
    for v in range(places.shape[0]):
        along[v, 0], along[v, 1] = _direction(places, v, beside[v, 1])
    return along


@machine_code.compiled
def kinds_of(places: Points, beside: Pairs, drawn: tuple[Inside, tuple[float, float]]) -> Pairs:
    """Return the kind of every vertex."""
    kinds = np.empty(places.shape[0], dtype=np.int64)
    for v in range(places.shape[0]):
        kinds[v] = kind_of(places, beside, drawn, v)
    return kinds


@machine_code.compiled
def kind_of(
    places: Points, beside: Pairs, drawn: tuple[Inside, tuple[float, float]], v: int
) -> int:  # fmt: skip
    """Whether the region is convex at a vertex, notched, or either for all that is known.

    A vertex lies between two neighbouring pixels, and the region on the side of the higher one.
    """
    inside, (dy, dx) = drawn
    ax, ay = _direction(places, v, beside[v, 0])
    bx, by = _direction(places, v, beside[v, 1])
    bend = ax * by - ay * bx
    if abs(bend) < 1e-9:
        # straight on: never the farthest nearby
        return NOTCHED if ax * bx + ay * by < 0.0 else EITHER
    row, column = places[v, 1] / dy, places[v, 0] / dx
    r, c = math.floor(row + 1e-9), math.floor(column + 1e-9)
    if row - r < 1e-9 and column - c > 1e-9:
        inward = (1.0 if inside[r, c + 1] else -1.0, 0.0)
    elif column - c < 1e-9 and row - r > 1e-9:
        inward = (0.0, 1.0 if inside[r + 1, c] else -1.0)
    else:
        return EITHER
    one = (inward[0] * by - inward[1] * bx) / bend
    two = (ax * inward[1] - ay * inward[0]) / bend
    if min(one, two) > 1e-9:
        return CONVEX
    return NOTCHED if min(one, two) < -1e-9 else EITHER


@machine_code.compiled
def _direction(places: Points, v: int, w: int) -> tuple[float, float]:
    """Return the unit vector from one vertex to another; zero where they are too near to tell."""
    x, y = places[w, 0] - places[v, 0], places[w, 1] - places[v, 1]
    size = math.sqrt(x * x + y * y)
    return (x / size, y / size) if size >= SHORT_MM else (0.0, 0.0)


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
        a, b, u, t = places[v, 0] - x, places[v, 1] - y, places[w, 0] - x, places[w, 1] - y
        along_x, along_y = u - a, t - b
        away = a * a + b * b
        if (a * along_x + b * along_y < 0.0) & (u * along_x + t * along_y > 0.0):
            across = a * t - b * u
            away = across * across / (along_x * along_x + along_y * along_y)
        nearest = away if away < nearest else nearest
    return math.sqrt(nearest)
