"""The factors of an analysis: arm and covariates of the assessed subjects, typed."""

from __future__ import annotations

from typing import Any

import pandas as pd

from stats.baseline_table import typed_cells
from sumdiam.report.run_tables import RunTables
from sumdiam.report.view import View

ARM = "arm"


def factor_table(tables: RunTables, view: View) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return arm and covariates, indexed by subject, and the names of those left out.

    Numbers are floats, the rest text; the arm's first category is the control. Left out is what
    Table 1 leaves out (remarks, columns without a value), and what does not vary.
    """
    ids = pd.Index(view.outcomes["subject_id"].astype(str), name="subject_id")
    found = pd.DataFrame(index=ids)
    if view.has_arms:
        arms = view.subjects.set_index("subject_id")["arm"].reindex(ids)
        found[ARM] = view.in_order(arms)
    left_out = []
    if len(tables.subjects):
        rows = tables.subjects.set_index("subject_id").reindex(ids)
        for name in tables.covariates():
            cells, why = typed_cells(rows[name], view.kinds.get(name))
            if why or cells.nunique() < 2 or name == ARM:
                left_out.append(name)
            else:
                found[name] = _in_order(cells)
    return found, tuple(left_out)


def _in_order(cells: pd.Series[Any]) -> Any:
    """Return levels that are written as numbers in the order of the numbers, the rest as it is."""
    if pd.api.types.is_float_dtype(cells):
        return cells.to_numpy()
    numbers = pd.to_numeric(cells, errors="coerce")
    if not bool((numbers.notna() | cells.isna()).all()):
        return cells.to_numpy()
    levels = pd.DataFrame({"word": cells, "number": numbers}).dropna()
    ordered = levels.sort_values(["number", "word"])["word"].unique()
    return pd.Categorical(cells, list(ordered), ordered=True)


def time_table(view: View, endpoint: str) -> pd.DataFrame:
    """Return days and event of an endpoint, indexed by subject; ``arm_known_days`` if told.

    ``arm_known_days`` is the day, on the endpoint's clock, on which the subject's arm was known.
    """
    rows = view.events[view.events["endpoint"] == endpoint].drop_duplicates("subject_id")
    known = view.subjects.set_index("subject_id")["arm_known_on"]
    on = pd.to_datetime(rows["subject_id"].map(known))
    late = (on - pd.to_datetime(rows["start_on"])).dt.days
    return pd.DataFrame(
        {
            "days": rows["days"].astype("float64").to_numpy(),
            "event": rows["event"].astype("Float64").astype("float64").to_numpy(),
            "arm_known_days": late.astype("float64").to_numpy(),
        },
        index=pd.Index(rows["subject_id"].astype(str), name="subject_id"),
    )
