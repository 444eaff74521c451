"""Sums of single lesions, visit by visit, and what is looked for in them."""

import numpy as np
import pytest

from assessment.code import NO_DAY, NOT_MEASURED
from assessment.response import Setting
from assessment.sums import (
    NO_SUM,
    count_targets,
    large_again,
    lowest_before,
    sum_targets,
    target_flags,
    vanished_before,
)

LEAST = 1000
MISSING = NOT_MEASURED


def rows(*values):
    return np.array(values, dtype=np.int64, order="F")


@pytest.mark.parametrize(
    ("lengths", "gone", "again"),
    [
        ([3000, 0, 1000], "ngn", True),  # vanished, and 10.0 mm again
        ([3000, 0, 999], "ngn", False),
        ([3000, 0, MISSING, 1000], "ngnn", True),
        ([0, 1000], "gn", True),
        ([3000, 2000, 1000], "nnn", False),  # never vanished
        ([3000, 1000], "nn", False),
        ([2000, 800, 1200], "ngn", False),  # a node of 8 mm is normal, but has not vanished
        ([2000, 0, 1200], "nnn", False),  # not called gone: nothing came back
        ([2000, 0, 1200, 1200], "ngnn", True),
    ],
)
def test_a_vanished_target_is_large_again_from_a_length(lengths, gone, again):
    value, left = rows(lengths), np.array([[word == "g" for word in gone]])
    found = large_again(value, left, value, LEAST)
    assert bool(found[0, -1]) == again
    assert not found[0, 0]


def test_only_a_lesion_that_is_there_is_large_again_whatever_its_other_length_is():
    gone = np.array([[False, True, False], [False, True, True], [False, True, False]])
    value = rows([3000, 0, MISSING], [3000, 0, 800], [3000, 0, 500])
    length = np.full_like(value, 1200)
    assert large_again(value, gone, length, LEAST).tolist() == [
        [False, False, False],  # not measured
        [False, False, False],  # a node under 10 mm
        [False, False, True],
    ]


def test_a_lesion_has_vanished_once_it_was_there_and_then_gone():
    present = np.array([[1, 0, 0, 1], [0, 0, 1, 1], [1, 0, 1, 1]], dtype=bool)
    gone = np.array([[0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]], dtype=bool)
    assert vanished_before(present, gone).tolist() == [
        [False, False, True, True],
        [False, False, False, False],  # gone from the start: it had never been there
        [False, False, False, False],  # not measured is not gone
    ]


def test_the_nadir_is_the_smallest_sum_before_the_baseline_included():
    total = rows([50, 40, 60, 30], [50, 40, 60, 30], [70, 20, 10, 5])
    eligible = np.array([[True] * 4, [False, False, True, True], [True, False, True, True]])
    assert lowest_before(total, eligible).tolist() == [
        [50, 50, 40, 40],
        [NO_SUM, NO_SUM, NO_SUM, 60],
        [70, 70, 70, 10],
    ]


def summed(values, gone, **options):
    """Return the sums of one case whose lesions are all targets."""
    value = rows(*values)
    left = np.array([[word == "g" for word in words] for words in gone])
    target = np.full(len(value), True)
    rules = {"reappears_from": LEAST, **options}
    return sum_targets(value, left, target, np.array([0, len(value)]), **rules)


def test_sums_of_targets_measured_gone_and_missing():
    found = summed([[2000, 0, 800, MISSING], [1500, 900, 0, 700]], ["nggn", "nggn"])
    assert found.total.tolist() == [[3500, 900, 800, 700]]
    assert found.n_measured.tolist() == [[2, 2, 2, 1]]
    assert found.n_expected.tolist() == [2]
    assert found.complete.tolist() == [[True, True, True, False]]
    assert found.all_gone.tolist() == [[False, True, True, False]]
    assert found.any_present.tolist() == [[True, False, False, True]]
    assert found.returned.tolist() == [[False, False, False, True]]
    assert found.returned_large.tolist() == [[False, False, False, False]]
    assert found.baseline.tolist() == [3500]


def test_one_target_alone_is_all_of_them():
    found = summed([[2000, 0, 1200]], ["ngn"])
    assert found.all_gone.tolist() == [[False, True, False]]
    assert found.any_present.tolist() == [[True, False, True]]
    assert found.returned.tolist() == [[False, False, True]]
    assert found.returned_large.tolist() == [[False, False, True]]


def test_the_sums_of_some_targets_are_those_of_all_less_the_others():
    value = rows([2000, 0, 1200], [1500, 900, 700], [1000, 1250, MISSING], [400, 300, 300])
    gone = np.array([[0, 1, 0], [0, 1, 1], [0, 0, 0], [0, 0, 0]], dtype=bool)
    bounds = np.array([0, 3, 4])
    flags = target_flags(value, gone, bounds, reappears_from=LEAST, lesion_percent=25)
    everyone, some = np.full(4, True), np.array([True, False, False, True])
    whole, part, others = (
        count_targets(value, flags, member, bounds) for member in (everyone, some, ~some)
    )
    rest = whole.without(part)
    np.testing.assert_array_equal(rest.total, [[2500, 2150, 700], [0, 0, 0]])
    np.testing.assert_array_equal(rest.n, [2, 0])
    for found, want in zip(rest.flags, others.flags, strict=True):
        np.testing.assert_array_equal(found, want)
    assert rest.sums.complete.tolist() == [[True, True, False], [True, True, True]]


def test_without_a_target_nothing_is_gone_and_a_baseline_not_measured_has_no_sum():
    value, gone = rows([2000, 0]), np.array([[False, True]])
    none = sum_targets(value, gone, np.array([False]), np.array([0, 1]), reappears_from=LEAST)
    assert none.all_gone.tolist() == [[False, False]]
    assert none.total.tolist() == [[0, 0]]
    assert none.baseline.tolist() == [0]
    assert summed([[MISSING, 900]], ["nn"]).baseline.tolist() == [NO_SUM]
    assert NO_SUM == -1


@pytest.mark.parametrize(
    ("lengths", "grown"),
    [
        ([1000, 1250], True),  # exactly 25 %
        ([1000, 1249], False),
        ([1000, 800, 1000], True),  # from its own smallest value
        ([1000, 800, 999], False),
        ([0, 1000], False),  # from nothing there is no percentage
        ([1000, MISSING, 1250], True),
        ([1000, 1250, MISSING], False),
        ([1, 2], True),
        ([4, 5], True),
        ([4, 4], False),
    ],
)
def test_a_single_target_grows_by_a_percentage_of_its_own_smallest_value(lengths, grown):
    found = summed([lengths], ["n" * len(lengths)], lesion_percent=25)
    assert bool(found.grown[0, -1]) == grown
    assert not summed([lengths], ["n" * len(lengths)]).grown.any()


def test_a_setting_repeated_stands_once_for_each_draw():
    flags = np.array([[True, False], [True, True]])
    codes = np.array([[0, 1], [2, 0]])
    setting = Setting(
        criteria=None, policy={}, exists=flags, baseline_known=flags[:, 1],
        no_target_is_ne=flags[:, 0], day=np.array([[1, NO_DAY], [2, 3]]), attenuation=codes,
    )  # fmt: skip
    three = setting.repeated(3)
    for name in ("exists", "baseline_known", "no_target_is_ne", "day", "attenuation"):
        want = np.concatenate([getattr(setting, name)] * 3)
        np.testing.assert_array_equal(getattr(three, name), want)
        np.testing.assert_array_equal(
            getattr(setting.chosen(np.array([1])), name), getattr(setting, name)[1:]
        )
