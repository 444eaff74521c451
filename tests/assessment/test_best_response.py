"""The best response of single patients, visit by visit, with its reason."""

import numpy as np
import pytest

from assessment.best_response import (
    best_codes,
    best_response,
    confirmed,
    confirmed_best_response,
    until_progression,
)
from assessment.code import CR, NO_DAY, NONE, PR, RESPONSES
from assessment.policy import PolicySet

START = 1000
POLICY = PolicySet("default").values_for("mrecist")
BEST = "best response up to first PD"
EARLY = "SD only within 42 days of the start, and no PD after it"
EARLY_PD = "SD only within 42 days of the start, then PD"
ONLY_PD = "PD without a better response before it"
UNCONFIRMED = "a response that was not confirmed"
NO_ASSESSMENT = "no assessment after baseline"
NOT_EVALUABLE = "no evaluable assessment after baseline"
NO_DATES = "no_dates: the minimum interval for SD was not applied"


def patient(visits):
    """Return codes and days behind `PR@60 -@90 PD@120`; `-` is a visit that is not there."""
    words = [visit.split("@") for visit in visits.split()]
    overall = [NONE, *(NONE if word == "-" else RESPONSES.index(word) for word, _ in words)]
    days = [START, *(NO_DAY if word == "-" else START + int(day) for word, day in words)]
    return np.array([overall], dtype=np.int8, order="F"), np.array([days], order="F")


def answer(visits, *, confirm=False, dated=True, without_target=False, **policy):
    """Return the word of the best response and its reason."""
    overall, day = patient(visits)
    if not dated:
        day = np.full_like(day, NO_DAY)
    given = overall, day, np.array([START if dated else NO_DAY]), {**POLICY, **policy}
    known = np.array([dated])
    if confirm:
        none = np.array([without_target])
        best = confirmed_best_response(*given, dated=known, without_target=none)
    else:
        best = best_response(*given, dated=known)
        np.testing.assert_array_equal(best.code, best_codes(*given, dated=known))
    return RESPONSES[best.code[0]], best.reason.text[0]


@pytest.mark.parametrize(
    ("visits", "best", "reason"),
    [
        ("SD@42", "SD", BEST),
        ("SD@41", "NE", EARLY),
        ("SD@41 SD@42", "SD", BEST),
        ("SD@41 PD@60", "PD", EARLY_PD),
        ("SD@41 NE@60", "NE", EARLY),
        ("SD@60 PD@90 CR@120", "SD", BEST),  # nothing after first PD counts
        ("PD@60 SD@90", "PD", ONLY_PD),
        ("PD@60 SD@41", "PD", ONLY_PD),  # the SD lies behind the PD
        ("NE@60 PD@90", "PD", ONLY_PD),
        ("NED@60 PD@90", "PD", ONLY_PD),
        ("NED@60", "NED", BEST),
        ("NED@60 NE@90", "NED", BEST),
        ("PR@30 SD@60", "PR", BEST),
        ("SD@60 PR@90 CR@120 PD@150", "CR", BEST),
        ("CR@30", "CR", BEST),  # only SD needs an interval
        ("NON-CR/NON-PD@42", "NON-CR/NON-PD", BEST),
        ("NON-CR/NON-PD@41", "NE", EARLY),
        ("NON-CR/NON-PD@41 PD@60", "PD", EARLY_PD),
        ("NON-CR/NON-PD@60 CR@90", "CR", BEST),
        ("NE@60", "NE", NOT_EVALUABLE),
        ("NE@60 -@90", "NE", NOT_EVALUABLE),
        ("-@60", "NE", NO_ASSESSMENT),
        ("", "NE", NO_ASSESSMENT),
    ],
)
def test_the_best_up_to_first_pd_where_sd_lasts_long_enough(visits, best, reason):
    assert answer(visits) == (best, reason)


