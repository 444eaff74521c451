"""NIfTI-1 and NIfTI-2 files: their values and where they lie."""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from imaging.exception_word import exception_words
from imaging.geometry import VolumeGeometry
from imaging.mask_fault import MaskFault

MOST_VOXELS = 1_000_000_000
_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4",
          1024: "i8", 1280: "u8"}  # fmt: skip
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_MOST_EXTENSION_BYTES = 4_000_000
_MOST_SURPLUS_BYTES = 64 << 20
_UNITS_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
_LABEL = re.compile(r'<Label\b[^>]*\bKey="(\d+)"[^>]*>(?:<!\[CDATA\[)?([^<\]]*)')


@dataclass(frozen=True, slots=True, eq=False)
class NiftiImage:
    """A NIfTI image.

    Parameters
    ----------
    array : (z, y, x) array
        Values, scaled as the file says.
    sform, qform : VolumeGeometry, optional
        Where each of the two says that the voxels lie, in LPS mm.
    names : mapping
        Names of labels, from a label table in the file's extension.
    """

    array: NDArray[np.generic]
    sform: VolumeGeometry | None
    qform: VolumeGeometry | None
    names: dict[int, str]

    def geometry(self) -> VolumeGeometry:
        """Return where the voxels lie: by the sform, else by the qform.

        Raises
        ------
        MaskFault
            ``mask_no_position`` where the file has neither.
        """
        chosen = self.sform or self.qform
        if chosen is None:
            raise MaskFault("mask_no_position", "neither sform nor qform is set")
        return chosen


@dataclass(frozen=True, slots=True)
class _Header:
    """The fields that are used, of either version."""

    order: str
    dim: tuple[int, ...]
    datatype: int
    pixdim: tuple[float, ...]
    offset: int
    slope: float
    intercept: float
    unit_mm: float
    qform_code: int
    sform_code: int
    quaternion: tuple[float, ...]
    rows: tuple[float, ...]
    size: int


def read_nifti(path: str | Path) -> NiftiImage:
    """Return a NIfTI image (one file, plain or compressed by gzip).

    Raises
    ------
    MaskFault
        ``mask_unreadable``, ``mask_not_supported``, ``too_large``, ``truncated_pixel_data``.
    OSError
        If the file cannot be read.

    Notes
    -----
    Read here and not by SimpleITK, which refuses or bends the affine of a sheared grid (a tilted
    gantry) and hides that sform and qform disagree.
    """
    with Path(path).open("rb") as plain:
        packed = plain.read(2) == b"\x1f\x8b"
        plain.seek(0)
        stream = cast("BinaryIO", gzip.GzipFile(fileobj=plain)) if packed else plain
        try:
            head = stream.read(544)
            header = _header(head)
            between = stream.read(max(0, min(header.offset, _MOST_EXTENSION_BYTES) - 544))
            left = header.offset - 544 - len(between)
            if left > 0:
                raise MaskFault("mask_not_supported", f"the data start at byte {header.offset}")
            array = _values(stream, header)
            if packed:
                _check_sum(stream)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise MaskFault("mask_unreadable", exception_words(error)) from error
    shape = array.shape
    return NiftiImage(
        array=array,
        sform=_sform(header, shape),
        qform=_qform(header, shape),
        names=_names((head + between)[header.size : header.offset]),
    )


def _header(data: bytes) -> _Header:
    """Parse the header of either version and byte order."""
    for order in "<>":
        if len(data) >= 352 and struct.unpack(f"{order}i", data[:4])[0] == 348:
            return _header_1(data, order)
        if len(data) >= 544 and struct.unpack(f"{order}i", data[:4])[0] == 540:
            return _header_2(data, order)
    raise MaskFault("mask_unreadable", "no NIfTI header")


def _header_1(data: bytes, order: str) -> _Header:
    """Parse the header of NIfTI-1."""
    if data[344:348] != b"n+1\0":
        raise MaskFault("mask_not_supported", "Analyze, or NIfTI in two files")

    def read(kind: str, at: int) -> tuple[float, ...]:
        return struct.unpack_from(order + kind, data, at)

    return _Header(
        order=order,
        dim=tuple(int(n) for n in read("8h", 40)),
        datatype=int(read("h", 70)[0]),
        pixdim=read("8f", 76),
        offset=_offset(read("f", 108)[0], 352),
        slope=read("f", 112)[0],
        intercept=read("f", 116)[0],
        unit_mm=_UNITS_MM.get(data[123] & 7, 0.0),
        qform_code=int(read("h", 252)[0]),
        sform_code=int(read("h", 254)[0]),
        quaternion=read("6f", 256),
        rows=read("12f", 280),
        size=348,
    )


