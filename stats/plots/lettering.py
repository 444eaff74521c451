"""How wide words are, how they break into lines, and the key above a figure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from stats.plots.style import INK

LINE: Final = 0.2
"""Height of a line of a key in inches."""
SWATCH: Final = 0.3
"""Width of a colour, line or mark of a key in inches."""
AWAY: Final = 0.08
BETWEEN: Final = 0.24
KEY_SIZE: Final = 8.5
"""Points."""

FIXED: Final = "\N{NO-BREAK SPACE}"


@lru_cache(maxsize=4096)
def width_of(words: str, size: float, *, bold: bool = False) -> float:
    """Return the width of words in inches."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    if not words:
        return 0.0
    weight = "bold" if bold else "normal"
    font = FontProperties(family="DejaVu Sans", weight=weight, size=size)
    measured = text_to_path.get_text_width_height_descent(words, font, ismath=False)
    return float(measured[0]) / 72


def broken(words: str, inches: float, size: float, *, bold: bool = False) -> list[str]:
    """Break words into lines that are no wider than so many inches.

    Parameters
    ----------
    words : str
        A word that is wider itself is broken within. No-break spaces hold words together and
        come back as spaces.
    inches, size : float
        Room, and points of the letters.
    """
    lines = [""]
    for word in words.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if width_of(longer, size, bold=bold) <= inches:
            lines[-1] = longer
            continue
        lines += [word] if lines[-1] else []
        lines[-1] = lines[-1] or word
        while width_of(lines[-1], size, bold=bold) > inches and len(lines[-1]) > 1:
            fits = _that_fit(lines[-1], inches, size, bold=bold)
            lines[-1:] = [lines[-1][:fits], lines[-1][fits:]]
    return [line.replace(FIXED, " ") for line in lines]


def name_with(group: str, numbers: str) -> str:
    """Return a group's name with its numbers, which stay in one line where the name breaks."""
    return f"{group} {numbers.replace(' ', FIXED)}".strip()


def _that_fit(word: str, inches: float, size: float, *, bold: bool) -> int:
    """Return how many letters of a word fit, one at least."""
    for n in range(len(word) - 1, 1, -1):
        if width_of(word[:n], size, bold=bold) <= inches:
            return n
    return 1


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One entry of a key: a filled box, a line (with a marker if it has one), or a mark alone."""

    label: str
    kind: Literal["box", "line", "mark"]
    colour: str
    marker: str = ""
    size: float = 6.0
    dash: Any = "-"
    width: float = 1.3


def rows_of_key(
    entries: Iterable[KeyEntry], inches: float
) -> list[list[tuple[float, KeyEntry, str]]]:
    """Lay a key out in rows: the place of each entry in inches from the left, and its words.

    Words that are wider than the whole room go on in the next row, without a swatch.
    """
    rows: list[list[tuple[float, KeyEntry, str]]] = [[]]
    x = 0.0
    for entry in entries:
        lines = broken(entry.label, inches - SWATCH - AWAY, KEY_SIZE)
        for i, words in enumerate(lines):
            wide = SWATCH + AWAY + width_of(words, KEY_SIZE)
            if rows[-1] and (i or x + wide > inches):
                rows.append([])
                x = 0.0
            rows[-1].append((x, entry if i == 0 else KeyEntry("", "mark", ""), words))
            x += wide + BETWEEN
    return [row for row in rows if row]


def write_key(
    figure: Figure, rows: Sequence[Sequence[tuple[float, KeyEntry, str]]], left: float, top: float
) -> None:
    """Draw the rows of a key from a place in inches: from the left, and from the top."""
    width, height = figure.get_size_inches()
    for i, row in enumerate(rows):
        y = (height - top - LINE * (i + 0.5)) / height
        for at, entry, words in row:
            x = left + at
            if entry.label:
                _swatch(figure, entry, (x / width, y), (SWATCH / width, 0.11 / height))
            place = (x + SWATCH + AWAY) / width
            figure.text(place, y, words, fontsize=KEY_SIZE, va="center")


def _swatch(
    figure: Figure, entry: KeyEntry, place: tuple[float, float], size: tuple[float, float]
) -> None:
    """Draw one colour, line or mark; places and sizes are shares of the figure."""
    (x, y), (wide, high) = place, size
    if entry.kind == "box":
        box = Rectangle(
            (x, y - high / 2), wide, high, facecolor=entry.colour, edgecolor=INK, linewidth=0.4
        )
        figure.add_artist(box)
        return
    mark: dict[str, Any] = {"marker": entry.marker or "None", "markersize": entry.size}
    if entry.kind == "mark":
        mark |= {"markeredgecolor": INK, "markeredgewidth": 0.8, "linestyle": "none"}
        line = Line2D([x + wide / 2], [y], color=entry.colour, **mark)
    else:
        ends = [x, x + wide / 2, x + wide] if entry.marker else [x, x + wide]
        more: dict[str, Any] = {"markevery": [1]} if entry.marker else {}
        line = Line2D(
            ends, [y] * len(ends), color=entry.colour, linestyle=entry.dash,
            linewidth=entry.width, **mark, **more,
        )  # fmt: skip
    figure.add_artist(line)
