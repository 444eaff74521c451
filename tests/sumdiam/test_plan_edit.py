"""Nothing that a person writes into plan, masks or matches is dropped without a word."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pydicom
import pytest

from sumdiam.archive.catalogue import Catalogue
from sumdiam.archive.scan import scan_archives
from sumdiam.batch.edit import EditError
from sumdiam.batch.plan import make_plan
from sumdiam.batch.plan_file import PlanFiles, read_plan_files
from tests.sumdiam.test_plan import edit_cells, row_of, write_plan


@pytest.fixture(scope="module")
def catalogue(pristine) -> Catalogue:
    return scan_archives([pristine])


@pytest.fixture(scope="module")
def first(catalogue) -> PlanFiles:
    return make_plan(catalogue)


@pytest.fixture
def folder(first, tmp_path) -> Path:
    return write_plan(first, tmp_path / "plan")


@pytest.fixture
def replan(catalogue, folder) -> Callable[[], PlanFiles]:
    return lambda: make_plan(catalogue, previous=read_plan_files(folder))


def lesion(files: PlanFiles, subject: str, timepoint: int) -> pd.Series:
    masks = files.masks
    return masks[
        (masks["subject_id"] == subject)
        & (masks["timepoint"] == timepoint)
        & (masks["mask_role"] == "lesion_whole")
    ].iloc[0]


def drop_row(folder: Path, name: str, key: str) -> None:
    path = folder / f"{name}.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table[table.iloc[:, 0] != key].to_csv(path, index=False)


@pytest.mark.parametrize(
    ("column", "cell"),
    [("study_uid", "1.2.3"), ("series_uid", "1.2.3"), ("modality", "MR"), ("description", "X")],
)
def test_what_a_plan_repeats_from_the_files_cannot_be_edited_there(
    first, folder, replan, column, cell
):
    volume = first.plan["volume_id"].iloc[0]
    edit_cells(folder, "plan", volume, **{column: cell})
    [problem] = replan().problems
    assert (problem.code, problem.where) == ("edit_not_applied", volume)
    assert f"{column} was edited to '{cell}' in plan.csv" in problem.sentence


@pytest.mark.parametrize(
    ("column", "cell"), [("study_uid", "1.2.3"), ("segment", "7"), ("label", "X")]
)
def test_what_masks_repeat_from_the_files_cannot_be_edited_there(
    first, folder, replan, column, cell
):
    mask = first.masks["mask_id"].iloc[0]
    edit_cells(folder, "masks", mask, **{column: cell})
    [problem] = replan().problems
    assert (problem.code, problem.where) == ("edit_not_applied", mask)


def test_a_reason_beside_no_decision_is_not_kept_and_that_is_said(first, folder, replan):
    volume = first.plan["volume_id"].iloc[0]
    edit_cells(folder, "plan", volume, reason="breathing artefact")
    [problem] = replan().problems
    assert (problem.code, problem.where) == ("edit_not_applied", volume)
    assert "breathing artefact" in problem.sentence


@pytest.mark.parametrize("name", ["plan", "masks"])
def test_a_row_that_was_deleted_is_back_and_that_is_said(first, folder, replan, name):
    key = getattr(first, name).iloc[0, 0]
    drop_row(folder, name, key)
    [problem] = replan().problems
    assert (problem.code, problem.where) == ("row_new", f"{name}.csv")
    assert key in problem.sentence
    assert ("exclude" if name == "plan" else "ignore") in problem.sentence


def test_a_match_that_was_deleted_is_back_and_that_is_said(first, folder, replan):
    drop_row(folder, "matches", first.matches["earlier_mask_id"].iloc[0])
    [problem] = replan().problems
    assert (problem.code, problem.where) == ("row_new", "matches.csv")
    assert "lesion_id" in problem.sentence


@pytest.mark.parametrize("name", ["plan", "masks"])
def test_a_row_of_nothing_that_the_archive_holds_is_named(first, folder, replan, name):
    """As a spreadsheet leaves it that takes an id for a number."""
    key = getattr(first, name).iloc[0, 0]
    edit_cells(folder, name, key, **{("volume_id" if name == "plan" else "mask_id"): "2.25E+37"})
    codes = {problem.code: problem for problem in replan().problems}
    assert set(codes) == {"row_gone", "row_new"}
    assert "2.25E+37" in codes["row_gone"].sentence


@pytest.mark.parametrize("whose", ["nobody", "another subject"])
def test_a_mask_cannot_be_given_a_volume_of_another_subject(first, folder, replan, whose):
    mask = lesion(first, "S01", 0)["mask_id"]
    volume = "9.9#all" if whose == "nobody" else row_of(first, "S02", 0, "native")["volume_id"]
    edit_cells(folder, "masks", mask, volume_id=volume, decided_by="R1")
    with pytest.raises(EditError, match=f"mask {mask} is given the volume {volume}"):
        replan()


@pytest.mark.parametrize("relation", ["new", "split", "vanished", "merged"])
def test_a_relation_that_lesion_ids_contradict_is_reported(first, folder, replan, relation):
    edit_cells(
        folder, "matches", first.matches["earlier_mask_id"].iloc[0],
        relation=relation, decided_by="R1",
    )  # fmt: skip
    again = replan()
    assert set(again.masks["lesion_id"].dropna()) == {"T1"}
    [problem] = again.problems
    assert problem.code == "edit_not_applied"
    assert "lesion_id" in problem.sentence


def test_a_relation_that_lesion_ids_bear_out_is_kept_without_a_word(first, folder, replan):
    later = lesion(first, "S01", 1)["mask_id"]
    edit_cells(folder, "masks", later, lesion_id="T2", decided_by="R1")
    edit_cells(
        folder, "matches", first.matches["earlier_mask_id"].iloc[0], relation="new",
        earlier_mask_id="", decided_by="R1",
    )  # fmt: skip
    again = replan()
    assert again.problems == ()
    assert sorted(again.matches["relation"]) == ["new", "vanished"]


def test_a_lesion_that_merges_into_another_has_not_vanished(first, folder, replan):
    earlier, later = (lesion(first, "S01", timepoint)["mask_id"] for timepoint in (0, 1))
    edit_cells(folder, "masks", later, lesion_id="T2", decided_by="R1")
    edit_cells(folder, "matches", earlier, relation="merged", decided_by="R1")
    again = replan()
    assert again.problems == ()
    assert sorted(again.matches["relation"]) == ["merged", "new"]


@pytest.mark.parametrize("other", ["another subject", "a liver", "a later mask"])
def test_masks_that_cannot_be_one_lesion_cannot_be_matched(first, folder, replan, other):
    cells = {"decided_by": "R1", "relation": "same"}
    if other == "another subject":
        cells["mask_id"] = lesion(first, "S02", 0)["mask_id"]
    elif other == "a liver":
        masks = first.masks
        cells["mask_id"] = masks.loc[masks["mask_role"] == "liver", "mask_id"].iloc[1]
    else:
        cells["earlier_mask_id"] = lesion(first, "S01", 1)["mask_id"]
        cells["mask_id"] = lesion(first, "S01", 0)["mask_id"]
    edit_cells(folder, "matches", first.matches["earlier_mask_id"].iloc[0], **cells)
    with pytest.raises(EditError, match=r"matches\.csv.*" + cells["mask_id"]):
        replan()


def test_a_mask_follows_the_volume_that_a_person_gives_it(first, folder, replan):
    mask = lesion(first, "S01", 0)["mask_id"]
    volume = row_of(first, "S01", 1, "late_arterial")
    edit_cells(folder, "masks", mask, volume_id=volume["volume_id"], decided_by="R1")
    row = replan().masks.set_index("mask_id").loc[mask]
    assert (row["study_uid"], row["timepoint"]) == (volume["study_uid"], 1)


def test_a_mask_that_was_ignored_is_as_before_once_the_old_word_and_auto_are_back(
    first, folder, replan
):
    mask = lesion(first, "S01", 0)["mask_id"]
    edit_cells(folder, "masks", mask, mask_role="ignore", decided_by="R1")
    write_plan(replan(), folder)
    edit_cells(folder, "masks", mask, mask_role="lesion_whole", decided_by="auto")
    again = replan()
    pd.testing.assert_frame_equal(again.masks, first.masks)
    assert "edit_without_name" not in {one.code for one in again.problems}


def test_a_lesion_id_written_beside_a_mask_that_waited_for_it_takes_effect(archive, tmp_path):
    """masks.csv itself asks for the lesion_id; nobody should have to mend mask_role too."""
    for path in sorted(archive.rglob("seg.dcm")):
        dataset = pydicom.dcmread(path)
        for segment in dataset.SegmentSequence:
            for keyword in ("TrackingID", "TrackingUID"):
                if keyword in segment:
                    delattr(segment, keyword)
            if "liver" in segment.SegmentLabel.lower():  # without it no visit can be registered
                segment.SegmentLabel = "spleen"
                [code] = segment.SegmentedPropertyTypeCodeSequence
                code.CodeValue, code.CodeMeaning = "78961009", "Spleen"
        dataset.save_as(path)
    catalogue = scan_archives([archive])
    first = make_plan(catalogue)
    folder = write_plan(first, tmp_path / "plan")
    [waiting] = first.masks.loc[first.masks["mask_role"] == "undecided", "mask_id"]
    named = lesion(first, "S01", 0)["lesion_id"]
    edit_cells(folder, "masks", waiting, lesion_id=named, decided_by="R1")
    again = make_plan(catalogue, previous=read_plan_files(folder))
    row = again.masks.set_index("mask_id").loc[waiting]
    assert (row["mask_role"], row["lesion_id"], row["decided_by"]) == ("lesion_whole", named, "R1")
    assert again.problems == ()
