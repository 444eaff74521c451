"""Gray's test: whether the cumulative incidence of an event differs between groups.

Own code: neither lifelines nor statsmodels nor scipy has it. Gray 1988, Ann Stat 16:1141.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stats.competing import FirstEvents, first_events
from stats.event_time import SurvivalError, label_codes
from stats.logrank import RANK_TOLERANCE
from stats.result import TestResult

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


def gray_test(
    days: ArrayLike,
    cause: ArrayLike,
    group: ArrayLike,
    *,
    of_cause: int = 1,
    strata: ArrayLike | None = None,
    rho: float = 0.0,
) -> TestResult:
    """Test whether groups differ in the cumulative incidence of one cause, others competing.

    Parameters
    ----------
    days, cause
        As for `stats.competing.first_events`.
    group : (n,) labels
    of_cause : int
        The cause whose incidence is compared.
    strata : (n,) labels, optional
        Groups are compared within strata.
    rho : float
        Weights (1 - F)^rho of the pooled incidence just before each time.

    Returns
    -------
    TestResult
        Chi-square with (groups - 1) degrees of freedom; NaN with a note where there is no event
        of the cause or only one group.

    Raises
    ------
    SurvivalError
        For bad times or causes, or a negative rho.

    Notes
    -----
    Equal to R's ``cmprsk::cuminc``, ties included.
    """
    from scipy.stats import chi2

    if rho < 0:
        msg = f"weight rho = {rho:g}: give a number of 0 or more."
        raise SurvivalError(msg)
    data = first_events(days, cause, other=[group] if strata is None else [group, strata])
    kept = data.times.kept
    codes, names = label_codes(group, kept)
    within = np.zeros_like(codes) if strata is None else label_codes(strata, kept)[0]
    score, variance = np.zeros(len(names)), np.zeros((len(names), len(names)))
    for stratum in np.unique(within[data.cause == of_cause]):
        part = _stratum(data, of_cause, codes, (within == stratum, len(names), rho))
        score, variance = score + part[0], variance + part[1]
    name = "Gray" if strata is None else "stratified Gray"
    name = name if rho == 0 else f"{name} ({rho:g})"
    n, n_missing = codes.size, data.times.n_missing
    spread, direction = np.linalg.eigh(variance)
    told_apart = spread > RANK_TOLERANCE * spread.max(initial=0)
    df = int(told_apart.sum())
    if df == 0:
        seen = (data.cause == of_cause).any()
        why = "fewer than two groups at risk" if seen else f"no events of cause {of_cause}"
        return TestResult(name, math.nan, math.nan, math.nan, n, n_missing, why)
    along = (direction.T @ score)[told_apart]
    statistic = float((along**2 / spread[told_apart]).sum())
    return TestResult(name, float(chi2.sf(statistic, df)), statistic, df, n, n_missing)


def _stratum(
    data: FirstEvents, of_cause: int, codes: Whole, rest: tuple[NDArray[np.bool_], int, float]
) -> tuple[Floats, Floats]:
    """Return scores (k,) and their covariance (k, k) in a stratum."""
    here, n_groups, rho = rest
    time, cause, code = data.times.days[here], data.cause[here], codes[here]
    times = np.unique(time[cause > 0])
    one = _counts(times, time, code, cause == of_cause, n_groups)
    other = _counts(times, time, code, (cause > 0) & (cause != of_cause), n_groups)
    at_risk = np.stack(
        [
            (code == k).sum() - np.searchsorted(np.sort(time[code == k]), times, "left")
            for k in range(n_groups)
        ],
        axis=1,
    ).astype(np.float64)
    someone = at_risk > 0
    left = np.where(someone, 1 - (one + other) / np.maximum(at_risk, 1), 1.0)
    after = np.cumprod(left, axis=0)
    before = np.concatenate([np.ones((1, n_groups)), after[:-1]])
    rise = before * one / np.maximum(at_risk, 1)
    without = 1 - (np.cumsum(rise, axis=0) - rise)  # 1 - F of each group just before
    weight = np.where(someone, at_risk / np.where(before > 0, before, 1.0), 0.0)
    pooled = np.cumsum(one.sum(axis=1) / weight.sum(axis=1))
    pooled_before = np.concatenate([[0.0], pooled[:-1]])
    looked = (1 - pooled_before) ** rho
    share = weight * without
    share = share / share.sum(axis=1, keepdims=True)
    score = looked @ (one - one.sum(axis=1, keepdims=True) * share)
    # how an event of group r moves the score of group k: at its time, and through all later ones
    part = weight / weight.sum(axis=1, keepdims=True)
    direct = looked[:, None, None] * weight[:, :, None] * (np.eye(n_groups) - part[:, None, :])
    rate = one.sum(axis=1) / (weight.sum(axis=1) * (1 - pooled_before))
    reached = np.cumsum(direct * rate[:, None, None], axis=0)
    later = reached[-1] - reached
    free = np.where(after > 0, (1 - pooled)[:, None] / np.where(after > 0, after, 1.0), 0.0)
    own = direct + (1 - free)[:, None, :] * later
    by_other = -free[:, None, :] * later
    noise_own, noise_other = _noise(one, other, at_risk, before, weight.sum(axis=1))
    variance = np.einsum("tir,tjr,tr->ij", own, own, noise_own)
    return score, variance + np.einsum("tir,tjr,tr->ij", by_other, by_other, noise_other)


def _noise(
    one: Floats, other: Floats, at_risk: Floats, before: Floats, total: Floats
) -> tuple[Floats, Floats]:
    """Return the variance of both kinds of events at each time and group, ties corrected.

    Events of the cause are as in the pooled sample, those of others as in their group.
    """
    count = one.sum(axis=1, keepdims=True)
    someone = at_risk > 0
    pool = total[:, None] * before
    tied = np.where(
        (count > 1) & (pool != 1), 1 - (count - 1) / np.where(pool == 1, 2, pool - 1), 1
    )
    own = np.where(someone, tied * before * count / (total[:, None] * np.maximum(at_risk, 1)), 0.0)
    tied = np.where(other > 1, 1 - (other - 1) / np.maximum(at_risk - 1, 1), 1.0)
    return own, np.where(someone, tied * before**2 * other / np.maximum(at_risk, 1) ** 2, 0.0)


def _counts(
    times: Floats, time: Floats, code: Whole, chosen: NDArray[np.bool_], n_groups: int
) -> Floats:
    """Count chosen rows at each time and in each group."""
    table = np.zeros((times.size, n_groups))
    np.add.at(table, (np.searchsorted(times, time[chosen]), code[chosen]), 1.0)
    return table
