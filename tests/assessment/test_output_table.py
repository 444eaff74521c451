"""Results become tables: sorted, typed, checked."""

import numpy as np
import pandas as pd
import pytest

from assessment.output_table import table, truths, whole_numbers
from assessment.response_table import Exclusions, Selections, Warnings
from assessment.words import Words, one_word
from measurement.table import TableError, check, columns_of


def selection(subjects, roles, order=None):
    """Return columns of a selection."""
    n = len(subjects)
    known = sorted(set(subjects))
    return {
        "subject_id": Words(np.array([known.index(s) for s in subjects]), tuple(known)),
        "reader": one_word("1", n), "criteria": one_word("mrecist", n),
        "lesion_id": np.array([f"L{i}" for i in range(n)], dtype=object),
        "role": Words(np.zeros(n, dtype=np.int8), roles), "reason": one_word("why", n),
        **({} if order is None else {"order": order}),
    }  # fmt: skip


def test_parts_are_joined_sorted_by_key_and_typed_as_the_schema_says():
    one, other = selection(["B", "A"], ("target",)), selection(["C", "A0"], ("new",))
    found = table([one, other], Selections)
    assert found["subject_id"].tolist() == ["A", "A0", "B", "C"]
    assert found["role"].tolist() == ["target", "new", "target", "new"]
    assert found["order"].isna().all()
    assert list(found.columns) == columns_of(Selections)
    check(found, Selections, origin="selections")


def test_no_rows_make_an_empty_table():
    assert len(table([], Selections)) == 0
    assert len(table([selection([], ("target",))], Selections)) == 0


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (selection(["A"], ("victim",)), "role"),
        (selection(["A"], ("target",), whole_numbers(np.array([0]), np.array([True]))), "order"),
        ({**selection(["A"], ("target",)), "reason": Words(np.array([-1]), ("why",))}, "reason"),
        (
            {**selection(["A", "A"], ("target",)), "lesion_id": one_word("L", 2)},
            "2 rows have the same",
        ),
    ],
)
def test_what_the_schema_forbids_is_refused(part, words):
    with pytest.raises(TableError, match=words):
        table([part], Selections)


def test_a_table_without_a_key_is_sorted_by_all_its_columns_empty_cells_last():
    rows = {
        "subject_id": Words(np.array([0, 0, 0]), ("S",)), "code": one_word("x", 3),
        "lesion_id": Words(np.array([-1, 1, 0]), ("L1", "L2")), "message": one_word("m", 3),
    }  # fmt: skip
    found = table([rows], Warnings)
    expected = found.sample(frac=1, random_state=3).sort_values(
        columns_of(Warnings), ignore_index=True
    )
    pd.testing.assert_frame_equal(found, expected)
    assert found["lesion_id"].fillna("-").tolist() == ["L1", "L2", "-"]


def test_truths_and_texts_of_objects():
    part = {
        "subject_id": np.array(["A", "B"], dtype=object), "reader": one_word("1", 2),
        "criteria": one_word("c", 2), "policy_id": one_word("p", 2),
        "analysed": truths(np.array([True, False]), np.array([True, True])),
        "code": one_word("analysed", 2), "reason": one_word("r", 2),
    }  # fmt: skip
    assert table([part], Exclusions)["analysed"].tolist() == [True, False]
