"""Interaction of two covariates in Cox regression, as R's anova of nested models."""

import numpy as np
import pandas as pd
import pytest

from stats.interaction import interaction_test
from stats.regression import RegressionError

from .golden import data_of, golden

CASES = golden("interaction").fillna({"others": ""})


@pytest.mark.parametrize("row", list(CASES.itertuples(index=False)), ids=lambda r: "-".join(r[:3]))
def test_interactions_are_those_of_r(row):
    data = data_of(row.case)
    names = [row.one, row.two, *(row.others.split("+") if row.others else [])]
    found = interaction_test(
        data.days, data.event, data[names], of=(row.one, row.two), ties=row.ties
    )
    assert (found.n, found.df) == (row.n, row.df)
    assert found.statistic == pytest.approx(row.chisq, rel=1e-6)
    assert found.p_value == pytest.approx(row.p, rel=1e-6)
    assert found.n + found.n_missing == len(data)


def trial(seed=5, n=80):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"arm": random.choice(["a", "b"], n), "stage": random.choice([*"ABC"], n)})
    return random.integers(1, 400, n), random.integers(0, 2, n), frame


def test_the_order_of_the_two_and_the_unit_of_time_change_nothing():
    days, event, frame = trial()
    one = interaction_test(days, event, frame, of=("arm", "stage"))
    other = interaction_test(7 * days, event, frame[["stage", "arm"]], of=("stage", "arm"))
    assert one.df == other.df == 2
    assert one.p_value == pytest.approx(other.p_value, rel=1e-9)


def test_missing_values_are_left_out_of_both_models_and_counted():
    days, event, frame = trial()
    gaps = frame.assign(stage=frame["stage"].mask(frame.index < 7))
    found = interaction_test(days, event, gaps, of=("arm", "stage"))
    alone = interaction_test(days[7:], event[7:], frame.loc[7:], of=("arm", "stage"))
    assert (found.n, found.n_missing) == (73, 7)
    assert found.statistic == pytest.approx(alone.statistic, rel=1e-12)


def test_a_combination_without_events_or_a_single_level_has_no_p_and_says_why():
    days, event, frame = trial()
    event = np.where((frame["arm"] == "b") & (frame["stage"] == "C"), 0, event)
    found = interaction_test(days, event, frame, of=("arm", "stage"))
    assert np.isnan(found.p_value)
    assert found.note
    single = interaction_test(days, event, frame.assign(stage="A"), of=("arm", "stage"))
    assert single.note == "one of the two has a single level"


def test_covariates_that_are_not_there_are_refused():
    days, event, frame = trial()
    with pytest.raises(RegressionError, match="interaction of arm and sex"):
        interaction_test(days, event, frame, of=("arm", "sex"))
    with pytest.raises(RegressionError, match="two different ones of arm, stage"):
        interaction_test(days, event, frame, of=("arm", "arm"))
