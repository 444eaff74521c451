"""NIfTI label images: where they say that their voxels lie, and what they hold."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np

from tests.imaging.awkward_mask import writer as w
from tests.imaging.awkward_mask.answer import Answer, case
from tests.imaging.awkward_mask.seg_cases import GANTRY, GRID, ONE, TWO

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def array(*voxels) -> np.ndarray:
    """Return labels 1, 2... on the grid; later ones over earlier ones."""
    labels = np.zeros(GRID.shape)
    for value, one in enumerate(voxels, start=1):
        labels = np.where(w.filled(GRID.shape, one) > 0, value, labels)
    return labels


def nifti(folder: Path, values: np.ndarray, name: str = "lesion.nii.gz", **more) -> Path:
    more.setdefault("sform", GRID.ras())
    return w.write_nifti(folder / name, values, **more)


def moved(affine: np.ndarray, *shift: float) -> np.ndarray:
    """Return an affine whose first voxel lies elsewhere."""
    other = affine.copy()
    other[:3, 3] += shift
    return other


@case
def nifti_in_ras_lies_right_in_lps(folder: Path) -> Answer:
    return Answer(nifti(folder, array(ONE)), GRID, {1: ONE}, names={1: "lesion"})


@case
def nifti_by_its_qform_alone(folder: Path) -> Answer:
    return Answer(nifti(folder, array(ONE), sform=None, qform=GRID.ras()), GRID, {1: ONE})


@case
def nifti_stored_from_left_to_right_and_back_to_front(folder: Path) -> Answer:
    """As conversion to RAS storage leaves it: both in-plane axes run the other way."""
    flipped = GRID.ras() @ np.diag([-1.0, -1.0, 1.0, 1.0])
    flipped[:3, 3] = (GRID.ras() @ [23, 19, 0, 1])[:3]
    return Answer(nifti(folder, array(ONE)[:, ::-1, ::-1], sform=flipped), GRID, {1: ONE})


@case
def nifti_mirrored_in_storage_by_its_qform(folder: Path) -> Answer:
    flipped = GRID.ras() @ np.diag([1.0, -1.0, 1.0, 1.0])
    flipped[:3, 3] = (GRID.ras() @ [0, 19, 0, 1])[:3]
    path = nifti(folder, array(ONE)[:, ::-1], sform=None, qform=flipped)
    return Answer(path, GRID, {1: ONE})


@case
def nifti_stored_in_coronal_order(folder: Path) -> Answer:
    turned = GRID.ras()[:, [0, 2, 1, 3]]
    return Answer(nifti(folder, array(ONE).transpose(1, 0, 2), sform=turned), GRID, {1: ONE})


@case
def nifti_of_version_2_with_the_high_byte_first(folder: Path) -> Answer:
    return Answer(nifti(folder, array(ONE), "m.nii", version=2, order=">"), GRID, {1: ONE})


@case
def nifti_on_a_tilted_gantry(folder: Path) -> Answer:
    return Answer(nifti(folder, array(ONE), sform=GANTRY.ras()), GANTRY, {1: ONE})


@case
def nifti_in_metres(folder: Path) -> Answer:
    metres = GRID.ras()
    metres[:3] /= 1000
    return Answer(nifti(folder, array(ONE), sform=metres, units=1), GRID, {1: ONE})


@case
def nifti_whose_sform_fits_and_qform_does_not(folder: Path) -> Answer:
    path = nifti(folder, array(ONE), qform=moved(GRID.ras(), 0, 7, 0))
    return Answer(path, GRID, {1: ONE}, flags=frozenset({"sform_qform_differ"}))


@case
def nifti_whose_qform_fits_and_sform_does_not(folder: Path) -> Answer:
    path = nifti(folder, array(ONE), sform=moved(GRID.ras(), 0, 7, 0), qform=GRID.ras())
    return Answer(path, GRID, refused="mask_grid_mismatch")


@case
def nifti_without_sform_and_qform(folder: Path) -> Answer:
    return Answer(nifti(folder, array(ONE), sform=None), GRID, refused="mask_no_position")


@case
def nifti_with_lps_taken_for_ras_is_caught(folder: Path) -> Answer:
    return Answer(nifti(folder, array(ONE), sform=LPS @ GRID.ras()), GRID,
                  refused="mask_grid_mismatch")  # fmt: skip


@case
def nifti_with_one_axis_mirrored_is_caught(folder: Path) -> Answer:
    mirrored = np.diag([-1.0, 1.0, 1.0, 1.0]) @ GRID.ras()
    return Answer(nifti(folder, array(ONE), sform=mirrored), GRID, refused="mask_grid_mismatch")


@case
def nifti_one_slice_off_is_caught(folder: Path) -> Answer:
    path = nifti(folder, array(ONE), sform=moved(GRID.ras(), 0, 0, 3))
    return Answer(path, GRID, refused="mask_grid_mismatch")


@case
def nifti_a_twentieth_of_a_voxel_off(folder: Path) -> Answer:
    return Answer(nifti(folder, array(ONE), sform=moved(GRID.ras(), 0.03, 0, 0)), GRID, {1: ONE})


@case
def nifti_of_another_spacing_is_refused(folder: Path) -> Answer:
    wider = GRID.ras() @ np.diag([2.0, 1.0, 1.0, 1.0])
    path = nifti(folder, array()[:, :, ::2], sform=wider)
    return Answer(path, GRID, refused="mask_grid_mismatch")


@case
def nifti_of_another_spacing_is_moved_on_request(folder: Path) -> Answer:
    """Columns of 1.4 mm around -0.35 mm of the image's: each holds two columns of 0.7 mm."""
    wider = GRID.ras() @ np.diag([2.0, 1.0, 1.0, 1.0])
    wider[:3, 3] += 0.5 * GRID.ras()[:3, 0]
    path = nifti(folder, w.filled((8, 20, 12), w.box((2, 4), (5, 9), (3, 6))), sform=wider)
    return Answer(
        path, GRID, {1: w.box((2, 4), (5, 9), (6, 13))},
        resample=True, change_percent=0.0, flags=frozenset({"mask_resampled"}),
    )  # fmt: skip


