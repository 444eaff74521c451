"""Who is at risk at which event time, and the partial likelihood of Cox over these sets.

Own code, because lifelines and statsmodels hand out neither score nor information of a model with
Breslow ties, strata and late entry together, on which the score test, the test of proportional
hazards and robust errors rest (lifelines' robust errors are wrong with entry times).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stats.event_time import TimesToEvent

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RiskSets:
    """Risk sets of n rows at G event times, in order of stratum and time.

    Row i is at risk at the event times ``first[i]`` to ``past[i]`` - 1 of its stratum, which
    begins at event time ``begin[i]``; its own event is at ``own[i]`` (-1: none). Each event is one
    of L terms of the likelihood: term l belongs to event time ``time_of[l]``, counts ``count[l]``
    events and takes the share ``tied[l]`` of those who had the event at that time out of the risk
    set (Efron; zero for Breslow).
    """

    begin: Whole
    first: Whole
    past: Whole
    own: Whole
    weight: Floats
    days: Floats
    bounds: Whole
    time_of: Whole
    count: Floats
    tied: Floats

    def at_risk(self, values: Floats) -> Floats:
        """Sum (n, ...) values over those at risk at each event time: (G, ...)."""
        size = self.days.size
        change = _summed(values, np.where(self.past > self.begin, self.past - 1, -1), size)
        change -= _summed(values, np.where(self.first > self.begin, self.first - 1, -1), size)
        for begin, end in zip(self.bounds[:-1], self.bounds[1:], strict=True):
            change[begin:end] = np.cumsum(change[begin:end][::-1], axis=0)[::-1]
        return change

    def at_event(self, values: Floats) -> Floats:
        """Sum (n, ...) values over those with the event at each event time: (G, ...)."""
        return _summed(values, self.own, self.days.size)

    def while_at_risk(self, values: Floats) -> Floats:
        """Sum (L, ...) values of terms over the time that each row is at risk: (n, ...)."""
        total = _summed(values, self.time_of, self.days.size)
        running = np.concatenate([np.zeros_like(total[:1]), np.cumsum(total, axis=0)])
        return np.asarray(running[self.past] - running[self.first])

    def at_own_event(self, values: Floats) -> Floats:
        """Sum (L, ...) values of terms at the time of each row's own event; else zero: (n, ...)."""
        total = _summed(values, self.time_of, self.days.size)
        return np.asarray(np.concatenate([total, np.zeros_like(total[:1])])[self.own])


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Partial likelihood at given coefficients, with its parts.

    ``risk`` is the relative hazard of each row, ``total`` (L,) that of the risk set of each term;
    ``at_risk`` and ``tied`` (G, p) are covariates times hazard, summed over risk sets and over
    those with the event.
    """

    log_likelihood: float
    score: Floats
    information: Floats
    risk: Floats
    total: Floats
    at_risk: Floats
    tied: Floats


def risk_sets(
    data: TimesToEvent, strata: Whole | None = None, *, weight: Floats | None = None, ties: str
) -> RiskSets:
    """Find the risk sets of complete cases.

    Parameters
    ----------
    data : TimesToEvent
    strata : (n,) whole numbers, optional
        Nobody is compared with another stratum.
    weight : (n,) numbers, optional
    ties : {"efron", "breslow"}
    """
    n = data.days.size
    within = np.zeros(n, np.int64) if strata is None else strata
    weight = np.ones(n) if weight is None else weight
    begin, first, past, own = (np.zeros(n, np.int64) for _ in range(4))
    own -= 1
    times, bounds = [], [0]
    for stratum in np.unique(within):
        here = within == stratum
        seen = np.unique(data.days[here & data.event])
        begin[here] = bounds[-1]
        first[here] = bounds[-1] + np.searchsorted(seen, data.entry_days[here], side="right")
        past[here] = bounds[-1] + np.searchsorted(seen, data.days[here], side="right")
        times.append(seen)
        bounds.append(bounds[-1] + seen.size)
    own[data.event] = past[data.event] - 1
    days = np.concatenate(times) if times else np.zeros(0)
    events = np.bincount(own[data.event], minlength=days.size)
    counted: Floats = np.bincount(own[data.event], weight[data.event], minlength=days.size).astype(
        np.float64
    )
    time_of = np.repeat(np.arange(days.size), events if ties == "efron" else 1)
    if ties == "efron":
        place = np.arange(time_of.size) - np.repeat(np.cumsum(events) - events, events)
        tied, counted = place / events[time_of], (counted / events)[time_of]
    else:
        tied = np.zeros(days.size)
    return RiskSets(begin, first, past, own, weight, days, np.array(bounds), time_of, counted, tied)


def likelihood(
    sets: RiskSets, design: Floats, coefficients: Floats, *, per_term: Floats | None = None
) -> Likelihood:
    """Evaluate the partial likelihood.

    Parameters
    ----------
    design : (n, p) numbers
        Centred, as the information is a difference of sums of squares.
    coefficients : (p,) numbers
    per_term : (L,) numbers, optional
        Factors of the terms of the likelihood, such as a function of time: score and information
        of covariates times that function come of them.
    """
    eta = design @ coefficients
    shift = float(eta.max(initial=0.0))
    risk = sets.weight * np.exp(eta - shift)
    hazards = np.column_stack([risk, risk[:, None] * design])
    around, tied = sets.at_risk(hazards), sets.at_event(hazards)
    total = around[sets.time_of, 0] - sets.tied * tied[sets.time_of, 0]
    lost = bool((total < 1e-140).any())  # hazards so far apart that rounding empties a risk set
    total = np.where(total < 1e-140, 1.0, total) if lost else total
    around, tied = around[:, 1:], tied[:, 1:]
    count = sets.count if per_term is None else sets.count * per_term
    hazard = count / total
    exposure = sets.while_at_risk(hazard) - sets.at_own_event(hazard * sets.tied)
    by_row = sets.weight * (sets.own >= 0)
    if per_term is not None:  # the same for all terms at one time
        at_time = np.zeros(sets.days.size + 1)
        at_time[sets.time_of] = per_term
        by_row = by_row * at_time[sets.own]
    return Likelihood(
        log_likelihood=-np.inf if lost else float(by_row @ eta - count @ (np.log(total) + shift)),
        score=by_row @ design - _mean_sum(sets, hazard, around, tied),
        information=(design * (risk * exposure)[:, None]).T @ design
        - _square_sum(sets, hazard / total, around, tied),
        risk=risk,
        total=total,
        at_risk=around,
        tied=tied,
    )


def _mean_sum(sets: RiskSets, factor: Floats, around: Floats, tied: Floats) -> Floats:
    """Sum factors of terms times (at risk - share of tied), without a row for each term: (p,)."""
    size = sets.days.size
    plain = _summed(factor, sets.time_of, size)
    return np.asarray(plain @ around - _summed(factor * sets.tied, sets.time_of, size) @ tied)


def _square_sum(sets: RiskSets, factor: Floats, around: Floats, tied: Floats) -> Floats:
    """Sum factors of terms times the square of (at risk - share of tied): (p, p)."""
    size = sets.days.size
    plain, once, twice = (
        _summed(factor * sets.tied**power, sets.time_of, size)[:, None] for power in (0, 1, 2)
    )
    mixed = (around * once).T @ tied
    return np.asarray((around * plain).T @ around - mixed - mixed.T + (tied * twice).T @ tied)


def score_residuals(sets: RiskSets, design: Floats, fitted: Likelihood) -> Floats:
    """Return what each row adds to the score, the sum of which is zero at the estimate: (n, p)."""
    hazard = sets.count / fitted.total
    exposure = sets.while_at_risk(hazard) - sets.at_own_event(hazard * sets.tied)
    rest = fitted.at_risk[sets.time_of] - sets.tied[:, None] * fitted.tied[sets.time_of]
    mean = rest / fitted.total[:, None]
    drift = sets.while_at_risk(hazard[:, None] * mean)
    drift = drift - sets.at_own_event((hazard * sets.tied)[:, None] * mean)
    terms = np.bincount(sets.time_of, minlength=sets.days.size)
    share = mean / terms[sets.time_of][:, None]
    event = sets.own >= 0
    own = sets.weight[:, None] * event[:, None] * (design - sets.at_own_event(share))
    return np.asarray(own - fitted.risk[:, None] * (design * exposure[:, None] - drift))


FEW = 100_000
"""Up to so many values are summed by their place in one list: no matrix is set up for it."""


def _summed(values: Floats, place: Whole, size: int) -> Floats:
    """Sum rows of values by place; those at -1 are left out."""
    used = place >= 0
    if values.ndim == 1:
        return np.bincount(place[used], values[used], minlength=size).astype(np.float64)
    width = values.shape[1]
    if values.size <= FEW:
        cell = place[used][:, None] * width + np.arange(width)
        sums = np.bincount(cell.ravel(), values[used].ravel(), minlength=size * width)
        return sums.astype(np.float64).reshape(size, width)
    from scipy.sparse import csr_array

    rows = np.flatnonzero(used)
    shape = (size, place.size)
    found = csr_array((np.ones(rows.size), (place[rows], rows)), shape=shape) @ values
    return np.asarray(found, dtype=np.float64)
