"""The simulated trial as a DICOM archive, written subject by subject on several processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from sumdiam.demo.archive import write_datasets, write_subjects
from sumdiam.demo.imaged.dirt import add_dirt
from sumdiam.demo.imaged.study import trial_study
from sumdiam.demo.imaged.subject import ImagedSubject, Visit


def write_trial_archive(
    subjects: Sequence[ImagedSubject],
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
    return sum(len(subject.visits) for subject in subjects)


def write_subject(subject: ImagedSubject, folder: Path) -> None:
    """Write the studies of one subject, and what lies beside them."""
    for visit in subject.visits:
        here = study_folder(subject, visit, folder)
        write_datasets(trial_study(subject, visit), here)
        add_dirt(subject, visit, here)


def study_folder(subject: ImagedSubject, visit: Visit, folder: Path) -> Path:
    """Return where a study lies in the archive."""
    return folder / subject.subject_id / f"{visit.on}"
