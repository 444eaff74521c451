"""From a solved cohort to the tables of the simulated trial."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from sumdiam.demo.cohort.course_state import BEST, HEPATIC_PD, PD, SITE
from sumdiam.demo.cohort.covariate import COLUMNS
from sumdiam.demo.cohort.excluded import excluded_plan, excluded_subject
from sumdiam.demo.cohort.lesion_course import anatomy, lesion_rows
from sumdiam.demo.cohort.solution import Solution
from sumdiam.demo.cohort.subject_row import (
    BASELINE_DAYS,
    DIFFUSE_FROM,
    number_of_tumours,
    subject_row,
)
from sumdiam.demo.cohort.sum_course import Patient, hepatic_mechanism, sums_of

Row = dict[str, Any]
Tables = dict[str, pd.DataFrame]

SEED = 20210104
BEST_WORDS = ("CR", "PR", "SD", "PD")
SITE_WORDS = ("liver", "extrahepatic", "both")
MODALITIES, MODALITY_CHANGES = ("CT", "MR"), 0.2
LESION_COLUMNS = (
    "subject_id", "lesion_id", "timepoint", "organ", "site", "node", "status",
    "viable_diameter_mm", "whole_diameter_mm", "node_short_axis_mm", "arterial_enhancement",
    "washout", "finding",
)  # fmt: skip


def build_tables(solution: Solution) -> Tables:
    """Return subjects, timepoints, lesions and the plan of the trial, all 288 of its subjects."""
    rng = np.random.default_rng(SEED)
    others = excluded_plan(rng)
    n = len(solution.patients) + len(others)
    names = [f"SIM-{number:03d}" for number in rng.permutation(np.arange(1, n + 1))]
    found: dict[str, list[Row]] = {"subjects": [], "timepoints": [], "lesions": [], "plan": []}
    for i, patient in enumerate(solution.patients):
        cells = dict(zip(COLUMNS, solution.cells[i].tolist(), strict=True))
        _add_patient(found, names[i], patient, cells, rng)
    for name, (arm, why) in zip(names[len(solution.patients) :], others, strict=True):
        row, scans, lesions = excluded_subject(name, arm, why, rng)
        found["subjects"].append(row)
        found["timepoints"] += _timepoints(name, row["randomised_on"], scans, rng)
        found["lesions"] += lesions
    order = {"subjects": [], "timepoints": ["timepoint"], "lesions": ["lesion_id", "timepoint"]}
    tables = {name: pd.DataFrame(rows, dtype=object) for name, rows in found.items()}
    tables["lesions"] = tables["lesions"].reindex(columns=list(LESION_COLUMNS))
    tables["lesions"]["node"] = tables["lesions"]["node"].fillna("none")
    return {
        name: table.sort_values(["subject_id", *order.get(name, [])], ignore_index=True)
        for name, table in tables.items()
    }


def _add_patient(
    found: dict[str, list[Row]], name: str, patient: Patient, cells: dict[str, int],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Add a patient of the analysis to the rows of every table."""
    count = number_of_tumours(patient, cells, rng)
    body = anatomy(patient, cells, count, rng)
    mechanism = hepatic_mechanism(patient, rng)
    try:
        sums = sums_of(patient, mechanism, rng)
    except ValueError as error:
        msg = f"{name}: {error}; plan {patient}"
        raise ValueError(msg) from None
    stated = {
        "n_tumours": count,
        "ten_or_more_lesions": count >= DIFFUSE_FROM,
        "largest_tumour_mm": body.largest_mm,
    }
    subject = subject_row(name, patient, cells, stated, rng)
    found["subjects"].append(subject)
    found["timepoints"] += _timepoints(name, subject["randomised_on"], list(patient.days), rng)
    lesions = lesion_rows(patient, body, sums, mechanism, rng)
    found["lesions"] += [{"subject_id": name, **row} for row in lesions]
    found["plan"].append(_plan(name, patient, mechanism))


def _timepoints(
    name: str, randomised: dt.date, days: list[int], rng: np.random.Generator
) -> list[Row]:
    """Return the visits of a subject, baseline first; the modality mostly stays."""
    usual = str(rng.choice(MODALITIES))
    rows = []
    for visit, day in enumerate([-int(rng.integers(*BASELINE_DAYS)), *days]):
        other = MODALITIES[usual == MODALITIES[0]]
        modality = other if visit and rng.random() < MODALITY_CHANGES else usual
        on = randomised + dt.timedelta(days=day)
        rows.append({
            "subject_id": name, "timepoint": visit, "first_scan_on": on, "last_scan_on": on,
            "modality": modality, "adequate": True, "new_lesions_assessed": True,
        })  # fmt: skip
    return rows


def _plan(name: str, patient: Patient, mechanism: str) -> Row:
    """Return what the search wanted of a patient, to be compared with what the rules say."""
    row = patient.row
    progressed = bool(row[PD] >= 0)
    return {
        "subject_id": name,
        "best_response": BEST_WORDS[int(row[BEST])],
        "first_pd_day": int(row[PD]) if progressed else None,
        "first_site": SITE_WORDS[int(row[SITE])] if progressed else None,
        "hepatic_pd_day": int(row[HEPATIC_PD]) if row[HEPATIC_PD] >= 0 else None,
        "hepatic_pd_by": mechanism if row[HEPATIC_PD] >= 0 else None,
        "first_response_day": patient.responded if patient.responded >= 0 else None,
        "deepest_day": patient.deepest if patient.deepest >= 0 else None,
        "baseline_sum_mm": patient.baseline / 10,
        "smallest_sum_mm": patient.smallest / 10 if patient.smallest >= 0 else None,
        "early_shrinkage": patient.early,
    }
