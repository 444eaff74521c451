"""Table 1 and the response table as they stand in the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from stats.baseline_table import BaselineTable, Characteristic, ValueSummary, baseline_table
from stats.comparison import ComparisonPolicy, policy_named
from stats.number_text import MISSING_TIMES
from stats.survival import KaplanMeier
from sumdiam.report import wording
from sumdiam.report.grid import Grid, GridRow, row_of
from sumdiam.report.median import median_months
from sumdiam.report.response_summary import (
    SELECTED,
    SELECTED_ENDPOINTS,
    Endpoint,
    Row,
    endpoint_row,
    response_rows,
)
from sumdiam.report.run_tables import RunTables
from sumdiam.report.view import ALL, View


def characteristics_grid(tables: RunTables, view: View, policy: ComparisonPolicy) -> Grid:
    """Return Table 1: the subjects assessed, by arm."""
    covariates = tables.covariates()
    if not covariates or view.outcomes.empty:
        why = (
            "No subject table was given (--subjects), so there are no characteristics to show."
            if tables.subjects.empty
            else "The subject table has no covariates, or no subject was assessed."
        )
        return Grid("characteristics", ("Characteristic",), (), missing=why)
    assessed = view.subjects[view.subjects["subject_id"].isin(view.outcomes["subject_id"])]
    rows = tables.subjects.set_index("subject_id").reindex(assessed["subject_id"])[covariates]
    group = (
        view.in_order(assessed["arm"]) if view.has_arms else pd.Series(ALL, index=assessed.index)
    )
    table = baseline_table(
        rows.reset_index(drop=True), group.reset_index(drop=True), kinds=view.kinds, policy=policy
    )
    columns = ["Characteristic"]
    if len(table.groups) > 1:
        columns.append(f"Overall (n = {sum(table.sizes)})")
    columns += [f"{g} (n = {n})" for g, n in zip(table.groups, table.sizes, strict=True)]
    if len(table.groups) > 1:
        columns.append("p (test)")
    if len(table.groups) == 2:
        columns.append("Standardised difference")
    lines = [row for one in table.characteristics for row in _characteristic(one, table)]
    return Grid("characteristics", tuple(columns), tuple(lines), notes=_notes(table))


def _tests_in_words(policy: ComparisonPolicy) -> str:
    """Say which tests compare groups."""
    values = {"welch": "Welch's t", "rank": "Wilcoxon or Kruskal-Wallis"}[policy.continuous]
    cell = {"observed": "a count", "expected": "an expected count"}[policy.small_cell]
    return (
        f"Tests (policy “{policy.name}”): Fisher's exact where {cell} is below "
        f"{policy.fisher_below}, else chi-square; {values} for numbers"
    )


def _notes(table: BaselineTable) -> tuple[str, ...]:
    """Say what the numbers are and which columns are not shown."""
    notes = [
        "Counts with the percentage of all subjects of the group; mean (SD) and median "
        "(quartiles) for numbers. Missing values are counted, and left out of tests and "
        f"standardised differences. {_tests_in_words(policy_named(table.policy))}; without "
        "correction for multiple testing. Numbers of one digit with fewer than six different "
        "values are taken for levels; --covariate-type says otherwise."
    ]
    if table.left_out:
        notes.append(
            "Not shown: " + "; ".join(f"{name} ({why})" for name, why in table.left_out) + "."
        )
    return tuple(notes)


def _characteristic(one: Characteristic, table: BaselineTable) -> list[GridRow]:
    """Return the rows of one characteristic."""
    several = len(table.groups) > 1
    tail = [wording.test_words(one.test)] if several else []
    if len(table.groups) == 2:
        tail.append(wording.rounded(one.difference, 2))
    blank = [""] * len(tail)
    name = wording.heading(one.variable)
    n_all, missing_all = sum(table.sizes), sum(one.missing)
    rows: list[GridRow] = []
    if one.kind == "continuous":
        # an ALBI score or an INR varies in its first decimal, and would say little without a second
        digits = 2 if one.overall is not None and 0 < one.overall.sd < 1 else 1
        means = [_mean(summary, digits) for summary in one.summaries]
        medians = [_median(summary, digits) for summary in one.summaries]
        first = [[_mean(one.overall, digits)], [_median(one.overall, digits)]]
        first = first if several else [[], []]
        rows.append(row_of([f"{name}, mean (SD)", *first[0], *means, *tail], kind="first"))
        rows.append(row_of(["median (quartiles)", *first[1], *medians, *blank], kind="level"))
    else:
        empty = [""] * (len(table.groups) + several)
        rows.append(row_of([name, *empty, *tail], kind="first"))
        for level in one.levels:
            cells = [_share(k, n) for k, n in zip(level.counts, table.sizes, strict=True)]
            overall = [_share(level.overall, n_all)] if several else []
            rows.append(
                row_of([wording.level(level.level), *overall, *cells, *blank], kind="level")
            )
    if missing_all:
        cells = [_share(k, n) for k, n in zip(one.missing, table.sizes, strict=True)]
        overall = [_share(missing_all, n_all)] if several else []
        rows.append(row_of(["missing", *overall, *cells, *blank], kind="level faint"))
    return rows


def _share(k: int, n: int) -> str:
    """Write a count with its percentage."""
    return f"{k} ({wording.percent(k / n)} %)" if n else "0"


def _mean(summary: ValueSummary | None, digits: int) -> str:
    """Write mean and SD."""
    if summary is None or summary.n == 0:
        return wording.NOTHING
    return f"{wording.rounded(summary.mean, digits)} ({wording.rounded(summary.sd, digits)})"


def _median(summary: ValueSummary | None, digits: int) -> str:
    """Write median and quartiles."""
    if summary is None or summary.n == 0:
        return wording.NOTHING
    quartiles = (
        f"{wording.rounded(summary.q1, digits)}{wording.DASH}{wording.rounded(summary.q3, digits)}"
    )
    return f"{wording.rounded(summary.median, digits)} ({quartiles})"


def response_grid(
    view: View,
    fits: Sequence[Endpoint],
    follow: Mapping[str, KaplanMeier],
    policy: ComparisonPolicy,
) -> Grid:
    """Return the response table: rates, depth, progression and times to event by arm."""
    if view.outcomes.empty:
        why = "No subject has a baseline and a follow-up that could be assessed."
        return Grid("response", ("Outcome",), (), missing=why)
    rows = [*response_rows(view, policy), *(endpoint_row(fit, view.arms) for fit in fits)]
    several, pair = len(view.arms) > 1, len(view.arms) == 2
    n_of = {arm: len(view.of_arm(view.outcomes, arm)) for arm in view.arms}
    columns = ["Outcome"]
    if several:
        columns.append(f"Overall (n = {len(view.outcomes)})")
    columns += [f"{arm} (n = {n_of[arm]})" for arm in view.arms]
    if pair:
        columns.append(f"{view.arms[1]} versus {view.arms[0]}")
    if several:
        columns.append("p (test)")
    lines = tuple(_response_row(row, several=several, pair=pair) for row in rows)
    return Grid(
        "response", tuple(columns), lines, notes=_response_notes(view, fits, follow, policy)
    )


def _response_row(row: Row, *, several: bool, pair: bool) -> GridRow:
    """Return one row of the response table."""
    cells = [row.label, *([row.overall] if several else []), *row.arms]
    if pair:
        cells.append(row.difference)
    if several:
        cells.append(row.test)
    return row_of(cells, kind="heading" if row.heading else ("level" if row.level else "first"))


def _follow_up_note(follow: Mapping[str, KaplanMeier]) -> list[str]:
    """Say how long subjects were followed, overall and by arm."""
    said = []
    for arm, curve in follow.items():
        if not math.isnan(curve.median().estimate):
            words = f"{median_months(curve.median())} months"
            said.append(words if arm == ALL else f"{arm} {words}")
    return [f"Median follow-up (reverse Kaplan-Meier): {'; '.join(said)}."] if said else []


def _selected_note(view: View) -> str:
    """Say which rows are of selected subjects, and what their comparison is worth."""
    note = (
        f"{SELECTED} Only of subjects selected by what happened after the start: disease control "
        "for depth (unless the policies say otherwise), response for its time and duration, "
        "progression for its site and for post-progression survival"
    )
    if len(view.arms) == 1:
        return f"{note}."
    return (
        f"{note}; the arms of these are no longer randomised groups, so differences, p values and "
        "hazard ratios are descriptive only."
    )


def _response_notes(
    view: View,
    fits: Sequence[Endpoint],
    follow: Mapping[str, KaplanMeier],
    policy: ComparisonPolicy,
) -> tuple[str, ...]:
    """Say what the numbers are."""
    notes = [
        "Rates: count/all assessed (percent; 95 % Clopper-Pearson limits). Subjects whose best "
        "response is not evaluable count as not responding, likewise for early shrinkage (more "
        "than 20 % of the hepatic target sum at the first follow-up; NE: not evaluable there).",
        "Depth of response: largest shrinkage of the hepatic target sum, negative where it only "
        "grew.",
        "Medians: Kaplan-Meier with 95 % limits on the log scale, months of 30.4375 days; "
        f"{MISSING_TIMES}.",
        f"{_tests_in_words(policy)}; log-rank for times to event; without correction for "
        "multiple testing.",
    ]
    if view.scheme in wording.SCHEME_WORDS:
        notes.append(
            f"Without an event a time ends {wording.SCHEME_WORDS[view.scheme]} (censoring scheme "
            f"“{view.scheme}”)."
        )
    if len(view.arms) == 2:
        notes.append(
            f"{view.arms[1]} versus {view.arms[0]}: difference of rates in percentage points with "
            "95 % Newcombe limits; HR: Cox hazard ratio with 95 % Wald limits, above 1 where "
            f"events come earlier with {view.arms[1]}."
        )
    doubtful = int(view.outcomes["best_response_doubtful"].fillna(value=False).sum())
    if doubtful:
        notes.append(
            f"The best response of {doubtful} subject(s) hangs on a sum that lies within "
            "measurement error of a cut-off; see the course of each subject."
        )
    notes += _follow_up_note(follow)
    notes.append(_selected_note(view))
    if any(fit.name == "TTP" for fit in fits):
        notes.append(
            "Time to progression censors deaths as if the dead could still progress; where deaths "
            "without progression differ between groups it misleads: see progression-free survival."
        )
    notes += [
        f"{fit.title}: {fit.n_without} without dates are left out."
        for fit in fits
        if fit.n_without and fit.name not in SELECTED_ENDPOINTS
    ]
    return tuple(notes)
