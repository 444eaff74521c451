"""What a run cost: `times.json`, by stage, per study, and the memory of its largest process."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sumdiam.export.table_file import written_whole
from sumdiam.step_clock import Spent, StepClock, peak_memory_mb
from sumdiam.store.workspace import LedgerEntry

COST, TIMES = "cost", "times.json"


def cost_of(result: object) -> str:
    """Return what measuring a study cost, as it is kept in the workspace.

    Parameters
    ----------
    result : StudyResult
        Any other that lacks steps or memory cost nothing that is known.
    """
    steps: Mapping[str, Spent] = getattr(result, "steps", {})
    written = {
        "steps": {name: [one.wall_s, one.cpu_s] for name, one in steps.items()},
        "peak_memory_mb": getattr(result, "peak_memory_mb", None),
    }
    return json.dumps(written, sort_keys=True)


@dataclass(frozen=True, slots=True)
class StudyCosts:
    """What the studies of a run cost, whichever call measured them.

    Parameters
    ----------
    studies : how many are planned
    steps : of each study whose cost is known
    peaks_mb : what its worker had held by then, where that is known
    """

    studies: int
    steps: tuple[Mapping[str, Spent], ...]
    peaks_mb: tuple[float, ...]

    @classmethod
    def read(cls, studies: Iterable[LedgerEntry], kept: Mapping[str, str]) -> StudyCosts:
        """Return the costs of the planned studies, of what `cost_of` wrote by study."""
        studies = list(studies)
        known = [json.loads(kept[one.study_uid]) for one in studies if one.study_uid in kept]
        steps = tuple(
            {name: Spent(*spent) for name, spent in sorted(one["steps"].items())} for one in known
        )
        peaks = (one["peak_memory_mb"] for one in known)
        return cls(len(studies), steps, tuple(mb for mb in peaks if mb is not None))

    def total(self) -> dict[str, Spent]:
        """Return what every step took in all studies together."""
        found: dict[str, Spent] = {}
        for steps in self.steps:
            for name, spent in steps.items():
                found[name] = found.get(name, Spent()) + spent
        return found

    def largest(self) -> Spent:
        """Return what the study took that took the processor longest."""
        whole = [sum(steps.values(), Spent()) for steps in self.steps]
        return max(whole, key=lambda spent: spent.cpu_s, default=Spent())


def write_times(path: Path, clock: StepClock, costs: StudyCosts, *, workers: int) -> None:
    """Write `times.json`: what this call took by stage, and what each study took when measured."""
    whole = clock.whole()
    content = {
        "studies": costs.studies,
        "workers": workers,
        "whole_call": _spent(whole),
        "stages_of_this_call": {name: _spent(one) for name, one in clock.steps.items()},
        "studies_timed": len(costs.steps),
        "steps_of_all_studies": {name: _spent(one) for name, one in costs.total().items()},
        "largest_study": _spent(costs.largest()),
        "peak_memory_mb": {
            "worker": _rounded(max(costs.peaks_mb, default=None)),
            "main_process": _rounded(peak_memory_mb()),
        },
    }
    with written_whole(path) as draft:
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _spent(one: Spent) -> dict[str, Any]:
    """Return seconds as they are written."""
    return {"wall_s": _rounded(one.wall_s), "cpu_s": _rounded(one.cpu_s)}


def _rounded(number: float | None) -> float | None:
    """Return a number to 2 decimals."""
    return None if number is None else round(number, 2)
