"""Worked patients: each row of fixtures/worked_patients.csv is one, with the reason at its end."""

import csv
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from assessment import PolicySet, assess

TABLE = Path(__file__).parents[2] / "fixtures" / "worked_patients.csv"
with TABLE.open(encoding="utf-8") as handle:
    PATIENTS = sorted(csv.DictReader(handle), key=lambda row: (row["criteria"], row["policies"]))
EVENTS = ("OS", "PFS", "TTP", "hepatic_PFS", "PPS", "DOR")
NO_WARNING = pd.DataFrame({"code": []})
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
    """Assess patients, all of one rule set and policies in one call, once they are asked for."""
    made = make_tables(PATIENTS)

    @cache
    def of_group(criteria, policies):
        given = dict(part.strip().split("=") for part in policies.split(";") if part.strip())
        chosen = PolicySet(given.pop("set", "default"), given)
        names = [
            patient["patient"]
            for patient in PATIENTS
            if (patient["criteria"], patient["policies"]) == (criteria, policies)
        ]
        own = {key: table[table["subject_id"].isin(names)] for key, table in made.items()}
        result = assess(own.pop("lesions"), criteria=(criteria,), policies=chosen, **own)
        return {
            name: dict(iter(getattr(result, name).groupby("subject_id")))
            for name in ("responses", "outcomes", "events", "warnings")
        }

    return of_group


def shown(value):
    """Return a cell as the table writes it."""
    if pd.isna(value):
        return "-"
    if isinstance(value, (bool,)) or str(value) in {"True", "False"}:
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.1f}"
    return str(value)


@pytest.mark.parametrize("row", PATIENTS, ids=[row["patient"] for row in PATIENTS])
def test_worked_patient(row, answers):
    result, name = answers(row["criteria"], row["policies"]), row["patient"]
    visits = result["responses"][name]
    visits = visits[visits["timepoint"] > 0].sort_values("timepoint")
    assert [shown(word) for word in visits["overall_response"]] == row["overall"].split(), row[
        "why"
    ]
    outcome = result["outcomes"][name].iloc[0]
    assert shown(outcome["best_response"]) == row["best"], row["why"]
    assert shown(outcome["confirmed_best_response"]) == row["confirmed"], row["why"]
    events = result["events"][name].set_index("endpoint")
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
        codes = set(result["warnings"].get(name, NO_WARNING)["code"])
        return wanted if wanted in codes else f"only {sorted(codes)}"
    if key in LAST_VISIT:
        return shown(visits.iloc[-1][LAST_VISIT[key]])
    return shown(outcome[key])


def test_there_are_at_least_eighty_worked_patients_and_none_twice():
    names = [row["patient"] for row in PATIENTS]
    assert len(names) >= 80
    assert len(set(names)) == len(names)
