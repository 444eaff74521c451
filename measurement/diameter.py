"""Calipers: the longest segment that stays inside viable tissue of one slice."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from imaging.geometry import VolumeGeometry
from measurement import chord
from measurement.bypass import ASKS_FOR_WHOLE, FINISHED, longest_past_hole
from measurement.contained import guessed_in_rim, longest_contained, longest_in_rim
from measurement.contour import Contour
from measurement.crop import Mask
from measurement.line import Inside
from measurement.outline import LesionOutline, Row, Run
from measurement.slices import NOWHERE

GAPS_MM = (0.0, 2.0, 5.0, math.inf)
"""Gaps of the curve that goes with every viable diameter."""

REACH_PX = 1.12
"""Tissue inside a contour is at most this far from the centre of one of its pixels."""

NOT_DRAWN = Contour(np.empty((0, 2)), np.empty((0, 2), dtype=np.int64))
GUESSED_SLICES = 2
GUESSED_RIMS = 2
"""Slices with a hole on which a few lines are traced before any is searched."""

GUESSED_VERTICES = 24
Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Caliper:
    """A caliper line on one slice; its length is the distance of its ends.

    Parameters
    ----------
    ends_mm : two points (x, y, z) in LPS mm
    ends_index : two points (z, row, column), fractional
    slice_index : slice of the volume, counted from 0
    gap_mm : longest single stretch outside viable tissue that was allowed (may be infinite)
    method : what the segment is
    """

    length_mm: float
    ends_mm: tuple[Point, Point]
    ends_index: tuple[Point, Point]
    slice_index: int
    gap_mm: float
    method: str


def longest_diameter(
    viable: Mask, whole: Mask, geometry: VolumeGeometry, *, gap_mm: float
) -> Caliper | None:
    """Longest straight axial segment that stays inside viable tumour; None where there is none.

    Parameters
    ----------
    viable, whole : (z, y, x) bool arrays
        The viable part counts where it is inside the whole lesion.
    gap_mm : float
        Each single stretch of the segment outside viable tissue is at most this long and lies
        inside the whole lesion. At infinity: the largest distance of two points of the edge.

    Raises
    ------
    RegionError
        If an array is not of the grid's shape, or holds something else than 0 and 1.
    ValueError
        If the gap is negative.

    Notes
    -----
    Defined as the longest admissible run on any line through two vertices of the viable
    contour, extended both ways; both ends are viable, the length includes the gaps.
    Source: spec/measurement.md, "What is measured".

    Examples
    --------
    >>> grid = VolumeGeometry.upright(shape=(1, 9, 30), spacing_mm=(2.5, 1.0, 1.0))
    >>> bar = np.zeros(grid.shape, dtype=bool)
    >>> bar[0, 3:6, 5:25] = True
    >>> round(longest_diameter(bar, bar, grid, gap_mm=0.0).length_mm, 1)
    20.0
    """
    return outline_diameter(LesionOutline(viable, whole, geometry), gap_mm=gap_mm)


def diameter_curve(
    viable: Mask, whole: Mask, geometry: VolumeGeometry, *, gaps_mm: Sequence[float] = GAPS_MM
) -> dict[float, Caliper | None]:
    """Longest diameter for each gap: where it jumps, necrosis decides the answer."""
    return outline_curve(LesionOutline(viable, whole, geometry), gaps_mm=gaps_mm)


def outline_curve(
    outline: LesionOutline, *, gaps_mm: Sequence[float] = GAPS_MM
) -> dict[float, Caliper | None]:
    """Longest diameter for each gap, of outlines that are drawn already."""
    curve: dict[float, Caliper | None] = {}
    shorter: Caliper | None = None
    for gap in sorted(gaps_mm):
        shorter = curve[gap] = outline_diameter(outline, gap_mm=gap, at_least=shorter)
    return {gap: curve[gap] for gap in gaps_mm}


def outline_diameter(
    outline: LesionOutline,
    *,
    gap_mm: float,
    at_least: Caliper | None = None,
    only: Collection[int] | None = None,
) -> Caliper | None:
    """Longest diameter of outlines that are drawn already.

    ``at_least`` is the answer for a smaller gap, which this one cannot fall below; ``only`` names
    the slices that are looked at (all by default).
    """
    if not gap_mm >= 0.0:
        msg = f"gap of {gap_mm} mm: give 0 or more, or infinity for the plain longest distance"
        raise ValueError(msg)
    if only is None and gap_mm in outline.known:
        before: Caliper | None = outline.known[gap_mm]
        return before
    known, left = None, only
    if gap_mm == 0.0 and only is None and at_least is None and outline.of_pixels:
        known, left = outline.longest_without_gaps()
    slices = outline.in_turn(left, gap_mm=gap_mm, each=False)
    found = _over_slices(outline, slices, gap_mm, at_least, known)
    if only is None:
        outline.known[gap_mm] = found
    return found


def _over_slices(
    outline: LesionOutline,
    slices: Iterator[Row],
    gap_mm: float,
    at_least: Caliper | None,
    known: Run | None,
) -> Caliper | None:
    """Longest diameter over some slices, in falling order of the longest that each can hold.

    ``known`` is a run that is as long as any on the other slices.
    """
    if math.isinf(gap_mm):
        farthest = next(slices, None)
        if farthest is None:
            return None
        _, index, one, two = farthest
        ends = outline.viable_contour(index).points_mm[[one, two]]
        return caliper_between(outline, index, ends, gap_mm)
    best = 0.0 if at_least is None else at_least.length_mm
    found: Run | None = None
    first: list[Row] = []
    if at_least is None and known is None:
        first, known = _first_guess(outline, slices)
    if known is not None:
        best, found = float(known[1][0]), known
    for place, (bound, index, one, two) in enumerate(chain(first, slices)):
        if bound <= best + 1e-9:
            break
        guessed = place < GUESSED_SLICES and at_least is None
        run = _longest_run(outline, index, gap_mm, best, (one, two), guessed=guessed)
        if run[0] > best:
            best, found = float(run[0]), (index, run)
    if found is not None:
        return caliper_between(outline, found[0], found[1][1:].reshape(2, 2), gap_mm)
    return None if at_least is None else replace(at_least, gap_mm=gap_mm)


def _first_guess(outline: LesionOutline, slices: Iterator[Row]) -> tuple[list[Row], Run | None]:
    """Rows of the first slices with holes, and the longest run on a few lines there, if any."""
    first: list[Row] = []
    best, found = 0.0, None
    for row in slices:
        first.append(row)
        bound, index, vertex, _ = row
        if vertex != NOWHERE or bound <= best + 1e-9:
            break
        run = np.asarray(guessed_in_rim(outline.rim(index)[0], _drawn(outline, index)))
        if run[0] > best + 1e-9:
            best, found = float(run[0]), (index, run)
        if len(first) == GUESSED_RIMS:
            break
    return first, found


def _longest_run(
    outline: LesionOutline,
    index: int,
    gap_mm: float,
    best: float,
    farthest: tuple[int, int],
    *,
    guessed: bool,
) -> NDArray[np.float64]:
    """Longest run of one slice if it is longer than the best, as (length, x, y, x, y)."""
    if gap_mm > 0.0:
        return _run_with_gaps(outline, index, gap_mm, best, farthest, guessed=guessed)
    guess, finished = _contained(outline, index, best, farthest)
    return guess if finished else _searched(outline, index, gap_mm, best, guess)


def _run_with_gaps(
    outline: LesionOutline,
    index: int,
    gap_mm: float,
    best: float,
    farthest: tuple[int, int],
    *,
    guessed: bool,
) -> NDArray[np.float64]:
    """Longest run of one slice, gaps inside the lesion left in, if it is longer than the best.

    A long run found early leaves out most lines: that without gaps, which is soon found. Where one
    hole decides, only lines that pass it come into question.
    """
    guess, finished = np.zeros(5), True
    if guessed and farthest[0] != NOWHERE:
        guess, finished = _contained(outline, index, best, farthest)
        if guess[0] >= _apart(outline, index, farthest) - 1e-9:
            return guess
    if guess[0] <= best:
        guess = np.array([best, 0.0, 0.0, 0.0, 0.0])
    if guess[0] > 0.0:
        run, state = _past_hole(outline, index, gap_mm, guess)
        if state == FINISHED:
            return np.asarray(run if run[0] > best else np.zeros(5))
    if farthest[0] == NOWHERE:
        farthest = outline.farthest(index)
        return _run_with_gaps(outline, index, gap_mm, best, farthest, guessed=guessed)
    viable, whole = outline.contours(index)
    regions = (viable.points_mm, viable.edges, whole.points_mm, whole.edges)
    among = 0 if finished else GUESSED_VERTICES
    guess = _longer(guess, chord.first_guess(*regions, gap_mm, farthest, among)[0])
    return _searched(outline, index, gap_mm, best, guess)


def _apart(outline: LesionOutline, index: int, two: tuple[int, int]) -> float:
    """Distance of two vertices of a slice."""
    one, other = outline.viable_contour(index).points_mm[list(two)]
    return float(math.hypot(*(one - other)))


def _past_hole(
    outline: LesionOutline, index: int, gap_mm: float, guess: NDArray[np.float64]
) -> tuple[NDArray[np.float64], int]:
    """Search past a hole; the whole lesion is drawn only where a gap has to lie inside it."""
    viable = outline.viable_contour(index)
    whole = NOT_DRAWN
    for turn in range(2):
        run, state = longest_past_hole(
            viable.points_mm, viable.edges, whole.points_mm, whole.edges,
            _drawn(outline, index), gap_mm, guess,
        )  # fmt: skip
        if state != ASKS_FOR_WHOLE or turn == 1:
            break
        whole = outline.whole_contour(index)
    return np.asarray(run), int(state)


def _contained(
    outline: LesionOutline, index: int, best: float, farthest: tuple[int, int]
) -> tuple[NDArray[np.float64], bool]:
    """Longest run without gaps if it is longer than the best, and whether the search was done."""
    drawn = _drawn(outline, index)
    if farthest[0] == NOWHERE:
        run, finished = longest_in_rim(outline.rim(index)[0], drawn, best)
    else:
        viable = outline.viable_contour(index)
        run, finished = longest_contained(viable.points_mm, viable.edges, drawn, farthest, best)
    return np.asarray(run), bool(finished)


def _searched(
    outline: LesionOutline, index: int, gap_mm: float, best: float, guess: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the longest run that the search over tubes finds, or a guess that none exceeds."""
    found = search_slice(outline, index, gap_mm, max(best, float(guess[0])), each=False)[0]
    if found[0] > 0.0:
        return np.asarray(found)
    return guess if guess[0] > best else np.zeros(5)


