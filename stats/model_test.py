"""Tests of a whole Cox model: likelihood ratio, Wald and score.

Own code, because lifelines has the likelihood-ratio test only.
"""

from __future__ import annotations

import math

import numpy as np

from stats.cox_model import CoxModel
from stats.result import TestResult


def model_tests(model: CoxModel) -> tuple[TestResult, TestResult, TestResult]:
    """Return the likelihood-ratio, Wald and score test of all coefficients at once.

    Notes
    -----
    With clusters Wald's test takes the robust covariance; the other two do not know of clusters
    and say so. Where a coefficient is infinite there is no Wald test; the likelihood ratio is
    that of the limit. Equal to R's ``summary(coxph)``.
    """
    maximum = model.maximum
    df = len(model.columns)
    if maximum.why_not:
        no = (_result(model, name, math.nan, df, maximum.why_not)
              for name in ("likelihood ratio", "Wald", "score"))  # fmt: skip
        return next(no), next(no), next(no)
    clustered = model.covariance is not model.model_covariance
    note = "clusters not taken into account" if clustered else ""
    ratio = 2 * (maximum.fitted.log_likelihood - maximum.null.log_likelihood)
    score = maximum.null.score @ np.linalg.solve(maximum.null.information, maximum.null.score)
    wald, why = math.nan, "a coefficient has no finite estimate"
    if not maximum.infinite.any():
        wald, why = _wald(model)
    return (
        _result(model, "likelihood ratio", ratio, df, note),
        _result(model, "Wald", wald, df, why),
        _result(model, "score", float(score), df, note),
    )


def _wald(model: CoxModel) -> tuple[float, str]:
    """Return Wald's statistic, or why there is none."""
    coefficients = model.maximum.coefficients
    if np.linalg.matrix_rank(model.covariance, hermitian=True) < coefficients.size:
        return math.nan, "fewer clusters than coefficients"
    return float(coefficients @ np.linalg.solve(model.covariance, coefficients)), ""


def _result(model: CoxModel, name: str, statistic: float, df: int, note: str) -> TestResult:
    """Return a chi-square test."""
    from scipy.stats import chi2

    n, n_missing = model.data.days.size, model.data.n_missing
    p_value = float(chi2.sf(statistic, df))
    return TestResult(name, p_value, statistic, df, n, n_missing, note)
