"""Sentences joined from pieces."""

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from assessment.phrase import (
    amounts,
    by_code,
    joined,
    labels,
    merged,
    on,
    percentages,
    signed_amounts,
    spelled,
    texts,
    where,
)

MANY = settings(max_examples=100, deadline=None)
STEPS = st.lists(st.integers(0, 5 * 10**6), min_size=1, max_size=20)


@MANY
@given(STEPS, st.sampled_from([100, 10_000]))
def test_amounts_are_written_with_one_decimal_or_as_many_as_they_need(steps, per_unit):
    found = amounts(np.array(steps), per_unit, "<", ">").text
    for value, text in zip(steps, found, strict=True):
        assert Decimal(text[1:-1]) == Decimal(value) / per_unit
        decimals = text[1:-1].split(".")[1]
        assert decimals == "0" or len(decimals) == 1 or not decimals.endswith("0")


@MANY
@given(
    st.lists(
        st.tuples(st.integers(-(10**6), 10**6), st.integers(1, 10**6)), min_size=1, max_size=20
    )
)
def test_percentages_are_rounded_half_up_and_never_show_a_whole_percent_that_they_are_not(pairs):
    part, whole = np.array([p for p, _ in pairs]), np.array([w for _, w in pairs])
    for (p, w), text in zip(pairs, percentages(part, whole).text, strict=True):
        exact = 100 * Decimal(p) / Decimal(w)
        number = text.removesuffix(" %")
        places = Decimal(1).scaleb(-len(number.split(".")[1]))
        assert Decimal(number) == abs(exact).quantize(places, ROUND_HALF_UP) * (-1 if p < 0 else 1)
        if Decimal(number) == Decimal(number).to_integral_value() and places > Decimal("1e-6"):
            assert 100 * abs(p) % w == 0, (p, w, text)


def test_pieces_that_say_nothing_of_a_row_leave_it_alone():
    size = amounts(np.array([100, 250]), 100, "sum ", " mm")
    word = labels(np.array([-1, 1]), ("CR", "PR"), ": ")
    assert joined("a ", size, word).tolist() == ["a sum 1.0 mm", "a sum 2.5 mm: PR"]
    assert joined(size, where(np.array([True, False]), size)).tolist() == [
        "sum 1.0 mmsum 1.0 mm", "sum 2.5 mm",
    ]  # fmt: skip
    assert joined("x", by_code(np.array([5, 2]), {2: "two"})).tolist() == ["x", "xtwo"]
    nothing = on(np.array([False, False]), lambda index: spelled(index, str))
    assert joined("x", nothing).tolist() == ["x", "x"]
    some = on(np.array([False, True]), lambda index: spelled(index, str))
    assert joined("x", some, size).tolist() == ["xsum 1.0 mm", "x1sum 2.5 mm"]


def test_pieces_of_few_texts_are_codes_of_the_few_sentences():
    size = amounts(np.array([100, 250, 100]), 100, "sum ", " mm")
    word = labels(np.array([0, 1, 0]), ("CR", "PR"), ": ")
    found = merged("a ", size, " of", word, ".")
    assert found.text.tolist() == joined("a ", size, " of", word, ".").tolist()
    assert len(found.words) == 2
    assert merged("only ", word).text.tolist() == ["only : CR", "only : PR", "only : CR"]


def test_no_rows_make_no_sentences():
    empty = spelled(np.zeros(0, dtype=np.int64), str)
    assert joined("a", empty).tolist() == []
    assert joined("a").tolist() == []


def test_signs_and_distinct_texts():
    assert signed_amounts(np.array([-350, 0, 20]), 100, "", " mm").text.tolist() == [
        "-3.5 mm", "+0.0 mm", "+0.2 mm",
    ]  # fmt: skip
    assert texts(np.array(["b", "a", "b"], dtype=object)).text.tolist() == ["b", "a", "b"]
