"""Waterfall: the best change of every subject, largest growth first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from stats.plots.lettering import KeyEntry, name_with, width_of
from stats.plots.panel import panels_below_key
from stats.plots.style import (
    INK,
    Drawing,
    PlotError,
    check_colours,
    group_names,
    light_grid,
    need_columns,
    of_group,
    signed,
    styled,
    used_marks,
)

MAX_NAMED = 80
WIDTH, BODY, LEFT, FOOT, GAP = 9.0, 3.1, 0.85, 0.35, 0.25
"""Sizes in inches."""
NAME_SIZE = 7.0
"""Points of a subject's name below its bar."""
LEAST_SHARE = 0.12
"""Of the width, that a group of few gets beside one of many."""
MARK_SIZES = (4.2, 8.0)
"""Points; marks shrink with the bars, lest they run into each other."""

_MARK: Any = {"linestyle": "none", "markeredgecolor": INK, "zorder": 5, "clip_on": False}


def draw_waterfall(
    data: pd.DataFrame,
    *,
    palette: Mapping[str, str],
    y_label: str,
    x_label: str,
    lines: Sequence[float] = (),
    marks: Mapping[str, str] | None = None,
    title: str = "",
    cap: float = 100.0,
) -> Drawing:
    """Best change of every subject as a bar, one panel per group.

    Parameters
    ----------
    data : DataFrame
        ``id``, ``value`` (percent; missing = not evaluable, counted in the caption), ``category``
        (colour), optionally ``group`` and ``mark``.
    palette : category -> colour
        In the order of the legend.
    lines : numbers
        Cut-offs to draw across, in percent.
    marks : word of the column ``mark`` -> marker
        Drawn above the bar, named in the legend.
    cap : float
        Growth beyond this is cut off and its number written on the bar.

    Raises
    ------
    PlotError
        If nobody has a value, a category has no colour or a mark no symbol.
    """
    need_columns(data, ("id", "value", "category"), what="waterfall")
    known = data[data["value"].notna()]
    if known.empty:
        msg = "no subject has a change: there is no bar to draw."
        raise PlotError(msg)
    check_colours(known, palette)
    odd = used_marks(known) - set(marks or {})
    if odd:
        msg = f"mark {', '.join(sorted(odd))} has no symbol."
        raise PlotError(msg)
    groups = [g for g in group_names(data) if len(of_group(known, g))]
    parts = [_sorted(of_group(known, group)) for group in groups]
    named = len(known) <= MAX_NAMED
    longest = max(width_of(str(name), NAME_SIZE) for name in known["id"]) if named else 0.0
    with styled():
        figure, panels = panels_below_key(
            [_panel_title(group, of_group(data, group)["value"]) for group in groups],
            key=_key(known, palette, marks or {}),
            x_label=x_label, y_label=y_label, title=title,
            width=WIDTH, body=BODY, left=LEFT, foot=FOOT + longest, gap=GAP,
            shares=[max(len(rows), 4, LEAST_SHARE * len(known)) for rows in parts],
        )  # fmt: skip
        top = max(30.0, min(cap, float(known["value"].max()))) + 10
        for axes, rows in zip(panels, parts, strict=True):
            _draw_bars(axes, rows, palette, lines, cap, named=named, top=top)
            _draw_marks(axes, rows, marks or {}, cap)
    parts = [rows.assign(position=range(1, len(rows) + 1)) for rows in parts]
    caption = _caption(known, len(data) - len(known), lines, cap)
    return Drawing(figure, pd.concat(parts, ignore_index=True), caption)


def _caption(known: pd.DataFrame, absent: int, lines: Sequence[float], cap: float) -> str:
    """Say what is shown and what is not."""
    beyond = bool((known["value"] > cap).any())
    return (
        f"Each bar is one subject ({len(known)} shown"
        + (f"; {absent} not evaluable, not shown" if absent else "")
        + ")."
        + (f" Dashed lines: {', '.join(signed(line) for line in lines)}." if lines else "")
        + (f" Bars beyond {signed(cap)} are cut off and carry their value." if beyond else "")
    )


def _sorted(rows: pd.DataFrame) -> pd.DataFrame:
    """Order bars from growth to shrinkage, ties by name."""
    return rows.sort_values(["value", "id"], ascending=[False, True], kind="stable")


def _panel_title(group: str, values: pd.Series[Any]) -> str:
    """Write a panel's group with its numbers."""
    absent = int(values.isna().sum())
    missing = f", {absent} not evaluable" if absent else ""
    return name_with(group, f"(n = {len(values) - absent}{missing})")


def _draw_bars(
    axes: Axes,
    rows: pd.DataFrame,
    palette: Mapping[str, str],
    lines: Sequence[float],
    cap: float,
    *,
    named: bool,
    top: float,
) -> None:
    """Draw one panel."""
    values = rows["value"].to_numpy(dtype=np.float64)
    x = np.arange(1, len(rows) + 1)
    colours = [palette[str(word)] for word in rows["category"]]
    style: dict[str, Any] = {"edgecolor": INK, "linewidth": 0.4}
    axes.bar(x, np.minimum(values, cap), width=0.82, color=colours, **style)
    for at, value, colour in zip(x.tolist(), values.tolist(), colours, strict=True):
        if value == 0:  # a bar without height would be a subject without a trace
            axes.plot([at - 0.41, at + 0.41], [0, 0], color=colour, linewidth=4, zorder=3)
        if value > cap:
            axes.text(at, cap + 1.5, f"{value:+.0f}", ha="center", va="bottom", fontsize=7)
    for line in lines:
        axes.axhline(line, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=4)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_ylim(-104, top)
    ticks = [t for t in range(-100, int(cap) + 1, 20) if t <= axes.get_ylim()[1]]
    axes.set_yticks(ticks)
    axes.set_xlim(0.3, max(len(rows), 4) + 0.7)
    light_grid(axes)
    if named:
        axes.set_xticks(x, [str(name) for name in rows["id"]], rotation=90, fontsize=NAME_SIZE)
        axes.tick_params(axis="x", length=0)
    else:
        axes.set_xticks([])


def _draw_marks(axes: Axes, rows: pd.DataFrame, marks: Mapping[str, str], cap: float) -> None:
    """Draw the marks above the bars; those of shrinkage stand on the zero line."""
    if "mark" not in rows:
        return
    inches = axes.get_position().width * WIDTH
    size = float(np.clip(1.25 * 72 * inches / max(len(rows), 4), *MARK_SIZES))
    face = "white" if size > MARK_SIZES[0] else INK
    values = rows["value"].to_numpy(dtype=np.float64)
    heights = np.clip(values, 0.0, cap) + np.where(values > cap, 9.0, 4.5)
    words = rows["mark"].astype("string")
    for word, marker in marks.items():
        here = np.asarray((words == word).fillna(value=False), dtype=bool)
        if here.any():
            axes.plot(
                1 + np.flatnonzero(here), heights[here], marker=marker, markersize=size,
                markerfacecolor=face, markeredgewidth=min(1.0, size / 8), **_MARK,
            )  # fmt: skip


def _key(
    known: pd.DataFrame, palette: Mapping[str, str], marks: Mapping[str, str]
) -> list[KeyEntry]:
    """Return the key: colours that occur, then marks that occur."""
    present, used = set(known["category"].astype(str)), used_marks(known)
    colours = [KeyEntry(word, "box", palette[word]) for word in palette if word in present]
    return colours + [
        KeyEntry(word, "mark", "white", marks[word], MARK_SIZES[1])
        for word in marks if word in used
    ]  # fmt: skip
