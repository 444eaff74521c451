"""The longest segment without gaps over all slices of a lesion, in one compiled search.

What `measurement.diameter` does slice by slice, for masks; what this search cannot decide, thin
parts and regions whose search gives up, it leaves to that.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from imaging import machine_code
from measurement.bypass import Rim
from measurement.chord import farthest_pair
from measurement.contained import guessed_in_rim, longest_contained, longest_in_rim, rim_of
from measurement.crop import Mask, widths
from measurement.line import Pairs, Points
from measurement.pixel_contour import contour_of_mask
from measurement.trace import Drawn

WAITING, DRAWN, DONE = 0, 1, 2
Outline = tuple[Points, Pairs, Drawn, Rim, tuple[int, int]]
"""Contour of a slice, pixels inside, rim around a hole, two vertices that are farthest apart."""

NOWHERE = -1
"""In place of a slice: there is none; of two vertices that are farthest apart: nobody asked."""


@machine_code.compiled
def longest_over_slices(
    viable: Mask, whole: Mask, weights: tuple[Points, Points], levels: tuple[float, float],
    spacing: tuple[float, float],
) -> tuple[Points, int, Mask]:  # fmt: skip
    """Longest segment inside the viable part on any slice.

    Parameters
    ----------
    viable, whole : (z, y, x) bool arrays
        Cropped, with their margin.
    weights : as `measurement.pixel_contour` takes them
    levels : of the edge on a slice that is viable as a whole, and on any other
    spacing : (row, column) in mm

    Returns
    -------
    run : (5,) float64 array
        Length, x and y of one end, x and y of the other, in mm; length 0 where there is none.
    index : int
        The slice of the run; -1 where there is none.
    undecided : (z,) bool array
        Slices that may hold a longer run.
    """
    planes = viable.shape[0]
    widest = widths(viable, spacing[0], spacing[1]) + 2.0 * max(spacing[0], spacing[1])
    bounds = widest.copy()
    state = np.full(planes, WAITING)
    undecided = np.zeros(planes, dtype=np.bool_)
    places = np.full(planes, NOWHERE)
    best, found = np.zeros(5), NOWHERE
    outlines: list[Outline] = []
    while True:
        z = _next(bounds, state)
        if z == NOWHERE or bounds[z] <= best[0] + 1e-9:
            break
        if state[z] == DRAWN:
            state[z] = DONE
            run, finished = _longest(outlines[places[z]], best[0])
            undecided[z] = not finished
            if run[0] > best[0]:
                best, found = run, z
            continue
        state[z] = DONE
        if _repeats(viable, whole, widest, state, z):
            continue
        level = levels[0] if _same(viable, whole, z, z) else levels[1]
        outline, bound, undecided[z] = _outline(viable[z], weights, level, spacing, widest[z])
        if not undecided[z] and outline[0].shape[0] > 0:
            state[z], bounds[z], places[z] = DRAWN, bound, len(outlines)
            outlines.append(outline)
    return best, found, undecided


@machine_code.compiled
def _outline(
    plane: Mask, weights: tuple[Points, Points], level: float, spacing: tuple[float, float],
    widest_mm: float,
) -> tuple[Outline, float, bool]:  # fmt: skip
    """Draw a slice; return it with a bound on its runs, and whether it has thin parts.

    Where a hole decides, nobody asks for the two vertices that are farthest apart.
    """
    points, edges, inside, thin = contour_of_mask(
        plane, weights[0], weights[1], level, spacing[0], spacing[1]
    )
    drawn = inside, spacing
    rim, bound = rim_of(points, edges, drawn)
    bound *= 1.0 + 1e-12
    one = two = NOWHERE
    if not thin and points.shape[0] > 0 and (rim[2][2] <= 1e-3 or bound > widest_mm):
        bound, one, two = farthest_pair(points)
    return (points, edges, drawn, rim, (one, two)), bound, thin


@machine_code.compiled
def _longest(outline: Outline, longer_than: float) -> tuple[Points, bool]:
    """Return the longest run of a slice if it is longer than given, and whether it is certain.

    Where none is known, one that is soon found leaves out most lines.
    """
    points, edges, drawn, rim, farthest = outline
    if farthest[0] != NOWHERE:
        return longest_contained(points, edges, drawn, farthest, longer_than)
    if longer_than > 0.0:
        return longest_in_rim(rim, drawn, longer_than)
    guess = guessed_in_rim(rim, drawn)
    run, finished = longest_in_rim(rim, drawn, guess[0])
    return run if run[0] > guess[0] else guess, finished


@machine_code.compiled
def _next(bounds: Points, state: NDArray[np.int64]) -> int:
    """Return the slice of the largest bound that is not done; the first of several."""
    found, largest = NOWHERE, -math.inf
    for z in range(bounds.size):
        if state[z] != DONE and bounds[z] > largest:
            found, largest = z, bounds[z]
    return found


@machine_code.compiled
def _repeats(viable: Mask, whole: Mask, widest: Points, state: NDArray[np.int64], z: int) -> bool:
    """Whether a slice that was drawn has the same pixels."""
    for other in range(widest.size):
        alike = other != z and state[other] != WAITING and widest[other] == widest[z]
        if alike and _same(viable, viable, z, other) and _same(whole, whole, z, other):
            return True
    return False


@machine_code.compiled
def _same(one: Mask, other: Mask, z: int, there: int) -> bool:
    """Whether two slices have the same pixels."""
    for r in range(one.shape[1]):
        differ = False
        for c in range(one.shape[2]):
            differ |= one[z, r, c] != other[there, r, c]
        if differ:
            return False
    return True
