"""Kaplan-Meier curves with the numbers that R's survival package prints.

Own code, because lifelines has neither R's default interval (``log``), nor its rule for the
median of a curve that is flat at exactly one half, nor its tolerance for ties; goldens made by R
in fixtures/r hold the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stats.result import Quantile

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Truths = NDArray[np.bool_]

TIE_TOLERANCE: Final = math.sqrt(np.finfo(np.float64).eps)
"""Times this close, absolutely or relative to the mean time, are one time (R's ``timefix``)."""

CONF_TYPES: Final = ("log", "log-log", "plain")


class SurvivalError(ValueError):
    """Times to event cannot be analysed as handed in."""


@dataclass(frozen=True, slots=True)
class KaplanMeier:
    """A survival curve at every distinct time, events and censorings alike.

    ``lower`` and ``upper`` are NaN where R gives NA (a survival of zero).
    """

    times: Floats
    survival: Floats
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


@dataclass(frozen=True, slots=True)
class TimesToEvent:
    """Complete cases in the order handed in, ties within tolerance made equal."""

    days: Floats
    event: Truths
    kept: Truths
    n_missing: int


def times_to_event(
    days: ArrayLike, event: ArrayLike, *, other: Sequence[ArrayLike] = ()
) -> TimesToEvent:
    """Check times and events, drop incomplete cases and make near ties equal.

    Parameters
    ----------
    days : (n,) numbers
        Time to event or censoring in any unit, not negative; missing allowed.
    event : (n,) truth values
        Whether the event was seen; missing allowed.
    other : sequence of (n,) arrays
        Further values of which a missing one drops the case.

    Raises
    ------
    SurvivalError
        If lengths differ, a time is negative or infinite, or an event is neither true nor false.
    """
    time = _as_floats(days, "days")
    seen = _as_floats(event, "event")
    if time.shape != seen.shape or any(len(np.asarray(o)) != time.size for o in other):
        msg = f"{time.size} times, {seen.size} events: give one of each per subject."
        raise SurvivalError(msg)
    kept = ~(np.isnan(time) | np.isnan(seen))
    for values in other:
        kept &= ~_is_missing(values)
    if (time[kept] < 0).any() or np.isinf(time[kept]).any():
        row = int(np.flatnonzero(kept & ((time < 0) | np.isinf(time)))[0])
        msg = f"row {row}: time to event {time[row]:g} is negative or infinite. Check its dates."
        raise SurvivalError(msg)
    if not np.isin(seen[kept], (0, 1)).all():
        msg = "an event is neither true nor false. Code events 1 and censored times 0."
        raise SurvivalError(msg)
    return TimesToEvent(
        days=_without_near_ties(time[kept]),
        event=seen[kept].astype(np.bool_),
        kept=kept,
        n_missing=int((~kept).sum()),
    )


def kaplan_meier(
    days: ArrayLike, event: ArrayLike, *, conf_type: str = "log", level: float = 0.95
) -> KaplanMeier:
    """Survival over time (Kaplan-Meier) with Greenwood limits.

    Parameters
    ----------
    days, event
        As for `times_to_event`; incomplete cases are dropped and counted.
    conf_type : {"log", "log-log", "plain"}
        Scale on which the limits are symmetric; R's default is ``log``, lifelines' and SAS's is
        ``log-log``.

    Raises
    ------
    SurvivalError
        For bad times (see `times_to_event`) or an unknown conf_type.

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
    data = times_to_event(days, event)
    times, place = np.unique(data.days, return_inverse=True)
    n_events = np.bincount(place[data.event], minlength=times.size)
    n_all = np.bincount(place, minlength=times.size)
    at_risk = data.days.size - (np.cumsum(n_all) - n_all)
    survival = np.cumprod(1 - n_events / at_risk)
    with np.errstate(divide="ignore"):
        greenwood = np.where(n_events > 0, n_events / (at_risk * (at_risk - n_events)), 0.0)
    lower, upper = _limits(survival, np.sqrt(np.cumsum(greenwood)), conf_type, level)
    return KaplanMeier(
        times=times,
        survival=survival,
        lower=lower,
        upper=upper,
        at_risk=at_risk.astype(np.int64),
        n_events=n_events.astype(np.int64),
        n_censored=(n_all - n_events).astype(np.int64),
        level=level,
        conf_type=conf_type,
        n=data.days.size,
        events=int(data.event.sum()),
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
    return kaplan_meier(days, 1 - _as_floats(event, "event"), conf_type=conf_type, level=level)


def _limits(survival: Floats, error: Floats, conf_type: str, level: float) -> tuple[Floats, Floats]:
    """Return the limits of a curve; ``error`` is the standard error of log survival."""
    from scipy.stats import norm

    z = float(norm.isf((1 - level) / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        known = np.where(survival > 0, survival, np.nan)
        if conf_type == "plain":
            half = z * error * known
            return np.maximum(known - half, 0), np.minimum(known + half, 1)
        if conf_type == "log":
            lower = np.exp(np.log(known) - z * error)
            return lower, np.minimum(np.exp(np.log(known) + z * error), 1)
        known = np.where(survival < 1, known, np.nan)
        half = z * error / np.log(known)
        centre = np.log(-np.log(known))
        return np.exp(-np.exp(centre - half)), np.exp(-np.exp(centre + half))


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


def _without_near_ties(time: Floats) -> Floats:
    """Return the times with those closer than the tolerance made equal (R's ``aeqSurv``)."""
    distinct = np.unique(time)
    gaps = np.diff(distinct)
    mean = float(np.abs(distinct).mean()) if distinct.size else 0.0
    tied = (gaps <= TIE_TOLERANCE) | (gaps <= TIE_TOLERANCE * mean)
    if not tied.any():
        return time
    cuts = distinct[np.concatenate([[True], ~tied])]
    return np.asarray(cuts[np.searchsorted(cuts, time, side="right") - 1])


def _as_floats(values: ArrayLike, what: str) -> Floats:
    """Return a column of numbers or truth values as floats, missing as NaN."""
    import pandas as pd

    try:
        numbers = pd.to_numeric(pd.Series(np.asarray(values, dtype=object)), errors="raise")
    except (TypeError, ValueError) as error:
        msg = f"{what} must be numbers or true and false: {error}."
        raise SurvivalError(msg) from None
    return np.asarray(numbers.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan))


def _is_missing(values: ArrayLike) -> Truths:
    """Return which entries are missing, whatever their type."""
    import pandas as pd

    missing: Callable[[Any], Any] = pd.isna
    return np.asarray(missing(np.asarray(values, dtype=object)), dtype=np.bool_)
