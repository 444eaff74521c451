"""A worker stays below 1 GB with the largest study of the simulated trial."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sumdiam.demo.archive import write_datasets
from sumdiam.demo.cohort.table import load_cohort
from sumdiam.demo.imaged.archive import study_folder
from sumdiam.demo.imaged.study import trial_study
from sumdiam.demo.imaged.subject import imaged_subjects

LARGEST = "SIM-128"
LIMIT_MB = 1000
RUN = """
import resource, sys
from pathlib import Path
from sumdiam.batch.run import run
from sumdiam.batch.settings import RunSettings

if __name__ == "__main__":
    run(RunSettings((Path(sys.argv[1]),), Path(sys.argv[2]), workers=1, simulated=True))
    print(1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6)
"""

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(sys.platform != "linux", reason="the kernel's unit of ru_maxrss"),
]


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """The baseline of the patient with the largest grid: 3.1 million voxels, three phases."""
    folder = tmp_path_factory.mktemp("largest")
    subject = next(one for one in imaged_subjects(load_cohort()) if one.subject_id == LARGEST)
    visit = subject.visits[0]
    write_datasets(trial_study(subject, visit), study_folder(subject, visit, folder))
    return folder


def peaks_mb(archive: Path, folder: Path, **environment: str) -> tuple[float, dict]:
    """What the kernel says of the largest process of a run, and what the run says."""
    script = folder / "measure.py"
    script.write_text(RUN)
    done = subprocess.run(
        [sys.executable, str(script), str(archive), str(folder / "run")],
        capture_output=True, text=True, check=True, env=os.environ | environment,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    return float(done.stdout), json.loads((folder / "run" / "times.json").read_text())


def check(archive: Path, folder: Path, **environment: str) -> dict:
    largest, said = peaks_mb(archive, folder, **environment)
    assert said["studies_timed"] == 1
    assert {"read", "register", "measure", "draw"} <= set(said["steps_of_all_studies"])
    assert 200 < said["peak_memory_mb"]["worker"] <= largest + 1
    assert largest < LIMIT_MB
    return said


def test_the_largest_study_is_measured_in_less_than_1_gb(archive, tmp_path):
    check(archive, tmp_path)


@pytest.mark.slow
def test_compiling_everything_first_takes_less_than_1_gb_too(archive, tmp_path):
    cold = tmp_path / "cold"
    said = check(archive, tmp_path, NUMBA_CACHE_DIR=str(cold))
    assert said["stages_of_this_call"]["compile"]["cpu_s"] > 5
    assert any(cold.rglob("complete-*"))
