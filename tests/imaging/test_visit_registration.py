"""One visit onto another by the liver's outline."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from imaging.geometry import VolumeGeometry
from imaging.visit_registration import LiverOutlineError, align_visits

FIRST = VolumeGeometry.upright(
    shape=(40, 60, 70), spacing_mm=(5.0, 3.0, 3.0), origin_mm=(-110.0, -90.0, -100.0)
)
OTHER = VolumeGeometry.upright(
    shape=(50, 75, 80), spacing_mm=(4.0, 2.6, 2.6), origin_mm=(-80.0, -90.0, 200.0)
)


def points_of(grid):
    return grid.index_to_patient(np.moveaxis(np.indices(grid.shape), 0, -1))


def liver(points):
    """A right lobe, a flat left lobe and a gall bladder's bed."""

    def within(centre, axes):
        return (((points - np.array(centre)) / np.array(axes)) ** 2).sum(axis=-1) <= 1.0

    lobes = within((-35, 0, 0), (50, 65, 70)) | within((25, -30, 25), (65, 28, 35))
    return lobes & ~within((0, -30, -50), (25, 30, 25))


TURN = Rotation.from_euler("zyx", [7.0, -5.0, 4.0], degrees=True)
AWAY = np.array([20.0, 5.0, 305.0])


def to_other(points):
    """Turned by some 9 degrees, another position of the table, and breathing that squeezes."""
    bent = points + np.stack(
        [0 * points[..., 0], 3.0 * np.sin(points[..., 2] / 40.0), 0.04 * points[..., 2]], axis=-1
    )
    return TURN.apply(bent.reshape(-1, 3)).reshape(points.shape) + AWAY


def to_first(points):
    """The inverse, by iteration."""
    back = TURN.inv().apply((points - AWAY).reshape(-1, 3)).reshape(points.shape)
    found = back.copy()
    for _ in range(30):
        found = found - (
            TURN.inv().apply((to_other(found) - AWAY).reshape(-1, 3)).reshape(points.shape) - back
        )
    return found


@pytest.fixture(scope="module")
def visits():
    return liver(points_of(FIRST)), liver(to_first(points_of(OTHER)))


@pytest.fixture(scope="module")
def found(visits):
    return align_visits(visits[0], FIRST, visits[1], OTHER)


def test_points_in_the_liver_are_found_at_another_visit(found):
    inside = np.array(
        [[-35.0, 0, 0], [-60, 20, 20], [-30, -30, -30], [30, -30, 25], [-40, 30, -40]]
    )
    error = np.linalg.norm(found.moved_points(inside) - to_other(inside), axis=1)
    assert np.median(error) < 3.0
    assert error.max() < 5.0  # inside the liver its outline says little
    assert found.residual_mm < 1.5


def test_a_mask_of_the_other_visit_is_fetched_to_its_place(found):
    centre = np.array([-45.0, 10.0, 10.0])
    lesion = np.linalg.norm(to_first(points_of(OTHER)) - centre, axis=-1) <= 15.0
    fetched = found.fetched_mask(lesion, OTHER, FIRST)
    truth = np.linalg.norm(points_of(FIRST) - centre, axis=-1) <= 15.0
    assert 2 * (fetched & truth).sum() / (fetched.sum() + truth.sum()) > 0.75


def test_the_same_outlines_give_the_same_bytes(visits, found):
    again = align_visits(visits[0], FIRST, visits[1], OTHER)
    assert again.field.tobytes() == found.field.tobytes()


def test_an_outline_that_is_too_small_is_refused(visits):
    tiny = np.zeros(FIRST.shape, bool)
    with pytest.raises(LiverOutlineError, match="Draw the whole liver at both"):
        align_visits(tiny, FIRST, visits[1], OTHER)
    tiny[20, 30, 30] = True
    with pytest.raises(LiverOutlineError, match=r"1 and \d+ voxels"):
        align_visits(tiny, FIRST, visits[1], OTHER)
