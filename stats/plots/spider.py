"""Spider: the change of every subject over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from stats.plots.lettering import KeyEntry, name_with
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
    tick_step,
    used_marks,
)

STEPS = (1, 2, 3, 6, 12, 24, 36, 60)
WIDTH, BODY, LEFT, FOOT = 9.0, 3.4, 0.85, 0.5
"""Sizes in inches."""


def draw_spider(
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
    """Change over time, one line per subject, one panel per group.

    Parameters
    ----------
    data : DataFrame
        ``id``, ``x`` (time in the axis' unit), ``value`` (percent; missing points are left out and
        counted), ``category`` (colour, one per subject), optionally ``group`` and ``mark``.
    palette : category -> colour
    marks : word of the column ``mark`` -> marker
        Drawn over the point, named in the legend.
    cap : float
        Growth beyond this is drawn at the cap as an upward triangle.

    Raises
    ------
    PlotError
        If there is no point, or a category has no colour.
    """
    need_columns(data, ("id", "x", "value", "category"), what="spider")
    known = data[data["value"].notna() & data["x"].notna()]
    if known.empty:
        msg = "no subject has a change over time: there is no line to draw."
        raise PlotError(msg)
    check_colours(known, palette)
    groups = [g for g in group_names(data) if len(of_group(known, g))]
    counts = [of_group(known, group)["id"].nunique() for group in groups]
    with styled():
        figure, panels = panels_below_key(
            [name_with(g, f"(n = {n})") for g, n in zip(groups, counts, strict=True)],
            key=_key(known, palette, marks or {}),
            x_label=x_label, y_label=y_label, title=title,
            width=WIDTH, body=BODY, left=LEFT, foot=FOOT,
        )  # fmt: skip
        for axes, group in zip(panels, groups, strict=True):
            rows = of_group(known, group)
            _draw_lines(axes, rows, palette, cap)
            _draw_marks(axes, rows, marks or {}, cap)
            _finish(axes, known, lines, cap)
    plotted = known.sort_values(["id", "x"], kind="stable").reset_index(drop=True)
    return Drawing(figure, plotted, _caption(known, len(data) - len(known), lines, cap))


def _caption(known: pd.DataFrame, dropped: int, lines: Sequence[float], cap: float) -> str:
    """Say what is shown and what is not."""
    beyond = bool((known["value"] > cap).any())
    return (
        f"Each line is one subject ({known['id'].nunique()} shown)."
        + (f" Points without a value, left out: {dropped}." if dropped else "")
        + (f" Dashed lines: {', '.join(signed(line) for line in lines)}." if lines else "")
        + (f" Points beyond {signed(cap)} are triangles at the edge." if beyond else "")
    )


def _draw_lines(axes: Axes, rows: pd.DataFrame, palette: Mapping[str, str], cap: float) -> None:
    """Draw one panel's lines, triangles where they leave the panel."""
    for _, one in rows.sort_values(["id", "x"], kind="stable").groupby("id", sort=True):
        colour = palette[str(one["category"].iloc[0])]
        x = one["x"].to_numpy(dtype=np.float64)
        values = one["value"].to_numpy(dtype=np.float64)
        y = np.minimum(values, cap)
        axes.plot(x, y, color=colour, linewidth=1.3, marker="o", markersize=3, alpha=0.9)
        over = values > cap
        if over.any():
            axes.plot(x[over], y[over], linestyle="none", marker="^", markersize=6, color=colour)


def _draw_marks(axes: Axes, rows: pd.DataFrame, marks: Mapping[str, str], cap: float) -> None:
    """Draw one panel's marks over its lines."""
    if "mark" not in rows:
        return
    words = rows["mark"].astype("string")
    for word, marker in marks.items():
        here = rows[(words == word).fillna(value=False).to_numpy(bool)]
        if len(here):
            axes.plot(
                here["x"], here["value"].clip(upper=cap), linestyle="none", marker=marker,
                markersize=_mark_size(marker), markerfacecolor="white", markeredgecolor=INK,
                zorder=5, clip_on=False,
            )  # fmt: skip


def _mark_size(marker: str) -> float:
    """Return a size at which marks look alike: a star fills little of its box."""
    return 8.0 if marker == "*" else 5.0


def _finish(axes: Axes, known: pd.DataFrame, lines: Sequence[float], cap: float) -> None:
    """Set limits, cut-offs and ticks."""
    top = max(30.0, min(cap, float(known["value"].max())))
    axes.set_ylim(-104, top + 8)
    axes.set_yticks([t for t in range(-100, int(cap) + 1, 20) if t <= top + 8])
    longest = float(known["x"].max())
    step = tick_step(max(longest, 1e-9), STEPS)
    axes.set_xticks(np.arange(0, longest + step, step))
    axes.set_xlim(min(0.0, float(known["x"].min())) - 0.02 * longest, longest * 1.03 + 1e-9)
    for line in lines:
        axes.axhline(line, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.axhline(0, color=INK, linewidth=0.8)
    light_grid(axes)


def _key(
    known: pd.DataFrame, palette: Mapping[str, str], marks: Mapping[str, str]
) -> list[KeyEntry]:
    """Return the key: colours that occur, then marks that occur."""
    present, used = set(known["category"].astype(str)), used_marks(known)
    colours = [
        KeyEntry(word, "line", palette[word], "o", 3.0) for word in palette if word in present
    ]
    return colours + [
        KeyEntry(word, "mark", "white", marks[word], _mark_size(marks[word]))
        for word in marks if word in used
    ]  # fmt: skip
