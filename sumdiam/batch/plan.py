"""The plan of a run: what every volume, mask and match is, as far as it is known."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from imaging.geometry import VolumeGeometry
from imaging.reason import REASONS as IMAGING_REASONS
from measurement.table import columns_of, parse_text, to_text
from sumdiam.archive import reason
from sumdiam.archive.catalogue import Catalogue
from sumdiam.archive.problem import Problem
from sumdiam.archive.subject import study_subjects, subject_problems
from sumdiam.batch import edit, refusal
from sumdiam.batch.content_memory import ContentMemory
from sumdiam.batch.edit import AUTO, Group
from sumdiam.batch.masks import LESION_ROLES, Rows, mask_table, settle_masks
from sumdiam.batch.match_memory import MatchMemory, RememberingComparer
from sumdiam.batch.matches import settle_matches
from sumdiam.batch.plan_file import PlanFiles
from sumdiam.batch.plan_table import PLAN, Plan
from sumdiam.batch.timepoint import (
    DATES_OF_SUBJECTS,
    StudyDay,
    TimepointRule,
    number_timepoints,
    timepoint_table,
    treatment_start,
)
from sumdiam.batch.visit_compare import VisitComparer
from sumdiam.batch.volume_row import volume_rows
from sumdiam.batch.volume_use import ARTERIAL, VolumeFacts, uses_of_study

TIMEPOINT_GROUP = Group("timepoint_by", ("acquired_on", "timepoint"))
PHASE_GROUP = Group("phase_by", ("phase",))
USE_GROUP = Group("use_by", ("use",))
CODES = {"", *reason.REASONS, *IMAGING_REASONS}
NOT_HERE = {"subject_id": "Correct it in the files, or hand in --subject-map."}
FROM_FILES = ("study_uid", "series_uid", "modality", "description")
LEAVE_OUT = "To leave out a volume, write exclude into use and your id into use_by."
PLAN_GROUPS = (TIMEPOINT_GROUP, PHASE_GROUP, USE_GROUP)


@dataclass(slots=True)
class _Draft:
    """A plan while it is made: rows of text cells, and what decides them."""

    catalogue: Catalogue
    rows: Rows
    earlier: Rows
    automatic: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    appended: set[str] = field(default_factory=set)
    reasons: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def keep(self, group: Group) -> None:
        """Note what is automatic in a group of cells, then let a person's cells win."""
        for volume_id, row in self.rows.items():
            self.automatic[volume_id].update({name: row[name] for name in group.cells})
        self.problems += edit.keep(self.rows, self.earlier, group, origin=PLAN)

    def studies(self) -> dict[str, list[str]]:
        """Return the volume ids of each study."""
        found: dict[str, list[str]] = defaultdict(list)
        for volume_id, row in self.rows.items():
            found[row["study_uid"]].append(volume_id)
        return dict(sorted(found.items()))


def make_plan(
    catalogue: Catalogue,
    subjects: pd.DataFrame | None = None,
    subject_map: Mapping[str, str] | None = None,
    previous: PlanFiles | None = None,
    *,
    rule: TimepointRule | None = None,
    memory: ContentMemory | None = None,
    matched: MatchMemory | None = None,
) -> PlanFiles:
    """Return what was understood of the archives, with every earlier decision of a person kept.

    Parameters
    ----------
    catalogue : Catalogue
    subjects : typed table `Subjects`, optional
        Only subject_id, randomised_on and treatment_started_on are looked at.
    subject_map : mapping, optional
        PatientID to subject_id.
    previous : PlanFiles, optional
        As `read_plan_files` returns it.
    rule : TimepointRule, optional
    matched : MatchMemory, optional
        What is remembered of visits that were compared before.
    memory : ContentMemory, optional
        What an earlier run found in volumes whose phase was in doubt.

    Raises
    ------
    EditError
        If data that a person decided on are gone, or edits contradict each other.

    Notes
    -----
    The order of rows, and every automatic cell, depend on the data alone.
    """
    owners = study_subjects(catalogue, subject_map)
    earlier = previous or PlanFiles()
    masks, appended, mask_problems = settle_masks(catalogue, owners.subjects, earlier.masks)
    rows = volume_rows(catalogue, owners.subjects, masks, memory)
    draft = _begun(catalogue, rows, earlier.plan)
    facts = _settle_uses(draft, masks)
    _settle_timepoints(draft, masks, _starts(subjects), rule)
    plan = _typed_plan(draft)
    places = {row["study_uid"]: row["timepoint"] for row in draft.rows.values()}
    for row in masks.values():
        row["timepoint"] = places.get(row["study_uid"], "")
    compare = RememberingComparer(VisitComparer(catalogue, masks), matched or MatchMemory())
    matches, match_problems = settle_matches(masks, earlier.matches, earlier.masks, compare)
    typed_masks = mask_table(masks, appended)
    refused = refusal.refused_studies(catalogue, owners, plan, typed_masks, facts)
    notes = refusal.study_notes(catalogue, plan, typed_masks, refused)
    problems = (
        *owners.problems,
        *subject_problems(subjects, plan),
        *draft.problems,
        *mask_problems,
        *match_problems,
        *refusal.study_problems(refused, notes, plan, catalogue.refused_series),
    )
    return PlanFiles(
        plan=plan,
        masks=typed_masks,
        matches=matches,
        timepoints=timepoint_table(plan, typed_masks),
        problems=problems,
        refused_studies=refused,
        notes=notes,
    )


