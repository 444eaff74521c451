"""`sumdiam scan`: what is printed and saved of an archive."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydicom import dcmread
from typer.testing import CliRunner

from sumdiam.archive import reader_pool
from sumdiam.archive.catalogue_table import MASK, NOT_USED, PROBLEM, REPORT, SERIES, STUDY
from sumdiam.cli import app
from tests.imaging.awkward_mask import writer as w
from tests.system.kind_archive import report

TABLES = {"studies": STUDY, "series": SERIES, "masks": MASK, "reports": REPORT,
          "not_used": NOT_USED, "problems": PROBLEM}  # fmt: skip


def scan(*arguments: object):
    return CliRunner().invoke(app, ["scan", *map(str, arguments)])


def saved(out: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(out / "catalogue" / f"{name}.csv", dtype=str, keep_default_na=False)


def test_a_scan_prints_a_summary_and_saves_the_catalogue(archive, tmp_path):
    (archive / "notes.txt").write_text("x")
    ended = scan(archive, "--out", tmp_path / "out", "--workers", "1")
    assert ended.exit_code == 0
    assert "40 files, 39 of them DICOM: 2 subjects, 3 studies, 6 volumes, 3 mask files" in (
        ended.stdout
    )
    assert re.search(r"S01 +2 +2020-01-02 +2020-04-02 +CT +4 +2", ended.stdout)
    assert re.search(r"left out +not_dicom +1 +the file is not DICOM +notes\.txt", ended.stdout)
    for name, columns in TABLES.items():
        assert list(saved(tmp_path / "out", name).columns) == list(columns)
    series = saved(tmp_path / "out", "series")
    assert series["slices"].tolist() == ["6"] * 6
    assert series["spacing_z_mm"].tolist() == ["5"] * 6
    assert saved(tmp_path / "out", "studies")["masks"].tolist() == ["1", "1", "1"]
    assert (tmp_path / "out" / "sumdiam-scan").stat().st_mode & 0o077 == 0  # may name patients


def test_reports_that_state_lengths_are_listed_and_name_nobody(archive, tmp_path):
    slices = sorted((archive / "S01" / "t1" / "late_arterial").iterdir())
    line = np.array([[2.0, 10.5, 12.5], [2.0, 18.5, 12.5]])
    made = report([dcmread(path) for path in slices], [(20.0, line), (20.0, line)], name="r")
    w.save(made, archive / "S01" / "t1" / "report.dcm")
    ended = scan(archive, "--out", tmp_path / "out", "--workers", "1")
    assert "3 mask files, 1 reports with 2 lengths" in ended.stdout
    (row,) = saved(tmp_path / "out", "reports").to_dict("records")
    assert (row["file"], row["subject_id"]) == ("S01/t1/report.dcm", "S01")
    assert (row["object_id"], row["lengths"]) == (made.SOPInstanceUID, "2")
    assert re.fullmatch("[0-9a-f]{8}|", row["observer"])


def test_what_is_refused_is_named_and_the_exit_code_says_so(archive, tmp_path, edit_file):
    (archive / "S01" / "t0" / "native" / "02.dcm").unlink()
    (archive / "S02" / "t0" / "seg.dcm").write_bytes(b"\0" * 400)
    ended = scan(archive, "--out", tmp_path / "out", "--workers", "1")
    assert ended.exit_code == 3
    assert "refused: S02/t0/seg.dcm" in ended.stdout
    assert "[missing_slice]" in ended.stdout
    not_used = saved(tmp_path / "out", "not_used")
    assert not_used.groupby("reason_code").size().to_dict() == {
        "missing_slice": 5,
        "damaged_file": 1,
    }


def test_many_problems_of_one_kind_are_one_line(archive, tmp_path):
    for number in range(6):
        (archive / f"damaged{number}.dcm").write_bytes(b"\0" * 400)
    ended = scan(archive, "--out", tmp_path / "out", "--workers", "1")
    lines = [line for line in ended.stdout.splitlines() if "[damaged_file]" in line]
    assert len(lines) == 1
    assert "refused, 6 times" in lines[0]
    assert len(saved(tmp_path / "out", "problems")) == 6


def test_the_tables_have_the_same_bytes_however_they_were_made(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(reader_pool, "CHUNK", 7)
    (archive / "S01" / "t0" / "native" / "02.dcm").unlink()
    first, again, more = (tmp_path / name for name in ("first", "again", "more"))
    scan(archive, "--out", first, "--workers", "1")
    shutil.copytree(first, again)
    scan(archive, "--out", again, "--workers", "1")
    scan(archive, "--out", more, "--workers", "2")
    for file in sorted((first / "catalogue").iterdir()):
        for other in (again, more):
            assert file.read_bytes() == (other / "catalogue" / file.name).read_bytes(), file.name


def test_of_persons_the_tables_hold_ids_alone(archive, tmp_path, edit_file):
    for file in archive.rglob("*.dcm"):
        edit_file(
            file, PatientName="Doe^Jane", PatientBirthDate="19600102", ReferringPhysicianName="Roe",
            InstitutionName="Clinic", AccessionNumber="4711",
        )  # fmt: skip
    ended = scan(archive, "--out", tmp_path / "out", "--workers", "1")
    told = ended.stdout.encode() + b"".join(
        file.read_bytes() for file in (tmp_path / "out").rglob("*") if file.is_file()
    )
    assert not [word for word in (b"Doe", b"1960", b"Roe", b"Clinic", b"4711") if word in told]


@pytest.mark.parametrize("name", ["series.csv", "series.parquet"])
def test_one_file_holds_the_series_alone(archive, tmp_path, name):
    ended = scan(archive, "--out", tmp_path / name, "--workers", "1")
    assert ended.exit_code == 0
    read = pd.read_csv if name.endswith("csv") else pd.read_parquet
    assert len(read(tmp_path / name)) == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", name]


def test_a_table_of_subjects_is_held_against_the_archive(archive, tmp_path):
    table = tmp_path / "subjects.csv"
    table.write_text("subject_id,died_on,last_known_alive_on\nS01,,2020-02-01\nS2,2019-01-01,\n")
    ended = scan(archive, "--out", tmp_path / "out", "--subjects", table, "--workers", "1")
    assert "WARNING: S2: " in ended.stdout
    assert "Is it meant to be S02?" in ended.stdout
    assert "note: S01: last_known_alive_on in subjects.csv is 2020-02-01" in ended.stdout
    table.write_text("subject_id,died_on\nS01,2020-02-01\nS02,\n")
    ended = scan(archive, "--out", tmp_path / "out", "--subjects", table, "--workers", "1")
    assert ended.exit_code == 3
    assert "a study is of 2020-04-02, after died_on (2020-02-01)" in ended.stdout


def test_the_archive_itself_is_not_written_to(archive):
    before = sorted(archive.rglob("*"))
    ended = scan(archive, "--out", archive)
    assert ended.exit_code == 2
    assert "only read" in ended.stderr
    assert sorted(archive.rglob("*")) == before


def test_a_scan_into_a_folder_of_the_archive_does_not_find_itself(archive, tmp_path):
    out = archive / "scan"
    first = scan(archive, "--out", out, "--workers", "1").stdout
    again = scan(archive, "--out", out, "--workers", "1").stdout
    assert "39 files, 39 of them DICOM" in again
    assert "run_folder" in again
    assert "run_folder" in first


def test_a_run_goes_on_from_what_a_scan_has_read(archive, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        for file in sorted((archive / "S02").rglob("*.dcm")):
            packed.write(file, file.relative_to(archive))
    out = tmp_path / "RUN"
    assert scan(tmp_path / "a.zip", "--out", out, "--workers", "1").exit_code == 0
    ended = CliRunner().invoke(
        app, ["run", str(tmp_path / "a.zip"), "--out", str(out), "--workers", "1"]
    )
    assert ended.exit_code == 0, ended.stdout
    assert "Studies: 1 found, 1 measured" in ended.stdout
    masks = pd.read_csv(out / "masks.csv", dtype=str)
    assert set(masks["file"]) == {"a.zip!/S02/t0/seg.dcm"}
