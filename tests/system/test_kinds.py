"""Whole runs on what archives hold beside plain CT and SEG: multi-frame, MR, RTSTRUCT, NIfTI."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.system.job import EXIT_DONE, sumdiam
from tests.system.kind_archive import FIELD, VISITS, write_kinds
from tests.system.test_person import Rows, read, write

SUBJECTS = ("ENHANCED", "MR", "NIFTI", "PLAIN", "RTSTRUCT")
LENGTHS = ("viable_diameter", "whole_diameter", "whole_perpendicular")


class Kinds:
    """The archive, and a run of it."""

    def __init__(self, archive: Path, run: Path) -> None:
        self.archive, self.run = archive, run

    def table(self, name: str) -> Rows:
        return read(self.run / f"{name}.csv")

    def lengths(self, subject: str, timepoint: str) -> dict[str, str]:
        return {
            row["quantity"]: row["value"] for row in self.table("tables/measurements")
            if (row["subject_id"], row["timepoint"]) == (subject, timepoint)
            and row["quantity"] in LENGTHS
        }  # fmt: skip


@pytest.fixture(scope="session")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Kinds:
    """The run as it ends without anybody's help."""
    folder = tmp_path_factory.mktemp("kinds")
    write_kinds(folder / "archive")
    done = sumdiam("run", folder / "archive", "--out", folder / "run", "--workers", "2")
    assert done.returncode == EXIT_DONE, done.stdout + done.stderr
    return Kinds(folder / "archive", folder / "run")


@pytest.fixture(scope="session")
def decided(kinds: Kinds, tmp_path_factory: pytest.TempPathFactory) -> Kinds:
    """The run gone on with, after a person named the lesions of masks that carry no tracking id."""
    run = Path(shutil.copytree(kinds.run, tmp_path_factory.mktemp("decided") / "run"))
    masks = read(run / "masks.csv")
    for row in masks:
        if row["mask_role"] in ("undecided", "lesion_whole"):
            row |= {"mask_role": "lesion_whole", "lesion_id": "T1", "decided_by": "reader-7"}
    write(run / "masks.csv", masks)
    done = sumdiam("run", kinds.archive, "--out", run, "--workers", "2")
    assert done.returncode == EXIT_DONE, done.stdout + done.stderr
    return Kinds(kinds.archive, run)


def test_every_study_of_every_kind_is_measured(kinds: Kinds):
    studies = kinds.table("tables/studies")
    assert [(row["subject_id"], row["status"]) for row in studies] == [
        (subject, "done") for subject in SUBJECTS for _ in VISITS
    ]
    assert {row["subject_id"] for row in kinds.table("tables/measurements")} == set(SUBJECTS)


@pytest.mark.parametrize("subject", ["ENHANCED", "RTSTRUCT", "NIFTI"])
@pytest.mark.parametrize("timepoint", ["0", "1"])
def test_the_same_voxels_read_the_same_lengths_in_every_kind_of_file(
    decided: Kinds, subject: str, timepoint: str
):
    plain = decided.lengths("PLAIN", timepoint)
    assert set(plain) == set(LENGTHS)
    assert decided.lengths(subject, timepoint) == plain


@pytest.mark.parametrize("subject", SUBJECTS)
def test_lengths_lie_within_a_pixel_of_the_ball_that_was_imaged(decided: Kinds, subject: str):
    for timepoint, (_, _, diameter_mm) in enumerate(VISITS):
        for quantity, value in decided.lengths(subject, str(timepoint)).items():
            assert float(value) == pytest.approx(diameter_mm, abs=FIELD.spacing_mm[1]), quantity


def test_masks_of_every_kind_say_what_they_show_and_what_they_were_drawn_on(kinds: Kinds):
    masks, plan = kinds.table("masks"), {row["volume_id"]: row for row in kinds.table("plan")}
    first = [row for row in masks if row["timepoint"] == "0"]
    roles = sorted((row["subject_id"], row["mask_role"]) for row in first)
    assert roles == [(s, role) for s in SUBJECTS for role in ("lesion_whole", "liver")]
    for row in masks:
        assert plan[row["volume_id"]]["subject_id"] == row["subject_id"]
        if row["subject_id"] != "NIFTI":  # which names no image, only has the grid of all three
            assert plan[row["volume_id"]]["phase"] == "late_arterial"


