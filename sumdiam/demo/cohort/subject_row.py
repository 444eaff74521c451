"""A simulated patient as a row of the subjects' table: dates, liver function, stage, history."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from sumdiam.demo.cohort.course_state import ALIVE, ARM, DEATH
from sumdiam.demo.cohort.printed import ARMS
from sumdiam.demo.cohort.sum_course import Patient

Row = dict[str, Any]

FIRST_RANDOMISED = dt.date(2021, 1, 4)
RECRUITMENT_DAYS = 1600
BASELINE_DAYS = (3, 26)
"""Baseline images lie this many days before randomisation."""
AETIOLOGIES = ("other", "hepatitis_b", "hepatitis_c", "alcohol")
DIFFUSE_FROM, MOST_TUMOURS = 10, 25
SEVEN = 7
ALBI_1, ALBI_2 = -2.62, -1.45
"""Scores clear of the cut-offs at -2.60 and -1.39."""
TRIES = 20_000


def number_of_tumours(patient: Patient, cells: dict[str, int], rng: np.random.Generator) -> int:
    """Return how many tumours the liver has, in keeping with ten or more and with up-to-7.

    A single tumour is larger than 2 cm, else the stage would be 0, which the paper has not.
    """
    size_cm = patient.baseline / 100
    if cells["diffuse"] == 1:
        return int(rng.integers(DIFFUSE_FROM, MOST_TUMOURS + 1))
    if cells["outside_up_to_7"] == 0:
        least = 1 if size_cm > 2.1 else 2
        return int(rng.integers(least, max(least, min(3, int(SEVEN - size_cm))) + 1))
    # the largest may be half of the sum: count on that, and on one more for the rounding
    least = max(2, int(SEVEN - 0.5 * size_cm) + 1)
    return int(rng.integers(least, DIFFUSE_FROM)) if least < DIFFUSE_FROM else DIFFUSE_FROM - 1


def subject_row(
    subject_id: str, patient: Patient, cells: dict[str, int], body: Row, rng: np.random.Generator
) -> Row:
    """Return dates and covariates of a patient; ``body`` has n_tumours and largest_tumour_mm."""
    randomised = random_day(rng)
    return {
        "subject_id": subject_id,
        "arm": ARMS[int(patient.row[ARM])],
        **dates(randomised, int(patient.row[DEATH]), int(patient.row[ALIVE]), rng),
        "simulated": True,
        "sex": "M" if cells["male"] == 1 else "F",
        "age_years": int(rng.integers(65, 83) if cells["age_65"] == 1 else rng.integers(43, 65)),
        "race": "white" if cells["white"] == 1 else "other",
        "ecog": _word(cells["ecog_1"], ("0", "1")),
        "cirrhosis": cells["cirrhosis"] == 1,
        "aetiology": AETIOLOGIES[cells["aetiology"]],
        "previous_tace": cells["previous_tace"] == 1,
        **body,
        "portal_invasion": cells["portal_invasion"] == 1,
        "extrahepatic_spread": cells["extrahepatic_spread"] == 1,
        # without ECOG no stage follows, but stage C was stated: there is invasion or spread
        "bclc": "C" if cells["ecog_1"] < 0 else None,
        "afp_above_400": _word(cells["afp_400"], ("false", "true")),
        **liver_function(cells, rng),
    }


def random_day(rng: np.random.Generator) -> dt.date:
    """Return a day of randomisation."""
    return FIRST_RANDOMISED + dt.timedelta(days=int(rng.integers(0, RECRUITMENT_DAYS)))


def dates(randomised: dt.date, death: int, alive: int, rng: np.random.Generator) -> Row:
    """Return the dates of a subject; ``death`` or ``alive`` is -1."""
    return {
        "randomised_on": randomised,
        "treatment_started_on": randomised + dt.timedelta(days=int(rng.integers(1, 15))),
        "died_on": randomised + dt.timedelta(days=death) if death >= 0 else None,
        "last_known_alive_on": randomised + dt.timedelta(days=death if death >= 0 else alive),
    }


def liver_function(cells: dict[str, int], rng: np.random.Generator) -> Row:
    """Return laboratory values whose Child-Pugh class and ALBI grade are those wanted.

    Raises
    ------
    ValueError
        If no values are found.
    """
    second, worse = cells["albi_2"] == 1, cells["child_pugh_b"] == 1
    for _ in range(TRIES):
        bilirubin = round(float(rng.uniform(5, 33)), 1)
        albumin = round(float(rng.uniform(28.2, 34.8) if worse else rng.uniform(28.5, 46)), 1)
        score = 0.66 * np.log10(bilirubin) - 0.085 * albumin
        if second and not (-2.58 <= score <= ALBI_2):
            continue
        if not second and score > ALBI_1:
            continue
        break
    else:
        msg = f"no laboratory values for {cells}"
        raise ValueError(msg)
    return {
        "bilirubin_umol_l": bilirubin,
        "albumin_g_l": None if cells["albi_2"] < 0 else albumin,
        "inr": round(float(rng.uniform(0.95, 1.45)), 2),
        "ascites": "slight" if worse else "none",  # 7 points with low albumin, else 5 or 6
        "encephalopathy": "none",
        "child_pugh": "B" if worse else "A",
    }


def _word(value: int, words: tuple[str, str]) -> str | None:
    """Return one of two words, None where missing."""
    return None if value < 0 else words[value]
