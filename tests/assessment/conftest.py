"""Patients in short: `L1 liver 66.0 46.2; N1 lung - 8` with visits `0 60` as typed tables."""

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from assessment import Assessment, PolicySet, assess, read_lesions
from assessment.response_table import Subjects, Timepoints
from measurement.lesion_table import Lesions
from measurement.table import columns_of, parse_text

FIXTURES = Path(__file__).parents[2] / "fixtures"
DAY_0 = dt.date(2020, 1, 1)
PLACES = {
    "liver": {"site": "hepatic", "organ": "liver"},
    "vein": {"site": "hepatic", "organ": "portal_vein", "finding": "portal_thrombus"},
    "lung": {"site": "extrahepatic", "organ": "lung"},
    "bone": {"site": "extrahepatic", "organ": "bone"},
    "adrenal": {"site": "extrahepatic", "organ": "adrenal"},
    "node": {"site": "extrahepatic", "organ": "node", "node": "node"},
    "porta": {"site": "extrahepatic", "organ": "node", "node": "porta_hepatis"},
    "effusion": {"site": "extrahepatic", "organ": "pleura", "finding": "effusion"},
}
ROLES = {"t": "target", "n": "non-target", "new": "new"}
STATUSES = {
    "ne": "not_evaluable", "ts": "too_small", "abs": "absent", "pres": "present",
    "prog": "progressed", "eq": "equivocal", "meas": "measured",
}  # fmt: skip
MARKS = {
    "ts": {"status": "too_small"}, "ne": {"status": "not_evaluable"}, "abs": {"status": "absent"},
    "typ": {"pattern": "typical"}, "aty": {"pattern": "atypical"}, "wash": {"washout": "true"},
    "nowash": {"washout": "false"}, "cyt+": {"cytology": "positive"}, "eq": {"status": "equivocal"},
    "cyt-": {"cytology": "negative"}, "dead": {"arterial_enhancement": "false"},
    "meas": {"status": "measured"}, "prog": {"status": "progressed"}, "treated": {"treated_before": "true"}, "ill": {"well_delineated": "false"},
}  # fmt: skip


def day(number: float | str) -> str:
    """Return the ISO date that many days after the start."""
    return (DAY_0 + dt.timedelta(days=int(number))).isoformat()


def visit_rows(subject: str, text: str) -> list[dict[str, str]]:
    """Return the visits behind `0 60 120-125 2:180 240n 300u`."""
    rows = []
    for place, word in enumerate(text.split()):
        number, _, days = word.rpartition(":")
        looked, adequate = not days.endswith("n"), not days.endswith("u")
        first, dash, last = days.rstrip("nu").rpartition("-")
        if not first:
            first, last = (dash + last, dash + last)
        rows.append(
            {
                "subject_id": subject,
                "timepoint": number or str(place),
                "first_scan_on": day(first),
                "last_scan_on": day(last),
                "adequate": str(adequate).lower(),
                "new_lesions_assessed": str(looked).lower(),
            }
        )
    return rows


def lesion_rows(subject: str, text: str, timepoints: list[str] | None) -> list[dict[str, str]]:
    """Return the lesion rows behind `L1 liver!t 30w40 0 -; N1 lung - 8/typ`."""
    rows = []
    for lesion in filter(None, (part.strip() for part in text.split(";"))):
        name, where, *values = lesion.split()
        place, _, role = where.partition("!")
        for rank, value in enumerate(values):
            if value == "-":
                continue
            row = {"subject_id": subject, "lesion_id": name, **PLACES[place]}
            row["timepoint"] = timepoints[rank] if timepoints else str(rank)
            if role:
                row["role_given"] = ROLES[role]
            head, *marks = value.split("/")
            row |= _lengths(head, place)
            for mark in marks:
                row |= _mark(mark)
            rows.append(row)
    return rows


def _lengths(head: str, place: str) -> dict[str, str]:
    """Return the length cells of a token: a status, a number, or viable `w` whole."""
    if head in STATUSES:
        return {"status": STATUSES[head]}
    viable, _, whole = head.partition("w")
    cells = {"whole_diameter_mm": whole or viable}
    if place in {"node", "porta"}:
        cells = {"node_short_axis_mm": viable, "whole_diameter_mm": whole}
    elif place == "liver":
        cells["viable_diameter_mm"] = viable
    return {key: "" if cell == "?" else cell for key, cell in cells.items()}


