"""Table 3 as it stands in the page: hazard ratios of each factor alone and together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from stats.hazard_ratio import CoxTerm, ReferenceLevel
from stats.interaction import interaction_test
from stats.number_text import ratio_with_limits
from stats.regression_table import (
    Multivariable,
    RegressionTable,
    notes_by_model,
    regression_table,
)
from stats.result import TestResult
from sumdiam.report import wording
from sumdiam.report.factor import ARM, factor_table, time_table
from sumdiam.report.grid import Grid, GridRow, row_of
from sumdiam.report.run_tables import RunTables
from sumdiam.report.view import View

REGRESSED = {"PFS": "Progression-free survival", "OS": "Overall survival"}
P_HEAD = "p (Wald)"
HAZARDS = "score test of proportional hazards"


@dataclass(frozen=True, slots=True)
class Regressed:
    """The models of one endpoint, and the test of each factor's interaction with the arm."""

    name: str
    table: RegressionTable
    left_out: tuple[str, ...]
    interactions: tuple[tuple[str, TestResult], ...] = ()


def regressions(tables: RunTables, view: View, adjust_for: Sequence[str]) -> list[Regressed]:
    """Return the models of each endpoint that has events and factors.

    Parameters
    ----------
    adjust_for : names of covariates
        Of the prespecified model; the arm is always in it.
    """
    factors, left_out = factor_table(tables, view)
    found = []
    for name in REGRESSED:
        times = time_table(view, name)
        rows = factors.join(times, how="inner")
        names = [str(one) for one in factors if len(rows[one].dropna().unique()) > 1]
        if not names or not (rows["event"] == 1).any():
            continue
        planned = [one for one in ("arm", *adjust_for) if one in names] if adjust_for else []
        made = regression_table(
            rows["days"].to_numpy(),
            rows["event"].to_numpy(),
            rows[names].reset_index(drop=True),
            prespecified=planned,
            group_known_days=rows["arm_known_days"].to_numpy() if view.has_arms else None,
        )
        found.append(Regressed(name, made, left_out, _interactions(rows, names)))
    return found


def _interactions(rows: pd.DataFrame, names: Sequence[str]) -> tuple[tuple[str, TestResult], ...]:
    """Return for each factor whether the arm's hazard ratio differs by it."""
    if ARM not in names:
        return ()
    return tuple(
        (name, interaction_test(rows["days"], rows["event"], rows[[ARM, name]], of=(ARM, name)))
        for name in names if name != ARM
    )  # fmt: skip


def regression_grid(found: Regressed) -> Grid:
    """Return Table 3 of one endpoint."""
    table = found.table
    models = [one for one in (table.selected, table.prespecified) if one is not None]
    level = 100 * table.univariable[0][1].level
    head = f"HR ({level:g} % CI)"
    columns = ["Factor", "Events/n", f"Univariable {head}", P_HEAD]
    for model in models:
        columns += [f"Multivariable, {model.chosen_by}: {head}", P_HEAD]
    lines: list[GridRow] = []
    for name, fit in table.univariable:
        beside = [{_key(row): row for row in model.fit.rows()} for model in models]
        lines += _of_variable(name, fit.rows(), beside)
    return Grid(
        f"regression_{found.name}", tuple(columns), tuple(lines), notes=_notes(found, models)
    )


def _key(row: CoxTerm | ReferenceLevel) -> tuple[str, str]:
    """Return what names a row."""
    return row.variable, row.level


def _of_variable(
    name: str,
    rows: Sequence[CoxTerm | ReferenceLevel],
    beside: list[dict[tuple[str, str], CoxTerm | ReferenceLevel]],
) -> list[GridRow]:
    """Return the rows of one variable: its heading, if it has levels, and each level."""
    lines: list[GridRow] = []
    levels = any(isinstance(row, ReferenceLevel) for row in rows)
    if levels:
        blank = [""] * (3 + 2 * len(beside))
        lines.append(row_of([wording.heading(name), *blank], kind="first"))
    for row in rows:
        others = [model.get(_key(row)) for model in beside]
        cells = [_cells(one) for one in (row, *others)]
        label = wording.level(row.level) if levels else wording.heading(name)
        flat = [text for pair in cells for text in pair]
        kind = "level" if levels else "first"
        lines.append(row_of([label, f"{row.events}/{row.n}", *flat], kind=kind))
    return lines


