"""All cases in order; `write_case` writes one of them by number or name."""

from __future__ import annotations

from pathlib import Path

# each module registers its cases when it is imported
from tests.imaging.awkward import (  # noqa: F401
    grid_cases,
    multiframe_cases,
    split_cases,
    syntax_cases,
    value_cases,
)
from tests.imaging.awkward.answer import CASES, Answer, Case

__all__ = ["CASES", "Answer", "Case", "write_case"]


def write_case(which: int | str, folder: Path) -> Answer:
    """Write a case into an empty folder and return what must come of it."""
    found = CASES[which] if isinstance(which, int) else {c.name: c for c in CASES}[which]
    return found.write(folder)
