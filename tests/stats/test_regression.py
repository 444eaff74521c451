"""Cox regression against R's coxph, and what it says when there is no answer."""

import numpy as np
import pandas as pd
import pytest

from stats.regression import RegressionError, cox

from .golden import data_of, golden

COX, MODELS = golden("cox"), golden("cox_models").fillna("")
PLAIN = MODELS[(MODELS.ties == "efron") & (MODELS.strata + MODELS.cluster + MODELS.weights == "")]
PLAIN = PLAIN[
    ~PLAIN.case.isin(["heart", "late_entry", "late_entry_gap", "start_stop", "risks", "mgus2"])
]


@pytest.mark.parametrize("model", list(PLAIN.itertuples()), ids=lambda m: m.model)
def test_hazard_ratios_are_those_of_r(model):
    data = data_of(model.case)
    fit = cox(data.days, data.event, data[model.terms.split("+")])
    want = COX[COX.model == model.model].set_index("quantity")
    found = {
        "coef": [t.coefficient for t in fit.terms],
        "model se": [t.standard_error for t in fit.terms],
        "p": [t.p_value for t in fit.terms],
        "lower": [t.lower for t in fit.terms],
        "upper": [t.upper for t in fit.terms],
        "logtest": [fit.likelihood_ratio.statistic, fit.likelihood_ratio.df, fit.likelihood_ratio.p_value],
        "n": [fit.n, fit.events],
    }  # fmt: skip
    for quantity, numbers in found.items():
        np.testing.assert_allclose(numbers, want.loc[quantity, "value"], rtol=1e-6)
    names = [t.variable + (t.level if t.reference else "") for t in fit.terms]
    assert names == list(want.loc[["coef"], "term"])
    assert fit.converged


def test_swapped_arms_give_the_inverse_hazard_ratio():
    data = data_of("lung")
    arms = pd.DataFrame({"arm": np.where(data.group == 1, "a", "b")})
    one = cox(data.days, data.event, arms, reference={"arm": "a"}).terms[0]
    two = cox(data.days, data.event, arms, reference={"arm": "b"}).terms[0]
    assert one.hazard_ratio == pytest.approx(1 / two.hazard_ratio, rel=1e-9)


def test_an_arm_without_events_has_no_hazard_ratio_and_says_so():
    arms = pd.DataFrame({"arm": ["a", "a", "a", "b", "b", "b"]})
    fit = cox([1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0], arms)
    assert not fit.converged
    assert np.isnan(fit.terms[0].hazard_ratio)
    assert "no events in arm b" in fit.terms[0].note
    assert (fit.terms[0].n, fit.terms[0].events) == (3, 0)


def test_separation_by_one_of_several_covariates_is_said_of_that_one():
    data = data_of("lung").head(60)
    table = pd.DataFrame(
        {"age": data.age, "early": np.where((data.event == 1) & (data.days < 400), "yes", "no")}
    )
    table.loc[data.event == 1, "early"] = "yes"
    fit = cox(data.days, data.event, table)
    by_name = {term.variable: term for term in fit.terms}
    assert np.isnan(by_name["early"].hazard_ratio)
    assert "infinite" in by_name["early"].note


def test_events_in_perfect_order_of_a_number_have_no_hazard_ratio():
    fit = cox(range(1, 9), [1] * 8, pd.DataFrame({"size": range(8, 0, -1)}))
    assert np.isnan(fit.terms[0].hazard_ratio)
    assert fit.terms[0].note


def test_collinear_covariates_are_said_not_printed():
    data = data_of("lung")
    table = pd.DataFrame({"age": data.age, "age_months": data.age * 12})
    fit = cox(data.days, data.event, table)
    assert all(np.isnan(term.hazard_ratio) for term in fit.terms)
    assert not fit.converged
    assert "collinear" in fit.notes[0]


def test_a_covariate_that_does_not_vary_is_said():
    fit = cox([1, 2, 3], [1, 1, 0], pd.DataFrame({"age": [60, 60, 60]}))
    assert "does not vary" in fit.terms[0].note


def test_no_events_is_said():
    fit = cox([1, 2, 3], [0, 0, 0], pd.DataFrame({"age": [60, 61, 62]}))
    assert fit.terms[0].note == "no events"


def test_few_events_per_term_are_said():
    fit = cox([1, 2, 3, 4], [1, 1, 0, 1], pd.DataFrame({"age": [61, 50, 62, 55]}))
    assert any("fragile" in note for note in fit.notes)


def test_missing_covariates_drop_the_subject_and_are_counted():
    data = data_of("lung")
    fit = cox(data.days, data.event, data[["ecog"]])
    assert (fit.n, fit.n_missing) == (227, 1)


def test_an_unknown_reference_is_refused_with_the_levels_there_are():
    arms = pd.DataFrame({"arm": ["a", "b"]})
    with pytest.raises(RegressionError, match="Levels are a, b"):
        cox([1, 2], [1, 1], arms, reference={"arm": "c"})


def test_covariates_of_another_length_are_refused():
    with pytest.raises(RegressionError, match="rows of covariates"):
        cox([1, 2], [1, 1], pd.DataFrame({"age": [1]}))
