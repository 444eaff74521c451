"""Which lesion has a row at which timepoint: where it is outlined, unread, or merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from sumdiam.archive.catalogue import Catalogue
from sumdiam.batch.masks import LESION_ROLES, lesion_facts
from sumdiam.batch.plan_file import PlanFiles
from sumdiam.store.workspace import LedgerEntry

KEY = ("subject_id", "reader", "lesion_id", "timepoint")
STATIC = ("organ", "site", "node", "treated_before")
COLUMNS = (
    *KEY, *STATIC, "slice_thickness_mm", "status", "status_reason", "split_from", "merged_into",
)  # fmt: skip
Key = tuple[str, str, str, int]
Row = dict[str, Any]
Rows = dict[Key, Row]


def unread_studies(studies: Sequence[LedgerEntry]) -> dict[str, str]:
    """Return why nothing was measured in each study that was refused or given up."""
    return {
        entry.study_uid: f"study refused: {str(entry.reason_code).replace('_', ' ')}"
        if entry.state == "refused"
        else "study could not be measured"
        for entry in studies
        if entry.state != "done"
    }


def lesion_rows(plan: PlanFiles, catalogue: Catalogue, unread: Mapping[str, str]) -> pd.DataFrame:
    """Return what the pivot to lesions needs, with the lesions that nobody could measure.

    Parameters
    ----------
    unread : study UID -> why nothing was measured in it

    Returns
    -------
    DataFrame
        One row per lesion and timepoint, columns `COLUMNS`. Status and its reason are given where
        no measurement can say them.

    Notes
    -----
    A visit that took place but could not be read is not evaluable; it is neither missing nor a
    visit without the lesion. So a lesion has a row there if it is outlined there or was outlined
    before. At a baseline of which nothing could be read, every lesion of the subject has one:
    nobody can say that a lesion outlined later is new. A lesion that merged is present in the one
    that it grew into, and has a row wherever that one is outlined.
    """
    masks = plan.masks
    rows = _by_key(lesion_facts(masks[~masks["study_uid"].isin(unread)], catalogue))
    outlined = _by_key(lesion_facts(masks, catalogue))
    for key, row in _unread_rows(plan.plan, outlined, unread).items():
        rows.setdefault(key, row)
    _link(rows, plan.matches, masks)
    return pd.DataFrame([rows[key] for key in sorted(rows)], columns=list(COLUMNS), dtype=object)


def _by_key(facts: pd.DataFrame) -> Rows:
    """Return rows by lesion and timepoint."""
    rows: Rows = {}
    for record in facts.to_dict("records"):
        row: Row = {str(name): cell for name, cell in record.items()}
        row["timepoint"] = int(row["timepoint"])
        rows[_key(row)] = row
    return rows


def _key(row: Row) -> Key:
    """Return the key of a row."""
    return str(row["subject_id"]), str(row["reader"]), str(row["lesion_id"]), int(row["timepoint"])


def _unread_rows(plan: pd.DataFrame, outlined: Rows, unread: Mapping[str, str]) -> Rows:
    """Return the rows of lesions at visits of which a study could not be read."""
    reasons, whole = _unread_visits(plan, unread)
    known: dict[tuple[str, str, str], list[int]] = {}
    for one in sorted(outlined):
        known.setdefault(one[:3], []).append(one[3])
    rows: Rows = {}
    for lesion, times in known.items():
        for timepoint, why in reasons.get(lesion[0], {}).items():
            at_baseline = timepoint == 0 and (lesion[0], 0) in whole
            if timepoint not in times and min(times) > timepoint and not at_baseline:
                continue
            key = (*lesion, timepoint)
            nearest = max((time for time in times if time <= timepoint), default=min(times))
            known_of = outlined[*lesion, nearest]
            rows[key] = dict(zip(KEY, key, strict=True)) | {name: known_of[name] for name in STATIC}
            rows[key] |= {"status": "not_evaluable", "status_reason": why}
    return rows


def _unread_visits(
    plan: pd.DataFrame, unread: Mapping[str, str]
) -> tuple[dict[str, dict[int, str]], set[tuple[str, int]]]:
    """Return why visits were not read, by subject; and those of which nothing was read."""
    reasons: dict[str, dict[int, str]] = {}
    whole = set()
    placed = plan[plan["timepoint"].notna()]
    for visit, volumes in placed.groupby(["subject_id", "timepoint"], sort=True):
        subject, timepoint = str(visit[0]), int(str(visit[1]))
        studies = set(volumes["study_uid"])
        lost = sorted(studies & set(unread))
        if lost:
            reasons.setdefault(subject, {})[timepoint] = unread[lost[0]]
        if lost and len(lost) == len(studies):
            whole.add((subject, timepoint))
    return reasons, whole


def _link(rows: Rows, matches: pd.DataFrame, masks: pd.DataFrame) -> None:
    """Write into the rows which lesion broke off from which, and which grew into which."""
    lesions = masks[
        masks["mask_role"].isin(LESION_ROLES)
        & masks["lesion_id"].notna()
        & masks["timepoint"].notna()
    ]
    outlines = {str(row["mask_id"]): row for row in lesions.to_dict("records")}
    for match in matches[matches["relation"].isin(["split", "merged"])].itertuples():
        if not {match.earlier_mask_id, match.mask_id} <= set(outlines):
            continue
        one, other = outlines[str(match.earlier_mask_id)], outlines[str(match.mask_id)]
        if one["reader"] != other["reader"] or one["lesion_id"] == other["lesion_id"]:
            continue
        fragment = (str(other["subject_id"]), str(other["reader"]), str(other["lesion_id"]))
        since = int(other["timepoint"])
        visits = sorted(key for key in rows if key[:3] == fragment and key[3] >= since)
        for key in visits:
            if match.relation == "split":
                rows[key]["split_from"] = str(one["lesion_id"])
            else:
                _merge(rows, (*fragment[:2], str(one["lesion_id"]), key[3]), one, rows[key])


def _merge(rows: Rows, key: Key, mask: Mapping[Any, Any], host: Row) -> None:
    """Give a lesion that grew into another a row beside it."""
    row: Row = dict(zip(KEY, key, strict=True)) | {name: mask[name] for name in STATIC}
    unread = {name: host.get(name) for name in ("status", "status_reason")}
    row |= unread if unread["status"] is not None else {"status": "present"}
    rows.setdefault(key, row)["merged_into"] = host["lesion_id"]
