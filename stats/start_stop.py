"""Rows of start-stop data: a covariate that changes while a subject is observed.

With response as such a covariate nobody is credited with the time before it: the way out of
immortal-time bias that uses all subjects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stats.event_time import SurvivalError, as_floats, label_codes, times_to_event

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Truths = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class StartStop:
    """Intervals (entry, days] in the order of subjects; ``row`` is each one's row handed in."""

    entry_days: Floats
    days: Floats
    event: Truths
    changed: Truths
    row: Whole
    n_subjects: int
    n_changed: int
    n_missing: int


def split_at_change(days: ArrayLike, event: ArrayLike, change_days: ArrayLike) -> StartStop:
    """Split each subject's time where its state changed, such as at a response.

    Parameters
    ----------
    days, event
        As for `stats.event_time.times_to_event`.
    change_days : (n,) numbers
        When the state changed; missing for those in whom it never did. A change at or after the
        end counts as none, one at or before time zero as there from the beginning.

    Returns
    -------
    StartStop
        For `stats.regression.cox` with ``entry_days``; other covariates are taken by ``row``.
        Where anyone's time is zero all are at risk then: first intervals begin at -1.

    Raises
    ------
    SurvivalError
        For bad times.

    Examples
    --------
    >>> rows = split_at_change([100, 50], [1, 0], [30, None])
    >>> list(zip(rows.entry_days, rows.days, rows.changed, rows.event))
    [(0.0, 30.0, False, False), (30.0, 100.0, True, True), (0.0, 50.0, False, False)]
    """
    change = as_floats(change_days, "change_days")
    data = times_to_event(days, event)
    if change.size != data.kept.size:
        msg = f"{change.size} changes for {data.kept.size} times: give one of each per subject."
        raise SurvivalError(msg)
    change = change[data.kept]
    begin = -1.0 if (data.days == 0).any() else 0.0
    inside = (change > 0) & (change < data.days)  # a missing change is never inside
    place = np.repeat(np.arange(data.days.size), 1 + inside)
    second = np.concatenate([[False], place[1:] == place[:-1]]) if place.size else place == 1
    split = inside[place]
    first = split & ~second
    return StartStop(
        entry_days=np.where(second, change[place], begin),
        days=np.where(first, change[place], data.days[place]),
        event=data.event[place] & ~first,
        changed=second | (change <= 0)[place],
        row=np.flatnonzero(data.kept)[place],
        n_subjects=data.days.size,
        n_changed=int((inside | (change <= 0)).sum()),
        n_missing=data.n_missing,
    )


def refuse_overlaps(
    subject: ArrayLike, entry_days: ArrayLike, days: ArrayLike, event: ArrayLike
) -> None:
    """Refuse start-stop rows in which a subject is at risk twice, or after its event.

    Parameters
    ----------
    subject : (n,) labels
    entry_days, days, event
        As for `stats.event_time.times_to_event`.

    Raises
    ------
    SurvivalError
        Naming the subject and the rows.
    """
    data = times_to_event(days, event, entry_days=entry_days, other=[subject])
    codes, names = label_codes(subject, data.kept)
    rows = np.flatnonzero(data.kept)
    order = np.lexsort((data.entry_days, codes))
    same = codes[order][1:] == codes[order][:-1]
    overlap = same & (data.entry_days[order][1:] < data.days[order][:-1])
    after = same & data.event[order][:-1]
    for found, what in ((overlap, "overlap"), (after, "go on after the event")):
        if found.any():
            at = int(np.flatnonzero(found)[0])
            one, two = rows[order[at]], rows[order[at + 1]]
            name = names[codes[order[at]]]
            msg = (
                f"subject {name}: rows {one} and {two} {what}. Each row begins where the last ends."
            )
            raise SurvivalError(msg)
