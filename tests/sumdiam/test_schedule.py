"""Studies on workers: nothing is lost or doubled, whatever dies."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from sumdiam.batch import pool
from sumdiam.batch.pool import ScheduleError, open_pool

SCRIPT = Path(__file__).with_name("small_studies.py")
STUDIES = 24


def start(folder: Path, workers: int | str, *special: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, SCRIPT, folder, str(workers), *special],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(folder: Path, workers: int | str = 2, *special: str) -> str:
    process = start(folder, workers, *special)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out == "ready\n"
    return err


def table(folder: Path) -> str:
    return (folder / "measurements.csv").read_text(encoding="utf-8")


def ledger(folder: Path) -> dict[str, tuple[str, int, str | None, str | None]]:
    rows = json.loads((folder / "ledger.json").read_text(encoding="utf-8"))
    return {uid: (state, attempts, reason, notes) for uid, state, attempts, reason, notes in rows}


def calls(folder: Path) -> list[str]:
    return sorted(path.name.rsplit(".", 2)[0] for path in (folder / "calls").iterdir())


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "overlays").iterdir())}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    finish(folder, 1)
    return folder


def test_every_study_is_measured_once(undisturbed):
    assert calls(undisturbed) == sorted(f"1.2.{n}" for n in range(STUDIES))
    assert {state for state, *_ in ledger(undisturbed).values()} == {"done"}
    assert len(table(undisturbed).splitlines()) == 1 + 2 * STUDIES


def test_the_number_of_workers_changes_nothing(tmp_path, undisturbed):
    finish(tmp_path, 4)
    assert table(tmp_path) == table(undisturbed)
    assert pictures(tmp_path) == pictures(undisturbed)


def test_a_second_run_measures_only_what_has_lost_its_overlays(tmp_path, undisturbed):
    shutil.copytree(undisturbed, tmp_path, dirs_exist_ok=True)
    (tmp_path / "overlays" / "0007viable_diameter.png").unlink()
    (tmp_path / "overlays" / "0009whole_diameter.png").write_bytes(b"half")
    finish(tmp_path)
    assert [uid for uid in calls(tmp_path) if calls(tmp_path).count(uid) == 2] == [
        "1.2.7", "1.2.7", "1.2.9", "1.2.9",
    ]  # fmt: skip
    assert table(tmp_path) == table(undisturbed)
    assert pictures(tmp_path) == pictures(undisturbed)


def test_a_run_killed_at_random_moments_ends_as_if_undisturbed(tmp_path, undisturbed):
    moments = np.random.default_rng(7).uniform(0.05, 0.25, size=3)
    for moment in moments:
        process = start(tmp_path, 2)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(moment)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=20)
    assert 0 < len(calls(tmp_path)) < 3 * STUDIES
    assert not (tmp_path / "ledger.json").exists()
    finish(tmp_path)
    assert table(tmp_path) == table(undisturbed)
    assert pictures(tmp_path) == pictures(undisturbed)
    assert ledger(tmp_path) == ledger(undisturbed)


@pytest.fixture
def hanging(tmp_path) -> Iterator[subprocess.Popen[str]]:
    process = start(tmp_path, 2, *(f"{n}=hang" for n in range(STUDIES)))
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=20)


def test_workers_end_when_their_run_is_killed_alone(hanging):
    time.sleep(0.5)
    hanging.kill()
    hanging.wait()
    deadline = time.monotonic() + 20
    while _session_members(hanging.pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _session_members(hanging.pid) == []


def test_two_runs_at_once_on_one_folder_are_refused(tmp_path, hanging):
    second = start(tmp_path, 1)
    _, err = second.communicate(timeout=20)
    assert second.returncode == 1
    assert f"another run (process {hanging.pid})" in err


def _session_members(session: int) -> list[int]:
    """Processes that still live in the session that a run was started in."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getsid(int(entry.name)) == session:
                    found.append(int(entry.name))
            except ProcessLookupError:
                continue
    return found


@pytest.fixture(scope="module")
def troubled(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("troubled")
    trouble = ("3=die_once", "4=die", "11=die", "5=raise", "6=hang", "8=refuse")
    err = finish(folder, 2, *trouble)
    # workers and dask add no line of their own
    assert {line.split(":")[0] for line in err.splitlines()} == {"measure"}
    return folder


def test_a_worker_killed_in_a_study_costs_nothing(troubled):
    assert ledger(troubled)["1.2.3"][0] == "done"


def test_a_study_that_always_kills_its_worker_is_quarantined_and_no_other(troubled):
    states = {uid: state for uid, (state, *_) in ledger(troubled).items()}
    lost = {uid for uid, state in states.items() if state == "quarantined"}
    assert lost == {"1.2.4", "1.2.11", "1.2.5", "1.2.6"}
    assert list(states.values()).count("done") == STUDIES - 5
    assert "worker process ended" in ledger(troubled)["1.2.4"][2]


def test_a_study_that_hangs_is_stopped(troubled):
    assert "time limit" in ledger(troubled)["1.2.6"][2]


def test_a_study_that_raises_is_tried_three_times_and_quotes_nobody(troubled):
    state, attempts, reason, notes = ledger(troubled)["1.2.5"]
    assert (state, attempts, calls(troubled).count("1.2.5")) == ("quarantined", 3, 3)
    assert reason.startswith("KeyError; this is a defect")
    assert "Doe" not in reason + notes
    assert notes.endswith("measure")


def test_a_refused_study_is_not_tried_again(troubled):
    assert ledger(troubled)["1.2.8"][:3] == ("refused", 1, "gap after 10 mm")
    assert calls(troubled).count("1.2.8") == 1


def test_what_the_troubled_run_measured_equals_the_undisturbed_one(troubled, undisturbed):
    assert set(table(troubled).splitlines()) < set(table(undisturbed).splitlines())


@pytest.fixture
def cluster() -> Iterator[str]:
    """The address of a scheduler that somebody else started, with two workers."""
    code = (
        "from distributed import LocalCluster\n"
        "if __name__ == '__main__':\n"
        "    with LocalCluster(n_workers=2, threads_per_worker=1, host='127.0.0.1',\n"
        "                      dashboard_address='127.0.0.1:0') as cluster:\n"
        "        print(cluster.scheduler_address, flush=True)\n"
        "        input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.write("\n")
        process.stdin.close()
        process.wait(timeout=60)


def test_a_cluster_that_somebody_else_runs_gives_the_same_and_lives_on(
    tmp_path, undisturbed, cluster
):
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        finish(folder, cluster)
        assert table(folder) == table(undisturbed)


def test_a_cluster_that_does_not_answer_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setattr(pool, "_JOIN_SECONDS", 1.0)
    remedy = r"at tcp://127\.0\.0\.1:9 .*leave out --cluster"
    with pytest.raises(ScheduleError, match=remedy), open_pool(1, "tcp://127.0.0.1:9"):
        pass