def _cells(row: CoxTerm | ReferenceLevel | None) -> tuple[str, str]:
    """Write ratio with limits, and p."""
    if row is None:
        return "", ""
    if isinstance(row, ReferenceLevel):
        return "1 (reference)", ""
    if row.hazard_ratio != row.hazard_ratio:
        return f"no estimate: {row.note}", wording.NOTHING
    told = ratio_with_limits(row.hazard_ratio, row.lower, row.upper).replace(" ", wording.FIXED)
    return told, wording.p_value(row.p_value)


def _notes(found: Regressed, models: list[Multivariable]) -> tuple[str, ...]:
    """Say how the models came about, what they rest on, and whether hazards are proportional."""
    table = found.table
    notes = [
        f"{REGRESSED[found.name]}; {table.univariable[0][1].method}. HR above 1: events come "
        "earlier; of numbers, for one unit more. Counts are of the univariable model; every model "
        "leaves out the cases that are incomplete in its own factors.",
    ]
    if table.selected is None:
        notes.append(f"No factor has a univariable p below {table.chosen_below:g}: no such model.")
    else:
        notes.append(
            "The model chosen by p values is exploratory: its limits ignore the selection, so they "
            "are too narrow and its p values too small."
        )
    if table.prespecified is None:
        notes.append(
            "No prespecified model: name its factors with --adjust-for, before looking at the data."
        )
    notes += [_model_note(model) for model in models]
    notes += _interaction_note(found)
    alone = [(wording.heading(name), fit.notes) for name, fit in table.univariable]
    notes += [f"Univariable, {note}." for note in notes_by_model(alone)]
    if found.left_out:
        names = ", ".join(wording.heading(name) for name in found.left_out)
        notes.append(f"Not shown, as they hold remarks, nothing, or one value only: {names}.")
    return tuple(notes)


def _interaction_note(found: Regressed) -> list[str]:
    """Say of which factors the interaction with the arm could be tested, and what came out."""
    if not found.interactions:
        return []
    known = [(n, t) for n, t in found.interactions if t.p_value == t.p_value]
    told = [f"{wording.heading(name)} {wording.p_value(test.p_value)}" for name, test in known]
    lost = [wording.heading(n) for n, t in found.interactions if t.p_value != t.p_value]
    words = "; ".join(told) or "none could be tested"
    return [
        f"Whether the hazard ratio of the arms differs by a factor (likelihood-ratio test of the "
        f"interaction, each in a model of arm and factor, p without correction for multiple "
        f"testing): {words}." + (f" Without a finite estimate: {', '.join(lost)}." if lost else "")
    ]


def _model_note(model: Multivariable) -> str:
    """Say what a multivariable model rests on."""
    fit = model.fit
    tests = [
        f"{wording.heading(name)} {wording.p_value(test.p_value)}"
        for name, test in model.hazards.by_variable
    ]
    whole = wording.p_value(model.hazards.whole.p_value)
    missing = "; ".join(f"{wording.heading(name)} {n}" for name, n in fit.missing)
    words = [
        f"Multivariable, {model.chosen_by}: {fit.events} events in {fit.n} subjects",
        f"{fit.n_missing} incomplete left out (missing: {missing})" if fit.n_missing else "",
        f"likelihood-ratio p {wording.p_value(fit.likelihood_ratio.p_value)}",
        f"{HAZARDS}: {', '.join(tests)}, all {whole}",
        *fit.notes,
    ]
    return "; ".join(word for word in words if word) + "."
