"""Stored pixel values of slices, and what they mean: HU or signal, padding, unused bits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import ExplicitVRBigEndian

from imaging.decoder_client import decode_apart
from imaging.header import InstanceHeader
from imaging.pixel_error import PixelError

_INT16 = np.iinfo(np.int16)
_IMPOSSIBLE_HU = -1500.0
"""Nothing attenuates less than air (-1000 HU); scanners write -2048 or -3024 outside the circle."""
_TISSUE_HU = -500.0
_MOST_VOXELS = 1_000_000_000
"""3800 slices of 512 x 512; headers that ask for more are damaged or hostile."""


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """Values of a stack of slices.

    Parameters
    ----------
    array : (z, y, x) int16 or float32 array
        Rescaled; int16 where that is exact.
    padding : (z, y, x) bool array or None
    """

    array: NDArray[np.int16] | NDArray[np.float32]
    padding: NDArray[np.bool_] | None
    flags: tuple[str, ...]


def read_pixels(headers: Sequence[InstanceHeader], *, hounsfield: bool) -> Pixels:
    """Return the rescaled values of slices in the order given.

    Parameters
    ----------
    hounsfield : bool
        Whether the values are HU: then voxels below -1500 HU are padding, declared or not, and a
        declared padding value above -500 HU is not believed.

    Raises
    ------
    PixelError
        ``truncated_pixel_data``, ``file_changed``, ``pixel_data_undecodable``,
        ``bits_beyond_stored``, ``too_large``.

    Notes
    -----
    Each slice is rescaled by its own slope and intercept. MONOCHROME1 is left as stored, since
    inversion is a matter of display. Padding keeps its rescaled value and is told by the mask.
    """
    shape = (len(headers), headers[0].rows or 0, headers[0].columns or 0)
    if math.prod(shape) > _MOST_VOXELS:
        raise PixelError("too_large", headers[0].file, f"{shape[0]} x {shape[1]} x {shape[2]}")
    array: NDArray[np.int16] | NDArray[np.float32] = np.empty(shape, dtype=np.int16)
    padding: NDArray[np.bool_] | None = None
    flags = set()
    for z, header in enumerate(headers):
        words = stored_words(header)
        padded, believed = _declared_padding(words, header, hounsfield=hounsfield)
        values = _significant(words, header, padded if believed else None)
        if not believed:
            flags.add("padding_in_tissue_range")
            padded = None
        array = _rescale_into(array, z, values, header)
        if hounsfield:
            impossible = array[z] < _IMPOSSIBLE_HU
            if padded is not None:
                impossible &= ~padded
            if impossible.any():
                flags.add("undeclared_padding")
                padded = impossible if padded is None else padded | impossible
        if padded is not None and padded.any():
            padding = np.zeros(shape, dtype=np.bool_) if padding is None else padding
            padding[z] = padded
    return Pixels(array, padding, tuple(sorted(flags)))


def with_missing(
    pixels: Pixels, missing: Sequence[int]
) -> tuple[NDArray[np.int16] | NDArray[np.float32], NDArray[np.bool_] | None]:
    """Return values and padding with a slice of padding at each missing index (z, rising)."""
    if not missing:
        return pixels.array, pixels.padding
    shape = (pixels.array.shape[0] + len(missing), *pixels.array.shape[1:])
    if math.prod(shape) > _MOST_VOXELS:
        raise PixelError("too_large", "the series", f"{shape[0]} x {shape[1]} x {shape[2]}")
    there = np.ones(shape[0], dtype=np.bool_)
    there[list(missing)] = False
    array = np.full(shape, pixels.array.min(), dtype=pixels.array.dtype)
    array[there] = pixels.array
    padding = np.ones(shape, dtype=np.bool_)
    padding[there] = False if pixels.padding is None else pixels.padding
    return array, padding


def stored_words(header: InstanceHeader) -> NDArray[np.integer]:
    """Return the (rows, columns) words of one slice as stored, unused bits included.

    Of a multi-frame file, those of the frame that the header is of.
    """
    if header.pixel_offset is not None and header.pixel_length is not None:
        return _uncompressed(header)
    return decode_apart(header)


def _word_type(header: InstanceHeader) -> np.dtype[np.integer]:
    """Return the type of a stored word in the file's byte order."""
    order = ">" if header.transfer_syntax == ExplicitVRBigEndian else "<"
    return np.dtype(f"{order}{'i' if header.signed else 'u'}{(header.bits_allocated or 16) // 8}")


