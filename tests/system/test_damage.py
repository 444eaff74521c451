"""Damaged studies are refused by name; everything else is as if they had been whole."""

from __future__ import annotations

import csv
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom import dcmread

from tests.system.job import EXIT_REFUSED, Trial, sumdiam
from tests.system.test_person import Rows, by_subject, read


def truncated(study: Path) -> None:
    file = study / "late_arterial" / "0005.dcm"
    file.write_bytes(file.read_bytes()[:-2000])


def unreadable(study: Path) -> None:
    file = study / "native" / "0004.dcm"
    file.write_bytes(b"\xff" * 900 + file.read_bytes()[900:])


def missing(study: Path) -> None:
    (study / "late_arterial" / "0007.dcm").unlink()


def first_missing(study: Path) -> None:
    (study / "late_arterial" / "0001.dcm").unlink()


def doubled(study: Path) -> None:
    """A second instance at the same place, with other pixels."""
    dataset = dcmread(study / "late_arterial" / "0006.dcm")
    dataset.SOPInstanceUID += ".9"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.PixelData = bytes(len(dataset.PixelData))
    dataset.save_as(study / "late_arterial" / "0006b.dcm")


def of_another_patient(study: Path) -> None:
    dataset = dcmread(study / "late_arterial" / "0008.dcm")
    dataset.PatientID, dataset.ClinicalTrialSubjectID = "SOMEONE-ELSE", "SOMEONE-ELSE"
    dataset.save_as(study / "late_arterial" / "0008.dcm")


def broken_mask(study: Path) -> None:
    file = study / "masks.dcm"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


DAMAGES = [truncated, unreadable, missing, first_missing, doubled, of_another_patient, broken_mask]


def ledger(run: Path) -> dict[str, tuple[str, str, str]]:
    with sqlite3.connect(run / "run.sqlite") as database:
        rows = database.execute("SELECT study_uid, state, reason_code, reason FROM ledger")
        return {uid: (state, code or "", reason or "") for uid, state, code, reason in rows}


def study_uid(study: Path) -> str:
    return str(dcmread(next((study / "native").glob("*.dcm")), specific_tags=["StudyInstanceUID"]).StudyInstanceUID)  # fmt: skip


@dataclass(frozen=True)
class Damaged:
    """A run of the trial with every damage, each in a study of its own; one subject is spared."""

    run: Path
    studies: dict[str, Path]
    """By the name of the damage."""
    told: str

    def uids(self) -> set[str]:
        return {study_uid(study) for study in self.studies.values()}


def follow_ups(archive: Path, done: set[str]) -> dict[str, list[Path]]:
    """The measured studies of every subject but its first."""
    found: dict[str, list[Path]] = {}
    for study in sorted(path.parent for path in archive.rglob("masks.dcm")):
        found.setdefault(study.parent.name, []).append(study)
    return {
        subject: [study for study in studies[1:] if study_uid(study) in done]
        for subject, studies in found.items()
    }


@pytest.fixture(scope="module")
def damaged(
    trial: Trial, finished: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Damaged]:
    folder = tmp_path_factory.mktemp("damage")
    archive = Path(shutil.copytree(trial.archive, folder / "archive"))
    done = {uid for uid, (state, _, _) in ledger(finished).items() if state == "done"}
    free = follow_ups(archive, done)
    spared = max(free, key=lambda subject: (len(free[subject]), subject))
    places = [study for subject in sorted(free) if subject != spared for study in free[subject]]
    studies = {d.__name__: study for d, study in zip(DAMAGES, places, strict=False)}
    assert len(studies) == len(DAMAGES), "there are fewer studies than damages"
    uids = {name: study_uid(study) for name, study in studies.items()}
    for damage in DAMAGES:
        damage(studies[damage.__name__])
    assert uids == {name: study_uid(study) for name, study in studies.items()}
    ended = trial.run(folder / "run", "--workers", "2", archive=archive)
    told = ended.stdout + ended.stderr
    assert ended.returncode == EXIT_REFUSED, told
    yield Damaged(folder / "run", studies, " ".join(told.split()))
    shutil.rmtree(folder)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: d.__name__)
def test_a_damaged_study_is_refused_with_a_reason(damaged: Damaged, damage):
    uid = study_uid(damaged.studies[damage.__name__])
    state, code, reason = ledger(damaged.run)[uid]
    assert state == "refused"
    assert code, "a reason code"
    assert uid in damaged.told or reason in damaged.told
    assert not [r for r in read(damaged.run / "tables" / "measurements.csv") if r["study_uid"] == uid]  # fmt: skip


def test_beside_damaged_studies_all_else_is_byte_identical(damaged: Damaged, finished: Path):
    hurt = damaged.uids()
    whole, now = ledger(finished), ledger(damaged.run)
    assert {u: now[u] for u in now if u not in hurt} == {u: whole[u] for u in whole if u not in hurt}  # fmt: skip

    def elsewhere(run: Path) -> Rows:
        return [r for r in read(run / "tables" / "measurements.csv") if r["study_uid"] not in hurt]

    assert elsewhere(damaged.run) == elsewhere(finished)
    assert {row["study_uid"] for row in elsewhere(finished)} - hurt
    old, new = (by_subject(read(f / "tables" / "responses.csv")) for f in (finished, damaged.run))
    spared = set(old) - {study.parent.name for study in damaged.studies.values()}
    assert spared
    assert {s: old[s] for s in spared} == {s: new[s] for s in spared}


def test_a_folder_without_dicom_is_a_clear_error(tmp_path: Path):
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "notes.txt").write_text("nothing here")
    done = sumdiam("run", tmp_path / "archive", "--out", tmp_path / "run")
    assert done.returncode == 2
    assert "DICOM" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_folder_that_is_not_there_is_a_clear_error(tmp_path: Path):
    done = sumdiam("run", tmp_path / "nowhere", "--out", tmp_path / "run")
    assert done.returncode == 2
    assert "nowhere" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda rows: [*rows, rows[0]], "Keep one row"),
        (lambda rows: [{("randomized_on" if k == "randomised_on" else k): v for k, v in r.items()} for r in rows], "randomised_on"),
        (lambda rows: [rows[0] | {"randomised_on": "03/04/2020"}, *rows[1:]], "YYYY-MM-DD"),
        (lambda rows: [rows[0] | {"arm": ""}, *rows[1:]], "arm"),
    ],
    ids=["doubled subject", "wrong column name", "no ISO date", "unknown arm"],
)  # fmt: skip
def test_a_clinical_table_that_cannot_be_meant_stops_before_any_work(
    trial: Trial, tmp_path: Path, change, told: str
):
    rows = change(read(trial.subjects))
    with (tmp_path / "subjects.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    done = trial.run(tmp_path / "run", subjects=tmp_path / "subjects.csv")
    words = done.stdout + done.stderr
    assert done.returncode == 2, words
    assert told in words
    assert "subjects.csv" in words
    assert not (tmp_path / "run" / "tables").exists()


def test_a_subject_missing_from_the_clinical_table_is_named_and_the_run_goes_on(
    trial: Trial, finished: Path, tmp_path: Path
):
    rows = read(trial.subjects)
    with (tmp_path / "subjects.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows[1:])
    run = Path(shutil.copytree(finished, tmp_path / "run"))  # nothing needs measuring again
    done = trial.run(run, subjects=tmp_path / "subjects.csv")
    assert done.returncode == EXIT_REFUSED, done.stdout + done.stderr
    assert rows[0]["subject_id"] in done.stdout + done.stderr
