"""What `sumdiam doctor` sees."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sumdiam.doctor import PACKAGES, examine


def test_no_other_distribution_brings_a_package_of_our_names():
    owners = importlib.metadata.packages_distributions()
    for package in PACKAGES:
        assert set(owners.get(package, [])) <= {"sumdiam"}


def test_everything_that_sumdiam_needs_is_there():
    bad = [item for item in examine() if item.verdict == "error"]
    assert bad == []


@pytest.mark.parametrize("package", [name for name in PACKAGES if name != "sumdiam"])
def test_a_folder_that_shadows_a_package_is_called_out(package: str, tmp_path: Path):
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text("")
    code = (
        "from sumdiam.doctor import examine\n"
        f"print(*[i.verdict + ' ' + i.remedy for i in examine() if i.subject == 'package {package}'])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    ).stdout
    assert told.startswith("error")
    assert "PYTHONPATH" in told


def test_a_second_distribution_of_the_same_package_is_called_out(tmp_path: Path):
    info = tmp_path / "other_stats-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-stats\nVersion: 1.0\n")
    (info / "top_level.txt").write_text("stats\n")
    code = (
        "from sumdiam.doctor import examine\n"
        "print(*[i.verdict + ' ' + i.found for i in examine() if i.subject == 'package stats'])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "error also installed by other-stats" in told
