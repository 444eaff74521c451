"""Closed forms against searches and counts that know nothing of them."""

import itertools
import math

import numpy as np
import pytest

from imaging.necrotic_shape import Crescent, Ring, TwoIslands
from imaging.shape import Ball, Dead, Ellipsoid, Shape, longest_viable_mm, longest_whole_mm
from imaging.solid import ShapeError, Solid, disc_overlap_mm2

GAPS = (0.0, 2.0, 5.0, math.inf)

SHAPES = [
    Ball(30.0, (3.0, -2.0, 1.0)),
    Ellipsoid((18.0, 9.0, 12.0), 25.0),
    Ring(50.0, 34.0),
    Ring(30.0, 6.0),
    Crescent(40.0, 30.0, (4.0, 2.0, 0.0)),  # core inside, covering the centre
    Crescent(40.0, 12.0, (9.0, -6.0, 2.0)),  # core inside, beside the centre
    Crescent(40.0, 24.0, (14.0, 5.0, 3.0)),  # a bite that spares the centre
    Crescent(40.0, 36.0, (9.0, 0.0, 0.0)),  # a bite over the centre
    Crescent(40.0, 60.0, (18.0, -4.0, 0.0)),  # a core larger than the lesion
    Crescent(40.0, 44.0, (12.0, 0.0, 0.0)),  # thin horns
    TwoIslands((24.0, 14.0, 14.0), (14.0, 10.0), ((-10.0, 1.0, 0.0), (9.0, 0.0, 1.0)), 10.0),
    TwoIslands((24.0, 14.0, 14.0), (18.0, 18.0), ((-10.0, 0.0, 0.0), (10.0, 0.0, 0.0))),
    Dead((12.0, 9.0, 8.0), 40.0),
]


