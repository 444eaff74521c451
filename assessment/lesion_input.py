"""The door for lesion tables that people bring: text in, typed lesions out, rounded once."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pandas as pd

from measurement.lesion_table import Lesions
from measurement.table import TableError, columns_of, parse_text

REQUIRED = ("subject_id", "lesion_id", "timepoint", "site")
STEPS = {"_mm": "0.1", "_mm2": "0.01", "_ml": "0.01", "_hu": "0.1"}
LARGEST = {"_mm": 2000, "_mm2": 4_000_000, "_ml": 100_000, "_hu": 20_000}
"""No lesion, and no sum of five, is larger; a value beyond is a slip or has another unit."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
LENGTH_OR_STATUS = (
    "viable_diameter_mm", "whole_diameter_mm", "node_short_axis_mm", "viable_volume_ml",
    "whole_volume_ml", "status",
)  # fmt: skip


def read_lesions(text: pd.DataFrame, origin: str, *, length_step_mm: str = "0.1") -> pd.DataFrame:
    """Return a lesion table from text cells, with the defaults of the published tables.

    Parameters
    ----------
    text : DataFrame
        As read by `pandas.read_csv(dtype=str, keep_default_na=False)`. Numbers, truths, dates and
        categories count as they would be written; ids that are numbers have no leading zeros any
        more. Required are subject_id, lesion_id, timepoint, site, and one length or the status.
    origin : str
        The file's name, for messages.
    length_step_mm : str
        Lengths are rounded to this, half up from the written digits. This is the only rounding.

    Raises
    ------
    TableError
        On unknown or missing columns, cells that are not what their column holds, doubled keys.
    """
    text = _as_text(text, origin)
    known = columns_of(Lesions)
    if set(text.columns) <= set(known) and not any(n in text.columns for n in LENGTH_OR_STATUS):
        msg = (
            f"{origin}: no length and no status. Give one of {', '.join(LENGTH_OR_STATUS)}; "
            "mRECIST measures viable_diameter_mm in the liver, RECIST 1.1 whole_diameter_mm."
        )
        raise TableError(msg)
    cells = _rounded(text, length_step_mm, origin)
    if "site" in cells and "organ" not in cells:
        cells["organ"] = ""
    if "site" in cells:
        empty = cells["organ"].astype(str).str.strip() == ""
        liver = cells["site"].astype(str).str.strip() == "hepatic"
        organ = cells["organ"].astype(str)
        cells["organ"] = organ.mask(empty & liver, "liver").mask(empty & ~liver, "unspecified")
    return parse_text(
        cells, Lesions, origin=origin, required=REQUIRED, defaults={"reader": "1", "node": "none"}
    )


def _as_text(table: pd.DataFrame, origin: str) -> pd.DataFrame:
    """Return a table whose cells are all text, written as a CSV file of it has them."""
    for name in table.columns[table.columns.duplicated()]:
        count = int((table.columns == name).sum())
        msg = f"{origin}: {count} columns are named {name}. Rename or remove, and keep one."
        raise TableError(msg)
    return pd.DataFrame(
        {name: _text_cells(table[name], origin) for name in table.columns}, index=table.index
    )


def _text_cells(column: pd.Series[Any], origin: str) -> pd.Series[Any]:
    """Write the cells of a column."""
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=False) == "string":
        return column
    if isinstance(column.dtype, pd.CategoricalDtype):
        words = np.array([*map(_written, column.cat.categories), ""], dtype=object)
        return pd.Series(words[column.cat.codes.to_numpy()], index=column.index)
    cells = list(column.array)  # of its own precision: as objects, single floats become double
    for row, cell in enumerate(cells):
        if not pd.api.types.is_scalar(cell):
            msg = (
                f"{origin}: row {row + 2}, column {column.name}: a {type(cell).__name__} is no "
                "cell. Write one number, word or date into it."
            )
            raise TableError(msg)
    return pd.Series([_written(cell) for cell in cells], index=column.index, dtype=object)


def _written(cell: Any) -> str:
    """Write one cell: ISO dates, true and false, the shortest digits of a number."""
    if isinstance(cell, str):
        return cell
    if cell is None or pd.isna(cell):
        return ""
    if isinstance(cell, bool | np.bool_):
        return "true" if cell else "false"
    if isinstance(cell, dt.date | np.datetime64):
        return pd.Timestamp(cell).date().isoformat()
    if isinstance(cell, float | np.floating):
        return str(cell).removesuffix(".0")
    return str(cell)


def _rounded(text: pd.DataFrame, length_step_mm: str, origin: str) -> pd.DataFrame:
    """Round measured columns half up from their digits; leave what is no number to the parser."""
    steps = STEPS | {"_mm": length_step_mm}
    cells = text.copy()
    known = set(columns_of(Lesions))
    for name in cells.columns:
        suffix = "_" + name.rsplit("_", 1)[-1]
        if name in known and suffix in steps and name != "slice_thickness_mm":
            unique = {cell: _round_cell(str(cell), steps[suffix]) for cell in cells[name].unique()}
            _refuse_impossible(cells[name], unique, LARGEST[suffix], origin)
            cells[name] = cells[name].map(unique)
    return cells


def _round_cell(cell: str, step: str) -> str:
    """Round one cell's digits half up to a multiple of the step."""
    if not NUMBER.fullmatch(cell.strip()):
        return cell
    unit = Decimal(step)
    return str((Decimal(cell.strip()) / unit).quantize(0, rounding=ROUND_HALF_UP) * unit)


def _other_number(cell: str) -> bool:
    """Return whether a cell reads as a number that nobody measures: infinite, or 1e-400."""
    try:
        return not math.isnan(float(cell))
    except ValueError:
        return False


def _refuse_impossible(
    column: pd.Series[str], rounded: Mapping[str, str], largest: int, origin: str
) -> None:
    """Refuse sizes that no lesion has: infinite, too large, or rounded up to 0 from below."""
    sizes = not str(column.name).endswith("_hu")
    for cell, made in rounded.items():
        plain = cell.strip()
        if not NUMBER.fullmatch(plain):
            wrong = _other_number(plain)  # what is no number at all is left to the parser
        else:
            below = sizes and Decimal(plain) < 0
            wrong = below or abs(Decimal(made)) > largest
        if wrong:
            row = int((column == cell).idxmax())
            least = 0 if sizes else -largest
            msg = (
                f"{origin}: row {row + 2}, column {column.name}: {cell!r} is not from {least} to "
                f"{largest}. Correct the cell (is it in the column's unit?), or leave it empty if "
                "it is not known."
            )
            raise TableError(msg)
