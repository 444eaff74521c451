"""Whose study it is: one rule from the files to subject_id."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from sumdiam.archive import reason
from sumdiam.archive.catalogue import Catalogue
from sumdiam.archive.problem import Problem

_NEAR, _VERY_NEAR = 0.6, 0.85
"""Likeness of ids: to one that has no partner either, and to one that has."""
_MOST_COMPARED = 200


@dataclass(frozen=True, slots=True)
class StudySubjects:
    """The subject of every study that has exactly one, and what to say of the others.

    Parameters
    ----------
    subjects : mapping
        Study UID to subject id.
    refused : mapping
        Study UID to reason code (``no_subject_id``, ``mixed_subjects``).
    """

    subjects: Mapping[str, str]
    refused: Mapping[str, str]
    problems: tuple[Problem, ...]


def study_subjects(
    catalogue: Catalogue, subject_map: Mapping[str, str] | None = None
) -> StudySubjects:
    """Return the subject of every study.

    Notes
    -----
    ClinicalTrialSubjectID, else PatientID through the subject map, else PatientID itself with a
    warning, as it may identify a person. A file without a ClinicalTrialSubjectID in a study whose
    other files have one does not contradict them; two patients or two subject ids do.
    """
    patients: dict[str, set[str]] = defaultdict(set)
    hints: dict[str, set[str]] = defaultdict(set)
    for study_uid, patient_id, hint in _claims(catalogue):
        if patient_id.strip():
            patients[study_uid].add(patient_id.strip())
        if hint and hint.strip():
            hints[study_uid].add(hint.strip())
    subjects, refused, unmapped = {}, {}, []
    problems = []
    for study_uid in catalogue.studies():
        named = hints[study_uid] or {
            (subject_map or {}).get(patient, patient) for patient in patients[study_uid]
        }
        if len(hints[study_uid]) > 1 or len(patients[study_uid]) > 1 or len(named) > 1:
            refused[study_uid] = "mixed_subjects"
        elif not named:
            if _only_damaged(study_uid, catalogue):
                continue  # nothing of it could be read; its files are listed
            refused[study_uid] = "no_subject_id"
        else:
            subjects[study_uid] = next(iter(named))
            if not hints[study_uid] and not patients[study_uid] & set(subject_map or {}):
                unmapped.append(subjects[study_uid])
    problems += [
        Problem(code, f"study {study_uid}", reason.sentence(code), refused=True)
        for study_uid, code in sorted(refused.items())
    ]
    if unmapped:
        several = sorted(set(unmapped))
        where = f"{several[0]}" + (f" and {len(several) - 1} more" if len(several) > 1 else "")
        code = "patient_id_as_subject"
        problems.append(Problem(code, where, reason.sentence(code)))
    return StudySubjects(subjects, refused, tuple(problems))


def _claims(catalogue: Catalogue) -> list[tuple[str, str, str | None]]:
    """Return (study, patient id, subject id) of everything that was read."""
    return [
        *((one.study_uid, one.patient_id, one.subject_hint) for one in catalogue.series),
        *((one.study_uid, one.patient_id, one.subject_hint) for one in catalogue.refused_series),
        *((one.study_uid, one.patient_id, one.subject_hint) for one in catalogue.bare_studies),
        *(
            (one.header.study_uid, one.header.patient_id, one.header.subject_hint)
            for one in catalogue.masks
        ),
    ]


def _only_damaged(study_uid: str, catalogue: Catalogue) -> bool:
    """Return whether a study is known only from files that cannot be read."""
    read = {study for study, _, _ in _claims(catalogue)}
    return study_uid not in read


def subject_problems(subjects: pd.DataFrame | None, plan: pd.DataFrame) -> list[Problem]:
    """Return which subjects are in the archive or in the table of subjects, but not in both."""
    return [] if subjects is None else id_problems(subjects["subject_id"], plan["subject_id"])


def id_problems(in_table: Iterable[str], in_archive: Iterable[str]) -> list[Problem]:
    """Return the ids that stand on one side only, with those of the other that may be meant."""
    table, archive = set(map(str, in_table)), set(map(str, in_archive))
    return [
        Problem(code, subject, reason.sentence(code) + _nearest(subject, theirs - ours, theirs))
        for code, ours, theirs in (
            ("subject_not_in_table", archive, table),
            ("subject_without_images", table, archive),
        )
        for subject in sorted(ours - theirs)
    ]


def _nearest(subject: str, alone: Collection[str], others: Collection[str]) -> str:
    """Ask whether an id is meant to be one of the other side: first of those without a partner."""
    if len(alone) > _MOST_COMPARED:
        return " Nearly no id is on both sides: is one of them of another kind?"
    near = _alike(subject, alone, _NEAR) or _alike(subject, others, _VERY_NEAR)
    return f" Is it meant to be {' or '.join(near)}?" if near else ""


def _alike(subject: str, names: Collection[str], cutoff: float) -> list[str]:
    """Return the ids that are written most like this one, apart from case and separators."""
    plain: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        plain[_plain(name)].append(name)
    found = difflib.get_close_matches(_plain(subject), list(plain), 3, cutoff)
    return [name for key in found for name in plain[key]][:3]


def _plain(name: str) -> str:
    """Write an id without case and separators; their loss is the commonest slip."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())
