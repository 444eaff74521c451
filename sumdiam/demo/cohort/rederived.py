"""What the rules say of the cohort, patient by patient: one table of times, words and factors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from assessment import Assessment, assess
from sumdiam.demo.cohort.table import Cohort

YES = "true"

FACTOR_COLUMNS = {
    "male": ("sex", "M"), "white": ("race", "white"), "ecog_1": ("ecog", "1"),
    "cirrhosis": ("cirrhosis", YES), "hepatitis_b": ("aetiology", "hepatitis_b"),
    "hepatitis_c": ("aetiology", "hepatitis_c"), "alcohol": ("aetiology", "alcohol"),
    "previous_tace": ("previous_tace", YES), "diffuse": ("ten_or_more_lesions", YES),
    "portal_invasion": ("portal_invasion", YES), "child_pugh_b": ("child_pugh", "B"),
    "extrahepatic_spread": ("extrahepatic_spread", YES), "bclc_c": ("bclc", "C"),
    "outside_up_to_7": ("up_to_seven", "false"), "albi_2": ("albi_grade", "2"),
    "afp_400": ("afp_above_400", YES),
}  # fmt: skip
"""The printed factors: column of the subjects' table and the level that counts."""
ELDERLY_YEARS = 65


@dataclass(frozen=True, slots=True)
class Rederived:
    """The assessment of the cohort, and its analysed patients.

    ``patients`` has one row per analysed patient: outcomes, ``<endpoint>_days`` and ``_event``,
    arm, the printed factors as 1, 0 or missing, scans, and sizes in mm.
    """

    assessment: Assessment
    patients: pd.DataFrame


def rederive(cohort: Cohort) -> Rederived:
    """Return the cohort under the published analysis' rules; nothing is taken from the plan."""
    found = assess(
        cohort.lesions, timepoints=cohort.timepoints, subjects=cohort.subjects, policies="seed"
    )
    patients = patient_table(
        found.outcomes, found.events, found.responses,
        subjects=cohort.subjects, timepoints=cohort.timepoints,
    )  # fmt: skip
    return Rederived(found, patients)


def patient_table(
    outcomes: pd.DataFrame, events: pd.DataFrame, responses: pd.DataFrame,
    *, subjects: pd.DataFrame, timepoints: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """Return one row per analysed patient, from the tables of an assessment or of a run.

    Parameters
    ----------
    outcomes, events, responses : of one reader, one rule set and one set of policies
    subjects : with the covariates that `read_subjects` adds
    timepoints : of everybody
    """
    patients = outcomes.set_index("subject_id")
    for endpoint, part in events.groupby("endpoint"):
        own = part.set_index("subject_id")
        patients[f"{endpoint}_days"] = own["days"].astype("Float64")
        patients[f"{endpoint}_event"] = own["event"].astype("Int64")
    own = subjects.set_index("subject_id").loc[patients.index]
    patients["arm"] = own["arm"]
    for name, values in factors(own).items():
        patients[name] = values
    baseline = responses[responses["timepoint"] == 0].set_index("subject_id")
    patients["target_size_mm"] = baseline["hepatic_sum_mm"]
    later = timepoints[timepoints["timepoint"] > 0].groupby("subject_id")
    patients["scans"] = later.size()
    first = later["first_scan_on"].min() - own["randomised_on"]
    patients["first_scan_days"] = first.dt.days
    return patients


def factors(subjects: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the printed factors of subjects: 1, 0, or missing."""
    found = {
        "age_65": (subjects["age_years"].astype("Int64") >= ELDERLY_YEARS).astype("Int64"),
    }
    for name, (column, level) in FACTOR_COLUMNS.items():
        cells = subjects[column].astype("string")
        found[name] = (cells == level).astype("Int64").mask(cells.isna() | (cells == ""))
    return found


def near_cutoff(
    patients: pd.DataFrame, responses: pd.DataFrame, *, baseline_cv: float, followup_cv: float
) -> pd.Series:
    """Return whose deciding sum lies within one reader SD of the cut-off for PR.

    The deciding sum is the smallest one up to first PD; its ratio to the baseline has both
    readings' errors, so one SD of it at the cut-off is 0.7 times their root sum of squares.
    """
    later = responses[responses["timepoint"] > 0]
    first = later["subject_id"].map(patients["first_progression_timepoint"])
    until = later[first.isna() | (later["timepoint"] <= first)]
    ratio = 1 + until.groupby("subject_id")["change_from_baseline_percent"].min() / 100
    spread = 0.7 * float(np.hypot(baseline_cv, followup_cv))
    return (ratio.reindex(patients.index) - 0.7).abs() <= spread
