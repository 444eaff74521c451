"""A plan from a real archive, and what a rerun keeps of a person's edits."""

import datetime as dt
import shutil
from pathlib import Path

import pandas as pd
import pytest

from assessment.response_table import Subjects
from imaging.reference_object import Ball, ReferenceLesion, hypervascular
from measurement.table import TableError, from_records, to_text
from sumdiam.archive.scan import scan_archives
from sumdiam.batch.edit import EditError
from sumdiam.batch.plan import make_plan
from sumdiam.batch.plan_file import PlanFiles, read_plan_files

NAMES = ("plan", "masks", "matches")


def write_plan(files: PlanFiles, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for name in NAMES:
        to_text(getattr(files, name)).to_csv(folder / f"{name}.csv", index=False)
    return folder


def edit_cells(folder: Path, name: str, key: str, **cells: str) -> None:
    """Edit the row whose first column is the key, as a person does in a spreadsheet."""
    path = folder / f"{name}.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    row = table.iloc[:, 0] == key
    assert row.sum() == 1
    for column, cell in cells.items():
        table.loc[row, column] = cell
    table.to_csv(path, index=False)


def same(one: PlanFiles, other: PlanFiles) -> bool:
    return all(
        to_text(getattr(one, name)).equals(to_text(getattr(other, name)))
        for name in (*NAMES, "timepoints")
    )


def row_of(files: PlanFiles, subject: str, timepoint: int, phase: str) -> pd.Series:
    plan = files.plan
    rows = plan[
        (plan["subject_id"] == subject)
        & (plan["timepoint"] == timepoint)
        & (plan["phase"] == phase)
    ]
    assert len(rows) == 1
    return rows.iloc[0]


@pytest.fixture(scope="module")
def catalogue(pristine):
    return scan_archives([pristine])


@pytest.fixture(scope="module")
def first(catalogue):
    return make_plan(catalogue)


def test_a_clean_archive_needs_no_decision(first):
    assert first.problems == ()
    assert first.refused_studies == {}
    assert first.plan["use"].value_counts().to_dict() == {"measure": 3, "subtract": 3}
    assert first.masks["mask_role"].value_counts().to_dict() == {"liver": 3, "lesion_whole": 3}
    assert first.matches["relation"].tolist() == ["same"]
    assert first.timepoints[["subject_id", "timepoint"]].to_numpy().tolist() == [
        ["S01", 0],
        ["S01", 1],
        ["S02", 0],
    ]


def test_a_rerun_without_an_edit_changes_nothing(catalogue, first, tmp_path):
    previous = read_plan_files(write_plan(first, tmp_path))
    again = make_plan(catalogue, previous=previous)
    assert same(first, again)
    assert again.problems == ()


def test_there_is_no_earlier_plan_in_an_empty_folder(tmp_path):
    assert read_plan_files(tmp_path) is None


def test_of_subjects_only_two_dates_reach_the_plan(catalogue):
    def planned(**cells):
        rows = [{"subject_id": "S01", **cells}, {"subject_id": "S02"}]
        return make_plan(catalogue, from_records(rows, Subjects))

    start = {"treatment_started_on": pd.Timestamp("2020-01-10")}
    plain = planned(**start)
    others = planned(**start, arm="B", died_on=pd.Timestamp("2020-02-01"))
    assert same(plain, others)
    late = planned(treatment_started_on=pd.Timestamp("2020-04-10"))
    assert late.plan.loc[late.plan["subject_id"] == "S01", "reason"].dropna().tolist() == [
        "before_baseline",
        "before_baseline",
    ]
    assert late.refused_studies == {}


def test_subjects_on_one_side_only_are_listed_and_the_run_goes_on(catalogue):
    subjects = from_records([{"subject_id": "S01"}, {"subject_id": "S77"}], Subjects)
    plan = make_plan(catalogue, subjects)
    assert {(one.code, one.where) for one in plan.problems} == {
        ("subject_not_in_table", "S02"),
        ("subject_without_images", "S77"),
    }
    assert len(plan.plan) == 6


SLIPS = [
    # ids in subjects.csv, ids whose nearest must be named, what is asked
    (["S01", "s-02"], "s-02", "Is it meant to be S02?"),
    (["S01", "S2"], "S2", "Is it meant to be S02?"),
    (["S01", "S02", "S03"], "S03", ""),  # both of the archive have their row: no slip to be seen
    (["S01", "S02", "unlike"], "unlike", ""),
]


@pytest.mark.parametrize(("ids", "slip", "asked"), SLIPS)
def test_a_mistyped_subject_is_said_to_count_as_ne_and_the_nearest_id_is_named(
    catalogue, ids, slip, asked
):
    subjects = from_records([{"subject_id": name} for name in ids], Subjects)
    [problem] = [p for p in make_plan(catalogue, subjects).problems if p.where == slip]
    assert problem.code == "subject_without_images"
    assert "NE" in problem.sentence
    assert problem.sentence.partition("Is it meant")[2] == asked.removeprefix("Is it meant")


def test_where_nearly_no_id_is_on_both_sides_another_kind_of_id_is_suspected(catalogue):
    subjects = from_records([{"subject_id": f"{n}"} for n in range(300)], Subjects)
    [problem] = [p for p in make_plan(catalogue, subjects).problems if p.where == "S01"]
    assert problem.sentence.endswith("is one of them of another kind?")


def test_a_persons_phase_wins_and_the_use_follows_it(catalogue, first, tmp_path):
    folder = write_plan(first, tmp_path)
    native = row_of(first, "S01", 1, "native")["volume_id"]
    edit_cells(folder, "plan", native, phase="portal_venous", phase_by="R1")
    again = make_plan(catalogue, previous=read_plan_files(folder))
    row = again.plan.set_index("volume_id").loc[native]
    assert (row["phase"], row["phase_by"], row["use"], row["use_by"]) == (
        "portal_venous",
        "R1",
        "washout",
        "auto",
    )
    assert again.problems == ()
    others = to_text(again.plan[again.plan["volume_id"] != native]).reset_index(drop=True)
    before = to_text(first.plan[first.plan["volume_id"] != native]).reset_index(drop=True)
    assert others.equals(before)
    third = make_plan(catalogue, previous=read_plan_files(write_plan(again, tmp_path)))
    assert same(again, third)


def test_a_persons_use_wins_over_the_phase(catalogue, first, tmp_path):
    folder = write_plan(first, tmp_path)
    native = row_of(first, "S01", 1, "native")["volume_id"]
    edit_cells(folder, "plan", native, use="exclude", use_by="R1", phase="delayed", phase_by="R1")
    again = make_plan(catalogue, previous=read_plan_files(folder)).plan.set_index("volume_id")
    assert again.loc[native, ["use", "use_by"]].tolist() == ["exclude", "R1"]


def test_an_edit_that_names_nobody_is_kept_and_reported(catalogue, first, tmp_path):
    folder = write_plan(first, tmp_path)
    native = row_of(first, "S01", 1, "native")["volume_id"]
    edit_cells(folder, "plan", native, phase="delayed")
    again = make_plan(catalogue, previous=read_plan_files(folder))
    row = again.plan.set_index("volume_id").loc[native]
    assert (row["phase"], row["phase_by"]) == ("delayed", "person")
    [problem] = again.problems
    assert (problem.code, problem.where) == ("edit_without_name", native)
    assert "Write your id into phase_by" in problem.sentence
    third = make_plan(catalogue, previous=read_plan_files(write_plan(again, tmp_path)))
    assert third.problems == ()
    assert same(again, third)


def test_a_changed_automatic_value_is_no_edit(catalogue, first, tmp_path):
    """A study that comes later moves the timepoints of others: nobody decided those."""
    folder = write_plan(first, tmp_path)
    start = from_records(
        [{"subject_id": "S01", "treatment_started_on": pd.Timestamp("2020-04-10")}], Subjects
    )
    again = make_plan(catalogue, start, previous=read_plan_files(folder))
    assert not [one for one in again.problems if one.code == "edit_without_name"]
    assert set(again.plan["timepoint_by"]) == {"auto"}


def test_a_persons_timepoint_holds_for_the_whole_study(catalogue, first, tmp_path):
    folder = write_plan(first, tmp_path)
    native = row_of(first, "S01", 1, "native")
    edit_cells(folder, "plan", native["volume_id"], timepoint="4", timepoint_by="R1")
    again = make_plan(catalogue, previous=read_plan_files(folder))
    study = again.plan[again.plan["study_uid"] == native["study_uid"]]
    assert study["timepoint"].tolist() == [4, 4]
    assert study["timepoint_by"].tolist() == ["R1", "R1"]
    masks = again.masks[again.masks["study_uid"] == native["study_uid"]]
    assert masks["timepoint"].tolist() == [4, 4]
    assert again.timepoints["timepoint"].tolist() == [0, 4, 0]


def test_a_persons_date_moves_the_scan(catalogue, first, tmp_path):
    folder = write_plan(first, tmp_path)
    for phase in ("native", "late_arterial"):
        volume_id = row_of(first, "S01", 1, phase)["volume_id"]
        edit_cells(folder, "plan", volume_id, acquired_on="2020-05-05", timepoint_by="R1")
    again = make_plan(catalogue, previous=read_plan_files(folder))
    assert again.timepoints["first_scan_on"].iloc[1] == pd.Timestamp("2020-05-05")


def test_two_timepoints_for_one_study_are_refused(catalogue, first, tmp_path):
    folder = write_plan(first, tmp_path)
    for phase, timepoint in (("native", "4"), ("late_arterial", "5")):
        volume_id = row_of(first, "S01", 1, phase)["volume_id"]
        edit_cells(folder, "plan", volume_id, timepoint=timepoint, timepoint_by="R1")
    with pytest.raises(EditError, match=r"timepoints 4 and 5.*write the same"):
        make_plan(catalogue, previous=read_plan_files(folder))


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"phase": "arterial"}, r"plan\.csv: phase: .*'arterial'"),
        ({"use": "yes"}, r"plan\.csv: use: .*'yes'"),
        ({"timepoint": "one"}, r"plan\.csv: row 2, column timepoint: 'one' is not a whole"),
        ({"acquired_on": "1/2/2020"}, r"plan\.csv: row 2, column acquired_on.*YYYY-MM-DD"),
        ({"remark": "x"}, r"plan\.csv: unknown column 'remark'"),
    ],
)
def test_words_that_a_plan_does_not_know_are_refused(first, tmp_path, cells, message):
    folder = write_plan(first, tmp_path)
    edit_cells(folder, "plan", first.plan["volume_id"].iloc[0], **cells)
    with pytest.raises(TableError, match=message):
        read_plan_files(folder)


