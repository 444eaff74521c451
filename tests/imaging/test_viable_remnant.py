"""A necrotic ball that holds one viable ball: closed forms against counted points."""

import math

import numpy as np
import pytest

from imaging.solid import ShapeError
from imaging.viable_remnant import Remnant

SHAPE = Remnant(40.0, 18.0, (8.0, -3.0, 0.0), (5.0, -4.0, 1.0))


def counted(shape: Remnant, step: float = 0.5) -> tuple[float, float]:
    """Volumes in ml of whole and viable part, from points of a fine grid."""
    x, y, z = np.meshgrid(*[np.arange(-30, 30, step) + c for c in shape.centre_mm], indexing="ij")
    return tuple(
        float(inside(x, y, z).sum()) * step**3 / 1000
        for inside in (shape.inside_whole_at, shape.inside_viable_at)
    )


def test_volumes_are_those_of_counted_points():
    assert counted(SHAPE) == pytest.approx(
        (SHAPE.whole_volume_ml, SHAPE.viable_volume_ml), rel=0.01
    )


def test_the_viable_diameter_on_a_plane_is_that_of_the_disc_whatever_the_gap():
    for gap in (0.0, 2.0, math.inf):
        assert SHAPE.longest_viable_on_plane(1.0, gap) == 18.0
        assert SHAPE.longest_viable_on_plane(1.0 + 5.4, gap) == pytest.approx(
            2 * math.sqrt(81 - 29.16)
        )
        assert SHAPE.longest_viable_on_plane(1.0 + 9.1, gap) == 0.0
    assert SHAPE.viable_area_on_plane(1.0) == pytest.approx(math.pi * 81)
    assert SHAPE.longest_whole_on_plane(1.0) == 40.0


def test_points_of_the_viable_ball_are_viable_and_the_rest_is_necrotic():
    points = [(13.0, -7.0, 1.0), (13.0, -7.0, 9.9), (5.0, -4.0, 1.0), (-8.0, -4.0, 1.0)]
    assert SHAPE.inside_viable(points).tolist() == [True, True, True, False]
    assert SHAPE.inside_whole(points).all()


def test_a_scaled_one_has_all_its_measures_multiplied():
    twice = SHAPE.scaled(2.0)
    assert (twice.diameter_mm, twice.viable_diameter_mm, twice.offset_mm) == (80, 36, (16, -6, 0))
    assert twice.centre_mm == SHAPE.centre_mm


def test_a_viable_ball_that_sticks_out_is_refused():
    Remnant(40.0, 18.0, (11.0, 0.0, 0.0))
    with pytest.raises(ShapeError, match="sticks out"):
        Remnant(40.0, 18.0, (11.1, 0.0, 0.0))
    with pytest.raises(ShapeError, match="viable_diameter_mm is 0"):
        Remnant(40.0, 0.0, (0.0, 0.0, 0.0))
