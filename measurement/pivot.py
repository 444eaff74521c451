"""From measurements to the lesion table: a pure pivot, with what persons found beside it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

from measurement.lesion_table import QUANTITY_UNITS, Lesions
from measurement.table import TableError, columns_of, from_records

STEPS = {"mm": "0.1", "ml": "0.01", "hu": "0.1", "percent": "0.1"}
"""Written precision of each unit; source: spec/tables.md."""

WITH_UNCERTAINTY = frozenset(
    name.removeprefix("u_") for name in columns_of(Lesions) if name.startswith("u_")
)
REJECTED = "rejected by reviewer"
WASHOUT_AT_MOST_HU = -10.0
"""Late contrast at or below which a lesion washes out: darker than liver, beyond noise."""

WASHOUT_AT_MOST_PERCENT = -10.0
"""The same of MR, in percent of the liver, which has some 100 HU in those phases of a CT."""

NO_WASHOUT_AT_LEAST = 0.0
"""Late contrast at or above which it does not; between the two it is not known."""

CLEAR_AT_LEAST_PERCENT = 75.0
UNCLEAR_BELOW_PERCENT = 40.0
"""Part of the border that is clear in a lesion that is well delineated, and in one that is not."""

FACTS = ("organ", "site", "node", "treated_before", "slice_thickness_mm")
STATED = ("status", "status_reason", "split_from", "merged_into")
FOUND = ("organ", "site", "node", "finding", "pattern", "cytology", "comment")
KEY = ("subject_id", "reader", "lesion_id", "timepoint")
Key = tuple[str, str, str, int]
Row = dict[str, Any]


def rounded(value: float, step: str) -> float:
    """Return a value rounded once, decimal half up from its written digits.

    Parameters
    ----------
    value : float
        Its shortest digits that read back the same are what is rounded: 24.25 gives 24.3.
    step : str
        Such as ``"0.1"``.

    Examples
    --------
    >>> rounded(24.25, "0.1"), rounded(0.05, "0.1"), rounded(2.675, "0.01")
    (24.3, 0.1, 2.68)
    """
    return float(Decimal(repr(float(value))).quantize(Decimal(step), rounding=ROUND_HALF_UP))


def leading_quantity(site: str, node: str) -> str:
    """Quantity that decides the status of a lesion: viable, whole, or a node's short axis."""
    if node != "none":
        return "node_short_axis"
    return "viable_diameter" if site == "hepatic" else "whole_diameter"


