"""Tables as one XLSX workbook in which no cell is ever a formula or a link."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from measurement.table import TableError
from sumdiam.export.table_file import written_whole

_CREATED = dt.datetime(2000, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None)
_MOST_ROWS = 1_048_576
_LONGEST_TEXT = 32_000
_CUT = " [cut; the CSV holds the whole text]"


def write_workbook(tables: Mapping[str, pd.DataFrame], path: Path) -> Path:
    """Write each table as one sheet: dates as dates, numbers as numbers, all else as text.

    Parameters
    ----------
    tables : sheet name -> DataFrame
        Sheets come in this order.

    Raises
    ------
    TableError
        If a table has more rows than a sheet holds.

    Notes
    -----
    A text that begins with ``=``, ``+``, ``-`` or ``@`` stays text: a spreadsheet must not
    execute what an archive happened to contain. The date of creation is constant, so that equal
    tables give equal bytes.
    """
    for name, frame in tables.items():
        if len(frame) >= _MOST_ROWS:
            msg = f"sheet {name}: {len(frame)} rows, XLSX holds {_MOST_ROWS - 1}. Use the Parquet."
            raise TableError(msg)
    with written_whole(path) as draft:
        options = {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        with xlsxwriter.Workbook(str(draft), options) as book:
            book.set_properties({"created": _CREATED, "comments": "Research use only"})
            formats = {
                "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True}),
                "day": book.add_format({"num_format": "yyyy-mm-dd"}),
                "text": book.add_format({"num_format": "@"}),
            }
            for name, frame in tables.items():
                _fill(book.add_worksheet(name[:31]), frame, formats)
    return path


def _fill(sheet: Any, frame: pd.DataFrame, formats: dict[str, Any]) -> None:
    """Write header and cells of one sheet, freeze the header, set filter and widths."""
    for number, name in enumerate(frame.columns):
        sheet.write_string(0, number, str(name), formats["head"])
        widest = _write_column(sheet, number, frame[name], formats)
        sheet.set_column(number, number, min(max(widest, 0.7 * len(str(name)), 7) + 2, 42))
    sheet.freeze_panes(1, 0)
    if len(frame.columns):
        sheet.autofilter(0, 0, max(len(frame), 1), len(frame.columns) - 1)


def _write_column(
    sheet: Any,
    number: int,
    column: pd.Series[Any],
    formats: dict[str, Any],
) -> int:
    """Write the cells of one column by its type; return the width of the widest in characters."""
    kind = str(column.dtype).lower()
    widest = 0
    for row, value in enumerate(column.tolist(), 1):
        if pd.isna(value):
            continue
        if kind.startswith("datetime64"):
            sheet.write_datetime(row, number, value.to_pydatetime(), formats["day"])
            widest = 10
        elif kind in {"boolean", "bool"}:
            sheet.write_boolean(row, number, bool(value))
            widest = max(widest, 5)
        elif kind.startswith(("int", "uint", "float")) and math.isfinite(value):
            sheet.write_number(row, number, value)
            widest = max(widest, min(len(repr(value)), 12))
        else:
            text = str(value)
            if len(text) > _LONGEST_TEXT:
                text = text[:_LONGEST_TEXT] + _CUT
            sheet.write_string(row, number, text, formats["text"])
            widest = max(widest, len(text))
    return widest
