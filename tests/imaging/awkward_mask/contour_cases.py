"""Structure sets: rules of filling, holes, planes, grids."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from tests.imaging.awkward_mask import writer as w
from tests.imaging.awkward_mask.answer import Answer, case
from tests.imaging.awkward_mask.seg_cases import GANTRY, GRID

TURN = np.array(
    [  # a rotation by 30 degrees about x after one by 20 degrees about z
        [math.cos(0.35), -math.sin(0.35), 0.0],
        [math.cos(0.52) * math.sin(0.35), math.cos(0.52) * math.cos(0.35), -math.sin(0.52)],
        [math.sin(0.52) * math.sin(0.35), math.sin(0.52) * math.cos(0.35), math.cos(0.52)],
    ]
)
OBLIQUE = w.Grid(
    column_step=tuple(0.7 * TURN[:, 0]), row_step=tuple(0.8 * TURN[:, 1]),
    slice_step=tuple(3.0 * TURN[:, 2]),
)  # fmt: skip


def square(k, low, high, *, grid: w.Grid = GRID, turned: bool = False) -> np.ndarray:
    """Return a rectangle from (row, column) to (row, column) in the plane of a slice."""
    (r0, c0), (r1, c1) = low, high
    corners = [(r0, c0), (r0, c1), (r1, c1), (r1, c0)]
    return np.array([grid.at(k, r, c) for r, c in (corners[::-1] if turned else corners)])


def circle(k, centre, radius_px, *, grid: w.Grid = GRID, points: int = 720) -> np.ndarray:
    """Return a circle in pixels: an ellipse in mm."""
    angles = np.arange(points) * 2 * math.pi / points
    return np.array(
        [
            grid.at(k, centre[0] + radius_px * math.sin(a), centre[1] + radius_px * math.cos(a))
            for a in angles
        ]
    )


def disc(k: int, centre, radius_px: float) -> set[tuple[int, ...]]:
    """Return the pixels whose centres lie in a circle, by its equation."""
    return {
        (k, r, c)
        for r in range(20)
        for c in range(24)
        if (r - centre[0]) ** 2 + (c - centre[1]) ** 2 < radius_px**2
    }


def written(folder: Path, *regions: w.Region, grid: w.Grid = GRID) -> Path:
    return w.save(w.structure_set(w.ct_slices(grid), regions), folder / "rs.dcm")


def region(*contours, **more) -> w.Region:
    return w.Region(contours=list(contours), **more)


@case
def contours_between_pixels(folder: Path) -> Answer:
    path = written(folder, region(*(square(k, (4.5, 5.5), (9.5, 12.5)) for k in (2, 3))))
    return Answer(path, GRID, {1: w.box((2, 3), (5, 9), (6, 12))}, names={1: "GTV"})


@case
def contours_on_pixel_centres_hold_the_lower_edge_only(folder: Path) -> Answer:
    grid = w.Grid(first=(0.0, 0.0, 0.0), row_step=(0, 0.5, 0), column_step=(0.5, 0, 0))
    path = written(folder, region(square(2, (5, 6), (9, 12), grid=grid)), grid=grid)
    return Answer(path, grid, {1: w.box((2, 2), (5, 8), (6, 11))})


@case
def a_circle_holds_the_centres_of_its_equation(folder: Path) -> Answer:
    path = written(folder, region(circle(4, (9.3, 11.2), 6.6)))
    return Answer(path, GRID, {1: disc(4, (9.3, 11.2), 6.6)})


@case
def the_way_a_contour_runs_does_not_matter(folder: Path) -> Answer:
    path = written(folder, region(square(2, (4.5, 5.5), (9.5, 12.5), turned=True)))
    return Answer(path, GRID, {1: w.box((2, 2), (5, 9), (6, 12))})


@case
def a_hole_by_a_contour_inside(folder: Path) -> Answer:
    path = written(folder, region(circle(4, (9.3, 11.2), 6.6), circle(4, (9.3, 11.2), 2.7)))
    return Answer(path, GRID, {1: disc(4, (9.3, 11.2), 6.6) - disc(4, (9.3, 11.2), 2.7)})


@case
def a_hole_by_a_keyhole(folder: Path) -> Answer:
    outer = [(4.5, 5.5), (4.5, 15.5), (14.5, 15.5), (14.5, 5.5), (9.5, 5.5)]
    inner = [(9.5, 8.5), (11.5, 8.5), (11.5, 12.5), (7.5, 12.5), (7.5, 8.5), (9.5, 8.5)]
    line = [*outer, *inner, (9.5, 5.5)]
    path = written(folder, region(np.array([GRID.at(3, r, c) for r, c in line])))
    ring = w.box((3, 3), (5, 14), (6, 15)) - w.box((3, 3), (8, 11), (9, 12))
    return Answer(path, GRID, {1: ring})


@case
def an_island_in_a_hole(folder: Path) -> Answer:
    path = written(
        folder,
        region(
            square(3, (2.5, 2.5), (16.5, 20.5)), square(3, (4.5, 4.5), (14.5, 18.5)),
            square(3, (7.5, 8.5), (10.5, 12.5)),
        ),
    )  # fmt: skip
    ring = w.box((3, 3), (3, 16), (3, 20)) - w.box((3, 3), (5, 14), (5, 18))
    return Answer(path, GRID, {1: ring | w.box((3, 3), (8, 10), (9, 12))})


@case
def contours_declared_exclusive_that_cross(folder: Path) -> Answer:
    one, two = square(3, (4.5, 4.5), (9.5, 12.5)), square(3, (7.5, 8.5), (14.5, 16.5))
    path = written(folder, region(one, two, kind="CLOSEDPLANAR_XOR"))
    first, second = w.box((3, 3), (5, 9), (5, 12)), w.box((3, 3), (8, 14), (9, 16))
    return Answer(path, GRID, {1: first ^ second})


@case
def contours_that_cross_and_do_not_say_how(folder: Path) -> Answer:
    one, two = square(3, (4.5, 4.5), (9.5, 12.5)), square(3, (7.5, 8.5), (14.5, 16.5))
    return Answer(written(folder, region(one, two)), GRID, refused="contours_cross")


@case
def a_contour_drawn_twice_does_not_cut_itself_out(folder: Path) -> Answer:
    line = square(2, (4.5, 5.5), (9.5, 12.5))
    again = np.roll(line[::-1], 1, axis=0)
    return Answer(
        written(folder, region(line, again)), GRID, {1: w.box((2, 2), (5, 9), (6, 12))},
        flags=frozenset({"contour_repeated"}),
    )  # fmt: skip


@case
def two_parts_on_one_plane(folder: Path) -> Answer:
    path = written(
        folder, region(square(2, (1.5, 1.5), (4.5, 6.5)), square(2, (8.5, 10.5), (12.5, 15.5)))
    )
    return Answer(path, GRID, {1: w.box((2, 2), (2, 4), (2, 6)) | w.box((2, 2), (9, 12), (11, 15))})


@case
def contours_on_every_second_slice_are_reported(folder: Path) -> Answer:
    path = written(folder, region(*(square(k, (4.5, 5.5), (9.5, 12.5)) for k in (1, 3, 5))))
    return Answer(
        path, GRID, {1: {v for v in w.box((1, 5), (5, 9), (6, 12)) if v[0] % 2}},
        flags=frozenset({"contours_skip_slices"}),
    )  # fmt: skip


@case
def contours_on_every_second_slice_are_filled_on_request(folder: Path) -> Answer:
    """Each plane stands for two slices: 1 for 0 (its lower half) and 1, 3 for 2 and 3, and so on."""
    path = written(folder, region(*(square(k, (4.5, 5.5), (9.5, 12.5)) for k in (1, 3, 5))))
    return Answer(
        path, GRID, {1: w.box((0, 5), (5, 9), (6, 12))},
        resample=True, change_percent=0.0, flags=frozenset({"mask_resampled"}),
    )  # fmt: skip


@case
def contours_between_slices_are_refused(folder: Path) -> Answer:
    path = written(folder, region(*(square(k + 0.4, (4.5, 5.5), (9.5, 12.5)) for k in (2, 3))))
    return Answer(path, GRID, refused="mask_grid_mismatch")


@case
def contours_between_slices_are_moved_on_request(folder: Path) -> Answer:
    path = written(folder, region(*(square(k + 0.4, (4.5, 5.5), (9.5, 12.5)) for k in (2, 3))))
    return Answer(
        path, GRID, {1: w.box((2, 3), (5, 9), (6, 12))},
        resample=True, change_percent=0.0, flags=frozenset({"mask_resampled"}),
    )  # fmt: skip


@case
def contours_a_twentieth_off_their_slice(folder: Path) -> Answer:
    path = written(folder, region(square(3.05, (4.5, 5.5), (9.5, 12.5))))
    return Answer(path, GRID, {1: w.box((3, 3), (5, 9), (6, 12))})


@case
def a_tilted_plane_is_refused(folder: Path) -> Answer:
    line = square(3, (4.5, 5.5), (9.5, 12.5))
    line[2:, 2] += 1.0
    return Answer(written(folder, region(line)), GRID, refused="contour_tilted")


@case
def a_coronal_contour_is_refused(folder: Path) -> Answer:
    line = np.array([GRID.at(k, 8, c) for k, c in ((1, 3), (1, 9), (5, 9), (5, 3))])
    return Answer(written(folder, region(line)), GRID, refused="contour_tilted")


@case
def contours_on_a_tilted_gantry(folder: Path) -> Answer:
    lines = [square(k, (4.5, 5.5), (9.5, 12.5), grid=GANTRY) for k in (2, 3)]
    path = written(folder, region(*lines), grid=GANTRY)
    return Answer(path, GANTRY, {1: w.box((2, 3), (5, 9), (6, 12))})


@case
def contours_on_oblique_slices(folder: Path) -> Answer:
    lines = [circle(k, (9.3, 11.2), 6.6, grid=OBLIQUE) for k in (2, 3)]
    path = written(folder, region(*lines), grid=OBLIQUE)
    return Answer(path, OBLIQUE, {1: disc(2, (9.3, 11.2), 6.6) | disc(3, (9.3, 11.2), 6.6)})


@case
def an_open_contour_is_refused(folder: Path) -> Answer:
    line = square(3, (4.5, 5.5), (9.5, 12.5))
    path = written(folder, region(line, kind="OPEN_PLANAR"))
    return Answer(path, GRID, refused="contour_not_closed")


@case
def a_point_is_refused(folder: Path) -> Answer:
    path = written(folder, region(np.array([GRID.at(3, 5, 5)]), kind="POINT"))
    return Answer(path, GRID, refused="contour_not_closed")


@case
def a_region_without_contours_is_empty(folder: Path) -> Answer:
    path = written(folder, region(square(2, (4.5, 5.5), (9.5, 12.5))), region(number=2, name="T2"))
    return Answer(path, GRID, {1: w.box((2, 2), (5, 9), (6, 12)), 2: set()}, names={2: "T2"})


@case
def a_region_that_is_declared_only_is_empty(folder: Path) -> Answer:
    path = written(folder, region(number=0, name="T0", listed=False))
    return Answer(path, GRID, {0: set()}, names={0: "T0"})


@case
def a_contour_beyond_the_image_is_refused(folder: Path) -> Answer:
    path = written(folder, region(square(2, (4.5, 5.5), (9.5, 24.5))))
    return Answer(path, GRID, refused="mask_outside_image")


@case
def a_contour_far_beyond_the_image_is_refused(folder: Path) -> Answer:
    path = written(folder, region(square(2, (4.5, 5.5), (9.5, 2e7))))
    return Answer(path, GRID, refused="mask_outside_image")


@case
def a_contour_beyond_the_last_slice_is_refused(folder: Path) -> Answer:
    path = written(folder, region(*(square(k, (4.5, 5.5), (9.5, 12.5)) for k in (7, 8))))
    return Answer(path, GRID, refused="mask_outside_image")


@case
def a_contour_along_the_edge_of_the_image(folder: Path) -> Answer:
    path = written(folder, region(square(2, (-0.5, -0.5), (19.5, 23.5))))
    return Answer(path, GRID, {1: w.box((2, 2), (0, 19), (0, 23))})


@case
def a_region_of_another_frame_of_reference(folder: Path) -> Answer:
    path = written(folder, region(square(2, (4.5, 5.5), (9.5, 12.5)), frame="1.2.3.4"))
    return Answer(path, GRID, refused="mask_frame_of_reference")


@case
def a_contour_too_small_for_a_pixel_is_not_empty(folder: Path) -> Answer:
    path = written(folder, region(square(2, (4.2, 5.2), (4.6, 5.6))))
    return Answer(path, GRID, refused="mask_without_pixel")


@case
def contours_of_two_points_are_left_out(folder: Path) -> Answer:
    path = written(
        folder, region(square(2, (4.5, 5.5), (9.5, 12.5)), np.array([GRID.at(3, 5, 5)] * 2))
    )
    return Answer(
        path, GRID, {1: w.box((2, 2), (5, 9), (6, 12))}, flags=frozenset({"contour_without_area"})
    )


@case
def coordinates_that_are_no_triples(folder: Path) -> Answer:
    made = w.structure_set(w.ct_slices(GRID), [region(square(2, (4.5, 5.5), (9.5, 12.5)))])
    item = made.ROIContourSequence[0].ContourSequence[0]
    item.ContourData = list(item.ContourData)[:-1]
    return Answer(w.save(made, folder / "rs.dcm"), GRID, refused="mask_unreadable")


@case
def fewer_points_than_stated(folder: Path) -> Answer:
    made = w.structure_set(w.ct_slices(GRID), [region(square(2, (4.5, 5.5), (9.5, 12.5)))])
    item = made.ROIContourSequence[0].ContourSequence[0]
    item.ContourData = list(item.ContourData)[:-3]
    return Answer(w.save(made, folder / "rs.dcm"), GRID, refused="mask_unreadable")


@case
def contours_of_an_undeclared_region_leave_no_empty_one(folder: Path) -> Answer:
    made = w.structure_set(w.ct_slices(GRID), [region(square(2, (4.5, 5.5), (9.5, 12.5)))])
    made.ROIContourSequence[0].ReferencedROINumber = 9
    return Answer(w.save(made, folder / "rs.dcm"), GRID, refused="mask_unreadable")


@case
def a_structure_set_cut_before_its_contours_is_not_empty(folder: Path) -> Answer:
    made = w.structure_set(w.ct_slices(GRID), [region(square(2, (4.5, 5.5), (9.5, 12.5)))])
    del made.ROIContourSequence, made.RTROIObservationsSequence
    return Answer(w.save(made, folder / "rs.dcm"), GRID, refused="mask_unreadable")


@case
def contours_under_a_damaged_tag_leave_no_empty_region(folder: Path) -> Answer:
    path = written(folder, region(square(2, (4.5, 5.5), (9.5, 12.5))))
    data = path.read_bytes()
    assert data.count(b"\x06\x30\x40\x00SQ") == 1
    path.write_bytes(data.replace(b"\x06\x30\x40\x00SQ", b"\x06\x30\x41\x00SQ"))
    return Answer(path, GRID, refused="mask_unreadable")


@case
def a_structure_set_of_nothing(folder: Path) -> Answer:
    made = w.structure_set(w.ct_slices(GRID), [])
    return Answer(w.save(made, folder / "rs.dcm"), GRID, refused="mask_unreadable")


@case
def a_region_declared_twice(folder: Path) -> Answer:
    line = square(2, (4.5, 5.5), (9.5, 12.5))
    return Answer(written(folder, region(line), region(line)), GRID, refused="mask_unreadable")


@case
def a_structure_set_without_a_preamble(folder: Path) -> Answer:
    path = written(folder, region(square(2, (4.5, 5.5), (9.5, 12.5))))
    data = path.read_bytes()
    path.write_bytes(data[132:] if data[128:132] == b"DICM" else data)
    return Answer(path, GRID, {1: w.box((2, 2), (5, 9), (6, 12))})
