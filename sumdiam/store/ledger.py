"""The durable list of studies to measure: what is planned, done, refused or failed, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa

from sumdiam.store.schema import LEDGER, OVERLAYS, READINGS

MAX_ATTEMPTS = 3
"""How often a study is tried that fails for a reason that is not its data's."""

SETTLED = ("done", "refused")


class PlannedStudy(Protocol):
    """What the ledger needs to know of a task."""

    @property
    def study_uid(self) -> str:
        """StudyInstanceUID."""

    @property
    def subject_id(self) -> str:
        """Whose study it is."""

    @property
    def timepoint(self) -> int | None:
        """The visit; 0 is the baseline."""

    @property
    def digest(self) -> str:
        """Digest of inputs, settings and software version."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One study of the ledger."""

    study_uid: str
    subject_id: str
    timepoint: int | None
    digest: str
    planned: bool
    state: str
    attempts: int
    reason_code: str | None
    reason: str | None
    notes: str | None
    flags: int | None
    seconds: float | None


_ENTRY = tuple(LEDGER.c[name] for name in LedgerEntry.__dataclass_fields__)


def clock() -> str:
    """Return the time now as ISO text in UTC."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def entries(connection: sa.Connection) -> list[LedgerEntry]:
    """Return the ledger, by subject, timepoint and study."""
    rows = connection.execute(sa.select(*_ENTRY)).all()
    found = [LedgerEntry(*row) for row in rows]
    return sorted(
        found,
        key=lambda entry: (
            entry.subject_id, entry.timepoint is None, entry.timepoint or 0, entry.study_uid,
        ),
    )  # fmt: skip


def release_leases(connection: sa.Connection) -> int:
    """Give back what a run that was killed had taken, and say how many studies those were.

    An interrupted attempt is not counted: the run was stopped, not the study at fault.
    """
    change = sa.update(LEDGER).where(LEDGER.c.state == "leased").values(state="todo")
    return int(connection.execute(change).rowcount)


def register(
    connection: sa.Connection, studies: Iterable[PlannedStudy], *, redo: Collection[str] = ()
) -> None:
    """Make the ledger say what is to do: every planned study that is new, changed or unfinished.

    Parameters
    ----------
    studies : tasks of this run; studies of earlier runs that are not among them leave the plan
    redo : study UIDs to measure again although nothing changed (their overlays are gone)
    """
    known = {entry.study_uid: entry for entry in entries(connection)}
    connection.execute(sa.update(LEDGER).values(planned=False))
    for study in studies:
        entry = known.get(study.study_uid)
        values: dict[str, Any] = {
            "subject_id": study.subject_id,
            "timepoint": study.timepoint,
            "digest": study.digest,
            "planned": True,
        }
        kept = entry is not None and entry.state in SETTLED and entry.digest == study.digest
        if not kept or study.study_uid in redo:
            values |= {"state": "todo", "attempts": 0, "reason_code": None, "reason": None}
        if entry is None:
            connection.execute(sa.insert(LEDGER).values(study_uid=study.study_uid, **values))
        else:
            _set(connection, study.study_uid, values)


def lease(connection: sa.Connection, study_uids: Sequence[str]) -> None:
    """Mark studies as being measured."""
    change = sa.update(LEDGER).where(LEDGER.c.study_uid.in_(study_uids))
    connection.execute(change.values(state="leased", updated=clock()))


def settle_study(
    connection: sa.Connection,
    study_uid: str,
    values: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    overlays: Sequence[Mapping[str, Any]],
) -> None:
    """Write the end of a study: its ledger row, and its rows in place of earlier ones."""
    connection.execute(sa.delete(READINGS).where(READINGS.c.reading_study_uid == study_uid))
    connection.execute(sa.delete(OVERLAYS).where(OVERLAYS.c.study_uid == study_uid))
    _set(
        connection,
        study_uid,
        {**values, "attempts": LEDGER.c.attempts + 1, "updated": clock()},
    )
    if rows:
        connection.execute(sa.insert(READINGS), list(rows))
    if overlays:
        connection.execute(sa.insert(OVERLAYS), list(overlays))


def fail_study(connection: sa.Connection, study_uid: str, reason: str, notes: str | None) -> str:
    """Count a failed attempt; return `failed`, or `quarantined` after the last allowed one."""
    attempts = 1 + int(
        connection.execute(
            sa.select(LEDGER.c.attempts).where(LEDGER.c.study_uid == study_uid)
        ).scalar_one()
    )
    state = "quarantined" if attempts >= MAX_ATTEMPTS else "failed"
    values = {"state": state, "attempts": attempts, "reason": reason, "notes": notes}
    _set(connection, study_uid, values | {"reason_code": "failed", "updated": clock()})
    return state


def _set(connection: sa.Connection, study_uid: str, values: Mapping[str, Any]) -> None:
    """Change the ledger row of one study."""
    change = sa.update(LEDGER).where(LEDGER.c.study_uid == study_uid)
    done = connection.execute(change.values(**values)).rowcount
    if done != 1:
        msg = f"study {study_uid} is not in the ledger; register it before its result is recorded"
        raise LookupError(msg)
