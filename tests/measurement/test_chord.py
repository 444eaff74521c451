import itertools
import math

import numba
import numpy as np
import pytest
from longest_run_by_hand import longest_runs
from scipy import ndimage

from imaging.geometry import VolumeGeometry
from measurement.bypass import FINISHED, longest_past_hole
from measurement.contained import longest_contained
from measurement.diameter import (
    _contained,
    _drawn,
    _longest_run,
    outline_curve,
    outline_diameter,
    search_slice,
)
from measurement.outline import LesionOutline

DISABLED = numba.config.DISABLE_JIT  # then interpreted: few cases, seen by coverage
GAPS = (0.0, 2.0, 5.0, math.inf)


def random_case(seed, size):
    """A small viable part in a small lesion: blobs, rings, crescents, specks, threads, islands."""
    rng = np.random.default_rng(seed)
    kind = seed % 6
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    if kind == 0:  # rounded
        viable = x**2 / rng.uniform(2, 12) + y**2 / rng.uniform(2, 12) <= 1
    elif kind == 1:  # ring or crescent
        r, c = rng.uniform(2.5, 4.3), rng.uniform(0.8, 2.2)
        u, v = rng.uniform(-1.5, 1.5, 2)
        viable = (np.hypot(x, y) <= r) & (np.hypot(x - u, y - v) > c)
    elif kind == 2:  # specks
        viable = rng.random((size, size)) < rng.uniform(0.3, 0.8)
    elif kind == 3:  # threads
        viable = np.zeros((size, size), dtype=bool)
        at = rng.integers(1, size - 1, 2)
        for _ in range(14):
            viable[tuple(at)] = True
            at = np.clip(at + rng.integers(-1, 2, 2), 0, size - 1)
    elif kind == 4:  # smooth blob with holes
        viable = ndimage.gaussian_filter(rng.standard_normal((size, size)), 1.0) > -0.05
    else:  # islands
        viable = np.zeros((size, size), dtype=bool)
        for _ in range(3):
            u, v = rng.integers(0, size - 2, 2)
            viable[u : u + rng.integers(1, 4), v : v + rng.integers(1, 4)] = True
    if rng.random() < 0.3:
        whole = viable | (rng.random(viable.shape) < 0.5)
    else:
        whole = ndimage.binary_closing(np.pad(viable, 3), np.ones((3, 3)), iterations=2)[3:-3, 3:-3]
        whole = whole | viable
    spacing = (2.5, 1.0, 1.0) if rng.random() < 0.5 else (2.5, *rng.uniform(0.6, 1.4, 2))
    geometry = VolumeGeometry.upright(shape=(1, size, size), spacing_mm=spacing)
    return viable[None], whole[None], geometry


def check_against_the_reference(seeds, size=7):
    compared = 0
    for seed in seeds:
        viable, whole, geometry = random_case(seed, size)
        outline = LesionOutline(viable, whole, geometry)
        if not outline.slices:
            continue
        fast = outline_curve(outline, gaps_mm=GAPS)
        slow = longest_runs(*outline.contours(0), GAPS)
        for gap in GAPS:
            length = fast[gap].length_mm if fast[gap] else 0.0
            assert length == pytest.approx(slow[gap], abs=1e-6), (seed, gap)
        compared += 1
    return compared


def test_the_fast_search_finds_what_every_line_through_two_vertices_finds():
    assert check_against_the_reference(range(18 if DISABLED else 150)) >= (14 if DISABLED else 120)


@pytest.mark.slow
def test_the_fast_search_finds_it_on_larger_masks_too():
    assert check_against_the_reference(range(1000, 1400), size=13) >= 350


@pytest.mark.slow
def test_the_fast_search_finds_it_on_two_thousand_masks():
    assert check_against_the_reference(range(5000, 7100)) >= 2000


def runs_of_both_searches(seeds):
    """Longest run without gaps of each slice, by the search for those and by that for all gaps."""
    for seed in seeds:
        outline = LesionOutline(*random_case(seed, 7 + seed % (6 if DISABLED else 24)))
        for _, index, one, two in outline.slices:
            contour = outline.viable_contour(index)
            run, finished = longest_contained(
                contour.points_mm, contour.edges, _drawn(outline, index), (one, two), 0.0
            )  # fmt: skip
            if finished:
                yield seed, float(run[0]), search_slice(outline, index, 0.0, 0.0, each=False)[0, 0]


def test_the_search_without_gaps_agrees_with_that_for_all_gaps():
    runs = list(runs_of_both_searches(range(12 if DISABLED else 400)))
    assert len(runs) >= (8 if DISABLED else 380)
    assert [run for run in runs if run[1] != pytest.approx(run[2], abs=1e-6)] == []


