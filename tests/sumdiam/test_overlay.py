"""The picture of one measurement."""

import io
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from imaging.geometry import VolumeGeometry
from imaging.volume import Volume
from sumdiam.report.overlay import CALIPER_COLOUR, VIABLE_COLOUR, WHOLE_COLOUR, draw_overlay

GRID = VolumeGeometry.upright(shape=(9, 96, 120), spacing_mm=(2.5, 0.75, 0.75))
Z, Y, X = np.meshgrid(*[np.arange(n) for n in GRID.shape], indexing="ij")
RADIUS = np.hypot((Y - 40) * 0.75, (X - 70) * 0.75) + 0 * Z
MASK = (RADIUS < 18) & (np.abs(Z - 4) <= 2)
VIABLE = MASK & (RADIUS > 9)


def a_volume(unit="HU", geometry=GRID):
    rng = np.random.default_rng(1)
    values = rng.normal(70, 10, GRID.shape) + 50 * VIABLE
    return Volume(values.astype(np.int16), geometry, unit, (), (), "v")


def a_caliper(index=4):
    """Only what a picture needs of a caliper: from (40, 46) to (40, 94), 48 pixels of 0.75 mm."""
    ends = ((index, 40.0, 46.0), (index, 40.0, 94.0))
    return SimpleNamespace(length_mm=36.0, slice_index=index, ends_index=ends)


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def near(picture, colour):
    return np.abs(picture - np.array(colour)).sum(axis=2) < 60


def test_contours_and_caliper_are_drawn_where_they_are():
    picture = pixels(draw_overlay(a_volume(), MASK, VIABLE, a_caliper()))
    # 36 mm wide, 11 mm margin: 252 pixels show 58 mm, the lesion is in the middle
    scale = 252 / (35.25 + 22.75)
    middle_y, middle_x = 18 + 126, 126
    rows, columns = np.nonzero(near(picture, WHOLE_COLOUR))
    radii = np.hypot(rows - middle_y, columns - middle_x) / scale
    assert np.percentile(radii, [5, 95]) == pytest.approx([18, 18], abs=1.2)
    rows, columns = np.nonzero(near(picture, VIABLE_COLOUR))
    radii = np.hypot(rows - middle_y, columns - middle_x) / scale
    assert radii.min() == pytest.approx(9, abs=1.0)
    line = near(picture[middle_y - 1 : middle_y + 2], CALIPER_COLOUR).any(axis=0)
    length = np.flatnonzero(line[18:-18])  # the rim holds the letters of the directions
    assert (length.max() - length.min()) / scale == pytest.approx(36, abs=1.5)


def test_the_axis_across_is_drawn_dashed_on_the_same_picture():
    across = SimpleNamespace(
        length_mm=24.0, slice_index=4, ends_index=((4, 24.0, 70.0), (4, 56.0, 70.0))
    )
    alone = pixels(draw_overlay(a_volume(), MASK, VIABLE, a_caliper()))
    both = pixels(draw_overlay(a_volume(), MASK, VIABLE, a_caliper(), second=across))
    middle_y, middle_x, scale = 18 + 126, 126, 252 / (35.25 + 22.75)
    column = near(both[:, middle_x - 1 : middle_x + 2], CALIPER_COLOUR).any(axis=1)
    column[: middle_y - 80] = column[middle_y + 80 :] = False
    rows = np.flatnonzero(column)
    assert (rows.max() - rows.min()) / scale == pytest.approx(24, abs=1.5)
    assert (np.diff(rows) > 2).sum() >= 6  # gaps between dashes
    line = np.s_[middle_y, middle_x + 8 : middle_x + 60]
    assert np.array_equal(alone[line], both[line])  # the first caliper stays whole


def test_the_native_phase_is_drawn_below_in_the_same_greys_without_a_caliper():
    alone = draw_overlay(a_volume(), MASK, VIABLE, a_caliper())
    bright = 70.0 + 110.0 * ((np.abs(Y - 30) <= 2) & (np.abs(X - 75) <= 2))
    native = replace(a_volume(), array=bright.astype(np.int16), volume_id="n")
    both = pixels(draw_overlay(a_volume(), MASK, VIABLE, a_caliper(), native=native))
    assert both.shape == (288 + 252, 252, 3)
    np.testing.assert_array_equal(both[:288], pixels(alone))
    lower = both[288:]
    scale = 252 / (35.25 + 22.75) * 0.75  # picture pixels per pixel of the image
    spot = lower[round(126 - 10 * scale), round(126 + 5 * scale)]
    liver = lower[126 - round(3 * scale), 126]
    # 180 and 70 HU in a window of -120 to 220 HU
    assert spot.tolist() == pytest.approx([255 * 300 / 340] * 3, abs=6)
    assert liver.tolist() == pytest.approx([255 * 190 / 340] * 3, abs=6)
    assert near(lower, VIABLE_COLOUR).any()
    assert not near(lower[120:132, 30:-30], CALIPER_COLOUR).any()


