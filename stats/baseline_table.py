"""Table 1: characteristics of the subjects by group, each with the test that was made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from stats.comparison import SEED, ComparisonPolicy, compare_counts, compare_values
from stats.group import names_in_order
from stats.result import TestResult

Kind = Literal["categorical", "continuous"]

MAX_LEVELS: Final = 12
"""A text with more different values than this is an identifier or a remark, not a category."""

MIN_DISTINCT_NUMBERS: Final = 6
"""Fewer different whole numbers of one digit than this are the grades of a scale (ECOG 0, 1, 2)."""


class BaselineTableError(ValueError):
    """A table of characteristics cannot be made as asked."""


@dataclass(frozen=True, slots=True)
class LevelCounts:
    """Subjects of one level, per group and overall; shares are of all subjects of the group."""

    level: str
    counts: tuple[int, ...]
    overall: int


@dataclass(frozen=True, slots=True)
class ValueSummary:
    """A continuous characteristic in one group; NaN where the group has no value."""

    n: int
    mean: float
    sd: float
    median: float
    q1: float
    q3: float
    minimum: float
    maximum: float


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One row group of Table 1.

    ``levels`` is filled for a categorical, ``summaries`` and ``overall`` for a continuous one.
    ``difference`` is the standardised mean difference of two groups, else NaN.
    """

    variable: str
    kind: Kind
    levels: tuple[LevelCounts, ...]
    summaries: tuple[ValueSummary, ...]
    overall: ValueSummary | None
    missing: tuple[int, ...]
    test: TestResult
    difference: float


@dataclass(frozen=True, slots=True)
class BaselineTable:
    """Characteristics by group. ``left_out`` names columns not shown, with the reason."""

    groups: tuple[str, ...]
    sizes: tuple[int, ...]
    characteristics: tuple[Characteristic, ...]
    left_out: tuple[tuple[str, str], ...]
    policy: str


def baseline_table(
    subjects: pd.DataFrame,
    group: pd.Series[Any],
    *,
    kinds: Mapping[str, Kind] | None = None,
    policy: ComparisonPolicy = SEED,
) -> BaselineTable:
    """Characteristics of the subjects by group.

    Parameters
    ----------
    subjects : DataFrame, one row per subject
        Only the columns to be shown; text or numbers, missing allowed.
    group : Series of str, in the rows' order
        Subjects without a group (missing) are left out. Ordered categories keep their order, text
        is sorted.
    kinds : column -> "categorical" or "continuous", optional
        Where not given: numbers are continuous, but for fewer than six different whole numbers
        from 0 to 9, which are taken for the grades of a scale; everything else, and whatever is
        declared as categories, is categorical. A text with more than twelve different values is
        left out, said so.
    policy : ComparisonPolicy
        Which test is made.

    Raises
    ------
    BaselineTableError
        If kinds names a column that is not there, or calls continuous what are not numbers.

    Notes
    -----
    Missing values are counted and are left out of the tests. The standardised difference is
    Austin 2009, Commun Stat Simul 38:1228 (multinomial: Yang and Dalton 2012).
    """
    unknown = sorted(set(kinds or {}) - set(subjects.columns))
    if unknown:
        msg = f"no column {', '.join(unknown)}. There are {', '.join(map(str, subjects.columns))}."
        raise BaselineTableError(msg)
    known = np.asarray(group.notna())
    rows = subjects.loc[known].reset_index(drop=True)
    labels = group.loc[known].astype(str).reset_index(drop=True)
    groups = names_in_order(group)
    found: list[Characteristic] = []
    left_out: list[tuple[str, str]] = []
    for name in map(str, rows.columns):
        kind = (kinds or {}).get(name)
        cells, why = typed_cells(rows[name], kind)
        if why and kind == "continuous":
            msg = f"{name}: {why}. Call it categorical or correct the cells."
            raise BaselineTableError(msg)
        if why:
            left_out.append((name, why))
        elif pd.api.types.is_float_dtype(cells):
            found.append(_continuous(name, cells, labels, groups, policy))
        else:
            found.append(_categorical(name, cells, labels, groups, policy))
    sizes = tuple(int((labels == one).sum()) for one in groups)
    return BaselineTable(groups, sizes, tuple(found), tuple(left_out), policy.name)


