"""Differences of two readings: bias, limits of agreement, and how far a repeated reading strays."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from stats.reading_set import LOG, PLAIN, Readings, ReadingsError, complete_readings, jackknife
from stats.result import AgreementEstimate

Floats = NDArray[np.float64]

BY_PATIENT: Final = "limits by leaving out patients"
SPREAD_OF_LIMITS: Final = 0.95
"""Limits of agreement are meant to hold this share of differences, whatever the level."""


@dataclass(frozen=True, slots=True)
class BlandAltman:
    """Bias and limits of agreement of two readings (first minus second), each with its interval.

    ``sd`` is the standard deviation of a difference, between and within patients.
    """

    bias: AgreementEstimate
    lower_limit: AgreementEstimate
    upper_limit: AgreementEstimate
    sd: float


def bland_altman(
    readings: pd.DataFrame, *, patient: ArrayLike | None = None, level: float = 0.95
) -> BlandAltman:
    """Bias and 95 % limits of agreement of two readings of the same things.

    Parameters
    ----------
    readings : DataFrame of numbers, one row per lesion, two columns
        Differences are the first minus the second column, in their unit.
    patient : one id per row, optional
        Where a patient has several rows, the deviation adds that between and within patients, and
        the intervals come from leaving out one patient at a time.
    level : float
        Confidence level of the intervals, as a share; the limits of agreement are always of 95 %.

    Raises
    ------
    ReadingsError
        See `stats.reading_set.complete_readings`; or for other than two readers.

    Notes
    -----
    Bland and Altman 1986, Lancet 327:307; variance of a limit 1999, Stat Methods Med Res 8:135;
    several readings of a patient 2007, J Biopharm Stat 17:571. Where the difference grows with the
    length, take logarithms first.
    """
    found = complete_readings(readings, patient, level)
    if found.table.shape[1] != 2:
        msg = f"{found.table.shape[1]} readers: a difference is of two. Choose two columns."
        raise ReadingsError(msg)
    gaps = found.table[:, 0] - found.table[:, 1]
    if gaps.size < 3:
        nothing = found.estimate(
            (math.nan,) * 3, level, "none", "fewer than three complete readings"
        )
        return BlandAltman(nothing, nothing, nothing, math.nan)
    if found.clustered:
        return _by_patient(found, gaps, level)
    return _independent(found, gaps, level)


def repeatability_coefficient(
    readings: pd.DataFrame, *, patient: ArrayLike | None = None, level: float = 0.95
) -> AgreementEstimate:
    """Difference that two readings of the same thing exceed in 5 % of cases: 2.77 within-SD.

    Parameters
    ----------
    readings : DataFrame of numbers, one row per lesion, one column per reading
        Repeats by one reader give repeatability; readings of several readers give reproducibility,
        in which a reader's bias counts.
    patient, level : as for `bland_altman`

    Notes
    -----
    The mean square within rows has a chi-square law (Raunig 2015, Stat Methods Med Res 24:27).
    """
    from scipy.stats import norm

    factor = math.sqrt(2) * float(norm.isf((1 - SPREAD_OF_LIMITS) / 2))
    return _within(
        readings, patient, level, lambda v: factor * _within_sd(v), "repeatability coefficient"
    )


def within_subject_cv(
    readings: pd.DataFrame, *, patient: ArrayLike | None = None, level: float = 0.95
) -> AgreementEstimate:
    """Within-subject coefficient of variation: root mean square of SD over mean, as a share.

    Parameters as for `repeatability_coefficient`; all readings above zero.

    Raises
    ------
    ReadingsError
        If a reading is not above zero: its relative error has no meaning.

    Notes
    -----
    Root mean square method, Bland and Altman 1996, BMJ 313:106; Raunig 2015 (see above).
    """
    if (readings.apply(pd.to_numeric, errors="coerce") <= 0).to_numpy().any():
        msg = "a reading is not above zero, so it has no relative error. Leave such rows out."
        raise ReadingsError(msg)
    return _within(
        readings, patient, level, _relative_sd, "within-subject coefficient of variation"
    )


def _within(
    readings: pd.DataFrame,
    patient: ArrayLike | None,
    level: float,
    statistic: Callable[[NDArray[Any]], float],
    name: str,
) -> AgreementEstimate:
    """Return a multiple of a within-row deviation with chi-square limits, or by patient."""
    from scipy.stats import chi2

    found = complete_readings(readings, patient, level)
    n, k = found.table.shape
    if n < 2:
        return found.estimate((math.nan,) * 3, level, name, "fewer than two complete readings")
    if found.clustered:
        numbers = jackknife(found, statistic, level, LOG)
        note = "" if math.isfinite(numbers[1]) else "no limits: too few patients, or no difference"
        return found.estimate(numbers, level, f"{name}, {BY_PATIENT}", note)
    value, df, tail = statistic(found.table), n * (k - 1), (1 - level) / 2
    lower = value * math.sqrt(df / float(chi2.isf(tail, df)))
    upper = value * math.sqrt(df / float(chi2.ppf(tail, df)))
    return found.estimate((value, lower, upper), level, f"{name}, chi-square")


def _within_sd(values: NDArray[Any]) -> float:
    """Return the root of the mean square within rows."""
    return math.sqrt(float(values.var(axis=1, ddof=1).mean()))


def _relative_sd(values: NDArray[Any]) -> float:
    """Return the root mean square of the rows' coefficients of variation."""
    return math.sqrt(float((values.var(axis=1, ddof=1) / values.mean(axis=1) ** 2).mean()))


