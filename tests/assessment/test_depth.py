"""Early shrinkage and depth of response of single patients."""

import numpy as np
import pytest

from assessment.code import NONE, NOT_MEASURED, RESPONSES
from assessment.depth import best_change, depth_of_response, early_shrinkage
from assessment.policy import PolicySet
from assessment.sums import sum_targets

POLICY = PolicySet("default").values_for("mrecist")
NEXT = {"ets_incomplete_first_followup": "next_complete"}
NO_BASELINE = "hepatic sum at baseline is zero or not complete"
INCOMPLETE = "hepatic targets not all measured at the first follow-up"
NEVER = "hepatic targets never all measured after baseline"


def patient(*lesions, visits=None):
    """Return the sums of targets in hundredths of a mm, None where not measured, and the visits."""
    lengths = [[NOT_MEASURED if cell is None else cell for cell in row] for row in lesions]
    value = np.array(lengths or [[0, 0]], dtype=np.int64, order="F")
    target = np.full(len(value), bool(lesions))
    bounds = np.array([0, len(value)])
    sums = sum_targets(value, value == 0, target, bounds, reappears_from=1000)
    exists = np.array([visits or [True] * value.shape[1]])
    return sums, exists


def told(depth):
    """Return decrease and baseline, the visit, and the reason; None without an answer."""
    reason = depth.reason.text[0]
    if not depth.known[0]:
        assert not depth.early_shrinkage[0]
        return None, reason
    return int(depth.decrease[0]), int(depth.baseline[0]), int(depth.rank[0]), reason


@pytest.mark.parametrize(
    ("lengths", "decrease", "early", "reason"),
    [
        ([5000, 4000], 1000, False, "-20.0 % at the first follow-up"),  # not strictly more
        ([5000, 3999], 1001, True, "-20.02 % at the first follow-up"),
        ([5000, 4001], 999, False, "-19.98 % at the first follow-up"),
        ([5000, 4500, 1000], 500, False, "-10.0 % at the first follow-up"),
        ([5000, 5500], -500, False, "+10.0 % at the first follow-up"),
        ([5000, 0], 5000, True, "-100.0 % at the first follow-up"),
        ([1, 0], 1, True, "-100.0 % at the first follow-up"),
    ],
)
def test_early_shrinkage_is_strictly_more_than_20_percent_at_the_first_follow_up(
    lengths, decrease, early, reason
):
    sums, exists = patient(lengths)
    found = early_shrinkage(sums, exists, POLICY)
    assert told(found) == (decrease, lengths[0], 1, reason)
    assert found.early_shrinkage.tolist() == [early]
    assert told(early_shrinkage(sums, exists, {**POLICY, **NEXT})) == told(found)


@pytest.mark.parametrize(
    ("lesions", "visits", "first", "later"),
    [
        ([[5000, None, 3000]], None, INCOMPLETE, (2000, 5000, 2)),
        ([[5000, 4000, 3000], [3000, None, 2000]], None, INCOMPLETE, (3000, 8000, 2)),
        ([[5000, None]], None, INCOMPLETE, None),
        ([[5000, None]], [True, False], "no follow-up", None),
        ([[5000]], None, "no follow-up", None),
        ([[0, 4000]], None, NO_BASELINE, None),
        ([[None, 4000]], None, NO_BASELINE, None),
        ([[5000, 4000], [None, 300]], None, NO_BASELINE, None),
        ([], None, "no hepatic target", None),
    ],
)
def test_without_a_complete_sum_at_either_visit_there_is_no_early_shrinkage(
    lesions, visits, first, later
):
    sums, exists = patient(*lesions, visits=visits)
    assert told(early_shrinkage(sums, exists, POLICY)) == (None, first)
    found = told(early_shrinkage(sums, exists, {**POLICY, **NEXT}))
    assert found == (None, first) if later is None else found[:3] == later


def responses(words):
    return np.array([[NONE, *(RESPONSES.index(word) for word in words.split())]])


def depth(lesions, words, *, eligible=True, visits=None, **policy):
    sums, exists = patient(*lesions, visits=visits)
    given = sums, responses(words), exists
    rules = {**POLICY, **policy}
    change = best_change(*given, rules)
    return told(depth_of_response(*given, np.array([eligible]), rules)), told(change)


@pytest.mark.parametrize(
    ("lengths", "words", "answer"),
    [
        ([5000, 4000, 3000, 3500], "SD PR PR", (2000, 5000, 2)),
        ([5000, 3000, 3000], "PR PR", (2000, 5000, 1)),  # the first of equals
        ([5000, 6000, 5500], "SD SD", (-500, 5000, 2)),
        ([5000, 4000, 3000, 1000], "SD PD SD", (2000, 5000, 2)),  # up to and with first PD
        ([5000, 4000, 1000], "PD SD", (1000, 5000, 1)),
        ([5000, 0], "CR", (5000, 5000, 1)),
        ([5000, None, 4000], "NE SD", (1000, 5000, 2)),
        ([1, 0], "CR", (1, 1, 1)),
    ],
)
def test_depth_is_the_largest_decrease_up_to_first_pd(lengths, words, answer):
    found, change = depth([lengths], words)
    assert found[:3] == answer
    assert change == (*answer, "")
    sign = "-" if answer[0] > 0 else "+"
    percent = 100 * abs(answer[0]) / answer[1]
    assert found[3] == f"{sign}{percent:.1f} % from baseline"


def test_depth_may_go_on_past_first_pd_by_policy_but_the_best_change_does_not():
    found, change = depth([[5000, 4000, 1000]], "PD SD", dpr_until="end")
    assert found[:3] == (4000, 5000, 2)
    assert change[:3] == (1000, 5000, 1)


@pytest.mark.parametrize(
    ("lesions", "words", "visits", "reason"),
    [
        ([[5000, None]], "NE", None, NEVER),
        ([[5000, 4000, 3000], [1000, None, None]], "NE NE", None, NEVER),
        ([[5000, 4000]], "SD", [True, False], NEVER),
        ([[0, 4000]], "NE", None, NO_BASELINE),
        ([[None, 4000]], "NE", None, NO_BASELINE),
        ([], "SD", None, "no hepatic target"),
    ],
)
def test_without_complete_sums_there_is_no_depth(lesions, words, visits, reason):
    found, change = depth(lesions, words, visits=visits)
    assert found == (None, reason)
    assert change == (None, "")


def test_depth_is_of_the_eligible_the_best_change_of_everybody():
    found, change = depth([[5000, 4000]], "SD", eligible=False)
    assert found == (None, "no disease control")
    assert change == (1000, 5000, 1, "")
