"""Text columns as codes."""

import numpy as np
import pandas as pd
import pytest

from assessment.words import (
    Told,
    Words,
    compacted,
    empty_words,
    first_of,
    one_word,
    used_words,
    words_of_cells,
)

CELLS = ["effusion", None, "portal_thrombus; effusion", "infiltrative", None, "effusion"]


def test_the_text_of_a_column_comes_back_whatever_holds_it():
    for column in (
        pd.Series(CELLS, dtype="string"),
        pd.Series(CELLS, dtype="string").astype("category"),
        pd.Series(pd.Categorical(CELLS, ["infiltrative", "portal_thrombus; effusion", "effusion", "never"])),
    ):  # fmt: skip
        words = words_of_cells(column)
        assert words.text.tolist() == [cell or "" for cell in CELLS]
        assert list(words.words) == sorted(words.words)


def test_words_are_compared_as_text_is():
    words = words_of_cells(pd.Series(CELLS, dtype="string"))
    assert words.equals("effusion").tolist() == [cell == "effusion" for cell in CELLS]
    assert words.equals("ascites").tolist() == [False] * 6
    assert words.is_any(["effusion", "infiltrative"]).sum() == 3
    assert words.holds(["effusion"]).tolist() == [True, False, True, False, False, True]
    assert words.given.tolist() == [cell is not None for cell in CELLS]
    assert words.unless(words.codes[0]).given.sum() == 2


def test_the_first_word_along_the_visits():
    words = words_of_cells(pd.Series([None, "b", "a", "a", None, None], dtype="string"))
    grid = words.at(np.arange(6).reshape(2, 3))
    assert grid.first().text.tolist() == ["b", "a"]
    assert empty_words((2, 3)).first().text.tolist() == ["", ""]
    assert empty_words((2, 0)).first().text.tolist() == ["", ""]


def test_words_that_no_cell_has_are_dropped():
    words = words_of_cells(pd.Series(["a", "b", None, "c"], dtype="string")).at(np.array([3, 2, 0]))
    assert used_words(words).words == ("a", "c")
    assert used_words(words).text.tolist() == ["c", "", "a"]
    assert one_word("x", 3).text.tolist() == ["x", "x", "x"]


def test_each_row_has_the_text_of_the_first_condition_that_holds():
    a, b = np.array([True, True, False, False]), np.array([True, False, True, False])
    column = words_of_cells(pd.Series(["y", None, "x", "x"], dtype="string"))
    assert first_of([(a, "A"), (b, "B")], "C").text.tolist() == ["A", "A", "B", "C"]
    assert first_of([(a & b, "A"), (a, column)], "C").text.tolist() == ["A", "", "C", "C"]
    assert first_of([(b, "B")], column).text.tolist() == ["B", "", "B", "x"]
    many = Words(np.array([0, 299, -1, 150]), tuple(f"w{n}" for n in range(300)))
    assert first_of([(~b, many)], many).text.tolist() == ["w0", "w299", "", "w150"]


def test_a_later_text_takes_the_place_of_an_earlier_one():
    told = Told(3)
    told.put(np.array([True, True, False]), "one")
    told.put(np.array([1, 2]), words_of_cells(pd.Series(["b", "a"], dtype="string")))
    assert told.finished().text.tolist() == ["one", "b", "a"]
    assert Told(2).finished().text.tolist() == ["", ""]


@pytest.mark.parametrize("size", [11, 10**8])
def test_distinct_keys_are_found_in_order_however_many_there_could_be(size):
    keys, place = compacted(np.array([7, 0, 10, 7, 3]), size)
    assert keys.tolist() == [0, 3, 7, 10]
    assert place.tolist() == [2, 0, 3, 2, 1]
