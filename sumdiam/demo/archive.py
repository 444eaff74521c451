"""The simulated trial as a DICOM archive: images, masks, and a little dirt."""

from __future__ import annotations

import datetime as dt
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

from imaging.reference_dicom import file_meta
from imaging.reference_object import (
    Acquisition,
    ReferenceStudy,
    Scan,
    SeriesIdentity,
    StudyIdentity,
    reference_study,
)
from sumdiam.demo.anatomy import BODY, field_of, reference_lesions
from sumdiam.demo.trial import DemoSubject

SERIES = {
    "native": SeriesIdentity(2, "LIVER NATIVE 2.5", 0.0),
    "late_arterial": SeriesIdentity(3, "LIVER ARTERIAL 2.5", 155.0, "IOMEPROL"),
    "portal_venous": SeriesIdentity(4, "LIVER PORTAL VENOUS 2.5", 190.0, "IOMEPROL"),
}


class Named(Protocol):
    """A subject of any trial."""

    @property
    def subject_id(self) -> str:
        """Its id."""


OneSubject = TypeVar("OneSubject", bound=Named)
_SCOUT = SeriesIdentity(1, "SCOUT", -60.0)
_QUIETEST_HU, _NOISE_STEP_HU = 8.0, 0.7


def write_archive(
    subjects: tuple[DemoSubject, ...],
    folder: Path,
    *,
    workers: int = 2,
    progress: Callable[[str], None] | None = None,
) -> int:
    """Write every study of every subject below a folder; return the number of studies.

    Parameters
    ----------
    folder : Path
        ``<folder>/<subject_id>/<date>/<phase>/0001.dcm`` and ``.../masks.dcm``.
    progress
        Called with a subject's id when its studies are written.

    Notes
    -----
    Which process writes a subject changes nothing: the noise hangs on subject, visit and phase.
    """
    write_subjects(subjects, folder, write_subject, workers=workers, progress=progress)
    _add_dirt(subjects, folder)
    return sum(len(subject.visits) for subject in subjects)


def write_subjects(
    subjects: Sequence[OneSubject],
    folder: Path,
    write: Callable[[OneSubject, Path], object],
    *,
    workers: int,
    progress: Callable[[str], None] | None,
) -> None:
    """Write subjects in turn or, with two workers or more, on several processes."""
    if workers < 2 or len(subjects) < 2:
        for subject in subjects:
            write(subject, folder)
            if progress:
                progress(subject.subject_id)
    else:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            done = pool.map(write, subjects, [folder] * len(subjects))
            for subject, _ in zip(subjects, done, strict=True):
                if progress:
                    progress(subject.subject_id)


def write_subject(subject: DemoSubject, folder: Path) -> int:
    """Write the studies of one subject; return how many."""
    for visit in range(len(subject.visits)):
        write_study(subject, visit, study_folder(subject, visit, folder))
    return len(subject.visits)


def study_folder(subject: DemoSubject, visit: int, folder: Path) -> Path:
    """Return where a study lies in the archive."""
    return folder / subject.subject_id / f"{subject.day(subject.visits[visit])}"


def write_study(subject: DemoSubject, visit: int, folder: Path) -> None:
    """Write image series and masks of one study."""
    study = reference_study(
        study_of(subject, visit),
        field_of(subject),
        reference_lesions(subject, visit),
        [Scan(phase, SERIES[phase]) for phase in subject.phases_at(visit)],
        body=BODY,
        acquisition=Acquisition(_QUIETEST_HU + _NOISE_STEP_HU * (subject.number % 4)),
    )
    write_datasets(study, folder)


def write_datasets(study: ReferenceStudy, folder: Path) -> None:
    """Write the series of a study, one folder each, and its masks beside them."""
    for phase, instances in study.series.items():
        (folder / phase).mkdir(parents=True, exist_ok=True)
        for number, instance in enumerate(instances, 1):
            instance.save_as(folder / phase / f"{number:04d}.dcm", enforce_file_format=True)
    for device in study.seg.get("ContributingEquipmentSequence", ()):
        device.pop("ContributionDateTime", None)  # highdicom takes it from the clock
    study.seg.save_as(folder / "masks.dcm", enforce_file_format=True)


def study_of(subject: DemoSubject, visit: int) -> StudyIdentity:
    """Return whose study it is and when it was acquired."""
    return StudyIdentity(
        subject_id=subject.subject_id,
        visit=f"visit {visit}",
        acquired_on=subject.day(subject.visits[visit]),
        acquired_at=dt.time(8 + subject.number % 9, 7 * visit % 60),
        trial="SUMDIAM-DEMO",
        sex=subject.covariates["sex"],
    )


def _add_dirt(subjects: tuple[DemoSubject, ...], folder: Path) -> None:
    """Add what archives hold besides: a localizer, a doubled file, a text, a damaged file."""
    for subject in subjects:
        for visit in subject.unreadable:
            files = sorted((study_folder(subject, visit, folder) / "late_arterial").iterdir())
            whole = files[len(files) // 2].read_bytes()
            files[len(files) // 2].write_bytes(whole[: len(whole) // 3])
    first, last = subjects[0], subjects[-1]
    here = study_folder(first, 0, folder)
    write_scout(here, study_of(first, 0), here / "native" / "0012.dcm")
    doubled = study_folder(last, 0, folder) / "native" / "0003.dcm"
    (doubled.parent / "copy of 0003.dcm").write_bytes(doubled.read_bytes())
    (study_folder(last, 0, folder) / "readme.txt").write_text("Simulated. No patient.\n")


def write_scout(folder: Path, study: StudyIdentity, source: Path) -> None:
    """Write a scout made from one native slice, as scanners put one into every study."""
    from pydicom import dcmread

    scout = dcmread(source)
    scout.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    scout.SeriesNumber, scout.SeriesDescription = _SCOUT.number, _SCOUT.description
    scout.SeriesInstanceUID = study.uid("series", "scout")
    scout.SOPInstanceUID = study.uid("series", "scout", "0")
    scout.ImageOrientationPatient = ["1", "0", "0", "0", "0", "-1"]
    scout.file_meta = file_meta(scout.SOPClassUID, scout.SOPInstanceUID)
    (folder / "scout").mkdir(exist_ok=True)
    scout.save_as(folder / "scout" / "0001.dcm", enforce_file_format=True)
