"""The longest segment that stays inside a region: compiled search over lines.

A *line* goes through two vertices of the viable contour and is extended both ways. On it, the
region is a row of closed intervals; intervals merge to a *run* where what lies between them is
not longer than the gap and inside the whole lesion. The search returns the longest run.

The search branches and bounds over tubes of lines (`measurement.tube`): a tube in which no line can
hold a run longer than the best one known is left out, one with many lines is halved, and what is
left of the lines is traced exactly.
"""

from __future__ import annotations

import math

import numpy as np

from imaging import machine_code
from measurement.hull import convex_hull
from measurement.line import ON_LINE_MM, Pairs, Points, intervals, longest_run
from measurement.tube import edges_in_tube, extent, longest_stretch, may_hold

WEDGES = 24
"""Parts of the half circle in each of which the longest run may be asked for."""

FEW_PAIRS = 6
"""A tube with at most so many pairs of vertices is not halved any more."""

MANY_EDGES = 160
"""With more edges than this in a tube the distance map bounds its lines, else the edges do."""

SMALLEST_PX = 0.002
"""A tube narrower than this is not halved: its vertices lie on one line, as those of a box do."""

DEEPEST = 64


@machine_code.compiled
def farthest_pair(points: Points) -> tuple[float, int, int]:
    """Largest distance between two points, and which two (corners of the convex hull)."""
    hull = convex_hull(points)
    best, one, two = -1.0, 0, 0
    if hull.size == 1:
        return 0.0, hull[0], hull[0]
    x, y = np.empty(hull.size), np.empty(hull.size)
    for p in range(hull.size):
        v = hull[0] if p == 0 else hull[hull.size - p]
        x[p], y[p] = points[v, 0], points[v, 1]
    for p in range(hull.size):
        if best > 0.0 and _farthest_after(x, y, p) <= best * best:
            continue
        a = hull[0] if p == 0 else hull[hull.size - p]
        for q in range(p + 1, hull.size):
            length = math.hypot(x[p] - x[q], y[p] - y[q])
            if length > best + 1e-9:
                b = hull[hull.size - q]
                best, one, two = length, min(a, b), max(a, b)
    return best, one, two


@machine_code.inlined
def _farthest_after(x: Points, y: Points, p: int) -> float:
    """Largest squared distance of a point to those after it; four are looked at together."""
    one = two = three = four = 0.0
    x0, y0 = x[p], y[p]
    rest = p + 1 + (x.size - p - 1) % 4
    for q in range(p + 1, rest):
        one = max(one, (x0 - x[q]) ** 2 + (y0 - y[q]) ** 2)
    for q in range(rest, x.size, 4):
        a = (x0 - x[q]) ** 2 + (y0 - y[q]) ** 2
        b = (x0 - x[q + 1]) ** 2 + (y0 - y[q + 1]) ** 2
        c = (x0 - x[q + 2]) ** 2 + (y0 - y[q + 2]) ** 2
        d = (x0 - x[q + 3]) ** 2 + (y0 - y[q + 3]) ** 2
        one = a if a > one else one
        two = b if b > two else two
        three = c if c > three else three
        four = d if d > four else four
    return max(one, two, three, four)


@machine_code.compiled
def _trace(
    points: Points, edges: Pairs, listed: Pairs, whole_points: Points, whole_edges: Pairs,
    line: tuple[float, float, float, float], gap_mm: float, longer_than: float, work: Points,
) -> tuple[float, float]:  # fmt: skip
    """Longest run on one line (x, y, cosine, sine), if it is longer than ``longer_than``."""
    pieces = intervals(points[:, 0], points[:, 1], edges, listed, listed.size, line, work)
    if pieces == 0 or work[1, pieces - 1] - work[0, 0] <= longer_than:
        return 0.0, -1.0
    needs_whole = pieces > 1 and gap_mm > 0.0 and not math.isinf(gap_mm)
    if not needs_whole:
        start, stop = longest_run(work, pieces, work, 0, gap_mm)
        return start, stop
    all_edges = np.arange(whole_edges.shape[0])
    whole_work = np.empty((4, 2 * whole_edges.shape[0] + 2))
    whole_pieces = intervals(
        whole_points[:, 0], whole_points[:, 1], whole_edges, all_edges, all_edges.size, line,
        whole_work,
    )  # fmt: skip
    start, stop = longest_run(work, pieces, whole_work, whole_pieces, gap_mm)
    return start, stop


