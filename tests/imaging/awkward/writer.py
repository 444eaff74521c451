"""Single-frame slices with values and places in closed form, written with pydicom alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset, uid
from pydicom.dataset import FileMetaDataset

ROWS, COLUMNS = 24, 32
ROW_MM, COLUMN_MM, STEP_MM = 0.7, 0.8, 2.5
START_MM = (-10.0, -20.0, 30.0)
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
ROOT = "1.2.826.0.1.3680043.10.1234.7"
INTERCEPT = -1024

CLASSES = {
    "CT": uid.CTImageStorage,
    "MR": uid.MRImageStorage,
    "PT": uid.PositronEmissionTomographyImageStorage,
}


def words(count: int, volume: int = 0, first: int = 0) -> np.ndarray:
    """Return (z, y, x) stored values: 800 v + 110 z + 3 y + x, linear in every index."""
    z, y, x = np.mgrid[first : first + count, :ROWS, :COLUMNS]
    return 800 * volume + 110 * z + 3 * y + x


def place(
    k: float, start: Sequence[float] = START_MM, step: Sequence[float] = (0, 0, STEP_MM)
) -> list[float]:
    """Return the position of slice k."""
    return [s + k * t for s, t in zip(start, step, strict=True)]


def affine(
    start: Sequence[float] = START_MM,
    step: Sequence[float] = (0, 0, STEP_MM),
    orientation: Sequence[float] = AXIAL,
    spacing: Sequence[float] = (ROW_MM, COLUMN_MM),
) -> np.ndarray:
    """Return the map from (z, y, x) to LPS mm by PS3.3 C.7.6.2.1.1."""
    along_row, along_column = np.array(orientation[:3]), np.array(orientation[3:])
    result = np.eye(4)
    result[:3, 0] = step
    result[:3, 1] = along_column * spacing[0]  # from row to row
    result[:3, 2] = along_row * spacing[1]
    result[:3, 3] = start
    return result


def identity(case: str, modality: str = "CT", series: str = "1") -> Dataset:
    """Return what all instances of a case share."""
    d = Dataset()
    mark = str(sum(ord(letter) * 31**n for n, letter in enumerate(case)) % 10**9)
    d.PatientID, d.PatientName = "P1", "Reference"
    d.StudyInstanceUID, d.SeriesInstanceUID = f"{ROOT}.{mark}.1", f"{ROOT}.{mark}.2.{series}"
    d.FrameOfReferenceUID = f"{ROOT}.{mark}.3"
    d.Modality, d.Manufacturer = modality, "Reference"
    d.StudyDate = d.SeriesDate = d.AcquisitionDate = d.ContentDate = "20240301"
    d.StudyTime = d.SeriesTime = d.AcquisitionTime = d.ContentTime = "101500"
    d.SeriesNumber, d.StudyID, d.AccessionNumber = 3, "1", ""
    d.PatientBirthDate, d.PatientSex, d.PatientPosition = "", "O", "HFS"
    d.SeriesDescription, d.AcquisitionNumber = case, 1
    return d


def put_pixels(d: Dataset, stored: np.ndarray, *, signed: bool = False) -> None:
    """Write stored values as 16-bit words; 12 bits stored if unsigned, 16 if signed."""
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
    d.BitsAllocated, d.BitsStored, d.HighBit = 16, 16, 15
    d.PixelRepresentation = int(signed)
    if not signed:
        d.BitsStored, d.HighBit = 12, 11
    d.Rows, d.Columns = stored.shape[-2:]
    d.PixelData = stored.astype("<i2" if signed else "<u2").tobytes()


def make(
    case: str,
    count: int = 6,
    *,
    volume: int = 0,
    number: int = 1,
    modality: str = "CT",
    start: Sequence[float] = START_MM,
    step: Sequence[float] = (0, 0, STEP_MM),
    signed: bool = False,
    **elements: Any,
) -> list[Dataset]:
    """Return the slices of one volume; ``number`` is the first InstanceNumber."""
    slices = []
    for k in range(count):
        d = identity(case, modality)
        d.SOPClassUID = CLASSES[modality]
        d.SOPInstanceUID = f"{d.StudyInstanceUID}.9.{number + k}"
        d.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL" if modality == "CT" else "M"]
        d.InstanceNumber = number + k
        d.ImagePositionPatient = place(k, start, step)
        d.ImageOrientationPatient = list(AXIAL)
        d.PixelSpacing, d.SliceThickness = [ROW_MM, COLUMN_MM], STEP_MM
        put_pixels(d, words(count, volume)[k], signed=signed)
        if modality != "MR":
            d.RescaleSlope, d.RescaleIntercept = 1, INTERCEPT if modality == "CT" else 0
        if modality == "CT":
            d.RescaleType, d.KVP = "HU", 120
        if modality == "MR":
            d.ScanningSequence, d.SequenceVariant, d.MRAcquisitionType = "GR", "SP", "3D"
            d.EchoTime, d.RepetitionTime, d.FlipAngle = 2.4, 5, 10
        if modality == "PT":
            d.Units, d.DecayCorrection = "BQML", "START"
        for name, value in elements.items():
            setattr(d, name, value)
        slices.append(d)
    return slices


def write(
    slices: Iterable[Dataset],
    folder: Path,
    syntax: str = uid.ExplicitVRLittleEndian,
    *,
    suffix: str = ".dcm",
    start: int = 0,
) -> list[Path]:
    """Write slices as i000.dcm, i001.dcm and so on; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, d in enumerate(slices, start=start):
        path = folder / f"i{number:03d}{suffix}"
        d.file_meta = FileMetaDataset()
        d.file_meta.TransferSyntaxUID = syntax
        if syntax == uid.ExplicitVRBigEndian and "PixelData" in d:
            kind = "u" if d.PixelRepresentation == 0 else "i"
            stored = np.frombuffer(d.PixelData, f"<{kind}2")
            d.PixelData = stored.astype(f">{kind}2").tobytes()
        d.save_as(path, enforce_file_format=True)
        files.append(path)
    return files
