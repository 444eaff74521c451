"""The public table of 105 patients after TACE: survival and Cox models as R has them."""

import numpy as np
import pandas as pd
import pytest

from stats.concordance import concordance
from stats.proportional_hazards import proportional_hazards
from stats.regression import cox
from stats.survival import kaplan_meier

from .golden import golden

NUMBERS = golden("hcc_tace").fillna({"term": "", "model": ""})
MODELS = NUMBERS[NUMBERS.model != ""][["end", "model"]].drop_duplicates()
ENDS = {
    "OS": ("OS", "Death_1_StillAliveorLostToFU_0"),
    "TTP": ("TTP", "Censored_0_progressed_1"),
}
pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def clinical(shared_data):
    table = pd.read_csv(shared_data / "hcc_tace_clinical" / "clinical.csv")
    return table.rename(columns=lambda name: name.replace(" ", "."))


@pytest.mark.parametrize("end", list(ENDS))
def test_medians_and_their_limits_are_those_of_r(clinical, end):
    time, event = ENDS[end]
    median = kaplan_meier(clinical[time], clinical[event]).median()
    want = NUMBERS[(NUMBERS.end == end) & (NUMBERS.quantity == "median")].value
    np.testing.assert_allclose([median.estimate, median.lower, median.upper], want, rtol=1e-9)


@pytest.mark.parametrize(("end", "model"), list(MODELS.itertuples(index=False, name=None)))
def test_univariable_and_multivariable_cox_are_those_of_r_on_the_same_rows(clinical, end, model):
    time, event = ENDS[end]
    fit = cox(clinical[time], clinical[event], clinical[model.split("+")])
    want = NUMBERS[(NUMBERS.end == end) & (NUMBERS.model == model)].set_index("quantity").value
    assert (fit.n, fit.events) == (want["n"], want["events"])
    assert fit.n + fit.n_missing == len(clinical)
    found = {
        "hr": [term.hazard_ratio for term in fit.terms],
        "lower": [term.lower for term in fit.terms],
        "upper": [term.upper for term in fit.terms],
        "p": [term.p_value for term in fit.terms],
        "logtest": [fit.likelihood_ratio.statistic],
        "sctest": [fit.score.statistic],
        "concordance": [concordance(fit).estimate, concordance(fit).standard_error],
    }
    for quantity, numbers in found.items():
        np.testing.assert_allclose(numbers, want[[quantity]], rtol=1e-6, err_msg=quantity)
    statistic = proportional_hazards(fit).whole.statistic
    if not fit.converged:  # R tests the infinite coefficient as well
        return
    np.testing.assert_allclose(statistic, want["zph"], rtol=1e-5)
