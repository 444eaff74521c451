"""Agreement of several readers who put the same subjects into categories."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from stats.reading_set import Readings, complete_readings, jackknife


@dataclass(frozen=True, slots=True)
class Agreement:
    """A kappa with its interval.

    ``estimate`` and limits are NaN where kappa has no value; ``note`` then says why.
    """

    estimate: float
    lower: float
    upper: float
    standard_error: float
    level: float
    method: str
    n: int
    n_missing: int
    n_readers: int
    categories: tuple[str, ...]
    note: str = ""


class RatingsError(ValueError):
    """A table of ratings that has no readers to compare."""


def fleiss_kappa(
    ratings: pd.DataFrame, level: float = 0.95, *, patient: ArrayLike | None = None
) -> Agreement:
    """Agreement beyond chance of any number of readers on nominal categories.

    Parameters
    ----------
    ratings : DataFrame, one row per subject, one column per reader
        Categories as text or numbers. A subject whom a reader left out is not counted, and told in
        ``n_missing``: kappa with differing numbers of readers is another statistic.
    level : float
        Confidence level, as a share.
    patient : one id per row, optional
        Where a patient has several rows, the interval comes from leaving out one patient at a time.

    Raises
    ------
    RatingsError
        For fewer than two readers, or a level that is none.

    Notes
    -----
    Estimate by statsmodels (Fleiss 1971, Psychol Bull 76:378). statsmodels has no standard error
    for it; Fleiss' own holds only where kappa is 0. The interval is Gwet's, over subjects, for any
    kappa (Gwet 2021, Educ Psychol Meas 81:781), with Student's t of n - 1 degrees of freedom; it is
    cut off at 1.

    Examples
    --------
    >>> two = pd.DataFrame({"A": list("xxyyxy"), "B": list("xxyyyy")})
    >>> f"{fleiss_kappa(two).estimate:.3f}"
    '0.657'
    """
    if ratings.shape[1] < 2:
        msg = (
            f"{ratings.shape[1]} column(s) of ratings: agreement needs two readers or more, one "
            "column each."
        )
        raise RatingsError(msg)
    if not 0 < level < 1:
        msg = f"level {level} is not a share between 0 and 1, such as 0.95."
        raise RatingsError(msg)
    complete = ratings.dropna()
    n, readers = complete.shape
    # by value, not by its spelling: one reader's column may hold 1 and another's 1.0
    codes, values = pd.factorize(complete.to_numpy(dtype=object).ravel())
    names = tuple(sorted(str(one) for one in values))
    missing = len(ratings) - n
    method = "Fleiss kappa, Gwet's interval"
    if n < 2 or len(names) < 2:
        why = "fewer than two complete subjects" if n < 2 else "all ratings are one category"
        nan = math.nan
        return Agreement(nan, nan, nan, nan, level, method, n, missing, readers, names, why)
    if patient is not None:
        clustered = complete_readings(ratings, patient, level, numbers=False)
        if clustered.clustered:
            return _by_patient(clustered, level, names)
    from scipy.stats import t
    from statsmodels.stats.inter_rater import fleiss_kappa as estimate_of

    counts = (codes.reshape(n, readers, 1) == np.arange(len(names))).sum(axis=1)
    kappa = float(estimate_of(counts))
    error = _standard_error(counts, kappa)
    reach = float(t.ppf((1 + level) / 2, n - 1)) * error
    upper = min(kappa + reach, 1.0)
    return Agreement(
        kappa, kappa - reach, upper, error, level, method, n, missing, readers, names
    )  # fmt: skip


def _by_patient(readings: Readings, level: float, names: tuple[str, ...]) -> Agreement:
    """Return kappa with limits from leaving out one patient at a time."""
    from scipy.stats import t
    from statsmodels.stats.inter_rater import fleiss_kappa as estimate_of

    n, readers = readings.table.shape
    codes = pd.factorize(readings.table.ravel())[0].reshape(n, readers, 1)
    coded = replace(readings, table=(codes == np.arange(len(names))).sum(axis=1))

    def kappa(counts: np.ndarray) -> float:
        used = counts[:, counts.any(axis=0)]
        return float(estimate_of(used)) if used.shape[1] > 1 else math.nan

    estimate, lower, upper = jackknife(coded, kappa, level)
    reach = float(t.isf((1 - level) / 2, readings.n_patients - 1))
    note = "" if math.isfinite(lower) else "no limits: too few patients"
    return Agreement(
        estimate, lower, min(upper, 1.0), (estimate - lower) / reach, level,
        f"Fleiss kappa, limits by leaving out patients ({readings.n_patients})", n,
        readings.n_missing, readers, names, note,
    )  # fmt: skip


def _standard_error(counts: np.ndarray, kappa: float) -> float:
    """Return Gwet's standard error from the (subject, category) counts of ratings."""
    n, readers = len(counts), counts[0].sum()
    share = counts.sum(axis=0) / counts.sum()
    chance = float((share**2).sum())
    agreed = (counts * (counts - 1)).sum(axis=1) / (readers * (readers - 1))
    own_chance = (share * counts).sum(axis=1) / readers
    pseudo = (agreed - chance) / (1 - chance)
    pseudo = pseudo - 2 * (1 - kappa) * (own_chance - chance) / (1 - chance)
    return float(np.sqrt(((pseudo - kappa) ** 2).sum() / (n * (n - 1))))


__all__ = ["Agreement", "RatingsError", "fleiss_kappa"]
