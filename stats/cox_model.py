"""A Cox model fitted to complete cases: what its tables and tests are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from stats.design import Column, Design
from stats.event_time import TimesToEvent
from stats.partial_likelihood import Maximum, maximise
from stats.risk_set import RiskSets, likelihood, risk_sets, score_residuals

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CoxModel:
    """Risk sets, centred design and the maximum of the likelihood.

    ``covariance`` is the inverse information of the finite coefficients, or the robust one of
    clusters; rows and columns of infinite coefficients are NaN.
    """

    data: TimesToEvent
    sets: RiskSets
    columns: tuple[Column, ...]
    design: Floats
    maximum: Maximum
    covariance: Floats
    model_covariance: Floats
    cluster: Whole | None


def fit_cox(
    data: TimesToEvent,
    design: Design,
    *,
    strata: Whole | None = None,
    cluster: Whole | None = None,
    weight: Floats | None = None,
    ties: str = "efron",
) -> CoxModel:
    """Fit a Cox model.

    Parameters
    ----------
    strata, cluster : (n,) whole numbers, optional
    weight : (n,) numbers, optional
        Case weights, as R's coxph takes them.
    ties : {"efron", "breslow"}
    """
    sets = risk_sets(data, strata, weight=weight, ties=ties)
    centred = design.matrix - design.matrix.mean(axis=0)
    maximum = maximise(partial(likelihood, sets, centred), centred)
    covariance = robust = inverse_information(maximum)
    if cluster is not None and not maximum.why_not:
        robust = _sandwich(sets, centred, maximum, covariance, cluster)
    return CoxModel(data, sets, design.columns, centred, maximum, robust, covariance, cluster)


def inverse_information(maximum: Maximum) -> Floats:
    """Return the inverse information of the finite coefficients, NaN elsewhere."""
    size = maximum.coefficients.size
    covariance = np.full((size, size), np.nan)
    finite = np.flatnonzero(~maximum.infinite)
    if not maximum.why_not and finite.size:
        block = np.ix_(finite, finite)
        covariance[block] = np.linalg.inv(maximum.fitted.information[block])
    return covariance


def _sandwich(
    sets: RiskSets, design: Floats, maximum: Maximum, covariance: Floats, cluster: Whole
) -> Floats:
    """Return the robust covariance over clusters (Lin and Wei 1989, J Am Stat Assoc 84:1074)."""
    if cluster.max() == 0:  # scores of all rows together add up to zero, but for rounding
        return np.where(np.isnan(covariance), np.nan, 0.0)
    rows = score_residuals(sets, design, maximum.fitted)
    sums = np.zeros((int(cluster.max()) + 1, rows.shape[1]))
    np.add.at(sums, cluster, rows)
    moves = sums @ np.nan_to_num(covariance)
    robust = np.asarray(moves.T @ moves)
    robust[np.isnan(covariance)] = np.nan
    return robust
