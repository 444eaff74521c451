"""Times to event beyond their medians: landmarks, restricted means, hazards, competing deaths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from stats.hazard_ratio import CoxTerm
from stats.number_text import ratio_with_limits
from stats.proportional_hazards import proportional_hazards
from stats.restricted_mean import restricted_mean, restricted_mean_difference
from stats.survival import KaplanMeier
from sumdiam.report import wording
from sumdiam.report.first_event import FirstEvent
from sumdiam.report.grid import Grid, GridRow, row_of
from sumdiam.report.response_summary import SELECTED_ENDPOINTS, Endpoint
from sumdiam.report.view import View

LANDMARK_MONTHS = (6, 12, 24)
HORIZONS = (60, 48, 36, 24, 18, 12, 6, 3)
"""Months: the restricted mean goes to the longest of these that every arm was followed for."""


def time_grid(view: View, fits: Sequence[Endpoint], first: FirstEvent | None) -> Grid:
    """Return survival at landmarks, restricted means and hazard ratios, by endpoint."""
    shown = [fit for fit in fits if fit.name not in SELECTED_ENDPOINTS]
    several, pair = len(view.arms) > 1, len(view.arms) == 2
    columns = ["Estimate", *view.arms]
    columns += [f"{view.arms[1]} versus {view.arms[0]}"] if pair else []
    columns += ["p (test)"] if several else []
    lines: list[GridRow] = []
    for fit in shown:
        lines += _endpoint_rows(view, fit, several=several, pair=pair)
    if first is not None:
        lines += _incidence_rows(view, first, several=several, pair=pair)
    missing = "" if lines else "No times to event: they need dates."
    return Grid("times", tuple(columns), tuple(lines), notes=_notes(shown, first), missing=missing)


def _line(
    label: str, cells: Iterable[str], more: tuple[str, str], *, several: bool, pair: bool
) -> GridRow:
    """Return one row: groups, then what compares them."""
    tail = [more[0]] * pair + [more[1]] * several
    return row_of([label, *cells, *tail], kind="level")


def _endpoint_rows(view: View, fit: Endpoint, *, several: bool, pair: bool) -> list[GridRow]:
    """Return the rows of one endpoint."""
    curves = [fit.curves[arm] for arm in view.arms]
    flags = {"several": several, "pair": pair}
    blank = ["" for _ in curves]
    title = row_of([fit.title, *blank, *[""] * (several + pair)], kind="heading")
    rows = [title]
    for months in LANDMARK_MONTHS:
        if any(_last(curve) >= months * wording.DAYS_PER_MONTH for curve in curves):
            cells = [_share_at(curve, months) for curve in curves]
            rows.append(_line(f"At {months} months, %", cells, ("", ""), **flags))
    horizon = _horizon(curves)
    if horizon:
        rows.append(_mean_row(curves, horizon, flags))
    if several and fit.test is not None:
        hazard = _hazard(fit.hazard) if pair else ""
        test = wording.test_words(fit.test)
        rows.append(_line("Hazard ratio, Cox", blank, (hazard, test), **flags))
    if pair and fit.hazard_fit is not None:
        drift = proportional_hazards(fit.hazard_fit).whole
        rows.append(_line("Proportional hazards", blank, ("", wording.test_words(drift)), **flags))
    return rows


def _mean_row(curves: list[KaplanMeier], months: int, flags: dict[str, bool]) -> GridRow:
    """Return the row of restricted means, with their difference."""
    tau = months * wording.DAYS_PER_MONTH
    cells = []
    for curve in curves:
        one = restricted_mean(curve, tau)
        limits = f"{_months(one.lower_days)}{wording.DASH}{_months(one.upper_days)}"
        cells.append(f"{_months(one.estimate_days)} ({limits})")
    more = ("", "")
    if flags["pair"]:
        gap = restricted_mean_difference(curves[1], curves[0], tau)
        limits = f"{_signed(gap.lower_days)} to {_signed(gap.upper_days)}"
        more = (
            f"{_signed(gap.estimate_days)} ({limits})",
            _named(gap.p_value, "normal test of restricted means"),
        )
    return _line(f"Restricted mean within {months} months, months", cells, more, **flags)


def _incidence_rows(view: View, first: FirstEvent, *, several: bool, pair: bool) -> list[GridRow]:
    """Return the rows of cumulative incidence, one event after the other."""
    flags = {"several": several, "pair": pair}
    rows = []
    for word, by_group in first.incidence.items():
        names = [arm if view.has_arms else "" for arm in view.arms]
        curves = [by_group.get(name) for name in names]
        blank = ["" for _ in curves]
        title = f"{word}, cumulative incidence"
        rows.append(row_of([title, *blank, *[""] * (several + pair)], kind="heading"))
        for months in LANDMARK_MONTHS:
            cells = []
            for name, curve in zip(names, curves, strict=True):
                if curve is None or _unseen(first.free[name], months):
                    cells.append(wording.NOTHING)
                    continue
                value, _, lower, upper = curve.at([months * wording.DAYS_PER_MONTH])
                cells.append(_percent_limits(value[0], lower[0], upper[0]))
            rows.append(_line(f"At {months} months, %", cells, ("", ""), **flags))
        if several:
            test = wording.test_words(first.gray[word])
            told = _hazard(first.subdistribution.get(word)) if pair else ""
            rows.append(_line("Subdistribution hazard ratio, Fine-Gray", blank, (told, test),
                              **flags))  # fmt: skip
        if pair:
            term = first.cause_specific[word]
            p = _named(term.p_value, "Wald")
            rows.append(_line("Cause-specific hazard ratio, Cox", blank, (_hazard(term), p),
                              **flags))  # fmt: skip
    return rows


def _last(curve: KaplanMeier) -> float:
    """Return the last time of a curve, in days."""
    return float(curve.times[-1]) if curve.times.size else 0.0


def _horizon(curves: list[KaplanMeier]) -> int:
    """Return the longest horizon that lies within the follow-up of all groups, 0 if none."""
    until = min((np.inf if c.survival.size and c.survival[-1] == 0 else _last(c)) for c in curves)
    until = min(until, max(_last(c) for c in curves))
    return next((m for m in HORIZONS if m * wording.DAYS_PER_MONTH <= until), 0)


def _unseen(curve: KaplanMeier, months: int) -> bool:
    """Whether a time lies beyond the last observation of a curve that has not come down to 0."""
    over = bool(curve.survival.size and curve.survival[-1] == 0)
    return months * wording.DAYS_PER_MONTH > _last(curve) and not over


def _share_at(curve: KaplanMeier, months: int) -> str:
    """Write survival at a time with limits; nothing beyond the last observation."""
    if _unseen(curve, months):
        return wording.NOTHING
    days = months * wording.DAYS_PER_MONTH
    value, lower, upper = curve.at([days])
    return _percent_limits(value[0], lower[0], upper[0])


def _percent_limits(value: float, lower: float, upper: float) -> str:
    """Write a share with its limits in percent."""
    if not np.isfinite(lower):
        return wording.percent(value)
    limits = f"{wording.percent(lower)}{wording.DASH}{wording.percent(upper)}"
    return f"{wording.percent(value)} ({limits})"


def _hazard(term: CoxTerm | None) -> str:
    """Write a ratio with its limits, or why there is none."""
    if term is None:
        return ""
    if term.hazard_ratio != term.hazard_ratio:
        return f"no estimate: {term.note}"
    return ratio_with_limits(term.hazard_ratio, term.lower, term.upper)


def _named(p: float, test: str) -> str:
    """Write a p value with its test; nothing where there is none."""
    return wording.NOTHING if p != p else f"{wording.p_value(p)} ({test})"


def _months(days: float) -> str:
    """Write days as months."""
    return wording.rounded(days / wording.DAYS_PER_MONTH, 1)


def _signed(days: float) -> str:
    """Write a difference of days as months."""
    return wording.signed(days / wording.DAYS_PER_MONTH, 1)


def _notes(shown: Sequence[Endpoint], first: FirstEvent | None) -> tuple[str, ...]:
    """Say what the numbers are."""
    notes = [
        "Kaplan-Meier with 95 % limits (log scale); restricted mean: area under the curve up to "
        "the longest of the usual horizons within the follow-up of all groups, chosen by the "
        "data. A small p of proportional hazards says that the ratio changes with time: then "
        "prefer the restricted mean. Without correction for multiple testing.",
    ]
    if first is not None:
        notes.append(
            "Cumulative incidence (Aalen-Johansen): first events from the times of "
            "progression-free survival; p by Gray's test; subdistribution ratios tell of the "
            "incidence, cause-specific ones of the rate among those still free of both."
        )
    notes += [
        f"{fit.title}: {fit.test.note}."
        for fit in shown
        if fit.test is not None and fit.test.note and not np.isnan(fit.test.p_value)
    ]
    return tuple(notes)
