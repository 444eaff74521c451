"""The workspace database of a run: ledger, revisions, decisions and audit behind one door."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import event

import sumdiam
from measurement.flag import is_doubtful
from measurement.lesion_table import Measurements
from measurement.table import from_records
from sumdiam.store import ledger
from sumdiam.store.decision import DecisionError
from sumdiam.store.ledger import LedgerEntry, PlannedStudy, clock
from sumdiam.store.lock import RunLockedError
from sumdiam.store.schema import (
    AUDIT,
    LEDGER,
    MEASUREMENT_COLUMNS,
    META,
    METADATA,
    OVERLAYS,
    SCHEMA_VERSION,
)
from sumdiam.store.settlement import (
    DecisionOutcome,
    decision_outcomes,
    flag_stale,
    read_measurements,
    settle,
    unknown_measurements,
)

_SERVER_LOCK = 0x73756D  # any number that no other program takes: "sum"


class StoreError(OSError):
    """The workspace database cannot be used."""


class MeasuredStudy(Protocol):
    """What the store keeps of the result of one study."""

    @property
    def study_uid(self) -> str:
        """StudyInstanceUID."""

    @property
    def status(self) -> str:
        """`done` or `refused`."""

    @property
    def reason_code(self) -> str | None:
        """Why it was refused."""

    @property
    def reason(self) -> str | None:
        """The same in words, with the remedy."""

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Columns of ``Measurements`` without revisions."""

    @property
    def overlays(self) -> Mapping[str, bytes]:
        """PNG files by name."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person may want to know."""

    @property
    def seconds(self) -> float:
        """How long it took."""


