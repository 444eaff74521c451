"""Cox models against R's coxph, cox.zph and concordance (fixtures/r/cox.csv)."""

from functools import cache

import numpy as np
import pytest

from stats.concordance import concordance
from stats.proportional_hazards import TRANSFORMS, proportional_hazards
from stats.regression import cox

from .golden import data_of, golden

COX, MODELS = golden("cox"), golden("cox_models").fillna("")
NUMBERS = {name: part.set_index("quantity") for name, part in COX.groupby("model")}


@cache
def fitted_by_name(name):
    (model,) = MODELS[MODELS.model == name].itertuples()
    data = data_of(model.case)
    if "cause" in data and "cause" in model.model:
        data["event"] = data.cause == int(model.model[-1])
    column = {name: data[name] if name else None for name in (model.strata, model.cluster, model.weights)}  # fmt: skip
    return cox(
        data.days,
        data.event,
        data[model.terms.split("+")],
        entry_days=data.get("entry"),
        strata=column[model.strata],
        cluster=column[model.cluster],
        weights=column[model.weights],
        ties=model.ties,
    )


def fitted(model):
    return fitted_by_name(model.model)


def every(models=MODELS):
    return pytest.mark.parametrize("model", list(models.itertuples()), ids=lambda m: m.model)


def assert_as_r(model, quantity, found, rtol):
    want = NUMBERS[model.model].loc[[quantity], "value"]
    np.testing.assert_allclose(found, want, rtol=rtol, err_msg=quantity)


@every()
def test_hazard_ratios_and_their_errors_are_those_of_r(model):
    fit = fitted(model)
    assert fit.converged
    want = NUMBERS[model.model]
    names = [t.variable + (t.level if t.reference else "") for t in fit.terms]
    assert names == list(want.loc[["coef"], "term"])
    assert_as_r(model, "n", [fit.n, fit.events], 0)
    assert_as_r(model, "coef", [t.coefficient for t in fit.terms], 1e-6)
    error = "robust se" if model.cluster else "model se"
    assert_as_r(model, error, [t.standard_error for t in fit.terms], 1e-6)
    assert_as_r(model, "model se", np.sqrt(np.diag(fit.model.model_covariance)), 1e-6)
    assert_as_r(model, "p", [t.p_value for t in fit.terms], 1e-6)
    assert_as_r(model, "lower", [t.lower for t in fit.terms], 1e-6)
    assert_as_r(model, "upper", [t.upper for t in fit.terms], 1e-6)


@every()
def test_likelihood_ratio_wald_and_score_tests_are_those_of_r(model):
    fit = fitted(model)
    likelihoods = (fit.model.maximum.null, fit.model.maximum.fitted)
    assert_as_r(model, "loglik", [one.log_likelihood for one in likelihoods], 1e-9)
    for quantity, test in (
        ("logtest", fit.likelihood_ratio), ("waldtest", fit.wald), ("sctest", fit.score),
    ):  # fmt: skip
        assert_as_r(model, quantity, [test.statistic, test.df, test.p_value], 1e-6)


@every()
def test_the_test_of_proportional_hazards_is_the_one_of_r_since_survival_3(model):
    fit = fitted(model)
    for transform in TRANSFORMS:
        quantity = f"zph {transform} chisq"
        if quantity not in NUMBERS[model.model].index:
            continue
        found = proportional_hazards(fit, transform=transform)
        tests = [test for _, test in found.by_variable] + [found.whole]
        names = [name for name, _ in found.by_variable] + ["GLOBAL"]
        assert names == list(NUMBERS[model.model].loc[[quantity], "term"])
        assert_as_r(model, quantity, [test.statistic for test in tests], 1e-5)
        assert_as_r(model, f"zph {transform} p", [test.p_value for test in tests], 1e-5)


@every(MODELS[MODELS.weights == ""])
def test_concordance_and_its_error_are_those_of_r(model):
    found = concordance(fitted(model))
    assert_as_r(model, "concordance", [found.estimate, found.standard_error], 1e-6)


UNWEIGHTED = MODELS[(MODELS.ties == "efron") & (MODELS.weights + MODELS.cluster == "")]


@every(UNWEIGHTED)
def test_hazard_ratios_are_those_of_lifelines_where_it_goes_on_to_the_end(model):
    import pandas as pd
    from lifelines import CoxPHFitter

    fit = fitted(model)
    data = fit.model.data
    frame = pd.DataFrame(fit.model.design).add_prefix("x").assign(days=data.days, event=data.event)
    options = {}
    if data.entered_late:
        frame["entry"], options["entry_col"] = data.entry_days, "entry"
    if model.strata:
        frame["stratum"], options["strata"] = fit.model.sets.begin, ["stratum"]
    precise = {"precision": 1e-12, "r_precision": 1e-15, "max_steps": 200}
    want = CoxPHFitter().fit(frame, "days", "event", fit_options=precise, **options)
    np.testing.assert_allclose([t.coefficient for t in fit.terms], want.params_, rtol=1e-6)
    np.testing.assert_allclose(
        [t.standard_error for t in fit.terms], want.standard_errors_, rtol=1e-6
    )
