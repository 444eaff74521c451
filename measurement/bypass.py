"""Lines that pass a hole: the search where a hole wider than the gap decides.

Within a disc about the middle of the hole there is no tissue. A line that crosses too much of it
holds a run on one side of it only, and one that passes too far away is short. What is left are
lines whose feet lie in few of the bins around the middle (`measurement.polar`); of those, the ones
through two vertices are traced.
"""

from __future__ import annotations

import math

import numpy as np

from imaging import machine_code
from measurement.line import Pairs, Points
from measurement.loop import CONVEX, NOTCHED, empty_disc, kind_of, loops
from measurement.notch import crosses
from measurement.polar import (
    FEWEST_BINS,
    MOST_BINS,
    Disc,
    Reach,
    Rules,
    by_angle,
    last_bin,
    may_hold,
    rays,
    run_by_foot,
    steepness,
)
from measurement.trace import BLOCK, Drawn, Traced, leaves, through, through_gaps, workplace

EFFORT = 30_000
"""Lines traced after which this search gives up."""

LOOKS = 4_000_000
"""Looks at vertices and pairs after which it does."""

SAME_LINES = 8
SAME_MM = 1e-11
"""A line that differs by less in its foot and its slope from one of the last few is the same."""

Around = tuple[tuple[float, float], Reach, Rules, tuple[Points, int]]
"""Middle of the hole, how far it and the region reach, bounds on lines, slopes of bins."""

Shape = tuple[Points, Pairs]
"""Vertices in turn, and their neighbours."""

Rim = tuple[Points, Pairs, Disc]
"""Vertices in turn, their neighbours, and a disc without tissue: radius 0 where there is none."""

FINISHED, GIVEN_UP, ASKS_FOR_WHOLE, OPEN = 0, 1, 2, 3


@machine_code.compiled
def longest_past_hole(
    points: Points, edges: Pairs, whole_points: Points, whole_edges: Pairs, drawn: Drawn,
    gap_mm: float, floor: Points,
) -> tuple[Points, int]:  # fmt: skip
    """Longest run with gaps, if it is longer than the one given.

    Parameters
    ----------
    points, edges, whole_points, whole_edges
        Contours of the viable part and of the whole lesion, mm in the slice plane. Without the
        latter the search ends where it would have to be asked for.
    drawn : pixels inside the viable part, and their (row, column) spacing
    floor : (5,) float64 array
        A run that is known: length, x and y of either end.

    Returns
    -------
    run : (5,) float64 array
        The run given, or the longer one found.
    state : int
        `FINISHED`; `GIVEN_UP` where no hole decides, or too many lines pass it: there may be a
        longer run; `ASKS_FOR_WHOLE` where the outline of the whole lesion is missing.
    """
    best = floor.copy()
    known = edges.shape[0] == points.shape[0] and whole_edges.shape[0] == whole_points.shape[0]
    if not known or points.shape[0] == 0:
        return best, GIVEN_UP
    places, beside = loops(points, edges)
    disc = empty_disc(places, beside, drawn[0], drawn[1])
    state, around, bounds = feet_past_hole((places, beside, disc), gap_mm, best[0])
    if state == OPEN:
        whole, whole_beside = loops(whole_points, whole_edges)
        traced = (workplace(places, beside), workplace(whole, whole_beside))
        state = past_hole((places, beside), traced, drawn, around, bounds, best)
    return best, state


