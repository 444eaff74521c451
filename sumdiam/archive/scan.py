"""From the paths of archives to their catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from imaging.header import InstanceHeader, file_digest
from imaging.series import Grouping, group_series
from imaging.volume import LeftOut
from sumdiam.archive import damage, label_file, reason
from sumdiam.archive.catalogue import Catalogue, RefusedVolume, SegFile
from sumdiam.archive.damage import RefusedFile
from sumdiam.archive.file_reading import FileReading, read_file
from sumdiam.archive.folder import ArchiveError, FoundFile, walk_folder
from sumdiam.archive.problem import Problem
from sumdiam.archive.unmeasurable import bare_studies, refused_volumes

Progress = Callable[[int, int], None]
"""Called with the number of files read and the number of files found."""

_DIGEST_THREADS = 4


@dataclass(slots=True)
class _Scan:
    """What is gathered while files are read one after the other."""

    images: list[InstanceHeader] = field(default_factory=list)
    masks: list[SegFile] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    refused: list[tuple[RefusedFile, str | None]] = field(default_factory=list)
    readable: dict[str, tuple[str, str]] = field(default_factory=dict)
    dicom_files: int = 0

    def add(self, found: FoundFile, reading: FileReading) -> None:
        """Sort in what one file is."""
        self.dicom_files += reading.dicom
        if reading.image is not None:
            self.images.append(reading.image)
        elif reading.mask is not None:
            self.masks.append(SegFile(found.name, found.path, reading.mask))
        elif reading.refused is not None:
            self.refused.append((reading.refused, reading.series_uid))
            return
        elif reading.left_out is not None:
            self.left_out.append(reading.left_out)
        if reading.study_uid and reading.series_uid:
            self.readable[found.path] = (reading.study_uid, reading.series_uid)


def scan_archives(paths: Sequence[str | Path], *, progress: Progress | None = None) -> Catalogue:
    """Return what the archives hold.

    Parameters
    ----------
    paths : sequence of folders (or single files)
        Files that two of them share are read once.
    progress : callable, optional
        Called with (files read, files found) after every file.

    Raises
    ------
    ArchiveError
        If a path does not exist, or no path holds anything that is or should be DICOM.

    Notes
    -----
    Only headers are read; pixels are read study by study. Names of patients are not read.
    """
    files, scan, problems = _walk(paths)
    for done, found in enumerate(files, start=1):
        scan.add(found, read_file(found))
        if progress is not None:
            progress(done, len(files))
    if not scan.dicom_files and not scan.refused:
        listed = ", ".join(str(path) for path in paths)
        msg = f"{listed}: no DICOM file. {reason.REASONS['no_dicom'][1]}"
        raise ArchiveError(msg)
    grouping = group_series(scan.images)
    masks = _without_copies(scan)
    folders = damage.study_folders(scan.readable)
    refused_files = tuple(
        damage.attribute(file, series_uid, folders) for file, series_uid in scan.refused
    )
    names = {found.path: found.name for found in files}
    refused_series = refused_volumes(scan.images, grouping.refused)
    left_out = tuple(sorted((*scan.left_out, *grouping.left_out), key=_by_file))
    return Catalogue(
        series=grouping.series,
        refused_series=refused_series,
        masks=masks,
        bare_studies=bare_studies(scan.images, grouping, masks),
        refused_files=refused_files,
        left_out=tuple(_named(item, names) for item in left_out),
        digests=_digests(grouping, masks),
        names=names,
        files_found=len(files),
        dicom_files=scan.dicom_files,
        problems=(*problems, *_problems(refused_files, refused_series, scan.left_out, names)),
    )


def _walk(paths: Sequence[str | Path]) -> tuple[list[FoundFile], _Scan, list[Problem]]:
    """Return the files of all archives, each once."""
    scan, files, problems = _Scan(), {}, []
    for path in paths:
        found = walk_folder(path)
        if not found.files:
            problems.append(Problem("no_dicom", str(path), reason.sentence("no_dicom")))
        files.update({file.path: file for file in found.files if file.path not in files})
        scan.left_out.extend(found.left_out)
        scan.refused.extend(
            (RefusedFile(item.file, item.file, item.reason_code, item.detail), None)
            for item in found.refused
        )
    return list(files.values()), scan, problems


def _without_copies(scan: _Scan) -> tuple[SegFile, ...]:
    """Return one file per segmentation; copies are left out, contradictions refused."""
    kept: dict[str, SegFile] = {}
    spoilt: set[str] = set()
    labels = [mask for mask in scan.masks if mask.header.kind == "label_image"]
    own, copies = label_file.without_copies(labels)
    scan.left_out.extend(copies)
    for mask in (one for one in scan.masks if one.header.kind != "label_image"):
        uid = mask.header.object_id
        first = kept.setdefault(uid, mask)
        if first is mask:
            continue
        if file_digest(first.path) == file_digest(mask.path):
            scan.left_out.append(LeftOut(mask.file, "duplicate", f"copy of {first.file}"))
            continue
        spoilt.add(uid)
        for one in (first, mask):
            refused = RefusedFile(
                one.file,
                one.path,
                "same_uid_other_content",
                uid,
                one.header.study_uid,
                certain=True,
            )
            if (refused, None) not in scan.refused:
                scan.refused.append((refused, None))
    return (*(mask for uid, mask in kept.items() if uid not in spoilt), *own)


def _digests(grouping: Grouping, masks: Sequence[SegFile]) -> dict[str, str]:
    """Return the digest of every file of a series or a mask."""
    files = sorted(
        {header.file for one in grouping.series for header in one.headers}
        | {file for one in grouping.refused for file in one.files}
        | {mask.path for mask in masks}
    )
    with ThreadPoolExecutor(_DIGEST_THREADS) as pool:
        found = dict(zip(files, pool.map(_digest, files), strict=True))
    # the values of a label image may lie in a second file, which its id covers
    labels = {m.path: m.header.object_id for m in masks if m.header.kind == "label_image"}
    return found | labels


def _digest(path: str) -> str:
    """Return a file's digest; a word where it can no longer be read, so that it is tried again."""
    try:
        return file_digest(path)
    except OSError as error:
        return f"unreadable {type(error).__name__}"


def _problems(
    files: Iterable[RefusedFile],
    series: Iterable[RefusedVolume],
    left_out: Iterable[LeftOut],
    names: Mapping[str, str],
) -> list[Problem]:
    """Return what a person should know of refused files and series."""
    found = []
    for file in files:
        belongs = f" It belongs to study {file.study_uid}." if file.study_uid else ""
        said = f"{reason.sentence(file.reason_code)} ({file.detail}).{belongs}"
        found.append(Problem(file.reason_code, file.file, said, refused=True))
    for one in series:
        first = names.get(one.files[0], one.files[0]) if one.files else "no file"
        said = f"{reason.sentence(one.reason_code)} ({one.detail}; first file {first})"
        where = f"series {one.series_uid} of study {one.study_uid}"
        found.append(Problem(one.reason_code, where, said, refused=True))
    packed = [item for item in left_out if item.reason_code == "archive_format_not_read"]
    found += [
        Problem(item.reason_code, item.file, reason.sentence(item.reason_code)) for item in packed
    ]
    return found


def _named(item: LeftOut, names: Mapping[str, str]) -> LeftOut:
    """Return a left-out file under its name in the archive."""
    return LeftOut(names.get(item.file, item.file), item.reason_code, item.detail)


def _by_file(item: LeftOut) -> tuple[str, str]:
    """Order left-out files."""
    return item.file, item.reason_code
