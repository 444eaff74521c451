"""A smooth displacement of a neighbourhood: its prior, its equations, its solution in closed form."""

import math

import numpy as np
import pytest

from imaging.elastic_displacement import (
    INDEPENDENT,
    Equations,
    Modes,
    image_equations,
    summed_equations,
)
from imaging.local_displacement import BIN
from imaging.working_grid import STEP_MM

SHAPE = (30, 32, 34)
BINS = tuple(size // BIN for size in SHAPE)


def places():
    """Return the middles of the voxels, three (z, y, x) arrays in mm."""
    axes = [np.arange(size) * STEP_MM for size in SHAPE]
    return np.meshgrid(*axes, indexing="ij")


def covariance(modes, one, other):
    """Return the prior covariance of two voxels: the sum of the modes, one by one."""
    total = 0.0
    for mode in np.ndindex(modes.sd.shape):
        product = modes.sd[mode] ** 2
        for axis, number in enumerate(mode):
            cosines = modes.fine[axis][:, number]
            product *= cosines[one[axis]] * cosines[other[axis]]
        total += product
    return total


@pytest.mark.parametrize("length_mm", [26.0, 40.0])
@pytest.mark.parametrize("lag", [(0, 0, 0), (0, 0, 8), (5, 0, 0), (3, 4, 5)])
def test_displacements_vary_together_as_a_squared_exponential_says(length_mm, lag):
    modes = Modes(SHAPE, 5.0, length_mm)
    one = (13, 14, 13)
    other = tuple(a + b for a, b in zip(one, lag, strict=True))
    apart_mm = STEP_MM * math.hypot(*lag)
    expected = 25.0 * math.exp(-0.5 * (apart_mm / length_mm) ** 2)
    assert covariance(modes, one, other) == pytest.approx(expected, abs=1.0)


def test_gathering_is_the_transpose_of_spreading():
    rng = np.random.default_rng(1)
    modes = Modes(SHAPE, 4.0, 30.0)
    amounts = rng.normal(size=(3, *modes.sd.shape))
    force = rng.normal(size=(3, *BINS))
    there = np.vdot(modes.at_bins(amounts), force)
    back = np.vdot(amounts, modes.gathered(force))
    assert there == pytest.approx(back, rel=1e-10)


def spread(modes):
    """Return the matrix that takes the amounts of one axis to the bins."""
    z, y, x = modes.coarse
    return np.einsum("ai,bj,ck->abcijk", z, y, x).reshape(-1, modes.sd.size) * modes.sd.ravel()


def small():
    """Return few modes and equations with certainty in half of the bins."""
    modes = Modes((8, 8, 8), 1.1, 60.0)
    rng = np.random.default_rng(2)
    half = rng.normal(size=(4, 4, 4, 3, 3)) * np.array([0.0, 0.0, 0.3, 0.3])[:, None, None]
    matrix = half.reshape(4, 4, 4, 3, 3) @ np.swapaxes(half, -1, -2)
    return modes, Equations(matrix, rng.normal(size=(3, 4, 4, 4)))


def dense(modes, terms):
    """Return the whole system of equations as one matrix."""
    to_bins = np.kron(np.eye(3), spread(modes))
    count = to_bins.shape[0] // 3
    blocks = terms.matrix.reshape(count, 3, 3)
    certainty = np.zeros((3 * count, 3 * count))
    for i in range(3):
        for j in range(3):
            certainty[i * count : (i + 1) * count, j * count : (j + 1) * count] = np.diag(
                blocks[:, i, j]
            )
    return to_bins, np.eye(to_bins.shape[1]) + to_bins.T @ certainty @ to_bins


def test_the_most_probable_field_is_that_of_the_dense_system():
    modes, terms = small()
    to_bins, system = dense(modes, terms)
    expected = np.linalg.solve(system, to_bins.T @ terms.right.ravel())
    found = modes.solved(terms, terms.right, modes.none())
    np.testing.assert_allclose(found.ravel(), expected, atol=5e-3 * np.abs(expected).max())


def test_the_expected_error_is_that_of_the_dense_system():
    modes, terms = small()
    _, system = dense(modes, terms)
    z, y, x = modes.fine
    fine = np.einsum("ai,bj,ck->abcijk", z, y, x).reshape(-1, modes.sd.size) * modes.sd.ravel()
    to_voxels = np.kron(np.eye(3), fine)
    variance = np.einsum("vi,ij,vj->v", to_voxels, np.linalg.inv(system), to_voxels)
    expected = math.sqrt(3.0 * variance.mean())
    everywhere = np.ones((8, 8, 8), dtype=bool)
    # four draws of few modes: the root mean square is within a third
    assert modes.uncertainty_mm(terms, everywhere) == pytest.approx(expected, rel=0.33)


def test_without_evidence_the_expected_error_is_that_of_the_prior_and_with_much_it_is_none():
    modes = Modes(SHAPE, 2.0, 26.0)
    middle = np.zeros(SHAPE, dtype=bool)
    middle[10:20, 10:20, 10:20] = True
    nothing = Equations(np.zeros((*BINS, 3, 3)), np.zeros((3, *BINS)))
    assert modes.uncertainty_mm(nothing, middle) == pytest.approx(2.0 * math.sqrt(3.0), rel=0.3)
    all_known = Equations(np.broadcast_to(np.eye(3) * 1e3, (*BINS, 3, 3)).copy(), nothing.right)
    assert modes.uncertainty_mm(all_known, middle) < 0.05 * 2.0 * math.sqrt(3.0)


def test_a_wave_is_carried_on_into_a_lesion_where_nothing_is_compared():
    z, y, x = places()
    wave = np.stack([np.sin(2 * np.pi * x / 80.0), 0.0 * x, 0.5 * np.cos(2 * np.pi * z / 90.0)])
    wave *= 5.0
    hole = np.hypot(np.hypot(z - 45.0, y - 45.0), x - 50.0) <= 13.0
    seen = (~hole).astype(float)
    right = np.stack(
        [
            (seen * part).reshape(15, 2, 16, 2, 17, 2).sum(axis=(1, 3, 5)) for part in wave
        ]
    )  # fmt: skip
    count = seen.reshape(15, 2, 16, 2, 17, 2).sum(axis=(1, 3, 5))
    terms = Equations(count[..., None, None] * np.eye(3), right)
    modes = Modes(SHAPE, 2.0, 26.0)
    found = modes.field(modes.solved(terms, terms.right, modes.none()))
    error = np.sqrt(np.square(found - wave)[:, hole].sum(axis=0))
    assert error.mean() < 0.3
    assert np.sqrt(np.square(wave)[:, hole].sum(axis=0)).mean() > 3.0


def waves(shift_mm=(0.0, 0.0, 0.0)):
    """Return an image of waves of 24 to 32 mm along each axis, seen from elsewhere."""
    z, y, x = (at + move for at, move in zip(places(), shift_mm, strict=True))
    image = np.sin(2 * np.pi * z / 24.0) + np.sin(2 * np.pi * y / 28.0)
    return (40.0 * (image + np.sin(2 * np.pi * x / 32.0))).astype(np.float32)


def shift_of(terms):
    """Return the one shift that the equations of all bins agree on."""
    return np.linalg.solve(terms.matrix.sum(axis=(0, 1, 2)), terms.right.sum(axis=(1, 2, 3)))


@pytest.mark.parametrize("slack_mm", [0.0, 1.0])
@pytest.mark.parametrize("brighter_hu", [0.0, 30.0])
def test_the_equations_of_a_shifted_image_hold_its_shift(slack_mm, brighter_hu):
    shift = (0.6, -0.4, 0.5)
    everywhere = np.ones(SHAPE, dtype=np.float32)
    fixed = waves(shift) + np.float32(brighter_hu)
    found = shift_of(image_equations(fixed, waves(), everywhere, slack_mm=slack_mm))
    np.testing.assert_allclose(found, shift, rtol=0.12)


def test_what_is_not_compared_says_nothing():
    weight = np.ones(SHAPE, dtype=np.float32)
    weight[:, :, 16:] = 0.0
    terms = image_equations(waves((1.0, 0.0, 0.0)), waves(), weight, slack_mm=1.0)
    assert not terms.matrix[:, :, 8:].any()
    assert not terms.right[:, :, :, 8:].any()
    assert terms.matrix[:, :, :8].any()


def test_no_edge_is_surer_than_its_slack():
    """Each voxel adds less than its share of 1 / slack^2, however steep the edge in it is."""
    weight = np.ones(SHAPE, dtype=np.float32)
    steep = 50.0 * waves()
    for slack in (0.7, 2.0):
        terms = image_equations(steep, steep, weight, slack_mm=slack)
        trace = np.trace(terms.matrix, axis1=-2, axis2=-1)
        limit = BIN**3 * INDEPENDENT / slack**2
        assert trace.max() <= limit * (1 + 1e-6)
        assert trace.max() > 0.5 * limit


def test_equations_are_the_sums_over_bins():
    rng = np.random.default_rng(3)
    off, count = rng.normal(size=SHAPE), rng.uniform(size=SHAPE)
    slope = rng.normal(size=(3, *SHAPE))
    terms = summed_equations(off, slope, count)
    box = (slice(4, 6), slice(10, 12), slice(0, 2))
    right = [(count[box] * slope[i][box] * off[box]).sum() for i in range(3)]
    np.testing.assert_allclose(terms.right[:, 2, 5, 0], right)
    product = (count[box] * slope[0][box] * slope[2][box]).sum()
    assert terms.matrix[2, 5, 0, 0, 2] == pytest.approx(product)
    assert terms.matrix[2, 5, 0, 2, 0] == pytest.approx(product)
