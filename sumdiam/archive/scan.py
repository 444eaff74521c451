"""From the paths of archives to their catalogue."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from imaging.header import InstanceHeader, file_digest
from imaging.series import Grouping, group_series
from imaging.volume import LeftOut
from sumdiam.archive import damage, reason
from sumdiam.archive.catalogue import Catalogue, RefusedVolume, ReportFile, SegFile
from sumdiam.archive.century import well_dated, without_lost_centuries
from sumdiam.archive.damage import RefusedFile
from sumdiam.archive.dicomdir import directory_problems
from sumdiam.archive.doubled_mask import reports_without_copies, without_copies
from sumdiam.archive.folder import SCAN_FOLDER, ArchiveError, FoundFile
from sumdiam.archive.gather import Gathered, Progress, ScanOptions, gather
from sumdiam.archive.index import ScanIndex
from sumdiam.archive.problem import Problem
from sumdiam.archive.unmeasurable import bare_studies, refused_volumes

_DIGEST_THREADS = 4

__all__ = ["Progress", "ScanOptions", "scan_archives"]


def scan_archives(
    paths: Sequence[str | Path],
    *,
    progress: Progress | None = None,
    options: ScanOptions | None = None,
) -> Catalogue:
    """Return what the archives hold.

    Parameters
    ----------
    paths : sequence of folders (or single files, zip and tar among them)
        Files that two of them share are read once.
    progress : callable, optional
        Called with (files read, files found) as files are read.
    options : ScanOptions, optional

    Raises
    ------
    ArchiveError
        If a path does not exist, or no path holds anything that is or should be DICOM.

    Notes
    -----
    Only headers are read; pixels are read study by study. Names of patients are not read. The
    result is the same with any number of processes, with or without an index.
    """
    options = options or ScanOptions()
    index = ScanIndex.open(_own_folder(options))
    gathered = gather(paths, index, options, progress)
    if not gathered.dicom_files and not gathered.refused:
        listed = ", ".join(str(path) for path in paths)
        msg = f"{listed}: no DICOM file. {reason.REASONS['no_dicom'][1]}"
        raise ArchiveError(msg)
    grouping = group_series(gathered.images, allow_gaps=options.allow_gaps)
    masks, reports = without_copies(gathered), reports_without_copies(gathered)
    folders = damage.study_folders(gathered.readable)
    refused_files = tuple(
        damage.attribute(file, series_uid, folders) for file, series_uid in gathered.refused
    )
    names = {path: found.name for path, found in gathered.files.items()}
    refused_series = refused_volumes(gathered.images, grouping.refused)
    sound = well_dated(grouping.series, refused_series)
    refused_series = without_lost_centuries(refused_series, sound)
    left_out = tuple(sorted((*gathered.left_out, *grouping.left_out), key=_by_file))
    catalogue = Catalogue(
        series=without_lost_centuries(grouping.series, sound),
        refused_series=refused_series,
        masks=masks,
        bare_studies=bare_studies(gathered.images, grouping, masks),
        refused_files=refused_files,
        left_out=tuple(_named(item, names) for item in left_out),
        digests=_digests(grouping, masks, reports, gathered.files, index)
        if options.digests
        else {},
        names=names,
        files_found=len(gathered.files),
        dicom_files=gathered.dicom_files,
        reports=reports,
        problems=(
            *gathered.problems,
            *directory_problems(gathered.directories, gathered.files.values(), _uids(gathered)),
            *_absent(options.allow_gaps, gathered.images),
            *_problems(refused_files, refused_series, gathered.left_out, names),
        ),
    )
    index.save(set(gathered.files))
    return catalogue


def _own_folder(options: ScanOptions) -> Path | None:
    """Return the folder that a scan keeps things in, made; None where nothing is remembered."""
    if options.folder is None:
        return None
    folder = options.folder / SCAN_FOLDER
    with contextlib.suppress(OSError):  # from now on the walk knows the folder as one of ours
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)  # what is unpacked into it names patients, as the archive does
    return folder


def _uids(gathered: Gathered) -> dict[str, str]:
    """Return the SOP Instance UID of every image, mask and report, by path."""
    return (
        {image.file: str(image.sop_instance_uid) for image in gathered.images}
        | {mask.path: mask.header.object_id for mask in gathered.masks}
        | {report.path: report.header.object_id for report in gathered.reports}
    )


def _absent(allow_gaps: Iterable[str], images: Iterable[InstanceHeader]) -> list[Problem]:
    """Return the series that gaps are allowed in and that are not there."""
    lacking = set(allow_gaps) - {image.series_uid for image in images}
    code = "gap_series_absent"
    return [Problem(code, f"series {uid}", reason.sentence(code)) for uid in sorted(lacking)]


def _digests(
    grouping: Grouping,
    masks: Sequence[SegFile],
    reports: Sequence[ReportFile],
    found: Mapping[str, FoundFile],
    index: ScanIndex,
) -> dict[str, str]:
    """Return the digest of every file of a series, a mask or a report."""
    files = sorted(
        {header.file for one in grouping.series for header in one.headers}
        | {file for one in grouping.refused for file in one.files}
        | {mask.path for mask in masks}
        | {report.path for report in reports}
    )
    known = {file: index.digest(found[file]) for file in files}
    missing = [file for file in files if known[file] is None]
    with ThreadPoolExecutor(_DIGEST_THREADS) as pool:
        taken = dict(zip(missing, pool.map(_digest, missing), strict=True))
    for file, digest in taken.items():
        index.keep_digest(found[file], digest)
    # the values of a label image may lie in a second file, which its id covers
    labels = {m.path: m.header.object_id for m in masks if m.header.kind == "label_image"}
    return {file: known[file] or taken[file] for file in files} | labels


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
        seen = one.file_to_see(names)
        said = f"{reason.sentence(one.reason_code)} ({one.detail}; see {seen})"
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
