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
        NaN with a note where the model has no finite estimates.

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
    if model is None or not fit.converged:
        why = "no finite estimates to test"
        empty = TestResult(
            _name(transform), math.nan, math.nan, math.nan, fit.n, fit.n_missing, why
        )
        return ProportionalHazards(tuple((name, empty) for name in names), empty, transform)
    score, information = _drift(model, transform)
    size = len(model.columns)
    tests = []
    for name in names:
        mine = [i for i, column in enumerate(model.columns) if column.variable == name]
        tests.append((name, _test(model, score, information, mine, transform)))
    whole = _test(model, score, information, list(range(size)), transform)
    return ProportionalHazards(tuple(tests), whole, transform)


def _drift(model: CoxModel, transform: str) -> tuple[Floats, Floats]:
    """Return score (p,) of covariates times centred time, and information (2p, 2p) with them."""
    sets, beta = model.sets, model.maximum.coefficients
    per_term = _time(model, transform)[sets.time_of]
    once = likelihood(sets, model.design, beta, per_term=per_term)
    twice = likelihood(sets, model.design, beta, per_term=per_term**2)
    plain = model.maximum.fitted.information
    return once.score, np.block([
        [plain, once.information], [once.information, twice.information],
    ])  # fmt: skip


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
    events = np.bincount(model.sets.own[data.event], minlength=days.size)
    return np.asarray(time - (events @ time) / events.sum())


def _test(
    model: CoxModel, score: Floats, information: Floats, mine: list[int], transform: str
) -> TestResult:
    """Return the score test that some coefficients do not drift, given all main effects."""
    from scipy.stats import chi2

    size = len(model.columns)
    n, n_missing = model.data.days.size, model.data.n_missing
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
