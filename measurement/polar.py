"""A hole seen from its middle: how far it and the region around it reach, angle by angle.

The circle is parted into bins. A line is named by its foot, its nearest place to the middle: by
the bin in which the foot lies, and its distance.
"""

from __future__ import annotations

import math

import numpy as np

from imaging import machine_code
from measurement.line import Pairs, Points

FEWEST_BINS = 128
MOST_BINS = 4096
_BORDERS = np.arange(MOST_BINS + 1) * (2.0 * np.pi / MOST_BINS)
RAYS = np.column_stack([np.cos(_BORDERS), np.sin(_BORDERS)])
"""Unit vectors (x, y) between the most bins that there may be."""

ASIDE_MM = 4.0
"""The hole is asked so far to either side of a foot whether it lets the line pass."""

NEARLY_RADIAL_MM = 1e-3
"""An edge that ends no farther than this across a ray counts with both ends where it meets the ray.

Where it meets it would be lost in rounding otherwise.
"""

SLIGHTLY = 1e-4
"""Part of a bin by which the place of a foot within it may be wrong."""

Disc = tuple[float, float, float]
"""Centre x, y and radius of a disc without tissue."""

Reach = tuple[Points, Points]
"""By bin: least distance and largest squared distance of the contour from the middle."""

Rules = tuple[float, float, float, float]
"""Least distance of a line, largest squared distance of tissue, gap, and the run to exceed."""


@machine_code.compiled
def rays(bins: int) -> Points:
    """Return the unit vectors (x, y) between the bins, of which there are 2 to some power."""
    borders = np.empty((bins + 1, 2))
    step = MOST_BINS // bins
    for k in range(bins + 1):
        borders[k, 0], borders[k, 1] = RAYS[step * k, 0], RAYS[step * k, 1]
    return borders


@machine_code.compiled
def by_angle(places: Points, beside: Pairs, disc: Disc, borders: Points) -> Reach:
    """Return how near the contour comes to the disc's middle in each bin, and how far it goes.

    Follows the contour, and parts each of its edges where it crosses a ray.
    """
    bins = borders.shape[0] - 1
    least, most = np.full(bins, math.inf), np.zeros(bins)
    k = 0
    for v in range(places.shape[0]):
        x, y = places[v, 0] - disc[0], places[v, 1] - disc[1]
        if beside[v, 0] != v - 1:  # a loop begins
            k = math.floor(math.atan2(y, x) * bins / (2.0 * math.pi)) % bins
        w = beside[v, 1]
        u, t = places[w, 0] - disc[0], places[w, 1] - disc[1]
        far, farther, across = x * x + y * y, u * u + t * t, x * t - y * u
        along_x, along_y = u - x, t - y
        size = along_x * along_x + along_y * along_y
        # where the foot of the edge lies within it, the edge comes nearer between its ends
        dips = (x * along_x + y * along_y < 0.0) & (u * along_x + t * along_y > 0.0)
        nearest = across * across / size if dips else min(far, farther)
        forward = across >= 0.0
        _reach(least, most, k, nearest if dips else far, far)
        for _ in range(bins):
            border = k + 1 if forward else k
            p, q = borders[border, 0], borders[border, 1]
            behind = p * t - q * u
            if (behind < 0.0) if forward else (behind >= 0.0):
                break
            one, two = nearest, max(far, farther)
            upright = p * along_y - q * along_x
            if abs(upright) > NEARLY_RADIAL_MM:
                crossed = across / upright
                two = crossed * crossed
                one = nearest if dips else two
            _reach(least, most, k, one, two)
            k += 1 if forward else -1
            k = 0 if k == bins else (bins - 1 if k < 0 else k)
            _reach(least, most, k, one, two)
        _reach(least, most, k, nearest if dips else farther, farther)
    for k in range(bins):
        least[k] = math.sqrt(least[k]) * (1.0 - 1e-9)
        most[k] *= 1.0 + 1e-9
    return least, most


@machine_code.inlined
def _reach(least: Points, most: Points, k: int, near: float, far: float) -> None:
    """Take in places of a bin, given the least and the largest of their squared distances."""
    least[k] = near if near < least[k] else least[k]
    most[k] = far if far > most[k] else most[k]


