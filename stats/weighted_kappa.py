"""Agreement of two readers on ordered categories: Cohen's kappa, weighted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from stats.reading_set import Readings, ReadingsError, complete_readings, jackknife
from stats.result import AgreementEstimate

Weights = Literal["quadratic", "linear", "unweighted"]


def weighted_kappa(
    ratings: pd.DataFrame,
    order: Sequence[str],
    *,
    weights: Weights = "quadratic",
    patient: ArrayLike | None = None,
    level: float = 0.95,
) -> AgreementEstimate:
    """Kappa of two readers on ordered categories, a near miss weighing less than a far one.

    Parameters
    ----------
    ratings : DataFrame, one row per subject, two columns
        Rows that a reader left out are dropped and counted.
    order : sequence of str
        All categories from one end to the other, such as CR, PR, SD, PD: neighbours are near.
        A category that nobody used keeps its place, and so its weight.
    weights
        ``quadratic``, ``linear``, or ``unweighted`` (Cohen's first kappa: order does not matter).
    patient : one id per row, optional
        Where a patient has several rows, the limits come from leaving out one patient at a time.
    level : float
        Confidence level, as a share.

    Raises
    ------
    ReadingsError
        For other than two readers, a category that is not in ``order``, one named twice there, and
        as `stats.reading_set.complete_readings`.

    Notes
    -----
    Cohen 1968, Psychol Bull 70:213; standard error of Fleiss, Cohen and Everitt 1969, 72:323 (by
    statsmodels; equal to R's ``vcd::Kappa``); limits by the normal law, cut off at 1.
    """
    names = [str(one) for one in order]
    if len(set(names)) < len(names):
        msg = f"order names a category twice: {', '.join(names)}."
        raise ReadingsError(msg)
    found = complete_readings(ratings, patient, level, numbers=False)
    if found.table.shape[1] != 2:
        msg = f"{found.table.shape[1]} readers: kappa with weights is of two. Choose two columns."
        raise ReadingsError(msg)
    words = [[str(one) for one in row] for row in found.table]
    unknown = sorted({one for row in words for one in row} - set(names))
    if unknown:
        msg = f"category {', '.join(unknown)} is not in order. There are {', '.join(names)}."
        raise ReadingsError(msg)
    codes = np.array([[names.index(one) for one in row] for row in words], dtype=np.int64)
    coded = Readings(codes.reshape(-1, 2), found.patient, found.n_missing)
    method = f"{weights} kappa"
    if len(codes) < 2 or len(np.unique(codes)) < 2:
        why = (
            "fewer than two complete subjects" if len(codes) < 2 else "all ratings are one category"
        )
        return coded.estimate((math.nan,) * 3, level, method, why)
    if coded.clustered:
        numbers = jackknife(coded, lambda v: _kappa(v, len(names), weights), level)
        method, note = f"{method}, limits by leaving out patients", "too few patients for limits"
        cut = (numbers[0], numbers[1], min(1.0, numbers[2]))
        return coded.estimate(cut, level, method, "" if math.isfinite(numbers[1]) else note)
    return coded.estimate(
        _with_limits(codes, len(names), weights, level), level, f"{method}, normal"
    )


def _counts(codes: NDArray[Any], categories: int) -> NDArray[np.int64]:
    """Return the (first reader, second reader) table of counts."""
    table = np.zeros((categories, categories), dtype=np.int64)
    np.add.at(table, (codes[:, 0], codes[:, 1]), 1)
    return table


def _kappa(codes: NDArray[Any], categories: int, weights: Weights) -> float:
    """Return kappa: one less disagreement over what chance would give, both weighted."""
    table = _counts(codes, categories) / len(codes)
    place = np.arange(categories)
    gap = np.abs(place[:, None] - place[None, :])
    cost = {"unweighted": (gap > 0) * 1.0, "linear": gap * 1.0, "quadratic": gap**2.0}[weights]
    by_chance = float((cost * np.outer(table.sum(axis=1), table.sum(axis=0))).sum())
    return 1 - float((cost * table).sum()) / by_chance if by_chance > 0 else math.nan


def _with_limits(
    codes: NDArray[Any], categories: int, weights: Weights, level: float
) -> tuple[float, float, float]:
    """Return kappa with limits by its large-sample error."""
    from scipy.stats import norm
    from statsmodels.stats.inter_rater import cohens_kappa

    kind = None if weights == "unweighted" else weights
    result = cohens_kappa(_counts(codes, categories), wt=kind)
    kappa, reach = float(result.kappa), float(norm.isf((1 - level) / 2)) * float(result.std_kappa)
    return kappa, kappa - reach, min(1.0, kappa + reach)
