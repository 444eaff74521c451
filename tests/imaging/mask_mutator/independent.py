"""A slow reading of a mask file from the standards, voxel by voxel; nothing of ours.

Where a file says two things this takes what the standard says, never what `imaging` does.
"""

from __future__ import annotations

import gzip
import struct
import warnings
from pathlib import Path

import numpy as np
import pydicom
from pydicom import Dataset

from tests.imaging.mask_mutator.base import GRID

NEAR_VOXELS = 0.101
ON_EDGE_PX = 1e-4
Voxels = set[tuple[int, int, int]]
Slow = dict[int, tuple[Voxels, Voxels]]
"""By segment: its voxels, and those whose centres lie on an outline and may be of it or not."""

_TO_INDEX = np.linalg.inv(GRID.affine())


def read_slowly(folder: Path) -> Slow | str:
    """Return the segments of the one file of a folder; in words where it cannot be read."""
    (file,) = folder.iterdir()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if ".nii" in file.name:
                return _nifti(file)
            d = pydicom.dcmread(file, force=True)
            return _structures(d) if "StructureSetROISequence" in d else _segments(d)
    except Exception as error:  # noqa: BLE001 - pydicom raises anything on damaged bytes
        return f"{type(error).__name__}: {error}"


def _index(point_mm: np.ndarray) -> np.ndarray:
    """Return the fractional (z, y, x) index of an LPS point."""
    return (_TO_INDEX @ np.append(point_mm, 1.0))[:3]


def _voxel(point_mm: np.ndarray) -> tuple[int, int, int]:
    """Return the voxel whose centre a point is."""
    index = _index(point_mm)
    nearest = np.rint(index)
    if np.abs(index - nearest).max() > NEAR_VOXELS:
        raise ValueError(f"{index} is no voxel")
    if (nearest < 0).any() or (nearest >= GRID.shape).any():
        raise ValueError(f"{index} is outside")
    z, y, x = (int(n) for n in nearest)
    return z, y, x


# DICOM SEG: PS3.3 C.8.20, C.7.6.16


def _group(d: Dataset, k: int, name: str) -> Dataset:
    """Return a functional group of a frame, its own before the shared one."""
    own = d.PerFrameFunctionalGroupsSequence[k]
    return own[name].value[0] if name in own else d.SharedFunctionalGroupsSequence[0][name].value[0]


def _segments(d: Dataset) -> Slow:
    """Return the segments of a segmentation."""
    found: Slow = {int(s.SegmentNumber): (set(), set()) for s in d.SegmentSequence}
    found.pop(0, None)
    count = int(d.NumberOfFrames)
    if len(d.PerFrameFunctionalGroupsSequence) != count:
        raise ValueError("frames and their descriptions differ in number")
    words = np.asarray(d.pixel_array).reshape(count, int(d.Rows), int(d.Columns))
    for k in range(count):
        place, lie, measures = (
            _group(d, k, name)
            for name in ("PlanePositionSequence", "PlaneOrientationSequence",
                         "PixelMeasuresSequence")
        )  # fmt: skip
        first = np.array([float(v) for v in place.ImagePositionPatient])
        cosines = np.array([float(v) for v in lie.ImageOrientationPatient]).reshape(2, 3)
        row_mm, column_mm = (float(v) for v in measures.PixelSpacing)
        for row, column in zip(*np.nonzero(words[k]), strict=True):
            value = float(words[k, row, column])
            if d.SegmentationType == "LABELMAP":
                number = int(value)
            else:
                named = _group(d, k, "SegmentIdentificationSequence")
                number = int(named.ReferencedSegmentNumber)
                if d.SegmentationType == "FRACTIONAL":
                    value /= int(d.MaximumFractionalValue)
                    if value <= 0.5:
                        continue
            at = first + cosines[0] * column_mm * column + cosines[1] * row_mm * row
            found[number][0].add(_voxel(at))
    return found


# RTSTRUCT: PS3.3 C.8.8.6; even-odd within one plane


def _structures(d: Dataset) -> Slow:
    """Return the regions of a structure set."""
    found: Slow = {int(s.ROINumber): (set(), set()) for s in d.StructureSetROISequence}
    for region in d.ROIContourSequence:
        inside, doubtful = found[int(region.ReferencedROINumber)]
        for contour in region.get("ContourSequence") or []:
            points = np.array([float(v) for v in contour.ContourData]).reshape(-1, 3)
            if len(points) != int(contour.get("NumberOfContourPoints") or len(points)):
                raise ValueError("another number of points is stated")
            index = np.array([_index(point) for point in points])
            if np.ptp(index[:, 0]) > 2 * NEAR_VOXELS:
                raise ValueError("tilted")
            z = (index[:, 0].min() + index[:, 0].max()) / 2
            if abs(z - round(z)) > NEAR_VOXELS:
                raise ValueError("between slices")
            drawn, edge = _filled(index[:, 1:], round(z))
            inside ^= drawn
            doubtful |= edge
    return found


