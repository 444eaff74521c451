"""Second stage: covariates that give Table 1 and Table 3, by swaps within arms; days frozen."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from imaging import machine_code
from sumdiam.demo.cohort.course_state import ARM, BEST, PFS, PR, endpoint_times
from sumdiam.demo.cohort.curve import DAYS, NORMAL_95, cox_two, tally
from sumdiam.demo.cohort.printed import printed, printed_hazards

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]

COLUMNS = (
    "male", "age_65", "white", "ecog_1", "cirrhosis", "aetiology", "previous_tace", "diffuse",
    "portal_invasion", "extrahepatic_spread", "child_pugh_b", "outside_up_to_7", "albi_2",
    "afp_400",
)  # fmt: skip
"""What is swapped: 1, 0, or -1 for missing; aetiology 0 other, 1 HBV, 2 HCV, 3 alcohol."""
FACTORS = (*COLUMNS[:5], *COLUMNS[6:], "hepatitis_b", "hepatitis_c", "alcohol", "bclc_c")
AETIOLOGY, ECOG, PORTAL, SPREAD = (
    COLUMNS.index(name)
    for name in ("aetiology", "ecog_1", "portal_invasion", "extrahepatic_spread")
)
CIRRHOSIS, CHILD_PUGH, ALBI, DIFFUSE, UP_TO_7 = (
    COLUMNS.index(name)
    for name in ("cirrhosis", "child_pugh_b", "albi_2", "diffuse", "outside_up_to_7")
)
N_FACTORS = len(FACTORS)
CHILD_PUGH_FACTOR = FACTORS.index("child_pugh_b")
BCLC_FACTOR = FACTORS.index("bclc_c")
MOST_CHI_SQUARE = 3.6
"""Objective response differs significantly (3.84) by no factor but Child-Pugh class."""
LOGIC = 0.05


@machine_code.compiled
def factor_value(row: Whole, factor: int) -> Any:
    """Return a patient's factor: 1, 0 or -1 (missing)."""
    if factor < AETIOLOGY:
        return row[factor]
    if factor < N_FACTORS - 4:
        return row[factor + 1]
    if factor < N_FACTORS - 1:
        return np.int64(row[AETIOLOGY] == factor - (N_FACTORS - 5))
    return np.int64(row[PORTAL] == 1 or row[SPREAD] == 1 or row[ECOG] == 1)


@machine_code.compiled
def logic_misfit(cells: Whole, arm: Whole, bclc_c: Whole) -> Any:
    """Return how often covariates contradict each other, stage C counts included."""
    wrong = 0
    staged = np.zeros(2, dtype=np.int64)
    for i in range(cells.shape[0]):
        row = cells[i]
        if row[CHILD_PUGH] == 1:
            wrong += (row[CIRRHOSIS] != 1) + (row[ALBI] != 1)
        wrong += row[DIFFUSE] == 1 and row[UP_TO_7] != 1
        stage = row[PORTAL] == 1 or row[SPREAD] == 1 or row[ECOG] == 1
        wrong += row[ECOG] < 0 and not stage
        staged[arm[i]] += stage
    return LOGIC * (wrong + abs(staged[0] - bclc_c[0]) + abs(staged[1] - bclc_c[1]))


@machine_code.compiled
def response_misfit(value: Whole, responded: Whole, wanted: int) -> Any:
    """Return how far response by a factor is from a number of responders, or from no difference."""
    a, b, c, d = 0, 0, 0, 0
    for i in range(value.size):
        if value[i] == 1:
            a += responded[i]
            b += 1 - responded[i]
        elif value[i] == 0:
            c += responded[i]
            d += 1 - responded[i]
    if wanted >= 0:
        return LOGIC * abs(a - wanted)
    n = a + b + c + d
    square = n * (a * d - b * c) ** 2 / ((a + b) * (c + d) * (a + c) * (b + d))
    return 0.1 * max(0.0, square - MOST_CHI_SQUARE)


@machine_code.compiled
def factor_misfit(
    value: Whole, time: Whole, event: Whole, window: Floats, z: Floats, found: Floats
) -> Any:
    """Return how far a factor's hazard ratio, limits (log windows) and z are from print."""
    first, second = np.empty((2, DAYS), dtype=np.int64), np.empty((2, DAYS), dtype=np.int64)
    n_first = tally(time, event, (value == 0).astype(np.int64), first)
    n_second = tally(time, event, (value == 1).astype(np.int64), second)
    cox_two(first, n_first, second, n_second, found)
    cost = 0.0
    for row in range(3):
        shift = (0.0, -1.0, 1.0)[row] * NORMAL_95 * found[1]
        cost += max(0.0, window[row, 0] - found[0] - shift)
        cost += max(0.0, found[0] + shift - window[row, 1])
    size = abs(found[0] / found[1])
    return cost + 0.1 * (max(0.0, z[0] - size) + max(0.0, size - z[1]))


