"""The trial with every tracking id taken out of its masks: the same tables as with them, or asked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pydicom
import pytest

from tests.system.job import EXIT_DONE, EXIT_REFUSED, Trial
from tests.system.test_person import Rows, read

SUBJECTS = 2
MEASURED = (
    "viable_diameter_mm", "whole_diameter_mm", "node_short_axis_mm", "status", "status_reason",
    "arterial_enhancement", "washout", "flags",
)  # fmt: skip
JUDGED = ("overall_response", "target_response", "new_lesion", "sum_mm", "n_measured")


@pytest.fixture(scope="module")
def nameless(trial: Trial, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two subjects of the trial without ids, one with an unreadable study; images are linked."""
    folder = tmp_path_factory.mktemp("nameless") / "archive"
    for subject in sorted(trial.archive.iterdir())[:: len(list(trial.archive.iterdir())) - 1]:
        shutil.copytree(
            subject, folder / subject.name, copy_function=lambda a, b: Path(b).hardlink_to(a)
        )
    assert len(list(folder.iterdir())) == SUBJECTS
    for path in sorted(folder.rglob("masks.dcm")):
        dataset = pydicom.dcmread(path)
        for segment in dataset.SegmentSequence:
            for keyword in ("TrackingID", "TrackingUID"):
                segment.pop(keyword, None)
        path.unlink()
        dataset.save_as(path)
    return folder


@pytest.fixture(scope="module")
def matched(trial: Trial, nameless: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("matched") / "run"
    done = trial.run(out, "--workers", "2", archive=nameless)
    assert done.returncode in (EXIT_DONE, EXIT_REFUSED), done.stdout + done.stderr
    return out


def lesions_of(run: Path) -> dict[str, dict[str, str]]:
    return {
        row["mask_id"]: row for row in read(run / "masks.csv")
        if row["mask_role"] in ("lesion_whole", "undecided")
    }  # fmt: skip


def asked(matched: Path) -> dict[str, int]:
    """The first timepoint at which a person is asked, by subject."""
    first: dict[str, int] = {}
    for row in lesions_of(matched).values():
        if row["mask_role"] == "undecided":
            when = int(row["timepoint"])
            first[row["subject_id"]] = min(when, first.get(row["subject_id"], when))
    return first


def of_subjects(rows: Rows, matched: Path) -> Rows:
    subjects = {row["subject_id"] for row in lesions_of(matched).values()}
    return [row for row in rows if row["subject_id"] in subjects]


def names(finished: Path, matched: Path) -> dict[tuple[str, str], str]:
    """The given id of each lesion, by subject and the id that it has without."""
    given = lesions_of(finished)
    return {
        (row["subject_id"], row["lesion_id"]): given[mask_id]["lesion_id"]
        for mask_id, row in lesions_of(matched).items()
        if row["lesion_id"]
    }


def test_every_outline_gets_its_lesion_or_is_asked(finished: Path, matched: Path):
    given, found = lesions_of(finished), lesions_of(matched)
    known = names(finished, matched)
    assert {row["subject_id"] for row in found.values()} == {subject for subject, _ in known}
    for mask_id, row in found.items():
        if row["mask_role"] == "lesion_whole":
            assert known[row["subject_id"], row["lesion_id"]] == given[mask_id]["lesion_id"]
    per_subject = [(subject, name) for (subject, _), name in known.items()]
    assert len(per_subject) == len(set(per_subject))  # none is taken for two
    for row in found.values():
        if row["mask_role"] == "undecided":
            assert "write lesion_id here" in row["evidence"]


def test_only_empty_outlines_and_those_of_unreadable_images_are_asked(finished, matched: Path):
    studies = {row["study_uid"]: row["status"] for row in read(matched / "tables" / "studies.csv")}
    for row in lesions_of(matched).values():
        if row["mask_role"] == "undecided":
            empty = "it is declared and empty" in row["evidence"]
            assert empty or studies[row["study_uid"]] == "refused"


def test_matches_have_their_costs_and_margins(matched: Path):
    same = [row for row in read(matched / "matches.csv") if row["relation"] == "same"]
    assert len(same) >= SUBJECTS
    for row in same:
        assert row["decided_by"] == "auto"
        assert float(row["cost"]) < 1.0  # nothing moves in the simulated trial
        assert float(row["margin"]) > 1.0


def test_the_tables_are_those_of_the_run_with_ids(finished: Path, matched: Path):
    known, first = names(finished, matched), asked(matched)
    here = {
        (row["subject_id"], known[row["subject_id"], row["lesion_id"]], row["timepoint"]): row
        for row in read(matched / "tables" / "lesions.csv")
        if (row["subject_id"], row["lesion_id"]) in known  # findings speak of lesions by given ids
    }
    compared = 0
    for row in of_subjects(read(finished / "tables" / "lesions.csv"), matched):
        spoken = row["finding"] or row["comment"] or row["cytology"] or row["pattern"]
        if spoken or int(row["timepoint"]) >= first.get(row["subject_id"], 99):
            continue
        same = here[row["subject_id"], row["lesion_id"], row["timepoint"]]
        assert {name: same[name] for name in MEASURED} == {name: row[name] for name in MEASURED}
        compared += 1
    assert compared >= 4


def test_responses_before_anything_is_asked_are_those_of_the_run_with_ids(
    finished: Path, matched: Path
):
    first = asked(matched)
    key = ("subject_id", "criteria", "timepoint")
    here = {
        tuple(row[name] for name in key): row for row in read(matched / "tables" / "responses.csv")
    }
    columns = [name for name in JUDGED if name in next(iter(here.values()))]
    assert "overall_response" in columns
    compared = 0
    for row in of_subjects(read(finished / "tables" / "responses.csv"), matched):
        if int(row["timepoint"]) < first.get(row["subject_id"], 99):
            same = here[tuple(row[name] for name in key)]
            assert {name: same[name] for name in columns} == {name: row[name] for name in columns}
            compared += 1
    assert compared >= SUBJECTS
