"""Two proportions compared as ratios: relative risk and odds ratio, with their intervals."""

from __future__ import annotations

import math

from stats.proportion import CountError
from stats.result import Ratio

Counts = tuple[int, int]


def risk_ratio(first: Counts, second: Counts, level: float = 0.95) -> Ratio:
    """Ratio of two proportions (first to second) with Katz's interval, on the log scale.

    Parameters
    ----------
    first, second : (k, n)
        Successes and trials of the two independent groups.

    Returns
    -------
    Ratio
        NaN with a note where a group has nobody or no success.

    Raises
    ------
    CountError
        If a k is not between 0 and its n, or the level is no share.

    Notes
    -----
    Katz 1978, Biometrics 34:469; equal to R's ``epitools::riskratio.wald``.

    Examples
    --------
    >>> found = risk_ratio((45, 73), (31, 104))
    >>> f"{found.estimate:.2f} ({found.lower:.2f} to {found.upper:.2f})"
    '2.07 (1.46 to 2.93)'
    """
    (a, n), (c, m) = _checked(first, second, level)
    method = "Katz, log scale"
    if not n or not m or not a or not c:
        return _none(first, second, level, method, "a group has nobody or no success")
    log = math.log(a / n) - math.log(c / m)
    return _on_logs(log, 1 / a - 1 / n + 1 / c - 1 / m, (first, second), level, method)


def odds_ratio(first: Counts, second: Counts, level: float = 0.95) -> Ratio:
    """Ratio of two odds (first to second) with Woolf's interval, on the log scale.

    Parameters and Raises as for `risk_ratio`. With an empty cell there is no such interval: use
    `exact_odds_ratio`.

    Notes
    -----
    Woolf 1955, Ann Hum Genet 19:251; the Wald interval of a logistic regression with one factor.

    Examples
    --------
    >>> found = odds_ratio((45, 73), (31, 104))
    >>> f"{found.estimate:.2f} ({found.lower:.2f} to {found.upper:.2f})"
    '3.78 (2.02 to 7.11)'
    """
    (a, n), (c, m) = _checked(first, second, level)
    cells = (a, n - a, c, m - c)
    method = "Woolf, log scale"
    if not all(cells):
        return _none(first, second, level, method, "an empty cell: use the exact interval")
    log = math.log(cells[0] / cells[1]) - math.log(cells[2] / cells[3])
    return _on_logs(log, sum(1 / one for one in cells), (first, second), level, method)


def exact_odds_ratio(first: Counts, second: Counts, level: float = 0.95) -> Ratio:
    """Conditional maximum-likelihood odds ratio with the exact interval that inverts Fisher's test.

    Parameters and Raises as for `risk_ratio`. Limits of 0 and infinity stand for what they are.

    Notes
    -----
    Equal to R's ``fisher.test``. The interval inverts the two one-sided tests, so it may hold 1
    where the two-sided p is below 0.05, and the reverse.
    """
    from scipy.stats.contingency import odds_ratio as conditional

    (a, n), (c, m) = _checked(first, second, level)
    method = "conditional, exact"
    if not n or not m or a + c in (0, n + m):
        return _none(first, second, level, method, "nobody, or all or none are successes")
    found = conditional([[a, c], [n - a, m - c]], kind="conditional")
    limits = found.confidence_interval(level)
    return Ratio(
        float(found.statistic), float(limits.low), float(limits.high), level, method,
        (n, m), (a, c),
    )  # fmt: skip


def _on_logs(
    log: float, variance: float, groups: tuple[Counts, Counts], level: float, method: str
) -> Ratio:
    """Return a ratio with normal limits of its logarithm."""
    from scipy.stats import norm

    half = float(norm.isf((1 - level) / 2)) * math.sqrt(variance)
    (a, n), (c, m) = groups
    estimate, lower, upper = (math.exp(x) for x in (log, log - half, log + half))
    return Ratio(estimate, lower, upper, level, method, (n, m), (a, c))


def _none(first: Counts, second: Counts, level: float, method: str, why: str) -> Ratio:
    """Return a ratio without numbers that says why."""
    nan = math.nan
    groups = ((first[1], second[1]), (first[0], second[0]))
    return Ratio(nan, nan, nan, level, method, *groups, note=why)


def _checked(first: Counts, second: Counts, level: float) -> tuple[Counts, Counts]:
    """Refuse counts and levels that cannot be."""
    for k, n in (first, second):
        if not 0 <= k <= n:
            msg = f"{k} of {n} is not a proportion. Give successes and trials with 0 <= k <= n."
            raise CountError(msg)
    if not 0 < level < 1:
        msg = f"confidence level {level} is not between 0 and 1. Give a share such as 0.95."
        raise CountError(msg)
    return first, second
