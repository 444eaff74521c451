"""The target response of a visit against its rules written out once more, one case at a time."""

import itertools

import numpy as np
import pytest

from assessment.attenuation import FALLEN, NOT_FALLEN, UNKNOWN
from assessment.code import CR, NA, NE, NO_DAY, PD, PR, SD
from assessment.criteria import load_criteria
from assessment.policy import PolicySet
from assessment.response import (
    BY_ATTENUATION,
    BY_LESION,
    BY_RETURN,
    BY_RETURN_AFTER_CR,
    BY_RETURN_LARGE,
    BY_SUM,
    CARRIED,
    NO_ATTENUATION,
    NonTargets,
    Setting,
    assess_timepoints,
)
from assessment.sums import NO_SUM, Sums

CASES, VISITS = 300, 4
PERCENT = {"recist_1_1": (30, 20), "mrecist": (30, 20), "choi": (10, 10), "easl": (50, 25)}
"""Least decrease and increase, as the rule sets are published."""

BASES = [0, 1, NO_SUM, 700, 1000, 2000, 2500, 10000]
FACTORS = [0.0, 0.5, 0.69, 0.7, 0.71, 0.9, 0.91, 1.0, 1.1, 1.19, 1.2, 1.25, 1.5]
STEPS = [-1, 0, 0, 0, 1, 500]
CHOICES = [
    {"zero_nadir": zero, "pd_unit": unit, "reappearance": back, "pd_despite_missing": missing}
    | {"pr_carry_forward": carry, "nadir_from": nadir}
    for zero, unit, back, (missing, carry, nadir) in itertools.product(
        ["from_10_mm", "sum_rule"],
        ["sum", "lesion"],
        ["pd_after_overall_cr", "pd_after_lesion_cr", "sum"],
        [("yes", "recompute", "any"), ("no", "always", "complete")],
    )
]


def drawn(rng):
    """Sums of random cases, near cut-offs as often as not; what they say need not go together."""
    baseline = rng.choice(BASES, CASES)
    start = np.maximum(baseline, 0)
    total = np.zeros((CASES, VISITS), dtype=np.int64)
    total[:, 0] = start
    for rank in range(1, VISITS):
        before = np.where(rng.random(CASES) < 0.5, start, total[:, rank - 1])
        moved = np.rint(before * rng.choice(FACTORS, CASES)).astype(np.int64)
        total[:, rank] = np.maximum(moved + rng.choice(STEPS, CASES), 0)
    often, seldom = rng.random((2, CASES, VISITS, 4))
    expected = rng.integers(0, 3, CASES)
    complete = often[..., 0] < 0.8
    measured = np.where(complete, expected[:, None], rng.integers(0, 2, (CASES, VISITS)))
    sums = Sums(
        total=total,
        n_measured=measured,
        n_expected=expected,
        complete=complete,
        all_gone=seldom[..., 0] < 0.1,
        any_present=often[..., 1] < 0.8,
        returned=seldom[..., 1] < 0.15,
        returned_large=seldom[..., 2] < 0.15,
        grown=seldom[..., 3] < 0.15,
        baseline=baseline,
    )
    attenuation = rng.choice([FALLEN, NOT_FALLEN, UNKNOWN], (CASES, VISITS))
    return sums, attenuation


def nadir_before(sums, case, rank, setting):
    """Return the smallest sum before a visit that counts; None where none does."""
    found = []
    for earlier in range(rank):
        counts = sums.complete[case, earlier] and sums.n_expected[case] > 0
        if setting.policy["nadir_from"] == "any":
            counts = sums.n_measured[case, earlier] > 0
        if counts and setting.exists[case, earlier]:
            found.append(int(sums.total[case, earlier]))
    return min(found, default=None)


