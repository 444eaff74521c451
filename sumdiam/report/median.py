"""Median times of a report, in months."""

from __future__ import annotations

from stats.number_text import time_with_limits
from stats.result import Quantile
from sumdiam.report import wording


def median_months(found: Quantile) -> str:
    """Write a median time with its limits, in months; a dash where there is no subject."""
    if found.n == 0:
        return wording.NOTHING
    return months_with_limits(found.estimate, found.lower, found.upper)


def months_with_limits(estimate: float, lower: float, upper: float) -> str:
    """Write days as months with their limits, which stay on one line."""
    told = time_with_limits(estimate, lower, upper, unit_days=wording.DAYS_PER_MONTH)
    return told.replace(" ", wording.FIXED)
