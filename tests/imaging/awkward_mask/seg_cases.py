"""DICOM segmentations: kinds, frames, grids."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from pydicom.uid import RLELossless

from tests.imaging.awkward_mask import writer as w
from tests.imaging.awkward_mask.answer import Answer, case

GRID = w.Grid()
ONE, TWO = w.box((2, 4), (5, 9), (6, 12)), w.box((3, 6), (8, 14), (10, 11))
TILT = math.radians(20)
GANTRY = w.Grid(
    slice_step=(0.0, 0.0, 3.0),
    row_step=(0.0, 0.8 * math.cos(TILT), -0.8 * math.sin(TILT)),
)
COARSE = w.Grid(shape=(8, 10, 12), row_step=(0.0, 1.6, 0.0), column_step=(1.4, 0.0, 0.0))


def seg(folder: Path, *voxels, grid: w.Grid = GRID, **more):
    pixels = np.stack([w.filled(grid.shape, one) for one in voxels], axis=-1).astype(np.uint8)
    return w.segmentation(w.ct_slices(grid), pixels, count=len(voxels), **more)


def saved(folder: Path, dataset) -> Path:
    return w.save(dataset, folder / "seg.dcm")


def frames(dataset):
    return dataset.PerFrameFunctionalGroupsSequence


def first_frame(dataset):
    return frames(dataset)[0].PlanePositionSequence[0]


@case
def seg_overlapping_segments(folder: Path) -> Answer:
    return Answer(saved(folder, seg(folder, ONE, TWO)), GRID, {1: ONE, 2: TWO})


@case
def seg_fractions_hold_what_exceeds_one_half(folder: Path) -> Answer:
    fractions = np.zeros((*GRID.shape, 1), np.float32)
    fractions[2, 5, 3:7, 0] = [0.45, 0.5, 0.505, 1.0]
    made = w.segmentation(
        w.ct_slices(GRID), fractions, "FRACTIONAL",
        fractional_type="PROBABILITY", max_fractional_value=200,
    )  # fmt: skip
    return Answer(saved(folder, made), GRID, {1: {(2, 5, 5), (2, 5, 6)}})


@case
def seg_fractions_compressed_by_run_length(folder: Path) -> Answer:
    fractions = w.filled(GRID.shape, ONE, 1.0)[..., None].astype(np.float32)
    made = w.segmentation(
        w.ct_slices(GRID), fractions, "FRACTIONAL", fractional_type="OCCUPANCY",
        max_fractional_value=255, transfer_syntax_uid=RLELossless,
    )  # fmt: skip
    return Answer(saved(folder, made), GRID, {1: ONE})


@case
def seg_label_map(folder: Path) -> Answer:
    labels = w.filled(GRID.shape, TWO, 2)
    labels[tuple(np.array(sorted(ONE)).T)] = 1
    made = w.segmentation(w.ct_slices(GRID), labels.astype(np.uint8), "LABELMAP", count=2)
    return Answer(saved(folder, made), GRID, {1: ONE, 2: TWO - ONE})


@case
def seg_sparse_frames_in_any_order(folder: Path) -> Answer:
    far = w.box((1, 1), (3, 4), (5, 6)) | w.box((6, 6), (7, 9), (2, 2))
    made = seg(folder, far)
    assert len(frames(made)) == 2
    pixels = made.pixel_array
    made.PerFrameFunctionalGroupsSequence.reverse()
    made.PixelData = np.packbits(pixels[::-1].ravel(), bitorder="little").tobytes()
    return Answer(saved(folder, made), GRID, {1: far})


@case
def seg_frames_smaller_than_the_image(folder: Path) -> Answer:
    made = seg(folder, ONE)
    part = made.pixel_array[:, 4:11, 5:14]
    made.Rows, made.Columns = part.shape[1:]
    made.PixelData = np.packbits(part.ravel(), bitorder="little").tobytes()
    for item in frames(made):
        x, y, z = item.PlanePositionSequence[0].ImagePositionPatient
        item.PlanePositionSequence[0].ImagePositionPatient = [x + 5 * 0.7, y + 4 * 0.8, z]
    return Answer(saved(folder, made), GRID, {1: ONE})


@case
def seg_frames_stored_mirrored(folder: Path) -> Answer:
    made = seg(folder, ONE)
    pixels = made.pixel_array[:, :, ::-1]
    made.PixelData = np.packbits(pixels.ravel(), bitorder="little").tobytes()
    shared = made.SharedFunctionalGroupsSequence[0]
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = [-1, 0, 0, 0, 1, 0]
    for item in frames(made):
        x, y, z = item.PlanePositionSequence[0].ImagePositionPatient
        item.PlanePositionSequence[0].ImagePositionPatient = [x + 23 * 0.7, y, z]
    return Answer(saved(folder, made), GRID, {1: ONE})


@case
def seg_on_a_tilted_gantry(folder: Path) -> Answer:
    return Answer(saved(folder, seg(folder, ONE, grid=GANTRY)), GANTRY, {1: ONE})


@case
def seg_declared_and_empty(folder: Path) -> Answer:
    return Answer(saved(folder, seg(folder, ONE, set())), GRID, {1: ONE, 2: set()})


@case
def seg_of_an_image_on_a_coarser_grid_is_refused(folder: Path) -> Answer:
    made = seg(folder, w.box((2, 3), (2, 4), (3, 5)), grid=COARSE)
    return Answer(saved(folder, made), GRID, refused="mask_grid_mismatch")


@case
def seg_of_a_coarser_grid_is_moved_on_request(folder: Path) -> Answer:
    """Voxels twice as wide: each holds the centres at -0.5..0.5 of its own, here 0 and +1 or -1."""
    finer = w.Grid(
        shape=(8, 20, 24),
        first=(COARSE.first[0] - 0.35, COARSE.first[1] - 0.4, COARSE.first[2]),
    )
    made = seg(folder, w.box((2, 3), (2, 4), (3, 5)), grid=COARSE)
    return Answer(
        saved(folder, made), finer, {1: w.box((2, 3), (4, 9), (6, 11))},
        resample=True, change_percent=0.0, flags=frozenset({"mask_resampled"}),
    )  # fmt: skip


FINER = w.Grid(first=(COARSE.first[0] - 0.35, COARSE.first[1] - 0.4, COARSE.first[2]))


@case
def seg_label_map_of_a_coarser_grid_is_moved_on_request(folder: Path) -> Answer:
    labels = w.filled(COARSE.shape, w.box((2, 3), (2, 4), (3, 5)), 2)
    made = w.segmentation(w.ct_slices(COARSE), labels.astype(np.uint8), "LABELMAP", count=2)
    return Answer(
        saved(folder, made), FINER, {1: set(), 2: w.box((2, 3), (4, 9), (6, 11))},
        resample=True, change_percent=0.0, flags=frozenset({"mask_resampled"}),
    )  # fmt: skip


@case
def seg_fractions_of_a_coarser_grid_are_moved_on_request(folder: Path) -> Answer:
    fractions = w.filled(COARSE.shape, w.box((2, 3), (2, 4), (3, 5)), 0.8)
    fractions[5, 5, 5] = 0.4
    made = w.segmentation(
        w.ct_slices(COARSE), fractions[..., None].astype(np.float32), "FRACTIONAL",
        fractional_type="PROBABILITY", max_fractional_value=200,
    )  # fmt: skip
    return Answer(
        saved(folder, made), FINER, {1: w.box((2, 3), (4, 9), (6, 11))},
        resample=True, change_percent=0.0, flags=frozenset({"mask_resampled"}),
    )  # fmt: skip


@case
def seg_drawn_on_every_second_slice_is_filled_on_request(folder: Path) -> Answer:
    """Slices of 6 mm at 0, 6, 12 mm: those of 3 mm up to 15 mm lie nearest to one of them."""
    coarse = w.Grid(shape=(4, 20, 24), slice_step=(0, 0, 6.0))
    made = seg(folder, w.box((0, 2), (5, 9), (6, 12)), grid=coarse)
    measures = made.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    measures.SpacingBetweenSlices = "6"
    return Answer(
        saved(folder, made), GRID, {1: w.box((0, 5), (5, 9), (6, 12))},
        resample=True, change_percent=0.0, flags=frozenset({"mask_resampled"}),
    )  # fmt: skip


@case
def seg_of_another_frame_of_reference(folder: Path) -> Answer:
    made = saved(folder, seg(folder, ONE))
    return Answer(made, GRID, refused="mask_frame_of_reference", frame="1.2.3.4")


@case
def seg_drawn_on_every_second_slice(folder: Path) -> Answer:
    coarse = w.Grid(shape=(4, 20, 24), slice_step=(0, 0, 6.0))
    made = seg(folder, w.box((0, 2), (5, 9), (6, 12)), grid=coarse)
    measures = made.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    measures.SpacingBetweenSlices = "6"
    return Answer(saved(folder, made), GRID, refused="mask_grid_mismatch")


@case
def seg_a_fifth_of_a_voxel_off(folder: Path) -> Answer:
    shifted = w.Grid(first=(GRID.first[0] + 0.2 * 0.7, *GRID.first[1:]))
    return Answer(saved(folder, seg(folder, ONE)), shifted, refused="mask_grid_mismatch")


@case
def seg_a_twentieth_of_a_voxel_off(folder: Path) -> Answer:
    shifted = w.Grid(first=(GRID.first[0] + 0.05 * 0.7, *GRID.first[1:]))
    return Answer(saved(folder, seg(folder, ONE)), shifted, {1: ONE})


@case
def seg_reaches_beyond_a_cut_image(folder: Path) -> Answer:
    cut = w.Grid(shape=(6, 20, 24))
    return Answer(saved(folder, seg(folder, TWO)), cut, refused="mask_outside_image")


@case
def seg_empty_margin_beyond_a_cut_image(folder: Path) -> Answer:
    cut = w.Grid(shape=(6, 20, 24))
    made = seg(folder, ONE, omit_empty_frames=False)
    return Answer(saved(folder, made), cut, {1: ONE})


@case
def seg_frame_without_a_position(folder: Path) -> Answer:
    made = seg(folder, ONE)
    del frames(made)[1].PlanePositionSequence
    return Answer(saved(folder, made), GRID, refused="mask_no_position")


@case
def seg_frame_with_a_decimal_comma(folder: Path) -> Answer:
    made = seg(folder, ONE)
    first_frame(made).ImagePositionPatient = ["-31", "-17.25", "46"]
    path = saved(folder, made)
    data = path.read_bytes()
    wrong = data.replace(b"-17.25", b"-17,25")
    assert wrong != data
    path.write_bytes(wrong)
    return Answer(path, GRID, refused="mask_unreadable")


@case
def seg_two_frames_on_one_plane(folder: Path) -> Answer:
    made = seg(folder, ONE)
    frames(made)[1].PlanePositionSequence = frames(made)[0].PlanePositionSequence
    return Answer(saved(folder, made), GRID, refused="mask_repeated_frame")


@case
def seg_whose_frames_show_an_undeclared_segment_is_not_empty(folder: Path) -> Answer:
    made = seg(folder, ONE)
    made.SegmentSequence[0].SegmentNumber = 2
    return Answer(saved(folder, made), GRID, refused="mask_unreadable")


@case
def seg_label_map_of_an_undeclared_value_is_not_empty(folder: Path) -> Answer:
    labels = w.filled(GRID.shape, ONE, 1).astype(np.uint8)
    made = w.segmentation(w.ct_slices(GRID), labels, "LABELMAP")
    made.SegmentSequence[-1].SegmentNumber = 3
    return Answer(saved(folder, made), GRID, refused="mask_unreadable")


@case
def seg_without_its_number_of_frames_is_not_empty(folder: Path) -> Answer:
    made = seg(folder, ONE)
    del made.NumberOfFrames
    return Answer(saved(folder, made), GRID, refused="mask_unreadable")


@case
def seg_with_more_frames_described_than_counted(folder: Path) -> Answer:
    made = seg(folder, ONE)
    made.NumberOfFrames = int(made.NumberOfFrames) - 1
    return Answer(saved(folder, made), GRID, refused="mask_unreadable")


@case
def seg_cut_short(folder: Path) -> Answer:
    made = seg(folder, ONE)
    made.PixelData = made.PixelData[: len(made.PixelData) // 2 // 2 * 2]
    return Answer(saved(folder, made), GRID, refused="truncated_pixel_data")


@case
def seg_without_a_preamble(folder: Path) -> Answer:
    path = saved(folder, seg(folder, ONE))
    path.write_bytes(path.read_bytes()[132:])
    return Answer(path, GRID, {1: ONE})


def _with(folder: Path, kind: str, **cells: object) -> Answer:
    """A segmentation of one of whose attributes the value is wrong, which is to be refused."""
    made = w.segmentation(w.ct_slices(GRID), w.filled(GRID.shape, ONE).astype(float), kind)
    for keyword, value in cells.items():
        setattr(made, keyword, value)
    return Answer(saved(folder, made), GRID, refused="mask_unreadable")


@case
def seg_of_fractions_of_nothing(folder: Path) -> Answer:
    return _with(folder, "FRACTIONAL", MaximumFractionalValue=0)


@case
def seg_whose_fractions_have_a_sign(folder: Path) -> Answer:
    return _with(folder, "FRACTIONAL", PixelRepresentation=1)


@case
def seg_whose_fractions_have_fewer_bits(folder: Path) -> Answer:
    return _with(folder, "FRACTIONAL", BitsStored=4, HighBit=3)


@case
def seg_with_more_pixels_than_its_columns_explain(folder: Path) -> Answer:
    return _with(folder, "FRACTIONAL", Columns=GRID.shape[2] // 2)
