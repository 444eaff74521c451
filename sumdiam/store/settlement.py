"""From what studies gave and persons decided to revisions: one pass, one transaction."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd
import sqlalchemy as sa

from measurement.lesion_table import QUANTITY_UNITS
from sumdiam.store.revision import (
    Cells,
    Row,
    decided,
    latest_automatic,
    measured_again,
    same_decision,
    withdrawn,
)
from sumdiam.store.schema import (
    DECISION_COLUMNS,
    DECISIONS,
    LEDGER,
    MEASUREMENT_COLUMNS,
    MEASUREMENTS,
    READINGS,
)

CHUNK = 500
"""How many measurements are held in memory at once."""

STALE_FLAG = "decision_stale"
_QUANTITY_ORDER = {name: order for order, name in enumerate(QUANTITY_UNITS)}


@dataclass(frozen=True, slots=True)
class DecisionOutcome:
    """A decision and what became of it: `applied`, `stale` or `refused`, and why."""

    measurement_id: str
    revision: int
    verdict: str
    decided_by: str
    state: str
    message: str | None
    resulting_revision: int | None


def settle(
    connection: sa.Connection, decisions: pd.DataFrame | None
) -> tuple[list[DecisionOutcome], list[str]]:
    """Add the revisions that follow from readings and decisions.

    Returns
    -------
    outcomes of all decisions; one line for the audit per revision that was not simply measured
    """
    known_ids = set(
        connection.execute(sa.select(MEASUREMENTS.c.measurement_id).distinct()).scalars()
    )
    read_ids = set(connection.execute(sa.select(READINGS.c.measurement_id).distinct()).scalars())
    handed_in = _handed_in(decisions)
    gone = _reasons_gone(connection)
    audit: list[str] = []
    for ids in _chunks(sorted(known_ids | read_ids)):
        audit += _settle_some(connection, ids, handed_in, gone)
    unknown = sorted(set(handed_in) - known_ids - read_ids)
    for measurement_id in unknown:
        message = _unknown_message(measurement_id, known_ids | read_ids)
        for decision in handed_in[measurement_id]:
            _keep_decision(connection, decision, state="refused", message=message, revision=None)
    return decision_outcomes(connection), audit


def _settle_some(
    connection: sa.Connection,
    ids: Sequence[str],
    handed_in: Mapping[str, list[Row]],
    gone: Mapping[str, str],
) -> list[str]:
    """Settle a few measurements; return lines for the audit."""
    histories = _grouped(_rows(connection, MEASUREMENTS, ids))
    results = _grouped(_current_readings(connection, ids))
    earlier = _grouped(_rows(connection, DECISIONS, ids))
    audit: list[str] = []
    added: list[Row] = []
    for measurement_id in ids:
        history = histories.get(measurement_id, [])
        before = len(history)
        row = measured_again(history, results.get(measurement_id, []))
        if row is None and measurement_id not in results:
            row = withdrawn(history, _why_gone(history, gone))
        if row is not None:
            history.append(row)
        if history:
            audit += _decide(
                connection,
                history,
                handed_in.get(measurement_id, []),
                earlier.get(measurement_id, []),
            )
        new = history[before:]
        audit += [
            f"measurement {measurement_id}: revision {row['revision']} by {row['decided_by']}"
            for row in new
            if row["revision"] > 1
        ]
        added += new
    if added:
        connection.execute(sa.insert(MEASUREMENTS), added)
    return audit


def _decide(
    connection: sa.Connection, history: list[Row], handed_in: list[Row], earlier: list[Row]
) -> list[str]:
    """Apply the decisions on one measurement; the history grows by their revisions."""
    known = {row["revision"]: row for row in earlier}
    audit = []
    for decision in sorted(handed_in, key=lambda row: int(row["revision"])):
        before = known.get(decision["revision"])
        if before is not None and before["state"] == "applied" and same_decision(before, decision):
            continue
        verdict = decided(history, decision)
        made = before["resulting_revision"] if before else None
        if verdict.revision is not None:
            history.append(verdict.revision)
            made = int(verdict.revision["revision"])
        _keep_decision(
            connection, decision, state=verdict.state, message=verdict.message, revision=made
        )
        known.pop(decision["revision"], None)
        if before is None or before["state"] != verdict.state or verdict.revision is not None:
            audit.append(_decision_line(decision, verdict.state))
    automatic = latest_automatic(history)
    for row in known.values():
        if automatic and row["state"] == "applied" and automatic["revision"] > row["revision"]:
            stale = decided(history, row)
            _keep_decision(
                connection,
                row,
                state=stale.state,
                message=stale.message,
                revision=row["resulting_revision"],
            )
            audit.append(_decision_line(row, stale.state))
    return audit


def _decision_line(decision: Cells, state: str) -> str:
    """Return the audit's line on a decision."""
    return (
        f"decision of {decision['decided_by']} on {decision['measurement_id']} "
        f"revision {decision['revision']} ({decision['verdict']}): {state}"
    )


