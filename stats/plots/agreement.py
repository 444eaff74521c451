"""Bland-Altman: differences of two readings against their mean, with bias and limits."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stats.bland_altman import BlandAltman
from stats.plots.lettering import broken
from stats.plots.style import (
    FAINT,
    GROUP_COLOURS,
    INK,
    Drawing,
    PlotError,
    light_grid,
    styled,
)
from stats.result import AgreementEstimate

MINUS: Final = "\N{MINUS SIGN}"
WIDTH, HEIGHT, LABEL_SIZE = 7.2, 4.4, 9.0
"""Inches, and points."""
ROOM: Final = 0.12
"""Share of the range that is left free beyond points and limits."""


def draw_bland_altman(
    readings: pd.DataFrame,
    found: BlandAltman,
    *,
    what: str,
    unit: str,
    digits: int = 1,
) -> Drawing:
    """Difference of two readings against their mean, with bias and 95 % limits of agreement.

    Parameters
    ----------
    readings : DataFrame of numbers, one row per lesion, two columns named after the readers
        As handed to `stats.bland_altman.bland_altman`; incomplete rows are not drawn.
    found : BlandAltman
        Of the same readings.
    what, unit : str
        What was read, such as "viable diameter", "mm".
    digits : int
        Decimals of the numbers beside the lines.

    Returns
    -------
    Drawing
        ``plotted`` has one row per point and one per line (bias, limits) with its interval.

    Raises
    ------
    PlotError
        If there are no limits, or they are of other readings than these.
    """
    values = readings.to_numpy(dtype=np.float64, na_value=np.nan)
    known = values[~np.isnan(values).any(axis=1)]
    if values.shape[1] != 2 or not np.isfinite(found.sd):
        msg = f"no limits of agreement to draw: {found.bias.note or 'two readers are needed'}."
        raise PlotError(msg)
    gaps, middle = known[:, 0] - known[:, 1], known.mean(axis=1)
    if len(gaps) != found.bias.n or not np.isclose(gaps.mean(), found.bias.estimate):
        msg = "bias and limits are not of these readings. Compute them from the same rows."
        raise PlotError(msg)
    first, second = (str(name) for name in readings.columns)
    lines = (
        ("upper limit", found.upper_limit),
        ("bias", found.bias),
        ("lower limit", found.lower_limit),
    )
    with styled():
        figure = Figure(figsize=(WIDTH, HEIGHT))
        axes = figure.add_axes((0.13, 0.15, 0.62, 0.82))
        _draw(axes, middle, gaps, lines)
        across = broken(f"Mean of {first} and {second}: {what} ({unit})", 0.64 * WIDTH, LABEL_SIZE)
        upwards = broken(f"{first} {MINUS} {second} ({unit})", 0.82 * HEIGHT, LABEL_SIZE)
        axes.set_xlabel("\n".join(across), multialignment="center")
        axes.set_ylabel("\n".join(upwards), multialignment="center")
        _name_lines(axes, lines, unit, digits)
        light_grid(axes)
    return Drawing(figure, _plotted(middle, gaps, lines), _caption(found, first, second))


def _draw(
    axes: Axes,
    middle: np.ndarray,
    gaps: np.ndarray,
    lines: tuple[tuple[str, AgreementEstimate], ...],
) -> None:
    """Draw points, lines and the intervals of the lines."""
    for name, one in lines:
        colour = GROUP_COLOURS[0] if name == "bias" else GROUP_COLOURS[1]
        dash: Any = "-" if name == "bias" else (0, (5, 2))
        axes.axhline(one.estimate, color=colour, linestyle=dash, linewidth=1.4, zorder=2)
        if np.isfinite(one.lower):
            axes.axhspan(one.lower, one.upper, color=colour, alpha=0.13, linewidth=0)
    axes.axhline(0, color=FAINT, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    size = 18 if len(gaps) <= 300 else 8
    axes.scatter(
        middle, gaps, s=size, facecolor="white", edgecolor=INK, linewidth=0.8, alpha=0.75, zorder=3
    )
    ends = [one.estimate for _, one in lines] + [
        limit for _, one in lines for limit in (one.lower, one.upper) if np.isfinite(limit)
    ]
    reach = max(float(np.abs(gaps).max()), *(abs(end) for end in ends))
    axes.set_ylim(-(1 + ROOM) * reach or -1, (1 + ROOM) * reach or 1)
    span = float(np.ptp(middle)) or abs(float(middle[0])) or 1.0
    axes.set_xlim(float(middle.min()) - 0.05 * span, float(middle.max()) + 0.05 * span)


def _name_lines(
    axes: Axes, lines: tuple[tuple[str, AgreementEstimate], ...], unit: str, digits: int
) -> None:
    """Write what each line is beside it, with value and interval; apart where lines are near."""
    low, high = axes.get_ylim()
    least = 0.11 * (high - low)
    middle = lines[1][1].estimate
    for name, one in lines:
        at = one.estimate
        if name == "upper limit":
            at = max(at, middle + least)
        elif name == "lower limit":
            at = min(at, middle - least)
        words = {"bias": "Bias", "upper limit": "+1.96 SD", "lower limit": f"{MINUS}1.96 SD"}[name]
        text = f"{words} {_number(one.estimate, digits)} {unit}"
        if np.isfinite(one.lower):
            limits = f"{_number(one.lower, digits)} to {_number(one.upper, digits)}"
            text += f"\n({limits})"
        colour = GROUP_COLOURS[0] if name == "bias" else GROUP_COLOURS[1]
        axes.text(
            1.02, at, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8.5,
            color=colour,
        )  # fmt: skip


def _number(value: float, digits: int) -> str:
    """Write a number with a true minus, no minus zero."""
    text = f"{value:.{digits}f}"
    text = text.lstrip("-") if not text.strip("-0.") else text
    return text.replace("-", MINUS)


def _plotted(
    middle: np.ndarray, gaps: np.ndarray, lines: tuple[tuple[str, AgreementEstimate], ...]
) -> pd.DataFrame:
    """Return points and lines as rows."""
    points = pd.DataFrame({"kind": "point", "mean": middle, "difference": gaps})
    drawn = pd.DataFrame(
        {
            "kind": [name for name, _ in lines],
            "difference": [one.estimate for _, one in lines],
            "lower": [one.lower for _, one in lines],
            "upper": [one.upper for _, one in lines],
        }
    )
    columns = ["kind", "mean", "difference", "lower", "upper"]
    return pd.concat(
        [points.reindex(columns=columns), drawn.reindex(columns=columns).astype({"mean": float})],
        ignore_index=True,
    )


def _caption(found: BlandAltman, first: str, second: str) -> str:
    """Say what is shown and how the intervals come about."""
    one = found.bias
    clustered = one.n_patients < one.n
    return (
        f"Each point is one of {one.n} readings of both {first} and {second}"
        + (f", of {one.n_patients} patients" if clustered else "")
        + ". Lines: bias and 95 % limits of agreement; bands: their "
        + f"{100 * one.level:g} % intervals"
        + (", which treat patients as independent, not lesions" if clustered else "")
        + (f". {one.n_missing} incomplete are left out." if one.n_missing else ".")
    )
