"""The longest segment that nowhere leaves a region: the search without gaps.

Such a segment can be moved, never getting shorter, until its line goes through two vertices of
which one *supports* it (`measurement.notch`) or which are both its *ends*, each the farthest from
the other nearby. So few lines are traced.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from imaging import machine_code
from measurement.bypass import FINISHED, OPEN, Rim, feet_past_hole, past_hole
from measurement.line import Pairs, Points
from measurement.loop import NOTCHED, directions, empty_disc, kinds_of, loops
from measurement.notch import Loops, guess, lines_supported
from measurement.trace import Drawn, Traced, leaves, through, workplace

LOCALLY_MM2 = 1e-5
"""A step along an edge that changes the distance of two ends times its length by less, does not."""

LEAST_DISC_MM = 1e-3
"""A disc without tissue that is smaller bounds nothing."""

EFFORT = 4_000_000
"""Looks at edges and pairs after which this search gives up: for specks the other is faster."""


@machine_code.compiled
def longest_contained(
    points: Points, edges: Pairs, drawn: Drawn, farthest: tuple[int, int], longer_than: float
) -> tuple[Points, bool]:
    """Longest segment inside a region, if it is longer than ``longer_than``.

    Parameters
    ----------
    points, edges
        Closed contours, mm in the slice plane; two edges meet at each vertex.
    drawn : pixels inside the region, and their (row, column) spacing in mm
    farthest : the two vertices farthest apart, whose line is tried first

    Returns
    -------
    run : (5,) float64 array
        Length, x and y of one end, x and y of the other, in mm; length 0 where there is none.
    finished : bool
        False where the search has given up: there may be a longer run than that returned.
    """
    best = np.zeros(5)
    if edges.shape[0] != points.shape[0]:
        return best, False
    best[0] = longer_than
    places, beside = loops(points, edges)
    rim = (places, beside, empty_disc(places, beside, drawn[0], drawn[1]))
    # mostly another slice has the longest, and a look past the hole is enough to know
    state, around, bounds = feet_past_hole(rim, 0.0, longer_than)
    if state == FINISHED:
        return np.zeros(5), True
    one, two = points[farthest[0]], points[farthest[1]]
    shape, traced = _ready(places, beside, drawn)
    through(traced, (one[0], one[1]), (two[0], two[1]), best)
    finished = True
    if best[0] + 1e-9 < math.hypot(two[0] - one[0], two[1] - one[1]):
        if best[0] == 0.0:
            guess(shape, traced, best)
        if best[0] != longer_than:
            state, around, bounds = feet_past_hole(rim, 0.0, best[0])
        if state == OPEN:
            state = past_hole((places, beside), (traced, traced), drawn, around, bounds, best)
        finished = state == FINISHED or _everywhere(shape, traced, drawn, best)
    if best[0] <= longer_than:
        best[0] = 0.0
    return best, finished


@machine_code.compiled
def rim_of(points: Points, edges: Pairs, drawn: Drawn) -> tuple[Rim, float]:
    """Return a region as a rim around an empty disc, and a bound on its runs without gaps.

    The bound is infinite where no disc is found, or the contours are not closed.
    """
    if edges.shape[0] != points.shape[0] or points.shape[0] == 0:
        return (points, edges, (0.0, 0.0, 0.0)), math.inf
    places, beside = loops(points, edges)
    disc = empty_disc(places, beside, drawn[0], drawn[1])
    if disc[2] <= LEAST_DISC_MM:
        return (places, beside, (0.0, 0.0, 0.0)), math.inf
    out = 0.0
    for v in range(places.shape[0]):
        x, y = places[v, 0] - disc[0], places[v, 1] - disc[1]
        out = max(out, x * x + y * y)
    # a line that crosses the disc holds a run on one side of it only, which is shorter
    half = math.sqrt(max(out - (disc[2] - 1e-6) ** 2, 0.0))
    return (places, beside, disc), 2.0 * half * (1.0 + 1e-8)


@machine_code.compiled
def guessed_in_rim(rim: Rim, drawn: Drawn) -> Points:
    """Return the longest run without gaps on a few lines, as `longest_contained` does."""
    best = np.zeros(5)
    shape, traced = _ready(rim[0], rim[1], drawn)
    guess(shape, traced, best)
    return best


@machine_code.compiled
def longest_in_rim(rim: Rim, drawn: Drawn, longer_than: float) -> tuple[Points, bool]:
    """Longest segment inside a rim; as `longest_contained`, for contours that are closed."""
    best = np.zeros(5)
    state, around, bounds = feet_past_hole(rim, 0.0, longer_than)
    if state == FINISHED:
        return best, True
    best[0] = longer_than
    if state == OPEN:
        traced = workplace(rim[0], rim[1])
        state = past_hole((rim[0], rim[1]), (traced, traced), drawn, around, bounds, best)
    finished = state == FINISHED
    if not finished:
        shape, traced = _ready(rim[0], rim[1], drawn)
        finished = _everywhere(shape, traced, drawn, best)
    if best[0] <= longer_than:
        best[0] = 0.0
    return best, finished


@machine_code.compiled
def _ready(places: Points, beside: Pairs, drawn: Drawn) -> tuple[Loops, Traced]:
    """Return what is known of each vertex of a region, and the room to trace lines in."""
    along = directions(places, beside)
    return (places, beside, along, kinds_of(places, beside, drawn)), workplace(places, beside)


@machine_code.compiled
def _everywhere(shape: Loops, traced: Traced, drawn: Drawn, best: Points) -> bool:
    """Put a longer run in place of the best, whatever the shape; False where it gives up."""
    looks = lines_supported(shape, traced, drawn, best, EFFORT)
    if looks <= EFFORT:
        looks = _lines_between_ends(shape, traced, drawn, best)
    return bool(looks <= EFFORT)


@machine_code.compiled
def _lines_between_ends(shape: Loops, traced: Traced, drawn: Drawn, best: Points) -> int:
    """Trace the lines of pairs of vertices of which each is the farthest from the other nearby."""
    places, _, _, kinds = shape
    able = np.flatnonzero(kinds != NOTCHED)
    looks = able.size * able.size // 8
    if looks > EFFORT:
        return int(looks)
    ends = _steps(shape, able)
    disc = empty_disc(places, shape[1], drawn[0], drawn[1])
    free = np.flatnonzero(~_hidden(ends, disc, best[0]))
    for first in range(free.size):
        x0, y0, ax, ay, bx, by = ends[free[first]]
        for second in range(first + 1, free.size):
            q = free[second]
            x, y = ends[q, 0] - x0, ends[q, 1] - y0
            if x * x + y * y <= best[0] * best[0]:
                continue
            if min(ax * x + ay * y, bx * x + by * y) < -LOCALLY_MM2:
                continue
            if max(ends[q, 2] * x + ends[q, 3] * y, ends[q, 4] * x + ends[q, 5] * y) > (
                LOCALLY_MM2
            ):
                continue
            if leaves(drawn, (x0, y0), (ends[q, 0], ends[q, 1])):
                continue
            looks += places.shape[0]
            if looks > EFFORT:
                return int(looks)
            through(traced, (x0, y0), (ends[q, 0], ends[q, 1]), best)
    return int(looks)


@machine_code.compiled
def _steps(shape: Loops, able: Pairs) -> Points:
    """Places of some vertices, and their steps along either edge."""
    places, beside, _, _ = shape
    ends = np.empty((able.size, 6))
    for k in range(able.size):
        v, a, b = able[k], beside[able[k], 0], beside[able[k], 1]
        ends[k, 0], ends[k, 1] = places[v, 0], places[v, 1]
        ends[k, 2], ends[k, 3] = places[a, 0] - places[v, 0], places[a, 1] - places[v, 1]
        ends[k, 4], ends[k, 5] = places[b, 0] - places[v, 0], places[b, 1] - places[v, 1]
    return ends


@machine_code.compiled
def _hidden(
    ends: Points, disc: tuple[float, float, float], longer_than: float
) -> NDArray[np.bool_]:
    """Whether an empty disc ends all segments whose one end is farthest at a vertex so soon.

    Seen from the farthest end, the segment lies between the perpendiculars of both its edges.
    """
    hidden = np.zeros(ends.shape[0], dtype=np.bool_)
    for k in range(ends.shape[0]):
        x, y = disc[0] - ends[k, 0], disc[1] - ends[k, 1]
        blocked = disc[2] > 0.0 and x * x + y * y <= longer_than * longer_than
        for side in range(2):
            ax, ay = ends[k, 2 + 2 * side], ends[k, 3 + 2 * side]
            turn = ends[k, 4 - 2 * side] * ay - ends[k, 5 - 2 * side] * ax
            size = math.sqrt(ax * ax + ay * ay)
            forward = math.copysign(1.0, turn) * (x * ay - y * ax)
            blocked &= size > 0.02 and abs(turn) > 1e-9 and forward > 0.0
            blocked &= abs(ax * x + ay * y) < (disc[2] - 1e-3) * size
        hidden[k] = blocked
    return hidden
