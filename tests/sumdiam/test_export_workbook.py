"""The workbook."""

import datetime as dt
import zipfile

import openpyxl
import pandas as pd
import pytest

from measurement.table import TableError
from sumdiam.export.workbook import write_workbook

EVIL = ["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)", "http://x.y/z", "=HYPERLINK(1)", "007"]


def a_table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "text": pd.Series([*EVIL, None], dtype="string"),
            "number": pd.Series([0.1, float("inf"), None, 3, 4, 5, 6, 7], dtype="float64"),
            "day": pd.Series([pd.Timestamp("2021-03-04")] * 7 + [None], dtype="datetime64[ns]"),
            "truth": pd.Series([True] * 7 + [None], dtype="boolean"),
            "whole": pd.Series([1] * 7 + [None], dtype="Int64"),
        }
    )


def test_no_cell_is_a_formula_or_a_link(tmp_path):
    path = write_workbook({"lesions": a_table(), "responses": a_table()}, tmp_path / "b.xlsx")
    for name in zipfile.ZipFile(path).namelist():
        content = zipfile.ZipFile(path).read(name)
        assert b"<f>" not in content
        assert b"<hyperlink" not in content
    book = openpyxl.load_workbook(path)
    for sheet in book:
        cells = [cell for row in sheet.iter_rows() for cell in row]
        assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
        assert [sheet.cell(row, 1).value for row in range(2, 9)] == EVIL


def test_dates_are_dates_and_numbers_are_numbers(tmp_path):
    sheet = openpyxl.load_workbook(write_workbook({"s": a_table()}, tmp_path / "b.xlsx"))["s"]
    assert sheet["C2"].value == dt.datetime(2021, 3, 4)  # noqa: DTZ001 - a day has no zone
    assert (sheet["B2"].value, sheet["B3"].value, sheet["B4"].value) == (0.1, "inf", None)
    assert (sheet["D2"].value, sheet["E2"].value, sheet["E9"].value) == (True, 1, None)
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:E9"


def test_equal_tables_give_equal_bytes(tmp_path):
    one = write_workbook({"s": a_table()}, tmp_path / "one.xlsx")
    two = write_workbook({"s": a_table()}, tmp_path / "two.xlsx")
    assert one.read_bytes() == two.read_bytes()


def test_a_text_longer_than_a_cell_holds_says_that_it_was_cut(tmp_path):
    frame = pd.DataFrame({"a": pd.Series(["x" * 40_000], dtype="string")})
    sheet = openpyxl.load_workbook(write_workbook({"s": frame}, tmp_path / "b.xlsx"))["s"]
    assert sheet["A2"].value.endswith("[cut; the CSV holds the whole text]")


def test_more_rows_than_a_sheet_holds_are_refused(tmp_path):
    frame = pd.DataFrame({"a": pd.Series(range(1_048_576))})
    with pytest.raises(TableError, match=r"sheet s: 1048576 rows.*Use the Parquet"):
        write_workbook({"s": frame}, tmp_path / "b.xlsx")
    assert not (tmp_path / "b.xlsx").exists()


def test_an_empty_table_is_a_sheet_with_its_header(tmp_path):
    frame = pd.DataFrame({"a": pd.Series([], dtype="string")})
    sheet = openpyxl.load_workbook(write_workbook({"s": frame}, tmp_path / "b.xlsx"))["s"]
    assert sheet["A1"].value == "a"
