"""Dates of a simulated patient as a row of whole days, what may change, and what must hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imaging import machine_code

Whole = NDArray[np.int64]

PD, HEPATIC_PD, DEATH, ALIVE, LAST, BEST, SITE, ARM = range(8)
"""Columns: days from randomisation (-1: none), best response, first site, arm."""
CR, PR, SD, PROGRESSIVE = range(4)
LIVER, ELSEWHERE, BOTH = range(3)

FIRST_SCAN = (24, 183)
EARLIEST = 42
"""No progression, and no last images, before six weeks."""
GAP = 28
LONGEST = 1500
PFS, TTP, HEPATIC_PFS, OS, PPS = range(5)
ENDPOINTS = ("PFS", "TTP", "hepatic_PFS", "OS", "PPS")


@machine_code.compiled
def possible(row: Whole) -> Any:
    """Return whether a patient's days can be: PD on a scan, no image after death, no long gap."""
    pd, death, alive, last = row[PD], row[DEATH], row[ALIVE], row[LAST]
    if last < EARLIEST or max(last, death, alive) > LONGEST:
        return False
    if death >= 0:
        if death <= last:
            return False
    elif alive < last or alive > last + 500:
        return False
    if pd < 0:
        return row[HEPATIC_PD] < 0 and (death < 0 or death <= last + FIRST_SCAN[1])
    return progression_possible(row)


@machine_code.compiled
def progression_possible(row: Whole) -> Any:
    """Return whether the days of progression fit best response, site and last images."""
    pd, hepatic, last = row[PD], row[HEPATIC_PD], row[LAST]
    if row[BEST] == PROGRESSIVE:
        if pd < EARLIEST or pd > FIRST_SCAN[1]:
            return False
    elif pd < EARLIEST + GAP:
        return False
    if last != pd and (last < pd + GAP or last > pd + 400):
        return False
    if row[SITE] != ELSEWHERE:
        return hepatic == pd
    return hepatic < 0 or (hepatic >= pd + GAP and (hepatic == last or hepatic + GAP <= last))


@machine_code.compiled
def change(row: Whole, rng: Any) -> None:
    """Move one or more days of a patient, a little or far."""
    what = rng.integers(0, 6)
    step = rng.integers(1, 60) if rng.random() < 0.5 else rng.integers(1, 8)
    step = step if rng.random() < 0.5 else -step
    if what <= 1 and row[PD] >= 0:
        move_progression(row, what == 1, step, rng)
    elif what == 2:
        row[DEATH if row[DEATH] >= 0 else ALIVE] += step
    elif what == 3:
        move_last_images(row, step, rng)
    elif what == 4 and row[SITE] == ELSEWHERE:
        row[HEPATIC_PD] = -1
        if rng.random() < 0.6:
            row[HEPATIC_PD] = row[LAST] if rng.random() < 0.5 else row[PD] + rng.integers(28, 200)
    elif what == 5:
        end = rng.integers(row[LAST] + 1, row[LAST] + 700)
        row[DEATH if row[DEATH] >= 0 else ALIVE] = end


@machine_code.compiled
def move_progression(row: Whole, far: bool, step: int, rng: Any) -> None:  # noqa: FBT001
    """Move first progression and what follows it, by a step or to any day."""
    if far:
        step = rng.integers(EARLIEST, 700) - row[PD]
        if row[BEST] == PROGRESSIVE:
            step = rng.integers(EARLIEST, FIRST_SCAN[1] + 1) - row[PD]
    row[PD] += step
    row[LAST] += step
    if row[HEPATIC_PD] >= 0:
        row[HEPATIC_PD] += step
    if (far or rng.random() < 0.5) and row[DEATH] >= 0:
        row[DEATH] += step
    elif far and row[DEATH] < 0:
        row[ALIVE] = max(row[ALIVE], row[LAST])


@machine_code.compiled
def move_last_images(row: Whole, step: int, rng: Any) -> None:
    """Move the last images, at times to the day of progression, or together with the end."""
    if row[PD] >= 0 and rng.random() < 0.4:
        step = row[PD] - row[LAST]
    row[LAST] += step
    if row[PD] < 0 and rng.random() < 0.5:
        row[DEATH if row[DEATH] >= 0 else ALIVE] += step


@machine_code.compiled
def swap_words(one: Whole, other: Whole, rng: Any) -> Any:
    """Exchange best response, or who of two died, between patients of one arm; tell whether."""
    if one[ARM] != other[ARM] or (one[PD] >= 0) != (other[PD] >= 0):
        return False
    if rng.random() < 0.5:
        if one[BEST] == PROGRESSIVE or other[BEST] == PROGRESSIVE or one[BEST] == other[BEST]:
            return False
        one[BEST], other[BEST] = other[BEST], one[BEST]
        return True
    if (one[DEATH] >= 0) == (other[DEATH] >= 0):
        return False
    dead, living = (one, other) if one[DEATH] >= 0 else (other, one)
    dead[ALIVE], living[DEATH] = dead[DEATH], living[ALIVE]
    dead[DEATH], living[ALIVE] = -1, -1
    return True


@machine_code.compiled
def endpoint_times(rows: Whole, time: Whole, event: Whole) -> None:
    """Fill times and events (endpoint, patient); PPS is -1 where there was no PD."""
    for i in range(rows.shape[0]):
        pd, hepatic, death, last = rows[i, PD], rows[i, HEPATIC_PD], rows[i, DEATH], rows[i, LAST]
        dead = death >= 0
        end = death if dead else rows[i, ALIVE]
        event[PFS, i] = pd >= 0 or dead
        time[PFS, i] = pd if pd >= 0 else (death if dead else last)
        event[TTP, i] = pd >= 0
        time[TTP, i] = pd if pd >= 0 else last
        event[HEPATIC_PFS, i] = hepatic >= 0 or dead
        time[HEPATIC_PFS, i] = hepatic if hepatic >= 0 else (death if dead else last)
        event[OS, i] = dead
        time[OS, i] = end
        event[PPS, i] = dead
        time[PPS, i] = end - pd if pd >= 0 else -1
