"""Follow-up scans of a simulated patient: their days, those of response and of deepest response."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imaging import machine_code
from sumdiam.demo.cohort.course_state import (
    BEST,
    ELSEWHERE,
    FIRST_SCAN,
    GAP,
    HEPATIC_PD,
    LAST,
    PD,
    PR,
    PROGRESSIVE,
    SD,
    SITE,
)

Whole = NDArray[np.int64]

MOST_SCANS = 16
LONGEST_GAP = 189
USUAL_GAP = 105
USUAL_FIRST = (42, 130)
N, RESPONDED, DEEPEST, FREE = range(4)
"""Columns of a patient's marks: number of scans, day of first response (-1), day of DpR (-1), and
whether the first scan may lie anywhere: two have the earliest and the latest one."""


@machine_code.compiled
def holds(days: Whole, n: int, day: int) -> Any:
    """Return whether there is a scan on a day."""
    return np.any(days[:n] == day)


@machine_code.compiled
def gaps_possible(row: Whole, days: Whole, n: int) -> Any:
    """Return whether scans begin in time, keep their distances and end with the last images."""
    if n < 1 or days[0] < FIRST_SCAN[0] or days[0] > FIRST_SCAN[1] or days[n - 1] != row[LAST]:
        return False
    gaps = days[1:n] - days[: n - 1]
    return np.all(gaps >= GAP) and np.all(gaps <= LONGEST_GAP)


@machine_code.compiled
def scans_possible(row: Whole, days: Whole, mark: Whole) -> Any:
    """Return whether scans fit a patient's days and response."""
    n, pd = mark[N], row[PD]
    if not gaps_possible(row, days, n) or (pd >= 0 and not holds(days, n, pd)):
        return False
    if row[SITE] == ELSEWHERE and row[HEPATIC_PD] >= 0 and not holds(days, n, row[HEPATIC_PD]):
        return False
    if row[BEST] == PROGRESSIVE:
        return days[0] == pd
    if not mark[FREE] and (days[0] < USUAL_FIRST[0] or days[0] > USUAL_FIRST[1]):
        return False
    if pd >= 0 and days[0] >= pd:
        return False
    deepest, responded = mark[DEEPEST], mark[RESPONDED]
    if not holds(days, n, deepest) or (pd >= 0 and deepest > pd):
        return False
    if row[BEST] > PR:
        return True
    if pd >= 0 and deepest >= pd:
        return False
    return responded <= deepest and holds(days, n, responded)


@machine_code.compiled
def change_scans(row: Whole, days: Whole, mark: Whole, rng: Any) -> None:
    """Move, add or drop a scan, or choose others for response and deepest response."""
    n = mark[N]
    what = rng.integers(0, 5)
    place = rng.integers(0, n)
    if what <= 1:
        step = rng.integers(1, 30) if rng.random() < 0.5 else rng.integers(1, 5)
        old = days[place]
        days[place] += step if rng.random() < 0.5 else -step
        for word in (RESPONDED, DEEPEST):
            if mark[word] == old:
                mark[word] = days[place]
    elif what == 2 and n < MOST_SCANS:
        days[n] = rng.integers(FIRST_SCAN[0], row[LAST] + 1)
        mark[N] = n + 1
        days[: n + 1] = np.sort(days[: n + 1])
    elif what == 3 and n > 1:
        for k in range(place, n - 1):
            days[k] = days[k + 1]
        mark[N] = n - 1
    elif what == 4:
        if row[BEST] <= PR and rng.random() < 0.6:
            mark[RESPONDED] = days[place]
        if row[BEST] != PROGRESSIVE:
            mark[DEEPEST] = days[rng.integers(0, n)]


def starting_scans(rows: Whole, rng: np.random.Generator) -> tuple[Whole, Whole]:
    """Return a first set of scans about every three months, and marks at the first of them."""
    days = np.zeros((len(rows), MOST_SCANS), dtype=np.int64)
    marks = np.full((len(rows), 4), -1, dtype=np.int64)
    marks[:, FREE] = 0
    for i, row in enumerate(rows):
        anchors = sorted({int(row[k]) for k in (PD, HEPATIC_PD, LAST) if row[k] >= 0})
        if row[BEST] != PROGRESSIVE and (row[PD] >= 0 or anchors[0] > USUAL_GAP):
            room = min(FIRST_SCAN[1], anchors[0] - GAP)
            first = int(np.clip(rng.normal(76, 18), USUAL_FIRST[0], min(room, USUAL_FIRST[1])))
            anchors = [first, *anchors]
        found = [anchors[0]]
        for anchor in anchors[1:]:
            parts = max(1, round((anchor - found[-1]) / USUAL_GAP))
            found += [round(x) for x in np.linspace(found[-1], anchor, parts + 1)[1:]]
        days[i, : len(found)] = found
        marks[i, N] = len(found)
        if row[BEST] <= PR:
            marks[i, RESPONDED] = found[0]
        if row[BEST] != PROGRESSIVE:
            marks[i, DEEPEST] = found[0]
    roomy = np.flatnonzero((rows[:, BEST] == SD) & (marks[:, N] > 2) & (rows[:, PD] < 0))
    marks[roomy[:2], FREE] = 1
    return days, marks
