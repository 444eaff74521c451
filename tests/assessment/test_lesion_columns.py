"""Typed lesion tables at the door: what passes at first sight, and what the schema has to judge."""

import numpy as np
import pandas as pd
import pytest

from assessment import assess, read_lesions
from assessment.lesion_columns import lesion_columns
from measurement.lesion_table import Lesions
from measurement.table import TableError, columns_of


@pytest.fixture(name="table")
def _table(make_tables):
    """Return a small typed table."""
    return make_tables([{"patient": "P", "lesions": "L1 liver 30 20 9; N1 lung - 8 abs"}])[
        "lesions"
    ]


def test_columns_hold_what_the_table_holds(table):
    columns = lesion_columns(table)
    assert columns.text("lesion_id").text.tolist() == table["lesion_id"].tolist()
    assert columns.timepoint.tolist() == table["timepoint"].tolist()
    assert columns.text("finding").text.tolist() == [""] * len(table)
    np.testing.assert_array_equal(
        columns.numbers["viable_diameter_mm"], table["viable_diameter_mm"]
    )


def test_categories_strings_and_plain_types_are_one_table(table):
    words = dict.fromkeys(("subject_id", "reader", "lesion_id", "site", "status"), "category")
    plain = table.astype({"timepoint": "int64"}).astype(words)
    expected = assess(table)
    for other in (plain, plain.sample(frac=1, random_state=1), table[columns_of(Lesions)]):
        found = assess(other)
        pd.testing.assert_frame_equal(found.responses, expected.responses)
        pd.testing.assert_frame_equal(found.warnings, expected.warnings)


FAULTS = [
    ({"site": "liver"}, "site"),
    ({"status": "gone"}, "status"),
    ({"viable_diameter_mm": -1.0}, "viable_diameter_mm"),
    ({"slice_thickness_mm": 0.0}, "slice_thickness_mm"),
    ({"timepoint": -1}, "timepoint"),
    ({"reader": None}, "reader"),
    ({"lesion_id": "L1", "timepoint": 0}, "rows have the same subject_id=P"),
]


@pytest.mark.parametrize("categories", [False, True])
@pytest.mark.parametrize(("change", "words"), FAULTS)
def test_what_the_schema_forbids_is_refused_with_its_words(table, change, words, categories):
    wrong = table.assign(**change)
    wrong = wrong.astype(table.dtypes.to_dict())
    if categories:
        wrong = wrong.astype(dict.fromkeys(("subject_id", "site", "status", "reader"), "category"))
    with pytest.raises(TableError, match=words):
        assess(wrong)


def test_unused_categories_forbid_nothing(table):
    site = pd.Categorical(table["site"], ["hepatic", "extrahepatic", "elsewhere"])
    pd.testing.assert_frame_equal(
        assess(table.assign(site=site)).responses, assess(table).responses
    )


def test_lengths_beyond_any_lesion_are_summed_without_overflow(table):
    """A typed table may hold any length: 3e7 mm is no lesion, but never a negative one."""
    huge = table.assign(viable_diameter_mm=table["viable_diameter_mm"] * 1e6)
    assert assess(huge).responses["sum_mm"].tolist() == [30e6, 20e6, 9e6]


def test_thousands_of_timepoints_of_few_subjects_are_laid_out(make_tables):
    cells = [
        {"subject_id": f"S{s}", "lesion_id": "L", "timepoint": str(t), "site": "hepatic", "viable_diameter_mm": "30"}
        for s in range(3) for t in (0, 700_000 + s, 900_000)
    ]  # fmt: skip
    found = assess(read_lesions(pd.DataFrame(cells), "far apart")).responses
    assert found["timepoint"].tolist() == [
        0,
        700_000,
        900_000,
        0,
        700_001,
        900_000,
        0,
        700_002,
        900_000,
    ]
    assert found["overall_response"].dropna().tolist() == ["SD"] * 6