def test_an_edited_plan_whose_data_are_gone_is_refused_by_name(archive, tmp_path):
    first = make_plan(scan_archives([archive]))
    folder = write_plan(first, tmp_path / "run")
    gone = row_of(first, "S01", 1, "native")["volume_id"]
    edit_cells(folder, "plan", gone, use="exclude", use_by="R1")
    shutil.rmtree(archive / "S01" / "t1" / "native")
    with pytest.raises(EditError, match=f"{gone}.*Bring the data back, or remove the row"):
        make_plan(scan_archives([archive]), previous=read_plan_files(folder))


def test_automatic_rows_whose_data_are_gone_disappear_and_that_is_said(archive, tmp_path):
    folder = write_plan(make_plan(scan_archives([archive])), tmp_path / "run")
    shutil.rmtree(archive / "S01" / "t1")
    again = make_plan(scan_archives([archive]), previous=read_plan_files(folder))
    assert len(again.plan) == 4
    assert len(again.masks) == 4
    assert len(again.matches) == 0
    assert [(one.code, one.where) for one in again.problems] == [
        ("row_gone", "plan.csv"),
        ("row_gone", "masks.csv"),
    ]


def test_new_rows_of_an_edited_plan_wait_for_a_person(archive, tmp_path, write_study):
    first = make_plan(scan_archives([archive]))
    folder = write_plan(first, tmp_path / "run")
    edited = row_of(first, "S01", 1, "native")["volume_id"]
    edit_cells(folder, "plan", edited, use="exclude", use_by="R1")
    uid = write_study(
        archive / "S02" / "t1", subject="S02", visit="t1", day=dt.date(2020, 4, 1)
    ).study_uid
    catalogue = scan_archives([archive])
    again = make_plan(catalogue, previous=read_plan_files(folder))
    new = again.plan[again.plan["study_uid"] == uid]
    assert new["use"].tolist() == ["undecided", "undecided"]
    assert again.refused_studies[uid][0] == "undecided_use"
    # they stay so until somebody decides
    write_plan(again, folder)
    third = make_plan(catalogue, previous=read_plan_files(folder))
    assert same(again, third)
    for volume_id, phase in zip(new["volume_id"], new["phase"], strict=True):
        edit_cells(folder, "plan", volume_id, phase=phase, phase_by="R1")
    fourth = make_plan(catalogue, previous=read_plan_files(folder))
    uses = fourth.plan[fourth.plan["study_uid"] == uid]["use"]
    assert sorted(uses) == ["measure", "subtract"]
    assert fourth.refused_studies == {}


