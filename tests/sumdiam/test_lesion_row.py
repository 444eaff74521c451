"""Which lesion has a row at which timepoint."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from measurement.lesion_table import Measurements
from measurement.pivot import pivot_lesions
from measurement.table import empty_table
from sumdiam.archive.catalogue import Catalogue
from sumdiam.archive.scan import scan_archives
from sumdiam.batch.lesion_row import lesion_rows, unread_studies
from sumdiam.batch.plan import make_plan
from sumdiam.batch.plan_file import PlanFiles
from sumdiam.store.workspace import LedgerEntry

WHY = "study refused: missing slice"


@pytest.fixture(scope="module")
def catalogue(pristine) -> Catalogue:
    return scan_archives([pristine])


@pytest.fixture(scope="module")
def plan(catalogue) -> PlanFiles:
    """S01 with lesion T1 at timepoints 0 and 1, S02 with T1 at 0."""
    return make_plan(catalogue)


def study(plan: PlanFiles, timepoint: int) -> str:
    placed = plan.plan[(plan.plan["subject_id"] == "S01") & (plan.plan["timepoint"] == timepoint)]
    return str(placed["study_uid"].iloc[0])


def with_lesion(plan: PlanFiles, name: str, *timepoints: int) -> PlanFiles:
    """The plan with a further lesion, outlined as T1 is."""
    of = plan.masks["lesion_id"].eq("T1") & plan.masks["subject_id"].eq("S01")
    copy = plan.masks[of & plan.masks["timepoint"].isin(timepoints)].assign(lesion_id=name)
    copy["mask_id"] = [f"{name}#{timepoint}" for timepoint in copy["timepoint"]]
    return replace(plan, masks=pd.concat([plan.masks, copy], ignore_index=True))


def with_match(plan: PlanFiles, relation: str, earlier: str, later: str) -> PlanFiles:
    row = {"relation": relation, "earlier_mask_id": earlier, "mask_id": later, "subject_id": "S01"}
    rows = pd.concat([plan.matches, pd.DataFrame([row | {"decided_by": "R1"}])], ignore_index=True)
    return replace(plan, matches=rows)


def mask_of(plan: PlanFiles, timepoint: int) -> str:
    masks = plan.masks[(plan.masks["subject_id"] == "S01") & (plan.masks["lesion_id"] == "T1")]
    return str(masks.loc[masks["timepoint"] == timepoint, "mask_id"].iloc[0])


def table(plan: PlanFiles, catalogue: Catalogue, unread: dict[str, str]) -> pd.DataFrame:
    """The lesion table of S01 when nothing at all was measured."""
    found = pivot_lesions(empty_table(Measurements), lesion_rows(plan, catalogue, unread))
    return found[found["subject_id"] == "S01"]


def cells(rows: pd.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    shown = rows[list(columns)].astype(object)
    return [tuple(row) for row in shown.where(shown.notna(), None).to_numpy()]


def test_a_lesion_of_a_refused_study_is_not_evaluable_for_the_reason_of_the_refusal(
    plan, catalogue
):
    rows = table(plan, catalogue, {study(plan, 1): WHY})
    assert cells(rows, "lesion_id", "timepoint", "site", "status", "status_reason") == [
        ("T1", 0, "hepatic", None, None),
        ("T1", 1, "hepatic", "not_evaluable", WHY),
    ]


def test_a_lesion_known_before_is_not_evaluable_where_not_even_its_mask_was_read(plan, catalogue):
    lost = study(plan, 1)
    blind = replace(plan, masks=plan.masks[plan.masks["study_uid"] != lost])
    rows = table(blind, catalogue, {lost: WHY})
    assert cells(rows, "timepoint", "status", "status_reason")[1] == (1, "not_evaluable", WHY)


def test_a_lesion_outlined_later_is_not_evaluable_at_a_baseline_that_was_not_read(plan, catalogue):
    more = with_lesion(plan, "T2", 1)
    rows = table(more, catalogue, {study(plan, 0): WHY})
    assert cells(rows, "lesion_id", "timepoint", "status") == [
        ("T1", 0, "not_evaluable"), ("T1", 1, None), ("T2", 0, "not_evaluable"), ("T2", 1, None),
    ]  # fmt: skip


def test_a_lesion_outlined_later_has_no_row_at_an_unread_follow_up_before_it(plan, catalogue):
    later = plan.plan.assign(timepoint=plan.plan["timepoint"] * 2)
    masks = plan.masks.assign(timepoint=plan.masks["timepoint"] * 2)
    between = later[later["timepoint"] == 2].assign(timepoint=1, study_uid="1.2.3")
    three = replace(plan, plan=pd.concat([later, between]), masks=masks)
    more = with_lesion(three, "T2", 2)
    rows = table(more, catalogue, {"1.2.3": WHY})
    assert cells(rows, "lesion_id", "timepoint", "status") == [
        ("T1", 0, None), ("T1", 1, "not_evaluable"), ("T1", 2, None), ("T2", 2, None),
    ]  # fmt: skip


def test_a_fragment_names_the_lesion_that_it_broke_off_from(plan, catalogue):
    split = with_match(with_lesion(plan, "F", 1), "split", mask_of(plan, 0), "F#1")
    rows = table(split, catalogue, {})
    assert cells(rows, "lesion_id", "timepoint", "split_from", "merged_into") == [
        ("F", 1, "T1", None), ("T1", 0, None, None), ("T1", 1, None, None),
    ]  # fmt: skip


def test_a_lesion_that_merged_is_present_in_the_one_that_it_grew_into(plan, catalogue):
    merged = with_match(with_lesion(plan, "T2", 0), "merged", "T2#0", mask_of(plan, 1))
    rows = table(merged, catalogue, {})
    assert cells(rows, "lesion_id", "timepoint", "status", "merged_into") == [
        ("T1", 0, None, None), ("T1", 1, None, None),
        ("T2", 0, None, None), ("T2", 1, "present", "T1"),
    ]  # fmt: skip


@pytest.mark.parametrize("relation", ["split", "merged"])
def test_masks_of_one_lesion_neither_split_nor_merge(plan, catalogue, relation):
    same = with_match(plan, relation, mask_of(plan, 0), mask_of(plan, 1))
    rows = table(same, catalogue, {})
    assert cells(rows, "split_from", "merged_into") == [(None, None)] * 2


def test_every_study_that_gave_nothing_says_why():
    def entry(uid: str, state: str, code: str | None = None) -> LedgerEntry:
        facts = {"reason_code": code, "reason": None, "notes": None}
        return LedgerEntry(
            uid, "S1", 0, "d", planned=True, state=state, attempts=1, flags=0, seconds=1.0, **facts
        )

    entries = [
        entry("1", "done"),
        entry("2", "refused", "missing_slice"),
        entry("3", "quarantined"),
    ]
    assert unread_studies(entries) == {"2": WHY, "3": "study could not be measured"}
