"""Estimates of many replicates of one study at once: median times, hazard ratios, their limits.

Own code, because the fits of this package and of others take one study at a time, and some
thousand replicates would take minutes; each estimate equals that of `kaplan_meier` or `cox`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stats.event_time import TIE_TOLERANCE, SurvivalError

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]
Whole = NDArray[np.int64]

MOST_STEPS: Final = 50
CONVERGED: Final = 1e-10
LARGEST_STEP: Final = 1.0
CELLS_AT_ONCE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Spread:
    """How an estimate moves over replicates: its middle, and limits that hold a share of them.

    ``n_without`` replicates had no estimate and are left out. An infinite value (a median time that
    is not reached) counts as larger than all others.
    """

    middle: float
    lower: float
    upper: float
    level: float
    n: int
    n_without: int


def spread(values: ArrayLike, *, level: float = 0.95) -> Spread:
    """Middle of an estimate over replicates, and the limits that hold this share of them.

    Parameters
    ----------
    values : (replicate,) numbers
        NaN where a replicate has no estimate.

    Notes
    -----
    Limits are values that occurred: at most (1 - level) / 2 of the replicates lie beyond either.

    Examples
    --------
    >>> found = spread(range(1, 1001))
    >>> found.lower, found.middle, found.upper
    (26.0, 500.5, 975.0)
    """
    if not 0 < level < 1:
        msg = f"level {level} is not between 0 and 1. Give a share such as 0.95."
        raise SurvivalError(msg)
    given = np.asarray(values, dtype=np.float64)
    known = np.sort(given[~np.isnan(given)])
    n = known.size
    if not n:
        return Spread(math.nan, math.nan, math.nan, level, 0, given.size)
    below = min(math.floor(round(n * (1 - level) / 2, 9)), (n - 1) // 2)
    one, other = known[(n - 1) // 2], known[n // 2]
    middle = one if one == other else (one + other) / 2
    return Spread(
        float(middle), float(known[below]), float(known[n - 1 - below]), level, n, given.size - n
    )


def replicate_medians(days: Floats, event: Truths) -> Floats:
    """Kaplan-Meier median time of each replicate; infinite where it is not reached.

    Parameters
    ----------
    days : (replicate, subject) numbers
        NaN: the subject is not in the replicate. A replicate of nobody gives NaN.
    event : (replicate, subject) truth values

    Raises
    ------
    SurvivalError
        If a time is negative or infinite, or the arrays differ in shape.

    Notes
    -----
    As `stats.survival.KaplanMeier.median`: the middle of a stretch that is flat at one half.
    """
    times, with_event, at_risk = _life_tables(days, event)
    nobody = np.isnan(days).all(axis=1)
    if not times.size:
        return np.full(len(days), np.nan)
    curve = np.cumprod(1 - with_event / np.maximum(at_risk, 1), axis=1)
    low = curve < 0.5 + TIE_TOLERANCE
    place = low.argmax(axis=1)
    rows = np.arange(len(days))
    value = curve[rows, place]
    further = curve < value[:, None] - TIE_TOLERANCE
    flat = (np.abs(value - 0.5) < TIE_TOLERANCE) & further.any(axis=1)
    median = np.where(flat, (times[place] + times[further.argmax(axis=1)]) / 2, times[place])
    return np.where(nobody, np.nan, np.where(low.any(axis=1), median, np.inf))


def replicate_hazard_ratios(days: Floats, event: Truths, second: Truths) -> Floats:
    """Cox hazard ratio of a second group against the first in each replicate; Efron ties.

    Parameters
    ----------
    days, event : (replicate, subject), as of `replicate_medians`
    second : (subject,) truth values
        Who belongs to the second group.

    Returns
    -------
    (replicate,) numbers
        NaN where the ratio is zero, infinite or not defined: no event in a group while the other
        is at risk, or one group alone.

    Raises
    ------
    SurvivalError
        As `replicate_medians`.
    """
    group = np.asarray(second, dtype=np.bool_)
    times, events, at_risk = _life_tables(days, event)
    own = _life_tables(np.where(group, days, np.nan), event & group, times=times)
    used = events.any(axis=0)
    tables = [table[:, used] for table in (events, at_risk, own[1], own[2])]
    cells = max(int(used.sum()) * int(events.max(initial=1)), 1)
    step = max(CELLS_AT_ONCE // cells, 1)
    parts = [
        _ratios(*(table[start : start + step] for table in tables))
        for start in range(0, len(tables[0]), step)
    ]
    return np.concatenate([np.zeros(0), *parts])


def _ratios(events: Whole, at_risk: Whole, events_2: Whole, at_risk_2: Whole) -> Floats:
    """Return hazard ratios from (replicate, time) counts of everybody and of the second group."""
    tied = np.arange(int(events.max(initial=0)))
    share = tied / np.maximum(events, 1)[..., None]  # Efron: a part of the tied leaves with each
    counted = tied < events[..., None]
    two = at_risk_2[..., None] - share * events_2[..., None]
    one = (at_risk - at_risk_2)[..., None] - share * (events - events_2)[..., None]
    two, one = np.where(counted, two, 0.0), np.where(counted, one, 0.0)
    observed = events_2.sum(axis=1).astype(np.float64)
    # finite only if, while both are at risk, the second group has neither all events nor none
    most = (two > 0).sum(axis=(1, 2))
    least = ((two > 0) & (one <= 0)).sum(axis=(1, 2))
    fine = (observed > least) & (observed < most)
    beta, step = np.zeros(len(events)), np.zeros(len(events))
    for _ in range(MOST_STEPS):
        weight = two * np.exp(beta)[:, None, None]
        whole = one + weight
        chance = np.divide(weight, whole, out=np.zeros_like(weight), where=whole > 0)
        information = (chance * (1 - chance)).sum(axis=(1, 2))
        score = observed - chance.sum(axis=(1, 2))
        step = np.divide(score, information, out=np.zeros_like(beta), where=fine)
        beta += np.clip(step, -LARGEST_STEP, LARGEST_STEP)
        if (np.abs(step) < CONVERGED).all():
            break
    return np.where(fine & (np.abs(step) < CONVERGED), np.exp(beta), np.nan)


def _life_tables(
    days: Floats, event: Truths, *, times: Floats | None = None
) -> tuple[Floats, Whole, Whole]:
    """Return all times, and of each replicate the events and numbers at risk at them."""
    days, event = np.asarray(days, dtype=np.float64), np.asarray(event, dtype=np.bool_)
    if days.ndim != 2 or days.shape != event.shape:
        msg = f"times of shape {days.shape}, events of {event.shape}: give (replicate, subject)."
        raise SurvivalError(msg)
    known = ~np.isnan(days)
    if (days[known] < 0).any() or np.isinf(days).any():
        msg = "a time to event is negative or infinite. Check its dates."
        raise SurvivalError(msg)
    if times is None:
        times = np.unique(days[known])
    size = (len(days), times.size)
    row, _ = np.nonzero(known)
    place = row * times.size + np.searchsorted(times, days[known])
    everyone = np.bincount(place, minlength=size[0] * size[1]).reshape(size)
    with_event = np.bincount(place[event[known]], minlength=size[0] * size[1]).reshape(size)
    left = np.cumsum(everyone[:, ::-1], axis=1)[:, ::-1]
    return times, with_event.astype(np.int64), left.astype(np.int64)
