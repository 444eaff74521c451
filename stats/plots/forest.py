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
from numpy.typing import ArrayLike, NDArray

from stats.plots.lettering import broken, width_of
from stats.plots.style import FAINT, GROUP_COLOURS, INK, Drawing, PlotError, styled

Kind = Literal["heading", "level", "single", "reference", "whole"]

ROW, HEAD, FOOT, TOWARDS = 0.21, 0.42, 0.52, 0.22
PLOT_WIDTH, GAP, MARGIN, INDENT = 2.6, 0.18, 0.1, 0.14
LABEL_WIDTH, LABEL_LINE, LEAST_ROW, PAGE = 2.9, 0.14, 0.155, 9.8
"""Sizes in inches: longer labels are broken, and many rows move together to fit a page."""
FONT_SIZE: Final = 8.5
RATIO_TICKS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
FARTHEST: Final = 20.0
"""Limits of a ratio beyond this, or its reciprocal, end in an arrow, lest the rest be flat."""
ARROWS: Final = (
    "An arrow at the edge: the limit lies beyond the axis; a large arrow and no square: so does "
    "the estimate."
)
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
        Followed by what an arrow means, where there is one.

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
        labels = [_label(row) for row in rows]
        widths = _widths(rows, labels, heads)
        edges = _edges(labels)
        left = MARGIN + sum(widths[0]) + GAP * len(widths[0])
        width = left + PLOT_WIDTH + GAP + sum(w + GAP for w in widths[1])
        foot = FOOT + (TOWARDS if towards else 0.0)
        height = HEAD + float(edges[-1]) + foot
        figure = Figure(figsize=(width, height))
        table = figure.add_axes((0, foot / height, 1, (height - foot) / height))
        _write(table, rows, labels, edges, heads, widths, width)
        axes = figure.add_axes(
            (left / width, foot / height, PLOT_WIDTH / width, float(edges[-1]) / height)
        )
        beyond = _draw(axes, rows, edges, scale, line)
        axes.set_xlabel(x_label)
        if towards:
            _write_towards(axes, towards, scale, line, foot)
    told = [caption, ARROWS] if beyond else [caption]
    return Drawing(figure, _plotted(rows), " ".join(word for word in told if word))


def _label(row: ForestRow) -> list[str]:
    """Break a row's label into lines."""
    room = LABEL_WIDTH - (INDENT if row.kind in {"level", "reference"} else 0.0)
    return broken(row.label, room, FONT_SIZE, bold=row.kind in {"heading", "whole"})


