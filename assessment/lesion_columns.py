"""A lesion table at the door: checked against its schema, its text as codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from assessment.code import NO_DAY, Anything, Bools, Floats, Ints, days_of
from assessment.words import Words, empty_words, used_words, words_of_cells
from measurement.lesion_table import Lesions

KEY = ("subject_id", "reader", "lesion_id", "timepoint")
NO_TRUTH = -1


@dataclass(frozen=True, slots=True)
class LesionColumns:
    """The columns of a lesion table, row by row; those that are absent or empty are left out.

    Attributes
    ----------
    n : rows
    texts : text columns
    numbers : columns of numbers, NaN where empty
    truths : 1, 0, or -1 where empty
    timepoint : whole numbers
    scan_day : days since 1970-01-01, NO_DAY where empty; None where there is none at all
    """

    n: int
    texts: Mapping[str, Words]
    numbers: Mapping[str, Floats]
    truths: Mapping[str, Anything]
    timepoint: Ints
    scan_day: Ints | None

    def text(self, name: str) -> Words:
        """Return a text column."""
        return self.texts[name] if name in self.texts else empty_words(self.n)

    def kept(self, rows: Bools) -> LesionColumns:
        """Return the columns of some rows."""
        return LesionColumns(
            n=int(rows.sum()),
            texts={name: used_words(words.at(rows)) for name, words in self.texts.items()},
            numbers={name: values[rows] for name, values in self.numbers.items()},
            truths={name: values[rows] for name, values in self.truths.items()},
            timepoint=self.timepoint[rows],
            scan_day=None if self.scan_day is None else self.scan_day[rows],
        )

    def scanned_until(self, limit: Ints) -> LesionColumns:
        """Return the columns with scan days cut at a limit for each row (NO_DAY: none)."""
        if self.scan_day is None:
            return self
        late = (limit != NO_DAY) & (self.scan_day > limit)
        return replace(self, scan_day=np.where(late, limit, self.scan_day))


def lesion_columns(frame: pd.DataFrame) -> LesionColumns | None:
    """Return the columns of a table that meets its schema; None where it does not at first sight.

    Each word is looked at once, however many rows have it. A key that stands twice is not looked
    for here: who lays the rows out finds it. What this refuses, the schema itself has to say why.
    """
    found: dict[str, dict[str, Any]] = {kind: {} for kind in _READERS}
    for name, column in Lesions.to_schema().columns.items():
        if name not in frame:
            if not column.nullable:
                return None
            continue
        kind = str(column.dtype.type)
        cells = _READERS[kind](frame[name], column)
        if cells is None:
            return None
        found[kind][name] = cells
    return LesionColumns(
        n=len(frame),
        texts={name: words for name, words in found["string"].items() if words.words},
        numbers=found["float64"],
        truths=found["boolean"],
        timepoint=found["Int64"]["timepoint"],
        scan_day=found["datetime64[ns]"].get("scan_on"),
    )


def _text(cells: pd.Series[Any], column: Any) -> Words | None:
    """Return a text column, None where a word is not allowed or a cell may not be empty."""
    plain = str(cells.dtype) == "string"
    if isinstance(cells.dtype, pd.CategoricalDtype):
        plain = pd.api.types.infer_dtype(cells.cat.categories, skipna=False) in ("string", "empty")
    if not plain:
        return None
    words = used_words(words_of_cells(cells))
    if not column.nullable and (words.codes < 0).any():
        return None
    for check in column.checks:
        if check.name != "isin" or not set(words.words) <= set(check.statistics["allowed_values"]):
            return None
    return words


_BREAKS: dict[str, Callable[[Anything, Mapping[str, Any]], Any]] = {
    "greater_than_or_equal_to": lambda values, stated: np.fmin.reduce(values) < stated["min_value"],
    "greater_than": lambda values, stated: np.fmin.reduce(values) <= stated["min_value"],
    "less_than_or_equal_to": lambda values, stated: np.fmax.reduce(values) > stated["max_value"],
}
"""By the smallest or the largest value, NaN left aside, as one of them breaks what any breaks."""


def breaks_none(values: Anything, column: Any) -> bool:
    """Return whether no number breaks a column's checks, all of them known; NaN breaks none."""
    return all(
        check.name in _BREAKS
        and (len(values) == 0 or not _BREAKS[check.name](values, check.statistics))
        for check in column.checks
    )


def _number(cells: pd.Series[Any], column: Any) -> Floats | None:
    """Return a column of numbers."""
    if cells.dtype != np.float64:
        return None
    values = cells.to_numpy()
    return values if breaks_none(values, column) else None


def _whole(cells: pd.Series[Any], column: Any) -> Ints | None:
    """Return a column of whole numbers without a gap."""
    if str(cells.dtype) == "Int64":
        if cells.isna().any():
            return None
    elif cells.dtype != np.int64:
        return None
    values = cells.to_numpy(dtype=np.int64)
    return values if breaks_none(values, column) else None


def _truth(cells: pd.Series[Any], column: Any) -> Anything | None:
    """Return 1, 0, or -1 where nothing is stated."""
    if str(cells.dtype) not in ("boolean", "bool") or column.checks:
        return None
    missing = cells.isna().to_numpy(dtype=bool)
    given = cells.fillna(value=False).to_numpy(dtype=bool)
    return np.where(missing, np.int8(NO_TRUTH), given.astype(np.int8))


def _day(cells: pd.Series[Any], column: Any) -> Ints | None:
    """Return days since 1970-01-01."""
    return None if str(cells.dtype) != "datetime64[ns]" or column.checks else days_of(cells)


_READERS: dict[str, Callable[[pd.Series[Any], Any], Any]] = {
    "string": _text, "float64": _number, "boolean": _truth, "Int64": _whole,
    "datetime64[ns]": _day,
}  # fmt: skip
"""How the columns of each type are read."""
