"""Whether what was loaded is what the bytes say, and whether a change was noticed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from imaging.volume import Volume
from tests.imaging.mutator.base import Base
from tests.imaging.mutator.independent import Slice
from tests.imaging.mutator.kind import Kind
from tests.imaging.mutator.reading import LONGEST_S, MOST_BYTES, Reading

PLACE_MM = 0.2
"""Positions written to 0.1 mm: the line through the first and last may be off by as much again;
or 4 % of the distance of slices, as `imaging.slice_grid` allows."""
IMPOSSIBLE_HU = -1500.0
Read = dict[str, "list[Slice] | str"]


@dataclass
class Verdict:
    """What came of a mutant.

    ``wrong`` is what must never be; ``outcome`` one of ``refused``, ``flagged``, ``unchanged``,
    ``as the bytes say``; ``unjudged`` files are in a volume, but the slow reading cannot read them.
    """

    outcome: str
    wrong: list[str] = field(default_factory=list)
    differs_with_flag: list[str] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)


def judge(base: Base, kind: Kind, found: Reading | str, slow: Read, whole: Volume) -> Verdict:
    """Judge a mutant; ``whole`` is the volume of the base."""
    if isinstance(found, str):
        return Verdict("died", [found])
    verdict = Verdict(_outcome(base, found, whole))
    if found.seconds > LONGEST_S:
        verdict.wrong.append(f"took {found.seconds:.0f} s")
    if found.peak_bytes > MOST_BYTES:
        verdict.wrong.append(f"took {found.peak_bytes >> 20} MiB")
    for volume, files in found.volumes:
        new = set(volume.report.flags) - base.flags
        verdict.unjudged += [f"{f}: {slow[f]}" for f in set(files) if isinstance(slow[f], str)]
        difference = _difference(volume, files, slow, whole)
        _compare(verdict, difference, new)
    silent = verdict.outcome in ("unchanged", "as the bytes say")
    if kind.family == "structural" and silent and not kind.unseen_of(base.name):
        verdict.wrong.append(f"loads as if nothing had happened: {verdict.outcome}")
    if kind.family == "harmless" and verdict.outcome != "unchanged":
        verdict.wrong.append(f"a harmless change is {verdict.outcome}: {sorted(found.said)}")
    return verdict


def _compare(verdict: Verdict, difference: str, new: set[str]) -> None:
    """Add what a difference from the slow reading means; a flag that is new excuses it."""
    if difference and new:
        verdict.differs_with_flag.append(f"{difference} ({', '.join(sorted(new))})")
    elif difference:
        verdict.wrong.append(difference)


def _outcome(base: Base, found: Reading, whole: Volume) -> str:
    """Return what was made of a mutant in a word."""
    if not found.volumes:
        return "refused" if found.said else "nothing"
    flags = {flag for volume, _ in found.volumes for flag in volume.report.flags}
    if found.said or flags - base.flags:
        return "flagged"
    if len(found.volumes) > 1:
        return "split"
    return "unchanged" if same(found.volumes[0][0], whole) else "as the bytes say"


def same(one: Volume, two: Volume) -> bool:
    """Return whether two volumes have the same values, padding and places."""
    if one.array.shape != two.array.shape:
        return False
    none = np.zeros(one.array.shape, bool)
    padding = [none if v.padding is None else v.padding for v in (one, two)]
    return (
        bool(np.array_equal(one.array, two.array))
        and bool(np.array_equal(*padding))
        and bool(np.allclose(one.geometry.affine, two.geometry.affine, atol=1e-6))
    )


def _difference(volume: Volume, files: tuple[str, ...], slow: Read, whole: Volume) -> str:
    """Return in words where a volume is not what the slow reading of its slices says, else "".

    A slice that the slow reading cannot read has to be as it is in the undamaged series.
    """
    spacing = float(np.linalg.norm(volume.geometry.affine[:3, 0]))
    allowed_mm = max(PLACE_MM, 0.04 * spacing)
    for z, (file, number) in enumerate(zip(files, volume.frame_numbers, strict=True)):
        there = slow[file]
        if isinstance(there, str) or number > len(there):
            if not _slice_of(whole, volume, z):
                return f"differs from the undamaged series, and {file} is unreadable: {there}"
            continue
        one = there[number - 1]
        if volume.sop_instance_uids[z] != one.instance:
            return f"slice {z}: instance {volume.sop_instance_uids[z]}, not {one.instance}"
        fault = _values_differ(volume, z, one) or _places_differ(volume, z, one, allowed_mm)
        if fault:
            return f"slice {z} ({file}): {fault}"
    return ""


def _slice_of(whole: Volume, volume: Volume, z: int) -> bool:
    """Return whether a slice has the values and the place that it has in the undamaged series."""
    ends = [(z, 0, 0), (z, volume.array.shape[1] - 1, volume.array.shape[2] - 1)]
    places = [v.geometry.index_to_patient(ends) for v in (volume, whole)]
    return (
        volume.array.shape == whole.array.shape
        and bool(np.array_equal(volume.array[z], whole.array[z]))
        and bool(np.allclose(*places, atol=1e-3))
    )


def _values_differ(volume: Volume, z: int, one: Slice) -> str:
    """Compare values and padding of a slice."""
    values = volume.array[z]
    if values.shape != one.values.shape:
        return f"shape {values.shape}, not {one.values.shape}"
    exact = one.values if values.dtype == np.int16 else one.values.astype(np.float32)
    if not np.array_equal(values, exact):
        k = np.unravel_index(int(np.argmax(values != exact)), values.shape)
        return f"{int((values != exact).sum())} values differ, {values[k]} not {exact[k]}"
    padded = np.zeros(values.shape, bool) if volume.padding is None else volume.padding[z]
    wanted = one.padded
    if "padding_in_tissue_range" in volume.report.flags:
        return ""
    if volume.unit == "HU":
        wanted = wanted | (one.values < IMPOSSIBLE_HU)
    return "" if np.array_equal(padded, wanted) else f"padding {padded.sum()}, not {wanted.sum()}"


def _places_differ(volume: Volume, z: int, one: Slice, allowed_mm: float) -> str:
    """Compare where the corners of a slice lie, in mm."""
    rows, columns = volume.array.shape[1:]
    corners = [(z, i, j) for i in (0, rows - 1) for j in (0, columns - 1)]
    off = np.linalg.norm(volume.geometry.index_to_patient(corners) - one.corners, axis=1).max()
    return "" if off <= allowed_mm else f"lies {off:.2f} mm off"
