"""Swimmer: the course of every subject as a lane."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from stats.plots.lettering import KeyEntry, broken, name_with, width_of
from stats.plots.panel import panels_below_key
from stats.plots.style import (
    INK,
    Drawing,
    PlotError,
    group_names,
    need_columns,
    styled,
    tick_step,
)

WIDTH, LEFT, FOOT, LANE, LONGEST_PAGE = 9.0, 0.38, 0.5, 0.19, 9.0
"""Sizes in inches; a lane shrinks rather than that the lanes grow beyond a page."""
NAME_SIZE: Final = 7.0
LEAST_NAMED: Final = 0.105
"""Lanes narrower than this have no name: its letters would run into the next."""
MOST_LANES: Final = int(LONGEST_PAGE / LEAST_NAMED)
"""With more lanes than this each group stands in a column of its own."""
LEAST_LANE: Final = 0.02
BETWEEN: Final = 1.2
"""Lanes between two groups below each other."""
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
    thin: Collection[str] = (),
) -> Drawing:
    """One lane per subject, longest at the top, coloured by state, with marks.

    Groups stand below each other, or side by side where there are too many lanes for a page.

    Parameters
    ----------
    segments : DataFrame
        ``id``, ``start``, ``end`` (in the axis' unit), ``category`` (colour), optionally ``group``.
    marks : DataFrame
        ``id``, ``at``, ``mark``.
    palette : category -> colour
    symbols : word of ``mark`` -> Mark
    thin : categories
        Drawn as thin lanes: times of which nothing was seen.

    Raises
    ------
    PlotError
        If there is no lane, a segment ends before it starts, or a word has no colour or symbol.
    """
    need_columns(segments, ("id", "start", "end", "category"), what="swimmer segments")
    need_columns(marks, ("id", "at", "mark"), what="swimmer marks")
    _check(segments, marks, palette, symbols)
    lanes = _lanes(segments)
    columns = [lanes] if len(lanes) <= MOST_LANES else [r for _, r in lanes.groupby("order")]
    columns = [rows.assign(place=rows["place"] - rows["place"].min()) for rows in columns]
    most = max(float(rows["place"].max()) + 1 for rows in columns)
    lane = max(LEAST_LANE, min(LANE, LONGEST_PAGE / (most + 1)))
    named = lane >= LEAST_NAMED
    longest = max(width_of(str(name), NAME_SIZE) for name in lanes["id"]) if named else 0.0
    titles = [_group_words(rows) if len(columns) > 1 else "" for rows in columns]
    marks = marks[marks["id"].isin(lanes["id"])]
    with styled():
        figure, panels = panels_below_key(
            titles, key=_key(segments, marks, palette, symbols),
            x_label=x_label, y_label=y_label, title=title,
            width=WIDTH, body=lane * (most + 1), left=LEFT + longest, foot=FOOT,
            gap=0.25 + longest, one_scale=False,
        )  # fmt: skip
        for axes, rows in zip(panels, columns, strict=True):
            inches = axes.get_position().width * WIDTH
            _draw_lanes(axes, segments, rows, palette, frozenset(thin), lane)
            _draw_marks(axes, marks, rows, symbols, min(1.0, lane / LANE))
            _label(axes, rows, named=named)
            _set_time(axes, segments, marks, 2 * int(inches))
            if len(columns) == 1:
                _name_groups(axes, rows, inches)
            axes.set_ylim(most, -1.0)
    plotted = pd.concat(
        [segments.assign(what="segment"), marks.assign(what="mark")], ignore_index=True
    ).sort_values(["id", "what", "start", "at"], kind="stable", ascending=[True, False, True, True])
    return Drawing(figure, plotted.reset_index(drop=True), _caption(len(lanes), named=named))


def _caption(n: int, *, named: bool) -> str:
    """Say what a lane is."""
    unnamed = " in the order of their time; they are too many to name"
    return f"Each lane is one subject ({n} shown{'' if named else unnamed})."


def _group_words(rows: pd.DataFrame) -> str:
    """Write the name of the group whose lanes these are, with their number."""
    return name_with(str(rows["group"].iloc[0]), f"(n = {len(rows)})")


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
    lanes["place"] = np.arange(len(lanes)) + BETWEEN * lanes["order"]
    return lanes.reset_index(drop=True)


def _draw_lanes(
    axes: Axes,
    segments: pd.DataFrame,
    lanes: pd.DataFrame,
    palette: Mapping[str, str],
    thin: Collection[str],
    lane: float,
) -> None:
    """Draw the lanes of one panel: one collection of bars per state."""
    place = segments["id"].map(lanes.set_index("id")["place"])
    rows = segments.assign(place=place)[place.notna()]
    # the edges of bars as narrow as letters would hide their colours
    edge = min(0.3, 2.0 * lane)
    words = rows["category"].astype(str)
    for word in (name for name in palette if (words == name).any()):
        one = rows[words == word]
        high = 0.3 if word in thin else 0.74
        x, y = one[["start", "end"]].to_numpy(np.float64), one["place"].to_numpy(np.float64)
        corners = np.stack([x[:, [0, 1, 1, 0]], y[:, None] + np.array([-1, -1, 1, 1]) * high / 2])
        axes.add_collection(
            PolyCollection(
                list(np.moveaxis(corners, 0, -1)),
                facecolors=palette[word], edgecolors=INK, linewidths=edge,
            ),
            autolim=False,
        )  # fmt: skip


def _draw_marks(
    axes: Axes,
    marks: pd.DataFrame,
    lanes: pd.DataFrame,
    symbols: Mapping[str, Mark],
    shrunk: float,
) -> None:
    """Draw the marks of one panel, kind by kind."""
    place = marks["id"].map(lanes.set_index("id")["place"])
    for word, symbol in symbols.items():
        here = (marks["mark"].astype(str) == word) & place.notna()
        if here.any():
            axes.plot(
                marks["at"][here].to_numpy(np.float64), place[here].to_numpy(np.float64),
                linestyle="none", marker=symbol.marker, color=symbol.colour,
                markersize=symbol.size * max(shrunk, 0.4), markeredgecolor=INK,
                markeredgewidth=0.6 * max(shrunk, 0.5), zorder=5, clip_on=False,
            )  # fmt: skip


def _label(axes: Axes, lanes: pd.DataFrame, *, named: bool) -> None:
    """Name the lanes."""
    axes.tick_params(axis="y", length=0, labelleft=named, labelsize=NAME_SIZE)
    if named:
        axes.set_yticks(lanes["place"], [str(name) for name in lanes["id"]])
    else:
        axes.set_yticks([])


def _set_time(axes: Axes, segments: pd.DataFrame, marks: pd.DataFrame, at_most: int) -> None:
    """Set the time axis, the same in all panels."""
    longest = max(float(segments["end"].max()), float(marks["at"].max()) if len(marks) else 0.0)
    step = tick_step(max(longest, 1e-9), STEPS, at_most=at_most)
    axes.set_xticks(np.arange(0, longest * 1.04, step))
    axes.set_xlim(0, longest * 1.04 + 1e-9)
    axes.grid(visible=True, axis="x", color="#e3e3e3", linewidth=0.6)
    axes.set_axisbelow(True)


def _name_groups(axes: Axes, lanes: pd.DataFrame, inches: float) -> None:
    """Write each group above its first lane, right-aligned, where lanes are shortest."""
    for group, rows in lanes.groupby("group", sort=False):
        if group:
            words = broken(_group_words(rows), inches, 8.5, bold=True)
            axes.text(
                1.0, float(rows["place"].min()) - 0.55, words[0] + ("…" if words[1:] else ""),
                transform=axes.get_yaxis_transform(), ha="right", va="bottom", fontsize=8.5,
                fontweight="bold",
            )  # fmt: skip


def _key(
    segments: pd.DataFrame,
    marks: pd.DataFrame,
    palette: Mapping[str, str],
    symbols: Mapping[str, Mark],
) -> list[KeyEntry]:
    """Return the key: states that occur, then marks that occur."""
    states, used = set(segments["category"].astype(str)), set(marks["mark"].astype(str))
    colours = [KeyEntry(word, "box", palette[word]) for word in palette if word in states]
    return colours + [
        KeyEntry(word, "mark", one.colour, one.marker, one.size)
        for word, one in symbols.items() if word in used
    ]  # fmt: skip
