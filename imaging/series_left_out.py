"""What was left out of a series, file by file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby

from imaging.header import InstanceHeader
from imaging.volume import LeftOut


def left_out_slices(
    found: Iterable[tuple[InstanceHeader, tuple[str, str]]],
) -> list[LeftOut]:
    """Return an entry for each file, or one for all frames of a file that share a reason.

    Parameters
    ----------
    found : a slice, and the reason code and detail of why it is left out
    """
    frames: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for header, (code, detail) in found:
        frames[header.file, code, detail].append(header.frame_number or 0)
    return [
        LeftOut(file, code, f"{_ranges(numbers)}: {detail}" if any(numbers) else detail)
        for (file, code, detail), numbers in frames.items()
    ]


def _ranges(numbers: Sequence[int]) -> str:
    """Return frame numbers as people write them: frames 1-3, 7."""
    runs = []
    for _, run in groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0]):
        ends = [number for _, number in run]
        runs.append(f"{ends[0]}-{ends[-1]}" if len(ends) > 1 else str(ends[0]))
    return "frames " + ", ".join(runs)
