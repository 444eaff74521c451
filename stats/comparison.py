"""Comparison of groups at baseline or in response: which test, by a named policy.

Every p value comes back with the name of its test, so that a table can print both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stats.fisher import fisher_exact
from stats.result import TestResult

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ComparisonPolicy:
    """When Fisher replaces chi-square, and how continuous values are compared."""

    name: str
    small_cell: Literal["observed", "expected"]
    fisher_below: int
    continuous: Literal["welch", "rank"]
    source: str


SEED = ComparisonPolicy(
    name="seed",
    small_cell="observed",
    fisher_below=5,
    continuous="welch",
    source="post-hoc analysis of SORAMIC by mRECIST; its count-based p values recomputed",
)
GTSUMMARY = ComparisonPolicy(
    name="gtsummary",
    small_cell="expected",
    fisher_below=5,
    continuous="rank",
    source="R package gtsummary, add_p() defaults (Sjoberg 2021, R Journal 13:570)",
)
POLICIES = {policy.name: policy for policy in (SEED, GTSUMMARY)}


class ComparisonError(ValueError):
    """Groups cannot be compared as handed in."""


def policy_named(name: str) -> ComparisonPolicy:
    """Return the policy of this name, or raise naming those there are."""
    if name not in POLICIES:
        msg = f"no comparison policy {name!r}. Known are {', '.join(sorted(POLICIES))}."
        raise ComparisonError(msg)
    return POLICIES[name]


def compare_counts(
    counts: ArrayLike, *, policy: ComparisonPolicy = SEED, n_missing: int = 0
) -> TestResult:
    """Test whether a category is spread alike over the groups.

    Parameters
    ----------
    counts : (levels, groups) whole numbers
        Missing values left out; rows and columns of zeros are dropped before the test.
    policy : ComparisonPolicy
        `SEED`: Fisher when any observed cell is below 5; `GTSUMMARY`: when any expected cell is.

    Returns
    -------
    TestResult
        Pearson's chi-square without Yates' correction, or Fisher's exact test. NaN with a note
        if fewer than two levels or groups are left.

    Raises
    ------
    ComparisonError
        If the table is not two-dimensional or holds a negative count.
    """
    table = np.asarray(counts, dtype=np.int64)
    if table.ndim != 2 or (table < 0).any():
        msg = "counts must be a table of levels by groups without negative cells."
        raise ComparisonError(msg)
    n = int(table.sum())
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        return _no_test("no test", n, n_missing, "fewer than two levels or groups have subjects")
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / n
    judged = table if policy.small_cell == "observed" else expected
    if (judged < policy.fisher_below).any():
        return fisher_exact(table, n_missing=n_missing)
    return _pearson(table, expected, n_missing)


def compare_values(
    groups: Sequence[ArrayLike], *, policy: ComparisonPolicy = SEED, n_missing: int = 0
) -> TestResult:
    """Test whether a continuous value lies alike in the groups.

    Parameters
    ----------
    groups : sequence of one-dimensional arrays
        Values per group; NaN are dropped and counted as missing.
    policy : ComparisonPolicy
        `SEED`: Welch's t (Welch's analysis of variance for more than two groups);
        `GTSUMMARY`: Mann-Whitney (Kruskal-Wallis).

    Notes
    -----
    Mann-Whitney follows R's ``wilcox.test``: exact below 50 values per group without ties, else
    the normal approximation with continuity correction.
    """
    arrays = [np.asarray(group, dtype=np.float64).ravel() for group in groups]
    n_missing += sum(int(np.isnan(array).sum()) for array in arrays)
    arrays = [array[~np.isnan(array)] for array in arrays]
    n = sum(array.size for array in arrays)
    arrays = [array for array in arrays if array.size]
    if len(arrays) < 2:
        return _no_test("no test", n, n_missing, "fewer than two groups have values")
    if policy.continuous == "rank":
        return _ranks(arrays, n, n_missing)
    return _means(arrays, n, n_missing)


def _pearson(table: Counts, expected: Floats, n_missing: int) -> TestResult:
    """Return Pearson's chi-square without continuity correction."""
    from scipy.stats import chi2

    statistic = float(((table - expected) ** 2 / expected).sum())
    df = (table.shape[0] - 1) * (table.shape[1] - 1)
    p = float(chi2.sf(statistic, df))
    return TestResult("Pearson chi-square", p, statistic, df, int(table.sum()), n_missing)


def _means(arrays: list[Floats], n: int, n_missing: int) -> TestResult:
    """Return Welch's t test, or its generalisation to more groups."""
    from scipy.stats import f_oneway, ttest_ind_from_stats

    name = "Welch t" if len(arrays) == 2 else "Welch analysis of variance"
    if min(array.size for array in arrays) < 2:
        return _no_test(name, n, n_missing, "a group has fewer than two values")
    if all(np.ptp(array) == 0 for array in arrays):
        return _no_test(name, n, n_missing, "the values do not vary within the groups")
    if len(arrays) == 2:
        # of means and deviations, as scipy warns of a group without any spread when it has values
        one, two = ((float(a.mean()), float(a.std(ddof=1)), a.size) for a in arrays)
        found = ttest_ind_from_stats(*one, *two, equal_var=False)
        df = _welch_df(one[1] ** 2 / one[2], two[1] ** 2 / two[2], one[2], two[2])
        return TestResult(name, float(found.pvalue), float(found.statistic), df, n, n_missing)
    if any(np.ptp(array) == 0 for array in arrays):
        return _no_test(name, n, n_missing, "the values of a group do not vary")
    found = f_oneway(*arrays, equal_var=False)
    return TestResult(
        name, float(found.pvalue), float(found.statistic), len(arrays) - 1, n, n_missing
    )


def _welch_df(one: float, two: float, n_one: int, n_two: int) -> float:
    """Return Welch and Satterthwaite's degrees of freedom from two squared errors of means."""
    return (one + two) ** 2 / (one**2 / (n_one - 1) + two**2 / (n_two - 1))


def _ranks(arrays: list[Floats], n: int, n_missing: int) -> TestResult:
    """Return the Mann-Whitney or Kruskal-Wallis test as R makes them."""
    from scipy.stats import kruskal, mannwhitneyu

    name = "Mann-Whitney" if len(arrays) == 2 else "Kruskal-Wallis"
    if np.ptp(np.concatenate(arrays)) == 0:
        return _no_test(name, n, n_missing, "all values are equal")
    if len(arrays) > 2:
        found = kruskal(*arrays)
        return TestResult(
            name, float(found.pvalue), float(found.statistic), len(arrays) - 1, n, n_missing
        )
    untied = np.unique(np.concatenate(arrays)).size == n
    exact = untied and max(array.size for array in arrays) < 50
    found = mannwhitneyu(
        arrays[0], arrays[1], method="exact" if exact else "asymptotic", use_continuity=True
    )
    note = "exact" if exact else "normal approximation with continuity correction"
    return TestResult(
        name, float(found.pvalue), float(found.statistic), math.nan, n, n_missing, note
    )


def _no_test(name: str, n: int, n_missing: int, why: str) -> TestResult:
    """Return a result without a p value that says why."""
    return TestResult(name, math.nan, math.nan, math.nan, n, n_missing, why)
