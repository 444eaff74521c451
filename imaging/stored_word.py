"""The words of one slice as they are stored, plain in the file or decoded."""

from __future__ import annotations

import os
import sys

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import ExplicitVRBigEndian

from imaging.decoder_client import decode_apart
from imaging.exception_word import exception_words
from imaging.header import InstanceHeader
from imaging.pixel_error import PixelError

_LITTLE, _BIG = b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10"
_END = b"\xfe\xff\xdd\xe0\0\0\0\0"
_AT_ONCE = hasattr(os, "preadv")
_READ_ONLY = os.O_RDONLY | getattr(os, "O_BINARY", 0)


def stored_words(header: InstanceHeader) -> NDArray[np.integer]:
    """Return the (rows, columns) words of one slice as stored, unused bits included.

    Of a multi-frame file, those of the frame that the header is of.

    Raises
    ------
    PixelError
        ``truncated_pixel_data``, ``file_changed``, ``pixel_data_undecodable``,
        ``decoder_crashed``, ``decoder_time``, ``decoder_memory``.
    """
    if header.pixel_offset is None or header.pixel_length is None:
        return decode_apart(header)
    kind = _word_type(header)
    words = np.empty((header.rows or 0, header.columns or 0), dtype=kind)
    _read_into(header, words, _BIG if kind.byteorder == ">" else _LITTLE)
    if header.bits_allocated == 8 and kind.byteorder == ">":
        return words
    return words.astype(kind.newbyteorder("="), copy=False)


def is_plain(header: InstanceHeader) -> bool:
    """Return whether the words of a slice are in its file as they would be in memory."""
    return (
        header.pixel_offset is not None
        and header.pixel_length is not None
        and header.bits_allocated == 16
        and header.transfer_syntax != ExplicitVRBigEndian
        and sys.byteorder == "little"
    )


def read_plain(header: InstanceHeader, place: NDArray[np.int16]) -> None:
    """Read the words of a plain slice into their place, a (rows, columns) array.

    Raises
    ------
    PixelError
        As `stored_words`.
    """
    _read_into(header, place, _LITTLE)


def passable(header: InstanceHeader) -> bool:
    """Return whether a slice that nobody asks for may be passed over undecoded.

    It may if it is compressed, single-frame and complete: its file is as long as it was, and ends
    with the delimiter of its pixel data.
    """
    if header.pixel_offset is not None or header.frame_number is not None:
        return False
    try:
        with open(header.file, "rb", buffering=0) as stream:  # noqa: PTH123 - for each slice
            size = stream.seek(0, os.SEEK_END)
            stream.seek(-8, os.SEEK_END)
            return size == header.file_bytes and stream.read(8) == _END
    except OSError:
        return False


def _word_type(header: InstanceHeader) -> np.dtype[np.integer]:
    """Return the type of a stored word in the file's byte order."""
    order = ">" if header.transfer_syntax == ExplicitVRBigEndian else "<"
    return np.dtype(f"{order}{'i' if header.signed else 'u'}{(header.bits_allocated or 16) // 8}")


def _read_into(header: InstanceHeader, words: NDArray[np.integer], tag: bytes) -> None:
    """Read pixel bytes where the header walk found them, without another copy."""
    offset = (header.pixel_offset or 0) - 12
    skipped = ((header.frame_number or 1) - 1) * words.nbytes
    place = words.data.cast("B") if words.size else memoryview(b"")
    head = bytearray(12)
    try:
        file = os.open(header.file, _READ_ONLY)
        try:
            if _AT_ONCE and not skipped:
                count = os.preadv(file, [head, place], offset) - 12
            else:
                os.lseek(file, offset, os.SEEK_SET)
                head[:] = os.read(file, 12).ljust(12)
                os.lseek(file, skipped, os.SEEK_CUR)
                count = 0
            while 0 <= count < len(place):  # the system may give less than it is asked for
                os.lseek(file, offset + 12 + skipped + count, os.SEEK_SET)
                more = _readinto(file, place[count:])
                if not more:
                    break
                count += more
        finally:
            os.close(file)
    except OSError as error:
        raise PixelError("file_changed", header.file, exception_words(error)) from error
    if count != len(place):
        detail = f"{max(count, 0)} of {len(place)} bytes are there"
        raise PixelError("truncated_pixel_data", header.file, detail)
    if head[:4] != tag and head[4:8] != tag:
        raise PixelError("file_changed", header.file, "no pixel data where its header had them")


def _readinto(file: int, place: memoryview) -> int:
    """Read what the system gives into a buffer; return how many bytes that was."""
    with open(file, "rb", buffering=0, closefd=False) as stream:
        return stream.readinto(place) or 0