class Workspace:
    """A workspace database, open.

    Parameters
    ----------
    url : SQLAlchemy URL
        SQLite files are put in WAL mode with synchronous=FULL: a commit survives a crash.
    who : str
        Named in the audit.

    Raises
    ------
    StoreError
        If the database cannot be opened, or another version of sumdiam laid it out.
    """

    def __init__(self, url: str, *, who: str = "sumdiam") -> None:
        self._who = who
        self._guard: sa.Connection | None = None
        try:
            self._engine = sa.create_engine(url)
            if self._engine.dialect.name == "sqlite":
                event.listen(self._engine, "connect", _durable_sqlite)
            with self._engine.begin() as connection:
                METADATA.create_all(connection)
                _check_version(connection, self._engine.url)
        except (sa.exc.SQLAlchemyError, ImportError) as error:
            msg = (
                f"the workspace database {_shown(url)} cannot be opened ({type(error).__name__}). "
                "Check that the URL is one of SQLAlchemy's (sqlite:////folder/run.sqlite, "
                "postgresql+psycopg://host/name), that its driver is installed and its folder "
                "can be written."
            )
            raise StoreError(msg) from error

    @classmethod
    def in_folder(cls, folder: Path, *, who: str = "sumdiam") -> Self:
        """Open the default database of a run, RUN/run.sqlite."""
        folder.mkdir(parents=True, exist_ok=True)
        url = sa.URL.create("sqlite", database=str((folder / "run.sqlite").resolve()))
        return cls(url.render_as_string(hide_password=False), who=who)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        if self._guard is not None:
            self._guard.close()
            self._guard = None
        self._engine.dispose()

    # ledger

    def begin_run(self) -> int:
        """Give back the leases of a run that was killed; return how many there were.

        Raises
        ------
        RunLockedError
            If a run in another folder is at work on the same PostgreSQL database.
        """
        self._hold_server()
        with self._engine.begin() as connection:
            released = ledger.release_leases(connection)
            connection.execute(sa.delete(META).where(META.c.key == "software_version"))
            version = {"key": "software_version", "value": sumdiam.__version__}
            connection.execute(sa.insert(META).values(version))
            self._log(connection, f"run began, version {sumdiam.__version__}")
            if released:
                self._log(connection, f"{released} studies taken over from a run that was stopped")
        return released

    def _hold_server(self) -> None:
        """Keep other runs off a PostgreSQL database, for as long as this workspace is open.

        The server gives the lock back when the connection ends, however it ends.
        """
        if self._engine.dialect.name != "postgresql" or self._guard is not None:
            return
        self._guard = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if not self._guard.scalar(sa.select(sa.func.pg_try_advisory_lock(_SERVER_LOCK))):
            msg = (
                f"{self._engine.url.render_as_string()}: another run is at work on this database. "
                "Wait until it ends, or give this run a database of its own with --store."
            )
            raise RunLockedError(msg)

    def register(self, studies: Iterable[PlannedStudy], *, redo: Collection[str] = ()) -> None:
        """Plan these studies and no others; `redo` are measured again even if unchanged."""
        with self._engine.begin() as connection:
            ledger.register(connection, studies, redo=redo)

    def entries(self) -> list[LedgerEntry]:
        """Return the ledger by subject, timepoint and study; also what has left the plan."""
        with self._engine.connect() as connection:
            return ledger.entries(connection)

    def to_do(self) -> list[str]:
        """Return the planned studies that are neither done, refused nor given up."""
        return [
            entry.study_uid
            for entry in self.entries()
            if entry.planned and entry.state in ("todo", "failed")
        ]

    def lease(self, study_uids: Sequence[str]) -> None:
        """Mark studies as being measured."""
        with self._engine.begin() as connection:
            ledger.lease(connection, study_uids)

    def record_study(self, result: MeasuredStudy) -> None:
        """Write a study's rows and its end in the ledger in one transaction.

        The revisions come later, from `settle`, for all studies at once: so they cannot depend on
        which study ended first.
        """
        rows = _reading_rows(result)
        flagged = len({row["lesion_id"] for row in rows if is_doubtful(row.get("flags"))})
        values = {
            "state": result.status,
            "reason_code": result.reason_code,
            "reason": result.reason,
            "notes": "; ".join(result.notes) or None,
            "flags": flagged,
            "seconds": result.seconds,
        }
        overlays = [
            {
                "study_uid": result.study_uid,
                "name": name,
                "size": len(data),
                "sha256": hashlib.sha256(data).hexdigest(),
            }
            for name, data in sorted(result.overlays.items())
        ]
        with self._engine.begin() as connection:
            ledger.settle_study(connection, result.study_uid, values, rows, overlays)
            self._log(connection, f"study {result.study_uid}: {result.status}")

    def record_failure(self, study_uid: str, reason: str, *, notes: str | None = None) -> str:
        """Count a failed attempt; return `failed`, or `quarantined` when it is given up."""
        with self._engine.begin() as connection:
            state = ledger.fail_study(connection, study_uid, reason, notes)
            self._log(connection, f"study {study_uid}: {state}: {reason}")
        return state

    def overlay_sizes(self) -> dict[str, dict[str, int]]:
        """Return file name and size of the overlays of every planned study that is done."""
        query = (
            sa.select(OVERLAYS.c.study_uid, OVERLAYS.c.name, OVERLAYS.c.size)
            .join(LEDGER, LEDGER.c.study_uid == OVERLAYS.c.study_uid)
            .where(LEDGER.c.planned, LEDGER.c.state == "done")
        )
        found: dict[str, dict[str, int]] = {}
        with self._engine.connect() as connection:
            for study_uid, name, size in connection.execute(query):
                found.setdefault(study_uid, {})[name] = size
        return found

    # measurements

    def settle(self, decisions: pd.DataFrame | None = None) -> list[DecisionOutcome]:
        """Turn what was measured and decided into revisions, all in one transaction.

        Parameters
        ----------
        decisions : DataFrame of ``Decisions``, checked by `decision.check_decisions`

        Returns
        -------
        list of DecisionOutcome
            Every decision ever handed in, by measurement and revision.
        """
        with self._engine.begin() as connection:
            outcomes, changes = settle(connection, decisions)
            for change in changes:
                self._log(connection, change)
        return outcomes

    def check_known(self, decisions: pd.DataFrame, *, origin: str) -> None:
        """Raise for a decision on a measurement that this workspace, once used, has never had.

        Raises
        ------
        DecisionError
            Naming the nearest known measurement.
        """
        with self._engine.connect() as connection:
            wrong = unknown_measurements(connection, decisions["measurement_id"].tolist())
        if wrong:
            msg = f"{origin}: {'; '.join(wrong[:5])}."
            raise DecisionError(msg)

    def measurements(self) -> pd.DataFrame:
        """Return every revision as ``Measurements``, in an order that only its keys decide."""
        with self._engine.connect() as connection:
            rows = flag_stale(read_measurements(connection), decision_outcomes(connection))
        return from_records(rows, Measurements)

    def decisions(self) -> list[DecisionOutcome]:
        """Return every decision with its state, by measurement and revision."""
        with self._engine.connect() as connection:
            return decision_outcomes(connection)

    # memory

    def remembered(self, kind: str) -> dict[str, str]:
        """Return what earlier runs kept of one kind, by key."""
        start = f"{kind}:"
        query = sa.select(META.c.key, META.c.value).where(META.c.key.startswith(start))
        with self._engine.connect() as connection:
            return {key.removeprefix(start): value for key, value in connection.execute(query)}

    def remember(self, kind: str, items: Mapping[str, str], *, alone: bool = True) -> None:
        """Keep these of one kind: alone, or beside what is kept already."""
        rows = [{"key": f"{kind}:{key}", "value": value} for key, value in sorted(items.items())]
        named = META.c.key.in_([row["key"] for row in rows])
        with self._engine.begin() as connection:
            old = META.c.key.startswith(f"{kind}:") if alone else named
            connection.execute(sa.delete(META).where(old))
            if rows:
                connection.execute(sa.insert(META), rows)

    def log(self, what: str) -> None:
        """Add a line to the audit."""
        with self._engine.begin() as connection:
            self._log(connection, what)

    def audit(self) -> list[tuple[str, str, str]]:
        """Return the audit, oldest first: when, who, what."""
        query = sa.select(AUDIT.c.at, AUDIT.c.who, AUDIT.c.what).order_by(AUDIT.c.number)
        with self._engine.connect() as connection:
            return [(at, who, what) for at, who, what in connection.execute(query)]

    def _log(self, connection: sa.Connection, what: str) -> None:
        """Add a line to the audit within a transaction."""
        connection.execute(sa.insert(AUDIT).values(at=clock(), who=self._who, what=what))


