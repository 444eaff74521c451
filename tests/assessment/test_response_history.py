"""What earlier visits of a patient leave behind for the response at the next one."""

import numpy as np
import pytest

from assessment.code import NO_DAY, RESPONSES
from assessment.policy import PolicySet
from assessment.response import _History

POLICY = PolicySet().values_for("recist_1_1")  # a confirmed PR is carried forward


def after_each(visits, **changes):
    """Return the history after each of `PR@60 CR@90x PR@?`; `x` is not there, `?` has no date."""
    history, found = _History.start(1, {**POLICY, **changes}), []
    for visit in visits.split():
        word, _, day = visit.partition("@")
        days = NO_DAY if day == "?" else int(day.rstrip("x"))
        code = np.array([RESPONSES.index(word)], dtype=np.int8)
        history.add(code, np.array([days]), np.array([not day.endswith("x")]))
        found.append(
            {
                name: bool(getattr(history, name)[0])
                for name in ("overall_cr", "progressed", "responded", "confirmed")
            }
        )
    return found


@pytest.mark.parametrize(
    ("visits", "confirmed"),
    [
        ("PR@60 PR@88", [False, True]),
        ("PR@60 PR@87", [False, False]),
        ("PR@60 PR@87 PR@88", [False, False, True]),
        ("CR@60 PR@88", [False, True]),
        ("PR@60 CR@88", [False, True]),
        ("PR@60 SD@74 PR@88", [False, False, False]),
        ("PR@60 SD@74 PR@88 PR@116", [False, False, False, True]),
        ("PR@60 NE@74 PR@88", [False, False, True]),
        ("PR@60 NE@70 NE@80 PR@88", [False, False, False, False]),
        ("PR@60 PR@88 SD@120 NE@150", [False, True, True, True]),
        ("PR@60 PR@88 PD@120 PR@130", [False, True, False, False]),
        ("PR@60 PR@88x", [False, False]),  # a visit that is not there says nothing
        ("PR@60 SD@74x PR@88", [False, False, True]),
        ("PR@60 NE@70 NE@80x PR@88", [False, False, False, True]),
        ("PR@60 PR@88 PD@120x", [False, True, True]),
        ("PR@? PR@?", [False, False]),
        ("PR@60 PR@?", [False, False]),
        ("SD@60 SD@88", [False, False]),
    ],
)
def test_a_response_is_confirmed_by_a_second_one_28_days_later(visits, confirmed):
    assert [state["confirmed"] for state in after_each(visits)] == confirmed


def test_no_response_confirms_itself():
    found = after_each("PR@60 PR@61", confirmation_days="0")
    assert [state["confirmed"] for state in found] == [False, True]


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("overall_cr", [False, True, True, True, True]),
        ("progressed", [False, False, False, True, True]),
        ("responded", [False, True, True, False, True]),
    ],
)
def test_responses_and_progression_are_remembered(name, states):
    visits = "SD@60 CR@88 SD@120 PD@150 PR@180"
    assert [state[name] for state in after_each(visits)] == states
    absent = " ".join(f"{visit}x" for visit in visits.split())
    assert not any(state[name] for state in after_each(absent))


UNKNOWN = "attenuation not known of every target: NE"
SOFTER = "attenuation fallen enough: PR"


@pytest.mark.parametrize(
    ("lesion", "response", "told", "silent"),
    [
        ("50/hu=100 50/hu=85", "PR", SOFTER, "policy"),
        ("50/hu=100 50/hu=85.1", "SD", ": SD", "attenuation"),
        ("50/hu=100 45/hu=100", "PR", ": PR", "attenuation"),
        ("50/hu=100 45/hu=85", "PR", ": PR", "attenuation"),  # by size already
        ("50/hu=100 45", "PR", ": PR", "attenuation"),
        ("50/hu=100 55/hu=100", "PD", ": PD", "attenuation"),
        ("50/hu=100 55/hu=85", "PR", SOFTER, "policy"),  # no PD where attenuation has fallen
        ("50/hu=100 55", "NE", UNKNOWN, "measured"),
        ("50/hu=100 50", "NE", UNKNOWN, "measured"),
        ("50/hu=100 0", "CR", "all targets gone", "attenuation"),
        ("50/hu=100 ne", "NE", "0 of 1 targets measured", "attenuation"),
    ],
)
def test_attenuation_is_told_where_it_decides(short, lesion, response, told, silent):
    found = short(f"L1 liver {lesion}", "0 60", criteria=("choi",)).responses.iloc[1]
    assert found["target_response"] == response
    assert told in found["reason"]
    assert silent not in found["reason"]
