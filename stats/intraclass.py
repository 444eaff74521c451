"""Agreement of readers on a length: intraclass and concordance correlation."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from stats.reading_set import FISHER_Z, Readings, ReadingsError, complete_readings, jackknife
from stats.result import AgreementEstimate

Floats = NDArray[np.float64]

BY_PATIENT: Final = "limits by leaving out patients"


def intraclass_correlation(
    readings: pd.DataFrame, *, patient: ArrayLike | None = None, level: float = 0.95
) -> AgreementEstimate:
    """ICC(2,1): share of the variance of a reading that is not due to readers, absolute agreement.

    Parameters
    ----------
    readings : DataFrame of numbers, one row per lesion, one column per reader
        Rows that a reader left out are dropped and counted.
    patient : one id per row, optional
        Where a patient has several rows, the limits come from leaving out one patient at a time,
        on Fisher's z scale for so many readers; else they are those of F.
    level : float
        Confidence level, as a share.

    Raises
    ------
    ReadingsError
        See `stats.reading_set.complete_readings`.

    Notes
    -----
    Two-way random effects, single reading: Shrout and Fleiss 1979, Psychol Bull 86:420; limits
    McGraw and Wong 1996, Psychol Methods 1:30. Equal to R's ``psych::ICC`` (ICC2).
    """
    found = complete_readings(readings, patient, level)
    method = "ICC(2,1), two-way random, absolute agreement"
    why = _too_few(found)
    if why:
        return found.estimate((math.nan,) * 3, level, method, why)
    if found.clustered:
        k = found.table.shape[1]
        scale = (lambda r: _z(r, k), lambda z: _r(z, k))
        numbers = jackknife(found, _icc, level, scale)
        return found.estimate(numbers, level, f"{method}, {BY_PATIENT}", _no_limits(numbers))
    return found.estimate(
        (_icc(found.table), *_f_limits(found.table, level)), level, f"{method}, F"
    )


def concordance_correlation(
    readings: pd.DataFrame, *, patient: ArrayLike | None = None, level: float = 0.95
) -> AgreementEstimate:
    """Lin's concordance correlation of two readers: correlation times nearness to identity.

    Parameters and Raises as for `intraclass_correlation`; exactly two readers.

    Notes
    -----
    Lin 1989, Biometrics 45:255, corrected 2000, 56:324; z-transformed limits, as R's
    ``epiR::epi.ccc``. By patient where one has several rows, on the same scale.
    """
    found = complete_readings(readings, patient, level)
    if found.table.shape[1] != 2:
        msg = f"{found.table.shape[1]} readers: concordance is of two. Choose two columns."
        raise ReadingsError(msg)
    method = "concordance correlation (Lin)"
    why = _too_few(found)
    if why:
        return found.estimate((math.nan,) * 3, level, method, why)
    if found.clustered:
        numbers = jackknife(found, _ccc, level, FISHER_Z)
        return found.estimate(numbers, level, f"{method}, {BY_PATIENT}", _no_limits(numbers))
    numbers = (_ccc(found.table), *_lin_limits(found.table, level))
    return found.estimate(numbers, level, f"{method}, z transform", _no_limits(numbers))


def _too_few(found: Readings) -> str:
    """Say why there is no correlation, or return an empty string."""
    if len(found.table) < 3:
        return "fewer than three complete readings"
    if np.ptp(found.table) == 0:
        return "all readings are equal"
    return ""


def _no_limits(numbers: tuple[float, float, float]) -> str:
    """Say that there are no limits, if so."""
    if math.isfinite(numbers[1]):
        return ""
    return "no limits: too few patients, or the readers agree entirely"


def _mean_squares(values: Floats) -> tuple[float, float, float]:
    """Return the mean squares of rows, readers and the rest."""
    n, k = values.shape
    centre = values.mean()
    rows = k * ((values.mean(axis=1) - centre) ** 2).sum()
    readers = n * ((values.mean(axis=0) - centre) ** 2).sum()
    rest = ((values - centre) ** 2).sum() - rows - readers
    return rows / (n - 1), readers / (k - 1), max(0.0, rest) / ((n - 1) * (k - 1))


def _icc(values: NDArray[Any]) -> float:
    """Return ICC(2,1)."""
    n, k = values.shape
    rows, readers, rest = _mean_squares(values)
    below = rows + (k - 1) * rest + k * (readers - rest) / n
    return float((rows - rest) / below) if below > 0 else math.nan


def _f_limits(values: Floats, level: float) -> tuple[float, float]:
    """Return the limits of McGraw and Wong."""
    from scipy.stats import f

    n, k = values.shape
    rows, readers, rest = _mean_squares(values)
    if rest == 0:
        return math.nan, math.nan
    r, ratio, tail = _icc(values), readers / rest, (1 - level) / 2
    spread = n * (1 + (k - 1) * r) - k * r
    df = (k - 1) * (n - 1) * (k * r * ratio + spread) ** 2
    df /= (n - 1) * k**2 * r**2 * ratio**2 + spread**2
    high, low = float(f.isf(tail, n - 1, df)), float(f.isf(tail, df, n - 1))
    pooled = k * readers + (k * n - k - n) * rest
    lower = n * (rows - high * rest) / (high * pooled + n * rows)
    upper = n * (low * rows - rest) / (pooled + n * low * rows)
    return float(lower), float(upper)


def _z(r: float, readers: int) -> float:
    """Return Fisher's z of an intraclass correlation of so many readers."""
    if not -1 / (readers - 1) < r < 1:
        return math.nan
    return 0.5 * math.log((1 + (readers - 1) * r) / (1 - r))


def _r(z: float, readers: int) -> float:
    """Return the intraclass correlation of Fisher's z."""
    grown = math.exp(2 * z)
    return (grown - 1) / (grown + readers - 1)


def _ccc(values: NDArray[Any]) -> float:
    """Return Lin's concordance correlation, with variances over n."""
    one, two = values[:, 0], values[:, 1]
    together = float(((one - one.mean()) * (two - two.mean())).mean())
    apart = float(one.var() + two.var() + (one.mean() - two.mean()) ** 2)
    return 2 * together / apart if apart > 0 else math.nan


def _lin_limits(values: Floats, level: float) -> tuple[float, float]:
    """Return limits of Lin's z transform, with the variance as corrected in 2000."""
    from scipy.stats import norm

    one, two = values[:, 0], values[:, 1]
    spread = math.sqrt(float(one.std() * two.std()))
    if spread == 0:
        return math.nan, math.nan
    r = float(np.corrcoef(one, two)[0, 1])
    c = _ccc(values)
    if abs(c) >= 1 or r == 0:
        return math.nan, math.nan
    u = float(one.mean() - two.mean()) / spread
    variance = (1 - r**2) * c**2 / ((1 - c**2) * r**2)
    variance += 2 * c**3 * (1 - c) * u**2 / (r * (1 - c**2) ** 2)
    variance -= c**4 * u**4 / (2 * r**2 * (1 - c**2) ** 2)
    reach = float(norm.isf((1 - level) / 2)) * math.sqrt(max(0.0, variance) / (len(values) - 2))
    centre = math.atanh(c)
    return math.tanh(centre - reach), math.tanh(centre + reach)
