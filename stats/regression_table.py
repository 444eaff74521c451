"""Table 3: each covariate alone, then together: those that p values chose, and those of a plan."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd
from numpy.typing import ArrayLike

from stats.proportional_hazards import ProportionalHazards, proportional_hazards
from stats.regression import CoxFit, RegressionError, cox

CHOSEN_BELOW: Final = 0.05


@dataclass(frozen=True, slots=True)
class Multivariable:
    """A model of several covariates; ``chosen_by`` says in words how they came to be in it."""

    covariates: tuple[str, ...]
    chosen_by: str
    fit: CoxFit
    hazards: ProportionalHazards


@dataclass(frozen=True, slots=True)
class RegressionTable:
    """Univariable models in the order of the covariates, and up to two multivariable ones.

    ``selected`` has the covariates with univariable p below ``chosen_below``, None where there is
    none; ``prespecified`` those that were named beforehand, None where none were.
    """

    univariable: tuple[tuple[str, CoxFit], ...]
    selected: Multivariable | None
    prespecified: Multivariable | None
    chosen_below: float


def notes_by_model(models: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Say what each model's notes are, one that several share once, with their names.

    Parameters
    ----------
    models : (name, notes) of each
        As they are printed.

    Examples
    --------
    >>> notes_by_model([("age", ["few events"]), ("sex", ["few events"]), ("stage", [])])
    ['age, sex: few events']
    """
    by_note: dict[str, list[str]] = {}
    for name, notes in models:
        for note in dict.fromkeys(notes):
            by_note.setdefault(note, []).append(name)
    return [
        f"{'every factor' if 1 < len(names) == len(models) else ', '.join(names)}: {note}"
        for note, names in by_note.items()
    ]


def regression_table(
    days: ArrayLike,
    event: ArrayLike,
    covariates: pd.DataFrame,
    *,
    prespecified: Sequence[str] = (),
    chosen_below: float = CHOSEN_BELOW,
    ties: str = "efron",
    reference: Mapping[str, str] | None = None,
    group_known_days: ArrayLike | None = None,
    level: float = 0.95,
) -> RegressionTable:
    """Univariable Cox models, and multivariable ones chosen by p and by plan.

    Parameters
    ----------
    days, event, covariates, ties, group_known_days, level
        As for `stats.regression.cox`.
    prespecified : sequence of str
        Covariates of the model that was planned before the data were seen.
    chosen_below : float
        A covariate whose univariable Wald p (all levels of a factor together) is smaller enters
        the selected model.
    reference : variable -> level, optional

    Raises
    ------
    RegressionError
        For a prespecified covariate that is not there, a threshold that is no share, and as `cox`.

    Notes
    -----
    Every model drops the cases that are incomplete in its own covariates. Intervals and p values
    of the selected model ignore the selection: they are too narrow and too small (Harrell 2015,
    Regression Modeling Strategies, 4.3).
    """
    absent = [name for name in prespecified if name not in covariates]
    if absent:
        known = ", ".join(map(str, covariates.columns))
        msg = f"no covariate {', '.join(absent)}. There are {known}."
        raise RegressionError(msg)
    if not 0 < chosen_below < 1:
        msg = f"threshold {chosen_below} is not between 0 and 1. Give a share such as 0.05."
        raise RegressionError(msg)

    def fitted(names: Sequence[str]) -> CoxFit:
        return cox(
            days, event, covariates[list(names)], ties=ties, level=level,
            reference={k: v for k, v in (reference or {}).items() if k in names},
            group_known_days=group_known_days,
        )  # fmt: skip

    def model(names: Sequence[str], chosen_by: str) -> Multivariable | None:
        if not names:
            return None
        fit = fitted(names)
        return Multivariable(tuple(names), chosen_by, fit, proportional_hazards(fit))

    alone = tuple((name, fitted([name])) for name in map(str, covariates.columns))
    small = [name for name, fit in alone if _below(fit.wald.p_value, chosen_below)]
    return RegressionTable(
        univariable=alone,
        selected=model(small, f"chosen by univariable p < {chosen_below:g}"),
        prespecified=model(list(dict.fromkeys(prespecified)), "prespecified"),
        chosen_below=chosen_below,
    )


def _below(p: float, threshold: float) -> bool:
    """Whether there is a p value and it is below."""
    return not math.isnan(p) and p < threshold
