"""Kaplan-Meier curves and their quantiles against R (fixtures/r, made by survival.R)."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stats.survival import SurvivalError, kaplan_meier, reverse_kaplan_meier

from .golden import data_of, golden

CURVES, QUANTILES = golden("curves"), golden("quantiles")
TYPES = ("log", "log-log", "plain", "logit", "arcsin")
CASES = tuple(CURVES.case.unique())


def assert_same(found, expected):
    np.testing.assert_allclose(
        np.asarray(found, float), np.asarray(expected, float), rtol=1e-9, atol=1e-12
    )


def fitted(case, conf_type="log"):
    data = data_of(case.removesuffix(" weighted"))
    return kaplan_meier(
        data.days,
        data.event,
        entry_days=data.get("entry"),
        weights=data.weight if case.endswith("weighted") else None,
        conf_type=conf_type,
    )


@pytest.mark.parametrize("conf_type", TYPES)
@pytest.mark.parametrize("case", CASES)
def test_a_curve_its_error_and_its_limits_are_those_of_r(case, conf_type):
    fit = fitted(case, conf_type)
    want = CURVES[(CURVES.case == case) & (CURVES.conf_type == conf_type)]
    assert fit.at_risk_at(want.time).tolist() == want.n_risk.tolist()
    survival, lower, upper = fit.at(want.time)
    assert_same(survival, want.survival)
    assert_same(lower, want.lower)
    assert_same(upper, want.upper)
    place = np.searchsorted(fit.times, want.time, side="right")
    assert_same(np.concatenate([[0.0], fit.standard_error])[place], want.error)


@pytest.mark.parametrize("case", CASES)
def test_quantiles_and_their_limits_are_those_of_r(case):
    """Own rule, because lifelines takes the beginning of a flat stretch and R its middle."""
    for conf_type in TYPES:
        fit = fitted(case, conf_type)
        rows = QUANTILES[(QUANTILES.case == case) & (QUANTILES.conf_type == conf_type)]
        for want in rows[rows.what != "follow-up"].itertuples():
            found = fit.median() if want.what == "printed median" else fit.quantile(want.p)
            assert_same([found.estimate, found.lower, found.upper],
                 [want.estimate, want.lower, want.upper])  # fmt: skip


@pytest.mark.parametrize("case", QUANTILES[QUANTILES.what == "follow-up"].case)
def test_follow_up_is_the_reverse_kaplan_meier_median(case):
    data = data_of(case)
    found = reverse_kaplan_meier(data.days, data.event).median()
    want = QUANTILES[(QUANTILES.case == case) & (QUANTILES.what == "follow-up")].iloc[0]
    assert_same([found.estimate, found.lower, found.upper], want[["estimate", "lower", "upper"]])


def test_survival_beyond_the_last_observation_is_unknown():
    fit = kaplan_meier([5, 10], [1, 0])
    assert np.isnan(fit.at([11.0])[0]).all()
    assert fit.at_risk_at([11.0]).tolist() == [0]


def test_incomplete_cases_are_dropped_and_counted():
    fit = kaplan_meier(
        pd.Series([3, None, 8, 9], dtype="Int64"),
        pd.Series([True, True, None, False], dtype="boolean"),
    )
    assert (fit.n, fit.events, fit.n_missing) == (2, 1, 2)


@pytest.mark.parametrize(
    ("days", "event", "remedy"),
    [
        ([-1, 2], [1, 0], "Check its dates"),
        ([1, 2], [1, 2], "Code events 1"),
        ([1, 2], [1], "one of each per subject"),
        (["soon", 2], [1, 0], "must be numbers"),
    ],
)
def test_bad_times_are_refused_with_a_remedy(days, event, remedy):
    with pytest.raises(SurvivalError, match=remedy):
        kaplan_meier(days, event)


def test_unknown_interval_and_probability_are_refused():
    with pytest.raises(SurvivalError, match="Use one of"):
        kaplan_meier([1], [1], conf_type="loglog")
    with pytest.raises(SurvivalError, match=r"such as 0\.25"):
        kaplan_meier([1], [1]).quantile(25)
    with pytest.raises(SurvivalError, match=r"such as 0\.95"):
        kaplan_meier([1], [1], level=95)


def test_entries_after_the_end_and_weights_that_are_no_counts_are_refused():
    with pytest.raises(SurvivalError, match="row 1: enters at 4, not before its end at 4"):
        kaplan_meier([3, 4], [1, 1], entry_days=[0, 4])
    with pytest.raises(SurvivalError, match="1 entry times for 2 times"):
        kaplan_meier([3, 4], [1, 1], entry_days=[0])
    with pytest.raises(SurvivalError, match="row 1: enters at -inf"):
        kaplan_meier([3, 4], [1, 1], entry_days=[0, -np.inf])
    with pytest.raises(SurvivalError, match="weights count subjects"):
        kaplan_meier([3, 4], [1, 1], weights=[0.5, 1])


def test_no_subject_at_all_is_a_curve_without_times():
    fit = kaplan_meier([], [])
    assert fit.n == 0
    assert np.isnan(fit.median().estimate)


subjects = st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=40)


@settings(max_examples=40, deadline=None)
@given(subjects, st.randoms(use_true_random=False))
def test_the_order_of_subjects_changes_nothing(rows, random):
    shuffled = random.sample(rows, len(rows))
    one, two = kaplan_meier(*zip(*rows, strict=True)), kaplan_meier(*zip(*shuffled, strict=True))
    np.testing.assert_array_equal(one.survival, two.survival)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=40))
def test_without_censoring_the_curve_is_one_minus_the_empirical_distribution(days):
    fit = kaplan_meier(days, [1] * len(days))
    share = [(np.asarray(days) > time).mean() for time in fit.times]
    np.testing.assert_allclose(fit.survival, share, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.booleans(), st.integers(1, 4)), min_size=1, max_size=30
    )
)
def test_a_weight_is_as_many_rows(rows):
    days, event, weights = (list(column) for column in zip(*rows, strict=True))
    one = kaplan_meier(days, event, weights=weights)
    two = kaplan_meier(np.repeat(days, weights), np.repeat(event, weights))
    assert (one.n, one.events) == (two.n, two.events)
    np.testing.assert_array_equal(one.at_risk, two.at_risk)
    np.testing.assert_array_equal(one.survival, two.survival)
    np.testing.assert_array_equal(one.lower, two.lower)


@settings(max_examples=40, deadline=None)
@given(subjects, st.sampled_from([0.01, 1 / 7, 12 / 365.25, 86400.0]))
def test_the_unit_of_time_changes_times_only(rows, unit):
    days, event = np.array(rows, float).T
    one, two = kaplan_meier(days, event), kaplan_meier(days * unit, event)
    np.testing.assert_array_equal(one.survival, two.survival)
    np.testing.assert_array_equal(one.upper, two.upper)
    np.testing.assert_allclose(one.median().estimate * unit, two.median().estimate, rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(subjects)
def test_observation_from_before_the_first_time_is_no_late_entry(rows):
    days, event = zip(*rows, strict=True)
    one, two = kaplan_meier(days, event), kaplan_meier(days, event, entry_days=[-1] * len(days))
    np.testing.assert_array_equal(one.at_risk, two.at_risk)
    np.testing.assert_array_equal(one.survival, two.survival)


@pytest.mark.shared
def test_medians_of_hcc_tace_are_the_known_ones(shared_data):
    table = pd.read_csv(shared_data / "hcc_tace_clinical" / "clinical.csv")
    overall = kaplan_meier(table["OS"], table["Death_1_StillAliveorLostToFU_0"])
    assert (overall.events, overall.n) == (93, 105)
    assert overall.median().estimate == pytest.approx(108.29, abs=0.005)
    progression = kaplan_meier(table["TTP"], table["Censored_0_progressed_1"])
    assert (progression.events, progression.n) == (45, 105)
    assert progression.median().estimate == pytest.approx(45.86, abs=0.005)
