"""Table 3: each covariate alone, those that p values chose, those of a plan, against R."""

import pandas as pd
import pytest

from stats.number_text import DASH, p_of_test, p_value, percent, ratio_with_limits, rounded
from stats.regression import RegressionError
from stats.regression_table import notes_by_model, regression_table
from stats.result import TestResult

from .golden import golden

FACTORS = [
    "arm", "male", "age_65", "ecog_1", "cirrhosis", "hepatitis_b", "hepatitis_c", "alcohol",
    "previous_tace", "portal_invasion", "child_pugh_b", "bclc_c", "outside_up_to_7", "afp_400",
]  # fmt: skip
"""The rows of the paper's Table 3."""


def made(**more):
    rows = golden("data_soramic")
    return regression_table(rows.PFS_days, rows.PFS_event, rows[FACTORS], **more)


def r_s(what, by):
    rows = golden("soramic")
    return rows[(rows.what == what) & (rows.endpoint == "PFS") & (rows.by == by)].value.item()


def test_every_univariable_row_is_r_s():
    table = made()
    assert [name for name, _ in table.univariable] == FACTORS
    for name, fit in table.univariable:
        term = fit.terms[0]
        for number, what in (
            (term.hazard_ratio, "hazard ratio"), (term.lower, "hazard lower"),
            (term.upper, "hazard upper"), (term.p_value, "hazard p"),
        ):  # fmt: skip
            assert number == pytest.approx(r_s(what, name), rel=1e-6)


def test_the_selected_model_has_the_papers_two_factors():
    selected = made().selected
    assert selected.covariates == ("arm", "child_pugh_b")  # Table 3, multivariable columns
    assert selected.chosen_by == "chosen by univariable p < 0.05"
    assert [name for name, _ in selected.hazards.by_variable] == ["arm", "child_pugh_b"]


def test_a_plan_makes_its_model_whatever_p_says_and_without_one_there_is_none():
    assert made().prespecified is None
    planned = made(prespecified=["arm", "afp_400", "arm"]).prespecified
    assert planned.covariates == ("arm", "afp_400")
    assert planned.chosen_by == "prespecified"
    assert planned.fit.n_missing == 9  # AFP: 9 of 177 are missing


def test_no_small_p_no_selected_model():
    assert made(chosen_below=1e-9).selected is None


def test_a_factor_that_separates_is_not_chosen_and_does_not_stop_the_table():
    frame = pd.DataFrame({"gone": ["a"] * 6 + ["b"] * 6, "x": [1, 2, 3, 4, 5, 6] * 2})
    table = regression_table([3, 5, 8, 9, 12, 14, 30, 31, 32, 33, 34, 35], [1] * 6 + [0] * 6, frame)
    assert table.univariable[0][1].terms[0].note
    assert table.selected is None or "gone" not in table.selected.covariates


def test_an_unknown_covariate_or_threshold_is_refused():
    with pytest.raises(RegressionError, match=r"no covariate spleen\. There are arm, male"):
        made(prespecified=["spleen"])
    with pytest.raises(RegressionError, match="threshold 5 is not between 0 and 1"):
        made(chosen_below=5)


def test_immortal_time_is_said_in_every_model():
    rows = golden("data_soramic")
    table = made(group_known_days=[30.0] * len(rows))
    assert all("immortal-time bias" in " ".join(f.notes) for _, f in table.univariable)
    assert "immortal-time bias" in " ".join(table.selected.fit.notes)


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ([("age", ["few"])], ["age: few"]),
        ([("age", ["few"]), ("sex", []), ("stage", ["few", "late"])],
         ["age, stage: few", "stage: late"]),
        ([("age", ["late"]), ("sex", ["late"])], ["every factor: late"]),
        ([("age", []), ("sex", [])], []),
    ],
)  # fmt: skip
def test_a_note_names_the_models_that_it_is_of(models, expected):
    assert notes_by_model(models) == expected


# ---------------------------------------------------------------------- numbers as text


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((1.4486, 1.0544, 1.9903), "1.45 (1.05-1.99)"),
        ((1.0004, 0.99921, 1.0017), "1.000 (0.999-1.002)"),
        ((1.00002, 1.00001, 1.00003), "1.00002 (1.00001-1.00003)"),
        ((12.345, 9.995, 240.2), "12.3 (10.0-240)"),
        ((1.0, 1.0, 1.0), "1.00 (1.00-1.00)"),
    ],
)
def test_ratios_show_how_wide_their_limits_are(numbers, text):
    assert ratio_with_limits(*numbers).replace(DASH, "-") == text


def test_halves_are_rounded_up_and_a_missing_number_is_a_dash():
    assert (rounded(0.125, 2), rounded(2.5, 0), rounded(-0.001, 2)) == ("0.13", "3", "0.00")
    assert percent(float("nan")) == p_value(float("nan")) == "\N{EM DASH}"


def test_every_p_names_its_test_or_says_why_there_is_none():
    assert p_of_test(TestResult("log-rank", 0.0004, 1, 1, 9, 0)) == "< 0.001 (log-rank)"
    nan = float("nan")
    assert p_of_test(TestResult("log-rank", nan, nan, 1, 9, 0, "one group")) == "no test: one group"
