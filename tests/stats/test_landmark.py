"""Survival from a landmark or an event on, and a covariate that changes with time."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stats.event_time import SurvivalError
from stats.immortal_time import immortal_time_note
from stats.landmark import after_event, landmark, state_at_landmark
from stats.logrank import compare_survival
from stats.regression import cox
from stats.start_stop import refuse_overlaps, split_at_change
from stats.survival import kaplan_meier

from .golden import data_of, golden


def test_a_landmark_keeps_those_beyond_it_and_counts_the_others():
    cohort = landmark([10, 84, 84, 100, None, 200], [1, 1, 0, 0, 1, 1], 84)
    assert cohort.days.tolist() == [16, 116]
    assert cohort.event.tolist() == [False, True]
    assert cohort.kept.tolist() == [False, False, False, True, False, True]
    assert (cohort.n_event_before, cohort.n_censored_before, cohort.n_missing) == (2, 1, 1)


@pytest.mark.parametrize("at", [60, 150, 300])
def test_survival_from_a_landmark_on_is_the_ratio_of_survival(at):
    """S(t | s) = S(t) / S(s), and Greenwood's sum from s on."""
    data = data_of("trial")
    whole = kaplan_meier(data.days, data.event)
    cohort = landmark(data.days, data.event, at)
    later = kaplan_meier(cohort.days, cohort.event)
    ratio = whole.at(later.times + at)[0] / whole.at([at])[0]
    np.testing.assert_allclose(later.survival, ratio, rtol=1e-12)


def test_a_state_at_a_landmark_does_not_look_into_the_future():
    assert state_at_landmark([10, 84, 90, None], 84).tolist() == [True, True, False, False]


def test_time_after_an_event_is_from_it_to_the_end():
    cohort = after_event([30, None, 50, 70, 20], [100, 80, 50, None, 90], [1, 1, 1, 0, 0])
    assert cohort.days.tolist() == [70, 0, 70]
    assert cohort.event.tolist() == [True, True, False]
    assert (cohort.n_never, cohort.n_event_before, cohort.n_missing) == (1, 1, 1)


def test_bad_moments_are_refused():
    for at in (-1, 100, np.nan):
        with pytest.raises(SurvivalError, match="not within the follow-up, 0 to 100"):
            landmark([50, 100], [1, 1], at)
    with pytest.raises(SurvivalError, match="row 1: first event at 60, after the end at 50"):
        after_event([None, 60], [40, 50], [1, 1])
    with pytest.raises(SurvivalError, match="1 first events for 2 times"):
        after_event([60], [40, 50], [1, 1])
    with pytest.raises(SurvivalError, match="1 changes for 2 times"):
        split_at_change([40, 50], [1, 1], [60])


def test_start_stop_rows_are_those_written_out_by_hand():
    """The rows of start_stop, built again from one row per subject."""
    rows = data_of("start_stop")
    last = rows.groupby("subject").last()
    change = rows[rows.response == 1].groupby("subject").entry.first().reindex(last.index)
    found = split_at_change(last.days, last.event, change)
    assert found.entry_days.tolist() == rows.entry.tolist()
    assert found.days.tolist() == rows.days.tolist()
    assert found.event.tolist() == rows.event.astype(bool).tolist()
    assert found.changed.tolist() == rows.response.astype(bool).tolist()
    assert (found.row + 1).tolist() == rows.subject.tolist()
    assert (found.n_subjects, found.n_changed) == (90, (rows.response == 1).sum())
    table = pd.DataFrame({"response": found.changed.astype(float), "arm": rows.arm})
    fit = cox(found.days, found.event, table, entry_days=found.entry_days)
    numbers = golden("cox")
    want = numbers[(numbers.model == "start stop") & (numbers.quantity == "coef")].value
    np.testing.assert_allclose([t.coefficient for t in fit.terms], want, rtol=1e-6)


def test_a_change_at_the_end_is_none_and_one_before_the_beginning_was_always_there():
    rows = split_at_change([50, 50, 0], [1, 1, 1], [50, 0, None])
    assert rows.changed.tolist() == [False, True, False]
    assert rows.entry_days.tolist() == [-1, -1, -1]  # all are at risk at the time of the third


subjects = st.lists(
    st.tuples(st.integers(0, 20), st.booleans(), st.none() | st.integers(0, 25)),
    min_size=1,
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(subjects)
def test_splitting_loses_neither_time_nor_events_nor_survival(rows):
    days, event, change = zip(*rows, strict=True)
    found = split_at_change(days, event, change)
    assert (found.days - np.maximum(found.entry_days, 0)).sum() == sum(days)
    assert found.event.sum() == sum(event)
    refuse_overlaps(found.row, found.entry_days, found.days, found.event)
    one = kaplan_meier(days, event)
    two = kaplan_meier(found.days, found.event, entry_days=found.entry_days)
    np.testing.assert_array_equal(one.survival, two.at(one.times)[0])


def test_rows_that_overlap_or_go_on_after_the_event_are_refused():
    with pytest.raises(SurvivalError, match="subject a: rows 0 and 2 overlap"):
        refuse_overlaps(["a", "b", "a"], [0, 0, 5], [10, 10, 20], [0, 1, 1])
    with pytest.raises(SurvivalError, match="rows 0 and 1 go on after the event"):
        refuse_overlaps(["a", "a"], [0, 10], [10, 20], [1, 0])


def test_a_response_without_effect_seems_to_help_from_baseline_but_not_from_its_time():
    """Survival simulated without regard to response: its hazard ratio is one."""
    rng = np.random.default_rng(11)
    days, would = rng.exponential(300, 600), rng.exponential(300, 600)
    change = np.where(would < days, would, np.nan)
    event = np.ones(600)
    responded = pd.DataFrame({"response": (~np.isnan(change)).astype(float)})
    naive = cox(days, event, responded, group_known_days=change)
    assert naive.terms[0].upper < 0.7
    assert "immortal-time bias" in naive.notes[0]
    rows = split_at_change(days, event, change)
    timed = cox(
        rows.days,
        rows.event,
        pd.DataFrame({"response": rows.changed.astype(float)}),
        entry_days=rows.entry_days,
        group_known_days=np.where(rows.changed, rows.entry_days, np.nan),
    )
    assert timed.terms[0].lower < 1 < timed.terms[0].upper
    assert timed.notes == ()
    cohort = landmark(days, event, 90)
    state = state_at_landmark(change, 90)[cohort.kept]
    known = np.zeros(state.size)
    test = compare_survival(cohort.days, cohort.event, state, group_known_days=known).test
    assert test.p_value > 0.05
    assert test.note == ""


def test_groups_known_at_the_beginning_are_not_warned_of():
    assert immortal_time_note([0, -5, np.nan]) == ""
    assert "1 of 3 subjects was known only up to 40 days" in immortal_time_note([0, 40, np.nan])
