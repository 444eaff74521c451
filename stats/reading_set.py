"""Readings of several readers of the same things, of patients who may have several of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from stats.result import AgreementEstimate

Floats = NDArray[np.float64]
Statistic = Callable[[NDArray[Any]], float]
Transform = tuple[Callable[[float], float], Callable[[float], float]]

FEWEST_PATIENTS: Final = 3

PLAIN: Final[Transform] = (lambda x: x, lambda x: x)
LOG: Final[Transform] = (lambda x: math.log(x) if x > 0 else math.nan, math.exp)
FISHER_Z: Final[Transform] = (
    lambda x: math.atanh(x) if -1 < x < 1 else math.nan,
    math.tanh,
)


class ReadingsError(ValueError):
    """Readings cannot be compared as handed in."""


@dataclass(frozen=True, slots=True)
class Readings:
    """Complete readings: (n, readers) table, and the number of each one's patient.

    ``clustered`` tells whether a patient has more than one.
    """

    table: NDArray[Any]
    patient: NDArray[np.int64]
    n_missing: int

    @property
    def n_patients(self) -> int:
        """Return the number of patients."""
        return int(self.patient.max()) + 1 if self.patient.size else 0

    @property
    def clustered(self) -> bool:
        """Whether a patient has more than one reading."""
        return self.n_patients < self.patient.size

    def estimate(
        self,
        numbers: tuple[float, float, float],
        level: float,
        method: str,
        note: str = "",
    ) -> AgreementEstimate:
        """Return estimate and limits with the counts of these readings."""
        n, readers = self.table.shape
        return AgreementEstimate(
            *numbers, level, method, n, self.n_patients, self.n_missing, readers, note
        )


def complete_readings(
    readings: pd.DataFrame, patient: ArrayLike | None, level: float, *, numbers: bool = True
) -> Readings:
    """Return what all readers have read, checked.

    Parameters
    ----------
    readings : DataFrame, one row per thing that is read, one column per reader
    patient : one id per row, optional
        Missing ids are refused: such a row cannot be said to be of a patient of its own.
    level : float
        Confidence level, only checked.
    numbers
        Whether the readings are numbers; else words are kept as they are.

    Raises
    ------
    ReadingsError
        For fewer than two readers, words for numbers, infinite numbers, ids of another length or
        missing, or a level that is no share.
    """
    if not 0 < level < 1:
        msg = f"level {level} is not a share between 0 and 1, such as 0.95."
        raise ReadingsError(msg)
    if readings.shape[1] < 2:
        msg = f"{readings.shape[1]} column(s) of readings: agreement needs two readers or more."
        raise ReadingsError(msg)
    ids = np.arange(len(readings)) if patient is None else np.asarray(patient, dtype=object)
    if len(ids) != len(readings):
        msg = f"{len(ids)} patients for {len(readings)} rows of readings. Hand in one per row."
        raise ReadingsError(msg)
    if pd.isna(ids).any():
        msg = "a row of readings has no patient. Give every row the id of its patient."
        raise ReadingsError(msg)
    frame = readings
    if numbers:
        try:
            frame = readings.astype("float64")
        except (TypeError, ValueError):
            msg = "readings must be numbers. Leave a cell empty that was not read."
            raise ReadingsError(msg) from None
        if np.isinf(frame.to_numpy()).any():
            msg = "a reading is infinite. Correct it or leave it empty."
            raise ReadingsError(msg)
    kept = np.asarray(frame.notna().all(axis=1))
    values = frame.loc[kept].to_numpy(dtype=np.float64 if numbers else object)
    codes, _ = pd.factorize(ids[kept])
    return Readings(values, np.asarray(codes, dtype=np.int64), int((~kept).sum()))


def jackknife(
    readings: Readings, statistic: Statistic, level: float, transform: Transform = PLAIN
) -> tuple[float, float, float]:
    """Return a statistic with limits from leaving out one patient at a time.

    Parameters
    ----------
    statistic
        From (n, readers) values to a number.
    transform
        To the scale on which the limits are symmetric, and back.

    Returns
    -------
    estimate, lower, upper
        Limits are NaN with fewer than three patients, or where leaving one out leaves no value.

    Notes
    -----
    Patients, not lesions, are independent: the variance is (G - 1) / G times the sum of squares of
    the G leave-one-out values about their mean, with Student's t of G - 1 degrees of freedom
    (Efron and Stein 1981, Ann Stat 9:586). It is deterministic, as a bootstrap is not.
    """
    from scipy.stats import t

    there, back = transform
    whole = statistic(readings.table)
    groups = readings.n_patients
    if groups < FEWEST_PATIENTS or not math.isfinite(whole):
        return whole, math.nan, math.nan
    left_out = np.array(
        [there(statistic(readings.table[readings.patient != one])) for one in range(groups)]
    )
    centre = there(whole)
    error = math.sqrt((groups - 1) / groups * ((left_out - left_out.mean()) ** 2).sum())
    if not math.isfinite(error) or not math.isfinite(centre):
        return whole, math.nan, math.nan
    reach = float(t.isf((1 - level) / 2, groups - 1)) * error
    return whole, back(centre - reach), back(centre + reach)
