"""Kaplan-Meier curves with the numbers that R's survival package prints.

Own code, because lifelines has neither R's default interval (``log``), nor its rule for the
median of a curve that is flat at exactly one half, nor its tolerance for ties; goldens made by R
in fixtures/r hold the result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stats.event_time import (
    TIE_TOLERANCE,
    SurvivalError,
    TimesToEvent,
    as_floats,
    times_to_event,
)
from stats.result import Quantile
from stats.survival_limits import CONF_TYPES, survival_limits

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

__all__ = ["KaplanMeier", "SurvivalError", "kaplan_meier", "reverse_kaplan_meier"]


@dataclass(frozen=True, slots=True)
class KaplanMeier:
    """A survival curve at every distinct time, events and censorings alike.

    ``standard_error`` is Greenwood's, of survival itself. It is NaN, as are ``lower`` and
    ``upper``, where R gives NA (a survival of zero).
    """

    times: Floats
    survival: Floats
    standard_error: Floats
    lower: Floats
    upper: Floats
    at_risk: Whole
    n_events: Whole
    n_censored: Whole
    level: float
    conf_type: str
    n: int
    events: int
    n_missing: int

    def median(self) -> Quantile:
        """Median time as R prints it with a fit: where the curve first reaches one half.

        If the curve is flat at exactly one half and falls later, the middle of that stretch.
        """
        return Quantile(
            probability=0.5,
            estimate=_printed_median(self.times, self.survival),
            lower=_printed_median(self.times, self.lower),
            upper=_printed_median(self.times, self.upper),
            level=self.level,
            method=f"Kaplan-Meier, {self.conf_type} limits",
            n=self.n,
            events=self.events,
            n_missing=self.n_missing,
        )

    def quantile(self, probability: float) -> Quantile:
        """Time by which this share had the event, as R's ``quantile(fit)`` gives it.

        It differs from `median` in one case: for a curve that ends flat at exactly 1 - p, this
        takes the middle of the stretch up to the last time, `median` its beginning.
        """
        if not 0 <= probability <= 1:
            msg = f"probability {probability} is not between 0 and 1. Give a share such as 0.25."
            raise SurvivalError(msg)
        return Quantile(
            probability=probability,
            estimate=_quantile(self.times, self.survival, probability),
            lower=_quantile(self.times, self.lower, probability),
            upper=_quantile(self.times, self.upper, probability),
            level=self.level,
            method=f"Kaplan-Meier, {self.conf_type} limits",
            n=self.n,
            events=self.events,
            n_missing=self.n_missing,
        )

    def at(self, times: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Survival, lower and upper limit at given times; NaN beyond the last observation."""
        asked = np.asarray(times, dtype=np.float64)
        index = np.searchsorted(self.times, asked, side="right")
        beyond = asked > (self.times[-1] if self.times.size else -1)
        return (
            np.where(beyond, np.nan, np.concatenate([[1.0], self.survival])[index]),
            np.where(beyond, np.nan, np.concatenate([[1.0], self.lower])[index]),
            np.where(beyond, np.nan, np.concatenate([[1.0], self.upper])[index]),
        )

    def at_risk_at(self, times: ArrayLike) -> Whole:
        """Numbers at risk just before given times, as below a printed curve."""
        index = np.searchsorted(self.times, np.asarray(times, dtype=np.float64), side="left")
        return np.concatenate([self.at_risk, [0]])[index]


def kaplan_meier(
    days: ArrayLike,
    event: ArrayLike,
    *,
    entry_days: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    conf_type: str = "log",
    level: float = 0.95,
) -> KaplanMeier:
    """Survival over time (Kaplan-Meier) with Greenwood limits.

    Parameters
    ----------
    days, event, entry_days
        As for `stats.event_time.times_to_event`; incomplete cases are dropped and counted.
    weights : (n,) whole numbers, optional
        How many subjects each row stands for; n and events count subjects.
    conf_type : {"log", "log-log", "plain", "logit", "arcsin"}
        Scale on which the limits are symmetric; R's default is ``log``, lifelines' and SAS's is
        ``log-log``.

    Raises
    ------
    SurvivalError
        For bad times (see `times_to_event`), weights that are no counts or an unknown conf_type.

    Examples
    --------
    >>> fit = kaplan_meier([1, 2, 3, 4], [1, 1, 0, 1])
    >>> fit.survival.tolist()
    [0.75, 0.5, 0.5, 0.0]
    >>> fit.median().estimate  # flat at one half from 2 to 4
    3.0
    """
    if conf_type not in CONF_TYPES:
        msg = f"interval {conf_type!r} is not known. Use one of {', '.join(CONF_TYPES)}."
        raise SurvivalError(msg)
    if not 0 < level < 1:
        msg = f"confidence level {level} is not between 0 and 1. Give a share such as 0.95."
        raise SurvivalError(msg)
    other = [] if weights is None else [weights]
    data = times_to_event(days, event, entry_days=entry_days, other=other)
    count = np.ones(data.days.size) if weights is None else _counts(weights)[data.kept]
    times, at_risk, n_events, n_censored = _life_table(data, count)
    with np.errstate(divide="ignore", invalid="ignore"):
        survival: Floats = np.cumprod(
            np.where(n_events > 0, 1 - n_events / at_risk, 1.0), dtype=np.float64
        )
        greenwood = np.where(n_events > 0, n_events / (at_risk * (at_risk - n_events)), 0.0)
        log_error = np.sqrt(np.cumsum(greenwood))
        standard_error = survival * log_error
    lower, upper = survival_limits(survival, log_error, conf_type=conf_type, level=level)
    return KaplanMeier(
        times=times,
        survival=survival,
        standard_error=standard_error,
        lower=lower,
        upper=upper,
        at_risk=at_risk,
        n_events=n_events,
        n_censored=n_censored,
        level=level,
        conf_type=conf_type,
        n=round(count.sum()),
        events=int(n_events.sum()),
        n_missing=data.n_missing,
    )


