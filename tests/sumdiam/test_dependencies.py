"""What the lock may hold."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PINS = [
    line.strip()
    for line in (ROOT / "requirements.lock").read_text().splitlines()
    if line.strip() and not line.startswith("#")
]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_line_of_the_lock_pins_one_version_and_names_no_index():
    for pin in PINS:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+!-]+", pin), pin


def test_no_gpl_library_is_locked():
    for pin in PINS:
        name = pin.split("==")[0]
        assert normal(name) not in {"pylibjpeg-libjpeg", "scikit-survival", "pingouin"}
        about = importlib.metadata.metadata(name)
        licence = " ".join(
            [about.get("License-Expression") or "", *(about.get_all("Classifier") or [])]
        )
        assert "GPL" not in licence.replace("LGPL", ""), pin


def test_every_dependency_is_defended():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    defended = normal((ROOT / "docs" / "dependencies.md").read_text())
    extras = project["optional-dependencies"].values()
    for requirement in [*project["dependencies"], *(name for extra in extras for name in extra)]:
        name = re.match(r"[A-Za-z0-9_.-]+", requirement)
        assert name
        assert normal(name.group()) in defended, requirement


def test_every_dependency_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = {normal(pin.split("==")[0]) for pin in PINS}
    for requirement in project["dependencies"]:
        name = re.match(r"[A-Za-z0-9_.-]+", requirement)
        assert name
        assert normal(name.group()) in locked, requirement
