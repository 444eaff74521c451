"""Swimmer: the course of every subject as a lane."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from stats.plots.style import (
    INK,
    Drawing,
    PlotError,
    group_names,
    need_columns,
    of_group,
    settle,
    styled,
    tick_step,
)

MANY_LANES = 60
STEPS = (1, 2, 3, 6, 12, 24, 36, 60)


@dataclass(frozen=True, slots=True)
class Mark:
    """How an event on a lane is drawn."""

    marker: str
    colour: str
    size: float = 6.0


def draw_swimmer(
    segments: pd.DataFrame,
    marks: pd.DataFrame,
    *,
    palette: Mapping[str, str],
    symbols: Mapping[str, Mark],
    x_label: str,
    y_label: str,
    title: str = "",
) -> Drawing:
    """One lane per subject, longest at the top, coloured by state, with marks.

    Parameters
    ----------
    segments : DataFrame
        ``id``, ``start``, ``end`` (in the axis' unit), ``category`` (colour), optionally ``group``.
    marks : DataFrame
        ``id``, ``at``, ``mark``.
    palette : category -> colour
    symbols : word of ``mark`` -> Mark

    Raises
    ------
    PlotError
        If there is no lane, a segment ends before it starts, or a word has no colour or symbol.
    """
    need_columns(segments, ("id", "start", "end", "category"), what="swimmer segments")
    need_columns(marks, ("id", "at", "mark"), what="swimmer marks")
    _check(segments, marks, palette, symbols)
    lanes = _lanes(segments)
    with styled():
        figure = Figure(
            figsize=(9.0, 1.5 + _lane_inches(len(lanes)) * max(len(lanes), 6)), layout="constrained"
        )
        axes = figure.subplots()
        _draw_lanes(axes, segments, marks, lanes, palette, symbols)
        _label(axes, lanes, segments, marks)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        handles = _handles(segments, marks, palette, symbols)
        figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 7))
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=10, fontweight="bold")
        settle(figure)
    plotted = pd.concat(
        [segments.assign(what="segment"), marks.assign(what="mark")], ignore_index=True
    ).sort_values(["id", "what", "start", "at"], kind="stable", ascending=[True, False, True, True])
    caption = f"Each lane is one subject ({len(lanes)} shown)."
    return Drawing(figure, plotted.reset_index(drop=True), caption)


def _lane_inches(n: int) -> float:
    """Return the height of a lane: narrower where there are many."""
    return 0.19 if n <= MANY_LANES else 0.105


def _check(
    segments: pd.DataFrame,
    marks: pd.DataFrame,
    palette: Mapping[str, str],
    symbols: Mapping[str, Mark],
) -> None:
    """Refuse what cannot be drawn."""
    if segments.empty:
        msg = "no subject has a follow-up: there is no lane to draw."
        raise PlotError(msg)
    backwards = segments[segments["end"] < segments["start"]]
    if len(backwards):
        msg = f"{backwards['id'].iloc[0]}: a segment ends before it starts. Check its dates."
        raise PlotError(msg)
    unknown = sorted(
        (set(segments["category"].astype(str)) - set(palette))
        | (set(marks["mark"].astype(str)) - set(symbols))
    )
    if unknown:
        msg = f"{', '.join(unknown)} has no colour in the palette or no symbol."
        raise PlotError(msg)


def _lanes(segments: pd.DataFrame) -> pd.DataFrame:
    """Return one row per subject with its place: by group, then the longest first."""
    lanes = segments.groupby("id", sort=True).agg(length=("end", "max")).reset_index()
    groups = group_names(segments)
    by_id = (
        segments.drop_duplicates("id").set_index("id")["group"].astype("string").fillna("")
        if groups != [""]
        else pd.Series("", index=lanes["id"])
    )
    lanes["group"] = lanes["id"].map(by_id).astype(object)
    present = set(lanes["group"])
    names = [name for name in ("", *groups) if name in present]
    lanes["order"] = lanes["group"].map(names.index)
    lanes = lanes.sort_values(["order", "length", "id"], ascending=[True, False, True])
    lanes["place"] = np.arange(len(lanes)) + 1.2 * lanes.pop("order")
    return lanes.reset_index(drop=True)


def _draw_lanes(
    axes: Axes,
    segments: pd.DataFrame,
    marks: pd.DataFrame,
    lanes: pd.DataFrame,
    palette: Mapping[str, str],
    symbols: Mapping[str, Mark],
) -> None:
    """Draw bars and marks."""
    place = lanes.set_index("id")["place"]
    shrunk = 1.0 if len(lanes) <= MANY_LANES else 0.6
    for row in segments.to_dict("records"):
        axes.barh(
            place[row["id"]], row["end"] - row["start"], left=row["start"], height=0.72,
            color=palette[str(row["category"])], edgecolor=INK, linewidth=0.3,
        )  # fmt: skip
    for row in marks[marks["id"].isin(place.index)].to_dict("records"):
        symbol = symbols[str(row["mark"])]
        axes.plot(
            row["at"], place[row["id"]], linestyle="none", marker=symbol.marker,
            color=symbol.colour,
            markersize=symbol.size * shrunk, markeredgecolor=INK, markeredgewidth=0.6, zorder=5,
            clip_on=False,
        )  # fmt: skip


def _label(axes: Axes, lanes: pd.DataFrame, segments: pd.DataFrame, marks: pd.DataFrame) -> None:
    """Name lanes and groups, set the time axis."""
    small = 7 if len(lanes) <= MANY_LANES else 5
    axes.set_yticks(lanes["place"], [str(name) for name in lanes["id"]], fontsize=small)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(float(lanes["place"].max()) + 0.8, -1.0)
    longest = max(float(segments["end"].max()), float(marks["at"].max()) if len(marks) else 0.0)
    step = tick_step(max(longest, 1e-9), STEPS, at_most=12)
    axes.set_xticks(np.arange(0, longest + step, step))
    axes.set_xlim(0, longest * 1.04 + 1e-9)
    axes.grid(visible=True, axis="x", color="#e3e3e3", linewidth=0.6)
    axes.set_axisbelow(True)
    for group in group_names(segments):
        rows = of_group(lanes, group)
        if group and len(rows):
            axes.text(
                1.0, float(rows["place"].min()) - 0.55, f"{group} (n = {len(rows)})",
                transform=axes.get_yaxis_transform(), ha="right", va="bottom", fontsize=8.5,
                fontweight="bold",
            )  # fmt: skip


def _handles(
    segments: pd.DataFrame,
    marks: pd.DataFrame,
    palette: Mapping[str, str],
    symbols: Mapping[str, Mark],
) -> list[Patch | Line2D]:
    """Return the legend: states that occur, then marks that occur."""
    states = set(segments["category"].astype(str))
    used = set(marks["mark"].astype(str))
    patches: list[Patch | Line2D] = [
        Patch(facecolor=colour, edgecolor=INK, linewidth=0.3, label=name)
        for name, colour in palette.items()
        if name in states
    ]
    points = [
        Line2D([], [], linestyle="none", marker=s.marker, color=s.colour, markersize=s.size,
               markeredgecolor=INK, markeredgewidth=0.6, label=word)
        for word, s in symbols.items() if word in used
    ]  # fmt: skip
    return patches + points