def _header_2(data: bytes, order: str) -> _Header:
    """Parse the header of NIfTI-2."""
    if data[4:8] != b"n+2\0":
        raise MaskFault("mask_not_supported", "NIfTI in two files")

    def read(kind: str, at: int) -> tuple[float, ...]:
        return struct.unpack_from(order + kind, data, at)

    return _Header(
        order=order,
        dim=tuple(int(n) for n in read("8q", 16)),
        datatype=int(read("h", 12)[0]),
        pixdim=read("8d", 104),
        offset=_offset(read("q", 168)[0], 544),
        slope=read("d", 176)[0],
        intercept=read("d", 184)[0],
        unit_mm=_UNITS_MM.get(int(read("i", 500)[0]) & 7, 0.0),
        qform_code=int(read("i", 344)[0]),
        sform_code=int(read("i", 348)[0]),
        quaternion=read("6d", 352),
        rows=read("12d", 400),
        size=540,
    )


def _offset(written: float, least: int) -> int:
    """Return where the values start."""
    if not np.isfinite(written) or written < 0:
        raise MaskFault("mask_unreadable", "the start of the data is no number")
    return max(int(written), least)


def _values(stream: BinaryIO, header: _Header) -> NDArray[np.generic]:
    """Return the (z, y, x) values."""
    count = header.dim[0]
    if not 2 <= count <= 7 or any(n < 1 for n in header.dim[1 : count + 1]):
        raise MaskFault("mask_unreadable", f"dimensions {header.dim}")
    if any(n != 1 for n in header.dim[4 : count + 1]):
        raise MaskFault("mask_not_supported", f"more than three dimensions: {header.dim}")
    x, y, z = (header.dim[axis] if axis <= count else 1 for axis in (1, 2, 3))
    if x * y * z > MOST_VOXELS:
        raise MaskFault("too_large", f"{x} x {y} x {z} voxels")
    if header.datatype not in _TYPES:
        raise MaskFault("mask_not_supported", f"NIfTI data type {header.datatype}")
    kind = np.dtype(header.order + _TYPES[header.datatype])
    # what was read for the header may already belong to the values of a small NIfTI-1 file
    stream.seek(header.offset)
    needed = x * y * z * kind.itemsize
    data = stream.read(needed)
    if len(data) < needed:
        raise MaskFault("truncated_pixel_data", f"{len(data)} of {needed} bytes are there")
    array: NDArray[np.generic] = np.frombuffer(data, dtype=kind).reshape(z, y, x)
    if header.slope not in (0.0, 1.0) or (header.slope == 1.0 and header.intercept):
        if not np.isfinite([header.slope, header.intercept]).all():
            return array
        array = array.astype(np.float64) * header.slope + header.intercept
    return array


def _check_sum(stream: BinaryIO) -> None:
    """Read on to the end of a packed file, where its check sum lies and is compared."""
    surplus = 0
    while piece := stream.read(1 << 20):
        surplus += len(piece)
        if surplus > _MOST_SURPLUS_BYTES:
            raise MaskFault("mask_unreadable", f"{surplus} bytes and more follow its values")


def _sform(header: _Header, shape: tuple[int, ...]) -> VolumeGeometry | None:
    """Return where the sform says that voxels lie."""
    if header.sform_code <= 0:
        return None
    affine = np.eye(4)
    affine[:3] = np.reshape(header.rows, (3, 4))
    return _geometry(affine, header, shape)


def _qform(header: _Header, shape: tuple[int, ...]) -> VolumeGeometry | None:
    """Return where the qform says that voxels lie."""
    if header.qform_code <= 0:
        return None
    b, c, d = header.quaternion[:3]
    a = float(np.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d))))
    turn = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    steps = np.array(header.pixdim[1:4])
    steps[2] *= -1.0 if header.pixdim[0] < 0 else 1.0
    affine = np.eye(4)
    affine[:3, :3] = turn * steps
    affine[:3, 3] = header.quaternion[3:]
    return _geometry(affine, header, shape)


def _geometry(
    ras: NDArray[np.float64], header: _Header, shape: tuple[int, ...]
) -> VolumeGeometry | None:
    """Return a geometry in LPS mm and (z, y, x) order."""
    if not np.isfinite(ras).all() or not header.unit_mm:
        return None
    lps = _RAS_TO_LPS @ ras
    lps[:3] *= header.unit_mm
    affine = lps[:, [2, 1, 0, 3]]
    return VolumeGeometry(affine, (shape[0], shape[1], shape[2]))


def _names(extension: bytes) -> dict[int, str]:
    """Return the names of a label table (Caret), as segmentation tools write it."""
    text = extension.decode("utf-8", "ignore")
    if "<LabelTable" not in text:
        return {}
    return {int(key): name.strip() for key, name in _LABEL.findall(text) if name.strip()}
