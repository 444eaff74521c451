"""Fine and Gray's regression: how covariates move the cumulative incidence of one cause."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from stats.competing import FirstEvents, first_events
from stats.cox_model import inverse_information
from stats.design import Design, design_of
from stats.event_time import label_codes
from stats.hazard_ratio import (
    CoxTerm,
    ReferenceLevel,
    hazard_ratios,
    no_hazard_ratio,
    reference_levels,
    why_no_estimate,
)
from stats.partial_likelihood import Maximum, maximise
from stats.regression import cannot_fit, fragile
from stats.result import TestResult
from stats.subdistribution import (
    robust_scores,
    subdistribution_likelihood,
    subdistribution_sets,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FineGrayFit:
    """A fitted subdistribution model; hazard ratios of terms are of the subdistribution."""

    terms: tuple[CoxTerm, ...]
    references: tuple[ReferenceLevel, ...]
    likelihood_ratio: TestResult
    log_likelihood: float
    null_log_likelihood: float
    of_cause: int
    level: float
    method: str
    n: int
    events: int
    competing: int
    n_missing: int
    converged: bool
    notes: tuple[str, ...]


def fine_gray(
    days: ArrayLike,
    cause: ArrayLike,
    covariates: pd.DataFrame,
    *,
    of_cause: int = 1,
    censoring_group: ArrayLike | None = None,
    reference: Mapping[str, str] | None = None,
    level: float = 0.95,
) -> FineGrayFit:
    """Subdistribution hazard ratios of one cause, others competing.

    A ratio above one means a higher cumulative incidence. It is no rate among those still at
    risk: for that see `stats.competing.cause_specific_cox`.

    Parameters
    ----------
    days, cause
        As for `stats.competing.first_events`.
    covariates, reference, level
        As for `stats.regression.cox`.
    of_cause : int
        The cause whose incidence is modelled.
    censoring_group : (n,) labels, optional
        Groups that are censored differently (R's ``cengroup``).

    Returns
    -------
    FineGrayFit
        Robust standard errors that know of the estimated censoring. Terms without finite
        estimate are NaN with a note.

    Raises
    ------
    SurvivalError
        For bad times or causes.
    RegressionError
        For covariates that make no design (see `stats.design`).

    Notes
    -----
    Fine and Gray 1999, J Am Stat Assoc 94:496; equal to R's ``cmprsk::crr``.
    """
    others = [covariates[name] for name in covariates]
    others += [] if censoring_group is None else [pd.Series(np.asarray(censoring_group, object))]
    data = first_events(days, cause, other=others)
    design = design_of(
        covariates.loc[data.times.kept].reset_index(drop=True), dict(reference or {})
    )
    event = data.cause == of_cause
    why = cannot_fit(design.matrix, design.columns, event)
    if why:
        terms = tuple(
            no_hazard_ratio(column, design.matrix[:, i], event, why)
            for i, column in enumerate(design.columns)
        )
        return _fit(data, design, terms, None, (of_cause, level, (why,)))
    group = np.zeros(event.size, np.int64)
    if censoring_group is not None:
        group = label_codes(censoring_group, data.times.kept)[0]
    sets = subdistribution_sets(data, of_cause, group)
    centred = design.matrix - design.matrix.mean(axis=0)
    evaluate = partial(subdistribution_likelihood, sets, centred)
    maximum = maximise(evaluate, centred)
    inverse = inverse_information(maximum)
    moves = robust_scores(sets, data, centred, maximum.fitted) @ np.nan_to_num(inverse)
    terms = hazard_ratios(design, event, maximum, moves.T @ moves, level=level)
    no_estimate = why_no_estimate(maximum, design.columns)
    notes = ((no_estimate,) if no_estimate else ()) + fragile(int(event.sum()), len(terms))
    return _fit(data, design, terms, maximum, (of_cause, level, notes))


def _fit(
    data: FirstEvents,
    design: Design,
    terms: tuple[CoxTerm, ...],
    maximum: Maximum | None,
    rest: tuple[int, float, tuple[str, ...]],
) -> FineGrayFit:
    """Put a fit together."""
    from scipy.stats import chi2

    of_cause, level, notes = rest
    event, n = data.cause == of_cause, data.cause.size
    climbed = null = math.nan
    if maximum is not None and not maximum.why_not:
        climbed, null = maximum.fitted.log_likelihood, maximum.null.log_likelihood
    ratio, df = 2 * (climbed - null), len(terms)
    test = TestResult(
        "likelihood ratio", float(chi2.sf(ratio, df)), ratio, df, n, data.times.n_missing,
        "" if math.isfinite(ratio) else notes[0],
    )  # fmt: skip
    return FineGrayFit(
        terms=terms,
        references=reference_levels(design.columns, design.matrix, event),
        likelihood_ratio=test,
        log_likelihood=climbed,
        null_log_likelihood=null,
        of_cause=of_cause,
        level=level,
        method="Fine-Gray regression, robust Wald intervals",
        n=n,
        events=int(event.sum()),
        competing=int(((data.cause > 0) & ~event).sum()),
        n_missing=data.times.n_missing,
        converged=maximum is not None and not maximum.why_not and not maximum.infinite.any(),
        notes=notes,
    )
