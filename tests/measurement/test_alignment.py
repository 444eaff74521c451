"""Phases that lie apart must not pass: by breathing, a dead core gets a false viable rim."""

from dataclasses import replace

import numpy as np
import pytest
from scenes import scene_of

from imaging.necrotic_shape import Ring
from imaging.shape import Ball, Dead
from measurement import doubt
from measurement.lesion import measure_lesion

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
