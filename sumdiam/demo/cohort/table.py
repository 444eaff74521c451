"""The committed tables of the simulated trial, read as a person's tables are read."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable

import pandas as pd

from assessment import read_lesions
from assessment.response_table import Timepoints
from measurement.table import parse_text
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


def data_folder() -> Traversable:
    """Return where the tables lie."""
    return files("sumdiam.demo") / "data" / "soramic"


def _text(name: str) -> pd.DataFrame:
    """Return a table as text cells."""
    with (data_folder() / f"{name}.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype=str, keep_default_na=False)
