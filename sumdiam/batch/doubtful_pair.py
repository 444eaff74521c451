"""Pictures of the outlines that a person has to match: both visits on their slices."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pandas as pd

from imaging.mask_client import read_masks_apart
from imaging.reason import ReasonedError
from imaging.series import ImageSeries, load_volume
from sumdiam.archive.catalogue import Catalogue
from sumdiam.batch.match_row import UNDECIDED
from sumdiam.batch.plan_file import PlanFiles
from sumdiam.export.table_file import written_whole
from sumdiam.report.overlay import draw_overlay
from sumdiam.report.waiting import unnamed_masks

PAIRS = "pairs"
"""Folder of the pictures in RUN."""

MOST = 200
"""So many outlines are drawn at most; nobody looks through more before the next run."""

SIDE_MM = 160.0
"""So much is seen around an outline: where it lies in the liver is what tells lesions apart."""


def write_pairs(plan: PlanFiles, catalogue: Catalogue, out: Path) -> dict[str, str]:
    """Draw every outline that waits for a person to match or name; return paths in RUN by mask id.

    Notes
    -----
    Pictures of an earlier run that wait no more are removed. An outline that cannot be read has no
    picture; why, is said where it is measured or listed.
    """
    folder = out / PAIRS
    found: dict[str, str] = {}
    for mask_id, picture in _drawn(plan, catalogue):
        name = f"{hashlib.sha256(mask_id.encode()).hexdigest()[:16]}.png"
        folder.mkdir(exist_ok=True)
        with written_whole(folder / name) as draft:
            draft.write_bytes(picture)
        found[mask_id] = f"{PAIRS}/{name}"
    if folder.is_dir():
        kept = {Path(path).name for path in found.values()}
        for file in sorted(folder.iterdir()):
            if file.suffix == ".png" and file.name not in kept:
                file.unlink()
    return found


def _drawn(plan: PlanFiles, catalogue: Catalogue) -> Iterator[tuple[str, bytes]]:
    """Yield the picture of every outline that waits, proposals first, then those without one."""
    rows = plan.matches[plan.matches["decided_by"] == UNDECIDED]
    wanted = {
        str(name)
        for column in ("earlier_mask_id", "mask_id")
        for name in rows[column]
        if not pd.isna(name)
    }
    proposed = plan.masks[plan.masks["mask_id"].isin(wanted)].sort_values("mask_id")
    unnamed = unnamed_masks(plan.masks, plan.matches)
    masks = pd.concat([proposed, unnamed]).drop_duplicates("mask_id").head(MOST)
    series = {one.volume_id: one for one in catalogue.series}
    paths = {mask.header.object_id: mask.path for mask in catalogue.masks}
    for row in masks.to_dict("records"):
        volume = series.get(str(row["volume_id"]))
        path = paths.get(str(row["mask_id"]).rsplit("#", 1)[0])
        if volume is None or path is None:
            continue
        with suppress(ReasonedError):
            picture = _picture({str(name): cell for name, cell in row.items()}, volume, path)
            if picture is not None:
                yield str(row["mask_id"]), picture


def _picture(row: Mapping[str, object], series: ImageSeries, path: str) -> bytes | None:
    """Draw the slice that shows most of an outline."""
    number = int(str(row["segment"]))
    grid = series.geometry
    mask = read_masks_apart(path, grid, {number}, resample=True)[number].array
    if not mask.any():
        return None
    middle = int(mask.sum(axis=(1, 2)).argmax())
    volume = load_volume(series, slices={middle})
    when = "no visit" if pd.isna(row["timepoint"]) else f"visit {row['timepoint']}"  # type: ignore[call-overload]
    words = "" if pd.isna(row["label"]) else str(row["label"])  # type: ignore[call-overload]
    return draw_overlay(
        volume, mask, None, None,
        title=(str(row["subject_id"]), "baseline" if when == "visit 0" else when),
        words=words or f"segment {number}", least_side_mm=SIDE_MM,
    )  # fmt: skip
