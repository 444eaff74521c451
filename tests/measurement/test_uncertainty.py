import math

import numpy as np
import pytest

from imaging.geometry import VolumeGeometry
from measurement import quantity
from measurement.reading import MeasurementSettings
from measurement.smoothing import equivalent_noise, part_response, robust_sd, smoothed_within
from measurement.uncertainty import (
    combined,
    edge_sd_mm,
    outline_sd_of_viable_mm,
    reader_uncertainty,
    slice_sd_mm,
)
from measurement.volumetry import (
    enhancing_fraction,
    holes_filled,
    volume_ml,
    volume_uncertainty_ml,
)

GRID = VolumeGeometry.upright(shape=(3, 20, 20), spacing_mm=(5.0, 1.0, 1.0))


def test_parts_add_in_squares():
    assert combined({"a": 3.0, "b": 4.0}) == 5.0


def test_the_edge_part_is_the_rms_change_under_neighbouring_choices():
    assert edge_sd_mm(20.0, [21.0, 19.0, 20.0, 20.0]) == pytest.approx(math.sqrt(0.5))
    assert edge_sd_mm(20.0, []) == 0.0


def test_the_slice_part_is_the_spread_of_balls_cut_off_their_middle():
    rng = np.random.default_rng(1)
    u = rng.uniform(-2.5, 2.5, 200_000)
    seen = 2 * np.sqrt(15.0**2 - u**2)
    assert slice_sd_mm(30.0, 5.0) == pytest.approx(seen.std(), rel=0.03)
    assert slice_sd_mm(0.0, 5.0) == 0.0


def test_an_outline_takes_from_a_viable_length_only_where_it_is_too_narrow():
    off = np.random.default_rng(4).normal(0.0, 0.7, (200_000, 2))
    cut_off = np.minimum(off, 0.0)
    expected = math.sqrt(2.0 * np.square(cut_off).mean())  # root mean square at both ends
    assert outline_sd_of_viable_mm(0.7) == pytest.approx(expected, rel=0.01)


def test_the_volume_of_a_box_and_its_uncertainty_by_a_shift_of_its_sides():
    box = np.zeros(GRID.shape, dtype=bool)
    box[:, 5:15, 5:15] = True
    assert volume_ml(box, GRID) == pytest.approx(1.5)
    # four sides of 10 mm x 15 mm, half a millimetre each; corner pixels count once
    assert volume_uncertainty_ml(box, GRID, shift_mm=0.5) == pytest.approx(0.3, rel=0.12)


def test_the_enhancing_fraction_is_the_viable_part_of_the_whole():
    whole = np.zeros(GRID.shape, dtype=bool)
    whole[1, :10] = True
    viable = whole & (np.arange(20) < 5)
    assert enhancing_fraction(viable, whole) == 0.25
    assert math.isnan(enhancing_fraction(viable, np.zeros_like(whole)))


def test_holes_are_filled_slice_by_slice_and_islands_are_not_joined():
    ring = np.zeros(GRID.shape, dtype=bool)
    ring[1, 3:10, 3:10] = True
    ring[1, 5:8, 5:8] = False
    ring[1, 15:17, 15:17] = True
    filled = holes_filled(ring)
    assert filled[1, 6, 6]
    assert filled.sum() == 49 + 4


def test_a_mean_without_a_voxel_has_its_reason():
    settings = MeasurementSettings()
    none = quantity.mean("mean_attenuation", None, "HU", settings, reason="padding only")
    assert (none.value, none.unit, none.reason) == (None, "hu", "padding only")
    assert quantity.across("viable_perpendicular", None, GRID, settings).value == 0.0


def test_smoothing_takes_nothing_from_outside_the_region():
    region = np.zeros((1, 9, 9), dtype=bool)
    region[0, 2:7, 2:7] = True
    values = np.where(region, 5.0, 1e9)
    smooth = smoothed_within(values, region, (2.5, 1.0, 1.0), 2.0)
    assert smooth[region] == pytest.approx(5.0)
    assert not smooth[~region].any()


def test_the_robust_sd_is_that_of_noise_and_not_moved_by_vessels():
    noise = np.random.default_rng(2).normal(0, 10, 20_000)
    noise[:800] += 200
    assert robust_sd(noise) == pytest.approx(10, rel=0.08)
    assert math.isnan(robust_sd(np.array([])))


def test_equivalent_noise_undoes_the_smoothing_of_white_noise():
    noise = np.random.default_rng(3).normal(0, 7, (12, 60, 60))
    everywhere = np.ones(noise.shape, dtype=bool)
    smooth = smoothed_within(noise, everywhere, (2.5, 0.8, 0.8), 1.5)
    seen = smooth[3:-3, 8:-8, 8:-8].std()
    assert equivalent_noise(seen, 1.5, (2.5, 0.8, 0.8)) == pytest.approx(7, rel=0.06)


def test_a_ball_keeps_the_share_of_its_height_that_the_gaussian_has_inside_it():
    step = 0.5
    z, y, x = (np.mgrid[-24:25, -24:25, -24:25]) * step
    weights = np.exp(-0.5 * (x**2 + y**2 + z**2) / 2.0**2)
    inside = x**2 + y**2 + z**2 <= 25
    assert part_response(2.0) == pytest.approx(weights[inside].sum() / weights.sum(), rel=0.02)


def test_readers_differ_by_the_published_limits_of_one_longest_diameter():
    # 95 % limits of two readers' difference, -22 % to +25 %, taken as factors
    one_reader = (math.log(1.25) - math.log(0.78)) / 2 / 1.96 / math.sqrt(2)
    assert reader_uncertainty("viable_diameter", 40.0) == pytest.approx(40.0 * one_reader, rel=2e-3)
    assert reader_uncertainty("whole_diameter", 10.0) == pytest.approx(10.0 * one_reader, rel=2e-3)


def test_where_no_limits_between_readers_are_known_there_is_no_number():
    assert reader_uncertainty("viable_diameter", 0.0) is None
    assert reader_uncertainty("viable_diameter", None) is None
    assert reader_uncertainty("viable_volume", 3.0) is None
    assert reader_uncertainty("node_short_axis", 9.0) is None
