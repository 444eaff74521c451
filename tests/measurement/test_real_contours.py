"""Whole diameters of real outlines beside references that others computed."""

import csv
import gzip
import itertools
import json
import math

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from scipy.spatial.distance import pdist
from skimage.draw import polygon, polygon_perimeter

from imaging.geometry import VolumeGeometry
from measurement.diameter import longest_diameter

pytestmark = pytest.mark.shared


def plain_diameter_mm(mask, spacing_mm):
    """Longest distance within a slice, tissue between the ends or not."""
    grid = VolumeGeometry.upright(shape=mask.shape, spacing_mm=spacing_mm)
    return longest_diameter(mask, mask, grid, gap_mm=math.inf).length_mm


def rasterised(contours):
    """One slice per contour, boundary pixels included: these contours run through pixel centres."""
    drawn = [np.array(c["points"], dtype=int) for c in contours if c["inclusion"]]
    low = np.min([points.min(axis=0) for points in drawn], axis=0) - 2
    columns, rows = np.max([points.max(axis=0) for points in drawn], axis=0) - low + 3
    mask = np.zeros((len(drawn), rows, columns), dtype=bool)
    for plane, points in zip(mask, drawn, strict=True):
        x, y = (points - low).T
        plane[polygon(y, x, plane.shape)] = True
        plane[polygon_perimeter(y, x, plane.shape)] = True
    return mask


def differences_px(scan):
    pixel = scan["pixel_spacing"]
    return [
        (
            plain_diameter_mm(rasterised(a["contours"]), (scan["slice_thickness"], pixel, pixel))
            - a["ref_max_inplane_diameter_mm"]
        )
        / pixel
        for a in scan["annotations"]
    ]


def test_outlines_of_four_radiologists_on_eighty_scans_keep_their_diameters(shared_data):
    file = shared_data / "lidc_contours" / "contours.json.gz"
    scans = json.loads(gzip.decompress(file.read_bytes()))
    found = np.concatenate([differences_px(scan) for scan in scans])
    assert len(found) > 320
    # the edge of a mask lies about half a pixel outside the centres of its boundary pixels
    assert 0.3 < found.mean() < 0.7
    assert found.std() <= 0.3
    assert np.abs(found).max() <= 1.5


def test_four_readers_of_one_nodule_keep_their_diameters(shared_data):
    file = shared_data / "lidc_0314_crop" / "four_reader_contours.json"
    scan = json.loads(file.read_text())
    published = sorted(a["ref_max_inplane_diameter_mm"] for a in scan["annotations"])
    assert published == pytest.approx([20.31, 21.89, 22.71, 23.44], abs=0.01)
    assert np.abs(differences_px(scan)).max() <= 0.7


def ibsi_mask(folder, patient, modality):
    image = sitk.ReadImage(str(folder / "nifti" / patient / f"{modality}_mask.nii.gz"))
    mask = sitk.GetArrayFromImage(image) > 0
    return plain_diameter_mm(mask, image.GetSpacing()[::-1]), image.GetSpacing()[0]


@pytest.mark.parametrize("patient", ["STS_003", "STS_008", "STS_036", "STS_044"])
def test_one_contour_on_the_grids_of_ct_and_mr_keeps_its_diameter(shared_data, patient):
    folder = shared_data / "ibsi_sts"
    table = (folder / "reference_polygon_diameters.csv").read_text().splitlines()
    polygons = {
        row["modality"]: float(row["max_inplane_diameter_mm"])
        for row in csv.DictReader(table)
        if row["patient"] == patient
    }
    (ct, pixel), (mr, _) = (ibsi_mask(folder, patient, name) for name in ("CT", "MR_T1"))
    assert abs(ct - mr) <= pixel
    assert abs(ct - polygons["CT"]) <= pixel
    assert abs(mr - polygons["MR_T1"]) <= pixel


def mesh_diameter_mm(mask, spacing_mm, *, between_slices):
    """Largest distance of two vertices of a voxel mesh at one height, on slices or between them."""
    padded = np.pad(mask, 1)
    best = 0.0
    for below, above in itertools.pairwise(padded):
        if between_slices:
            vertices = np.argwhere(below ^ above).astype(float)
        else:
            vertices = np.concatenate(
                [
                    np.argwhere(above[:-1] ^ above[1:]) + np.array([0.5, 0.0]),
                    np.argwhere(above[:, :-1] ^ above[:, 1:]) + np.array([0.0, 0.5]),
                ]
            )
        if len(vertices) > 1:
            best = max(best, float(pdist(vertices * spacing_mm[1:]).max()))
    return best


@pytest.mark.parametrize("case", ["brain1", "breast1", "lung1"])
def test_a_published_slice_diameter_differs_where_it_spans_two_slices(shared_data, case):
    folder = shared_data / "pyradiomics"
    rows = list(csv.reader((folder / "baseline_shape.csv").read_text().splitlines()))
    published = next(
        float(row[rows[0].index(case)])
        for row in rows
        if row[0] == "original_shape_Maximum2DDiameterSlice"
    )
    image = sitk.ReadImage(str(folder / f"{case}_label.nrrd"))
    spacing_mm = image.GetSpacing()[::-1]
    mask = sitk.GetArrayFromImage(image) == 1
    on_slice = mesh_diameter_mm(mask, spacing_mm, between_slices=False)
    between = mesh_diameter_mm(mask, spacing_mm, between_slices=True)
    # vertices of the mesh half-way between two slices have tissue of one or of the other
    assert published == pytest.approx(max(on_slice, between), abs=1e-6)
    assert abs(plain_diameter_mm(mask, spacing_mm) - on_slice) <= 0.5 * spacing_mm[2]
