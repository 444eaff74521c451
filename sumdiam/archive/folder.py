"""The files under a folder, in a fixed order, and what was passed over."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from imaging.exception_word import exception_words
from imaging.volume import LeftOut

LARGEST_FILE_BYTES = 8 * 1024**3
RUN_FILES = frozenset({"run.lock", "run.sqlite"})
"""What the folder of a run holds from its first moment: it may lie inside an archive."""
SCAN_FOLDER = "sumdiam-scan"
"""Folder in the folder of a run or scan, for its index and for what was unpacked."""


class ArchiveError(OSError):
    """An archive that was handed in cannot be read at all."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file of an archive.

    Parameters
    ----------
    path : str
        Absolute.
    name : str
        Relative to the archive, with slashes; printable. Of a member of a packed archive
        ``archive.zip!/member``.
    size_bytes : int
    stamp : (int, int)
        When content and entry were last changed (mtime, ctime), in ns: a file with the same size
        and stamp is not read again.
    """

    path: str
    name: str
    size_bytes: int
    stamp: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, path: Path, name: str) -> FoundFile:
        """Return a file that is there."""
        status = path.stat()
        return cls(str(path), name, status.st_size, (status.st_mtime_ns, status.st_ctime_ns))


@dataclass(frozen=True, slots=True)
class Found:
    """What a walk found: files to read, things passed over, folders and files that refused."""

    files: tuple[FoundFile, ...]
    left_out: tuple[LeftOut, ...]
    refused: tuple[LeftOut, ...]


def walk_folder(root: str | Path) -> Found:
    """Return the regular files under a folder, sorted by their path.

    Parameters
    ----------
    root : path of a folder, or of a single file

    Raises
    ------
    ArchiveError
        If the path does not exist or cannot be opened.

    Notes
    -----
    Symbolic links are not followed: nothing outside the archive is touched, and no loop can
    trap the walk; a link inside the archive points at what is walked anyway. The walk keeps its
    own stack, so depth is not limited by recursion.
    """
    top = Path(root).resolve()
    if top.is_file():
        return Found((FoundFile.of(top, printable(top.name)),), (), ())
    if not top.is_dir():
        msg = f"{root}: there is no such folder. Check the path."
        raise ArchiveError(msg)
    files: list[FoundFile] = []
    left_out: list[LeftOut] = []
    refused: list[LeftOut] = []
    stack = [str(top)]
    while stack:
        folder = stack.pop()
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if folder == str(top):
                msg = f"{root}: the folder cannot be opened ({error.strerror})."
                raise ArchiveError(msg) from None
            refused.append(LeftOut(_name(folder, top), *_why_closed(error)))
            continue
        if folder != str(top) and _is_run({entry.name for entry in listed}):
            left_out.append(LeftOut(_name(folder, top), "run_folder", "folder of a run or scan"))
            continue
        for entry in listed:
            _sort_in(entry, top, files, stack, left_out, refused)
    files.sort(key=lambda file: file.path.split(os.sep))  # noqa: PTH206 - of every file
    return Found(
        tuple(files),
        tuple(sorted(left_out, key=lambda item: item.file)),
        tuple(sorted(refused, key=lambda item: item.file)),
    )


def _sort_in(
    entry: os.DirEntry[str],
    top: Path,
    files: list[FoundFile],
    stack: list[str],
    left_out: list[LeftOut],
    refused: list[LeftOut],
) -> None:
    """Put one directory entry where it belongs."""
    name = _name(entry.path, top)
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        refused.append(LeftOut(name, *_why_closed(error, "unreadable_file")))
        return
    if stat.S_ISLNK(status.st_mode):
        left_out.append(LeftOut(name, "symlink_not_followed", "symbolic link"))
    elif stat.S_ISDIR(status.st_mode):
        if entry.name == SCAN_FOLDER:
            left_out.append(LeftOut(name, "run_folder", "folder of a run or scan"))
        else:
            stack.append(entry.path)
    elif not stat.S_ISREG(status.st_mode):
        left_out.append(LeftOut(name, "special_file", stat.filemode(status.st_mode)))
    elif status.st_size > LARGEST_FILE_BYTES:
        refused.append(LeftOut(name, "file_too_large", f"{status.st_size} bytes"))
    else:
        stamp = (status.st_mtime_ns, status.st_ctime_ns)
        files.append(FoundFile(entry.path, name, status.st_size, stamp))


def _why_closed(error: OSError, code: str = "unreadable_folder") -> tuple[str, str]:
    """Return reason code and detail of a folder or file that cannot be opened."""
    if error.errno == errno.ENAMETOOLONG:
        return "path_too_long", "its path is longer than the system takes"
    return code, exception_words(error)


def _is_run(names: set[str]) -> bool:
    """Return whether a folder is that of a run or scan, by the names in it."""
    return names >= RUN_FILES or SCAN_FOLDER in names


def _name(path: str, top: Path) -> str:
    """Return a path relative to the archive, printable."""
    base = str(top)
    below = len(base) if base.endswith(os.sep) else len(base) + 1
    return printable(path[below:].replace(os.sep, "/") or ".")


def printable(name: str) -> str:
    """Return a name that can be printed in one line whatever its bytes are."""
    if name.isprintable() and name.isascii():
        return name
    text = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )
