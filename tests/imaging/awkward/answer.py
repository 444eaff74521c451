"""What must come of a case, and the list of all cases.

A case writes files into a folder and says what is right: volumes with values and affine in closed
form, or a refusal with the codes that are acceptable. Nothing here imports the code under test, so
other readers can be run on the same set (`benchmarks/awkward_series.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from tests.imaging.awkward import writer as w

Verdict = Literal["load", "flag", "refuse"]


@dataclass(frozen=True, eq=False)
class Expected:
    """One volume: (z, y, x) values, the map from (z, y, x) to LPS mm, and where padding is.

    ``value_off`` and ``place_off_mm`` are by how much it may differ, for lossy compression and
    rounded positions. ``alternative`` are values that another reader may give with equal right.
    """

    values: np.ndarray
    affine: np.ndarray
    padding: np.ndarray | None = None
    value_off: float = 0.0
    place_off_mm: float = 1e-3
    alternative: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Answer:
    """What is right for a case.

    ``load``: exactly these volumes, each as given. ``flag``: these volumes, with one of ``codes``
    said of them; or a refusal with one of ``codes``. ``refuse``: no volume, one of ``codes``.
    ``left_out``: codes of instances that must be left out of a case that loads.
    ``refused_part``: codes of which one must be given for the part that is no volume.
    ``culprit``: the file that a refusal must name in its text. ``harmless``: what another reader,
    with less to lose, may read where this one must refuse, without being wrong.
    """

    verdict: Verdict
    volumes: tuple[Expected, ...] = ()
    codes: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    refused_part: frozenset[str] = frozenset()
    culprit: str | None = None
    harmless: tuple[Expected, ...] = ()


@dataclass(frozen=True)
class Case:
    """A numbered case: the row of the specification's table it belongs to, and its writer."""

    name: str
    row: str
    write: Callable[[Path], Answer]


CASES: list[Case] = []


def case(row: str) -> Callable[[Callable[[Path], Answer]], Callable[[Path], Answer]]:
    """Register a writer under its own name."""

    def register(write: Callable[[Path], Answer]) -> Callable[[Path], Answer]:
        CASES.append(Case(write.__name__, row, write))
        return write

    return register


def volume(
    count: int = 6,
    number: int = 0,
    *,
    intercept: float = w.INTERCEPT,
    start: Sequence[float] = w.START_MM,
    step: Sequence[float] = (0, 0, w.STEP_MM),
    orientation: Sequence[float] = w.AXIAL,
    **more: float,
) -> Expected:
    """Return a volume of `writer.words` with one intercept; start and step are of slice z = 0."""
    values = w.words(count, number).astype(np.float64) + intercept
    return Expected(values, w.affine(start, step, orientation), **more)  # type: ignore[arg-type]


def load(*volumes: Expected, left_out: Sequence[str] = ()) -> Answer:
    """Return the answer that these volumes load without a doubt."""
    return Answer("load", volumes, left_out=frozenset(left_out))


def flag(*volumes: Expected, codes: Sequence[str], refused_part: Sequence[str] = ()) -> Answer:
    """Return the answer that these volumes load with a flag."""
    return Answer("flag", volumes, frozenset(codes), refused_part=frozenset(refused_part))


def refuse(*codes: str, culprit: str | None = None, harmless: Sequence[Expected] = ()) -> Answer:
    """Return the answer that nothing loads."""
    return Answer("refuse", codes=frozenset(codes), culprit=culprit, harmless=tuple(harmless))