def test_new_rows_of_an_untouched_plan_are_decided_at_once(archive, tmp_path, write_study):
    folder = write_plan(make_plan(scan_archives([archive])), tmp_path / "run")
    write_study(archive / "S02" / "t1", subject="S02", visit="t1", day=dt.date(2020, 4, 1))
    again = make_plan(scan_archives([archive]), previous=read_plan_files(folder))
    assert "undecided" not in set(again.plan["use"])


def test_a_persons_mask_role_and_lesion_win(catalogue, first, tmp_path):
    folder = write_plan(first, tmp_path)
    mask_id = first.masks.loc[first.masks["mask_role"] == "lesion_whole", "mask_id"].iloc[0]
    edit_cells(
        folder, "masks", mask_id, site="extrahepatic", organ="adrenal", lesion_id="E9",
        decided_by="R1",
    )  # fmt: skip
    again = make_plan(catalogue, previous=read_plan_files(folder))
    row = again.masks.set_index("mask_id").loc[mask_id]
    assert row[["site", "organ", "lesion_id", "decided_by"]].tolist() == [
        "extrahepatic",
        "adrenal",
        "E9",
        "R1",
    ]
    assert sorted(again.matches["relation"]) == ["new", "vanished"]


def test_a_lesion_without_a_site_is_refused(catalogue, first, tmp_path):
    folder = write_plan(first, tmp_path)
    mask_id = first.masks.loc[first.masks["mask_role"] == "lesion_whole", "mask_id"].iloc[0]
    edit_cells(folder, "masks", mask_id, site="", decided_by="R1")
    with pytest.raises(EditError, match=f"mask {mask_id} .*Write hepatic or extrahepatic"):
        make_plan(catalogue, previous=read_plan_files(folder))


