"""What a report is made of: the tables of one run, and the facts around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType

import pandas as pd

from assessment.response_table import (
    Events,
    Exclusions,
    Outcomes,
    Policies,
    Responses,
    Selections,
    Subjects,
    Timepoints,
    Warnings,
)
from measurement.lesion_table import Lesions, Measurements
from measurement.table import TableError, TableModel, check, columns_of, empty_table
from sumdiam.batch.plan_table import Masks, Matches, Plan
from sumdiam.export.doubts import Doubts

STUDY_COLUMNS = (
    "study_uid",
    "subject_id",
    "timepoint",
    "status",
    "reason_code",
    "reason",
    "seconds",
    "notes",
)
PROBLEM_COLUMNS = ("code", "where", "sentence", "refused")
STUDY_STATUSES = ("todo", "leased", "done", "refused", "failed")

SCHEMAS: Mapping[str, type[TableModel]] = MappingProxyType(
    {
        "subjects": Subjects,
        "timepoints": Timepoints,
        "plan": Plan,
        "masks": Masks,
        "matches": Matches,
        "measurements": Measurements,
        "lesions": Lesions,
        "selections": Selections,
        "policies": Policies,
        "responses": Responses,
        "outcomes": Outcomes,
        "events": Events,
        "exclusions": Exclusions,
        "doubts": Doubts,
        "warnings": Warnings,
    }
)


def _empty(name: str) -> pd.DataFrame:
    """Return a table without rows."""
    if name == "studies":
        return pd.DataFrame({column: pd.Series([], dtype=object) for column in STUDY_COLUMNS})
    if name == "problems":
        return pd.DataFrame({column: pd.Series([], dtype=object) for column in PROBLEM_COLUMNS})
    return empty_table(SCHEMAS[name])


@dataclass(frozen=True, slots=True)
class RunTables:
    """The tables of one run; each is optional, a section without data says why it is missing.

    Attributes
    ----------
    subjects : `Subjects`, covariates behind the known columns; empty without ``--subjects``
    timepoints, plan, masks, measurements, lesions, selections, policies, responses, outcomes,
    events, exclusions, doubts, warnings : tables of their schemas
    studies : the ledger, columns `STUDY_COLUMNS`; status one of `STUDY_STATUSES`; ``notes`` are
        sentences joined by ``;``. ``seconds`` are not shown: they change from run to run.
    problems : what was refused or doubtful before measuring, columns `PROBLEM_COLUMNS`
    """

    subjects: pd.DataFrame = field(default_factory=lambda: _empty("subjects"))
    timepoints: pd.DataFrame = field(default_factory=lambda: _empty("timepoints"))
    plan: pd.DataFrame = field(default_factory=lambda: _empty("plan"))
    masks: pd.DataFrame = field(default_factory=lambda: _empty("masks"))
    matches: pd.DataFrame = field(default_factory=lambda: _empty("matches"))
    measurements: pd.DataFrame = field(default_factory=lambda: _empty("measurements"))
    lesions: pd.DataFrame = field(default_factory=lambda: _empty("lesions"))
    selections: pd.DataFrame = field(default_factory=lambda: _empty("selections"))
    policies: pd.DataFrame = field(default_factory=lambda: _empty("policies"))
    responses: pd.DataFrame = field(default_factory=lambda: _empty("responses"))
    outcomes: pd.DataFrame = field(default_factory=lambda: _empty("outcomes"))
    events: pd.DataFrame = field(default_factory=lambda: _empty("events"))
    exclusions: pd.DataFrame = field(default_factory=lambda: _empty("exclusions"))
    doubts: pd.DataFrame = field(default_factory=lambda: _empty("doubts"))
    studies: pd.DataFrame = field(default_factory=lambda: _empty("studies"))
    problems: pd.DataFrame = field(default_factory=lambda: _empty("problems"))
    warnings: pd.DataFrame = field(default_factory=lambda: _empty("warnings"))

    def checked(self) -> RunTables:
        """Return the tables with the types of their schemas, if each meets its own.

        Raises
        ------
        TableError
            Naming the table, the column and the row.
        """
        typed: dict[str, pd.DataFrame] = {}
        for name, model in SCHEMAS.items():
            frame: pd.DataFrame = getattr(self, name)
            known = columns_of(model)
            missing = [column for column in known if column not in frame]
            if missing:
                msg = f"{name}: column {', '.join(missing)} is missing for the report."
                raise TableError(msg)
            typed[name] = check(frame[known], model, origin=name)
        for name, columns in (("studies", STUDY_COLUMNS), ("problems", PROBLEM_COLUMNS)):
            lost = [column for column in columns if column not in getattr(self, name)]
            if lost:
                msg = f"{name}: column {', '.join(lost)} is missing for the report."
                raise TableError(msg)
        odd = set(self.studies["status"]) - set(STUDY_STATUSES)
        if odd:
            msg = f"studies: status {', '.join(sorted(odd))} is not one of {STUDY_STATUSES}."
            raise TableError(msg)
        typed["subjects"] = typed["subjects"].join(self.subjects[self.covariates()])
        return replace(self, **typed)

    def covariates(self) -> list[str]:
        """Return the subjects' columns that are covariates, in their order."""
        known = columns_of(Subjects)
        return [str(name) for name in self.subjects.columns if name not in known]


@dataclass(frozen=True, slots=True)
class InputDigest:
    """One input of a run and the digest that tells whether it is still the same."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the tables do not say of a run.

    Attributes
    ----------
    title : heading of the report
    software_version : of sumdiam
    simulated : data are simulated; said at the top of every page
    versions : library -> version
    configuration : setting -> value, as the run was called; no paths of a person's home
    inputs : digests of what was read
    archive : words -> number, such as "series found"; shown in this order
    criteria, reader, policy_id, scheme : which analysis is shown; None picks `mrecist` (else the
        first) and the first reader, policies and scheme in sorted order
    control_arm : the arm that others are compared with; None is the first by name
    comparison : "seed" or "gtsummary", which tests compare the arms
    adjust_for : covariates of the prespecified model, beside the arm
    covariate_type : which covariates are numbers and which are levels, as
        ``NAME=continuous|categorical``, where that should not be told by their values
    """

    title: str = "Tumour response report"
    software_version: str = ""
    simulated: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)
    configuration: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[InputDigest, ...] = ()
    archive: Mapping[str, int] = field(default_factory=dict)
    criteria: str | None = None
    reader: str | None = None
    policy_id: str | None = None
    scheme: str | None = None
    control_arm: str | None = None
    comparison: str = "seed"
    adjust_for: tuple[str, ...] = ()
    covariate_type: tuple[str, ...] = ()


TABLE_NAMES = tuple(f.name for f in fields(RunTables))