def typed_cells(cells: pd.Series[Any], kind: Kind | None) -> tuple[pd.Series[Any], str]:
    """Floats for a continuous column, else text; or the reason to leave it out.

    Parameters
    ----------
    cells : Series
    kind : "categorical", "continuous" or None
        None: numbers are continuous, unless they are few whole ones of one digit or declared as
        categories. How many different numbers there are says nothing of their kind otherwise: in a
        small trial the ages are few too.

    Returns
    -------
    (Series, str)
        The cells, and why they cannot be shown; empty where they can.
    """
    words = cells.astype("string")
    if not words.notna().any():
        return words, "no value in any subject"
    numbers = pd.to_numeric(words, errors="coerce")
    all_numbers = bool((numbers.notna() | words.isna()).all())
    if kind == "continuous" and not all_numbers:
        return words, "not all values are numbers"
    declared = isinstance(cells.dtype, pd.CategoricalDtype)
    if kind == "continuous" or (
        kind is None and all_numbers and not declared and not _grades(numbers.dropna())
    ):
        return numbers.astype("float64"), ""
    if kind is None and words.nunique() > MAX_LEVELS:
        return words, f"{words.nunique()} different values that are not numbers"
    return words, ""


def _grades(numbers: pd.Series[Any]) -> bool:
    """Say whether numbers are few and look like the grades of a scale."""
    digits = numbers.between(0, 9) & (numbers % 1 == 0)
    return bool(digits.all()) and numbers.nunique() < MIN_DISTINCT_NUMBERS


def _categorical(
    name: str,
    cells: pd.Series[Any],
    labels: pd.Series[Any],
    groups: Sequence[str],
    policy: ComparisonPolicy,
) -> Characteristic:
    """Count the levels of a categorical characteristic."""
    levels = sorted(cells.dropna().unique(), key=_natural)
    counts = np.array(
        [[int(((cells == level) & (labels == g)).sum()) for g in groups] for level in levels]
    )
    missing = tuple(int((cells.isna() & (labels == g)).sum()) for g in groups)
    return Characteristic(
        variable=name,
        kind="categorical",
        levels=tuple(
            LevelCounts(str(level), tuple(int(c) for c in row), int(row.sum()))
            for level, row in zip(levels, counts, strict=True)
        ),
        summaries=(),
        overall=None,
        missing=missing,
        test=compare_counts(counts, policy=policy, n_missing=sum(missing)),
        difference=_multinomial_difference(counts) if len(groups) == 2 else math.nan,
    )


def _continuous(
    name: str,
    cells: pd.Series[Any],
    labels: pd.Series[Any],
    groups: Sequence[str],
    policy: ComparisonPolicy,
) -> Characteristic:
    """Summarise a continuous characteristic."""
    values = cells.to_numpy(dtype=np.float64)
    parts = [values[np.asarray(labels == g)] for g in groups]
    summaries = tuple(_summary(part) for part in parts)
    difference = math.nan
    if len(groups) == 2:
        one, two = summaries
        spread = math.sqrt((one.sd**2 + two.sd**2) / 2)
        difference = abs(one.mean - two.mean) / spread if spread > 0 else math.nan
    return Characteristic(
        variable=name,
        kind="continuous",
        levels=(),
        summaries=summaries,
        overall=_summary(values),
        missing=tuple(int(np.isnan(part).sum()) for part in parts),
        test=compare_values(parts, policy=policy),
        difference=difference,
    )


def _summary(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> ValueSummary:
    """Return mean, SD (n - 1), and quartiles as R's default type 7."""
    known = values[~np.isnan(values)]
    if not known.size:
        return ValueSummary(0, *[math.nan] * 7)
    q1, median, q3 = (float(q) for q in np.quantile(known, [0.25, 0.5, 0.75]))
    sd = float(known.std(ddof=1)) if known.size > 1 else math.nan
    return ValueSummary(
        known.size, float(known.mean()), sd, median, q1, q3, float(known.min()), float(known.max())
    )


def _multinomial_difference(counts: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> float:
    """Return the standardised difference of two groups over all levels but the first."""
    totals = counts.sum(axis=0)
    if (totals == 0).any() or len(counts) < 2:
        return math.nan
    shares = counts[1:] / totals
    gap = shares[:, 0] - shares[:, 1]
    spread = np.zeros((len(gap), len(gap)))
    for column in shares.T:
        spread += (np.diag(column) - np.outer(column, column)) / 2
    return float(math.sqrt(max(0.0, gap @ np.linalg.pinv(spread) @ gap)))


def _natural(level: str) -> tuple[int, float, str]:
    """Order numbers as numbers, words behind them."""
    try:
        return (0, float(level), level)
    except ValueError:
        return (1, 0.0, level)