def _filled(outline: np.ndarray, z: int) -> tuple[Voxels, Voxels]:
    """Return the voxels inside an outline, and those whose centres it touches."""
    inside: Voxels = set()
    edge: Voxels = set()
    following = np.roll(outline, -1, axis=0)
    for y in range(GRID.shape[1]):
        for x in range(GRID.shape[2]):
            crossings = 0
            for (r0, c0), (r1, c1) in zip(outline, following, strict=True):
                if (r0 <= y) != (r1 <= y):
                    crossings += c0 + (y - r0) / (r1 - r0) * (c1 - c0) > x
            if crossings % 2:
                inside.add((z, y, x))
            if _near(outline, following, np.array([y, x])):
                edge.add((z, y, x))
    return inside, edge


def _near(start: np.ndarray, end: np.ndarray, point: np.ndarray) -> bool:
    """Return whether a point lies on one of the segments."""
    along = end - start
    squared = np.maximum((along**2).sum(axis=1), 1e-300)
    share = np.clip(((point - start) * along).sum(axis=1) / squared, 0, 1)
    off = np.linalg.norm(start + share[:, None] * along - point, axis=1)
    return bool(off.min() < ON_EDGE_PX)


# NIfTI-1 (nifti1.h)

_KINDS = {2: "B", 4: "h", 8: "i", 16: "f", 64: "d", 256: "b", 512: "H", 768: "I", 1024: "q",
          1280: "Q"}  # fmt: skip
_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}


def _nifti(file: Path) -> Slow:
    """Return the labels of a NIfTI-1 image."""
    data = file.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    order = "<" if struct.unpack_from("<i", data)[0] == 348 else ">"
    if struct.unpack_from(order + "i", data)[0] != 348 or data[344:348] != b"n+1\0":
        raise ValueError("no NIfTI-1")

    def field(kind: str, at: int) -> tuple[float, ...]:
        return struct.unpack_from(order + kind, data, at)

    dim = [int(n) for n in field("8h", 40)]
    if not 1 <= dim[0] <= 7 or any(n < 1 for n in dim[1 : dim[0] + 1]):
        raise ValueError("dimensions")
    sizes = dim[1 : dim[0] + 1] + [1] * (7 - dim[0])
    if any(n != 1 for n in sizes[3:]):
        raise ValueError("more than three dimensions")
    count = sizes[0] * sizes[1] * sizes[2]
    kind, start = _KINDS[int(field("h", 70)[0])], max(int(field("f", 108)[0]), 352)
    values = np.array(struct.unpack_from(f"{order}{count}{kind}", data, start), dtype=float)
    slope, intercept = field("2f", 112)
    if slope != 0:
        values = values * slope + intercept
    values = values.reshape(sizes[2], sizes[1], sizes[0])
    return _labelled(values, _affine(field, data[123] & 7))


def _affine(field, unit: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Return (x, y, z) to RAS mm: the sform where there is one, else the qform."""
    affine = np.eye(4)
    if field("h", 254)[0] > 0:
        affine[:3] = np.array(field("12f", 280)).reshape(3, 4)
    elif field("h", 252)[0] > 0:
        b, c, d, x, y, z = field("6f", 256)
        a = np.sqrt(max(0.0, 1 - b * b - c * c - d * d))
        if b * b + c * c + d * d > 1.001:
            raise ValueError("no quaternion")
        turn = np.array([
            [a*a + b*b - c*c - d*d, 2*(b*c - a*d), 2*(b*d + a*c)],
            [2*(b*c + a*d), a*a + c*c - b*b - d*d, 2*(c*d - a*b)],
            [2*(b*d - a*c), 2*(c*d + a*b), a*a + d*d - b*b - c*c],
        ])  # fmt: skip
        steps = np.array(field("8f", 76))
        affine[:3, :3] = turn * steps[1:4] * [1, 1, -1.0 if steps[0] < 0 else 1.0]
        affine[:3, 3] = x, y, z
    else:
        raise ValueError("no place")
    return np.diag([_MM[unit]] * 3 + [1.0]) @ affine


def _labelled(values: np.ndarray, affine: np.ndarray) -> Slow:
    """Return the voxels of each label; of fractions those above one half."""
    if not np.isfinite(values).all() or (values < -0.01).any():
        raise ValueError("no labels")
    if np.abs(values - np.rint(values)).max() > 0.01:
        values = np.where(values > 0.5, 1.0, 0.0) if values.max() <= 1.01 else values / 0
    found: Slow = {}
    for z, y, x in zip(*np.nonzero(np.rint(values)), strict=True):
        ras = (affine @ [x, y, z, 1.0])[:3]
        number = int(np.rint(values[z, y, x]))
        voxels = found.setdefault(number, (set(), set()))[0]
        voxels.add(_voxel(ras * [-1.0, -1.0, 1.0]))
    return found or {1: (set(), set())}
