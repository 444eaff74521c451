"""One line against a contour in turn: the longest run on it, and quick looks at the pixels."""

from __future__ import annotations

import math

import numpy as np

from imaging import machine_code
from measurement.line import (
    ON_LINE_MM,
    TOUCH_MM,
    Inside,
    Pairs,
    Points,
    intervals,
    longest_run,
)

SAMPLES = 8
"""A segment is first looked up at so many places, less one, among the pixels."""

NEARLY_MM2 = 1e-6
"""Product of the distances of an edge's ends from a line that surely does not meet it."""

Pair = tuple[float, float]
Drawn = tuple[Inside, Pair]
"""Pixels inside a contour, and their (row, column) spacing."""

BLOCK = 8
"""Vertices in turn that a line misses together."""

Traced = tuple[Points, Points, Pairs, Points, Points, Pairs]
"""x and y of vertices in turn, edges, circles around blocks of edges, and room for the tracing."""


@machine_code.compiled
def workplace(places: Points, beside: Pairs) -> Traced:
    """Put vertices and edges in turn so that many lines can be traced."""
    count = places.shape[0]
    edges = np.empty((count, 2), dtype=np.int64)
    circles = np.zeros(((count + BLOCK - 1) // BLOCK, 3))
    for block in range(circles.shape[0]):
        first, stop = block * BLOCK, min(count, (block + 1) * BLOCK)
        x, y = places[(first + stop) // 2, 0], places[(first + stop) // 2, 1]
        radius = 0.0
        for v in range(first, stop):
            edges[v, 0], edges[v, 1] = v, beside[v, 1]
            for w in edges[v]:
                radius = max(radius, (places[w, 0] - x) ** 2 + (places[w, 1] - y) ** 2)
        circles[block, 0], circles[block, 1] = x, y
        circles[block, 2] = math.sqrt(radius) * (1.0 + 1e-9) + 2.0 * ON_LINE_MM
    xs, ys = places[:, 0].copy(), places[:, 1].copy()
    return xs, ys, edges, circles, np.empty((4, 2 * count + 2)), np.empty(count, dtype=np.int64)


@machine_code.compiled
def through(traced: Traced, one: Pair, two: Pair, best: Points) -> None:
    """Keep the longest run on the line through two places, if it is longer than the best."""
    x, y = two[0] - one[0], two[1] - one[1]
    size = math.hypot(x, y)
    if size < ON_LINE_MM:
        return
    line = (one[0], one[1], x / size, y / size)
    pieces = _pieces(traced, line)
    work = traced[4]
    if pieces > 0 and work[1, pieces - 1] - work[0, 0] > best[0] + 1e-9:
        start, stop = longest_run(work, pieces, work, 0, 0.0)
        _keep(best, line, start, stop)


@machine_code.compiled
def through_gaps(
    traced: Traced, whole: Traced, one: Pair, two: Pair, gap_mm: float, best: Points
) -> bool:
    """Keep the longest run with gaps inside the whole lesion, if it is longer than the best.

    False where the whole lesion has to be asked and has no outline.
    """
    x, y = two[0] - one[0], two[1] - one[1]
    size = math.hypot(x, y)
    if size < ON_LINE_MM:
        return True
    line = (one[0], one[1], x / size, y / size)
    pieces = _pieces(traced, line)
    work = traced[4]
    if _bridged(work, pieces, gap_mm) > best[0] + 1e-9:
        if pieces > 1 and whole[0].size == 0:
            return False
        count = _pieces(whole, line) if pieces > 1 else 0
        start, stop = longest_run(work, pieces, whole[4], count, gap_mm)
        _keep(best, line, start, stop)
    return True


@machine_code.compiled
def _bridged(work: Points, pieces: int, gap_mm: float) -> float:
    """Length of the longest run if all gaps that are short enough lie inside the whole lesion."""
    longest, start = 0.0, work[0, 0]
    for k in range(pieces):
        if k > 0 and work[0, k] - work[1, k - 1] > gap_mm + TOUCH_MM:
            start = work[0, k]
        longest = max(longest, work[1, k] - start)
    return float(longest)


@machine_code.compiled
def _pieces(traced: Traced, line: tuple[float, float, float, float]) -> int:
    """Write the intervals that a line cuts from a region to its work; return how many."""
    xs, ys, edges, circles, work, used = traced
    x0, y0, cosine, sine = line
    met = 0
    for block in range(circles.shape[0]):
        away = (circles[block, 1] - y0) * cosine - (circles[block, 0] - x0) * sine
        if abs(away) > circles[block, 2]:
            continue
        before = -1
        a = b = 0.0
        for v in range(block * BLOCK, min(xs.size, (block + 1) * BLOCK)):
            w = edges[v, 1]
            a = b if before == v else (ys[v] - y0) * cosine - (xs[v] - x0) * sine
            b = (ys[w] - y0) * cosine - (xs[w] - x0) * sine
            before = w
            if a * b <= NEARLY_MM2:
                used[met] = v
                met += 1
    return int(intervals(xs, ys, edges, used, met, line, work))


@machine_code.compiled
def _keep(best: Points, line: tuple[float, float, float, float], start: float, stop: float) -> None:
    """Write a run as length, x and y of one end, x and y of the other, if it is longer."""
    if stop - start > best[0] + 1e-9:
        best[0] = stop - start
        best[1], best[2] = line[0] + start * line[2], line[1] + start * line[3]
        best[3], best[4] = line[0] + stop * line[2], line[1] + stop * line[3]


@machine_code.compiled
def leaves(drawn: Drawn, one: Pair, two: Pair) -> bool:
    """Whether a segment surely leaves the region: some place has four pixels outside around it."""
    inside, (dy, dx) = drawn
    for k in range(SAMPLES // 2):
        for side in range(2):
            t = 0.5 + (0.5 - side) * 2.0 * k / SAMPLES
            c = math.floor((one[0] + t * (two[0] - one[0])) / dx)
            r = math.floor((one[1] + t * (two[1] - one[1])) / dy)
            if not (inside[r, c] | inside[r, c + 1] | inside[r + 1, c] | inside[r + 1, c + 1]):
                return True
    return False
