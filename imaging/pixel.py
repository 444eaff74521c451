"""Stored pixel values of slices, and what they mean: HU or signal, padding, unused bits."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imaging.header import InstanceHeader
from imaging.pixel_error import PixelError
from imaging.stored_word import is_plain, read_plain, stored_words

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


def read_pixels(
    headers: Sequence[InstanceHeader], *, hounsfield: bool, chosen: Collection[int] | None = None
) -> Pixels:
    """Return the rescaled values of slices in the order given.

    Parameters
    ----------
    hounsfield : bool
        Whether the values are HU: then voxels below -1500 HU are padding, declared or not, and a
        declared padding value above -500 HU is not believed.
    chosen : indices (z), optional
        Only these slices are read. All others are padding; their values are the lowest there is,
        or NaN, so that nobody takes them for tissue.

    Raises
    ------
    PixelError
        ``truncated_pixel_data``, ``file_changed``, ``pixel_data_undecodable``,
        ``decoder_crashed``, ``decoder_time``, ``decoder_memory``, ``bits_beyond_stored``,
        ``too_large``.

    Notes
    -----
    Each slice is rescaled by its own slope and intercept. MONOCHROME1 is left as stored, since
    inversion is a matter of display. Padding keeps its rescaled value and is told by the mask.
    """
    shape = (len(headers), headers[0].rows or 0, headers[0].columns or 0)
    if math.prod(shape) > _MOST_VOXELS:
        raise PixelError("too_large", headers[0].file, f"{shape[0]} x {shape[1]} x {shape[2]}")
    stack = _Stack(shape, hounsfield=hounsfield)
    for z, header in enumerate(headers):
        if chosen is None or z in chosen:
            stack.add(z, header)
    if chosen is not None:
        stack.leave_out([z for z in range(len(headers)) if z not in chosen])
    return Pixels(stack.array, stack.padding, tuple(sorted(stack.flags)))


class _Stack:
    """Slices that are put into one array, each rescaled and judged."""

    def __init__(self, shape: tuple[int, int, int], *, hounsfield: bool) -> None:
        self.array: NDArray[np.int16] | NDArray[np.float32] = np.empty(shape, dtype=np.int16)
        self.padding: NDArray[np.bool_] | None = None
        self.flags: set[str] = set()
        self._hounsfield = hounsfield

    def add(self, z: int, header: InstanceHeader) -> None:
        """Read, rescale and judge one slice."""
        place = self.array[z]
        if self.array.dtype == np.int16 and is_plain(header):
            read_plain(header, place)
        else:
            decoded = stored_words(header)
            if self.array.dtype != np.int16 or decoded.dtype.itemsize != 2:
                self._judge(z, decoded, header)
                return
            place[...] = decoded.view(np.int16)
        words = place if header.signed else place.view(np.uint16)
        intercept = _intercept(header)
        lowest = _simple_lowest(words, header, intercept)
        if lowest is None:
            self._judge(z, words.copy(), header)
            return
        if intercept:  # modulo 65536, as the result is known to fit
            unsigned = place.view(np.uint16)
            np.add(unsigned, np.uint16(int(intercept) % (1 << 16)), out=unsigned)
        if self._hounsfield and lowest + intercept < _IMPOSSIBLE_HU:
            self.flags.add("undeclared_padding")
            np.less(place, _IMPOSSIBLE_HU, out=self._all_padding()[z])

    def leave_out(self, slices: list[int]) -> None:
        """Make slices that were not read padding."""
        if slices:
            self.array[slices] = _INT16.min if self.array.dtype == np.int16 else np.nan
            self._all_padding()[slices] = True

    def _judge(self, z: int, words: NDArray[np.integer], header: InstanceHeader) -> None:
        """Rescale and judge one slice, whatever its words are like."""
        padded, believed = _declared_padding(words, header, hounsfield=self._hounsfield)
        values = _significant(words, header, padded if believed else None)
        if not believed:
            self.flags.add("padding_in_tissue_range")
            padded = None
        self.array = _rescale_into(self.array, z, values, header)
        if self._hounsfield:
            impossible = self.array[z] < _IMPOSSIBLE_HU
            if padded is not None:
                impossible &= ~padded
            if impossible.any():
                self.flags.add("undeclared_padding")
                padded = impossible if padded is None else padded | impossible
        if padded is not None and padded.any():
            self._all_padding()[z] = padded

    def _all_padding(self) -> NDArray[np.bool_]:
        """Return the padding of all slices, made where there was none."""
        if self.padding is None:
            self.padding = np.zeros(self.array.shape, dtype=np.bool_)
        return self.padding


def _simple_lowest(
    words: NDArray[np.integer], header: InstanceHeader, intercept: float
) -> int | None:
    """Return a lower bound of the words of a slice that needs only an addition, else None.

    That is: no declared padding in it, no bit that is not stored, and int16 in the end. Its lowest
    and highest word are looked for only where they decide; the bound is exact where it may lie
    under the least possible HU.
    """
    if _slope(header) != 1 or intercept != int(intercept):
        return None
    bounds = _padding_range(header)
    stored = header.bits_stored or 16
    least, most = (-(1 << stored - 1), 1 << stored - 1) if header.signed else (0, 1 << stored)
    lowest, highest = (-(1 << 15), (1 << 15) - 1) if header.signed else (0, (1 << 16) - 1)
    if header.signed or bounds is not None or intercept < _IMPOSSIBLE_HU:
        lowest = int(words.min())
    if highest >= most or highest + intercept > _INT16.max or (bounds and bounds[1] >= lowest):
        highest = int(words.max())
    fits = (
        least <= lowest
        and highest < most
        and _INT16.min <= lowest + intercept
        and highest + intercept <= _INT16.max
        and (bounds is None or highest < bounds[0] or bounds[1] < lowest)
    )
    return lowest if fits else None


def padding_may_be_tissue(headers: Sequence[InstanceHeader]) -> bool:
    """Return whether a declared padding value lies among tissue, were a voxel to have it."""
    for header in headers:
        bounds = _padding_range(header)
        if bounds and bounds[1] * _slope(header) + _intercept(header) > _TISSUE_HU:
            return True
    return False


def with_missing(
    pixels: Pixels, missing: Sequence[int], file: str
) -> tuple[NDArray[np.int16] | NDArray[np.float32], NDArray[np.bool_] | None]:
    """Return values and padding with a slice of padding at each missing index (z, rising)."""
    if not missing:
        return pixels.array, pixels.padding
    shape = (pixels.array.shape[0] + len(missing), *pixels.array.shape[1:])
    if math.prod(shape) > _MOST_VOXELS:
        raise PixelError("too_large", file, f"{shape[0]} x {shape[1]} x {shape[2]}")
    there = np.ones(shape[0], dtype=np.bool_)
    there[list(missing)] = False
    array = np.full(shape, pixels.array.min(), dtype=pixels.array.dtype)
    array[there] = pixels.array
    padding = np.ones(shape, dtype=np.bool_)
    padding[there] = False if pixels.padding is None else pixels.padding
    return array, padding


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
