"""Lines that a notch of the region supports, those of the longest chords of the hull first.

A vertex supports a line where the region is notched and both its edges lie on one side. A longest
segment on such a line ends at another vertex, or that one supports it too.
"""

from __future__ import annotations

import math

import numpy as np

from imaging import machine_code
from measurement.hull import convex_hull, longest_in_wedge, way_out
from measurement.line import ON_LINE_MM, Pairs, Points
from measurement.loop import CONVEX, NOTCHED
from measurement.trace import Drawn, Pair, Traced, leaves, through

NEARLY_MM = 1e-7
"""A vertex that is nearer to a line than this may lie on either side of it."""

CHAIN = 24
"""Vertices along the contour, on either side of one, that are asked what they hide from it."""

WIDER = 1e-6
"""Angle by which wedges are wider than rounding has them."""

GUESSES = 24
"""Lines that are tried first."""

Circle = tuple[float, float, float]
Line = tuple[float, float, float, float]
Loops = tuple[Points, Pairs, Points, Pairs]
"""A contour in turn: vertices, their neighbours, directions to the next, kinds."""


@machine_code.compiled
def lines_supported(
    shape: Loops, traced: Traced, drawn: Drawn, best: Points, effort: int
) -> int:  # fmt: skip
    """Trace the lines through a vertex that supports them and through another one.

    Parameters
    ----------
    shape : contour in turn
    traced, drawn : what the tracing and the looks at the field need
    best : (5,) float64 array
        Longest run known; a longer one takes its place.
    effort : looks at vertices after which to give up

    Returns
    -------
    int
        Looks at vertices; more than ``effort`` where the search has given up.
    """
    places, beside, along, kinds = shape
    hull = convex_hull(places)
    circle = _circle(places, hull)
    wedges, vertices = _supporting(shape, hull, circle, best[0])
    floor, looks = best[0], 0
    for k in range(vertices.shape[0]):
        if wedges[k, 4] <= best[0] + 1e-9 or looks > effort:
            break
        v, corners = vertices[k, 0], vertices[k, 1:]
        borders = (wedges[k, 0], wedges[k, 1], wedges[k, 2], wedges[k, 3])
        if best[0] > floor:
            borders, free = _in_view(places, beside, along, kinds[v], circle, v, best[0])
            if not free or _bound(places, hull, corners, v, borders) <= best[0]:
                continue
        looks += places.shape[0]
        looks += _from_vertex(shape, (hull, corners), v, borders, traced, drawn, best)
    return looks


@machine_code.compiled
def _from_vertex(
    shape: Loops, around: tuple[Pairs, Pairs], v: int, borders: Line, traced: Traced,
    drawn: Drawn, best: Points,
) -> int:  # fmt: skip
    """Trace the lines between two directions through one vertex and another; return the looks."""
    places, beside, _, _ = shape
    px, py = places[v, 0], places[v, 1]
    ax, ay, bx, by = borders
    looks = 0
    for w in range(places.shape[0]):
        x, y = places[w, 0] - px, places[w, 1] - py
        one, two = ax * y - ay * x, bx * y - by * x
        if (one < -NEARLY_MM or two > NEARLY_MM) and (one > NEARLY_MM or two < -NEARLY_MM):
            continue
        size = math.sqrt(x * x + y * y)
        if size < ON_LINE_MM:
            continue
        ahead, behind = _ways_out(places, around, (px, py), (x / size, y / size), (ax, ay))
        if crosses(places, beside, w, (x / size, y / size)):
            ahead = min(ahead, size)  # the segment ends there
        if ahead + behind <= best[0] or leaves(drawn, (px, py), (places[w, 0], places[w, 1])):
            continue
        looks += places.shape[0]
        through(traced, (px, py), (places[w, 0], places[w, 1]), best)
    return looks