@case
def nifti_of_thinner_slices_loses_volume_on_request_and_says_so(folder: Path) -> Answer:
    """Slices of 1 mm, of which four are drawn: one centre of 3 mm slices lies among them."""
    thin = GRID.ras() @ np.diag([1.0, 1.0, 1 / 3, 1.0])
    path = nifti(folder, w.filled((24, 20, 24), w.box((5, 8), (5, 9), (6, 12))), sform=thin)
    return Answer(
        path, GRID, {1: w.box((2, 2), (5, 9), (6, 12))},
        resample=True, change_percent=-25.0, flags=frozenset({"mask_resampled"}),
    )  # fmt: skip


@case
def nifti_of_floats_a_hair_below_one(folder: Path) -> Answer:
    return Answer(nifti(folder, 0.99999 * array(ONE), kind="f4"), GRID, {1: ONE})


@case
def nifti_of_fractions(folder: Path) -> Answer:
    values = 0.4 * (array(TWO) > 0) + 0.6 * (array(ONE) > 0)
    path = nifti(folder, values, kind="f4")
    return Answer(path, GRID, {1: ONE}, flags=frozenset({"fractional_mask"}))


@case
def nifti_of_values_that_the_header_scales(folder: Path) -> Answer:
    path = nifti(folder, 4 * array(ONE), kind="i2", slope=0.5)
    return Answer(path, GRID, {2: ONE})


@case
def nifti_of_255(folder: Path) -> Answer:
    return Answer(nifti(folder, 255 * array(ONE)), GRID, {255: ONE}, names={255: "lesion"})