def _keep_decision(
    connection: sa.Connection,
    decision: Cells,
    *,
    state: str,
    message: str | None,
    revision: int | None,
) -> None:
    """Write a decision and its state, in place of what was known of it."""
    connection.execute(
        sa.delete(DECISIONS).where(
            DECISIONS.c.measurement_id == decision["measurement_id"],
            DECISIONS.c.revision == decision["revision"],
        )
    )
    values = {name: decision[name] for name in DECISION_COLUMNS}
    connection.execute(
        sa.insert(DECISIONS).values(
            **values, state=state, message=message, resulting_revision=revision
        )
    )


def unknown_measurements(connection: sa.Connection, ids: Iterable[str]) -> list[str]:
    """Return a message for every id that was never measured; none before the first settlement."""
    known = set(connection.execute(sa.select(MEASUREMENTS.c.measurement_id).distinct()).scalars())
    return [_unknown_message(name, known) for name in ids if known and name not in known]


def decision_outcomes(connection: sa.Connection) -> list[DecisionOutcome]:
    """Return all decisions with their states, by measurement and revision.

    A stale one names the later decision that settled its measurement, where there is one.
    """
    columns = [DECISIONS.c[name] for name in DecisionOutcome.__dataclass_fields__]
    rows = [DecisionOutcome(*row) for row in connection.execute(sa.select(*columns))]
    found = sorted(rows, key=lambda outcome: (outcome.measurement_id, outcome.revision))
    last = _last_judged(found)
    return [_settled(one, last) if one.state == "stale" else one for one in found]


def still_asked(outcomes: Iterable[DecisionOutcome]) -> list[DecisionOutcome]:
    """Return the decisions that did not come to hold and that no later one has settled."""
    found = list(outcomes)
    last = _last_judged(found)
    return [
        one
        for one in found
        if one.state == "refused" or (one.state == "stale" and last[one.measurement_id] == one)
    ]


def _last_judged(outcomes: Iterable[DecisionOutcome]) -> dict[str, DecisionOutcome]:
    """Return the decision on the highest revision of each measurement; refused ones are none."""
    judged = [outcome for outcome in outcomes if outcome.state != "refused"]
    return {one.measurement_id: one for one in sorted(judged, key=lambda one: one.revision)}


def _settled(stale: DecisionOutcome, last: Mapping[str, DecisionOutcome]) -> DecisionOutcome:
    """Return a stale decision; where a later revision was judged, it says so and asks nothing."""
    later = last[stale.measurement_id]
    if later == stale:
        return stale
    told = f"settled since by the decision of {later.decided_by} on revision {later.revision}"
    return replace(stale, message=told)


