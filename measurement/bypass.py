"""Lines that pass a hole: the search with gaps where a hole wider than the gap decides.

Within a disc about the middle of the hole there is no tissue. A line that crosses too much of it
holds a run on one side of it only, and one that passes too far away is short. What is left of the
lines through two vertices is bounded by the hull, and traced.
"""

from __future__ import annotations

import math

import numpy as np

from imaging import machine_code
from measurement.hull import chord_of_hull, convex_hull
from measurement.line import Pairs, Points
from measurement.loop import empty_disc, loops, to_edge
from measurement.trace import Drawn, Traced, through_gaps, workplace

BINS = 512
"""Parts of the circle for each of which it is known how far the hole reaches."""

EFFORT = 30_000
"""Lines traced after which this search gives up."""

MOST_VERTICES = 3000
"""With more vertices there are too many pairs to look at each."""

Disc = tuple[float, float, float]


@machine_code.compiled
def longest_past_hole(
    points: Points, edges: Pairs, whole_points: Points, whole_edges: Pairs, drawn: Drawn,
    gap_mm: float, floor: Points,
) -> tuple[Points, bool]:  # fmt: skip
    """Longest run with gaps, if it is longer than the one given.

    Parameters
    ----------
    points, edges, whole_points, whole_edges
        Contours of the viable part and of the whole lesion, mm in the slice plane.
    drawn : field, level and (row, column) spacing of the viable part
    floor : (5,) float64 array
        A run that is known: length, x and y of either end.

    Returns
    -------
    run : (5,) float64 array
        The run given, or the longer one found.
    finished : bool
        False where no hole decides, or too many lines pass it: there may be a longer run.
    """
    best = floor.copy()
    known = edges.shape[0] == points.shape[0] and whole_edges.shape[0] == whole_points.shape[0]
    if not known or points.shape[0] > MOST_VERTICES or points.shape[0] == 0:
        return best, False
    places, beside = loops(points, edges)
    disc = empty_disc(places, beside, drawn[0], drawn[1], drawn[2])
    if disc[2] <= 0.5 * gap_mm + 1e-3:
        return best, False
    low = math.sqrt((disc[2] - 1e-6) ** 2 - 0.25 * gap_mm * gap_mm) * (1.0 - 1e-9)
    out = 0.0
    for v in range(places.shape[0]):
        x, y = places[v, 0] - disc[0], places[v, 1] - disc[1]
        out = max(out, x * x + y * y)
    out *= 1.0 + 1e-9
    if best[0] * best[0] < out - low * low:
        return best, False
    whole, whole_beside = loops(whole_points, whole_edges)
    least, most = _by_angle(places, beside, disc)
    around = (_hole(least, gap_mm / (2.0 * low)), _rim(most, low, out, best[0]))
    traced = (workplace(places, beside), workplace(whole, whole_beside))
    finished = _pairs(places, traced, disc, (low, out), around, gap_mm, best)
    return best, finished


@machine_code.compiled
def _part(x: float, y: float) -> int:
    """Which part of the circle a direction points into."""
    return math.floor(math.atan2(y, x) * BINS / (2.0 * math.pi)) % BINS


@machine_code.compiled
def _by_angle(places: Points, beside: Pairs, disc: Disc) -> tuple[Points, Points]:
    """Least distance and largest squared one of the contour from the disc's middle, by angle."""
    least, most = np.full(BINS, math.inf), np.zeros(BINS)
    for v in range(places.shape[0]):
        w = beside[v, 1]
        x, y = places[v, 0] - disc[0], places[v, 1] - disc[1]
        u, t = places[w, 0] - disc[0], places[w, 1] - disc[1]
        nearest = to_edge(x, y, u, t)
        farthest = max(x * x + y * y, u * u + t * t)
        first, last = _part(x, y), _part(u, t)
        if (last - first) % BINS > BINS // 2:
            first, last = last, first
        for k in range((last - first) % BINS + 1):
            at = (first + k) % BINS
            least[at], most[at] = min(least[at], nearest), max(most[at], farthest)
    return least, most


@machine_code.compiled
def _hole(least: Points, tangent: float) -> Points:
    """How far from the disc's middle a line may pass, by the angle, and yet cross too much.

    A line is seen from the middle under the angle to its nearest place. Where the hole reaches
    farther than the line for as much to either side of it as makes a gap, it cannot be crossed.
    """
    half_angle = math.atan(tangent) + 1e-9
    aside = math.ceil(half_angle * BINS / (2.0 * math.pi)) + 1
    reach = np.full(BINS, math.inf)
    for k in range(BINS):
        for away in range(-aside, aside + 1):
            reach[k] = min(reach[k], least[(k + away) % BINS])
    return reach * (math.cos(half_angle) * (1.0 - 1e-9))


@machine_code.compiled
def _rim(most: Points, low: float, out: float, longer_than: float) -> Points:
    """Largest squared distance at which a long line may leave the region, by the angle.

    Row 0 for its end to the left of its nearest place, seen from the middle, row 1 to the right.
    A run longer than given leaves neither half shorter than the longest half leaves it.
    """
    half = math.sqrt(out - low * low)
    far = math.sqrt(max(out - 0.25 * longer_than * longer_than, low * low))
    first = math.atan((longer_than - half) / far) * BINS / (2.0 * math.pi)
    last = math.acos(low / math.sqrt(out)) * BINS / (2.0 * math.pi)
    rim = np.zeros((2, BINS))
    for k in range(BINS):
        for away in range(math.floor(first) - 1, math.ceil(last) + 2):
            rim[0, k] = max(rim[0, k], most[(k + away) % BINS])
            rim[1, k] = max(rim[1, k], most[(k - away) % BINS])
    return rim * (1.0 + 1e-9)


@machine_code.compiled
def _pairs(
    places: Points, traced: tuple[Traced, Traced], disc: Disc, bounds: tuple[float, float],
    around: tuple[Points, Points], gap_mm: float, best: Points,
) -> bool:  # fmt: skip
    """Trace the lines through two vertices that may hold a longer run; False if too many."""
    hull = convex_hull(places)
    corners = np.zeros((2, 2), dtype=np.int64)  # lines to the left of the hole and to the right
    reach, rim = around
    low, out = bounds
    low *= low
    count = 0
    for i in range(places.shape[0]):
        x, y = places[i, 0] - disc[0], places[i, 1] - disc[1]
        high = out - 0.25 * best[0] * best[0]
        for j in range(i + 1, places.shape[0]):
            u, v = places[j, 0] - places[i, 0], places[j, 1] - places[i, 1]
            size = u * u + v * v
            across = x * v - y * u
            if across * across < low * size or across * across > high * size or size < 1e-18:
                continue
            sign = math.copysign(1.0, across)
            away = across * across / size
            part = _part(sign * v, -sign * u)
            if away < reach[part] * abs(reach[part]) or best[0] >= (
                math.sqrt(max(rim[0, part] - away, 0.0)) + math.sqrt(max(rim[1, part] - away, 0.0))
            ):
                continue
            size = math.sqrt(size)
            place = (places[i, 0], places[i, 1])
            side = corners[0 if across > 0.0 else 1]
            if chord_of_hull(places, hull, side, place, (u / size, v / size)) <= best[0]:
                continue
            count += 1
            if count > EFFORT:
                return False
            through_gaps(traced[0], traced[1], place, (places[j, 0], places[j, 1]), gap_mm, best)
    return True
