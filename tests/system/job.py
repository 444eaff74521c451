"""Whole runs, started as a user starts them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXIT_DONE, EXIT_USAGE, EXIT_REFUSED = 0, 2, 3


def sumdiam(*arguments: str | Path, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "sumdiam", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env=os.environ | {"COLUMNS": "200"},
        check=False,
    )


def digests(run: Path, *parts: str) -> dict[str, str]:
    """SHA-256 of every file of a run below these parts (default: all that must not vary)."""
    wanted = parts or (
        "plan.csv",
        "masks.csv",
        "matches.csv",
        "tables",
        "overlays",
        "figures",
        "printed",
    )
    found: dict[str, str] = {}
    for part in wanted:
        path = run / part
        assert path.exists(), path
        for file in [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file()):
            found[str(file.relative_to(run))] = hashlib.sha256(file.read_bytes()).hexdigest()
    assert found
    return found


class Trial:
    """A small written archive and its clinical tables."""

    def __init__(self, folder: Path) -> None:
        self.archive = folder / "archive"
        self.subjects = folder / "subjects.csv"
        self.findings = folder / "findings.csv"

    def run(
        self,
        out: Path,
        *more: str | Path,
        subjects: Path | None = None,
        archive: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run the main job on it."""
        return sumdiam(
            "run", archive or self.archive, "--out", out,
            "--subjects", subjects or self.subjects, "--findings", self.findings, *more,
        )  # fmt: skip
