"""Livers of two visits: when they can be registered, and why not."""

import numpy as np
import pytest

from imaging.geometry import VolumeGeometry
from imaging.visit_registration import VisitAlignment
from sumdiam.batch import visit_compare

GRID = VolumeGeometry.upright(
    shape=(30, 50, 60), spacing_mm=(5.0, 3.0, 3.0), origin_mm=(-90.0, -75.0, -75.0)
)


def points(grid=GRID):
    return grid.index_to_patient(np.moveaxis(np.indices(grid.shape), 0, -1))


def ellipsoid(axes, centre=(0.0, 0.0, 0.0), grid=GRID):
    return (((points(grid) - centre) / np.array(axes)) ** 2).sum(axis=-1) <= 1.0


def liver(mask, lesions=()):
    found = visit_compare._liver([(mask, GRID)], lesions)
    assert isinstance(found, visit_compare._Liver)
    return found


WHOLE = ellipsoid((70, 60, 60))


def test_livers_of_one_shape_are_registered():
    assert isinstance(visit_compare._aligned(liver(WHOLE), liver(WHOLE)), VisitAlignment)


def test_a_liver_that_the_scan_cuts_off_elsewhere_is_not_compared():
    cut = WHOLE.copy()
    cut[:15] = False
    one = visit_compare._Liver(WHOLE[15:], GRID, cut_off=True)
    why = visit_compare._aligned(one, liver(WHOLE))
    assert "the scan cuts off the liver, of which one visit shows" in why
    assert visit_compare._liver([(cut[15:], GRID)], []).cut_off
    assert not liver(cut).cut_off


def test_outlines_that_do_not_fit_after_registration_are_not_compared():
    flat = ellipsoid((85, 70, 12)) | ellipsoid((12, 12, 60))
    why = visit_compare._aligned(liver(WHOLE), liver(flat))
    assert isinstance(why, str)
    assert "mm apart, more than 3 mm" in why


def test_an_outline_that_is_no_liver_says_so():
    tiny = np.zeros(GRID.shape, bool)
    tiny[15, 25, 30] = True
    assert "too few to register" in visit_compare._aligned(liver(tiny), liver(WHOLE))


def test_without_a_liver_there_is_nothing_to_register_by():
    assert "no liver is outlined" in visit_compare._liver([], [(WHOLE, GRID)])
    assert "no liver is outlined" in visit_compare._liver([(np.zeros(GRID.shape, bool), GRID)], [])


@pytest.mark.parametrize("spacing", [(5.0, 3.0, 3.0), (2.5, 1.5, 1.5)])
def test_lesions_belong_to_the_liver_on_whatever_grid_they_are_drawn(spacing):
    """A tumour that bulges out of the outline must not look like a dent of the liver."""
    shape = tuple(int(90 / step) for step in spacing)
    own = VolumeGeometry.upright(shape=shape, spacing_mm=spacing, origin_mm=(40.0, -45.0, -45.0))
    bulge = ellipsoid((20, 20, 20), (75.0, 0.0, 0.0), own)
    found = liver(WHOLE, [(bulge, own)])
    truth = WHOLE | ellipsoid((20, 20, 20), (75.0, 0.0, 0.0))
    assert found.volume_ml == pytest.approx(truth.sum() * GRID.voxel_volume_ml, rel=0.01)
    assert found.volume_ml > 1.005 * liver(WHOLE).volume_ml