@pytest.fixture
def untracked(archive, edit_file):
    """Masks without tracking ids, as most archives have them."""
    import pydicom

    for path in sorted(archive.rglob("seg.dcm")):
        dataset = pydicom.dcmread(path)
        for segment in dataset.SegmentSequence:
            for keyword in ("TrackingID", "TrackingUID"):
                if keyword in segment:
                    delattr(segment, keyword)
        dataset.save_as(path)
    return archive


def test_without_tracking_lesions_are_matched_by_their_place_in_the_liver(untracked, tmp_path):
    catalogue = scan_archives([untracked])
    plan = make_plan(catalogue)
    assert plan.problems == ()
    lesions = plan.masks[plan.masks["organ"] == "liver"].set_index(["subject_id", "timepoint"])
    earlier, later = lesions.loc[("S01", 0)], lesions.loc[("S01", 1)]
    assert later["mask_role"] == "lesion_whole"
    assert later["lesion_id"] == earlier["lesion_id"] != lesions.loc[("S02", 0), "lesion_id"]
    assert f"the same lesion as {earlier['mask_id']} (centroids 0." in later["evidence"]
    assert "registered by the liver" in later["evidence"]
    [row] = plan.matches.to_dict("records")
    assert (row["earlier_mask_id"], row["mask_id"]) == (earlier["mask_id"], later["mask_id"])
    assert (row["relation"], row["decided_by"]) == ("same", "auto")
    assert row["cost"] < 0.2
    assert row["margin"] == pytest.approx(2.4 - row["cost"], abs=1e-3)
    again = make_plan(catalogue, previous=read_plan_files(write_plan(plan, tmp_path / "run")))
    assert same(plan, again)
    assert again.problems == ()


@pytest.fixture
def without_liver(untracked, tmp_path):
    """The files of a plan in which a person has put the outlines of the liver aside."""
    folder = write_plan(make_plan(scan_archives([untracked])), tmp_path / "run")
    masks = pd.read_csv(folder / "masks.csv", dtype=str, keep_default_na=False)
    livers = masks["mask_role"] == "liver"
    masks.loc[livers, ["mask_role", "decided_by"]] = ("ignore", "R1")
    masks.to_csv(folder / "masks.csv", index=False)
    return read_plan_files(folder)


