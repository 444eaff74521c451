"""A rotation and shift is brought onto one that is known in closed form."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from imaging.geometry import VolumeGeometry
from imaging.phase_pair import PhasePair
from imaging.registration import _rigid
from imaging.rigid_refinement import refined_rigid

SHAPE = (24, 26, 28)
REACH = 12
STEP_MM = 3.0
MIDDLE_MM = (np.array(SHAPE) - 1.0) * STEP_MM / 2.0


def picture(points_mm):
    """A smooth scene without symmetry: blobs in closed form, values of soft tissue."""
    rng = np.random.default_rng(5)
    value = np.zeros(points_mm.shape[:-1])
    for _ in range(25):
        centre, size = rng.uniform(-20.0, 100.0, 3), rng.uniform(8.0, 16.0)
        square = np.square(points_mm - centre).sum(axis=-1)
        value += rng.uniform(-80.0, 80.0) * np.exp(-0.5 * square / size**2)
    return value.astype(np.float32)


def points(shape, beyond=0):
    at = (np.arange(size) - beyond for size in shape)
    return np.stack(np.meshgrid(*at, indexing="ij"), axis=-1) * STEP_MM


def truth(turn, move):
    """The field that looks for each point where the rotation and shift put it."""
    from_middle = points(SHAPE) - MIDDLE_MM
    field = from_middle @ (turn.as_matrix() - np.eye(3)).T + move
    return np.moveaxis(field, -1, 0).astype(np.float32)


def pair_moved_by(turn, move):
    large = tuple(size + 2 * REACH for size in SHAPE)
    back = (points(large, REACH) - MIDDLE_MM - move) @ turn.inv().as_matrix().T + MIDDLE_MM
    weight = np.ones(SHAPE, np.float32)
    near = np.zeros(SHAPE, bool)
    near[9:14, 9:14, 9:14] = True
    return PhasePair(
        grid=VolumeGeometry.upright(shape=SHAPE, spacing_mm=(STEP_MM,) * 3),
        fixed=picture(points(SHAPE)),
        moving=picture(back),
        known=np.ones(large, np.float32),
        weight=weight,
        near=near,
        closeness=weight,
        outline=None,
    )


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("degrees", [-8.0, 4.0])
def test_a_start_a_few_millimetres_off_comes_to_the_motion_itself(axis, degrees):
    direction = np.eye(3)[axis] + 0.2
    turn = Rotation.from_rotvec(np.radians(degrees) * direction)
    move = np.array([3.0, -4.0, 5.0])
    start = truth(Rotation.from_rotvec(np.radians(0.6 * degrees) * direction), move + 2.0)
    expected = truth(turn, move)
    found = refined_rigid(pair_moved_by(turn, move), start)
    assert np.abs(start - expected).max() > 3.0
    assert np.abs(found - expected).max() < 0.3


def test_phases_that_lie_together_stay():
    pair = pair_moved_by(Rotation.identity(), np.zeros(3))
    found = refined_rigid(pair, pair.start())
    assert np.abs(found).max() < 0.05


def test_images_that_say_nothing_leave_the_start():
    pair = pair_moved_by(Rotation.identity(), np.zeros(3))
    pair.moving[:] = 40.0
    pair.fixed[:] = 40.0
    start = truth(Rotation.from_rotvec([0.05, 0.0, 0.02]), np.array([1.0, 2.0, -1.0]))
    np.testing.assert_array_equal(refined_rigid(pair, start), start)


def test_the_start_of_a_registration_is_refined():
    turn, move = Rotation.from_rotvec(np.radians([5.0, -3.0, 4.0])), np.array([4.0, 2.0, -6.0])
    pair = pair_moved_by(turn, move)
    assert np.abs(_rigid(pair, pair.start()) - truth(turn, move)).max() < 0.3
