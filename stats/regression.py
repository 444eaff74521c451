"""Cox regression by lifelines, with what it leaves unsaid: separation and non-convergence."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from stats.event_time import times_to_event
from stats.result import TestResult

EVENTS_PER_TERM: Final = 5
"""Fewer events than this per term: the fit is said to be fragile."""

FIT_OPTIONS: Final = {"precision": 1e-12, "r_precision": 1e-15, "max_steps": 200}
"""lifelines stops at 1e-7, where the sixth digit of a coefficient is not settled yet."""

LOG_RATIO_LIMIT: Final = 15.0
"""A log hazard ratio this large across the range of a covariate has no finite estimate."""


class RegressionError(ValueError):
    """Covariates cannot be put into a regression as handed in."""


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
class CoxFit:
    """A fitted Cox model."""

    terms: tuple[CoxTerm, ...]
    likelihood_ratio: TestResult
    level: float
    method: str
    n: int
    events: int
    n_missing: int
    converged: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of the design: an indicator of a level, or a number."""

    variable: str
    level: str
    reference: str


def cox(
    days: ArrayLike,
    event: ArrayLike,
    covariates: pd.DataFrame,
    *,
    reference: Mapping[str, str] | None = None,
    level: float = 0.95,
) -> CoxFit:
    """Hazard ratios of covariates with Wald intervals, ties handled after Efron.

    Parameters
    ----------
    days, event
        As for `stats.survival.times_to_event`.
    covariates : DataFrame, one row per subject
        Numbers enter as they are; text and categories as indicators against a reference level.
        Incomplete rows are dropped and counted.
    reference : variable -> level, optional
        Default: the first level in sorted order, as in R.

    Returns
    -------
    CoxFit
        p values of terms are Wald's. A term whose estimate is infinite (a level without events,
        or events in perfect order of a number) is NaN and says so; so are all terms of a fit that
        did not converge.

    Raises
    ------
    SurvivalError
        For bad times or events.
    RegressionError
        For a reference level that does not occur or covariates of another length.
    """
    if len(covariates) != len(np.asarray(days)):
        msg = f"{len(covariates)} rows of covariates for {len(np.asarray(days))} times."
        raise RegressionError(msg)
    data = times_to_event(days, event, other=[covariates[name] for name in covariates])
    rows = covariates.loc[data.kept].reset_index(drop=True)
    design, columns = _design(rows, dict(reference or {}))
    method = "Cox regression, Efron ties, Wald intervals"
    n, events = data.days.size, int(data.event.sum())
    why = _cannot_fit(design, columns, data.event)
    if why:
        empty = TestResult("likelihood ratio", math.nan, math.nan, math.nan, n, data.n_missing, why)
        terms = tuple(_no_term(c, design[:, i], data.event, why) for i, c in enumerate(columns))
        return CoxFit(terms, empty, level, method, n, events, data.n_missing, False, (why,))  # noqa: FBT003
    fitted, said = _fit(data.days, data.event, design)
    converged = fitted is not None
    terms = tuple(
        _term(fitted, i, column, design[:, i], data.event, level)
        for i, column in enumerate(columns)
    )
    notes = said + _fragile(events, len(columns))
    ratio = _likelihood_ratio(fitted, len(columns), n, data.n_missing)
    return CoxFit(terms, ratio, level, method, n, events, data.n_missing, converged, notes)


def _design(
    rows: pd.DataFrame, reference: dict[str, str]
) -> tuple[NDArray[np.float64], list[_Column]]:
    """Return the design matrix, treatment contrasts for text and categories."""
    parts: list[NDArray[np.float64]] = []
    columns: list[_Column] = []
    for name in rows.columns:
        cells = rows[name]
        if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
            parts.append(cells.to_numpy(dtype=np.float64))
            columns.append(_Column(str(name), "per unit", ""))
            continue
        words = cells.astype(str)
        levels = sorted(words.unique())
        base = reference.get(str(name), levels[0] if levels else "")
        if levels and base not in levels:
            msg = f"{name}: reference {base!r} does not occur. Levels are {', '.join(levels)}."
            raise RegressionError(msg)
        for level in levels:
            if level != base:
                parts.append((words == level).to_numpy(dtype=np.float64))
                columns.append(_Column(str(name), level, base))
    return (np.column_stack(parts) if parts else np.zeros((len(rows), 0))), columns