@pytest.mark.slow
def test_the_search_without_gaps_agrees_with_that_for_all_gaps_on_five_thousand_masks():
    runs = list(runs_of_both_searches(range(10_000, 15_200)))
    assert len(runs) >= 5000
    assert [run for run in runs if run[1] != pytest.approx(run[2], abs=1e-6)] == []


@pytest.mark.parametrize("seed", [3, 447, 457, 513])
def test_the_search_needs_no_first_guess(seed):
    """With these masks a tube once lost lines that are inclined to its axis."""
    outline = LesionOutline(*random_case(seed, 7 + seed % 20))
    (row,) = outline.slices
    viable, whole = outline.contours(row[1])
    if DISABLED and len(viable.points_mm) > 40:
        pytest.skip("takes minutes where nothing is compiled")
    slow = longest_runs(viable, whole, (0.0, 2.0, 5.0))
    for gap, length in slow.items():
        found = search_slice(outline, row[1], gap, 0.0, each=False)
        assert found[0, 0] == pytest.approx(length, abs=1e-6)


def test_specks_beside_a_bar_hand_the_search_over_and_the_bar_is_found():
    rows, columns = (20, 24) if DISABLED else (70, 90)
    bar = np.zeros((1, rows, columns), dtype=bool)
    bar[0, 3:6, 4 : columns - 6] = True
    beside = np.zeros_like(bar)
    beside[0, 10:, :] = np.random.default_rng(4).random((rows - 10, columns)) < 0.5
    whole = np.ones_like(bar)
    geometry = VolumeGeometry.upright(shape=bar.shape, spacing_mm=(2.5, 1.0, 0.9))
    outline = LesionOutline(bar | beside, whole, geometry)
    if not DISABLED:
        (_, index, *farthest), *_ = outline.slices
        _, finished = _contained(outline, index, 0.0, tuple(farthest))
        assert not finished
    found = outline_diameter(outline, gap_mm=0.0)
    alone = outline_diameter(LesionOutline(bar, whole, geometry), gap_mm=0.0)
    assert found.length_mm == pytest.approx(alone.length_mm, abs=1e-6)
    assert found.length_mm == pytest.approx(math.hypot(0.9 * (columns - 10), 3.0), abs=0.7)


@pytest.mark.parametrize("seed", [2, 44])
def test_a_search_that_gave_up_is_carried_on_from_its_guess(seed):
    outline = LesionOutline(*random_case(seed, 27))
    (_, index, *farthest), *_ = outline.slices
    if DISABLED:
        pytest.skip("takes minutes where nothing is compiled")
    guess, finished = _contained(outline, index, 0.0, tuple(farthest))
    assert not finished
    longest = search_slice(outline, index, 0.0, 0.0, each=False)[0, 0]
    assert guess[0] <= longest + 1e-6
    run = _longest_run(outline, index, 0.0, 0.0, tuple(farthest), guessed=True)
    assert run[0] == pytest.approx(longest, abs=1e-6)
    assert math.hypot(run[3] - run[1], run[4] - run[2]) == pytest.approx(run[0], abs=1e-9)


