"""Kaplan-Meier curves, log-rank and Cox of two groups in compiled loops, for a search.

`stats` gives the same numbers, thousands of times slower; tests hold the committed cohort against
it and against R. Times are whole days below `DAYS`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imaging import machine_code

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]

DAYS = 1800
NORMAL_95 = 1.959963984540054
STEPS = 12


@machine_code.compiled
def tally(time: Whole, event: Whole, member: Whole, count: Whole) -> Any:
    """Fill ``count`` (2, DAYS) with events and all leavings of the members per day; return n."""
    count[:] = 0
    n = 0
    for i in range(time.size):
        if member[i]:
            count[0, time[i]] += event[i]
            count[1, time[i]] += 1
            n += 1
    return n


@machine_code.compiled
def curve_misfit(count: Whole, n: int, window: Whole, margin: float) -> Any:
    """Return how far the median and its limits are from their windows, in units of survival.

    ``window`` has three rows (median, lower, upper): first and last day allowed, -1 where free.
    The curve has to be above one half before the first day and below it on the last.
    """
    last = 0
    for row in range(3):
        last = max(last, window[row, 1])
    survival, variance, low, upper_low = 1.0, 0.0, 1.0, 2.0
    misfit, left = 0.0, n
    for day in range(last + 1):
        for row in range(3):
            if window[row, 0] == day:
                value = survival if row == 0 else (low if row == 1 else upper_low)
                misfit += max(0.0, 0.5 + margin - value)
        events = count[0, day]
        if events and left:
            if left == events:
                survival, variance, low = 0.0, 1e9, 0.0
            else:
                survival *= 1.0 - events / left
                variance += events / (left * (left - events))
                error = NORMAL_95 * math.sqrt(variance)
                low = min(low, survival * math.exp(-error))
                upper_low = min(upper_low, survival * math.exp(error))
        left -= count[1, day]
        for row in range(3):
            if window[row, 1] == day:
                value = survival if row == 0 else (low if row == 1 else upper_low)
                misfit += max(0.0, value - 0.5 + margin)
    return misfit


@machine_code.compiled
def logrank_z(first: Whole, n_first: int, second: Whole, n_second: int) -> Any:
    """Return the log-rank z of the second group against the first; positive: dies sooner."""
    more, variance = 0.0, 0.0
    left_first, left_second = n_first, n_second
    for day in range(first.shape[1]):
        dead = first[0, day] + second[0, day]
        if dead:
            left = left_first + left_second
            share = left_second / left
            more += second[0, day] - dead * share
            if left > 1:
                variance += dead * share * (1 - share) * (left - dead) / (left - 1)
        left_first -= first[1, day]
        left_second -= second[1, day]
    return more / math.sqrt(variance) if variance > 0 else 0.0


@machine_code.compiled
def cox_two(first: Whole, n_first: int, second: Whole, n_second: int, out: Floats) -> None:
    """Write log hazard ratio (second against first, Efron) and its standard error to ``out``."""
    beta = out[0] if abs(out[0]) < 3 else 0.0
    information = 1.0
    for _ in range(STEPS):
        score, information = 0.0, 0.0
        risk = math.exp(beta)
        left_first, left_second = n_first, n_second
        for day in range(first.shape[1]):
            dead = first[0, day] + second[0, day]
            if dead:
                score += second[0, day]
                for tie in range(dead):
                    part = tie / dead
                    one = (left_second - part * second[0, day]) * risk
                    share = one / (one + left_first - part * first[0, day])
                    score -= share
                    information += share * (1 - share)
            left_first -= first[1, day]
            left_second -= second[1, day]
        if information <= 0:
            break
        step = score / information
        beta += max(-1.0, min(1.0, step))
        if abs(step) < 1e-9:
            break
    out[0] = beta
    out[1] = 1 / math.sqrt(information) if information > 0 else 9.0
