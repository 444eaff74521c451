"""Survival from a later moment on: from a landmark, or from an event such as a progression.

Both keep only those who got there; the groups compared may use what was seen until then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stats.event_time import SurvivalError, as_floats, times_to_event

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LaterCohort:
    """Those still followed at a later moment, their clock set to zero there.

    ``kept`` tells them among the rows handed in; ``n_event_before`` and ``n_censored_before`` of
    the others had their end before (or at) that moment, ``n_never`` never reached it.
    """

    days: Floats
    event: Truths
    kept: Truths
    n_event_before: int
    n_censored_before: int
    n_never: int
    n_missing: int


def landmark(days: ArrayLike, event: ArrayLike, landmark_days: float) -> LaterCohort:
    """Keep those who are alive and followed beyond a landmark, with their time from it.

    Parameters
    ----------
    days, event
        As for `stats.event_time.times_to_event`.
    landmark_days : float
        The landmark, in the unit of the times; to be chosen before looking at the data.

    Returns
    -------
    LaterCohort
        A Kaplan-Meier curve of it is survival conditional on having reached the landmark.

    Raises
    ------
    SurvivalError
        For bad times, or a landmark that is negative or beyond every time.

    Examples
    --------
    >>> cohort = landmark([30, 100, 200], [1, 0, 1], 84)
    >>> cohort.days.tolist(), cohort.n_event_before
    ([16.0, 116.0], 1)
    """
    data = times_to_event(days, event)
    if not 0 <= landmark_days < data.days.max(initial=0.0):
        last = data.days.max(initial=0.0)
        msg = (
            f"landmark {landmark_days:g} is not within the follow-up, 0 to {last:g}. "
            "Choose one within it."
        )
        raise SurvivalError(msg)
    beyond = data.days > landmark_days
    kept = data.kept.copy()
    kept[data.kept] = beyond
    return LaterCohort(
        days=data.days[beyond] - landmark_days,
        event=data.event[beyond],
        kept=kept,
        n_event_before=int((data.event & ~beyond).sum()),
        n_censored_before=int((~data.event & ~beyond).sum()),
        n_never=0,
        n_missing=data.n_missing,
    )


def state_at_landmark(change_days: ArrayLike, landmark_days: float) -> Truths:
    """Tell who had changed state, such as responded, by a landmark.

    Parameters
    ----------
    change_days : (n,) numbers
        When the change was seen; missing for those who never changed. A change after the
        landmark does not count: to use it would be looking into the future.
    """
    change = as_floats(change_days, "change_days")
    return np.asarray(~np.isnan(change) & (change <= landmark_days))


def after_event(first_days: ArrayLike, days: ArrayLike, event: ArrayLike) -> LaterCohort:
    """Keep those who had a first event, with their time from it to the end, such as to death.

    Parameters
    ----------
    first_days : (n,) numbers
        When the first event (such as progression) was seen; missing for those without.
    days, event
        Time to the end and whether it was an event, on the same clock.

    Returns
    -------
    LaterCohort
        Who dies at the time of the first event itself is kept, with time zero.

    Raises
    ------
    SurvivalError
        For bad times, or a first event after the end.

    Notes
    -----
    Arms of this cohort are no longer randomised: those who progressed differ between them.
    """
    first = as_floats(first_days, "first_days")
    data = times_to_event(days, event)
    if first.size != data.kept.size:
        msg = f"{first.size} first events for {data.kept.size} times: give one of each per subject."
        raise SurvivalError(msg)
    begin = first[data.kept]
    late = np.flatnonzero(begin > data.days)
    if late.size:
        row = int(np.flatnonzero(data.kept)[late[0]])
        msg = (
            f"row {row}: first event at {begin[late[0]]:g}, after the end at "
            f"{data.days[late[0]]:g}. Check its dates."
        )
        raise SurvivalError(msg)
    had = ~np.isnan(begin)
    kept = data.kept.copy()
    kept[data.kept] = had
    return LaterCohort(
        days=data.days[had] - begin[had],
        event=data.event[had],
        kept=kept,
        n_event_before=int((data.event & ~had).sum()),
        n_censored_before=int((~data.event & ~had).sum()),
        n_never=int((~had).sum()),
        n_missing=data.n_missing,
    )
