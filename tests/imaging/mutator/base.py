"""Small whole series that are then damaged: as bytes by file name, written with pydicom alone."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import imagecodecs
import numpy as np
from pydicom import Dataset, uid
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate

from tests.imaging.awkward import enhanced as e
from tests.imaging.awkward import writer as w

Files = dict[str, bytes]
Encoder = Callable[[np.ndarray], bytes]


@dataclass(frozen=True)
class Base:
    """A series that reads without a doubt but for ``flags``, and its files."""

    name: str
    files: Files
    multiframe: bool = False
    flags: frozenset[str] = frozenset()


def to_bytes(d: Dataset, syntax: str) -> bytes:
    """Return a dataset as a DICOM file, with the instance's name in its file meta information."""
    d.file_meta = FileMetaDataset()
    d.file_meta.TransferSyntaxUID = syntax
    d.file_meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID
    d.file_meta.MediaStorageSOPClassUID = d.SOPClassUID
    stream = io.BytesIO()
    d.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def noisy(count: int, rows: int, columns: int, *, signed: bool = False) -> np.ndarray:
    """Return (z, y, x) stored values: a ramp with noise that no two slices share."""
    rng = np.random.default_rng(rows + count)
    z, y, x = np.mgrid[:count, :rows, :columns]
    stored = 500 + 60 * z + 3 * y + x + rng.integers(0, 40, z.shape)
    return stored - 900 if signed else stored


def single(
    name: str,
    count: int = 10,
    rows: int = 32,
    columns: int = 40,
    *,
    syntax: str = uid.ExplicitVRLittleEndian,
    encode: Encoder | None = None,
    signed: bool = False,
    flags: tuple[str, ...] = (),
    **more: object,
) -> Base:
    """Return a series of one file for each slice."""
    stored = noisy(count, rows, columns, signed=signed)
    files = {}
    for k, d in enumerate(w.make(name, count, signed=signed, **more)):  # type: ignore[arg-type]
        w.put_pixels(d, stored[k], signed=signed)
        _say_more(d, float(more.get("step", (0, 0, w.STEP_MM))[2]))  # type: ignore[index]
        if encode is not None:
            d.PixelData = encapsulate([encode(stored[k].astype("<u2"))])
            d["PixelData"].VR, d["PixelData"].is_undefined_length = "OB", True
        files[f"i{k:03d}.dcm"] = to_bytes(d, syntax)
    return Base(name, files, flags=frozenset(flags))


def _say_more(d: Dataset, spacing_mm: float) -> None:
    """Write what scanners say once more of a slice's place."""
    d.SpacingBetweenSlices = spacing_mm
    d.SliceLocation = float(d.ImagePositionPatient[2])


def run_length(name: str) -> Base:
    """Return a series that pydicom has compressed by run lengths."""
    files = {}
    for k, d in enumerate(w.make(name, 10)):
        w.put_pixels(d, noisy(10, 32, 40)[k])
        _say_more(d, w.STEP_MM)
        to_bytes(d, uid.ExplicitVRLittleEndian)
        d.compress(uid.RLELossless, generate_instance_uid=False)
        files[f"i{k:03d}.dcm"] = to_bytes(d, uid.RLELossless)
    return Base(name, files)


def multiframe(name: str, kind: str, encode: Encoder | None = None, syntax: str = "") -> Base:
    """Return a series of one multi-frame file."""
    frames = e.stack(10)
    for frame, words in zip(frames, noisy(10, 32, 40), strict=True):
        frame.words = words
    d = e.multiframe(name, frames, kind=kind)
    if encode is not None:
        d.PixelData = encapsulate([encode(frame.words.astype("<u2")) for frame in frames])
        d["PixelData"].VR, d["PixelData"].is_undefined_length = "OB", True
    return Base(name, {"m000.dcm": to_bytes(d, syntax or uid.ExplicitVRLittleEndian)}, True)


def _jpeg(stored: np.ndarray) -> bytes:
    """Return JPEG lossless, process 14, first-order prediction."""
    return imagecodecs.jpeg_encode(stored, lossless=True, predictor=1, bitspersample=16)


def _jpeg_2000(stored: np.ndarray) -> bytes:
    """Return a lossless JPEG 2000 code stream."""
    return imagecodecs.jpeg2k_encode(
        stored, level=0, codecformat="J2K", reversible=True, bitspersample=12, resolutions=2
    )


def _high_throughput(stored: np.ndarray) -> bytes:
    """Return a lossless high-throughput JPEG 2000 code stream."""
    return imagecodecs.htj2k_encode(stored, reversible=True, resolutions=2)


def bases() -> list[Base]:
    """Return every series that mutants are made of."""
    tilt = (0.0, 1.0, 2.3)
    return [
        single("plain", 12),
        single("signed", signed=True),
        single("large", 16, 64, 64),
        single("padded", PixelPaddingValue=0),
        single("implicit", syntax=uid.ImplicitVRLittleEndian),
        single("deflated", syntax=uid.DeflatedExplicitVRLittleEndian),
        single("tilted", step=tilt, flags=("gantry_tilt",)),
        single("mr", modality="MR", RescaleSlope=1.5, RescaleIntercept=3),
        single("mr_unscaled", modality="MR"),
        single("jpeg", syntax=uid.JPEGLosslessSV1, encode=_jpeg),
        single("jpeg_ls", syntax=uid.JPEGLSLossless, encode=imagecodecs.jpegls_encode),
        single("jpeg_2000", syntax=uid.JPEG2000Lossless, encode=_jpeg_2000),
        single("htj2k", syntax=uid.HTJ2KLossless, encode=_high_throughput),
        run_length("rle"),
        multiframe("enhanced_ct", "CT"),
        multiframe("enhanced_mr", "MR"),
        multiframe("enhanced_jpeg_2000", "CT", _jpeg_2000, uid.JPEG2000Lossless),
    ]
