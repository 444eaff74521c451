"""What a run remembers of visits laid over one another, so that it need not register them again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from measurement.correspondence import Meeting, PlacedLesion
from sumdiam.batch.code_version import code_version
from sumdiam.batch.match_proposal import Compared
from sumdiam.batch.visit_compare import EMPTY, VisitComparer


@dataclass(slots=True)
class MatchMemory:
    """Comparisons by a key that changes with files, masks and code.

    Parameters
    ----------
    known : what an earlier run kept, by key, as JSON

    Attributes
    ----------
    used : what this run asked for or found: all that is to be kept
    """

    known: Mapping[str, str] = field(default_factory=dict)
    used: dict[str, str] = field(default_factory=dict)


class RememberingComparer:
    """Compares visits as `VisitComparer` does, each pair of them once as long as nothing changes.

    What could not be read is not remembered: another time it may be.
    """

    def __init__(self, comparer: VisitComparer, memory: MatchMemory) -> None:
        self._comparer = comparer
        self._memory = memory

    def __call__(self, earlier: Sequence[Sequence[str]], later: Sequence[str]) -> Compared:
        """Return how lesions lie to one another."""
        parts = [code_version(), self._comparer.basis(earlier, later)]
        key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        written = self._memory.known.get(key)
        if written is None:
            found = self._comparer(earlier, later)
            written = _written(found)
            if any(why != EMPTY for why in found.unplaced.values()):
                return _read(written)
        self._memory.used[key] = written
        return _read(written)


def _written(found: Compared) -> str:
    """Write a comparison as JSON; numbers come back the same."""
    meeting = found.meeting
    cells: dict[str, Any] = {
        "earlier": [asdict(one) for one in found.earlier],
        "later": [asdict(one) for one in found.later],
        "distance_mm": meeting.distance_mm.tolist(),
        "shared": meeting.shared.tolist(),
        "tolerance_mm": None if meeting.tolerance_mm is None else meeting.tolerance_mm.tolist(),
        "how": found.how,
        "unplaced": dict(found.unplaced),
    }
    return json.dumps(cells, sort_keys=True)


def _read(written: str) -> Compared:
    """Return the comparison that `_written` wrote."""
    cells = json.loads(written)
    shape = (len(cells["earlier"]), len(cells["later"]))
    distance, shared, tolerance = (
        None if cells[name] is None else np.array(cells[name], np.float64).reshape(shape)
        for name in ("distance_mm", "shared", "tolerance_mm")
    )
    assert distance is not None  # noqa: S101 - always written
    assert shared is not None  # noqa: S101
    return Compared(
        tuple(PlacedLesion(**one) for one in cells["earlier"]),
        tuple(PlacedLesion(**one) for one in cells["later"]),
        Meeting(distance, shared, tolerance),
        how=cells["how"],
        unplaced=cells["unplaced"],
    )
