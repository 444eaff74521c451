"""The field that contours are drawn of, beside the general filter of scipy."""

import numba
import numpy as np
import pytest
from scipy import ndimage

from imaging.geometry import VolumeGeometry
from measurement.contour import (
    CARVED_LEVEL,
    FINE_SMOOTHING_PX,
    LEVEL,
    SMOOTHING_PX,
    THIN_LINE_ABOVE,
    edge,
    mask_contour,
)
from measurement.crop import MARGIN_PX
from measurement.outline import LesionOutline

ROUNDS = 3 if numba.config.DISABLE_JIT else 60


def planes(seed):
    """Three slices of smooth blobs, of specks, of nothing, with the margin of an outline."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 30))
    blobs = ndimage.gaussian_filter(rng.standard_normal((size, size)), 1.5) > 0.02
    specks = rng.random((size, size)) < rng.uniform(0.1, 0.95)
    stack = np.stack([blobs, specks, np.zeros_like(blobs)])
    return np.pad(stack, ((0, 0), (MARGIN_PX, MARGIN_PX), (MARGIN_PX, MARGIN_PX)))


@pytest.mark.parametrize("level", [LEVEL, CARVED_LEVEL])
@pytest.mark.parametrize("width", [SMOOTHING_PX, FINE_SMOOTHING_PX])
def test_the_field_is_that_of_a_gaussian_filter_to_the_last_bits(width, level):
    for seed in range(ROUNDS):
        region = planes(seed)
        drawn = edge(region, smoothing_px=width, level=level)
        general = ndimage.gaussian_filter(region.astype(float), (0, width, width), mode="constant")
        field = np.where(drawn.kept, np.maximum(general, level + THIN_LINE_ABOVE), general)
        assert np.abs(drawn.field - field).max() < 1e-14
        assert ((drawn.field >= level) == (field >= level)).all()


@pytest.mark.parametrize("level", [LEVEL, CARVED_LEVEL])
def test_a_contour_drawn_from_pixels_is_that_of_the_field_to_the_last_bit(level):
    alike = 0
    for seed in range(ROUNDS):
        for plane in planes(seed):
            whole, spacing = edge(plane[None], level=level), (0.7 + 0.01 * seed, 0.9)
            drawn = mask_contour(plane, spacing, level)
            assert (drawn is None) == whole.kept.any()  # then thin parts have to be kept
            if drawn is not None:
                contour, inside = drawn
                field = whole.contour(0, spacing)
                assert contour.points_mm.tobytes() == field.points_mm.tobytes()
                assert contour.edges.tobytes() == field.edges.tobytes()
                columns = plane.shape[1]
                assert (inside[:, :columns] == (whole.field[0] >= level)).all()
                assert not inside[:, columns:].any()
                alike += len(contour.points_mm) > 0
    assert alike >= ROUNDS // 3


def test_a_region_that_reaches_the_border_of_its_array_is_smoothed_against_nothing():
    region = np.ones((1, 9, 4), dtype=bool)
    general = ndimage.gaussian_filter(
        region.astype(float), (0, SMOOTHING_PX, SMOOTHING_PX), mode="constant"
    )
    assert np.abs(edge(region).field - general).max() < 1e-14


def test_slices_come_in_falling_order_of_their_farthest_distance():
    z, y, x = np.indices((9, 30, 30))
    ball = (2.5 * (z - 4)) ** 2 + (y - 14) ** 2 + (x - 15) ** 2 < 140
    geometry = VolumeGeometry.upright(shape=ball.shape, spacing_mm=(2.5, 1.0, 1.0))
    rows = LesionOutline(ball, ball, geometry).slices
    assert [row[:2] for row in rows] == sorted(
        (row[:2] for row in rows), key=lambda r: (-r[0], r[1])
    )
    assert {row[1] for row in rows} == set(range(int(ball.any(axis=(1, 2)).sum())))
    alone = next(LesionOutline(ball, ball, geometry).in_turn(only={3}))
    assert alone in rows
