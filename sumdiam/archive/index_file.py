"""The file of a scan's index: one row per series, each as compressed JSON."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import zlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import pydicom

import sumdiam
from imaging.header import InstanceHeader
from sumdiam.archive.file_reading import FileReading
from sumdiam.archive.record import columns, is_kept, rows

DAMAGED = (sqlite3.Error, zlib.error, ValueError, TypeError, KeyError, IndexError, AttributeError)
"""What reading a damaged index raises."""
_CODE = ("imaging", "sumdiam/archive")
_TABLES = """
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS series (series_uid TEXT PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS packed (place TEXT PRIMARY KEY, content BLOB NOT NULL);
"""
_IMAGE = [one.name for one in fields(InstanceHeader)]
_READING = [one.name for one in fields(FileReading) if one.name != "image"]


@dataclass(slots=True)
class Entry:
    """One file as it was when it was read: size, (mtime, ctime) and time of reading in ns."""

    size_bytes: int
    stamp: tuple[int, int]
    read_ns: int
    reading: FileReading
    digest: str | None = None


@dataclass(slots=True)
class IndexContent:
    """Entries by path, packed archives by path, and the series as they stand in the file."""

    entries: dict[str, Entry] = field(default_factory=dict)
    packed: dict[str, Any] = field(default_factory=dict)
    series: dict[str, bytes] = field(default_factory=dict)


@cache
def code_digest() -> str:
    """Return which code reads headers: an index of another one is not used."""
    digest = hashlib.sha256(f"{sumdiam.__version__} {pydicom.__version__}".encode())
    root = Path(sumdiam.__file__).parent.parent
    for part in _CODE:
        for file in sorted((root / part).glob("*.py")):
            digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def read_index(path: Path) -> IndexContent:
    """Return what an index file holds; nothing where it is of another code.

    Raises
    ------
    one of `DAMAGED`
    """
    content = IndexContent()
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as database:
        about = database.execute("SELECT value FROM about WHERE key = 'code'").fetchone()
        if about != (code_digest(),):
            return content
        content.series = dict(database.execute("SELECT series_uid, content FROM series"))
        packed = database.execute("SELECT content FROM packed").fetchall()
    for blob in content.series.values():
        content.entries.update(_entries(_loosened(blob)))
    content.packed = {one["path"]: one for one in (_loosened(blob) for (blob,) in packed)}
    return content


def write_index(path: Path, content: IndexContent) -> None:
    """Write what has changed since the file was read, as one transaction."""
    series = _by_series(content.entries)
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.executescript(_TABLES)
        about = database.execute("SELECT value FROM about WHERE key = 'code'").fetchone()
        if about != (code_digest(),):
            content.series = {}
            database.execute("DELETE FROM series")
            database.execute("REPLACE INTO about VALUES ('code', ?)", (code_digest(),))
        gone = sorted((uid,) for uid in set(content.series) - set(series))
        changed = sorted(one for one in series.items() if content.series.get(one[0]) != one[1])
        database.executemany("DELETE FROM series WHERE series_uid = ?", gone)
        database.executemany("REPLACE INTO series VALUES (?, ?)", changed)
        database.execute("DELETE FROM packed")
        packed = [(json.dumps(one), _pressed(content.packed[one])) for one in content.packed]
        database.executemany("INSERT INTO packed VALUES (?, ?)", sorted(packed))
    content.series = series


def _by_series(entries: Mapping[str, Entry]) -> dict[str, bytes]:
    """Return the row of each series; files that are no images stand under an empty name."""
    groups: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for path, entry in sorted(entries.items()):
        facts = (path, entry.size_bytes, *entry.stamp, entry.read_ns, entry.digest)
        rest = tuple(getattr(entry.reading, name) for name in _READING)
        image = entry.reading.image
        uid = "" if image is None else json.dumps(image.series_uid)
        header = () if image is None else tuple(getattr(image, name) for name in _IMAGE)
        if is_kept(rest):
            groups[uid].append((*facts, *rest, *header))
    return {
        uid: _pressed({"count": len(members), "columns": columns(members)})
        for uid, members in groups.items()
    }


def _entries(content: Mapping[str, Any]) -> dict[str, Entry]:
    """Return the entries of one row."""
    found = {}
    end = 6 + len(_READING)
    for row in rows(content["columns"], content["count"]):
        path, size_bytes, mtime, ctime, read_ns, digest = row[:6]
        image = InstanceHeader(*row[end:]) if len(row) > end else None
        reading = FileReading(image=image, **dict(zip(_READING, row[6:end], strict=True)))
        found[path] = Entry(size_bytes, (mtime, ctime), read_ns, reading, digest)
    return found


def _pressed(content: object) -> bytes:
    """Return JSON as few bytes."""
    return zlib.compress(json.dumps(content).encode("ascii"), 1)


def _loosened(blob: bytes) -> Any:
    """Return what `_pressed` was given."""
    return json.loads(zlib.decompress(blob))
