"""Numbers as tables and figures print them."""

import pytest

from stats.number_text import time_with_limits
from stats.survival import kaplan_meier

# R 4 (survival), summary(survfit(Surv(days, event) ~ 1))$table: median, 0.95LCL, 0.95UCL
SURVFIT = [
    # days                      events                      R's           expected          why
    ([60], [1], "60 NA NA", "60.0 (n.e.–NR)"),  # noqa: RUF001 - the curve falls at once
    ([5, 9, 10], [0, 0, 1], "10 NA NA", "10.0 (n.e.–NR)"),  # noqa: RUF001
    ([1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 1, 1, 0, 0, 0, 0], "4 3 NA", "4.0 (3.0–NR)"),  # noqa: RUF001
    ([1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 1, 0, 0, 0, 0, 0], "NA 3 NA", "NR (3.0–NR)"),  # noqa: RUF001
    ([1, 2, 3, 4, 5, 6, 7, 8], [1, 0, 0, 0, 0, 0, 0, 0], "NA NA NA", "NR"),  # nothing to limit
    ([5, 9], [0, 0], "NA NA NA", "NR"),
]


@pytest.mark.parametrize(("days", "event", "of_r", "expected"), SURVFIT)
def test_a_missing_lower_limit_is_not_estimable_and_never_not_reached(days, event, of_r, expected):
    found = kaplan_meier(days, event).median()
    mine = (found.estimate, found.lower, found.upper)
    assert " ".join("NA" if x != x else f"{x:g}" for x in mine) == of_r
    assert time_with_limits(*mine, unit_days=1) == expected
