"""The committed tables of the simulated trial, read as a person's tables are read."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable

import pandas as pd

from assessment import read_lesions
from assessment.response_table import Timepoints
from measurement.lesion_table import Findings
from measurement.table import columns_of, parse_text
from sumdiam.archive.clinical import read_subjects


@dataclass(frozen=True, slots=True)
class Cohort:
    """The simulated trial: its tables as `assess` takes them, and the plan behind them."""

    subjects: pd.DataFrame
    timepoints: pd.DataFrame
    lesions: pd.DataFrame
    plan: pd.DataFrame


def load_cohort() -> Cohort:
    """Return the 288 subjects of the simulated trial, of whom 177 are analysed.

    Covariates are text, with those that follow from others (ALBI grade, stage, up-to-7) added.
    The plan is text: what the search wanted, for comparison with what the rules say.
    """
    with as_file(data_folder() / "subjects.csv") as path:
        subjects = read_subjects(path)
    return Cohort(
        subjects=subjects,
        timepoints=parse_text(_text("timepoints"), Timepoints, origin="timepoints.csv"),
        lesions=read_lesions(_text("lesions"), "lesions.csv"),
        plan=_text("plan"),
    )


def outlined(cohort: Cohort) -> pd.DataFrame:
    """Return the lesions that have a length: those that images and masks have to show."""
    return cohort.lesions[_with_length(cohort)].reset_index(drop=True)


def reader_findings(cohort: Cohort) -> pd.DataFrame:
    """Return what a reader enters beside the masks, as the table `--findings`.

    Portal thrombus, countless nodules, spread without a clear border; a thrombus that progresses.
    """
    rows = cohort.lesions[~_with_length(cohort)]
    columns = columns_of(Findings)
    given = {name: rows[name].astype("string").fillna("") for name in columns if name in rows}
    text = pd.DataFrame(given).assign(reader="", washout="", entered_by="simulated")
    return parse_text(text.reset_index(drop=True), Findings, origin="findings of lesions.csv")


def _with_length(cohort: Cohort) -> pd.Series[bool]:
    """Return which rows of the lesions have a length."""
    names = ["viable_diameter_mm", "whole_diameter_mm", "node_short_axis_mm"]
    return cohort.lesions[names].notna().any(axis=1)


def data_folder() -> Traversable:
    """Return where the tables lie."""
    return files("sumdiam.demo") / "data" / "soramic"


def _text(name: str) -> pd.DataFrame:
    """Return a table as text cells."""
    with (data_folder() / f"{name}.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype=str, keep_default_na=False)
