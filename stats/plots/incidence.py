"""Cumulative incidence of competing events: one panel per event, one curve per group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stats.cumulative_incidence import CumulativeIncidence
from stats.plots.lettering import LINE, KeyEntry, rows_of_key, write_key
from stats.plots.risk_table import draw_risk_table, risk_table_inches
from stats.plots.style import (
    GROUP_COLOURS,
    GROUP_DASHES,
    Drawing,
    PlotError,
    light_grid,
    styled,
    time_ticks,
)
from stats.survival import KaplanMeier

WIDTH, LEFT, GAP, RIGHT, PANEL_HEIGHT, FOOT, TITLE = 9.0, 1.55, 0.55, 0.2, 2.9, 0.56, 0.3
"""Sizes in inches."""
SUM_TOLERANCE: Final = 1e-9

Curves = Mapping[str, CumulativeIncidence]


def draw_cumulative_incidence(
    curves: Mapping[str, Curves],
    free: Mapping[str, KaplanMeier],
    *,
    x_label: str,
    days_per_unit: float,
    notes: Mapping[str, str] | None = None,
    y_label: str = "Cumulative incidence (%)",
) -> Drawing:
    """Probability of having had each event first, by group, with limits and numbers at risk.

    Parameters
    ----------
    curves : event -> group -> CumulativeIncidence in days
        One panel per event, the event of interest first; the group "" stands for a single one.
    free : group -> KaplanMeier
        Time to the first event of any kind, of the same subjects: the numbers at risk.
    x_label : str
        Since when, with the unit of the axis.
    days_per_unit : float
        Days in the unit of the axis, such as 30.4375.
    notes : event -> line above its panel, optional
        Such as Gray's test with its p value.

    Returns
    -------
    Drawing
        ``plotted`` has one row per event, group and time.

    Raises
    ------
    PlotError
        If there is no subject, groups differ, or the incidences of a group and the share free of
        any event do not add up to one: they are not of the same subjects.
    """
    groups = [name for name, curve in free.items() if curve.n]
    if not groups or not curves:
        msg = "no subject has a time to a first event: there is no curve to draw."
        raise PlotError(msg)
    for name in groups:
        _balanced(name, [of_event.get(name) for of_event in curves.values()], free[name])
    longest = max(float(free[name].times[-1]) for name in groups) / days_per_unit
    ticks = time_ticks(longest, at_most=14 // max(2, len(curves)))
    key = rows_of_key(_key(groups), WIDTH - LEFT - RIGHT)
    head = LINE * len(key) + TITLE + (0.2 if notes else 0.0)
    below = risk_table_inches(groups, LEFT - 0.05)
    height = head + PANEL_HEIGHT + FOOT + below
    panel = (WIDTH - LEFT - RIGHT - GAP * (len(curves) - 1)) / len(curves)
    at_risk = {name: free[name].at_risk_at(ticks * days_per_unit) for name in groups}
    top = _highest(curves, groups)
    with styled():
        figure = Figure(figsize=(WIDTH, height))
        write_key(figure, key, LEFT, 0.06)
        for i, (event, of_event) in enumerate(curves.items()):
            x, width = (LEFT + i * (panel + GAP)) / WIDTH, panel / WIDTH
            place = (x, (below + FOOT) / height, width, PANEL_HEIGHT / height)
            axes = figure.add_axes(place)
            for j, name in enumerate(groups):
                last = float(free[name].times[-1])
                _draw_curve(axes, of_event[name], j, last, days_per_unit)
            _finish(axes, ticks, top, x_label, y_label if i == 0 else "")
            note = (notes or {}).get(event, "")
            axes.set_title(event + (f"\n{note}" if note else ""), loc="left", fontsize=9)
            table = figure.add_axes((x, 0.05 / height, width, below / height))
            draw_risk_table(table, at_risk, ticks, inches=panel, room=LEFT - 0.05, named=i == 0)
    return Drawing(figure, _plotted(curves, groups), _caption(curves, groups, free))


def _balanced(name: str, found: Sequence[CumulativeIncidence | None], free: KaplanMeier) -> None:
    """Refuse curves that are not of the same subjects."""
    known = [curve for curve in found if curve is not None]
    total = np.zeros(free.times.size)
    for curve in known:
        total += curve.at(free.times)[0]
    whole = total + free.survival
    if len(known) < len(found) or not np.allclose(whole, 1.0, rtol=0, atol=SUM_TOLERANCE):
        who = f"group {name}" if name else "the curves"
        msg = (
            f"{who}: incidences and the share free of any event do not add up to one. Hand in "
            "every competing event, of the same subjects."
        )
        raise PlotError(msg)


def _highest(curves: Mapping[str, Curves], groups: Sequence[str]) -> int:
    """Return the end of the incidence axis: the next 20 % above all curves and limits."""
    ends = [0.0]
    for of_event in curves.values():
        for name in groups:
            ends += [float(np.nanmax(v, initial=0.0)) for v in
                     (of_event[name].incidence, of_event[name].upper)]  # fmt: skip
    return min(100, 20 * int(np.ceil(max(ends) * 5)) or 20)


def _draw_curve(
    axes: Axes, curve: CumulativeIncidence, i: int, last: float, per_unit: float
) -> None:
    """Draw one curve as steps up to the group's last time, with its limits as a band."""
    colour = GROUP_COLOURS[i % len(GROUP_COLOURS)]
    x = np.concatenate([[0.0], curve.times, [last]]) / per_unit
    held = curve.incidence[-1:] if curve.incidence.size else [0.0]  # no event: a line at 0
    y = 100 * np.concatenate([[0.0], curve.incidence, held])
    axes.plot(
        x, y, drawstyle="steps-post", color=colour, linewidth=1.7,
        linestyle=GROUP_DASHES[i % len(GROUP_DASHES)], solid_capstyle="butt",
    )  # fmt: skip
    if not curve.incidence.size:
        return
    lower = 100 * np.concatenate([[np.nan], curve.lower, curve.lower[-1:]])
    upper = 100 * np.concatenate([[np.nan], curve.upper, curve.upper[-1:]])
    band = (np.repeat(x, 2)[1:], np.repeat(lower, 2)[:-1], np.repeat(upper, 2)[:-1])
    axes.fill_between(*band, color=colour, alpha=0.13, linewidth=0)


