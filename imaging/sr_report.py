"""Whose a structured report is, and how many lengths it states."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from imaging.dicom_code import code_of, text_of
from imaging.mask_fault import refusing
from imaging.sr_caliper import read_sr

_OBSERVERS = (("121008", "PersonName"), ("121012", "UID"))
"""Codes of DCM, and where their values stand: a person's name, a device's UID."""


@dataclass(frozen=True, slots=True)
class ReportHeader:
    """What a report says of itself.

    Parameters
    ----------
    object_id : SOPInstanceUID
    observer : str, optional
        Eight hexadecimal digits that stand for who measured: of the digest of a person's name or
        of a device's UID, so that the same observer is known again and nobody is named.
    lengths : int
        How many of its numbers are lengths.
    """

    object_id: str
    patient_id: str
    study_uid: str
    subject_hint: str | None
    observer: str | None
    lengths: int


def read_report_header(path: str | Path) -> ReportHeader:
    """Return whose report it is, and how many lengths it states.

    Raises
    ------
    MaskError
        ``unreadable_file`` or ``sr_unreadable``.
    """
    lengths = sum(one.caliper is not None for one in read_sr(path))
    with refusing(path):
        dataset = pydicom.dcmread(path, force=True)
        return ReportHeader(
            object_id=str(dataset.get("SOPInstanceUID", "")),
            patient_id=str(dataset.get("PatientID", "") or ""),
            study_uid=str(dataset.get("StudyInstanceUID", "")),
            subject_hint=text_of(dataset, "ClinicalTrialSubjectID"),
            observer=_observer(dataset),
            lengths=lengths,
        )


def _observer(dataset: Dataset) -> str | None:
    """Return what stands for the observer of a report: a person, else a device."""
    for code, keyword in _OBSERVERS:
        for item in dataset.get("ContentSequence") or []:
            name = code_of(item, "ConceptNameCodeSequence")
            said = text_of(item, keyword)
            if said and name is not None and name[:2] == ("DCM", code):
                return hashlib.sha256(said.encode()).hexdigest()[:8]
    return None
