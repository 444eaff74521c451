"""Sankey of states: how many subjects pass from which state to which, visit by visit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from stats.plots.lettering import KeyEntry, name_with
from stats.plots.panel import panels_below_key
from stats.plots.style import (
    INK,
    Drawing,
    PlotError,
    check_colours,
    group_names,
    need_columns,
    of_group,
    styled,
)

BAR: Final = 0.22
"""Width of a bar, of the distance between two visits."""
LEAST_SHARE_NAMED: Final = 0.045
"""Bars lower than this share of the panel carry no number: it would not fit."""


def draw_sankey(
    data: pd.DataFrame,
    *,
    palette: Mapping[str, str],
    x_label: str,
    y_label: str = "Subjects (%)",
    title: str = "",
) -> Drawing:
    """States of all subjects at each visit as bars, and who passes to which as ribbons.

    Parameters
    ----------
    data : DataFrame
        ``id``, ``visit`` (whole number), ``category`` (state), optionally ``group``. Every subject
        needs a state at every visit: whoever was not seen has a state that says so.
    palette : state -> colour
        From the best state at the top of the bars to the worst at the bottom.

    Returns
    -------
    Drawing
        ``plotted`` has one row per group, visit, state and next state with the number of subjects;
        at the last visit there is no next state.

    Raises
    ------
    PlotError
        If there are fewer than two visits, a state has no colour, or a subject has no state or
        two at a visit.
    """
    need_columns(data, ("id", "visit", "category"), what="Sankey")
    check_colours(data, palette)
    visits = sorted(int(v) for v in data["visit"].unique())
    if len(visits) < 2:
        msg = "a Sankey needs two visits at least."
        raise PlotError(msg)
    twice = data[data.duplicated(["id", "visit"])]
    lacking = len(data["id"].unique()) * len(visits) - len(data)
    if len(twice) or lacking:
        msg = (
            f"every subject needs one state at each of the visits {', '.join(map(str, visits))}. "
            "Give a state to those who were not seen."
        )
        raise PlotError(msg)
    groups = [g for g in group_names(data) if len(of_group(data, g))]
    states = [name for name in palette if (data["category"] == name).any()]
    flows = pd.concat([_flows(of_group(data, g), visits).assign(group=g) for g in groups])
    with styled():
        counts = [of_group(data, group)["id"].nunique() for group in groups]
        figure, panels = panels_below_key(
            [name_with(g, f"(n = {n})") for g, n in zip(groups, counts, strict=True)],
            key=[KeyEntry(word, "box", palette[word]) for word in states],
            x_label=x_label, y_label=y_label, title=title,
            width=min(11.0, max(6.0, 1.0 + len(groups) * (0.9 * len(visits) + 0.5))),
            body=3.1, left=0.7, foot=0.5,
        )  # fmt: skip
        for axes, group, n in zip(panels, groups, counts, strict=True):
            rows = flows[flows["group"] == group]
            _draw_panel(axes, rows, visits, states, palette, n)
    columns = ["group", "visit", "category", "next_category", "n"]
    return Drawing(
        figure,
        flows[columns].reset_index(drop=True),
        "Bars: state of all subjects at each visit, with their number; ribbons: from which state "
        "to which they pass.",
    )


def _flows(rows: pd.DataFrame, visits: Sequence[int]) -> pd.DataFrame:
    """Count subjects by visit, state and next state; the next state of the last visit is empty."""
    wide = rows.pivot_table(index="id", columns="visit", values="category", aggfunc="first")
    parts = []
    for here, after in zip(visits, [*visits[1:], None], strict=True):
        pairs = pd.DataFrame(
            {"category": wide[here], "next_category": "" if after is None else wide[after]}
        )
        counts = pairs.value_counts().rename("n").reset_index()
        parts.append(counts.assign(visit=here))
    found = pd.concat(parts, ignore_index=True)
    return found.sort_values(["visit", "category", "next_category"]).reset_index(drop=True)


def _draw_panel(
    axes: Axes,
    rows: pd.DataFrame,
    visits: Sequence[int],
    states: Sequence[str],
    palette: Mapping[str, str],
    n: int,
) -> None:
    """Draw one group, the first state at the top."""
    tops = {visit: _tops(rows[rows["visit"] == visit], states, n) for visit in visits}
    for x, visit in enumerate(visits):
        here = rows[rows["visit"] == visit]
        for name in states:
            count = int(here.loc[here["category"] == name, "n"].sum())
            if count:
                _draw_bar(axes, x, tops[visit][name], count / n, str(count), palette[name])
        if x + 1 < len(visits):
            _draw_ribbons(axes, x, here, (tops[visit], tops[visits[x + 1]]), states, palette, n)
    axes.set_xlim(-BAR, len(visits) - 1 + BAR)
    axes.set_ylim(0, 101)
    axes.set_yticks(range(0, 101, 20))
    axes.set_xticks(range(len(visits)), [str(visit) for visit in visits])
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="x", length=0)


def _tops(rows: pd.DataFrame, states: Sequence[str], n: int) -> dict[str, float]:
    """Return the upper edge of each state's bar in percent."""
    counts = np.array([rows.loc[rows["category"] == name, "n"].sum() for name in states])
    edges = 100 - 100 * np.concatenate([[0], np.cumsum(counts)[:-1]]) / n
    return dict(zip(states, edges.tolist(), strict=True))


def _draw_bar(axes: Axes, x: float, top: float, share: float, words: str, colour: str) -> None:
    """Draw the bar of one state with its number."""
    height = 100 * share
    style: dict[str, Any] = {"facecolor": colour, "edgecolor": INK, "linewidth": 0.5, "zorder": 3}
    axes.add_patch(Rectangle((x - BAR / 2, top - height), BAR, height, **style))
    if share >= LEAST_SHARE_NAMED:
        dark = _luminance(colour) < 0.25
        axes.text(
            x, top - height / 2, words, ha="center", va="center", fontsize=7.5, zorder=4,
            color="white" if dark else INK,
        )  # fmt: skip


def _draw_ribbons(
    axes: Axes,
    x: int,
    rows: pd.DataFrame,
    tops: tuple[dict[str, float], dict[str, float]],
    states: Sequence[str],
    palette: Mapping[str, str],
    n: int,
) -> None:
    """Draw the ribbons from one visit to the next, in the order of the states at both ends."""
    left, right = dict(tops[0]), dict(tops[1])
    counts = {(r["category"], r["next_category"]): r["n"] for r in rows.to_dict("records")}
    for before in states:
        for after in states:
            height = 100 * float(counts.get((before, after), 0)) / n
            if height:
                ends = (x + BAR / 2, left[before]), (x + 1 - BAR / 2, right[after])
                patch = PathPatch(
                    _ribbon(*ends, height), facecolor=palette[before], alpha=0.45, linewidth=0
                )
                axes.add_patch(patch)
                left[before] -= height
                right[after] -= height


def _ribbon(start: tuple[float, float], end: tuple[float, float], height: float) -> Path:
    """Return a band of one height from start to end, level at both."""
    (x0, y0), (x1, y1) = start, end
    mid = (x0 + x1) / 2
    points = [
        (x0, y0), (mid, y0), (mid, y1), (x1, y1),
        (x1, y1 - height), (mid, y1 - height), (mid, y0 - height), (x0, y0 - height), (x0, y0),
    ]  # fmt: skip
    curve = [Path.CURVE4] * 3
    return Path(points, [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY])


def _luminance(colour: str) -> float:
    """Return how light a colour is, from 0 to 1 (sRGB's weights)."""
    from matplotlib.colors import to_rgb

    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
