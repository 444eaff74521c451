"""Visits of three trials with real dirt, against the rules written out once more, patient by patient."""

import datetime as dt
from fractions import Fraction

import pandas as pd
import pytest

from assessment import PolicySet, assess, read_lesions
from assessment.response_table import Timepoints
from measurement.table import columns_of, parse_text

WORDS = {"NOT EVALUABLE": "not_evaluable", "TOO SMALL TO MEASURE": "too_small"}
DAY_0 = dt.date(2020, 1, 1)
BLANK = ""


@pytest.fixture(scope="module")
def visits(shared_data):
    """Return patient, day and cell, one per day: of doubled days the first, counted."""
    path = shared_data / "plos_lesion_diameters" / "lesions.csv"
    raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    raw.columns = ["patient", "day", "cell", "arm", "study"]
    raw["patient"] = raw["study"] + "-" + raw["patient"]
    raw["day"] = raw["day"].astype(int)
    raw = raw.sort_values(["patient", "day"], kind="stable")
    doubled = raw.duplicated(["patient", "day"])
    return raw[~doubled].reset_index(drop=True), int(doubled.sum()), len(raw)


def from_baseline(frame):
    """Number each patient's visits from the last one at or before day 0, else from the first."""
    before = frame["day"].where(frame["day"] <= 0).groupby(frame["patient"]).transform("max")
    start = before.fillna(frame.groupby("patient")["day"].transform("min"))
    kept = frame[frame["day"] >= start].copy()
    kept["timepoint"] = kept.groupby("patient").cumcount()
    return kept


def as_tables(frame):
    """Write each patient's diameter as one lesion outside the liver, taken as target."""
    kept = from_baseline(frame)
    day = kept["day"].map(lambda days: (DAY_0 + dt.timedelta(days=int(days))).isoformat())
    seen = kept[kept["cell"].str.strip() != BLANK]
    cell = seen["cell"].str.strip()
    status = cell.map(WORDS).fillna("")
    lesions = pd.DataFrame(
        {
            "subject_id": seen["patient"],
            "lesion_id": "target",
            "timepoint": seen["timepoint"].astype(str),
            "site": "extrahepatic",
            "role_given": "target",
            "status": status,
            "whole_diameter_mm": cell.where(status == "", ""),
        }
    )
    timepoints = pd.DataFrame(
        {
            "subject_id": kept["patient"],
            "timepoint": kept["timepoint"].astype(str),
            "first_scan_on": day,
            "last_scan_on": day,
            "new_lesions_assessed": "true",
        }
    ).reindex(columns=columns_of(Timepoints), fill_value="")
    return read_lesions(lesions, "lesions.csv"), parse_text(timepoints, Timepoints, origin="visits")


def length(cell):
    """Return a cell's length in mm as an exact number, None where there is none."""
    cell = cell.strip()
    if cell == "TOO SMALL TO MEASURE":
        return Fraction(5)
    if cell in {BLANK, "NOT EVALUABLE"}:
        return None
    return Fraction(round(Fraction(cell) * 10 + Fraction(1, 10**9)), 10)


def by_hand(cells):
    """Return RECIST 1.1 responses of one target, written out visit by visit."""
    lengths = [length(cell) for cell in cells]
    baseline, nadir, was_cr, found = lengths[0], lengths[0], False, []
    for size in lengths[1:]:
        if not baseline or size is None:
            found.append("NE")
        elif size == 0:
            found.append("CR")
            was_cr = True
        elif was_cr or (nadir and size - nadir >= 5 and size >= nadir * Fraction(6, 5)):
            found.append("PD")
        elif size <= baseline * Fraction(7, 10):
            found.append("PR")
        else:
            found.append("SD")
        if size is not None:
            nadir = size if nadir is None else min(nadir, size)
    return found


@pytest.mark.shared
def test_visits_of_three_trials_run_through_with_every_dirty_value_accounted_for(visits):
    frame, doubled, rows = visits
    lesions, timepoints = as_tables(frame)
    policies = PolicySet("default", {"pr_carry_forward": "recompute"})
    found = assess(lesions, timepoints=timepoints, criteria=("recist_1_1",), policies=policies)
    kept = from_baseline(frame)
    assert rows == len(frame) + doubled
    assert len(found.responses) == len(kept)
    cells = kept.set_index(["patient", "timepoint"])["cell"].str.strip()
    table = found.responses.set_index(["subject_id", "timepoint"])
    for word in ("NOT EVALUABLE", BLANK):
        dirty = cells[cells == word].index
        assert (table.loc[dirty, "n_targets_measured"] == 0).all()
    small = cells[cells == "TOO SMALL TO MEASURE"].index
    assert (table.loc[small, "sum_mm"] == 5.0).all()


@pytest.mark.shared
def test_every_response_of_three_trials_equals_the_rules_written_out_by_hand(visits):
    frame, _, _ = visits
    lesions, timepoints = as_tables(frame)
    policies = PolicySet("default", {"pr_carry_forward": "recompute"})
    found = assess(lesions, timepoints=timepoints, criteria=("recist_1_1",), policies=policies)
    later = found.responses[found.responses["timepoint"] > 0]
    derived = later.groupby("subject_id")["overall_response"].agg(list)
    cells = from_baseline(frame).groupby("patient")["cell"].agg(list)
    compared = 0
    for patient, words in derived.items():
        assert words == by_hand(cells[patient]), (patient, cells[patient])
        compared += len(words)
    assert compared == len(later) > 1000