@machine_code.compiled
def feet_past_hole(rim: Rim, gap_mm: float, longer_than: float) -> tuple[int, Around, Points]:
    """Bound the lines past a hole by the bins of their feet.

    Returns
    -------
    state : int
        `FINISHED` where no line may hold a run longer than given, `GIVEN_UP` where no hole decides,
        else `OPEN`.
    around : Around
    bounds : (bins, 4) float64 array
        See `measurement.polar.run_by_foot`.
    """
    places, beside, disc = rim
    nothing = np.empty((0, 4))
    empty = np.empty(0)
    around = ((disc[0], disc[1]), (empty, empty), (0.0, 0.0, gap_mm, longer_than), (nothing, 0))
    if disc[2] <= 0.5 * gap_mm + 1e-3:
        return GIVEN_UP, around, nothing
    low = math.sqrt((disc[2] - 1e-6) ** 2 - 0.25 * gap_mm * gap_mm) * (1.0 - 1e-9)
    out = 0.0
    for v in range(places.shape[0]):
        x, y = places[v, 0] - disc[0], places[v, 1] - disc[1]
        out = max(out, x * x + y * y)
    out *= 1.0 + 1e-9
    if longer_than * longer_than < out - low * low:
        return GIVEN_UP, around, nothing
    bins = FEWEST_BINS
    while bins < places.shape[0] and bins < MOST_BINS:
        bins *= 2
    rules = (low, out, gap_mm, longer_than)
    if last_bin(rules, bins) > bins // 4 - 2:  # a line sees so small a hole end on
        return GIVEN_UP, around, nothing
    if 4.0 * (out - low * low) * (1.0 + 1e-8) < longer_than * longer_than:
        return FINISHED, around, nothing  # even the longest chord beside the disc is too short
    reach = by_angle(places, beside, disc, rays(bins))
    slopes = steepness(rules, bins)
    bounds = run_by_foot(reach, rules, slopes)
    around = ((disc[0], disc[1]), reach, rules, slopes)
    state = OPEN if bounds[:, 0].max() > longer_than + 1e-9 else FINISHED
    return state, around, bounds


@machine_code.compiled
def past_hole(
    shape: Shape, traced: tuple[Traced, Traced], drawn: Drawn, around: Around, bounds: Points,
    best: Points,
) -> int:  # fmt: skip
    """Put a longer run in place of the best; return the state of `longest_past_hole`.

    Traces the lines with feet in the bins that may hold one, the longest first.
    """
    bins = bounds.shape[0]
    chosen = np.flatnonzero(bounds[:, 0])
    order = chosen[np.argsort(-bounds[chosen, 0], kind="mergesort")]
    near = np.empty(shape[0].shape[0], dtype=np.int64)
    lately = np.empty((SAME_LINES, 2))
    looks = lines = 0
    for k in order:
        if bounds[k, 0] <= best[0] + 1e-9:
            break
        least = bounds[k, 1]
        # squared distances of the farthest places to either side, and the farthest foot
        ahead, behind = bounds[k, 2], bounds[k, 3]
        share = 0.5 * (best[0] + (ahead - behind) / best[0])
        most = math.sqrt(max(ahead - share * share, 0.0)) + 1e-9
        foot = (2.0 * math.pi * (k + 0.5) / bins, math.pi / bins * (1.0 + 1e-6))
        count = _along_feet(traced[0], around[0], foot, (least, most), near)
        looks += shape[0].shape[0] + count * count
        if looks > LOOKS:
            return GIVEN_UP
        feet = (near[:count], k, foot, lately)
        met = _pairs(shape, traced, drawn, around, feet, (least, ahead, behind), best)
        if met < 0:
            return ASKS_FOR_WHOLE
        lines += met
        if lines > EFFORT:
            return GIVEN_UP
    return FINISHED


@machine_code.compiled
def _along_feet(
    traced: Traced, middle: tuple[float, float], foot: tuple[float, float],
    bounds: tuple[float, float], near: Pairs,
) -> int:  # fmt: skip
    """List the vertices that a line may go through whose foot lies in a bin; return how many."""
    xs, ys, circles = traced[0], traced[1], traced[3]
    cosine, sine, half = math.cos(foot[0]), math.sin(foot[0]), foot[1]
    count = 0
    for block in range(circles.shape[0]):
        x, y, radius = (
            circles[block, 0] - middle[0],
            circles[block, 1] - middle[1],
            circles[block, 2],
        )
        away, along = x * cosine + y * sine, abs(y * cosine - x * sine) + radius
        moved = half * (along + (abs(away) + radius) * half) + 1e-9 + radius
        if away < bounds[0] - moved or away > bounds[1] + moved:
            continue
        for v in range(block * BLOCK, min(xs.size, (block + 1) * BLOCK)):
            x, y = xs[v] - middle[0], ys[v] - middle[1]
            away, along = x * cosine + y * sine, abs(y * cosine - x * sine)
            moved = half * (along + abs(away) * half) + 1e-9
            if bounds[0] - moved <= away <= bounds[1] + moved:
                near[count] = v
                count += 1
    return count


