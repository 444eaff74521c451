"""Kaplan-Meier curves with the numbers at risk below them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stats.plots.risk_table import draw_risk_table
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
        rows = len(drawn)
        lines = rows + (len(note.splitlines()) if note else 0)
        head, table_height = 0.2 * lines + (0.3 if title else 0.1), 0.2 * rows + 0.25
        height = head + 3.3 + 0.5 + table_height + 0.1
        figure = Figure(figsize=(7.2, height))
        left, width = 1.45 / 7.2, 5.6 / 7.2
        axes = figure.add_axes((left, (table_height + 0.6) / height, width, 3.3 / height))
        for i, curve in enumerate(drawn.values()):
            _draw_curve(axes, curve, i, days_per_unit)
        _finish(axes, ticks, x_label, y_label)
        labels = [_legend(name, c, unit, days_per_unit) for name, c in drawn.items()]
        _head(figure, labels, note, title, (left, height))
        table = figure.add_axes((left, 0.1 / height, width, table_height / height))
        at_risk = {name: c.at_risk_at(ticks * days_per_unit) for name, c in drawn.items()}
        draw_risk_table(table, at_risk, ticks, inches=5.6)
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


def _head(
    figure: Figure, labels: Sequence[str], note: str, title: str, left_height: tuple[float, float]
) -> None:
    """Write title, legend and note above the axes, where no curve can run through them."""
    left, height = left_height
    y = height - 0.16
    if title:
        figure.text(left, y / height, title, fontsize=10, fontweight="bold", va="center")
        y -= 0.22
    for i, label in enumerate(labels):
        key = Line2D(
            [left, left + 0.045], [y / height] * 2, color=GROUP_COLOURS[i % len(GROUP_COLOURS)],
            linestyle=GROUP_DASHES[i % len(GROUP_DASHES)], linewidth=1.7,
        )  # fmt: skip
        figure.add_artist(key)
        figure.text(left + 0.055, y / height, label, fontsize=8.5, va="center")
        y -= 0.2
    for line in note.splitlines():
        figure.text(left, y / height, line, fontsize=8.5, va="center")
        y -= 0.2


def _legend(name: str, curve: KaplanMeier, unit: str, per_unit: float) -> str:
    """Write group, events and median with limits."""
    median = curve.median()
    limits = f"{_time(median.lower, per_unit)}–{_time(median.upper, per_unit)}"  # noqa: RUF001
    middle = (
        "median not reached"
        if math.isnan(median.estimate)
        else f"median {_time(median.estimate, per_unit)} ({limits}) {unit}"
    )
    return f"{name + ': ' if name else ''}{middle}, {curve.events}/{curve.n} events"


def _time(days: float, per_unit: float) -> str:
    """Write a time in the axis' unit, or NR (not reached)."""
    return "NR" if math.isnan(days) else f"{days / per_unit:.1f}"


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
        "ticks are censored times; NR, not reached."
        + (f" {missing} without a time are left out." if missing else "")
    )
