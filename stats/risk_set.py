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

    ``risk`` is the relative hazard of each row, ``total`` (L,) and ``mean`` (L, p) that of the
    risk set of each term and the mean covariates in it.
    """

    log_likelihood: float
    score: Floats
    information: Floats
    risk: Floats
    total: Floats
    mean: Floats


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
    tied = sets.tied
    total = sets.at_risk(risk)[sets.time_of] - tied * sets.at_event(risk)[sets.time_of]
    moved = risk[:, None] * design
    rest = sets.at_risk(moved)[sets.time_of] - tied[:, None] * sets.at_event(moved)[sets.time_of]
    lost = bool((total <= 0).any())  # hazards so far apart that rounding empties a risk set
    total = np.where(total > 0, total, 1.0) if lost else total
    mean = rest / total[:, None]
    factor = np.ones(tied.size) if per_term is None else per_term
    count = sets.count * factor
    hazard = count / total
    exposure = sets.while_at_risk(hazard) - sets.at_own_event(hazard * tied)
    by_row = sets.weight * (sets.own >= 0)
    if per_term is not None:  # the same for all terms at one time
        at_time = np.zeros(sets.days.size + 1)
        at_time[sets.time_of] = factor
        by_row = by_row * at_time[sets.own]
    return Likelihood(
        log_likelihood=-np.inf if lost else float(by_row @ eta - count @ (np.log(total) + shift)),
        score=by_row @ design - count @ mean,
        information=(design * (risk * exposure)[:, None]).T @ design
        - (mean * count[:, None]).T @ mean,
        risk=risk,
        total=total,
        mean=mean,
    )


def score_residuals(sets: RiskSets, design: Floats, fitted: Likelihood) -> Floats:
    """Return what each row adds to the score, the sum of which is zero at the estimate: (n, p)."""
    hazard = sets.count / fitted.total
    exposure = sets.while_at_risk(hazard) - sets.at_own_event(hazard * sets.tied)
    drift = sets.while_at_risk(hazard[:, None] * fitted.mean)
    drift = drift - sets.at_own_event((hazard * sets.tied)[:, None] * fitted.mean)
    terms = np.bincount(sets.time_of, minlength=sets.days.size)
    share = fitted.mean / terms[sets.time_of][:, None]
    event = sets.own >= 0
    own = sets.weight[:, None] * event[:, None] * (design - sets.at_own_event(share))
    return np.asarray(own - fitted.risk[:, None] * (design * exposure[:, None] - drift))


def _summed(values: Floats, place: Whole, size: int) -> Floats:
    """Sum rows of values by place; those at -1 are left out."""
    used = place >= 0
    if values.ndim == 1:
        return np.bincount(place[used], values[used], minlength=size).astype(np.float64)
    columns = [np.bincount(place[used], column[used], minlength=size) for column in values.T]
    return np.stack(columns, axis=1) if columns else np.zeros((size, 0))
