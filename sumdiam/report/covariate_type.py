"""Which covariates are numbers and which are levels: as asked, as known, else by their values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import pandas as pd

from measurement.table import TableError
from stats.baseline_table import Kind, typed_cells

KINDS: Final[tuple[Kind, ...]] = ("continuous", "categorical")

KNOWN: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "ecog": "categorical",
        "albi_grade": "categorical",
        "albi_score": "continuous",
        "inr": "continuous",
        "n_tumours": "continuous",
        "age": "continuous",
        "afp": "continuous",
    }
)
"""Covariates whose kind their few values in a small trial do not tell."""

UNITS: Final = re.compile(
    r"_(years|months|weeks|days|mm|cm|ml|kg|m2|percent|g_l|g_dl|mg_dl|umol_l|ng_ml|u_l|gy|gbq|mbq)$"
)
"""A name that ends in a unit is a number's."""

LEVELS: Final = re.compile(
    r"(^|_)(site|centre|center|hospital|country|code|stage|grade|class|group|category|type)($|_)"
)
"""A name with such a word is that of levels, also where they are written as numbers."""
MOST_CODES: Final = 12


def asked_types(words: Sequence[str], columns: Sequence[str]) -> dict[str, Kind]:
    """Return the kinds that a person asked for, each as ``NAME=continuous|categorical``.

    Raises
    ------
    TableError
        For a word of another form, or a column that is not there.
    """
    found: dict[str, Kind] = {}
    for word in words:
        name, _, kind = (part.strip() for part in word.rpartition("="))
        if not name or kind not in KINDS:
            msg = f"covariate_type {word!r}: write NAME=continuous or NAME=categorical."
            raise TableError(msg)
        if name not in columns:
            msg = (
                f"covariate_type: the subject table has no covariate {name}. "
                f"It has {', '.join(columns) or 'none'}."
            )
            raise TableError(msg)
        found[name] = "continuous" if kind == "continuous" else "categorical"
    return found


def covariate_types(rows: pd.DataFrame, asked: Mapping[str, Kind]) -> dict[str, Kind]:
    """Return the kinds of covariates that are asked for or known; the others are told by values.

    Parameters
    ----------
    rows : DataFrame
        Covariates alone, as text.
    asked : name -> kind

    Raises
    ------
    TableError
        If a column is asked to be continuous but holds a word.
    """
    found: dict[str, Kind] = {}
    for name in map(str, rows.columns):
        if name in asked:
            found[name] = asked[name]
            if asked[name] == "continuous":
                _refuse_words(name, rows[name])
            continue
        kind = _known(name)
        as_number = typed_cells(rows[name], "continuous")[1] == ""
        if as_number and (kind == "continuous" or rows[name].nunique() <= MOST_CODES) and kind:
            found[name] = kind
    return found


def _known(name: str) -> Kind | None:
    """Return the kind that a column's name tells."""
    if name in KNOWN:
        return KNOWN[name]
    if UNITS.search(name):
        return "continuous"
    return "categorical" if LEVELS.search(name) else None


def _refuse_words(name: str, cells: pd.Series[str]) -> None:
    """Refuse a column that holds a word where numbers are asked for."""
    words = cells.astype("string")
    odd = words[words.notna() & pd.to_numeric(words, errors="coerce").isna()]
    if len(odd):
        msg = (
            f"covariate_type {name}=continuous: {odd.iloc[0]!r} is no number. Correct the cell, or "
            "call the covariate categorical."
        )
        raise TableError(msg)