def pivot_lesions(
    measurements: pd.DataFrame,
    masks_like: pd.DataFrame,
    findings: pd.DataFrame | None = None,
    timepoints: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Lesion table of measurements: one row per subject, reader, lesion and timepoint.

    Parameters
    ----------
    measurements : Measurements
        All revisions; the last one of each measurement counts.
    masks_like : DataFrame
        subject_id, reader, lesion_id, timepoint and what is known of the lesion there: organ,
        site, node, treated_before, slice_thickness_mm; optionally split_from, merged_into, and
        status and status_reason, which a measurement replaces. One row per key.
    findings : Findings, optional
        Override what was measured, or add lesions that have no mask.
    timepoints : DataFrame, optional
        subject_id, timepoint and first_scan_on: becomes ``scan_on``.

    Raises
    ------
    TableError
        If a lesion has measurements but no row that tells its site, or two such rows.

    Notes
    -----
    Rounded here, once. The leading quantity gives the status: above zero measured, zero absent,
    no value not evaluable, with the reason. A rejected last revision gives no value.
    ``washout`` is true at a late contrast of -10 HU (MR: -10 % of the liver) or less and false at 0
    or more; ``well_delineated`` is true where 75 % of the border or more is clear, and false below
    40 %. Between those nothing is said.
    """
    facts = _facts(masks_like)
    rows: dict[Key, Row] = {key: _blank(key, fact) for key, fact in facts.items()}
    for key, group in _latest(measurements).items():
        if key not in rows:
            msg = (
                f"lesion {key[2]} of subject {key[0]}, reader {key[1]}, timepoint {key[3]} is "
                "measured, but no mask tells its organ and site. Add its row to masks.csv."
            )
            raise TableError(msg)
        _fill(rows[key], group)
    if findings is not None:
        _merge(rows, findings, _readers(rows))
    days = _days(timepoints)
    for key, row in rows.items():
        row["scan_on"] = days.get((key[0], key[3]))
    return from_records([rows[key] for key in sorted(rows)], Lesions)


def _key(row: Row) -> Key:
    """Return the key of a row."""
    return str(row["subject_id"]), str(row["reader"]), str(row["lesion_id"]), int(row["timepoint"])


def _given(value: Any) -> bool:
    """Whether a cell holds something."""
    return value is not None and not pd.isna(value)


def _facts(masks_like: pd.DataFrame) -> dict[Key, Row]:
    """Return what is known of each lesion at each timepoint."""
    facts: dict[Key, Row] = {}
    for row in _records(masks_like):
        key = _key(row)
        if key in facts:
            msg = f"lesion {key[2]} of subject {key[0]} has two rows at timepoint {key[3]}"
            raise TableError(msg + f" for reader {key[1]}. Give one of its masks another id.")
        facts[key] = {name: row.get(name) for name in (*FACTS, *STATED)}
    return facts


def _records(frame: pd.DataFrame) -> list[Row]:
    """Return the rows of a frame with text keys."""
    records: list[dict[Hashable, Any]] = frame.to_dict("records")
    return [{str(name): value for name, value in record.items()} for record in records]


def _blank(key: Key, fact: Row) -> Row:
    """Return the row of a lesion before anything is measured."""
    row: Row = dict(zip(KEY, key, strict=True))
    row |= {name: value for name, value in fact.items() if _given(value)}
    row.setdefault("node", "none")
    return row


def _latest(measurements: pd.DataFrame) -> dict[Key, dict[str, Row]]:
    """Return the last revision of every measurement, by lesion and quantity."""
    latest: dict[Key, dict[str, Row]] = {}
    for row in _records(measurements):
        group = latest.setdefault(_key(row), {})
        quantity = str(row["quantity"])
        if quantity not in group or row["revision"] > group[quantity]["revision"]:
            group[quantity] = row
    return latest


def _fill(row: Row, group: dict[str, Row]) -> None:
    """Write the measured values of one lesion into its row."""
    leading = leading_quantity(str(row.get("site")), str(row["node"]))
    flags: list[str] = []
    for quantity in QUANTITY_UNITS:
        if quantity not in group:
            continue
        measured = group[quantity]
        value, reason = _standing(measured)
        row[f"{quantity}_id"] = measured["measurement_id"]
        if value is not None and measured["unit"] in STEPS:
            row[f"{quantity}_{measured['unit']}"] = rounded(value, STEPS[measured["unit"]])
            if quantity in WITH_UNCERTAINTY and _given(measured.get("standard_uncertainty")):
                row[f"u_{quantity}"] = float(measured["standard_uncertainty"])
        if quantity == leading:
            row |= _status(value, reason)
        if value is not None and _given(measured.get("flags")):
            flags += str(measured["flags"]).split(";")
    row["flags"] = ";".join(dict.fromkeys(flags)) or None
    row |= _character(row)


def _standing(measured: Row) -> tuple[float | None, str | None]:
    """Return the value that stands, or the reason why none does."""
    reason = str(measured["reason"]) if _given(measured.get("reason")) else None
    if not (_given(measured["accepted"]) and bool(measured["accepted"])):
        return None, REJECTED
    if not _given(measured["value"]):
        return None, reason or "no value was measured"
    return float(measured["value"]), None


def _status(value: float | None, reason: str | None) -> Row:
    """Return the status that the leading quantity gives."""
    if value is None:
        return {"status": "not_evaluable", "status_reason": reason}
    return {"status": "measured" if value > 0.0 else "absent", "status_reason": None}


def _character(row: Row) -> Row:
    """Return arterial enhancement, washout and delineation, where they are known."""
    found: Row = {}
    viable = row.get("viable_diameter_mm")
    if row.get("site") == "hepatic" and viable is not None:
        found["arterial_enhancement"] = viable > 0.0
    for unit, most in (("hu", WASHOUT_AT_MOST_HU), ("percent", WASHOUT_AT_MOST_PERCENT)):
        late = row.get(f"late_contrast_{unit}")
        if late is not None and (late <= most or late >= NO_WASHOUT_AT_LEAST):
            found["washout"] = late <= most
    border = row.get("clear_border_percent")
    if border is not None and not UNCLEAR_BELOW_PERCENT <= border < CLEAR_AT_LEAST_PERCENT:
        found["well_delineated"] = border >= CLEAR_AT_LEAST_PERCENT
    return found


@dataclass(slots=True)
class _Readings:
    """Readers of each subject, and of each of its lesions what is known at any timepoint."""

    of_subject: dict[str, set[str]] = field(default_factory=dict)
    of_lesion: dict[tuple[str, str, str], Row] = field(default_factory=dict)


def _readers(rows: dict[Key, Row]) -> _Readings:
    """Collect who read which subject."""
    readings = _Readings()
    for key in sorted(rows):
        readings.of_subject.setdefault(key[0], set()).add(key[1])
        known = {name: rows[key][name] for name in FACTS if name in rows[key]}
        known.pop("slice_thickness_mm", None)
        readings.of_lesion.setdefault(key[:3], known)
    return readings


def _merge(rows: dict[Key, Row], findings: pd.DataFrame, readings: _Readings) -> None:
    """Write findings over what was measured; a finding without a reader holds for all of them."""
    for finding in sorted(_records(findings), key=lambda row: _given(row.get("reader"))):
        subject = str(finding["subject_id"])
        everyone = sorted(readings.of_subject.get(subject, set())) or ["auto"]
        for reader in [str(finding["reader"])] if _given(finding.get("reader")) else everyone:
            key = (subject, reader, str(finding["lesion_id"]), int(finding["timepoint"]))
            if key not in rows:
                rows[key] = _blank(key, readings.of_lesion.get(key[:3], {}))
            _overrule(rows[key], finding)


def _overrule(row: Row, finding: Row) -> None:
    """Write one finding over a row; its status takes the place of the measured one."""
    row |= {name: finding[name] for name in FOUND if _given(finding.get(name))}
    if _given(finding.get("washout")):
        row["washout"] = bool(finding["washout"])
    if _given(finding.get("status")):
        by = finding.get("entered_by")
        row["status"] = finding["status"]
        row["status_reason"] = f"finding of {by}" if _given(by) else "finding"
    if not _given(row.get("site")):
        msg = (
            f"findings: lesion {row['lesion_id']} of subject {row['subject_id']} at timepoint "
            f"{row['timepoint']} has no mask and no site. Fill it in: hepatic or extrahepatic."
        )
        raise TableError(msg)


def _days(timepoints: pd.DataFrame | None) -> dict[tuple[str, int], Any]:
    """Return the day of the first scan of every timepoint."""
    if timepoints is None or "first_scan_on" not in timepoints:
        return {}
    return {
        (str(row["subject_id"]), int(row["timepoint"])): row["first_scan_on"]
        for row in _records(timepoints)
        if _given(row["first_scan_on"])
    }
