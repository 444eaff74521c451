"""Rendered values against the table of tissues."""

import time

import numpy as np
import pytest

from imaging.coverage import solid_mask
from imaging.noise import Acquisition, noise_field
from imaging.phantom import EXTRAHEPATIC_PLACES, TRUNK, Body, Field, render
from imaging.reference_object import (
    Ball,
    Ellipsoid,
    ReferenceLesion,
    Ring,
    hypervascular,
    hypervascular_mr,
    lesion_masks,
    soft_tissue,
)
from imaging.solid import Solid

GRID = Field()
LESIONS = [
    ReferenceLesion("L1", Ring(40.0, 24.0, (-25.3, -5.0, 1.0)), hypervascular()),
    ReferenceLesion("L2", Ball(20.0, (15.0, -5.0, 10.0)), hypervascular(enhancement_hu=45.0)),
    ReferenceLesion("L3", Ellipsoid((8.0, 6.0, 7.0), 20.0, (54.0, 51.0, -4.0)), soft_tissue()),
    ReferenceLesion("L4", None, hypervascular()),
]


def inner(lesion: ReferenceLesion) -> np.ndarray:
    """Voxels of a solid lesion at least one pixel from its edge."""
    return solid_mask(
        Solid(lesion.shape.centre_mm, tuple(a - 1.5 for a in lesion.shape.whole.semi_axes_mm)),
        GRID.geometry(),
    )


def test_means_are_the_values_stated_for_liver_viable_part_and_necrosis():
    geometry = GRID.geometry()
    whole, viable = lesion_masks(LESIONS, geometry)
    liver = Body().organ_mask("liver", geometry)
    background = liver & ~whole["L1"] & ~whole["L2"]
    background &= solid_mask(Solid((-10.0, -2.0, 0.0), (46.0, 38.0, 50.0)), geometry)
    core = solid_mask(Solid((-25.3, -5.0, 1.0), (11.0, 11.0, 11.0)), geometry)
    for phase, liver_hu, ring_hu, ball_hu, node_hu in (
        ("native", 55, 45, 45, 40),
        ("late_arterial", 70, 105, 90, 85),
        ("portal_venous", 110, 90, 90, 85),
    ):
        image = render(GRID, LESIONS, phase, seed=("means",))
        ring = viable["L1"] & ~solid_mask(Solid((-25.3, -5.0, 1.0), (13.2,) * 3), geometry)
        ring &= solid_mask(Solid((-25.3, -5.0, 1.0), (18.8,) * 3), geometry)
        assert image[background & ~whole["L1"]].mean() == pytest.approx(liver_hu, abs=0.8)
        assert image[ring].mean() == pytest.approx(ring_hu, abs=0.8)
        assert image[core].mean() == pytest.approx(35, abs=0.8)
        assert image[inner(LESIONS[1])].mean() == pytest.approx(ball_hu, abs=1.0)
        assert image[inner(LESIONS[2])].mean() == pytest.approx(node_hu, abs=2.0)


def test_noise_has_the_stated_deviation_and_is_new_for_every_phase_and_seed():
    clean = Acquisition(noise_sd=0.0)
    flat = render(GRID, [], "native", acquisition=clean, seed=("a",)).astype(float)
    rough = [
        render(GRID, [], "native", acquisition=Acquisition(12.0), seed=(visit,)) - flat
        for visit in "ab"
    ]
    inside = Body().organ_mask("liver", GRID.geometry())
    assert rough[0][inside].std() == pytest.approx(12.0, rel=0.02)
    assert abs(np.corrcoef(rough[0][inside], rough[1][inside])[0, 1]) < 0.02


def test_correlated_noise_keeps_its_deviation_and_links_neighbours_in_the_plane_only():
    noise = noise_field((20, 64, 64), Acquisition(10.0, correlation_px=0.8), "x")
    assert noise.std() == pytest.approx(10.0, rel=0.03)
    # two Gaussians of SD s correlate as exp(-d^2 / 4 s^2)
    expected = np.exp(-1.0 / (4.0 * 0.8**2))
    assert np.corrcoef(noise[:, :, 1:].ravel(), noise[:, :, :-1].ravel())[0, 1] == pytest.approx(
        expected, abs=0.03
    )
    assert abs(np.corrcoef(noise[1:].ravel(), noise[:-1].ravel())[0, 1]) < 0.02


def test_the_same_seed_gives_the_same_image_and_the_seed_is_not_hash():
    one = render(GRID, LESIONS, "native", seed=("S01", "baseline"))
    np.testing.assert_array_equal(one, render(GRID, LESIONS, "native", seed=("S01", "baseline")))
    # computed once in another process: hash() would differ from run to run
    first = noise_field((1, 1, 4), Acquisition(1.0, 0.0), "S01")[0, 0]
    np.testing.assert_allclose(first, FIRST_NOISE, atol=1e-5)


FIRST_NOISE = [0.46733513474464417, 1.1333200931549072, 1.8668608665466309, -0.3923254907131195]


def test_breathing_moves_the_image_and_not_the_masks():
    still = Acquisition(noise_sd=0.0)
    one = render(GRID, LESIONS, "native", acquisition=still, seed=("a",))
    moved = render(
        GRID, LESIONS, "native", acquisition=still, seed=("a",), shift_mm=(0.0, 2.4, 0.0)
    )
    np.testing.assert_array_equal(moved[:, 3:], one[:, :-3])


def test_blur_spreads_an_edge_and_keeps_its_half_level():
    sharp, soft = (
        render(GRID, [], "native", acquisition=Acquisition(0.0, blur_mm=blur), seed=("a",))[
            13
        ].astype(float)
        for blur in (0.0, 0.8)
    )
    row = slice(75, 80), slice(132, 154)
    assert np.abs(np.diff(soft[row])).max() < np.abs(np.diff(sharp[row])).max()
    assert soft[row].sum() == pytest.approx(sharp[row].sum(), rel=0.02)


def test_a_magnetic_resonance_body_has_signal_and_no_negative_values():
    lesion = ReferenceLesion("L1", Ball(24.0, (-20.0, -5.0, 0.0)), hypervascular_mr())
    image = render(
        GRID, [lesion], "late_arterial", body=Body("MR"), seed=("m",),
        acquisition=Acquisition(noise_sd=12.0),
    )  # fmt: skip
    assert image.min() == 0
    assert image[inner(lesion)].mean() == pytest.approx(630.0, abs=2.0)


def test_lesions_outside_the_liver_find_room_that_touches_no_organ():
    geometry = GRID.geometry()
    for name, (centre, radius) in EXTRAHEPATIC_PLACES.items():
        ball = solid_mask(Solid(centre, (radius,) * 3), geometry)
        for organ in TRUNK[3:]:
            if organ.tissue != name:
                assert not (ball & solid_mask(organ.solid, geometry)).any(), (name, organ.tissue)


def test_a_phase_renders_in_a_tenth_of_a_second():
    render(GRID, LESIONS, "portal_venous", seed=("warm",))
    started = time.process_time()
    render(GRID, LESIONS, "portal_venous", seed=("timed",))
    assert time.process_time() - started < 0.2  # a tenth on a quiet machine
