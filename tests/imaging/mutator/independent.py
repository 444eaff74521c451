"""A slow reading of every slice of a folder, from the standard, with pydicom; nothing of ours.

Where a file says two things this takes what PS3.3 and PS3.5 say, never what `imaging` does.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom import Dataset, uid
from pydicom.pixels.utils import pixel_array

DECODERS = {
    uid.JPEG2000Lossless: "pylibjpeg",
    uid.HTJ2KLossless: "pylibjpeg",
    uid.JPEGLSLossless: "pyjpegls",
    uid.JPEGLosslessSV1: "gdcm",
    uid.RLELossless: "pydicom",
}


@dataclass(frozen=True, eq=False)
class Slice:
    """One slice as its bytes say.

    ``values`` (rows, columns) rescaled, ``padded`` where the stored value is the declared padding,
    ``corners`` (4, 3) LPS mm of the first and last pixel centres: first row and column, first row
    and last column, last row and first column, last of both.
    """

    instance: str
    series: str
    values: np.ndarray
    padded: np.ndarray
    corners: np.ndarray


def slices_of(file: Path) -> list[Slice]:
    """Return the slices of a file, in the order of its frames; raise where it cannot be read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        d = pydicom.dcmread(file, force=True)
        words = _words(d)
        frames = d.get("PerFrameFunctionalGroupsSequence")
        if frames is None:
            return [_slice(d, words[0], d, d, d)]
        (shared,) = d.SharedFunctionalGroupsSequence
        return [_frame(d, k, [frame, shared], words[k]) for k, frame in enumerate(frames)]


def read_slices(folder: Path) -> dict[str, list[Slice] | str]:
    """Return the slices of every file by its name; in words where a file cannot be read."""
    found: dict[str, list[Slice] | str] = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            found[file.name] = slices_of(file)
        except Exception as error:  # noqa: BLE001 - pydicom raises anything on damaged bytes
            found[file.name] = f"{type(error).__name__}: {error}"
    return found


def _frame(d: Dataset, k: int, groups: list[Dataset], words: np.ndarray) -> Slice:
    """Return one frame; its own functional groups win over the shared ones (C.7.6.16)."""

    def group(name: str) -> Dataset:
        for item in groups:
            if name in item:
                return item[name].value[0]  # type: ignore[no-any-return]
        return Dataset()

    place = Dataset()
    for name in ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence"):
        place.update(group(name))
    return _slice(d, words, place, group("PixelValueTransformationSequence"), d)


def _slice(d: Dataset, words: np.ndarray, place: Dataset, scale: Dataset, top: Dataset) -> Slice:
    """Return values by C.7.6.16.2.9 or C.11.1, corners by the equation of C.7.6.2.1.1."""
    slope, intercept = _number(scale, "RescaleSlope", 1.0), _number(scale, "RescaleIntercept", 0.0)
    position = np.array(place.ImagePositionPatient, dtype=float)
    cosines = np.array(place.ImageOrientationPatient, dtype=float).reshape(2, 3)
    row_mm, column_mm = (float(mm) for mm in place.PixelSpacing)
    rows, columns = words.shape
    corners = [
        position + cosines[0] * column_mm * j + cosines[1] * row_mm * i
        for i in (0, rows - 1)
        for j in (0, columns - 1)
    ]
    return Slice(
        _uid(d, "SOPInstanceUID"),
        _uid(d, "SeriesInstanceUID"),
        words * slope + intercept,
        _padded(words, top),
        np.array(corners),
    )


def _uid(d: Dataset, keyword: str) -> str:
    """Return the text of a UID, whatever its representation is called."""
    value = d.get_item(keyword).value  # type: ignore[union-attr]
    return value.decode("ascii").strip(" \0") if isinstance(value, bytes) else str(value)


def _number(d: Dataset, keyword: str, absent: float) -> float:
    """Return a decimal string, whatever its representation is called."""
    if keyword not in d:
        return absent
    element = d.get_item(keyword)
    value = element.value
    return float(value.decode("ascii").strip(" \0") if isinstance(value, bytes) else value)


def _padded(words: np.ndarray, d: Dataset) -> np.ndarray:
    """Return where stored values are padding (C.7.5.1.1.2)."""
    if d.get("PixelPaddingValue") is None:
        return np.zeros(words.shape, bool)
    ends = [_as_stored(d.PixelPaddingValue, d), _as_stored(d.get("PixelPaddingRangeLimit", d.PixelPaddingValue), d)]  # fmt: skip
    return (words >= min(ends)) & (words <= max(ends))


def _as_stored(value: Any, d: Dataset) -> int:
    """Return an element of VR "US or SS" with the sign of the pixels."""
    return int(np.int64(int(value)).astype(np.int16 if d.PixelRepresentation else np.uint16))


def _words(d: Dataset) -> np.ndarray:
    """Return (frame, row, column) stored values, without the bits that are not stored."""
    syntax = d.file_meta.get("TransferSyntaxUID", uid.ImplicitVRLittleEndian)
    count = int(d.get("NumberOfFrames") or 1)
    if syntax.is_encapsulated:
        plugin = DECODERS[syntax]
        words = pixel_array(d, raw=True, decoding_plugin=plugin)
        words = words.reshape(count, d.Rows, d.Columns)
    else:
        order = ">" if syntax == uid.ExplicitVRBigEndian else "<"
        kind = np.dtype(f"{order}{'i' if d.PixelRepresentation else 'u'}{d.BitsAllocated // 8}")
        data = d.PixelData[: count * d.Rows * d.Columns * kind.itemsize]
        words = np.frombuffer(data, kind).reshape(count, d.Rows, d.Columns)
    words = words.astype(np.int64)
    stored = int(d.BitsStored)
    low = words & ((1 << stored) - 1)
    if d.PixelRepresentation:
        low = np.where(low >= 1 << (stored - 1), low - (1 << stored), low)
    return np.asarray(low, dtype=np.float64)