def _mark(mark: str) -> dict[str, str]:
    """Return the cells of a mark behind a slash."""
    for prefix, columns in (
        ("p=", ("viable_perpendicular_mm", "whole_perpendicular_mm")),
        ("v=", ("viable_volume_ml", "whole_volume_ml")),
        ("wv=", ("whole_volume_ml",)),
        ("up=", ("u_viable_perpendicular", "u_whole_perpendicular")),
    ):
        if mark.startswith(prefix):
            return dict.fromkeys(columns, mark.removeprefix(prefix))
    for prefix, column in (
        ("split=", "split_from"), ("merge=", "merged_into"), ("slice=", "slice_thickness_mm"),
        ("organ=", "organ"), ("u=", "u_viable_diameter"), ("uw=", "u_whole_diameter"),
        ("un=", "u_node_short_axis"), ("finding=", "finding"),
        ("hu=", "mean_attenuation_hu"),
    ):  # fmt: skip
        if mark.startswith(prefix):
            return {column: mark.removeprefix(prefix)}
    return MARKS[mark]


def subject_row(subject: str, text: str) -> dict[str, str]:
    """Return the person behind `rand=0 died=30 therapy=20 cutoff=100`."""
    names = {
        "rand": "randomised_on", "treated": "treatment_started_on", "died": "died_on",
        "alive": "last_known_alive_on", "therapy": "new_therapy_on", "cutoff": "data_cutoff_on",
    }  # fmt: skip
    given = dict(word.split("=") for word in text.split())
    if "rand" not in given:
        given["rand"] = "0"
    if "died" not in given and "alive" not in given:
        given["alive"] = "1000"
    return {"subject_id": subject} | {
        names[key]: day(value) for key, value in given.items() if value
    }


def as_text(rows: list[dict[str, str]], columns: list[str]) -> pd.DataFrame:
    """Return rows as a table of text cells, of the columns that any of them has."""
    used = [name for name in columns if not rows or any(name in row for row in rows)]
    return pd.DataFrame(rows, columns=used, dtype=object).fillna("").astype(str)


def tables(patients: list[dict[str, str]]) -> dict[str, pd.DataFrame]:
    """Return typed lesions, timepoints and subjects of patients written in short."""
    lesions, timepoints, subjects = [], [], []
    for patient in patients:
        name = patient["patient"]
        visits = visit_rows(name, patient.get("visits", ""))
        numbers = [row["timepoint"] for row in visits] or None
        lesions += lesion_rows(name, patient.get("lesions", ""), numbers)
        timepoints += visits
        subjects.append(subject_row(name, patient.get("subject", "")))
    if not lesions:
        typed = parse_text(as_text([], columns_of(Lesions)), Lesions, origin="no lesions")
    else:
        typed = read_lesions(as_text(lesions, columns_of(Lesions)), "short")
    return {
        "lesions": typed,
        "timepoints": parse_text(
            as_text(timepoints, columns_of(Timepoints)), Timepoints, origin="t"
        ),
        "subjects": parse_text(as_text(subjects, columns_of(Subjects)), Subjects, origin="s"),
    }


def policy_set(text: str) -> PolicySet:
    """Return the policy set behind `set=seed; confirm=on`."""
    given = dict(part.strip().split("=") for part in text.split(";") if part.strip())
    return PolicySet(given.pop("set", "default"), given)


def assess_short(
    lesions: str, visits: str = "", subject: str = "", policies: str = "", **options: object
) -> Assessment:
    """Return the assessment of one patient written in short, called `P`."""
    patient = {"patient": "P", "lesions": lesions, "visits": visits, "subject": subject}
    made = tables([patient])
    frame = made.pop("lesions")
    if not visits:
        made.pop("timepoints")
    return assess(frame, policies=policy_set(policies), **made, **options)  # type: ignore[arg-type]


@pytest.fixture(name="short", scope="session")
def _short():
    """Give tests the way to write a patient in short."""
    return assess_short


@pytest.fixture(name="make_tables", scope="session")
def _make_tables():
    """Give tests the tables of several patients written in short."""
    return tables


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """Folder of truth tables."""
    return FIXTURES
