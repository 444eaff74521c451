"""The longest segment that stays inside a region: compiled search over lines.

A *line* goes through two vertices of the viable contour and is extended both ways. On it, the
region is a row of closed intervals; intervals merge to a *run* where what lies between them is
not longer than the gap and inside the whole lesion. The search returns the longest run.

Lines are sorted into tubes (a direction and an offset); a tube is left out when the distance map
shows that no line within it can hold a run longer than the best one known.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from measurement.line import (
    ON_LINE_MM,
    Pairs,
    Points,
    bucketed,
    in_tube,
    intervals,
    longest_run,
    may_hold,
    tube_bound,
)


@njit(cache=True)  # type: ignore[untyped-decorator]
def farthest_pair(points: Points) -> tuple[float, int, int]:
    """Largest distance between two points, and which two (corners of the convex hull)."""
    order = np.argsort(points[:, 0], kind="mergesort")
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
                if bend < -1e-12 or (bend <= 1e-12 and k == 0):
                    break
                size -= 1
            hull[size] = v
            size += 1
    best, one, two = -1.0, 0, 0
    for a in range(size):
        for b in range(a + 1, size):
            i, j = min(hull[a], hull[b]), max(hull[a], hull[b])
            length = math.hypot(points[i, 0] - points[j, 0], points[i, 1] - points[j, 1])
            if length > best + 1e-9:
                best, one, two = length, i, j
    return best, one, two


@njit(cache=True)  # type: ignore[untyped-decorator]
def _trace(
    points: Points, edges: Pairs, whole_points: Points, whole_edges: Pairs,
    line: tuple[float, float, float, float], gap_mm: float,
) -> tuple[float, float]:  # fmt: skip
    """Longest run on one line (x, y, cosine, sine), tested against every edge."""
    used = np.arange(edges.shape[0])
    work = np.empty((4, 2 * edges.shape[0] + 2))
    pieces = intervals(points[:, 0], points[:, 1], edges, used, edges.shape[0], line, work)
    if pieces == 0:
        return 0.0, -1.0
    whole_work = np.empty((4, 2 * whole_edges.shape[0] + 2))
    whole_pieces = 0
    if pieces > 1 and gap_mm > 0.0 and not math.isinf(gap_mm):
        whole_used = np.arange(whole_edges.shape[0])
        whole_pieces = intervals(
            whole_points[:, 0], whole_points[:, 1], whole_edges, whole_used,
            whole_edges.shape[0], line, whole_work,
        )  # fmt: skip
    start, stop = longest_run(work, pieces, whole_work, whole_pieces, gap_mm)
    return start, stop


@njit(cache=True)  # type: ignore[untyped-decorator]
def first_guess(
    points: Points, edges: Pairs, whole_points: Points, whole_edges: Pairs, gap_mm: float,
    one: int, two: int,
) -> Points:  # fmt: skip
    """Long run on one of a few lines: that through the farthest pair, and between a few others."""
    best = np.zeros((1, 5))
    stride = max(1, points.shape[0] // 24)
    chosen = np.arange(0, points.shape[0], stride)
    for p in range(-1, chosen.size):
        for q in range(p + 1, chosen.size):
            i, j = (one, two) if p < 0 else (chosen[p], chosen[q])
            x, y = points[j, 0] - points[i, 0], points[j, 1] - points[i, 1]
            size = math.hypot(x, y)
            if size > ON_LINE_MM:
                line = (points[i, 0], points[i, 1], x / size, y / size)
                start, stop = _trace(points, edges, whole_points, whole_edges, line, gap_mm)
                if stop - start > best[0, 0] + 1e-9:
                    best[0, 0] = stop - start
                    best[0, 1], best[0, 2] = line[0] + start * line[2], line[1] + start * line[3]
                    best[0, 3], best[0, 4] = line[0] + stop * line[2], line[1] + stop * line[3]
            if p < 0:
                break
    return best


@njit(cache=True)  # type: ignore[untyped-decorator]
def along(
    points: Points, edges: Pairs, whole_points: Points, whole_edges: Pairs, gap_mm: float,
    direction: tuple[float, float],
) -> Points:  # fmt: skip
    """Longest run on a line through one vertex in a given direction (unit vector x, y)."""
    best = np.zeros((1, 5))
    for v in range(points.shape[0]):
        line = (points[v, 0], points[v, 1], direction[0], direction[1])
        start, stop = _trace(points, edges, whole_points, whole_edges, line, gap_mm)
        if stop - start > best[0, 0] + 1e-9:
            best[0, 0] = stop - start
            best[0, 1], best[0, 2] = line[0] + start * line[2], line[1] + start * line[3]
            best[0, 3], best[0, 4] = line[0] + stop * line[2], line[1] + stop * line[3]
    return best


@njit(cache=True)  # type: ignore[untyped-decorator]
def search(  # noqa: C901 - one loop nest, compiled as one
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
        False: one row, the longest run. True: the longest run of each direction.

    Returns
    -------
    (k, 5) float64 array
        Length, x and y of one end, x and y of the other, in mm; length 0 where there is none.
    """
    dy, dx = spacing
    n = points.shape[0]
    middle_x = 0.5 * (points[:, 0].min() + points[:, 0].max())
    middle_y = 0.5 * (points[:, 1].min() + points[:, 1].max())
    radius = 0.0
    for v in range(n):
        radius = max(radius, math.hypot(points[v, 0] - middle_x, points[v, 1] - middle_y))
    pixel = min(dx, dy)
    directions = int(max(8, math.ceil(math.pi * radius / (0.6 * pixel))))
    half = math.tan(0.5 * math.pi / directions) * (1.0 + 1e-9)
    width = pixel
    reach = (0.5 * width + radius * half) * (1.0 + 1e-9) + 1e-9
    found = np.zeros((directions if every_direction else 1, 5))
    tau = np.empty(n)
    rho = np.empty(n)
    whole_tau = np.empty(whole_points.shape[0])
    whole_rho = np.empty(whole_points.shape[0])
    near = np.empty(n, dtype=np.int64)
    used = np.empty(edges.shape[0], dtype=np.int64)
    whole_used = np.empty(whole_edges.shape[0], dtype=np.int64)
    work = np.empty((4, 2 * edges.shape[0] + 2))
    whole_work = np.empty((4, 2 * whole_edges.shape[0] + 2))
    needs_whole = gap_mm > 0.0 and not math.isinf(gap_mm)
    best = longer_than
    longest_edge = 0.0
    for e in range(edges.shape[0]):
        a, b = edges[e, 0], edges[e, 1]
        longest_edge = max(
            longest_edge, math.hypot(points[a, 0] - points[b, 0], points[a, 1] - points[b, 1])
        )
    most_strips = math.ceil(2.0 * radius / width) + 2
    point_starts = np.empty(most_strips + 1, dtype=np.int64)
    point_order = np.empty(n, dtype=np.int64)
    edge_starts = np.empty(most_strips + 1, dtype=np.int64)
    edge_order = np.empty(edges.shape[0], dtype=np.int64)
    edge_low = np.empty(edges.shape[0])
    for k in range(directions):
        # coarse directions first: a long run found early leaves out more
        at = (k * 7) % directions if directions % 7 else k
        angle = math.pi * at / directions
        ux, uy = math.cos(angle), math.sin(angle)
        if every_direction:
            best = longer_than
        slot = at if every_direction else 0
        for v in range(n):
            x, y = points[v, 0] - middle_x, points[v, 1] - middle_y
            tau[v] = x * ux + y * uy
            rho[v] = y * ux - x * uy
        if tau.max() - tau.min() <= (best - 1e-9) / math.sqrt(1.0 + half * half):
            continue
        sorted_yet = False
        if needs_whole:
            for v in range(whole_points.shape[0]):
                x, y = whole_points[v, 0] - middle_x, whole_points[v, 1] - middle_y
                whole_tau[v] = x * ux + y * uy
                whole_rho[v] = y * ux - x * uy
        lowest = rho.min()
        first_tau, last_tau = tau.min(), tau.max()
        strips = math.ceil((rho.max() - lowest) / width) + 1
        for strip in range(strips):
            offset = lowest + strip * width
            wanted = (best - 1e-9) / math.sqrt(1.0 + half * half)
            if not math.isinf(gap_mm):
                origin = (
                    middle_x + first_tau * ux - offset * uy,
                    middle_y + first_tau * uy + offset * ux,
                )
                if wanted > 0.0 and not may_hold(
                    origin, (ux, uy), last_tau - first_tau, wanted, distance, dy, dx,
                    slack + reach + 0.5 * gap_mm,
                ):  # fmt: skip
                    continue
            low, high = offset - reach, offset + reach
            if not sorted_yet:
                sorted_yet = True
                for e in range(edges.shape[0]):
                    edge_low[e] = min(rho[edges[e, 0]], rho[edges[e, 1]])
                bucketed(edge_low, lowest, width, edge_starts, edge_order)
                bucketed(rho, lowest, width, point_starts, point_order)
            first = max(0, int((low - longest_edge - lowest) / width))
            last = min(most_strips - 1, max(0, int((high - lowest) / width)))
            tube = (low, high, first, last)
            count = in_tube(rho, edges, tube, edge_starts, edge_order, used)
            if count < 2:
                continue
            if tube_bound(tau, rho, edges, used, count, tube, gap_mm, work) <= wanted:
                continue
            close = 0
            first = max(0, int((low - lowest) / width))
            for place in range(point_starts[first], point_starts[last + 1]):
                v = point_order[place]
                if low <= rho[v] <= high:
                    near[close] = v
                    close += 1
            whole_count = -1
            for p in range(close):
                for q in range(p + 1, close):
                    i, j = near[p], near[q]
                    dt = tau[j] - tau[i]
                    dr = rho[j] - rho[i]
                    if abs(dr) > abs(dt) * half:
                        continue
                    size = math.hypot(dt, dr)
                    if size < ON_LINE_MM:
                        continue
                    if abs(rho[i] - tau[i] * dr / dt - offset) > 0.5 * width + 1e-9:
                        continue
                    cosine, sine = dt / size, dr / size
                    line = (tau[i], rho[i], cosine, sine)
                    pieces = intervals(tau, rho, edges, used, count, line, work)
                    if pieces == 0 or work[1, pieces - 1] - work[0, 0] <= best + 1e-9:
                        continue
                    whole_pieces = 0
                    if needs_whole and pieces > 1:
                        if whole_count < 0:
                            whole_count = 0
                            for e in range(whole_edges.shape[0]):
                                a, b = whole_rho[whole_edges[e, 0]], whole_rho[whole_edges[e, 1]]
                                if min(a, b) <= high and max(a, b) >= low:
                                    whole_used[whole_count] = e
                                    whole_count += 1
                        whole_pieces = intervals(
                            whole_tau, whole_rho, whole_edges, whole_used, whole_count, line,
                            whole_work,
                        )  # fmt: skip
                    start, stop = longest_run(work, pieces, whole_work, whole_pieces, gap_mm)
                    if stop - start > best + 1e-9:
                        best = stop - start
                        found[slot, 0] = best
                        for end in range(2):
                            t = start if end == 0 else stop
                            on_tau = tau[i] + t * cosine
                            on_rho = rho[i] + t * sine
                            found[slot, 1 + 2 * end] = middle_x + on_tau * ux - on_rho * uy
                            found[slot, 2 + 2 * end] = middle_y + on_tau * uy + on_rho * ux
    return found
