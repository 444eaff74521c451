"""Subjects of the simulated trial as they are imaged: visits, phases, lesions and their lengths."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

import pandas as pd

from sumdiam.demo.cohort.table import Cohort, outlined

LATE_SHARE = 4
"""One of so many later visits has a portal venous phase without need."""


@dataclass(frozen=True, slots=True)
class Extent:
    """A lesion at one visit: what the tables say that it measures, in mm.

    ``viable_mm`` is None outside the liver; ``short_mm`` is of nodes alone, whose whole length
    the tables do not say.
    """

    lesion_id: str
    organ: str
    viable_mm: float | None
    whole_mm: float | None
    short_mm: float | None

    @property
    def longest_mm(self) -> float:
        """The longest it can be in any direction."""
        return self.whole_mm if self.whole_mm is not None else NODE_LENGTH * (self.short_mm or 0.0)


NODE_LENGTH = 1.4
"""A node is so many times as long as its short axis."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One study: when, with which modality and phases, and what is there to see."""

    timepoint: int
    on: dt.date
    modality: str
    phases: tuple[str, ...]
    lesions: tuple[Extent, ...]


@dataclass(frozen=True, slots=True)
class ImagedSubject:
    """A subject and all studies of it; `number` is that of the id."""

    subject_id: str
    number: int
    sex: str
    visits: tuple[Visit, ...]

    def largest_mm(self) -> dict[tuple[str, str], float]:
        """Return the largest length of every lesion over all visits, by organ and id."""
        found: dict[tuple[str, str], float] = {}
        for visit in self.visits:
            for lesion in visit.lesions:
                key = (lesion.organ, lesion.lesion_id)
                found[key] = max(found.get(key, 0.0), lesion.longest_mm)
        return found


def imaged_subjects(cohort: Cohort) -> tuple[ImagedSubject, ...]:
    """Return the subjects of a cohort in order of their ids, as they are to be imaged."""
    lesions = dict(iter(outlined(cohort).groupby(["subject_id", "timepoint"])))
    ordered = cohort.timepoints.sort_values("timepoint")
    visits = {str(name): part for name, part in ordered.groupby("subject_id")}
    sexes = cohort.subjects.set_index("subject_id")["sex"].astype("string").fillna("")
    return tuple(
        ImagedSubject(
            name,
            int(name.rpartition("-")[2]),
            str(sexes[name]),
            tuple(
                _visit(name, row, lesions.get((name, row.timepoint)))
                for row in visits[name].itertuples()
            ),
        )
        for name in sorted(visits)
    )


def share_of(*words: str) -> float:
    """Return a number from 0 to 1 that depends on these words alone."""
    digest = hashlib.sha256("\x1f".join(words).encode()).digest()
    return int.from_bytes(digest[:8]) / 2.0**64


def _visit(name: str, row: object, lesions: pd.DataFrame | None) -> Visit:
    """Return a visit: portal venous at baseline, wherever a new nodule shows, and now and then."""
    timepoint = int(row.timepoint)  # type: ignore[attr-defined]
    extents = () if lesions is None else tuple(map(_extent, lesions.to_dict("records")))
    new = any(one.organ == "liver" and "new" in one.lesion_id for one in extents)
    drawn = share_of(name, str(timepoint), "late") < 1.0 / LATE_SHARE
    late = ("portal_venous",) if timepoint == 0 or new or drawn else ()
    return Visit(
        timepoint,
        row.first_scan_on.date(),  # type: ignore[attr-defined]
        str(row.modality),  # type: ignore[attr-defined]
        ("native", "late_arterial", *late),
        extents,
    )


def _extent(row: dict[object, object]) -> Extent:
    """Return the lengths of one row of the lesions."""
    lengths = ("viable_diameter_mm", "whole_diameter_mm", "node_short_axis_mm")
    viable, whole, short = (_length(row[name]) for name in lengths)
    return Extent(str(row["lesion_id"]), str(row["organ"]), viable, whole, short)


def _length(value: object) -> float | None:
    """Return a length, None where it is missing."""
    return None if pd.isna(value) else float(str(value))  # type: ignore[call-overload]
