"""One line or one narrow tube of lines against a region: compiled parts of the search for chords.

numba keeps compiled code per file and does not see when a function that it calls has changed in
another one: after an edit here, delete ``__pycache__`` beside it.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

ON_LINE_MM = 1e-9
"""A vertex that is nearer to a line than this lies on it."""

TOUCH_MM = 1e-7
"""Runs that are parted by less than this touch."""

SAMPLES = 4
"""Places along a line that are looked up before it is traced."""

Points = NDArray[np.float64]
Pairs = NDArray[np.int64]


@njit(cache=True)  # type: ignore[untyped-decorator]
def _sort(values: Points, count: int) -> None:
    """Sort the first entries in place (few of them: insertion)."""
    for k in range(1, count):
        value = values[k]
        at = k - 1
        while at >= 0 and values[at] > value:
            values[at + 1] = values[at]
            at -= 1
        values[at + 1] = value


@njit(cache=True)  # type: ignore[untyped-decorator]
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


@njit(cache=True)  # type: ignore[untyped-decorator]
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


@njit(cache=True)  # type: ignore[untyped-decorator]
def _outside_mm(start: float, stop: float, whole: Points, count: int) -> float:
    """Length of [start, stop] that lies in none of the whole lesion's intervals."""
    inside = 0.0
    for k in range(count):
        inside += max(0.0, min(stop, whole[1, k]) - max(start, whole[0, k]))
    return (stop - start) - inside


@njit(cache=True)  # type: ignore[untyped-decorator]
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


@njit(cache=True)  # type: ignore[untyped-decorator]
def may_hold(
    origin: tuple[float, float], step: tuple[float, float], stop_t: float, wanted: float,
    distance: Points, dy: float, dx: float, slack: float,
) -> bool:  # fmt: skip
    """Whether a line from ``origin`` along ``step`` may hold a run longer than ``wanted``.

    A point farther than ``slack`` from viable tissue ends every run. A run longer than wanted
    that starts at s or later holds s + wanted or starts behind whatever blocks that point.
    """
    rows, columns = distance.shape
    start = 0.0
    while start + wanted < stop_t:
        moved = False
        for part in range(SAMPLES, 0, -1):
            t = start + wanted * part / SAMPLES
            # beyond the map: its nearest point is nearer to the tissue, so the bound holds
            x = min(max(origin[0] + t * step[0], 0.0), (columns - 1) * dx)
            y = min(max(origin[1] + t * step[1], 0.0), (rows - 1) * dy)
            c = round(x / dx)
            r = round(y / dy)
            away = distance[r, c] - math.hypot(x - c * dx, y - r * dy) - slack
            if away > 0.0:
                start = t + away
                moved = True
                break
        if not moved:
            return True
    return False


@njit(cache=True)  # type: ignore[untyped-decorator]
def bucketed(keys: Points, low: float, width: float, starts: Pairs, order: Pairs) -> None:
    """Sort indices by the strip that their key lies in; ``starts`` says where each strip begins."""
    strips = starts.size - 1
    starts[:] = 0
    for k in range(keys.size):
        strip = min(max(int((keys[k] - low) / width), 0), strips - 1)
        starts[strip + 1] += 1
    for strip in range(strips):
        starts[strip + 1] += starts[strip]
    for k in range(keys.size - 1, -1, -1):
        strip = min(max(int((keys[k] - low) / width), 0), strips - 1)
        order[starts[strip + 1] - 1] = k
        starts[strip + 1] -= 1
    # every start has moved down to the beginning of its strip: shift them back by one
    for strip in range(strips):
        starts[strip] = starts[strip + 1]
    starts[strips] = keys.size


@njit(cache=True)  # type: ignore[untyped-decorator]
def in_tube(
    rho: Points, edges: Pairs, tube: tuple[float, float, int, int], starts: Pairs, order: Pairs,
    used: Pairs,
) -> int:  # fmt: skip
    """List the edges that reach into a tube (low, high, first and last bucket); return how many."""
    low, high, first, last = tube
    count = 0
    for place in range(starts[first], starts[last + 1]):
        k = order[place]
        a, b = rho[edges[k, 0]], rho[edges[k, 1]]
        if min(a, b) <= high and max(a, b) >= low:
            used[count] = k
            count += 1
    return count


@njit(cache=True)  # type: ignore[untyped-decorator]
def tube_bound(
    tau: Points, rho: Points, edges: Pairs, used: Pairs, count: int,
    tube: tuple[float, float, int, int], gap_mm: float, work: Points,
) -> float:  # fmt: skip
    """Longest stretch of a tube in which a line may run without too long a gap.

    Where no edge reaches into the tube, all of its width is inside or all of it outside.
    """
    low, high = tube[0], tube[1]
    middle = 0.5 * (low + high)
    for k in range(count):
        a, b = edges[used[k], 0], edges[used[k], 1]
        if rho[a] > rho[b]:
            a, b = b, a
        start, stop = tau[a], tau[b]
        rise = rho[b] - rho[a]
        if rho[a] < low:
            start += (tau[b] - tau[a]) * (low - rho[a]) / rise
        if rho[b] > high:
            stop -= (tau[b] - tau[a]) * (rho[b] - high) / rise
        if start > stop:
            start, stop = stop, start
        crosses = 1.0 if (rho[a] <= middle) and (rho[b] > middle) else 0.0
        at = k - 1
        while at >= 0 and work[0, at] > start:
            work[0, at + 1], work[1, at + 1], work[2, at + 1] = (
                work[0, at],
                work[1, at],
                work[2, at],
            )
            at -= 1
        work[0, at + 1], work[1, at + 1], work[2, at + 1] = start, stop, crosses
    best = 0.0
    begin, end = work[0, 0], work[1, 0]
    inside = work[2, 0]
    for k in range(1, count):
        if work[0, k] > end and inside % 2.0 == 0.0 and work[0, k] - end > gap_mm + TOUCH_MM:
            best = max(best, end - begin)
            begin = work[0, k]
        end = max(end, work[1, k])
        inside += work[2, k]
    return float(max(best, end - begin))
