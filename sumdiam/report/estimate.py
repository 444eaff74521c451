"""Everything that a report estimates: the tables for a paper, and the figures."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from stats.comparison import policy_named
from stats.plots import Drawing
from sumdiam.export.table_file import csv_bytes, written_whole
from sumdiam.report.agreement_grid import agreement_grid
from sumdiam.report.doubt_grid import TITLE as DOUBT_TITLE
from sumdiam.report.doubt_grid import doubt_grid
from sumdiam.report.estimate_figure import draw_estimates
from sumdiam.report.figure import draw_figures
from sumdiam.report.figure_file import uncollected
from sumdiam.report.first_event import first_event
from sumdiam.report.grid import Grid
from sumdiam.report.group_grid import characteristics_grid, response_grid
from sumdiam.report.printed_grid import printed_cells
from sumdiam.report.printed_table import encode_table
from sumdiam.report.regression_grid import regression_grid, regressions
from sumdiam.report.response_summary import endpoints, follow_up
from sumdiam.report.run_tables import RunFacts, RunTables
from sumdiam.report.time_grid import time_grid
from sumdiam.report.view import View

CHECKED_TABLES = ("characteristics", "response")
TABLE_TITLES: Mapping[str, str] = {
    "characteristics": "Characteristics of the subjects",
    "response": "Response",
    "times": "Times to event: further estimates",
    "doubt": DOUBT_TITLE,
    "regression_PFS": "Factors of progression-free survival",
    "regression_OS": "Factors of overall survival",
    "agreement": "Agreement of readers",
}


@dataclass(frozen=True, slots=True)
class Estimates:
    """Tables by the names of `TABLE_TITLES`, and figures by name."""

    grids: dict[str, Grid]
    drawings: dict[str, Drawing]

    @property
    def regressions(self) -> list[tuple[str, Grid]]:
        """Return the tables of factors with their titles."""
        return [
            (TABLE_TITLES[name], grid)
            for name, grid in self.grids.items()
            if name.startswith("regression_")
        ]


@uncollected()
def estimates(
    tables: RunTables,
    view: View,
    facts: RunFacts,
    *,
    only: Collection[str] | None = None,
    drawn: Callable[[Mapping[str, Drawing]], None] | None = None,
) -> Estimates:
    """Return the tables and figures of one analysis.

    Parameters
    ----------
    tables : RunTables
        Checked.
    view : View
    facts : RunFacts
    only : names of figures, optional
        Which figures are drawn; all without it.
    drawn : callable, optional
        Told of figures as soon as there are some, each once.
    """
    policy = policy_named(facts.comparison)
    fits = endpoints(view)
    courses = draw_figures(tables, view, fits, only=only)
    if drawn is not None:
        drawn(courses)
    first, regressed = first_event(view), regressions(tables, view, facts.adjust_for)
    estimated = draw_estimates(tables, view, policy, regressed, first, only=only)
    if drawn is not None:
        drawn(estimated)
    grids = {
        "characteristics": characteristics_grid(tables, view, policy),
        "response": response_grid(view, fits, follow_up(view), policy),
        "times": time_grid(view, fits, first),
        "doubt": doubt_grid(tables.doubts),
        **{f"regression_{one.name}": regression_grid(one) for one in regressed},
        "agreement": agreement_grid(tables, view),
    }
    return Estimates(grids, courses | estimated)


def write_printed(grids: Mapping[str, Grid], folder: Path) -> None:
    """Write tables of estimates in every format, and their cells for `sumdiam check-paper`."""
    for name, grid in grids.items():
        if grid.rows:
            for ending, content in encode_table(grid, TABLE_TITLES[name]).items():
                with written_whole(folder / f"{name}.{ending}") as draft:
                    draft.write_bytes(content)
    cells = [printed_cells(grids[name]) for name in CHECKED_TABLES if grids[name].rows]
    if cells:
        with written_whole(folder / "check_paper.csv") as draft:
            draft.write_bytes(csv_bytes(pd.concat(cells, ignore_index=True)))
