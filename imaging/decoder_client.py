"""Decoding in a process of its own: no file can take the process that reads it along.

Uncompressed slices never come here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import JPEGLossless, JPEGLosslessSV1

from imaging.capped_process import CapError, Caps, call_apart
from imaging.element import uid_name
from imaging.header import InstanceHeader
from imaging.lossless_jpeg import Compiled
from imaging.pixel_error import PixelError

_COMPILED = {JPEGLossless, JPEGLosslessSV1}
_CODES = {"time": "decoder_time", "memory": "decoder_memory", "crash": "decoder_crashed"}


@dataclass(frozen=True, slots=True)
class DecoderLimits:
    """What one slice may take: wall-clock seconds, and memory beyond twice its file, in bytes."""

    seconds: float = 20.0
    memory_bytes: int = 768 << 20


LIMITS = DecoderLimits()


def decode_apart(header: InstanceHeader, limits: DecoderLimits = LIMITS) -> NDArray[np.integer]:
    """Return the (rows, columns) stored words of a compressed or deflated slice.

    Raises
    ------
    PixelError
        ``pixel_data_undecodable``, ``file_changed``; ``decoder_crashed``, ``decoder_time`` or
        ``decoder_memory`` where the file ended the process that decodes it, or would have.
    OSError
        If no process can be started.
    """
    from imaging.decoder_task import decoded  # loads codecs: only where there is need of one

    caps = Caps(limits.seconds, limits.memory_bytes + 2 * header.file_bytes)
    size = (header.rows or 0) * (header.columns or 0) * ((header.bits_allocated or 8) // 8)
    prepared = (Compiled(),) if header.transfer_syntax in _COMPILED else ()
    try:
        return call_apart(caps, size, decoded, header, *prepared)
    except CapError as error:
        code = _CODES.get(error.cause, "pixel_data_undecodable")
        detail = f"{uid_name(header.transfer_syntax)}: {error.detail}"
        raise PixelError(code, header.file, detail) from None
