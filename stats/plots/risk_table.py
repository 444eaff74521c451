"""Numbers at risk below the time axis of a figure, one line per group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from matplotlib.axes import Axes

from stats.plots.lettering import broken, width_of
from stats.plots.style import GROUP_COLOURS
from stats.survival import Floats, Whole

AWAY: Final = 0.2
"""Inches from the first number's middle to the names."""
NAME_SIZE: Final = 8.0
MOST_LINES: Final = 2
ROW: Final = 0.2
"""Inches that a line of numbers takes; more where a name takes two."""


def risk_table_inches(names: Iterable[str], room: float) -> float:
    """Return how high the table is whose names have so many inches of room at their left."""
    lines = [_lines(name, room) for name in names]
    return _pitch(lines) * (len(lines) + 1.25)


def _lines(name: str, room: float) -> list[str]:
    """Break a name into two lines at most, the last cut short where it goes on."""
    lines = broken(name or "All", room - AWAY, NAME_SIZE)
    if len(lines) > MOST_LINES:
        kept = lines[MOST_LINES - 1]
        while width_of(kept + "…", NAME_SIZE) > room - AWAY:
            kept = kept[:-1]
        lines = [*lines[: MOST_LINES - 1], kept.rstrip() + "…"]
    return lines


def _pitch(names: list[list[str]]) -> float:
    """Return the inches from row to row."""
    return ROW if all(len(lines) == 1 for lines in names) else 1.5 * ROW


def draw_risk_table(
    table: Axes,
    counts: Mapping[str, Whole],
    ticks: Floats,
    *,
    inches: float,
    room: float,
    named: bool = True,
) -> None:
    """Write numbers at risk below the ticks of the time axis.

    Parameters
    ----------
    table : Axes
        As wide as the axes above it.
    counts : group name -> (ticks,) numbers at risk
        The name "" stands for a single group.
    ticks : (n,) numbers
        Where the time axis has ticks.
    inches : float
        How wide the axes are.
    room : float
        Inches left of the axes, for the names.
    named : bool
        Whether the groups are named at the left.
    """
    table.set_axis_off()
    table.set_xlim(0, float(ticks[-1]))
    table.set_ylim(len(counts), -1.25)
    place: dict[str, Any] = {
        "transform": table.get_yaxis_transform(),
        "ha": "right",
        "va": "center",
    }
    left = -AWAY / inches
    if named:
        table.text(left, -0.6, "At risk", fontsize=8.5, fontweight="bold", **place)
    for i, (name, numbers) in enumerate(counts.items()):
        if named:
            colour = GROUP_COLOURS[i % len(GROUP_COLOURS)]
            words = "\n".join(_lines(name, room))
            table.text(
                left, i + 0.4, words, fontsize=NAME_SIZE, color=colour, linespacing=1.0, **place
            )
        for tick, number in zip(ticks, numbers, strict=True):
            style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 8.5}
            table.text(float(tick), i + 0.4, str(int(number)), **style)
