"""Identities and dates of studies, held against each other before anything rests on them."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from imaging.series import ImageSeries
from sumdiam.archive import reason
from sumdiam.archive.catalogue import Catalogue, RefusedVolume
from sumdiam.archive.problem import Problem
from sumdiam.archive.subject import StudySubjects

DATE_FLAGS = ("date_unreadable", "dates_differ", "date_implausible", "no_date")
FAR_APART_DAYS = 15 * 365
"""No trial follows a liver tumour so long; a date is wrong, or two persons share an id."""
_EARLIEST, _LATEST = 1980, 2099


def archive_problems(catalogue: Catalogue, owners: StudySubjects) -> tuple[Problem, ...]:
    """Return what is doubtful about whose studies these are, and of when.

    Parameters
    ----------
    catalogue : Catalogue
    owners : StudySubjects
        As `study_subjects` returns it.

    Notes
    -----
    Nothing is refused for it: which of two dates or ids is wrong is not ours to guess. Mixed
    patients and subjects are refused elsewhere (`imaging.series`, `study_subjects`).
    """
    days = study_days(catalogue)
    return (
        *_identities(catalogue, owners),
        *_flags(catalogue, owners.subjects),
        *_days_of_studies(days, owners.subjects),
        *_days_of_subjects(days, owners.subjects),
    )


def study_days(catalogue: Catalogue) -> dict[str, tuple[dt.date, ...]]:
    """Return the distinct days on which the volumes of each study were acquired."""
    days: dict[str, set[dt.date]] = defaultdict(set)
    for volume in _volumes(catalogue):
        if volume.acquired_on is not None:
            days[volume.study_uid].add(volume.acquired_on)
    return {uid: tuple(sorted(found)) for uid, found in sorted(days.items())}


def subject_scans(
    catalogue: Catalogue, subjects: Mapping[str, str]
) -> dict[str, tuple[dt.date, ...]]:
    """Return the first day of each study of every subject, in order."""
    scans: dict[str, set[dt.date]] = defaultdict(set)
    for uid, days in study_days(catalogue).items():
        if uid in subjects:
            scans[subjects[uid]].add(days[0])
    return {name: tuple(sorted(found)) for name, found in scans.items()}


def _identities(catalogue: Catalogue, owners: StudySubjects) -> Iterator[Problem]:
    """Yield ids that look like one person under two names, or two persons under one."""
    alike: dict[str, set[str]] = defaultdict(set)
    for subject in owners.subjects.values():
        alike[plain_id(subject)].add(subject)
    for names in alike.values():
        if len(names) > 1:
            yield _problem("similar_subject_ids", ", ".join(sorted(names)))
    patients: dict[str, set[str]] = defaultdict(set)
    for volume in _volumes(catalogue):
        if volume.patient_id.strip() and volume.study_uid in owners.subjects:
            patients[volume.patient_id.strip()].add(owners.subjects[volume.study_uid])
    for _, several in sorted(patients.items()):
        if len(several) > 1:
            yield _problem("patient_of_two_subjects", " and ".join(sorted(several)))
    yield from _strangers(catalogue, owners)


def _strangers(catalogue: Catalogue, owners: StudySubjects) -> Iterator[Problem]:
    """Yield subjects of which a study names another patient than the studies before it.

    Only where the files themselves name the subject: a subject map may join patients on purpose.
    """
    studies: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for volume in _volumes(catalogue):
        named = bool((volume.subject_hint or "").strip()) and volume.study_uid in owners.subjects
        if named and volume.patient_id.strip():
            subject = owners.subjects[volume.study_uid]
            studies[subject][plain_id(volume.patient_id)].add(volume.study_uid)
    for subject, by_patient in sorted(studies.items()):
        if len(by_patient) > 1:
            groups = sorted(", ".join(sorted(uids)) for uids in by_patient.values())
            detail = f"Of one patient each: study {'; study '.join(groups)}."
            yield _problem("subject_of_two_patients", subject, detail)


def _volumes(catalogue: Catalogue) -> list[ImageSeries | RefusedVolume]:
    """Return the volumes of a catalogue, whether they can be measured or not."""
    return [*catalogue.series, *catalogue.refused_series]


def plain_id(name: str) -> str:
    """Write an id without case, separators and leading zeros of its numbers.

    Examples
    --------
    >>> plain_id("HCC_007") == plain_id("hcc-7")
    True
    """
    parts = re.findall(r"\d+|[^\W\d_]+", name.casefold())
    return " ".join(part.lstrip("0") or "0" if part.isdigit() else part for part in parts)


def _flags(catalogue: Catalogue, subjects: Mapping[str, str]) -> Iterator[Problem]:
    """Yield one problem per study and kind of doubtful date."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in catalogue.series:
        for flag in DATE_FLAGS:
            if flag in one.report.flags:
                found[one.study_uid, flag].update(_written(one.headers))
    for (uid, flag), dates in sorted(found.items()):
        said = ", ".join(sorted(dates)) or "none"
        yield _problem(flag, _where(uid, subjects), f"Found: {said}.{_century(flag, dates)}")


def _written(headers: Iterable[object]) -> set[str]:
    """Return the dates of headers as they are written."""
    names = ("acquisition_date", "series_date", "study_date")
    cells = {getattr(header, name) for header in headers for name in names}
    return {str(cell) for cell in cells if cell}


def _century(flag: str, dates: Iterable[str]) -> str:
    """Say which year may be meant by one of another century."""
    if flag != "date_implausible":
        return ""
    for written in sorted(dates):
        match = re.match(r"(\d{4})", written)
        for years in (100, -100) if match else ():
            meant = int(match.group(1)) + years if match else 0
            wrong = meant - years
            if _EARLIEST <= meant <= _LATEST and not _EARLIEST <= wrong <= _LATEST:
                return f" Is {wrong} meant to be {meant}?"
    return ""


def _days_of_studies(
    days: Mapping[str, tuple[dt.date, ...]], subjects: Mapping[str, str]
) -> Iterator[Problem]:
    """Yield the studies whose volumes were acquired more than a day apart."""
    for uid, found in days.items():
        if (found[-1] - found[0]).days > 1:
            detail = f"Found: {found[0]:%Y-%m-%d} to {found[-1]:%Y-%m-%d}."
            yield _problem("study_days_differ", _where(uid, subjects), detail)


def _days_of_subjects(
    days: Mapping[str, tuple[dt.date, ...]], subjects: Mapping[str, str]
) -> Iterator[Problem]:
    """Yield the subjects with studies so far apart that a date must be wrong."""
    scans: dict[str, set[dt.date]] = defaultdict(set)
    for uid, found in days.items():
        if uid in subjects:
            scans[subjects[uid]].add(found[0])
    for subject, dates in sorted(scans.items()):
        for earlier, later in pairwise(sorted(dates)):
            if (later - earlier).days > FAR_APART_DAYS:
                detail = f"Found: {earlier:%Y-%m-%d} and {later:%Y-%m-%d}."
                yield _problem("studies_far_apart", subject, detail)


def _where(study_uid: str, subjects: Mapping[str, str]) -> str:
    """Name a study, with its subject where it has one."""
    subject = subjects.get(study_uid)
    return f"{subject}, study {study_uid}" if subject else f"study {study_uid}"


def _problem(code: str, where: str, detail: str = "") -> Problem:
    """Return a problem with what was found."""
    return Problem(code, where, f"{reason.sentence(code)} {detail}".strip())
