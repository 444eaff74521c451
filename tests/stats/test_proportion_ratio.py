"""Relative risks and odds ratios against R (epitools, fisher.test)."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom, nchypergeom_fisher

from stats.proportion import CountError
from stats.proportion_ratio import exact_odds_ratio, odds_ratio, risk_ratio

from .golden import golden

ROWS = list(golden("ratios").itertuples())


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r.k1}/{r.n1} to {r.k2}/{r.n2}")
def test_ratios_and_their_limits_are_those_of_r(row):
    groups = ((row.k1, row.n1), (row.k2, row.n2))
    exact = exact_odds_ratio(*groups)
    # R's uniroot stops early; the limits themselves are held to the test that they invert, below
    for mine, theirs in ((exact.estimate, row.exact), (exact.lower, row.exact_lower), (exact.upper, row.exact_upper)):  # fmt: skip
        assert mine == pytest.approx(theirs, rel=1e-2)
    if math.isnan(row.odds):
        assert math.isnan(odds_ratio(*groups).estimate)
        assert "empty cell" in odds_ratio(*groups).note
        return
    odds, risk = odds_ratio(*groups), risk_ratio(*groups)
    assert (odds.estimate, odds.lower, odds.upper) == pytest.approx(
        (row.odds, row.odds_lower, row.odds_upper), rel=1e-9
    )
    assert (risk.estimate, risk.lower, risk.upper) == pytest.approx(
        (row.risk, row.risk_lower, row.risk_upper), rel=1e-9
    )


counts = st.tuples(st.integers(1, 60), st.integers(0, 60)).map(lambda t: (t[0], t[0] + t[1]))


@given(counts, counts)
@settings(deadline=None, max_examples=60)
def test_swapped_groups_give_the_inverse(first, second):
    for ratio in (odds_ratio, risk_ratio):
        here, there = ratio(first, second), ratio(second, first)
        assume(not here.note)
        assert (here.estimate, here.lower, here.upper) == pytest.approx(
            (1 / there.estimate, 1 / there.upper, 1 / there.lower), rel=1e-9
        )


@given(counts, counts)
@settings(deadline=None, max_examples=25)
def test_the_exact_interval_inverts_its_test(first, second):
    (a, n), (c, m) = first, second
    found = exact_odds_ratio(first, second)
    assume(not found.note and 0 < found.lower < found.upper < math.inf)
    total = a + c
    assert nchypergeom_fisher.sf(a - 1, n + m, n, total, found.lower) == pytest.approx(
        0.025, rel=1e-5
    )
    assert nchypergeom_fisher.cdf(a, n + m, n, total, found.upper) == pytest.approx(0.025, rel=1e-5)
    one_sided = hypergeom.sf(a - 1, n + m, n, total)
    if abs(one_sided - 0.025) > 1e-9:
        assert (found.lower > 1) == (one_sided < 0.025)


def test_counts_and_levels_that_cannot_be_are_refused():
    for ratio in (odds_ratio, risk_ratio, exact_odds_ratio):
        with pytest.raises(CountError, match="0 <= k <= n"):
            ratio((4, 3), (1, 2))
        with pytest.raises(CountError, match="such as"):
            ratio((1, 3), (1, 2), 95)
        assert ratio((0, 0), (1, 2)).note
