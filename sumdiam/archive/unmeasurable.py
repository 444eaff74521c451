"""Series that form no volume, and studies without one, with what their headers still say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from imaging.header import InstanceHeader
from imaging.series import Grouping, RefusedSeries
from imaging.series_date import acquired
from sumdiam.archive.catalogue import BareStudy, RefusedVolume, SegFile


def refused_volumes(
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


def bare_studies(
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
