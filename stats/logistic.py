"""Logistic regression by statsmodels, with what it leaves unsaid: estimates that are infinite.

statsmodels warns of perfect prediction only where every subject is predicted; where a level has no
event (quasi-separation) it prints a large coefficient with a larger error. A linear programme finds
out beforehand which coefficients have no finite value (Konis 2007, Oxford, DPhil thesis).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from stats.design import Column, design_of
from stats.result import TestResult

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]

EVENTS_PER_TERM: Final = 5
SEPARATED: Final = 1e-6
METHOD: Final = "logistic regression, maximum likelihood, Wald intervals"


@dataclass(frozen=True, slots=True)
class LogisticTerm:
    """One odds ratio; NaN with a note where there is none to print."""

    variable: str
    level: str
    reference: str
    odds_ratio: float
    lower: float
    upper: float
    coefficient: float
    standard_error: float
    p_value: float
    n: int
    events: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class LogisticFit:
    """A fitted logistic model; the intercept is not among the terms."""

    terms: tuple[LogisticTerm, ...]
    likelihood_ratio: TestResult
    log_likelihood: float
    level: float
    method: str
    n: int
    events: int
    n_missing: int
    notes: tuple[str, ...]


class LogisticError(ValueError):
    """Events and covariates cannot be put into a logistic regression as handed in."""


def logistic(
    event: ArrayLike,
    covariates: pd.DataFrame,
    *,
    reference: Mapping[str, str] | None = None,
    level: float = 0.95,
) -> LogisticFit:
    """Odds ratios of covariates for an event such as a response, with Wald intervals.

    Parameters
    ----------
    event : truth values or 0 and 1, one per subject; missing allowed
    covariates : DataFrame, one row per subject
        Numbers enter as they are; text, truth values and categories as indicators against a
        reference level. Incomplete rows are dropped and counted.
    reference : variable -> level, optional
        Default: the first level, as in R.
    level : float
        Confidence level, as a share.

    Returns
    -------
    LogisticFit
        p values of terms are Wald's, as R's ``summary(glm)``. A coefficient without finite value is
        NaN and says so; the others are then those to which the fit converges.

    Raises
    ------
    LogisticError
        For lengths that differ, an event that is neither true nor false, a level that is no share.
    RegressionError
        For a reference level that does not occur or an infinite covariate.
    """
    if not 0 < level < 1:
        msg = f"confidence level {level} is not between 0 and 1. Give a share such as 0.95."
        raise LogisticError(msg)
    outcome, rows, n_missing = _complete(event, covariates)
    design = design_of(rows, dict(reference or {}))
    n, events = outcome.size, int(outcome.sum())
    why = _cannot_fit(design.matrix, design.columns, outcome)
    if why:
        nothing = TestResult("likelihood ratio", math.nan, math.nan, math.nan, n, n_missing, why)
        terms = tuple(
            _no_term(column, design.matrix[:, i], outcome, why)
            for i, column in enumerate(design.columns)
        )
        return LogisticFit(terms, nothing, math.nan, level, METHOD, n, events, n_missing, (why,))
    infinite, used = _separation(design.matrix, outcome)
    fitted = _fit(design.matrix[used][:, ~infinite], outcome[used])
    position = np.cumsum(~infinite)  # the intercept stands first
    terms = tuple(
        _no_term(column, design.matrix[:, i], outcome, _infinite_words(column))
        if infinite[i]
        else _term(fitted, int(position[i]), column, design.matrix[:, i], outcome, level)
        for i, column in enumerate(design.columns)
    )
    ratio = _likelihood_ratio(float(fitted.llf), outcome, len(design.columns), n_missing)
    notes = _notes(infinite, design.columns, events, n)
    return LogisticFit(terms, ratio, float(fitted.llf), level, METHOD, n, events, n_missing, notes)


def _complete(event: ArrayLike, covariates: pd.DataFrame) -> tuple[Truths, pd.DataFrame, int]:
    """Return outcomes and covariates of complete cases, and the number dropped."""
    try:
        known = pd.Series(np.asarray(event, dtype=object)).astype("boolean")
    except (TypeError, ValueError):
        msg = "events must be true, false (or 1, 0) or missing."
        raise LogisticError(msg) from None
    if len(known) != len(covariates):
        msg = f"{len(covariates)} rows of covariates for {len(known)} events."
        raise LogisticError(msg)
    rows = covariates.reset_index(drop=True)
    kept = known.notna() & rows.notna().all(axis=1)
    outcome = known[kept].to_numpy(dtype=bool)
    return outcome, rows[kept].reset_index(drop=True), int((~kept).sum())


def _cannot_fit(matrix: Floats, columns: tuple[Column, ...], outcome: Truths) -> str:
    """Say why no model can be fitted, or return an empty string."""
    if not outcome.any() or outcome.all():
        return "no events" if not outcome.any() else "events in all subjects"
    if not columns:
        return "no covariate that varies among complete cases"
    flat = [c.variable for i, c in enumerate(columns) if np.ptp(matrix[:, i]) == 0]
    if flat:
        return f"{', '.join(dict.fromkeys(flat))} does not vary among complete cases"
    whole = np.column_stack([np.ones(len(matrix)), _scaled(matrix)])
    if np.linalg.matrix_rank(whole) < whole.shape[1]:
        return "covariates depend on each other linearly: leave one out"
    return ""


def _scaled(matrix: Floats) -> Floats:
    """Return columns with mean 0 and range 1, so that tolerances mean the same for all."""
    return np.asarray((matrix - matrix.mean(axis=0)) / np.ptp(matrix, axis=0))


def _separation(matrix: Floats, outcome: Truths) -> tuple[Truths, Truths]:
    """Return which columns have no finite estimate, and which subjects then still tell something.

    A direction b with sign * (x b) >= 0 for all subjects and > 0 for some only raises the
    likelihood; those subjects are predicted perfectly in the limit.
    """
    from scipy.optimize import linprog

    signs = np.where(outcome, 1.0, -1.0)[:, None]
    sided = signs * np.column_stack([np.ones(len(matrix)), _scaled(matrix)])

    def best(aim: Floats) -> Floats:
        found = linprog(-aim, A_ub=-sided, b_ub=np.zeros(len(sided)), bounds=(-1, 1))
        return np.asarray(found.x)

    direction = best(sided.sum(axis=0))
    margins = sided @ direction
    if margins.max(initial=0.0) <= SEPARATED:
        return np.zeros(matrix.shape[1], dtype=bool), np.ones(len(matrix), dtype=bool)
    infinite = np.zeros(matrix.shape[1], dtype=bool)
    for index in range(matrix.shape[1]):
        unit = np.zeros(sided.shape[1])
        unit[index + 1] = 1.0
        infinite[index] = max(best(unit)[index + 1], -best(-unit)[index + 1]) > SEPARATED
    return infinite, np.asarray(margins <= SEPARATED)


def _fit(matrix: Floats, outcome: Truths) -> Any:
    """Return statsmodels' fit of the columns with finite estimates; the intercept comes first."""
    import statsmodels.api as sm

    design = np.column_stack([np.ones(len(matrix)), matrix])
    if not outcome.any() or outcome.all() or not len(outcome):
        return _Perfect()
    model = sm.GLM(outcome.astype(np.float64), design, family=sm.families.Binomial())
    return model.fit(tol=1e-14, maxiter=100, tol_criterion="deviance")


