"""Intervals of proportions against R and the literature."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

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
    found = clopper_pearson(7, 23)
    assert binom.sf(6, 23, found.lower) == pytest.approx(0.025, rel=1e-9)
    assert binom.cdf(7, 23, found.upper) == pytest.approx(0.025, rel=1e-9)


shares = st.tuples(st.integers(0, 300), st.integers(0, 300)).map(lambda t: (t[0], sum(t)))


@given(shares.filter(lambda kn: kn[1] > 0), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
@settings(deadline=None)
def test_the_exact_interval_inverts_the_binomial_test_at_any_level(kn, level):
    (k, n), tail = kn, (1 - level) / 2
    found = clopper_pearson(k, n, level)
    at_lower = binom.sf(k - 1, n, found.lower) if k else 0.0
    at_upper = binom.cdf(k, n, found.upper) if k < n else 0.0
    assert at_lower == pytest.approx(tail if k else 0.0, rel=1e-6)
    assert at_upper == pytest.approx(tail if k < n else 0.0, rel=1e-6)


@given(shares.filter(lambda kn: 0 < kn[0] < kn[1]), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
@settings(deadline=None)
def test_the_score_interval_inverts_the_score_test_at_any_level(kn, level):
    k, n = kn
    found = wilson(k, n, level)
    for limit in (found.lower, found.upper):
        z = abs(k / n - limit) / math.sqrt(limit * (1 - limit) / n)
        assert 2 * norm.sf(z) == pytest.approx(1 - level, rel=1e-6)


@given(shares.filter(lambda kn: kn[1] > 0), shares.filter(lambda kn: kn[1] > 0))
@settings(deadline=None)
def test_failures_mirror_successes_and_swapped_groups_turn_the_difference(one, two):
    for interval in (clopper_pearson, wilson):
        here, there = interval(*one), interval(one[1] - one[0], one[1])
        assert here.lower == pytest.approx(1 - there.upper, abs=1e-9)
    here, there = newcombe(one, two), newcombe(two, one)
    assert (here.estimate, here.lower) == pytest.approx((-there.estimate, -there.upper), abs=1e-12)
    assert -1 - 1e-12 <= here.lower <= here.estimate <= here.upper <= 1 + 1e-12


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
