"""Cases small enough to run without compilation, so that coverage sees the compiled code."""

import math

import numpy as np
import pytest

from imaging.geometry import VolumeGeometry
from measurement.contour import edge
from measurement.crop import bounding_box
from measurement.denoise import flattened
from measurement.diameter import (
    diameter_curve,
    longest_diameter,
    outline_diameter,
)
from measurement.outline import LesionOutline, RegionError
from measurement.short_axis import short_axis, tied_short_axis


def drawn(*rows):
    """A one-slice mask: # viable, o whole lesion only."""
    art = np.array([list(row) for row in rows])
    grid = VolumeGeometry.upright(shape=(1, *art.shape), spacing_mm=(3.0, 1.0, 1.0))
    return (art == "#")[None], (art != ".")[None], grid


BAR = drawn("..........", ".########.", ".########.", ".########.", "..........")


def test_a_bar_is_as_long_as_its_pixels_and_as_wide():
    viable, whole, grid = BAR
    long = longest_diameter(viable, whole, grid, gap_mm=0.0)
    assert long.length_mm == pytest.approx(8.0, abs=0.7)
    assert short_axis(viable, grid, long).length_mm == pytest.approx(3.0, abs=0.7)
    assert long.slice_index == 0
    assert long.method == "longest_contained_segment"


def test_a_segment_crosses_necrosis_up_to_the_gap_and_no_farther():
    viable, whole, grid = drawn(
        "...........", ".###ooo###.", ".###ooo###.", ".###ooo###.", "...........",
    )  # fmt: skip
    curve = diameter_curve(viable, whole, grid, gaps_mm=(0.0, 2.0, 4.0, math.inf))
    assert curve[0.0].length_mm == curve[2.0].length_mm < 5.0
    assert curve[4.0].length_mm == pytest.approx(9.0, abs=0.7)
    assert curve[4.0].gap_mm == 4.0
    assert curve[math.inf].method == "farthest_points"


def test_a_gap_outside_the_whole_lesion_is_never_crossed():
    viable, whole, grid = drawn(
        "...........", ".###...###.", ".###...###.", ".###...###.", "...........",
    )  # fmt: skip
    assert longest_diameter(viable, whole, grid, gap_mm=5.0).length_mm < 5.0
    assert longest_diameter(viable, whole, grid, gap_mm=math.inf).length_mm > 8.0


def test_a_line_may_leave_the_lesion_at_no_gap_but_bends_around_nothing():
    viable, whole, grid = drawn(
        ".........", ".#.....#.", ".#.....#.", ".#######.", ".........",
    )  # fmt: skip
    assert longest_diameter(viable, whole, grid, gap_mm=5.0).length_mm < 8.5


def test_the_longest_of_several_slices_is_taken():
    viable = np.zeros((3, 6, 12), dtype=bool)
    viable[0, 2:4, 2:6] = viable[1, 2:4, 2:10] = viable[2, 2:4, 2:5] = True
    grid = VolumeGeometry.upright(shape=viable.shape, spacing_mm=(3.0, 1.0, 0.5))
    long = longest_diameter(viable, viable, grid, gap_mm=0.0)
    assert long.slice_index == 1
    assert long.length_mm == pytest.approx(math.hypot(4.0, 2.0), abs=0.7)
    only = outline_diameter(LesionOutline(viable, viable, grid), gap_mm=0.0, only=[2])
    assert only.slice_index == 2
    assert outline_diameter(LesionOutline(viable, viable, grid), gap_mm=0.0, only=[]) is None


def test_nothing_viable_has_no_caliper():
    viable, whole, grid = BAR
    assert longest_diameter(np.zeros_like(viable), whole, grid, gap_mm=2.0) is None
    assert longest_diameter(viable, np.zeros_like(viable), grid, gap_mm=2.0) is None
    assert set(diameter_curve(viable & False, whole, grid).values()) == {None}


def test_a_single_pixel_is_kept_and_told():
    viable, whole, grid = drawn(".....", ".....", "..#..", ".....", ".....")
    outline = LesionOutline(viable, whole, grid)
    long = outline_diameter(outline, gap_mm=0.0)
    assert 0.0 < long.length_mm < 1.0
    assert outline.thin_on(0)
    assert not LesionOutline(*BAR).thin_on(0)


