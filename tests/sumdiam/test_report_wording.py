"""Numbers as a report writes them."""

import math
import re
from pathlib import Path

import pandas as pd
import pytest

from stats.result import TestResult
from sumdiam.report import wording
from sumdiam.store.settlement import STALE_FLAG


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.25, 1, "0.3"),  # half up, where Python's round gives 0.2
        (2.675, 2, "2.68"),  # from the written digits, though the float lies below
        (-18.25, 1, "−18.3"),  # noqa: RUF001 - a true minus
        (-0.04, 1, "0.0"),  # no minus zero
        (math.nan, 1, "—"),
    ],
)
def test_halves_are_rounded_up_from_the_written_digits(value, digits, text):
    assert wording.rounded(value, digits) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.0, "+3.0"), (0.0, "0.0"), (-3.0, "−3.0"), (math.nan, "—")],  # noqa: RUF001
)
def test_a_change_carries_its_sign(value, text):
    assert wording.signed(value, 1) == text


@pytest.mark.parametrize(("p", "text"), [(0.0004, "< 0.001"), (0.0387, "0.039"), (0.5, "0.500")])
def test_a_p_value_is_never_zero(p, text):
    assert wording.p_value(p) == text


def test_a_p_value_names_its_test_or_says_why_there_is_none():
    fisher = TestResult("Fisher exact", 0.0229, math.nan, math.nan, 177, 0)
    assert wording.test_words(fisher) == "0.023 (Fisher exact)"
    none = TestResult("log-rank", math.nan, math.nan, math.nan, 3, 0, "no events")
    assert wording.test_words(none) == "no test: no events"


def test_flags_are_split_into_sentences_with_their_value():
    assert wording.flags_in_words("low_cnr(1.31);odd_code") == [
        "enhancement hardly exceeds the noise: the edge is uncertain [1.31]",
        "odd code",
    ]
    assert wording.flags_in_words(pd.NA) == []


def test_a_note_says_that_it_is_one_and_shares_are_percentages():
    note, doubt = wording.flags_in_words("registered(0.41);registration_residual(1.62)")
    assert note.startswith("note: the native phase was moved")
    assert not doubt.startswith("note")
    [share] = wording.flags_in_words("small_part(0.356)")
    assert share.endswith("[35.6 %]")
    assert wording.flags_in_words("few_slices(1)") == ["the lesion is seen on one slice only"]


@pytest.mark.parametrize(
    ("cell", "ending"),
    [
        ("length_sensitive(2.155)", "moves the length [2.2 mm]"),
        ("registered(0.4123)", "what may be left over [0.41 mm]"),
        ("mask_resampled(-12.5)", "which changed its volume [-12.5 %]"),
        ("oblique(11.25)", "not axial [11.25 degrees]"),
        ("several_components(3)", "several parts [3]"),
        ("instance_number_gap", "do not start at 1: the series may be cut"),
    ],
)
def test_the_value_behind_a_flag_has_its_unit_and_no_decimals_that_nobody_reads(cell, ending):
    [sentence] = wording.flags_in_words(cell)
    assert sentence.endswith(ending)


@pytest.mark.parametrize(
    ("percent", "words"),
    [
        (-34.177215189873415, "−34.2"),  # noqa: RUF001
        (6.25, "+6.3"),
        (-6.25, "−6.3"),  # noqa: RUF001
        (19.96, "+19.96"),
        (-29.97, "−29.97"),  # noqa: RUF001
        (-29.9999, "−29.9999"),  # noqa: RUF001
        (20.0, "+20.0"),
        (39.99999999999999, "+40.0"),
        (-100.0, "−100.0"),  # noqa: RUF001
        (0.0, "0.0"),
        (float("nan"), "—"),
    ],
)
def test_a_change_shows_no_whole_percent_that_it_is_not(percent, words):
    assert wording.change(percent) == words


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("age_years", "Age, years"),
        ("child_pugh", "Child-Pugh class"),
        ("sex", "Sex"),
        ("albi_grade", "ALBI grade"),
        ("bilirubin_umol_l", "Bilirubin, µmol/L"),
    ],
)
def test_a_covariate_is_named_as_a_reader_expects(column, words):
    assert wording.heading(column) == words


def test_every_flag_that_can_be_written_has_words():
    folder = Path(__file__).parents[2] / "measurement"
    sources = "\n".join(file.read_text() for file in sorted(folder.glob("*.py")))
    codes = {*re.findall(r'Flag\(\s*"([a-z_]+)"', sources), STALE_FLAG}
    assert len(codes) > 10
    assert codes - set(wording.FLAG_WORDS) == set()


def test_names_and_levels_of_covariates_are_printed_as_a_paper_writes_them():
    assert wording.heading("previous_tace") == "Previous TACE"
    assert wording.heading("afp_above_400") == "AFP above 400"
    assert wording.heading("age_years") == "Age, years"
    assert [wording.level(word) for word in ("true", "FALSE", "hepatitis_b", "II", "_")] == [
        "yes", "no", "hepatitis B", "II", "_",
    ]  # fmt: skip