def read_measurements(connection: sa.Connection) -> list[Row]:
    """Return every revision, ordered by subject, reading, lesion, timepoint, quantity, revision."""
    columns = [MEASUREMENTS.c[name] for name in MEASUREMENT_COLUMNS]
    rows = [dict(row) for row in connection.execute(sa.select(*columns)).mappings()]
    # sorted here, as databases differ in how they order text
    rows.sort(
        key=lambda row: (
            row["subject_id"],
            row["reader"],
            row["lesion_id"],
            row["timepoint"],
            _QUANTITY_ORDER[row["quantity"]],
            row["measurement_id"],
            row["revision"],
        )
    )
    return rows


def flag_stale(rows: list[Row], outcomes: Iterable[DecisionOutcome]) -> list[Row]:
    """Flag the newest revision of each measurement whose last decision no longer holds.

    Written at export and not into the revision: a new decision takes the flag away again.
    """
    stale = {name for name, last in _last_judged(outcomes).items() if last.state == "stale"}
    newest = {row["measurement_id"]: row["revision"] for row in rows}
    return [
        row | {"flags": ";".join(filter(None, [row["flags"], STALE_FLAG]))}
        if row["measurement_id"] in stale and newest[row["measurement_id"]] == row["revision"]
        else row
        for row in rows
    ]


def _current_readings(connection: sa.Connection, ids: Sequence[str]) -> list[Row]:
    """Return what planned and finished studies gave for these measurements."""
    query = (
        sa.select(READINGS)
        .join(LEDGER, LEDGER.c.study_uid == READINGS.c.reading_study_uid)
        .where(READINGS.c.measurement_id.in_(ids), LEDGER.c.planned, LEDGER.c.state == "done")
        .order_by(READINGS.c.measurement_id, READINGS.c.reading_study_uid, READINGS.c.position)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def _rows(connection: sa.Connection, table: sa.Table, ids: Sequence[str]) -> list[Row]:
    """Return the rows of some measurements, by revision."""
    query = sa.select(table).where(table.c.measurement_id.in_(ids)).order_by(table.c.revision)
    return [dict(row) for row in connection.execute(query).mappings()]


def _grouped(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Group rows by measurement, keeping their order."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["measurement_id"], []).append(row)
    return groups


def _reasons_gone(connection: sa.Connection) -> dict[str, str]:
    """Return, for every study, why it may no longer give a measurement."""
    query = sa.select(LEDGER.c.study_uid, LEDGER.c.planned, LEDGER.c.state, LEDGER.c.reason_code)
    reasons = {}
    for study_uid, planned, state, reason_code in connection.execute(query):
        if not planned:
            reasons[study_uid] = "its study is no longer in the plan"
        elif state == "refused":
            reasons[study_uid] = f"its study is refused ({reason_code})"
        elif state == "done":
            reasons[study_uid] = "its study no longer gives this measurement"
        else:
            reasons[study_uid] = "its study could not be measured again"
    return reasons


def _why_gone(history: Sequence[Row], gone: Mapping[str, str]) -> str:
    """Say why a measurement has no reading any more."""
    automatic = latest_automatic(history)
    study_uid = automatic["study_uid"] if automatic else None
    return gone.get(str(study_uid), "its study is no longer in the plan")


def _handed_in(decisions: pd.DataFrame | None) -> dict[str, list[Row]]:
    """Return decisions as rows of plain values, by measurement."""
    if decisions is None:
        return {}
    rows: list[Row] = []
    for record in decisions.to_dict("records"):
        row: Row = {str(name): None if pd.isna(cell) else cell for name, cell in record.items()}
        row["decided_on"] = row["decided_on"].date()
        row["revision"] = int(row["revision"])
        rows.append(row)
    return _grouped(rows)


def _unknown_message(measurement_id: str, known: Iterable[str]) -> str:
    """Name the measurement that may have been meant."""
    near = difflib.get_close_matches(measurement_id, sorted(known), 1, cutoff=0.5)
    hint = f"; the nearest known is {near[0]}" if near else ""
    return f"no measurement {measurement_id}{hint}. Take the id from tables/measurements.csv"


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut a list of ids into pieces."""
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
