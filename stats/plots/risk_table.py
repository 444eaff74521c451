"""Numbers at risk below the time axis of a figure, one line per group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from matplotlib.axes import Axes

from stats.plots.style import GROUP_COLOURS
from stats.survival import Floats, Whole

LONGEST_NAME: Final = 22
AWAY: Final = 0.2
"""Inches from the first number's middle to the names."""


def draw_risk_table(
    table: Axes, counts: Mapping[str, Whole], ticks: Floats, *, inches: float, named: bool = True
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
            label = name or "All"
            label = label if len(label) <= LONGEST_NAME else label[: LONGEST_NAME - 1] + "…"
            colour = GROUP_COLOURS[i % len(GROUP_COLOURS)]
            table.text(left, i + 0.4, label, fontsize=8, color=colour, **place)
        for tick, number in zip(ticks, numbers, strict=True):
            words: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 8.5}
            table.text(float(tick), i + 0.4, str(int(number)), **words)
