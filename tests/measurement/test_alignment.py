"""Phases that lie apart must not pass: by breathing, a dead core gets a false viable rim."""

from dataclasses import replace

import numpy as np
import pytest
from scenes import scene_of

from imaging.necrotic_shape import Ring
from imaging.shape import Ball, Dead
from measurement import doubt
from measurement.lesion import MeasurementSettings, measure_lesion

PIXEL_MM = 0.8
SHAPES = [Dead((10.0, 9.0, 9.0)), Ball(18.0), Ring(24.0, 12.0)]


def moved(images, rows):
    array = np.roll(images.native.array, rows, axis=1)
    return replace(images, native=replace(images.native, array=array))


def codes(images):
    return {flag.code for flag in measure_lesion(images).flags}


@pytest.mark.parametrize("shape", SHAPES)
def test_phases_four_pixels_apart_are_flagged(shape):
    images = scene_of(shape, native=25.0, rise=80.0)
    assert "phases_misaligned" in codes(moved(images, 4))
    assert "phases_misaligned" in codes(moved(images, -4))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_aligned_phases_are_not_flagged(shape, seed):
    assert "phases_misaligned" not in codes(scene_of(shape, seed=seed))


def test_alignment_is_not_judged_where_liver_surrounds_less_than_three_quarters():
    images = scene_of(Ball(18.0), native=25.0, rise=80.0)
    half = images.liver.copy()
    half[:, : half.shape[1] // 2] = False
    assert "phases_misaligned" not in codes(moved(replace(images, liver=half), 4))


def test_alignment_is_not_judged_beside_other_lesions_on_all_sides():
    images = scene_of(Ball(18.0), native=25.0, rise=80.0)
    y, x = np.mgrid[: images.liver.shape[1], : images.liver.shape[2]]
    far = np.hypot(y - y.mean(), x - x.mean()) * PIXEL_MM > 14.0
    others = np.broadcast_to(~far, images.liver.shape) & ~images.lesion.array
    assert "phases_misaligned" not in codes(moved(replace(images, other_lesions=others), 4))


def test_the_dipole_is_told_only_beyond_what_noise_alone_would_give():
    assert doubt.of_alignment(2.0, 3.0) == []
    assert doubt.of_alignment(4.0, 3.0)[0].written() == "phases_misaligned(4)"
    assert doubt.of_alignment(0.0, float("inf")) == []


def off_to_one_side(mask):
    """Return an outline that misses two pixels on one side and takes in two on the other."""
    return np.roll(mask, 2, axis=2)


@pytest.mark.parametrize("shape", [Ball(18.0), Ring(24.0, 12.0)])
def test_an_outline_that_is_off_is_not_taken_for_phases_that_lie_apart(shape):
    images = scene_of(shape, rise=60.0)
    mask = replace(images.lesion, array=off_to_one_side(images.lesion.array))
    off = replace(images, lesion=mask)
    settings = MeasurementSettings(outline_sd_mm=1.0)
    flags = measure_lesion(off, settings=settings).flags
    assert "phases_misaligned" not in {flag.code for flag in flags}
    trusted = measure_lesion(off, settings=MeasurementSettings(outline_sd_mm=0.0)).flags
    assert "phases_misaligned" in {flag.code for flag in trusted}