def _durable_sqlite(connection: Any, record: object) -> None:  # noqa: ARG001
    """Make a commit in SQLite survive the end of the process and of the machine."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.close()


def _check_version(connection: sa.Connection, url: sa.URL) -> None:
    """Write the layout's version into a new database; refuse one of another version."""
    query = sa.select(META.c.value).where(META.c.key == "schema_version")
    found = connection.execute(query).scalar_one_or_none()
    if found is None:
        connection.execute(sa.insert(META).values(key="schema_version", value=SCHEMA_VERSION))
    elif found != SCHEMA_VERSION:
        msg = (
            f"the workspace database {url.render_as_string()} has layout {found}, this version of "
            f"sumdiam ({sumdiam.__version__}) writes layout {SCHEMA_VERSION}. Use the version that "
            "made it, or another --out folder."
        )
        raise StoreError(msg)


def _shown(url: str) -> str:
    """Return a database URL without its password."""
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return "(not an SQLAlchemy URL)"


def _reading_rows(result: MeasuredStudy) -> list[dict[str, Any]]:
    """Return a study's rows as the store keeps them, in an order that does not depend on it."""
    known = set(MEASUREMENT_COLUMNS) - {"revision", "supersedes"}
    rows = []
    for row in result.rows:
        unknown = set(row) - set(MEASUREMENT_COLUMNS)
        if unknown:
            msg = f"study {result.study_uid}: rows have unknown columns {sorted(unknown)}"
            raise ValueError(msg)
        rows.append({name: _plain(row.get(name)) for name in known})
    rows.sort(key=lambda row: (str(row["measurement_id"]), str(row["mask_id"])))
    return [
        row
        | {
            "reading_study_uid": result.study_uid,
            "position": position,
            "study_uid": row["study_uid"] or result.study_uid,
            "decided_by": row["decided_by"] or "auto",
            "read_role": row["read_role"] or "automatic",
            "accepted": True,
            "software_version": row["software_version"] or sumdiam.__version__,
        }
        for position, row in enumerate(rows)
    ]


def _plain(value: Any) -> Any:
    """Return a cell that a database driver takes: no numpy scalars, no NaN, no pandas NA."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if value is None or pd.isna(value) else value


__all__ = ["DecisionOutcome", "LedgerEntry", "StoreError", "Workspace"]
