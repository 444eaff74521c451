"""Which code measured."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ASK = "from sumdiam.batch.code_version import code_version; print(code_version())"


def told(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", ASK], env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True, text=True, check=True, cwd=folder,
    )  # fmt: skip
    return done.stdout.strip()


def test_a_change_to_the_code_that_measures_is_another_version_between_releases(tmp_path: Path):
    for package in ("imaging", "measurement", "sumdiam"):
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    before = told(tmp_path)
    assert told(tmp_path) == before
    viable = tmp_path / "measurement" / "viable.py"
    viable.write_text(viable.read_text() + "\n# another threshold\n")
    assert told(tmp_path) != before


def test_a_release_is_named_by_its_version_alone(tmp_path: Path):
    shutil.copytree(
        ROOT / "sumdiam", tmp_path / "sumdiam", ignore=shutil.ignore_patterns("__pycache__")
    )
    (tmp_path / "sumdiam" / "__init__.py").write_text('__version__ = "1.2.3"\n')
    assert told(tmp_path) == "1.2.3"
