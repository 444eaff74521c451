"""Table 1: counts, missing values, tests and standardised differences."""

import math

import numpy as np
import pandas as pd
import pytest

from stats.baseline_table import BaselineTableError, baseline_table
from stats.comparison import GTSUMMARY

ARM = pd.Series(["b", "a", "a", "b", "a", "b", None, "a"])
SUBJECTS = pd.DataFrame(
    {
        "ecog": ["1", "0", "10", None, "0", "1", "0", "1"],
        "age": ["50", "61.5", "70", "44", "58", None, "90", "66"],
        "remark": [None] * 8,
    }
)


def of(table, variable):
    return next(c for c in table.characteristics if c.variable == variable)


def test_levels_are_counted_by_group_and_missing_apart():
    table = baseline_table(SUBJECTS, ARM, kinds={"ecog": "categorical"})
    assert table.groups == ("a", "b")
    assert table.sizes == (4, 3)  # the subject without an arm is left out
    ecog = of(table, "ecog")
    assert [(c.level, c.counts, c.overall) for c in ecog.levels] == [
        ("0", (2, 0), 2),
        ("1", (1, 2), 3),
        ("10", (1, 0), 1),  # grades in the order of numbers
    ]
    assert ecog.missing == (0, 1)
    assert ecog.test.name == "Fisher exact"
    assert ecog.test.n_missing == 1


def test_numbers_with_many_values_are_summarised():
    age = of(baseline_table(SUBJECTS, ARM), "age")
    assert age.kind == "continuous"
    assert age.summaries[0].mean == pytest.approx(63.875)
    assert age.summaries[0].median == pytest.approx(63.75)
    assert age.missing == (0, 1)
    assert age.overall.n == 6
    assert age.test.name == "Welch t"


def test_the_policy_chooses_the_test():
    assert of(baseline_table(SUBJECTS, ARM, policy=GTSUMMARY), "age").test.name == "Mann-Whitney"


def test_a_column_that_is_no_characteristic_is_left_out_with_its_reason():
    table = baseline_table(
        SUBJECTS.assign(name=[f"x{i}" for i in range(8)]), ARM, kinds={"ecog": "categorical"}
    )
    assert ("remark", "no value in any subject") in table.left_out
    many = pd.DataFrame({"id": [f"x{i}" for i in range(20)]})
    left = baseline_table(many, pd.Series(["a", "b"] * 10)).left_out
    assert left == (("id", "20 different values that are not numbers"),)


def test_standardised_differences_are_those_of_the_definition():
    arm = pd.Series(["a"] * 10 + ["b"] * 10)
    sex = ["m"] * 6 + ["f"] * 4 + ["m"] * 3 + ["f"] * 7
    age = [*range(50, 60), *range(52, 62)]
    table = baseline_table(pd.DataFrame({"sex": sex, "age": age}), arm)
    binary = 0.3 / math.sqrt((0.6 * 0.4 + 0.3 * 0.7) / 2)  # Austin 2009, eq. 2
    assert of(table, "sex").difference == pytest.approx(binary)
    assert of(table, "age").difference == pytest.approx(2 / np.std(range(10), ddof=1))


def test_one_group_has_no_test_and_no_difference():
    table = baseline_table(SUBJECTS, pd.Series(["all"] * 8))
    assert all(np.isnan(c.test.p_value) for c in table.characteristics)
    assert all(math.isnan(c.difference) for c in table.characteristics)


def test_a_kind_for_no_column_and_words_called_numbers_are_refused():
    with pytest.raises(BaselineTableError, match="There are ecog, age"):
        baseline_table(SUBJECTS, ARM, kinds={"sex": "categorical"})
    words = pd.DataFrame({"stage": ["a", "b"]})
    with pytest.raises(BaselineTableError, match="Call it categorical"):
        baseline_table(words, pd.Series(["x", "y"]), kinds={"stage": "continuous"})


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["54", "73", "79"], "continuous"),  # ages of three patients
        (["14", "23", "7"], "continuous"),  # one of two digits is no grade
        (["1.09", "1.2", "1"], "continuous"),
        (["-2", "-1", "-2"], "continuous"),
        (["0", "1", "2"], "categorical"),  # ECOG
        (["0", "1", "1"], "categorical"),  # no, yes
        (["1", "2", "3", "4", "5", "6"], "continuous"),
        (["5", "6", "x"], "categorical"),
        ([0.0, 1.0, None], "categorical"),
        ([54.0, 73.0, None], "continuous"),
        ([True, False, True], "categorical"),
    ],
)
def test_what_numbers_are_does_not_hang_on_how_few_subjects_there_are(values, kind):
    subjects = pd.DataFrame({"x": values})
    group = pd.Series((["a", "b", "a"] * 2)[: len(values)])
    (found,) = baseline_table(subjects, group).characteristics
    assert found.kind == kind
    ten_times = pd.concat([subjects] * 10, ignore_index=True)
    (same,) = baseline_table(ten_times, pd.concat([group] * 10, ignore_index=True)).characteristics
    assert same.kind == kind


def test_declared_categories_and_a_kind_that_is_given_win_over_the_values():
    group = pd.Series(["a", "b", "a"])
    sites = pd.DataFrame({"site": pd.Categorical(["101", "102", "101"])})
    assert baseline_table(sites, group).characteristics[0].kind == "categorical"
    grades = pd.DataFrame({"grade": ["1", "2", "1"]})
    asked = baseline_table(grades, group, kinds={"grade": "continuous"})
    assert asked.characteristics[0].kind == "continuous"
    ages = pd.DataFrame({"age": ["54", "73", "79"]})
    asked = baseline_table(ages, group, kinds={"age": "categorical"})
    assert [level.level for level in asked.characteristics[0].levels] == ["54", "73", "79"]
