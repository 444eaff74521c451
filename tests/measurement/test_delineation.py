"""How much of a border can be seen: closed forms on balls, and what lies beside them."""

from dataclasses import replace

import numpy as np
import pytest
from scenes import grid, scene_of, volume

from imaging.shape import Ball
from measurement.delineation import clear_border_percent
from measurement.lesion import measure_lesion
from measurement.reading import MeasurementSettings

RADIUS = 11.0
SHAPE = Ball(2 * RADIUS, (0.3, -0.2, 0.4))
SETTINGS = MeasurementSettings()
PHASES = ("arterial",)


def points():
    geometry = grid()
    return (
        geometry.index_to_patient(np.moveaxis(np.indices(geometry.shape), 0, -1)) - SHAPE.centre_mm
    )


def repainted(images, where, value, noise=10.0):
    """The arterial phase with another value and fresh noise somewhere."""
    rng = np.random.default_rng(5)
    array = images.arterial.array.astype(float)
    array[where] = value + rng.normal(0.0, noise, int(where.sum()))
    painted = volume(array, grid(), "arterial")
    return replace(images, arterial=painted, image=painted)


def test_the_border_of_a_bright_ball_in_liver_is_clear_all_round():
    assert clear_border_percent(scene_of(SHAPE, phases=PHASES), SETTINGS) == pytest.approx(
        100.0, abs=1
    )


def test_the_border_of_a_ball_that_looks_like_liver_is_not_clear():
    same = scene_of(SHAPE, phases=PHASES, native=55.0, rise=15.0)  # liver: 55 and 70 HU
    assert clear_border_percent(same, SETTINGS) < 5.0


@pytest.mark.parametrize("height", [-6.0, 0.0, 5.0])
def test_the_clear_part_is_that_of_the_sphere_on_the_side_of_a_plane(height):
    """Beyond the plane everything has the attenuation of the lesion: a cap of a sphere is left."""
    images = scene_of(SHAPE, phases=PHASES)
    at = points()
    beyond = (at[..., 0] > height) & ~images.lesion.array
    found = clear_border_percent(repainted(images, beyond, 105.0), SETTINGS)
    assert found == pytest.approx(100.0 * (1.0 + height / RADIUS) / 2.0, abs=10.0)


def test_a_border_that_fades_out_over_centimetres_is_not_clear():
    images = scene_of(SHAPE, phases=PHASES)
    away = np.linalg.norm(points(), axis=-1)
    fading = repainted(images, np.ones_like(images.lesion.array), 0.0)
    ramp = 70.0 + 35.0 * np.clip((RADIUS + 15.0 - away) / 30.0, 0.0, 1.0)
    array = ramp + np.random.default_rng(6).normal(0.0, 10.0, ramp.shape)
    fading = replace(fading, arterial=volume(array, grid(), "arterial"))
    assert clear_border_percent(fading, SETTINGS) < 40.0


def test_a_border_may_show_in_the_late_phase_alone():
    washed_out = scene_of(SHAPE, native=55.0, rise=15.0)  # late: 90 HU in liver of 110
    assert clear_border_percent(washed_out, SETTINGS) > 90.0


def test_what_noise_may_hide_is_not_called_unclear():
    faint = scene_of(SHAPE, phases=PHASES, native=55.0, rise=23.0, noise=25.0)  # 8 HU above liver
    assert clear_border_percent(faint, SETTINGS) is None
    seen = scene_of(SHAPE, phases=PHASES, native=55.0, rise=60.0, noise=25.0)
    assert clear_border_percent(seen, SETTINGS) > 75.0


def test_a_border_that_the_arterial_phase_hides_may_show_in_the_enhancement():
    """Darker than liver before contrast, as bright as liver after it: it rises by more."""
    images = scene_of(SHAPE, phases=("native", "arterial"), native=40.0, rise=30.0)
    assert clear_border_percent(images, SETTINGS) > 90.0
    assert clear_border_percent(replace(images, native=None), SETTINGS) < 5.0


def test_what_lies_beside_other_lesions_is_not_judged():
    images = scene_of(SHAPE, phases=PHASES)
    others = ~images.lesion.array
    assert clear_border_percent(replace(images, other_lesions=others), SETTINGS) is None
    half = others & (points()[..., 0] > 3.0)
    found = clear_border_percent(replace(images, other_lesions=half), SETTINGS)
    assert found == pytest.approx(100.0, abs=2.0)


def test_signal_without_a_unit_is_judged_by_the_tissue_beside():
    mr = scene_of(SHAPE, phases=PHASES, unit="signal", scale=3.0)
    assert clear_border_percent(mr, SETTINGS) == pytest.approx(100.0, abs=1)
    same = scene_of(SHAPE, phases=PHASES, unit="signal", scale=3.0, native=55.0, rise=15.0)
    assert clear_border_percent(same, SETTINGS) < 5.0


def test_a_reading_holds_the_clear_part_of_the_border_and_mr_its_late_contrast_in_percent():
    reading = measure_lesion(scene_of(SHAPE, unit="signal", scale=3.0))
    by_word = {q.quantity: q for q in reading.quantities}
    assert (by_word["clear_border"].unit, by_word["clear_border"].value > 95.0) == ("percent", True)
    late = by_word["late_contrast"]
    assert late.unit == "percent"
    assert late.value == pytest.approx(100.0 * (90.0 - 110.0) / 110.0, abs=2.0)
