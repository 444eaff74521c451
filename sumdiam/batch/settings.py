"""What a run is asked to do: inputs, folders, rules, and how a length is measured."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


def usable_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class RunSettings:
    """One call of the main job.

    Parameters
    ----------
    archives : folders or files to scan
    out : Path
        Folder of the run, RUN.
    subjects, subject_map, findings, decisions : CSV files, optional
    plan_dir : Path, optional
        Folder with plan.csv, masks.csv, matches.csv, in place of those in RUN.
    criteria : names of rule sets
    policies : name of a policy set, or path of a TOML file of policies
    scheme : censoring scheme; by the policies where None
    select : ``given``: a role in the data wins; ``auto``: the rules choose the targets
    control_arm : the arm that others are compared with; the first by name where None
    adjust_for : covariates of the prespecified survival model, beside the arm
    covariate_type : ``NAME=continuous`` or ``NAME=categorical``, where the values of a covariate
        do not tell
    gap_mm : longest single stretch of a viable diameter outside viable tissue; None is the
        published default
    resample_masks : whether masks of another grid are moved onto their image, and flagged; else
        they are refused
    allow_gaps : UIDs of series that are read although slices are missing, and flagged; others are
        refused
    workers : processes on this machine
    cluster : address of a dask scheduler, in place of processes here
    store : SQLAlchemy URL of the workspace; RUN/run.sqlite where None
    title : heading of the report
    simulated : the data are no patient's; said in the report
    """

    archives: tuple[Path, ...]
    out: Path
    subjects: Path | None = None
    subject_map: Path | None = None
    findings: Path | None = None
    decisions: Path | None = None
    plan_dir: Path | None = None
    criteria: tuple[str, ...] = ("mrecist",)
    policies: str = "default"
    scheme: str | None = None
    select: Literal["given", "auto"] = "given"
    control_arm: str | None = None
    adjust_for: tuple[str, ...] = ()
    covariate_type: tuple[str, ...] = ()
    gap_mm: float | None = None
    resample_masks: bool = False
    allow_gaps: tuple[str, ...] = ()
    workers: int = 1
    cluster: str | None = None
    store: str | None = None
    title: str = "Tumour response report"
    simulated: bool = False

    def configuration(self) -> dict[str, str]:
        """Return what decides the results, in words; not where it lies nor who computes it."""
        files = {
            "subjects": self.subjects,
            "subject map": self.subject_map,
            "findings": self.findings,
            "decisions": self.decisions,
        }
        named = {word: path.name for word, path in files.items() if path is not None}
        planned = {"prespecified factors": ", ".join(self.adjust_for)} if self.adjust_for else {}
        if self.covariate_type:
            planned["types of covariates"] = ", ".join(sorted(self.covariate_type))
        return {
            "archives": ", ".join(path.name or str(path) for path in self.archives),
            **named,
            "criteria": ", ".join(self.criteria),
            "policies": Path(self.policies).name,
            "censoring scheme": self.scheme or "by the policies",
            "targets": "as given, else by the rules" if self.select == "given" else "by the rules",
            "control arm": "first by name" if self.control_arm is None else self.control_arm,
            "gap": "default" if self.gap_mm is None else f"{self.gap_mm:g} mm",
            "masks of another grid": "resampled" if self.resample_masks else "refused",
            "series with missing slices": _allowed(self.allow_gaps),
            **planned,
        }

    def digest(self) -> str:
        """Return the SHA-256 of the configuration."""
        written = json.dumps(self.configuration(), sort_keys=True)
        return hashlib.sha256(written.encode()).hexdigest()


def _allowed(series_uids: tuple[str, ...]) -> str:
    """Say which series may lack slices."""
    return f"read: {', '.join(sorted(set(series_uids)))}" if series_uids else "refused"
