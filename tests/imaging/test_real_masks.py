"""Real masks: tools of others wrote the same segments in two formats."""

import numpy as np
import pydicom
import pytest
import SimpleITK

from imaging.geometry import VolumeGeometry
from imaging.header import read_header
from imaging.mask_file import read_mask_identities, read_masks
from imaging.series import group_series

pytestmark = pytest.mark.shared


@pytest.fixture
def liver_ct(shared_data):
    files = sorted((shared_data / "dcmqi_liver_seg" / "segmentations" / "ct-3slice").iterdir())
    (series,) = group_series([read_header(file) for file in files]).series
    return shared_data / "dcmqi_liver_seg" / "segmentations", series.geometry


@pytest.mark.parametrize(
    ("seg", "labels"),
    [
        ("liver.dcm", {"liver_seg.nrrd": [(1, 1)]}),
        (
            "partial_overlaps.dcm",
            {
                "partial_overlaps-1.nrrd": [(1, 1), (4, 4), (5, 5)],
                "partial_overlaps-2.nrrd": [(2, 2)],
                "partial_overlaps-3.nrrd": [(3, 3)],
            },
        ),
    ],
)
def test_a_real_segmentation_equals_its_label_images(liver_ct, seg, labels):
    folder, geometry = liver_ct
    masks = read_masks(folder / seg, geometry)
    for name, pairs in labels.items():
        read = read_masks(folder / name, geometry)
        values = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(folder / name)))
        for segment, label in pairs:
            np.testing.assert_array_equal(read[label].array, values == label)
            np.testing.assert_array_equal(masks[segment].array, read[label].array)
            assert masks[segment].array.any()


def test_a_real_segmentation_without_empty_frames_equals_its_label_image(shared_data):
    folder = shared_data / "dcmqi_liver_seg" / "segmentations"
    files = sorted((folder / "24x38x3" / "image").iterdir())
    (series,) = group_series([read_header(file) for file in files]).series
    values = SimpleITK.GetArrayFromImage(
        SimpleITK.ReadImage(str(folder / "24x38x3" / "nrrd" / "label.nrrd"))
    )
    (mask,) = read_masks(folder / "24x38x3" / "seg" / "label.seg", series.geometry).values()
    np.testing.assert_array_equal(mask.array, values > 0)


def test_a_real_label_image_names_its_organs_and_lies_on_its_slices(shared_data):
    """366,708 voxels of label 5, the liver, as the data set says."""
    folder = shared_data / "totalseg_abdomen"
    slices = [
        pydicom.dcmread(file, stop_before_pixels=True)
        for file in sorted((folder / "example_ct_dicom").iterdir())
    ]
    places = np.array(sorted(np.array(d.ImagePositionPatient, float)[2] for d in slices))
    first = next(d for d in slices if float(d.ImagePositionPatient[2]) == places[0])
    affine = np.zeros((4, 4))
    affine[3, 3] = 1.0
    affine[2, 0] = np.diff(places).mean()
    affine[1, 1], affine[0, 2] = (float(x) for x in first.PixelSpacing)
    affine[:3, 3] = [float(x) for x in first.ImagePositionPatient]
    geometry = VolumeGeometry(affine, (len(slices), int(first.Rows), int(first.Columns)))
    path = folder / "example_seg_dicom.nii.gz"
    names = {one.number: one.label for one in read_mask_identities(path).segments}
    assert (names[1], names[5]) == ("spleen", "liver")
    liver = read_masks(path, geometry, {5})[5]
    assert liver.array.sum() == 366_708
    centre = geometry.index_to_patient(np.argwhere(liver.array).mean(axis=0))
    body = geometry.index_to_patient(np.array(geometry.shape) / 2)
    assert centre[0] < body[0]  # the liver lies on the patient's right: towards lower x in LPS
