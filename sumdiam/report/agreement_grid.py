"""Agreement of readers on lengths and on responses, pair by pair."""

from __future__ import annotations

import math
from itertools import combinations

import pandas as pd

from stats.agreement import Agreement, fleiss_kappa
from stats.bland_altman import bland_altman, repeatability_coefficient, within_subject_cv
from stats.intraclass import concordance_correlation, intraclass_correlation
from stats.plots import Drawing, draw_bland_altman
from stats.result import AgreementEstimate
from stats.weighted_kappa import weighted_kappa
from sumdiam.report import wording
from sumdiam.report.grid import Grid, GridRow, row_of
from sumdiam.report.run_tables import RunTables
from sumdiam.report.view import View

KEY = ["subject_id", "lesion_id", "timepoint"]
LENGTH = "viable_diameter_mm"
ORDER = ("CR", "PR", "SD", "PD")
FEWEST = 3
AUTO = "auto"
COLUMNS = ("Measure", "Estimate (95 % CI)", "Read by both", "Subjects", "Method")


def length_readings(tables: RunTables) -> pd.DataFrame:
    """Return viable diameters in mm, one row per lesion and visit, one column per reader."""
    rows = tables.lesions[tables.lesions[LENGTH].notna()]
    wide = rows.assign(**{LENGTH: rows[LENGTH].astype("float64")}).pivot_table(
        index=KEY, columns="reader", values=LENGTH, aggfunc="first", observed=True
    )
    return wide.reset_index()


def response_readings(tables: RunTables, view: View) -> pd.DataFrame:
    """Return overall responses after baseline, one row per visit, one column per reader."""
    rows = tables.responses
    mine = (rows["criteria"] == view.criteria) & (rows["policy_id"] == view.policy_id)
    rows = rows[mine & (rows["timepoint"] > 0)]
    wide = rows.pivot_table(
        index=["subject_id", "timepoint"], columns="reader", values="overall_response",
        aggfunc="first",
    )  # fmt: skip
    return wide.reset_index()


def agreement_grid(tables: RunTables, view: View) -> Grid:
    """Return how well readers agree; without rows where there is one reader only."""
    lengths, words = length_readings(tables), response_readings(tables, view)
    lines: list[GridRow] = []
    for pair in _pairs(lengths, KEY):
        lines += _length_rows(lengths, pair)
    for pair in _pairs(words, ["subject_id", "timepoint"]):
        lines += _response_rows(words, pair)
    notes = (
        "Subjects may have several lesions and visits: where they do, intervals come from leaving "
        "out one subject at a time. Bias is the first reader minus the second. Readings of visits "
        "with one reader are left out.",
    )
    missing = "" if lines else "One reader only: there is no agreement to tell."
    return Grid("agreement", COLUMNS, tuple(lines), notes=notes, missing=missing)


def draw_agreement(tables: RunTables) -> dict[str, Drawing]:
    """Return a Bland-Altman figure per pair of readers, named ``bland_altman_<n>``."""
    lengths = length_readings(tables)
    found = {}
    for number, pair in enumerate(_pairs(lengths, KEY), start=1):
        both = lengths[[*pair, "subject_id"]].dropna()
        values = both[list(pair)]
        result = bland_altman(values, patient=both["subject_id"])
        if math.isfinite(result.sd):
            found[f"bland_altman_{number}"] = draw_bland_altman(
                values, result, what="viable diameter", unit="mm"
            )
    return found


def _pairs(wide: pd.DataFrame, key: list[str]) -> list[tuple[str, str]]:
    """Return the pairs of readers who have enough in common."""
    readers = sorted(
        (str(name) for name in wide.columns if name not in key),
        key=lambda name: (name != AUTO, name),  # the automatic reading is held against persons'
    )
    return [pair for pair in combinations(readers, 2) if len(wide[list(pair)].dropna()) >= FEWEST]


def _length_rows(lengths: pd.DataFrame, pair: tuple[str, str]) -> list[GridRow]:
    """Return the rows of a pair's lengths."""
    both = lengths[[*pair, "subject_id"]].dropna()
    values, patient = both[list(pair)], both["subject_id"]
    limits = bland_altman(values, patient=patient)
    rows = [
        _heading(f"Viable diameter: {pair[0]} and {pair[1]}"),
        _row("Bias, mm", limits.bias, 1),
        _row("Lower 95 % limit of agreement, mm", limits.lower_limit, 1),
        _row("Upper 95 % limit of agreement, mm", limits.upper_limit, 1),
        _row(
            "Repeatability coefficient, mm", repeatability_coefficient(values, patient=patient), 1
        ),
    ]
    above = values[(values > 0).all(axis=1)]
    if len(above) >= FEWEST:
        cv = within_subject_cv(above, patient=patient[above.index])
        rows.append(_row("Within-subject CV, % (lengths above 0)", cv, 1, factor=100.0))
    rows += [
        _row("ICC(2,1)", intraclass_correlation(values, patient=patient), 3),
        _row("Concordance correlation", concordance_correlation(values, patient=patient), 3),
    ]
    return rows


def _response_rows(words: pd.DataFrame, pair: tuple[str, str]) -> list[GridRow]:
    """Return the rows of a pair's responses."""
    both = words[[*pair, "subject_id"]].dropna()
    rows = [_heading(f"Response at each visit: {pair[0]} and {pair[1]}")]
    ranked = both[both[list(pair)].isin(ORDER).all(axis=1)]
    if len(ranked) >= FEWEST:
        kappa = weighted_kappa(ranked[list(pair)], ORDER, patient=ranked["subject_id"])
        rows.append(_row(f"Weighted kappa, {', '.join(ORDER)}", kappa, 2))
    every = fleiss_kappa(both[list(pair)], patient=both["subject_id"])
    rows.append(
        _row("Fleiss kappa, all categories", every, 2, subjects=both["subject_id"].nunique())
    )
    return rows


def _heading(words: str) -> GridRow:
    """Return a heading."""
    return row_of([words, *[""] * (len(COLUMNS) - 1)], kind="heading")


def _row(
    label: str,
    one: AgreementEstimate | Agreement,
    digits: int,
    *,
    factor: float = 1.0,
    subjects: int = 0,
) -> GridRow:
    """Return the row of one measure."""
    estimate, lower, upper = (
        wording.rounded(factor * x, digits) for x in (one.estimate, one.lower, one.upper)
    )
    told = f"{estimate} ({lower} to {upper})" if math.isfinite(one.lower) else estimate
    told += f"; {one.note}" if one.note else ""
    n_patients = subjects if isinstance(one, Agreement) else one.n_patients
    return row_of([label, told, str(one.n), str(n_patients), one.method], kind="level")
