"""The arms of a trial, and which of them is the control."""

from __future__ import annotations

import pandas as pd
import pytest

from measurement.table import TableError
from sumdiam.export.arm import arm_table

SUBJECTS = pd.DataFrame({"arm": ["B", "A", "B", None, "C", "B"]}, dtype="string")


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        (None, [("A", "reference", "name", 1), ("B", "compared", "name", 3), ("C", "compared", "name", 1)]),
        ("B", [("B", "control", "option", 3), ("A", "compared", "option", 1), ("C", "compared", "option", 1)]),
    ],
)  # fmt: skip
def test_the_arm_to_compare_with_comes_first_and_says_who_chose_it(control, expected):
    found = arm_table(SUBJECTS, control)
    assert list(found.itertuples(index=False, name=None)) == expected


def test_an_arm_is_called_control_only_where_that_was_said():
    # the trial compares combination with sorafenib, which is its control (SORAMIC)
    trial = pd.DataFrame({"arm": ["combination", "sorafenib"]}, dtype="string")
    assert "control" not in arm_table(trial)["role"].tolist()
    told = arm_table(trial, "sorafenib").set_index("arm")["role"]
    assert told.to_dict() == {"sorafenib": "control", "combination": "compared"}


def test_one_arm_alone_is_no_control():
    assert arm_table(SUBJECTS.head(1))["role"].tolist() == ["single"]


def test_without_arms_the_table_is_empty():
    assert arm_table(None).empty
    assert arm_table(SUBJECTS.iloc[[3]]).empty


@pytest.mark.parametrize(
    ("subjects", "message"),
    [
        (SUBJECTS, r"no subject is in arm 'D'.*has A, B, C"),
        (SUBJECTS.iloc[[3]], "has no arm at all"),
        (None, "has no arm at all"),
    ],
)
def test_a_control_arm_without_a_subject_is_refused_with_the_arms_that_there_are(subjects, message):
    with pytest.raises(TableError, match=message):
        arm_table(subjects, "D")
