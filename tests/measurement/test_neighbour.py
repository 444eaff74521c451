"""Viable tissue close to the outline, small parts, gaps at the limit, and what was left out."""

import numpy as np
import pytest
from scenes import grid, scene_of

from imaging.necrotic_shape import TwoIslands
from imaging.shape import Ball
from measurement import doubt
from measurement.compiled import compile_all
from measurement.contrast import contrast_of, scene
from measurement.denoise import flattened
from measurement.lesion import measure_lesion
from measurement.neighbour import neighbours
from measurement.reading import MeasurementSettings
from measurement.viable import viable_part, with_left_out

SETTINGS = MeasurementSettings()


def islands(gap_mm, first=14.0, second=7.0):
    apart = (first + second) / 2.0 + gap_mm
    return TwoIslands(
        (apart / 2.0 + 10.0, 12.0, 12.0),
        (first, second),
        ((-apart / 2.0 + 2.0, 0.0, 0.0), (apart / 2.0 + 2.0, 0.0, 0.0)),
    )


def codes(images):
    return {flag.code for flag in measure_lesion(images).flags}


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_necrosis_of_two_pixels_between_an_island_and_the_outline_is_not_swallowed(seed):
    shape = TwoIslands((14.0, 8.7, 8.7), (14.0, 5.0), ((-5.0, 0.0, 0.0), (9.0, 0.0, 0.0)))
    images = scene_of(shape, noise=15.0, rise=55.0, seed=seed)  # CNR 2.6
    assert measure_lesion(images).value("viable_diameter") == pytest.approx(14.0, abs=1.5)


def test_islands_whose_gap_is_near_the_limit_are_flagged():
    geometry = grid(size_mm=60.0)
    assert "length_sensitive" in codes(scene_of(islands(1.9), geometry=geometry))
    assert "length_sensitive" not in codes(scene_of(islands(8.0), geometry=geometry))


def test_an_island_that_touches_the_outline_is_not_drawn_along_it():
    # the outline leaves the ball of 17.2 mm at a small angle: pixels between are partly viable
    shape = TwoIslands((17.2, 10.0, 10.0), (17.2, 8.6), ((-5.9, -2.6, 0.0), (10.0, 4.5, 0.0)), 24.0)
    geometry = grid(size_mm=60.0)
    errors = [
        measure_lesion(scene_of(shape, geometry=geometry, seed=seed)).value("viable_diameter")
        - 17.2
        for seed in "0123"
    ]
    assert abs(np.mean(errors)) <= 0.8  # one pixel


def test_a_gap_is_judged_at_a_lower_threshold_as_it_reads_too_wide():
    images = scene_of(islands(1.6, second=10.0), geometry=grid(size_mm=60.0), noise=18.0, rise=60.0)
    contrast = contrast_of(images, scene(images, SETTINGS), SETTINGS)
    found = viable_part(contrast, SETTINGS.viable)
    lengths = neighbours(images, contrast, found, SETTINGS)
    assert lengths["larger gap"] == pytest.approx(25.6, abs=1.5)  # 14 + 1.6 + 10 mm


def test_a_step_at_the_border_counts_as_part_of_a_step_inside():
    region = np.zeros((1, 30, 30), dtype=bool)
    region[0, 5:25, 5:25] = True
    values = np.where(region, 10.0, 0.0)
    free = flattened(values, region, (2.5, 1.0, 1.0), 2.0)
    bound = flattened(values, region, (2.5, 1.0, 1.0), 2.0, border=1.0)
    assert free[region] == pytest.approx(10.0)
    # a square of side 20 loses strength times its outline over its area: 2 x 80 / 400
    assert bound[0, 15, 15] == pytest.approx(9.6, abs=0.05)


def test_a_part_that_smoothing_lowers_by_more_than_a_fifth_is_small():
    seen = {"strength": 25.0, "viable_level": 60.0}
    assert doubt.of_small_part(6.0, seen, 1.0, SETTINGS)[0].value == pytest.approx(2 * 25 / 3 / 60)
    assert doubt.of_small_part(9.0, seen, 1.0, SETTINGS) == []
    assert doubt.of_small_part(0.0, seen, 1.0, SETTINGS) == []
    assert doubt.of_small_part(6.0, {}, 1.0, SETTINGS) == []


def test_an_island_that_was_left_out_is_found_again():
    geometry = grid(size_mm=60.0)
    images = scene_of(islands(6.0, second=8.0), geometry=geometry)
    contrast = contrast_of(images, scene(images, SETTINGS), SETTINGS)
    found = viable_part(contrast, SETTINGS.viable)
    assert with_left_out(contrast, found, SETTINGS.viable) is None
    x = geometry.index_to_patient(np.argwhere(found.region))[:, 0]
    without = found.region.copy()
    without[tuple(np.argwhere(found.region)[x > 3.0].T)] = False
    wider = with_left_out(
        contrast, type(found)(without, found.degree * without, found.evidence), SETTINGS.viable
    )
    assert wider is not None
    # all of the ball of 8 mm lies apart from the rest; half its level is reached in most of it
    assert 0.1 < wider.evidence["left_out_ml"] < 0.5


def test_nothing_is_left_out_of_a_lesion_that_is_viable_as_a_whole():
    images = scene_of(Ball(18.0))
    contrast = contrast_of(images, scene(images, SETTINGS), SETTINGS)
    found = viable_part(contrast, SETTINGS.viable)
    assert with_left_out(contrast, found, SETTINGS.viable) is None


def test_compiling_measures_a_lesion_and_says_nothing(capsys):
    compile_all()
    assert capsys.readouterr() == ("", "")
