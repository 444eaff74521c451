"""From a table of text, as it is read from CSV, to a typed one: checked at the door, once."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

TRUTHS = {"true": True, "false": False}
LARGEST_WHOLE = 2**31 - 1
"""No number of a visit, slice or revision is larger; beyond 2**53 a float would change it."""


FIRST_YEAR, LAST_YEAR = 1800, 2200
"""Dates beyond are slips of the hand; shifted dates of anonymised archives lie within."""


class TableError(ValueError):
    """A table that was handed in cannot be used; the message says where and how to mend it."""


class TableModel(pa.DataFrameModel):  # type: ignore[misc]
    """Base of every table's schema: columns in order, unknown ones refused."""

    class Config:
        """Typed columns in the order of the schema."""

        strict = True
        ordered = True
        coerce = True


def columns_of(model: type[TableModel]) -> list[str]:
    """Return the column names of a schema, in order."""
    return list(model.to_schema().columns)


def key_of(model: type[TableModel]) -> list[str]:
    """Return the columns that together name one row."""
    return [str(name) for name in (model.to_schema().unique or [])]


def empty_table(model: type[TableModel]) -> pd.DataFrame:
    """Return a table of this schema without rows, with its types."""
    schema = model.to_schema()
    return pd.DataFrame(
        {name: pd.Series([], dtype=column.dtype.type) for name, column in schema.columns.items()}
    )


def from_records(rows: Iterable[dict[str, Any]], model: type[TableModel]) -> pd.DataFrame:
    """Return a validated table from rows of Python values; absent keys are missing cells."""
    rows = list(rows)
    if not rows:
        return empty_table(model)
    frame = pd.DataFrame.from_records(rows)
    unknown = set(frame.columns) - set(columns_of(model))
    if unknown:
        msg = f"rows have columns that {model.__name__} does not know: {sorted(unknown)}"
        raise TableError(msg)
    schema = model.to_schema()
    typed = {
        name: pd.Series(frame[name].array if name in frame else [None] * len(frame)).astype(
            column.dtype.type
        )
        for name, column in schema.columns.items()
    }
    return check(pd.DataFrame(typed), model, origin=model.__name__)


def typed_columns(frame: pd.DataFrame, model: type[TableModel]) -> pd.DataFrame:
    """Return the columns of a schema with their types, rows numbered anew; absent ones are empty.

    Categories become what they stand for, whole numbers of numpy such as may be missing. Any other
    column keeps its type: `check` says what cannot be.
    """
    rows = pd.RangeIndex(len(frame))
    empty: dict[str, Any] = {}
    found: dict[str, pd.Series[Any]] = {}
    for name, column in model.to_schema().columns.items():
        dtype = column.dtype.type
        if name not in frame:
            if str(dtype) not in empty:
                empty[str(dtype)] = _no_cells(rows, dtype)
            found[name] = empty[str(dtype)]
        else:
            found[name] = _as_held(frame[name], dtype).set_axis(rows, copy=False)
    return pd.DataFrame(found, copy=False)


def _as_held(cells: pd.Series[Any], dtype: Any) -> pd.Series[Any]:
    """Return a column that holds codes or plain whole numbers as its table does."""
    if isinstance(cells.dtype, pd.CategoricalDtype):
        words = pd.Series(cells.cat.categories.to_numpy(dtype=object)).astype(dtype)
        taken = words.array.take(cells.cat.codes.to_numpy(), allow_fill=True)
        return pd.Series(taken, index=cells.index, dtype=dtype, copy=False)
    if str(dtype) == "Int64" and cells.dtype.kind == "i":
        return cells.astype("Int64")
    return cells


def check(
    frame: pd.DataFrame, model: type[TableModel], *, origin: str, lines: bool = False
) -> pd.DataFrame:
    """Return the table if it meets its schema, else raise a TableError naming column and row.

    Parameters
    ----------
    lines : the rows are those of a file, and named as a spreadsheet numbers them
    """
    if _meets(frame, model):
        return frame.copy(deep=False)
    try:
        return pd.DataFrame(model.to_schema().validate(frame, lazy=True))
    except pa.errors.SchemaErrors as errors:
        raise TableError(_explain(frame, model, errors, origin=origin, lines=lines)) from None


