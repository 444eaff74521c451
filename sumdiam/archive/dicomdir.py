"""A DICOMDIR, held against the files beside it: it says what may be missing, nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath

import pydicom

from sumdiam.archive import reason
from sumdiam.archive.folder import FoundFile
from sumdiam.archive.member import SEPARATOR
from sumdiam.archive.problem import Problem

LARGEST_BYTES = 64 << 20
Entry = tuple[str, str]
"""File id, its parts joined by slashes, and SOP Instance UID."""


def read_directory(path: str | Path) -> tuple[Entry, ...]:
    """Return the files that a DICOMDIR names; none where it cannot be read.

    Names of patients stand in it too; they are not looked at.
    """
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST_BYTES:
            return ()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            records = pydicom.dcmread(path).DirectoryRecordSequence
            entries = {_entry(one) for one in records if "ReferencedFileID" in one}
            return tuple(sorted(entry for entry in entries if entry[0]))
    except Exception:  # noqa: BLE001 - damaged bytes raise whatever they like; it is a hint only
        return ()


def _entry(record: pydicom.Dataset) -> Entry:
    """Return the file that one record names."""
    named = record.ReferencedFileID
    parts = [named] if isinstance(named, str) else [str(part) for part in named]
    uid = str(record.get("ReferencedSOPInstanceUIDInFile", "") or "")
    return "/".join(part.strip() for part in parts), uid


def directory_problems(
    directories: Iterable[tuple[FoundFile, tuple[Entry, ...]]],
    files: Collection[FoundFile],
    uids: Mapping[str, str],
) -> tuple[Problem, ...]:
    """Return what DICOMDIRs name that is not there, or is something else.

    Parameters
    ----------
    directories : (file, its entries)
    files : FoundFile
        Everything that was found.
    uids : mapping
        SOP Instance UID of every image and mask, by path.

    Notes
    -----
    Names are compared without case and without the version that discs append (``;1``). A file that
    was moved and still lies in the archive is known by its UID.
    """
    there = {_plain(file.name): file for file in files}
    known = set(uids.values())
    problems = []
    for found, entries in directories:
        base = str(PurePosixPath(found.name).parent)
        if SEPARATOR in found.name:
            base = found.name[: max(found.name.rfind("/"), found.name.rfind(SEPARATOR) + 1)]
        missing, other = [], []
        for file_id, uid in entries:
            file = there.get(_plain(file_id if base == "." else f"{base}/{file_id}"))
            if file is None and uid not in known:
                missing.append(file_id)
            elif file is not None and uid and uids.get(file.path, uid) != uid:
                other.append(file_id)
        for code, named in (("dicomdir_file_missing", missing), ("dicomdir_contradicts", other)):
            if named:
                said = f"{reason.sentence(code)} ({len(named)} of {len(entries)}; first {named[0]})"
                problems.append(Problem(code, found.name, said))
    return tuple(problems)


def _plain(name: str) -> str:
    """Write a name as discs may: without case, version and a dot at its end."""
    return name.partition(";")[0].rstrip(".").casefold()