@machine_code.compiled
def _ways_out(
    places: Points, around: tuple[Pairs, Pairs], place: Pair, along: Pair, forward: Pair
) -> Pair:
    """How far a line runs within the hull beyond a place, that way and back."""
    hull, corners = around
    side = 0 if along[0] * forward[0] + along[1] * forward[1] >= 0.0 else 1
    there, corners[side] = way_out(places, hull, corners[side], place, along)
    back, corners[1 - side] = way_out(
        places, hull, corners[1 - side], place, (-along[0], -along[1])
    )
    return there, back


@machine_code.compiled
def _supporting(
    shape: Loops, hull: Pairs, circle: Circle, longer_than: float
) -> tuple[Points, Pairs]:
    """Vertices that may support a line longer than given, those of the longest bounds first.

    Returns
    -------
    wedges : (k, 5) float64 array
        x and y of two directions, between which lie those of such lines, and the bound: the
        longest chord of the hull among these.
    vertices : (k, 3) int64 array
        The vertex, and the corners of the hull before its ways out ahead and behind.
    """
    places, beside, along, kinds = shape
    wedges = np.empty((places.shape[0], 5))
    vertices = np.empty((places.shape[0], 3), dtype=np.int64)
    corners = np.zeros(2, dtype=np.int64)
    count = 0
    for v in range(places.shape[0]):
        if kinds[v] == CONVEX:
            continue
        borders, free = _in_view(places, beside, along, kinds[v], circle, v, longer_than)
        if not free:
            continue
        bound = _bound(places, hull, corners, v, borders)
        if bound > longer_than:
            wedges[count, 0], wedges[count, 1], wedges[count, 2], wedges[count, 3] = borders
            wedges[count, 4] = bound
            vertices[count, 0], vertices[count, 1], vertices[count, 2] = v, corners[0], corners[1]
            count += 1
    order = np.argsort(-wedges[:count, 4], kind="mergesort")
    return wedges[:count][order], vertices[:count][order]


@machine_code.compiled
def _bound(places: Points, hull: Pairs, corners: Pairs, v: int, borders: Line) -> float:
    """Longest chord of the hull among the lines between two directions through a vertex."""
    ax, ay, bx, by = borders
    place = (places[v, 0], places[v, 1])
    return float(longest_in_wedge(places, hull, corners, place, (ax, ay), (bx, by)))


@machine_code.compiled
def _borders(along: Points, beside: Pairs, v: int) -> Line:
    """Two directions between which those of the lines lie that a vertex may support.

    Anticlockwise from the first to the second. Edges that fold back or are too short to tell
    leave all directions.
    """
    before = beside[v, 0]
    ax, ay, bx, by = along[before, 0], along[before, 1], along[v, 0], along[v, 1]
    if ax * bx + ay * by < -0.999 or ax * ax + ay * ay < 0.5 or bx * bx + by * by < 0.5:
        return 1.0, 0.0, -1.0, 0.0
    if ax * by - ay * bx < 0.0:
        return bx, by, ax, ay
    return ax, ay, bx, by


@machine_code.compiled
def _circle(places: Points, hull: Pairs) -> tuple[float, float, float]:
    """Centre x and y and squared radius of a circle around the hull."""
    x0 = y0 = math.inf
    x1 = y1 = -math.inf
    for h in hull:
        x0, x1 = min(x0, places[h, 0]), max(x1, places[h, 0])
        y0, y1 = min(y0, places[h, 1]), max(y1, places[h, 1])
    x, y, radius = 0.5 * (x0 + x1), 0.5 * (y0 + y1), 0.0
    for h in hull:
        radius = max(radius, (places[h, 0] - x) ** 2 + (places[h, 1] - y) ** 2)
    return x, y, radius


