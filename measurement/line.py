"""One line against a region: which parts of it lie inside, and the longest run of them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from imaging import machine_code

ON_LINE_MM = 1e-9
"""A vertex that is nearer to a line than this lies on it."""

TOUCH_MM = 1e-7
"""Runs that are parted by less than this touch."""

Points = NDArray[np.float64]
Pairs = NDArray[np.int64]
Inside = NDArray[np.uint8]
"""1 for each pixel of a slice whose centre lies inside a contour, 0 for the others."""


@machine_code.compiled
def _sort(values: Points, count: int) -> None:
    """Sort the first entries in place (few of them: insertion)."""
    for k in range(1, count):
        value = values[k]
        at = k - 1
        while at >= 0 and values[at] > value:
            values[at + 1] = values[at]
            at -= 1
        values[at + 1] = value


@machine_code.compiled
def intervals(
    tau: Points, rho: Points, edges: Pairs, used: NDArray[np.int64], count: int,
    line: tuple[float, float, float, float], work: Points,
) -> int:  # fmt: skip
    """Write the closed intervals that a line cuts from a region to ``work``; return how many.

    ``line`` is (tau, rho) of a point on it, cosine and sine of its angle to the tau axis. A
    vertex on the line counts once as left of it and once as right of it: what is inside by
    either is inside the closed region. Intervals come sorted and apart, in work[0] and work[1].
    """
    at_tau, at_rho, cosine, sine = line
    left = 0
    right = 0
    for k in range(count):
        one, two = edges[used[k], 0], edges[used[k], 1]
        a = (rho[one] - at_rho) * cosine - (tau[one] - at_tau) * sine
        b = (rho[two] - at_rho) * cosine - (tau[two] - at_tau) * sine
        if abs(a) < ON_LINE_MM:
            a = 0.0
        if abs(b) < ON_LINE_MM:
            b = 0.0
        by_left = (a >= 0.0) != (b >= 0.0)
        by_right = (a > 0.0) != (b > 0.0)
        if not (by_left or by_right):
            continue
        s = (tau[one] - at_tau) * cosine + (rho[one] - at_rho) * sine
        t = (tau[two] - at_tau) * cosine + (rho[two] - at_rho) * sine
        if a == 0.0:
            cut = s
        elif b == 0.0:
            cut = t
        else:
            cut = s + (t - s) * (a / (a - b))
        if by_left:
            work[2, left] = cut
            left += 1
        if by_right:
            work[3, right] = cut
            right += 1
    _sort(work[2], left)
    _sort(work[3], right)
    return int(_union(work, left, right))


@machine_code.compiled
def _union(work: Points, left: int, right: int) -> int:
    """Unite the intervals of work[2] and work[3] into work[0] (starts) and work[1] (ends)."""
    found = 0
    i = 0
    j = 0
    while i + 1 < left or j + 1 < right:
        if j + 1 >= right or (i + 1 < left and work[2, i] <= work[3, j]):
            start, stop = work[2, i], work[2, i + 1]
            i += 2
        else:
            start, stop = work[3, j], work[3, j + 1]
            j += 2
        if found and start <= work[1, found - 1] + ON_LINE_MM:
            work[1, found - 1] = max(work[1, found - 1], stop)
        elif stop - start > ON_LINE_MM:  # a point that is only touched is no tissue
            work[0, found], work[1, found] = start, stop
            found += 1
    return found


@machine_code.compiled
def _outside_mm(start: float, stop: float, whole: Points, count: int) -> float:
    """Length of [start, stop] that lies in none of the whole lesion's intervals."""
    inside = 0.0
    for k in range(count):
        inside += max(0.0, min(stop, whole[1, k]) - max(start, whole[0, k]))
    return (stop - start) - inside


@machine_code.compiled
def longest_run(
    viable: Points, count: int, whole: Points, whole_count: int, gap_mm: float
) -> tuple[float, float]:
    """Longest run of intervals whose gaps are short enough and inside the whole lesion."""
    best_start, best_stop = 0.0, -1.0
    start = viable[0, 0]
    for k in range(count):
        if k > 0:
            before, after = viable[1, k - 1], viable[0, k]
            joined = after - before <= gap_mm + TOUCH_MM
            if joined and not math.isinf(gap_mm) and after - before > TOUCH_MM:
                joined = _outside_mm(before, after, whole, whole_count) <= TOUCH_MM
            if not joined:
                start = after
        if viable[1, k] - start > best_stop - best_start:
            best_start, best_stop = start, viable[1, k]
    return best_start, best_stop