@machine_code.compiled
def run_by_foot(reach: Reach, rules: Rules, slopes: tuple[Points, int]) -> Points:
    """Bound on the run of a line by the bin of its foot, and where its foot and its ends may lie.

    Returns
    -------
    (bins, 4) float64 array
        The bound in mm, 0 where it is not longer than the run to exceed; least distance of the
        foot; largest squared distance of the end to the left of the foot, seen from the middle, and
        of the end to the right.
    """
    low, out, _, longer_than = rules
    least, most = reach
    bins = least.size
    far = math.sqrt(max(out - 0.25 * longer_than * longer_than, low * low))
    near = _nearest_feet(least, rules)
    around = _around(most, slopes[1] + slopes[0].shape[0])
    left, ahead = _halves(around, bins, 1, near, far, slopes)
    right, behind = _halves(around, bins, -1, near, far, slopes)
    bounds = np.zeros((bins, 4))
    for k in range(bins):
        if near[k] <= far and left[k] + right[k] > longer_than:
            bounds[k, 0], bounds[k, 1] = left[k] + right[k], near[k]
            bounds[k, 2], bounds[k, 3] = ahead[k], behind[k]
    return bounds


@machine_code.compiled
def may_hold(
    reach: Reach, rules: Rules, slopes: tuple[Points, int], foot: tuple[int, float, float]
) -> bool:
    """Whether a line may hold a run longer than given.

    The foot is given by its bin, by the part of the bin before it, and by its distance.
    """
    least, most = reach
    low, out, gap_mm, longer_than = rules
    k, part, away = foot
    left = _half(most, k, 1, part, away, slopes)
    if left + _half(most, k, -1, 1.0 - part, away, slopes) <= longer_than:
        return False
    bins = least.size
    width = 2.0 * math.pi / bins
    enough = (gap_mm + 1e-6) / (away * width)  # of bins in turn that make more than the gap
    far = math.sqrt(max(out - 0.25 * longer_than * longer_than, low * low))
    short = longer_than - math.sqrt(out - low * low)
    within = math.floor(math.atan(max(short, 0.0) / far) / width) - 1
    asked = max(0, min(within, math.ceil(ASIDE_MM / (low * width))))
    if enough < 1.0:  # one will do, and is mostly near
        for c in range(asked + 1):
            if _blocked(least, k + c, c, part, away) or _blocked(least, k - c, -c, part, away):
                return False
        return True
    dead = 0
    for c in range(-asked, asked + 1):
        dead = dead + 1 if _blocked(least, k + c, c, part, away) else 0
        if dead > enough:
            return False
    return True


@machine_code.inlined
def _blocked(least: Points, at: int, c: int, part: float, away: float) -> bool:
    """Whether the hole reaches beyond a line all over a bin that lies c bins from its foot's."""
    bins = least.size
    at = at - bins if at >= bins else (at + bins if at < 0 else at)
    aside = (max(c + 1.0 - part, part - c) + SLIGHTLY) * (2.0 * math.pi / bins)
    # cos x >= 1 - x^2 / 2
    return bool(away < least[at] * (1.0 - 0.5 * aside * aside))


@machine_code.compiled
def _half(
    most: Points, k: int, step: int, part: float, away: float, slopes: tuple[Points, int]
) -> float:
    """Bound on the half of a line to one side of its foot, of whose bin a part lies behind it."""
    bins = most.size
    tangents, first = slopes
    width = 2.0 * math.pi / bins
    longest = 0.0
    for a in range(tangents.shape[0]):
        at = k + step * (first + a)
        at = at - bins if at >= bins else (at + bins if at < 0 else at)
        left = most[at] - away * away
        if left <= longest * longest:
            continue
        before, middle, behind = tangents[a]
        # the tangent is a convex function: above its slope, below its chord
        enters = before
        if first + a > 0:
            enters += (1.0 - part - SLIGHTLY) * width * (1.0 + before * before)
        leaves = middle + (1.0 - part + SLIGHTLY) * (behind - middle)
        if left >= (away * enters) ** 2:
            longest = max(longest, min(math.sqrt(left), away * leaves))
    return longest * (1.0 + 1e-9)