def _begun(catalogue: Catalogue, rows: Rows, earlier: pd.DataFrame) -> _Draft:
    """Return the rows of the plan with the phases that persons decided, and what to say of edits.

    Raises
    ------
    EditError
        If a volume that a person decided on is gone.
    """
    draft = _Draft(catalogue, rows=rows, earlier=edit.rows_by_key(to_text(earlier), "volume_id"))
    edit.refuse_gone(
        edit.gone_rows(draft.rows, draft.earlier, PLAN_GROUPS), origin=PLAN, what="volume"
    )
    if edit.was_edited(draft.earlier.values(), PLAN_GROUPS):
        draft.appended = {key for key in draft.rows if _is_appended(key, draft.earlier)}
    draft.problems += edit.unapplied(draft.rows, draft.earlier, NOT_HERE, origin=PLAN)
    draft.problems += edit.unlike_files(draft.rows, draft.earlier, FROM_FILES, origin=PLAN)
    draft.problems += edit.moved_rows(draft.rows, draft.earlier, LEAVE_OUT, origin=PLAN)
    draft.keep(PHASE_GROUP)
    return draft


def _is_appended(volume_id: str, earlier: Rows) -> bool:
    """Return whether a row is new to an edited plan and nobody has settled it since."""
    if volume_id not in earlier:
        return True
    row = earlier[volume_id]
    settled = any(edit.person_of(row, None, group) for group in (PHASE_GROUP, USE_GROUP))
    return edit.APPENDED in edit.read_automatic(row["automatic"]) and not settled


def _settle_uses(draft: _Draft, masks: Rows) -> dict[str, VolumeFacts]:
    """Give every volume its use: from its phase, unless a person decided it."""
    outlined = {row["volume_id"] for row in masks.values() if row["mask_role"] != "ignore"}
    geometries = {one.volume_id: one.geometry for one in draft.catalogue.series}
    refused = {one.volume_id: one.reason_code for one in draft.catalogue.refused_series}

    def facts_of(volume_id: str) -> VolumeFacts:
        return _facts(draft, volume_id, geometries.get(volume_id), refused, outlined)

    _write_uses(draft, {volume_id: facts_of(volume_id) for volume_id in draft.rows})
    draft.keep(USE_GROUP)
    # once more: what a person decided of one volume moves the automatic use of the others
    facts = {volume_id: facts_of(volume_id) for volume_id in draft.rows}
    _write_uses(draft, facts)
    for volume_id, row in draft.rows.items():
        if row["use_by"] == AUTO:
            draft.automatic[volume_id]["use"] = row["use"]
    return facts


def _facts(
    draft: _Draft,
    volume_id: str,
    geometry: VolumeGeometry | None,
    refused: Mapping[str, str],
    outlined: set[str],
) -> VolumeFacts:
    """Return what decides the use of a volume, after a person's edits."""
    row = draft.rows[volume_id]
    use = row["use"] if row["use_by"] != AUTO else None
    if use is None and volume_id in draft.appended:
        use = "undecided"
    probability = 1.0 if row["phase_by"] != AUTO else float(row["phase_probability"] or 0)
    return VolumeFacts(
        volume_id=volume_id,
        phase=row["phase"],
        probability=probability,
        modality=row["modality"],
        geometry=geometry,
        refused=refused.get(volume_id),
        outlined=volume_id in outlined,
        use_by_person=use,
    )


def _write_uses(draft: _Draft, facts: Mapping[str, VolumeFacts]) -> None:
    """Write the automatic uses into the rows that no person decided."""
    for volume_ids in draft.studies().values():
        uses = uses_of_study([facts[volume_id] for volume_id in volume_ids])
        for volume_id in volume_ids:
            row = draft.rows[volume_id]
            if row["use_by"] != AUTO:
                continue
            row["use"], code = uses[volume_id]
            if volume_id in draft.appended and facts[volume_id].refused is None:
                row["use"], code = "undecided", "new_row"
            draft.reasons[volume_id] = code


