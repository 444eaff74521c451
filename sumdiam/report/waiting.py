"""Matches that wait for a person: the outlines in question beside each other."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sumdiam.report import wording
from sumdiam.report.run_tables import RunTables

WORDS = {
    "same": "perhaps one lesion",
    "new": "perhaps a new lesion",
    "split": "perhaps a fragment of the earlier one",
    "merged": "perhaps grown into the later one",
}


@dataclass(frozen=True, slots=True)
class WaitingMask:
    """One outline: its visit, its id, and its picture as a data URI (empty where there is none)."""

    visit: str
    mask_id: str
    source: str


@dataclass(frozen=True, slots=True)
class WaitingMatch:
    """A row of matches.csv that waits, with the outlines that it speaks of."""

    subject_id: str
    words: str
    outlines: tuple[WaitingMask, ...]


def waiting_matches(
    tables: RunTables, pairs: Mapping[str, bytes | str | Path], folder: Path
) -> tuple[WaitingMatch, ...]:
    """Return the matches that wait for a person, by subject.

    Parameters
    ----------
    pairs : mask id -> PNG
        Bytes, or a path relative to the folder of the report.
    """
    rows = tables.matches[tables.matches["decided_by"] == "undecided"]
    visits = dict(zip(tables.masks["mask_id"], tables.masks["timepoint"], strict=True))
    found = []
    for row in rows.sort_values(["subject_id", "mask_id", "earlier_mask_id"]).to_dict("records"):
        names = [str(row[n]) for n in ("earlier_mask_id", "mask_id") if not pd.isna(row[n])]
        margin = "" if pd.isna(row["margin"]) else f", margin {row['margin']:.2f}"
        outlines = tuple(
            WaitingMask(wording.visit(visits.get(name)), name, _source(pairs.get(name), folder))
            for name in names
        )
        words = f"{WORDS[str(row['relation'])]} (relation {row['relation']}{margin})"
        found.append(WaitingMatch(str(row["subject_id"]), words, outlines))
    return tuple(found)


def _source(picture: bytes | str | Path | None, folder: Path) -> str:
    """Return a picture as a data URI; empty where there is none."""
    if picture is None:
        return ""
    content = picture
    if not isinstance(content, bytes):
        path = folder / content
        content = path.read_bytes() if path.is_file() else b""
    return f"data:image/png;base64,{base64.b64encode(content).decode()}" if content else ""