def ring_case(seed):
    """A rough ring: a hole anywhere, open or closed, dead specks in the rim, live ones in the hole."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(14, 20 if DISABLED else 40))
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    r, flat = size / 2 - 1, rng.uniform(0.6, 1.0)
    u, v = rng.uniform(-0.3, 0.3, 2) * r
    whole = np.hypot(x, y / flat) <= r
    viable = whole & (np.hypot(x - u, (y - v) / rng.uniform(0.6, 1.0)) > r * rng.uniform(0.2, 0.85))
    if rng.random() < 0.4:
        viable &= rng.random(viable.shape) > rng.uniform(0.0, 0.1)
    if rng.random() < 0.3:
        viable |= whole & (rng.random(viable.shape) < 0.02)
    if rng.random() < 0.3:
        whole = viable | (whole & (rng.random(whole.shape) > 0.02))
    spacing = (2.5, 1.0, 1.0) if rng.random() < 0.5 else (2.5, *rng.uniform(0.6, 1.4, 2))
    geometry = VolumeGeometry.upright(shape=(1, size, size), spacing_mm=spacing)
    return viable[None], whole[None], geometry


def runs_past_a_hole(seeds):
    """Longest run of each slice and gap by the search past a hole, and by that for all shapes."""
    for seed in seeds:
        outline = LesionOutline(*ring_case(seed))
        for (_, index, *_), gap in itertools.product(outline.slices, (0.5, 2.0, 5.0)):
            longest = search_slice(outline, index, gap, 0.0, each=False)[0, 0]
            viable, whole = outline.contours(index)
            for share in (0.95, 1.0 - 1e-5):
                run, state = longest_past_hole(
                    viable.points_mm, viable.edges, whole.points_mm, whole.edges,
                    _drawn(outline, index), gap, np.array([share * longest, 0.0, 0.0, 0.0, 0.0]),
                )  # fmt: skip
                if state == FINISHED:
                    yield seed, gap, float(run[0]), longest


def test_the_search_past_a_hole_agrees_with_that_for_all_shapes():
    runs = list(runs_past_a_hole(range(2 if DISABLED else 100)))
    assert len(runs) >= (2 if DISABLED else 300)
    assert [run for run in runs if run[2] != pytest.approx(run[3], abs=1e-6)] == []


def contained_runs_past_a_hole(seeds):
    """Longest run without gaps of rough rings, by the search for those and by that for all."""
    for seed in seeds:
        outline = LesionOutline(*ring_case(seed))
        for _, index, one, two in outline.slices:
            longest = search_slice(outline, index, 0.0, 0.0, each=False)[0, 0]
            for share in (0.0, 0.97, 1.0 - 1e-5):
                run, finished = _contained(outline, index, share * longest, (one, two))
                if finished:
                    yield seed, share, float(run[0]), longest


def test_segments_without_gaps_past_a_hole_agree_with_the_search_for_all_shapes():
    runs = list(contained_runs_past_a_hole(range(2 if DISABLED else 150)))
    assert len(runs) >= (2 if DISABLED else 400)
    assert [run for run in runs if run[2] != pytest.approx(run[3], abs=1e-6)] == []


def test_lines_far_beside_a_small_hole_are_not_overlooked():
    # in 20009 a run ends nearly a quarter of the circle from its foot; in 21604 it passes far out
    runs = list(runs_past_a_hole([20009, 21604]))
    assert [run for run in runs if run[2] != pytest.approx(run[3], abs=1e-6)] == []


@pytest.mark.parametrize("known", [24.0, 28.0, 31.0])
def test_a_rim_too_thin_for_a_longer_run_than_is_known_is_passed_over(known):
    y, x = np.mgrid[:40, :40] - 19.5
    ring = (np.hypot(x, y) <= 16) & (np.hypot(x, y) > 12)
    geometry = VolumeGeometry.upright(shape=(1, 40, 40), spacing_mm=(2.5, 1.0, 1.0))
    outline = LesionOutline(ring[None], ring[None], geometry)
    (row,) = outline.slices
    run, finished = _contained(outline, row[1], known, row[2:])
    assert finished
    assert run[0] == 0.0


def rings_one_above_another(seed):
    """Rough rings of nearly the same size on several slices, some without a hole."""
    rng = np.random.default_rng(seed)
    planes, size = (3, 15) if DISABLED else (6, int(rng.integers(18, 40)))
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    whole, viable = np.zeros((2, planes, size, size), dtype=bool)
    for z in range(planes):
        u, v = rng.uniform(-1.5, 1.5, 2)
        whole[z] = np.hypot(x, y / rng.uniform(0.9, 1.0)) <= size / 2 - 1 - rng.uniform(0.0, 1.0)
        hole = size * rng.uniform(0.2, 0.4) if rng.random() < 0.8 else 0.0
        viable[z] = whole[z] & (np.hypot(x - u, y - v) >= hole)
    if seed % 3 == 0:
        viable &= rng.random(viable.shape) > 0.03
    spacing = (2.5, *rng.uniform(0.6, 1.4, 2))
    return viable, whole, VolumeGeometry.upright(shape=viable.shape, spacing_mm=spacing)


def longest_of_all_slices(seeds):
    """Longest run of a volume, and the longest of those that each slice has by itself."""
    for seed in seeds:
        volume = rings_one_above_another(seed)
        outline = LesionOutline(*volume)
        for gap in (0.0, 2.0):
            each = [
                search_slice(outline, row[1], gap, 0.0, each=False)[0, 0] for row in outline.slices
            ]
            found = outline_diameter(LesionOutline(*volume), gap_mm=gap)
            yield seed, gap, found.length_mm, max(each)


def test_the_longest_of_many_slices_with_holes_is_that_of_the_best_slice():
    runs = list(longest_of_all_slices(range(2 if DISABLED else 60)))
    assert [run for run in runs if run[2] != pytest.approx(run[3], abs=1e-6)] == []


@pytest.mark.slow
def test_the_longest_of_many_slices_is_that_of_the_best_slice_on_six_hundred_volumes():
    runs = list(longest_of_all_slices(range(30_000, 30_600)))
    assert len(runs) == 1200
    assert [run for run in runs if run[2] != pytest.approx(run[3], abs=1e-6)] == []


@pytest.mark.slow
def test_the_search_past_a_hole_agrees_with_that_for_all_shapes_on_two_thousand_masks():
    runs = list(runs_past_a_hole(range(20_000, 22_000)))
    assert len(runs) >= 6000
    assert [run for run in runs if run[2] != pytest.approx(run[3], abs=1e-6)] == []
