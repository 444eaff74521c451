"""Results as typed tables: sorted by their key, and checked against their schema, as codes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from assessment.code import Anything, Bools, Ints
from assessment.lesion_columns import breaks_none
from assessment.phrase import texts
from assessment.words import Words
from measurement.table import TableModel, check, columns_of, empty_table, key_of

Columns: TypeAlias = Mapping[str, Any]
"""Columns of equal length: `Words`, text as objects, or arrays of numpy or pandas."""
KnownWords: TypeAlias = dict[int, tuple[tuple[str, ...], Any]]
"""By identity, the words of a column and the array that holds them."""
LARGEST_KEY = 2**62


def table(
    parts: Sequence[Columns], model: type[TableModel], known: KnownWords | None = None
) -> pd.DataFrame:
    """Return the parts as one table of a schema, sorted by its key (all columns, if it has none).

    Columns that no part has are empty. What the schema forbids is refused as elsewhere.

    Parameters
    ----------
    known : words that tables before had, as they hold them; those of this one are added
    """
    known = {} if known is None else known
    filled = [part for part in parts if _length(part)]
    if not filled:
        return empty_table(model)
    schema = model.to_schema()
    kinds = {name: str(column.dtype.type) for name, column in schema.columns.items()}
    empty = [
        name
        for name, kind in kinds.items()
        if kind == "float64" and not any(name in part for part in filled)
    ]
    # in one block: a large one is laid out in large pages, many times faster than column by column
    whole = dict(zip(empty, np.full((len(empty), sum(map(_length, filled))), np.nan), strict=True))
    whole = {
        name: whole[name]
        if name in whole
        else _joined([_column(part, name, kind) for part in filled])
        for name, kind in kinds.items()
    }
    key = key_of(model)
    ranks = [_rank(whole[name]) for name in key or columns_of(model)]
    order, doubled = _order(ranks)
    if order is not None:
        whole = {name: _taken(values, order) for name, values in whole.items()}
    frame = pd.DataFrame({name: _held(values, known) for name, values in whole.items()}, copy=False)
    fits = all(_fits(whole[name], column) for name, column in schema.columns.items())
    if fits and not (key and doubled):
        return frame
    return check(frame, model, origin=model.__name__)


def _length(part: Columns) -> int:
    """Return how many rows a part has."""
    first = next(iter(part.values()))
    return len(first.codes if isinstance(first, Words) else first)


def _column(part: Columns, name: str, kind: str) -> Any:
    """Return a column of a part in the form of its type; an absent one is empty."""
    if name in part:
        values = part[name]
        if kind == "string" and not isinstance(values, Words):
            return np.asarray(values, dtype=object)
        if kind == "Int64" and isinstance(values, np.ndarray):
            return pd.arrays.IntegerArray(values.astype(np.int64), np.zeros(len(values), bool))
        if kind == "boolean" and isinstance(values, np.ndarray):
            return pd.arrays.BooleanArray(values.astype(bool), np.zeros(len(values), bool))
        return values
    n = _length(part)
    nothing: dict[str, Callable[[], Any]] = {
        "string": lambda: Words(np.full(n, -1, dtype=np.int8), ()),
        "Int64": lambda: pd.arrays.IntegerArray(np.zeros(n, np.int64), np.ones(n, bool)),
        "boolean": lambda: pd.arrays.BooleanArray(np.zeros(n, bool), np.ones(n, bool)),
        "float64": lambda: np.full(n, np.nan),
    }
    return nothing.get(kind, lambda: np.full(n, np.datetime64("NaT", "ns")))()


def _joined(columns: list[Any]) -> Any:
    """Return columns one below the other."""
    first = columns[0]
    if len(columns) == 1:
        return first
    if all(isinstance(column, Words) for column in columns):
        return _joined_words(columns)
    if isinstance(first, (Words, np.ndarray)):
        cells = [_cells(column) if isinstance(column, Words) else column for column in columns]
        return np.concatenate(cells)
    return pd.concat([pd.Series(column) for column in columns], ignore_index=True).array


def _cells(words: Words) -> Anything:
    """Return text cells, None where they are empty."""
    return np.array([*words.words, None], dtype=object)[words.codes]


def _joined_words(columns: list[Words]) -> Words:
    """Return text columns one below the other, over the words of all."""
    first = columns[0].words
    if all(column.words is first or column.words == first for column in columns):
        codes = np.concatenate([column.codes for column in columns])
        return Words(codes, first, columns[0].ordered)
    known: dict[str, int] = {}
    parts = []
    for column in columns:
        place = [known.setdefault(word, len(known)) for word in column.words]
        parts.append(np.array([*place, -1], dtype=np.int64)[column.codes])
    return Words(np.concatenate(parts), tuple(known))


def _rank(values: Any) -> tuple[Ints, int]:
    """Return whole numbers that sort as a column does, empty cells last, and how many there are."""
    if isinstance(values, np.ndarray) and values.dtype == object:
        values = texts(values)
    if isinstance(values, Words):
        words = values.words
        if len(words) == 1 and (values.codes == 0).all():
            return np.zeros(len(values.codes), dtype=np.int64), 1
        if (values.ordered or _in_order(words)) and (values.codes >= 0).all():
            return values.codes.astype(np.int64), len(words)
        place = np.arange(len(words) + 1)
        if not values.ordered and not _in_order(words):
            order = sorted(range(len(words)), key=words.__getitem__)
            place[order] = np.arange(len(words))
        return place[values.codes], len(words) + 1  # an empty cell has the place behind all words
    if isinstance(values, np.ndarray) or not values.isna().any():
        numbers = np.asarray(values, dtype=np.int64)
        low = int(numbers.min(initial=0))
        return (numbers - low if low else numbers), int(numbers.max(initial=0)) - low + 1
    numbers, missing = np.asarray(values.fillna(0), dtype=np.int64), np.asarray(values.isna())
    low = int(numbers.min(initial=0))
    size = int(numbers.max(initial=0)) - low + 2
    return np.where(missing, size - 1, numbers - low), size


def _in_order(words: Sequence[str]) -> bool:
    """Return whether words are in the order of text, none of them twice."""
    return all(one < other for one, other in itertools.pairwise(words))


def _order(ranks: Sequence[tuple[Ints, int]]) -> tuple[Ints | None, bool]:
    """Return the order that sorts by columns, None if sorted already, and if any row is double."""
    size = 1
    for _, n in ranks:
        size *= n
    columns = [rank for rank, n in ranks if n > 1] or [ranks[0][0]]
    if size >= LARGEST_KEY:
        order = np.lexsort(columns[::-1])
        same = np.ones(max(len(order) - 1, 0), dtype=bool)
        for column in columns:
            same &= column[order][1:] == column[order][:-1]
        return order, bool(same.any())
    key = columns[0].astype(np.int64)
    for rank, n in [(rank, n) for rank, n in ranks if n > 1][1:]:
        key *= n
        key += rank
    if (key[1:] >= key[:-1]).all():
        return None, bool((key[1:] == key[:-1]).any())
    order = np.argsort(key, kind="stable")
    return order, bool((np.diff(key[order]) == 0).any())


def _taken(values: Any, order: Ints) -> Any:
    """Return the cells in another order."""
    return values.at(order) if isinstance(values, Words) else values[order]


def _held(values: Any, known: KnownWords) -> Any:
    """Return a column as its table holds it."""
    if isinstance(values, Words):
        if id(values.words) not in known:
            found = pd.arrays.StringArray(np.array(values.words, dtype=object))
            known[id(values.words)] = (values.words, found)
        codes = values.codes.astype(np.intp, copy=False)
        return known[id(values.words)][1].take(codes, allow_fill=bool((codes < 0).any()))
    if isinstance(values, np.ndarray) and values.dtype == object:
        return pd.arrays.StringArray(values)
    return values


def _fits(values: Any, column: Any) -> bool:
    """Return whether a column meets its schema at first sight; if not, pandera says why."""
    if isinstance(values, Words):
        if not column.nullable and (values.codes < 0).any():
            return False
        return all(
            stated.name == "isin" and _allowed(values, stated.statistics["allowed_values"])
            for stated in column.checks
        )
    if not column.nullable and pd.isna(values).any():
        return False
    if not column.checks:
        return True
    if isinstance(values, pd.api.extensions.ExtensionArray):
        known = ~values.isna()
        values = np.asarray(values if known.all() else values[known], dtype=np.int64)
    return bool(values.dtype != object) and breaks_none(values, column)


def _allowed(words: Words, allowed: Sequence[str]) -> bool:
    """Return whether every word that a cell has is one of those allowed."""
    wrong = np.array([word not in allowed for word in words.words], dtype=bool)
    return not wrong.any() or not np.append(wrong, False)[words.codes].any()


def whole_numbers(values: Ints, known: Bools) -> Any:
    """Return whole numbers, empty where unknown."""
    known = np.asarray(known)
    return pd.arrays.IntegerArray(np.where(known, values, 0).astype(np.int64, copy=False), ~known)


def truths(values: Bools, known: Bools) -> Any:
    """Return truths, empty where unknown."""
    return pd.arrays.BooleanArray(np.asarray(values & known), ~np.asarray(known))
