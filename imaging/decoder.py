"""Decoding of slices that are not stored plainly: one decoder for each transfer syntax."""

from __future__ import annotations

import mmap
import re
import warnings
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.encaps import get_frame
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from imaging.element import uid_name
from imaging.header import InstanceHeader
from imaging.lossless_jpeg import DamagedStreamError, decode_lossless
from imaging.pixel_error import PixelError

ENCAPSULATED_UNCOMPRESSED = UID("1.2.840.10008.1.2.1.98")
DEFLATED_FRAMES = UID("1.2.840.10008.1.2.8.1")

_PLUGINS: dict[str, str] = {
    **dict.fromkeys(
        (JPEG2000Lossless, JPEG2000, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K), "pylibjpeg"
    ),
    **dict.fromkeys((JPEGLSLossless, JPEGLSNearLossless), "pyjpegls"),
    RLELossless: "pydicom",
}
"""One decoder for each syntax, so that values do not depend on what is installed. Where there is
a choice it is not gdcm, which ends the process on damaged JPEG 2000 (an uncaught std::string)."""

_LOSSLESS = {JPEGLossless, JPEGLosslessSV1}
_BY_HAND = {JPEGExtended12Bit, ENCAPSULATED_UNCOMPRESSED, DEFLATED_FRAMES, *_LOSSLESS}
"""No plugin of pydicom reads these: GDCM and Pillow refuse JPEG of 12 bits, pydicom does not know
the next two, and every plugin makes noise of a damaged JPEG lossless stream without a word."""

_PIXELS, _END = b"\xe0\x7f\x10\x00", b"\xfe\xff\xdd\xe0\0\0\0\0"
_RLE_SURPLUS = re.compile(r"RLE segment .* (\d+) vs\. (\d+) bytes")


class OpenFile:
    """The file that was parsed last, so that the frames of one file parse it once."""

    def __init__(self) -> None:
        self._file: str | None = None
        self._dataset: FileDataset | None = None
        self._whole: bool | None = None

    def dataset(self, header: InstanceHeader) -> FileDataset:
        """Return the parsed file of a slice."""
        if self._dataset is None or self._file != header.file:
            dataset = pydicom.dcmread(header.file, force=not header.has_preamble)
            if "TransferSyntaxUID" not in dataset.file_meta:
                dataset.file_meta.TransferSyntaxUID = UID(header.transfer_syntax)
            self._file, self._dataset = header.file, dataset
        return self._dataset

    def is_whole(self, file: str) -> bool:
        """Return whether encapsulated pixel data have their end; pydicom does without."""
        if self._whole is None:
            with (
                Path(file).open("rb") as stream,
                mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
            ):
                self._whole = data.rfind(_PIXELS) < data.rfind(_END)
        return self._whole


def decode(header: InstanceHeader, opened: OpenFile) -> tuple[str | None, NDArray[np.integer]]:
    """Return the SOP Instance UID that the file has now, and the stored words of one slice.

    Raises
    ------
    PixelError
        If the file breaks off within its pixel data.
    Exception
        Whatever the parser or a decoder raises on damaged data.
    """
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")  # decoders warn of what is judged here or by the caller
        dataset = opened.dataset(header)
        instance = str(dataset.get("SOPInstanceUID") or "") or None
        if "PixelData" not in dataset:  # pydicom drops what breaks off within a fragment
            said_of_it = f"{uid_name(header.transfer_syntax)}: the pixel data break off"
            raise PixelError("pixel_data_undecodable", header.file, said_of_it)
        if header.transfer_syntax in _BY_HAND:
            return instance, _frame(header, dataset)
        plugin = _PLUGINS.get(header.transfer_syntax, "")
        index = None if header.frame_number is None else header.frame_number - 1
        words = np.asarray(pixel_array(dataset, raw=True, index=index, decoding_plugin=plugin))
    for warning in said:
        _refuse_surplus(str(warning.message), words)
    return instance, words


def _refuse_surplus(warning: str, words: NDArray[np.integer]) -> None:
    """Raise where pydicom has left off whole rows or columns of run-length encoded data."""
    found = _RLE_SURPLUS.search(warning)
    if found and int(found[1]) - int(found[2]) >= min(words.shape):
        msg = f"run lengths of {found[1]} pixels, not {found[2]}"
        raise ValueError(msg)


def _frame(header: InstanceHeader, dataset: FileDataset) -> NDArray[np.integer]:
    """Decode one encapsulated frame without pydicom's plugins."""
    number = (header.frame_number or 1) - 1
    data = get_frame(dataset.PixelData, number, number_of_frames=header.number_of_frames)
    if header.transfer_syntax == JPEGExtended12Bit:
        return np.asarray(imagecodecs.jpeg_decode(data))
    if header.transfer_syntax in _LOSSLESS:
        return lossless_words(data, header)
    shape = (header.rows or 0, header.columns or 0)
    kind = np.dtype(f"<{'i' if header.signed else 'u'}{(header.bits_allocated or 16) // 8}")
    length = shape[0] * shape[1] * kind.itemsize
    if header.transfer_syntax == DEFLATED_FRAMES:
        data = zlib.decompressobj(wbits=-zlib.MAX_WBITS).decompress(data, length)
    return np.frombuffer(data[:length], dtype=kind).reshape(shape)


def lossless_words(code: bytes, header: InstanceHeader) -> NDArray[np.integer]:
    """Return the stored words of one JPEG lossless code stream.

    Raises
    ------
    DamagedStreamError
        Where the stream is damaged, or holds samples beyond its precision that are neither signed,
        nor padding, nor with an overlay in them.
    """
    samples, precision = decode_lossless(code, rows=header.rows or 0, columns=header.columns or 0)
    if precision > (header.bits_allocated or 16):
        raise DamagedStreamError(f"{precision} bits, not {header.bits_allocated}")
    if precision < 16 and not header.overlay_bits and samples.max() >> precision:
        strange = int(_beyond(samples, precision, header).sum())
        if strange:
            raise DamagedStreamError(f"{strange} samples beyond {precision} bits")
    sign = "i" if header.signed else "u"
    return samples.astype(np.uint8) if header.bits_allocated == 8 else samples.view(f"{sign}2")


def _beyond(
    samples: NDArray[np.uint16], precision: int, header: InstanceHeader
) -> NDArray[np.bool_]:
    """Return which samples a stream of that precision has no reason to hold."""
    beyond = samples >= 1 << precision
    if header.signed:  # extended to the whole word, of which the stream keeps the lower bits
        beyond &= samples < (1 << 16) - (1 << precision - 1)
    ends = [int.from_bytes(raw, "little") for raw in _padding(header)]
    if ends:
        beyond &= (samples < min(ends)) | (samples > max(ends))
    return beyond


def _padding(header: InstanceHeader) -> list[bytes]:
    """Return the one or two ends of what is declared as padding."""
    return [raw for raw in (header.padding_bytes, header.padding_limit_bytes) if raw]