def test_a_mask_without_a_tracking_id_is_not_counted_as_a_new_lesion(kinds: Kinds):
    later = [
        row for row in kinds.table("tables/responses")
        if row["timepoint"] == "1" and row["subject_id"] in ("NIFTI", "RTSTRUCT")
    ]  # fmt: skip
    assert len(later) == 2
    assert {row["overall_response"] for row in later} <= {"NE", "PR"}


def test_every_kind_of_study_gives_the_same_response(decided: Kinds):
    """-37.5 % in truth."""
    responses = [row for row in decided.table("tables/responses") if row["timepoint"] == "1"]
    assert [(row["subject_id"], row["overall_response"]) for row in responses] == [
        (subject, "PR") for subject in SUBJECTS
    ]


def test_phases_of_an_mr_study_get_their_uses_and_gadoxetates_late_one_none(kinds: Kinds):
    rows = [row for row in kinds.table("plan") if row["subject_id"] == "MR"]
    found = sorted((row["phase"], row["use"], row["reason"]) for row in rows)
    assert found == sorted(2 * [
        ("hepatobiliary", "exclude", "phase_not_used"),
        ("late_arterial", "measure", ""),
        ("native", "subtract", ""),
        ("portal_venous", "washout", ""),
    ])  # fmt: skip
    assert {row["phase"] for row in kinds.table("plan") if row["subject_id"] == "ENHANCED"} == {
        "native", "late_arterial", "portal_venous",
    }  # fmt: skip


def test_a_length_in_a_multi_frame_image_names_its_frame(kinds: Kinds):
    named = {
        subject: {
            (row["timepoint"], row["quantity"]): row for row in kinds.table("tables/measurements")
            if row["subject_id"] == subject and row["quantity"] in LENGTHS
        }
        for subject in ("PLAIN", "ENHANCED")
    }  # fmt: skip
    for key, row in named["ENHANCED"].items():
        same = named["PLAIN"][key]
        assert row["slice"] == same["slice"]
        assert int(row["frame_number"]) == int(row["slice"]) + 1  # frames lie feet to head
        assert int(same["frame_number"]) == 1
    assert len({row["sop_instance_uid"] for row in named["ENHANCED"].values()}) == len(VISITS)


def test_every_length_has_its_picture(decided: Kinds):
    drawn = {path.stem for path in (decided.run / "overlays").iterdir()}
    lengths = [
        row for row in decided.table("tables/measurements")
        if row["quantity"] in ("viable_diameter", "whole_diameter") and row["lesion_id"] == "T1"
    ]  # fmt: skip
    assert len(lengths) == 2 * len(SUBJECTS) * len(VISITS)
    assert {row["measurement_id"] for row in lengths} <= drawn


def test_a_readers_report_stands_beside_the_measurements_and_never_in_them(kinds: Kinds):
    """24.0 mm drawn as 12 columns of 2 mm; and a slip that says 31 mm of the same line."""
    right, wrong = kinds.table("tables/calipers")
    own = {row["sop_instance_uid"] for row in kinds.table("tables/measurements")}
    for row in (right, wrong):
        assert (row["subject_id"], row["timepoint"], row["lesion_id"]) == ("PLAIN", "0", "T1")
        assert row["lesion_by"] == "tracking id"
        assert float(row["coordinates_mm"]) == pytest.approx(24.0, abs=1e-6)
        assert row["reader"].startswith("sr-")
        assert "Doe" not in " ".join(row.values())
        assert row["sop_instance_uid"] in own  # the middle slice of the ball
        values = kinds.lengths("PLAIN", "0")
        assert row["automatic_viable_mm"] == values["viable_diameter"]
        assert row["automatic_whole_mm"] == values["whole_diameter"]
    assert (right["length_mm"], right["agrees"], right["flags"]) == ("24", "true", "")
    assert (wrong["length_mm"], wrong["agrees"], wrong["flags"]) == (
        "31", "false", "caliper_disagrees",
    )  # fmt: skip
    told = [row for row in kinds.table("tables/problems") if row["code"] == "caliper_disagrees"]
    assert len(told) == 1
    assert "31 mm stated, 24.00 mm by its coordinates" in told[0]["sentence"]
    assert {row["reader"] for row in kinds.table("tables/measurements")} == {"auto"}
    assert {row["reader"] for row in kinds.table("tables/lesions")} == {"auto"}
