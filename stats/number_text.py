"""Numbers as tables and figures print them: rounded half up, a true minus, a dash for nothing."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from stats.result import TestResult

DASH: Final = "–"  # noqa: RUF001 - the dash of ranges
NOTHING: Final = "—"
NOT_REACHED: Final = "NR"
NOT_ESTIMABLE: Final = "n.e."
"""Not NE, which is a response that is not evaluable."""
MISSING_TIMES: Final = "NR: not reached; n.e.: lower limit not estimable"
LEAST_P: Final = 0.001
MOST_DECIMALS: Final = 6


def rounded(value: float, digits: int) -> str:
    """Write a number with so many decimals, halves up; missing as a dash."""
    if not math.isfinite(value):
        return NOTHING
    step = Decimal(1).scaleb(-digits)
    text = str(Decimal(repr(float(value))).quantize(step, rounding=ROUND_HALF_UP))
    if not text.strip("-0."):
        text = text.lstrip("-")  # no minus zero
    return text.replace("-", "−")  # noqa: RUF001 - a true minus sign


def percent(share: float, digits: int = 1) -> str:
    """Write a share as a percentage."""
    return rounded(100 * share, digits) if math.isfinite(share) else NOTHING


def ratio(value: float) -> str:
    """Write a ratio such as a hazard ratio: two decimals, one from ten on, none from a hundred."""
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return rounded(value, digits)


def ratio_with_limits(estimate: float, lower: float, upper: float) -> str:
    """Write a ratio with its limits: with more decimals where two would hide how wide they are.

    Examples
    --------
    >>> ratio_with_limits(1.0004, 0.9992, 1.0017).replace(DASH, "-")
    '1.000 (0.999-1.002)'
    """
    written = [ratio(one) for one in (estimate, lower, upper)]
    for digits in range(3, MOST_DECIMALS + 1):
        if written[1] != written[2] or not lower < upper:
            break
        written = [rounded(one, digits) for one in (estimate, lower, upper)]
    return f"{written[0]} ({written[1]}{DASH}{written[2]})"


def time_with_limits(estimate: float, lower: float, upper: float, *, unit_days: float) -> str:
    """Write a median time in days with its limits, in units of so many days, NaN where unknown.

    A median or upper limit that the curve does not come down to is NR, not reached. A lower limit
    is passed before the median is, so one that is missing is no later time: n.e., not estimable.
    Without a median and a lower limit nothing is left to print limits of.

    Examples
    --------
    >>> time_with_limits(60, math.nan, math.nan, unit_days=30).replace(DASH, "-")
    '2.0 (n.e.-NR)'
    >>> time_with_limits(math.nan, 45, math.nan, unit_days=30).replace(DASH, "-")
    'NR (1.5-NR)'
    >>> time_with_limits(math.nan, math.nan, math.nan, unit_days=30)
    'NR'
    """
    if math.isnan(estimate) and math.isnan(lower):
        return NOT_REACHED
    words = [
        missing if math.isnan(days) else rounded(days / unit_days, 1)
        for days, missing in (
            (estimate, NOT_REACHED),
            (lower, NOT_ESTIMABLE),
            (upper, NOT_REACHED),
        )
    ]
    return f"{words[0]} ({words[1]}{DASH}{words[2]})"


def p_value(p: float) -> str:
    """Write a p value with three decimals."""
    if math.isnan(p):
        return NOTHING
    return f"< {LEAST_P:g}" if p < LEAST_P else rounded(p, 3)


def p_of_test(found: TestResult | None) -> str:
    """Write a p value with the name of its test, or why there is none."""
    if found is None:
        return NOTHING
    if math.isnan(found.p_value):
        return f"no test: {found.note}" if found.note else NOTHING
    return f"{p_value(found.p_value)} ({found.name})"
