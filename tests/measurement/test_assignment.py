"""Who goes with whom at the least cost."""

from itertools import permutations

import numpy as np
import pytest

from measurement.assignment import gated_assignment


def totals_by_trying(cost, alone, without=None):
    """Least total over every way to pair rows with columns or nobody, but for one pairing."""
    rows, columns = cost.shape
    best = np.inf
    for chosen in permutations([*range(columns), *[None] * rows], rows):
        pairs = {(i, j) for i, j in enumerate(chosen)}
        pairs |= {(None, j) for j in range(columns) if j not in chosen}
        if without in pairs:
            continue
        best = min(best, sum(alone if None in pair else cost[pair] for pair in pairs))
    return best


@pytest.mark.parametrize("seed", range(12))
def test_total_and_margins_are_those_of_trying_every_way(seed):
    rng = np.random.default_rng(seed)
    cost = rng.uniform(0.0, 3.0, (int(rng.integers(1, 4)), int(rng.integers(1, 4))))
    cost[rng.random(cost.shape) < 0.2] = np.inf
    found = gated_assignment(cost, alone=1.0)
    best = totals_by_trying(cost, 1.0)
    assert sum(one.cost for one in found) == pytest.approx(best)
    for one in found:
        other = totals_by_trying(cost, 1.0, (one.row, one.column))
        if np.isinf(other):
            assert one.margin is None
        else:
            assert one.margin == pytest.approx(other - best)


def test_everyone_appears_once():
    found = gated_assignment(np.array([[0.2, 0.3, 5.0], [0.1, 0.9, 5.0]]), alone=1.0)
    assert [(one.row, one.column) for one in found] == [(0, 1), (1, 0), (None, 2)]


def test_a_pair_that_costs_more_than_two_alone_never_goes_together():
    [one, other] = gated_assignment(np.array([[2.01]]), alone=1.0)
    assert (one.row, one.column, other.row, other.column) == (0, None, None, 0)
    assert one.margin == other.margin == pytest.approx(0.01)


def test_two_equal_answers_have_no_margin():
    found = gated_assignment(np.full((2, 2), 0.5), alone=1.0)
    assert [one.margin for one in found] == [0.0, 0.0]


@pytest.mark.parametrize("shape", [(0, 2), (2, 0), (0, 0)])
def test_with_nobody_on_one_side_all_stay_alone_and_nothing_else_can_be(shape):
    found = gated_assignment(np.zeros(shape), alone=1.0)
    assert len(found) == sum(shape)
    assert all(one.margin is None for one in found)


def test_a_cost_that_is_not_a_number_is_refused():
    with pytest.raises(ValueError, match="negative or not a number"):
        gated_assignment(np.array([[np.nan]]), alone=1.0)
