"""docs/flags.md: every flag of a measurement and every warning, and what to do about it."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from sumdiam.report.wording import FLAG_WORDS

HEAD = """# Flags and warnings

Written from `sumdiam/export/flags.toml` and the report's words by `make docs`; edit there.

A flag is a reason to doubt a measurement that was made all the same. It stands in the column
`flags` of `tables/measurements` and `tables/lesions` as `code(value)`, several joined by `;`, and
in the report in words. What was refused, and why, is in [reason-codes.md](reason-codes.md).
"""
WARNINGS = """
## Warnings of an assessment

They stand in the table `warnings` and are counted at the end of `sumdiam run` and `sumdiam assess`.
None of them changes a result.
"""


def flag_docs() -> str:
    """Return the text of docs/flags.md.

    Raises
    ------
    KeyError
        If a flag has no words in the report.
    """
    source = resources.files("sumdiam.export").joinpath("flags.toml")
    data = tomllib.loads(source.read_text(encoding="utf-8"))
    flags = [
        (f"`{code}`", FLAG_WORDS[code], row["value"], row["do"])
        for code, row in sorted(data["flag"].items())
    ]
    warnings = [
        (f"`{code}`", row["says"], row["do"]) for code, row in sorted(data["warning"].items())
    ]
    return "\n".join(
        [
            HEAD,
            "## Flags of a measurement\n",
            *_table(("code", "what it says", "value behind it", "what to do"), flags),
            WARNINGS,
            *_table(("code", "what it says", "what to do"), warnings),
            "",
        ]
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table."""
    rule = "|" + "---|" * len(head)
    return [f"| {' | '.join(head)} |", rule, *(f"| {' | '.join(row)} |" for row in rows)]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(flag_docs(), encoding="utf-8")
