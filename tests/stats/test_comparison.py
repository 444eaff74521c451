"""Comparisons against R, and which test a policy chooses."""

import numpy as np
import pytest

from stats import fisher
from stats.comparison import (
    GTSUMMARY,
    SEED,
    ComparisonError,
    compare_counts,
    compare_values,
    policy_named,
)
from stats.p_variant import usual_variants

from .golden import data_of, golden

COUNTS = golden("counts")


def table_of(row):
    return np.array([int(c) for c in row.cells.split(";")]).reshape(-1, int(row.columns))


@pytest.mark.parametrize("row", list(COUNTS.itertuples()), ids=lambda row: row.cells)
def test_fisher_is_that_of_r_for_any_shape(row):
    found = fisher.fisher_exact(table_of(row))
    assert found.p_value == pytest.approx(row.fisher_p, rel=1e-9)
    assert found.name == "Fisher exact"


SHAPES = golden("fisher_shapes")


@pytest.mark.parametrize("row", list(SHAPES.itertuples()), ids=lambda row: row.cells)
def test_fisher_and_chi_square_of_random_tables_are_those_of_r(row):
    table = table_of(row)
    assert fisher.fisher_exact(table).p_value == pytest.approx(row.fisher_p, rel=1e-9)
    variants = usual_variants(table)
    assert variants["Pearson chi-square"] == pytest.approx(row.chi_p, rel=1e-9)
    if table.shape == (2, 2):
        yates = variants["chi-square with Yates' correction"]
        assert yates == pytest.approx(row.yates_p, rel=1e-9)


@pytest.mark.parametrize("row", list(SHAPES[::5].itertuples()), ids=lambda row: row.cells)
def test_the_order_of_rows_columns_and_sides_changes_no_fisher_p(row):
    table = table_of(row)
    want = fisher.fisher_exact(table).p_value
    for other in (table.T, table[::-1], table[:, ::-1]):
        assert fisher.fisher_exact(other).p_value == pytest.approx(want, rel=1e-10)


@pytest.mark.parametrize("row", list(COUNTS.itertuples()), ids=lambda row: row.cells)
def test_chi_square_is_that_of_r_without_yates(row):
    table = table_of(row)
    if (table < 5).any():
        return
    found = compare_counts(table, policy=SEED)
    assert found.name == "Pearson chi-square"
    assert found.p_value == pytest.approx(row.chi_p, rel=1e-9)
    assert found.statistic == pytest.approx(row.chi_square, rel=1e-9)


CHOICES = [
    # table                 policy     expected              why
    ([[39, 50], [34, 54]], SEED, "Pearson chi-square"),  # every cell is large
    ([[3, 9], [70, 95]], SEED, "Fisher exact"),  # 3 observed
    ([[3, 9], [70, 95]], GTSUMMARY, "Fisher exact"),  # 4.9 expected
    ([[4, 27], [60, 100]], SEED, "Fisher exact"),  # 4 observed
    ([[4, 27], [60, 100]], GTSUMMARY, "Pearson chi-square"),  # though 10.4 expected
    ([[5, 1], [5, 50]], GTSUMMARY, "Fisher exact"),  # 0.98 expected
]


@pytest.mark.parametrize(("table", "policy", "name"), CHOICES)
def test_the_policy_decides_between_chi_square_and_fisher(table, policy, name):
    assert compare_counts(table, policy=policy).name == name


def test_a_table_too_large_to_enumerate_is_sampled_and_says_its_error(monkeypatch):
    row = next(r for r in COUNTS.itertuples() if r.columns == 3)
    monkeypatch.setattr(fisher, "MAX_TABLES", 5)
    found = fisher.fisher_exact(table_of(row))
    again = fisher.fisher_exact(table_of(row))
    assert found == again
    assert "standard error" in found.note
    assert found.p_value == pytest.approx(row.fisher_p, abs=0.005)


