"""Cox regression: what it says when there is no answer, and what must not matter to it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from stats.concordance import concordance
from stats.event_time import times_to_event
from stats.proportional_hazards import proportional_hazards
from stats.regression import CoxTerm, ReferenceLevel, RegressionError, cox
from stats.risk_set import likelihood, risk_sets

from .golden import data_of


def test_swapped_arms_give_the_inverse_hazard_ratio():
    data = data_of("trial")
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
    data = data_of("trial").head(60)
    table = pd.DataFrame(
        {"age": data["size"], "early": np.where((data.event == 1) & (data.days < 400), "yes", "no")}
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
    data = data_of("trial")
    table = pd.DataFrame({"age": data["size"], "age_months": data["size"] * 12})
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
    # by hand: 3 of 4 had the event, and fewer than 5 for one term are few
    assert fit.notes == ("3 events for 1 term, fewer than 5 each: fragile",)


def test_missing_covariates_drop_the_subject_and_are_counted_by_variable():
    data = data_of("trial")
    data.loc[:2, "male"] = np.nan
    data.loc[2:3, "site"] = None
    fit = cox(data.days, data.event, data[["male", "site", "size"]])
    assert (fit.n, fit.n_missing) == (146, 4)
    assert fit.missing == (("male", 3), ("site", 2))


def test_an_unknown_reference_is_refused_with_the_levels_there_are():
    arms = pd.DataFrame({"arm": ["a", "b"]})
    with pytest.raises(RegressionError, match="Levels are a, b"):
        cox([1, 2], [1, 1], arms, reference={"arm": "c"})


def test_covariates_of_another_length_are_refused():
    with pytest.raises(RegressionError, match="rows of covariates"):
        cox([1, 2], [1, 1], pd.DataFrame({"age": [1]}))


def test_other_options_that_name_nothing_are_refused():
    table = pd.DataFrame({"age": [61, 50], "arm": ["a", "b"]})
    for options, remedy in (
        ({"ties": "exact"}, "Use one of efron, breslow"),
        ({"level": 95}, r"such as 0\.95"),
        ({"weights": [0, 1]}, "Leave a row out"),
        ({"reference": {"sex": "f"}}, "no such variable"),
        ({"reference": {"age": "50"}}, "Hand it in as text"),
    ):
        with pytest.raises(RegressionError, match=remedy):
            cox([1, 2], [1, 1], table, **options)
    with pytest.raises(RegressionError, match="Name each once"):
        cox([1, 2], [1, 1], table[["age", "age"]])
    with pytest.raises(RegressionError, match="an infinite value"):
        cox([1, 2], [1, 1], pd.DataFrame({"age": [np.inf, 1]}))
    with pytest.raises(ValueError, match="Use one of km"):
        proportional_hazards(cox([1, 2], [1, 1], table[["age"]]), transform="sqrt")


def test_a_table_shows_reference_levels_with_their_counts():
    data = data_of("trial")
    order = pd.Categorical(data.site, ["node", "bone", "lung"], ordered=True)
    rows = cox(data.days, data.event, pd.DataFrame({"size": data["size"], "site": order})).rows()
    assert [(type(row), row.variable, row.level) for row in rows] == [
        (CoxTerm, "size", "per unit"),
        (ReferenceLevel, "site", "node"),
        (CoxTerm, "site", "bone"),
        (CoxTerm, "site", "lung"),
    ]
    assert sum(row.n for row in rows[1:]) == len(data)
    assert sum(row.events for row in rows[1:]) == data.event.sum()
    assert rows[1].n == (data.site == "node").sum()


def test_late_entries_that_leave_events_in_perfect_order_are_said():
    """R prints a coefficient with an error of thousands here."""
    data = data_of("late_entry_gap")
    fit = cox(data.days, data.event, data[["group"]], entry_days=data.entry)
    assert np.isnan(fit.terms[0].hazard_ratio)
    assert "perfect order of group" in fit.terms[0].note
    assert not fit.converged
    assert np.isnan(fit.wald.p_value)
    assert np.isfinite(fit.likelihood_ratio.p_value)
    assert np.isnan(proportional_hazards(fit).whole.p_value)
    assert concordance(fit).note == "ranks in the limit of an infinite coefficient"


def test_a_level_without_events_leaves_the_tests_of_the_others():
    data = data_of("trial")
    data.loc[data.site == "lung", "event"] = 0
    fit = cox(data.days, data.event, data[["site", "size"]])
    by_level = {term.level: term for term in fit.terms}
    assert "no events in site lung" in by_level["lung"].note
    assert by_level["node"].note == ""
    found = proportional_hazards(fit)
    assert found.whole.df == 2
    assert dict(found.by_variable)["site"].df == 1
    rest = data[data.site != "lung"]
    want = cox(rest.days, rest.event, rest[["site", "size"]])
    one, two = proportional_hazards(want).whole, found.whole
    assert by_level["node"].coefficient == pytest.approx(want.terms[0].coefficient, rel=1e-6)
    assert one.n < two.n


def test_an_arm_that_is_never_at_risk_beside_another_has_no_hazard_ratio():
    arms = pd.DataFrame({"arm": ["a", "a", "b", "b"]})
    fit = cox([2, 3, 6, 7], [1, 1, 1, 1], arms, entry_days=[0, 0, 4, 4])
    assert np.isnan(fit.terms[0].hazard_ratio)
    assert "alike in all who are at risk together: arm" in fit.notes[0]


def test_two_covariates_that_order_the_events_together_are_said():
    rng = np.random.default_rng(5)
    table = pd.DataFrame(rng.normal(size=(30, 2)), columns=["one", "two"])
    days = np.argsort(np.argsort(-(table.one + table.two))) + 1
    fit = cox(days, np.ones(30), table)
    assert not fit.converged
    assert all("alone or with other covariates" in term.note for term in fit.terms)


def test_fewer_clusters_than_coefficients_have_no_wald_test_where_r_prints_rounding():
    data = data_of("trial")
    fit = cox(data.days, data.event, data[["size", "site"]], cluster=data.centre, ties="breslow")
    assert np.isnan(fit.wald.p_value)
    assert fit.wald.note == "fewer clusters than coefficients"


def test_clusters_of_one_row_are_the_robust_errors_of_single_rows():
    data = data_of("trial")
    one = cox(data.days, data.event, data[["size"]], cluster=np.arange(len(data)))
    plain = cox(data.days, data.event, data[["size"]])
    assert one.terms[0].coefficient == plain.terms[0].coefficient
    assert one.terms[0].standard_error == pytest.approx(plain.terms[0].standard_error, rel=0.3)
    assert one.terms[0].standard_error != plain.terms[0].standard_error
    assert "robust" in one.method
    assert one.score.note == "clusters not taken into account"


def test_what_an_infinite_coefficient_leaves_undetermined_is_not_printed():
    rng = np.random.default_rng(3)
    for _ in range(60):
        n = int(rng.integers(5, 25))
        table = pd.DataFrame({name: rng.choice(list("abc"), n) for name in ("one", "two")})
        fit = cox(rng.integers(0, 12, n), rng.integers(0, 2, n), table, ties="breslow")
        for term in fit.terms:
            assert term.note or term.standard_error < 200, term


def test_one_cluster_has_no_robust_error():
    data = data_of("trial")
    fit = cox(data.days, data.event, data[["size", "male"]], cluster=["a"] * len(data))
    assert all("too few clusters" in term.note for term in fit.terms)
    assert np.isnan(fit.wald.p_value)


def test_an_event_at_time_zero_has_no_logarithm_to_drift_with():
    data = data_of("trial")
    data.loc[0, ["days", "event"]] = 0, 1
    fit = cox(data.days, data.event, data[["size"]])
    assert np.isnan(proportional_hazards(fit, transform="log").whole.p_value)
    assert "time zero" in proportional_hazards(fit, transform="log").whole.note
    assert np.isfinite(proportional_hazards(fit).whole.p_value)


def test_a_covariate_of_a_later_state_is_warned_of():
    data = data_of("trial")
    fit = cox(data.days, data.event, data[["male"]], group_known_days=np.full(len(data), 56))
    assert any("immortal-time bias" in note for note in fit.notes)
    assert cox(data.days, data.event, data[["male"]]).notes == ()


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_score_and_information_are_the_derivatives_of_the_likelihood(ties):
    data = data_of("trial")
    design = np.column_stack([data["size"] - 45, data.male])
    times = times_to_event(data.days, data.event)
    sets = risk_sets(times, data.centre.to_numpy(), weight=data.weight.to_numpy(float), ties=ties)
    at, step = np.array([0.02, -0.3]), 1e-5
    here = likelihood(sets, design, at)
    for i, move in enumerate(np.eye(2) * step):
        up, down = (likelihood(sets, design, at + sign * move) for sign in (1, -1))
        slope = (up.log_likelihood - down.log_likelihood) / (2 * step)
        assert here.score[i] == pytest.approx(slope, rel=1e-6)
        bend = -(up.score - down.score) / (2 * step)
        np.testing.assert_allclose(here.information[i], bend, rtol=1e-6)


def slow_concordance(days, event, eta):
    """Every pair, one by one."""
    better = pairs = 0.0
    for i in range(len(days)):
        for j in range(len(days)):
            if event[i] and (days[j] > days[i] or (days[j] == days[i] and not event[j])):
                pairs += 1
                better += 1.0 if eta[i] > eta[j] else 0.5 * (eta[i] == eta[j])
    return better / pairs, pairs


cases = st.lists(
    st.tuples(st.integers(1, 15), st.booleans(), st.integers(0, 4), st.sampled_from("ab")),
    min_size=12,
    max_size=40,
)


def fitted(rows, **options):
    days, event, x, arm = zip(*rows, strict=True)
    return cox(days, event, pd.DataFrame({"x": x, "arm": arm}), **options)


def assert_same_fit(one, two, rtol=1e-7):
    assert one.converged == two.converged
    for a, b in zip(one.terms, two.terms, strict=True):
        np.testing.assert_allclose(
            [a.coefficient, a.standard_error], [b.coefficient, b.standard_error], rtol, atol=1e-8
        )


@settings(max_examples=8, deadline=None)
@given(cases, st.randoms(use_true_random=False))
def test_order_one_stratum_and_the_unit_of_time_change_no_hazard_ratio(rows, random):
    fit = fitted(rows)
    assert_same_fit(fit, fitted(random.sample(rows, len(rows))))
    assert_same_fit(fit, fitted(rows, strata=["all"] * len(rows)))
    assert_same_fit(fit, fitted([(12 * days / 365.25, *rest) for days, *rest in rows]))
    assert_same_fit(fit, fitted(rows, entry_days=[-1] * len(rows)))


@settings(max_examples=8, deadline=None)
@given(cases, st.data())
def test_with_breslow_ties_a_weight_is_as_many_rows(rows, data):
    weights = data.draw(st.lists(st.integers(1, 3), min_size=len(rows), max_size=len(rows)))
    repeated = [row for row, weight in zip(rows, weights, strict=True) for _ in range(weight)]
    assert_same_fit(fitted(rows, weights=weights, ties="breslow"), fitted(repeated, ties="breslow"))


@settings(max_examples=8, deadline=None)
@given(cases)
def test_without_ties_efron_is_breslow(rows):
    untied = [(i, *rest) for i, (_, *rest) in enumerate(rows)]
    assert_same_fit(fitted(untied), fitted(untied, ties="breslow"))


@settings(max_examples=8, deadline=None)
@given(cases, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_an_interval_excludes_one_just_where_its_test_rejects(rows, level):
    for term in fitted(rows, level=level).terms:
        if not term.note:
            assert (term.p_value < 1 - level) == (term.lower > 1 or term.upper < 1)


@settings(max_examples=8, deadline=None)
@given(cases)
def test_concordance_is_that_of_counting_every_pair(rows):
    fit = fitted(rows)
    assume(fit.converged)
    days, event, _, _ = zip(*rows, strict=True)
    eta = np.round(fit.model.design @ fit.model.maximum.coefficients, 10)
    assume(np.diff(np.unique(eta)).min(initial=1) > 1e-6)  # else rounding decides what is tied
    want, pairs = slow_concordance(days, event, eta)
    found = concordance(fit)
    assert found.n_pairs == pairs
    assert found.estimate == pytest.approx(want)


@settings(max_examples=8, deadline=None)
@given(cases)
def test_the_score_test_of_an_arm_is_the_log_rank_test_without_ties(rows):
    from stats.logrank import logrank

    days, event = np.arange(len(rows)), [row[1] for row in rows]
    arm = pd.DataFrame({"arm": [row[3] for row in rows]})
    fit, test = cox(days, event, arm), logrank(days, event, arm.arm)
    assume(fit.model is not None and fit.converged)
    assert fit.score.statistic == pytest.approx(test.statistic, rel=1e-9)
    assert fit.score.p_value == pytest.approx(chi2.sf(test.statistic, 1), rel=1e-9)
