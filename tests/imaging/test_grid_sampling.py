"""Sampling of the working grid gives what scipy gives, which is slower."""

import numpy as np
import pytest
from scipy import ndimage

from imaging.grid_sampling import BIN, at_voxels, bin_sums, displaced_values

SHAPES = [(1, 1, 1), (2, 3, 5), (7, 8, 9), (16, 10, 13)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reach", [0, 3])
def test_a_displaced_image_is_that_of_scipy_also_far_outside(shape, reach):
    rng = np.random.default_rng([1, reach, *shape])
    image = rng.normal(0.0, 100.0, [size + 2 * reach for size in shape]).astype(np.float32)
    field = rng.normal(0.0, 9.0, (3, *shape)).astype(np.float32)
    at = np.indices(shape) + reach + field.astype(np.float64) / 3.0
    expected = ndimage.map_coordinates(image, at, order=1, mode="nearest")
    np.testing.assert_allclose(displaced_values(image, field, 3.0, reach), expected, atol=1e-3)


def test_no_displacement_returns_the_image_itself():
    image = np.random.default_rng(2).normal(size=(5, 6, 7)).astype(np.float32)
    nothing = np.zeros((3, 5, 6, 7), np.float32)
    np.testing.assert_array_equal(displaced_values(image, nothing, 3.0, 0), image)


def test_a_field_without_a_number_gives_no_number():
    image = np.ones((4, 4, 4), np.float32)
    field = np.zeros((3, 4, 4, 4), np.float32)
    field[1, 2, 3, 1] = np.nan
    missing = np.argwhere(np.isnan(displaced_values(image, field, 3.0, 0)))
    assert missing.tolist() == [[2, 3, 1]]


@pytest.mark.parametrize("shape", SHAPES)
def test_bins_hold_the_sum_of_their_voxels(shape):
    values = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    expected = np.zeros([-(-size // BIN) for size in shape])
    for index in np.ndindex(*shape):
        expected[tuple(at // BIN for at in index)] += float(values[index])
    np.testing.assert_allclose(bin_sums(values), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_bins_are_read_at_voxels_as_scipy_reads_them(shape):
    size = [-(-voxels // BIN) for voxels in shape]
    bins = np.random.default_rng(4).normal(size=(3, *size)).astype(np.float32)
    at = (np.indices(shape) - 0.5) / BIN
    expected = [ndimage.map_coordinates(part, at, order=1, mode="nearest") for part in bins]
    np.testing.assert_allclose(at_voxels(bins, shape), expected, atol=1e-6)