def progression(sums, case, rank, nadir, after_cr, setting, name):
    """Return why the targets of one case have progressed; None if they have not."""
    policy, total = setting.policy, int(sums.total[case, rank])
    if nadir is not None:
        grown_by = total - nadir
        enough = grown_by > 0 and 100 * grown_by >= PERCENT[name][1] * nadir
        if name == "recist_1_1":
            enough = enough and grown_by >= 500  # 5 mm
        if name == "easl" and policy["pd_unit"] == "lesion" and nadir > 0:
            enough = False  # each lesion is judged against its own nadir
        if policy["zero_nadir"] == "from_10_mm" and nadir == 0:
            enough = False
        if enough:
            return BY_SUM
    if (
        policy["reappearance"] == "pd_after_overall_cr"
        and after_cr
        and sums.any_present[case, rank]
    ):
        return BY_RETURN_AFTER_CR
    if policy["reappearance"] == "pd_after_lesion_cr" and sums.returned[case, rank]:
        return BY_RETURN
    if policy["zero_nadir"] == "from_10_mm" and nadir == 0 and sums.returned_large[case, rank]:
        return BY_RETURN_LARGE
    return BY_LESION if sums.grown[case, rank] else None


def expected(sums, case, rank, attenuation, earlier, setting, name):
    """Return the target response of one case at one visit, and what decided it.

    None stands for what nobody asks: without a baseline or a target the reason says only that.
    """
    if not setting.baseline_known[case]:
        return NE, None
    if sums.n_expected[case] == 0:
        return (NE if setting.no_target_is_ne[case] else NA), None
    if sums.baseline[case] <= 0:
        return NE, 0
    return by_rules(sums, case, rank, attenuation, earlier, setting, name)


def by_rules(sums, case, rank, attenuation, earlier, setting, name):
    """Return the same where there is a sum at baseline."""
    policy, baseline = setting.policy, int(sums.baseline[case])
    soft = attenuation[case, rank] if name == "choi" else NOT_FALLEN
    nadir = nadir_before(sums, case, rank, setting)
    why = progression(sums, case, rank, nadir, CR in earlier, setting, name)
    by_size = why in (BY_SUM, BY_LESION)
    shrunk = 100 * (baseline - int(sums.total[case, rank])) >= PERCENT[name][0] * baseline
    missing = not sums.complete[case, rank]
    if sums.all_gone[case, rank]:
        return (NE, 0) if missing else (CR, 0)
    if why is not None and not (by_size and soft == FALLEN):
        if missing and policy["pd_despite_missing"] == "no":
            return NE, 0
        return (NE, NO_ATTENUATION) if by_size and soft == UNKNOWN else (PD, why)
    if missing:
        return NE, 0
    if shrunk or soft == FALLEN:
        return PR, (0 if shrunk else BY_ATTENUATION)
    if soft == UNKNOWN:
        return NE, NO_ATTENUATION
    if policy["pr_carry_forward"] == "always" and responded(earlier):
        return PR, CARRIED
    return SD, 0


def responded(earlier):
    """Return whether a response is the last that was said of response and progression."""
    last = [code for code in earlier if code in (CR, PR, PD)]
    return bool(last) and last[-1] != PD


@pytest.mark.parametrize("name", PERCENT)
@pytest.mark.parametrize("number", range(len(CHOICES)))
def test_each_target_response_follows_from_the_rules_one_by_one(name, number):
    rng = np.random.default_rng([number, len(name)])
    sums, attenuation = drawn(rng)
    policy = dict(PolicySet().values_for(name)) | CHOICES[number]
    if name == "recist_1_1":
        assert policy["pd_absolute_mm"] == "5"
    setting = Setting(
        load_criteria(name), policy,
        exists=rng.random((CASES, VISITS)) < 0.9, baseline_known=rng.random(CASES) < 0.95,
        no_target_is_ne=rng.random(CASES) < 0.5,
        day=np.full((CASES, VISITS), NO_DAY), attenuation=attenuation if name == "choi" else None,
    )  # fmt: skip
    none = np.zeros((CASES, VISITS), dtype=np.int64)
    found = assess_timepoints(
        sums, NonTargets(np.zeros(CASES, dtype=np.int64), none, none, none, none), none, setting
    )
    for case, rank in itertools.product(range(CASES), range(1, VISITS)):
        if not setting.exists[case, rank]:
            continue
        earlier = [int(c) for c, is_there in zip(found.overall[case, 1:rank],
                   setting.exists[case, 1:rank], strict=True) if is_there]  # fmt: skip
        target, why = expected(sums, case, rank, attenuation, earlier, setting, name)
        assert int(found.target[case, rank]) == target, (case, rank)
        if why is not None:
            assert int(found.cause[case, rank]) == why, (case, rank)
