"""One study measured: a pure function from its files and its plan to rows and overlays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from imaging.reason import ReasonedError
from measurement.lesion import GridMismatchError
from sumdiam.archive import reason
from sumdiam.batch.doubled_lesion import DrawnLesion
from sumdiam.batch.masks import LESION_ROLES
from sumdiam.batch.study_image import StudyImages, StudyRefusedError
from sumdiam.batch.study_lesion import LesionKey, LesionsOnVolume
from sumdiam.batch.study_row import missing_row
from sumdiam.batch.study_task import MaskTask, StudyTask, build_tasks
from sumdiam.step_clock import Spent, clocked, peak_memory_mb

__all__ = ["MaskTask", "StudyResult", "StudyTask", "build_tasks", "measure_study"]


@dataclass(frozen=True, slots=True, eq=False)
class StudyResult:
    """What measuring one study gave.

    Parameters
    ----------
    status : ``done`` or ``refused``
    reason_code, reason : why it was refused, with the remedy
    rows : columns of `Measurements` without revision and supersedes
    overlays : measurement id to PNG
    notes : what to know of a study that was measured all the same
    seconds : how long it took; it, steps and memory alone may differ between two runs
    steps : what reading, registering, measuring and drawing took
    peak_memory_mb : the most that the worker had held by then
    file : path of the file that the study is refused for
    """

    study_uid: str
    subject_id: str
    status: str
    reason_code: str | None = None
    reason: str | None = None
    rows: tuple[dict[str, Any], ...] = ()
    overlays: Mapping[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    steps: Mapping[str, Spent] = field(default_factory=dict)
    peak_memory_mb: float | None = None
    file: str | None = None


def measure_study(task: StudyTask) -> StudyResult:
    """Return the measurements of one study, or the reason why it is refused.

    Notes
    -----
    Depends on the task and the files it names alone. Anything that is wrong with the data refuses
    the whole study: a lesion that can still be measured beside damaged data is not to be trusted.
    """
    with clocked() as clock:
        result = _outcome(task)
    return replace(
        result,
        seconds=clock.whole().wall_s,
        steps=clock.steps,
        peak_memory_mb=peak_memory_mb(),
    )


def _outcome(task: StudyTask) -> StudyResult:
    """Return the measurements of one study, or the reason why it is refused."""
    if task.refused is not None:
        return _refused(task, *task.refused)
    try:
        return _measured(task)
    except StudyRefusedError as error:
        return _refused(task, error.code, error.detail)
    except ReasonedError as error:
        refused = _refused(task, error.reason_code, f"{error.where}: {error.detail}")
        return replace(refused, file=getattr(error, "file", None))
    except GridMismatchError as error:
        return _refused(task, "grid_differs", str(error))


def _measured(task: StudyTask) -> StudyResult:
    """Measure every lesion of every reader."""
    images = StudyImages(task)
    rows: list[dict[str, Any]] = []
    overlays: dict[str, bytes] = {}
    lesions: dict[LesionKey, list[MaskTask]] = defaultdict(list)
    for mask in task.masks:
        if mask.role in LESION_ROLES:
            lesions[mask.reader, mask.lesion_id].append(mask)
    by_image: dict[str, list[LesionKey]] = defaultdict(list)
    for key, masks in sorted(lesions.items()):
        image = images.image_of(masks)
        if image is None:
            rows.append(missing_row(task, masks[0], "volume_excluded"))
        else:
            by_image[image.volume_id].append(key)
    drawn: list[DrawnLesion] = []
    for volume_id, keys in sorted(by_image.items()):
        work = LesionsOnVolume(
            images, images.series[volume_id], {key: lesions[key] for key in keys}, drawn
        )
        work.measure()
        drawn += work.drawn
        rows += work.rows
        overlays |= work.overlays
    rows.sort(key=lambda row: (row["reader"], row["lesion_id"], row["quantity"]))
    return StudyResult(
        study_uid=task.study_uid,
        subject_id=task.subject_id,
        status="done",
        rows=tuple(rows),
        overlays=dict(sorted(overlays.items())),
        notes=(*task.notes, *images.notes),
    )


def _refused(task: StudyTask, code: str, detail: str) -> StudyResult:
    """Return the result of a study that is not measured."""
    said = reason.sentence(code) + (f" ({detail})" if detail else "")
    return StudyResult(
        study_uid=task.study_uid,
        subject_id=task.subject_id,
        status="refused",
        reason_code=code,
        reason=said,
        notes=task.notes,
    )
