"""The members of a zip file, in the order of its directory."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from imaging.exception_word import exception_words
from sumdiam.archive.member import Kind, Limits, Member, PackedError

METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2}
"""LZMA may ask for gigabytes of memory; no exporter of images writes it."""
_ENCRYPTED = 0x1
_LONGEST_END = 65_557
_BYTES_PER_ENTRY = 46
_LONGEST_ENTRY = 512
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, OSError,
          struct.error, RuntimeError)  # fmt: skip
"""What `zipfile` raises over damaged bytes."""


def zip_members(path: Path, limits: Limits) -> Iterator[Member]:
    """Return the members of a zip file; of two with one name the later one, as unzip does.

    Raises
    ------
    PackedError
        ``packed_damaged`` where there is no directory that can be read, ``packed_too_many``.
    """
    _check_directory(path, limits)
    try:
        opened = zipfile.ZipFile(path)
    except BROKEN as error:
        raise PackedError("packed_damaged", _what(error)) from None
    with opened:
        last = {info.filename: info for info in opened.infolist()}
        for info in opened.infolist():
            if last[info.filename] is info:
                kind, detail = _kind(info)
                reader = cast("partial[BinaryIO]", partial(opened.open, info))
                yield Member(info.filename, kind, info.file_size, reader, detail)


def _kind(info: zipfile.ZipInfo) -> tuple[Kind, str]:
    """Return what a member is."""
    mode = info.external_attr >> 16
    if info.is_dir() or stat.S_ISDIR(mode):
        return "folder", ""
    if stat.S_ISLNK(mode):
        return "link", "symbolic link"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "special", stat.filemode(mode)
    if info.flag_bits & _ENCRYPTED:
        return "encrypted", "encrypted"
    if info.compress_type not in METHODS:
        return "method", f"method {info.compress_type}"
    return "file", ""


def _check_directory(path: Path, limits: Limits) -> None:
    """Refuse a directory of so many entries that reading it would fill the memory."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - _LONGEST_END - 20))
            tail = stream.read()
            at = tail.rfind(b"PK\x05\x06")
            if at < 0 or len(tail) < at + 22:
                raise PackedError("packed_damaged", "no directory at its end")
            length = int(struct.unpack_from("<L", tail, at + 12)[0])
            if tail[max(0, at - 20) : at].startswith(b"PK\x06\x07"):
                stream.seek(struct.unpack_from("<Q", tail, at - 12)[0])
                record = stream.read(56)
                length = int(struct.unpack_from("<Q", record, 40)[0])
    except (OSError, struct.error, OverflowError, ValueError) as error:
        if isinstance(error, PackedError):
            raise
        raise PackedError("packed_damaged", _what(error)) from None
    if length > limits.members * _LONGEST_ENTRY or length > size:
        raise PackedError("packed_too_many", f"a directory of {length} bytes")


def _what(error: BaseException) -> str:
    """Name an error without what it may quote."""
    return exception_words(error)
