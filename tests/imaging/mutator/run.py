"""Makes mutants by a seed, has each read twice, and judges it."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.imaging.mutator.base import Base, Files, bases
from tests.imaging.mutator.damage import OTHER
from tests.imaging.mutator.frames import FRAMES
from tests.imaging.mutator.independent import read_slices
from tests.imaging.mutator.judge import Verdict, judge
from tests.imaging.mutator.kind import Kind
from tests.imaging.mutator.reading import Apart, Reading, load
from tests.imaging.mutator.structural import STRUCTURAL

KINDS = (*STRUCTURAL, *FRAMES, *OTHER)
_SHARE = {"harmless": 0.04, "structural": 0.4, "value": 0.13, "bytes": 0.43}


@dataclass(frozen=True)
class Mutant:
    """A changed series; ``number`` and the seed make it again."""

    number: int
    base: Base
    kind: Kind
    files: Files


@dataclass
class Result:
    """What came of a run."""

    count: int = 0
    wrong: list[str] = field(default_factory=list)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    unseen: Counter[str] = field(default_factory=Counter)
    differs_with_flag: list[str] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)
    longest_s: float = 0.0
    peak_bytes: int = 0


def mutant(seed: int, number: int, all_bases: list[Base]) -> Mutant:
    """Return one mutant."""
    rng = random.Random(f"{seed}.{number}")
    while True:
        base = rng.choice(all_bases)
        families = list(_SHARE)
        family = rng.choices(families, [_SHARE[name] for name in families])[0]
        kind = rng.choice(
            [k for k in KINDS if (k.family, k.multiframe) == (family, base.multiframe)]
        )
        files = dict(base.files)
        kind.change(files, rng)
        if files != base.files or family == "harmless":
            return Mutant(number, base, kind, files)


def put(files: Files, folder: Path) -> Path:
    """Write files into a new folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def run(seed: int, count: int, folder: Path) -> Result:
    """Make, read and judge mutants."""
    all_bases = bases()
    ours, slow = Apart(), Apart()
    try:
        whole = {base.name: _whole(ours, put(base.files, folder / "base")) for base in all_bases}
        result = Result()
        for number in range(count):
            _one(mutant(seed, number, all_bases), whole, (ours, slow), folder / "m", result)
        return result
    finally:
        ours.end()
        slow.end()


def _whole(ours: Apart, folder: Path) -> Any:
    """Return the volume of an undamaged series."""
    found = ours.run(load, folder)
    ((volume, _),) = found.volumes
    return volume


def _one(
    m: Mutant, whole: dict[str, Any], apart: tuple[Apart, Apart], folder: Path, result: Result
) -> None:
    """Read and judge one mutant."""
    put(m.files, folder)
    found = apart[0].run(load, folder)
    slow = apart[1].run(read_slices, folder)
    if isinstance(slow, str):  # a decoder took the slow reading along: file by file
        slow = dict(_one_by_one(apart[1], folder))
    verdict = judge(m.base, m.kind, found, slow, whole[m.base.name])
    _count(m, found, verdict, result)


def _one_by_one(apart: Apart, folder: Path) -> Iterator[tuple[str, Any]]:
    """Read files alone, so that one that ends its process is known."""
    for path in sorted(folder.iterdir()):
        alone = put({path.name: path.read_bytes()}, folder.parent / "alone")
        found = apart.run(read_slices, alone)
        yield path.name, found if isinstance(found, str) else found[path.name]


def _count(m: Mutant, found: Reading | str, verdict: Verdict, result: Result) -> None:
    """Add a verdict to the result."""
    name = f"{m.number} {m.base.name} {m.kind.name}"
    result.count += 1
    result.outcomes[m.kind.family, verdict.outcome] += 1
    result.wrong += [f"{name}: {text}" for text in verdict.wrong]
    result.differs_with_flag += [f"{name}: {text}" for text in verdict.differs_with_flag]
    result.unjudged += [f"{name}: {text}" for text in verdict.unjudged]
    if m.kind.unseen_of(m.base.name) and verdict.outcome in ("unchanged", "as the bytes say"):
        result.unseen[m.kind.name] += 1
    if isinstance(found, Reading):
        result.longest_s = max(result.longest_s, found.seconds)
        result.peak_bytes = max(result.peak_bytes, found.peak_bytes)
