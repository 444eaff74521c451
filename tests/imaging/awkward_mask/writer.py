"""Mask files of every kind, written from plain numbers and by none of the code under test."""

from __future__ import annotations

import gzip
import struct
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.10.4321"
FRAME = f"{ROOT}.3"
NIFTI_TYPES = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "u2": 512}


@dataclass(frozen=True)
class Grid:
    """Where an image lies: first voxel and the steps to its neighbours, in LPS mm."""

    shape: tuple[int, int, int] = (8, 20, 24)
    first: tuple[float, float, float] = (-31.0, -17.0, 40.0)
    slice_step: tuple[float, float, float] = (0.0, 0.0, 3.0)
    row_step: tuple[float, float, float] = (0.0, 0.8, 0.0)
    """From one row to the next."""
    column_step: tuple[float, float, float] = (0.7, 0.0, 0.0)

    def at(self, k: float, row: float, column: float) -> np.ndarray:
        """Return LPS mm of a voxel."""
        steps = [np.array(s) for s in (self.slice_step, self.row_step, self.column_step)]
        return np.array(self.first) + k * steps[0] + row * steps[1] + column * steps[2]

    def affine(self) -> np.ndarray:
        """Return the (4, 4) map of (z, y, x) to LPS mm."""
        affine = np.eye(4)
        affine[:3, 0], affine[:3, 1] = self.slice_step, self.row_step
        affine[:3, 2], affine[:3, 3] = self.column_step, self.first
        return affine

    def ras(self) -> np.ndarray:
        """Return the (4, 4) map of (x, y, z) to RAS mm, as NIfTI has it."""
        return np.diag([-1.0, -1.0, 1.0, 1.0]) @ self.affine()[:, [2, 1, 0, 3]]


def box(k: Sequence[int], rows: Sequence[int], columns: Sequence[int]) -> set[tuple[int, ...]]:
    """Return the voxels of a box; ends are included."""
    spans = [range(low, high + 1) for low, high in (k, rows, columns)]
    return {(z, y, x) for z in spans[0] for y in spans[1] for x in spans[2]}


def filled(shape: Sequence[int], voxels: set[tuple[int, ...]], value: float = 1) -> np.ndarray:
    """Return an array that holds a value at some voxels."""
    array = np.zeros(tuple(shape), dtype=np.float64)
    for voxel in voxels:
        array[voxel] = value
    return array


# images ------------------------------------------------------------------------------------------


def ct_slices(grid: Grid, *, series: str = "2") -> list[Dataset]:
    """Return CT slices on a grid, complete enough for highdicom."""
    slices = []
    row, column = np.array(grid.column_step), np.array(grid.row_step)
    spacing = [float(np.linalg.norm(column)), float(np.linalg.norm(row))]
    for k in range(grid.shape[0]):
        d = Dataset()
        d.SOPClassUID, d.SOPInstanceUID = CTImageStorage, f"{ROOT}.{series}.9.{k + 1}"
        d.PatientID, d.PatientName, d.PatientBirthDate, d.PatientSex = "P1", "", "", ""
        d.StudyInstanceUID, d.SeriesInstanceUID = f"{ROOT}.1", f"{ROOT}.{series}"
        d.FrameOfReferenceUID, d.Modality = FRAME, "CT"
        d.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        d.StudyDate = d.SeriesDate = d.AcquisitionDate = "20240301"
        d.StudyTime = d.AcquisitionTime = "101500"
        d.AccessionNumber = d.StudyID = d.ReferringPhysicianName = ""
        d.AcquisitionNumber, d.InstanceNumber, d.SeriesNumber = 1, k + 1, 3
        d.ImagePositionPatient = [f"{x:.8g}" for x in grid.at(k, 0, 0)]
        d.ImageOrientationPatient = [
            f"{x:.9f}" for x in (*row / np.linalg.norm(row), *column / np.linalg.norm(column))
        ]
        d.PixelSpacing, d.SliceThickness = [f"{x:.8g}" for x in spacing], "3"
        d.Rows, d.Columns, d.SamplesPerPixel = grid.shape[1], grid.shape[2], 1
        d.PhotometricInterpretation = "MONOCHROME2"
        d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 16, 15, 1
        d.RescaleSlope, d.RescaleIntercept, d.RescaleType = 1, -1024, "HU"
        d.PixelData = np.full(grid.shape[1:], 1074, "<i2").tobytes()
        d.file_meta = FileMetaDataset()
        d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        d.file_meta.MediaStorageSOPClassUID = CTImageStorage
        d.file_meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID
        slices.append(d)
    return slices


