"""Tables as files."""

import csv
import hashlib
import subprocess
import sys

import pandas as pd
import pytest

from assessment.response_table import Events, Subjects
from measurement.table import TableError, columns_of, from_records, parse_text
from sumdiam.archive.csv_text import read_text
from sumdiam.export.table_file import csv_bytes, read_table, write_table

DAY = pd.Timestamp("2021-03-04")


def a_table() -> pd.DataFrame:
    row = {"subject_id": "007", "arm": "NA", "randomised_on": DAY}
    return from_records([row, {"subject_id": "a,b"}, {"subject_id": 'say "x"\r'}], Subjects)


def test_a_table_reads_back_with_its_types(tmp_path):
    write_table(a_table(), tmp_path / "t" / "subjects")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t" / "subjects"), a_table())


def test_every_type_reads_back(tmp_path):
    frame = pd.DataFrame(
        {
            "text": pd.Series(["=1+1", None], dtype="string"),
            "whole": pd.Series([2**53 + 1, None], dtype="Int64"),
            "truth": pd.Series([True, None], dtype="boolean"),
            "number": pd.Series([0.1, None], dtype="float64"),
            "day": pd.Series([DAY, None], dtype="datetime64[ns]"),
        }
    )
    write_table(frame, tmp_path / "all")
    pd.testing.assert_frame_equal(read_table(tmp_path / "all"), frame)
    pd.testing.assert_frame_equal(read_table(tmp_path / "all").iloc[:0], frame.iloc[:0])


def test_the_csv_is_plain_text_with_unix_line_ends():
    first, second, third, *_ = csv_bytes(a_table()).split(b"\n")
    assert first == ",".join(columns_of(Subjects)).encode()
    assert second == b"007,NA,2021-03-04,,,,,"
    assert third.startswith(b'"a,b",')


def test_the_csv_reads_back_to_the_same_table(tmp_path):
    write_table(a_table(), tmp_path / "subjects")
    text = read_text(tmp_path / "subjects.csv")
    # a cell that ends in white space is not kept: the parser strips what people type
    assert text["subject_id"].tolist() == ["007", "a,b", 'say "x"\r']
    typed = parse_text(text, Subjects, origin="subjects.csv")
    assert typed["randomised_on"].tolist()[0] == DAY


def test_a_single_column_with_empty_cells_keeps_its_rows():
    frame = pd.DataFrame({"a": pd.Series(["x", None, "y"], dtype="string")})
    rows = list(csv.reader(csv_bytes(frame).decode().splitlines()))
    assert rows == [["a"], ["x"], [""], ["y"]]


def test_equal_tables_give_equal_bytes_in_another_process(tmp_path):
    write_table(a_table(), tmp_path / "one")
    code = (
        "import sys, pathlib; sys.path.insert(0, 'tests/sumdiam');"
        "from test_export_table_file import a_table;"
        "from sumdiam.export.table_file import write_table;"
        f"write_table(a_table(), pathlib.Path({str(tmp_path / 'two')!r}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    for suffix in (".parquet", ".csv"):
        one, two = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("one", "two"))
        assert hashlib.sha256(one).digest() == hashlib.sha256(two).digest()


def test_an_empty_table_is_written_with_its_columns(tmp_path):
    write_table(from_records([], Events), tmp_path / "events")
    assert read_table(tmp_path / "events").columns.tolist() == columns_of(Events)
    assert (tmp_path / "events.csv").read_text() == ",".join(columns_of(Events)) + "\n"


def test_nothing_half_written_stays_behind(tmp_path, monkeypatch):
    write_table(a_table(), tmp_path / "subjects")
    before = (tmp_path / "subjects.csv").read_bytes()

    def broken(frame):
        raise OSError("disk full")

    monkeypatch.setattr("sumdiam.export.table_file.csv_bytes", broken)
    with pytest.raises(OSError, match="disk full"):
        write_table(a_table().iloc[:1], tmp_path / "subjects")
    assert (tmp_path / "subjects.csv").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["subjects.csv", "subjects.parquet"]


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(TableError, match="no such table"):
        read_table(tmp_path / "none")
