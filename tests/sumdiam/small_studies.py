"""A run of small studies, started as a process of its own that tests may kill.

    python small_studies.py FOLDER WORKERS SPECIAL...

WORKERS is a number of processes or the address of a scheduler. SPECIAL is `study=trouble`, where trouble is raise, die, die_once, hang or refuse.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STUDIES = 24


@dataclass(frozen=True)
class SmallStudy:
    study_uid: str
    subject_id: str
    timepoint: int
    digest: str
    folder: str
    trouble: str | None = None


@dataclass(frozen=True)
class SmallResult:
    study_uid: str
    status: str = "done"
    reason_code: str | None = None
    reason: str | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    overlays: dict[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


def measure(study: SmallStudy) -> SmallResult:
    """Take a while, leave a trace of having been called, and give two measurements."""
    calls = Path(study.folder) / "calls"
    calls.mkdir(exist_ok=True)
    (calls / f"{study.study_uid}.{time.time_ns()}.{os.getpid()}").touch()
    number = int(study.study_uid.rpartition(".")[2])
    time.sleep(0.02 + 0.01 * (number % 5))
    if study.trouble == "raise":
        raise KeyError("Doe^Jane")
    if study.trouble == "die" or (
        study.trouble == "die_once" and len(list(calls.glob(f"{study.study_uid}.*"))) == 1
    ):
        os.kill(os.getpid(), signal.SIGKILL)
    if study.trouble == "hang":
        time.sleep(600)
    if study.trouble == "refuse":
        return SmallResult(study.study_uid, "refused", "missing_slice", "gap after 10 mm")
    rows = [
        {
            "measurement_id": f"{number:04d}{quantity}",
            "subject_id": study.subject_id,
            "reader": "auto",
            "lesion_id": f"L{number}",
            "timepoint": study.timepoint,
            "quantity": quantity,
            "value": number / 7,
            "unit": "mm",
            "study_uid": study.study_uid,
            "method": "small",
        }
        for quantity in ("viable_diameter", "whole_diameter")
    ]
    overlays = {row["measurement_id"]: f"picture of {row['value']}".encode() for row in rows}
    return SmallResult(study.study_uid, rows=rows, overlays=overlays)


def main(folder: Path, workers: str, *special: str) -> None:
    # here and not above: every worker reads this file again when it starts, and again after each
    # death, and needs none of these
    from measurement.table import to_text
    from sumdiam.batch.journal import RunJournal, studies_without_overlays
    from sumdiam.batch.pool import open_pool
    from sumdiam.batch.progress import LineReporter
    from sumdiam.batch.schedule import measure_all
    from sumdiam.store.lock import run_lock
    from sumdiam.store.workspace import Workspace

    troubles = dict(item.split("=") for item in special)
    studies = [
        SmallStudy(f"1.2.{n}", f"S{n % 5}", n // 5, "first", str(folder), troubles.get(str(n)))
        for n in range(STUDIES)
    ]
    reporter = LineReporter()
    with run_lock(folder), Workspace.in_folder(folder) as workspace:
        workspace.begin_run()
        workspace.register(studies)
        redo = studies_without_overlays(folder / "overlays", workspace.overlay_sizes())
        workspace.register(studies, redo=redo)
        to_do = set(workspace.to_do())
        with reporter.stage("measure", len(to_do)) as stage:
            journal = RunJournal(workspace, folder / "overlays", stage)
            cluster = None if workers.isdigit() else workers
            with open_pool(1 if cluster else int(workers), cluster) as pool:
                sys.stdout.write("ready\n")
                sys.stdout.flush()
                tasks = [study for study in studies if study.study_uid in to_do]
                measure_all(pool, tasks, measure, journal, time_limit_seconds=1.0)
        workspace.settle()
        table = to_text(workspace.measurements()).to_csv(index=False)
        (folder / "measurements.csv").write_text(table, encoding="utf-8")
        ledger = [
            (entry.study_uid, entry.state, entry.attempts, entry.reason, entry.notes)
            for entry in workspace.entries()
        ]
        (folder / "ledger.json").write_text(json.dumps(ledger), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *sys.argv[3:])
