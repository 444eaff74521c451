"""The same inputs give the same bytes: any number of workers, however often interrupted."""

from __future__ import annotations

import csv
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.system.job import EXIT_REFUSED, Trial, digests


@pytest.mark.parametrize("workers", ["2", "4"])
def test_tables_are_byte_identical_with_any_number_of_workers(
    trial: Trial, finished: Path, tmp_path: Path, workers: str
):
    done = trial.run(tmp_path / "run", "--workers", workers)
    assert done.returncode == EXIT_REFUSED, done.stdout + done.stderr
    assert digests(tmp_path / "run") == digests(finished)


def killed_after(trial: Trial, out: Path, seconds: float) -> bool:
    """Start a run and kill its whole process group; return whether it was still going."""
    command = [
        sys.executable, "-m", "sumdiam", "run", trial.archive, "--out", out, "--workers", "2",
        "--subjects", trial.subjects, "--findings", trial.findings,
    ]  # fmt: skip
    process = subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(seconds)
    running = process.poll() is None
    if running:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return running


TIMES_KILLED = 10
MOST_TRIES = 40
"""On a machine that grows quicker meanwhile, runs are over before they are killed."""


@pytest.mark.slow
def test_a_run_killed_at_ten_random_moments_resumes_to_the_same_bytes(
    trial: Trial, finished: Path, tmp_path: Path
):
    chance = random.Random(20261125)
    out = tmp_path / "run"
    kills = 0
    started = time.monotonic()
    trial.run(tmp_path / "whole", "--workers", "2")
    whole_s = time.monotonic() - started
    for number in range(MOST_TRIES):
        kills += killed_after(trial, out, chance.uniform(0.05, 0.95) * whole_s)
        if kills == TIMES_KILLED:
            break
        if number % 3 == 2:  # once everything is done, only a fresh folder has work left
            done = trial.run(out, "--workers", "2")
            assert done.returncode == EXIT_REFUSED, done.stdout + done.stderr
            assert digests(out) == digests(finished)
            out = tmp_path / f"run{number}"
    done = trial.run(out, "--workers", "2")
    assert done.returncode == EXIT_REFUSED, done.stdout + done.stderr
    assert digests(out) == digests(finished)
    assert kills == TIMES_KILLED, "most runs were over before they were killed"


def test_no_study_is_lost_or_doubled(trial: Trial, finished: Path):
    folders = {p.parent for p in trial.archive.rglob("masks.dcm")}
    with sqlite3.connect(finished / "run.sqlite") as database:
        states = [state for (state,) in database.execute("SELECT state FROM ledger")]
    assert len(states) == len(folders)
    assert sorted(set(states)) == ["done", "refused"]
    assert states.count("refused") == 1


def test_a_second_run_measures_nothing_again(trial: Trial, finished: Path):
    before = digests(finished)
    again = trial.run(finished, "--workers", "1")
    assert again.returncode == EXIT_REFUSED, again.stdout + again.stderr
    assert digests(finished) == before


def test_swapping_the_arms_leaves_all_that_is_measured_byte_identical(
    trial: Trial, finished: Path, tmp_path: Path
):
    rows = list(csv.DictReader(trial.subjects.read_text().splitlines()))
    arms = sorted({row["arm"] for row in rows})
    assert len(arms) == 2
    swap = dict(zip(arms, reversed(arms), strict=True))
    swapped = tmp_path / "subjects.csv"
    with swapped.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(row | {"arm": swap[row["arm"]]} for row in rows)
    done = trial.run(tmp_path / "run", "--workers", "2", subjects=swapped)
    assert done.returncode == EXIT_REFUSED, done.stdout + done.stderr
    blind = (
        "plan.csv", "masks.csv", "matches.csv", "overlays", "tables/measurements.csv",
        "tables/measurements.parquet", "tables/lesions.csv", "tables/responses.csv",
    )  # fmt: skip
    assert digests(tmp_path / "run", *blind) == digests(finished, *blind)
