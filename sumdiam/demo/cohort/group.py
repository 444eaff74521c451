"""Parts of the cohort that the paper compares, and their estimates by `stats`."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from scipy.stats import chi2_contingency, fisher_exact, ttest_ind

from stats.logrank import logrank
from stats.regression import cox
from sumdiam.demo.cohort.printed import ARMS, printed

SMALL_CELL = 5
FEWEST_VALUES = 2
COLUMNS = {
    "arm": "arm",
    "disease control": "disease_control",
    "objective response": "objective_response",
}


def members(patients: pd.DataFrame, group: str) -> pd.Series[bool]:
    """Return who belongs to a printed group: an arm, all, with or without disease control."""
    control = patients["disease_control"].astype(bool)
    if group == "all":
        return control | ~control
    if group in ("disease control", "no disease control"):
        return control if group == "disease control" else ~control
    return (patients["arm"] == group).astype(bool)


def cases(patients: pd.DataFrame, endpoint: str, group: str) -> tuple[Any, Any]:
    """Return days and events of a group for an endpoint; those it does not concern are left out."""
    rows = patients[members(patients, group) & patients[f"{endpoint}_days"].notna()]
    return rows[f"{endpoint}_days"].astype(float), rows[f"{endpoint}_event"].astype(int)


def months(days: Any) -> Any:
    """Return days as months."""
    return days / float(printed()["days_per_month"])


def logrank_p(patients: pd.DataFrame, endpoint: str, by: str) -> float:
    """Return the log-rank p between arms, or by disease control or response."""
    known = patients[f"{endpoint}_days"].notna()
    labels = patients.loc[known, COLUMNS[by]].astype(str)
    return logrank(*cases(patients, endpoint, "all"), labels).p_value


def hazard_rows(
    patients: pd.DataFrame, endpoint: str, factor: str
) -> tuple[float, float, float, float]:
    """Return a factor's univariable hazard ratio, limits and p; NaN where it does not vary."""
    arm = (patients["arm"] == ARMS[1]).astype("Int64")
    value = arm if factor == "arm" else patients[factor]
    known = patients[value.notna()]
    if value.nunique() < 2:
        return (math.nan,) * 4
    days, events = cases(known, endpoint, "all")
    (term,) = cox(days, events, pd.DataFrame({"x": value.dropna().astype(str)})).terms
    return term.hazard_ratio, term.lower, term.upper, term.p_value


def welch(patients: pd.DataFrame, values: pd.Series[float]) -> float:
    """Return the p of Welch's t test between the arms; NaN where an arm does not vary."""
    one, other = (values[members(patients, arm)].dropna() for arm in ARMS)
    if min(one.nunique(), other.nunique()) < FEWEST_VALUES:
        return math.nan
    return float(ttest_ind(one, other, equal_var=False).pvalue)


def count_p(patients: pd.DataFrame, mask: pd.Series[bool], known: pd.Series[bool]) -> float:
    """Return the p of counts by arm: Pearson, or Fisher where a cell holds fewer than 5."""
    have = mask.fillna(value=False).astype(bool) & known
    table = []
    for arm in ARMS:
        here = members(patients, arm) & known
        table.append([int((have & here).sum()), int((~have & here).sum())])
    if min(map(min, table)) < SMALL_CELL:
        return float(fisher_exact(table).pvalue)
    return float(chi2_contingency(table, correction=False).pvalue)
