"""First stage: days of progression, death, censoring and last images, by simulated annealing.

Counts are fixed by construction; the cost is how far curves, limits, p values and hazard ratios
are from print. One patient (or a swap between two) is changed at a time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from imaging import machine_code
from sumdiam.demo.cohort.course_state import (
    ALIVE,
    ARM,
    BEST,
    BOTH,
    CR,
    DEATH,
    ELSEWHERE,
    ENDPOINTS,
    HEPATIC_PD,
    LAST,
    LIVER,
    OS,
    PD,
    PFS,
    PPS,
    PR,
    PROGRESSIVE,
    SD,
    SITE,
    change,
    endpoint_times,
    possible,
    swap_words,
)
from sumdiam.demo.cohort.curve import DAYS, cox_two, curve_misfit, logrank_z, tally
from sumdiam.demo.cohort.printed import printed, printed_curves, printed_hazards, printed_tests

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]

COMBINATION, SORAFENIB, ALL, CONTROL, NO_CONTROL, RESPONSE, NO_RESPONSE = range(7)
GROUPS = ("combination", "sorafenib", "all", "disease control", "no disease control")
PAIRS = {"arm": (0, 1), "disease control": (CONTROL, NO_CONTROL),
         "objective response": (RESPONSE, NO_RESPONSE)}  # fmt: skip
DEATHS_AFTER_PD = (34, 69)
DEATHS_WITHOUT_PD = (26, 20)
"""Per arm, chosen: about 160 PFS events and 149 deaths give the printed standard errors."""
PROGRESSED_BEST = ((3, 16, 7), (2, 19, 28))
"""Per arm, where the search starts: CR, PR and SD among those who progressed later."""
LATER_SHARES, LATER_LEAST, LATER_DAYS = (0.6, 0.75), 35, 330
"""Shares of those progressed in the liver who get later images, and how many days after."""
MARGIN = 0.001
LONG_HEAT, POLISH_HEAT, MOST_POLISHES = (0.02, 4e-6), (3e-3, 1e-6), 12
Z_WEIGHT, HAZARD_WEIGHT = 0.3, 2.0


@dataclass(frozen=True, slots=True)
class Aims:
    """The printed numbers as arrays for the compiled search."""

    curve: Whole
    window: Whole
    test: Whole
    z: Floats
    hazard: Floats


def aims() -> Aims:
    """Return the windows of medians, of z (second group dies sooner: positive) and of ratios."""
    curves, tests = printed_curves(), printed_tests()
    z = np.array([norm.isf(np.array(one.window)[::-1] / 2) for one in tests])
    z[:, 1] = np.minimum(z[:, 1], 9.0)
    pairs = [(ENDPOINTS.index(one.endpoint), *PAIRS[one.by]) for one in tests]
    ratios = [
        next(one for one in printed_hazards(name) if one.factor == "arm").windows()
        for name in ("PFS", "OS")
    ]
    return Aims(
        curve=np.array([(ENDPOINTS.index(c.endpoint), GROUPS.index(c.group)) for c in curves]),
        window=np.array([c.window_days() for c in curves]),
        test=np.array(pairs),
        z=z,
        hazard=np.log(np.array(ratios)),
    )


@machine_code.compiled
def outside(value: float, least: float, most: float) -> Any:
    """Return by how much a value leaves an interval."""
    return max(0.0, least - value) + max(0.0, value - most)


@machine_code.compiled
def membership(rows: Whole, member: Whole) -> None:
    """Fill who belongs to which group: (group, patient)."""
    for i in range(rows.shape[0]):
        best = rows[i, BEST]
        member[:, i] = 0
        member[rows[i, ARM], i] = 1
        member[ALL, i] = 1
        member[NO_CONTROL if best == PROGRESSIVE else CONTROL, i] = 1
        member[RESPONSE if best <= PR else NO_RESPONSE, i] = 1


@machine_code.compiled
def misfit(
    rows: Whole, curve: Whole, window: Whole, test: Whole, z: Floats, hazard: Floats, out: Floats
) -> Any:
    """Return the cost of a cohort; ``out`` (k,) gets its parts: curves, tests, then ratios."""
    n = rows.shape[0]
    time, event = np.empty((5, n), dtype=np.int64), np.empty((5, n), dtype=np.int64)
    member = np.empty((7, n), dtype=np.int64)
    endpoint_times(rows, time, event)
    membership(rows, member)
    count = np.empty((5, 7, 2, DAYS), dtype=np.int64)
    size = np.zeros((5, 7), dtype=np.int64)
    for endpoint in range(5):
        for group in range(7 if endpoint == PPS else 2):
            inside = member[group] if endpoint != PPS else member[group] * (time[PPS] >= 0)
            if group == ALL:
                continue
            size[endpoint, group] = tally(
                time[endpoint], event[endpoint], inside, count[endpoint, group]
            )
        count[endpoint, ALL] = count[endpoint, 0] + count[endpoint, 1]
        size[endpoint, ALL] = size[endpoint, 0] + size[endpoint, 1]
    place = 0
    for k in range(curve.shape[0]):
        e, g = curve[k]
        out[place] = curve_misfit(count[e, g], size[e, g], window[k], MARGIN)
        place += 1
    for k in range(test.shape[0]):
        e, g, h = test[k]
        value = logrank_z(count[e, g], size[e, g], count[e, h], size[e, h])
        if e == PPS and g == 0:
            value = abs(value)
        out[place] = Z_WEIGHT * outside(value, z[k, 0], z[k, 1])
        place += 1
    found = np.zeros(2)
    for k in range(2):
        e = PFS if k == 0 else OS
        cox_two(count[e, 0], size[e, 0], count[e, 1], size[e, 1], found)
        half = 1.959963984540054 * found[1]
        out[place] = HAZARD_WEIGHT * (
            outside(found[0], hazard[k, 0, 0], hazard[k, 0, 1])
            + outside(found[0] - half, hazard[k, 1, 0], hazard[k, 1, 1])
            + outside(found[0] + half, hazard[k, 2, 0], hazard[k, 2, 1])
        )
        place += 1
    return out.sum()


@machine_code.compiled
def anneal(
    rows: Whole, curve: Whole, window: Whole, test: Whole, z: Floats, hazard: Floats,
    steps: int, hot: float, cold: float, rng: Any,
) -> Any:  # fmt: skip
    """Change ``rows`` in place until the cost is nothing or the steps are used; return it."""
    n = rows.shape[0]
    out = np.zeros(curve.shape[0] + test.shape[0] + 2)
    cost = misfit(rows, curve, window, test, z, hazard, out)
    for step in range(steps):
        if cost <= 0:
            break
        heat = hot * (cold / hot) ** (step / steps)
        i, j = rng.integers(0, n), rng.integers(0, n)
        before, before_other = rows[i].copy(), rows[j].copy()
        if rng.random() < 0.8 or i == j:
            change(rows[i], rng)
        elif not swap_words(rows[i], rows[j], rng):
            continue
        if possible(rows[i]) and possible(rows[j]):
            new = misfit(rows, curve, window, test, z, hazard, out)
            if new <= cost or rng.random() < math.exp((cost - new) / heat):
                cost = new
                continue
        rows[i], rows[j] = before, before_other
    return cost


def starting_rows(rng: np.random.Generator) -> Whole:
    """Return a first cohort with the printed counts: rows of days, words and arm."""
    given = printed()["response"]
    rows: list[list[int]] = []
    for arm, size in enumerate(printed()["arms"].values()):
        later = PROGRESSED_BEST[arm]
        best = [PROGRESSIVE] * given["PD"][arm]
        best += [word for word, n in zip((CR, PR, SD), later, strict=True) for _ in range(n)]
        sites = [LIVER] * given["site_liver"][arm] + [ELSEWHERE] * given["site_extrahepatic"][arm]
        sites += [BOTH] * given["site_both"][arm]
        dead = [True] * DEATHS_AFTER_PD[arm] + [False] * (len(best) - DEATHS_AFTER_PD[arm])
        for word, site, died in zip(
            best, rng.permutation(sites), rng.permutation(dead), strict=True
        ):
            rows.append(_with_pd(word, int(site), bool(died), arm, rng))
        free = [
            word
            for word, name, used in zip((CR, PR, SD), ("CR", "PR", "SD"), later, strict=True)
            for _ in range(given[name][arm] - used)
        ]
        died = [True] * DEATHS_WITHOUT_PD[arm] + [False] * (len(free) - DEATHS_WITHOUT_PD[arm])
        for word, gone in zip(free, rng.permutation(died), strict=True):
            last = 60 + int(rng.exponential(200)) % 600
            end = last + int(rng.integers(5, 170))
            rows.append([-1, -1, end if gone else -1, -1 if gone else end, last, word, -1, arm])
        if len(rows) != sum(list(printed()["arms"].values())[: arm + 1]):
            msg = f"arm {arm}: counts do not add up to {size}"
            raise ValueError(msg)
    return np.array(rows, dtype=np.int64)


def _with_pd(best: int, site: int, died: bool, arm: int, rng: np.random.Generator) -> list[int]:  # noqa: FBT001
    """Return a patient who progressed."""
    day = (
        int(rng.integers(45, 130)) if best == PROGRESSIVE else 70 + int(rng.exponential(180)) % 600
    )
    last = day if rng.random() < 0.5 else day + int(rng.integers(40, 150))
    end = last + 5 + int(rng.exponential(220)) % 600
    hepatic = -1 if site == ELSEWHERE else day
    row = [0] * 8
    row[PD], row[HEPATIC_PD], row[LAST], row[BEST] = day, hepatic, last, best
    row[DEATH], row[ALIVE] = (end, -1) if died else (-1, min(end, last + 500))
    row[SITE], row[ARM] = site, arm
    return row


def solve_times(seed: int, steps: int, polish: int) -> tuple[Whole, float]:
    """Return rows of days that give the printed curves, and what misfit is left.

    A long search, images after progression, then short searches until nothing is left.
    """
    rng = np.random.default_rng(seed)
    rows, goal = starting_rows(rng), aims()
    given = (goal.curve, goal.window, goal.test, goal.z, goal.hazard)
    cost = anneal(rows, *given, steps, *LONG_HEAT, rng)
    rows = with_later_images(rows, rng, share=LATER_SHARES[0], again=False)
    for again in range(MOST_POLISHES):
        if cost <= 0:
            break
        cost = anneal(rows, *given, polish, *POLISH_HEAT, np.random.default_rng(50 + again))
    other = np.random.default_rng(seed)
    return with_later_images(rows, other, share=LATER_SHARES[1], again=True), float(cost)


def with_later_images(rows: Whole, rng: np.random.Generator, *, share: float, again: bool) -> Whole:
    """Return rows in which a share of some have images after hepatic progression.

    No endpoint changes. ``again``: only those who have none yet.
    """
    later = rows.copy()
    for row in later:
        if row[PD] < 0 or row[SITE] == ELSEWHERE or (again and row[LAST] != row[PD]):
            continue
        if rng.random() > share:
            continue
        end = int(row[DEATH]) - 1 if row[DEATH] >= 0 else int(row[ALIVE])
        room = min(end - int(row[PD]), LATER_DAYS)
        row[LAST] = row[PD] if room < LATER_LEAST else row[PD] + rng.integers(LATER_LEAST, room + 1)
    return later
