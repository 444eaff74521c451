"""The cells of a printed paper, as a checked table: the door of the consistency check."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import pandas as pd

from stats.printed_number import PrintedCell, PrintedNumber, PrintedNumberError, read_cell

COLUMNS: Final = (
    "table", "variable", "level", "arm", "n", "statistic", "printed", "test", "partition",
    "excludes",
)  # fmt: skip
STATISTICS: Final = ("k", "percent", "ci_low", "ci_high", "estimate", "p")
TRUE: Final = frozenset({"true", "yes", "1", "t", "y"})
FALSE: Final = frozenset({"", "false", "no", "0", "f", "n"})
OVERALL: Final = frozenset({"", "overall", "total", "all", "all patients"})
_MISSING_LEVEL: Final = re.compile(
    r"(?:missing|unknown|unavailable|no data|not (?:known|reported|available|recorded))\b.*|"
    r"na|n/a|nr"
)
_NO_COUNT: Final = re.compile(
    r"surviv|free|\b(?:os|pfs|ttp|dfs|rfs|efs)\b|kaplan|incidence|hazard|median|mean\b|change|depth|"
    r"\bdpr\b|shrinkage of|(?:at|after|by) \d+|\d+[- ]?(?:year|month|week|day)"
)
MAX_NAMED: Final = 5


class PrintedTableError(ValueError):
    """A table of printed cells cannot be checked as handed in."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cell stands; names as compared (spaces and capitals evened out)."""

    table: str
    variable: str
    level: str
    arm: str

    def at(self, *, level: str | None = None, arm: str | None = None) -> Place:
        """Return the place in another level or arm."""
        return Place(
            self.table,
            self.variable,
            self.level if level is None else level,
            self.arm if arm is None else arm,
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a row. A row such as ``61 (83.6)`` has more than one; ``own`` marks its own."""

    row: int
    place: Place
    n: int | None
    statistic: str
    number: PrintedNumber
    test: str
    own: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the input as it was handed in, with what could not be read of it."""

    line: int
    place: Place
    names: tuple[str, str, str]
    n: int | None
    statistic: str
    printed: str
    partition: bool
    excludes: tuple[str, ...]
    problem: str


@dataclass(frozen=True, slots=True)
class Printed:
    """All rows of a paper and their numbers."""

    rows: tuple[Row, ...]
    cells: tuple[Cell, ...]


def read_printed(frame: pd.DataFrame) -> Printed:
    """Check a table of printed cells and read its numbers.

    Parameters
    ----------
    frame : DataFrame of text, one row per printed cell
        Columns of `COLUMNS`; others, such as remarks, are passed over. Messages name a row by its
        index + 2, as a spreadsheet numbers it.

    Raises
    ------
    PrintedTableError
        For missing columns, no row, and cells of ``n``, ``statistic``, ``partition``
        that are none. All faults are told, the first few with their rows.
    """
    text = _text(frame)
    lines = [int(i) + 2 if isinstance(i, int) else n + 2 for n, i in enumerate(frame.index)]
    faults: list[str] = []
    rows: list[Row] = []
    cells: list[Cell] = []
    for index, values in enumerate(text.to_dict("records")):
        given = {str(name): str(value) for name, value in values.items()}
        row, found = _row(index, lines[index], given, faults)
        rows.append(row)
        cells.extend(found)
    if faults:
        more = f" And {len(faults) - MAX_NAMED} more." if len(faults) > MAX_NAMED else ""
        raise PrintedTableError(" ".join(faults[:MAX_NAMED]) + more)
    return _in_series(rows, cells)


def _in_series(rows: list[Row], cells: list[Cell]) -> Printed:
    """Part a second estimate of one place, with its limits and p, from the first.

    Univariable and multivariable ratios often stand side by side under one name: the second of
    each statistic belongs to the second estimate.
    """
    estimates = Counter(row.place for row in rows if row.statistic == "estimate")
    seen: Counter[tuple[Place, str]] = Counter()
    moved: dict[int, Place] = {}
    for index, row in enumerate(rows):
        if row.statistic in {"k", "percent"} or estimates[row.place] < 2:
            continue
        turn = seen[row.place, row.statistic]
        seen[row.place, row.statistic] += 1
        if turn:
            moved[index] = replace(row.place, table=f"{row.place.table} ({turn + 1})")
    return Printed(
        tuple(replace(r, place=moved.get(i, r.place)) for i, r in enumerate(rows)),
        tuple(replace(c, place=moved.get(c.row, c.place)) for c in cells),
    )


def evened(name: str) -> str:
    """Return a name for comparison: one kind of space and dash, small letters."""
    one = unicodedata.normalize("NFKC", name).replace("≥", ">=").replace("≤", "<=")
    one = re.sub("[\u2010-\u2015\u2212]", "-", one)
    one = re.sub(r"([<>=])\s+", r"\1", one)
    return re.sub(r"\s+", " ", one).strip().casefold()


def _text(frame: pd.DataFrame) -> pd.DataFrame:
    """Return all columns as text, or refuse the header."""
    text = frame.copy()
    text.columns = [str(name).strip().casefold() for name in frame.columns]
    double = sorted({name for name in text.columns if list(text.columns).count(name) > 1})
    if double:
        msg = f"column {', '.join(double)} is there twice. Keep one."
        raise PrintedTableError(msg)
    lacking = [name for name in COLUMNS if name not in text.columns]
    if lacking:
        others = [name for name in text.columns if name not in COLUMNS]
        near = [
            f"{name} ({close[0]!r}?)"
            if (close := difflib.get_close_matches(name, others, 1))
            else name
            for name in lacking
        ]
        msg = (
            f"column {', '.join(near)} is missing. Needed are {', '.join(COLUMNS)}; cells of test, "
            "partition, excludes, level and arm may be empty."
        )
        raise PrintedTableError(msg)
    if not len(text):
        msg = "a header and no row: nothing to check. Is it the right file?"
        raise PrintedTableError(msg)
    for name in COLUMNS:
        text[name] = text[name].astype("string").fillna("").str.strip()
    return text[list(COLUMNS)]


def _row(index: int, line: int, given: dict[str, str], faults: list[str]) -> tuple[Row, list[Cell]]:
    """Return one row and its numbers; add what is wrong with it to the faults."""
    where = f"row {line}:"
    statistic = given["statistic"].casefold()
    if statistic not in STATISTICS:
        faults.append(
            f"{where} statistic {given['statistic']!r} is not known. It is one of "
            f"{', '.join(STATISTICS)}."
        )
    n = _whole(given["n"])
    if given["n"] and n is None:
        faults.append(f"{where} n {given['n']!r} is not a whole number of subjects.")
    partition = given["partition"].casefold()
    if partition not in TRUE | FALSE:
        faults.append(f"{where} partition {given['partition']!r} is neither true nor false.")
    if not given["variable"]:
        faults.append(f"{where} variable is empty. Write what the row is about.")
    names = (given["variable"], given["level"], given["arm"])
    arm = evened(given["arm"])
    place = Place(
        evened(given["table"]),
        evened(given["variable"]),
        evened(given["level"]),
        "" if arm in OVERALL else arm,
    )
    problem, numbers = "", {}
    try:
        read = read_cell(given["printed"], whole=statistic == "k")
        numbers = _numbers(statistic, read, n) if read else {}
        if read and statistic in STATISTICS and statistic not in numbers:
            problem = f"{given['printed']!r} holds no {statistic}"
    except PrintedNumberError as error:
        problem = str(error)
    row = Row(
        line,
        place,
        names,
        n,
        statistic,
        given["printed"],
        partition in TRUE,
        tuple(part.strip() for part in given["excludes"].split(";") if part.strip()),
        problem,
    )
    cells = [
        Cell(index, place, n, kind, number, given["test"], own=kind == statistic)
        for kind, number in numbers.items()
    ]
    return row, [] if problem else cells


def _whole(text: str) -> int | None:
    """Return a whole number >= 0, also one written 177.0 or 1,234; None if it is none."""
    plain = re.sub(r"(?<=\d)[,\u00a0\u2009\u202f ](?=\d{3}(?!\d))", "", text)
    found = re.fullmatch(r"(?:n\s*=\s*)?(\d{1,12})(?:\.0*)?", plain, re.IGNORECASE)
    return int(found[1]) if found else None


def _numbers(statistic: str, read: PrintedCell, n: int | None) -> dict[str, PrintedNumber]:
    """Return the numbers of a cell by what they are, given what the row says it prints."""
    parts: dict[str, PrintedNumber | None] = {}
    if statistic == "k":
        parts = {"k": read.first, "percent": read.bracket, "total": read.total}
    elif statistic == "percent":
        parts = _percent_parts(read)
    elif statistic == "estimate":
        parts = {"estimate": read.first, "ci_low": read.low, "ci_high": read.high}
    elif statistic in {"ci_low", "ci_high"}:
        side = read.low if statistic == "ci_low" else read.high
        pair = read.low is not None or read.high is not None
        parts = {statistic: side if pair else read.first}
    elif statistic == "p":
        parts = {"p": read.first}
    if parts.get("total") is not None and n is None:
        del parts["total"]
    return {kind: number for kind, number in parts.items() if number is not None}


def _percent_parts(read: PrintedCell) -> dict[str, PrintedNumber | None]:
    """Tell percentage and count apart in ``61 (83.6)``, ``83.6% (61/73)``, ``83.6 (73.0-91.2)``."""
    first, bracket = read.first, read.bracket
    interval = {"ci_low": read.low, "ci_high": read.high}
    if bracket is None:
        return {"percent": first, **interval}
    counted = first is not None and first.unit == 1 and not read.first_is_percent
    if counted:
        return {"percent": bracket, "k": first, "total": read.total, **interval}
    k = bracket if bracket.unit == Fraction(1) else None
    return {"percent": first, "k": k, "total": read.total, **interval}


def means_missing(level: str) -> bool:
    """Whether a level (evened) counts those whose value is not known."""
    return bool(_MISSING_LEVEL.fullmatch(level))


def is_no_count(place: Place) -> bool:
    """Whether a percentage is named as a rate over time or a change, which is no k of n."""
    return bool(_NO_COUNT.search(f"{place.variable} {place.level}"))


def listed(names: Iterable[str]) -> str:
    """Write names as a list, the first few of many."""
    every = list(names)
    more = f" and {len(every) - MAX_NAMED} more" if len(every) > MAX_NAMED else ""
    return ", ".join(every[:MAX_NAMED]) + more
