"""Risk sets of the subdistribution hazard: who had another event stays in them, with less weight.

Own code: neither lifelines nor statsmodels has the model. Fine and Gray 1999, J Am Stat Assoc
94:496; numbers as R's ``cmprsk::crr``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stats.competing import FirstEvents
from stats.risk_set import Likelihood

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Truths = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SubdistributionSets:
    """Rows against the T times at which the event of interest was seen.

    ``past`` counts the event times up to each row's own time; ``free`` (C, T) is the probability
    of each censoring group not to be censored before an event time, ``free_own`` (n,) before a
    row's own time; ``stays`` marks rows with another event.
    """

    days: Floats
    events: Floats
    own: Whole
    past: Whole
    stays: Truths
    group: Whole
    free: Floats
    free_own: Floats

    def at_risk(self, values: Floats) -> Floats:
        """Sum (n, p) values over the weighted risk sets: (T, p)."""
        size = self.days.size
        sums = np.cumsum(_by_place(values, self.past - 1, size)[::-1], axis=0)[::-1]
        for code in range(self.free.shape[0]):
            held = self.stays & (self.group == code)
            gone = _by_place((values / self.free_own[:, None])[held], self.past[held], size)
            sums = sums + self.free[code][:, None] * np.cumsum(gone, axis=0)
        return np.asarray(sums)

    def while_at_risk(self, values: Floats) -> Floats:
        """Sum (T, p) values over the time that each row is at risk, weighted: (n, p)."""
        running = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
        found = running[self.past]
        for code in range(self.free.shape[0]):
            held = self.stays & (self.group == code)
            later = self.later(values, code)
            found[held] += later[self.past[held]] / self.free_own[held, None]
        return np.asarray(found)

    def later(self, values: Floats, code: int) -> Floats:
        """Sum (T, p) values times the chance not to be censored, from each time on: (T + 1, p)."""
        weighted = values * self.free[code][:, None]
        sums = np.cumsum(weighted[::-1], axis=0)[::-1]
        return np.concatenate([sums, np.zeros_like(values[:1])])


def subdistribution_sets(
    data: FirstEvents, of_cause: int, censoring_group: Whole
) -> SubdistributionSets:
    """Find the risk sets; censoring is estimated by Kaplan-Meier in each group of it."""
    days, code = data.times.days, data.cause
    seen, counts = np.unique(days[code == of_cause], return_counts=True)
    past = np.searchsorted(seen, days, side="right")
    n_groups = int(censoring_group.max(initial=-1)) + 1
    free, free_own = np.ones((n_groups, seen.size)), np.ones(days.size)
    for group in range(n_groups):
        mine = censoring_group == group
        times, curve = _censoring(days[mine], code[mine] == 0)
        free[group] = curve[np.searchsorted(times, seen, side="left")]
        free[group, seen > days[mine].max()] = 0.0  # nobody of the group was followed that long
        free_own[mine] = curve[np.searchsorted(times, days[mine], side="left")]
    own = np.where(code == of_cause, past - 1, -1)
    stays = (code > 0) & (code != of_cause)
    return SubdistributionSets(
        seen, counts.astype(np.float64), own, past, stays, censoring_group, free, free_own
    )


def subdistribution_likelihood(
    sets: SubdistributionSets, design: Floats, coefficients: Floats
) -> Likelihood:
    """Evaluate the weighted partial likelihood; all events at one time see one risk set."""
    eta = design @ coefficients
    shift = float(eta.max(initial=0.0))
    risk = np.exp(eta - shift)
    sums = sets.at_risk(np.column_stack([risk, risk[:, None] * design]))
    total, event = sums[:, 0], sets.own >= 0
    lost = bool((total < 1e-140).any())  # hazards so far apart that rounding empties a risk set
    total = np.where(total < 1e-140, 1.0, total) if lost else total
    mean = sums[:, 1:] / total[:, None]
    exposure = sets.while_at_risk((sets.events / total)[:, None])[:, 0]
    climbed = float(eta[event].sum() - sets.events @ (np.log(total) + shift))
    return Likelihood(
        log_likelihood=-np.inf if lost else climbed,
        score=design[event].sum(axis=0) - sets.events @ mean,
        information=(design * (risk * exposure)[:, None]).T @ design
        - (mean * sets.events[:, None]).T @ mean,
        risk=risk,
        total=total,
        at_risk=sums[:, 1:],
        tied=np.zeros_like(mean),
    )


def robust_scores(
    sets: SubdistributionSets, data: FirstEvents, design: Floats, fitted: Likelihood
) -> Floats:
    """Return each row's share of the score, with what it told of censoring: (n, p)."""
    hazard = (sets.events / fitted.total)[:, None]
    mean = fitted.at_risk / fitted.total[:, None]
    terms = np.column_stack([hazard, hazard * mean])
    felt = sets.while_at_risk(terms)
    scores = -fitted.risk[:, None] * (design * felt[:, :1] - felt[:, 1:])
    event = sets.own >= 0
    scores[event] += design[event] - mean[sets.own[event]]
    days, censored = data.times.days, data.cause == 0
    for code in range(sets.free.shape[0]):
        mine = sets.group == code
        scores[mine] += _told_of_censoring(sets, code, design, fitted.risk, (days, censored, terms))
    return np.asarray(scores)


def _told_of_censoring(
    sets: SubdistributionSets,
    code: int,
    design: Floats,
    risk: Floats,
    rest: tuple[Floats, Truths, Floats],
) -> Floats:
    """Return how the rows of a censoring group move the score through the weights: (m, p)."""
    days, censored, terms = rest
    mine = sets.group == code
    times = np.unique(days[mine & censored])
    held = np.flatnonzero(sets.stays & mine)
    if times.size == 0 or held.size == 0:
        return np.zeros((int(mine.sum()), design.shape[1]))
    held = held[np.argsort(days[held], kind="stable")]
    value = (risk / sets.free_own)[held, None] * np.column_stack([np.ones(held.size), design[held]])
    running = np.concatenate([np.zeros_like(value[:1]), np.cumsum(value, axis=0)])
    gone = running[np.searchsorted(days[held], times, side="left")]
    later = sets.later(terms, code)[np.searchsorted(sets.days, times, side="left")]
    pull = gone[:, 1:] * later[:, :1] - gone[:, :1] * later[:, 1:]
    at_risk = mine.sum() - np.searchsorted(np.sort(days[mine]), times, side="left")
    count = np.searchsorted(np.sort(days[mine & censored]), times, side="right")
    count = np.diff(np.concatenate([[0], count]))
    share = pull / at_risk[:, None]
    drift = np.cumsum(share * (count / at_risk)[:, None], axis=0)
    drift = np.concatenate([np.zeros_like(drift[:1]), drift])
    told = -drift[np.searchsorted(times, days[mine], side="right")]
    own = censored[mine]
    told[own] += share[np.searchsorted(times, days[mine][own])]
    return np.asarray(told)


def _censoring(days: Floats, censored: Truths) -> tuple[Floats, Floats]:
    """Return censoring times and the chance of not being censored before each, and after all."""
    times, counts = np.unique(days[censored], return_counts=True)
    at_risk = days.size - np.searchsorted(np.sort(days), times, side="left")
    return times, np.concatenate([[1.0], np.cumprod(1 - counts / np.maximum(at_risk, 1))])


def _by_place(values: Floats, place: Whole, size: int) -> Floats:
    """Sum rows by place; those outside are left out."""
    used = (place >= 0) & (place < size)
    columns = [np.bincount(place[used], c[used], minlength=size) for c in values.T]
    return np.stack(columns, axis=1).astype(np.float64)
