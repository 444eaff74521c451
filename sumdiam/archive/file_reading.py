"""What one file of an archive is: an image, a mask, something passed over, or damaged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from imaging.header import HeaderError, InstanceHeader, read_header
from imaging.mask_file import (
    MASK_CLASSES,
    MaskHeader,
    has_detached_values,
    is_label_image_name,
    read_mask_identities,
)
from imaging.reason import ReasonedError
from imaging.sr_caliper import SR_CLASSES
from imaging.sr_report import ReportHeader, read_report_header
from imaging.volume import LeftOut
from sumdiam.archive import damage
from sumdiam.archive.damage import RefusedFile
from sumdiam.archive.dicomdir import Entry, read_directory
from sumdiam.archive.folder import FoundFile

DIRECTORY_CLASS = "1.2.840.10008.1.3.10"
IMAGE_MODALITIES = ("CT", "MR", "PT", "OT", "SC")
"""What series grouping judges; it leaves out what is no slice. All else is listed here."""
OTHER_REPORTS = ("1.2.840.10008.5.1.4.1.1.88.11", "1.2.840.10008.5.1.4.1.1.88.35")
"""Structured reports that may state lengths and are not read: basic text, extensible."""
NO_MASK = ("mask_not_labels", "mask_not_supported")
"""What is said of an image file outside DICOM that is no mask."""


@dataclass(frozen=True, slots=True)
class FileReading:
    """What one file is: one of the first four, or a report, is given.

    Parameters
    ----------
    image : InstanceHeader, optional
        For series grouping to judge.
    mask : MaskHeader, optional
        What a mask file says of its segments.
    left_out : LeftOut, optional
        Passed over, with its reason.
    refused : RefusedFile, optional
        Should be an image or a mask and cannot be read.
    dicom : bool
        Whether its header could be read as DICOM.
    study_uid, series_uid : str, optional
        What the header says; of a damaged file what could still be read of it.
    directory : (file id, SOP Instance UID)
        Of a DICOMDIR: the files that it names.
    report : ReportHeader, optional
        Of a structured report that states lengths.
    detached : bool
        Whether the values lie in a second file, whose change its own size and times do not show.
    """

    image: InstanceHeader | None = None
    mask: MaskHeader | None = None
    left_out: LeftOut | None = None
    refused: RefusedFile | None = None
    dicom: bool = False
    study_uid: str | None = None
    series_uid: str | None = None
    directory: tuple[Entry, ...] = ()
    report: ReportHeader | None = None
    detached: bool = False


def read_all(files: Iterable[FoundFile]) -> list[FileReading]:
    """Return what each of several files is; called in a process that may die of them."""
    return [read_file(file) for file in files]


def read_file(found: FoundFile) -> FileReading:
    """Return what a file is, from its header alone; nothing that it holds raises.

    Label images (NIfTI, NRRD, MetaImage) are known by their names, and read whole: their labels
    stand in no header.
    """
    if is_label_image_name(found.name):
        return _read_label_image(found)
    try:
        header = read_header(found.path)
    except HeaderError as error:
        judged = damage.judge_unreadable(found, error)
        if isinstance(judged, RefusedFile):
            return FileReading(refused=judged, series_uid=error.series_uid)
        return FileReading(left_out=judged)
    if header.sop_class_uid == DIRECTORY_CLASS:
        left_out = LeftOut(found.name, "dicomdir_not_read", "DICOMDIR")
        return FileReading(left_out=left_out, dicom=True, directory=read_directory(found.path))
    if not (header.study_uid and header.series_uid and header.sop_instance_uid):
        return FileReading(
            refused=_without_uids(found, header), dicom=True, series_uid=header.series_uid
        )
    if header.sop_class_uid in MASK_CLASSES:
        return _read_mask(found, header)
    readable = FileReading(dicom=True, study_uid=header.study_uid, series_uid=header.series_uid)
    if header.modality is None or header.modality in IMAGE_MODALITIES:
        return replace(readable, image=header)
    if header.sop_class_uid in SR_CLASSES:
        return _read_report(found, readable)
    code = "report_not_read" if header.sop_class_uid in OTHER_REPORTS else "modality_not_read"
    return replace(readable, left_out=LeftOut(found.name, code, header.modality))


def _without_uids(found: FoundFile, header: InstanceHeader) -> RefusedFile:
    """Return the refusal of a file that lacks a UID; a broken header has no rows either."""
    uids = {
        "SOP instance": header.sop_instance_uid,
        "series": header.series_uid,
        "study": header.study_uid,
    }
    detail = f"without a UID of {', '.join(level for level, uid in uids.items() if not uid)}"
    code = "unreadable_dicom" if header.rows is None else "no_uids"
    return RefusedFile(found.name, found.path, code, detail)


def _read_report(found: FoundFile, readable: FileReading) -> FileReading:
    """Return whose lengths a report states; one that states none is passed over."""
    try:
        report = read_report_header(found.path)
        detail = "it states no length"
    except ReasonedError as error:
        report, detail = None, f"{error.reason_code}, {error.detail}"
    if report is not None and report.lengths:
        return replace(readable, report=report)
    return replace(readable, left_out=LeftOut(found.name, "report_not_read", detail))


def _read_mask(found: FoundFile, header: InstanceHeader) -> FileReading:
    """Return what a DICOM mask says of its segments."""
    readable = FileReading(dicom=True, study_uid=header.study_uid, series_uid=header.series_uid)
    try:
        return replace(readable, mask=read_mask_identities(found.path))
    except ReasonedError as error:
        refused = RefusedFile(
            found.name, found.path, error.reason_code, error.detail, header.study_uid, certain=True
        )
        return replace(readable, refused=refused)


def _read_label_image(found: FoundFile) -> FileReading:
    """Return what labels an image file outside DICOM holds; an image is passed over."""
    detached = has_detached_values(found.path)
    try:
        return FileReading(mask=read_mask_identities(found.path), detached=detached)
    except ReasonedError as error:
        if error.reason_code in NO_MASK:
            left_out = LeftOut(found.name, error.reason_code, error.detail)
            return FileReading(left_out=left_out, detached=detached)
        refused = RefusedFile(found.name, found.path, error.reason_code, error.detail)
        return FileReading(refused=refused, detached=detached)
