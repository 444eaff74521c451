"""A catalogue as tables: studies, series, masks, reports, files that are not used, problems."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from imaging.series import ImageSeries
from sumdiam.archive import reason
from sumdiam.archive.catalogue import Catalogue, RefusedVolume
from sumdiam.archive.date_check import study_days
from sumdiam.archive.problem import Problem
from sumdiam.archive.subject import StudySubjects

STUDY = {
    "subject_id": "string", "study_uid": "string", "first_on": "datetime64[ns]",
    "last_on": "datetime64[ns]", "modalities": "string", "volumes": "Int64",
    "refused_volumes": "Int64", "masks": "Int64", "segments": "Int64", "refused_files": "Int64",
    "reason_code": "string",
}  # fmt: skip
SERIES = {
    "volume_id": "string", "subject_id": "string", "study_uid": "string", "series_uid": "string",
    "modality": "string", "description": "string", "acquired_on": "datetime64[ns]",
    "acquisition_time": "string", "files": "Int64", "slices": "Int64", "rows": "Int64",
    "columns": "Int64", "spacing_z_mm": "float64", "spacing_y_mm": "float64",
    "spacing_x_mm": "float64", "state": "string", "reason_code": "string", "detail": "string",
    "flags": "string", "first_file": "string",
}  # fmt: skip
MASK = {
    "file": "string", "subject_id": "string", "study_uid": "string", "object_id": "string",
    "kind": "string", "segments": "Int64", "labels": "string", "referenced_series_uid": "string",
}  # fmt: skip
REPORT = {
    "file": "string", "subject_id": "string", "study_uid": "string", "object_id": "string",
    "observer": "string", "lengths": "Int64",
}  # fmt: skip
NOT_USED = {
    "file": "string", "state": "string", "reason_code": "string", "detail": "string",
    "study_uid": "string", "sentence": "string",
}  # fmt: skip
PROBLEM = {"code": "string", "where": "string", "sentence": "string", "refused": "boolean"}


def catalogue_tables(
    catalogue: Catalogue, owners: StudySubjects, problems: tuple[Problem, ...]
) -> dict[str, pd.DataFrame]:
    """Return the tables of a catalogue, by name; of persons they hold ids, nothing else.

    Parameters
    ----------
    catalogue : Catalogue
    owners : StudySubjects
    problems : Problem
        Of the catalogue, its identities and dates.
    """
    return {
        "studies": _studies(catalogue, owners),
        "series": series_table(catalogue, owners.subjects),
        "masks": _masks(catalogue, owners.subjects),
        "reports": _reports(catalogue, owners.subjects),
        "not_used": not_used_table(catalogue),
        "problems": _frame([(p.code, p.where, p.sentence, p.refused) for p in problems], PROBLEM),
    }


def series_table(catalogue: Catalogue, subjects: Mapping[str, str]) -> pd.DataFrame:
    """Return one row per volume, read or refused, by subject, study and volume."""
    rows = [_series_row(one, catalogue, subjects) for one in catalogue.series]
    rows += [_refused_row(one, catalogue, subjects) for one in catalogue.refused_series]
    rows.sort(key=lambda row: (row[1], row[2], row[0]))
    return _frame(rows, SERIES)


def _series_row(
    one: ImageSeries, catalogue: Catalogue, subjects: Mapping[str, str]
) -> tuple[Any, ...]:
    """Return the row of a volume."""
    slices, rows, columns = one.geometry.shape
    files = sorted({catalogue.names.get(header.file, header.file) for header in one.headers})
    spacing = (float(f"{part:.6g}") for part in one.geometry.spacing_mm)
    return (
        one.volume_id, subjects.get(one.study_uid, ""), one.study_uid, one.series_uid, one.modality,
        one.description, one.acquired_on, one.acquisition_time, len(files), slices, rows, columns,
        *spacing, "read", None, None, ";".join(one.report.flags) or None, files[0],
    )  # fmt: skip


def _refused_row(
    one: RefusedVolume, catalogue: Catalogue, subjects: Mapping[str, str]
) -> tuple[Any, ...]:
    """Return the row of slices that form no volume."""
    names = sorted(catalogue.names.get(file, file) for file in one.files)
    return (
        one.volume_id, subjects.get(one.study_uid, ""), one.study_uid, one.series_uid,
        one.header.modality, one.header.series_description, one.acquired_on, one.acquisition_time,
        len(names), None, one.header.rows, one.header.columns, None, None, None, "refused",
        one.reason_code, one.detail, None, next(iter(names), None),
    )  # fmt: skip


def _studies(catalogue: Catalogue, owners: StudySubjects) -> pd.DataFrame:
    """Return one row per study."""
    days = study_days(catalogue)
    volumes = Counter(one.study_uid for one in catalogue.series)
    refused = Counter(one.study_uid for one in catalogue.refused_series)
    masks = Counter(one.header.study_uid for one in catalogue.masks)
    segments: Counter[str] = Counter()
    for mask in catalogue.masks:
        segments[mask.header.study_uid] += len(mask.header.segments)
    files = Counter(one.study_uid for one in catalogue.refused_files if one.study_uid)
    kinds = study_modalities(catalogue)
    rows = [
        (
            owners.subjects.get(uid, ""), uid, *_ends(days.get(uid, ())),
            ";".join(kinds.get(uid, ())) or None, volumes[uid],
            refused[uid], masks[uid], segments[uid], files[uid], owners.refused.get(uid),
        )
        for uid in catalogue.studies()
    ]  # fmt: skip
    rows.sort(key=lambda row: (row[0], str(row[2] or "9999"), row[1]))
    return _frame(rows, STUDY)


def _ends(days: Sequence[dt.date]) -> tuple[dt.date | None, dt.date | None]:
    """Return the first and the last day."""
    return (days[0], days[-1]) if days else (None, None)


def study_modalities(catalogue: Catalogue) -> dict[str, list[str]]:
    """Return the modalities of the volumes of each study, sorted."""
    found: dict[str, set[str]] = {}
    for one in catalogue.series:
        found.setdefault(one.study_uid, set()).add(one.modality)
    for refused in catalogue.refused_series:
        if refused.header.modality:
            found.setdefault(refused.study_uid, set()).add(refused.header.modality)
    return {uid: sorted(kinds) for uid, kinds in found.items()}


def _masks(catalogue: Catalogue, subjects: Mapping[str, str]) -> pd.DataFrame:
    """Return one row per mask file."""
    rows = [
        (
            mask.file, subjects.get(mask.header.study_uid, ""), mask.header.study_uid or None,
            mask.header.object_id, mask.header.kind, len(mask.header.segments),
            ";".join(segment.label for segment in mask.header.segments) or None,
            mask.header.referenced_series_uid,
        )
        for mask in sorted(catalogue.masks, key=lambda one: (one.file, one.header.object_id))
    ]  # fmt: skip
    return _frame(rows, MASK)


def _reports(catalogue: Catalogue, subjects: Mapping[str, str]) -> pd.DataFrame:
    """Return one row per structured report that states lengths."""
    rows = [
        (
            report.file, subjects.get(report.header.study_uid, ""),
            report.header.study_uid or None, report.header.object_id, report.header.observer,
            report.header.lengths,
        )
        for report in sorted(catalogue.reports, key=lambda one: (one.file, one.header.object_id))
    ]  # fmt: skip
    return _frame(rows, REPORT)


def not_used_table(catalogue: Catalogue) -> pd.DataFrame:
    """Return every file that is not used, and why."""
    rows: list[tuple[Any, ...]] = [
        (one.file, "left out", one.reason_code, one.detail, None, reason.sentence(one.reason_code))
        for one in catalogue.left_out
    ]
    rows += [
        (one.file, "refused", one.reason_code, one.detail, one.study_uid,
         reason.sentence(one.reason_code))
        for one in catalogue.refused_files
    ]  # fmt: skip
    for volume in catalogue.refused_series:
        said = reason.sentence(volume.reason_code)
        rows += [
            (catalogue.names.get(file, file), "refused", volume.reason_code, volume.detail,
             volume.study_uid, said)
            for file in volume.files
        ]  # fmt: skip
    rows.sort(key=lambda row: tuple(str(cell) for cell in row[:4]))
    return _frame(rows, NOT_USED)


def _frame(rows: list[tuple[Any, ...]], columns: Mapping[str, str]) -> pd.DataFrame:
    """Return a typed table."""
    return pd.DataFrame(rows, columns=list(columns), dtype=object).astype(dict(columns))