@machine_code.compiled
def _pairs(
    shape: Shape, traced: tuple[Traced, Traced], drawn: Drawn, around: Around,
    feet: tuple[Pairs, int, tuple[float, float], Points], bounds: tuple[float, float, float],
    best: Points,
) -> int:  # fmt: skip
    """Trace the lines through two of the vertices that may hold a longer run; return how many.

    Minus one where the whole lesion would have to be asked.
    """
    places = shape[0]
    middle, reach, (low, out, gap_mm, _), slopes = around
    near, k, foot, met = feet
    least, ahead, behind = bounds
    cosine, sine, tangent = math.cos(foot[0]), math.sin(foot[0]), math.tan(foot[1])
    lines = 0
    for p in range(near.size):
        i = near[p]
        x, y = places[i, 0] - middle[0], places[i, 1] - middle[1]
        for q in range(p + 1, near.size):
            j = near[q]
            u, v = places[j, 0] - places[i, 0], places[j, 1] - places[i, 1]
            size = u * u + v * v
            across = x * v - y * u  # the foot lies across / size times (v, -u) from the middle
            up, aside = v * cosine - u * sine, v * sine + u * cosine
            if abs(aside) > abs(up) * tangent or across * up <= 0.0 or size < 1e-18:
                continue
            away = across * across / size
            if away < least * least or best[0] >= (
                math.sqrt(max(ahead - away, 0.0)) + math.sqrt(max(behind - away, 0.0))
            ):
                continue
            line = (away, aside / up)
            if _met(met, lines, line):  # it goes through more than two vertices
                continue
            if gap_mm == 0.0 and not _may_decide(shape, drawn, i, j):
                continue
            rules = (low, out, gap_mm, best[0])
            part = 0.5 - 0.5 * aside / (up * foot[1])
            if not may_hold(reach, rules, slopes, (k, part, math.sqrt(away))):
                continue
            one, two = (places[i, 0], places[i, 1]), (places[j, 0], places[j, 1])
            if gap_mm == 0.0:
                through(traced[0], one, two, best)
            elif not through_gaps(traced[0], traced[1], one, two, gap_mm, best):
                return -1
            met[lines % SAME_LINES] = line
            lines += 1
    return lines


@machine_code.compiled
def _met(met: Points, lines: int, line: tuple[float, float]) -> bool:
    """Whether a line is one of the last few that were traced."""
    same = False
    for n in range(min(lines, SAME_LINES)):
        same |= abs(met[n, 0] - line[0]) < SAME_MM and abs(met[n, 1] - line[1]) < SAME_MM
    return same


@machine_code.compiled
def _may_decide(shape: Shape, drawn: Drawn, i: int, j: int) -> bool:
    """Whether one of two vertices supports their line, or both may be ends of a run without gaps.

    A longest one can be moved, never getting shorter, until that is so (`measurement.contained`),
    and does not leave the region between them.
    """
    places, beside = shape
    u, v = places[j, 0] - places[i, 0], places[j, 1] - places[i, 1]
    size = math.sqrt(u * u + v * v)
    along = (u / size, v / size)
    one, two = kind_of(places, beside, drawn, i), kind_of(places, beside, drawn, j)
    able = (
        (one != CONVEX and not crosses(places, beside, i, along))
        or (two != CONVEX and not crosses(places, beside, j, along))
        or (one != NOTCHED and two != NOTCHED)
    )
    return able and not leaves(drawn, (places[i, 0], places[i, 1]), (places[j, 0], places[j, 1]))
