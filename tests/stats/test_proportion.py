"""Intervals of proportions against R and the literature."""

import math

import pytest

from stats.proportion import CountError, clopper_pearson, newcombe, wilson

from .golden import golden

ROWS = list(golden("proportions").itertuples())


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r.k}/{r.n}")
def test_exact_and_score_limits_are_those_of_r(row):
    exact, score = clopper_pearson(row.k, row.n), wilson(row.k, row.n)
    assert exact.lower == pytest.approx(row.exact_lower, rel=1e-9, abs=1e-15)
    assert exact.upper == pytest.approx(row.exact_upper, rel=1e-9)
    assert score.lower == pytest.approx(row.wilson_lower, rel=1e-9, abs=1e-12)
    assert score.upper == pytest.approx(row.wilson_upper, rel=1e-9)


def test_the_interval_inverts_its_test():
    from scipy.stats import binom

    found = clopper_pearson(7, 23)
    assert binom.sf(6, 23, found.lower) == pytest.approx(0.025, rel=1e-9)
    assert binom.cdf(7, 23, found.upper) == pytest.approx(0.025, rel=1e-9)


NEWCOMBE = [
    # Newcombe 1998, Stat Med 17:873, table II, method 10
    ((56, 70), (48, 80), 0.0524, 0.3339),
    ((9, 10), (3, 10), 0.1705, 0.8090),
    ((5, 56), (0, 29), -0.0381, 0.1926),
    ((0, 10), (0, 20), -0.1611, 0.2775),
]


@pytest.mark.parametrize(("first", "second", "lower", "upper"), NEWCOMBE)
def test_the_difference_is_the_published_one(first, second, lower, upper):
    found = newcombe(first, second)
    assert found.lower == pytest.approx(lower, abs=6e-5)
    assert found.upper == pytest.approx(upper, abs=6e-5)


def test_nobody_is_no_proportion():
    assert math.isnan(clopper_pearson(0, 0).estimate)
    assert math.isnan(wilson(0, 0).lower)


@pytest.mark.parametrize("k", [-1, 4])
def test_more_successes_than_trials_are_refused(k):
    with pytest.raises(CountError, match="0 <= k <= n"):
        clopper_pearson(k, 3)


def test_a_level_in_percent_is_refused():
    with pytest.raises(CountError, match=r"such as 0\.95"):
        clopper_pearson(1, 3, level=95)
