"""Hazard ratios as rows of a table: each with its counts, or with the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stats.design import Column, Design
from stats.partial_likelihood import Maximum

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CoxTerm:
    """One hazard ratio; NaN with a note where there is none to print."""

    variable: str
    level: str
    reference: str
    hazard_ratio: float
    lower: float
    upper: float
    coefficient: float
    standard_error: float
    p_value: float
    n: int
    events: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class ReferenceLevel:
    """The level of a factor that the others are compared with: a row of the table without ratio."""

    variable: str
    level: str
    n: int
    events: int


def why_no_estimate(maximum: Maximum, columns: tuple[Column, ...]) -> str:
    """Say why there is no estimate at all, naming the covariates in which it lies."""
    if not maximum.why_not:
        return ""
    flat = maximum.infinite
    names = dict.fromkeys(c.variable for c, here in zip(columns, flat, strict=True) if here)
    return f"{maximum.why_not}: {', '.join(names)}; no estimates" if names else maximum.why_not


def hazard_ratios(
    design: Design, event: Truths, maximum: Maximum, covariance: Floats, *, level: float
) -> tuple[CoxTerm, ...]:
    """Return the hazard ratio of each column, or the reason why there is none."""
    why_none = why_no_estimate(maximum, design.columns)
    found = []
    for i, column in enumerate(design.columns):
        values, why = design.matrix[:, i], why_none
        if not why and maximum.infinite[i]:
            why = _separated(values, event, column)
        if not why and covariance[i, i] <= 0:
            why = "no robust standard error: too few clusters or event times"
        if why:
            found.append(no_hazard_ratio(column, values, event, why))
            continue
        estimate = float(maximum.coefficients[i]), math.sqrt(covariance[i, i])
        found.append(_hazard_ratio(column, values, event, estimate, level))
    return tuple(found)


def _hazard_ratio(
    column: Column, values: Floats, event: Truths, estimate: tuple[float, float], level: float
) -> CoxTerm:
    """Return a hazard ratio from a coefficient and its error."""
    from scipy.stats import norm

    coefficient, error = estimate
    half = float(norm.isf((1 - level) / 2)) * error
    n, n_events = _counts(column.reference != "", values, event)
    with np.errstate(over="ignore"):
        ratio, lower, upper = np.exp([coefficient, coefficient - half, coefficient + half])
    return CoxTerm(
        variable=column.variable,
        level=column.level,
        reference=column.reference,
        hazard_ratio=float(ratio),
        lower=float(lower),
        upper=float(upper),
        coefficient=coefficient,
        standard_error=error,
        p_value=float(2 * norm.sf(abs(coefficient / error))),
        n=n,
        events=n_events,
    )


def _separated(values: Floats, event: Truths, column: Column) -> str:
    """Say in which way a coefficient without finite estimate runs away."""
    if column.reference and not event[values == 1].any():
        return f"no events in {column.variable} {column.level}: the hazard ratio has no lower bound"
    if column.reference and not event[values == 0].any():
        return f"events in {column.variable} {column.level} only: the hazard ratio is infinite"
    return (
        f"events are in perfect order of {column.variable}, alone or with other covariates: "
        "no finite hazard ratio"
    )


def no_hazard_ratio(column: Column, values: Floats, event: Truths, why: str) -> CoxTerm:
    """Return a term without numbers that says why."""
    nan = math.nan
    n, events = _counts(column.reference != "", values, event)
    return CoxTerm(
        column.variable, column.level, column.reference,
        nan, nan, nan, nan, nan, nan, n, events, why,
    )  # fmt: skip


def reference_levels(
    columns: tuple[Column, ...], values: Floats, event: Truths
) -> tuple[ReferenceLevel, ...]:
    """Return the reference level of each factor with its counts."""
    found = []
    for name in dict.fromkeys(c.variable for c in columns if c.reference):
        mine = [i for i, c in enumerate(columns) if c.variable == name]
        here = values[:, mine].sum(axis=1) == 0
        base = columns[mine[0]].reference
        found.append(ReferenceLevel(name, base, int(here.sum()), int((here & event).sum())))
    return tuple(found)


def _counts(is_level: bool, values: Floats, event: Truths) -> tuple[int, int]:  # noqa: FBT001
    """Return subjects and events in a level (of all subjects, for a number)."""
    here = values == 1 if is_level else np.ones(values.size, dtype=np.bool_)
    return int(here.sum()), int((here & event).sum())
