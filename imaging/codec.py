"""Compressed pixel data to stored words, by the fastest decoder that is right; pydicom behind it.

Native decoders may crash, hang or eat memory on damaged files: call this in a process that can be
killed, as `imaging.decoder_client` does.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
)

from imaging.decoder import OpenFile, decode, lossless_words
from imaging.element import ascii_text, uid_name
from imaging.header import InstanceHeader
from imaging.header_element import UNDEFINED, GiveUpError
from imaging.header_walk import SLOTS, Walk
from imaging.lossless_jpeg import DamagedStreamError
from imaging.pixel_error import PixelError

_ITEM, _SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_SEGMENT = struct.Struct(">BBH").unpack_from
_FRAME = struct.Struct(">BHHB").unpack_from
_ITEM_HEAD = struct.Struct("<4sI").unpack_from

Words = NDArray[np.integer]


def decode_words(header: InstanceHeader) -> Words:
    """Return the (rows, columns) stored words of a slice that is compressed or deflated.

    Raises
    ------
    PixelError
        ``pixel_data_undecodable``, ``file_changed``.
    """
    try:
        words = _directly(header)
        if words is None:
            words = _by_pydicom(header)
    except PixelError:
        raise
    except MemoryError as error:
        raise PixelError("decoder_memory", header.file, uid_name(header.transfer_syntax)) from error
    except Exception as error:
        told = str(error) if isinstance(error, DamagedStreamError) else type(error).__name__
        detail = f"{uid_name(header.transfer_syntax)}: {told}"
        raise PixelError("pixel_data_undecodable", header.file, detail) from error
    if words.shape != (header.rows, header.columns) or words.dtype.kind not in "iu":
        raise PixelError(
            "pixel_data_undecodable", header.file, f"shape {words.shape}, type {words.dtype}"
        )
    return words


def _directly(header: InstanceHeader) -> Words | None:
    """Decode a plain single-frame file whose codestream says what its header says, else None."""
    decoder = _DIRECT.get(header.transfer_syntax)
    if decoder is None or header.frame_number is not None or not header.has_preamble:
        return None
    try:
        code = _codestream(header)
    except (GiveUpError, struct.error):
        return None
    if code is None:
        return None
    try:
        words = decoder(code, header)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - whatever a codec raises: pydicom has the last word
        return None
    if words is None or words.dtype.itemsize * 8 != header.bits_allocated:
        return None
    return words.view(f"{'i' if header.signed else 'u'}{words.dtype.itemsize}")


def _codestream(header: InstanceHeader) -> bytes | None:
    """Return the fragments of a file's only frame, joined; None where they are not plain.

    Raises
    ------
    PixelError
        If another instance is there now, or something else between the fragments.
    """
    file = os.open(header.file, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        walk = Walk(file)
        walk.through()
        instance = ascii_text(walk.value(SLOTS[0x00080018]))
        if instance != header.sop_instance_uid:
            raise PixelError("file_changed", header.file, "another instance is there now")
        tag, _, length = walk.pixels()
        if tag is None or length is not None:
            return None
        os.lseek(file, walk.at + 12, os.SEEK_SET)
        with os.fdopen(os.dup(file), "rb") as stream:
            data = stream.read()
    finally:
        os.close(file)
    try:
        return _joined(data)
    except ValueError as error:
        detail = f"{uid_name(header.transfer_syntax)}: {error}"
        raise PixelError("pixel_data_undecodable", header.file, detail) from error


def _joined(data: bytes) -> bytes | None:
    """Return the joined fragments of encapsulated pixel data, without their offset table.

    None where they break off, which pydicom tells from the rest. What lies between two of them is
    refused, since pydicom passes over it: a decoder would then get less than was written.
    """
    parts: list[bytes] = []
    pos = 0
    while True:
        mark, length = _ITEM_HEAD(data, pos)
        pos += 8
        if mark == _SEQUENCE_END:
            return b"".join(parts[1:])
        if mark != _ITEM:
            raise ValueError(f"no fragment after {len(parts)} of them")
        if length == UNDEFINED or pos + length > len(data):
            return None
        parts.append(data[pos : pos + length])
        pos += length


def _jpeg_frame(code: bytes, wanted: int) -> int | None:
    """Return the precision of a JPEG of one component and the wanted frame marker, else None.

    None too for restarts and for rows given at the end, which decoders treat in their own ways.
    """
    pos, precision = 2, None
    if code[:2] != b"\xff\xd8":
        return None
    while True:
        mark, kind, length = _SEGMENT(code, pos)
        if mark != 0xFF or kind in (0xDC, 0xDD):
            return None
        if kind == 0xDA:
            return precision
        if kind == 0xF7 or (0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC)):
            bits, _, _, components = _FRAME(code, pos + 4)
            if kind != wanted or components != 1 or precision is not None:
                return None
            precision = int(bits)
        pos += 2 + length


def _high_throughput(code: bytes, header: InstanceHeader) -> Words | None:
    """Decode HTJ2K of one component."""
    from imagecodecs import htj2k_decode

    if not _says_the_same(code, header):
        return None
    with _nothing_ignored():
        return np.asarray(htj2k_decode(code))


@contextlib.contextmanager
def _nothing_ignored() -> Iterator[None]:
    """Raise what compiled code raises and ignores.

    imagecodecs 2026.3.6 ignores the error of a damaged HTJ2K codestream and returns what was in
    memory (`_copy_from_codestream` cannot raise); it is only told to `sys.unraisablehook`.
    """
    ignored: list[BaseException | None] = []
    before = sys.unraisablehook
    sys.unraisablehook = lambda found: ignored.append(found.exc_value)
    try:
        yield
    finally:
        sys.unraisablehook = before
    if ignored:
        msg = f"ignored by the decoder: {ignored[0]}"
        raise ValueError(msg)


def _jpeg_2000(code: bytes, header: InstanceHeader) -> Words | None:
    """Decode JPEG 2000 of one component."""
    from openjpeg.utils import decode_pixel_data

    if not _says_the_same(code, header):
        return None
    kind = f"<{'i' if header.signed else 'u'}{(header.bits_allocated or 16) // 8}"
    words = np.frombuffer(decode_pixel_data(code, version=2), dtype=kind)
    return words.reshape(header.rows or 0, header.columns or 0)


def _says_the_same(code: bytes, header: InstanceHeader) -> bool:
    """Return whether a JPEG 2000 codestream has the size, sign and word of the header.

    The sign is what pydicom corrects, if they differ.
    """
    if code[:4] != b"\xff\x4f\xff\x51":
        return False
    x1, y1, x0, y0 = struct.unpack_from(">4I", code, 8)
    components, depth = struct.unpack_from(">HB", code, 40)
    return bool(
        (y1 - y0, x1 - x0) == (header.rows, header.columns)
        and components == 1
        and 8 * (1 + (depth & 0x7F) // 8) == header.bits_allocated
        and depth >> 7 == int(bool(header.signed))
    )


def _near_lossless(code: bytes, header: InstanceHeader) -> Words | None:
    """Decode JPEG-LS of one component."""
    from jpeg_ls import decode

    precision = _jpeg_frame(code, 0xF7)
    if precision is None:
        return None
    if header.signed and precision not in (header.bits_stored, header.bits_allocated):
        return None  # pydicom extends the sign from where the codestream has it
    return np.asarray(decode(np.frombuffer(code, dtype=np.uint8)))


_DIRECT: dict[str, Callable[[bytes, InstanceHeader], Words | None]] = {
    **dict.fromkeys((JPEGLossless, JPEGLosslessSV1), lossless_words),
    **dict.fromkeys((HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K), _high_throughput),
    **dict.fromkeys((JPEG2000Lossless, JPEG2000), _jpeg_2000),
    **dict.fromkeys((JPEGLSLossless, JPEGLSNearLossless), _near_lossless),
}


class _Latest:
    """The two files that pydicom parsed last: they may have more frames, and be compared."""

    def __init__(self) -> None:
        self._opened: dict[tuple[str, int, int], OpenFile] = {}

    def opened(self, file: str) -> OpenFile:
        """Return the file as it is now."""
        found = os.stat(file)  # noqa: PTH116 - for each slice
        stamp = (file, found.st_mtime_ns, found.st_size)
        opened = self._opened.pop(stamp, None) or OpenFile()
        while len(self._opened) > 1:
            del self._opened[next(iter(self._opened))]
        self._opened[stamp] = opened
        return opened


_LATEST = _Latest()


def _by_pydicom(header: InstanceHeader) -> Words:
    """Decode a slice with pydicom and its plugins."""
    opened = _LATEST.opened(header.file)
    instance, words = decode(header, opened)
    if instance != header.sop_instance_uid:
        raise PixelError("file_changed", header.file, "another instance is there now")
    if header.pixel_length is None and not opened.is_whole(header.file):
        raise PixelError("truncated_pixel_data", header.file, "no end of the pixel data")
    return words
