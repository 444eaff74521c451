"""The generated set of awkward masks: every row of the specification, none silently wrong."""

import numpy as np
import pytest

from imaging.geometry import VolumeGeometry
from imaging.mask_file import MaskError, read_mask_identities, read_masks
from imaging.reason import REASONS
from tests.imaging.awkward_mask.answer import Answer, all_cases

CASES = all_cases()


def image_of(answer: Answer) -> VolumeGeometry:
    return VolumeGeometry(answer.grid.affine(), answer.grid.shape, answer.frame)


def refusal(answer: Answer) -> MaskError | None:
    """Return what reading says against a mask, identities first, as an archive is read."""
    try:
        read_mask_identities(answer.path)
        read_masks(answer.path, image_of(answer), resample=answer.resample)
    except MaskError as error:
        return error
    return None


def test_the_set_covers_every_kind():
    assert len(CASES) >= 30
    kinds = ("seg_", "contour", "nifti", "seg_nrrd", "nrrd", "metaimage")
    assert all(any(name.startswith(kind) for name in CASES) for kind in kinds)


@pytest.mark.parametrize("name", sorted(CASES))
def test_an_awkward_mask_is_read_right_or_refused_by_name(name, tmp_path):
    answer = CASES[name](tmp_path)
    if answer.refused is not None:
        error = refusal(answer)
        assert error is not None, "read, though it cannot be right"
        assert error.reason_code == answer.refused
        assert answer.path.name in str(error)
        assert REASONS[error.reason_code].remedy in str(error)
        assert str(tmp_path) not in str(error)  # no paths of the machine in a message
        return
    header = read_mask_identities(answer.path)
    masks = read_masks(answer.path, image_of(answer), resample=answer.resample)
    assert sorted(masks) == sorted(answer.voxels) == [one.number for one in header.segments]
    for number, mask in masks.items():
        assert {tuple(v) for v in np.argwhere(mask.array).tolist()} == answer.voxels[number]
        assert mask.declared_empty == (not answer.voxels[number])
        assert set(mask.flags) == answer.flags
        assert mask.mask_id == f"{header.object_id}#{number}"
        if answer.change_percent is None:
            assert mask.volume_change_percent is None
        else:
            assert mask.volume_change_percent == pytest.approx(answer.change_percent, abs=1e-6)
    named = {one.number: one.label for one in header.segments}
    assert {number: named[number] for number in answer.names} == answer.names


def test_asking_for_resampling_changes_nothing_where_the_grid_fits(tmp_path):
    compared = 0
    for name, case in sorted(CASES.items()):
        folder = tmp_path / name
        folder.mkdir()
        answer = case(folder)
        if answer.refused or answer.resample or "contours_skip_slices" in answer.flags:
            continue
        plain = read_masks(answer.path, image_of(answer))
        asked = read_masks(answer.path, image_of(answer), resample=True)
        for number, mask in plain.items():
            np.testing.assert_array_equal(mask.array, asked[number].array, err_msg=name)
            assert asked[number].flags == mask.flags
        compared += 1
    assert compared > 40


def test_a_mask_that_is_cut_anywhere_is_refused_or_whole(tmp_path):
    """A transfer that ends early must not make a lesion smaller, nor leave it at 0 mm."""
    cuts = 0
    for name, case in sorted(CASES.items()):
        folder = tmp_path / name
        folder.mkdir()
        answer = case(folder)
        if answer.refused or answer.resample or name.startswith("seg_frac"):
            continue
        data = answer.path.read_bytes()
        whole = {number: len(voxels) for number, voxels in answer.voxels.items()}
        for tenth in (2, 5, 8, 11):
            answer.path.write_bytes(data[: len(data) * tenth // 12])
            try:
                read_mask_identities(answer.path)
                masks = read_masks(answer.path, image_of(answer))
            except MaskError:
                cuts += 1
                continue
            assert {n: int(mask.array.sum()) for n, mask in masks.items()} == whole, (name, tenth)
    assert cuts > 180
