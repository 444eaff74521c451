"""What archives hold: series, masks, and everything that was refused or passed over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from imaging.header import InstanceHeader
from imaging.mask import MaskHeader
from imaging.series import ImageSeries
from imaging.sr_report import ReportHeader
from imaging.volume import LeftOut
from sumdiam.archive.damage import RefusedFile
from sumdiam.archive.problem import Problem


@dataclass(frozen=True, slots=True)
class SegFile:
    """A mask file of any kind: where it is, and what it says of itself."""

    file: str
    path: str
    header: MaskHeader


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A structured report that states lengths: where it is, and what it says of itself."""

    file: str
    path: str
    header: ReportHeader


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

    def file_to_see(self, names: Mapping[str, str]) -> str:
        """Return the file that the detail speaks of, else the first, under its archive name."""
        if not self.files:
            return "no file"
        spoken_of = (file for file in self.files if f"{Path(file).name}:" in self.detail)
        file = next(spoken_of, self.files[0])
        return names.get(file, file)


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
    reports : ReportFile
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
    reports: tuple[ReportFile, ...] = ()

    def studies(self) -> tuple[str, ...]:
        """Return the UIDs of all studies, sorted."""
        return tuple(
            sorted(
                {one.study_uid for one in self.series}
                | {one.study_uid for one in self.refused_series}
                | {one.header.study_uid for one in self.masks if one.header.study_uid}
                | {one.study_uid for one in self.bare_studies}
                | {one.study_uid for one in self.refused_files if one.study_uid}
            )
        )
