"""Why the first progression of a subject was one, in the words of figures and tables."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from sumdiam.report.view import View

NEW: Final = "new lesion"
NON_TARGET: Final = "non-target lesions"
SUM: Final = "sum of targets"
PROGRESSION: Final = ("PD", "iUPD", "iCPD")
"""Words of a visit with progression; an iUPD that was taken back is no first progression."""


def causes(row: dict[Any, Any]) -> tuple[str, ...]:
    """Return what makes the response of a visit PD; nothing for any other response."""
    if pd.isna(row["overall_response"]) or row["overall_response"] not in PROGRESSION:
        return ()
    found = (
        (NEW, row["new_lesion"], "yes"),
        (NON_TARGET, row["nontarget_response"], "PD"),
        (SUM, row["target_response"], "PD"),
    )
    return tuple(word for word, cell, said in found if not pd.isna(cell) and cell == said)


def first_progressions(view: View) -> pd.DataFrame:
    """Return subject_id, timepoint and causes (joined by " and ") of every first progression."""
    overall = view.responses["overall_response"].astype("string").fillna("")
    first = view.outcomes.set_index("subject_id")["first_progression_timepoint"]
    counts = view.responses["timepoint"] == view.responses["subject_id"].map(first)
    rows = view.responses[
        (overall == "PD") | (overall.isin(PROGRESSION) & counts.fillna(value=False))
    ]
    rows = rows.sort_values(["subject_id", "timepoint"]).drop_duplicates("subject_id")
    said = [" and ".join(causes(row)) for row in rows.to_dict("records")]
    found = rows[["subject_id", "timepoint"]].reset_index(drop=True)
    return found.assign(cause=pd.Series(said, dtype="string"))
