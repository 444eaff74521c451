"""One analysis out of the tables: one reader, rule set, set of policies and censoring scheme."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from stats.baseline_table import Kind
from sumdiam.export.arm import arms_in_order
from sumdiam.report.covariate_type import asked_types, covariate_types
from sumdiam.report.run_tables import RunFacts, RunTables

ALL = "All subjects"


@dataclass(frozen=True, slots=True)
class View:
    """The analysis that a report shows.

    ``subjects`` has one row per subject of the run: subject_id, arm (missing: none given), and
    arm_known_on, the day of randomisation, else of the start of treatment.
    ``arms`` are the groups that are compared, the control arm first; one name, `ALL`, where no arm
    is known.
    ``confirmed``: the policies ask for confirmation, so ``outcomes.best_response`` here is the
    confirmed one.
    ``kinds``: covariates that are numbers or levels because a person or their name says so.
    """

    reader: str
    criteria: str
    policy_id: str
    scheme: str
    subjects: pd.DataFrame
    arms: tuple[str, ...]
    responses: pd.DataFrame
    outcomes: pd.DataFrame
    events: pd.DataFrame
    selections: pd.DataFrame
    lesions: pd.DataFrame
    excluded: pd.DataFrame
    confirmed: bool
    others: tuple[str, ...]
    kinds: Mapping[str, Kind]

    @property
    def has_arms(self) -> bool:
        """Whether there are arms to compare."""
        return self.arms != (ALL,)

    def in_order(self, arms: pd.Series[str]) -> pd.Series[pd.CategoricalDtype]:
        """Return arms as categories that keep the order in which they are compared."""
        kept = self.arms if self.has_arms else ("",)
        return arms.astype(pd.CategoricalDtype(list(kept), ordered=True))

    def of_arm(self, frame: pd.DataFrame, arm: str) -> pd.DataFrame:
        """Return the rows of an arm's subjects."""
        return frame[frame["subject_id"].isin(self.ids_of(arm))]

    def ids_of(self, arm: str) -> list[str]:
        """Return an arm's subjects, sorted."""
        rows = self.subjects if arm == ALL else self.subjects[self.subjects["arm"] == arm]
        return sorted(rows["subject_id"].astype(str))

    def arm_by_subject(self) -> dict[str, str]:
        """Return subject -> arm, the empty name where there is only one group."""
        if not self.has_arms:
            return {str(name): "" for name in self.subjects["subject_id"]}
        known = self.subjects[self.subjects["arm"].notna()]
        return dict(zip(known["subject_id"].astype(str), known["arm"].astype(str), strict=True))


def choose_view(tables: RunTables, facts: RunFacts) -> View:
    """Pick the analysis to show and name the ones that are left to the tables."""
    outcomes, events = tables.outcomes, tables.events
    criteria = facts.criteria or _first(tables.responses["criteria"], prefer="mrecist")
    rows = outcomes[outcomes["criteria"] == criteria]
    reader = facts.reader or _first(rows["reader"], prefer="auto")
    rows = rows[rows["reader"] == reader]
    policy_id = facts.policy_id or _first(rows["policy_id"], prefer="default")
    imaging = events[events["endpoint"] != "OS"]
    scheme = facts.scheme or _first(imaging["scheme"] if len(imaging) else events["scheme"])
    keep = {"reader": reader, "criteria": criteria, "policy_id": policy_id}
    chosen = _where(imaging, {**keep, "scheme": scheme})
    overall = events[events["endpoint"] == "OS"]
    if (overall["scheme"] == scheme).any():
        overall = overall[overall["scheme"] == scheme]
    overall = overall.sort_values(["subject_id", "policy_id", "scheme"])
    overall = overall.drop_duplicates("subject_id")
    subjects = _subjects(tables)
    confirmed = _needs_confirmation(tables, policy_id)
    shown = _where(outcomes, keep).sort_values("subject_id")
    if confirmed:
        shown = shown.assign(
            best_response=shown["confirmed_best_response"],
            best_response_reason=shown["confirmed_best_response_reason"],
        )
    excluded = _where(tables.exclusions, keep)
    covariates = tables.covariates()
    return View(
        reader=reader,
        criteria=criteria,
        policy_id=policy_id,
        scheme=scheme,
        subjects=subjects,
        arms=arms_in_order(subjects["arm"].dropna().astype(str), facts.control_arm) or (ALL,),
        responses=_where(tables.responses, keep).sort_values(["subject_id", "timepoint"]),
        outcomes=shown,
        events=pd.concat([chosen, overall]).sort_values(["endpoint", "subject_id"]),
        selections=_where(tables.selections, {"reader": reader, "criteria": criteria}),
        lesions=tables.lesions[tables.lesions["reader"] == reader].sort_values(
            ["subject_id", "timepoint", "lesion_id"]
        ),
        excluded=excluded[~excluded["analysed"].astype("boolean").fillna(value=True).astype(bool)],
        confirmed=confirmed,
        others=_others(tables, keep, scheme),
        kinds=covariate_types(
            tables.subjects[covariates], asked_types(facts.covariate_type, covariates)
        ),
    )


def _needs_confirmation(tables: RunTables, policy_id: str) -> bool:
    """Say whether the policies ask for a second scan that confirms a response."""
    rows = tables.policies[tables.policies["policy_id"] == policy_id]
    return bool((rows.loc[rows["policy"] == "confirm", "value"] == "on").any())


def _subjects(tables: RunTables) -> pd.DataFrame:
    """Return every subject that any table knows, with the arm where one is given."""
    known: set[str] = set()
    for frame in (tables.subjects, tables.plan, tables.studies, tables.lesions, tables.outcomes):
        known |= {str(name) for name in frame["subject_id"].dropna()}
    arms = tables.subjects.set_index("subject_id")["arm"].astype("string")
    ids = sorted(known)
    found = pd.Series(ids, dtype="string").map(arms) if len(arms) else pd.Series([pd.NA] * len(ids))
    known_on = tables.subjects.set_index("subject_id")["randomised_on"].combine_first(
        tables.subjects.set_index("subject_id")["treatment_started_on"]
    )
    return pd.DataFrame(
        {
            "subject_id": pd.Series(ids, dtype="string"),
            "arm": found.astype("string"),
            "arm_known_on": pd.to_datetime(pd.Series(ids).map(known_on.to_dict())),
        }
    )


def _where(frame: pd.DataFrame, keep: dict[str, str]) -> pd.DataFrame:
    """Return the rows that have these values."""
    rows = pd.Series(data=True, index=frame.index)
    for name, value in keep.items():
        rows &= frame[name].eq(value).fillna(value=False).astype(bool)
    return frame[rows]


def _first(values: pd.Series[str], prefer: str = "") -> str:
    """Return the preferred word if it occurs, else the first in order, else an empty one."""
    words = sorted(values.dropna().astype(str).unique())
    return prefer if prefer in words else (words[0] if words else "")


def _others(tables: RunTables, keep: dict[str, str], scheme: str) -> tuple[str, ...]:
    """Name the readers, rule sets, policies and schemes that this report does not show."""
    parts = []
    for column, word in (("reader", "reader"), ("criteria", "rule set"), ("policy_id", "policies")):
        names = set(tables.outcomes[column].dropna().astype(str)) - {keep[column]}
        parts += [f"{word} {name}" for name in sorted(names)]
    imaging = tables.events[tables.events["endpoint"] != "OS"]
    parts += [f"scheme {name}" for name in sorted(set(imaging["scheme"].astype(str)) - {scheme})]
    return tuple(parts)
