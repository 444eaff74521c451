"""A CSV file as text cells, or a clear reason why it is none."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd

from measurement.table import TableError

LARGEST_BYTES = 256 * 1024 * 1024
WIDE_ENCODINGS = (b"\xff\xfe", b"\xfe\xff")


def read_text(path: Path) -> pd.DataFrame:
    """Return the cells of a CSV file as strings, exactly as written; empty cells are ``""``.

    Parameters
    ----------
    path : Path
        UTF-8 (with or without BOM), comma, header row.

    Returns
    -------
    DataFrame of str
        One row per line that is not blank. The index is the line of the file, less 2 for the header
        and for counting from 0: messages name rows by ``index + 2``, as a spreadsheet shows them,
        however many lines are blank.

    Raises
    ------
    TableError
        If the file cannot be read, is empty, is not UTF-8, is not comma separated, has an empty
        or doubled column name, or a row that is longer or shorter than the header.
    """
    rows = list(_numbered_rows(_decoded(path), path.name))
    if not rows:
        msg = f"{path.name}: the file is empty. Write a header row and one row per entry."
        raise TableError(msg)
    header = [name.strip("\ufeff") for name in rows[0][1]]
    _check_header(header, path.name)
    for line, cells in rows[1:]:
        if len(cells) != len(header):
            msg = (
                f"{path.name}: line {line} has {len(cells)} cells, the header has {len(header)}. "
                "Put a cell that holds a comma in double quotes, or fill the row up with commas."
            )
            raise TableError(msg)
    index = pd.Index([line - 2 for line, _ in rows[1:]], dtype="int64")
    return pd.DataFrame([cells for _, cells in rows[1:]], index, columns=header, dtype=object)


def _decoded(path: Path) -> str:
    """Return the file's text, or say why it is not UTF-8 text."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            msg = f"{path.name}: larger than {LARGEST_BYTES // 2**20} MB. Is this the right file?"
            raise TableError(msg)
        raw = path.read_bytes()
    except OSError as error:
        msg = f"{path.name}: cannot be read ({error.strerror}). Check the path and its permissions."
        raise TableError(msg) from None
    if raw.startswith(b"PK\x03\x04"):
        msg = f"{path.name}: this is a workbook or zip file. Save it as CSV (UTF-8)."
        raise TableError(msg)
    if raw.startswith(WIDE_ENCODINGS) or b"\x00" in raw:
        msg = f"{path.name}: the file is not UTF-8 text (UTF-16?). Save it as CSV (UTF-8)."
        raise TableError(msg)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        msg = (
            f"{path.name}: line {line} holds a byte that is not UTF-8 (0x{raw[error.start]:02x}). "
            "Save the file as CSV (UTF-8)."
        )
        raise TableError(msg) from None


def _numbered_rows(text: str, origin: str) -> list[tuple[int, list[str]]]:
    """Return (number of its first line, cells) of every row that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows, line = [], 1
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                rows.append((line, cells))
            line = reader.line_num + 1  # a cell in quotes may go on over several lines
    except csv.Error as error:
        msg = (
            f"{origin}: line {reader.line_num}: {error}. "
            "Look for a double quote that is not closed or stands inside a cell."
        )
        raise TableError(msg) from None
    return rows


def _check_header(header: list[str], origin: str) -> None:
    """Refuse separators other than commas, and columns without a name or with the same one."""
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        msg = f"{origin}: the header {header[0][:60]!r} has no comma. Save the file with commas."
        raise TableError(msg)
    empty = [number for number, name in enumerate(header, start=1) if not name.strip()]
    if empty:
        msg = f"{origin}: column {empty[0]} has no name. Name it in the header row or remove it."
        raise TableError(msg)
    seen: dict[str, str] = {}
    for name in header:
        if name.strip() in seen:
            msg = f"{origin}: column {name.strip()!r} appears twice. Keep one of them."
            raise TableError(msg)
        seen[name.strip()] = name
