"""Guard against immortal time: groups by what was seen only after the clock had started."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stats.event_time import SurvivalError, as_floats


def immortal_time_note(
    known_days: ArrayLike,
    *,
    entry_days: NDArray[np.float64] | None = None,
    kept: NDArray[np.bool_] | None = None,
) -> str:
    """Say that a comparison credits groups with time in which nobody of them could die.

    Parameters
    ----------
    known_days : (n,) numbers
        When each subject's group became known, on the clock of the survival times; missing where
        it was known from the beginning.
    entry_days : (complete cases,) numbers, optional
        When observation began; minus infinity or absent means at time zero.
    kept : (n,) truth values, optional
        The complete cases.

    Returns
    -------
    str
        Empty where every group was known when its subject's observation began.

    Notes
    -----
    Anderson 1983, J Clin Oncol 1:710: responders must live long enough to respond.
    """
    known = as_floats(known_days, "group_known_days")
    if kept is not None:
        if known.size != kept.size:
            msg = f"{known.size} days of knowledge for {kept.size} subjects: give one for each."
            raise SurvivalError(msg)
        known = known[kept]
    begin = np.zeros(known.size) if entry_days is None else np.maximum(entry_days, 0)
    late = known > begin
    if not late.any():
        return ""
    return (
        f"immortal-time bias: the group of {int(late.sum())} of {known.size} subjects was known "
        f"only up to {float((known - begin)[late].max()):g} days after their time began; "
        "use a landmark (stats.landmark) or a time-dependent covariate (stats.start_stop)"
    )
