"""Interaction of two covariates in Cox regression, such as treatment by factor in subgroups."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from stats.design import RegressionError, design_of
from stats.event_time import is_missing
from stats.regression import CoxFit, cox
from stats.result import TestResult

NAME = "likelihood ratio of the interaction"


def interaction_test(
    days: ArrayLike,
    event: ArrayLike,
    covariates: pd.DataFrame,
    *,
    of: tuple[str, str],
    ties: str = "efron",
) -> TestResult:
    """Test whether the hazard ratio of one covariate differs by the other.

    Parameters
    ----------
    days, event, covariates, ties
        As for `stats.regression.cox`. Covariates beside the two are adjusted for.
    of : two names of covariates
        Such as treatment and a factor.

    Returns
    -------
    TestResult
        NaN with the reason where either model has no maximum (a combination of levels without
        events, for instance) or the two covariates leave nothing to tell apart.

    Raises
    ------
    RegressionError
        For a covariate that is not there, one with itself, and as `cox`.

    Notes
    -----
    Twice the difference of the log likelihoods with and without the products of the columns of
    both, on the same complete cases: R's ``anova(coxph(y ~ a + b), coxph(y ~ a * b))``.
    """
    absent = [name for name in of if name not in covariates]
    if absent or of[0] == of[1]:
        there = ", ".join(map(str, covariates.columns))
        msg = f"interaction of {of[0]} and {of[1]}: name two different ones of {there}."
        raise RegressionError(msg)
    known = ~(is_missing(days) | is_missing(event))
    for name in covariates:
        known &= ~is_missing(covariates[name])
    rows = covariates.loc[known].reset_index(drop=True)
    times = np.asarray(days, dtype=object)[known], np.asarray(event, dtype=object)[known]
    products = _products(rows, of)
    n, n_missing = len(rows), len(covariates) - len(rows)
    if products.empty:
        why = "one of the two has a single level"
        return TestResult(NAME, math.nan, math.nan, math.nan, n, n_missing, why)
    plain = cox(*times, rows, ties=ties)
    whole = cox(*times, rows.join(products), ties=ties)
    why = _why_not(plain) or _why_not(whole)
    if why:
        return TestResult(NAME, math.nan, math.nan, math.nan, n, n_missing, why)
    statistic = max(0.0, whole.likelihood_ratio.statistic - plain.likelihood_ratio.statistic)
    df = len(products.columns)
    return TestResult(NAME, _chi_square(statistic, df), statistic, df, n, n_missing)


def _products(rows: pd.DataFrame, of: tuple[str, str]) -> pd.DataFrame:
    """Return the products of the columns that the two covariates have in a design."""
    one, two = (design_of(rows[[name]], {}).matrix for name in of)
    return pd.DataFrame(
        {
            f"{of[0]}:{of[1]}:{i}:{j}": one[:, i] * two[:, j]
            for i in range(one.shape[1])
            for j in range(two.shape[1])
        },
        index=rows.index,
    )


def _why_not(fit: CoxFit) -> str:
    """Say why a model has no likelihood to compare, or return an empty string."""
    if fit.converged:
        return ""
    return fit.notes[0] if fit.notes else "the model did not converge"


def _chi_square(statistic: float, df: int) -> float:
    """Return the upper tail of the chi-square distribution."""
    from scipy.stats import chi2

    return float(chi2.sf(statistic, df))
