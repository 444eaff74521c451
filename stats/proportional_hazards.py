"""Test of proportional hazards: whether a coefficient changes with time.

Own code, because lifelines has the approximation that R's survival dropped in version 3.0; this is
the score test that replaced it there (Grambsch and Therneau 1994, Biometrika 81:515, with the
information at each event time instead of its average).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stats.cox_model import CoxModel
from stats.regression import CoxFit
from stats.result import TestResult
from stats.risk_set import likelihood
from stats.survival import kaplan_meier

Floats = NDArray[np.float64]

TRANSFORMS: Final = ("km", "rank", "identity", "log")


@dataclass(frozen=True, slots=True)
class ProportionalHazards:
    """Tests of each variable (all levels of a factor together) and of the whole model."""

    by_variable: tuple[tuple[str, TestResult], ...]
    whole: TestResult
    transform: str


def proportional_hazards(fit: CoxFit, *, transform: str = "km") -> ProportionalHazards:
    """Test whether the hazard ratios of a Cox model are constant over time.

    Parameters
    ----------
    fit : CoxFit
    transform : {"km", "rank", "identity", "log"}
        Time against which coefficients may drift: one minus the Kaplan-Meier curve of all rows
        just before (R's default), the rank of time, time, or its logarithm.

    Returns
    -------
    ProportionalHazards
        NaN with a note where there is no finite estimate to test; columns with an infinite
        coefficient are left out of the test of their variable and of the whole.

    Raises
    ------
    ValueError
        For an unknown transform.
    """
    if transform not in TRANSFORMS:
        msg = f"transform {transform!r} is not known. Use one of {', '.join(TRANSFORMS)}."
        raise ValueError(msg)
    names = tuple(dict.fromkeys(term.variable for term in fit.terms))
    model = fit.model
    finite = np.zeros(0, np.bool_) if model is None else ~model.maximum.infinite
    if model is None or model.maximum.why_not or not finite.any():
        empty = _no_test(fit, transform)
        return ProportionalHazards(tuple((name, empty) for name in names), empty, transform)
    score, information = _drift(model, transform, finite)
    columns = [column for column, kept in zip(model.columns, finite, strict=True) if kept]
    tests = []
    for name in names:
        mine = [i for i, column in enumerate(columns) if column.variable == name]
        test = _test(fit, score, information, mine, transform) if mine else _no_test(fit, transform)
        tests.append((name, test))
    whole = _test(fit, score, information, list(range(len(columns))), transform)
    return ProportionalHazards(tuple(tests), whole, transform)


def _no_test(fit: CoxFit, transform: str) -> TestResult:
    """Return a test without numbers that says why."""
    nan, why = math.nan, "no finite estimate to test"
    return TestResult(_name(transform), nan, nan, nan, fit.n, fit.n_missing, why)


def _drift(model: CoxModel, transform: str, finite: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return score (p,) of covariates times centred time, and information (2p, 2p) with them.

    Only p finite coefficients are looked at.
    """
    sets, beta = model.sets, model.maximum.coefficients
    per_term = _time(model, transform)[sets.time_of]
    once = likelihood(sets, model.design, beta, per_term=per_term)
    twice = likelihood(sets, model.design, beta, per_term=per_term**2)
    plain = model.maximum.fitted.information
    block = np.ix_(finite, finite)
    corner, mixed, timed = plain[block], once.information[block], twice.information[block]
    return once.score[finite], np.block([[corner, mixed], [mixed, timed]])


def _time(model: CoxModel, transform: str) -> Floats:
    """Return the transformed event times (G,), centred on the mean over events."""
    data, days = model.data, model.sets.days
    if transform == "km":
        entry = data.entry_days if data.entered_late else None
        curve = kaplan_meier(data.days, data.event, entry_days=entry)
        before = np.searchsorted(curve.times, days, side="left")
        time = 1 - np.concatenate([[1.0], curve.survival])[before]
    elif transform == "rank":
        ordered = np.sort(data.days)
        time = (np.searchsorted(ordered, days) + np.searchsorted(ordered, days, "right") + 1) / 2
    else:
        with np.errstate(divide="ignore"):
            time = days if transform == "identity" else np.log(days)
    if not np.isfinite(time).all():  # the logarithm of an event at time zero
        return np.full(days.size, np.nan)
    events = np.bincount(model.sets.own[data.event], minlength=days.size)
    return np.asarray(time - (events @ time) / events.sum())


def _test(
    fit: CoxFit, score: Floats, information: Floats, mine: list[int], transform: str
) -> TestResult:
    """Return the score test that some coefficients do not drift, given all main effects."""
    from scipy.stats import chi2

    size, n, n_missing = score.size, fit.n, fit.n_missing
    part = [*range(size), *(size + i for i in mine)]
    block = information[np.ix_(part, part)]
    beside = block[:size, size:]
    spread = block[size:, size:] - beside.T @ np.linalg.solve(block[:size, :size], beside)
    df = len(mine)
    if not np.isfinite(spread).all() or np.linalg.matrix_rank(spread, hermitian=True) < df:
        why = "too few distinct event times, or an event at time zero on a logarithmic scale"
        return TestResult(_name(transform), math.nan, math.nan, df, n, n_missing, why)
    statistic = float(score[mine] @ np.linalg.solve(spread, score[mine]))
    p_value = float(chi2.sf(statistic, df))
    return TestResult(_name(transform), p_value, statistic, df, n, n_missing)


def _name(transform: str) -> str:
    """Name the test as it is printed."""
    return f"score test of proportional hazards ({transform})"
