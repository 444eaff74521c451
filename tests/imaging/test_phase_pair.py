"""Two phases about a lesion: how a bend is followed, and what it leaves."""

import numpy as np
import pytest

from imaging.coverage import whole_mask
from imaging.elastic_displacement import Modes
from imaging.geometry import VolumeGeometry
from imaging.phase_pair import phase_pair
from imaging.shape import Ball
from imaging.volume import Volume

SIZE = 66
GEOMETRY = VolumeGeometry.upright(
    shape=(SIZE, SIZE, SIZE), spacing_mm=(2.0, 2.0, 2.0), origin_mm=(0.0, 0.0, 0.0)
)
MIDDLE = np.array([65.0, 65.0, 65.0])
HEIGHT_MM, LENGTH_MM = 5.0, 110.0
LENGTH_OF_MODES_MM = 26.0


def texture(points):
    """Return HU of plane waves of 31 to 47 mm in many directions: edges everywhere."""
    rng = np.random.default_rng(5)
    image = np.full(points.shape[:-1], 60.0)
    for length in np.linspace(31.0, 47.0, 9):
        along = rng.normal(size=3)
        along *= 2.0 * np.pi / length / np.linalg.norm(along)
        image += 12.0 * np.sin(points @ along + rng.uniform(0.0, 6.0))
    return image


def volume(array):
    count = len(array)
    whole = np.rint(array).astype(np.int16)
    return Volume(whole, GEOMETRY, "HU", ("",) * count, (1,) * count, "v")


def displacement(points):
    """Return where, from a point of the arterial phase, its tissue lies in the native phase."""
    off = HEIGHT_MM * np.sin(2.0 * np.pi * (points[..., 2] - 50.0) / LENGTH_MM)
    return off[..., None] * np.array([1.0, 0.0, 0.0])


@pytest.fixture(scope="module")
def pair():
    points = GEOMETRY.index_to_patient(np.moveaxis(np.indices(GEOMETRY.shape), 0, -1))
    # The wave goes along z and moves along x, so that its negative undoes it.
    native, arterial = texture(points - displacement(points)), texture(points)
    lesion = whole_mask(Ball(16.0, tuple(MIDDLE)), GEOMETRY)
    return phase_pair(volume(arterial), volume(native), lesion, None, None)


@pytest.fixture(scope="module")
def bent(pair):
    return pair.elastic(pair.start(), pair.weight, modes(pair, 1.8))


def modes(pair, sd_mm):
    return Modes(pair.fixed.shape, sd_mm, LENGTH_OF_MODES_MM)


def error_mm(pair, field):
    """Return the mean distance, at the lesion, from where the tissue is."""
    points = pair.grid.index_to_patient(np.argwhere(pair.near))
    off = field[:, pair.near].T @ (pair.grid.affine[:3, :3] / 3.0).T - displacement(points)
    return float(np.linalg.norm(off, axis=1).mean())


def test_a_bend_is_followed_from_no_displacement(pair, bent):
    assert error_mm(pair, pair.start()) > 2.5
    assert error_mm(pair, bent.field) < 1.2


def test_a_fit_goes_on_from_where_another_ended(pair, bent):
    again = pair.elastic_from(bent, pair.weight, bent.modes)
    further = pair.elastic_from(bent, pair.weight, modes(pair, 4.0))
    for found in (again, further):
        assert pair.mean_misfit(found.field) <= 1.02 * pair.mean_misfit(bent.field)
        assert error_mm(pair, found.field) < 1.2
    # From nothing it takes the first, calmer steps too, and ends in the same place.
    alone = pair.elastic(pair.start(), pair.weight, further.modes)
    assert pair.apart_mm(further.field - alone.field) < 0.3


def test_a_misfit_counts_where_it_is_asked_for(pair):
    half = np.zeros(pair.fixed.shape, dtype=bool)
    half[: len(half) // 2] = True
    field = pair.start()
    off, count = pair.misfit(field)
    for where in (half, ~half):
        expected = np.average(off[where], weights=count[where])
        assert pair.mean_misfit(field, where) == pytest.approx(expected, rel=1e-4)
    low, high = sorted((pair.mean_misfit(field, half), pair.mean_misfit(field, ~half)))
    assert low < pair.mean_misfit(field) < high
