"""What a scan remembers for the next one: headers and digests of files that have not changed."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Collection
from dataclasses import astuple, dataclass, field
from pathlib import Path

from imaging.volume import LeftOut
from sumdiam.archive.damage import RefusedFile
from sumdiam.archive.file_reading import FileReading
from sumdiam.archive.folder import FoundFile
from sumdiam.archive.index_file import DAMAGED, Entry, IndexContent, read_index, write_index
from sumdiam.archive.unpack import Unpacked

INDEX = "index.sqlite"
_SETTLED_NS = 2_000_000_000
"""A file that was changed less than this before it was read may have been changed once more since,
within one tick of the file system's clock: it is read again."""
_PASSING = frozenset({"unreadable_file", "reading_stopped", "spool_full"})
"""A network, a busy machine or a full disk may have been the reason: tried again the next time."""


@dataclass(slots=True)
class ScanIndex:
    """Readings of files by path.

    Parameters
    ----------
    folder : Path, optional
        Where its file lies; without it nothing is remembered.

    Notes
    -----
    It is a copy of what the archive says and may be deleted at any time. An index of another
    version of sumdiam, of pydicom or of the code, or a damaged one, is not used. It holds plain
    JSON: opening one that somebody else made runs no code.
    """

    folder: Path | None = None
    content: IndexContent = field(default_factory=IndexContent)
    changed: bool = False

    @classmethod
    def open(cls, folder: Path | None) -> ScanIndex:
        """Return the index of a folder; an empty one where there is none that can be used."""
        if folder is None or not (folder / INDEX).is_file():
            return cls(folder)
        try:
            return cls(folder, read_index(folder / INDEX))
        except DAMAGED:
            (folder / INDEX).unlink(missing_ok=True)
            return cls(folder)

    def _entry(self, found: FoundFile) -> Entry | None:
        """Return the entry of a file that is still what was read."""
        entry = self.content.entries.get(found.path)
        if entry is None or (entry.size_bytes, entry.stamp) != (found.size_bytes, found.stamp):
            return None
        return entry if max(found.stamp) + _SETTLED_NS < entry.read_ns else None

    def reading(self, found: FoundFile) -> FileReading | None:
        """Return what a file was when it was read, if it has not changed since."""
        entry = self._entry(found)
        return None if entry is None else entry.reading

    def digest(self, found: FoundFile) -> str | None:
        """Return the digest of a file that has not changed since, if it was taken."""
        entry = self._entry(found)
        return None if entry is None else entry.digest

    def keep(self, found: FoundFile, reading: FileReading) -> None:
        """Remember what a file is, unless that may be the fault of the day.

        Nor what a file is whose values lie in another one, which may change on its own.
        """
        if reading.detached or (
            reading.refused is not None and reading.refused.reason_code in _PASSING
        ):
            self.content.entries.pop(found.path, None)
            return
        entry = Entry(found.size_bytes, found.stamp, time.time_ns(), reading)
        self.content.entries[found.path] = entry
        self.changed = True

    def keep_digest(self, found: FoundFile, digest: str) -> None:
        """Remember the digest of a file that was read."""
        entry = self.content.entries.get(found.path)
        if entry is not None and entry.stamp == found.stamp and entry.digest != digest:
            entry.digest = digest
            self.changed = True

    def unpacked(self, found: FoundFile) -> Unpacked | None:
        """Return what a packed archive held, if neither it nor what came out of it has changed."""
        kept = self.content.packed.get(found.path)
        if kept is None or kept["stamp"] != [found.size_bytes, *found.stamp]:
            return None
        files = []
        for path, name, size_bytes in kept["files"]:
            try:
                there = FoundFile.of(Path(path), found.name + name)
            except OSError:
                return None
            if there.size_bytes != size_bytes:
                return None
            files.append(there)
        return Unpacked(
            tuple(files),
            [LeftOut(found.name + name, *rest) for name, *rest in kept["left_out"]],
            [RefusedFile(found.name + name, *rest) for name, *rest in kept["refused"]],
        )

    def keep_unpacked(self, found: FoundFile, unpacked: Unpacked) -> None:
        """Remember what a packed archive held, unless that may be the fault of the day."""
        if any(one.reason_code in _PASSING for one in unpacked.refused):
            return
        if max(found.stamp) + _SETTLED_NS >= time.time_ns():
            return
        own = len(found.name)  # differs with the folder that is handed in
        items = {
            "left_out": [astuple(item) for item in unpacked.left_out],
            "refused": [astuple(item) for item in unpacked.refused],
        }
        self.content.packed[found.path] = {
            "path": found.path,
            "stamp": [found.size_bytes, *found.stamp],
            "files": [[one.path, one.name[own:], one.size_bytes] for one in unpacked.files],
            **{kind: [[item[0][own:], *item[1:]] for item in items[kind]] for kind in items},
        }
        self.changed = True

    def save(self, there: Collection[str]) -> None:
        """Write it, without files that are not ``there`` any more.

        A folder that cannot be written to costs the memory, not the scan.
        """
        content = self.content
        for kept in (content.entries, content.packed):
            for path in set(kept) - set(there):
                del kept[path]
                self.changed = True
        if self.folder is None or not self.changed:
            return
        with contextlib.suppress(OSError, sqlite3.Error):
            write_index(self.folder / INDEX, content)
        self.changed = False