@case
def nifti_of_several_labels_with_a_table_of_names(folder: Path) -> Answer:
    table = (
        b'<?xml version="1.0"?><CaretExtension><VolumeInformation Index="0"><LabelTable>'
        b'<Label Key="1" Red="1"><![CDATA[liver]]></Label>\n'
        b'<Label Key="2" Red="0"><![CDATA[liver_tumor]]></Label>'
        b"</LabelTable></VolumeInformation></CaretExtension>"
    )
    path = nifti(folder, array(ONE, TWO), extension=table)
    return Answer(path, GRID, {1: ONE - TWO, 2: TWO}, names={1: "liver", 2: "liver_tumor"})


@case
def nifti_of_zeros_declares_an_empty_segment(folder: Path) -> Answer:
    return Answer(nifti(folder, array()), GRID, {1: set()}, names={1: "lesion"})


@case
def nifti_of_an_image_is_no_mask(folder: Path) -> Answer:
    noise = np.random.default_rng(1).integers(0, 1000, GRID.shape)
    return Answer(nifti(folder, noise, kind="i2"), GRID, refused="mask_not_labels")


@case
def nifti_of_hounsfield_units_is_no_mask(folder: Path) -> Answer:
    return Answer(nifti(folder, array(ONE) - 1000, kind="i2"), GRID, refused="mask_not_labels")


@case
def nifti_of_grey_bytes_is_no_mask(folder: Path) -> Answer:
    noise = np.random.default_rng(1).integers(0, 120, GRID.shape)
    return Answer(nifti(folder, noise), GRID, refused="mask_not_labels")


@case
def nifti_with_not_a_number(folder: Path) -> Answer:
    values = array(ONE)
    values[0, 0, 0] = np.nan
    return Answer(nifti(folder, values, kind="f4"), GRID, refused="mask_not_labels")


@case
def nifti_of_four_dimensions(folder: Path) -> Answer:
    values = np.stack([array(ONE)] * 2)
    path = nifti(folder, values, dims=(24, 20, 8, 2))
    return Answer(path, GRID, refused="mask_not_supported")


@case
def nifti_with_a_fourth_dimension_of_one(folder: Path) -> Answer:
    return Answer(nifti(folder, array(ONE), dims=(24, 20, 8, 1)), GRID, {1: ONE})


@case
def nifti_cut_short(folder: Path) -> Answer:
    path = nifti(folder, array(ONE), "lesion.nii")
    path.write_bytes(path.read_bytes()[:-100])
    return Answer(path, GRID, refused="truncated_pixel_data")


@case
def nifti_whose_gzip_is_cut_short(folder: Path) -> Answer:
    path = nifti(folder, array(ONE))
    path.write_bytes(path.read_bytes()[:-40])
    return Answer(path, GRID, refused="mask_unreadable")


@case
def nifti_whose_gzip_is_damaged(folder: Path) -> Answer:
    path = nifti(folder, w.filled(GRID.shape, ONE), sform=GRID.ras())
    data = bytearray(path.read_bytes())
    data[-8] ^= 1  # the check sum; all values are there
    path.write_bytes(data)
    return Answer(path, GRID, refused="mask_unreadable")


@case
def nifti_that_claims_a_million_million_voxels(folder: Path) -> Answer:
    path = nifti(folder, array(ONE), "lesion.nii", dims=(10000, 10000, 10000))
    return Answer(path, GRID, refused="too_large")


@case
def nifti_in_two_files(folder: Path) -> Answer:
    path = nifti(folder, array(ONE), "lesion.nii")
    data = path.read_bytes()
    path.write_bytes(data[:344] + b"ni1\0" + data[348:])
    return Answer(path, GRID, refused="mask_not_supported")


@case
def nifti_of_complex_numbers(folder: Path) -> Answer:
    path = nifti(folder, array(ONE), "lesion.nii")
    data = bytearray(path.read_bytes())
    data[70:72] = struct.pack("<h", 32)
    path.write_bytes(bytes(data))
    return Answer(path, GRID, refused="mask_not_supported")


@case
def nifti_of_text(folder: Path) -> Answer:
    path = folder / "lesion.nii.gz"
    path.write_bytes(gzip.compress(b"no mask" * 100))
    return Answer(path, GRID, refused="mask_unreadable")
