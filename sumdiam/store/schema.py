"""SQL tables of the workspace database, in types that SQLite and PostgreSQL share."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from measurement.lesion_table import Measurements
from measurement.table import columns_of
from sumdiam.store.decision_table import Decisions

SCHEMA_VERSION = "1"
"""Raised whenever a table below changes; a workspace of another version is refused."""

STUDY_STATES = ("todo", "leased", "done", "refused", "failed", "quarantined")
DECISION_STATES = ("applied", "stale", "refused")

_TYPES: dict[str, type[sa.types.TypeEngine[Any]]] = {
    "string[python]": sa.Text,
    "Int64": sa.Integer,
    "boolean": sa.Boolean,
    "float64": sa.Double,
    "datetime64[ns]": sa.Date,
}

MEASUREMENT_COLUMNS = tuple(columns_of(Measurements))
DECISION_COLUMNS = tuple(columns_of(Decisions))


def _columns(model: Any, *, keys: tuple[str, ...] = ()) -> list[sa.Column[Any]]:
    """Return the SQL columns of a pandera schema."""
    return [
        sa.Column(
            name, _TYPES[str(column.dtype)](), primary_key=name in keys, nullable=name not in keys
        )
        for name, column in model.to_schema().columns.items()
    ]


METADATA = sa.MetaData()

META = sa.Table(
    "meta",
    METADATA,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

LEDGER = sa.Table(
    "ledger",
    METADATA,
    sa.Column("study_uid", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("subject_id", sa.Text, nullable=False),
    sa.Column("timepoint", sa.Integer),
    sa.Column("planned", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("reason_code", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("notes", sa.Text),
    sa.Column("flags", sa.Integer),
    sa.Column("seconds", sa.Double),
    sa.Column("updated", sa.Text),
    sa.CheckConstraint(sa.column("state").in_(STUDY_STATES), name="known_state"),
)
"""One row per study. `planned` is false for a study that has left the plan or the archive."""

READINGS = sa.Table(
    "readings",
    METADATA,
    sa.Column("reading_study_uid", sa.Text, sa.ForeignKey("ledger.study_uid"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    *(column for column in _columns(Measurements) if column.name not in ("revision", "supersedes")),
    sa.Index("readings_by_measurement", "measurement_id"),
)
"""What each study gave when it was last measured: the input of the next revisions."""

MEASUREMENTS = sa.Table(
    "measurements", METADATA, *_columns(Measurements, keys=("measurement_id", "revision"))
)
"""Every revision of every measurement; rows are added, never changed."""

OVERLAYS = sa.Table(
    "overlays",
    METADATA,
    sa.Column("study_uid", sa.Text, sa.ForeignKey("ledger.study_uid"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
)

DECISIONS = sa.Table(
    "decisions",
    METADATA,
    *_columns(Decisions, keys=("measurement_id", "revision")),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("message", sa.Text),
    sa.Column("resulting_revision", sa.Integer),
    sa.CheckConstraint(sa.column("state").in_(DECISION_STATES), name="known_state"),
)

AUDIT = sa.Table(
    "audit",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
)
"""Who did what and when. No table that leaves the workspace carries a clock."""
