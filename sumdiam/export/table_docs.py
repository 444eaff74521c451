"""docs/tables.md: the published contract, written from the schemas."""

from __future__ import annotations

import sys
import tomllib
from importlib import resources
from pathlib import Path

from assessment import response_table
from measurement import lesion_table
from measurement.table import TableModel, key_of
from sumdiam.batch import caliper_table, plan_table
from sumdiam.export import arm, doubts
from sumdiam.store import decision_table

HEAD = """# Tables

The contract between the stages, written from the schemas by `make docs`.

CSV files are UTF-8 with commas, a header row, ISO dates, an empty cell for missing, `true` and
`false` (read in upper case too), lists joined by `;`. Parquet is the typed truth, CSV the copy for
people. A table that you hand in is read as text first: ids keep their zeros, and `NA` is a word.
"""
TYPES = {
    "string": "text",
    "Int64": "whole number",
    "boolean": "truth",
    "float64": "number",
    "datetime64[ns]": "date",
}
SECTIONS: tuple[tuple[str, str, tuple[type[TableModel], ...]], ...] = (
    (
        "Handed in or made",
        "What you hand in, and what `sumdiam run` understood of the archive.",
        (
            response_table.Subjects,
            response_table.Timepoints,
            plan_table.Plan,
            plan_table.Masks,
            plan_table.Matches,
            lesion_table.Findings,
            decision_table.Decisions,
        ),
    ),
    (
        "Measured",
        "The truth, its pivot, and beside them what structured reports state.",
        (lesion_table.Measurements, lesion_table.Lesions, caliper_table.Calipers),
    ),
    (
        "Derived",
        "From the lesions by named rules and policies.",
        (
            response_table.Selections,
            response_table.Policies,
            response_table.Responses,
            response_table.Outcomes,
            response_table.Events,
            response_table.Exclusions,
            arm.Arms,
            doubts.Doubts,
            response_table.Warnings,
        ),
    ),
)


def table_docs() -> str:
    """Return the text of docs/tables.md.

    Raises
    ------
    KeyError
        If a column has no words in columns.toml.
    """
    words = tomllib.loads(resources.files("sumdiam.export").joinpath("columns.toml").read_text())
    parts = [HEAD]
    for title, about, models in SECTIONS:
        parts.append(f"## {title}\n\n{about}\n")
        parts.extend(_table(model, words) for model in models)
    return "\n".join(parts)


def _table(model: type[TableModel], words: dict[str, dict[str, str]]) -> str:
    """Return one table's section."""
    own = words.get(model.__name__, {})
    key = ", ".join(key_of(model)) or "none"
    lines = [
        f"### {model.__name__.lower()}\n",
        f"{(model.__doc__ or '').strip().splitlines()[0]} Key: {key}.\n",
        "| column | type | may be empty | holds |",
        "|---|---|---|---|",
    ]
    for name, column in model.to_schema().columns.items():
        meaning = own.get(name) or words["any"][name]
        allowed = [
            check.statistics["allowed_values"] for check in column.checks if check.name == "isin"
        ]
        listed = f" One of {', '.join(f'`{word}`' for word in allowed[0])}." if allowed else ""
        kind = TYPES[str(column.dtype).removesuffix("[python]")]
        lines.append(
            f"| {name} | {kind} | {'yes' if column.nullable else 'no'} | {meaning}{listed} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(table_docs(), encoding="utf-8")