@machine_code.compiled
def guess(shape: Loops, traced: Traced, best: Points) -> None:
    """Trace a line through each of a few vertices: a long run found early leaves out others."""
    places, beside, along, kinds = shape
    vertices = np.flatnonzero(kinds != CONVEX)
    for k in range(0, vertices.size, max(1, vertices.size // GUESSES)):
        v = vertices[k]
        ax, ay, bx, by = _borders(along, beside, v)
        x, y = places[v, 0], places[v, 1]
        if ax * bx + ay * by > 0.0:
            through(traced, (x, y), (x + ax + bx, y + ay + by), best)


@machine_code.compiled
def _in_view(
    places: Points, beside: Pairs, along: Points, kind: int, circle: Circle, v: int,
    longer_than: float,
) -> tuple[Line, bool]:  # fmt: skip
    """Borders of the part of a vertex's wedge that the contour leaves free, and if any is left.

    A line that the contour crosses near its vertex is left with what lies on the other side and
    the little before the crossing, which is too short. Only as much of the contour is asked as
    makes this certain.
    """
    ax, ay, bx, by = _borders(along, beside, v)
    x, y = circle[0] - places[v, 0], circle[1] - places[v, 1]
    one, two = ax * y - ay * x, bx * y - by * x
    away, ahead = 0.0, math.sqrt(x * x + y * y)
    behind = ahead
    if one * two > 0.0 and ax * bx + ay * by > 0.0:  # the middle lies in no line of the wedge
        away = min(abs(one), abs(two))
        one, two = ax * x + ay * y, bx * x + by * y
        ahead, behind = max(one, two), -min(one, two)
    half = math.sqrt(max(circle[2] - away * away, 0.0))
    if 2.0 * half <= longer_than:
        return (ax, ay, bx, by), False
    before = beside[v, 0]
    turn = along[before, 0] * along[v, 1] - along[before, 1] * along[v, 0]
    if kind != NOTCHED or ax * bx + ay * by < 0.5 or abs(turn) < 1e-6:
        return (ax, ay, bx, by), True
    first = _horizon(places, beside, along, v, 0, turn, longer_than - ahead - half)
    last = _horizon(places, beside, along, v, 1, turn, longer_than - behind - half)
    if turn < 0.0:
        first, last = last, first
    free = first[0] * last[1] - first[1] * last[0] >= -WIDER
    return (first[0], first[1], last[0], last[1]), free


@machine_code.compiled
def _horizon(
    places: Points, beside: Pairs, along: Points, v: int, side: int, turn: float, near: float
) -> Pair:
    """Direction of the line that the contour to one side of a notch leaves free, up to a distance.

    Seen along the contour, the region lies to the right of a notch that turns to the left.
    """
    before = beside[v, 0]
    mx, my = along[v, 0] + along[before, 0], along[v, 1] + along[before, 1]
    enough = 0.25 * (mx * mx + my * my)  # so far ahead, all of the wedge has it before itself
    x0, y0 = along[before, 0], along[before, 1]
    if side == 1:
        x0, y0 = along[v, 0], along[v, 1]
    sign = 2.0 * side - 1.0
    inwards = math.copysign(sign, sign * turn)
    at = v
    for _ in range(CHAIN if near > 0.0 else 0):
        at = beside[at, side]
        x, y = sign * (places[at, 0] - places[v, 0]), sign * (places[at, 1] - places[v, 1])
        size, forward = x * x + y * y, x * mx + y * my
        if size >= near * near or forward <= 0.0 or forward * forward <= enough * size:
            break
        if inwards * (x * y0 - y * x0) > 0.0:  # nearer to the region than the direction
            x0, y0 = x, y
    size = math.sqrt(x0 * x0 + y0 * y0)
    return x0 / size, y0 / size


@machine_code.compiled
def crosses(places: Points, beside: Pairs, w: int, along: Pair) -> bool:
    """Whether the contour surely goes from one side of a line through a vertex to the other."""
    one, two = beside[w, 0], beside[w, 1]
    a = along[0] * (places[one, 1] - places[w, 1]) - along[1] * (places[one, 0] - places[w, 0])
    b = along[0] * (places[two, 1] - places[w, 1]) - along[1] * (places[two, 0] - places[w, 0])
    return bool((a > NEARLY_MM and b < -NEARLY_MM) or (a < -NEARLY_MM and b > NEARLY_MM))
