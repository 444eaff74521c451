"""The longest segment that nowhere leaves a region: the search without gaps.

Such a segment can be moved, never getting shorter, until its line goes through two vertices of
which one *supports* it (the region is notched there, and both edges of the vertex lie on one side
of the line) or which are both its *ends*, each the farthest from the other nearby. So few lines
are traced, those of the longest chords of the convex hull first.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from measurement.hull import chord_of_hull, convex_hull, longest_in_wedge, reach_in_wedge
from measurement.line import ON_LINE_MM, Pairs, Points, intervals, longest_run

NEARLY_MM = 1e-7
"""A vertex that is nearer to a line than this may lie on either side of it."""

SHORT_MM = 1e-6
"""An edge that is shorter than this has no direction to rely on."""

SAMPLES = 8
"""A segment is first looked up at so many places, less one, in the field."""

CHAIN = 24
"""Vertices along the contour, on either side of one, that are asked what they hide from it."""

WIDER = 1e-6
"""Angle by which wedges are wider than rounding has them."""

EFFORT = 4_000_000
"""Looks at edges and pairs after which this search gives up: for specks the other is faster."""

CONVEX, NOTCHED, EITHER = 0, 1, 2


@njit(cache=True)  # type: ignore[untyped-decorator]
def longest_contained(
    points: Points, edges: Pairs, field: Points, level: float, spacing: tuple[float, float],
    farthest: tuple[int, int], longer_than: float,
) -> tuple[Points, bool]:  # fmt: skip
    """Longest segment inside a region, if it is longer than ``longer_than``.

    Parameters
    ----------
    points, edges
        Closed contours, mm in the slice plane; two edges meet at each vertex.
    field : (rows, columns) float64 array
        The region's field, of whose ``level`` the contours are drawn.
    spacing : (row, column) in mm
    farthest : two vertices whose line is tried first

    Returns
    -------
    run : (5,) float64 array
        Length, x and y of one end, x and y of the other, in mm; length 0 where there is none.
    finished : bool
        False where the search has given up: there may be a longer run than that returned.
    """
    best = np.zeros(5)
    best[0] = longer_than
    if edges.shape[0] != points.shape[0]:
        return np.zeros(5), False
    beside = neighbours(edges, points.shape[0])
    work = np.empty((4, 2 * edges.shape[0] + 2))
    every = np.arange(edges.shape[0])
    _through(points, edges, every, farthest[0], farthest[1], best, work)
    kinds = _kinds(points, beside, field, level, spacing)
    looks = _lines_supported(points, edges, beside, kinds, (field, level, spacing), best, work)
    if looks <= EFFORT:
        looks = _lines_between_ends(
            points, edges, beside, kinds, (field, level, spacing), best, work
        )  # fmt: skip
    if best[0] <= longer_than:
        best[0] = 0.0
    return best, looks <= EFFORT


@njit(cache=True)  # type: ignore[untyped-decorator]
def neighbours(edges: Pairs, count: int) -> Pairs:
    """Both vertices that an edge joins to each vertex."""
    beside = np.full((count, 2), -1, dtype=np.int64)
    for e in range(edges.shape[0]):
        for end in range(2):
            v = edges[e, end]
            beside[v, 0 if beside[v, 0] < 0 else 1] = edges[e, 1 - end]
    return beside


@njit(cache=True)  # type: ignore[untyped-decorator]
def in_turn(beside: Pairs) -> Pairs:
    """Vertices in the order in which one meets them along the contours."""
    count = beside.shape[0]
    order = np.empty(count, dtype=np.int64)
    met = np.zeros(count, dtype=np.bool_)
    place = 0
    for first in range(count):
        v = first
        while not met[v]:
            met[v] = True
            order[place] = v
            place += 1
            v = beside[v, 1] if met[beside[v, 0]] else beside[v, 0]
    return order


@njit(cache=True)  # type: ignore[untyped-decorator]
def _sides(points: Points, beside: Pairs, v: int) -> tuple[float, float, float, float, bool]:
    """Directions from a vertex to both its neighbours, and whether both are far enough away."""
    ax, ay = points[beside[v, 0], 0] - points[v, 0], points[beside[v, 0], 1] - points[v, 1]
    bx, by = points[beside[v, 1], 0] - points[v, 0], points[beside[v, 1], 1] - points[v, 1]
    a, b = math.sqrt(ax * ax + ay * ay), math.sqrt(bx * bx + by * by)
    if min(a, b) < SHORT_MM:
        return 0.0, 0.0, 0.0, 0.0, False
    return ax / a, ay / a, bx / b, by / b, True


@njit(cache=True)  # type: ignore[untyped-decorator]
def _kinds(
    points: Points, beside: Pairs, field: Points, level: float, spacing: tuple[float, float]
) -> Pairs:
    """Whether the region is convex at each vertex, notched, or either for all that is known.

    A vertex lies between two neighbouring pixels, and the region on the side of the higher one.
    """
    dy, dx = spacing
    kinds = np.full(points.shape[0], EITHER, dtype=np.int64)
    for v in range(points.shape[0]):
        ax, ay, bx, by, known = _sides(points, beside, v)
        bend = ax * by - ay * bx
        if not known or abs(bend) < 1e-9:
            if known and ax * bx + ay * by < 0.0:  # straight on: never the farthest nearby
                kinds[v] = NOTCHED
            continue
        row, column = points[v, 1] / dy, points[v, 0] / dx
        r, c = math.floor(row + 1e-9), math.floor(column + 1e-9)
        if row - r < 1e-9 and column - c > 1e-9:
            inward = (1.0 if field[r, c + 1] >= level else -1.0, 0.0)
        elif column - c < 1e-9 and row - r > 1e-9:
            inward = (0.0, 1.0 if field[r + 1, c] >= level else -1.0)
        else:
            continue
        one = (inward[0] * by - inward[1] * bx) / bend
        two = (ax * inward[1] - ay * inward[0]) / bend
        if min(one, two) > 1e-9:
            kinds[v] = CONVEX
        elif min(one, two) < -1e-9:
            kinds[v] = NOTCHED
    return kinds


@njit(cache=True)  # type: ignore[untyped-decorator]
def _wedges(
    points: Points,
    beside: Pairs,
    kinds: Pairs,
    hull: Pairs,
    longer_than: float,
) -> tuple[Points, Pairs]:
    """Supported directions of each vertex that may support a longer line than given.

    Returns
    -------
    wedges : (k, 5) float64 array
        x and y of the middle direction, half-angle, farthest way out of the hull ahead and behind;
        those that reach farthest first.
    vertices : (k, 3) int64 array
        The vertex, and the corners of the hull before the ways out ahead and behind.
    """
    wedges = np.empty((points.shape[0], 5))
    vertices = np.empty((points.shape[0], 3), dtype=np.int64)
    corners = np.zeros(2, dtype=np.int64)
    count = 0
    for v in in_turn(beside):
        if kinds[v] == CONVEX:
            continue
        ax, ay, bx, by, known = _sides(points, beside, v)
        x, y = ax - bx, ay - by
        size = math.hypot(x, y)
        middle, half_angle = (1.0, 0.0), 0.5 * math.pi
        if known and size > 0.02:  # else the edges fold back: any direction may be supported
            middle = (x / size, y / size)
            half_angle = math.atan2(abs(ax * y - ay * x), ax * x + ay * y) + WIDER
        place = (points[v, 0], points[v, 1])
        ahead, behind = reach_in_wedge(points, hull, corners, place, middle, half_angle)
        if ahead + behind > longer_than:
            wedges[count] = (middle[0], middle[1], half_angle, ahead, behind)
            vertices[count] = (v, corners[0], corners[1])
            count += 1
    order = np.argsort(-(wedges[:count, 3] + wedges[:count, 4]), kind="mergesort")
    return wedges[:count][order], vertices[:count][order]


@njit(cache=True)  # type: ignore[untyped-decorator]
def _narrowed(
    points: Points, beside: Pairs, v: int, wedge: Points, longer_than: float
) -> tuple[float, float, float]:
    """Middle direction and half-angle of the part of a wedge that the contour leaves free.

    The contour bounds the view from its vertex: a line that it crosses nearby is left with what
    lies on the other side and the little before the crossing, which is too short. Only as much of
    the contour is asked as makes this certain. A negative half-angle: nothing is left.
    """
    x0, y0, half_angle, ahead, behind = wedge
    nearby = longer_than - max(ahead, behind)
    if nearby <= 0.0 or half_angle > 1.0:
        return x0, y0, half_angle
    ax, ay, bx, by, _ = _sides(points, beside, v)
    up = -1.0 if x0 * (ay + by) - y0 * (ax + bx) > 0.0 else 1.0  # towards the region
    limits = np.full(2, -half_angle)
    for side in range(2):
        sign = 1.0 - 2.0 * side
        before, at = v, beside[v, side]
        slope = -math.inf
        for _ in range(CHAIN):
            x, y = points[at, 0] - points[v, 0], points[at, 1] - points[v, 1]
            along = sign * (x * x0 + y * y0)
            if x * x + y * y >= nearby * nearby or along <= SHORT_MM:
                break
            slope = max(slope, up * (x0 * y - y0 * x) / along)
            after = beside[at, 1] if beside[at, 0] == before else beside[at, 0]
            before, at = at, after
        limits[side] = max(limits[side], math.atan(slope) - WIDER)
    low, high = limits[0], -limits[1]
    turn = up * 0.5 * (low + high)
    cosine, sine = math.cos(turn), math.sin(turn)
    return x0 * cosine - y0 * sine, y0 * cosine + x0 * sine, 0.5 * (high - low)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _lines_supported(
    points: Points, edges: Pairs, beside: Pairs, kinds: Pairs,
    drawn: tuple[Points, float, tuple[float, float]], best: Points, work: Points,
) -> int:  # fmt: skip
    """Trace the lines through a vertex that supports them and through another one."""
    hull = convex_hull(points)
    wedges, vertices = _wedges(points, beside, kinds, hull, best[0])
    every = np.arange(edges.shape[0])
    looks = 0
    for k in range(vertices.shape[0]):
        if wedges[k, 3] + wedges[k, 4] <= best[0] + 1e-9 or looks > EFFORT:
            break
        v, corners = vertices[k, 0], vertices[k, 1:]
        place = (points[v, 0], points[v, 1])
        x0, y0, half_angle = _narrowed(points, beside, v, wedges[k], best[0])
        if half_angle < 0.0:
            continue
        if longest_in_wedge(points, hull, corners, place, (x0, y0), half_angle) <= best[0]:
            continue
        cosine = math.cos(min(half_angle, 0.5 * math.pi))
        sine = math.sin(min(half_angle, 0.5 * math.pi))
        looks += points.shape[0]
        for w in range(points.shape[0]):
            x, y = points[w, 0] - place[0], points[w, 1] - place[1]
            if abs(y * x0 - x * y0) * cosine > abs(x * x0 + y * y0) * sine + NEARLY_MM:
                continue
            size = math.hypot(x, y)
            if size < ON_LINE_MM:
                continue
            if x * x0 + y * y0 < 0.0:
                size = -size
            chord = chord_of_hull(points, hull, corners, place, (x / size, y / size))
            if chord <= best[0] or leaves(drawn, place, (points[w, 0], points[w, 1])):
                continue
            looks += edges.shape[0]
            _through(points, edges, every, v, w, best, work)
    return looks


@njit(cache=True)  # type: ignore[untyped-decorator]
def leaves(
    drawn: tuple[Points, float, tuple[float, float]], one: tuple[float, float],
    two: tuple[float, float],
) -> bool:  # fmt: skip
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


@njit(cache=True)  # type: ignore[untyped-decorator]
def _lines_between_ends(
    points: Points, edges: Pairs, beside: Pairs, kinds: Pairs,
    drawn: tuple[Points, float, tuple[float, float]], best: Points, work: Points,
) -> int:  # fmt: skip
    """Trace the lines of pairs of vertices of which each is the farthest from the other nearby."""
    every = np.arange(edges.shape[0])
    able = np.flatnonzero(kinds != NOTCHED)
    looks = able.size * able.size // 8
    if looks > EFFORT:
        return int(looks)
    ends = np.empty((able.size, 6))  # the vertex, and its steps along either edge
    for k in range(able.size):
        v, a, b = able[k], beside[able[k], 0], beside[able[k], 1]
        ends[k, 0], ends[k, 1] = points[v, 0], points[v, 1]
        ends[k, 2], ends[k, 3] = points[a, 0] - points[v, 0], points[a, 1] - points[v, 1]
        ends[k, 4], ends[k, 5] = points[b, 0] - points[v, 0], points[b, 1] - points[v, 1]
    for p in range(able.size):
        x0, y0, ax, ay, bx, by = ends[p]
        for q in range(p + 1, able.size):
            x, y = ends[q, 0] - x0, ends[q, 1] - y0
            if x * x + y * y <= best[0] * best[0]:
                continue
            if min(ax * x + ay * y, bx * x + by * y) < -100 * NEARLY_MM:
                continue
            if max(ends[q, 2] * x + ends[q, 3] * y, ends[q, 4] * x + ends[q, 5] * y) > (
                100 * NEARLY_MM
            ):
                continue
            if leaves(drawn, (x0, y0), (ends[q, 0], ends[q, 1])):
                continue
            looks += edges.shape[0]
            if looks > EFFORT:
                return int(looks)
            _through(points, edges, every, able[p], able[q], best, work)
    return int(looks)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _through(
    points: Points, edges: Pairs, used: Pairs, v: int, w: int, best: Points, work: Points
) -> None:
    """Keep the longest run on the line through two vertices, if it is longer than the best."""
    x, y = points[w, 0] - points[v, 0], points[w, 1] - points[v, 1]
    size = math.hypot(x, y)
    if size < ON_LINE_MM:
        return
    line = (points[v, 0], points[v, 1], x / size, y / size)
    pieces = intervals(points[:, 0], points[:, 1], edges, used, used.size, line, work)
    if pieces == 0 or work[1, pieces - 1] - work[0, 0] <= best[0] + 1e-9:
        return
    start, stop = longest_run(work, pieces, work, 0, 0.0)
    if stop - start > best[0] + 1e-9:
        best[0] = stop - start
        best[1], best[2] = line[0] + start * line[2], line[1] + start * line[3]
        best[3], best[4] = line[0] + stop * line[2], line[1] + stop * line[3]