def reverse_kaplan_meier(
    days: ArrayLike, event: ArrayLike, *, conf_type: str = "log", level: float = 0.95
) -> KaplanMeier:
    """Follow-up time (reverse Kaplan-Meier): censoring is the event, its median the follow-up.

    Notes
    -----
    Schemper and Smith 1996, Control Clin Trials 17:343. As R's ``survfit(Surv(t, 1 - d) ~ 1)``.
    """
    return kaplan_meier(days, 1 - as_floats(event, "event"), conf_type=conf_type, level=level)


def _life_table(data: TimesToEvent, count: Floats) -> tuple[Floats, Whole, Whole, Whole]:
    """Return distinct times with the numbers at risk, with the event and censored at each."""
    import pandas as pd

    place, found = pd.factorize(data.days, sort=True)  # by hash: numpy would sort a million days
    times = np.asarray(found, dtype=np.float64)
    everyone = np.bincount(place, count, minlength=times.size)
    with_event = np.bincount(place, count * data.event, minlength=times.size)
    at_risk = count.sum() - (np.cumsum(everyone) - everyone)
    if data.entered_late:
        order = np.argsort(data.entry_days)
        entered = np.concatenate([[0.0], np.cumsum(count[order])])
        before = np.searchsorted(data.entry_days[order], times, side="left")
        at_risk -= count.sum() - entered[before]
    whole = tuple(np.rint(x).astype(np.int64) for x in (at_risk, with_event, everyone - with_event))
    return times, whole[0], whole[1], whole[2]


def _counts(weights: ArrayLike) -> Floats:
    """Return weights as numbers, refused unless they count subjects (missing stays missing)."""
    count = as_floats(weights, "weights")
    known = count[~np.isnan(count)]
    if (known < 0).any() or (known != np.rint(known)).any():
        msg = "weights count subjects: whole numbers, not negative. Greenwood limits need counts."
        raise SurvivalError(msg)
    return count


def _printed_median(times: Floats, curve: Floats) -> float:
    """Return R's ``minmin`` (survival:::survmean): first time at or below one half."""
    low = ~np.isnan(curve) & (curve < 0.5 + TIE_TOLERANCE)
    if not low.any():
        return math.nan
    x, y = times[low], curve[low]
    if abs(y[0] - 0.5) < TIE_TOLERANCE and (y < y[0]).any():
        return float((x[0] + x[np.flatnonzero(y < y[0])[0]]) / 2)
    return float(x[0])


def _quantile(times: Floats, curve: Floats, probability: float) -> float:
    """Return R's ``findq`` (survival:::findq), tolerance and last flat stretch included."""
    x = np.concatenate([[min(0.0, float(times[0]) if times.size else 0.0)], times])
    y = np.concatenate([[0.0], 1 - curve])
    last_time, y_last = x[-1], y[-1]
    if probability == 0:
        return float(x[0])
    keep = np.sort(np.unique(y, return_index=True)[1])
    x, y = x[keep], y[keep]
    at = _first_reaching(y + TIE_TOLERANCE, probability)
    past = _first_reaching(y - TIE_TOLERANCE, probability)
    if at is None:
        return math.nan
    if not math.isnan(y_last) and abs(probability - y[-1]) < TIE_TOLERANCE:
        return float((x[at] + last_time) / 2)
    return math.nan if past is None else float((x[at] + x[past]) / 2)


def _first_reaching(y: Floats, probability: float) -> int | None:
    """Return where y is smallest among values that reach the probability."""
    reached = np.flatnonzero(~np.isnan(y) & (y >= probability))
    return int(reached[np.argmin(y[reached])]) if reached.size else None
