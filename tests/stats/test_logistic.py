"""Logistic regression against R's glm, and where it has no finite estimate."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stats.design import RegressionError
from stats.logistic import LogisticError, logistic
from stats.proportion_ratio import odds_ratio

from .golden import data_of, golden

GOLDEN = golden("logistic")
MODELS = sorted(set(GOLDEN.model))


def trial():
    data = data_of("trial")
    return data.assign(group="g" + data.group.astype(str))


@pytest.mark.parametrize("model", MODELS)
def test_coefficients_errors_and_tests_are_those_of_r(model):
    data = trial()
    fit = logistic(data.event, data[model.split("+")])
    want = GOLDEN[GOLDEN.model == model].reset_index(drop=True)
    by_name = {t.variable + (t.level if t.reference else ""): t for t in fit.terms}
    assert set(by_name) == set(want.term)
    for row in want.itertuples():
        term = by_name[row.term]
        mine = (term.coefficient, term.standard_error, term.p_value)
        assert mine == pytest.approx((row.coef, row.se, row.p), rel=1e-6)
        assert (math.log(term.lower), math.log(term.upper)) == pytest.approx(
            (row.lower, row.upper), rel=1e-6
        )
    ratio = fit.likelihood_ratio
    assert (ratio.statistic, ratio.df, ratio.p_value) == pytest.approx(
        (want.lr[0], want.df[0], want.lr_p[0]), rel=1e-8
    )
    assert (fit.n, fit.events) == (want.n[0], want.events[0])


def binary(a, n, c, m):
    """Events a of n in level y, c of m in level x."""
    event = [True] * a + [False] * (n - a) + [True] * c + [False] * (m - c)
    return event, pd.DataFrame({"arm": ["y"] * n + ["x"] * m})


@given(*[st.integers(1, 40)] * 4)
@settings(deadline=None, max_examples=25)
def test_with_one_factor_it_is_the_odds_ratio_of_woolf(a, b, c, d):
    (term,) = logistic(*binary(a, a + b, c, c + d)).terms
    want = odds_ratio((a, a + b), (c, c + d))
    assert (term.odds_ratio, term.lower, term.upper) == pytest.approx(
        (want.estimate, want.lower, want.upper), rel=1e-6
    )


def test_another_reference_gives_the_inverse_and_units_scale_the_coefficient():
    data = trial()
    one = logistic(data.event, data[["site", "size"]])
    mm = logistic(data.event, data[["site"]].assign(size=10 * data["size"]))
    assert mm.terms[-1].coefficient == pytest.approx(one.terms[-1].coefficient / 10, rel=1e-7)
    level, base = one.terms[0].level, one.terms[0].reference
    turned = logistic(data.event, data[["site", "size"]], reference={"site": level})
    (back,) = [t for t in turned.terms if t.level == base]
    assert back.odds_ratio == pytest.approx(1 / one.terms[0].odds_ratio, rel=1e-7)


def test_a_level_without_events_has_no_odds_ratio_and_the_others_keep_theirs():
    event, rows = binary(5, 20, 8, 20)
    more = pd.concat([rows, pd.DataFrame({"arm": ["z"] * 12})], ignore_index=True)
    fit = logistic(event + [False] * 12, more)
    by_level = {term.level: term for term in fit.terms}
    assert math.isnan(by_level["z"].odds_ratio)
    assert "no finite odds ratio" in by_level["z"].note
    want = odds_ratio((5, 20), (8, 20))
    assert by_level["y"].odds_ratio == pytest.approx(want.estimate, rel=1e-6)
    assert any("no finite odds ratio for arm" in note for note in fit.notes)
    # the test of the whole model is that of the limit: 3 x 2 likelihood ratio
    cells = np.array([[5, 8, 0], [15, 12, 12]])
    expected = np.outer(cells.sum(1), cells.sum(0)) / cells.sum()
    g = 2 * (cells[cells > 0] * np.log(cells[cells > 0] / expected[cells > 0])).sum()
    assert fit.likelihood_ratio.statistic == pytest.approx(g, rel=1e-6)


def test_a_reference_without_events_leaves_no_ratio_to_it():
    event, rows = binary(5, 20, 0, 20)
    fit = logistic(event, rows)
    assert all(math.isnan(term.odds_ratio) for term in fit.terms)


def test_a_number_that_parts_events_from_others_has_no_odds_ratio():
    x = np.arange(20.0)
    fit = logistic(x > 9, pd.DataFrame({"x": x, "other": np.tile([0.0, 1.0], 10)}))
    assert math.isnan(fit.terms[0].odds_ratio)
    assert "separates" in fit.terms[0].note
    touching = logistic((x > 9) | (x == 3), pd.DataFrame({"x": x}))
    assert math.isfinite(touching.terms[0].odds_ratio)


@pytest.mark.parametrize(
    ("event", "rows", "why"),
    [
        ([False] * 4, {"x": [1, 2, 3, 4]}, "no events"),
        ([True] * 4, {"x": [1, 2, 3, 4]}, "events in all"),
        ([True, False] * 2, {"x": [1, 1, 1, 1]}, "x does not vary"),
        (
            [True, False, True, True],
            {"x": [1, 2, 3, 5], "y": [2, 4, 6, 10]},
            "depend on each other",
        ),
    ],
)
def test_a_model_that_cannot_be_fitted_says_why(event, rows, why):
    fit = logistic(event, pd.DataFrame(rows, dtype=float))
    assert all(math.isnan(term.odds_ratio) for term in fit.terms)
    assert why in fit.notes[0]
    assert why in fit.likelihood_ratio.note


def test_missing_values_are_counted_and_few_events_said():
    event, rows = binary(3, 20, 6, 20)
    rows = rows.assign(age=np.r_[[np.nan] * 2, np.arange(38.0)])
    fit = logistic(event, rows)
    assert (fit.n, fit.n_missing) == (38, 2)
    assert any("fragile" in note for note in fit.notes)


def test_bad_input_is_refused():
    event, rows = binary(3, 20, 6, 20)
    with pytest.raises(LogisticError, match="39 rows of covariates for 40 events"):
        logistic(event, rows[:-1])
    with pytest.raises(LogisticError, match="true, false"):
        logistic([2] * 40, rows)
    with pytest.raises(LogisticError, match=r"such as 0\.95"):
        logistic(event, rows, level=95)
    with pytest.raises(RegressionError, match="does not occur"):
        logistic(event, rows, reference={"arm": "w"})
