"""Printed strings: what they say, and what exact values they may stand for."""

from fractions import Fraction

import pytest

from stats.printed_number import PrintedNumberError, read_cell

CELLS = [
    # printed                   first     total  bracket  low      high
    ("61", "61", None, None, None, None),
    ("61 (83.6)", "61", None, "83.6", None, None),
    ("61/73 (83.6 %)", "61", "73", "83.6", None, None),
    ("61 of 73", "61", "73", None, None, None),
    ("83.6% (61/73)", "83.6", "73", "61", None, None),
    ("<0.001", "< 0.001", None, None, None, None),
    ("P < .001", "< 0.001", None, None, None, None),
    ("p = 0,038*", "0.038", None, None, None, None),
    ("\u2264 0.05", "< 0.05", None, None, None, None),
    ("> 0.99", "> 0.99", None, None, None, None),
    ("12,3\u00a0%", "12.3", None, None, None, None),
    ("0\u00b7038", "0.038", None, None, None, None),  # The Lancet's point
    ("1.2 (0.8\u20131.9)", "1.2", None, None, "0.8", "1.9"),
    ("1.2 [0.8, 1.9]", "1.2", None, None, "0.8", "1.9"),
    ("1,2 (0,8; 1,9)", "1.2", None, None, "0.8", "1.9"),
    ("1.2 (95% CI 0.8 to 1.9)", "1.2", None, None, "0.8", "1.9"),
    ("HR 1.2 (95 % CI: 0.8\u20111.9)", "1.2", None, None, "0.8", "1.9"),
    ("14.3 (12.4\u2013NR)", "14.3", None, None, "12.4", None),
    ("14.3 (n.e.\u201320.1)", "14.3", None, None, None, "20.1"),
    ("2.0 (n.e.\u2013NR)", "2.0", None, None, None, None),
    ("\u22120.3 to 2.7", None, None, None, "-0.3", "2.7"),
    ("(-1.5--0.2)", None, None, None, "-1.5", "-0.2"),
    ("-0.3\u20132.7", None, None, None, "-0.3", "2.7"),
    ("0.8,1.9", None, None, None, "0.8", "1.9"),
    ("1.00 (reference)", "1.00", None, None, None, None),
    ("59 (65.1)", "59", None, "65.1", None, None),
    ("12.5 \u00b1 3.1", "12.5", None, None, None, None),
    ("8.9 months", "8.9", None, None, None, None),
    ("0.02\u2020", "0.02", None, None, None, None),
    ("0.02\u00b2", "0.02", None, None, None, None),  # a footnote
    ("2.67 \u00d7 10\u207b\u2074", "0.000267", None, None, None, None),
    ("2.67e-4", "0.000267", None, None, None, None),
    ("NS", "> 0.05", None, None, None, None),
    ("1\u2009234", "1234", None, None, None, None),
    ("1.234,5", "1234.5", None, None, None, None),
    ("1,234.5", "1234.5", None, None, None, None),
    ("\uff11\uff12.\uff13", "12.3", None, None, None, None),  # wide figures
]  # fmt: skip


@pytest.mark.parametrize(("printed", "first", "total", "bracket", "low", "high"), CELLS)
def test_a_printed_cell_says(printed, first, total, bracket, low, high):
    cell = read_cell(printed)
    assert cell is not None
    parts = (cell.first, cell.total, cell.bracket, cell.low, cell.high)
    assert [x if x is None else str(x) for x in parts] == [first, total, bracket, low, high]


@pytest.mark.parametrize(
    "printed", ["", " ", "-", "\u2013", "NR", "not reached", "n.e.", "n/a", "\u221e", "ref"]
)
def test_some_cells_say_nothing(printed):
    assert read_cell(printed) is None


@pytest.mark.parametrize(
    "printed",
    ["abc", "=SUM(A1)", "1_000", "1 2 3", "0.1 0.2", "3 (x4)", "1e999999", "9" * 300],
)
def test_what_is_no_number_is_not_guessed(printed):
    with pytest.raises(PrintedNumberError):
        read_cell(printed)


def test_a_comma_before_three_digits_parts_thousands_of_counts_and_is_else_asked_about():
    assert str(read_cell("1,234", whole=True).first) == "1234"
    assert str(read_cell("0,038").first) == "0.038"
    with pytest.raises(PrintedNumberError, match=r"may be 1234 or 1\.234"):
        read_cell("1,234")


FITS = [
    # printed  exact              fit
    ("66.7", Fraction(200, 3), "rounded"),
    ("66.6", Fraction(200, 3), "truncated"),
    ("66.5", Fraction(200, 3), "none"),
    ("33.3", Fraction(100, 3), "either"),
    ("12", Fraction(25, 2), "either"),  # a tie, to even
    ("13", Fraction(25, 2), "rounded"),  # a tie, up
    ("0.1", 0.1, "either"),  # a float is not quite 0.1
    ("0", 0.4, "either"),
    ("0", 0.6, "truncated"),
    ("-1.2", -1.27, "truncated"),  # toward zero
    ("-1.3", -1.27, "rounded"),
    ("<0.001", 0.0009, "either"),
    ("<0.001", 0.0011, "none"),
    (">0.99", 1.0, "either"),
]  # fmt: skip


@pytest.mark.parametrize(("printed", "exact", "fit"), FITS)
def test_a_number_fits_if_it_was_rounded_or_cut_off(printed, exact, fit):
    assert read_cell(printed).first.fit(exact) == fit
