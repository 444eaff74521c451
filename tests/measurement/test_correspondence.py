"""Which lesion is which: the cost, the proposals, and who must be asked."""

import math

import numpy as np
import pytest

from measurement.correspondence import (
    Given,
    MatchRule,
    Meeting,
    PlacedLesion,
    match_cost,
    propose_matches,
)


def lesions(*radii, place="liver"):
    return [
        PlacedLesion(name, radius, place) for name, radius in zip("ABCDEFGH", radii, strict=False)
    ]


def meeting(distance, shared):
    return Meeting(np.array(distance, float), np.array(shared, float))


def told(proposals):
    return [(p.earlier, p.later, p.relation, p.settled) for p in proposals]


def test_cost_is_distance_by_size_and_lost_overlap():
    rule = MatchRule(tolerance_mm=8.0)
    [[cost]] = match_cost(lesions(20.0), lesions(10.0), meeting([[5.0]], [[0.75]]), rule)
    assert cost == pytest.approx(5.0 / 20.0 + 0.25)
    [[small]] = match_cost(lesions(3.0), lesions(4.0), meeting([[4.0]], [[0.0]]), rule)
    assert small == pytest.approx(4.0 / 8.0 + 1.0)


def test_a_lesion_that_shrinks_in_place_loses_no_overlap_and_is_the_same():
    found = propose_matches(lesions(30.0), lesions(4.0), meeting([[12.0]], [[1.0]]))
    assert told(found) == [("A", "A", "same", True)]


def test_far_lesions_are_new_and_vanished():
    found = propose_matches(lesions(10.0), lesions(10.0), meeting([[60.0]], [[0.0]]))
    assert told(found) == [("A", "", "vanished", True), ("", "A", "new", True)]


def test_the_whole_decides_and_not_the_nearest():
    """A lies best on the first of the later ones, but then nobody is left for the second."""
    near = meeting([[2.4, 5.6], [3.2, 60.0]], [[1.0, 0.8], [0.9, 0.0]])
    found = propose_matches(lesions(8.0, 8.0), lesions(8.0, 8.0), near)
    assert [(p.earlier, p.later) for p in found if p.relation == "same"] == [("A", "B"), ("B", "A")]


def test_two_answers_that_are_nearly_as_good_wait_for_a_person():
    """Two alike lesions that may have changed places."""
    near = meeting([[6.0, 6.4], [6.2, 6.1]], [[0.4, 0.4], [0.4, 0.4]])
    found = propose_matches(lesions(8.0, 8.0), lesions(8.0, 8.0), near)
    assert [p.settled for p in found] == [False, False]
    assert all(p.margin < MatchRule().least_margin for p in found)


def test_lesions_of_different_organs_are_never_one():
    found = propose_matches(
        lesions(10.0), lesions(10.0, place="spleen"), meeting([[0.0]], [[1.0]])
    )  # fmt: skip
    assert told(found) == [("A", "", "vanished", True), ("", "A", "new", True)]


def test_a_second_outline_in_a_matched_lesion_may_be_a_fragment_and_waits():
    found = propose_matches(
        lesions(20.0), lesions(12.0, 8.0), meeting([[4.0, 14.0]], [[0.95, 0.9]])
    )  # fmt: skip
    assert told(found) == [("A", "A", "same", True), ("A", "B", "split", False)]


def test_a_lesion_that_another_has_covered_may_have_grown_into_it_and_waits():
    found = propose_matches(
        lesions(14.0, 6.0), lesions(20.0), meeting([[5.0], [15.0]], [[1.0], [0.9]])
    )  # fmt: skip
    assert told(found) == [("A", "A", "same", True), ("B", "A", "merged", False)]


def test_given_pairs_win_over_geometry():
    crossed = meeting([[0.0, 30.0], [30.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]])
    given = Given(same=frozenset({("A", "B")}))
    found = propose_matches(lesions(9.0, 9.0), lesions(9.0, 9.0), crossed, given=given)
    assert [(p.earlier, p.later, p.relation) for p in found if p.relation == "same"] == [
        ("A", "B", "same")
    ]
    never = Given(apart=frozenset({("A", "A"), ("B", "B")}))
    found = propose_matches(lesions(9.0, 9.0), lesions(9.0, 9.0), crossed, given=never)
    assert not any(p.relation == "same" for p in found)


def test_a_lesion_is_not_called_new_while_one_that_it_may_be_could_not_be_compared():
    unseen = meeting([[math.nan]], [[0.0]])
    found = propose_matches(lesions(9.0), lesions(9.0), unseen)
    assert told(found) == [("A", "", "vanished", False), ("", "A", "new", False)]
    other = propose_matches(lesions(9.0), lesions(9.0, place="spleen"), unseen)
    assert all(p.settled for p in other)


def test_names_and_order_of_the_visits_change_nothing():
    rng = np.random.default_rng(3)
    distance, shared = rng.uniform(0, 40, (5, 4)), rng.uniform(0, 1, (5, 4))
    one, two = lesions(5.0, 9.0, 14.0, 7.0, 20.0), lesions(6.0, 8.0, 15.0, 9.0)
    plain = propose_matches(one, two, Meeting(distance, shared))
    rows, columns = [3, 0, 4, 1, 2], [2, 0, 3, 1]
    mixed = propose_matches(
        [one[i] for i in rows], [two[j] for j in columns],
        Meeting(distance[np.ix_(rows, columns)], shared[np.ix_(rows, columns)]),
    )  # fmt: skip
    key = lambda p: (p.earlier, p.later, p.relation)  # noqa: E731
    for a, b in zip(sorted(plain, key=key), sorted(mixed, key=key), strict=True):
        assert key(a) == key(b)
        assert a.margin == pytest.approx(b.margin)
