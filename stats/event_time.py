"""Times to event as they are handed in: checked, complete, near ties made equal.

lifelines has no tolerance for ties: two dates that differ in the last bit would be two times.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Truths = NDArray[np.bool_]

TIE_TOLERANCE: Final = math.sqrt(np.finfo(np.float64).eps)
"""Times this close, absolutely or relative to the mean time, are one time (R's ``timefix``)."""


class SurvivalError(ValueError):
    """Times to event cannot be analysed as handed in."""


@dataclass(frozen=True, slots=True)
class TimesToEvent:
    """Complete cases in the order handed in, ties within tolerance made equal.

    ``entry_days`` is minus infinity where observation began with the clock; ``kept`` tells the
    complete cases among those handed in.
    """

    entry_days: Floats
    days: Floats
    event: Truths
    kept: Truths
    n_missing: int

    @property
    def entered_late(self) -> bool:
        """Whether anyone came under observation after time zero was known to begin."""
        return bool(np.isfinite(self.entry_days).any())


def times_to_event(
    days: ArrayLike,
    event: ArrayLike,
    *,
    entry_days: ArrayLike | None = None,
    other: Sequence[ArrayLike] = (),
) -> TimesToEvent:
    """Check times and events, drop incomplete cases and make near ties equal.

    Parameters
    ----------
    days : (n,) numbers
        Time to event or censoring in any unit, not negative; missing allowed.
    event : (n,) truth values
        Whether the event was seen; missing allowed.
    entry_days : (n,) numbers, optional
        When observation began (left truncation, start-stop data); at risk in (entry, days].
    other : sequence of (n,) arrays
        Further values of which a missing one drops the case.

    Raises
    ------
    SurvivalError
        If lengths differ, a time is negative or infinite, an event is neither true nor false, or
        an entry is not before its end.
    """
    time = as_floats(days, "days")
    seen = as_floats(event, "event")
    entry = None if entry_days is None else as_floats(entry_days, "entry_days")
    if time.shape != seen.shape or any(len(np.asarray(o)) != time.size for o in other):
        msg = f"{time.size} times, {seen.size} events: give one of each per subject."
        raise SurvivalError(msg)
    kept = ~(np.isnan(time) | np.isnan(seen))
    for values in other:
        kept &= ~is_missing(values)
    if entry is not None:
        _refuse_bad_entries(entry, time)
        kept &= ~np.isnan(entry)
    if (time[kept] < 0).any() or np.isinf(time[kept]).any():
        row = int(np.flatnonzero(kept & ((time < 0) | np.isinf(time)))[0])
        msg = f"row {row}: time to event {time[row]:g} is negative or infinite. Check its dates."
        raise SurvivalError(msg)
    if not np.isin(seen[kept], (0, 1)).all():
        msg = "an event is neither true nor false. Code events 1 and censored times 0."
        raise SurvivalError(msg)
    begin, end = _without_near_ties(None if entry is None else entry[kept], time[kept])
    return TimesToEvent(
        entry_days=begin,
        days=end,
        event=seen[kept].astype(np.bool_),
        kept=kept,
        n_missing=int((~kept).sum()),
    )


def as_floats(values: ArrayLike, what: str) -> Floats:
    """Return a column of numbers or truth values as floats, missing as NaN."""
    import pandas as pd

    array = np.asarray(values)
    if array.dtype.kind in "fiub":  # a million numbers need no look at each
        return array.astype(np.float64)
    try:
        numbers = pd.to_numeric(pd.Series(np.asarray(values, dtype=object)), errors="raise")
    except (TypeError, ValueError) as error:
        msg = f"{what} must be numbers or true and false: {error}."
        raise SurvivalError(msg) from None
    return np.asarray(numbers.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan))


def is_missing(values: ArrayLike) -> Truths:
    """Return which entries are missing, whatever their type."""
    import pandas as pd

    missing: Callable[[Any], Any] = pd.isna
    array = np.asarray(values)
    if array.dtype.kind in "fiub":
        return np.isnan(array) if array.dtype.kind == "f" else np.zeros(array.shape, np.bool_)
    return np.asarray(missing(np.asarray(values, dtype=object)), dtype=np.bool_)


def distinct_times(times: Floats) -> Floats:
    """Return the distinct times in order; by a hash table, as a million days are few of them."""
    import pandas as pd

    return np.sort(np.asarray(pd.unique(times), dtype=np.float64))


def label_codes(labels: ArrayLike, kept: Truths) -> tuple[Whole, tuple[str, ...]]:
    """Return labels of complete cases as whole numbers, and the labels, sorted as words."""
    import pandas as pd

    array = np.asarray(labels)
    if array.dtype.kind in "iubf":  # a million numbers are few different words
        numbers = np.sort(np.asarray(pd.unique(array[kept])))
        written = [str(number) for number in numbers.tolist()]
        order = np.argsort(written, kind="stable")
        place = np.empty(numbers.size, np.int64)
        place[order] = np.arange(numbers.size)
        return place[np.searchsorted(numbers, array[kept])], tuple(written[i] for i in order)
    words = pd.Series(np.asarray(labels, dtype=object)[kept]).astype(str).astype("category")
    return (
        np.asarray(words.cat.codes, dtype=np.int64),
        tuple(str(name) for name in words.cat.categories),
    )


def _refuse_bad_entries(entry: Floats, time: Floats) -> None:
    """Refuse entries of another length or not before their end."""
    if entry.shape != time.shape:
        msg = f"{entry.size} entry times for {time.size} times: give one per row."
        raise SurvivalError(msg)
    if np.isinf(entry).any():
        row = int(np.flatnonzero(np.isinf(entry))[0])
        msg = f"row {row}: enters at {entry[row]:g}. Give a time before the first event instead."
        raise SurvivalError(msg)
    late = np.flatnonzero(entry >= time)
    if late.size:
        row = int(late[0])
        msg = (
            f"row {row}: enters at {entry[row]:g}, not before its end at {time[row]:g}. "
            "Nobody is at risk for no time: drop the row or check its dates."
        )
        raise SurvivalError(msg)


def _without_near_ties(entry: Floats | None, time: Floats) -> tuple[Floats, Floats]:
    """Return entries and times, those within the tolerance made equal (R's ``aeqSurv``)."""
    both = time if entry is None else np.concatenate([entry, time])
    distinct = distinct_times(both)
    gaps = np.diff(distinct)
    mean = float(np.abs(distinct).mean()) if distinct.size else 0.0
    tied = (gaps <= TIE_TOLERANCE) | (gaps <= TIE_TOLERANCE * mean)
    if tied.any():
        cuts = distinct[np.concatenate([[True], ~tied])]
        both = cuts[np.searchsorted(cuts, both, side="right") - 1]
    if entry is None:
        return np.full(time.size, -np.inf), both
    begin, end = both[: entry.size], both[entry.size :]
    if (begin >= end).any():
        msg = "an entry and its end differ by less than rounding. Check the unit of the times."
        raise SurvivalError(msg)
    return begin, end
