"""What the simulated trial costs: time by stage and per study, memory, size of the archive."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sumdiam.batch.cost import TIMES
from sumdiam.export.table_file import written_whole
from sumdiam.step_clock import OTHER, Spent

WRITTEN = "archive_cost.json"
SMALL_S = 0.01
COMPILING = "compiling machine code (once per machine)"
"""Not counted per study: it costs the same for one study as for a thousand."""
IN_STUDIES = (
    ("read", "reading images and masks"),
    ("register", "registering phases"),
    ("measure", "measuring"),
    ("draw", "pictures"),
    (OTHER, "the rest of it"),
)
AROUND = (
    (("scan", "plan"), "reading headers and selecting"),
    (("compile",), COMPILING),
)
AFTER = (
    (("settle", "assess"), "assessment"),
    (("statistics",), "statistics"),
    (("tables",), "tables"),
    (("report",), "figures and report"),
    ((OTHER,), "the rest of the run"),
)
WRITING, STARTING, WHOLE = (
    "writing the archive",
    "starting workers, handing over",
    "all but compiling",
)


@dataclass(frozen=True, slots=True)
class CostRow:
    """One stage: seconds that passed, and of a processor.

    ``wall_s`` of what several workers do side by side is that of all of them together.
    """

    stage: str
    wall_s: float
    cpu_s: float
    in_studies: bool = False


@dataclass(frozen=True, slots=True)
class TrialCost:
    """The cost of one trial.

    Parameters
    ----------
    patients : analysed ones that were imaged
    studies : written and measured
    workers : processes side by side
    call_s : how long the call of the main job took, whatever it had to do anew
    archive_mb : size of the archive; None where its cost was not kept
    rows : stages in order; of the archive only where its cost was kept
    peak_worker_mb, peak_main_mb : the most memory of a worker, and of the process that drives all
    """

    patients: int
    studies: int
    workers: int
    call_s: float
    archive_mb: float | None
    rows: tuple[CostRow, ...]
    peak_worker_mb: float | None
    peak_main_mb: float | None

    def whole(self) -> CostRow:
        """Return all stages together, but for compiling."""
        rows = [one for one in self.rows if one.stage != COMPILING]
        return CostRow(WHOLE, sum(one.wall_s for one in rows), sum(one.cpu_s for one in rows))

    def per_study_s(self, stages: Sequence[str] = ()) -> float:
        """Return processor seconds per study, of all stages but compiling or of some."""
        found = sum(one.cpu_s for one in self.rows if one.stage in stages)
        return (found if stages else self.whole().cpu_s) / max(1, self.studies)


def write_archive_cost(out: Path, spent: Spent, *, studies: int, archive_mb: float) -> None:
    """Keep what writing the archive took, for calls that find it written."""
    content = {
        "wall_s": round(spent.wall_s, 2),
        "cpu_s": round(spent.cpu_s, 2),
        "studies": studies,
        "archive_mb": round(archive_mb, 1),
    }
    with written_whole(out / WRITTEN) as draft:
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def size_mb(folder: Path) -> float:
    """Return the size of all files below a folder, in MB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def trial_cost(out: Path, patients: int) -> TrialCost | None:
    """Return what the trial in a folder cost; None where its run kept no times."""
    path = out / "run" / TIMES
    if not path.is_file():
        return None
    said = json.loads(path.read_text(encoding="utf-8"))
    written = out / WRITTEN
    archive = json.loads(written.read_text(encoding="utf-8")) if written.is_file() else None
    rows = [] if archive is None else [CostRow(WRITING, archive["wall_s"], archive["cpu_s"])]
    peaks = said["peak_memory_mb"]
    return TrialCost(
        patients=patients,
        studies=said["studies"],
        workers=said["workers"],
        call_s=said["whole_call"]["wall_s"],
        archive_mb=None if archive is None else archive["archive_mb"],
        rows=(*rows, *_rows(said)),
        peak_worker_mb=peaks["worker"],
        peak_main_mb=peaks["main_process"],
    )


def _rows(said: Mapping[str, Any]) -> Iterator[CostRow]:
    """Yield the stages of a run; those that took no time worth a line are left out."""
    stages, steps = said["stages_of_this_call"], said["steps_of_all_studies"]
    for names, words in AROUND:
        yield from _row(words, stages, names)
    for name, words in IN_STUDIES:
        yield from _row(words, steps, (name,), in_studies=True)
    if "measure" in stages:
        studies = [_sum(steps, (name,)) for name, _ in IN_STUDIES]
        apart = _sum(stages, ("measure",)).cpu_s - sum(one.cpu_s for one in studies)
        yield CostRow(STARTING, 0.0, max(0.0, apart))
    for names, words in AFTER:
        yield from _row(words, stages, names)


def _row(
    words: str, known: Mapping[str, Any], names: Sequence[str], *, in_studies: bool = False
) -> Iterator[CostRow]:
    """Yield one row of some stages, if they were there."""
    spent = _sum(known, names)
    if max(spent.wall_s, spent.cpu_s) >= SMALL_S:
        yield CostRow(words, spent.wall_s, spent.cpu_s, in_studies)


def _sum(known: Mapping[str, Any], names: Sequence[str]) -> Spent:
    """Return what some stages took together."""
    return sum((Spent(**known[name]) for name in names if name in known), Spent())