def test_without_tracking_and_liver_a_later_lesion_is_undecided_and_not_new(
    untracked, without_liver, tmp_path
):
    catalogue = scan_archives([untracked])
    plan = make_plan(catalogue, previous=without_liver)
    lesions = plan.masks[plan.masks["organ"] == "liver"].set_index(["subject_id", "timepoint"])
    assert lesions.loc[("S01", 0), "mask_role"] == "lesion_whole"
    assert lesions.loc[("S01", 1), "mask_role"] == "undecided"
    assert "no liver is outlined at both visits" in lesions.loc[("S01", 1), "evidence"]
    assert "matches.csv" in lesions.loc[("S01", 1), "evidence"]
    assert plan.matches.empty
    [problem] = plan.problems
    assert problem.code == "undecided_mask"
    # a person matches them: the lesion takes the id of the earlier one
    folder = write_plan(plan, tmp_path / "run")
    earlier, later = lesions.loc[("S01", 0), "mask_id"], lesions.loc[("S01", 1), "mask_id"]
    with (folder / "matches.csv").open("a") as file:
        file.write(f"{earlier},{later},S01,same,,,R1,\n")
    again = make_plan(catalogue, previous=read_plan_files(folder))
    masks = again.masks.set_index("mask_id")
    assert masks.loc[later, "mask_role"] == "lesion_whole"
    assert masks.loc[later, "lesion_id"] == masks.loc[earlier, "lesion_id"]
    assert again.problems == ()
    third = make_plan(catalogue, previous=read_plan_files(write_plan(again, folder)))
    assert same(again, third)


def test_a_persons_new_lesion_gets_an_id_of_its_own(untracked, tmp_path):
    """Their word wins over the place."""
    catalogue = scan_archives([untracked])
    plan = make_plan(catalogue)
    later = plan.matches["mask_id"].iloc[0]
    folder = write_plan(plan, tmp_path / "run")
    with (folder / "matches.csv").open("a") as file:
        file.write(f",{later},S01,new,,,R1,\n")
    again = make_plan(catalogue, previous=read_plan_files(folder))
    masks = again.masks.set_index("mask_id")
    assert masks.loc[later, "mask_role"] == "lesion_whole"
    assert masks["lesion_id"].dropna().nunique() == 3


def test_a_match_with_a_mask_that_is_gone_is_refused(catalogue, first, tmp_path):
    folder = write_plan(first, tmp_path)
    with (folder / "matches.csv").open("a") as file:
        file.write("1.2.3#1,1.2.4#1,S01,same,,,R1,\n")
    with pytest.raises(EditError, match=r"matches\.csv: .*1\.2\.3#1, 1\.2\.4#1.*remove the row"):
        make_plan(catalogue, previous=read_plan_files(folder))


def test_a_match_that_contradicts_tracking_is_reported_and_does_not_win(
    archive, write_study, tmp_path
):
    second = ReferenceLesion("T2", Ball(24.0, (-20.0, -4.0, 0.0)), hypervascular())
    shutil.rmtree(archive / "S01" / "t1")
    write_study(archive / "S01" / "t1", visit="t1", day=dt.date(2020, 4, 2), lesions=[second])
    catalogue = scan_archives([archive])
    plan = make_plan(catalogue)
    assert plan.matches["relation"].tolist() == ["new", "vanished"]
    lesions = plan.masks[plan.masks["subject_id"] == "S01"].dropna(subset="lesion_id")
    one, two = lesions["mask_id"]
    folder = write_plan(plan, tmp_path / "run")
    with (folder / "matches.csv").open("a") as file:
        file.write(f"{one},{two},S01,same,,,R1,\n")
    again = make_plan(catalogue, previous=read_plan_files(folder))
    [problem] = again.problems
    assert problem.code == "edit_not_applied"
    assert "T1, T2" in problem.sentence
    for mask_id, lesion in ((one, "A"), (two, "B")):
        edit_cells(folder, "masks", mask_id, lesion_id=lesion, decided_by="R1")
    with pytest.raises(EditError, match=r"masks\.csv calls them A, B.*correct one of the files"):
        make_plan(catalogue, previous=read_plan_files(folder))


