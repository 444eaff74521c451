"""Sums of the hepatic targets at baseline and at their smallest, in tenths of a millimetre.

They give the printed sizes and depths of response; each stays in the band of its best response.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from sumdiam.demo.cohort.course_state import ARM, BEST, CR, PR, PROGRESSIVE, SD
from sumdiam.demo.cohort.printed import printed
from sumdiam.demo.cohort.sum_course import RESPONSE, clear

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]

SMALLEST, LARGEST, SHAPE = 130, 2200, 2.5
"""Baseline sums in tenths of a millimetre, dealt out after a gamma distribution of this shape."""
SMALL = 560
"""Most for a patient within the up-to-7 criteria."""
BANDS = {PR: (0.10, RESPONSE), SD: (RESPONSE, 1.12)}
"""Smallest sum as a share of the baseline."""
LEAST_RESIDUE = 60
NEAR_PERCENT, NEAR_COUNT, NEAR_WEIGHT = 20, 64, 0.1
"""So many lie within one reader SD (0.7 times 14 and 26 % together) of the cut-off for PR."""
HOT, COLD = 0.3, 1e-5
MEDIAN_HALF, MEAN_HALF, P_HALF = 0.05, 0.04, 0.0004


def settle(
    values: Whole,
    bounds: Whole,
    cost: Callable[[Whole], float],
    *,
    steps: int,
    rng: np.random.Generator,
) -> float:
    """Change whole numbers within bounds (n, 2), one at a time, until the cost is nothing."""
    now = cost(values)
    free = np.flatnonzero(bounds[:, 1] > bounds[:, 0])
    for step in range(steps):
        if now <= 0:
            break
        i = int(rng.choice(free))
        old = values[i]
        far = int((bounds[i, 1] - bounds[i, 0]) * (1 - step / steps) / 4) + 2
        values[i] = np.clip(old + rng.integers(-far, far + 1), *bounds[i])
        new = cost(values)
        heat = HOT * (COLD / HOT) ** (step / steps)
        if new <= now or rng.random() < math.exp((now - new) / heat):
            now = new
        else:
            values[i] = old
    return now


def _misfit(one: Floats, other: Floats, name: str) -> float:
    """Return how far medians, means and Welch's p of two arms are from print."""
    given = next(entry for entry in printed()["amount"] if entry["name"] == name)
    cost = 0.0
    parts = {"combination": one, "sorafenib": other, "overall": np.concatenate([one, other])}
    for group, values in parts.items():
        cost += max(0.0, abs(float(np.median(values)) - given[group][0]) - MEDIAN_HALF)
        cost += max(0.0, abs(float(values.mean()) - given[group][1]) - MEAN_HALF)
    if not isinstance(given["p"], str):
        p = welch_p(one, other)  # its complement where the other arm has the larger mean
        p = p if one.mean() > other.mean() else 2 - p
        cost += 10 * max(0.0, abs(p - given["p"]) - P_HALF)
    return cost


def welch_p(one: Floats, other: Floats) -> float:
    """Return the p of Welch's t test, without scipy's checks, which cost most of a search."""
    a, b = (float(x.var(ddof=1)) / x.size for x in (one, other))
    free = (a + b) ** 2 / (a**2 / (one.size - 1) + b**2 / (other.size - 1))
    return float(2 * stdtr(free, -abs(float(one.mean() - other.mean())) / math.sqrt(a + b)))


def solve_sizes(
    rows: Whole, outside_up_to_7: Whole, rng: np.random.Generator, steps: int
) -> tuple[Whole, float]:
    """Return each patient's baseline sum in tenths of a millimetre, and the misfit."""
    n = len(rows)
    sums = np.clip(rng.gamma(SHAPE, 651 / SHAPE, n), SMALLEST, LARGEST).astype(np.int64)
    bounds = np.tile(np.array([SMALLEST, LARGEST]), (n, 1))
    bounds[outside_up_to_7 == 0, 1] = SMALL
    sums = np.minimum(sums, bounds[:, 1])
    arm = rows[:, ARM]

    def cost(values: Whole) -> float:
        """Return the misfit of sizes in mm."""
        return _misfit(values[arm == 0] / 10, values[arm == 1] / 10, "target_size")

    return sums, settle(sums, bounds, cost, steps=steps, rng=rng)


def solve_depth(
    rows: Whole, sums: Whole, rng: np.random.Generator, steps: int
) -> tuple[Whole, float]:
    """Return each patient's smallest sum in tenths of a millimetre (-1: no control), and misfit."""
    best, arm = rows[:, BEST], rows[:, ARM]
    least = np.where(best == CR, 0, -1).astype(np.int64)
    bounds = np.column_stack([least, least])
    for word, (low, high) in BANDS.items():
        here = best == word
        room = np.array([clear(base) for base in sums[here]])
        lift, drop = (0, room) if word == PR else (room, 0)
        bounds[here, 0] = np.maximum(np.ceil(sums[here] * low + lift), LEAST_RESIDUE)
        bounds[here, 1] = np.floor(sums[here] * high - drop)
        share = rng.uniform(0, 1, int(here.sum()))
        least[here] = bounds[here, 0] + share * (bounds[here, 1] - bounds[here, 0])
    known = best != PROGRESSIVE

    def cost(values: Whole) -> float:
        """Return the misfit of depths in percent, and of how many lie near the cut-off for PR."""
        depth = 100 * (sums - values) / sums
        near = int((np.abs(depth[known] - 30) <= NEAR_PERCENT).sum())
        printed_misfit = _misfit(depth[known & (arm == 0)], depth[known & (arm == 1)], "dpr")
        return printed_misfit + NEAR_WEIGHT * max(0, NEAR_COUNT - near)

    return least, settle(least, bounds, cost, steps=steps, rng=rng)
