"""Steps are counted once, the innermost alone, and memory is that of the kernel."""

import json
import resource
import subprocess
import sys
import time

import pytest

from sumdiam.batch.cost import StudyCosts, cost_of, write_times
from sumdiam.step_clock import OTHER, Spent, StepClock, clocked, peak_memory_mb, step
from sumdiam.store.workspace import LedgerEntry


def busy(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_a_step_within_another_counts_for_the_inner_one_alone():
    with clocked() as clock:
        with step("outer"):
            busy(0.05)
            with step("inner"):
                busy(0.1)
        busy(0.02)
    assert set(clock.steps) == {"outer", "inner", OTHER}
    assert 0.05 <= clock.steps["outer"].cpu_s < 0.09
    assert 0.1 <= clock.steps["inner"].cpu_s < 0.14
    assert sum(one.cpu_s for one in clock.steps.values()) == pytest.approx(
        clock.whole().cpu_s, abs=0.01
    )


def test_waiting_takes_time_but_no_processor():
    clock = StepClock()
    with clock.step("wait"):
        time.sleep(0.1)
    assert clock.steps["wait"].wall_s >= 0.1
    assert clock.steps["wait"].cpu_s < 0.05


def test_a_step_of_no_work_counts_nowhere_and_one_that_fails_is_counted():
    with step("nobody counts"):
        pass
    with pytest.raises(ValueError, match="failed"), clocked() as clock, step("fails"):
        raise ValueError("failed")
    assert "fails" in clock.steps


def test_peak_memory_rises_by_what_is_allocated():
    before = peak_memory_mb()
    held = bytearray(1) * 300_000_000
    after = peak_memory_mb()
    assert len(held) == 300_000_000
    unit = 1 if sys.platform == "darwin" else 1024
    assert after <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6 + 1
    assert after >= before
    assert after > 300


def test_the_memory_of_a_parent_is_not_that_of_its_child():
    small = (
        "import subprocess, sys\n"
        "held = bytearray(1) * 400_000_000\n"
        "print(subprocess.run([sys.executable, '-c', "
        "'from sumdiam.step_clock import peak_memory_mb; print(peak_memory_mb())'],"
        "capture_output=True, text=True, check=True, preexec_fn=lambda: None).stdout)"
    )
    done = subprocess.run([sys.executable, "-c", small], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 150


def entry(uid: str) -> LedgerEntry:
    given = dict.fromkeys(LedgerEntry.__dataclass_fields__)
    return LedgerEntry(**(given | {"study_uid": uid, "planned": True, "state": "done"}))


class Result:
    def __init__(self, wall_s: float, cpu_s: float, mb: float) -> None:
        self.steps = {"read": Spent(wall_s, cpu_s), "measure": Spent(2 * wall_s, 2 * cpu_s)}
        self.peak_memory_mb = mb


def test_times_say_what_studies_took_whichever_call_measured_them(tmp_path):
    kept = {
        "1": cost_of(Result(1, 0.5, 400)),
        "2": cost_of(Result(3, 2, 700)),
        "9": cost_of(Result(9, 9, 9000)),
    }
    costs = StudyCosts.read([entry("1"), entry("2"), entry("3")], kept)
    with clocked() as clock, step("scan"):
        busy(0.03)
    write_times(tmp_path / "times.json", clock, costs, workers=2)
    said = json.loads((tmp_path / "times.json").read_text())
    assert (said["studies"], said["studies_timed"], said["workers"]) == (3, 2, 2)
    assert said["steps_of_all_studies"] == {
        "measure": {"wall_s": 8.0, "cpu_s": 5.0},
        "read": {"wall_s": 4.0, "cpu_s": 2.5},
    }
    assert said["largest_study"] == {"wall_s": 9.0, "cpu_s": 6.0}
    assert said["peak_memory_mb"]["worker"] == 700
    assert said["stages_of_this_call"]["scan"]["cpu_s"] >= 0.03
