"""Times to the first of several events: checked, and the hazard of each cause on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from stats.event_time import SurvivalError, TimesToEvent, as_floats, times_to_event
from stats.regression import CoxFit, cox

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FirstEvents:
    """Complete cases: times, and which event came first (0: none until then)."""

    times: TimesToEvent
    cause: Whole


def first_events(
    days: ArrayLike, cause: ArrayLike, *, other: Sequence[ArrayLike] = ()
) -> FirstEvents:
    """Check times and causes of first events and drop incomplete cases.

    Parameters
    ----------
    days : (n,) numbers
    cause : (n,) whole numbers
        0 for censored, 1, 2, ... for the event that came first; missing allowed.
    other : sequence of (n,) arrays
        Further values of which a missing one drops the case.

    Raises
    ------
    SurvivalError
        For bad times, or causes that are no such numbers.
    """
    codes = as_floats(cause, "cause")
    known = codes[~np.isnan(codes)]
    if (known < 0).any() or (known != np.rint(known)).any():
        msg = "causes must be whole numbers. Code censored times 0 and events 1, 2, ..."
        raise SurvivalError(msg)
    event = np.where(np.isnan(codes), np.nan, codes > 0)
    times = times_to_event(days, event, other=other)
    return FirstEvents(times, codes[times.kept].astype(np.int64))


def cause_specific_cox(
    days: ArrayLike,
    cause: ArrayLike,
    covariates: pd.DataFrame,
    *,
    of_cause: int = 1,
    strata: ArrayLike | None = None,
    reference: Mapping[str, str] | None = None,
    level: float = 0.95,
) -> CoxFit:
    """Hazard ratios of one cause, other causes ending observation as censoring does.

    They say how the rate of the event differs among those still free of any, not how its
    probability does: for that see `stats.fine_gray`.

    Parameters
    ----------
    days, cause
        As for `first_events`.
    covariates, strata, reference, level
        As for `stats.regression.cox`.
    of_cause : int
        The cause whose hazard is modelled.
    """
    codes = as_floats(cause, "cause")
    first_events(days, cause)  # refuses causes that are no codes
    event = np.where(np.isnan(codes), np.nan, codes == of_cause)
    return cox(days, event, covariates, strata=strata, reference=reference, level=level)
