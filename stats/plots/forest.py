"""Forest: estimates with limits as a column of a table, such as hazard ratios or response rates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stats.plots.style import FAINT, GROUP_COLOURS, INK, Drawing, PlotError, styled

Kind = Literal["heading", "level", "single", "reference", "whole"]

ROW, HEAD, FOOT, TOWARDS = 0.21, 0.42, 0.52, 0.22
PLOT_WIDTH, GAP, MARGIN, INDENT = 2.6, 0.18, 0.1, 0.14
"""Sizes in inches."""
FONT_SIZE: Final = 8.5
RATIO_TICKS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
FARTHEST: Final = 20.0
"""Limits of a ratio beyond this, or its reciprocal, end in an arrow, lest the rest be flat."""
STRIPE: Final = "#f3f3f3"


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One row: words left of the plot, an estimate with limits (NaN: none), words right of it.

    ``heading`` names a factor, ``level`` is one of its levels, ``single`` a row of its own,
    ``reference`` the level that ratios are to, ``whole`` an estimate of all subjects. ``variable``,
    ``n``, ``events`` and ``p`` are for the table beside the figure.
    """

    label: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    kind: Kind = "single"
    estimate: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    variable: str = ""
    level: str = ""
    n: int = 0
    events: int = 0
    p_value: float = math.nan
    test: str = ""


@dataclass(frozen=True, slots=True)
class ForestHeads:
    """Words above the columns: of the labels, left and right of the plot."""

    label: str
    left: tuple[str, ...]
    right: tuple[str, ...]


def draw_forest(
    rows: Sequence[ForestRow],
    *,
    heads: ForestHeads,
    x_label: str,
    scale: Literal["log", "percent"],
    line: float,
    towards: tuple[str, str] | None = None,
    caption: str = "",
) -> Drawing:
    """Estimates with limits, row by row, between the words of a table.

    Parameters
    ----------
    rows : sequence of ForestRow
        See `stats.plots.forest_row` for rows made of results.
    heads : ForestHeads
    x_label : str
        What the estimates are.
    scale : {"log", "percent"}
        Ratios on a logarithmic axis, or shares drawn in percent from 0 to 100.
    line : float
        Where the dashed line stands: 1 for ratios, the share of all subjects.
    towards : two words, optional
        What lies to the left and right of the line, such as "longer" and "shorter".
    caption : str

    Raises
    ------
    PlotError
        If no row has an estimate, or a row has another number of words than the heads.
    """
    if not any(math.isfinite(row.estimate) for row in rows):
        msg = "no row has an estimate: there is nothing to draw."
        raise PlotError(msg)
    for row in rows:
        if len(row.left) != len(heads.left) or len(row.right) != len(heads.right):
            msg = f"row {row.label!r} has not as many words as there are heads."
            raise PlotError(msg)
    with styled():
        widths = _widths(rows, heads)
        left = MARGIN + sum(widths[0]) + GAP * len(widths[0])
        width = left + PLOT_WIDTH + GAP + sum(w + GAP for w in widths[1])
        foot = FOOT + (TOWARDS if towards else 0.0)
        height = HEAD + ROW * len(rows) + foot
        figure = Figure(figsize=(width, height))
        table = figure.add_axes((0, foot / height, 1, (height - foot) / height))
        _write(table, rows, heads, widths, width)
        axes = figure.add_axes(
            (left / width, foot / height, PLOT_WIDTH / width, ROW * len(rows) / height)
        )
        _draw(axes, rows, scale, line)
        axes.set_xlabel(x_label)
        if towards:
            _write_towards(axes, towards, scale, line, foot)
    return Drawing(figure, _plotted(rows), caption)


