"""Restricted means against R's survfit (fixtures/r/restricted_means.csv)."""

import numpy as np
import pytest

from stats.event_time import SurvivalError
from stats.restricted_mean import restricted_mean, restricted_mean_difference
from stats.survival import kaplan_meier

from .golden import data_of, golden


@pytest.mark.parametrize(
    "want", list(golden("restricted_means").itertuples()), ids=lambda w: f"{w.case} {w.tau:g}"
)
def test_a_restricted_mean_and_its_error_are_those_of_r(want):
    """Own error: lifelines' is 9 to 25 times too large."""
    data = data_of(want.case)
    curve = kaplan_meier(data.days, data.event, entry_days=data.get("entry"))
    found = restricted_mean(curve, want.tau)
    np.testing.assert_allclose(
        [found.estimate_days, found.standard_error_days],
        [want.mean, want.se],
        rtol=1e-9,
        atol=1e-12,
    )


def test_without_censoring_it_is_the_mean_of_times_cut_at_the_horizon():
    days = np.array([3, 5, 5, 8, 13, 21, 34])
    found = restricted_mean(kaplan_meier(days, [1] * 7), 10)
    cut = np.minimum(days, 10)
    assert found.estimate_days == pytest.approx(cut.mean())
    assert found.standard_error_days == pytest.approx(cut.std() / np.sqrt(7))


def test_a_difference_has_the_errors_of_both_and_swaps_its_sign():
    data = data_of("trial")
    one, two = (
        kaplan_meier(data.days[data.group == g], data.event[data.group == g]) for g in (1, 2)
    )
    there, back = (
        restricted_mean_difference(one, two, 600), restricted_mean_difference(two, one, 600),
    )  # fmt: skip
    errors = [restricted_mean(curve, 600).standard_error_days for curve in (one, two)]
    assert there.standard_error_days == pytest.approx(np.hypot(*errors))
    assert there.estimate_days == -back.estimate_days
    assert there.lower_days == -back.upper_days
    assert there.p_value == back.p_value
    assert (there.p_value < 0.05) == (there.lower_days > 0 or there.upper_days < 0)


def test_a_horizon_beyond_the_follow_up_is_refused():
    with pytest.raises(SurvivalError, match="beyond the last observation at 4"):
        restricted_mean(kaplan_meier([2, 4], [1, 0]), 5)
    assert restricted_mean(kaplan_meier([2, 4], [1, 1]), 5).estimate_days == 3
    with pytest.raises(SurvivalError, match="not positive"):
        restricted_mean(kaplan_meier([2, 4], [1, 0]), 0)
