"""Pixels against areas known in closed form."""

import numpy as np
import pytest

from imaging.coverage import coverage, planes_mm, viable_mask, whole_mask
from imaging.geometry import VolumeGeometry
from imaging.necrotic_shape import Crescent, Ring
from imaging.shape import Ball, Ellipsoid
from imaging.solid import ShapeError

GRID = VolumeGeometry.upright(
    shape=(9, 60, 70), spacing_mm=(3.0, 0.9, 0.7), origin_mm=(-24.0, -26.0, -12.3)
)
SHAPES = [
    Ball(20.0, (0.31, 0.17, 0.4)),
    Ellipsoid((12.0, 6.0, 8.0), 35.0, (0.2, -0.4, 0.9)),
    Ring(22.0, 9.0, (-0.37, 0.51, -1.1)),
    Crescent(22.0, 14.0, (6.0, 2.0, 1.0), (0.11, 0.23, 0.35)),
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: type(s).__name__)
def test_shares_of_pixels_sum_to_the_area_of_each_plane(shape):
    part = coverage(shape, GRID)
    for k, whole, viable in zip(
        range(part.box[0].start, part.box[0].stop), part.whole, part.viable, strict=True
    ):
        z = float(planes_mm(GRID)[k])
        assert whole.sum() * 0.63 == pytest.approx(shape.whole_area_on_plane(z), rel=4e-3, abs=0.3)
        assert viable.sum() * 0.63 == pytest.approx(
            shape.viable_area_on_plane(z), rel=4e-3, abs=0.3
        )


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: type(s).__name__)
def test_a_mask_holds_the_voxels_whose_centre_lies_inside(shape):
    centres = GRID.index_to_patient(np.moveaxis(np.indices(GRID.shape), 0, -1))
    np.testing.assert_array_equal(whole_mask(shape, GRID), shape.inside_whole(centres))
    np.testing.assert_array_equal(viable_mask(shape, GRID), shape.inside_viable(centres))


def test_a_turned_and_mirrored_axial_grid_shows_the_same_lesion():
    turned = GRID.affine.copy()
    turned[:3, 1], turned[:3, 2] = (0.54, 0.72, 0.0), (-0.56, 0.42, 0.0)
    turned[:3, 0], turned[:3, 3] = (0.0, 0.0, -3.0), (1.0, -40.0, 12.0)
    grid = VolumeGeometry(turned, GRID.shape)
    shape = SHAPES[1]
    centres = grid.index_to_patient(np.moveaxis(np.indices(grid.shape), 0, -1))
    np.testing.assert_array_equal(whole_mask(shape, grid), shape.inside_whole(centres))
    part = coverage(shape, grid)
    areas = [shape.whole_area_on_plane(z) for z in planes_mm(grid)[part.box[0]]]
    np.testing.assert_allclose(part.whole.sum(axis=(1, 2)) * 0.63, areas, rtol=5e-3, atol=0.4)


def test_a_lesion_beyond_the_grid_leaves_no_voxel():
    assert not whole_mask(Ball(10.0, (500.0, 0.0, 0.0)), GRID).any()
    assert coverage(Ball(10.0, (500.0, 0.0, 0.0)), GRID).whole.size == 0


def test_tilted_slices_are_refused():
    tilted = GRID.affine.copy()
    tilted[1, 0] = 0.8
    with pytest.raises(ShapeError, match="axial slices without tilt"):
        whole_mask(SHAPES[0], VolumeGeometry(tilted, GRID.shape))