def _finish(axes: Axes, ticks: np.ndarray, top: int, x_label: str, y_label: str) -> None:
    """Set the axes."""
    axes.set_xlim(0, float(ticks[-1]))
    axes.set_ylim(0, top * 1.02)
    axes.set_xticks(ticks)
    axes.set_yticks(range(0, top + 1, 20 if top > 40 else 10))
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    if not y_label:
        axes.tick_params(labelleft=False)
    light_grid(axes)


def _key(groups: Sequence[str]) -> list[KeyEntry]:
    """Name the groups above the panels; a single one needs no name."""
    dashes: Any = GROUP_DASHES
    return [
        KeyEntry(
            name, "line", GROUP_COLOURS[i % len(GROUP_COLOURS)], dash=dashes[i % len(dashes)],
            width=1.7,
        )
        for i, name in enumerate(groups) if name
    ]  # fmt: skip


def _plotted(curves: Mapping[str, Curves], groups: Sequence[str]) -> pd.DataFrame:
    """Return the curves' numbers, one row per event, group and time."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "event": event,
                    "group": name,
                    "days": of_event[name].times,
                    "at_risk": of_event[name].at_risk,
                    "incidence": of_event[name].incidence,
                    "standard_error": of_event[name].standard_error,
                    "lower": of_event[name].lower,
                    "upper": of_event[name].upper,
                }
            )
            for event, of_event in curves.items()
            for name in groups
        ],
        ignore_index=True,
    )


def _caption(
    curves: Mapping[str, Curves], groups: Sequence[str], free: Mapping[str, KaplanMeier]
) -> str:
    """Say what is shown, and how many had which event."""
    first = next(iter(next(iter(curves.values())).values()))
    counts = "; ".join(
        f"{name + ': ' if name else ''}"
        + ", ".join(f"{event.lower()} {of[name].events}" for event, of in curves.items())
        + f" of {free[name].n}"
        for name in groups
    )
    missing = sum(free[name].n_missing for name in groups)
    return (
        f"Cumulative incidence (Aalen-Johansen) with {100 * first.level:g} % limits (log(-log) "
        f"scale). First events: {counts}."
        + (f" {missing} without a time are left out." if missing else "")
    )