def _independent(found: Readings, gaps: Floats, level: float) -> BlandAltman:
    """Return bias and limits of differences that are independent."""
    from scipy.stats import norm, t

    n, bias, sd = gaps.size, float(gaps.mean()), float(gaps.std(ddof=1))
    reach = float(t.isf((1 - level) / 2, n - 1)) * sd
    z = float(norm.isf((1 - SPREAD_OF_LIMITS) / 2))
    of_bias = reach / math.sqrt(n)
    of_limit = reach * math.sqrt(1 / n + z * z / (2 * (n - 1)))

    def one(value: float, half: float, name: str) -> AgreementEstimate:
        return found.estimate((value, value - half, value + half), level, name)

    limit = "95 % limit of agreement (Bland and Altman 1999)"
    return BlandAltman(
        one(bias, of_bias, "mean difference, Student's t"),
        one(bias - z * sd, of_limit, limit),
        one(bias + z * sd, of_limit, limit),
        sd,
    )


def _by_patient(found: Readings, gaps: Floats, level: float) -> BlandAltman:
    """Return bias and limits where patients have several differences."""
    from scipy.stats import norm

    z = float(norm.isf((1 - SPREAD_OF_LIMITS) / 2))
    # the patient goes with the difference, so that the statistic sees who is left
    pairs = Readings(np.column_stack([gaps, found.patient]), found.patient, found.n_missing)

    def of(side: float) -> Callable[[NDArray[Any]], float]:
        return lambda rows: float(rows[:, 0].mean()) + side * z * _total_sd(rows)

    def one(side: float, name: str) -> AgreementEstimate:
        numbers = jackknife(pairs, of(side), level, PLAIN)
        note = "" if math.isfinite(numbers[1]) else "no limits: too few patients"
        return found.estimate(numbers, level, f"{name}, {BY_PATIENT}", note)

    limit = "95 % limit of agreement (Bland and Altman 2007)"
    return BlandAltman(
        one(0.0, "mean difference"), one(-1.0, limit), one(1.0, limit), _total_sd(pairs.table)
    )


def _total_sd(rows: NDArray[Any]) -> float:
    """Return the deviation of a difference, from variances between and within patients."""
    gaps, patient = rows[:, 0], np.unique(rows[:, 1], return_inverse=True)[1]
    sizes = np.bincount(patient).astype(np.float64)
    n, groups = gaps.size, sizes.size
    if groups == n or groups < 2:
        return float(gaps.std(ddof=1))
    means = np.bincount(patient, gaps) / sizes
    within = float(((gaps - means[patient]) ** 2).sum()) / (n - groups)
    between = float((sizes * (means - gaps.mean()) ** 2).sum()) / (groups - 1)
    typical = (n - float((sizes**2).sum()) / n) / (groups - 1)
    return math.sqrt(within + max(0.0, (between - within) / typical))
