"""Estimates of replicates: each is that of the study alone, by `kaplan_meier` and `cox`."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stats.event_time import SurvivalError
from stats.regression import cox
from stats.replicate import replicate_hazard_ratios, replicate_medians, spread
from stats.survival import kaplan_meier


def studies(seed, replicates, subjects, latest):
    random = np.random.default_rng(seed)
    days = random.integers(0, latest, (replicates, subjects)).astype(float)
    days[random.random(days.shape) < 0.1] = np.nan
    return days, random.random(days.shape) < 0.6, random.random(subjects) < 0.5


def ratio(days, event, group):
    known = ~np.isnan(days)
    if not event[known].any() or len(set(group[known])) < 2:
        return math.nan
    frame = pd.DataFrame({"group": np.where(group[known], "b", "a")})
    return cox(days[known], event[known], frame).terms[0].hazard_ratio


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 12), st.sampled_from([3, 8, 400]))
def test_medians_of_replicates_are_those_of_each_study_alone(seed, subjects, latest):
    days, event, _ = studies(seed, 5, subjects, latest)
    for found, own, seen in zip(replicate_medians(days, event), days, event, strict=True):
        known = ~np.isnan(own)
        alone = kaplan_meier(own[known], seen[known]).median().estimate if known.any() else math.nan
        if math.isnan(alone):
            assert found == (math.inf if known.any() else pytest.approx(math.nan, nan_ok=True))
        else:
            assert found == alone


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 30), st.sampled_from([3, 8, 400]))
def test_hazard_ratios_of_replicates_are_those_of_each_study_alone(seed, subjects, latest):
    days, event, group = studies(seed, 5, subjects, latest)
    for found, own, seen in zip(
        replicate_hazard_ratios(days, event, group), days, event, strict=True
    ):
        assert found == pytest.approx(ratio(own, seen, group), rel=1e-6, nan_ok=True)


def test_a_curve_flat_at_one_half_has_its_median_in_the_middle_of_the_stretch():
    days = np.array([[1.0, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4]])
    event = np.array([[1, 1, 0, 1], [1, 0, 0, 0], [1, 1, 0, 0]], dtype=bool)
    assert replicate_medians(days, event).tolist() == [3.0, math.inf, 2.0]


def test_limits_hold_the_share_asked_for_and_what_is_not_reached_is_largest():
    found = spread([math.nan, *range(1, 501), math.inf])
    assert (found.lower, found.middle, found.upper) == (13.0, 251.0, 489.0)
    assert (found.n, found.n_without) == (501, 1)
    never = spread([math.inf] * 3)
    assert (never.lower, never.middle, never.upper) == (math.inf,) * 3
    assert math.isnan(spread([math.nan]).middle)


@pytest.mark.parametrize(
    ("days", "words"), [([[-1.0]], "negative"), ([[np.inf]], "infinite"), ([1.0], "shape")]
)
def test_times_that_cannot_be_are_refused(days, words):
    with pytest.raises(SurvivalError, match=words):
        replicate_medians(np.array(days), np.ones(np.shape(days), dtype=bool))
    with pytest.raises(SurvivalError, match="level"):
        spread([1.0], level=2)