def test_continuous_values_are_compared_as_r_does():
    want = golden("values").set_index("test")
    lung = data_of("lung")
    men, women = lung.age[lung.group == 1], lung.age[lung.group == 2]
    welch = compare_values([men, women], policy=SEED)
    assert welch.name == "Welch t"
    assert welch.p_value == pytest.approx(want.p["Welch t"], rel=1e-9)
    rank = compare_values([men, women], policy=GTSUMMARY)
    assert rank.name == "Mann-Whitney"
    assert rank.p_value == pytest.approx(want.p["Mann-Whitney asymptotic"], rel=1e-9)
    exact = compare_values(
        [[1.1, 2.3, 3.7, 4.2, 9.9], [0.4, 5.5, 6.1, 7.3, 8.8, 12.5]], policy=GTSUMMARY
    )
    assert exact.p_value == pytest.approx(want.p["Mann-Whitney exact"], rel=1e-9)
    by_ecog = [lung.age[lung.ecog == level] for level in (0, 1, 2)]
    assert compare_values(by_ecog, policy=GTSUMMARY).p_value == pytest.approx(
        want.p["Kruskal-Wallis"], rel=1e-9
    )
    assert compare_values(by_ecog, policy=SEED).p_value == pytest.approx(
        want.p["Welch anova"], rel=1e-9
    )


def test_missing_values_are_left_out_and_counted():
    found = compare_values([[1, 2, np.nan, 4], [2, 5, 7]])
    assert (found.n, found.n_missing) == (6, 1)


@pytest.mark.parametrize(
    ("groups", "note"),
    [
        ([[1, 2, 3], []], "fewer than two groups"),
        ([[1, 2, 3], [4]], "fewer than two values"),
        ([[2, 2], [3, 3]], "do not vary"),
    ],
)
def test_values_that_cannot_be_tested_have_no_p_and_a_reason(groups, note):
    found = compare_values(groups)
    assert np.isnan(found.p_value)
    assert note in found.note


def test_equal_values_have_no_rank_test():
    assert "equal" in compare_values([[2, 2], [2, 2]], policy=GTSUMMARY).note


def test_one_arm_has_no_test():
    assert np.isnan(compare_counts([[3], [4]]).p_value)


def test_a_negative_count_and_an_unknown_policy_are_refused():
    with pytest.raises(ComparisonError, match="without negative cells"):
        compare_counts([[1, -1], [2, 3]])
    with pytest.raises(ComparisonError, match="Known are gtsummary, seed"):
        policy_named("stata")


PRINTED = [
    # the paper's counts (levels by arm)                 its p   why this test
    ([[65, 90], [8, 14]], 0.619),  # gender
    ([[60, 93], [13, 11]], 0.166),  # cirrhosis
    ([[4, 10], [69, 94]], 0.402),  # hepatitis B: 4 observed, Fisher
    ([[11, 6], [62, 98]], 0.038),  # extrahepatic: Pearson .0387, truncated
    ([[3, 9], [70, 95]], 0.363),  # Child-Pugh: 3 observed, Fisher
    ([[45, 46], [25, 57]], 0.011),  # ALBI without the missing
    ([[10, 4], [63, 100]], 0.022),  # CR: Fisher .0229, truncated
]


@pytest.mark.parametrize(("table", "printed"), PRINTED)
def test_the_seed_policy_gives_the_papers_p_values(table, printed):
    assert np.floor(compare_counts(table, policy=SEED).p_value * 1000) / 1000 == printed


def test_a_group_without_spread_is_compared_as_r_does_and_without_a_warning():
    # R: t.test(c(54, 79, 54, 79), c(73, 73)); oneway.test of these with a third group: NaN
    found = compare_values([[54, 79, 54, 79], [73, 73]])
    assert found.p_value == pytest.approx(0.4341474, abs=5e-8)
    assert found.statistic == pytest.approx(-0.9006664, abs=5e-8)
    assert found.df == pytest.approx(3)
    three = compare_values([[54, 79, 54, 79], [73, 73], [1, 2]])
    assert np.isnan(three.p_value)
    assert three.note == "the values of a group do not vary"
