"""Proportions with exact and score intervals, and the difference of two."""

from __future__ import annotations

import math

from stats.result import Difference, Proportion


class CountError(ValueError):
    """A count cannot be a number of successes out of that many trials."""


def clopper_pearson(k: int, n: int, level: float = 0.95, *, n_missing: int = 0) -> Proportion:
    """Proportion of k in n with its exact (Clopper-Pearson) interval.

    Parameters
    ----------
    k, n : int
        Successes and trials, 0 <= k <= n. For n = 0 the proportion and its limits are NaN.
    level : float
        Confidence level, as a share.
    n_missing : int
        Subjects of whom it is not known; they are not in n and only passed on.

    Raises
    ------
    CountError
        If k is not between 0 and n.

    Notes
    -----
    Clopper and Pearson 1934, Biometrika 26:404; equal to R's ``binom.test``.

    Examples
    --------
    >>> orr = clopper_pearson(45, 73)
    >>> f"{orr.estimate:.3f} ({orr.lower:.3f}-{orr.upper:.3f})"
    '0.616 (0.495-0.728)'
    """
    from scipy.stats import beta

    _check(k, n, level)
    method = "Clopper-Pearson"
    if n == 0:
        return Proportion(math.nan, math.nan, math.nan, level, method, 0, 0, n_missing)
    tail = (1 - level) / 2
    lower = float(beta.ppf(tail, k, n - k + 1)) if k > 0 else 0.0
    upper = float(beta.isf(tail, k + 1, n - k)) if k < n else 1.0
    return Proportion(k / n, lower, upper, level, method, k, n, n_missing)


def wilson(k: int, n: int, level: float = 0.95, *, n_missing: int = 0) -> Proportion:
    """Proportion of k in n with its score interval, without continuity correction.

    Parameters and Raises as for `clopper_pearson`.

    Notes
    -----
    Wilson 1927, J Am Stat Assoc 22:209; equal to R's ``prop.test(correct = FALSE)``.
    """
    from scipy.stats import norm

    _check(k, n, level)
    if n == 0:
        return Proportion(math.nan, math.nan, math.nan, level, "Wilson", 0, 0, n_missing)
    z = float(norm.isf((1 - level) / 2))
    share = k / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    lower = 0.0 if k == 0 else centre - half
    upper = 1.0 if k == n else centre + half
    return Proportion(share, lower, upper, level, "Wilson", k, n, n_missing)


def newcombe(first: tuple[int, int], second: tuple[int, int], level: float = 0.95) -> Difference:
    """Difference of two proportions (first minus second) with Newcombe's hybrid score interval.

    Parameters
    ----------
    first, second : (k, n)
        Successes and trials of the two independent groups.

    Raises
    ------
    CountError
        If a k is not between 0 and its n.

    Notes
    -----
    Newcombe 1998, Stat Med 17:873, method 10 (without continuity correction).

    Examples
    --------
    >>> gain = newcombe((56, 70), (48, 80))
    >>> f"{gain.estimate:.4f} ({gain.lower:.4f} to {gain.upper:.4f})"
    '0.2000 (0.0524 to 0.3339)'
    """
    one, two = wilson(*first, level), wilson(*second, level)
    gap = one.estimate - two.estimate
    below = math.hypot(one.estimate - one.lower, two.upper - two.estimate)
    above = math.hypot(one.upper - one.estimate, two.estimate - two.lower)
    return Difference(
        estimate=gap,
        lower=gap - below,
        upper=gap + above,
        level=level,
        method="Newcombe hybrid score",
        n=(one.n, two.n),
        events=(one.events, two.events),
    )


def _check(k: int, n: int, level: float) -> None:
    """Refuse counts and levels that cannot be."""
    if not 0 <= k <= n:
        msg = f"{k} of {n} is not a proportion. Give successes and trials with 0 <= k <= n."
        raise CountError(msg)
    if not 0 < level < 1:
        msg = f"confidence level {level} is not between 0 and 1. Give a share such as 0.95."
        raise CountError(msg)
