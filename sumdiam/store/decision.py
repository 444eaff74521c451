"""A reviewer's decisions as they are handed in: read, and checked before any work starts."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from measurement.table import TableError, parse_text
from sumdiam.archive.csv_text import read_text
from sumdiam.store.decision_table import Decisions
from sumdiam.store.revision import AUTO, END_COLUMNS

ENDS_AGREE_MM = 0.1
"""How far a replaced length may be from the distance of its two ends: the written precision."""


class DecisionError(TableError):
    """A decision contradicts itself."""


def read_decisions(path: Path) -> pd.DataFrame:
    """Return the decisions of a CSV file.

    Raises
    ------
    TableError
        If the file is no such table, or a decision contradicts itself (`DecisionError`).
    """
    required = ["measurement_id", "revision", "verdict", "decided_by", "decided_on", "reason"]
    frame = parse_text(read_text(path), Decisions, origin=path.name, required=required)
    check_decisions(frame, origin=path.name)
    return frame


def check_decisions(frame: pd.DataFrame, *, origin: str) -> None:
    """Raise for a decision that contradicts itself.

    Raises
    ------
    DecisionError
        For a replacement without a value, one end without the other, a length that is not the
        distance of its ends, or a value handed in with a verdict that takes none.
    """
    for row in frame.to_dict("records"):
        wrong = _contradiction({str(name): cell for name, cell in row.items()})
        if wrong:
            where = f"measurement_id={row['measurement_id']}, revision={row['revision']}"
            msg = f"{origin}: {wrong} at {where}."
            raise DecisionError(msg)


def _contradiction(row: dict[str, Any]) -> str | None:
    """Say what is wrong with one decision, or None."""
    value = row["value"]
    ends = [row[name] for name in END_COLUMNS]
    given = [not pd.isna(end) for end in ends]
    if row["decided_by"] == AUTO:
        return f"decided_by is {AUTO!r}, which is no person; give the reviewer's id"
    if row["verdict"] != "replace":
        if not pd.isna(value) or any(given):
            return f"{row['verdict']} takes no value and no ends; leave them empty, or say replace"
        return None
    if pd.isna(value):
        return "replace without a value; fill the column value, or say reject"
    if not any(given):
        return None
    if not all(given):
        return "both ends need x, y and z in mm (patient coordinates, LPS); fill all six, or none"
    distance = math.dist(ends[:3], ends[3:])
    # half a nanometre of slack: 30.1 against a distance of 30 is within, though not in floats
    if abs(distance - value) > ENDS_AGREE_MM + 5e-7:
        return f"value {value:g} mm, but its ends are {distance:.2f} mm apart; correct one of them"
    return None
