"""How lesions of two visits lie to one another, by the liver alone."""

import math

import numpy as np
import pytest

from benchmarks.correspondence import judged, simulated
from imaging.geometry import VolumeGeometry
from imaging.visit_registration import VisitAlignment
from measurement.visit_overlap import IN_LIVER_MM, OutlinedLesion, meeting

HERE = VolumeGeometry.upright(
    shape=(24, 60, 60), spacing_mm=(2.0, 1.0, 1.0), origin_mm=(-30.0, -30.0, -24.0)
)
SHIFT = np.array([100.0, -20.0, 7.0])
THERE = VolumeGeometry.upright(
    shape=(90, 75, 75), spacing_mm=(0.8, 1.0, 1.0), origin_mm=(60.0, -60.0, -30.0)
)
COARSE = VolumeGeometry.upright(
    shape=(21, 21, 21), spacing_mm=(3.0, 3.0, 3.0), origin_mm=(-30.0, -30.0, -30.0)
)
SHIFTED = VisitAlignment(0.0, COARSE, np.zeros((3, 21, 21, 21), np.float32), SHIFT)


def ball(name, centre, radius, grid, place="liver"):
    points = grid.index_to_patient(np.moveaxis(np.indices(grid.shape), 0, -1))
    return OutlinedLesion(name, np.linalg.norm(points - centre, axis=-1) <= radius, grid, place)


def lens_part(distance, one, other):
    """Volume of the lens of two balls, as part of the smaller one."""
    part = (
        math.pi * (one + other - distance) ** 2
        * (distance**2 + 2 * distance * (one + other) - 3 * (one - other) ** 2) / (12 * distance)
    )  # fmt: skip
    return part / (4 / 3 * math.pi * min(one, other) ** 3)


@pytest.mark.parametrize(("off", "radius"), [(4.0, 10.0), (9.0, 10.0), (9.0, 6.0), (13.0, 8.0)])
def test_distance_and_overlap_of_two_balls_are_the_closed_form(off, radius):
    one = ball("a", np.array([1.0, -2.0, 0.5]), 12.0, HERE)
    other = ball("b", np.array([1.0 + off, -2.0, 0.5]) + SHIFT, radius, THERE)
    found = meeting([one], [other], SHIFTED)
    assert found.distance_mm[0, 0] == pytest.approx(off, abs=0.3)
    assert found.shared[0, 0] == pytest.approx(lens_part(off, 12.0, radius), abs=0.06)
    assert one.placed().radius_mm == pytest.approx(12.0, abs=0.2)


def test_a_remnant_in_the_old_outline_shares_all_of_itself():
    one = ball("a", np.zeros(3), 14.0, HERE)
    other = ball("b", np.array([8.0, 0.0, 0.0]) + SHIFT, 3.0, THERE)
    assert meeting([one], [other], SHIFTED).shared[0, 0] == pytest.approx(1.0, abs=0.15)


def test_far_lesions_share_nothing():
    one = ball("a", np.array([-15.0, 0.0, 0.0]), 5.0, HERE)
    other = ball("b", np.array([15.0, 0.0, 0.0]) + SHIFT, 5.0, THERE)
    assert meeting([one], [other], SHIFTED).shared[0, 0] == 0.0


def test_an_outline_of_one_voxel_is_compared_by_that_voxel():
    mask = np.zeros(HERE.shape, bool)
    mask[12, 30, 30] = True
    centre = HERE.index_to_patient([12, 30, 30])
    found = meeting(
        [OutlinedLesion("a", mask, HERE, "liver")], [ball("b", centre + SHIFT, 6.0, THERE)], SHIFTED
    )
    assert found.shared[0, 0] == pytest.approx(1.0)
    assert found.distance_mm[0, 0] < 0.5


def test_outside_the_liver_the_registration_is_trusted_less():
    one = ball("a", np.zeros(3), 6.0, HERE)
    other = ball("b", SHIFT, 6.0, THERE)
    inside = meeting([one], [other], SHIFTED).tolerance_mm[0, 0]
    node = OutlinedLesion("a", one.mask, HERE, "lymph_node")
    beside = meeting([node], [other], SHIFTED).tolerance_mm[0, 0]
    away = VolumeGeometry(HERE.affine + np.array([[0, 0, 0, 200.0], *[[0] * 4] * 3]), HERE.shape)
    far = meeting([OutlinedLesion("a", one.mask, away, "lung")], [other], SHIFTED).tolerance_mm[
        0, 0
    ]
    assert inside == IN_LIVER_MM < beside < far


def test_simulated_pairs_registered_by_the_liver_are_matched_or_asked():
    """The benchmark's first pairs; all of them take some minutes."""
    pairs = [simulated(4, registered=True), simulated(21)]
    count = judged(pairs)
    assert count["lesions"] >= 16
    assert count["lesions_right"] == count["lesions"]
    assert count["pairs_silently_wrong"] == 0
