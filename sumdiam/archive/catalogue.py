"""What archives hold: series, masks, and everything that was refused or passed over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from imaging.dicom_seg import SegHeader, read_segment_identities
from imaging.header import HeaderError, InstanceHeader, file_digest, read_header
from imaging.reason import ReasonedError
from imaging.series import Grouping, ImageSeries, RefusedSeries, group_series
from imaging.series_date import acquired
from imaging.volume import LeftOut
from sumdiam.archive import damage, reason
from sumdiam.archive.damage import RefusedFile
from sumdiam.archive.folder import ArchiveError, FoundFile, walk_folder
from sumdiam.archive.problem import Problem

Progress = Callable[[int, int], None]
"""Called with the number of files read and the number of files found."""

SEG_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
DIRECTORY_CLASS = "1.2.840.10008.1.3.10"
IMAGE_MODALITIES = ("CT", "MR", "PT", "OT", "SC")
"""What series grouping judges; it leaves out what is no slice. All else is listed here."""
_DIGEST_THREADS = 4


@dataclass(frozen=True, slots=True)
class SegFile:
    """A segmentation file: where it is, and what it says of itself."""

    file: str
    path: str
    header: SegHeader


@dataclass(frozen=True, slots=True)
class BareStudy:
    """A study whose images form no volume at all: localizers, screenshots, reformats."""

    study_uid: str
    patient_id: str
    subject_hint: str | None
    files: int


@dataclass(frozen=True, slots=True)
class RefusedVolume:
    """Slices that form no volume, with what their headers still say of it.

    Parameters
    ----------
    volume_id : str
        Series UID, ``#refused``; numbered where a series was refused in several parts.
    study_uid, patient_id, subject_hint
        Of most of its files.
    other_studies : study UIDs
        That at least two further files name: their volumes may be among these. A single file that
        strayed says nothing of the study that it names, whose own volumes show what they lack.
    header : InstanceHeader
        First file of that study, by name.
    acquired_on, acquisition_time
        As of a volume.
    """

    volume_id: str
    study_uid: str
    series_uid: str
    patient_id: str
    subject_hint: str | None
    other_studies: tuple[str, ...]
    reason_code: str
    detail: str
    files: tuple[str, ...]
    header: InstanceHeader
    acquired_on: date | None
    acquisition_time: str | None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that a scan understood of the archives, in a fixed order.

    Parameters
    ----------
    series : ImageSeries
        Volumes, as grouped by `imaging.series`.
    refused_series : RefusedVolume
    masks : SegFile
    bare_studies : BareStudy
    refused_files : RefusedFile
        Files that should be DICOM and cannot be read.
    left_out : LeftOut
        Localizers, duplicates, other objects, files that are not DICOM.
    digests : mapping
        SHA-256 of every file of a series or mask, by absolute path.
    names : mapping
        Name relative to its archive, by absolute path.
    files_found, dicom_files : int
    problems : Problem
        What a person should know.
    """

    series: tuple[ImageSeries, ...] = ()
    refused_series: tuple[RefusedVolume, ...] = ()
    masks: tuple[SegFile, ...] = ()
    bare_studies: tuple[BareStudy, ...] = ()
    refused_files: tuple[RefusedFile, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    files_found: int = 0
    dicom_files: int = 0
    problems: tuple[Problem, ...] = ()

    def studies(self) -> tuple[str, ...]:
        """Return the UIDs of all studies, sorted."""
        return tuple(
            sorted(
                {one.study_uid for one in self.series}
                | {one.study_uid for one in self.refused_series}
                | {one.header.study_uid for one in self.masks}
                | {one.study_uid for one in self.bare_studies}
                | {one.study_uid for one in self.refused_files if one.study_uid}
            )
        )


@dataclass(slots=True)
class _Scan:
    """What is gathered while files are read one after the other."""

    images: list[InstanceHeader] = field(default_factory=list)
    masks: list[SegFile] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    refused: list[tuple[RefusedFile, str | None]] = field(default_factory=list)
    readable: dict[str, tuple[str, str]] = field(default_factory=dict)
    dicom_files: int = 0


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
        _read(found, scan)
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
    refused_series = _refused_volumes(scan.images, grouping.refused)
    left_out = tuple(sorted((*scan.left_out, *grouping.left_out), key=_by_file))
    return Catalogue(
        series=grouping.series,
        refused_series=refused_series,
        masks=masks,
        bare_studies=_bare_studies(scan.images, grouping, masks),
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


def _read(found: FoundFile, scan: _Scan) -> None:
    """Read one file's header and sort it in."""
    try:
        header = read_header(found.path)
    except HeaderError as error:
        judged = damage.judge_unreadable(found, error)
        if isinstance(judged, RefusedFile):
            scan.refused.append((judged, error.series_uid))
        else:
            scan.left_out.append(judged)
        return
    scan.dicom_files += 1
    if header.sop_class_uid == DIRECTORY_CLASS:
        scan.left_out.append(LeftOut(found.name, "dicomdir_not_read", "DICOMDIR"))
    elif not (header.study_uid and header.series_uid and header.sop_instance_uid):
        refused = RefusedFile(found.name, found.path, "unreadable_dicom", "no UIDs")
        scan.refused.append((refused, header.series_uid))
    elif header.sop_class_uid in SEG_CLASSES:
        _read_mask(found, header, scan)
    elif header.modality is None or header.modality in IMAGE_MODALITIES:
        scan.images.append(header)
        scan.readable[found.path] = (header.study_uid, header.series_uid)
    else:
        scan.left_out.append(LeftOut(found.name, "modality_not_read", header.modality))
        scan.readable[found.path] = (header.study_uid, header.series_uid)


def _read_mask(found: FoundFile, header: InstanceHeader, scan: _Scan) -> None:
    """Read what a segmentation says of its segments."""
    try:
        identities = read_segment_identities(found.path)
    except ReasonedError as error:
        refused = RefusedFile(
            found.name, found.path, error.reason_code, error.detail, header.study_uid, certain=True
        )
        scan.refused.append((refused, header.series_uid))
        return
    scan.masks.append(SegFile(found.name, found.path, identities))
    scan.readable[found.path] = (str(header.study_uid), str(header.series_uid))


def _without_copies(scan: _Scan) -> tuple[SegFile, ...]:
    """Return one file per segmentation; copies are left out, contradictions refused."""
    kept: dict[str, SegFile] = {}
    spoilt: set[str] = set()
    for mask in scan.masks:
        uid = mask.header.sop_instance_uid
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
    return tuple(mask for uid, mask in kept.items() if uid not in spoilt)


def _refused_volumes(
    headers: Iterable[InstanceHeader], refused: Iterable[RefusedSeries]
) -> tuple[RefusedVolume, ...]:
    """Return refused series with the study and subject of most of their files.

    One foreign slice must not move a series into the foreigner's study.
    """
    by_file = {header.file: header for header in headers}
    volumes = []
    count: Counter[str] = Counter()
    for one in refused:
        mine = [by_file[file] for file in one.files]
        studies = Counter(str(header.study_uid) for header in mine)
        study_uid = min(studies, key=lambda uid: (-studies[uid], uid))
        mine = [header for header in mine if header.study_uid == study_uid]
        patients = Counter(header.patient_id or "" for header in mine)
        hints = Counter(h.clinical_trial_subject_id for h in mine if h.clinical_trial_subject_id)
        count[one.series_uid] += 1
        number = "" if count[one.series_uid] == 1 else f"-{count[one.series_uid]}"
        when = acquired(mine)
        volumes.append(
            RefusedVolume(
                volume_id=f"{one.series_uid}#refused{number}",
                study_uid=study_uid,
                series_uid=one.series_uid,
                patient_id=min(patients, key=lambda name: (-patients[name], name)),
                subject_hint=min(hints, key=lambda name: (-hints[name], name), default=None),
                other_studies=tuple(
                    sorted(uid for uid, n in studies.items() if n > 1 and uid != study_uid)
                ),
                reason_code=one.reason_code,
                detail=one.detail,
                files=one.files,
                header=mine[0],
                acquired_on=when.day,
                acquisition_time=when.time,
            )
        )
    return tuple(volumes)


def _bare_studies(
    headers: Sequence[InstanceHeader], grouping: Grouping, masks: Iterable[SegFile]
) -> tuple[BareStudy, ...]:
    """Return the studies all of whose images were left out."""
    used = {header.study_uid for one in grouping.series for header in one.headers}
    used |= {mask.header.study_uid for mask in masks}
    refused = {file for one in grouping.refused for file in one.files}
    used |= {header.study_uid for header in headers if header.file in refused}
    bare: dict[str, list[InstanceHeader]] = {}
    for header in headers:
        if header.study_uid not in used:
            bare.setdefault(str(header.study_uid), []).append(header)
    return tuple(
        BareStudy(
            study_uid,
            next((h.patient_id for h in own if h.patient_id), ""),
            next((h.clinical_trial_subject_id for h in own if h.clinical_trial_subject_id), None),
            len(own),
        )
        for study_uid, own in sorted(bare.items())
    )


def _digests(grouping: Grouping, masks: Iterable[SegFile]) -> dict[str, str]:
    """Return the digest of every file of a series or a mask."""
    files = sorted(
        {header.file for one in grouping.series for header in one.headers}
        | {file for one in grouping.refused for file in one.files}
        | {mask.path for mask in masks}
    )
    with ThreadPoolExecutor(_DIGEST_THREADS) as pool:
        return dict(zip(files, pool.map(_digest, files), strict=True))


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