def _uncompressed(header: InstanceHeader) -> NDArray[np.integer]:
    """Place the pixel bytes where the header walk found them."""
    kind = _word_type(header)
    count = (header.rows or 0) * (header.columns or 0)
    offset = header.pixel_offset or 0
    before = ((header.frame_number or 1) - 1) * count * kind.itemsize
    try:
        with Path(header.file).open("rb") as stream:
            stream.seek(offset - 12)
            head = stream.read(12)
            stream.seek(before, 1)
            data = stream.read(count * kind.itemsize)
    except OSError as error:
        raise PixelError("file_changed", header.file, type(error).__name__) from error
    if len(data) != count * kind.itemsize:
        raise PixelError(
            "truncated_pixel_data",
            header.file,
            f"{len(data)} of {count * kind.itemsize} bytes are there",
        )
    tag = b"\x7f\xe0\x00\x10" if kind.byteorder == ">" else b"\xe0\x7f\x10\x00"
    if head[:4] != tag and head[4:8] != tag:
        raise PixelError("file_changed", header.file, "no pixel data where its header had them")
    words = np.frombuffer(data, dtype=kind).reshape(header.rows or 0, header.columns or 0)
    if header.bits_allocated == 8 and kind.byteorder == ">":
        return words
    return words.astype(kind.newbyteorder("="), copy=False)


def _padding_range(header: InstanceHeader) -> tuple[int, int] | None:
    """Return the lowest and highest stored value that means padding."""
    size = (header.bits_allocated or 16) // 8
    ends = [
        int.from_bytes(raw[:size], "little", signed=bool(header.signed))
        for raw in (header.padding_bytes, header.padding_limit_bytes)
        if len(raw) == 2
    ]
    return (min(ends), max(ends)) if header.padding_bytes and ends else None


def _declared_padding(
    words: NDArray[np.integer], header: InstanceHeader, *, hounsfield: bool
) -> tuple[NDArray[np.bool_] | None, bool]:
    """Return where the words are padding, None where nowhere, and whether to believe it."""
    bounds = _padding_range(header)
    if bounds is None:
        return None, True
    if bounds[0] == bounds[1]:
        padded = words == bounds[0]
    else:
        padded = (words >= bounds[0]) & (words <= bounds[1])
    if not padded.any():
        return None, True
    highest = bounds[1] * _slope(header) + _intercept(header)
    return padded, not (hounsfield and highest > _TISSUE_HU)


def _significant(
    words: NDArray[np.integer], header: InstanceHeader, padded: NDArray[np.bool_] | None
) -> NDArray[np.integer]:
    """Return the values that BitsStored holds, with unused bits judged.

    Unused bits may be zero, a sign extension, or an overlay that the header declares; anything
    else means that BitsStored is wrong, and masking would turn metal into soft tissue.
    """
    allocated, stored = header.bits_allocated or 16, header.bits_stored or 16
    if stored == allocated:
        return words
    unused = allocated - stored
    unsigned = words.view(words.dtype.str.replace("i", "u"))
    cut = unsigned << unused
    values = (cut.view(words.dtype) if header.signed else cut) >> unused
    strange = values != words
    if not strange.any():
        return values
    zero_filled = unsigned >> stored == 0
    explained = zero_filled if padded is None else zero_filled | padded
    if not header.overlay_bits and bool((strange & ~explained).any()):
        raise PixelError(
            "bits_beyond_stored",
            header.file,
            f"{int((strange & ~explained).sum())} pixels use more than {stored} bits",
        )
    return values if padded is None else np.where(padded, words, values)


def _slope(header: InstanceHeader) -> float:
    """Return the rescale slope; 1 where the modality does not need one."""
    return 1.0 if header.rescale_slope is None else header.rescale_slope


def _intercept(header: InstanceHeader) -> float:
    """Return the rescale intercept; 0 where the modality does not need one."""
    return 0.0 if header.rescale_intercept is None else header.rescale_intercept


def _rescale_into(
    array: NDArray[np.int16] | NDArray[np.float32],
    z: int,
    values: NDArray[np.integer],
    header: InstanceHeader,
) -> NDArray[np.int16] | NDArray[np.float32]:
    """Write one rescaled slice; return the array, as float32 once int16 is not exact."""
    slope, intercept = _slope(header), _intercept(header)
    ends = [int(values.min()) * slope + intercept, int(values.max()) * slope + intercept]
    exact = slope == int(slope) and intercept == int(intercept)
    if array.dtype == np.int16 and exact and _INT16.min <= min(ends) and max(ends) <= _INT16.max:
        if slope == 1 and values.dtype == np.int16:
            np.add(values, np.int16(intercept), out=array[z], casting="unsafe")
        else:
            array[z] = values.astype(np.int32) * int(slope) + int(intercept)
        return array
    result = array.astype(np.float32, copy=False)  # int16 slices written so far stay exact
    result[z] = values.astype(np.float64) * slope + intercept
    return result