# DICOM SEG ---------------------------------------------------------------------------------------


def segmentation(
    images: Sequence[Dataset], pixels: np.ndarray, kind: str = "BINARY", count: int = 1, **more: Any
) -> Dataset:
    """Return a segmentation of (z, y, x[, segment]) pixels, written by highdicom."""
    described = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=f"lesion {number}",
            segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=codes.SCT.Neoplasm,
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number in range(1, count + 1)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seg: Dataset = hd.seg.Segmentation(
            source_images=list(images),
            pixel_array=pixels,
            segmentation_type=kind,
            segment_descriptions=described,
            series_instance_uid=f"{ROOT}.7",
            series_number=100,
            sop_instance_uid=f"{ROOT}.7.1",
            instance_number=1,
            manufacturer="m",
            manufacturer_model_name="m",
            software_versions="1",
            device_serial_number="1",
            **more,
        )
    return seg


def save(dataset: Dataset, path: Path) -> Path:
    """Write a dataset."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.save_as(path, enforce_file_format=True)
    return path


# RTSTRUCT ----------------------------------------------------------------------------------------


@dataclass
class Region:
    """A region of interest: its contours are (n, 3) points in LPS mm."""

    number: int = 1
    name: str = "GTV"
    contours: list[np.ndarray] = field(default_factory=list)
    kind: str = "CLOSED_PLANAR"
    interpreted: str = "GTV"
    frame: str = FRAME
    listed: bool = True


def structure_set(
    images: Sequence[Dataset], regions: Sequence[Region], *, uid: str = f"{ROOT}.8.1"
) -> Dataset:
    """Return a structure set drawn on images."""
    d = Dataset()
    d.SOPClassUID, d.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.481.3", uid
    first = images[0]
    for name in ("PatientID", "StudyInstanceUID"):
        setattr(d, name, first.get(name))
    if first.get("ClinicalTrialSubjectID"):
        d.ClinicalTrialSubjectID = first.ClinicalTrialSubjectID
    d.SeriesInstanceUID, d.Modality, d.StructureSetLabel = f"{uid}.2", "RTSTRUCT", "S"
    series = Dataset()
    series.SeriesInstanceUID = first.SeriesInstanceUID
    series.ContourImageSequence = Items([_reference(image) for image in images])
    study = Dataset()
    study.ReferencedSOPInstanceUID = first.StudyInstanceUID
    study.RTReferencedSeriesSequence = Items([series])
    frame = Dataset()
    frame.FrameOfReferenceUID = first.FrameOfReferenceUID
    frame.RTReferencedStudySequence = Items([study])
    d.ReferencedFrameOfReferenceSequence = Items([frame])
    d.StructureSetROISequence = Items([_region(one) for one in regions])
    d.ROIContourSequence = Items([_contours(one) for one in regions if one.listed])
    d.RTROIObservationsSequence = Items([_observation(one) for one in regions])
    d.file_meta = FileMetaDataset()
    d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    d.file_meta.MediaStorageSOPClassUID = d.SOPClassUID
    d.file_meta.MediaStorageSOPInstanceUID = uid
    return d


def _reference(image: Dataset) -> Dataset:
    d = Dataset()
    d.ReferencedSOPClassUID, d.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    return d


def _region(region: Region) -> Dataset:
    d = Dataset()
    d.ROINumber, d.ROIName, d.ROIGenerationAlgorithm = region.number, region.name, "MANUAL"
    d.ReferencedFrameOfReferenceUID = region.frame
    return d


def _observation(region: Region) -> Dataset:
    d = Dataset()
    d.ObservationNumber, d.ReferencedROINumber = region.number, region.number
    d.RTROIInterpretedType = region.interpreted
    return d


def _contours(region: Region) -> Dataset:
    d = Dataset()
    d.ReferencedROINumber = region.number
    items = []
    for points in region.contours:
        item = Dataset()
        item.ContourGeometricType = region.kind
        item.NumberOfContourPoints = len(points)
        item.ContourData = [f"{value:.6f}" for value in np.asarray(points).ravel()]
        items.append(item)
    if items:
        d.ContourSequence = Items(items)
    return d


# label images ------------------------------------------------------------------------------------


def write_nifti(
    path: Path,
    array: np.ndarray,
    *,
    sform: np.ndarray | None = None,
    qform: np.ndarray | None = None,
    kind: str = "u1",
    order: str = "<",
    version: int = 1,
    slope: float = 0.0,
    intercept: float = 0.0,
    units: int = 2,
    dims: Sequence[int] | None = None,
    extension: bytes = b"",
) -> Path:
    """Write a (z, y, x) array as NIfTI; affines map (x, y, z) to RAS mm; gzip by the name."""
    shape = tuple(dims) if dims is not None else array.shape[::-1]
    dim = [len(shape), *shape, *([1] * (7 - len(shape)))]
    at = qform if qform is not None else sform if sform is not None else np.eye(4)
    steps = np.linalg.norm(at[:3, :3], axis=0)
    turn = at[:3, :3] / steps
    mirrored = np.linalg.det(turn) < 0
    turn = turn * np.array([1, 1, -1.0 if mirrored else 1.0])
    pixdim = [-1.0 if mirrored else 1.0, *steps, 0, 0, 0, 0]
    b, c, d = _quaternion(turn)
    rows = (np.eye(4) if sform is None else sform)[:3].ravel()
    codes_ = (0 if qform is None else 1, 0 if sform is None else 2)
    number = NIFTI_TYPES[kind]
    bits = 8 * np.dtype(kind).itemsize
    padded = b""
    if extension:
        size = -(-(len(extension) + 8) // 16) * 16
        padded = struct.pack(order + "2i", size, 0) + extension.ljust(size - 8, b"\0")
    if version == 1:
        offset = 352 + len(padded)
        head = struct.pack(order + "i35sB", 348, b"", 0)
        head += struct.pack(order + "8h3f4h8f", *dim, 0, 0, 0, 0, number, bits, 0, *pixdim)
        head += struct.pack(
            order + "3fh2B4f2i", offset, slope, intercept, 0, 0, units, 0, 0, 0, 0, 0, 0
        )
        head += b"\0" * 104 + struct.pack(order + "2h6f12f", *codes_, b, c, d, *at[:3, 3], *rows)
        head += b"\0" * 16 + b"n+1\0"
        assert len(head) == 348
    else:
        offset = 544 + len(padded)
        head = struct.pack(
            order + "i8s2h8q3d8d", 540, b"n+2\0\r\n\x1a\n", number, bits, *dim, 0, 0, 0, *pixdim
        )
        head += struct.pack(order + "q6d2q", offset, slope, intercept, 0, 0, 0, 0, 0, 0)
        head += b"\0" * 104 + struct.pack(order + "2i6d12d", *codes_, b, c, d, *at[:3, 3], *rows)
        head += struct.pack(order + "2i", 0, units)
        head = head.ljust(540, b"\0")
    data = head + (b"\1\0\0\0" if padded else b"\0\0\0\0") + padded
    data += np.ascontiguousarray(array).astype(order + kind).tobytes()
    path.write_bytes(gzip.compress(data, mtime=0) if path.name.endswith(".gz") else data)
    return path


def _quaternion(turn: np.ndarray) -> tuple[float, float, float]:
    """Return b, c, d of a rotation, with a >= 0 (from the eigenvector of rotation)."""
    values, vectors = np.linalg.eig(turn)
    axis = np.real(vectors[:, np.argmin(np.abs(values - 1))])
    angle = np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))
    skew = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
    if axis @ skew < 0:
        axis = -axis
    return tuple(float(x) for x in axis * np.sin(angle / 2))  # type: ignore[return-value]


def write_nrrd(
    path: Path,
    array: np.ndarray,
    grid: Grid,
    *,
    space: str | None = "left-posterior-superior",
    notes: Mapping[str, str] | None = None,
    signs: Sequence[int] = (1, 1, 1),
    data_file: str | None = None,
) -> Path:
    """Write uint8 labels, (z, y, x) or (layer, z, y, x), as NRRD by hand.

    ``signs`` turn LPS into the space that is named.
    """
    layers = array.ndim == 4
    stored = np.moveaxis(array, 0, -1) if layers else array
    sizes = stored.shape[::-1]

    def vector(values: Sequence[float]) -> str:
        return "(" + ",".join(f"{s * v:.12g}" for s, v in zip(signs, values, strict=True)) + ")"

    steps = [vector(step) for step in (grid.column_step, grid.row_step, grid.slice_step)]
    lines = ["NRRD0005", "# by hand", "type: uint8", f"dimension: {len(sizes)}"]
    if space:
        lines.append(f"space: {space}")
    lines += [
        f"sizes: {' '.join(map(str, sizes))}",
        f"space directions: {'none ' if layers else ''}{' '.join(steps)}",
        f"kinds: {'list ' if layers else ''}domain domain domain",
        "encoding: raw",
        f"space origin: {vector(grid.first)}",
    ]
    if data_file:
        lines.append(f"data file: {data_file}")
    lines += [f"{key}:={value}" for key, value in (notes or {}).items()]
    data = np.ascontiguousarray(stored).astype("u1").tobytes()
    if data_file:
        path.write_text("\n".join(lines) + "\n\n")
        if "/" not in data_file:
            (path.parent / data_file).write_bytes(data)
    else:
        path.write_bytes(("\n".join(lines) + "\n\n").encode() + data)
    return path


def write_metaimage(
    path: Path, array: np.ndarray, grid: Grid, *, data_file: str = "LOCAL", offset: bool = True
) -> Path:
    """Write uint8 labels as MetaImage by hand."""
    spacing = [np.linalg.norm(s) for s in (grid.column_step, grid.row_step, grid.slice_step)]
    cosines = [
        x
        for step, size in zip(
            (grid.column_step, grid.row_step, grid.slice_step), spacing, strict=True
        )
        for x in np.array(step) / size
    ]
    lines = [
        "ObjectType = Image", "NDims = 3", "BinaryData = True", "BinaryDataByteOrderMSB = False",
        "CompressedData = False", "TransformMatrix = " + " ".join(f"{x:.12g}" for x in cosines),
        *(["Offset = " + " ".join(f"{x:.12g}" for x in grid.first)] if offset else []),
        "ElementSpacing = " + " ".join(f"{x:.12g}" for x in spacing),
        "DimSize = " + " ".join(map(str, array.shape[::-1])), "ElementType = MET_UCHAR",
        f"ElementDataFile = {data_file}",
    ]  # fmt: skip
    data = np.ascontiguousarray(array).astype("u1").tobytes()
    if data_file == "LOCAL":
        path.write_bytes(("\n".join(lines) + "\n").encode() + data)
    else:
        path.write_text("\n".join(lines) + "\n")
        if "/" not in data_file:
            (path.parent / data_file).write_bytes(data)
    return path


def read_back(path: Path) -> Dataset:
    """Return a written DICOM file."""
    return pydicom.dcmread(path)
