"""Fisher's exact test for tables of any shape.

scipy's `fisher_exact` answers tables larger than 2 x 2 by unseeded Monte Carlo, so the same data
would print another p on another day. Here such tables are enumerated; those too large for it are
sampled from a fixed seed and the result states its standard error.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stats.result import TestResult

MAX_TABLES: Final = 3_000_000
N_SAMPLES: Final = 200_000
SEED: Final = 20_091
RELATIVE_TOLERANCE: Final = 1e-7
"""Tables this much more probable than the observed still count as equal (as in R)."""

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


def fisher_exact(table: Counts, *, n_missing: int = 0) -> TestResult:
    """Two-sided exact test of independence: tables no more probable than the observed one.

    Parameters
    ----------
    table : (rows, columns) whole numbers
        Without empty rows or columns.

    Returns
    -------
    TestResult
        ``statistic`` is NaN. ``note`` says when the p value was sampled, and its standard error.

    Notes
    -----
    Equal to R's ``fisher.test`` (goldens in fixtures/r).
    """
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    if columns.size > rows.size:  # fewer columns to fill means fewer states to hold
        table, rows, columns = table.T, columns, rows
    n = int(table.sum())
    constant = _log_factorial(rows).sum() + _log_factorial(columns).sum() - _log_factorial(n)
    observed = float(constant - _log_factorial(table).sum())
    logs = _all_tables(rows, columns)
    if logs is None:
        return _sampled(table, n, n_missing)
    probabilities = np.exp(logs + constant)
    extreme = probabilities <= math.exp(observed) * (1 + RELATIVE_TOLERANCE)
    p = min(1.0, float(probabilities[extreme].sum()))
    return TestResult("Fisher exact", p, math.nan, math.nan, n, n_missing)


def _log_factorial(counts: Counts | int) -> Floats:
    """Return log(n!), element by element."""
    from scipy.special import gammaln

    return np.asarray(gammaln(np.asarray(counts, dtype=np.float64) + 1))


def _all_tables(rows: Counts, columns: Counts) -> Floats | None:
    """Return -sum(log cell!) of every table with these margins; None if there are too many."""
    left = rows[None, :].astype(np.int64)
    logs = np.zeros(1)
    for total in columns[:-1]:
        filled = _fill_column(left, logs, int(total))
        if filled is None:
            return None
        left, logs = filled
    return np.asarray(logs - _log_factorial(left).sum(axis=1))


def _fill_column(left: Counts, logs: Floats, total: int) -> tuple[Counts, Floats] | None:
    """Extend every state by every way to fill one column from what is left of the rows."""
    need = np.full(len(left), total, dtype=np.int64)
    for row in range(left.shape[1]):
        behind = left[:, row + 1 :].sum(axis=1)
        low = np.maximum(0, need - behind)
        high = np.minimum(left[:, row], need)
        ways = high - low + 1
        n_states = int(ways.sum())
        if n_states > MAX_TABLES:
            return None
        source = np.repeat(np.arange(len(left)), ways)
        offset = np.arange(n_states) - np.repeat(np.cumsum(ways) - ways, ways)
        cell = low[source] + offset
        left = left[source]
        left[:, row] -= cell
        need = need[source] - cell
        logs = logs[source] - _log_factorial(cell)
    return left, logs


def _sampled(table: Counts, n: int, n_missing: int) -> TestResult:
    """Return the p value from random tables of the same margins, with its error."""
    from scipy.stats import random_table

    rows, columns = table.sum(axis=1), table.sum(axis=0)
    draws = random_table(rows, columns).rvs(N_SAMPLES, random_state=np.random.default_rng(SEED))
    logs = -_log_factorial(draws).sum(axis=(1, 2))
    observed = -float(_log_factorial(table).sum())
    hits = int((logs <= observed + math.log1p(RELATIVE_TOLERANCE)).sum())
    p = (hits + 1) / (N_SAMPLES + 1)
    error = math.sqrt(p * (1 - p) / N_SAMPLES)
    note = f"sampled {N_SAMPLES} tables from a fixed seed, standard error {error:.1e}"
    return TestResult("Fisher exact (Monte Carlo)", p, math.nan, math.nan, n, n_missing, note)
