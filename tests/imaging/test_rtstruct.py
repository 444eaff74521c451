"""Structure sets: the voxels whose centres lie inside the contours."""

import pytest
import SimpleITK

from imaging.header import read_header
from imaging.mask_file import read_mask_identities, read_masks
from imaging.series import group_series

IBSI = [
    ("STS_003", "CT"), ("STS_003", "MR_T1"), ("STS_003", "PET"),
    ("STS_008", "CT"), ("STS_008", "MR_T1"), ("STS_036", "CT"), ("STS_036", "MR_T1"),
    ("STS_044", "CT"), ("STS_044", "MR_T1"),
]  # fmt: skip


@pytest.mark.shared
@pytest.mark.parametrize(("patient", "kind"), IBSI)
def test_a_real_structure_set_holds_the_voxels_of_the_independent_mask(shared_data, patient, kind):
    """Dice 1.0000 and no voxel differs: the IBSI's NIfTI masks were made by others."""
    folder = shared_data / "ibsi_sts"
    files = sorted((folder / "dicom" / patient / kind / "image").iterdir())
    (series,) = group_series([read_header(file) for file in files]).series
    contours = folder / "dicom" / patient / kind / "mask" / "RS.dcm"
    labels = folder / "nifti" / patient / f"{kind}_mask.nii.gz"
    header = read_mask_identities(contours)
    (mask,) = read_masks(contours, series.geometry).values()
    truth = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(labels))) > 0
    dice = 2 * (mask.array & truth).sum() / (mask.array.sum() + truth.sum())
    assert dice == 1.0
    assert header.referenced_series_uid == series.series_uid
    assert header.segments[0].label == f"GTV_Mass_{kind}"
    assert header.segments[0].interpreted_type == "GTV"
    (read,) = read_masks(labels, series.geometry).values()
    assert (read.array == truth).all()
