"""Two runs never share a folder, and a dead one never blocks the next."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sumdiam.store.lock import RunFolderError, RunLockedError, run_lock

HOLD = """
import sys, time
from pathlib import Path
from sumdiam.store.lock import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_on_the_folder_is_refused_while_the_first_lives(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(RunLockedError, match=f"process {holder.pid}.*Wait until it ends"):
            run_lock(tmp_path).__enter__()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with run_lock(tmp_path):
        pass


def test_the_lock_is_free_again_after_the_run(tmp_path):
    held = 0
    for _ in range(2):
        with run_lock(tmp_path):
            held += 1
    assert held == 2


def test_a_file_in_place_of_the_folder_of_a_run_is_a_clear_error(tmp_path: Path):
    (tmp_path / "run").write_text("notes")
    with pytest.raises(RunFolderError, match="Name a folder"), run_lock(tmp_path / "run"):
        pass
    assert (tmp_path / "run").read_text() == "notes"
