"""What is right for an awkward mask, and the list of all of them.

A case writes a mask into a folder and says what it holds on which image: the voxels of each segment
in closed form, or the reason code of its refusal. Nothing here imports the code under test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.imaging.awkward_mask.writer import FRAME, Grid

Voxels = set[tuple[int, ...]]


@dataclass(frozen=True)
class Answer:
    """What must come of a mask.

    Either ``voxels`` by segment number with all ``flags``, or ``refused`` with a reason code, given
    when its identities are read or when it is placed on the image. ``resample`` is asked for where
    it is set; ``change_percent`` is then what must be reported.
    """

    path: Path
    grid: Grid
    voxels: Mapping[int, Voxels] = field(default_factory=dict)
    refused: str | None = None
    flags: frozenset[str] = frozenset()
    names: Mapping[int, str] = field(default_factory=dict)
    resample: bool = False
    change_percent: float | None = None
    frame: str | None = FRAME


Case = Callable[[Path], Answer]
CASES: dict[str, Case] = {}


def case(function: Case) -> Case:
    """Add a case to the list, under its name."""
    assert function.__name__ not in CASES, function.__name__
    CASES[function.__name__] = function
    return function


def all_cases() -> dict[str, Case]:
    """Return every case by name."""
    from tests.imaging.awkward_mask import contour_cases, label_cases, nrrd_cases, seg_cases

    for module in (contour_cases, label_cases, nrrd_cases, seg_cases):
        assert module.__doc__
    return dict(CASES)
