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

ASIDE_MM = 4.0
"""The hole is asked so far to either side of a foot whether it lets the line pass."""

NEARLY_RADIAL_MM = 1e-6
"""An edge that ends no farther than this across a ray from the middle may lie along it."""

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
    """Return the unit vectors (x, y) between the bins."""
    borders = np.empty((bins + 1, 2))
    cosine, sine = math.cos(2.0 * math.pi / bins), math.sin(2.0 * math.pi / bins)
    x, y = 1.0, 0.0
    for k in range(bins + 1):
        borders[k, 0], borders[k, 1] = x, y
        x, y = x * cosine - y * sine, x * sine + y * cosine
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
        forward = x * t - y * u >= 0.0
        far = x * x + y * y
        for _ in range(bins):
            border = k + 1 if forward else k
            p, q = borders[border, 0], borders[border, 1]
            behind = p * t - q * u
            if (behind < 0.0) if forward else (behind >= 0.0):
                break
            before = p * y - q * x
            c, d = u, t
            if abs(before - behind) > NEARLY_RADIAL_MM:
                share = min(max(before / (before - behind), 0.0), 1.0)
                c, d = x + share * (u - x), y + share * (t - y)
            farther = c * c + d * d
            most[k] = max(most[k], far, farther)
            least[k] = min(least[k], _nearest(x, y, c, d, far, farther))
            if abs(before - behind) > NEARLY_RADIAL_MM:
                x, y, far = c, d, farther
            k += 1 if forward else -1
            k = 0 if k == bins else (bins - 1 if k < 0 else k)
        farther = u * u + t * t
        most[k] = max(most[k], far, farther)
        least[k] = min(least[k], _nearest(x, y, u, t, far, farther))
    for k in range(bins):
        least[k] = math.sqrt(least[k]) * (1.0 - 1e-9)
        most[k] *= 1.0 + 1e-9
    return least, most


@machine_code.compiled
def _nearest(x: float, y: float, u: float, v: float, one: float, two: float) -> float:
    """Squared distance from the origin to an edge; those to its ends are known."""
    along_x, along_y = u - x, v - y
    if x * along_x + y * along_y >= 0.0:
        return one
    if u * along_x + v * along_y <= 0.0:
        return two
    across = x * v - y * u
    return across * across / (along_x * along_x + along_y * along_y)


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
    lowest, cosines = _lowest(least, rules)
    bounds = np.zeros((bins, 4))
    for k in range(bins):
        near = max(lowest[k] * cosines[0], low)
        for closer in range(2):
            if closer == 1:
                for c in range(1, cosines.size):
                    before, behind = lowest[k - c], lowest[k + c - bins]
                    near = max(near, max(before, behind) * cosines[c])
            if near > far:
                break
            left, ahead = half_run(most, k, 1, near, far, slopes)
            right, behind = half_run(most, k, -1, near, far, slopes)
            if left + right <= longer_than:
                break
            if closer == 1:
                bounds[k, 0], bounds[k, 1] = left + right, near
                bounds[k, 2], bounds[k, 3] = ahead, behind
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
    dead = 0
    for c in range(-asked, asked + 1):
        at = k + c
        at = at - bins if at >= bins else (at + bins if at < 0 else at)
        aside = (max(c + 1.0 - part, part - c) + SLIGHTLY) * width
        # cos x >= 1 - x^2 / 2
        dead = dead + 1 if away < least[at] * (1.0 - 0.5 * aside * aside) else 0
        if dead > enough:
            return False
    return True


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
def half_run(
    most: Points, k: int, step: int, near: float, far: float, slopes: tuple[Points, int]
) -> tuple[float, float]:
    """Bound on the half of a line with its foot in bin k, and on its end's squared distance.

    The distance is from the middle, and holds for all feet from the nearest to the farthest.
    """
    bins = most.size
    tangents, first = slopes
    longest, distance = 0.0, 0.0
    for a in range(tangents.shape[0]):
        at = k + step * (first + a)
        at = at - bins if at >= bins else (at + bins if at < 0 else at)
        left = most[at] - near * near
        # the line enters the bin at a distance that tissue there must reach
        least = near * tangents[a, 0]
        if left >= least * least:
            distance = max(distance, most[at])
            if left > longest * longest:
                longest = max(longest, min(math.sqrt(left), far * tangents[a, 2]))
    return longest * (1.0 + 1e-9), distance * (1.0 + 1e-9)


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
def _lowest(least: Points, rules: Rules) -> tuple[Points, Points]:
    """Least reach of the hole over bins that make more than the gap, and how it counts nearby.

    Where the hole reaches farther than the line over such a stretch, no run crosses it: there it
    ends as near to the foot as here, and what is left is too short. The cosines are for stretches
    0, 1, 2, ... bins from the foot's.
    """
    low, out, gap_mm, longer_than = rules
    bins = least.size
    width = 2.0 * math.pi / bins
    # of all stretches as long as the gap, one about the foot is seen under the largest angle
    angle = 2.0 * math.atan((0.5 * gap_mm + 1e-6) / low)
    aside = max(0, math.ceil(0.5 * (angle / width - 1.0)))
    lowest = least.copy()
    for k in range(bins):
        for side in range(1, aside + 1):
            lowest[k] = min(lowest[k], least[k - side], least[k + side - bins])
    far = math.sqrt(max(out - 0.25 * longer_than * longer_than, low * low))
    short = longer_than - math.sqrt(out - low * low)  # so much of a run lies on either side
    within = math.floor(math.atan(max(short, 0.0) / far) / width) - aside - 1
    asked = max(0, min(within, math.ceil(ASIDE_MM / (low * width))))
    cosines = np.empty(asked + 1)
    for c in range(asked + 1):
        cosines[c] = math.cos((c + aside + 1) * width) * (1.0 - 1e-9)
    return lowest, cosines
