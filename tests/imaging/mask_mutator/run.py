"""Makes mutants of masks by a seed, has each read twice, and judges it."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from imaging.mask import MaskError
from imaging.mask_client import read_masks_apart
from tests.imaging.mask_mutator.base import GEOMETRY, Base, bases
from tests.imaging.mask_mutator.damage import KINDS
from tests.imaging.mask_mutator.independent import Slow, Voxels, read_slowly
from tests.imaging.mutator.kind import Kind
from tests.imaging.mutator.reading import LONGEST_S, Apart
from tests.imaging.mutator.run import put

_SHARE = {"harmless": 0.04, "structural": 0.25, "value": 0.26, "bytes": 0.45}


@dataclass(frozen=True, eq=False)
class Reading:
    """What `imaging` made of a mask file: voxels by segment and flags, or the code of its refusal."""

    voxels: dict[int, Voxels] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    refused: str = ""
    seconds: float = 0.0


@dataclass
class Result:
    """What came of a run."""

    count: int = 0
    wrong: list[str] = field(default_factory=list)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    longest_s: float = 0.0


def load(folder: Path) -> Reading:
    """Read the one mask of a folder as a run does."""
    (file,) = folder.iterdir()
    start = time.perf_counter()
    try:
        found = read_masks_apart(file, GEOMETRY)
    except MaskError as error:
        return Reading(refused=error.reason_code, seconds=time.perf_counter() - start)
    return Reading(
        {n: {(int(z), int(y), int(x)) for z, y, x in np.argwhere(m.array)}
         for n, m in found.items()},
        frozenset(flag for m in found.values() for flag in m.flags),
        seconds=time.perf_counter() - start,
    )  # fmt: skip


def judge(kind: Kind, found: Reading | str, slow: Slow | str, whole: Reading) -> tuple[str, str]:
    """Return what came of a mutant in a word, and what must never be, else ""."""
    if isinstance(found, str):
        return "died", found
    if found.seconds >= LONGEST_S:
        return "slow", f"took {found.seconds:.0f} s"
    if found.refused:
        harmless = f"a harmless change is {found.refused}" if kind.family == "harmless" else ""
        return "refused", harmless
    if found.flags - whole.flags:
        return "flagged", ""
    same = found.voxels == whole.voxels
    outcome = "unchanged" if same else "as the bytes say"
    if kind.family == "harmless" and not same:
        return outcome, "a harmless change changes voxels"
    if kind.family == "structural" and not kind.unseen:
        return outcome, "loads as if nothing had happened"
    if isinstance(slow, str):
        return outcome, "" if same else f"differs from the undamaged mask; slow reading: {slow}"
    return outcome, _difference(found.voxels, slow)


def _difference(found: dict[int, Voxels], slow: Slow) -> str:
    """Return in words where segments are not what the slow reading says."""
    if set(found) != set(slow):
        return f"segments {sorted(found)}, not {sorted(slow)}"
    for number, (voxels, doubtful) in slow.items():
        off = (found[number] ^ voxels) - doubtful
        if off:
            return f"segment {number}: {len(found[number])} voxels, not {len(voxels)}: {min(off)}"
    return ""


def mutant(seed: int, number: int, all_bases: list[Base]) -> tuple[Base, Kind, dict[str, bytes]]:
    """Return one mutant."""
    rng = random.Random(f"{seed}.{number}")
    while True:
        base = rng.choice(all_bases)
        (family,) = rng.choices(list(_SHARE), list(_SHARE.values()))
        kinds = [kind for kind in KINDS[base.kind] if kind.family == family]
        if not kinds:
            continue
        kind, files = rng.choice(kinds), dict(base.files)
        try:
            kind.change(files, rng)
        except (AttributeError, KeyError):  # what should change is not in a mask of this kind
            continue
        if files != base.files:
            return base, kind, files


def run(seed: int, count: int, folder: Path) -> Result:
    """Make, read and judge mutants."""
    all_bases = bases(folder / "bases")
    ours, slow, result = Apart(), Apart(), Result()
    try:
        whole = {b.name: ours.run(load, put(b.files, folder / "base")) for b in all_bases}
        for number in range(count):
            base, kind, files = mutant(seed, number, all_bases)
            put(files, folder / "m")
            found = ours.run(load, folder / "m")
            outcome, wrong = judge(
                kind, found, slow.run(read_slowly, folder / "m"), whole[base.name]
            )
            result.count += 1
            result.outcomes[kind.family, outcome] += 1
            if wrong:
                result.wrong.append(f"{number} {base.name} {kind.name}: {wrong}")
            if isinstance(found, Reading):
                result.codes[found.refused] += 1
                result.longest_s = max(result.longest_s, found.seconds)
        return result
    finally:
        ours.end()
        slow.end()
