"""Cox regression, with what a fit leaves unsaid: separation, non-convergence, too few events."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from stats.cox_model import CoxModel, fit_cox
from stats.design import Column, Design, RegressionError, design_of
from stats.event_time import TimesToEvent, as_floats, is_missing, label_codes, times_to_event
from stats.hazard_ratio import (
    CoxTerm,
    ReferenceLevel,
    hazard_ratios,
    no_hazard_ratio,
    reference_levels,
    why_no_estimate,
)
from stats.immortal_time import immortal_time_note
from stats.model_test import model_tests
from stats.result import TestResult

Floats = NDArray[np.float64]

TIES: Final = ("efron", "breslow")

EVENTS_PER_TERM: Final = 5
"""Fewer events than this per term: the fit is said to be fragile."""

__all__ = ["CoxFit", "CoxTerm", "ReferenceLevel", "RegressionError", "cox"]


@dataclass(frozen=True, slots=True)
class CoxFit:
    """A fitted Cox model.

    ``n`` counts rows (of start-stop data there are several per subject); ``missing`` tells for
    each variable how many of the dropped rows lack it. ``model`` is None where nothing could be
    fitted.
    """

    terms: tuple[CoxTerm, ...]
    references: tuple[ReferenceLevel, ...]
    likelihood_ratio: TestResult
    wald: TestResult
    score: TestResult
    level: float
    method: str
    n: int
    events: int
    n_missing: int
    missing: tuple[tuple[str, int], ...]
    converged: bool
    notes: tuple[str, ...]
    model: CoxModel | None = field(default=None, repr=False, compare=False)

    def rows(self) -> tuple[CoxTerm | ReferenceLevel, ...]:
        """Rows of a table: each factor's reference level before its terms."""
        found: list[CoxTerm | ReferenceLevel] = []
        first = {reference.variable: reference for reference in self.references}
        for term in self.terms:
            if term.variable in first:
                found.append(first.pop(term.variable))
            found.append(term)
        return tuple(found)


def cox(
    days: ArrayLike,
    event: ArrayLike,
    covariates: pd.DataFrame,
    *,
    entry_days: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    ties: str = "efron",
    reference: Mapping[str, str] | None = None,
    group_known_days: ArrayLike | None = None,
    level: float = 0.95,
) -> CoxFit:
    """Hazard ratios of covariates with Wald intervals.

    Parameters
    ----------
    days, event, entry_days
        As for `stats.event_time.times_to_event`; rows of start-stop data are at risk in
        (entry, days] (see `stats.start_stop`).
    covariates : DataFrame, one row per subject
        Numbers enter as they are; text and categories as indicators against a reference level.
        Incomplete rows are dropped and counted.
    strata : (n,) labels, optional
        Each stratum has a baseline hazard of its own.
    cluster : (n,) labels, optional
        Rows of one cluster are not independent: robust (sandwich) standard errors.
    weights : (n,) positive numbers, optional
        Case weights, as R's coxph takes them (with Efron ties not the same as repeated rows).
    ties : {"efron", "breslow"}
    reference : variable -> level, optional
        Default: the first level, of ordered categories in their order, else sorted, as in R.
    group_known_days : (n,) numbers, optional
        When a covariate became known, if after time zero: immortal-time bias is then said.

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
        For a reference level that does not occur, covariates of another length, unknown ties,
        or weights that are not positive.
    """
    _refuse_bad_options(days, covariates, ties, level)
    beside = {"strata": strata, "cluster": cluster, "weights": weights}
    others: list[ArrayLike] = [covariates[name] for name in covariates]
    others += [values for values in beside.values() if values is not None]
    data = times_to_event(days, event, entry_days=entry_days, other=others)
    design = design_of(covariates.loc[data.kept].reset_index(drop=True), dict(reference or {}))
    missing = _missing(days, event, covariates, beside)
    method = _method(ties, strata, cluster)
    notes = fragile(int(data.event.sum()), len(design.columns))
    if group_known_days is not None:
        notes += _immortal(group_known_days, data)
    why = cannot_fit(design.matrix, design.columns, data.event)
    if why:
        return _without_fit(
            data, design.columns, design.matrix, why, (level, method, missing, notes)
        )
    model = fit_cox(
        data,
        design,
        strata=None if strata is None else label_codes(strata, data.kept)[0],
        cluster=None if cluster is None else label_codes(cluster, data.kept)[0],
        weight=None if weights is None else _positive(weights)[data.kept],
        ties=ties,
    )
    return _with_fit(model, design, (level, method, missing, notes))


