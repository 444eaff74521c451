"""The four stages one after the other: a solved cohort as arrays, before it becomes tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sumdiam.demo.cohort.covariate import COLUMNS, UP_TO_7, solve_covariates
from sumdiam.demo.cohort.depth import solve_depth, solve_sizes
from sumdiam.demo.cohort.printed import printed
from sumdiam.demo.cohort.scan import solve_scans
from sumdiam.demo.cohort.scan_state import DEEPEST, RESPONDED, N
from sumdiam.demo.cohort.sum_course import Patient, early_flags
from sumdiam.demo.cohort.times import solve_times

Whole = NDArray[np.int64]

DAYS_SEED, DAYS_STEPS, DAYS_POLISH = 3, 900_000, 250_000
COVARIATE_SEED, COVARIATE_STEPS = 21, 300_000
SCAN_SEED, SCAN_STEPS = 2, 300_000
SIZE_SEED, SIZE_STEPS, DEPTH_STEPS = 1, 20_000, 40_000
SPREAD_TARGET_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Solution:
    """Everything that the search found: one row per patient, in one order.

    ``rows`` days and words (`course_state`), ``cells`` covariates (`covariate.COLUMNS`),
    ``misfit`` what each stage could not mend.
    """

    rows: Whole
    cells: Whole
    patients: tuple[Patient, ...]
    misfit: dict[str, float]


def solve(rows: Whole | None = None) -> Solution:
    """Return the cohort; with ``rows`` given, the first stage (minutes) is not repeated."""
    misfit: dict[str, float] = {}
    if rows is None:
        rows, misfit["days"] = solve_times(DAYS_SEED, DAYS_STEPS, DAYS_POLISH)
    cells, parts = solve_covariates(rows, COVARIATE_SEED, COVARIATE_STEPS)
    misfit["covariates"] = float(parts.sum())
    days, marks, left = solve_scans(rows, SCAN_SEED, SCAN_STEPS)
    misfit["scans"] = float(left.sum())
    rng = np.random.default_rng(SIZE_SEED)
    sums, misfit["sizes"] = solve_sizes(rows, cells[:, UP_TO_7], rng, SIZE_STEPS)
    least, misfit["depth"] = solve_depth(rows, sums, rng, DEPTH_STEPS)
    wanted = printed()["response"]["ets"]
    early = early_flags(rows, sums, least, days[:, 0], marks, (wanted[0], wanted[1]), rng)
    cell = {name: cells[:, place] for place, name in enumerate(COLUMNS)}
    spread_target = (cell["extrahepatic_spread"] == 1) & (
        rng.random(len(rows)) < SPREAD_TARGET_SHARE
    )
    patients = tuple(
        Patient(
            row=rows[i],
            days=tuple(days[i, : marks[i, N]].tolist()),
            responded=int(marks[i, RESPONDED]),
            deepest=int(marks[i, DEEPEST]),
            baseline=int(sums[i]),
            smallest=int(least[i]),
            early=bool(early[i]),
            portal_invasion=bool(cell["portal_invasion"][i] == 1),
            spread_target=bool(spread_target[i]),
        )
        for i in range(len(rows))
    )
    return Solution(rows, cells, patients, misfit)