def _cannot_fit(
    design: NDArray[np.float64], columns: list[_Column], event: NDArray[np.bool_]
) -> str:
    """Say why no model can be fitted, or return an empty string."""
    if not event.any():
        return "no events"
    if not columns:
        return "no covariate with two levels"
    constant = [c.variable for i, c in enumerate(columns) if np.ptp(design[:, i]) == 0]
    if constant:
        return f"{', '.join(constant)} does not vary among complete cases"
    if len(columns) == 1:
        return _separated(design[:, 0], event, columns[0])
    return ""


def _separated(values: NDArray[np.float64], event: NDArray[np.bool_], column: _Column) -> str:
    """Say that an indicator has all events on one side, or return an empty string."""
    if not column.reference:
        return ""
    if not event[values == 1].any():
        return f"no events in {column.variable} {column.level}: the hazard ratio has no lower bound"
    if not event[values == 0].any():
        return f"events in {column.variable} {column.level} only: the hazard ratio is infinite"
    return ""


def _fit(
    days: NDArray[np.float64], event: NDArray[np.bool_], design: NDArray[np.float64]
) -> tuple[Any, tuple[str, ...]]:
    """Return lifelines' fit, or None with the reason."""
    from lifelines import CoxPHFitter
    from lifelines.exceptions import ConvergenceError

    frame = pd.DataFrame(design, columns=[f"x{i}" for i in range(design.shape[1])])
    frame["days"], frame["event"] = days, event
    fitter = CoxPHFitter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they say is found out again by _term, in words
        try:
            fitter.fit(frame, "days", "event", fit_options=dict(FIT_OPTIONS))
        except (ConvergenceError, np.linalg.LinAlgError):
            return None, ("did not converge (collinear covariates?): no estimates",)
    if not np.isfinite(fitter.params_.to_numpy()).all():
        return None, ("did not converge: no estimates",)
    return fitter, ()


def _term(
    fitted: Any,
    index: int,
    column: _Column,
    values: NDArray[np.float64],
    event: NDArray[np.bool_],
    level: float,
) -> CoxTerm:
    """Return one hazard ratio, or the reason why there is none."""
    from scipy.stats import norm

    why = "did not converge" if fitted is None else _separated(values, event, column)
    if not why and abs(float(fitted.params_.iloc[index])) * np.ptp(values) > LOG_RATIO_LIMIT:
        why = f"events are in perfect order of {column.variable}: no finite hazard ratio"
    if why:
        return _no_term(column, values, event, why)
    coefficient = float(fitted.params_.iloc[index])
    error = float(fitted.standard_errors_.iloc[index])
    half = float(norm.isf((1 - level) / 2)) * error
    n, n_events = _counts(column, values, event)
    return CoxTerm(
        variable=column.variable,
        level=column.level,
        reference=column.reference,
        hazard_ratio=math.exp(coefficient),
        lower=math.exp(coefficient - half),
        upper=math.exp(coefficient + half),
        coefficient=coefficient,
        standard_error=error,
        p_value=float(2 * norm.sf(abs(coefficient / error))),
        n=n,
        events=n_events,
    )


def _no_term(
    column: _Column, values: NDArray[np.float64], event: NDArray[np.bool_], why: str
) -> CoxTerm:
    """Return a term without numbers that says why."""
    nan = math.nan
    n, events = _counts(column, values, event)
    return CoxTerm(
        column.variable, column.level, column.reference,
        nan, nan, nan, nan, nan, nan, n, events, why,
    )  # fmt: skip


def _counts(
    column: _Column, values: NDArray[np.float64], event: NDArray[np.bool_]
) -> tuple[int, int]:
    """Return subjects and events in a level (of all subjects, for a number)."""
    here = values == 1 if column.reference else np.ones(values.size, dtype=np.bool_)
    return int(here.sum()), int((here & event).sum())


def _likelihood_ratio(fitted: Any, df: int, n: int, n_missing: int) -> TestResult:
    """Return the likelihood-ratio test of the whole model."""
    from scipy.stats import chi2

    name = "likelihood ratio"
    if fitted is None:
        return TestResult(name, math.nan, math.nan, df, n, n_missing, "did not converge")
    statistic = float(fitted.log_likelihood_ratio_test().test_statistic)
    return TestResult(name, float(chi2.sf(statistic, df)), statistic, df, n, n_missing)


def _fragile(events: int, n_terms: int) -> tuple[str, ...]:
    """Say when a model rests on too few events."""
    if events >= EVENTS_PER_TERM * n_terms:
        return ()
    return (f"{events} events for {n_terms} terms: fewer than {EVENTS_PER_TERM} each, fragile",)
