"""Fisher's exact test for tables of any shape.

scipy's `fisher_exact` answers tables larger than 2 x 2 by unseeded Monte Carlo, so the same data
would print another p on another day. Here such tables are enumerated, column by column; ways that
leave the same rows to fill and are equally probable are followed as one (as in the network of Mehta
and Patel 1983, J Am Stat Assoc 78:427). Tables too large even so are sampled from a fixed seed and
the result states its standard error.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stats.result import TestResult

MAX_STATES: Final = 3_000_000
"""So many rows of numbers are held at once."""
MAX_TABLES: Final = 20_000_000
CHUNK: Final = 4_000
LOG_DIGITS: Final = 10
"""Log probabilities that agree to so many decimals are equal; rounding errors are far smaller."""
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
    n = int(table.sum())
    p = enumerated_p(table)
    if p is None:
        return _sampled(table, n, n_missing)
    return TestResult("Fisher exact", p, math.nan, math.nan, n, n_missing)


def enumerated_p(table: Counts) -> float | None:
    """Return the exact p value, or None if there are too many tables to enumerate."""
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    if columns.size > rows.size:  # fewer columns to fill means fewer states to hold
        table, rows, columns = table.T, columns, rows
    n = int(table.sum())
    constant = _log_factorial(rows).sum() + _log_factorial(columns).sum() - _log_factorial(n)
    observed = float(constant - _log_factorial(table).sum())
    limit = observed + math.log1p(RELATIVE_TOLERANCE)
    total = _share_up_to(rows, np.sort(columns), float(constant), limit)
    return None if total is None else min(1.0, total)


def _log_factorial(counts: Counts | int) -> Floats:
    """Return log(n!), element by element."""
    from scipy.special import gammaln

    return np.asarray(gammaln(np.asarray(counts, dtype=np.float64) + 1))


def _share_up_to(rows: Counts, columns: Counts, constant: float, limit: float) -> float | None:
    """Return the probability of all tables with these margins that have at most this log of it.

    A table has the log probability ``constant - sum(log cell!)``. None if there are too many.
    """
    states = rows[None, :].astype(np.int64), np.full(1, constant), np.ones(1)
    for column in columns[:-2]:
        filled = _fill_column(*states, int(column))
        if filled is None:
            return None
        states = _merged(*filled)
    left, logs, ways = states
    column = int(columns[-2])
    whole, highest, lowest = _last_two(left, column)
    all_count = logs + highest <= limit
    total = float((ways * np.exp(logs + whole))[all_count].sum())
    some = ~all_count & (logs + lowest <= limit)
    left, logs, ways = left[some], logs[some], ways[some]
    n_tables = 0
    for start in range(0, len(left), CHUNK):  # the last columns need not be held at once
        part = slice(start, start + CHUNK)
        filled = _fill_column(left[part], logs[part], ways[part], column)
        if filled is None or (n_tables := n_tables + len(filled[0])) > MAX_TABLES:
            return None
        ends = filled[1] - _log_factorial(filled[0]).sum(axis=1)
        total += float((filled[2] * np.exp(ends))[ends <= limit].sum())
    return total


def _last_two(left: Counts, column: int) -> tuple[Floats, Floats, Floats]:
    """Return what filling the last two columns adds to a log: in sum, at most, and at least.

    The most is bounded by letting each row be binomial on its own (Lagrange), the least by rows
    that go wholly into one column.
    """
    from scipy.stats import binom

    size = left.sum(axis=1)
    base = -_log_factorial(left).sum(axis=1)
    chosen = _log_factorial(size) - _log_factorial(np.full(size.shape, column))
    chosen = chosen - _log_factorial(size - column)
    share = (column / size)[:, None]
    modes = binom.logpmf(np.floor((left + 1) * share), left, share).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = column * np.log(share[:, 0]) + (size - column) * np.log1p(-share[:, 0])
    highest = base + np.where(np.isfinite(spread), modes - spread, chosen)
    return base + chosen, np.minimum(highest, base + chosen), base


def _merged(left: Counts, logs: Floats, ways: Floats) -> tuple[Counts, Floats, Floats]:
    """Put states together whose rows are the same but for their order and that are as probable."""
    left = np.sort(left, axis=1)
    rounded = np.round(logs, LOG_DIGITS)
    order = np.lexsort((rounded, *left.T))
    left, logs, ways, rounded = left[order], logs[order], ways[order], rounded[order]
    new = np.ones(len(left), dtype=np.bool_)
    new[1:] = (left[1:] != left[:-1]).any(axis=1) | (rounded[1:] != rounded[:-1])
    starts = np.flatnonzero(new)
    return left[starts], logs[starts], np.add.reduceat(ways, starts)


def _fill_column(
    left: Counts, logs: Floats, ways_so_far: Floats, total: int
) -> tuple[Counts, Floats, Floats] | None:
    """Extend every state by every way to fill one column from what is left of the rows."""
    need = np.full(len(left), total, dtype=np.int64)
    for row in range(left.shape[1]):
        behind = left[:, row + 1 :].sum(axis=1)
        low = np.maximum(0, need - behind)
        high = np.minimum(left[:, row], need)
        ways = high - low + 1
        n_states = int(ways.sum())
        if n_states > MAX_STATES:
            return None
        source = np.repeat(np.arange(len(left)), ways)
        offset = np.arange(n_states) - np.repeat(np.cumsum(ways) - ways, ways)
        cell = low[source] + offset
        left = left[source]
        left[:, row] -= cell
        need = need[source] - cell
        logs = logs[source] - _log_factorial(cell)
        ways_so_far = ways_so_far[source]
    return left, logs, ways_so_far


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