_TESTS: dict[str, Callable[[pd.Series[Any], Mapping[str, Any]], pd.Series[bool]]] = {
    "isin": lambda cells, stated: cells.isin(stated["allowed_values"]),
    "greater_than_or_equal_to": lambda cells, stated: cells >= stated["min_value"],
    "greater_than": lambda cells, stated: cells > stated["min_value"],
    "less_than_or_equal_to": lambda cells, stated: cells <= stated["max_value"],
}


def _meets(frame: pd.DataFrame, model: type[TableModel]) -> bool:
    """Return whether a table meets its schema as it stands, quickly; if not, pandera says why.

    It answers no where it cannot tell: to a type to be coerced, to a check that it does not know.
    """
    schema = model.to_schema()
    if schema.checks or list(frame.columns) != list(schema.columns):
        return False
    for name, column in schema.columns.items():
        cells = frame[name]
        if cells.dtype != column.dtype.type or column.unique or column.parsers:
            return False
        if column.nullable and not column.checks:
            continue
        cells = _distinct(cells) if column.checks else cells
        missing = cells.isna()
        if not column.nullable and missing.any():
            return False
        if missing.all():
            continue
        for stated in column.checks:
            if stated.name not in _TESTS:
                return False
            if not (missing | _TESTS[stated.name](cells, stated.statistics)).all():
                return False
    key = key_of(model)
    return not (key and frame.duplicated(key).any())


