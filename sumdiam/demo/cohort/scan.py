"""Third stage: days of scans, of response and of deepest response, that give the printed times."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from imaging import machine_code
from sumdiam.demo.cohort.course_state import ARM
from sumdiam.demo.cohort.printed import days as days_of
from sumdiam.demo.cohort.printed import printed
from sumdiam.demo.cohort.scan_state import (
    DEEPEST,
    RESPONDED,
    N,
    change_scans,
    scans_possible,
    starting_scans,
)

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]

DAYS_PER_MONTH = 30.4375
MOST_FIRST = (42, 27)
"""Per arm, most who respond at the first scan: each of them is an early shrinkage too."""
COUNT_WEIGHT, T_WEIGHT = 0.05, 0.3
ROUND = 0.045


@machine_code.compiled
def apart(value: float, wanted: float, half: float) -> Any:
    """Return by how much a value is further than ``half`` from what is wanted."""
    return max(0.0, abs(value - wanted) - half)


@machine_code.compiled
def times_misfit(one: Floats, other: Floats, wanted: Floats, z: Floats) -> Any:
    """Return how far medians, means (two arms, all) and Welch's p are from print, in months."""
    every = np.concatenate((one, other))
    cost = 0.0
    cost += apart(np.median(one), wanted[0, 0], ROUND) + apart(one.mean(), wanted[0, 1], ROUND)
    cost += apart(np.median(other), wanted[1, 0], ROUND)
    cost += apart(other.mean(), wanted[1, 1], ROUND)
    cost += apart(np.median(every), wanted[2, 0], ROUND)
    cost += apart(every.mean(), wanted[2, 1], ROUND)
    a = one.var() / (one.size - 1)
    b = other.var() / (other.size - 1)
    free = (a + b) ** 2 / (a**2 / (one.size - 1) + b**2 / (other.size - 1))
    t = abs(one.mean() - other.mean()) / math.sqrt(a + b)
    for side in range(2):  # t that belongs to the printed p (Cornish-Fisher)
        x = z[side]
        limit = x + (x**3 + x) / (4 * free) + (5 * x**5 + 16 * x**3 + 3 * x) / (96 * free**2)
        cost += T_WEIGHT * (max(0.0, limit - t) if side == 0 else max(0.0, t - limit))
    return cost


@machine_code.compiled
def scan_misfit(
    rows: Whole, days: Whole, marks: Whole, wanted: Floats, z: Floats, ranks: Whole, out: Floats
) -> Any:
    """Return the cost of all scans: first ones, response, deepest response, counts."""
    out[:] = 0.0
    first = np.sort(days[:, 0])
    middle = first[first.size // 2] / DAYS_PER_MONTH
    out[0] = apart(middle, 2.5, ROUND)
    out[0] += apart(first[0] / DAYS_PER_MONTH, 0.8, ROUND)
    out[0] += apart(first[-1] / DAYS_PER_MONTH, 6.0, ROUND)
    for k, word in enumerate((RESPONDED, DEEPEST)):
        known = marks[:, word] >= 0
        one = marks[known & (rows[:, ARM] == 0), word] / DAYS_PER_MONTH
        other = marks[known & (rows[:, ARM] == 1), word] / DAYS_PER_MONTH
        out[1 + k] = times_misfit(one, other, wanted[k], z[k])
    early = np.zeros(2)
    for i in range(rows.shape[0]):
        early[rows[i, ARM]] += marks[i, RESPONDED] == days[i, 0]
    out[3] = COUNT_WEIGHT * (
        max(0.0, early[0] - MOST_FIRST[0]) + max(0.0, early[1] - MOST_FIRST[1])
    )
    for arm in range(2):
        count = np.sort(marks[rows[:, ARM] == arm, N])
        for k in range(ranks.shape[0]):
            if ranks[k, 0] == arm:
                out[4 + arm] += COUNT_WEIGHT * abs(count[ranks[k, 1]] - ranks[k, 2])
    return out.sum()


@machine_code.compiled
def anneal_scans(
    rows: Whole, days: Whole, marks: Whole, wanted: Floats, z: Floats, ranks: Whole,
    steps: int, hot: float, cold: float, rng: Any,
) -> Any:  # fmt: skip
    """Change scans and marks in place until nothing is left to mend; return the parts."""
    out = np.zeros(6)
    cost = scan_misfit(rows, days, marks, wanted, z, ranks, out)
    for step in range(steps):
        if cost <= 0:
            break
        heat = hot * (cold / hot) ** (step / steps)
        i = rng.integers(0, rows.shape[0])
        before, mark = days[i].copy(), marks[i].copy()
        change_scans(rows[i], days[i], marks[i], rng)
        if scans_possible(rows[i], days[i], marks[i]):
            new = scan_misfit(rows, days, marks, wanted, z, ranks, out)
            if new <= cost or rng.random() < math.exp((cost - new) / heat):
                cost = new
                continue
        days[i], marks[i] = before, mark
    scan_misfit(rows, days, marks, wanted, z, ranks, out)
    return out


def scan_aims() -> tuple[Floats, Floats, Whole]:
    """Return printed medians and means, windows of z for Welch's p, and ranks of scan counts."""
    amounts = {one["name"]: one for one in printed()["amount"]}
    wanted, z = np.zeros((2, 3, 2)), np.zeros((2, 2))
    for k, name in enumerate(("time_to_response", "time_of_dpr")):
        one = amounts[name]
        wanted[k] = one["combination"], one["sorafenib"], one["overall"]
        z[k] = norm.isf(np.array([one["p"] + 0.0004, one["p"] - 0.0004]) / 2)
    ranks = []
    given = printed()["response"]
    for arm, n in enumerate(printed()["arms"].values()):
        low, high = given["scans_quartiles"][arm]
        for share, value in ((0.25, low), (0.5, given["scans_median"][arm]), (0.75, high)):
            place = share * (n - 1)
            ranks += [(arm, rank, value) for rank in {math.floor(place), math.ceil(place)}]
    return wanted, z, np.array(sorted(ranks))


def solve_scans(rows: Whole, seed: int, steps: int) -> tuple[Whole, Whole, Floats]:
    """Return days of scans, marks, and what misfit is left.

    Raises
    ------
    ValueError
        If a patient's days leave no room for scans.
    """
    if abs(days_of(1) - DAYS_PER_MONTH) > 0:
        msg = "the printed months are not those of the search"
        raise ValueError(msg)
    rng = np.random.default_rng(seed)
    days, marks = starting_scans(rows, rng)
    for i, row in enumerate(rows):
        if not scans_possible(row, days[i], marks[i]):
            msg = f"patient {i}: no scans fit {row.tolist()}: {days[i, : marks[i, N]].tolist()}"
            raise ValueError(msg)
    wanted, z, ranks = scan_aims()
    out = anneal_scans(rows, days, marks, wanted, z, ranks, steps, 0.05, 2e-5, rng)
    return days, marks, out
