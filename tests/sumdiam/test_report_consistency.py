"""The release gate: what our own report prints is consistent with itself."""

from dataclasses import replace

import pandas as pd
import pytest

from stats.comparison import policy_named
from stats.consistency import FAULTS, check_paper
from sumdiam.report.grid import Cell, Grid
from sumdiam.report.group_grid import characteristics_grid, response_grid
from sumdiam.report.printed_grid import printed_cells
from sumdiam.report.response_summary import endpoints, follow_up
from sumdiam.report.run_tables import RunFacts
from sumdiam.report.view import choose_view

from .fake_run import fake_run

CHOICE_OF_DATA = {"test_dependent"}
"""Which side of 0.05 a test falls on is said of the data, not of how they are printed."""


def grids(tables, policy_name="seed"):
    policy = policy_named(policy_name)
    view = choose_view(tables, RunFacts())
    return [
        characteristics_grid(tables, view, policy),
        response_grid(view, endpoints(view), follow_up(view), policy),
    ]


def faults(frame: pd.DataFrame):
    return [
        (frame.variable[v.row], frame.printed[v.row], v.verdict, v.reason)
        for v in check_paper(frame)
        if v.verdict in FAULTS - CHOICE_OF_DATA
    ]


@pytest.mark.parametrize("policy", ["seed", "gtsummary"])
@pytest.mark.parametrize("n_subjects", [24, 61, 177])
def test_no_cell_of_our_own_tables_is_at_fault(n_subjects, policy):
    for grid in grids(fake_run(n_subjects=n_subjects, side=8).tables, policy):
        assert not grid.missing
        assert faults(printed_cells(grid)) == []


def test_the_gate_reads_most_of_what_is_printed():
    table_1, response = (printed_cells(grid) for grid in grids(fake_run(side=8).tables))
    assert {"k", "percent", "p"} <= set(table_1.statistic)
    assert {"k", "percent", "ci_low", "ci_high", "estimate", "p"} <= set(response.statistic)
    verdicts = [v.verdict for v in check_paper(response)]
    recomputed = sum(v in {"consistent", "rounded"} for v in verdicts)
    assert recomputed >= 100


def changed(grid: Grid, old: str, new: str) -> Grid:
    """The same table with one cell printed wrongly."""
    done = False
    rows = []
    for row in grid.rows:
        cells = []
        for cell in row.cells:
            if not done and old in cell.text:
                cells.append(Cell(cell.text.replace(old, new, 1)))
                done = True
            else:
                cells.append(cell)
        rows.append(replace(row, cells=tuple(cells)))
    assert done
    return replace(grid, rows=tuple(rows))


def test_the_gate_stops_a_percentage_that_was_cut_off_and_one_that_is_wrong():
    _, response = grids(fake_run(n_subjects=24, side=8).tables)
    good = printed_cells(response)
    shares = good[(good.statistic == "percent") & (good.arm == "")]
    printed = next(p for p in shares.printed if not p.endswith(".0"))
    wrong = f"{float(printed) + 1:.1f}"
    found = faults(printed_cells(changed(response, f"({printed}\u00a0%", f"({wrong}\u00a0%")))
    assert [(p, verdict) for _, p, verdict, _ in found] == [(wrong, "impossible")]
