"""Choices between whole numbers, against numpy's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from assessment.code import NO_DAY, choose, first_code

MANY = settings(max_examples=60, deadline=None)
DAYS = st.one_of(st.just(NO_DAY), st.just(2**63 - 1), st.integers(-(10**5), 10**5))
FLAGS = arrays.arrays(bool, 7)


@MANY
@given(FLAGS, arrays.arrays(np.int64, 7, elements=DAYS), arrays.arrays(np.int64, 7, elements=DAYS))
def test_a_choice_is_that_of_where_up_to_the_ends_of_the_numbers(flags, one, other):
    assert choose(flags, one, other).tolist() == np.where(flags, one, other).tolist()
    assert choose(flags, one, NO_DAY).tolist() == np.where(flags, one, NO_DAY).tolist()
    assert choose(flags, 3, other).tolist() == np.where(flags, 3, other).tolist()
    assert choose(flags, -1, NO_DAY).tolist() == np.where(flags, -1, NO_DAY).tolist()


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int32, np.int64])
def test_a_choice_keeps_the_type_of_the_numbers(kind):
    values = np.array([[1, -1], [7, 0]], dtype=kind)
    found = choose(np.array([[True], [False]]), values, -1)
    assert found.dtype == kind
    assert found.tolist() == [[1, -1], [-1, -1]]
    mixed = choose(np.array([[True], [False]]), values, np.full((2, 2), 10**12))
    assert mixed.tolist() == [[1, -1], [10**12, 10**12]]


@MANY
@given(st.lists(FLAGS, min_size=1, max_size=5))
def test_the_first_condition_that_holds_gives_the_code(conditions):
    codes = [5, 0, -1, 9, 3][: len(conditions)]
    wanted = np.select(conditions, codes, 7)
    assert first_code(conditions, codes, 7).tolist() == wanted.tolist()
