"""A tube of lines against a region: bounds on the longest run that any line within it may hold.

A tube is a direction and an offset, each with a tolerance: lines that meet its axis at an angle of
at most its half-angle and pass the origin within its half-width of the axis.
"""

from __future__ import annotations

import math

from imaging import machine_code
from measurement.line import TOUCH_MM, Pairs, Points

SAMPLES = 4
"""Places along a tube that are looked up in the distance map."""


@machine_code.compiled
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


@machine_code.compiled
def edges_in_tube(
    ends: Points, arena: Pairs, listed: tuple[int, int],
    tube: tuple[float, float, float, float, float], clipped: Points,
) -> int:  # fmt: skip
    """List the edges that a line of the tube may meet behind the list given; return how many.

    Parameters
    ----------
    ends : (edges, 4) float64 array
        x and y of both ends of each edge, from the origin of the tubes.
    arena : (n,) int64 array
        Holds the list given; the new one is written behind it.
    listed : (start, count) of the list given
    tube : cosine and sine of its direction, offset, half-width, tangent of the half-angle
    clipped : (3, edges) float64 array
        Takes, for each edge of the new list, where along the tube it is first and last within
        reach of a line, and 1 where it crosses the axis.
    """
    cosine, sine, offset, half_width, slope = tube
    first, given = listed
    count = 0
    for k in range(first, first + given):
        e = arena[k]
        a = ends[e, 1] * cosine - ends[e, 0] * sine - offset
        b = ends[e, 3] * cosine - ends[e, 2] * sine - offset
        start = ends[e, 0] * cosine + ends[e, 1] * sine
        stop = ends[e, 2] * cosine + ends[e, 3] * sine
        reach = half_width + max(abs(start), abs(stop)) * slope
        if a > b:
            a, b, start, stop = b, a, stop, start
        if a > reach or b < -reach:
            continue
        along = stop - start
        crosses = 1.0 if a <= 0.0 < b else 0.0
        if b > reach:
            stop -= along * (b - reach) / (b - a)
        if a < -reach:
            start += along * (-reach - a) / (b - a)
        arena[first + given + count] = e
        clipped[0, count] = min(start, stop)
        clipped[1, count] = max(start, stop)
        clipped[2, count] = crosses
        count += 1
    return count


@machine_code.compiled
def longest_stretch(clipped: Points, count: int, gap_mm: float) -> float:
    """Longest stretch of a tube in which a line may run without too long a gap.

    Where no edge reaches into the tube, all of its width is inside or all of it outside.
    """
    for k in range(1, count):
        start, stop, crosses = clipped[0, k], clipped[1, k], clipped[2, k]
        at = k - 1
        while at >= 0 and clipped[0, at] > start:
            for row in range(3):
                clipped[row, at + 1] = clipped[row, at]
            at -= 1
        clipped[0, at + 1], clipped[1, at + 1], clipped[2, at + 1] = start, stop, crosses
    best = 0.0
    begin, end = clipped[0, 0], clipped[1, 0]
    inside = clipped[2, 0]
    for k in range(1, count):
        if clipped[0, k] > end and inside % 2.0 == 0.0 and clipped[0, k] - end > gap_mm + TOUCH_MM:
            best = max(best, end - begin)
            begin = clipped[0, k]
        end = max(end, clipped[1, k])
        inside += clipped[2, k]
    return float(max(best, end - begin))


@machine_code.compiled
def extent(clipped: Points, count: int) -> tuple[float, float]:
    """First and last place along a tube where a line may meet the region."""
    return clipped[0, :count].min(), clipped[1, :count].max()
