"""NRRD with its segments and layers, and MetaImage."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.imaging.awkward_mask import writer as w
from tests.imaging.awkward_mask.answer import Answer, case
from tests.imaging.awkward_mask.label_cases import array
from tests.imaging.awkward_mask.seg_cases import GANTRY, GRID, ONE, TWO

SEGMENTS = {
    "Segment0_ID": "Segment_1", "Segment0_Name": "Liver", "Segment0_LabelValue": "1",
    "Segment0_Layer": "0", "Segment1_ID": "Segment_2", "Segment1_Name": "Läsion 1",
    "Segment1_LabelValue": "1", "Segment1_Layer": "1", "Segment2_ID": "Segment_3",
    "Segment2_Name": "rest", "Segment2_LabelValue": "2", "Segment2_Layer": "1",
}  # fmt: skip


@case
def seg_nrrd_of_overlapping_layers_with_names_and_an_empty_segment(folder: Path) -> Answer:
    layers = np.stack([array(ONE), array(TWO)])
    path = w.write_nrrd(folder / "s.seg.nrrd", layers, GRID, notes=SEGMENTS)
    return Answer(path, GRID, {1: ONE, 2: TWO, 3: set()},
                  names={1: "Liver", 2: "Läsion 1", 3: "rest"})  # fmt: skip


@case
def seg_nrrd_with_a_layer_that_is_not_there(folder: Path) -> Answer:
    notes = SEGMENTS | {"Segment2_Layer": "7"}
    layers = np.stack([array(ONE), array(TWO)])
    path = w.write_nrrd(folder / "s.seg.nrrd", layers, GRID, notes=notes)
    return Answer(path, GRID, refused="mask_unreadable")


@case
def seg_nrrd_with_a_value_that_no_segment_names(folder: Path) -> Answer:
    notes = SEGMENTS | {"Segment1_LabelValue": "4"}
    layers = np.stack([array(ONE), array(TWO)])
    path = w.write_nrrd(folder / "s.seg.nrrd", layers, GRID, notes=notes)
    return Answer(path, GRID, refused="mask_unreadable")


@case
def seg_nrrd_of_a_part_of_the_image(folder: Path) -> Answer:
    part = w.Grid(shape=(4, 8, 10), first=tuple(GRID.at(1, 4, 5)))
    values = array(ONE)[1:5, 4:12, 5:15]
    path = w.write_nrrd(folder / "s.seg.nrrd", values, part, notes={"Segment0_Name": "T1",
                        "Segment0_Layer": "0", "Segment0_LabelValue": "1"})  # fmt: skip
    return Answer(path, GRID, {1: ONE}, names={1: "T1"})


@case
def nrrd_in_ras(folder: Path) -> Answer:
    path = w.write_nrrd(folder / "m.nrrd", array(ONE), GRID, space="right-anterior-superior",
                        signs=(-1, -1, 1))  # fmt: skip
    return Answer(path, GRID, {1: ONE})


@case
def nrrd_in_las(folder: Path) -> Answer:
    path = w.write_nrrd(folder / "m.nrrd", array(ONE), GRID, space="left-anterior-superior",
                        signs=(1, -1, 1))  # fmt: skip
    return Answer(path, GRID, {1: ONE})


@case
def nrrd_with_ras_written_as_lps_is_caught(folder: Path) -> Answer:
    path = w.write_nrrd(folder / "m.nrrd", array(ONE), GRID, signs=(-1, -1, 1))
    return Answer(path, GRID, refused="mask_grid_mismatch")


@case
def nrrd_without_a_space(folder: Path) -> Answer:
    path = w.write_nrrd(folder / "m.nrrd", array(ONE), GRID, space=None)
    return Answer(path, GRID, refused="mask_no_position")


@case
def nrrd_in_the_space_of_a_scanner(folder: Path) -> Answer:
    path = w.write_nrrd(folder / "m.nrrd", array(ONE), GRID, space="scanner-xyz")
    return Answer(path, GRID, refused="mask_no_position")


@case
def nrrd_on_a_tilted_gantry(folder: Path) -> Answer:
    return Answer(w.write_nrrd(folder / "m.nrrd", array(ONE), GANTRY), GANTRY, {1: ONE})


@case
def nrrd_with_its_values_beside_it(folder: Path) -> Answer:
    path = w.write_nrrd(folder / "m.nhdr", array(ONE), GRID, data_file="m.raw")
    return Answer(path, GRID, {1: ONE})


@case
def nrrd_that_names_a_file_elsewhere(folder: Path) -> Answer:
    (folder.parent / "secret.raw").write_bytes(bytes(GRID.shape[0] * 480))
    path = w.write_nrrd(folder / "m.nhdr", array(ONE), GRID, data_file="../secret.raw")
    return Answer(path, GRID, refused="mask_data_elsewhere")


@case
def nrrd_cut_short(folder: Path) -> Answer:
    path = w.write_nrrd(folder / "m.nrrd", array(ONE), GRID)
    path.write_bytes(path.read_bytes()[:-100])
    return Answer(path, GRID, refused="mask_unreadable")


@case
def metaimage_in_one_file(folder: Path) -> Answer:
    return Answer(w.write_metaimage(folder / "m.mha", array(ONE, TWO), GRID), GRID,
                  {1: ONE - TWO, 2: TWO}, names={1: "label 1", 2: "label 2"})  # fmt: skip


@case
def metaimage_in_two_files(folder: Path) -> Answer:
    path = w.write_metaimage(folder / "m.mhd", array(ONE), GRID, data_file="m.raw")
    return Answer(path, GRID, {1: ONE})


@case
def metaimage_that_names_a_file_elsewhere(folder: Path) -> Answer:
    path = w.write_metaimage(folder / "m.mhd", array(ONE), GRID, data_file="/etc/hostname")
    return Answer(path, GRID, refused="mask_data_elsewhere")


@case
def metaimage_whose_values_are_longer_than_the_header_says(folder: Path) -> Answer:
    path = w.write_metaimage(folder / "m.mhd", array(ONE), GRID, data_file="m.raw")
    (folder / "m.raw").write_bytes(array(ONE).astype("<u2").tobytes())
    return Answer(path, GRID, refused="mask_unreadable")


@case
def metaimage_cut_short(folder: Path) -> Answer:
    path = w.write_metaimage(folder / "m.mha", array(ONE), GRID)
    path.write_bytes(path.read_bytes()[:-100])
    return Answer(path, GRID, refused="mask_unreadable")


@case
def metaimage_without_an_offset(folder: Path) -> Answer:
    path = w.write_metaimage(folder / "m.mha", array(ONE), GRID, offset=False)
    return Answer(path, GRID, refused="mask_no_position")
