"""Search the simulated cohort anew and write its tables: `python -m sumdiam.demo.cohort.solve`.

The days of the first stage (minutes) are kept in ``days.csv``; ``--days`` searches them too.
"""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sumdiam.demo.cohort.build import build_tables
from sumdiam.demo.cohort.solution import solve
from sumdiam.export.table_file import written_whole

DAY_COLUMNS = ("pd", "hepatic_pd", "death", "alive", "last_images", "best", "site", "arm")


def main(arguments: list[str] | None = None) -> None:
    """Search and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "data" / "soramic")
    parser.add_argument("--days", action="store_true", help="search the days too")
    given = parser.parse_args(arguments)
    kept = given.out / "days.csv"
    solution = solve(None if given.days else np.loadtxt(kept, np.int64, delimiter=",", skiprows=1))
    write_csv(pd.DataFrame(solution.rows, columns=list(DAY_COLUMNS)), kept)
    for name, table in build_tables(solution).items():
        write_csv(table, given.out / f"{name}.csv")
    for stage, misfit in solution.misfit.items():
        print(f"{stage}: misfit {misfit:.4f}")  # noqa: T201


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table as text: true and false, whole numbers without a point, empty for missing."""
    text = pd.DataFrame({name: [_cell(value) for value in table[name]] for name in table})
    with written_whole(path) as draft:
        draft.write_text(text.to_csv(index=False, lineterminator="\n"), encoding="utf-8")


def _cell(value: Any) -> str:
    """Return a cell as text."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value)


if __name__ == "__main__":
    main()
