"""`sumdiam check-paper` as a person calls it: words, CSV, exit codes, and its page."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from sumdiam.export.command_paper import VerdictFileError, check_paper_command

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "check_paper.md").read_text(encoding="utf-8")
SEED = ROOT / "fixtures" / "seed" / "printed.csv"
HEAD = "table,variable,level,arm,n,statistic,printed,test,partition,excludes\n"


def call(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sumdiam", "check-paper", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
        env={"COLUMNS": "200", "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        check=False,
    )


def written(folder: Path, rows: str, head: str = HEAD) -> Path:
    path = folder / "printed.csv"
    path.write_text(head + rows, encoding="utf-8")
    return path


def block(kind: str) -> str:
    found = re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


def test_the_example_of_the_page_gives_what_the_page_says(tmp_path: Path):
    written(tmp_path, block("csv"), head="")
    done = call(tmp_path, "printed.csv", "--out", "verdicts.csv")
    assert done.stdout == block("text")
    assert (done.returncode, done.stderr) == (3, "")


def test_into_a_pipe_every_row_of_the_seed_comes_back_with_its_verdict(tmp_path: Path):
    done = call(tmp_path, SEED)
    given = pd.read_csv(SEED, dtype=str, keep_default_na=False)
    told = pd.read_csv(io.StringIO(done.stdout), dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(told[list(given.columns)], given)
    assert told.line.tolist() == [str(i + 2) for i in range(len(given))]
    assert told.verdict.value_counts()["impossible"] == 4
    assert "337 rows" in done.stderr
    assert done.returncode == 3


def test_a_table_without_fault_ends_with_0(tmp_path: Path):
    path = written(tmp_path, "1,Sex,male,,9,k,5,,,\n1,Sex,male,,9,percent,55.6,,,\n")
    done = call(tmp_path, path, "--out", "v.csv")
    assert done.returncode == 0
    assert "2 rows" in done.stdout
    assert "look at these" not in done.stdout


REFUSED = [
    (HEAD.replace(",printed", ""), "1,Sex,,,9,k,,,\n", "column printed is missing"),
    (HEAD, "", "no row"),
    ("", "", "the file is empty"),
    (HEAD, "1,Sex,,,9,share,5,,,\n", "row 2: statistic 'share' is not known"),
    (HEAD, "\n1,Sex,,,nine,k,5,,,\n", "row 3: n 'nine'"),
    (HEAD, "1,Sex,,,9,p,0,038,,,\n", "Put a cell that holds a comma in double quotes"),
    (HEAD.replace(",", ";"), "1;Sex;;;9;k;5;;;\n", "has no comma"),
    (HEAD, "1,Sex,,,9,k,5,,,Age=old\n", "names no row"),
]


@pytest.mark.parametrize(("head", "rows", "words"), REFUSED)
def test_a_table_that_cannot_be_checked_is_refused_with_its_name(tmp_path, head, rows, words):
    with pytest.raises(ValueError, match=r"^printed\.csv: ") as refusal:
        check_paper_command(written(tmp_path, rows, head))
    assert words in str(refusal.value)


def test_a_refusal_is_one_line_and_exit_code_2(tmp_path: Path):
    done = call(tmp_path, written(tmp_path, "1,Sex,,,9,share,5,,,\n"))
    assert done.returncode == 2
    assert done.stderr.startswith("Error: printed.csv: row 2: statistic 'share' is not known")


def test_the_table_that_was_handed_in_is_never_written_over(tmp_path: Path):
    path = written(tmp_path, "1,Sex,male,,9,k,5,,,\n")
    before = path.read_bytes()
    with pytest.raises(VerdictFileError, match="would write over"):
        check_paper_command(path, out=path)
    with pytest.raises(VerdictFileError, match="is a folder"):
        check_paper_command(path, out=tmp_path)
    assert path.read_bytes() == before


def test_verdicts_can_be_checked_again(tmp_path: Path):
    written(tmp_path, block("csv"), head="")
    check_paper_command(tmp_path / "printed.csv", out=tmp_path / "one.csv")
    check_paper_command(tmp_path / "one.csv", out=tmp_path / "two.csv")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_help_teaches_columns_verdicts_and_exit_codes(tmp_path: Path):
    told = " ".join(call(tmp_path, "--help").stdout.split())
    for words in (
        "sumdiam check-paper PRINTED.csv",
        "excludes",
        "not_wald_compatible",
        "Exit codes: 0",
    ):
        assert words in told
