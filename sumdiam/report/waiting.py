"""Matches that wait for a person: the outlines in question beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sumdiam.report import wording
from sumdiam.report.picture_source import PictureSource
from sumdiam.report.run_tables import RunTables

WORDS = {
    "same": "perhaps one lesion",
    "new": "perhaps a new lesion",
    "split": "perhaps a fragment of the earlier one",
    "merged": "perhaps grown into the later one",
}


@dataclass(frozen=True, slots=True)
class WaitingMask:
    """One outline: its visit, its id, and its picture as a data URI (empty where there is none).

    ``lesion_id`` is the lesion that it is known to show, empty where a person has to say so;
    ``place`` is its file and segment.
    """

    visit: str
    mask_id: str
    source: str
    lesion_id: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class WaitingMatch:
    """A row of matches.csv that waits, with the outlines that it speaks of."""

    subject_id: str
    words: str
    outlines: tuple[WaitingMask, ...]


@dataclass(frozen=True, slots=True)
class UnnamedOutlines:
    """Outlines of one subject and reader that nothing says the lesion of, beside the known ones.

    ``visits`` holds the outlines of one visit each, in the order of the visits.
    """

    subject_id: str
    words: str
    visits: tuple[tuple[WaitingMask, ...], ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """All that waits for a person: proposals, and outlines without one."""

    matches: tuple[WaitingMatch, ...]
    unnamed: tuple[UnnamedOutlines, ...]


def waiting_outlines(tables: RunTables, pairs: PictureSource) -> Waiting:
    """Return the outlines of which a person has to say what they show.

    Parameters
    ----------
    pairs : by mask id
    """
    return Waiting(_matches(tables, pairs), _unnamed(tables, pairs))


def unnamed_masks(masks: pd.DataFrame, matches: pd.DataFrame) -> pd.DataFrame:
    """Return the outlines of lesions that a person has to name, with those they may be.

    Parameters
    ----------
    masks, matches : rows of `masks.csv` and `matches.csv`

    Returns
    -------
    DataFrame
        Rows of ``masks``, by subject, reader and visit: every lesion of a subject and reader of
        which some outline has neither a lesion nor a proposal in ``matches``.
    """
    proposed = matches.loc[matches["decided_by"] == "undecided", ["earlier_mask_id", "mask_id"]]
    asked = set(proposed.to_numpy().ravel())
    # of a segment that may be no lesion at all the organ is not known
    open_ = (masks["mask_role"] == "undecided") & masks["organ"].notna() & masks["site"].notna()
    unnamed = masks[open_ & masks["lesion_id"].isna() & ~masks["mask_id"].isin(asked)]
    known = masks[masks["mask_role"].isin(["lesion_whole", "lesion_viable"])]
    # the viable part lies within the whole: its lesion is shown once
    known = known.sort_values("mask_role", ascending=False)
    known = known.drop_duplicates(["subject_id", "reader", "lesion_id", "timepoint"])
    of = ["subject_id", "reader"]
    beside = known.merge(unnamed[of].drop_duplicates(), on=of)
    return pd.concat([unnamed, beside]).sort_values([*of, "timepoint", "mask_id"])


def _unnamed(tables: RunTables, pairs: PictureSource) -> tuple[UnnamedOutlines, ...]:
    """Return the outlines that a person has to name, by subject and reader, visit by visit."""
    rows = unnamed_masks(tables.masks, tables.matches)
    found = []
    for (subject_id, reader), own in rows.groupby(["subject_id", "reader"], sort=True):
        visits = tuple(
            tuple(_outline(row, pairs) for row in rows.to_dict("records"))
            for _, rows in own.groupby("timepoint", sort=True, dropna=False)
        )
        number = int(own["lesion_id"].isna().sum())
        words = f"{number} {'outline' if number == 1 else 'outlines'} to be named"
        if reader != "auto":
            words += f", reader {reader}"
        found.append(UnnamedOutlines(str(subject_id), words, visits))
    return tuple(found)


def _matches(tables: RunTables, pairs: PictureSource) -> tuple[WaitingMatch, ...]:
    """Return the matches that wait for a person, by subject."""
    rows = tables.matches[tables.matches["decided_by"] == "undecided"]
    masks = {str(row["mask_id"]): row for row in tables.masks.to_dict("records")}
    found = []
    for row in rows.sort_values(["subject_id", "mask_id", "earlier_mask_id"]).to_dict("records"):
        names = [str(row[n]) for n in ("earlier_mask_id", "mask_id") if not pd.isna(row[n])]
        margin = "" if pd.isna(row["margin"]) else f", margin {row['margin']:.2f}"
        outlines = tuple(_outline(masks.get(name, {"mask_id": name}), pairs) for name in names)
        words = f"{WORDS[str(row['relation'])]} (relation {row['relation']}{margin})"
        found.append(WaitingMatch(str(row["subject_id"]), words, outlines))
    return tuple(found)


def _outline(row: Mapping[Any, Any], pairs: PictureSource) -> WaitingMask:
    """Return an outline from its row of `masks.csv`."""
    timepoint = row.get("timepoint", pd.NA)
    visit = wording.visit(timepoint)
    mask_id = str(row["mask_id"])
    return WaitingMask(
        f"visit {visit}" if visit.isdigit() else visit,
        mask_id,
        pairs.source(mask_id, pairs.content(mask_id)),
        wording.text_of(row.get("lesion_id", pd.NA), ""),
        ", segment ".join(str(row[name]) for name in ("file", "segment") if name in row),
    )
