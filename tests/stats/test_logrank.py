"""Log-rank tests against R's survdiff (fixtures/r/tests.csv) and lifelines' late weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stats.event_time import SurvivalError
from stats.logrank import compare_survival, logrank

from .golden import data_of, golden

TESTS = golden("tests").fillna({"strata": ""})


@pytest.mark.parametrize(
    "want", list(TESTS.itertuples()), ids=lambda w: f"{w.case} {w.strata} {w.rho:g}"
)
def test_a_test_with_its_observed_and_expected_events_is_that_of_r(want):
    data = data_of(want.case)
    strata = data[want.strata] if want.strata else None
    found = compare_survival(data.days, data.event, data.group, strata=strata, rho=want.rho)
    if np.isnan(want.p):  # R has no degree of freedom left
        assert np.isnan(found.test.p_value)
        assert found.test.note
        return
    for numbers, words in (("observed", want.observed), ("expected", want.expected)):
        np.testing.assert_allclose(
            [getattr(group, numbers) for group in found.groups],
            [float(word) for word in words.split(";")],
            rtol=1e-9,
            atol=1e-12,
        )
    np.testing.assert_allclose(
        [found.test.statistic, found.test.df, found.test.p_value],
        [want.statistic, want.df, want.p],
        rtol=1e-9,
    )


@pytest.mark.parametrize("case", ["lung", "veteran", "trial"])
def test_weights_for_late_differences_are_those_of_lifelines(case):
    from lifelines.statistics import logrank_test

    data = data_of(case)
    data = data[data.group < 3]
    one, two = data[data.group == 1], data[data.group == 2]
    want = logrank_test(
        one.days, two.days, one.event, two.event, weightings="fleming-harrington", p=0.5, q=1
    )
    found = compare_survival(data.days, data.event, data.group, rho=0.5, gamma=1).test
    assert found.statistic == pytest.approx(want.test_statistic, rel=1e-9)
    assert "Fleming-Harrington (0.5, 1)" in found.name


def test_missing_strata_drop_the_subject_and_are_counted():
    data = data_of("trial")
    data.loc[:3, "centre"] = np.nan
    assert logrank(data.days, data.event, data.group, strata=data.centre).n_missing == 4


def test_a_log_rank_test_without_events_says_so_and_has_no_p():
    found = logrank([3, 5, 8], [0, 0, 0], ["a", "b", "b"])
    assert np.isnan(found.p_value)
    assert found.note == "no events"


def test_groups_that_never_meet_in_a_stratum_cannot_be_compared():
    found = logrank([1, 2, 3, 4], [1, 1, 1, 1], ["a", "a", "b", "b"], strata=[1, 1, 2, 2])
    assert np.isnan(found.p_value)
    assert found.note == "fewer than two groups at risk"


def test_groups_of_a_later_state_are_warned_of_with_what_to_do():
    data = data_of("trial")
    known = np.where(data.group == 1, 0, 84)
    note = compare_survival(data.days, data.event, data.group, group_known_days=known).test.note
    assert "immortal-time bias: the group of 100 of 150 subjects" in note
    assert "landmark" in note
    at_start = compare_survival(data.days, data.event, data.group, group_known_days=known * 0)
    assert at_start.test.note == ""


def test_bad_weights_and_days_of_knowledge_are_refused():
    with pytest.raises(SurvivalError, match="numbers of 0 or more"):
        compare_survival([1, 2], [1, 1], ["a", "b"], rho=-1)
    with pytest.raises(SurvivalError, match="give one for each"):
        compare_survival([1, 2], [1, 1], ["a", "b"], group_known_days=[0])


rows = st.lists(
    st.tuples(st.integers(1, 20), st.booleans(), st.sampled_from("abc")), min_size=4, max_size=40
)


@settings(max_examples=40, deadline=None)
@given(rows, st.randoms(use_true_random=False))
def test_neither_the_order_of_subjects_nor_one_stratum_nor_the_unit_matters(rows, random):
    days, event, group = zip(*rows, strict=True)
    want = logrank(days, event, group)
    shuffled = zip(*random.sample(rows, len(rows)), strict=True)
    same_stratum = logrank(days, event, group, strata=[7] * len(days))
    months = logrank(np.array(days) * 12 / 365.25, event, group)
    for found in (logrank(*shuffled), same_stratum, months):
        np.testing.assert_allclose(found.statistic, want.statistic, rtol=1e-9)
        np.testing.assert_equal(found.df, want.df)


@settings(max_examples=40, deadline=None)
@given(rows)
def test_observed_and_expected_events_have_one_sum(rows):
    found = compare_survival(*zip(*rows, strict=True))
    observed = sum(group.observed for group in found.groups)
    assert observed == pytest.approx(sum(group.expected for group in found.groups))
    assert observed == sum(group.events for group in found.groups)


def test_groups_as_floats_are_the_groups_as_whole_numbers_and_as_words():
    rows = golden("data_soramic")
    arm = (rows.arm == "sorafenib").to_numpy()
    as_float, as_whole, as_words = (
        compare_survival(rows.PFS_days, rows.PFS_event, group)
        for group in (arm.astype(float), arm.astype(int), np.where(arm, "1.0", "0.0"))
    )
    assert as_float == as_words
    assert as_float.test == as_whole.test
    assert [one.name for one in as_float.groups] == ["0.0", "1.0"]
