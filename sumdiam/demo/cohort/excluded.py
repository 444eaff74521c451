"""The 111 of the flow who are not analysed: without images, or left out by the rules.

The rules leave them out, not a label: they have no images after baseline, none within six months,
or none in the six months before death.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sumdiam.demo.cohort.printed import ARMS, printed
from sumdiam.demo.cohort.subject_row import dates, random_day

Row = dict[str, Any]

NO_IMAGES, LATE, GAP_BEFORE_DEATH = "no images", "late", "gap"
LATE_COUNT = 18
"""Chosen: the paper prints 45 for both reasons together."""
COMBINATION_ALL = 114
"""Chosen: patients of the combination arm among the 288; the paper does not print it."""
SIX_MONTHS = 183


def excluded_plan(rng: np.random.Generator) -> list[tuple[str, str]]:
    """Return (arm, why) of everybody who is not analysed."""
    flow, arms = printed()["flow"], printed()["arms"]
    n = flow["per_protocol"] - flow["analysed"]
    gap = flow["excluded"] - LATE_COUNT
    why = [NO_IMAGES] * (flow["per_protocol"] - flow["with_images"])
    why += [LATE] * LATE_COUNT + [GAP_BEFORE_DEATH] * gap
    combination = COMBINATION_ALL - arms["combination"]
    names = [ARMS[0]] * combination + [ARMS[1]] * (n - combination)
    return list(zip(rng.permutation(names).tolist(), why, strict=True))


def excluded_days(why: str, rng: np.random.Generator) -> tuple[list[int], int, int]:
    """Return days of the follow-up scans, of death and of last contact (-1: none)."""
    if why == NO_IMAGES:
        end = int(rng.integers(25, 900))
        return [], *((end, -1) if rng.random() < 0.8 else (-1, end))
    if why == LATE:
        first = int(rng.integers(SIX_MONTHS + 7, SIX_MONTHS + 150))
        end = first + int(rng.integers(10, 170))
        return [first], *((end, -1) if rng.random() < 0.6 else (-1, end))
    first = int(rng.integers(45, 130))
    return [first], first + int(rng.integers(SIX_MONTHS + 7, SIX_MONTHS + 500)), -1


def excluded_subject(
    subject_id: str, arm: str, why: str, rng: np.random.Generator
) -> tuple[Row, list[int], list[Row]]:
    """Return the row of the subject, days of scans, and its one stable target."""
    scans, death, alive = excluded_days(why, rng)
    row = {"subject_id": subject_id, "arm": arm, "simulated": True}
    size = round(float(rng.uniform(25, 90)), 1)
    lesions = [
        {
            "subject_id": subject_id, "lesion_id": "liver-1", "timepoint": visit,
            "organ": "liver", "site": "hepatic", "status": "measured",
            "viable_diameter_mm": round(size * (0.95 if visit else 1), 1),
            "whole_diameter_mm": round(size * 1.05, 1), "arterial_enhancement": True,
        }
        for visit in range(len(scans) + 1)
    ]  # fmt: skip
    return row | dates(random_day(rng), death, alive, rng), scans, lesions