class _Perfect:
    """A fit whose likelihood is 1: every subject is predicted."""

    llf: float = 0.0


def _term(
    fitted: Any, index: int, column: Column, values: Floats, outcome: Truths, level: float
) -> LogisticTerm:
    """Return one odds ratio."""
    from scipy.stats import norm

    if isinstance(fitted, _Perfect):
        return _no_term(column, values, outcome, "the other covariates predict every subject")
    coefficient, error = float(fitted.params[index]), float(fitted.bse[index])
    half = float(norm.isf((1 - level) / 2)) * error
    n, events = _counts(column, values, outcome)
    return LogisticTerm(
        variable=column.variable,
        level=column.level,
        reference=column.reference,
        odds_ratio=math.exp(coefficient),
        lower=math.exp(coefficient - half),
        upper=math.exp(coefficient + half),
        coefficient=coefficient,
        standard_error=error,
        p_value=float(2 * norm.sf(abs(coefficient / error))),
        n=n,
        events=events,
    )


def _no_term(column: Column, values: Floats, outcome: Truths, why: str) -> LogisticTerm:
    """Return a term without numbers that says why."""
    nan = math.nan
    return LogisticTerm(
        column.variable, column.level, column.reference, nan, nan, nan, nan, nan, nan,
        *_counts(column, values, outcome), why,
    )  # fmt: skip


def _infinite_words(column: Column) -> str:
    """Say that an odds ratio has no finite value."""
    what = f"{column.variable} {column.level}" if column.reference else column.variable
    return f"{what} separates events from others: no finite odds ratio"


def _counts(column: Column, values: Floats, outcome: Truths) -> tuple[int, int]:
    """Return subjects and events in a level (of all subjects, for a number)."""
    here = values == 1 if column.reference else np.ones(values.size, dtype=np.bool_)
    return int(here.sum()), int((here & outcome).sum())


def _likelihood_ratio(log: float, outcome: Truths, df: int, n_missing: int) -> TestResult:
    """Return the likelihood-ratio test of the whole model against the intercept alone."""
    from scipy.stats import chi2

    n, events = outcome.size, int(outcome.sum())
    null = events * math.log(events / n) + (n - events) * math.log(1 - events / n)
    statistic = 2 * (log - null)
    return TestResult(
        "likelihood ratio", float(chi2.sf(statistic, df)), statistic, df, n, n_missing
    )


def _notes(infinite: Truths, columns: tuple[Column, ...], events: int, n: int) -> tuple[str, ...]:
    """Say what makes a model fragile."""
    notes = []
    if infinite.any():
        names = dict.fromkeys(c.variable for c, here in zip(columns, infinite, strict=True) if here)
        notes.append(f"no finite odds ratio for {', '.join(names)}")
    rarer = min(events, n - events)
    if rarer < EVENTS_PER_TERM * len(columns):
        notes.append(
            f"{rarer} of the rarer outcome for {len(columns)} terms, fewer than "
            f"{EVENTS_PER_TERM} each: fragile"
        )
    return tuple(notes)
