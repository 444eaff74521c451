"""A clinical table's intervals between scans, held against the dates of the images."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sumdiam.archive.problem import Problem

DAYS_IN = {"days": 1.0, "weeks": 7.0, "months": 30.4375}
TOLERANCE_DAYS = 2.0
"""Stated and true interval may differ by this: rounding of weeks, a scan past midnight."""
_NAME = re.compile(r"interval.*(fu|follow)|(fu|follow).*interval", re.IGNORECASE)
_LEAST_KNOWN = 3
_LEAST_SHIFTED = 3
_MOST_SHIFTED = 0.6
"""Share of a run of wrong rows that another row's images must explain."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One subject: what the table says, and what its images say, in days from the first scan."""

    subject_id: str
    stated_days: float
    scans: tuple[dt.date, ...]

    def agrees(self, stated_days: float) -> bool:
        """Return whether an interval leads from the first scan to a later one."""
        return any(
            abs((scan - self.scans[0]).days - stated_days) <= TOLERANCE_DAYS
            for scan in self.scans[1:]
        )

    @property
    def wrong(self) -> bool:
        """Whether the table contradicts the images."""
        known = len(self.scans) > 1 and math.isfinite(self.stated_days)
        return known and not self.agrees(self.stated_days)


def interval_columns(subjects: pd.DataFrame) -> list[str]:
    """Return the columns that say how long after the first scan the next one was."""
    return [str(name) for name in subjects.columns if _NAME.search(str(name))]


def interval_problems(
    subjects: pd.DataFrame, column: str, scans: Mapping[str, Sequence[dt.date]], *, origin: str
) -> tuple[Problem, ...]:
    """Return the subjects whose stated interval contradicts their images.

    Parameters
    ----------
    subjects : DataFrame
        In the order of the file: a block of rows that slipped is recognised by its neighbours.
    column : str
        Numbers, in days, weeks or months: the unit in which most rows agree with the images.
    scans : mapping
        Subject to the dates of its studies.
    origin : str
        The table's name, for messages.

    Returns
    -------
    Problem
        Where the interval of a row is that of the next (or last) row's images, one problem names
        the whole block. Where fewer than half of the rows agree in any unit the column speaks of
        something else, and nothing is said.
    """
    stated = pd.to_numeric(subjects[column], errors="coerce").astype("float64")
    ids = [str(name) for name in subjects["subject_id"]]
    days = [tuple(sorted(scans.get(name, ()))) for name in ids]
    best: list[_Row] = []
    for factor in DAYS_IN.values():
        rows = [
            _Row(name, value * factor, dates)
            for name, value, dates in zip(ids, stated, days, strict=True)
        ]
        if not best or sum(row.wrong for row in rows) < sum(row.wrong for row in best):
            best = rows
    known = [row for row in best if len(row.scans) > 1 and math.isfinite(row.stated_days)]
    wrong = sum(row.wrong for row in known)
    if len(known) < _LEAST_KNOWN or 2 * wrong > len(known):
        return ()
    return tuple(_told(best, stated, column, origin))


def _told(rows: list[_Row], stated: Any, column: str, origin: str) -> list[Problem]:
    """Return one problem per block of shifted rows, and one per other wrong row."""
    found, at = [], 0
    while at < len(rows):
        end = _end_of_block(rows, at)
        step = _shift(rows, at, end)
        if step:
            first, last = rows[at].subject_id, rows[end - 1].subject_id
            other, way = ("next", "down") if step > 0 else ("previous", "up")
            found.append(
                Problem(
                    "interval_shifted",
                    f"{first} to {last}",
                    f"{column} of {origin} holds the interval of the {other} subject's images in "
                    f"{end - at} rows: a block of cells has slipped. Move the cells of {column} "
                    f"from {first} to {last} one row {way}.",
                )
            )
        else:
            found += [
                _single(rows[n], float(stated.iloc[n]), column, origin)
                for n in range(at, end)
                if rows[n].wrong
            ]
        at = max(end, at + 1)
    return found


def _end_of_block(rows: list[_Row], at: int) -> int:
    """Return where a block of wrong rows ends; rows without a value lie within one."""
    if not rows[at].wrong:
        return at
    end = last = at
    while end < len(rows) and (rows[end].wrong or not math.isfinite(rows[end].stated_days)):
        last = end if rows[end].wrong else last
        end += 1
    return last + 1


def _shift(rows: list[_Row], at: int, end: int) -> int:
    """Return by how many rows a block has slipped: 1, -1, or 0 where it has not."""
    wrong = [n for n in range(at, end) if rows[n].wrong]
    for step in (1, -1):
        explained = sum(
            rows[n + step].agrees(rows[n].stated_days)
            for n in wrong
            if 0 <= n + step < len(rows) and rows[n + step].scans
        )
        if explained >= _LEAST_SHIFTED and explained >= _MOST_SHIFTED * len(wrong):
            return step
    return 0


def _single(row: _Row, stated: float, column: str, origin: str) -> Problem:
    """Return what is wrong with one row."""
    dates = " and ".join(f"{scan:%Y-%m-%d}" for scan in row.scans)
    before = ", before its first scan" if row.stated_days < 0 else ""
    return Problem(
        "interval_contradicts_images",
        row.subject_id,
        f"{column} in {origin} is {stated:g}{before}, but its studies are of {dates}. Correct the "
        "cell, or the dates if the images were given wrong ones.",
    )
