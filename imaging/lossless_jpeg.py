"""JPEG lossless (process 14), decoded so strictly that a damaged code stream is told from a whole.

The format has no check sum, and decoders make noise of a damaged stream without a word. But a
Huffman stream that is damaged seldom has as many codes as there are samples and ends where the
codes do: both are asked for here, and every marker is judged. What passes is a legal stream, of
which every decoder makes the same picture.

Source: ITU-T T.81, annexes B, C, F and H.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_SOI, _EOI, _SOS, _DHT, _DRI, _DNL, _SOF3 = 0xD8, 0xD9, 0xDA, 0xC4, 0xDD, 0xDC, 0xC3
_SKIPPED = {*range(0xE0, 0xF0), 0xFE, 0xDB, 0xCC}
"""Application data, comments, and tables that this process does not use."""
_RESTART = 0xD0
_FRAME = struct.Struct(">BHHBBBB")
_SCAN = struct.Struct(">BBBBBB")
_MOST_BITS = 16
_SMALLEST = bytes.fromhex(
    "ffd8ffc3000b0c0001000101011100ffc40014020100000000000000000000000000000000ff"
    "da00080101200100007fffd9"
)
"""One sample, whose difference of 0 has a code of one bit."""


class DamagedStreamError(ValueError):
    """A code stream that is not what the standard says."""


@functools.cache
def compiled() -> bool:
    """Compile all loops, or load them, so that no slice has to wait for it; return True."""
    return decode_lossless(_SMALLEST, rows=1, columns=1)[1] > 0


class Compiled:
    """Where this is unpickled, the loops are compiled: before what is capped there begins.

    To compile them takes 2 s, and half a minute where a dozen processes share a core.
    """

    def __reduce__(self) -> tuple[Callable[[], bool], tuple[()]]:
        return compiled, ()


@dataclass(slots=True)
class _Frame:
    """What the segments before the coded data say."""

    precision: int = 0
    rows: int = 0
    columns: int = 0
    component: int = 0
    interval: int = 0
    tables: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Scan:
    """The head of the coded data: codes, predictor, low bits left off; and where they begin."""

    table: tuple[bytes, bytes]
    predictor: int
    shift: int
    begin: int


def decode_lossless(code: bytes, *, rows: int, columns: int) -> tuple[NDArray[np.uint16], int]:
    """Return the (rows, columns) samples of a JPEG lossless code stream, and their precision.

    Parameters
    ----------
    rows, columns : int
        What the DICOM header says, so that no stream can ask for memory that nobody expects.

    Raises
    ------
    DamagedStreamError
        Where the stream is not legal: an unknown marker or code, more or fewer codes than samples,
        anything but padding of up to 7 bits between the last code and the next marker. Also where
        it is of another size or has more than one component.

    Notes
    -----
    Samples may exceed the precision: the standard counts modulo 65536, and some write signed or
    overlaid words so. That is judged by `imaging.codec`, which knows what the header says of them.
    """
    frame = _Frame()
    scan = _segments(code, frame)
    if (frame.rows or rows, frame.columns) != (rows, columns):
        raise DamagedStreamError(f"{frame.rows} x {frame.columns} samples, not {rows} x {columns}")
    samples, place = _decoded(code, frame, scan, rows)
    _judge_end(code, place, None if frame.rows else rows)
    if scan.shift:
        samples <<= np.uint16(scan.shift)
    return samples, frame.precision


def _segments(code: bytes, frame: _Frame) -> _Scan:
    """Read all segments up to the coded data."""
    if code[:2] != bytes((0xFF, _SOI)):
        raise DamagedStreamError("no start of a JPEG stream")
    place = 2
    while True:
        marker, place = _marker(code, place)
        body, place = _body(code, place)
        if marker == _SOS:
            return _scan(body, place, frame)
        if marker == _SOF3:
            _read_frame(body, frame)
        elif marker == _DHT:
            _read_tables(body, frame)
        elif marker == _DRI and len(body) == 2:
            frame.interval = int.from_bytes(body, "big")
        elif marker not in _SKIPPED:
            raise DamagedStreamError(f"marker {marker:02X} of {len(body)} bytes")


def _marker(code: bytes, place: int) -> tuple[int, int]:
    """Return a marker, which fill bytes may precede, and the place after it."""
    after = place
    while code[after : after + 1] == b"\xff":
        after += 1
    if after == place or after == len(code):
        raise DamagedStreamError(f"no marker at byte {place}")
    return code[after], after + 1


def _body(code: bytes, place: int) -> tuple[bytes, int]:
    """Return what a segment holds, and the place after it."""
    length = int.from_bytes(code[place : place + 2], "big")
    if length < 2 or place + length > len(code):
        raise DamagedStreamError(f"segment of {length} bytes at byte {place}")
    return code[place + 2 : place + length], place + length


def _read_frame(body: bytes, frame: _Frame) -> None:
    """Read the frame header (B.2.2)."""
    if len(body) != _FRAME.size or frame.precision:
        raise DamagedStreamError("not one frame of one component")
    precision, rows, columns, count, component, sampling, _ = _FRAME.unpack_from(body)
    if count != 1 or not 2 <= precision <= 16 or not {sampling >> 4, sampling & 15} <= {1, 2, 3, 4}:
        raise DamagedStreamError(f"{count} components of {precision} bits")
    frame.precision, frame.rows, frame.columns = precision, rows, columns
    frame.component = component


def _read_tables(body: bytes, frame: _Frame) -> None:
    """Read Huffman tables (B.2.4.2)."""
    while body:
        place, counts = body[0], body[1:17]
        sizes = body[17 : 17 + sum(counts)]
        if place > 3 or len(counts) < 16 or not sizes or len(sizes) < sum(counts):
            raise DamagedStreamError("Huffman table")
        if max(sizes) > _MOST_BITS:
            raise DamagedStreamError(f"differences of {max(sizes)} bits")
        frame.tables[place] = counts, sizes
        body = body[17 + len(sizes) :]


def _scan(body: bytes, place: int, frame: _Frame) -> _Scan:
    """Read the scan header (B.2.3), whose coded data begin at ``place``."""
    if len(body) != _SCAN.size or not frame.precision:
        raise DamagedStreamError("not one scan of one component")
    count, component, table, predictor, end, shift = _SCAN.unpack(body)
    if (count, component, end) != (1, frame.component, 0) or not 1 <= predictor <= 7:
        raise DamagedStreamError(f"scan of component {component} with predictor {predictor}")
    if shift >= frame.precision:  # its upper half is no bits left off, but of another process
        raise DamagedStreamError(f"point transform {shift} of {frame.precision} bits")
    found = frame.tables.get(table >> 4) if not table & 15 else None
    if found is None:
        raise DamagedStreamError(f"Huffman table {table:02X} is not there")
    return _Scan(found, predictor, shift, place)


def _decoded(code: bytes, frame: _Frame, scan: _Scan, rows: int) -> tuple[NDArray[np.uint16], int]:
    """Decode the coded data, in one piece or in restart intervals; return the place after them."""
    from imaging.lossless_scan import QUICK_BITS, decode_rows, fill_tables, unstuff

    data = np.frombuffer(code, dtype=np.uint8)
    whole, quick = np.empty(1 << 16, dtype=np.uint16), np.empty(1 << QUICK_BITS, dtype=np.int32)
    counts, sizes = (np.frombuffer(part, dtype=np.uint8) for part in scan.table)
    if not fill_tables(counts, sizes, whole, quick):
        raise DamagedStreamError("Huffman table of more codes than there are")
    height, rest = divmod(frame.interval, frame.columns) if frame.interval else (rows, 0)
    if rest:
        raise DamagedStreamError(f"restarts within a row, after {frame.interval} samples")
    samples = np.empty((rows, frame.columns), dtype=np.uint16)
    words = np.full(data.size // 4 + frame.columns + 4, 0xFFFFFFFF, dtype=np.uint32)
    place = scan.begin
    for number, first in enumerate(range(0, rows, height)):
        if number:
            marker, place = _marker(code, place)
            if marker != _RESTART + (number - 1) % 8:
                raise DamagedStreamError(f"marker {marker:02X} for restart {number}")
        count, place = unstuff(data, place, words)
        used = int(decode_rows(
            words[: -(-count // 4) + frame.columns + 2], whole, quick,
            samples[first : first + height],
            scan.predictor, 1 << (frame.precision - scan.shift - 1),
        ))  # fmt: skip
        words[: -(-count // 4)] = 0xFFFFFFFF
        _judge_bits(code[place - 1 : place], 8 * count - used, coded=used >= 0)
    return samples, place


def _judge_bits(last: bytes, left: int, *, coded: bool) -> None:
    """Refuse coded data that do not end where their last code does (F.1.2.3)."""
    if not coded:
        raise DamagedStreamError("bits that are no code, or too few")
    if left < 0:
        raise DamagedStreamError(f"ends {-left} bits before its last code")
    padding = (1 << left) - 1
    if left > 7 or (last[0] & padding) not in (0, padding):  # some encoders pad with zeros
        raise DamagedStreamError(f"{left} bits follow the last code")


def _judge_end(code: bytes, place: int, rows: int | None) -> None:
    """Refuse what is not the end of the image; a number of rows comes first where it is due."""
    marker, place = _marker(code, place)
    if rows is not None:
        body, place = _body(code, place)
        if marker != _DNL or body != rows.to_bytes(2, "big"):
            raise DamagedStreamError("no number of rows")
        marker, place = _marker(code, place)
    if marker != _EOI:
        raise DamagedStreamError(f"marker {marker:02X} after the coded data")