def _edges(labels: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """Return where the rows begin and end, in inches from the first: (rows + 1,)."""
    more = LABEL_LINE * sum(len(lines) - 1 for lines in labels)
    row = min(ROW, max(LEAST_ROW, (PAGE - more) / len(labels)))
    heights = [row + LABEL_LINE * (len(lines) - 1) for lines in labels]
    return np.concatenate([[0.0], np.cumsum(heights)])


def _widths(
    rows: Sequence[ForestRow], labels: Sequence[Sequence[str]], heads: ForestHeads
) -> tuple[list[float], list[float]]:
    """Return the widths of the columns left (labels first) and right of the plot."""
    label = [width_of(heads.label, FONT_SIZE, bold=True)]
    label += [
        width_of(line, FONT_SIZE, bold=row.kind in {"heading", "whole"})
        + (INDENT if row.kind in {"level", "reference"} else 0)
        for row, lines in zip(rows, labels, strict=True)
        for line in lines
    ]

    def column(head: str, cells: list[str]) -> float:
        return max(
            width_of(head, FONT_SIZE, bold=True), *(width_of(cell, FONT_SIZE) for cell in cells)
        )

    left = [max(label)]
    left += [column(head, [row.left[i] for row in rows]) for i, head in enumerate(heads.left)]
    right = [column(head, [row.right[i] for row in rows]) for i, head in enumerate(heads.right)]
    return left, right


def _write(
    table: Axes,
    rows: Sequence[ForestRow],
    labels: Sequence[Sequence[str]],
    edges: NDArray[np.float64],
    heads: ForestHeads,
    widths: tuple[list[float], list[float]],
    width: float,
) -> None:
    """Write the words of all rows, stripes behind every other factor; y is in inches from top."""
    table.set_axis_off()
    table.set_xlim(0, width)
    table.set_ylim(HEAD + float(edges[-1]), 0)
    starts = [MARGIN]
    for one in widths[0]:
        starts.append(starts[-1] + one + GAP)
    right = [starts.pop() + PLOT_WIDTH + GAP]
    for one in widths[1][:-1]:
        right.append(right[-1] + one + GAP)
    style: dict[str, Any] = {"fontsize": FONT_SIZE, "va": "center", "linespacing": 1.1}
    for x, head in zip([*starts, *right], [heads.label, *heads.left, *heads.right], strict=False):
        table.text(x, HEAD - 0.16, head, fontweight="bold", **style)
    table.plot([MARGIN / 2, width - MARGIN / 2], [HEAD - 0.03] * 2, color=INK, linewidth=0.8)
    shaded = _shaded(rows)
    for i, row in enumerate(rows):
        y = HEAD + float(edges[i] + edges[i + 1]) / 2
        if shaded[i]:
            table.axhspan(HEAD + edges[i], HEAD + edges[i + 1], color=STRIPE, linewidth=0)
        inner = row.kind in {"level", "reference"}
        weight = "bold" if row.kind in {"heading", "whole"} else "normal"
        words = "\n".join(labels[i])
        table.text(starts[0] + INDENT * inner, y, words, fontweight=weight, **style)
        for x, cell in zip([*starts[1:], *right], [*row.left, *row.right], strict=False):
            if cell:
                table.text(x, y, cell, **style)


def _shaded(rows: Sequence[ForestRow]) -> list[bool]:
    """Say which rows have a stripe behind them: a factor with its levels has one."""
    shaded: list[bool] = []
    for row in rows:
        inner = row.kind in {"level", "reference"} and bool(shaded)
        shaded.append(shaded[-1] if inner else not (shaded and shaded[-1]))
    return shaded


def _draw(
    axes: Axes,
    rows: Sequence[ForestRow],
    edges: NDArray[np.float64],
    scale: str,
    line: float,
) -> bool:
    """Draw estimates and limits over the table; return whether any lies beyond the axis."""
    axes.patch.set_alpha(0)
    axes.set_ylim(float(edges[-1]), 0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    factor = 1.0 if scale == "log" else 100.0
    room = _set_scale(axes, rows, scale)
    axes.axvline(line * factor, color=FAINT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    middle = (edges[:-1] + edges[1:]) / 2
    base = [y for row, y in zip(rows, middle, strict=True) if row.kind == "reference"]
    _mark(axes, [line * factor] * len(base), base, marker="|", color=INK, markersize=7, zorder=3)
    known = [(row, y) for row, y in zip(rows, middle, strict=True) if math.isfinite(row.estimate)]
    beyond = _draw_limits(
        axes, [(row.lower * factor, row.upper * factor, y) for row, y in known], room
    )
    for whole in (False, True):
        some = [(row.estimate * factor, y) for row, y in known if (row.kind == "whole") is whole]
        beyond |= _draw_estimates(axes, some, room, whole=whole)
    return beyond


def _draw_estimates(
    axes: Axes, points: Sequence[tuple[float, float]], room: tuple[float, float], *, whole: bool
) -> bool:
    """Draw estimates; one beyond the axis is an arrow at its edge, as a square would be a value.

    ``points`` are estimates and the places of their rows. Returns whether any lies beyond.
    """
    x, y = np.array(points, dtype=np.float64).reshape(-1, 2).T
    colour = INK if whole else GROUP_COLOURS[0]
    low, high = x < room[0], x > room[1]
    inside = ~(low | high)
    _mark(
        axes, x[inside], y[inside], marker="D" if whole else "s",
        markersize=7 if whole else 5.5, color=colour, zorder=4,
    )  # fmt: skip
    for arrow, edge, here in (("<", room[0], low), (">", room[1], high)):
        _mark(
            axes, np.full(int(here.sum()), edge), y[here], marker=arrow, markersize=7,
            color=colour, zorder=4,
        )  # fmt: skip
    return not inside.all()


def _mark(axes: Axes, x: ArrayLike, y: ArrayLike, **style: Any) -> None:
    """Draw markers of one kind, if there are any."""
    if np.size(x):
        axes.plot(x, y, linestyle="none", clip_on=False, **style)


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


def _draw_limits(
    axes: Axes, limits: Sequence[tuple[float, float, float]], room: tuple[float, float]
) -> bool:
    """Draw limits as lines; where one goes on beyond the axis it ends in an arrow.

    ``limits`` has the lower and the upper limit and the place of each row. Returns whether any
    lies beyond.
    """
    ends = np.array(limits, dtype=np.float64).reshape(-1, 3)
    ends = ends[~np.isnan(ends).any(axis=1)]
    y = ends[:, 2]
    shown = np.clip(ends[:, :2], *room)
    axes.hlines(y, shown[:, 0], shown[:, 1], color=INK, linewidth=1.1, zorder=2)
    low, high = ends[:, :2] < room[0], ends[:, :2] > room[1]
    for arrow, edge, here in (("<", room[0], low.any(axis=1)), (">", room[1], high.any(axis=1))):
        _mark(
            axes, np.full(int(here.sum()), edge), y[here], marker=arrow, markersize=4.5,
            color=INK, zorder=2,
        )  # fmt: skip
    inside = ~(low | high)
    for side in (0, 1):
        here = inside[:, side]
        _mark(axes, shown[here, side], y[here], marker="|", markersize=4.5, color=INK, zorder=2)
    return not inside.all()


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
