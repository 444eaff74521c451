"""How a measurement gets its next revision: from measuring again, and from a person's decision.

Pure functions on rows (dicts of the columns of ``Measurements``), so that the outcome depends on
what was measured and decided, and never on the order in which studies finish.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from measurement.uncertainty import reader_uncertainty
from sumdiam.store.schema import MEASUREMENT_COLUMNS

Cells = Mapping[str, Any]
Row = dict[str, Any]

AUTO = "auto"
WITHDRAWN = "withdrawn: "
"""How the reason of a revision begins that takes an automatic value back."""

END_COLUMNS = (
    "end1_x_mm", "end1_y_mm", "end1_z_mm", "end2_x_mm", "end2_y_mm", "end2_z_mm",
)  # fmt: skip

_NOT_RESULT = frozenset({"revision", "supersedes", "software_version"})
_IDENTITY = (
    "measurement_id", "subject_id", "reader", "decided_by", "read_role", "lesion_id", "timepoint",
    "quantity", "unit", "method", "software_version",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a decision: applied, stale or refused; the message says why and what to do."""

    state: str
    message: str | None
    revision: Row | None
    """The revision to add, if the decision makes one now."""


def same_result(one: Cells, other: Cells) -> bool:
    """Whether two rows say the same: every column but revision numbers and software version.

    A new software version that finds the same value leaves no trace: the row keeps the version
    that first found it. Floats are compared exactly.
    """
    return all(
        _cell(one.get(name)) == _cell(other.get(name))
        for name in MEASUREMENT_COLUMNS
        if name not in _NOT_RESULT
    )


def _cell(value: Any) -> Any:
    """Return a cell in which NaN and missing are one."""
    return None if value is None or (isinstance(value, float) and math.isnan(value)) else value


def latest_automatic(history: Sequence[Row]) -> Row | None:
    """Return the newest revision that no person made."""
    return next((row for row in reversed(history) if row["decided_by"] == AUTO), None)


def is_withdrawn(row: Cells) -> bool:
    """Whether this revision takes an automatic value back (its study or mask is gone)."""
    return (
        row["decided_by"] == AUTO
        and row["accepted"] is False
        and str(row["reason"] or "").startswith(WITHDRAWN)
    )


def measured_again(history: Sequence[Row], results: Sequence[Row]) -> Row | None:
    """Return the revision that measuring makes, or None where the result is the one known.

    Parameters
    ----------
    history : revisions of one measurement, oldest first
    results : what the studies gave for it now; usually one row

    Notes
    -----
    The comparison is with the last *automatic* revision: where a person's revision lies on top
    and the automatic value is unchanged, the person's stays.
    """
    if not results:
        return None
    result = dict(results[0]) if len(results) == 1 else _measured_twice(results)
    result |= {"accepted": True, "decided_by": AUTO}
    known = latest_automatic(history)
    if known is not None and same_result(known, result):
        return None
    return _next(history, result)


def withdrawn(history: Sequence[Row], reason: str) -> Row | None:
    """Return the revision that takes a value back, or None where that is done already."""
    known = latest_automatic(history)
    if known is None or is_withdrawn(known):
        return None
    row = {name: known[name] for name in (*_IDENTITY, "study_uid", "mask_id")}
    return _next(history, row | {"accepted": False, "reason": WITHDRAWN + reason})


def _measured_twice(results: Sequence[Row]) -> Row:
    """Return a row without a value for one lesion measured more than once at one timepoint."""
    places = sorted({str(row.get("mask_id") or row.get("study_uid")) for row in results})
    first = min(results, key=lambda row: (str(row.get("study_uid")), str(row.get("mask_id"))))
    return {name: first[name] for name in _IDENTITY} | {
        "reason": f"measured more than once at this timepoint (masks {', '.join(places)}); "
        "set all but one to `ignore` in masks.csv",
        "flags": "measured_twice",
    }


def _next(history: Sequence[Row], row: Cells) -> Row:
    """Return a row numbered as the next revision of its measurement."""
    last = int(history[-1]["revision"]) if history else None
    full: Row = {name: _cell(row.get(name)) for name in MEASUREMENT_COLUMNS}
    return full | {"revision": (last or 0) + 1, "supersedes": last}


def decided(history: Sequence[Row], decision: Cells) -> Verdict:
    """Return what a decision that was not applied before does to a measurement.

    Parameters
    ----------
    history : revisions of one measurement, oldest first, measuring included
    decision : row of ``Decisions``

    Notes
    -----
    A decision counts as long as no automatic revision is newer than the one that was judged.
    """
    judged = next((row for row in history if row["revision"] == decision["revision"]), None)
    newest = int(history[-1]["revision"])
    if judged is None:
        return Verdict(
            "refused",
            f"measurement {decision['measurement_id']} has revisions 1 to {newest}, not "
            f"{decision['revision']}; judge one that is in measurements.csv",
            None,
        )
    automatic = latest_automatic(history)
    if automatic is not None and automatic["revision"] > decision["revision"]:
        return Verdict("stale", _stale_message(automatic), None)
    return Verdict("applied", None, _next(history, _judged(judged, decision)))


def _stale_message(automatic: Cells) -> str:
    """Say why a decision no longer holds."""
    if is_withdrawn(automatic):
        return f"{automatic['reason']}; nothing is left to decide"
    return (
        f"measuring gave revision {automatic['revision']} since; look at it and decide on "
        f"revision {automatic['revision']}"
    )


def _judged(judged: Row, decision: Cells) -> Row:
    """Return the judged row as the person leaves it."""
    row = judged | {
        "decided_by": decision["decided_by"],
        "reason": decision["reason"],
        "accepted": decision["verdict"] != "reject",
    }
    if decision["verdict"] != "replace":
        return row
    ends = {name: _cell(decision.get(name)) for name in END_COLUMNS}
    row |= {"value": decision["value"], "method": "reviewer", "flags": None, **ends}
    between = reader_uncertainty(str(row["quantity"]), row["value"])
    row |= {"standard_uncertainty": None, "reader_uncertainty": between, "gap_mm": None}
    if not _in_one_plane(judged, ends):
        row |= {"slice": None, "sop_instance_uid": None, "frame_number": None}
    return row


def _in_one_plane(judged: Row, ends: Cells) -> bool:
    """Whether a person's ends lie at the height of the judged ones, so that its slice holds."""
    heights = [judged["end1_z_mm"], judged["end2_z_mm"], ends["end1_z_mm"], ends["end2_z_mm"]]
    if any(height is None for height in heights):
        return False
    return bool(max(heights) - min(heights) <= 0.05)  # a twentieth of a millimetre


def same_decision(one: Cells, other: Cells) -> bool:
    """Whether two decisions on one revision say the same."""
    names = ("verdict", "value", *END_COLUMNS, "decided_by", "decided_on", "reason")
    return all(_cell(one.get(name)) == _cell(other.get(name)) for name in names)
