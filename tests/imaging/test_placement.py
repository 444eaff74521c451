"""Sites for lesions: inside, apart, reproducible."""

import itertools
import math

import numpy as np
import pytest

from imaging.coverage import whole_mask
from imaging.phantom import Body, Field
from imaging.placement import PlacementError, find_sites
from imaging.shape import Ball

GEOMETRY = Field().geometry()
LIVER = Body().organ_mask("liver", GEOMETRY)
RADII = [8.0, 20.0, 6.0, 15.0, 8.0]


def test_lesions_lie_inside_the_region_and_apart_from_each_other():
    sites = find_sites(LIVER, GEOMETRY, RADII, margin_mm=4.0, wall_mm=2.0, seed=("S01",))
    for centre, radius in zip(sites, RADII, strict=True):
        mask = whole_mask(Ball(2.0 * (radius + 2.0), centre), GEOMETRY)
        assert not (mask & ~LIVER).any()
        z = GEOMETRY.patient_to_index(centre)[0] * 2.5
        assert radius < z < 25 * 2.5 - radius
    for one, two in itertools.combinations(range(len(RADII)), 2):
        assert math.dist(sites[one], sites[two]) >= RADII[one] + RADII[two] + 4.0


def test_the_same_words_give_the_same_sites_and_others_other_ones():
    one, same, other = (find_sites(LIVER, GEOMETRY, RADII, seed=(w,)) for w in "aab")
    assert one == same != other


def test_sites_fall_between_pixel_centres():
    index = GEOMETRY.patient_to_index(find_sites(LIVER, GEOMETRY, RADII, seed=("x",)))
    assert (np.abs(index - np.round(index)) > 1e-3).mean() > 0.9


def test_a_region_too_small_says_for_how_many_it_has_room():
    with pytest.raises(PlacementError, match=r"room for 1 of 2 lesions.*smaller or fewer"):
        find_sites(LIVER, GEOMETRY, [25.0, 25.0])
    with pytest.raises(PlacementError, match="room for 0 of 1"):
        find_sites(np.zeros_like(LIVER), GEOMETRY, [5.0])