def _text_width(words: str, *, bold: bool = False) -> float:
    """Return the width of words in inches."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    weight = "bold" if bold else "normal"
    font = FontProperties(family="DejaVu Sans", weight=weight, size=FONT_SIZE)
    measured = text_to_path.get_text_width_height_descent(words, font, ismath=False)
    return float(measured[0]) / 72 if words else 0.0


def _widths(rows: Sequence[ForestRow], heads: ForestHeads) -> tuple[list[float], list[float]]:
    """Return the widths of the columns left (labels first) and right of the plot."""
    label = [_text_width(heads.label, bold=True)]
    label += [
        _text_width(row.label, bold=row.kind in {"heading", "whole"})
        + (INDENT if row.kind in {"level", "reference"} else 0)
        for row in rows
    ]

    def column(head: str, cells: list[str]) -> float:
        return max(_text_width(head, bold=True), *(_text_width(cell) for cell in cells))

    left = [max(label)]
    left += [column(head, [row.left[i] for row in rows]) for i, head in enumerate(heads.left)]
    right = [column(head, [row.right[i] for row in rows]) for i, head in enumerate(heads.right)]
    return left, right


def _write(
    table: Axes,
    rows: Sequence[ForestRow],
    heads: ForestHeads,
    widths: tuple[list[float], list[float]],
    width: float,
) -> None:
    """Write the words of all rows, stripes behind every other factor; y is in inches from top."""
    table.set_axis_off()
    table.set_xlim(0, width)
    table.set_ylim(HEAD + ROW * len(rows), 0)
    starts = [MARGIN]
    for one in widths[0]:
        starts.append(starts[-1] + one + GAP)
    right = [starts.pop() + PLOT_WIDTH + GAP]
    for one in widths[1][:-1]:
        right.append(right[-1] + one + GAP)
    style: dict[str, Any] = {"fontsize": FONT_SIZE, "va": "center"}
    for x, head in zip([*starts, *right], [heads.label, *heads.left, *heads.right], strict=False):
        table.text(x, HEAD - 0.16, head, fontweight="bold", **style)
    table.plot([MARGIN / 2, width - MARGIN / 2], [HEAD - 0.03] * 2, color=INK, linewidth=0.8)
    shaded = _shaded(rows)
    for i, row in enumerate(rows):
        y = HEAD + ROW * (i + 0.5)
        if shaded[i]:
            table.axhspan(y - ROW / 2, y + ROW / 2, color=STRIPE, linewidth=0)
        inner = row.kind in {"level", "reference"}
        weight = "bold" if row.kind in {"heading", "whole"} else "normal"
        table.text(starts[0] + INDENT * inner, y, row.label, fontweight=weight, **style)
        for x, cell in zip([*starts[1:], *right], [*row.left, *row.right], strict=False):
            table.text(x, y, cell, **style)


def _shaded(rows: Sequence[ForestRow]) -> list[bool]:
    """Say which rows have a stripe behind them: a factor with its levels has one."""
    shaded: list[bool] = []
    for row in rows:
        inner = row.kind in {"level", "reference"} and bool(shaded)
        shaded.append(shaded[-1] if inner else not (shaded and shaded[-1]))
    return shaded


def _draw(axes: Axes, rows: Sequence[ForestRow], scale: str, line: float) -> None:
    """Draw estimates and limits; the axes lie over the table, transparent."""
    axes.patch.set_alpha(0)
    axes.set_ylim(len(rows), 0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    factor = 1.0 if scale == "log" else 100.0
    low, high = _set_scale(axes, rows, scale)
    axes.axvline(line * factor, color=FAINT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    for i, row in enumerate(rows):
        y = i + 0.5
        if row.kind == "reference":
            axes.plot(line * factor, y, marker="|", color=INK, markersize=7, zorder=3)
        if not math.isfinite(row.estimate):
            continue
        ends = [row.lower * factor, row.upper * factor]
        _draw_limits(axes, ends, y, (low, high))
        whole = row.kind == "whole"
        at = min(max(row.estimate * factor, low), high)
        axes.plot(
            at, y, marker="D" if whole else "s", markersize=7 if whole else 5.5,
            color=INK if whole else GROUP_COLOURS[0], zorder=4, clip_on=False,
        )  # fmt: skip


def _set_scale(axes: Axes, rows: Sequence[ForestRow], scale: str) -> tuple[float, float]:
    """Set axis and ticks; return the ends between which limits are drawn."""
    if scale != "log":
        axes.set_xlim(0, 100)
        axes.set_xticks(range(0, 101, 20))
        return 0.0, 100.0
    ends = np.array([[row.lower, row.upper, row.estimate] for row in rows], dtype=np.float64)
    known = ends[np.isfinite(ends) & (ends > 0)]
    low = max(min(float(known.min()), 0.5), 1 / FARTHEST) / 1.05
    high = min(max(float(known.max()), 2.0), FARTHEST) * 1.05
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    ticks = [tick for tick in RATIO_TICKS if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    return low, high


def _draw_limits(axes: Axes, ends: list[float], y: float, room: tuple[float, float]) -> None:
    """Draw limits as a line; where they go on beyond the axis it ends in an arrow."""
    if not all(math.isfinite(end) or end == math.inf for end in ends):
        return
    low, high = (min(max(end, room[0]), room[1]) for end in ends)
    axes.plot([low, high], [y, y], color=INK, linewidth=1.1, solid_capstyle="butt", zorder=2)
    marks = ((low, "<", ends[0] < room[0]), (high, ">", ends[1] > room[1]))
    for at, arrow, beyond in marks:
        axes.plot(
            at, y, marker=arrow if beyond else "|", markersize=4.5, color=INK, zorder=2,
            clip_on=False,
        )  # fmt: skip


def _write_towards(
    axes: Axes, towards: tuple[str, str], scale: str, line: float, foot: float
) -> None:
    """Write below the axis what lies to either side of the line."""
    from matplotlib.transforms import blended_transform_factory

    place = blended_transform_factory(axes.transData, axes.figure.dpi_scale_trans)
    at = line * (1.0 if scale == "log" else 100.0)
    low, high = axes.get_xlim()
    shift = (high / low) ** 0.03 if scale == "log" else 3.0
    before, after = (at / shift, at * shift) if scale == "log" else (at - shift, at + shift)
    style: dict[str, Any] = {"fontsize": 8, "va": "center", "transform": place}
    y = foot - 0.56
    axes.text(before, y, f"← {towards[0]}", ha="right", **style)
    axes.text(after, y, f"{towards[1]} →", ha="left", **style)


def _plotted(rows: Sequence[ForestRow]) -> pd.DataFrame:
    """Return the numbers of all rows but headings."""
    drawn = [row for row in rows if row.kind != "heading"]
    return pd.DataFrame(
        {
            "variable": [row.variable for row in drawn],
            "level": [row.level for row in drawn],
            "n": [row.n for row in drawn],
            "events": [row.events for row in drawn],
            "estimate": [row.estimate for row in drawn],
            "lower": [row.lower for row in drawn],
            "upper": [row.upper for row in drawn],
            "p_value": [row.p_value for row in drawn],
            "test": [row.test for row in drawn],
        }
    )
