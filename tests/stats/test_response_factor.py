"""Response by level of each factor: the numbers of a forest of subgroups."""

import numpy as np
import pandas as pd
import pytest

from stats.comparison import GTSUMMARY, SEED
from stats.response_factor import ResponseFactorError, response_by_factor


def child_pugh():
    """75 of 165 patients of class A respond, 1 of 12 of class B (the seed's text)."""
    response = [True] * 75 + [False] * 90 + [True] + [False] * 11
    return pd.Series(response), pd.DataFrame({"child_pugh": ["A"] * 165 + ["B"] * 12})


def test_the_seeds_response_by_child_pugh_class_has_its_fisher_p():
    found = response_by_factor(*child_pugh())
    (factor,) = found.factors
    a, b = (level.response for level in factor.levels)
    assert [(x.events, x.n) for x in (found.overall, a, b)] == [(76, 177), (75, 165), (1, 12)]
    # R: binom.test(1, 12), fisher.test
    assert (b.lower, b.upper) == pytest.approx((0.0021076, 0.3847962), abs=1e-7)
    assert factor.test.name == "Fisher exact"
    assert factor.test.p_value == pytest.approx(0.01387062, abs=1e-8)


def test_the_policy_chooses_the_test():
    response = pd.Series([True] * 4 + [False] * 60 + [True] * 27 + [False] * 100)
    factors = pd.DataFrame({"x": ["a"] * 64 + ["b"] * 127})
    assert response_by_factor(response, factors, policy=SEED).factors[0].test.name == "Fisher exact"
    other = response_by_factor(response, factors, policy=GTSUMMARY)
    assert other.factors[0].test.name == "Pearson chi-square"
    assert other.policy == "gtsummary"


def test_missing_responses_and_levels_are_counted_and_in_no_level():
    response = pd.Series([True, False, None, True], dtype="boolean")
    found = response_by_factor(response, pd.DataFrame({"x": ["a", None, "a", "b"]}))
    assert (found.overall.n, found.overall.n_missing) == (3, 1)
    assert [level.response.n for level in found.factors[0].levels] == [1, 1]
    assert found.factors[0].n_missing == 1


def test_ordered_levels_keep_their_order_and_numbers_without_end_are_left_out():
    grade = pd.Categorical(["low", "high"] * 10, ["low", "high"], ordered=True)
    factors = pd.DataFrame({"grade": grade, "age": np.arange(20.0), "none": [None] * 20})
    found = response_by_factor(pd.Series([True, False] * 10), factors)
    assert [level.level for level in found.factors[0].levels] == ["low", "high"]
    assert dict(found.left_out) == {
        "age": "20 different values: group them first",
        "none": "no value in any subject",
    }


def test_the_order_of_subjects_changes_nothing():
    response, factors = child_pugh()
    order = np.random.default_rng(3).permutation(177)
    assert response_by_factor(response, factors) == response_by_factor(
        response.iloc[order], factors.iloc[order]
    )


def test_rows_that_do_not_belong_together_and_words_are_refused():
    with pytest.raises(ResponseFactorError, match="3 responses for 2 rows"):
        response_by_factor(pd.Series([True] * 3), pd.DataFrame({"x": ["a", "b"]}))
    with pytest.raises(ResponseFactorError, match="true, false or missing"):
        response_by_factor(pd.Series(["CR", "PD"]), pd.DataFrame({"x": ["a", "b"]}))
