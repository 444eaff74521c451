"""How often a response is seen at each level of each factor, with exact limits and a test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from stats.comparison import SEED, ComparisonPolicy, compare_counts
from stats.group import names_in_order
from stats.proportion import clopper_pearson
from stats.result import Proportion, TestResult

MAX_LEVELS: Final = 12
"""A factor with more levels than this is a number or a remark, not a factor."""


class ResponseFactorError(ValueError):
    """Responses and factors do not belong together."""


@dataclass(frozen=True, slots=True)
class LevelResponse:
    """Responders among the subjects of one level, with Clopper-Pearson limits."""

    level: str
    response: Proportion


@dataclass(frozen=True, slots=True)
class FactorResponse:
    """One factor: its levels, and the test whether responders are spread alike over them.

    ``n_missing`` counts subjects with a response whose level is not known: they are in no level.
    """

    variable: str
    levels: tuple[LevelResponse, ...]
    test: TestResult
    n_missing: int


@dataclass(frozen=True, slots=True)
class ResponseByFactor:
    """Response overall and by factor. ``left_out`` names factors not shown, with the reason."""

    overall: Proportion
    factors: tuple[FactorResponse, ...]
    left_out: tuple[tuple[str, str], ...]
    policy: str


def response_by_factor(
    response: pd.Series[Any],
    factors: pd.DataFrame,
    *,
    policy: ComparisonPolicy = SEED,
    level: float = 0.95,
) -> ResponseByFactor:
    """Response rate by level of each factor: the numbers of a forest of subgroups.

    Parameters
    ----------
    response : truth values, one per subject
        Whether the subject responded. Missing is left out and counted; count it as no beforehand
        if the analysis says so.
    factors : DataFrame, one row per subject in the same order
        Text, truth values, categories or few whole numbers; ordered categories keep their order.
        Floats are left out, said so: their values are no levels.
    policy : ComparisonPolicy
        Which test is made: chi-square or Fisher.
    level : float
        Confidence level, as a share.

    Raises
    ------
    ResponseFactorError
        If lengths differ or a response is neither true nor false.

    Notes
    -----
    The test compares responders over the levels; it says nothing of other factors: see
    `stats.logistic.logistic`. Subgroups are many, so small p values are expected by chance.
    """
    if len(response) != len(factors):
        msg = f"{len(response)} responses for {len(factors)} rows of factors."
        raise ResponseFactorError(msg)
    yes = _truths(response)
    known = np.asarray(yes.notna())
    rows = factors.loc[known].reset_index(drop=True)
    responded = yes[known].to_numpy(dtype=bool)
    n_missing = int((~known).sum())
    found: list[FactorResponse] = []
    left_out: list[tuple[str, str]] = []
    for name in rows.columns:
        words = names_in_order(rows[name])
        if len(words) > MAX_LEVELS or (words and pd.api.types.is_float_dtype(rows[name])):
            left_out.append((str(name), f"{len(words)} different values: group them first"))
        elif not words:
            left_out.append((str(name), "no value in any subject"))
        else:
            found.append(_factor(str(name), rows[name], words, responded, policy, level))
    overall = clopper_pearson(int(responded.sum()), responded.size, level, n_missing=n_missing)
    return ResponseByFactor(overall, tuple(found), tuple(left_out), policy.name)


def _factor(
    name: str,
    cells: pd.Series[Any],
    words: tuple[str, ...],
    responded: np.ndarray[Any, np.dtype[np.bool_]],
    policy: ComparisonPolicy,
    level: float,
) -> FactorResponse:
    """Return the levels of one factor and its test."""
    labels = cells.astype("string")
    members = [np.asarray((labels == word).fillna(value=False), dtype=bool) for word in words]
    counts = [(int(responded[here].sum()), int(here.sum())) for here in members]
    missing = int(labels.isna().sum())
    levels = tuple(
        LevelResponse(word, clopper_pearson(k, n, level))
        for word, (k, n) in zip(words, counts, strict=True)
    )
    table = np.array([[k, n - k] for k, n in counts])
    return FactorResponse(
        name, levels, compare_counts(table, policy=policy, n_missing=missing), missing
    )


def _truths(response: pd.Series[Any]) -> pd.Series[Any]:
    """Return responses as truth values, missing allowed."""
    try:
        return response.reset_index(drop=True).astype("boolean")
    except (TypeError, ValueError):
        msg = "responses must be true, false or missing. Map the words of response to them first."
        raise ResponseFactorError(msg) from None
