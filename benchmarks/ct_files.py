"""Generated CT series as files, for benchmarks: with the elements that scanners write."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
)

ROOT = "1.2.826.0.1.3680043.10.1234.7"
INTERCEPT = -1024


def slices_of(count: int, seed: int = 4) -> NDArray[np.uint16]:
    """Words of a body with organs and noise, 12 bits; every slice is different."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:512, :512] / 511.0 - 0.5
    body = (x / 0.42) ** 2 + (y / 0.33) ** 2 < 1
    noise = rng.normal(0, 12, (16, 512, 512))
    words = np.empty((count, 512, 512), dtype=np.uint16)
    for z in range(count):
        hu = np.where(body, 40.0, -1000.0)
        for k in range(6):
            place = 0.22 * math.cos(k + z / 40), 0.18 * math.sin(2 * k + z / 60)
            hu[(x - place[0]) ** 2 + (y - place[1]) ** 2 < 0.004 * (k + 1)] = 60 + 25 * k
        noisy = np.where(body, hu + np.roll(noise[z % 16], 7 * z, axis=1), hu + noise[z % 16] / 4)
        words[z] = np.clip(np.rint(noisy) - INTERCEPT, 0, 4095)
    return words


def dataset(number: int, series: int = 1) -> Dataset:
    """A CT slice without pixels, with the elements that scanners write."""
    d = Dataset()
    d.SpecificCharacterSet, d.ImageType = "ISO_IR 100", ["ORIGINAL", "PRIMARY", "AXIAL"]
    d.SOPClassUID, d.SOPInstanceUID = CTImageStorage, f"{ROOT}.{series:06d}.1{number:05d}"
    d.StudyDate = d.SeriesDate = d.AcquisitionDate = d.ContentDate = "20240301"
    d.StudyTime, d.SeriesTime, d.AccessionNumber = "101500", "101800", ""
    d.AcquisitionTime, d.ContentTime = (
        "102000.250000",
        f"10{20 + number // 60:02d}{number % 60:02d}.5",
    )
    d.Modality, d.Manufacturer, d.InstitutionName = "CT", "Acme", "Hospital"
    d.ReferringPhysicianName, d.StationName, d.StudyDescription = "", "CT01", "Liver"
    d.SeriesDescription, d.ManufacturerModelName = f"Arterial {series}", "Model 64"
    d.PatientName, d.PatientID, d.PatientSex, d.PatientAge = "P", f"P{series:05d}", "M", "061Y"
    d.ScanOptions, d.SliceThickness, d.KVP, d.DataCollectionDiameter = "HELICAL", 2.5, 120, 500
    d.ContrastBolusAgent, d.ContrastBolusVolume, d.ProtocolName = "Agent", 100, "Liver 3 phases"
    d.SoftwareVersions, d.ReconstructionDiameter, d.GantryDetectorTilt = "1.0", 360, 0
    d.TableHeight, d.RotationDirection, d.ExposureTime, d.XRayTubeCurrent = 150, "CW", 500, 320
    d.Exposure, d.FilterType, d.GeneratorPower, d.FocalSpots = 160, "BODY", 42000, 1.2
    d.ConvolutionKernel, d.PatientPosition = "STANDARD", "FFS"
    d.StudyInstanceUID = f"{ROOT}.{series:06d}.2"
    d.SeriesInstanceUID, d.FrameOfReferenceUID = f"{ROOT}.{series:06d}.3", f"{ROOT}.{series:06d}.4"
    d.StudyID, d.SeriesNumber, d.AcquisitionNumber = "1", 3, 1
    d.InstanceNumber = f"{number + 10000}"
    d.ImagePositionPatient = ["-180", "-180", f"{2.5 * number + 1000:.2f}"]
    d.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    d.PositionReferenceIndicator, d.SliceLocation = "SN", f"{2.5 * number + 1000:.2f}"
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "24728-8", "LN", "CT Abdomen"
    d.ProcedureCodeSequence = [item]
    d["ProcedureCodeSequence"].is_undefined_length = True
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
    d.Rows = d.Columns = 512
    d.PixelSpacing = ["0.703125", "0.703125"]
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 12, 11, 0
    d.WindowCenter, d.WindowWidth = 40, 400
    d.RescaleIntercept, d.RescaleSlope, d.RescaleType = INTERCEPT, 1, "HU"
    block = d.private_block(0x0045, "ACME_CT_01", create=True)
    for element in range(1, 25):
        block.add_new(element, "DS", f"{element}.5")
    d.file_meta = FileMetaDataset()
    d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return d


ENCODERS: dict[str, tuple[str, Callable[[NDArray[np.uint16]], bytes]]] = {
    "JPEG lossless": (JPEGLosslessSV1, lambda w: imagecodecs.ljpeg_encode(w, bitspersample=12)),
    "HTJ2K": (HTJ2KLossless, lambda w: imagecodecs.htj2k_encode(w, reversible=True)),
    "JPEG-LS": (JPEGLSLossless, imagecodecs.jpegls_encode),
    "JPEG 2000": (
        JPEG2000Lossless,
        lambda w: imagecodecs.jpeg2k_encode(
            w, reversible=True, codecformat="J2K", level=0, bitspersample=12
        ),
    ),
}


def write_series(folder: Path, words: NDArray[np.uint16], codec: str | None = None) -> list[str]:
    """Write one file for each slice; return their names."""
    folder.mkdir()
    names = []
    for z, plane in enumerate(words):
        d = dataset(z)
        if codec is None:
            d.PixelData = plane.tobytes()
        else:
            syntax, encode = ENCODERS[codec]
            d.file_meta.TransferSyntaxUID = syntax
            d.PixelData = encapsulate([bytes(encode(np.ascontiguousarray(plane)))])
            d["PixelData"].VR, d["PixelData"].is_undefined_length = "OB", True
        names.append(str(folder / f"{z:05d}.dcm"))
        d.save_as(names[-1], enforce_file_format=True)
    return names


def write_headers(folder: Path, count: int) -> list[str]:
    """Write small files of 200-slice series, each with its own UIDs, times and places."""
    folder.mkdir()
    names = []
    for first in range(0, count, 200):
        series = first // 200
        d = dataset(0, series)
        d.Rows = d.Columns = 4
        d.PixelData = bytes(32)
        (folder / f"{series:04d}").mkdir()
        for z in range(min(200, count - first)):
            own = dataset(z, series)
            for keyword in ("SOPInstanceUID", "AcquisitionTime", "ContentTime", "InstanceNumber",
                            "ImagePositionPatient", "SliceLocation"):  # fmt: skip
                setattr(d, keyword, own[keyword].value)
            names.append(str(folder / f"{series:04d}" / f"{z:04d}.dcm"))
            d.save_as(names[-1], enforce_file_format=True)
    return names
