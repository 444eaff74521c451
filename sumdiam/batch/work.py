"""What a worker does with one study; imported here without what measuring needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sumdiam.batch.study import StudyResult
    from sumdiam.batch.study_task import StudyTask


def measure_in_worker(task: StudyTask) -> StudyResult:
    """Measure one study; the libraries are loaded by the first study of a worker."""
    from sumdiam.batch.study import measure_study

    return measure_study(task)
