"""Worked patients: each row of fixtures/worked_patients.csv is one, with the reason at its end."""

import csv
from pathlib import Path

import pandas as pd
import pytest

from assessment import PolicySet, assess

TABLE = Path(__file__).parents[2] / "fixtures" / "worked_patients.csv"
with TABLE.open(encoding="utf-8") as handle:
    PATIENTS = list(csv.DictReader(handle))
EVENTS = ("OS", "PFS", "TTP", "hepatic_PFS", "PPS", "DOR")
LAST_VISIT = {
    "target": "target_response",
    "nontarget": "nontarget_response",
    "new": "new_lesion",
    "hepatic": "hepatic_response",
    "sum": "sum_mm",
    "sum_mm2": "sum_mm2",
    "sum_ml": "sum_ml",
    "hepatic_sum_mm2": "hepatic_sum_mm2",
    "hepatic_sum": "hepatic_sum_mm",
    "n_expected": "n_targets_expected",
    "n_measured": "n_targets_measured",
}


@pytest.fixture(scope="module")
def answers(make_tables):
    """Assess all patients, in one call per rule set and policies."""
    groups = {}
    for patient in PATIENTS:
        groups.setdefault((patient["criteria"], patient["policies"]), []).append(patient)
    made = make_tables(PATIENTS)
    found = {}
    for (criteria, policies), patients in groups.items():
        given = dict(part.strip().split("=") for part in policies.split(";") if part.strip())
        chosen = PolicySet(given.pop("set", "default"), given)
        names = [patient["patient"] for patient in patients]
        own = {key: table[table["subject_id"].isin(names)] for key, table in made.items()}
        result = assess(own.pop("lesions"), criteria=(criteria,), policies=chosen, **own)
        for patient in patients:
            found[patient["patient"]] = result
    return found


def shown(value):
    """Return a cell as the table writes it."""
    if pd.isna(value):
        return "-"
    if isinstance(value, (bool,)) or str(value) in {"True", "False"}:
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.1f}"
    return str(value)


def of(frame, patient):
    """Return a patient's rows."""
    return frame[frame["subject_id"] == patient]


@pytest.mark.parametrize("row", PATIENTS, ids=[row["patient"] for row in PATIENTS])
def test_worked_patient(row, answers):
    result, name = answers[row["patient"]], row["patient"]
    visits = of(result.responses, name).query("timepoint > 0").sort_values("timepoint")
    assert [shown(word) for word in visits["overall_response"]] == row["overall"].split(), row[
        "why"
    ]
    outcome = of(result.outcomes, name).iloc[0]
    assert shown(outcome["best_response"]) == row["best"], row["why"]
    assert shown(outcome["confirmed_best_response"]) == row["confirmed"], row["why"]
    events = of(result.events, name).set_index("endpoint")
    for check in filter(None, (part.strip() for part in row["checks"].split(";"))):
        key, wanted = check.split("=")
        assert answer(key, visits, outcome, events, result, name, wanted) == wanted, (
            key,
            row["why"],
        )


def answer(key, visits, outcome, events, result, name, wanted):
    """Return what the assessment says to one check of a row."""
    if key in EVENTS:
        event = events.loc[key]
        return "-" if pd.isna(event["days"]) else f"{event['days']}/{int(event['event'])}"
    if key == "recorded":
        return ",".join(shown(word) for word in visits["recorded_response"])
    if key == "warning":
        codes = set(of(result.warnings, name)["code"])
        return wanted if wanted in codes else f"only {sorted(codes)}"
    if key in LAST_VISIT:
        return shown(visits.iloc[-1][LAST_VISIT[key]])
    return shown(outcome[key])


def test_there_are_at_least_eighty_worked_patients_and_none_twice():
    names = [row["patient"] for row in PATIENTS]
    assert len(names) >= 80
    assert len(set(names)) == len(names)
