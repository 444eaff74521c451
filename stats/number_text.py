"""Numbers as tables and figures print them: rounded half up, a true minus, a dash for nothing."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from stats.result import TestResult

DASH: Final = "–"  # noqa: RUF001 - the dash of ranges
NOTHING: Final = "—"
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
