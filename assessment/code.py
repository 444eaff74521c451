"""Words of the field as small whole numbers, so that arrays of them can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]
Texts: TypeAlias = NDArray[Any]
"""Text: arrays of objects, or of fixed-width text where numpy makes them."""
Anything: TypeAlias = NDArray[Any]

RESPONSES = (
    "CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE", "NED", "NA",
    "iCR", "iPR", "iSD", "iNON-CR/NON-PD", "iUPD", "iCPD",
)  # fmt: skip
"""Words of response; those from `iCR` on are of iRECIST alone."""
CR, PR, SD, NON_CR_NON_PD, PD, NE, NED, NA, I_CR, I_PR, I_SD, I_NON_CR_NON_PD, I_UPD, I_CPD = range(
    14
)
NONE = -1
"""No response: the baseline, or a visit that is not there."""

NEW_WORDS = ("no", "yes", "equivocal", "not_assessed")
NEW_NO, NEW_YES, NEW_EQUIVOCAL, NEW_NOT_ASSESSED = range(4)

ROLE_WORDS = ("target", "non-target", "new", "none")
TARGET, NON_TARGET, NEW, NO_ROLE = range(4)

NOT_MEASURED = -1
"""Stands for a length where there is none."""

NO_DAY = int(np.iinfo(np.int64).min)
"""Stands for a date where there is none (days since 1970-01-01)."""


TICKS_A_DAY = 86_400 * 10**9
"""Nanoseconds."""


AT_ONCE = 32_768
"""So many values stay in the cache of a processor from one step to the next."""


def days_of(dates: Any) -> Ints:
    """Return whole days since 1970-01-01, NO_DAY where there is no date."""
    ticks = np.asarray(dates, dtype="datetime64[ns]").view(np.int64)
    days = ticks // TICKS_A_DAY
    days[ticks == NO_DAY] = NO_DAY  # not-a-time is the smallest number, and so is NO_DAY
    return days


def dates_of(days: Ints) -> NDArray[np.datetime64]:
    """Return dates from whole days since 1970-01-01; NO_DAY becomes not-a-time."""
    return days.astype("datetime64[D]").astype("datetime64[ns]")


def scaled(values: Floats, per_unit: int, narrow: int) -> Ints:
    """Return values as whole steps, so many in a unit, NOT_MEASURED where there is none.

    Parameters
    ----------
    narrow : if none is larger, half as wide numbers do
    """
    low, top = np.fmin.reduce(values, initial=0.0), np.fmax.reduce(values, initial=0.0)
    if not (np.isfinite(low * per_unit) and np.isfinite(top * per_unit)):
        values = np.where(np.isfinite(values * per_unit), values, np.nan)
        low, top = np.fmin.reduce(values, initial=0.0), np.fmax.reduce(values, initial=0.0)
    kind: Any = np.int32 if np.rint(top * per_unit) <= narrow else np.int64
    found = np.empty(len(values), dtype=kind)
    for begin in range(0, len(values), AT_ONCE):
        steps = values[begin : begin + AT_ONCE] * per_unit
        np.rint(steps, out=steps)
        if low == 0.0:
            np.fmax(steps, NOT_MEASURED, out=steps)  # takes the place of NaN alone, and is fast
        else:
            np.copyto(steps, NOT_MEASURED, where=np.isnan(steps))
        found[begin : begin + AT_ONCE] = steps
    return found


def written(values: Ints, per_unit: int = 100) -> Texts:
    """Return whole steps as text, such as 46.2: one decimal, more only if they are needed.

    Parameters
    ----------
    per_unit : steps in a unit, a power of ten; by default hundredths of a millimetre
    """
    unique, inverse = np.unique(values, return_inverse=True)
    places = len(str(per_unit)) - 1
    text = []
    for value in unique.tolist():
        decimals = f"{value % per_unit:0{places}d}".rstrip("0") or "0"
        text.append(f"{value // per_unit}.{decimals}")
    return np.array([*text, ""], dtype=object)[inverse].reshape(values.shape)


def choose(condition: Bools, one: Anything | int, other: Anything | int) -> Anything:
    """Return one whole number where a condition holds, the other elsewhere, as `np.where` does.

    Without a branch: where the condition follows no pattern, several times faster, and most of all
    for codes in narrow types. The type is that of the arrays; two plain numbers make int64.
    """
    kinds = [value.dtype for value in (one, other) if isinstance(value, np.ndarray)]
    kind = kinds[0] if kinds else np.dtype(np.int64)
    if len(kinds) == 2 and kinds[1] != kind:
        kind = np.result_type(*kinds)
    mask = condition.astype(kind)
    np.negative(mask, out=mask)
    if not kinds:
        mask &= np.int64(int(one) ^ int(other))
    else:
        differ = one ^ other
        if mask.shape != differ.shape:  # type: ignore[union-attr]
            return other ^ (differ & mask)
        mask &= differ
    mask ^= other
    return mask


def first_code(conditions: Sequence[Bools], codes: Sequence[int], default: int) -> Anything:
    """Return the code (int8) of the first condition that holds, else the default."""
    found = np.full_like(conditions[0], default, dtype=np.int8)
    for condition, code in zip(reversed(conditions), reversed(codes), strict=True):
        if condition.any():
            found = choose(condition, code, found)
    return found


def percent_of(part: Ints, whole: Ints, known: Bools) -> Floats:
    """Return 100 part / whole as a number to be shown, NaN where unknown or divided by zero."""
    fine = known & (whole > 0)
    return np.where(fine, 100.0 * part / np.where(fine, whole, 1), np.nan)
