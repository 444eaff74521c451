"""Hazard ratios as rows of a table: each with its counts, or with the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stats.cox_model import CoxModel
from stats.design import Column

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


def why_no_estimate(model: CoxModel) -> str:
    """Say why there is no estimate, naming the covariates in which it lies."""
    flat = model.maximum.infinite
    names = dict.fromkeys(c.variable for c, here in zip(model.columns, flat, strict=True) if here)
    words = model.maximum.why_not
    return f"{words}: {', '.join(names)}; no estimates" if names else words


def hazard_ratio(model: CoxModel, index: int, values: Floats, level: float) -> CoxTerm:
    """Return one hazard ratio, or the reason why there is none."""
    from scipy.stats import norm

    column, event, maximum = model.columns[index], model.data.event, model.maximum
    why = why_no_estimate(model) if maximum.why_not else ""
    if not why and maximum.infinite[index]:
        why = _separated(values, event, column)
    error = math.sqrt(model.covariance[index, index]) if not why else math.nan
    if error == 0:
        why = "no robust standard error: too few clusters"
    if why:
        return no_hazard_ratio(column, values, event, why)
    coefficient = float(maximum.coefficients[index])
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
