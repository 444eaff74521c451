"""The closing words of a run: what is counted as measured and as flagged."""

from __future__ import annotations

import pandas as pd
import pytest

from sumdiam.batch.summary import count_lesions

LESIONS = pd.DataFrame(
    {
        "subject_id": "S01",
        "reader": "auto",
        "lesion_id": ["liver", "lung", "node"],
        "timepoint": 0,
        "site": ["hepatic", "extrahepatic", "extrahepatic"],
        "node": ["none", "none", "node"],
    }
)
FLAGGED = [
    # lesion   quantity                 flagged  why
    ("liver", "viable_diameter", 1, "the length that counts in the liver"),
    ("liver", "viable_perpendicular", 0, "stands beside it and counts in no sum"),
    ("liver", "whole_diameter", 0, "not what mRECIST counts in the liver"),
    ("lung", "whole_diameter", 1, "the length that counts outside the liver"),
    ("lung", "whole_perpendicular", 0, "stands beside it"),
    ("node", "node_short_axis", 1, "a node counts by its short axis"),
    ("node", "whole_diameter", 0, "a node's long axis counts in no sum"),
]


def measured(lesion: str, quantity: str, *, flags: str | None, accepted: bool = True):
    key = {"subject_id": "S01", "reader": "auto", "lesion_id": lesion, "timepoint": 0}
    return key | {"quantity": quantity, "accepted": accepted, "flags": flags}


def table(*rows):
    types = {"flags": "string", "accepted": "boolean"}
    return pd.DataFrame(list(rows)).astype(types)


@pytest.mark.parametrize(("lesion", "quantity", "expected", "why"), FLAGGED)
def test_a_lesion_is_flagged_by_the_quantity_that_it_counts_with(lesion, quantity, expected, why):
    rows = [
        measured(lesion, name, flags="low_cnr" if name == quantity else None)
        for one, name, *_ in FLAGGED
        if one == lesion
    ]
    assert count_lesions(table(*rows), LESIONS) == (1, expected), why


def test_a_note_that_the_native_phase_was_moved_is_no_flag_by_itself():
    for flags, expected in [("registered(0.6)", 0), ("registered(0.6);low_cnr(1.2)", 1)]:
        rows = [measured("liver", "viable_diameter", flags=flags)]
        assert count_lesions(table(*rows), LESIONS) == (1, expected), flags


def test_a_rejected_measurement_flags_nothing_and_measures_nothing():
    rows = [
        measured("liver", "viable_diameter", flags="low_cnr", accepted=False),
        measured("lung", "whole_diameter", flags=None),
    ]
    assert count_lesions(table(*rows), LESIONS) == (1, 0)


def test_every_timepoint_counts_by_itself():
    rows = [
        measured("liver", "viable_diameter", flags="low_cnr") | {"timepoint": number}
        for number in (0, 1)
    ]
    visits = pd.concat([LESIONS, LESIONS.assign(timepoint=1)], ignore_index=True)
    assert count_lesions(table(*rows), visits) == (2, 2)
