"""The step at a lesion's outline as evidence of where the lesion lies in the native phase."""

import numpy as np
import pytest
from scipy.special import erfc

from imaging.geometry import VolumeGeometry
from imaging.lesion_outline import lesion_outline
from imaging.working_grid import SMOOTH_MM, STEP_MM

SIZE = 30
RADIUS_MM = 16.0
FINE = VolumeGeometry.upright(
    shape=(SIZE * 3, SIZE * 3, SIZE * 3), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0)
)
GRID = VolumeGeometry.upright(
    shape=(SIZE, SIZE, SIZE), spacing_mm=(STEP_MM,) * 3, origin_mm=(1.0, 1.0, 1.0)
)
CENTRE = np.array([43.0, 46.0, 40.0])
LIVER_HU = 55.0


def distance(geometry, centre=CENTRE):
    """Return how far each voxel lies from a point."""
    index = np.moveaxis(np.indices(geometry.shape), 0, -1)
    return np.linalg.norm(geometry.index_to_patient(index) - centre, axis=-1)


def ball(contrast_hu, shift_mm=(0.0, 0.0, 0.0)):
    """Return a ball in plain liver, smoothed: an error function of the distance to its surface."""
    off = distance(GRID, CENTRE + np.array(shift_mm)) - RADIUS_MM
    part = 0.5 * erfc(off / (np.sqrt(2.0) * SMOOTH_MM))
    return (LIVER_HU + contrast_hu * part).astype(np.float32)


LESION = distance(FINE) <= RADIUS_MM
HERE = distance(GRID) <= RADIUS_MM
ALL = np.ones(GRID.shape, dtype=bool)
SEEN = np.ones(GRID.shape, dtype=np.float32)


def outline(*, liver=ALL, tumour=HERE):
    return lesion_outline(LESION, FINE, GRID, liver=liver, tumour=tumour)


def shift_of(terms):
    """Return the one shift on which the equations of all bins agree, (x, y, z) mm in LPS."""
    found = np.linalg.solve(terms.matrix.sum(axis=(0, 1, 2)), terms.right.sum(axis=(1, 2, 3)))
    return found[::-1]  # the grid's axes are slices, rows, columns


@pytest.mark.parametrize("contrast_hu", [-50.0, -15.0, 30.0])
@pytest.mark.parametrize("shift_mm", [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (-0.6, 0.8, 1.2)])
def test_a_darker_or_brighter_ball_tells_where_it_moved(contrast_hu, shift_mm):
    terms = outline().equations(ball(contrast_hu, shift_mm), SEEN)
    # The field points to where the tissue is in the native phase: the moved image has to be looked
    # at further along the shift.
    np.testing.assert_allclose(shift_of(terms), shift_mm, atol=0.25)


def test_a_lesion_that_is_not_seen_without_contrast_tells_nothing():
    assert outline().equations(ball(-5.0), SEEN) is None
    assert outline().equations(ball(-50.0), 0.0 * SEEN) is None


def test_what_lies_deep_inside_the_lesion_or_far_from_it_says_nothing():
    terms = outline().equations(ball(-50.0), SEEN)
    bins = np.trace(terms.matrix, axis1=-2, axis2=-1)
    middle = distance(GRID).reshape(15, 2, 15, 2, 15, 2)
    nearest, furthest = middle.min(axis=(1, 3, 5)), middle.max(axis=(1, 3, 5))
    assert not bins[nearest > RADIUS_MM + 6.0 + STEP_MM].any()
    assert not bins[furthest < RADIUS_MM - 6.0 - STEP_MM].any()
    assert bins[(nearest < RADIUS_MM) & (furthest > RADIUS_MM)].all()


def test_near_the_surface_of_the_liver_or_another_lesion_the_step_is_not_the_lesions():
    x = distance(GRID, np.array([1e6, 0.0, 0.0]))  # falls by 1 mm for each mm towards the left
    left = (1e6 - x) > CENTRE[0] + RADIUS_MM
    near_surface = outline(liver=~left)
    beside = outline(tumour=HERE | left)
    for found in (near_surface, beside):
        assert found.step.any()
        assert found.ring.any()
        assert not (found.step & left).any()
        assert not (found.ring & left).any()
    assert outline().step[left].any()
    across = 1e6 - x
    surface = across > CENTRE[0] + RADIUS_MM - 3.0
    assert not (near_surface.step & surface & ~HERE).any()


def test_another_lesion_beside_it_does_not_move_the_answer():
    other = distance(GRID, CENTRE + np.array([RADIUS_MM + 13.0, 0.0, 0.0])) <= 10.0
    image = ball(-50.0, (0.0, 1.0, 0.0))
    image[other] = 10.0
    terms = outline(tumour=HERE | other).equations(image, SEEN)
    np.testing.assert_allclose(shift_of(terms), (0.0, 1.0, 0.0), atol=0.4)


def test_outlines_are_drawn_1_5_mm_off_so_none_is_trusted_further():
    """Even without noise a voxel counts at most its share of one reader's outline."""
    sharp = outline().equations(ball(-500.0), SEEN)
    bins = np.trace(sharp.matrix, axis1=-2, axis2=-1)
    assert bins.max() < 8 * 0.05 / 1.5**2
