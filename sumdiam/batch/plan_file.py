"""The files of a plan: read as a person left them, written for the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from assessment.response_table import Timepoints
from measurement.table import TableModel, empty_table, parse_text
from sumdiam.archive.csv_text import read_text
from sumdiam.archive.problem import Problem
from sumdiam.batch.edit import AUTO, NOT_REPEATED, EditError
from sumdiam.batch.masks import MASK_GROUP
from sumdiam.batch.plan_table import MASKS, MATCHES, PLAN, Masks, Matches, Plan

_FROM_ARCHIVE = {
    "subject_id": NOT_REPEATED,
    "study_uid": NOT_REPEATED,
    "series_uid": NOT_REPEATED,
    "file": NOT_REPEATED,
    "reader": AUTO,
    "node": "none",
}


@dataclass(frozen=True, slots=True, eq=False)
class PlanFiles:
    """What was understood of the archives: three tables that a person may edit, and timepoints.

    Parameters
    ----------
    plan, masks, matches : typed tables of their schemas
    timepoints : typed table `Timepoints`
    problems : what a person should know
    refused_studies : mapping
        Reason code and what exactly was found, for every study that is known not to be measurable
        before its pixels are read.
    notes : mapping
        What to know of a study that is measured all the same.
    """

    plan: pd.DataFrame = field(default_factory=lambda: empty_table(Plan))
    masks: pd.DataFrame = field(default_factory=lambda: empty_table(Masks))
    matches: pd.DataFrame = field(default_factory=lambda: empty_table(Matches))
    timepoints: pd.DataFrame = field(default_factory=lambda: empty_table(Timepoints))
    problems: tuple[Problem, ...] = ()
    refused_studies: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_plan_files(folder: Path | str) -> PlanFiles | None:
    """Return the plan, masks and matches of a folder; None where it holds none of them.

    Raises
    ------
    TableError
        If a file is no table, lacks a key column, or holds a word that its column does not know.
    """
    folder = Path(folder)
    present = [name for name in (PLAN, MASKS, MATCHES) if (folder / name).exists()]
    if not present:
        return None
    plan = _read(folder / PLAN, Plan, ["volume_id", "acquired_on", "timepoint", "phase", "use"])
    masks = _read(folder / MASKS, Masks, ["mask_id", *MASK_GROUP.cells])
    matches = _read(folder / MATCHES, Matches, ["earlier_mask_id", "mask_id", "relation"])
    return PlanFiles(plan=plan, masks=masks, matches=matches)


def _read(path: Path, model: type[TableModel], required: list[str]) -> pd.DataFrame:
    """Return one table; empty where there is no such file."""
    if not path.exists():
        return empty_table(model)
    columns = model.to_schema().columns
    text = read_text(path)
    # a table made by hand need not repeat what follows from the archive
    for name, cell in _FROM_ARCHIVE.items():
        if name in columns and name not in text:
            text[name] = cell
    if "segment" in columns and "segment" not in text and "mask_id" in text:
        named = text["mask_id"].str.strip().str.rpartition("#")[2]
        text["segment"] = named.where(named.str.fullmatch(r"[0-9]+"), "1")
    if model is Matches:
        _check_pairs(text)
    # an emptied name beside an edit means that nobody was named
    defaults = {name: AUTO for name in columns if name.endswith("_by")}
    return parse_text(text, model, origin=path.name, required=required, defaults=defaults)


def _check_pairs(text: pd.DataFrame) -> None:
    """Refuse a row of matches that names no mask."""
    pair = ["earlier_mask_id", "mask_id"]
    if not set(pair) <= set(text.columns):
        return  # parse_text says which column is missing
    named = text[pair].apply(lambda cells: cells.str.strip() != "").any(axis="columns")
    empty = text.index[~named]
    if len(empty):
        msg = (
            f"{MATCHES}: row {int(empty[0]) + 2} names no mask. "
            "Write mask_id, earlier_mask_id or both, or remove the row."
        )
        raise EditError(msg)