def test_thin_diagonal_tissue_is_one_piece():
    art = np.full((9, 9), ".")
    np.fill_diagonal(art[1:8, 1:8], "#")
    viable, whole, grid = drawn(*("".join(row) for row in art))
    long = longest_diameter(viable, whole, grid, gap_mm=0.0)
    assert long.length_mm == pytest.approx(6 * math.sqrt(2), abs=0.8)


def test_the_edge_of_a_part_never_leaves_that_of_the_whole():
    rng = np.random.default_rng(5)
    for _ in range(20):
        whole = np.pad(rng.random((1, 7, 7)) < 0.6, ((0, 0), (6, 6), (6, 6)))
        viable = whole & (rng.random(whole.shape) < 0.7)
        part = edge(viable)
        assert (part.field <= edge(whole, also_keep=part.kept).field + 1e-12).all()


def test_a_degree_moves_the_edge_by_parts_of_a_pixel():
    viable, whole, grid = BAR
    lengths = []
    for value in (0.6, 0.8, 1.0):
        degree = np.ones(viable.shape)
        degree[:, :, :3] = 0.0
        degree[:, :, 3] = value
        inside = viable & (degree >= 0.5)
        lengths.append(
            outline_diameter(
                LesionOutline(inside, whole, grid, degree=degree), gap_mm=0.0
            ).length_mm
        )
    assert lengths == sorted(lengths)
    assert 0.05 < lengths[2] - lengths[0] < 0.5


def test_a_square_has_two_tied_diagonals_and_a_narrow_band():
    viable = np.zeros((1, 9, 9), dtype=bool)
    viable[0, 2:7, 2:7] = True
    grid = VolumeGeometry.upright(shape=viable.shape, spacing_mm=(3.0, 1.0, 1.0))
    outline = LesionOutline(viable, viable, grid)
    short = tied_short_axis(outline, outline_diameter(outline, gap_mm=0.0))
    assert short.tied_axes >= 2
    assert short.lowest_mm <= short.caliper.length_mm == short.highest_mm
    assert short.caliper.method == "perpendicular_to_longest"


def test_gaps_below_zero_and_masks_of_another_shape_are_refused():
    viable, whole, grid = BAR
    with pytest.raises(ValueError, match="give 0 or more"):
        longest_diameter(viable, whole, grid, gap_mm=-1.0)
    with pytest.raises(ValueError, match="give 0 or more"):
        longest_diameter(viable, whole, grid, gap_mm=math.nan)
    with pytest.raises(RegionError, match=r"the viable part has shape.*onto the geometry"):
        longest_diameter(viable[:, 1:], whole, grid, gap_mm=0.0)
    with pytest.raises(RegionError, match="the whole lesion has shape"):
        longest_diameter(viable, whole[:, 1:], grid, gap_mm=0.0)


def test_the_box_of_nothing_is_empty():
    assert bounding_box(np.zeros((2, 3, 4), dtype=bool)) == (slice(0, 0),) * 3


def variation(image, region):
    """Total variation inside a region and half the squared distance, for the check below."""
    total = np.zeros(image.shape)
    for axis in range(3):
        step = np.zeros(image.shape)
        here, there = [slice(None)] * 3, [slice(None)] * 3
        here[axis], there[axis] = slice(0, -1), slice(1, None)
        pair = region[tuple(here)] & region[tuple(there)]
        step[tuple(here)] = np.where(pair, image[tuple(there)] - image[tuple(here)], 0.0)
        total += step**2
    return np.sqrt(total)[region].sum()


def test_flattening_finds_the_least_of_distance_and_variation_inside_the_region():
    rng = np.random.default_rng(3)
    region = np.ones((2, 6, 6), dtype=bool)
    region[:, 0, 0] = False
    values = np.where(np.arange(6) < 3, 0.0, 40.0) + rng.normal(0, 8, region.shape)

    def cost(image):
        return 0.5 * ((image - values)[region] ** 2).sum() + 6.0 * variation(image, region)

    flat = flattened(values, region, (1.0, 1.0, 1.0), 6.0)
    assert not flat[~region].any()
    for _ in range(30):
        assert cost(flat) < cost(flat + region * rng.normal(0, 0.5, region.shape)) + 1e-9
    assert flat[:, :, :2][region[:, :, :2]].std() < 4.0
    wild = values.copy()
    wild[:, 0, 0] = 1e6
    assert np.array_equal(flattened(wild, region, (1.0, 1.0, 1.0), 6.0), flat)
