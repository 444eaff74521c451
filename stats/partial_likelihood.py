"""The maximum of Cox's partial likelihood, and whether there is one.

Own code, because lifelines stops short of it (up to 9e-4 of a coefficient off on R's data sets),
prints what it had when it stopped where there is no maximum (separation), has no Breslow ties, and
as a first guess costs more than the whole of this from zero. A test holds it to lifelines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stats.risk_set import Likelihood

Floats = NDArray[np.float64]
Evaluate = Callable[[Floats], Likelihood]

SETTLED: Final = 1e-10
"""A step that moves no linear predictor by more than this has arrived."""

MOST_STEPS: Final = 60

COLLINEAR_WORDS: Final = (
    "collinear covariates, or one that is alike in all who are at risk together"
)

NO_GAIN: Final = 1e-9
"""A gain of log likelihood too small to stop for, unless coefficients still run (`RUNNING`)."""

RUNNING: Final = 0.01
"""Linear predictors that still move by this much where nothing is gained run to infinity."""

APART: Final = 200.0
"""Linear predictors this far apart while coefficients still run: hazards apart by 10^86."""

LITTLE: Final = 1e-4
"""Information on a linear predictor this small: a standard error of 100 or more on its log."""

COLLINEAR: Final = 1e-10
"""A share of the largest eigenvalue of the scaled information that is none but rounding."""


@dataclass(frozen=True, slots=True)
class Maximum:
    """Coefficients at the maximum, with the likelihood there and at zero.

    ``infinite`` tells the coefficients that have no finite estimate; ``why_not`` is empty unless
    there is no estimate at all (where covariates are collinear, ``infinite`` tells which).
    """

    coefficients: Floats
    fitted: Likelihood
    null: Likelihood
    infinite: NDArray[np.bool_]
    why_not: str


def maximise(evaluate: Evaluate, design: Floats) -> Maximum:
    """Find the coefficients of greatest partial likelihood by Newton's method from zero.

    Parameters
    ----------
    evaluate : function of (p,) coefficients
        The likelihood to climb.
    design : (n, p) numbers, centred
    """
    width = np.ptp(design, axis=0)
    none = np.zeros(width.size, np.bool_)
    null = evaluate(np.zeros(width.size))
    fixed = _without_spread(null.information, width)
    if fixed.any():
        return Maximum(np.zeros(width.size), null, null, fixed, COLLINEAR_WORDS)
    at, here = np.zeros(width.size), null
    for _ in range(MOST_STEPS):
        try:
            step: Floats = np.asarray(np.linalg.solve(here.information, here.score), np.float64)
        except np.linalg.LinAlgError:
            return Maximum(at, here, null, none, "did not converge: no estimates")
        before = here.log_likelihood
        moved = np.abs(step) * width
        at, here = _climbed(evaluate, at, step, here)
        if moved.max() < SETTLED:
            return Maximum(at, here, null, none, "")
        gained = here.log_likelihood - before
        if moved.max() > RUNNING and (gained < NO_GAIN or np.ptp(design @ at) > APART):
            lost = _undetermined(here.information, width, moved > RUNNING)
            return Maximum(at, here, null, lost, "")
    return Maximum(at, here, null, none, "did not converge: no estimates")


def _climbed(
    evaluate: Evaluate, at: Floats, step: Floats, here: Likelihood
) -> tuple[Floats, Likelihood]:
    """Take a step, halved as long as it leads down; stay where rounding hides the way up."""
    for _ in range(30):
        there = evaluate(at + step)
        if there.log_likelihood >= here.log_likelihood - 1e-12 * abs(here.log_likelihood):
            return at + step, there
        step = step / 2
    return at, here


def _undetermined(
    information: Floats, width: Floats, infinite: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Add those that say nothing any more once others are infinite."""
    scaled = information / np.outer(width, width)
    while not infinite.all():
        finite = np.flatnonzero(~infinite)
        spread, direction = np.linalg.eigh(scaled[np.ix_(finite, finite)])
        flat = spread < LITTLE
        if not flat.any():
            break
        gone = (np.abs(direction[:, flat]) > 0.1).any(axis=1)
        infinite = infinite.copy()
        infinite[finite[gone]] = True
    return infinite


def _without_spread(information: Floats, width: Floats) -> NDArray[np.bool_]:
    """Tell the covariates of a combination that varies in no risk set."""
    scale = np.where(width > 0, width, 1.0)
    scaled = information / np.outer(scale, scale)
    spread, direction = np.linalg.eigh(scaled)
    flat = spread <= COLLINEAR * max(float(spread.max(initial=0)), np.finfo(np.float64).tiny)
    return np.asarray((np.abs(direction[:, flat]) > 0.1).any(axis=1))
