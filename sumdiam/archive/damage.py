"""Files that cannot be read: whether they were meant to be DICOM, and whose they are."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from imaging.header import HeaderError
from imaging.volume import LeftOut
from sumdiam.archive.folder import FoundFile

PACKED = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar")
OTHER_SUFFIXES = (
    ".txt", ".csv", ".tsv", ".md", ".rst", ".json", ".xml", ".html", ".htm", ".yaml", ".yml",
    ".toml", ".ini", ".log", ".pdf", ".doc", ".docx", ".xls", ".xlsx", ".ods", ".png", ".jpg",
    ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".svg", ".py", ".sh", ".exe", ".dll", ".inf", ".nii",
    ".nrrd", ".nhdr", ".mha", ".mhd", ".raw", ".zraw", ".parquet", ".sqlite", ".db", ".lock",
    ".pickle", ".sqlite-shm", ".sqlite-wal", ".sqlite-journal",
)  # fmt: skip
DICOM_SUFFIXES = (".dcm", ".dicom", ".dic", ".ima", ".img")
_HEAD_BYTES = 65536
_STUDY_UID = re.compile(rb"\x20\x00\x0d\x00(?:UI.{2}|.{4})([0-9.]{5,64})[\x00 ]?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that should be DICOM and cannot be read.

    Parameters
    ----------
    file : str
        Name relative to the archive.
    path : str
        Absolute.
    reason_code, detail : str
    study_uid : str, optional
        The study whose it is, or may be.
    certain : bool
        Whether it belongs to that study for sure enough to refuse the study.
    """

    file: str
    path: str
    reason_code: str
    detail: str
    study_uid: str | None = None
    certain: bool = False


def judge_unreadable(found: FoundFile, error: HeaderError) -> LeftOut | RefusedFile:
    """Return whether a file without a readable header is no DICOM at all, or a damaged one.

    Notes
    -----
    A file that lacks the DICOM prefix is something else only if its name or its text says so;
    otherwise it counts as damaged, because an overwritten slice looks just like that.
    """
    if PurePath(found.name).name.upper() == "DICOMDIR":
        return LeftOut(found.name, "dicomdir_not_read", "damaged")
    if error.reason_code != "not_dicom":
        code = "empty_file" if found.size_bytes == 0 else error.reason_code
        return RefusedFile(found.name, found.path, code, error.detail)
    path = PurePath(found.name)
    suffix = path.suffix.lower()
    if suffix in PACKED:
        return LeftOut(found.name, "archive_format_not_read", suffix)
    hidden = path.name.startswith(".") or path.name.lower() in {"thumbs.db", "desktop.ini"}
    if hidden or suffix in OTHER_SUFFIXES:
        return LeftOut(found.name, "not_dicom", suffix or "hidden file")
    if found.size_bytes == 0:
        return RefusedFile(found.name, found.path, "empty_file", "0 bytes")
    head = _head(found.path)
    if head.startswith((b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf")) or head[257:262] == b"ustar":
        return LeftOut(found.name, "archive_format_not_read", "packed")
    if suffix not in DICOM_SUFFIXES and _is_text(head):
        return LeftOut(found.name, "not_dicom", "text")
    return RefusedFile(found.name, found.path, "damaged_file", error.detail)


def attribute(
    refused: RefusedFile, error_series_uid: str | None, studies: StudyFolders
) -> RefusedFile:
    """Return the refused file with the study it belongs to, where that can be told.

    Notes
    -----
    First what its bytes still say; then its folder: where every readable file in or below it
    belongs to one study, so does it. Where nothing there is readable, the folder above may tell: it
    is the study's own folder if two of the folders in it belong to one and the same study; else it
    may hold one study per folder, and what lies in the next one is no more than likely.
    """
    if refused.certain:
        return refused
    named = studies.of_series.get(error_series_uid or "") or salvaged_study_uid(refused.path)
    if named is not None:
        return replace(refused, study_uid=named, certain=True)
    folder = Path(refused.path).parent
    near = studies.in_folder.get(str(folder)) or studies.under_folder.get(str(folder))
    if near:
        only = near[0] if len(near) == 1 else None
        return replace(refused, study_uid=only, certain=only is not None)
    above = studies.under_folder.get(str(folder.parent), ())
    if len(above) != 1:
        return refused
    certain = studies.folders_in.get(str(folder.parent), 0) > 1
    return replace(refused, study_uid=above[0], certain=certain)


@dataclass(frozen=True, slots=True)
class StudyFolders:
    """Which studies the readable files of a folder belong to.

    Parameters
    ----------
    in_folder, under_folder : mapping
        Folder to the studies of files in it; to those of files in it or anywhere below.
    folders_in : mapping
        Folder to how many folders with readable files it is or holds.
    of_series : mapping
        Series UID to study UID.
    """

    in_folder: Mapping[str, tuple[str, ...]]
    under_folder: Mapping[str, tuple[str, ...]]
    folders_in: Mapping[str, int]
    of_series: Mapping[str, str]


def study_folders(readable: Mapping[str, tuple[str, str]]) -> StudyFolders:
    """Return the studies of folders.

    Parameters
    ----------
    readable : mapping
        Absolute file to (study UID, series UID).
    """
    here: dict[str, set[str]] = defaultdict(set)
    under: dict[str, set[str]] = defaultdict(set)
    folders: dict[str, set[str]] = defaultdict(set)
    series: dict[str, str] = {}
    for file, (study_uid, series_uid) in readable.items():
        here[os.path.dirname(file)].add(study_uid)  # noqa: PTH120 - of every file of an archive
        series[series_uid] = study_uid
    for name, studies in here.items():
        folder = Path(name)
        for above in (folder, *folder.parents):
            under[str(above)] |= studies
        for above in (folder, folder.parent):
            folders[str(above)].add(name)
    return StudyFolders(
        {folder: tuple(sorted(uids)) for folder, uids in here.items()},
        {folder: tuple(sorted(uids)) for folder, uids in under.items()},
        {folder: len(inside) for folder, inside in folders.items()},
        series,
    )


def salvaged_study_uid(path: str) -> str | None:
    """Return the StudyInstanceUID that a damaged file's first bytes still show, if one.

    It serves to refuse a study, never to measure anything.
    """
    found = {match.group(1).strip(b".") for match in _STUDY_UID.finditer(_head(path))}
    return found.pop().decode("ascii") if len(found) == 1 else None


def _head(path: str) -> bytes:
    """Return the first bytes of a file; none where it cannot be opened."""
    try:
        with Path(path).open("rb") as stream:
            return stream.read(_HEAD_BYTES)
    except OSError:
        return b""


def _is_text(head: bytes) -> bool:
    """Return whether bytes are printable text."""
    try:
        text = head[:4096].decode("utf-8", "strict" if len(head) < 4096 else "ignore")
    except UnicodeDecodeError:
        return False
    return all(mark.isprintable() or mark in "\n\r\t\f" for mark in text)
