"""Fourth stage, first half: the sum of the hepatic targets at every visit, in tenths of a mm.

Sums are placed so that the rules give the planned response at each visit, and that an error of half
a millimetre (what pixels cost) changes none: they keep clear of each cut-off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sumdiam.demo.cohort.course_state import (
    BEST,
    CR,
    ELSEWHERE,
    HEPATIC_PD,
    PD,
    PR,
    PROGRESSIVE,
    SITE,
)

Whole = NDArray[np.int64]

RESPONSE, EARLY, PROGRESSION = 0.7, 0.8, 1.2
"""Cut-offs, as shares of the baseline and of the nadir."""
CLEAR_SHARE, CLEAR, CLEAR_NADIR = 0.015, 8, 10
"""How clear of them sums keep: this share of the baseline, and so many tenths of a mm at least."""
STABLE, GROWN = 1.15, (1.25, 1.7)
"""Shares of the nadir: at most this without progression, between these with it."""
LEAST_NADIR, LEAST_EARLY = 150, 220
GROWTH_SHARE, NONTARGET_SHARE = 0.55, 0.3
NEW, GROWTH, NONTARGET = "new", "growth", "nontarget"


@dataclass(frozen=True, slots=True)
class Patient:
    """One simulated patient: days (baseline excluded), plan and sums in tenths of a mm."""

    row: Whole
    days: tuple[int, ...]
    responded: int
    deepest: int
    baseline: int
    smallest: int
    early: bool
    portal_invasion: bool
    spread_target: bool

    @property
    def pd_visit(self) -> int:
        """Place of the visit of first progression; the number of visits where there is none."""
        return self.place(int(self.row[PD]))

    @property
    def hepatic_visit(self) -> int:
        """Place of the first hepatic progression, likewise."""
        return self.place(int(self.row[HEPATIC_PD]))

    def place(self, day: int) -> int:
        """Return the place of a day among the visits, their number where it is none."""
        return self.days.index(day) if day in self.days else len(self.days)


def clear(base: float) -> float:
    """Return how far from a cut-off a sum keeps."""
    return max(CLEAR_SHARE * base, CLEAR)


def stable_limit(nadir: float) -> float:
    """Return the largest sum that is well short of progression."""
    return max(nadir, min(STABLE * nadir, PROGRESSION * nadir - CLEAR_NADIR))


def hepatic_mechanism(patient: Patient, rng: np.random.Generator) -> str:
    """Return by what the liver progresses: a new nodule, growing targets, or a non-target."""
    best = int(patient.row[BEST])
    nadir = patient.baseline if best == PROGRESSIVE else patient.smallest
    shrunk_last = patient.deepest == patient.row[HEPATIC_PD]
    draw = rng.random()
    may_grow = best != CR and nadir >= LEAST_NADIR and not shrunk_last
    if draw < GROWTH_SHARE and may_grow and not patient.spread_target:
        return GROWTH
    if patient.portal_invasion and best != CR and rng.random() < NONTARGET_SHARE:
        return NONTARGET
    return NEW


def sums_of(patient: Patient, mechanism: str, rng: np.random.Generator) -> list[int]:
    """Return the sum at baseline and at every visit.

    Raises
    ------
    ValueError
        If a plan leaves no room for a sum.
    """
    sums = [patient.baseline]
    for k in range(len(patient.days)):
        sums.append(_at(patient, mechanism, k, sums, rng))
    return sums


def _at(patient: Patient, mechanism: str, k: int, sums: list[int], rng: np.random.Generator) -> int:
    """Return the sum at one visit, given those before it."""
    nadir, best = min(sums), int(patient.row[BEST])
    quiet = patient.hepatic_visit if patient.row[SITE] == ELSEWHERE else patient.pd_visit
    deepest = patient.place(patient.deepest)
    if k == deepest:
        return patient.smallest
    if k == patient.hepatic_visit and mechanism == GROWTH:
        least = PROGRESSION * nadir + CLEAR_NADIR
        return round(max(nadir * rng.uniform(*GROWN), least))
    if k > quiet:
        return round(sums[-1] * rng.uniform(0.95, 1.25))
    if best == PROGRESSIVE:
        if patient.early:
            return round(patient.baseline * rng.uniform(RESPONSE, EARLY))
        base = patient.baseline
        low = EARLY * base + clear(base) if k == 0 else nadir
        return _between(low, stable_limit(nadir), rng)
    if k > deepest:
        low = max(patient.smallest, nadir)  # where it only ever grew, the baseline is the nadir
        return _between(low, max(low, stable_limit(nadir)), rng)
    return _before_deepest(patient, k, nadir, rng)


def _before_deepest(patient: Patient, k: int, nadir: int, rng: np.random.Generator) -> int:
    """Return a sum on the way to the smallest one, which stays the smallest."""
    base, least = patient.baseline, patient.smallest + 1
    responded = patient.place(patient.responded)
    if patient.row[BEST] <= PR and k >= responded:
        low = max(least, 0.3 * base if patient.row[BEST] == CR else 0)
        low = min(low, nadir)
        return _between(low, min(RESPONSE * base - clear(base), stable_limit(nadir)), rng)
    low, high = max(least, RESPONSE * base + clear(base)), max(stable_limit(nadir), least)
    if k == 0 and patient.early:
        high = EARLY * base - clear(base)
    elif k == 0:
        low = max(low, EARLY * base + clear(base))
    return _between(low, high, rng)


def _between(low: float, high: float, rng: np.random.Generator) -> int:
    """Return a whole number between two limits, the lower one where there is none between."""
    first, last = int(np.ceil(low)), int(np.floor(high))
    if first > last + 1:
        msg = f"no sum between {low:.1f} and {high:.1f}"
        raise ValueError(msg)
    return int(rng.integers(first, max(first, last) + 1))


def early_flags(
    rows: Whole, sums: Whole, least: Whole, first: Whole, marks: Whole, wanted: tuple[int, int],
    rng: np.random.Generator,
) -> NDArray[np.bool_]:  # fmt: skip
    """Return who has early shrinkage (more than 20 % at the first visit), as many as printed.

    Those who respond, or reach such a depth, at the first visit have it; others may.

    Raises
    ------
    ValueError
        If the count cannot be met.
    """
    responded, deepest = marks[:, 1], marks[:, 2]
    deep = (least >= 0) & (10 * (sums - least) > 2 * sums)
    forced = (responded == first) | (deep & (deepest == first))
    open_ = deep & ~forced & (least < (EARLY - 0.04) * sums) & (sums >= LEAST_EARLY)
    flags = forced.copy()
    for arm in (0, 1):
        here = rows[:, -1] == arm
        more = wanted[arm] - int((forced & here).sum())
        choice = np.flatnonzero(open_ & here)
        if not 0 <= more <= choice.size:
            msg = f"arm {arm}: {more} more early shrinkages wanted, {choice.size} possible"
            raise ValueError(msg)
        flags[rng.choice(choice, more, replace=False)] = True
    return np.asarray(flags)
