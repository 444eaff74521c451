"""What the paper printed, read from `data/soramic/printed.toml`, as windows for the search."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

ARMS = ("combination", "sorafenib")
WITHIN_MONTHS = 0.05
"""How far a rederived median or limit may be from print."""


@dataclass(frozen=True, slots=True)
class PrintedCurve:
    """A printed median survival with its limits, in months; limits may be absent."""

    endpoint: str
    group: str
    months: tuple[float, ...]
    at: str

    def window_days(self) -> NDArray[np.int64]:
        """Return first and last whole day for median, lower and upper limit; -1 where free."""
        window = np.full((3, 2), -1, dtype=np.int64)
        for row, months in enumerate(self.months):
            window[row, 0] = math.ceil(days(months - WITHIN_MONTHS))
            window[row, 1] = math.floor(days(months + WITHIN_MONTHS))
        return window


@dataclass(frozen=True, slots=True)
class PrintedTest:
    """A printed log-rank p and the window that the cohort keeps."""

    endpoint: str
    by: str
    printed: str
    window: tuple[float, float]
    at: str


@dataclass(frozen=True, slots=True)
class PrintedHazard:
    """A printed hazard ratio, its limits and its p, as written."""

    endpoint: str
    factor: str
    printed: tuple[str, str, str, str]
    at: str

    def windows(self) -> NDArray[np.float64]:
        """Return the least and largest ratio, lower and upper limit that round to print."""
        return np.array([two_figures(float(word)) for word in self.printed[:3]])


def two_figures(value: float) -> tuple[float, float]:
    """Return the interval of numbers that are this one at two significant figures."""
    half = 10.0 ** (math.floor(math.log10(value)) - 1) / 2
    return value - half, value + half


def days(months: float) -> float:
    """Return months as days."""
    return months * float(printed()["days_per_month"])


@cache
def printed() -> dict[str, Any]:
    """Return everything that the data file holds."""
    path = files("sumdiam.demo").joinpath("data", "soramic", "printed.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def printed_curves() -> tuple[PrintedCurve, ...]:
    """Return the printed medians."""
    return tuple(
        PrintedCurve(one["endpoint"], one["group"], tuple(one["months"]), one["at"])
        for one in printed()["curve"]
    )


def printed_tests() -> tuple[PrintedTest, ...]:
    """Return the printed log-rank tests."""
    return tuple(
        PrintedTest(one["endpoint"], one["by"], one["p"], tuple(one["window"]), one["at"])
        for one in printed()["logrank"]
    )


def printed_hazards(endpoint: str) -> tuple[PrintedHazard, ...]:
    """Return the printed hazard ratios of an endpoint."""
    return tuple(
        PrintedHazard(one["endpoint"], one["factor"], tuple(one["printed"]), one["at"])
        for one in printed()["hazard"]
        if one["endpoint"] == endpoint
    )