def test_an_axis_of_another_slice_is_not_drawn():
    other = a_caliper(3)
    one = draw_overlay(a_volume(), MASK, VIABLE, a_caliper(), second=other)
    assert one == draw_overlay(a_volume(), MASK, VIABLE, a_caliper())


def test_without_a_viable_part_the_whole_lesion_is_shown_with_0_mm():
    dead = draw_overlay(a_volume(), MASK, np.zeros_like(MASK), None, title=("SIM-001",))
    assert near(pixels(dead), WHOLE_COLOUR).sum() > 100
    assert not near(pixels(dead)[18:-18], VIABLE_COLOUR).any()
    assert dead != draw_overlay(a_volume(), MASK, VIABLE, a_caliper(), title=("SIM-001",))


def test_a_declared_empty_segment_has_no_picture():
    assert draw_overlay(a_volume(), np.zeros_like(MASK), None, None) is None


def test_equal_input_gives_equal_bytes_without_metadata():
    one = draw_overlay(a_volume(), MASK, VIABLE, a_caliper(), title=("SIM-001", "L1"))
    assert one == draw_overlay(a_volume(), MASK, VIABLE, a_caliper(), title=("SIM-001", "L1"))
    image = Image.open(io.BytesIO(one))
    image.load()
    assert image.info == {}
    assert image.size == (252, 288)


def test_a_picture_is_small_and_fast():
    volume = a_volume()
    draw_overlay(volume, MASK, VIABLE, a_caliper())
    start = time.process_time()
    sizes = [len(draw_overlay(volume, MASK, VIABLE, a_caliper())) for _ in range(10)]
    assert (time.process_time() - start) / 10 < 0.08
    assert max(sizes) < 20_000


def test_a_lesion_at_the_border_and_mr_signal_are_drawn():
    mask = np.zeros_like(MASK)
    mask[0, :12, :15] = True
    caliper = SimpleNamespace(length_mm=9.0, slice_index=0, ends_index=((0, 0, 0), (0, 11, 14)))
    picture = pixels(draw_overlay(a_volume("signal"), mask, mask, caliper))
    assert near(picture, VIABLE_COLOUR).sum() > 50
    flat = Volume(np.zeros(GRID.shape, np.float32), GRID, "signal", (), (), "v")
    assert draw_overlay(flat, mask, None, caliper) is not None


def test_the_letters_follow_the_orientation_of_the_image():
    flipped = GRID.affine.copy()
    flipped[0, 2] *= -1
    other = VolumeGeometry(flipped, GRID.shape)
    one = pixels(draw_overlay(a_volume(), MASK, VIABLE, a_caliper()))
    two = pixels(draw_overlay(a_volume(geometry=other), MASK, VIABLE, a_caliper()))
    left, right = np.s_[134:154, 0:18], np.s_[134:154, 234:252]
    assert not np.array_equal(one[left], two[left])
    assert not np.array_equal(one[right], two[right])
    middle = np.s_[18:134, 30:220]
    assert np.array_equal(one[middle], two[middle])


def test_a_title_too_long_keeps_its_end():
    short = draw_overlay(a_volume(), MASK, None, None, title=("x" * 300, "week 12"))
    other = draw_overlay(a_volume(), MASK, None, None, title=("x" * 300, "week 24"))
    assert short != other


def test_the_position_of_the_slice_in_the_patient_is_written_in_the_lower_right_corner():
    moved = GRID.affine.copy()
    moved[2, 3] += 131.5
    one = pixels(draw_overlay(a_volume(), MASK, VIABLE, a_caliper()))
    other = a_volume(geometry=VolumeGeometry(moved, GRID.shape))
    two = pixels(draw_overlay(other, MASK, VIABLE, a_caliper()))
    rows, columns = np.nonzero((one != two).any(axis=2))
    assert rows.size
    assert (rows.min() >= 250, rows.max() < 270, columns.min() > 150) == (True, True, True)
    aside = GRID.affine.copy()
    aside[0, 3] += 131.5  # the slice is the same one of the patient
    other = a_volume(geometry=VolumeGeometry(aside, GRID.shape))
    assert np.array_equal(one, pixels(draw_overlay(other, MASK, VIABLE, a_caliper())))
