"""Patients as a run over the images sees them, and whose outcome differs from the truth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from sumdiam.archive.clinical import read_subjects
from sumdiam.demo.cohort.rederived import patient_table
from sumdiam.export.table_file import read_table

READER, CRITERIA = "auto", "mrecist"
OUTCOMES = ("best_response", "first_progression_timepoint", "first_progression_site")
COLUMNS = ("subject_id", "what", "truth", "from_pixels", "called_doubtful", "n_flagged_lengths")
TABLES = ("outcomes", "events", "responses", "timepoints", "measurements", "exclusions", "doubts")


def run_tables(run: Path) -> dict[str, pd.DataFrame]:
    """Return those tables of a run that are compared, of the automatic reader under mRECIST."""
    tables = {name: read_table(run / "tables" / name) for name in TABLES}
    for name in ("outcomes", "responses", "exclusions"):
        rows = tables[name]
        tables[name] = rows[(rows["reader"] == READER) & (rows["criteria"] == CRITERIA)]
    events = tables["events"]
    tables["events"] = events[events["criteria"].isin([CRITERIA, "none"])]
    return tables


def measured_patients(tables: Mapping[str, pd.DataFrame], subjects: Path) -> pd.DataFrame:
    """Return one row per analysed patient of a run (see `rederived.patient_table`)."""
    return patient_table(
        tables["outcomes"], tables["events"], tables["responses"],
        subjects=read_subjects(subjects), timepoints=tables["timepoints"],
    )  # fmt: skip


def differing(
    truth: pd.DataFrame, measured: pd.DataFrame, tables: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Return the patients whose best response or progression differs from the truth.

    Parameters
    ----------
    truth, measured : of `rederived.patient_table`, of the same patients
    tables : of `run_tables`

    Notes
    -----
    ``called_doubtful`` where the best response is, or a sum up to the later of both progressions
    was within error of a cut-off. A patient in one table alone differs in being analysed.
    """
    rows = []
    for name in sorted(set(truth.index) | set(measured.index)):
        if name not in truth.index or name not in measured.index:
            words = ["analysed" if name in one.index else "" for one in (truth, measured)]
            rows.append((name, "analysed", *words))
            continue
        for what in (*OUTCOMES, "PFS_days", "PFS_event"):
            one, other = truth.loc[name, what], measured.loc[name, what]
            if not (
                one == other if pd.notna(one) and pd.notna(other) else pd.isna([one, other]).all()
            ):
                rows.append((name, what, _text(one), _text(other)))
    found = [
        (*row, _doubtful(str(row[0]), truth, measured, tables["responses"]),
         _flagged(str(row[0]), tables["measurements"]))
        for row in rows
    ]  # fmt: skip
    frame = pd.DataFrame(found, columns=list(COLUMNS))
    types = {"called_doubtful": "boolean", "n_flagged_lengths": "Int64"}
    return frame.astype({name: types.get(name, "string") for name in COLUMNS})


def _doubtful(
    name: str, truth: pd.DataFrame, measured: pd.DataFrame, responses: pd.DataFrame
) -> bool:
    """Return whether the run called a patient's outcome doubtful."""
    if name in measured.index and bool(measured.loc[name, "best_response_doubtful"]):
        return True
    own = responses[responses["subject_id"] == name]
    column = "first_progression_timepoint"
    ends = pd.Series([one.loc[name, column] for one in (truth, measured) if name in one.index])
    if ends.notna().all():
        own = own[own["timepoint"] <= int(ends.max())]
    return bool(own["within_error_of_cutoff"].fillna(value=False).any())


def _flagged(name: str, measurements: pd.DataFrame) -> int:
    """Return how many of a patient's lengths carry a flag."""
    own = measurements[measurements["subject_id"] == name]
    return int((own["flags"].fillna("") != "").sum())


def _text(value: object) -> str:
    """Return a cell as text, empty where it is missing."""
    return "" if pd.isna(value) else str(value)  # type: ignore[call-overload]
