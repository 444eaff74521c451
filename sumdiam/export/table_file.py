"""Tables as files: Parquet for programs, CSV for people, the same bytes for the same table."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from measurement.table import TableError, to_text

TABLE_SUFFIXES = (".csv", ".parquet")
_MUST_QUOTE = frozenset('",\r\n')


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Hand out a temporary path beside the final one and move it there when complete.

    A run that is killed leaves the old file or the new one, never half of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_table(frame: pd.DataFrame, stem: Path) -> tuple[Path, Path]:
    """Write one table as ``stem.parquet`` (typed) and ``stem.csv`` (for people).

    Parameters
    ----------
    frame : DataFrame
        Of the five types of `measurement.table`: text, whole number, truth, float, day.
    stem : Path
        Without a suffix; its folder is made.

    Returns
    -------
    (Path, Path)
        The Parquet and the CSV file.

    Notes
    -----
    Equal tables give equal bytes: fixed compression, no pandas metadata (it names versions of
    libraries), no clock, no index.
    """
    parquet, text = _beside(stem, ".parquet"), _beside(stem, ".csv")
    with written_whole(parquet) as draft:
        pq.write_table(_arrow(frame), draft, compression="zstd", version="2.6", store_schema=False)
    with written_whole(text) as draft:
        draft.write_bytes(csv_bytes(frame))
    return parquet, text


def write_one(frame: pd.DataFrame, path: Path) -> None:
    """Write one table in the form that the name of its file asks for (`TABLE_SUFFIXES`)."""
    with written_whole(path) as draft:
        if path.suffix.lower() == ".csv":
            draft.write_bytes(csv_bytes(frame))
        else:
            pq.write_table(
                _arrow(frame), draft, compression="zstd", version="2.6", store_schema=False
            )


def read_table(stem: Path) -> pd.DataFrame:
    """Return the table that `write_table` wrote, with the types it had.

    Raises
    ------
    TableError
        If there is no such file.
    """
    path = _beside(stem, ".parquet")
    if not path.is_file():
        msg = f"{path.name}: no such table in {path.parent}. Run `sumdiam run` again to make it."
        raise TableError(msg)
    table = pq.read_table(path)
    return pd.DataFrame({name: _pandas(table.column(name)) for name in table.column_names})


def csv_bytes(frame: pd.DataFrame) -> bytes:
    r"""Return a table as UTF-8 CSV: header, ``\n`` line ends, quotes only where needed."""
    cells = to_text(frame)
    rows = zip(*(cells[name].tolist() for name in cells.columns), strict=True)
    lines = [",".join(_quoted(str(name)) for name in cells.columns)]
    lines += [",".join(_quoted(str(cell)) for cell in row) or '""' for row in rows]
    return ("\n".join(lines) + "\n").encode()


def _beside(stem: Path, suffix: str) -> Path:
    """Add a suffix to a stem that may itself hold dots."""
    return stem.with_name(stem.name + suffix)


def _quoted(cell: str) -> str:
    """Quote a cell where CSV needs it; the csv module forgets a lone carriage return."""
    return '"' + cell.replace('"', '""') + '"' if _MUST_QUOTE.intersection(cell) else cell


def _arrow(frame: pd.DataFrame) -> pa.Table:
    """Return an Arrow table with one fixed type per kind of column and no metadata."""
    columns = {}
    for name in frame.columns:
        column = frame[name]
        kind = _arrow_type(column)
        values = column.astype("string") if kind == pa.string() else column
        columns[str(name)] = pa.array(values, type=kind, from_pandas=True)
    return pa.table(columns)


def _arrow_type(column: pd.Series[Any]) -> pa.DataType:
    """Return the Arrow type of a column of one of the five types."""
    kind = str(column.dtype)
    if kind.startswith("datetime64"):
        return pa.date32()
    if kind.lower() == "boolean" or kind == "bool":
        return pa.bool_()
    if kind.lower().startswith(("int", "uint")):
        return pa.int64()
    return pa.float64() if kind.lower().startswith("float") else pa.string()


def _pandas(column: pa.ChunkedArray) -> pd.Series[Any]:
    """Return a column with the type that tables use for it."""
    if pa.types.is_date(column.type):
        return pd.Series(pd.to_datetime(pd.Series(column.to_pylist(), dtype=object))).astype(
            "datetime64[ns]"
        )
    names: list[tuple[Any, str]] = [
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_integer, "Int64"),
        (pa.types.is_floating, "float64"),
    ]
    dtype = next((name for is_kind, name in names if is_kind(column.type)), "string")
    return pd.Series(column.to_pylist(), dtype=dtype)
