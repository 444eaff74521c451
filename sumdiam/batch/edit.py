"""What a person changed in an earlier plan, masks or matches table, and how it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from measurement.table import TableError
from sumdiam.archive import reason
from sumdiam.archive.problem import Problem

AUTO = "auto"
PERSON = "person"
"""Who made an edit that names nobody."""
NOT_REPEATED = "-"
"""Cell of a table made by hand that need not repeat what follows from the archive."""
APPENDED = "appended"
"""Mark in ``automatic`` of a row that came to a table after a person had edited it."""

_ESCAPES = (("%", "%25"), (";", "%3B"), ("=", "%3D"))

Row = Mapping[str, str]


class EditError(TableError):
    """A person's edit cannot be kept: its data are gone, or it contradicts another edit."""


@dataclass(frozen=True, slots=True)
class Group:
    """Cells that are decided together, and the column that says by whom."""

    by: str
    cells: tuple[str, ...]


def write_automatic(cells: Mapping[str, str]) -> str:
    """Return the text of ``automatic``: ``phase=native;use=subtract``."""
    return ";".join(f"{_escaped(name)}={_escaped(cell)}" for name, cell in cells.items())


def read_automatic(text: str) -> dict[str, str]:
    """Return the cells that `write_automatic` wrote; parts that it did not write are skipped."""
    pairs = (part.split("=", 1) for part in text.split(";") if "=" in part)
    return {_plain(name): _plain(cell) for name, cell in pairs}


def edited_cells(previous: Row, automatic: Row | None, group: Group) -> list[str]:
    """Return the cells of a group in which an earlier row differs from what was automatic then.

    Where the earlier row does not say what was automatic, today's automatic row is taken.
    """
    then = read_automatic(previous.get("automatic", ""))
    now = automatic or {}
    return [
        name
        for name in group.cells
        if (name in then or name in now) and previous[name] != then.get(name, now.get(name, ""))
    ]


def person_of(previous: Row, automatic: Row | None, group: Group) -> str | None:
    """Return who decided a group of cells in an earlier row; None where nobody did."""
    by = previous[group.by]
    if by not in (AUTO, ""):
        return by
    return PERSON if edited_cells(previous, automatic, group) else None


def was_edited(rows: Iterable[Row], groups: Sequence[Group]) -> bool:
    """Return whether a person decided anything in a table."""
    return any(person_of(row, None, group) is not None for row in rows for group in groups)


def keep(
    automatic: dict[str, dict[str, str]],
    previous: Mapping[str, Row],
    group: Group,
    *,
    origin: str,
) -> list[Problem]:
    """Overwrite automatic cells, in place, with those that a person decided earlier.

    Parameters
    ----------
    automatic, previous : rows of text cells by key
    group : Group
        The cells to keep together.
    origin : str
        File name, for messages.

    Returns
    -------
    list of Problem
        One for every edit that does not say who made it.
    """
    problems = []
    for key, row in automatic.items():
        if key not in previous:
            continue
        before = previous[key]
        person = person_of(before, row, group)
        if person is None:
            continue
        if before[group.by] in (AUTO, ""):
            problems.append(_unnamed(key, before, row, group, origin=origin))
        row.update({name: before[name] for name in group.cells})
        row[group.by] = person
    return problems


def _unnamed(key: str, before: Row, row: Row, group: Group, *, origin: str) -> Problem:
    """Say that an edit without a name was kept."""
    changes = ", ".join(f"{name} {before[name]!r}" for name in edited_cells(before, row, group))
    return Problem(
        "edit_without_name",
        key,
        f"{origin} was edited ({changes}) while {group.by} says {AUTO}; the edit is kept as one "
        f"by {PERSON!r}. Write your id into {group.by}.",
    )


def unapplied(
    rows: Mapping[str, Row],
    previous: Mapping[str, Row],
    remedies: Mapping[str, str],
    *,
    origin: str,
) -> list[Problem]:
    """Return one problem per edited cell that cannot be edited in this table.

    Parameters
    ----------
    remedies : mapping
        Cells that follow from elsewhere, and where to change them instead.
    """
    return [
        Problem(
            "edit_not_applied",
            key,
            f"{name} was edited to {previous[key][name]!r} in {origin}; it cannot be changed "
            f"there. {remedy}",
        )
        for key in rows
        if key in previous
        for name, remedy in remedies.items()
        if name in (then := read_automatic(previous[key]["automatic"]))
        and previous[key][name] != then[name]
    ]


def unlike_files(
    rows: Mapping[str, Row], previous: Mapping[str, Row], columns: Sequence[str], *, origin: str
) -> list[Problem]:
    """Return one problem per edited cell of columns that only repeat what the files say."""
    return [
        Problem(
            "edit_not_applied",
            key,
            f"{name} was edited to {previous[key][name]!r} in {origin}; the files say "
            f"{rows[key][name]!r}, and only they can change it. Undo the edit.",
        )
        for key in rows
        if key in previous
        for name in columns
        if previous[key][name] not in ("", NOT_REPEATED, rows[key][name])
    ]


def moved_rows(
    rows: Mapping[str, Row], previous: Mapping[str, Row], remedy: str, *, origin: str
) -> list[Problem]:
    """Return what to say of rows that an earlier table lacks, and of those that name nothing.

    A deleted row cannot be told from new data, and is back; so both are said.
    """
    found = {
        "row_new": [key for key in rows if key not in previous],
        "row_gone": sorted(key for key in previous if key not in rows),
    }
    return [
        Problem(
            code,
            origin,
            f"{reason.sentence(code)} {remedy if code == 'row_new' else ''}".strip()
            + f" ({_some(keys)})",
        )
        for code, keys in found.items()
        if keys and previous
    ]


def _some(keys: Sequence[str]) -> str:
    """Name the first few keys."""
    return ", ".join(keys[:5]) + (f" and {len(keys) - 5} more" if len(keys) > 5 else "")


def gone_rows(
    automatic: Iterable[str],
    previous: Mapping[str, Row],
    groups: Sequence[Group],
) -> list[str]:
    """Return the keys of earlier rows that a person decided and whose data are no longer there."""
    here = set(automatic)
    return sorted(
        key for key, row in previous.items() if key not in here and was_edited([row], groups)
    )


def refuse_gone(keys: Sequence[str], *, origin: str, what: str) -> None:
    """Raise if rows that a person decided have lost their data."""
    if keys:
        msg = (
            f"{origin}: a person decided on {_some(keys)}, but the archive no longer holds "
            f"{'this ' + what if len(keys) == 1 else 'these ' + what + 's'}. "
            "Bring the data back, or remove the row."
        )
        raise EditError(msg)


def rows_by_key(frame: pd.DataFrame, key: str) -> dict[str, dict[str, str]]:
    """Return the rows of a text table by their key, in the order of the table."""
    return {
        str(row[key]): {str(name): str(cell) for name, cell in row.items()}
        for row in frame.to_dict("records")
    }


def _escaped(text: str) -> str:
    for mark, escape in _ESCAPES:
        text = text.replace(mark, escape)
    return text


def _plain(text: str) -> str:
    for mark, escape in reversed(_ESCAPES):
        text = text.replace(escape, mark)
    return text