@pytest.mark.parametrize(
    ("visits", "best", "reason"),
    [
        ("CR@60 CR@88", "CR", BEST),
        ("CR@60 CR@87", "SD", UNCONFIRMED),
        ("CR@60 CR@87 CR@88", "CR", BEST),
        ("CR@60 NE@74 CR@88", "CR", BEST),
        ("CR@60 NE@70 NE@80 CR@88", "SD", UNCONFIRMED),
        ("CR@60 PR@74 CR@88", "SD", UNCONFIRMED),  # PR lies between the CR; PR to CR: 14 days
        ("PR@60 CR@74 PR@88", "PR", BEST),
        ("PR@60 PR@88", "PR", BEST),
        ("PR@60 CR@88", "PR", BEST),
        ("PR@60 SD@74 PR@88", "SD", BEST),  # no SD between two PR
        ("PR@60 NE@74 PR@88", "PR", BEST),
        ("PR@60 NE@70 NE@80 PR@88", "SD", UNCONFIRMED),
        ("PR@60 SD@88", "SD", BEST),
        ("PR@60 PD@88 PR@116 PR@144", "SD", UNCONFIRMED),
        ("PR@42", "SD", UNCONFIRMED),
        ("PR@41", "NE", EARLY),
        ("PR@41 PD@60", "PD", EARLY_PD),
        ("CR@41 PD@60", "PD", EARLY_PD),
        ("CR@41", "NE", EARLY),
    ],
)
def test_a_response_counts_once_a_second_one_confirms_it(visits, best, reason):
    assert answer(visits, confirm=True) == (best, reason)


def test_in_non_target_disease_an_unconfirmed_cr_is_non_cr_non_pd():
    given = {"confirm": True, "without_target": True}
    assert answer("CR@60", **given) == ("NON-CR/NON-PD", UNCONFIRMED)
    assert answer("CR@60 CR@88", **given) == ("CR", BEST)
    assert answer("NON-CR/NON-PD@60", **given) == ("NON-CR/NON-PD", BEST)
    assert answer("PD@60", **given) == ("PD", ONLY_PD)


def test_an_sd_after_progression_does_not_stand_for_a_response_that_was_not_confirmed():
    assert answer("PR@60 PD@90 SD@120", confirm=True) == ("SD", UNCONFIRMED)


def test_without_dates_the_interval_is_not_applied_and_nothing_is_confirmed():
    assert answer("SD@1", dated=False) == ("SD", NO_DATES)
    assert answer("NON-CR/NON-PD@1", dated=False) == ("NON-CR/NON-PD", NO_DATES)
    assert answer("PR@1", dated=False) == ("PR", BEST)
    assert answer("PD@1", dated=False) == ("PD", ONLY_PD)
    assert answer("SD@1", dated=False, confirm=True) == ("SD", NO_DATES)
    assert answer("PR@1 PR@2", dated=False, confirm=True) == ("SD", UNCONFIRMED)
    assert answer("PR@1 PR@2", dated=False, confirm=True, confirmation_days="0")[0] == "SD"


def test_a_response_does_not_confirm_itself():
    assert answer("CR@60", confirm=True, confirmation_days="0") == ("SD", UNCONFIRMED)
    assert answer("CR@60 CR@61", confirm=True, confirmation_days="0") == ("CR", BEST)


def test_the_minimum_interval_and_the_gaps_are_those_of_the_policies():
    assert answer("SD@20", sd_minimum_days="20") == ("SD", BEST)
    early = "SD only within 21 days of the start, and no PD after it"
    assert answer("SD@20", sd_minimum_days="21") == ("NE", early)
    two = {"confirm": True, "ne_during_confirmation": "2"}
    assert answer("CR@60 NE@70 NE@80 CR@88", **two) == ("CR", BEST)
    assert answer("CR@60 NE@74 CR@88", confirm=True, ne_during_confirmation="0")[0] == "SD"


def test_visits_count_up_to_and_including_first_pd():
    overall, _ = patient("SD@30 NE@60 PD@90 CR@120 PD@150 -@180")
    assert until_progression(overall).tolist() == [[False, True, True, True, False, False, False]]


def test_a_confirmed_response_begins_where_a_later_one_confirms_it():
    overall, day = patient("PR@60 PR@80 CR@90 NE@100 CR@120 PD@150 PR@180 PR@240")
    both = confirmed(overall, day, POLICY, first=(CR, PR), second=(CR, PR))
    assert np.flatnonzero(both[0]).tolist() == [1, 2, 3]
    complete = confirmed(overall, day, POLICY, first=(CR,), second=(CR,))
    assert np.flatnonzero(complete[0]).tolist() == [3]
