"""A member of a packed archive: its name, made safe, and its bytes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, Literal

Kind = Literal["file", "folder", "link", "special", "encrypted", "method"]

SEPARATOR = "!/"
"""Stands between a packed archive and its member: ``archive.zip!/member``."""
_DRIVE = re.compile(r"[A-Za-z]:")
_UNSAFE = re.compile(r"[^A-Za-z0-9._ +=@-]")
_LONGEST_PART = 100
_LONGEST_FOLDERS = 800
"""Longer names of folders are replaced by their digest: a path must stay short enough to open."""


class PackedError(OSError):
    """A packed archive that cannot be read to its end.

    Parameters
    ----------
    reason_code, detail : str
    """

    def __init__(self, reason_code: str, detail: str) -> None:
        super().__init__(f"{detail} [{reason_code}]")
        self.reason_code = reason_code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Limits:
    """What a packed archive may hold; beyond it, it is taken for an attack or a slip.

    Parameters
    ----------
    member_bytes : int
        Longest member.
    total_bytes : int
        All members of all packed archives of a scan.
    members : int
        Members of one packed archive.
    ratio : int
        How many times longer than itself what it holds may be, from `ratio_from_bytes` on. A blank
        slice alone is packed a thousand times smaller, a whole archive never.
    """

    member_bytes: int = 8 << 30
    total_bytes: int = 256 << 30
    members: int = 2_000_000
    ratio: int = 200
    ratio_from_bytes: int = 1 << 30


@dataclass(frozen=True, slots=True)
class Member:
    """One member, to be read before the next one is asked for.

    Parameters
    ----------
    name : str
        As written in the archive.
    kind : word
    size_bytes : int
        As the archive says; the bytes that come may differ.
    open : callable
        Opens its bytes.
    detail : str
        What to say of a member that is not read.
    streamed : bool
        Whether damage here spoils all that comes behind it.
    """

    name: str
    kind: Kind
    size_bytes: int
    open: Callable[[], BinaryIO]
    detail: str = ""
    streamed: bool = False


def safe_parts(name: str) -> tuple[str, ...] | None:
    r"""Return the parts of a member's name below its archive; None where it leads out of it.

    Notes
    -----
    A leading slash or drive letter is dropped, as tar does; a backslash separates, as some zip
    writers mean it; a name with ``..`` is refused.

    Examples
    --------
    >>> safe_parts("/data/./CT 1\\IM1")
    ('data', 'CT 1', 'IM1')
    >>> safe_parts("../../etc/passwd") is None
    True
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if parts and _DRIVE.fullmatch(parts[0]):
        parts = parts[1:]
    if not parts or ".." in parts:
        return None
    return tuple(parts)


def spool_path(parts: tuple[str, ...]) -> PurePosixPath:
    """Return a relative path that any file system takes, for the parts of a member's name.

    Folders stay folders, so that what lies together stays together.
    """
    safe = [_safe_part(part) for part in parts]
    folders = "/".join(safe[:-1])
    if len(folders) > _LONGEST_FOLDERS:
        folders = hashlib.sha256(folders.encode()).hexdigest()
    return PurePosixPath(folders, safe[-1])


def _safe_part(part: str) -> str:
    """Write one part of a name in letters that any file system takes."""
    raw = part.encode("utf-8", "surrogateescape")
    safe = _UNSAFE.sub("_", part)
    if safe == part and len(part) <= _LONGEST_PART and part.strip(". ") == part:
        return part
    digest = hashlib.sha256(raw).hexdigest()[:8]
    stem, dot, suffix = safe.rpartition(".")
    stem, suffix = (stem, suffix) if dot and len(suffix) <= 8 else (safe, "")
    stem = stem.strip(". ")[: _LONGEST_PART - 20]
    return f"{stem}-{digest}.{suffix}" if suffix else f"{stem}-{digest}"
