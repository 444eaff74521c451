"""The rules, given the closed forms as lengths, reach the verdicts that the author wrote down."""

import pandas as pd
import pytest

from assessment import assess, read_lesions
from sumdiam.demo.comparison import compare
from sumdiam.demo.trial import load_trial
from sumdiam.demo.truth_table import subjects_table, truth_tables

TRIAL = load_trial()
TRUTH = truth_tables(TRIAL)
UNCERTAINTY_MM = "0.45"  # of one length; what makes a sum 0.5 mm from a cut-off doubtful


def perfect_lesions():
    """The lesion table of a reader who makes no error, with what the findings add."""
    cells = {}
    for row in TRUTH.measurements.to_dict("records"):
        subject = next(s for s in TRIAL if s.subject_id == row["subject_id"])
        lesion = next(x for x in subject.lesions if x.lesion_id == row["lesion_id"])
        visit, mm, quantity = row["timepoint"], row["value_mm"], row["quantity"]
        cell = cells.setdefault((subject.subject_id, lesion.lesion_id, visit), {})
        cell |= {
            "organ": lesion.organ,
            "site": "hepatic" if lesion.hepatic else "extrahepatic",
            "node": "node" if lesion.organ == "lymph_node" else "none",
            f"{quantity}_mm": str(mm),
            f"u_{quantity}": UNCERTAINTY_MM if mm else "0",
        }
        if quantity == "viable_diameter" or not lesion.hepatic:
            cell["status"] = "measured" if mm else "absent"
        if quantity == "viable_diameter":
            cell["arterial_enhancement"] = "true" if mm else "false"
            late = lesion.course[visit].late
            cell["washout"] = {"washout": "true", "bright": "false"}.get(late, "")
    for subject in TRIAL:
        for finding in subject.findings:
            key = (subject.subject_id, finding["lesion_id"], finding["timepoint"])
            cell = cells.setdefault(key, {})
            names = ("organ", "site", "finding", "status", "cytology", "comment")
            cell |= {name: finding[name] for name in names if name in finding}
            if cell["status"] == "not_evaluable":
                cells[key] = {name: cell[name] for name in cell if not name.endswith("_mm")}
    days = {s.subject_id: [str(s.day(day)) for day in s.visits] for s in TRIAL}
    rows = [
        {"subject_id": subject, "reader": "auto", "lesion_id": lesion, "timepoint": str(visit)}
        | {"scan_on": days[subject][visit], "slice_thickness_mm": "2.5"}
        | cell
        for (subject, lesion, visit), cell in cells.items()
    ]
    return read_lesions(pd.DataFrame(rows).fillna("").astype(str), "perfect reader")


@pytest.fixture(scope="module")
def comparison():
    found = assess(perfect_lesions(), subjects=subjects_table(TRIAL))
    lengths = TRUTH.measurements.assign(
        reader="auto", revision=1, value=TRUTH.measurements["value_mm"], flags=pd.NA, reason=pd.NA
    )
    tables = {name: getattr(found, name) for name in ("responses", "outcomes", "events")}
    return compare(tables | {"measurements": lengths}, TRUTH)


def test_every_response_outcome_and_event_equals_the_authors_verdict(comparison):
    assert comparison.differences.to_dict("records") == []
    assert comparison.categories_equal


def test_borderline_visits_are_called_doubtful(comparison):
    row = comparison.summary.set_index("what").loc["doubtful"]
    assert (row["n"], row["equal"]) == (4, 4)
