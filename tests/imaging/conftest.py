"""Small DICOM series, written as real files and read back."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

from imaging.header import read_header
from imaging.series import Grouping, group_series

AXIAL = [1, 0, 0, 0, 1, 0]
ROOT = "1.2.826.0.1.3680043.10.1234"


class SliceWriter:
    """Makes slices of one CT (or MR) series, writes them, reads them back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._names = itertools.count()

    def make(
        self,
        count: int = 4,
        *,
        step_mm: Sequence[float] = (0, 0, 2.5),
        start_mm: Sequence[float] = (-10, -20, 30),
        first_number: int = 1,
        modality: str = "CT",
        **elements: Any,
    ) -> list[Dataset]:
        """Return slices whose stored value is 100 x slice + 10 x row + column."""
        slices = []
        for k in range(count):
            d = Dataset()
            d.SOPClassUID = CTImageStorage if modality == "CT" else MRImageStorage
            d.SOPInstanceUID = f"{ROOT}.9.{first_number + k}"
            d.PatientID, d.StudyInstanceUID = "P1", f"{ROOT}.1"
            d.SeriesInstanceUID, d.FrameOfReferenceUID = f"{ROOT}.2", f"{ROOT}.3"
            d.Modality, d.ImageType = modality, ["ORIGINAL", "PRIMARY", "AXIAL"]
            d.StudyDate = d.SeriesDate = d.AcquisitionDate = "20240301"
            d.AcquisitionTime, d.AcquisitionNumber = "101500", 1
            d.InstanceNumber, d.SeriesNumber = first_number + k, 3
            d.ImagePositionPatient = [s + k * t for s, t in zip(start_mm, step_mm, strict=True)]
            d.ImageOrientationPatient = AXIAL
            d.PixelSpacing, d.SliceThickness = [0.7, 0.8], 2.5
            d.Rows, d.Columns, d.SamplesPerPixel = 4, 6, 1
            d.PhotometricInterpretation = "MONOCHROME2"
            d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 16, 15, 1
            if modality == "CT":
                d.RescaleSlope, d.RescaleIntercept, d.RescaleType = 1, -1024, "HU"
            rows, columns = np.mgrid[:4, :6]
            d.PixelData = (100 * k + 10 * rows + columns).astype("<i2").tobytes()
            for name, value in elements.items():
                setattr(d, name, value)
            slices.append(d)
        return slices

    def save(self, slices: Sequence[Dataset], syntax: str = ExplicitVRLittleEndian) -> list[Path]:
        """Write slices with preamble and file meta information."""
        paths = []
        for d in slices:
            path = self.folder / f"i{next(self._names):04d}.dcm"
            d.file_meta = FileMetaDataset()
            d.file_meta.TransferSyntaxUID = syntax
            d.save_as(path, enforce_file_format=True)
            paths.append(path)
        return paths

    def group(self, slices: Sequence[Dataset]) -> Grouping:
        """Write slices and return what they form."""
        return self.regroup(self.save(slices))

    @staticmethod
    def regroup(paths: Sequence[Path]) -> Grouping:
        """Return what files form."""
        return group_series([read_header(path) for path in paths])


@pytest.fixture
def slices(tmp_path: Path) -> SliceWriter:
    """A writer of small series into the test's own folder."""
    return SliceWriter(tmp_path)
