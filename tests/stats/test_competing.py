"""Competing risks against R's cmprsk (fixtures/r/competing.csv)."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stats.competing import cause_specific_cox, first_events
from stats.cumulative_incidence import cumulative_incidence
from stats.event_time import SurvivalError
from stats.fine_gray import fine_gray
from stats.gray import gray_test
from stats.regression import cox
from stats.survival import kaplan_meier

from .golden import data_of, golden

NUMBERS = golden("competing").fillna({"group": "", "term": ""})
KEYS = ["case", "analysis", "cause", "group"]


def cases(analysis):
    rows = NUMBERS[NUMBERS.analysis.str.startswith(analysis)]
    parts = [(*key, part) for key, part in rows.groupby(KEYS)]
    return pytest.mark.parametrize(
        ("case", "analysis", "cause", "group", "want"), parts, ids=lambda x: None if isinstance(x, pd.DataFrame) else str(x)
    )  # fmt: skip


def option(analysis, name):
    return analysis.split(f"{name}=")[1].split()[0] if f"{name}=" in analysis else None


@cases("cumulative incidence")
def test_cumulative_incidence_and_its_error_are_those_of_r(case, analysis, cause, group, want):
    """Own error: statsmodels has another; lifelines jitters tied times at random."""
    data = data_of(case)
    data = data[data.group == float(group)]
    curve = cumulative_incidence(data.days, data.cause, of_cause=int(cause))
    estimate, variance = (want[want.quantity == q] for q in ("estimate", "variance"))
    incidence, error, _, _ = curve.at(estimate.term.astype(float))
    np.testing.assert_allclose(incidence, estimate.value, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(error**2, variance.value, rtol=1e-9, atol=1e-14)


@cases("gray")
def test_grays_test_is_that_of_r(case, analysis, cause, group, want):
    data, strata = data_of(case), option(analysis, "strata")
    found = gray_test(
        data.days,
        data.cause,
        data.group,
        of_cause=int(cause),
        strata=data[strata] if strata else None,
        rho=float(option(analysis, "rho")),
    )
    numbers = want.set_index("quantity").value
    np.testing.assert_allclose(
        [found.statistic, found.df, found.p_value], numbers[["statistic", "df", "p"]], rtol=1e-6
    )


@cases("fine-gray")
def test_fine_and_grays_regression_is_that_of_r(case, analysis, cause, group, want):
    """With censoring by group crr's errors differ in the fourth digit; see fixtures/r/README.md."""
    data, by = data_of(case), option(analysis, "cengroup")
    fit = fine_gray(
        data.days,
        data.cause,
        data[analysis.split()[1].split("+")],
        of_cause=int(cause),
        censoring_group=data[by] if by else None,
    )
    numbers = want.set_index("quantity").value
    terms, rtol = fit.terms, 5e-4 if by else 1e-6
    np.testing.assert_allclose([t.coefficient for t in terms], numbers[["coef"]], rtol=1e-6)
    np.testing.assert_allclose([t.standard_error for t in terms], numbers[["se"]], rtol=rtol)
    np.testing.assert_allclose([t.p_value for t in terms], numbers[["p"]], rtol=10 * rtol)
    likelihoods = [fit.null_log_likelihood, fit.log_likelihood]
    np.testing.assert_allclose(likelihoods, numbers[["loglik"]], rtol=1e-9)
    assert (fit.n, fit.converged) == (numbers["n"], True)


def test_causes_that_are_no_codes_are_refused():
    with pytest.raises(SurvivalError, match="Code censored times 0"):
        first_events([1, 2], [0, 1.5])
    with pytest.raises(SurvivalError, match="0 or more"):
        gray_test([1, 2], [0, 1], ["a", "b"], rho=-1)
    with pytest.raises(SurvivalError, match=r"such as 0\.95"):
        cumulative_incidence([1, 2], [0, 1], level=95)


def test_no_event_of_the_cause_is_said():
    data = data_of("risks")
    assert gray_test(data.days, data.cause, data.group, of_cause=3).note == "no events of cause 3"
    fit = fine_gray(data.days, data.cause, data[["male"]], of_cause=3)
    assert fit.terms[0].note == "no events"
    assert np.isnan(fit.likelihood_ratio.p_value)
    curve = cumulative_incidence(data.days, data.cause, of_cause=3)
    assert (curve.incidence == 0).all()
    assert np.isnan(curve.upper).all()