def _with_fit(
    model: CoxModel,
    design: Design,
    rest: tuple[float, str, tuple[tuple[str, int], ...], tuple[str, ...]],
) -> CoxFit:
    """Return a fit with its terms and tests."""
    level, method, missing, notes = rest
    data = model.data
    maximum = model.maximum
    no_estimate = why_no_estimate(maximum, design.columns)
    ratio, wald, score = model_tests(model)
    return CoxFit(
        terms=hazard_ratios(design, data.event, maximum, model.covariance, level=level),
        references=reference_levels(design.columns, design.matrix, data.event),
        likelihood_ratio=ratio,
        wald=wald,
        score=score,
        level=level,
        method=method,
        n=data.days.size,
        events=int(data.event.sum()),
        n_missing=data.n_missing,
        missing=missing,
        converged=not maximum.why_not and not maximum.infinite.any(),
        notes=((no_estimate,) if no_estimate else ()) + notes,
        model=model,
    )


def _refuse_bad_options(days: ArrayLike, covariates: pd.DataFrame, ties: str, level: float) -> None:
    """Refuse options that name nothing."""
    if len(covariates) != len(np.asarray(days)):
        msg = f"{len(covariates)} rows of covariates for {len(np.asarray(days))} times."
        raise RegressionError(msg)
    if covariates.columns.has_duplicates:
        twice = covariates.columns[covariates.columns.duplicated()].astype(str)
        msg = f"covariates named twice: {', '.join(twice)}. Name each once."
        raise RegressionError(msg)
    if ties not in TIES:
        msg = f"ties {ties!r} are not known. Use one of {', '.join(TIES)}."
        raise RegressionError(msg)
    if not 0 < level < 1:
        msg = f"confidence level {level} is not between 0 and 1. Give a share such as 0.95."
        raise RegressionError(msg)


def _positive(weights: ArrayLike) -> Floats:
    """Return weights, refused unless positive."""
    values = as_floats(weights, "weights")
    if (values <= 0).any() or np.isinf(values).any():
        msg = "weights must be positive numbers. Leave a row out instead of giving it no weight."
        raise RegressionError(msg)
    return values


def _method(ties: str, strata: ArrayLike | None, cluster: ArrayLike | None) -> str:
    """Say in words what was fitted."""
    parts = ["Cox regression", f"{ties.capitalize()} ties"]
    parts += ["stratified"] if strata is not None else []
    parts += ["robust errors of clusters"] if cluster is not None else []
    return ", ".join([*parts, "Wald intervals"])


def _missing(
    days: ArrayLike,
    event: ArrayLike,
    covariates: pd.DataFrame,
    beside: Mapping[str, ArrayLike | None],
) -> tuple[tuple[str, int], ...]:
    """Count missing values of each variable that lacks any."""
    columns: dict[str, ArrayLike | None] = {"days": days, "event": event}
    columns |= {str(name): covariates[name] for name in covariates}
    columns |= beside
    counts = {
        name: int(is_missing(values).sum())
        for name, values in columns.items()
        if values is not None
    }
    return tuple((name, count) for name, count in counts.items() if count)


def _immortal(known_days: ArrayLike, data: TimesToEvent) -> tuple[str, ...]:
    """Return the warning against immortal time, if there is cause for one."""
    note = immortal_time_note(known_days, entry_days=data.entry_days, kept=data.kept)
    return (note,) if note else ()


def cannot_fit(values: Floats, columns: tuple[Column, ...], event: NDArray[np.bool_]) -> str:
    """Say why no model can be fitted, or return an empty string."""
    if not event.any():
        return "no events"
    if not columns:
        return "no covariate with two levels"
    constant = [c.variable for i, c in enumerate(columns) if np.ptp(values[:, i]) == 0]
    return f"{', '.join(constant)} does not vary among complete cases" if constant else ""


def _without_fit(
    data: TimesToEvent,
    columns: tuple[Column, ...],
    values: Floats,
    why: str,
    rest: tuple[float, str, tuple[tuple[str, int], ...], tuple[str, ...]],
) -> CoxFit:
    """Return a fit without numbers that says why."""
    level, method, missing, notes = rest
    n = data.days.size
    empty = [
        TestResult(name, math.nan, math.nan, math.nan, n, data.n_missing, why)
        for name in ("likelihood ratio", "Wald", "score")
    ]
    return CoxFit(
        terms=tuple(
            no_hazard_ratio(c, values[:, i], data.event, why) for i, c in enumerate(columns)
        ),
        references=reference_levels(columns, values, data.event),
        likelihood_ratio=empty[0],
        wald=empty[1],
        score=empty[2],
        level=level,
        method=method,
        n=n,
        events=int(data.event.sum()),
        n_missing=data.n_missing,
        missing=missing,
        converged=False,
        notes=(why, *notes),
    )


def fragile(events: int, n_terms: int) -> tuple[str, ...]:
    """Say when a model rests on too few events."""
    if events >= EVENTS_PER_TERM * n_terms:
        return ()
    terms = "1 term" if n_terms == 1 else f"{n_terms} terms"
    return (f"{events} events for {terms}, fewer than {EVENTS_PER_TERM} each: fragile",)