def crossing(solid: Solid, z: float, theta: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Where lines (theta, offset) enter and leave a solid's section: (..., 2), NaN if they miss."""
    a, b, c = solid.semi_axes_mm
    left = 1.0 - ((z - solid.centre_mm[2]) / c) ** 2
    turn = math.radians(solid.angle_deg)
    direction = np.stack([np.cos(theta), np.sin(theta)], -1)
    start = offset[..., None] * np.stack([-np.sin(theta), np.cos(theta)], -1)
    start = start - np.array(solid.centre_mm[:2])
    back = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    d, s = direction @ back.T / [a, b], start @ back.T / [a, b]
    dd, ds, ss = (d * d).sum(-1), (d * s).sum(-1), (s * s).sum(-1) - left
    with np.errstate(invalid="ignore"):
        root = np.sqrt(np.where(left > 0, ds**2 - dd * ss, np.nan))
    return np.stack([(-ds - root) / dd, (-ds + root) / dd], -1)


def runs(shape: Shape, z: float, theta: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Viable stretches of each line: (..., 2, 2), an empty one as NaN."""
    if isinstance(shape, Dead):
        return np.full((*theta.shape, 2, 2), np.nan)
    if isinstance(shape, TwoIslands):
        both = np.stack([crossing(i, z, theta, offset) for i in shape.islands], -2)
        order = np.argsort(both[..., 0], axis=-1)[..., None]
        return np.take_along_axis(both, order, axis=-2)
    whole = crossing(shape.whole, z, theta, offset)
    nothing = np.full_like(whole, np.nan)
    if not isinstance(shape, (Ring, Crescent)):
        return np.stack([whole, nothing], -2)
    core = crossing(shape.core, z, theta, offset)
    missed = np.isnan(core[..., 0])
    low = np.where(missed, whole[..., 1], np.clip(core[..., 0], whole[..., 0], whole[..., 1]))
    high = np.where(missed, whole[..., 1], np.clip(core[..., 1], whole[..., 0], whole[..., 1]))
    first = np.stack([whole[..., 0], low], -1)
    second = np.stack([high, whole[..., 1]], -1)
    parts = np.stack([first, second], -2)
    parts[parts[..., 1] - parts[..., 0] < 1e-9] = np.nan
    return parts


def admissible(shape: Shape, z: float, gap: float, theta: np.ndarray, offset: np.ndarray):
    """Longest admissible segment on each line."""
    parts = runs(shape, z, theta, offset)
    lengths = np.nan_to_num(parts[..., 1] - parts[..., 0], nan=0.0).max(-1)
    between = parts[..., 1, 0] - parts[..., 0, 1]
    with np.errstate(invalid="ignore"):
        joined = np.where(between <= gap + 1e-12, parts[..., 1, 1] - parts[..., 0, 0], 0.0)
    return np.fmax(lengths, np.nan_to_num(joined, nan=0.0))


def searched(shape: Shape, z: float, gap: float) -> float:
    """Longest segment by a dense search over lines, refined around its best places."""
    reach = max(shape.whole.semi_axes_mm)
    centre = np.array(shape.whole.centre_mm[:2])
    theta, offset = np.meshgrid(
        np.linspace(0.0, np.pi, 181), np.linspace(-reach, reach, 241), indexing="ij"
    )

    def along(t, o):
        shifted = o - np.sin(t) * centre[0] + np.cos(t) * centre[1]
        return admissible(shape, z, gap, t, shifted)

    length = along(theta, offset)
    places = np.argsort(length.ravel())[-40::4]
    best = float(length.max())
    for place in places:
        t, o = theta.ravel()[place], offset.ravel()[place]
        step_t, step_o = np.pi / 180, reach / 120
        for _ in range(18):
            ts, os = np.meshgrid(
                t + step_t * np.linspace(-1, 1, 13), o + step_o * np.linspace(-1, 1, 13)
            )
            found = along(ts, os)
            t, o = ts.flat[found.argmax()], os.flat[found.argmax()]
            best = max(best, float(found.max()))
            step_t, step_o = step_t / 1.8, step_o / 1.8
    return best


def feret(shape: Shape, z: float) -> float:
    """Largest distance of two outline points that bound viable tissue."""
    if isinstance(shape, Dead):
        return 0.0
    outlines = shape.islands if isinstance(shape, TwoIslands) else (shape.whole,)
    angle = np.linspace(0.0, 2.0 * np.pi, 4000, endpoint=False)
    points = []
    for solid in outlines:
        a, b, _ = solid.semi_axes_mm
        turn, size = math.radians(solid.angle_deg), solid.shrink_at(z)
        u, v = a * size * np.cos(angle), b * size * np.sin(angle)
        x = solid.centre_mm[0] + u * math.cos(turn) - v * math.sin(turn)
        y = solid.centre_mm[1] + u * math.sin(turn) + v * math.cos(turn)
        core = getattr(shape, "core", None)
        kept = np.ones(len(x), bool) if core is None else core.level_at(x, y, z) > 1.0
        if size > 0.0:
            points.append(np.stack([x, y], -1)[kept])
    hull = np.concatenate(points) if points else np.zeros((1, 2))
    return max(float(np.hypot(*(hull - p).T).max()) for p in hull[::4])


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: f"{type(s).__name__}-{SHAPES.index(s)}")
def test_the_longest_viable_segment_of_a_plane_is_what_a_search_over_lines_finds(shape):
    for gap, z in itertools.product(GAPS, (0.0, -7.0)):
        expected = feret(shape, z) if gap == math.inf else searched(shape, z, gap)
        assert shape.longest_viable_on_plane(z, gap) == pytest.approx(expected, abs=0.02), (gap, z)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: f"{type(s).__name__}-{SHAPES.index(s)}")
def test_areas_and_volumes_are_what_counting_points_finds(shape):
    reach = np.array(shape.whole.reach_mm)
    axes = [
        c + r * (2.0 * (np.arange(120) + 0.5) / 120 - 1.0)
        for c, r in zip(shape.whole.centre_mm, reach, strict=True)
    ]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    cell = float(np.prod(2.0 * reach / 120))
    for inside, volume_ml in (
        (shape.inside_whole(points), shape.whole_volume_ml),
        (shape.inside_viable(points), shape.viable_volume_ml),
    ):
        assert inside.sum() * cell / 1000.0 == pytest.approx(volume_ml, rel=5e-3, abs=1e-9)
    plane = points[:, :, 70]
    z = float(axes[2][70])
    pixel = float(np.prod(2.0 * reach[:2] / 120))
    assert shape.inside_whole(plane).sum() * pixel == pytest.approx(
        shape.whole_area_on_plane(z), rel=1e-2
    )
    assert shape.inside_viable(plane).sum() * pixel == pytest.approx(
        shape.viable_area_on_plane(z), rel=1.5e-2, abs=1e-9
    )


def test_a_ring_of_50_and_34_mm_reads_36_66_then_36_72_then_50():
    ring = Ring(50.0, 34.0)
    assert longest_viable_mm(ring, [0.0], 0.0) == pytest.approx(36.66, abs=0.005)
    assert longest_viable_mm(ring, [0.0], 2.0) == pytest.approx(36.715, abs=0.001)
    assert longest_viable_mm(ring, [0.0], math.inf) == 50.0


def test_the_planes_that_exist_decide_not_the_equator():
    ball = Ball(20.0, (0.0, 0.0, 0.0))
    assert longest_whole_mm(ball, [-8.0, 6.0]) == pytest.approx(16.0)
    assert longest_viable_mm(ball, [-8.0, 6.0], 2.0) == pytest.approx(16.0)
    assert longest_viable_mm(ball, [11.0], 2.0) == 0.0
    assert longest_viable_mm(ball, [], 2.0) == 0.0


def test_a_dead_lesion_has_a_whole_diameter_and_no_viable_one():
    dead = Dead((12.0, 9.0, 8.0))
    assert longest_whole_mm(dead, [0.0]) == 24.0
    assert longest_viable_mm(dead, [0.0], math.inf) == 0.0


def test_scaling_scales_every_length_about_the_centre():
    for shape in SHAPES:
        double = shape.at((1.0, 2.0, 3.0)).scaled(2.0)
        assert double.centre_mm == (1.0, 2.0, 3.0)
        assert double.whole_volume_ml == pytest.approx(8.0 * shape.whole_volume_ml)
        assert double.viable_volume_ml == pytest.approx(8.0 * shape.viable_volume_ml)


def test_the_short_axis_of_an_ellipse_is_its_smaller_diameter():
    assert Ellipsoid((18.0, 9.0, 12.0), 25.0).short_whole_on_plane(0.0) == 18.0


def test_discs_apart_share_nothing_and_nested_ones_the_smaller():
    assert disc_overlap_mm2(5.0, 3.0, 8.0) == 0.0
    assert disc_overlap_mm2(5.0, 3.0, 1.0) == pytest.approx(9.0 * math.pi)


@pytest.mark.parametrize(
    ("make", "remedy"),
    [
        (lambda: Ball(0.0), "must be above 0"),
        (lambda: Ball(math.nan), "must be above 0"),
        (lambda: Ring(20.0, 20.0), "use Dead"),
        (lambda: Crescent(20.0, 60.0, (2.0, 0.0, 0.0)), "use Dead"),
        (lambda: Solid((0.0, 0.0, 0.0), (1.0, -1.0, 1.0)), "each must be above 0"),
        (lambda: TwoIslands((20.0,) * 3, (10.0, 10.0), ((-4.0, 0, 0), (4.0, 0, 0))), "move them"),
        (lambda: TwoIslands((12.0,) * 3, (9.0, 9.0), ((-9.0, 0, 0), (4.0, 0, 0))), "sticks out"),
    ],
)
def test_a_shape_that_cannot_exist_is_refused_with_its_remedy(make, remedy):
    with pytest.raises(ShapeError, match=remedy):
        make()
