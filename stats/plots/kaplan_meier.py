"""Kaplan-Meier curves with the numbers at risk below them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stats.number_text import MISSING_TIMES, time_with_limits
from stats.plots.lettering import KeyEntry, broken, name_with, rows_of_key, write_key
from stats.plots.risk_table import draw_risk_table, risk_table_inches
from stats.plots.style import (
    FAINT,
    GROUP_COLOURS,
    GROUP_DASHES,
    Drawing,
    PlotError,
    light_grid,
    styled,
    time_ticks,
)
from stats.survival import Floats, KaplanMeier

WIDTH, LEFT, RIGHT, BODY, LINE = 7.2, 1.45, 0.2, 3.3, 0.2
"""Sizes in inches."""
KEY_SIZE = 8.5


def draw_kaplan_meier(
    curves: Mapping[str, KaplanMeier],
    *,
    y_label: str,
    x_label: str,
    unit: str,
    days_per_unit: float,
    title: str = "",
    note: str = "",
) -> Drawing:
    """Survival curves by group with limits, censoring ticks, medians and numbers at risk.

    Parameters
    ----------
    curves : group name -> KaplanMeier in days
        Drawn in this order; the name "" stands for a single group.
    y_label, x_label : str
        What survives and since when, units included; the curve is drawn in percent.
    unit, days_per_unit : str, float
        Unit of the time axis and of the medians in the legend, such as "months", 30.4375.
    note : str
        Lines written above the curves, such as the test with its p value.

    Returns
    -------
    Drawing
        ``plotted`` has one row per group and time.

    Raises
    ------
    PlotError
        If no curve has a subject.
    """
    drawn = {name: curve for name, curve in curves.items() if curve.n}
    if not drawn:
        msg = "no subject has a time to event: there is no curve to draw."
        raise PlotError(msg)
    ticks = time_ticks(max(float(c.times[-1]) for c in drawn.values()) / days_per_unit)
    with styled():
        room = WIDTH - LEFT - RIGHT
        labels = [_legend(name, c, unit, days_per_unit) for name, c in drawn.items()]
        key = rows_of_key([_key(i, label) for i, label in enumerate(labels)], room)
        notes = [one for line in note.splitlines() for one in broken(line, room, KEY_SIZE)]
        head = LINE * (len(key) + len(notes)) + (0.3 if title else 0.1)
        table_height = risk_table_inches(drawn, LEFT - 0.05)
        height = head + BODY + 0.5 + table_height + 0.1
        figure = Figure(figsize=(WIDTH, height))
        left, width = LEFT / WIDTH, room / WIDTH
        axes = figure.add_axes((left, (table_height + 0.6) / height, width, BODY / height))
        for i, curve in enumerate(drawn.values()):
            _draw_curve(axes, curve, i, days_per_unit)
        _finish(axes, ticks, x_label, y_label)
        write_key(figure, key, LEFT, head - LINE * (len(key) + len(notes)) - 0.04)
        _head(figure, notes, title, (head, height))
        table = figure.add_axes((left, 0.1 / height, width, table_height / height))
        at_risk = {name: c.at_risk_at(ticks * days_per_unit) for name, c in drawn.items()}
        draw_risk_table(table, at_risk, ticks, inches=room, room=LEFT - 0.05)
    return Drawing(figure, _plotted(drawn), _caption(drawn))


def _draw_curve(axes: Axes, curve: KaplanMeier, i: int, per_unit: float) -> None:
    """Draw one curve as steps, its limits as a band and its censorings as ticks."""
    colour = GROUP_COLOURS[i % len(GROUP_COLOURS)]
    x = np.concatenate([[0.0], curve.times / per_unit])
    y = 100 * np.concatenate([[1.0], curve.survival])
    axes.plot(
        x, y, drawstyle="steps-post", color=colour, linewidth=1.7,
        linestyle=GROUP_DASHES[i % len(GROUP_DASHES)], solid_capstyle="butt",
    )  # fmt: skip
    lower = 100 * np.concatenate([[1.0], curve.lower])
    upper = 100 * np.concatenate([[1.0], curve.upper])
    # every limit holds until the next time, also where the next one is not known (a survival of 0)
    held = (np.repeat(x, 2)[1:], np.repeat(lower, 2)[:-1], np.repeat(upper, 2)[:-1])
    axes.fill_between(*held, color=colour, alpha=0.13, linewidth=0)
    gone = curve.n_censored > 0
    axes.plot(
        curve.times[gone] / per_unit, 100 * curve.survival[gone],
        linestyle="none", marker="|", markersize=6, markeredgewidth=1.0, color=colour,
    )  # fmt: skip


def _finish(axes: Axes, ticks: Floats, x_label: str, y_label: str) -> None:
    """Set the axes and the line at one half."""
    axes.set_xlim(0, float(ticks[-1]))
    axes.set_ylim(0, 103)
    axes.set_xticks(ticks)
    axes.set_yticks(range(0, 101, 20))
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.axhline(50, color=FAINT, linewidth=0.7, linestyle=(0, (2, 3)))
    light_grid(axes)


def _key(i: int, label: str) -> KeyEntry:
    """Return the key of one curve."""
    dash: Any = GROUP_DASHES[i % len(GROUP_DASHES)]
    return KeyEntry(label, "line", GROUP_COLOURS[i % len(GROUP_COLOURS)], dash=dash, width=1.7)


def _head(
    figure: Figure, notes: Sequence[str], title: str, head_height: tuple[float, float]
) -> None:
    """Write title and notes above the axes, where no curve can run through them."""
    head, height = head_height
    left = LEFT / WIDTH
    if title:
        figure.text(left, 1 - 0.16 / height, title, fontsize=10, fontweight="bold", va="center")
    for i, line in enumerate(reversed(notes)):
        y = 1 - (head - 0.04 - LINE * (i + 0.5)) / height
        figure.text(left, y, line, fontsize=KEY_SIZE, va="center")


def _legend(name: str, curve: KaplanMeier, unit: str, per_unit: float) -> str:
    """Write group, events and median with limits."""
    median = curve.median()
    told = time_with_limits(median.estimate, median.lower, median.upper, unit_days=per_unit)
    middle = "median not reached" if math.isnan(median.estimate) else f"median {told} {unit}"
    return name_with(f"{name}:" if name else "", f"{middle}, {curve.events}/{curve.n} events")


def _plotted(curves: Mapping[str, KaplanMeier]) -> pd.DataFrame:
    """Return the curves' numbers, one row per group and time."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "group": name,
                    "days": curve.times,
                    "at_risk": curve.at_risk,
                    "events": curve.n_events,
                    "censored": curve.n_censored,
                    "survival": curve.survival,
                    "lower": curve.lower,
                    "upper": curve.upper,
                }
            )
            for name, curve in curves.items()
        ],
        ignore_index=True,
    )


def _caption(curves: Mapping[str, KaplanMeier]) -> str:
    """Say what the band and the ticks are."""
    one = next(iter(curves.values()))
    missing = sum(curve.n_missing for curve in curves.values())
    return (
        f"Kaplan-Meier estimate with {100 * one.level:g} % limits ({one.conf_type} scale); "
        f"ticks are censored times. {MISSING_TIMES}."
        + (f" {missing} without a time are left out." if missing else "")
    )
