"""What is handed to a run beside the archives: read and judged before any work starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from imaging.header import file_digest
from measurement.reading import MeasurementSettings
from measurement.table import TableError, columns_of
from sumdiam.archive.clinical import (
    covariate_problems,
    date_problems,
    read_findings,
    read_subject_map,
    read_subjects,
)
from sumdiam.archive.problem import Problem
from sumdiam.batch.plan_file import PlanFiles, read_plan_files
from sumdiam.batch.settings import RunSettings
from sumdiam.export.arm import arm_table
from sumdiam.export.policy_file import is_policy_file, policy_set
from sumdiam.store.decision import read_decisions

if TYPE_CHECKING:
    from assessment import PolicySet


class PlanFolderError(TableError):
    """The folder that was given as a plan holds none."""


@dataclass(frozen=True, slots=True, eq=False)
class RunInput:
    """Tables as they were handed in, typed; None where there is none."""

    subjects: pd.DataFrame | None
    subject_map: dict[str, str] | None
    findings: pd.DataFrame | None
    decisions: pd.DataFrame | None
    previous: PlanFiles | None
    measurement: MeasurementSettings
    policies: PolicySet
    arms: pd.DataFrame
    problems: tuple[Problem, ...] = ()
    digests: dict[str, str] = field(default_factory=dict)


def read_input(settings: RunSettings) -> RunInput:
    """Return everything that was handed in, checked.

    Raises
    ------
    TableError, UnknownCriteriaError, PolicyError, MeasurementSettingsError
        A table, a name or a setting that cannot be used; nothing was written then.
    """
    from assessment import load_criteria, scheme_values

    policies = policy_set(settings.policies)
    for name in settings.criteria or ("",):  # without a rule set a run would end with nothing
        load_criteria(name)
        scheme_values(policies.values_for(name), settings.scheme)
    subjects = read_subjects(settings.subjects) if settings.subjects else None
    arms = arm_table(subjects, settings.control_arm)
    _check_factors(settings.adjust_for, subjects)
    _check_types(settings.covariate_type, subjects)
    problems: tuple[Problem, ...] = ()
    if subjects is not None and settings.subjects is not None:
        origin = settings.subjects.name
        problems = (
            *date_problems(subjects, origin=origin),
            *covariate_problems(subjects, origin=origin),
        )
    gap = settings.gap_mm
    return RunInput(
        subjects=subjects,
        subject_map=read_subject_map(settings.subject_map) if settings.subject_map else None,
        findings=read_findings(settings.findings) if settings.findings else None,
        decisions=read_decisions(settings.decisions) if settings.decisions else None,
        previous=_previous_plan(settings),
        measurement=MeasurementSettings() if gap is None else MeasurementSettings(gap_mm=gap),
        policies=policies,
        arms=arms,
        problems=problems,
        digests=_digests(settings),
    )


def _check_factors(names: tuple[str, ...], subjects: pd.DataFrame | None) -> None:
    """Refuse a prespecified factor that no subject table has."""
    there = [] if subjects is None else [str(name) for name in subjects.columns]
    absent = [name for name in names if name not in there]
    if absent:
        msg = (
            f"adjust_for: the subject table has no column {', '.join(absent)}. "
            f"It has {', '.join(there) or 'not been given (--subjects)'}."
        )
        raise TableError(msg)


def _check_types(words: tuple[str, ...], subjects: pd.DataFrame | None) -> None:
    """Refuse a type of a covariate that cannot be, before anything is measured."""
    if words:
        from assessment.response_table import Subjects
        from sumdiam.report.covariate_type import asked_types, covariate_types

        table = pd.DataFrame() if subjects is None else subjects
        known = columns_of(Subjects)
        names = [str(name) for name in table.columns if name not in known]
        covariate_types(table[names], asked_types(words, names))


def _previous_plan(settings: RunSettings) -> PlanFiles | None:
    """Return the plan that persons may have edited: of ``--plan``, else of RUN."""
    folder = settings.plan_dir or settings.out
    found = read_plan_files(folder)
    if found is None and settings.plan_dir is not None:
        msg = (
            f"{folder}: holds none of plan.csv, masks.csv, matches.csv. "
            "Give the folder of an earlier run, or leave out --plan."
        )
        raise PlanFolderError(msg)
    return found


def _digests(settings: RunSettings) -> dict[str, str]:
    """Return the digest of each file that was handed in, by its word and name."""
    files: dict[str, Path | None] = {
        "subjects": settings.subjects,
        "subject map": settings.subject_map,
        "findings": settings.findings,
        "decisions": settings.decisions,
        "policies": Path(settings.policies) if is_policy_file(settings.policies) else None,
    }
    return {
        f"{word}: {path.name}": file_digest(path)
        for word, path in files.items()
        if path is not None
    }
