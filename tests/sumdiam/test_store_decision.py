"""Decisions that contradict themselves are refused before any work starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from measurement.table import TableError
from sumdiam.store.decision import read_decisions

HEADER = (
    "measurement_id,revision,verdict,value,end1_x_mm,end1_y_mm,end1_z_mm,"
    "end2_x_mm,end2_y_mm,end2_z_mm,decided_by,decided_on,reason\n"
)


def written(folder: Path, row: str) -> Path:
    path = folder / "decisions.csv"
    path.write_text(HEADER + row + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("m1,1,replace,,,,,,,,r1,2026-01-02,x", "replace without a value"),
        ("m1,1,replace,10,0,0,0,,,,r1,2026-01-02,x", "fill all six, or none"),
        ("m1,1,replace,10,0,0,0,10.2,0,0,r1,2026-01-02,x", "its ends are 10.20 mm apart"),
        ("m1,1,accept,10,,,,,,,r1,2026-01-02,x", "accept takes no value"),
        ("m1,1,reject,,0,0,0,1,0,0,r1,2026-01-02,x", "reject takes no value and no ends"),
        ("m1,1,accept,,,,,,,,auto,2026-01-02,x", "which is no person"),
        ("m1,0,accept,,,,,,,,r1,2026-01-02,x", "revision: 0 is below 1"),
        (
            "m1,1,agree,,,,,,,,r1,2026-01-02,x",
            "verdict: 'agree' is none of accept, reject, replace",
        ),
        ("m1,1,accept,,,,,,,,r1,2026-01-02,", "reason: is empty"),
        ("m1,1,accept,,,,,,,,r1,02.01.2026,x", "a date as YYYY-MM-DD"),
        ("m1,1,reject,,,,,,,,r1,2026-01-02,x\nm1,1,accept,,,,,,,,r1,2026-01-02,x", "m1"),
    ],
)
def test_a_contradiction_names_its_row_and_the_remedy(tmp_path, row, message):
    with pytest.raises(TableError, match=message) as caught:
        read_decisions(written(tmp_path, row))
    assert "decisions.csv" in str(caught.value)


@pytest.mark.parametrize("x_mm", ["9.9", "10", "10.1"])
def test_a_length_may_differ_from_its_ends_by_a_tenth_of_a_millimetre(tmp_path, x_mm):
    row = f"m1,1,replace,10,0,0,0,{x_mm},0,0,r1,2026-01-02,x"
    assert len(read_decisions(written(tmp_path, row))) == 1


def test_a_file_that_is_absent_is_named(tmp_path):
    with pytest.raises(TableError, match=r"decisions\.csv: cannot be read"):
        read_decisions(tmp_path / "decisions.csv")
