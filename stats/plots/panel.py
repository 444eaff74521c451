"""Panels side by side, below their key: places in inches, so that nothing is laid out twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stats.plots.lettering import (
    AWAY,
    KEY_SIZE,
    LINE,
    SWATCH,
    KeyEntry,
    broken,
    rows_of_key,
    width_of,
    write_key,
)

RIGHT: Final = 0.15
TOP: Final = 0.08
TITLE: Final = 0.27
TITLE_LINE: Final = 0.165
PANEL_SIZE: Final = 9.0
"""Points of the letters above a panel."""


def panels_below_key(
    titles: Sequence[str],
    *,
    key: Sequence[KeyEntry],
    x_label: str,
    y_label: str,
    title: str,
    width: float,
    body: float,
    left: float,
    foot: float,
    gap: float = 0.25,
    shares: Sequence[float] | None = None,
    one_scale: bool = True,
) -> tuple[Figure, list[Axes]]:
    """Return a figure with one axes per title.

    Parameters
    ----------
    titles : sequence of str
        Above the panels; broken into lines where a panel is narrower.
    key : sequence of KeyEntry
        Right-aligned above the panels, in as many rows as it needs.
    x_label, y_label, title : str
    width, body, left, foot, gap : float
        Inches: of the figure, and of its axes' height, the room left of and below them (tick labels
        and the label of the axis), and between them.
    shares : sequence of numbers, optional
        How wide the panels are to each other; alike without it.
    one_scale : bool
        The panels share their y axis, with its ticks and their words, which only the first shows.
    """
    room = width - left - RIGHT
    parts = shares or [1.0] * len(titles)
    whole = room - gap * (len(titles) - 1)
    widths = [whole * part / sum(parts) for part in parts]
    lines = [broken(words, wide, PANEL_SIZE) for words, wide in zip(titles, widths, strict=True)]
    rows = rows_of_key(key, width - 2 * RIGHT)
    above = TOP + (TITLE if title else 0.0) + LINE * len(rows)
    head = above + 0.1 + TITLE_LINE * max(len(one) for one in lines)
    height = head + body + foot
    figure = Figure(figsize=(width, height))
    panels: list[Axes] = []
    x = left
    for words, wide in zip(lines, widths, strict=True):
        place = (x / width, foot / height, wide / width, body / height)
        axes = figure.add_axes(place, sharey=panels[0] if panels and one_scale else None)
        axes.tick_params(labelleft=not (panels and one_scale))
        axes.set_title("\n".join(words), loc="left", fontsize=PANEL_SIZE, y=1.0, pad=4.0)
        panels.append(axes)
        x += wide + gap
    if title:
        figure.text(
            left / width, 1 - (TOP + 0.1) / height, title, fontsize=10, fontweight="bold",
            va="center",
        )  # fmt: skip
    used = max((_end(row) for row in rows), default=0.0)
    write_key(figure, rows, width - RIGHT - used, TOP + (TITLE if title else 0.0))
    figure.text((left + room / 2) / width, 0.14 / height, x_label, fontsize=9, ha="center",
                va="center")  # fmt: skip
    figure.text(0.08 / width, (foot + body / 2) / height, y_label, fontsize=9, rotation=90,
                ha="left", va="center", multialignment="center")  # fmt: skip
    return figure, panels


def _end(row: Sequence[tuple[float, KeyEntry, str]]) -> float:
    """Return where a row of a key ends, in inches from its left."""
    return max(at + SWATCH + AWAY + width_of(words, KEY_SIZE) for at, _, words in row)
