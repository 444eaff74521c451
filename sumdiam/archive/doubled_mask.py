"""Masks and reports that the archives hold twice: copies left out, contradictions refused."""

from __future__ import annotations

from imaging.header import file_digest
from imaging.volume import LeftOut
from sumdiam.archive import label_file
from sumdiam.archive.catalogue import ReportFile, SegFile
from sumdiam.archive.damage import RefusedFile
from sumdiam.archive.gather import Gathered


def without_copies(scan: Gathered) -> tuple[SegFile, ...]:
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


def reports_without_copies(scan: Gathered) -> tuple[ReportFile, ...]:
    """Return one file per report; copies are left out, and of two contents none is read.

    A report decides nothing that is measured, so that its study is not refused with it.
    """
    kept: dict[str, ReportFile] = {}
    spoilt: set[str] = set()
    for report in sorted(scan.reports, key=lambda one: one.file):
        uid = report.header.object_id
        first = kept.setdefault(uid, report)
        if first is report:
            continue
        if file_digest(first.path) == file_digest(report.path):
            scan.left_out.append(LeftOut(report.file, "duplicate", f"copy of {first.file}"))
            continue
        detail = f"several files with other contents have its UID {uid}"
        for one in (first, report) if uid not in spoilt else (report,):
            scan.left_out.append(LeftOut(one.file, "report_not_read", detail))
        spoilt.add(uid)
    return tuple(report for uid, report in kept.items() if uid not in spoilt)
