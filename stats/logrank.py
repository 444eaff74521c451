"""Log-rank tests of k groups: plain, stratified, weighted after Fleming and Harrington.

Own code, because statsmodels' ``survdiff`` gives neither what each group should have had nor
weights for late differences, and lifelines knows no strata; R's ``survdiff`` holds the result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stats.event_time import SurvivalError, TimesToEvent, label_codes, times_to_event
from stats.immortal_time import immortal_time_note
from stats.result import TestResult

Floats = NDArray[np.float64]

RANK_TOLERANCE: Final = 1e-9
"""Differences are sums to zero: this share of the largest variance is none but rounding."""


@dataclass(frozen=True, slots=True)
class GroupCount:
    """One group of a log-rank test: its events, and those expected if groups did not differ.

    ``observed`` and ``expected`` are weighted where the test is.
    """

    name: str
    n: int
    events: int
    observed: float
    expected: float


@dataclass(frozen=True, slots=True)
class SurvivalComparison:
    """A log-rank test and the groups that it compared."""

    test: TestResult
    groups: tuple[GroupCount, ...]


def logrank(
    days: ArrayLike, event: ArrayLike, group: ArrayLike, *, strata: ArrayLike | None = None
) -> TestResult:
    """Test whether survival differs between groups; see `compare_survival` for its options."""
    return compare_survival(days, event, group, strata=strata).test


def compare_survival(
    days: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    rho: float = 0.0,
    gamma: float = 0.0,
    entry_days: ArrayLike | None = None,
    group_known_days: ArrayLike | None = None,
) -> SurvivalComparison:
    """Test whether survival differs between groups, with observed and expected events.

    Parameters
    ----------
    days, event, entry_days
        As for `stats.event_time.times_to_event`.
    group : (n,) labels
    strata : (n,) labels, optional
        Groups are compared within strata (stratified log-rank).
    rho, gamma : float
        Weights S^rho (1 - S)^gamma of the pooled curve just before each time (per stratum):
        rho = 1 looks at early differences (Peto and Peto), gamma = 1 at late ones.
    group_known_days : (n,) numbers, optional
        When each subject's group became known, where that was after time zero (such as a group
        by response): a comparison that is open to immortal-time bias says so in its note.

    Returns
    -------
    SurvivalComparison
        Chi-square with (groups - 1) degrees of freedom. NaN with a note where there are fewer
        than two groups at risk of an event, or no event.

    Raises
    ------
    SurvivalError
        For bad times or events, or a negative weight.

    Notes
    -----
    Hypergeometric variance, as R. A group that nobody was left of when the first event came has
    no expected events and no degree of freedom. Fleming and Harrington 1991, chapter 7.
    """
    if rho < 0 or gamma < 0:
        msg = f"weights rho = {rho:g}, gamma = {gamma:g}: give numbers of 0 or more."
        raise SurvivalError(msg)
    others = [group] if strata is None else [group, strata]
    data = times_to_event(days, event, entry_days=entry_days, other=others)
    codes, names = label_codes(group, data.kept)
    within = np.zeros_like(codes) if strata is None else label_codes(strata, data.kept)[0]
    observed, expected = np.zeros(len(names)), np.zeros(len(names))
    variance = np.zeros((len(names), len(names)))
    for stratum in np.unique(within[data.event]):
        seen = _stratum(data, codes, within == stratum, len(names), (rho, gamma))
        observed, expected, variance = observed + seen[0], expected + seen[1], variance + seen[2]
    test = _test(observed - expected, variance, data, _name(strata, rho, gamma))
    if group_known_days is not None:
        test = _warned(test, data, group_known_days)
    n = np.bincount(codes, minlength=len(names))
    events = np.bincount(codes[data.event], minlength=len(names))
    groups = tuple(
        GroupCount(name, int(n[i]), int(events[i]), float(observed[i]), float(expected[i]))
        for i, name in enumerate(names)
    )
    return SurvivalComparison(test, groups)


def _stratum(
    data: TimesToEvent,
    codes: NDArray[np.int64],
    here: NDArray[np.bool_],
    n_groups: int,
    exponents: tuple[float, float],
) -> tuple[Floats, Floats, Floats]:
    """Return weighted observed, expected and variance over the event times of a stratum."""
    times, place = np.unique(data.days[here & data.event], return_inverse=True)
    own = codes[here & data.event]
    died = np.zeros((times.size, n_groups))
    np.add.at(died, (place, own), 1.0)
    at_risk = np.empty_like(died)
    for code in range(n_groups):
        mine = here & (codes == code)
        at_risk[:, code] = mine.sum() - np.searchsorted(np.sort(data.days[mine]), times, "left")
        if data.entered_late:
            entries = np.sort(data.entry_days[mine])
            at_risk[:, code] -= mine.sum() - np.searchsorted(entries, times, "left")
    d, n = died.sum(axis=1), at_risk.sum(axis=1)
    survival = np.concatenate([[1.0], np.cumprod(1 - d / n)[:-1]])
    weight = survival ** exponents[0] * (1 - survival) ** exponents[1]
    share = at_risk / n[:, None]
    spread = weight**2 * d * (n - d) / np.maximum(n - 1, 1)
    variance = np.diag(spread @ share) - (share * spread[:, None]).T @ share
    return weight @ died, (weight * d) @ share, variance


def _test(difference: Floats, variance: Floats, data: TimesToEvent, name: str) -> TestResult:
    """Return the chi-square test; groups that cannot be told apart have no degree of freedom."""
    from scipy.stats import chi2

    n = data.days.size
    spread, direction = np.linalg.eigh(variance)
    told_apart = spread > RANK_TOLERANCE * spread.max(initial=0)
    df = int(told_apart.sum())
    if df == 0:
        why = "fewer than two groups at risk" if data.event.any() else "no events"
        return TestResult(name, math.nan, math.nan, math.nan, n, data.n_missing, why)
    along = (direction.T @ difference)[told_apart]
    statistic = float((along**2 / spread[told_apart]).sum())
    return TestResult(name, float(chi2.sf(statistic, df)), statistic, df, n, data.n_missing)


def _name(strata: ArrayLike | None, rho: float, gamma: float) -> str:
    """Name the test as it is printed beside its p value."""
    name = "log-rank" if strata is None else "stratified log-rank"
    return name if rho == gamma == 0 else f"{name}, Fleming-Harrington ({rho:g}, {gamma:g})"


def _warned(test: TestResult, data: TimesToEvent, known_days: ArrayLike) -> TestResult:
    """Return the test with the warning against immortal time, if there is cause for one."""
    from dataclasses import replace

    note = immortal_time_note(known_days, entry_days=data.entry_days, kept=data.kept)
    return replace(test, note="; ".join(filter(None, (test.note, note))))