def _longer(one: NDArray[np.float64], two: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the longer of two runs; the first one where they are equally long."""
    return two if two[0] > one[0] + 1e-9 else one


def _drawn(outline: LesionOutline, index: int) -> tuple[Inside, tuple[float, float]]:
    """Return which pixels lie inside the contour of the viable part, and their spacing."""
    return outline.inside(index), (outline.spacing_mm[0], outline.spacing_mm[1])


def _regions(outline: LesionOutline, index: int, gap_mm: float) -> tuple[Contour, Contour]:
    """Contours of viable part and whole lesion; without gaps nobody asks for the whole."""
    viable = outline.viable_contour(index)
    return viable, (outline.whole_contour(index) if gap_mm > 0.0 else viable)


def search_slice(
    outline: LesionOutline, index: int, gap_mm: float, longer_than: float, *, each: bool
) -> NDArray[np.float64]:
    """Run the compiled search on one slice."""
    viable, whole = _regions(outline, index, gap_mm)
    spacing = (outline.spacing_mm[0], outline.spacing_mm[1])
    found = chord.search(
        viable.points_mm, viable.edges, whole.points_mm, whole.edges,
        outline.distance_mm(index), REACH_PX * max(spacing), spacing, gap_mm, longer_than, each,
    )  # fmt: skip
    return np.asarray(found)


def caliper_between(
    outline: LesionOutline, index: int, ends: NDArray[np.float64], gap_mm: float
) -> Caliper:
    """Make a caliper of two points (x, y) in mm on a cropped slice; the first end is leftmost."""
    (x1, y1), (x2, y2) = sorted((float(x), float(y)) for x, y in ends)
    at = (outline.to_index(index, x1, y1), outline.to_index(index, x2, y2))
    one, two = outline.geometry.index_to_patient(at).tolist()
    return Caliper(
        length_mm=math.dist(one, two),
        ends_mm=(tuple(one), tuple(two)),
        ends_index=at,
        slice_index=outline.slice_index(index),
        gap_mm=gap_mm,
        method="longest_contained_segment" if math.isfinite(gap_mm) else "farthest_points",
    )
