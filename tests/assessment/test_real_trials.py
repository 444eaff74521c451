"""Visits of three trials with real dirt, against the rules written out once more, patient by patient."""

import datetime as dt
from fractions import Fraction

import pandas as pd
import pytest

from assessment import PolicySet, assess, read_lesions
from assessment.response_table import Timepoints
from measurement.table import TableError, columns_of, parse_text

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


DIRT = {
    # what a cell holds: rows of the file
    "NOT EVALUABLE": 27,
    "TOO SMALL TO MEASURE": 26,
    "blank": 3,
    "0 mm": 128,
    "hundredths": 16,
    "length": 3399,
}


def kind(cell):
    """Return what a cell of the file holds."""
    cell = cell.strip()
    if cell in WORDS:
        return cell
    if cell == BLANK:
        return "blank"
    if Fraction(cell) == 0:
        return "0 mm"
    return "length" if (Fraction(cell) * 10).denominator == 1 else "hundredths"


@pytest.mark.shared
def test_every_row_of_the_file_is_counted_once_by_what_its_cell_holds(shared_data, visits):
    frame, doubled, rows = visits
    path = shared_data / "plos_lesion_diameters" / "lesions.csv"
    cells = pd.read_csv(path, dtype=str, keep_default_na=False)["TargetLesionLongDiam_mm"]
    assert cells.map(kind).value_counts().to_dict() == DIRT
    assert sum(DIRT.values()) == rows == 3599
    assert (doubled, len(frame) - len(from_baseline(frame))) == (4, 0)
    # who starts after day 0 has no length from before treatment
    assert int((frame.groupby("patient")["day"].min() > 0).sum()) == 6


@pytest.mark.shared
def test_zeros_and_hundredths_of_three_trials_enter_the_sum_as_written_and_rounded_once(visits):
    frame, _, _ = visits
    lesions, timepoints = as_tables(frame)
    found = assess(lesions, timepoints=timepoints, criteria=("recist_1_1",)).responses
    sums = found.set_index(["subject_id", "timepoint"])["sum_mm"]
    kept = from_baseline(frame).set_index(["patient", "timepoint"])["cell"]
    numbers = kept[kept.map(kind).isin(["0 mm", "hundredths", "length"])]
    expected = numbers.map(lambda cell: float(length(cell)))
    pd.testing.assert_series_equal(
        sums.loc[numbers.index].astype(float), expected, check_names=False, check_index_type=False
    )
    assert int((expected == 0).sum()) > 100


@pytest.mark.shared
@pytest.mark.parametrize("word", WORDS)
def test_a_word_of_the_file_handed_in_as_a_length_is_refused_by_row(visits, word):
    frame, _, _ = visits
    row = frame[frame["cell"] == word].iloc[0]
    table = pd.DataFrame(
        {
            "subject_id": [row["patient"]],
            "lesion_id": ["target"],
            "timepoint": ["0"],
            "site": ["extrahepatic"],
            "whole_diameter_mm": [row["cell"]],
        }
    )
    with pytest.raises(TableError, match=f"row 2, column whole_diameter_mm: '{word}'"):
        read_lesions(table, "lesions.csv")


@pytest.mark.shared
def test_two_rows_of_one_day_are_refused_by_name_not_picked_from(shared_data):
    path = shared_data / "plos_lesion_diameters" / "lesions.csv"
    raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    raw.columns = ["patient", "day", "cell", "arm", "study"]
    both = raw[raw.duplicated(["study", "patient", "day"], keep=False)]
    assert len(both) == 8
    table = pd.DataFrame(
        {
            "subject_id": both["patient"],
            "lesion_id": "target",
            "timepoint": both["day"],
            "site": "extrahepatic",
            "whole_diameter_mm": both["cell"],
        }
    )
    with pytest.raises(TableError, match=str(both["patient"].iloc[0])):
        read_lesions(table, "lesions.csv")