@machine_code.compiled
def first_guess(
    points: Points, edges: Pairs, whole_points: Points, whole_edges: Pairs, gap_mm: float,
    farthest: tuple[int, int], among: int,
) -> Points:  # fmt: skip
    """Long run on the line through the farthest pair, or through two among a few other vertices."""
    best = np.zeros((1, 5))
    all_edges = np.arange(edges.shape[0])
    work = np.empty((4, 2 * edges.shape[0] + 2))
    stride = max(1, points.shape[0] // among) if among > 0 else points.shape[0]
    chosen = np.arange(0, points.shape[0], stride)
    for p in range(-1, chosen.size):
        for q in range(p + 1, chosen.size):
            i, j = farthest if p < 0 else (chosen[p], chosen[q])
            x, y = points[j, 0] - points[i, 0], points[j, 1] - points[i, 1]
            size = math.hypot(x, y)
            if size > ON_LINE_MM:
                line = (points[i, 0], points[i, 1], x / size, y / size)
                start, stop = _trace(
                    points, edges, all_edges, whole_points, whole_edges, line, gap_mm,
                    best[0, 0], work,
                )  # fmt: skip
                if stop - start > best[0, 0] + 1e-9:
                    _keep(best[0], line, start, stop)
            if p < 0:
                break
    return best


@machine_code.compiled
def along(
    points: Points, edges: Pairs, whole_points: Points, whole_edges: Pairs, gap_mm: float,
    direction: tuple[float, float],
) -> Points:  # fmt: skip
    """Longest run on a line through one vertex in a given direction (unit vector x, y)."""
    best = np.zeros((1, 5))
    all_edges = np.arange(edges.shape[0])
    work = np.empty((4, 2 * edges.shape[0] + 2))
    for v in range(points.shape[0]):
        line = (points[v, 0], points[v, 1], direction[0], direction[1])
        start, stop = _trace(
            points, edges, all_edges, whole_points, whole_edges, line, gap_mm, best[0, 0], work
        )
        if stop - start > best[0, 0] + 1e-9:
            _keep(best[0], line, start, stop)
    return best


@machine_code.compiled
def search(
    points: Points, edges: Pairs, whole_points: Points, whole_edges: Pairs,
    distance: Points, slack: float, spacing: tuple[float, float],
    gap_mm: float, longer_than: float, every_direction: bool,  # noqa: FBT001
) -> Points:  # fmt: skip
    """Longest admissible runs of one slice that are longer than ``longer_than``.

    Parameters
    ----------
    points, edges, whole_points, whole_edges
        Contours of the viable part and of the whole lesion, mm in the slice plane.
    distance : (rows, columns) float64 array
        Distance of each pixel's centre to the nearest pixel of viable tissue, in mm.
    slack : float
        How far viable tissue reaches beyond its pixels' centres, in mm.
    spacing : (row, column) in mm
    every_direction : bool
        False: one row, the longest run. True: the longest run in each of `WEDGES` wedges.

    Returns
    -------
    (k, 5) float64 array
        Length, x and y of one end, x and y of the other, in mm; length 0 where there is none.
    """
    middle = (
        0.5 * (points[:, 0].min() + points[:, 0].max()),
        0.5 * (points[:, 1].min() + points[:, 1].max()),
    )
    found = np.zeros((WEDGES if every_direction else 1, 5))
    best = np.full(found.shape[0], longer_than)
    _branch(
        (points, edges, whole_points, whole_edges), middle, (distance, spacing, slack), gap_mm,
        best, found,
    )  # fmt: skip
    return found


@machine_code.compiled
def _branch(
    regions: tuple[Points, Pairs, Points, Pairs], middle: tuple[float, float],
    far: tuple[Points, tuple[float, float], float], gap_mm: float, best: Points, found: Points,
) -> None:  # fmt: skip
    """Halve tubes that may hold a run longer than the best, and trace the lines of small ones."""
    points, edges, whole_points, whole_edges = regions
    distance, spacing, slack = far
    radius = np.sqrt(((points[:, 0] - middle[0]) ** 2 + (points[:, 1] - middle[1]) ** 2).max())
    ends = _ends(points, edges, middle[0], middle[1])
    tubes, lists, arena = _all_lines(edges.shape[0], radius, found.shape[0] > 1)
    clipped = np.empty((3, edges.shape[0]))
    work = np.empty((4, 2 * edges.shape[0] + 2))
    near = np.empty(points.shape[0], dtype=np.int64)
    seen = np.zeros(points.shape[0], dtype=np.int64)
    top, turn = WEDGES, 0
    while top > 0:
        top -= 1
        turn += 1
        first, given, slot, depth = lists[top]
        tube = _inclined(tubes[top])
        count = edges_in_tube(ends, arena, (first, given), tube, clipped)
        wanted = (best[slot] - 1e-9) * math.cos(tubes[top, 1])
        if count < 2 or not _may_hold_longer(
            tube, clipped, count, wanted, gap_mm, distance, spacing, slack, middle
        ):
            continue
        listed = arena[first + given : first + given + count]
        close = _vertices_in_tube(ends, edges, listed, tube, near, seen, turn)
        small = tube[3] + radius * tube[4] < SMALLEST_PX * min(spacing) or depth == DEEPEST
        if close * (close - 1) > 2 * FEW_PAIRS and not small:
            _halve(tubes, lists, top, (first + given, count), radius)
            top += 2
        elif close > 1:
            row = _best_of_pairs(
                points, edges, whole_points, whole_edges, listed, near[:close],
                middle, tube, tubes[top, 3], gap_mm, best[slot], work,
            )  # fmt: skip
            if row[0] > best[slot]:
                best[slot] = row[0]
                found[slot] = row


@machine_code.compiled
def _inclined(tube: Points) -> tuple[float, float, float, float, float]:
    """Cosine and sine of a tube, its offset, and how wide it is with the lines inclined to it."""
    angle, half_angle, offset, half_width = tube
    # where an inclined line passes the origin it is farther along the tube's normal
    inclined = (abs(offset) + half_width) * (1.0 / math.cos(half_angle) - 1.0)
    return (
        math.cos(angle), math.sin(angle), offset, (half_width + inclined) * (1.0 + 1e-9),
        math.tan(half_angle) * (1.0 + 1e-9),
    )  # fmt: skip


@machine_code.compiled
def _ends(points: Points, edges: Pairs, middle_x: float, middle_y: float) -> Points:
    """Both ends of every edge as x, y, x, y from the middle."""
    ends = np.empty((edges.shape[0], 4))
    for e in range(edges.shape[0]):
        for end in range(2):
            ends[e, 2 * end] = points[edges[e, end], 0] - middle_x
            ends[e, 2 * end + 1] = points[edges[e, end], 1] - middle_y
    return ends


@machine_code.compiled
def _all_lines(
    edges: int, radius: float, every_direction: bool,  # noqa: FBT001
) -> tuple[Points, Pairs, Pairs]:  # fmt: skip
    """Stack of tubes that hold all lines: (angle, half-angle, offset, half-width); their lists."""
    tubes = np.empty((DEEPEST + WEDGES + 2, 4))
    lists = np.empty((DEEPEST + WEDGES + 2, 4), dtype=np.int64)
    arena = np.empty((DEEPEST + 2) * edges, dtype=np.int64)
    arena[:edges] = np.arange(edges)
    for wedge in range(WEDGES):
        tubes[wedge] = (
            math.pi * (wedge + 0.5) / WEDGES, 0.5 * math.pi / WEDGES * (1.0 + 1e-9),
            0.0, radius * (1.0 + 1e-9) + 1e-9,
        )  # fmt: skip
        lists[wedge] = (0, edges, wedge if every_direction else 0, 0)
    return tubes, lists, arena


@machine_code.compiled
def _may_hold_longer(
    tube: tuple[float, float, float, float, float], clipped: Points, count: int, wanted: float,
    gap_mm: float, distance: Points, spacing: tuple[float, float], slack: float,
    middle: tuple[float, float],
) -> bool:  # fmt: skip
    """Whether a line of the tube may hold a run whose part along its axis exceeds ``wanted``."""
    cosine, sine, offset, half_width, slope = tube
    low, high = extent(clipped, count)
    if high - low <= wanted:
        return False
    if math.isinf(gap_mm) or wanted <= 0.0:
        return True
    if count <= MANY_EDGES:
        return bool(longest_stretch(clipped, count, gap_mm) > wanted)
    start = (
        middle[0] + low * cosine - offset * sine,
        middle[1] + low * sine + offset * cosine,
    )
    reach = half_width + max(abs(low), abs(high)) * slope
    may = may_hold(
        start, (cosine, sine), high - low, wanted, distance, spacing[0], spacing[1],
        slack + reach + 0.5 * gap_mm,
    )  # fmt: skip
    return bool(may)


@machine_code.compiled
def _vertices_in_tube(
    ends: Points, edges: Pairs, listed: Pairs, tube: tuple[float, float, float, float, float],
    near: Pairs, seen: Pairs, turn: int,
) -> int:  # fmt: skip
    """List the vertices that a line of the tube may go through; return how many."""
    cosine, sine, offset, half_width, slope = tube
    close = 0
    for e in listed:
        for end in range(2):
            v = edges[e, end]
            if seen[v] == turn:
                continue
            seen[v] = turn
            x, y = ends[e, 2 * end], ends[e, 2 * end + 1]
            if (
                abs(y * cosine - x * sine - offset)
                <= half_width + abs(x * cosine + y * sine) * slope
            ):
                near[close] = v
                close += 1
    return close


@machine_code.compiled
def _halve(tubes: Points, lists: Pairs, top: int, listed: tuple[int, int], radius: float) -> None:
    """Put both halves of a tube on the stack in its place: halves of its angle or of its width."""
    angle, half_angle, offset, half_width = tubes[top]
    slot, depth = lists[top, 2], lists[top, 3] + 1
    by_angle = radius * half_angle > half_width
    for half in range(2):
        side = 2 * half - 1
        at = top + half
        if by_angle:
            tubes[at] = (angle + side * half_angle / 2, half_angle / 2, offset, half_width)
        else:
            tubes[at] = (angle, half_angle, offset + side * half_width / 2, half_width / 2)
        lists[at] = (listed[0], listed[1], slot, depth)


@machine_code.compiled
def _best_of_pairs(
    points: Points, edges: Pairs, whole_points: Points, whole_edges: Pairs, listed: Pairs,
    near: Pairs, middle: tuple[float, float], tube: tuple[float, float, float, float, float],
    half_width: float, gap_mm: float, longer_than: float, work: Points,
) -> Points:  # fmt: skip
    """Longest run on a line of the tube through two of the vertices given."""
    cosine, sine, offset, _, slope = tube
    best = np.zeros(5)
    best[0] = longer_than
    for p in range(near.size):
        for q in range(p + 1, near.size):
            i, j = near[p], near[q]
            x, y = points[j, 0] - points[i, 0], points[j, 1] - points[i, 1]
            along = x * cosine + y * sine
            across = y * cosine - x * sine
            size = math.hypot(x, y)
            if size < ON_LINE_MM or abs(across) > abs(along) * slope:
                continue
            tau = (points[i, 0] - middle[0]) * cosine + (points[i, 1] - middle[1]) * sine
            rho = (points[i, 1] - middle[1]) * cosine - (points[i, 0] - middle[0]) * sine
            passes = math.copysign(1.0, along) * (rho * along - tau * across) / size
            if abs(passes - offset) > half_width * (1.0 + 1e-9) + 1e-9:
                continue
            line = (points[i, 0], points[i, 1], x / size, y / size)
            start, stop = _trace(
                points, edges, listed, whole_points, whole_edges, line, gap_mm, best[0], work
            )
            if stop - start > best[0] + 1e-9:
                _keep(best, line, start, stop)
    return best


@machine_code.compiled
def _keep(row: Points, line: tuple[float, float, float, float], start: float, stop: float) -> None:
    """Write a run on a line as length, x and y of one end, x and y of the other."""
    row[0] = stop - start
    row[1], row[2] = line[0] + start * line[2], line[1] + start * line[3]
    row[3], row[4] = line[0] + stop * line[2], line[1] + stop * line[3]
