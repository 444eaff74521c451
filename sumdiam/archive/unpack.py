"""Packed archives, unpacked once into a folder of the run; nothing outside it is touched."""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import BinaryIO

from imaging.exception_word import exception_words
from imaging.volume import LeftOut
from sumdiam.archive import tar_file, zip_file
from sumdiam.archive.damage import OTHER_SUFFIXES, RefusedFile
from sumdiam.archive.folder import FoundFile, printable
from sumdiam.archive.member import (
    SEPARATOR,
    Limits,
    Member,
    PackedError,
    safe_parts,
    spool_path,
)

_PIECE = 1 << 20
_KEEP_FREE_BYTES = 1 << 30
_DETACHED = (".nii", ".gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".raw", ".zraw")
"""Masks outside DICOM, and files that hold their voxels."""
_REASONS = {
    "link": "member_link",
    "special": "special_file",
    "encrypted": "member_encrypted",
    "method": "member_method",
}
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_NAMED = (".zip", ".tar", ".tar.gz", ".tgz")
_HEAD_BYTES = 512
_BROKEN = (*zip_file.BROKEN, *tar_file.BROKEN)


@dataclass(slots=True)
class Unpacked:
    """What came out of one packed archive."""

    files: tuple[FoundFile, ...] = ()
    left_out: list[LeftOut] = field(default_factory=list)
    refused: list[RefusedFile] = field(default_factory=list)


@dataclass(slots=True)
class Spool:
    """The folder that packed archives are unpacked into.

    Parameters
    ----------
    folder : Path
        Made when it is needed. It may be deleted between runs; archives are unpacked again then.
    limits : Limits
    used_bytes : int
        What was unpacked so far.
    """

    folder: Path
    limits: Limits = field(default_factory=Limits)
    used_bytes: int = 0

    def place(self, found: FoundFile) -> Path:
        """Return the folder of one packed archive: another one once the archive has changed."""
        key = f"{found.path}\0{found.size_bytes}\0{found.stamp}"
        name = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        return self.folder / name

    def unpack(self, found: FoundFile) -> Unpacked:
        """Return what a packed archive holds, with its images and masks as files.

        Parameters
        ----------
        found : FoundFile
            A zip or tar file, gzip-compressed or not.

        Notes
        -----
        Members are not written under their own names but under safe ones; `FoundFile.name` says
        ``archive.zip!/member``. What is clearly no image and no mask is not written.
        """
        task = _Unpacking(found, self.place(found), self)
        shutil.rmtree(task.target, ignore_errors=True)
        try:
            for member in _members(Path(found.path), self.limits):
                task.take(member)
        except PackedError as error:
            damaged = RefusedFile(found.name, str(task.last), error.reason_code, error.detail)
            task.out.refused.append(damaged)
        task.out.files = tuple(sorted(task.written.values(), key=lambda file: file.name))
        return task.out


def can_unpack(path: str | Path) -> bool:
    """Return whether a file is a zip or tar file, by its name or its first bytes."""
    try:
        with Path(path).open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
            if head[:2] == b"\x1f\x8b":
                stream.seek(0)
                head = gzip.GzipFile(fileobj=stream).read(_HEAD_BYTES)
    except (OSError, EOFError, zlib.error):
        head = b""
    named = PurePath(path).name.lower().endswith(_NAMED)
    return named or head[:4] in _ZIP or head[257:262] == b"ustar"


def _members(path: Path, limits: Limits) -> Iterator[Member]:
    """Return the members of a packed archive, by what its first bytes say it is."""
    try:
        with path.open("rb") as stream:
            head = stream.read(4)
    except OSError as error:
        raise PackedError("packed_damaged", exception_words(error)) from None
    if head[:2] == b"PK":
        return zip_file.zip_members(path, limits)
    return tar_file.tar_members(path)


@dataclass(slots=True)
class _Unpacking:
    """One packed archive while it is unpacked."""

    found: FoundFile
    target: Path
    spool: Spool
    out: Unpacked = field(default_factory=Unpacked)
    written: dict[Path, FoundFile] = field(default_factory=dict)
    count: int = 0
    written_bytes: int = 0
    last: Path = field(init=False)
    """Where the member lies, or would, that is read now: damage is told by its neighbours."""

    def __post_init__(self) -> None:
        self.last = self.target / "member"

    def take(self, member: Member) -> None:
        """Put one member where it belongs."""
        name = f"{self.found.name}{SEPARATOR}{printable(member.name)}"
        self.count += 1
        if self.count > self.spool.limits.members:
            raise PackedError("packed_too_many", f"more than {self.spool.limits.members} members")
        if member.kind == "folder":
            return
        parts = safe_parts(member.name)
        if parts is None:
            self.out.refused.append(
                RefusedFile(name, str(self.target / "member"), "member_name_unsafe", "..")
            )
            return
        path = self.target / spool_path(parts)
        self.last = path
        if member.kind in ("link", "special"):
            self.out.left_out.append(LeftOut(name, _REASONS[member.kind], member.detail))
        elif _is_other(parts[-1]):
            self.out.left_out.append(LeftOut(name, "not_dicom", PurePath(parts[-1]).suffix))
        elif member.kind != "file":
            refused = RefusedFile(name, str(path), _REASONS[member.kind], member.detail)
            self.out.refused.append(refused)
        else:
            self._write(member, name, path)

    def _write(self, member: Member, name: str, path: Path) -> None:
        """Write one member; what is wrong with it alone refuses it alone."""
        limits = self.spool.limits
        if member.size_bytes > limits.member_bytes:
            self.out.refused.append(
                RefusedFile(name, str(path), "file_too_large", f"{member.size_bytes} bytes")
            )
            return
        if (earlier := self.written.pop(path, None)) is not None:  # appended again to a tar
            path.unlink()
            self.out.left_out.append(LeftOut(earlier.name, "member_superseded", "an earlier one"))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with member.open() as source, path.open("xb") as target:
                self._copy(source, target)
        except PackedError:
            _remove(path)
            raise
        except _BROKEN as error:
            _remove(path)
            number = getattr(error, "errno", None)
            if number == errno.ENOSPC:
                raise PackedError("spool_full", "no space is left") from None
            if member.streamed and number is None:  # what comes behind it cannot be told either
                raise PackedError("packed_damaged", exception_words(error)) from None
            self.out.refused.append(
                RefusedFile(name, str(path), "member_damaged", exception_words(error))
            )
        else:
            self.written[path] = FoundFile.of(path, name)

    def _copy(self, source: BinaryIO, target: BinaryIO) -> None:
        """Copy the bytes of a member, counting what they come to."""
        limits, left = self.spool.limits, self.spool.limits.member_bytes
        while piece := source.read(_PIECE):
            left -= len(piece)
            self.written_bytes += len(piece)
            self.spool.used_bytes += len(piece)
            if left < 0:
                raise ValueError
            if self.spool.used_bytes > limits.total_bytes:
                raise PackedError("packed_too_large", f"more than {limits.total_bytes} bytes")
            if self.written_bytes > max(
                limits.ratio_from_bytes, limits.ratio * self.found.size_bytes
            ):
                detail = f"more than {limits.ratio} times its own size"
                raise PackedError("packed_too_large", detail)
            if shutil.disk_usage(self.target).free < _KEEP_FREE_BYTES + len(piece):
                raise PackedError("spool_full", f"less than {_KEEP_FREE_BYTES >> 20} MB are free")
            target.write(piece)


def _is_other(name: str) -> bool:
    """Return whether a member's name says that it is no image and no mask."""
    path = PurePath(name)
    suffix = path.suffix.lower()
    hidden = path.name.startswith(".") or path.name.lower() in {"thumbs.db", "desktop.ini"}
    return hidden or (suffix in OTHER_SUFFIXES and suffix not in _DETACHED)


def _remove(path: Path) -> None:
    """Delete what was written of a member, if anything."""
    with contextlib.suppress(OSError):
        path.unlink()


def forget_others(folder: Path, kept: set[str]) -> None:
    """Delete what was unpacked from archives that are no longer there."""
    try:
        there = list(folder.iterdir())
    except OSError:
        return
    for path in there:
        if path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)