def _settle_timepoints(
    draft: _Draft,
    masks: Rows,
    starts: Mapping[str, dt.date],
    rule: TimepointRule | None,
) -> None:
    """Give every study its timepoint, unless a person decided it."""
    hepatic = {
        row["subject_id"]
        for row in masks.values()
        if row["mask_role"] in (*LESION_ROLES, "undecided") and row["site"] != "extrahepatic"
    }
    by_subject: dict[str, list[StudyDay]] = defaultdict(list)
    refused = {one.volume_id for one in draft.catalogue.refused_series}
    studies = draft.studies()
    for study_uid, volume_ids in studies.items():
        rows = [draft.rows[volume_id] for volume_id in volume_ids]
        subject = rows[0]["subject_id"]
        adequate = any(_is_arterial(row, refused) for row in rows) or subject not in hepatic
        by_subject[subject].append(StudyDay(study_uid, _first_day(rows), adequate))
    for subject, days in sorted(by_subject.items()):
        course = number_timepoints(days, starts.get(subject), rule)
        for code in course.flags:
            said = reason.sentence(code)
            if code == "baseline_too_early":
                allowed = (rule or TimepointRule()).baseline_within_days
                said += f" ({course.early_days} days before {starts[subject]}, allowed: {allowed})"
            draft.problems.append(Problem(code, subject, said))
        for study_uid, place in course.places.items():
            for volume_id in studies[study_uid]:
                row = draft.rows[volume_id]
                row["timepoint"] = "" if place.timepoint is None else str(place.timepoint)
                if place.reason is not None and row["use_by"] == AUTO:
                    row["use"] = "exclude" if place.reason != "no_date" else row["use"]
                    draft.automatic[volume_id]["use"] = row["use"]
                    draft.reasons[volume_id] = place.reason
    draft.keep(TIMEPOINT_GROUP)
    _spread_timepoints(draft)


def _is_arterial(row: Mapping[str, str], refused: set[str]) -> bool:
    """Return whether a volume is measured as arterial, or would be if it were not damaged.

    A damaged baseline stays the baseline, and is refused: an earlier scan must not take its place,
    nor other timepoints their numbers from the damage.
    """
    damaged = row["volume_id"] in refused and row["use_by"] == AUTO and row["phase"] in ARTERIAL
    return row["use"] == "measure" or damaged


def _spread_timepoints(draft: _Draft) -> None:
    """Let a person's timepoint of one volume hold for its whole study."""
    for study_uid, volume_ids in draft.studies().items():
        rows = [draft.rows[volume_id] for volume_id in volume_ids]
        decided = [row for row in rows if row["timepoint_by"] != AUTO]
        places = {row["timepoint"] for row in decided}
        if len(places) > 1:
            msg = (
                f"{PLAN}: study {study_uid} is given the timepoints "
                f"{' and '.join(sorted(place or 'none' for place in places))}. "
                "All volumes of a study belong to one timepoint: write the same in each row."
            )
            raise edit.EditError(msg)
        for row in rows if decided else []:
            row["timepoint"] = decided[0]["timepoint"]
            row["timepoint_by"] = decided[0]["timepoint_by"]


def _first_day(rows: list[dict[str, str]]) -> dt.date | None:
    """Return the first day of a study."""
    days = [dt.date.fromisoformat(row["acquired_on"]) for row in rows if row["acquired_on"]]
    return min(days, default=None)


def _starts(subjects: pd.DataFrame | None) -> dict[str, dt.date]:
    """Return the day that divides baseline from follow-up of every subject that has one."""
    if subjects is None:
        return {}
    starts = {}
    for row in subjects[["subject_id", *DATES_OF_SUBJECTS]].to_dict("records"):
        randomised, treated = (
            None if pd.isna(row[name]) else row[name].date() for name in DATES_OF_SUBJECTS
        )
        start = treatment_start(randomised, treated)
        if start is not None:
            starts[str(row["subject_id"])] = start
    return starts


def _unkept_reason(volume_id: str, written: str) -> Problem:
    """Say that a person's words stand beside no decision."""
    return Problem(
        "edit_not_applied",
        volume_id,
        f"reason was edited to {written!r} in {PLAN}, beside no decision of a person, and is not "
        "kept. Write your id into the column ending in _by of what you decided.",
    )


def _typed_plan(draft: _Draft) -> pd.DataFrame:
    """Return the plan in its final order, with reasons and what was automatic."""

    def order(volume_id: str) -> tuple[str, str, str, str]:
        row = draft.rows[volume_id]
        return row["subject_id"], row["acquired_on"] or "9999", row["study_uid"], volume_id

    for volume_id, row in draft.rows.items():
        row["reason"] = draft.reasons.get(volume_id, "") if row["use_by"] == AUTO else ""
        written = draft.earlier.get(volume_id, {}).get("reason", "")
        if written not in CODES:
            if any(row[group.by] != AUTO for group in PLAN_GROUPS):
                row["reason"] = written  # a person's own words beside a decision
            else:
                draft.problems.append(_unkept_reason(volume_id, written))
        if row["phase_by"] != AUTO:
            row["phase_probability"] = ""
        automatic = {"subject_id": row["subject_id"]}
        automatic |= dict(sorted(draft.automatic[volume_id].items()))
        if volume_id in draft.appended:
            automatic[edit.APPENDED] = "true"
        row["automatic"] = edit.write_automatic(automatic)
    ordered = [draft.rows[volume_id] for volume_id in sorted(draft.rows, key=order)]
    text = pd.DataFrame(ordered, columns=columns_of(Plan), dtype=object)
    return parse_text(text, Plan, origin=PLAN)