def _distinct(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Return the words of a text column once each, as many rows have few; numbers as they are."""
    return pd.Series(cells.unique()) if str(cells.dtype) == "string" else cells


def _explain(
    frame: pd.DataFrame,
    model: type[TableModel],
    errors: pa.errors.SchemaErrors,
    *,
    origin: str,
    lines: bool,
) -> str:
    """Name the first few failures by column, by the key of their row, and by its line."""
    key = [name for name in key_of(model) if name in frame]

    def where(row: Any) -> str:
        if row is None or pd.isna(row):
            return ""
        names = ", ".join(f"{name}={frame[name].loc[row]}" for name in key)
        return " at " + (f"row {int(row) + 2}: " if lines else "") + names

    cases = errors.failure_cases
    doubled = cases["check"].astype(str) == "multiple_fields_uniqueness"
    found = _doubled(frame, key, lines=lines) if doubled.any() else []
    for case in cases[~doubled].to_dict("records"):
        column = case.get("column") or model.__name__
        told = _in_words(model, str(column), str(case["check"]), case["failure_case"])
        found.append(f"{column}: {told}{where(case.get('index'))}")
    more = f"; and {len(found) - 5} more" if len(found) > 5 else ""
    return (
        f"{origin}: "
        + "; ".join(found[:5])
        + more
        + ". Correct these cells; the columns and words are in docs/tables.md."
    )


def _doubled(frame: pd.DataFrame, key: list[str], *, lines: bool) -> list[str]:
    """Return one sentence per key that stands in several rows."""
    told = []
    twice = frame[frame.duplicated(key, keep=False)]
    for cells, rows in twice.groupby(key, sort=True, dropna=False):
        names = ", ".join(f"{name}={cell}" for name, cell in zip(key, cells, strict=True))
        numbers = ", ".join(str(int(row) + 2) for row in rows.index)
        in_rows = f" (rows {numbers})" if lines else ""
        told.append(f"{len(rows)} rows have the same {names}{in_rows}: keep one")
    return told


def _in_words(model: type[TableModel], column: str, check: str, found: Any) -> str:
    """Say what is wrong with a cell, with the nearest allowed word."""
    if check == "not_nullable":
        return "is empty, and must not be"
    stated: dict[str, Any] = {}
    if column in model.to_schema().columns:
        for one in model.to_schema().columns[column].checks:
            stated |= one.statistics if check.startswith(f"{one.name}(") else {}
    if "allowed_values" in stated:
        words = [str(word) for word in stated["allowed_values"]]
        near = difflib.get_close_matches(str(found).lower(), words, 1, cutoff=0.5)
        hint = f" (nearest: {near[0]})" if near else ""
        return f"{found!r} is none of {', '.join(words)}{hint}"
    if check.startswith("greater_than_or_equal_to"):
        return f"{found} is below {stated['min_value']}"
    if check.startswith("greater_than"):
        return f"{found} is not above {stated['min_value']}"
    if check.startswith("less_than_or_equal_to"):
        return f"{found} is above {stated['max_value']}"
    return f"{check} (found {found!r})"


def parse_text(
    text: pd.DataFrame,
    model: type[TableModel],
    *,
    origin: str,
    required: Iterable[str] = (),
    defaults: dict[str, Any] | None = None,
    allow_extra: bool = False,
) -> pd.DataFrame:
    """Return the typed table of a table of strings (empty = missing).

    Parameters
    ----------
    text : DataFrame of str
        As read by `pandas.read_csv(dtype=str, keep_default_na=False)`. Its index, plus 2, is the
        row that messages name.
    origin : str
        The file's name, for messages.
    required : names of columns that must be there
    defaults : values for columns that are absent, or cells that are empty
    allow_extra : keep unknown columns (covariates of subjects), as text, behind the known ones.

    Raises
    ------
    TableError
        On an unknown or missing column (with the nearest known name), a cell that is not of its
        type, a word outside its list, or a doubled key.
    """
    known = columns_of(model)
    extra = [name for name in text.columns if name not in known]
    missing = [name for name in required if name not in text.columns]
    if extra and not allow_extra:
        raise TableError(_unknown_columns(extra, known, missing, origin=origin))
    if missing:
        near = {m: difflib.get_close_matches(m, list(text.columns), 1) for m in missing}
        hints = [f"{m}" + (f" (is it {n[0]!r}?)" if n else "") for m, n in near.items()]
        msg = f"{origin}: column missing: {', '.join(hints)}. It has {', '.join(text.columns)}."
        raise TableError(msg)
    schema = model.to_schema()
    typed: dict[str, pd.Series[Any]] = {}
    for name, column in schema.columns.items():
        default = (defaults or {}).get(name)
        if name not in text and default is None:
            typed[name] = _no_cells(text.index, column.dtype.type)
            continue
        cells = text[name] if name in text else pd.Series([""] * len(text), index=text.index)
        cells = cells.astype(str).str.strip()
        if default is not None:
            cells = cells.mask(cells == "", str(default))
        typed[name] = _typed(cells, column.dtype.type, origin=origin, column=name)
    frame = check(pd.DataFrame(typed, index=text.index), model, origin=origin, lines=True)
    for name in extra:
        frame[name] = text[name].astype("string").replace("", pd.NA)
    return frame.reset_index(drop=True)


def _unknown_columns(extra: list[str], known: list[str], missing: list[str], *, origin: str) -> str:
    """Say which columns are unknown, what they may be meant to be, and which are missing."""
    parts = []
    for name in extra:
        near = _nearest(name, known)
        parts.append(f"{name!r}" + (f" (nearest known: {near!r})" if near else ""))
    lacking = f"; column missing: {', '.join(missing)}" if missing else ""
    return (
        f"{origin}: unknown column {', '.join(parts)}{lacking}. "
        f"Rename or remove it; known are {', '.join(known)}."
    )


def _nearest(name: str, known: list[str]) -> str | None:
    """Return the known column that a name may be meant to be, a value before its uncertainty."""
    plain = "_".join(name.lower().split())
    longer = [column for column in known if plain and column.startswith(f"{plain}_")]
    values = [column for column in known if not column.startswith("u_")]
    near = difflib.get_close_matches(plain, values, 1, cutoff=0.6)
    near = near or difflib.get_close_matches(plain, known, 1, cutoff=0.6)
    return next(iter([*longer, *near]), None)


def _typed(cells: pd.Series[Any], dtype: Any, *, origin: str, column: str) -> pd.Series[Any]:
    """Turn text cells into one of the five types that tables use."""
    name = str(dtype)
    empty = cells == ""
    if empty.all():
        return _no_cells(cells.index, dtype)
    if name.startswith("string"):
        return cells.astype("string").mask(empty, pd.NA)
    if name == "boolean":
        lower = cells.str.lower()  # a spreadsheet writes TRUE
        bad = ~empty & ~lower.isin(list(TRUTHS))
        _refuse(cells, bad, "true or false", origin=origin, column=column)
        return lower.map(TRUTHS).astype("boolean")
    if name.startswith("datetime64"):
        return _dates(cells, empty, origin=origin, column=column)
    numbers = pd.to_numeric(cells.mask(empty), errors="coerce")
    bad = ~empty & numbers.isna()
    if name == "Int64":
        bad |= ~empty & ((numbers % 1 != 0) | (numbers.abs() > LARGEST_WHOLE))
        wanted = f"a whole number (at most {LARGEST_WHOLE})"
        _refuse(cells, bad, wanted, origin=origin, column=column)
        return numbers.astype("Int64")
    _refuse(cells, bad, "a number with a decimal point", origin=origin, column=column)
    return numbers.astype("float64")


def _no_cells(index: pd.Index[Any], dtype: Any) -> pd.Series[Any]:
    """Return a column of missing cells."""
    return pd.Series(None, index=index, dtype=dtype)


def _dates(
    cells: pd.Series[Any], empty: pd.Series[bool], *, origin: str, column: str
) -> pd.Series[Any]:
    """Turn ISO dates into timestamps; any other form is refused, never guessed."""

    def iso(cell: str) -> Any:
        try:
            date = dt.date.fromisoformat(cell) if len(cell) == 10 else None
        except ValueError:
            return pd.NaT
        return pd.Timestamp(date) if date and FIRST_YEAR <= date.year <= LAST_YEAR else pd.NaT

    dates = pd.to_datetime(cells.map({cell: iso(cell) for cell in cells.unique()}))
    wanted = f"a date as YYYY-MM-DD, from {FIRST_YEAR} to {LAST_YEAR}"
    _refuse(cells, ~empty & dates.isna(), wanted, origin=origin, column=column)
    return dates.astype("datetime64[ns]")


def _refuse(
    cells: pd.Series[Any], bad: pd.Series[bool], wanted: str, *, origin: str, column: str
) -> None:
    """Raise for the first cell that is not what its column holds."""
    if bad.any():
        at = int(np.flatnonzero(bad.to_numpy())[0])
        row = int(cells.index[at]) + 2
        msg = (
            f"{origin}: row {row}, column {column}: {cells.iloc[at]!r} is not {wanted}"
            + (f" ({int(bad.sum())} such cells)" if bad.sum() > 1 else "")
            + ". Correct the cell, or leave it empty if it is not known."
        )
        raise TableError(msg)


def to_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table as text cells, the way it is written to CSV (inverse of `parse_text`).

    Floats are written with the fewest digits that read back the same; infinity is `inf`.
    """
    return pd.DataFrame({name: _column_text(frame[name]) for name in frame.columns})


def _column_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """Write one column: ISO dates, true and false, shortest floats, empty for missing."""
    kind = str(column.dtype)
    if kind.startswith("datetime64"):
        days: pd.Series[Any] = column.dt.strftime("%Y-%m-%d").fillna("")
        return days
    if kind == "boolean":
        return column.map({True: "true", False: "false"}).astype(object).fillna("")
    if kind == "float64":
        return column.map(
            lambda value: "" if pd.isna(value) else repr(float(value)).removesuffix(".0")
        )
    return column.astype(object).map(lambda value: "" if pd.isna(value) else str(value))
