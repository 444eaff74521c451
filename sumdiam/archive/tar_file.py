"""The members of a tar file, plain or gzip-compressed, in the order of the file."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from imaging.exception_word import exception_words
from sumdiam.archive.member import Kind, Member, PackedError

_MOST_BETWEEN = 16 << 20
"""So many bytes may lie between two members; longer names and headers are an attack."""
BROKEN = (tarfile.TarError, zlib.error, EOFError, ValueError, OSError, OverflowError)
"""What `tarfile` and `gzip` raise over damaged bytes."""


class _Metered(io.RawIOBase):
    """A stream that ends in an error once more was read than members account for."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.allowed = _MOST_BETWEEN
        self.used = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size if size >= 0 else _MOST_BETWEEN)
        self.used += len(data)
        if self.used > self.allowed:
            raise PackedError("packed_damaged", "a header of a member is too long")
        return data


class _Watched(tarfile.TarInfo):
    """Remembers why the list of members ended: `tarfile` takes a damaged header for its end."""

    __slots__ = ()

    @classmethod
    def fromtarfile(cls, opened: tarfile.TarFile) -> _Watched:
        try:
            return super().fromtarfile(opened)
        except Exception as error:
            opened.ended_by = error  # type: ignore[attr-defined]
            raise


def tar_members(path: Path) -> Iterator[Member]:
    """Return the members of a tar file, read in one pass.

    Raises
    ------
    PackedError
        ``packed_damaged`` where the file is cut short or a header is damaged; members before it
        were given.
    """
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if packed else raw
        metered = _Metered(stream)
        try:
            with tarfile.open(
                fileobj=cast("BinaryIO", metered), mode="r|", tarinfo=_Watched, bufsize=1 << 16,
                errorlevel=2,
            ) as opened:  # fmt: skip
                while (info := opened.next()) is not None:
                    opened.members.clear()  # type: ignore[attr-defined]  # else it keeps the headers of all
                    metered.allowed = metered.used + max(0, info.size) + _MOST_BETWEEN
                    reader = cast("partial[BinaryIO]", partial(opened.extractfile, info))
                    yield Member(
                        info.name, _kind(info), info.size, reader, _detail(info), streamed=True
                    )
                _check_end(opened, metered, packed=packed)
        except PackedError:
            raise
        except BROKEN as error:
            raise PackedError("packed_damaged", exception_words(error)) from None


def _check_end(opened: tarfile.TarFile, metered: _Metered, *, packed: bool) -> None:
    """Raise where the list of members ended in anything but the mark of its end."""
    ended_by = getattr(opened, "ended_by", None)
    if type(ended_by).__name__ != "EOFHeaderError":  # `tarfile` names it, its types do not
        raise PackedError("packed_damaged", f"no end mark ({type(ended_by).__name__})")
    while packed and metered.read(1 << 16):
        pass  # only at its end gzip compares the checksum


def _kind(info: tarfile.TarInfo) -> Kind:
    """Return what a member is."""
    if info.isfile():
        return "file"
    if info.isdir():
        return "folder"
    return "link" if info.issym() or info.islnk() else "special"


def _detail(info: tarfile.TarInfo) -> str:
    """Say what a member is that is not read."""
    if info.issym():
        return "symbolic link"
    return "hard link" if info.islnk() else f"type {info.type.decode('ascii', 'replace')}"