@machine_code.compiled
def _halves(
    most: Points, bins: int, step: int, near: Points, far: float, slopes: tuple[Points, int]
) -> tuple[Points, Points]:
    """Bound on the half of a line with its foot in each bin, mm, and on its end's squared distance.

    The distance is from the middle, and holds for all feet from the nearest to the farthest.
    ``most`` has those of the last bins before the first one, and of the first ones after the last.
    """
    tangents, first = slopes
    beside = (most.size - bins) // 2
    longest, distance = np.zeros(bins), np.zeros(bins)
    for a in range(tangents.shape[0]):
        at = beside + step * (first + a)
        squares = most[at : at + bins]
        enters, leaves = tangents[a, 0] * tangents[a, 0], (far * tangents[a, 2]) ** 2
        for k in range(bins):
            there, foot = squares[k], near[k] * near[k]
            left = there - foot
            half = left if left < leaves else leaves
            # the line enters the bin at a distance that tissue there must reach
            half = half if left >= foot * enters else 0.0
            there = there if left >= foot * enters else 0.0
            longest[k] = half if half > longest[k] else longest[k]
            distance[k] = there if there > distance[k] else distance[k]
    for k in range(bins):
        longest[k] = math.sqrt(longest[k]) * (1.0 + 1e-9)
        distance[k] *= 1.0 + 1e-9
    return longest, distance


@machine_code.compiled
def _around(values: Points, beside: int) -> Points:
    """Return values of bins with as many as stated, of no more, beside the first and the last."""
    bins = values.size
    around = np.empty(bins + 2 * beside)
    for k in range(bins):
        around[beside + k] = values[k]
    for k in range(beside):
        around[k], around[beside + bins + k] = values[bins - beside + k], values[k]
    return around


@machine_code.compiled
def last_bin(rules: Rules, bins: int) -> int:
    """Return how many bins from a foot's a run can end; to be less than a quarter of them."""
    return math.ceil(math.acos(rules[0] / math.sqrt(rules[1])) * bins / (2.0 * math.pi)) + 1


@machine_code.compiled
def steepness(rules: Rules, bins: int) -> tuple[Points, int]:
    """Tangents of the angles at which bins begin, and the first bin where a run may end."""
    low, out, _, longer_than = rules
    width = 2.0 * math.pi / bins
    half = math.sqrt(out - low * low)
    far = math.sqrt(max(out - 0.25 * longer_than * longer_than, low * low))
    first = max(0, math.floor(math.atan(max(longer_than - half, 0.0) / far) / width) - 1)
    last = last_bin(rules, bins)
    slopes = np.empty((last - first + 1, 3))
    for a in range(first, last + 1):
        slopes[a - first, 0] = math.tan(max(a - 1, 0) * width) * (1.0 - 1e-9)
        slopes[a - first, 1] = math.tan(a * width)
        slopes[a - first, 2] = math.tan((a + 1) * width) * (1.0 + 1e-9)
    return slopes, first


@machine_code.compiled
def _nearest_feet(least: Points, rules: Rules) -> Points:
    """Bound on the distance of a foot in each bin from the middle, in mm.

    Where the hole reaches farther than the line over a stretch that is wider than the gap, no run
    crosses it: if that is near the foot, what is left to either side is too short.
    """
    low, out, gap_mm, longer_than = rules
    bins = least.size
    width = 2.0 * math.pi / bins
    # of all stretches as long as the gap, one about the foot is seen under the largest angle
    angle = 2.0 * math.atan((0.5 * gap_mm + 1e-6) / low)
    aside = max(0, math.ceil(0.5 * (angle / width - 1.0)))
    far = math.sqrt(max(out - 0.25 * longer_than * longer_than, low * low))
    short = longer_than - math.sqrt(out - low * low)  # so much of a run lies on either side
    within = math.floor(math.atan(max(short, 0.0) / far) / width) - aside - 1
    asked = max(0, min(within, math.ceil(ASIDE_MM / (low * width))))
    around = _around(least, aside)
    lowest = np.full(bins, math.inf)
    for side in range(2 * aside + 1):
        shifted = around[side : side + bins]
        for k in range(bins):
            lowest[k] = shifted[k] if shifted[k] < lowest[k] else lowest[k]
    around = _around(lowest, asked)
    near = np.full(bins, low)
    for c in range(asked + 1):
        cosine = math.cos((c + aside + 1) * width) * (1.0 - 1e-9)
        before, behind = around[asked - c : asked - c + bins], around[asked + c : asked + c + bins]
        for k in range(bins):
            there = (before[k] if before[k] > behind[k] else behind[k]) * cosine
            near[k] = there if there > near[k] else near[k]
    return near