def test_an_edit_that_cannot_be_made_here_is_never_dropped_silently(catalogue, first, tmp_path):
    folder = write_plan(first, tmp_path)
    volume_id, mask_id = first.plan["volume_id"].iloc[0], first.masks["mask_id"].iloc[0]
    edit_cells(folder, "plan", volume_id, subject_id="S9")
    edit_cells(folder, "masks", mask_id, timepoint="7")
    again = make_plan(catalogue, previous=read_plan_files(folder))
    assert [(one.code, one.where) for one in again.problems] == [
        ("edit_not_applied", volume_id),
        ("edit_not_applied", mask_id),
    ]
    assert "--subject-map" in again.problems[0].sentence
    assert "plan.csv" in again.problems[1].sentence
    assert same(first, again)


def test_a_persons_reason_stays_beside_the_decision(catalogue, first, tmp_path):
    folder = write_plan(first, tmp_path)
    volume_id = row_of(first, "S01", 1, "native")["volume_id"]
    edit_cells(folder, "plan", volume_id, use="exclude", use_by="R1", reason="patient moved")
    again = make_plan(catalogue, previous=read_plan_files(folder)).plan.set_index("volume_id")
    assert again.loc[volume_id, "reason"] == "patient moved"


def test_a_table_made_by_hand_needs_only_what_a_person_decides(catalogue, first, tmp_path):
    volume_id = row_of(first, "S01", 1, "native")["volume_id"]
    (tmp_path / "plan.csv").write_text(
        "volume_id,acquired_on,timepoint,phase,phase_by,use\n"
        f"{volume_id},2020-04-02,1,delayed,R1,subtract\n"
    )
    again = make_plan(catalogue, previous=read_plan_files(tmp_path))
    row = again.plan.set_index("volume_id").loc[volume_id]
    assert row[["phase", "phase_by"]].tolist() == ["delayed", "R1"]


def test_a_strayed_slice_of_another_visit_moves_no_timepoint(archive, edit_file, study_uid):
    """Damage to one study must not renumber the others: their measurements hang on the number."""
    victim = archive / "S01" / "t1" / "late_arterial" / "00.dcm"
    cells = dict.fromkeys(("AcquisitionDate", "SeriesDate", "StudyDate"), "20191201")
    edit_file(victim, PatientID="OTHER", ClinicalTrialSubjectID="OTHER", **cells)
    files = make_plan(scan_archives([archive]))
    places = dict(zip(files.plan["study_uid"], files.plan["timepoint"], strict=True))
    assert places[study_uid(archive / "S01" / "t0")] == 0
    assert places[study_uid(archive / "S01" / "t1")] == 1
    assert files.refused_studies[study_uid(archive / "S01" / "t1")][0] == "mixed_patients"


@pytest.mark.parametrize("phase", ["late_arterial", "native"])
def test_a_damaged_baseline_stays_the_baseline_and_is_refused(tmp_path, write_study, phase):
    """An earlier scan must not silently take its place."""
    write_study(tmp_path / "early", visit="early", day=dt.date(2020, 1, 2))
    who = write_study(tmp_path / "last", visit="last", day=dt.date(2020, 2, 20))
    write_study(tmp_path / "t1", visit="t1", day=dt.date(2020, 5, 20))
    sorted((tmp_path / "last" / phase).iterdir())[3].unlink()
    subjects = from_records(
        [{"subject_id": "S01", "treatment_started_on": pd.Timestamp("2020-03-01")}], Subjects
    )
    files = make_plan(scan_archives([tmp_path]), subjects)
    places = dict(zip(files.plan["study_uid"], files.plan["timepoint"], strict=True))
    assert places.pop(who.study_uid) == 0
    assert sorted(map(str, places.values())) == ["1", "<NA>"]
    assert files.refused_studies[who.study_uid][0] == "missing_slice"


def test_volumes_of_one_study_that_lie_days_apart_are_noted(archive, edit_file, study_uid):
    for file in (archive / "S01" / "t0" / "native").iterdir():
        edit_file(file, AcquisitionDate="20191201", SeriesDate="20191201", StudyDate="20191201")
    files = make_plan(scan_archives([archive]))
    [note] = files.notes[study_uid(archive / "S01" / "t0")]
    assert note.startswith("dates_differ: ")
    assert "2019-12-01 and 2020-01-02" in note
