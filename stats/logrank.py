"""Log-rank test of k groups, by statsmodels (equal to R's ``survdiff``)."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from stats.result import TestResult
from stats.survival import TimesToEvent, times_to_event


def logrank(
    days: ArrayLike, event: ArrayLike, group: ArrayLike, *, strata: ArrayLike | None = None
) -> TestResult:
    """Test whether survival differs between groups.

    Parameters
    ----------
    days, event
        As for `stats.survival.times_to_event`.
    group : (n,) labels
    strata : (n,) labels, optional
        Groups are compared within strata (stratified log-rank).

    Returns
    -------
    TestResult
        Chi-square with (groups - 1) degrees of freedom. NaN with a note where there are fewer
        than two groups at risk of an event, or no event.

    Raises
    ------
    SurvivalError
        For bad times or events.

    Notes
    -----
    A group that nobody was left of when the first event came is dropped, as R does: it has no
    expected events. statsmodels would meet a singular matrix there.
    """
    others = [group] if strata is None else [group, strata]
    data = times_to_event(days, event, other=others)
    name = "log-rank" if strata is None else "stratified log-rank"
    codes = _codes(group, data)
    within = np.zeros_like(codes) if strata is None else _codes(strata, data)
    informative = _groups_at_risk(data, codes, within)
    keep = np.isin(codes, informative)
    n = data.days.size
    if len(informative) < 2:
        why = "fewer than two groups at risk" if data.event.any() else "no events"
        return TestResult(name, math.nan, math.nan, math.nan, n, data.n_missing, why)
    statistic, df = _chi_square(data, codes, within, keep), len(informative) - 1
    from scipy.stats import chi2

    return TestResult(name, float(chi2.sf(statistic, df)), statistic, df, n, data.n_missing)


def _chi_square(
    data: TimesToEvent, codes: NDArray[np.int64], within: NDArray[np.int64], keep: NDArray[np.bool_]
) -> float:
    """Return the log-rank statistic over the groups that are kept."""
    from statsmodels.duration.survfunc import survdiff

    # the p value of survdiff is 1 - cdf and loses its digits below 1e-12: only its chi-square
    statistic, _ = survdiff(
        data.days[keep], data.event[keep].astype(np.int64), codes[keep], strata=within[keep]
    )
    return float(statistic)


def _groups_at_risk(
    data: TimesToEvent, codes: NDArray[np.int64], within: NDArray[np.int64]
) -> list[int]:
    """Return the groups with someone at risk at an event, beside another group, in a stratum."""
    found: set[int] = set()
    for stratum in np.unique(within):
        here = within == stratum
        if not (data.event & here).any():
            continue
        first = data.days[here & data.event].min()
        at_risk = np.unique(codes[here & (data.days >= first)])
        if at_risk.size > 1:
            found |= {int(code) for code in at_risk}
    return sorted(found)


def _codes(labels: ArrayLike, data: TimesToEvent) -> NDArray[np.int64]:
    """Return labels of complete cases as whole numbers in the order of the sorted labels."""
    kept = pd.Series(np.asarray(labels, dtype=object)[data.kept])
    return np.asarray(kept.astype(str).astype("category").cat.codes, dtype=np.int64)
