"""The command line: quick, and never a traceback where words will do."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError

from assessment import criteria_names
from sumdiam import cli


def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sumdiam", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env={"COLUMNS": "200", "PATH": "/usr/bin:/bin"},
        check=False,
    )


def test_help_takes_less_than_half_a_second_of_processor_time():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = call("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0
    assert after.ru_utime - before.ru_utime < 0.5


@pytest.mark.parametrize("command", ["run", "assess", "demo", "doctor", "criteria", "check-paper"])
def test_help_names_every_command(command):
    assert command in call("--help").stdout


@pytest.mark.parametrize(
    ("command", "own_code"),
    [
        ("run", "3 the run ended, but something was refused"),
        ("assess", "2 the call or a table that was handed in is wrong"),
        ("demo", "1 one differs, or an internal error"),
    ],
)
def test_help_teaches_by_an_example_and_documents_the_exit_codes(command, own_code):
    told = " ".join(call(command, "--help").stdout.split())
    assert f"sumdiam {command}" in told
    assert "Exit codes: 0 " in told
    assert own_code in told


def test_the_version_is_printed():
    assert call("--version").stdout.startswith("sumdiam 0.")


def test_rule_sets_are_listed_and_shown():
    listed = call("criteria", "list").stdout
    assert all(name in listed for name in criteria_names())
    assert "Source:" in call("criteria", "show", "mrecist").stdout


def test_an_error_is_one_clear_message_and_exit_code_2(tmp_path):
    done = call("run", tmp_path / "nowhere", "--out", tmp_path / "run")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_plan_folder_without_a_plan_is_a_clear_error(tmp_path):
    done = call("run", tmp_path, "--out", tmp_path / "run", "--plan", tmp_path)
    assert done.returncode == 2
    assert "holds none of plan.csv, masks.csv, matches.csv" in done.stderr
    assert not (tmp_path / "run").exists()


def test_an_unknown_rule_set_stops_before_any_work(tmp_path):
    done = call("run", tmp_path, "--out", tmp_path / "run", "--criteria", "mrecists")
    assert done.returncode == 2
    assert "mrecist" in done.stderr
    assert not (tmp_path / "run").exists()


def test_debug_shows_where_an_error_comes_from(tmp_path):
    done = call("--debug", "run", tmp_path / "nowhere", "--out", tmp_path / "run")
    assert done.returncode == 2
    assert "Traceback" in done.stderr


def test_a_missing_option_is_a_usage_error(tmp_path):
    done = call("run", tmp_path)
    assert done.returncode == 2
    assert "--out" in done.stderr


def test_a_full_disk_is_called_one_whoever_meets_it(capsys):
    with create_engine("sqlite://").connect() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
        connection.exec_driver_sql("PRAGMA max_page_count = 2")
        with pytest.raises(DBAPIError) as database:
            connection.exec_driver_sql("INSERT INTO t VALUES (zeroblob(100000))")
    with pytest.raises(OSError, match="No space") as file, Path("/dev/full").open("w") as full:
        full.write("x")
    for caught in (database, file):
        assert cli._explain(caught.value) == 1
        said = capsys.readouterr().err
        assert "the disk is full" in said
        assert "what was measured is kept" in said
