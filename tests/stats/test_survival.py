"""Kaplan-Meier, quantiles and log-rank against R (fixtures/r, made by survival.R)."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stats.logrank import logrank
from stats.survival import SurvivalError, kaplan_meier, reverse_kaplan_meier

from .golden import CASES, data_of, golden

CURVES, QUANTILES, TESTS = golden("curves"), golden("quantiles"), golden("tests")
TYPES = ("log", "log-log", "plain")


def same(found, expected):
    np.testing.assert_allclose(
        np.asarray(found, float), np.asarray(expected, float), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("conf_type", TYPES)
@pytest.mark.parametrize("case", CASES)
def test_a_curve_and_its_limits_are_those_of_r(case, conf_type):
    data = data_of(case)
    fit = kaplan_meier(data.days, data.event, conf_type=conf_type)
    want = CURVES[(CURVES.case == case) & (CURVES.conf_type == conf_type)]
    assert fit.at_risk.tolist() == want.n_risk.tolist()
    assert fit.n_events.tolist() == want.n_event.tolist()
    assert fit.n_censored.tolist() == want.n_censor.tolist()
    same(fit.times, want.time)
    same(fit.survival, want.survival)
    same(fit.lower, want.lower)
    same(fit.upper, want.upper)


@pytest.mark.parametrize("conf_type", TYPES)
@pytest.mark.parametrize("case", CASES)
def test_a_median_is_the_one_r_prints(case, conf_type):
    data = data_of(case)
    median = kaplan_meier(data.days, data.event, conf_type=conf_type).median()
    chosen = QUANTILES[
        (QUANTILES.case == case)
        & (QUANTILES.conf_type == conf_type)
        & (QUANTILES.what == "printed median")
    ].iloc[0]
    same([median.estimate, median.lower, median.upper], chosen[["estimate", "lower", "upper"]])


@pytest.mark.parametrize("case", CASES)
def test_quantiles_and_their_limits_are_those_of_r(case):
    data = data_of(case)
    for conf_type in TYPES:
        fit = kaplan_meier(data.days, data.event, conf_type=conf_type)
        chosen = QUANTILES[
            (QUANTILES.case == case)
            & (QUANTILES.conf_type == conf_type)
            & (QUANTILES.what == "quantile")
        ]
        for want in chosen.itertuples():
            found = fit.quantile(want.p)
            same([found.estimate, found.lower, found.upper],
                 [want.estimate, want.lower, want.upper])  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_follow_up_is_the_reverse_kaplan_meier_median(case):
    data = data_of(case)
    found = reverse_kaplan_meier(data.days, data.event).median()
    want = QUANTILES[(QUANTILES.case == case) & (QUANTILES.what == "follow-up")].iloc[0]
    same([found.estimate, found.lower, found.upper], want[["estimate", "lower", "upper"]])


def test_numbers_at_risk_are_those_below_rs_curve():
    data, want = data_of("lung"), golden("at_risk_lung")
    fit = kaplan_meier(data.days, data.event)
    assert fit.at_risk_at(want.time).tolist() == want.n_risk.tolist()
    same(fit.at(want.time)[0], want.survival)


def test_survival_beyond_the_last_observation_is_unknown():
    fit = kaplan_meier([5, 10], [1, 0])
    assert np.isnan(fit.at([11.0])[0]).all()
    assert fit.at_risk_at([11.0]).tolist() == [0]


@pytest.mark.parametrize("case", sorted(TESTS[TESTS.test == "log-rank"].case))
def test_the_log_rank_test_is_that_of_r(case):
    data = data_of(case)
    found = logrank(data.days, data.event, data.group)
    want = TESTS[(TESTS.case == case) & (TESTS.test == "log-rank")].iloc[0]
    if np.isnan(want.p):  # R has no degree of freedom left
        assert np.isnan(found.p_value)
        assert found.note
        return
    same([found.statistic, found.df, found.p_value], want[["statistic", "df", "p"]])


@pytest.mark.parametrize(("case", "strata"), [("lung", "ecog"), ("veteran", "cell")])
def test_the_stratified_log_rank_test_is_that_of_r(case, strata):
    data = data_of(case)
    found = logrank(data.days, data.event, data.group, strata=data[strata])
    want = TESTS[(TESTS.case == case) & TESTS.test.str.startswith("stratified")].iloc[0]
    same([found.statistic, found.p_value], want[["statistic", "p"]])
    assert found.n_missing == int(data[strata].isna().sum())


def test_a_log_rank_test_without_events_says_so_and_has_no_p():
    found = logrank([3, 5, 8], [0, 0, 0], ["a", "b", "b"])
    assert np.isnan(found.p_value)
    assert found.note == "no events"


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
        kaplan_meier([1], [1], conf_type="logit")
    with pytest.raises(SurvivalError, match=r"such as 0\.25"):
        kaplan_meier([1], [1]).quantile(25)


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


@pytest.mark.shared
def test_medians_of_hcc_tace_are_the_known_ones(shared_data):
    table = pd.read_csv(shared_data / "hcc_tace_clinical" / "clinical.csv")
    overall = kaplan_meier(table["OS"], table["Death_1_StillAliveorLostToFU_0"])
    assert (overall.events, overall.n) == (93, 105)
    assert overall.median().estimate == pytest.approx(108.29, abs=0.005)
    progression = kaplan_meier(table["TTP"], table["Censored_0_progressed_1"])
    assert (progression.events, progression.n) == (45, 105)
    assert progression.median().estimate == pytest.approx(45.86, abs=0.005)
