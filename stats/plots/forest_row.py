"""Forests of results: response by level of each factor, and hazard ratios of Cox models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from stats.hazard_ratio import CoxTerm, ReferenceLevel
from stats.number_text import DASH, p_of_test, p_value, percent, ratio_with_limits
from stats.plots.forest import ForestHeads, ForestRow, draw_forest
from stats.plots.style import Drawing
from stats.regression import CoxFit
from stats.regression_table import notes_by_model
from stats.response_factor import FactorResponse, ResponseByFactor
from stats.result import Proportion

WALD: Final = "Wald"


def _as_is(word: str) -> str:
    """Return a name as it is."""
    return word


def draw_response_forest(
    found: ResponseByFactor,
    *,
    rate: str = "Objective response rate",
    name: Callable[[str], str] = _as_is,
    level: Callable[[str], str] = _as_is,
) -> Drawing:
    """Response by level of each factor with exact limits, the dashed line at that of all.

    Parameters
    ----------
    found : ResponseByFactor
    rate : str
        What the share is called.
    name, level : functions, optional
        From a variable, and from a level, to the words that are printed for it.
    """
    rows = [_rate_row("All subjects", found.overall, kind="whole")]
    for factor in found.factors:
        rows += _of_factor(factor, name(factor.variable), level)
    percents = 100 * found.overall.level
    left_out = "; ".join(f"{name(variable)} ({why})" for variable, why in found.left_out)
    caption = (
        f"{rate} with {percents:g} % Clopper-Pearson limits by level of each factor; dashed: all "
        "subjects. One test per factor, without correction for multiple testing and without regard "
        f"to other factors (policy “{found.policy}”)."
        + (f" {found.overall.n_missing} without a known response are left out."
           if found.overall.n_missing else "")
        + (f" Not shown: {left_out}." if left_out else "")
    )  # fmt: skip
    return draw_forest(
        rows,
        heads=ForestHeads("Factor", ("k/n",), (f"% ({percents:g} % CI)", "p (test)")),
        x_label=f"{rate} (%)",
        scale="percent",
        line=found.overall.estimate,
        caption=caption,
    )


def _of_factor(
    factor: FactorResponse, words: str, written: Callable[[str], str]
) -> list[ForestRow]:
    """Return the heading of a factor with its test, and its levels."""
    p, test = factor.test.p_value, factor.test.name
    note = f" ({factor.n_missing} missing)" if factor.n_missing else ""
    head = ForestRow(words + note, ("",), ("", p_of_test(factor.test)), kind="heading")
    levels = [
        _rate_row(
            written(one.level),
            one.response,
            variable=factor.variable,
            level=one.level,
            p=p,
            test=test,
        )
        for one in factor.levels
    ]
    return [head, *levels]


def _rate_row(
    label: str,
    one: Proportion,
    *,
    kind: str = "level",
    variable: str = "",
    level: str = "",
    p: float = float("nan"),
    test: str = "",
) -> ForestRow:
    """Return the row of one rate."""
    limits = f"{percent(one.lower)}{DASH}{percent(one.upper)}"
    return ForestRow(
        label,
        (f"{one.events}/{one.n}",),
        (f"{percent(one.estimate)} ({limits})" if one.n else "", ""),
        kind="whole" if kind == "whole" else "level",
        estimate=one.estimate, lower=one.lower, upper=one.upper,
        variable=variable, level=level, n=one.n, events=one.events, p_value=p, test=test,
    )  # fmt: skip


def draw_hazard_forest(
    fits: Sequence[CoxFit],
    *,
    x_label: str = "Hazard ratio",
    towards: tuple[str, str] | None = ("fewer events", "more events"),
    name: Callable[[str], str] = _as_is,
    level: Callable[[str], str] = _as_is,
    what: str = "",
) -> Drawing:
    """Hazard ratios of Cox models with Wald limits: one model, or one per covariate.

    Parameters
    ----------
    fits : sequence of CoxFit
        Their rows follow each other.
    x_label : str
    towards : two words
        What hazards below and above one mean.
    name, level : functions, optional
        From a variable, and from a level, to the words that are printed for it.
    what : str
        Says what was fitted, first words of the caption.
    """
    rows = [row for fit in fits for row in _of_fit(fit.rows(), name, level)]
    percents = 100 * fits[0].level if fits else 95.0
    notes = list(fits[0].notes) if len(fits) == 1 else []
    if len(fits) > 1:
        notes = notes_by_model([(_variables(fit, name), fit.notes) for fit in fits])
    missing = [f"{fit.n_missing}" for fit in fits if fit.n_missing] if len(fits) == 1 else []
    caption = (
        f"{what or fits[0].method}: hazard ratios with {percents:g} % Wald limits on a logarithmic "
        "axis, of numbers for one unit more; counts are events/subjects of the levels."
        + (f" {missing[0]} incomplete cases are left out." if missing else "")
        + (f" {'; '.join(notes)}." if notes else "")
    )
    return draw_forest(
        rows,
        heads=ForestHeads("Covariate", ("Events/n",), (f"HR ({percents:g} % CI)", f"p ({WALD})")),
        x_label=x_label,
        scale="log",
        line=1.0,
        towards=towards,
        caption=caption,
    )


def _variables(fit: CoxFit, name: Callable[[str], str]) -> str:
    """Return the words for what a model is of."""
    return " and ".join(dict.fromkeys(name(term.variable) for term in fit.terms))


def _of_fit(
    rows: Iterable[CoxTerm | ReferenceLevel],
    name: Callable[[str], str],
    level: Callable[[str], str],
) -> list[ForestRow]:
    """Return the rows of a fit; a factor of two levels is one row, of more a heading and levels."""
    listed = list(rows)
    found: list[ForestRow] = []
    for row in listed:
        mine = [one for one in listed if one.variable == row.variable]
        pair = len(mine) == 2
        if isinstance(row, ReferenceLevel):
            if not pair:
                words = name(row.variable)
                found.append(ForestRow(words, ("",), ("", ""), kind="heading"))
                found.append(_reference(row, level(row.level)))
        else:
            base = next((one for one in mine if isinstance(one, ReferenceLevel)), None)
            if len(mine) > 2:
                label, counts = level(row.level), f"{row.events}/{row.n}"
            elif base is None:
                label, counts = name(row.variable), f"{row.events}/{row.n}"
            else:
                label = f"{name(row.variable)}: {level(row.level)} vs {level(base.level)}"
                counts = f"{row.events}/{row.n} vs {base.events}/{base.n}"
            found.append(_ratio_row(row, label, counts, alone=len(mine) <= 2))
    return found


def _reference(row: ReferenceLevel, words: str) -> ForestRow:
    """Return the row of a reference level."""
    return ForestRow(
        words, (f"{row.events}/{row.n}",), ("reference", ""), kind="reference",
        variable=row.variable, level=row.level, n=row.n, events=row.events, estimate=float("nan"),
    )  # fmt: skip


def _ratio_row(term: CoxTerm, label: str, counts: str, *, alone: bool) -> ForestRow:
    """Return the row of a hazard ratio, or of why there is none."""
    known = term.hazard_ratio == term.hazard_ratio
    told = "no estimate"
    if known:
        told = ratio_with_limits(term.hazard_ratio, term.lower, term.upper)
    return ForestRow(
        label,
        (counts,),
        (told, p_value(term.p_value)),
        kind="single" if alone else "level",
        estimate=term.hazard_ratio, lower=term.lower, upper=term.upper,
        variable=term.variable, level=term.level, n=term.n, events=term.events,
        p_value=term.p_value, test=WALD,
    )  # fmt: skip