def test_one_group_cannot_be_compared():
    found = gray_test([1, 2, 3], [1, 2, 0], ["a", "a", "a"])
    assert np.isnan(found.p_value)
    assert found.note == "fewer than two groups at risk"


def test_a_group_without_the_event_has_no_subdistribution_hazard_ratio():
    data = data_of("risks_absent")
    groups = pd.DataFrame({"group": data.group.astype(str)})
    fit = fine_gray(data.days, data.cause, groups, reference={"group": "3"})
    assert np.isnan(fit.terms[0].hazard_ratio)
    assert "no events in group 1" in fit.terms[0].note
    assert np.isfinite(fit.terms[1].hazard_ratio)
    assert [row.level for row in fit.references] == ["3"]
    assert not fit.converged


def test_cause_specific_hazards_censor_the_other_causes():
    data = data_of("risks")
    found = cause_specific_cox(data.days, data.cause, data[["male"]], of_cause=2)
    assert found == cox(data.days, data.cause == 2, data[["male"]])


def test_incomplete_cases_are_dropped_and_counted():
    data = data_of("risks")
    data.loc[0, "cause"], data.loc[1, "male"] = np.nan, np.nan
    assert fine_gray(data.days, data.cause, data[["male"]]).n_missing == 2
    assert cause_specific_cox(data.days, data.cause, data[["male"]]).n_missing == 2
    assert cumulative_incidence(data.days, data.cause).n_missing == 1


rows = st.lists(
    st.tuples(st.integers(1, 15), st.integers(0, 2), st.sampled_from("ab")),
    min_size=8,
    max_size=40,
)


@settings(max_examples=30, deadline=None)
@given(rows)
def test_incidences_of_all_causes_and_survival_add_up_to_one(rows):
    days, cause, _ = map(np.array, zip(*rows, strict=True))
    one, two = (cumulative_incidence(days, cause, of_cause=k) for k in (1, 2))
    free = kaplan_meier(days, cause > 0).at(one.times)[0]
    np.testing.assert_allclose(one.incidence + two.incidence + free, 1, atol=1e-12)
    known = ~np.isnan(one.lower)
    assert (one.lower[known] <= one.incidence[known]).all()
    assert (one.incidence[known] <= one.upper[known]).all()


@settings(max_examples=30, deadline=None)
@given(rows)
def test_without_competing_events_incidence_is_one_minus_kaplan_meier(rows):
    days, cause, _ = map(np.array, zip(*rows, strict=True))
    curve = cumulative_incidence(days, cause == 1)
    np.testing.assert_allclose(
        curve.incidence, 1 - kaplan_meier(days, cause == 1).at(curve.times)[0], atol=1e-12
    )


@settings(max_examples=15, deadline=None)
@given(rows)
def test_without_competing_events_fine_gray_is_cox(rows):
    days, cause, arm = map(np.array, zip(*rows, strict=True))
    arms = pd.DataFrame({"arm": arm})
    plain = cox(days, cause == 1, arms, ties="breslow")
    assume(plain.converged and np.unique(days[cause == 1]).size > 1)  # else no robust error
    fit = fine_gray(days, cause == 1, arms)
    assert fit.terms[0].coefficient == pytest.approx(plain.terms[0].coefficient, abs=1e-8)


@settings(max_examples=15, deadline=None)
@given(rows, st.randoms(use_true_random=False))
def test_order_one_stratum_and_the_unit_of_time_change_nothing(rows, random):
    want = gray_test(*zip(*rows, strict=True))
    shuffled = list(zip(*random.sample(rows, len(rows)), strict=True))
    days, cause, group = zip(*rows, strict=True)
    for found in (
        gray_test(*shuffled),
        gray_test(days, cause, group, strata=["x"] * len(days)),
        gray_test(np.array(days) / 7, cause, group),
    ):
        np.testing.assert_allclose(found.statistic, want.statistic, rtol=1e-9)
    fits = [
        fine_gray(d, c, pd.DataFrame({"arm": g}))
        for d, c, g in (shuffled, (np.array(days) / 7, cause, group), (days, cause, group))
    ]
    for fit in fits[:2]:
        for a, b in zip(fit.terms, fits[2].terms, strict=True):
            np.testing.assert_allclose(a.coefficient, b.coefficient, rtol=1e-6, atol=1e-9)
            np.testing.assert_allclose(a.standard_error, b.standard_error, rtol=1e-6)
