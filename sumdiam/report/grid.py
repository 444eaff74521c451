"""Tables of the page: cells that may link, be highlighted or carry a sort key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Link:
    """A word that leads to another place of the page."""

    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell.

    ``kind`` is a CSS class, ``sort`` the value that sorting goes by, ``target`` an anchor that the
    text leads to, ``notes`` are small lines below the text, ``anchor`` makes it a place to link to.
    """

    text: str
    kind: str = ""
    sort: str = ""
    links: tuple[Link, ...] = ()
    target: str = ""
    notes: tuple[str, ...] = ()
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class GridRow:
    """One row; an anchor makes it a place to link to."""

    cells: tuple[Cell, ...]
    kind: str = ""
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with its notes. ``missing`` says why there are no rows."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[GridRow, ...]
    notes: tuple[str, ...] = ()
    missing: str = ""
    sortable: bool = False
    numeric: tuple[int, ...] = field(default_factory=tuple)


def row_of(texts: Sequence[str | Cell], *, kind: str = "", anchor: str = "") -> GridRow:
    """Return a row from words and cells."""
    cells = tuple(one if isinstance(one, Cell) else Cell(one) for one in texts)
    return GridRow(cells, kind, anchor)


def anchor_of(kind: str, name: str) -> str:
    """Return an anchor that is safe in a URL and an id, and unlike for unlike names."""
    plain = "".join(c if c.isascii() and c.isalnum() else f"_{ord(c):x}_" for c in name)
    return f"{kind}-{plain}"