@machine_code.compiled
def _one(
    cells: Whole, factor: int, time: Whole, event: Whole, responded: Whole,
    windows: Floats, z: Floats, wanted: Whole,
) -> Any:  # fmt: skip
    """Return the misfit of one factor; a window of zeros: the paper prints no ratio."""
    value = np.empty(cells.shape[0], dtype=np.int64)
    for i in range(cells.shape[0]):
        value[i] = factor_value(cells[i], factor)
    cost = response_misfit(value, responded, wanted[factor])
    if windows[factor, 0, 1] > windows[factor, 0, 0]:
        cost += factor_misfit(value, time, event, windows[factor], z[factor], np.zeros(2))
    return cost


@machine_code.compiled
def anneal_covariates(
    cells: Whole, arm: Whole, time: Whole, event: Whole, responded: Whole, windows: Floats,
    z: Floats, wanted: Whole, bclc_c: Whole, steps: int, hot: float, cold: float, rng: Any,
) -> Any:  # fmt: skip
    """Swap cells in place until nothing is left to mend; return the parts of the cost."""
    n = cells.shape[0]
    part = np.zeros(N_FACTORS + 1)
    for factor in range(N_FACTORS):
        part[factor] = _one(cells, factor, time, event, responded, windows, z, wanted)
    part[N_FACTORS] = logic_misfit(cells, arm, bclc_c)
    new = part.copy()
    for step in range(steps):
        if part.sum() <= 0:
            break
        heat = hot * (cold / hot) ** (step / steps)
        column, i, j = rng.integers(0, cells.shape[1]), rng.integers(0, n), rng.integers(0, n)
        if arm[i] != arm[j] or cells[i, column] == cells[j, column]:
            continue
        cells[i, column], cells[j, column] = cells[j, column], cells[i, column]
        new[:] = part
        for factor in range(N_FACTORS):
            touched = factor == column - (column > AETIOLOGY) and column != AETIOLOGY
            touched |= column == AETIOLOGY and N_FACTORS - 4 <= factor < N_FACTORS - 1
            touched |= factor == BCLC_FACTOR and (column in (ECOG, PORTAL, SPREAD))
            if touched:
                new[factor] = _one(cells, factor, time, event, responded, windows, z, wanted)
        new[N_FACTORS] = logic_misfit(cells, arm, bclc_c)
        gain = part.sum() - new.sum()
        if gain >= 0 or rng.random() < math.exp(gain / heat):
            part[:] = new
        else:
            cells[i, column], cells[j, column] = cells[j, column], cells[i, column]
    return part


def starting_cells(arm: Whole, rng: np.random.Generator) -> Whole:
    """Return covariates with the counts of Table 1, dealt out at random within arms."""
    counts = printed()["baseline"]
    cells = np.zeros((arm.size, len(COLUMNS)), dtype=np.int64)
    for code in (0, 1):
        members = np.flatnonzero(arm == code)
        for column, name in enumerate(COLUMNS):
            if name == "aetiology":
                names = ("hepatitis_b", "hepatitis_c", "alcohol")
                words = [k for k, one in enumerate(names, 1) for _ in range(counts[one]["n"][code])]
            else:
                missing = counts[name].get("missing", [0, 0])[code]
                words = [1] * counts[name]["n"][code] + [-1] * missing
            words += [0] * (members.size - len(words))
            cells[members, column] = rng.permutation(words)
    return cells


def solve_covariates(rows: Whole, seed: int, steps: int) -> tuple[Whole, Floats]:
    """Return covariates (patient, `COLUMNS`) and what misfit each factor and the logic have."""
    rng = np.random.default_rng(seed)
    cells = starting_cells(rows[:, ARM], rng)
    n = len(rows)
    time, event = np.empty((5, n), dtype=np.int64), np.empty((5, n), dtype=np.int64)
    endpoint_times(rows, time, event)
    windows, z = np.zeros((N_FACTORS, 3, 2)), np.zeros((N_FACTORS, 2))
    for one in printed_hazards("PFS"):
        if one.factor in FACTORS:
            place = FACTORS.index(one.factor)
            windows[place] = np.log(one.windows())
            z[place] = _z_window(one.printed[3])
    wanted = np.full(N_FACTORS, -1, dtype=np.int64)
    wanted[CHILD_PUGH_FACTOR] = printed()["response"]["objective_response_child_pugh_b"][0]
    responded = (rows[:, BEST] <= PR).astype(np.int64)
    staged = np.array(printed()["baseline"]["bclc_c"]["n"])
    part = anneal_covariates(
        cells, rows[:, ARM].copy(), time[PFS], event[PFS], responded, windows, z, wanted, staged,
        steps, 0.02, 5e-5, rng,
    )  # fmt: skip
    return cells, part


def _z_window(word: str) -> tuple[float, float]:
    """Return the least and largest z whose p is printed so."""
    if word.startswith("<"):
        return float(norm.isf(float(word[1:]) / 2)), 9.0
    digits = len(word.split(".")[1])
    half = 0.5 * 10.0**-digits
    p = float(word)
    return float(norm.isf(min(1.0, p + half) / 2)), float(norm.isf((p - half) / 2))
