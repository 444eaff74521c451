"""Concordance of a Cox model (Harrell's C) with its standard error.

Own code, because lifelines gives no standard error and counts wrongly with entry times. A pair
counts where one has the event while the other is at risk and stays so beyond that time, within a
stratum. The error is the infinitesimal jackknife of R's ``concordance``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stats.cox_model import CoxModel
from stats.regression import CoxFit

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Concordance:
    """Share of comparable pairs of which the one with the event first had the higher risk."""

    estimate: float
    standard_error: float
    lower: float
    upper: float
    level: float
    n_pairs: int
    n: int
    events: int
    note: str = ""


def concordance(fit: CoxFit, *, level: float = 0.95) -> Concordance:
    """Harrell's concordance of a Cox model's linear predictor with survival.

    Returns
    -------
    Concordance
        Pairs with equal predictors count one half; pairs with events at one time do not count.
        NaN with a note where the model has no estimates or no pair can be compared. With an
        infinite coefficient the ranks are those of its limit.

    Notes
    -----
    n log n. Rows count alike: case weights of the model are not taken into account. With clusters,
    the rows of one are summed before the error is taken.
    """
    from scipy.stats import norm

    nan, model = math.nan, fit.model
    if model is None or model.maximum.why_not:
        why = "no estimates"
        return Concordance(nan, nan, nan, nan, level, 0, fit.n, fit.events, why)
    better, pairs = _by_row(model)
    total = pairs.sum() / 2
    if total == 0:
        why = "no two rows can be compared"
        return Concordance(nan, nan, nan, nan, level, 0, fit.n, fit.events, why)
    estimate = float(better.sum() / 2 / total)
    moves = (better - estimate * pairs) / total
    if model.cluster is not None:
        moves = np.bincount(model.cluster, moves)
    error = math.sqrt(float((moves**2).sum()))
    half = float(norm.isf((1 - level) / 2)) * error
    lower, upper = max(0.0, estimate - half), min(1.0, estimate + half)
    note = "" if fit.converged else "ranks in the limit of an infinite coefficient"
    return Concordance(
        estimate, error, lower, upper, level, round(float(total)), fit.n, fit.events, note
    )


def _by_row(model: CoxModel) -> tuple[Floats, Floats]:
    """Return for each row its pairs in concordance (ties one half) and all its pairs."""
    sets, event = model.sets, model.data.event
    # predictors that differ by rounding only are tied, as the same covariates give them
    eta = np.round(model.design @ model.maximum.coefficients, 12)
    rank = np.unique(eta, return_inverse=True)[1]
    # an event at time g is compared with who is at risk then and stays so beyond it
    last = np.where(event, sets.own - 1, sets.past - 1)
    own = np.flatnonzero(event)
    own = own[np.argsort(sets.own[own], kind="stable")]
    better, pairs = np.zeros(event.size), np.zeros(event.size)
    for until, sign in ((last, 1.0), (sets.first - 1, -1.0)):
        others = np.flatnonzero(last >= sets.first)
        others = others[np.argsort(-until[others], kind="stable")]
        lasting = np.searchsorted(-until[others], -sets.own[own], side="right")
        below = _below_or_half(rank[others], lasting, rank[own])
        better[own] += sign * below
        pairs[own] += sign * lasting
        earlier = np.searchsorted(sets.own[own], until[others], side="right")
        above = earlier - _below_or_half(rank[own], earlier, rank[others])
        better[others] += sign * above
        pairs[others] += sign * earlier
    return better, pairs


def _below_or_half(values: Whole, prefix: Whole, limit: Whole) -> Floats:
    """Count values[:prefix] below a limit, those equal to it one half; for many at a time."""
    below = _count_below(values, prefix, limit)
    return np.asarray((below + _count_below(values, prefix, limit + 1)) / 2, dtype=np.float64)


def _count_below(values: Whole, prefix: Whole, limit: Whole) -> Whole:
    """Count values[:prefix] below a limit, bit by bit from the highest (a wavelet matrix)."""
    count, begin, end = np.zeros_like(prefix), np.zeros_like(prefix), prefix
    highest = max(int(limit.max(initial=0)), int(values.max(initial=0)))
    for bit in reversed(range(highest.bit_length())):
        zero = (values >> bit) & 1 == 0
        zeros = np.concatenate([[0], np.cumsum(zero)])
        one = (limit >> bit) & 1 == 1
        count = count + np.where(one, zeros[end] - zeros[begin], 0)
        begin = np.where(one, zeros[-1] + begin - zeros[begin], zeros[begin])
        end = np.where(one, zeros[-1] + end - zeros[end], zeros[end])
        values = np.concatenate([values[zero], values[~zero]])
    return count
