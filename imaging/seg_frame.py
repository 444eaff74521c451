"""Frames of a DICOM segmentation: their bits, and where each lies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from imaging.geometry import VolumeGeometry
from imaging.mask_fault import MaskFault

TOLERANCE_VOXELS = 0.1
"""A mask grid may lie this far from the image grid, corner for corner (imaging contract)."""

_AXES = ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")


@dataclass(frozen=True, slots=True)
class FramePlane:
    """Where a frame lies on a grid: index of its first pixel, steps along its columns and rows."""

    origin: NDArray[np.int64]
    along_row: NDArray[np.int64]
    along_column: NDArray[np.int64]

    def indices(self, drawn: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the (n, 3) grid indices (z, y, x) of the pixels that are set."""
        rows, columns = np.nonzero(drawn)
        found: NDArray[np.int64] = (
            self.origin
            + columns[:, None].astype(np.int64) * self.along_row
            + rows[:, None].astype(np.int64) * self.along_column
        )
        return found


def groups(dataset: Dataset, frame: int) -> tuple[Dataset, Dataset]:
    """Return the shared and the own functional groups of a frame."""
    shared = dataset.get("SharedFunctionalGroupsSequence") or [Dataset()]
    return shared[0], dataset.PerFrameFunctionalGroupsSequence[frame]


def macro(dataset: Dataset, frame: int, name: str) -> Dataset | None:
    """Return a functional group of a frame, its own before the shared one."""
    shared, own = groups(dataset, frame)
    for source in (own, shared):
        items = source.get(name)
        if items:
            item: Dataset = items[0]
            return item
    return None


def frame_plane(dataset: Dataset, frame: int, geometry: VolumeGeometry) -> FramePlane:
    """Return where a frame lies on a grid.

    Raises
    ------
    MaskFault
        ``mask_no_position`` or ``mask_grid_mismatch``.

    Notes
    -----
    The frame may be smaller than the image, mirrored or turned by right angles: all that is asked
    is that its pixels fall on voxel centres, within a tenth of a voxel at each of its corners.
    """
    position, orientation, measures = (macro(dataset, frame, name) for name in _AXES)
    if position is None or orientation is None or measures is None:
        raise MaskFault("mask_no_position", f"frame {frame + 1}")
    start = _numbers(position.get("ImagePositionPatient"), 3, frame)
    cosines = _numbers(orientation.get("ImageOrientationPatient"), 6, frame)
    spacing = _numbers(measures.get("PixelSpacing"), 2, frame)
    inverse = np.linalg.inv(geometry.affine[:3, :3])
    origin = geometry.patient_to_index(start)
    along_row = inverse @ (cosines[:3] * spacing[1])
    along_column = inverse @ (cosines[3:] * spacing[0])
    plane = FramePlane(
        np.rint(origin).astype(np.int64),
        np.rint(along_row).astype(np.int64),
        np.rint(along_column).astype(np.int64),
    )
    size = (int(dataset.Columns) - 1, int(dataset.Rows) - 1)
    offset = max(
        float(
            np.abs(
                (origin - plane.origin)
                + column * (along_row - plane.along_row)
                + row * (along_column - plane.along_column)
            ).max()
        )
        for column in (0, size[0])
        for row in (0, size[1])
    )
    steps = [np.abs(plane.along_row).sum(), np.abs(plane.along_column).sum()]
    if offset > TOLERANCE_VOXELS or steps != [1, 1] or plane.along_row @ plane.along_column != 0:
        raise MaskFault(
            "mask_grid_mismatch", f"frame {frame + 1} lies {offset:.2f} voxels off the image grid"
        )
    return plane


def _numbers(written: Sequence[float] | None, count: int, frame: int) -> NDArray[np.float64]:
    """Return finite numbers, or refuse the frame."""
    values = np.asarray([] if written is None else [float(v) for v in written], dtype=np.float64)
    if values.shape != (count,) or not np.isfinite(values).all():
        raise MaskFault("mask_no_position", f"frame {frame + 1}")
    return values


def frame_pixels(dataset: Dataset) -> Iterator[NDArray[np.integer]]:
    """Yield each frame's (rows, columns) values: 0 and 1 where binary, else as stored.

    Raises
    ------
    MaskFault
        ``truncated_pixel_data``; ``mask_unreadable`` where the pixels are of another form, or more,
        than the header says.
    """
    _check_form(dataset)
    frames, size = int(dataset.NumberOfFrames), int(dataset.Rows) * int(dataset.Columns)
    shape = (int(dataset.Rows), int(dataset.Columns))
    bits = int(dataset.BitsAllocated)
    plain = dataset.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian) in (
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
    )
    if not plain or bits not in (1, 8, 16):
        yield from pixel_array(dataset, raw=True).reshape(frames, *shape)
        return
    data = np.frombuffer(dataset.PixelData, dtype=np.uint8)
    needed = (frames * size * bits + 7) // 8
    if data.size < needed:
        raise MaskFault("truncated_pixel_data", f"{data.size} of {needed} bytes are there")
    if data.size > needed + needed % 2:
        detail = f"{data.size} bytes of pixels, where rows, columns and frames explain {needed}"
        raise MaskFault("mask_unreadable", detail)
    if bits > 1:
        kind = np.dtype("u1" if bits == 8 else "<u2")
        yield from data[:needed].view(kind).reshape(frames, *shape)
        return
    for frame in range(frames):
        first, last = frame * size, (frame + 1) * size
        chunk = np.unpackbits(data[first // 8 : (last + 7) // 8], bitorder="little")
        yield chunk[first % 8 : first % 8 + size].reshape(shape)


def _check_form(dataset: Dataset) -> None:
    """Refuse pixels whose attributes contradict what a segmentation has (PS3.3 C.8.20.2).

    A changed sign or number of bits makes a lesion smaller, or nothing, 0 mm.
    """
    bits = int(dataset.BitsAllocated)
    wanted = (
        ("BitsStored", bits), ("HighBit", bits - 1), ("PixelRepresentation", 0),
        ("SamplesPerPixel", 1),
    )  # fmt: skip
    for keyword, value in wanted:
        found = dataset.get(keyword)
        if found is not None and found != value:
            raise MaskFault("mask_unreadable", f"{keyword} is {found}, not {value}")
    if str(dataset.SegmentationType) == "FRACTIONAL" and int(dataset.MaximumFractionalValue) < 1:
        detail = f"MaximumFractionalValue is {dataset.MaximumFractionalValue}"
        raise MaskFault("mask_unreadable", detail)
