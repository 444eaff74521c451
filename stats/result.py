"""What an analysis returns: a number never travels without its interval, method and counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class TestResult:
    """A p value with the name of the test that gave it.

    ``p_value`` is NaN where the test could not be made; ``note`` then says why.
    """

    __test__: ClassVar[bool] = False  # pytest would collect the class by its name

    name: str
    p_value: float
    statistic: float
    df: float
    n: int
    n_missing: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share of n, with its interval."""

    estimate: float
    lower: float
    upper: float
    level: float
    method: str
    events: int
    n: int
    n_missing: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between two groups (first minus second), with its interval."""

    estimate: float
    lower: float
    upper: float
    level: float
    method: str
    n: tuple[int, int]
    events: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of two groups (first to second), with its interval; NaN with a note where none is."""

    estimate: float
    lower: float
    upper: float
    level: float
    method: str
    n: tuple[int, int]
    events: tuple[int, int]
    note: str = ""


@dataclass(frozen=True, slots=True)
class AgreementEstimate:
    """A measure of agreement of readers, with its interval; NaN with a note where there is none.

    ``n`` counts what was read (lesions, images), ``n_patients`` the patients whom they are of: the
    interval treats patients as independent, not lesions.
    """

    estimate: float
    lower: float
    upper: float
    level: float
    method: str
    n: int
    n_patients: int
    n_missing: int
    n_readers: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Quantile:
    """The time by which a share of the subjects had the event; NaN where it is unknown."""

    probability: float
    estimate: float
    lower: float
    upper: float
    level: float
    method: str
    n: int
    events: int
    n_missing: int
