"""The release gate: tables that a whole run printed are consistent with themselves.

`make gate` asks the same of the run of `make demo`, named by SUMDIAM_DEMO_RUN.
"""

import os
import re
from pathlib import Path

import pandas as pd
import pytest

from stats.consistency import FAULTS, check_paper
from tests.system.job import EXIT_DONE, sumdiam

OF_THE_DATA = {"test_dependent"}
"""Which side of 0.05 a test falls on is said of the data, not of how they are printed."""


@pytest.fixture(scope="module")
def printed(request: pytest.FixtureRequest) -> Path:
    named = os.environ.get("SUMDIAM_DEMO_RUN")
    return (Path(named) if named else request.getfixturevalue("finished")) / "printed"


def test_no_printed_cell_of_a_run_is_at_fault(printed: Path):
    cells = pd.read_csv(printed / "check_paper.csv", dtype=str, keep_default_na=False)
    verdicts = check_paper(cells)
    at_fault = [
        (cells.table[v.row], cells.variable[v.row], cells.printed[v.row], v.verdict, v.reason)
        for v in verdicts
        if v.verdict in FAULTS - OF_THE_DATA
    ]
    assert at_fault == []
    assert {"characteristics", "response"} == set(cells.table)
    recomputed = sum(v.verdict in {"consistent", "rounded"} for v in verdicts)
    assert recomputed >= 100, "the gate must see what is printed"


def test_who_is_left_out_is_counted_by_the_reasons_of_the_table(printed: Path):
    table = pd.read_csv(printed.parent / "tables" / "exclusions.csv")
    reasons = table.loc[~table["analysed"], "reason"].value_counts()
    flow = pd.read_csv(printed.parent / "figures" / "flow.csv", keep_default_na=False)
    [said] = flow.loc[flow["box"] == "lost", "reasons"]
    for reason, n in reasons.items():
        assert f"{reason}: {n}" in said


def test_the_gate_is_shut_by_one_wrong_digit(printed: Path, tmp_path: Path):
    cells = pd.read_csv(printed / "check_paper.csv", dtype=str, keep_default_na=False)
    shares = cells[(cells.statistic == "percent") & cells.printed.str.fullmatch(r"\d\d\.\d")]
    spot = shares.index[0]
    cells.loc[spot, "printed"] = f"{float(cells.printed[spot]) + 0.1:.1f}"
    cells.to_csv(tmp_path / "wrong.csv", index=False)
    done = sumdiam("check-paper", tmp_path / "wrong.csv", "--out", tmp_path / "verdicts.csv")
    assert done.returncode != EXIT_DONE
    assert "line " + str(spot + 2) in done.stdout


def test_every_p_of_the_printed_tables_names_its_test(printed: Path):
    for path in sorted(printed.glob("*.csv")):
        if path.name == "check_paper.csv":
            continue
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        for place, column in enumerate(table.columns):
            if not column.startswith("p (") or "Wald" in column:
                continue
            for cell in table.iloc[:, place]:
                said = cell in {"", "\N{EM DASH}"} or cell.startswith("no test")
                assert said or re.fullmatch(r"(< )?\d\.\d+ \(.+\)", cell), (path.name, cell)
