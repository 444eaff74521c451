"""The design of a regression: numbers as they are, words as indicators against a reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stats.group import names_in_order


class RegressionError(ValueError):
    """Covariates cannot be put into a regression as handed in."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the design: an indicator of a level, or a number (no reference)."""

    variable: str
    level: str
    reference: str


@dataclass(frozen=True, slots=True)
class Design:
    """Columns of a regression and their values, a matrix (n, columns)."""

    columns: tuple[Column, ...]
    matrix: NDArray[np.float64]


def design_of(rows: pd.DataFrame, reference: Mapping[str, str]) -> Design:
    """Return the design matrix, treatment contrasts for text and categories.

    Parameters
    ----------
    rows : DataFrame
        Complete cases. Numbers enter as they are; truth values, text and categories as
        indicators.
    reference : variable -> level
        Default: the first level, of ordered categories in their order, else sorted, as in R.

    Raises
    ------
    RegressionError
        For a reference level or variable that does not occur, or an infinite number.
    """
    unknown = sorted(set(reference) - {str(name) for name in rows.columns})
    if unknown:
        msg = f"reference of {', '.join(unknown)}: no such variable in the model."
        raise RegressionError(msg)
    columns: list[Column] = []
    parts: list[NDArray[np.float64]] = []
    for name in rows.columns:
        for column, values in _columns_of(str(name), rows[name], reference.get(str(name))):
            columns.append(column)
            parts.append(values)
    values = np.column_stack(parts) if parts else np.zeros((len(rows), 0))
    return Design(tuple(columns), values)


def _columns_of(
    name: str, cells: pd.Series[Any], reference: str | None
) -> list[tuple[Column, NDArray[np.float64]]]:
    """Return the columns of one variable."""
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
        if reference is not None:
            msg = f"{name}: a number has no reference level. Hand it in as text to compare levels."
            raise RegressionError(msg)
        values = cells.to_numpy(dtype=np.float64)
        if np.isinf(values).any():
            msg = f"{name}: an infinite value. Correct it or leave it empty."
            raise RegressionError(msg)
        return [(Column(name, "per unit", ""), values)]
    levels = names_in_order(cells)
    base = reference if reference is not None else (levels[0] if levels else "")
    if levels and base not in levels:
        msg = f"{name}: reference {base!r} does not occur. Levels are {', '.join(levels)}."
        raise RegressionError(msg)
    words = cells.astype(str)
    return [
        (Column(name, level, base), np.asarray(words == level, dtype=np.float64))
        for level in levels
        if level != base
    ]
