"""Cumulative incidence with competing events (Aalen-Johansen) and its variance.

Own code, because lifelines jitters tied times at random, and statsmodels' standard error is not
that of R's cmprsk, with which trials are compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stats.competing import first_events
from stats.event_time import SurvivalError

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CumulativeIncidence:
    """Probability of having had one event first, at every distinct time of any event.

    ``lower`` and ``upper`` are symmetric on the scale log(-log); NaN where the incidence is zero.
    """

    times: Floats
    incidence: Floats
    standard_error: Floats
    lower: Floats
    upper: Floats
    at_risk: Whole
    of_cause: int
    level: float
    n: int
    events: int
    competing: int
    n_missing: int

    def at(self, times: ArrayLike) -> tuple[Floats, Floats, Floats, Floats]:
        """Incidence, standard error, lower and upper limit at given times (0 before any event)."""
        index = np.searchsorted(self.times, np.asarray(times, dtype=np.float64), side="right")
        before = np.array([0.0]), np.array([0.0]), np.array([np.nan]), np.array([np.nan])
        curves = self.incidence, self.standard_error, self.lower, self.upper
        found = [np.concatenate(pair)[index] for pair in zip(before, curves, strict=True)]
        return found[0], found[1], found[2], found[3]


def cumulative_incidence(
    days: ArrayLike, cause: ArrayLike, *, of_cause: int = 1, level: float = 0.95
) -> CumulativeIncidence:
    """Cumulative incidence of one event while others compete.

    Parameters
    ----------
    days, cause
        As for `stats.competing.first_events`.
    of_cause : int
        The cause whose incidence is wanted.

    Raises
    ------
    SurvivalError
        For bad times, causes or level.

    Notes
    -----
    Variance by the delta method (Aalen 1978, Ann Stat 6:534), as R's ``cmprsk::cuminc``. One
    minus Kaplan-Meier with competing events censored would overstate the incidence.

    Examples
    --------
    >>> cumulative_incidence([1, 2, 3, 4], [1, 2, 1, 0]).incidence.tolist()
    [0.25, 0.25, 0.5]
    """
    if not 0 < level < 1:
        msg = f"confidence level {level} is not between 0 and 1. Give a share such as 0.95."
        raise SurvivalError(msg)
    data = first_events(days, cause)
    time, code = data.times.days, data.cause
    times = np.unique(time[code > 0])
    place = np.searchsorted(times, time)
    one = np.bincount(place[code == of_cause], minlength=times.size)
    every = np.bincount(place[code > 0], minlength=times.size)
    at_risk = time.size - np.searchsorted(np.sort(time), times, side="left")
    before = np.concatenate([[1.0], np.cumprod(1 - every / at_risk)[:-1]])
    incidence = np.cumsum(before * one / at_risk)
    error = np.sqrt(_variance(incidence, before, one, every, at_risk))
    lower, upper = _limits(incidence, error, level)
    return CumulativeIncidence(
        times=times,
        incidence=incidence,
        standard_error=error,
        lower=lower,
        upper=upper,
        at_risk=at_risk.astype(np.int64),
        of_cause=of_cause,
        level=level,
        n=time.size,
        events=int(one.sum()),
        competing=int(every.sum() - one.sum()),
        n_missing=data.times.n_missing,
    )


def _variance(
    incidence: Floats, before: Floats, one: Whole, every: Whole, at_risk: Whole
) -> Floats:
    """Return the variance at each time, its squares of F(t) - F(s) multiplied out.

    An event of the cause moves F(t) by S(s-) / n - (F(t) - F(s)) / (n - d), another by the second
    part only; events of one cause that are tied vary as drawn without replacement.
    """
    own, other = _tied(one, at_risk), _tied(every - one, at_risk)
    left = at_risk - every
    later = np.where(left > 0, 1 / np.maximum(left, 1), 0.0)
    direct = before / at_risk
    a, b, c = later**2 * (own + other), direct**2 * own, direct * later * own
    linear, square = np.cumsum(a * incidence), np.cumsum(a * incidence**2)
    total = incidence**2 * np.cumsum(a) - 2 * incidence * linear + square + np.cumsum(b)
    total -= 2 * (incidence * np.cumsum(c) - np.cumsum(c * incidence))
    return np.asarray(np.maximum(total, 0.0))


def _tied(count: Whole, at_risk: Whole) -> Floats:
    """Return the variance of a count of tied events."""
    share = (at_risk - count) / np.maximum(at_risk - 1, 1)
    return np.asarray(np.where(count > 1, count * share, count), dtype=np.float64)


def _limits(incidence: Floats, error: Floats, level: float) -> tuple[Floats, Floats]:
    """Return limits on the scale log(-log)."""
    from scipy.stats import norm

    z = float(norm.isf((1 - level) / 2))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        known = np.where((incidence > 0) & (incidence < 1), incidence, np.nan)
        spread = np.exp(z * error / (known * np.abs(np.log(known))))
        return known**spread, known ** (1 / spread)
