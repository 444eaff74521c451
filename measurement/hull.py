"""The convex hull of a region, and how far lines run within it."""

from __future__ import annotations

import math

import numpy as np

from imaging import machine_code
from measurement.line import Pairs, Points

SHORT_MM = 1e-9
NEARLY_ON_MM = 1e-5
"""A corner that is nearer to a ray along a side of the hull than this may lie on it."""


@machine_code.compiled
def convex_hull(points: Points) -> Pairs:
    """Corners of the convex hull in turn, from x towards y; each one once."""
    order = _by_x(points)
    n = points.shape[0]
    hull = np.empty(2 * n + 2, dtype=np.int64)
    size = 0
    for turn in range(2):
        floor = size + 1
        for k in range(n):
            v = order[k] if turn == 0 else order[n - 1 - k]
            while size > floor:
                a, b = hull[size - 2], hull[size - 1]
                bend = (points[b, 0] - points[a, 0]) * (points[v, 1] - points[a, 1]) - (
                    points[b, 1] - points[a, 1]
                ) * (points[v, 0] - points[a, 0])
                if bend > 1e-12:
                    break
                size -= 1
            hull[size] = v
            size += 1
        size -= 1  # the last one of this half is the first one of the other
    return hull[: max(size, 1)].copy()


@machine_code.compiled
def _by_x(points: Points) -> Pairs:
    """Order of the points by x, those with the same x as they come: into bins, then within them."""
    n = points.shape[0]
    low, high = points[:, 0].min(), points[:, 0].max()
    scale = (n - 1) / (high - low) if high - low > SHORT_MM else 0.0
    begins = np.zeros(n + 1, dtype=np.int64)
    bins = np.empty(n, dtype=np.int64)
    for k in range(n):
        bins[k] = min(n - 1, int((points[k, 0] - low) * scale))
        begins[bins[k] + 1] += 1
    for b in range(n):
        begins[b + 1] += begins[b]
    order = np.empty(n, dtype=np.int64)
    for k in range(n):
        order[begins[bins[k]]] = k
        begins[bins[k]] += 1
    for k in range(1, n):
        v = order[k]
        x, at = points[v, 0], k - 1
        while at >= 0 and points[order[at], 0] > x:
            order[at + 1] = order[at]
            at -= 1
        order[at + 1] = v
    return order


@machine_code.compiled
def way_out(
    points: Points, hull: Pairs, corner: int, place: tuple[float, float],
    along: tuple[float, float],
) -> tuple[float, int]:  # fmt: skip
    """Distance from a place within the hull to where a ray leaves it, and the corner before.

    ``corner`` is where the search begins: neighbouring rays leave at neighbouring corners. A ray
    along a side of the hull, which all corners are on one side of, leaves at the last on it.
    """
    size = hull.size
    left = right = 0
    while left <= size and right <= size:
        a = hull[corner]
        x, y = points[a, 0] - place[0], points[a, 1] - place[1]
        if along[0] * y - along[1] * x > 0.0:  # left of the ray: behind the exit
            corner = corner - 1 if corner > 0 else size - 1
            left += 1
            continue
        after = corner + 1 if corner + 1 < size else 0
        b = hull[after]
        u, v = points[b, 0] - place[0], points[b, 1] - place[1]
        if along[0] * v - along[1] * u <= 0.0:
            corner = after
            right += 1
            continue
        across = along[0] * (v - y) - along[1] * (u - x)
        if across <= 1e-12:
            break
        t = (x * (v - y) - y * (u - x)) / across
        ends = max(x * along[0] + y * along[1], u * along[0] + v * along[1])
        return max(0.0, min(t, ends)), corner
    farthest = 0.0
    for h in hull:
        x, y = points[h, 0] - place[0], points[h, 1] - place[1]
        if abs(along[0] * y - along[1] * x) < NEARLY_ON_MM:
            farthest = max(farthest, x * along[0] + y * along[1])
    return farthest, corner


@machine_code.compiled
def chord_of_hull(
    points: Points, hull: Pairs, corners: Pairs, place: tuple[float, float],
    along: tuple[float, float],
) -> float:  # fmt: skip
    """Length within the hull of the line through a place; ``corners`` are left where it exits."""
    ahead, corners[0] = way_out(points, hull, corners[0], place, along)
    behind, corners[1] = way_out(points, hull, corners[1], place, (-along[0], -along[1]))
    return float(ahead + behind)


@machine_code.compiled
def longest_in_wedge(
    points: Points, hull: Pairs, corners: Pairs, place: tuple[float, float],
    first: tuple[float, float], last: tuple[float, float],
) -> float:  # fmt: skip
    """Longest chord of the hull among the lines through a place between two directions.

    The distance to a straight side is a convex function of the angle, so the chord is longest on
    either border of the wedge, anticlockwise from the first to the last, or through a corner
    within it. ``corners`` are where the search for the ways out begins, and are left at the last.
    """
    longest = 0.0
    ahead, behind = corners[0], corners[1]
    for border in range(2):
        x, y = first if border == 0 else last
        there, corners[0] = way_out(points, hull, corners[0], place, (x, y))
        back, corners[1] = way_out(points, hull, corners[1], place, (-x, -y))
        longest = max(longest, there + back)
        if border == 0:
            ahead, behind = corners[0], corners[1]
    for side in range(2):
        k, opposite = (ahead, behind) if side == 0 else (behind, ahead)
        while k != corners[side]:
            k = k + 1 if k + 1 < hull.size else 0
            x, y = points[hull[k], 0] - place[0], points[hull[k], 1] - place[1]
            size = math.sqrt(x * x + y * y)
            if size > 0.0:
                back, opposite = way_out(points, hull, opposite, place, (-x / size, -y / size))
                longest = max(longest, size + back)
    return float(longest)
