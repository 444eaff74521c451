"""Arrays of lesions or cases by visit, laid out visit after visit.

All lesions of one visit lie side by side in memory, so that a rule over visits takes each visit in
one stroke: several times faster than a few visits at a time, lesion by lesion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assessment.code import Anything, Bools, Ints, choose

BITS, NARROW_BITS = 62, 30
"""Of a whole number, and of half of one, for counts packed side by side."""


LARGEST_NARROW = 10_000_000
"""Hundred times such a value, and sums of several, still fit into half of a whole number."""


def by_visit(values: Anything) -> Anything:
    """Return an array laid out visit after visit."""
    return np.asfortranarray(values)


def rows_of(values: Anything, index: Ints) -> Anything:
    """Return some rows of an array, laid out visit after visit."""
    return np.take(values.T, index, axis=-1).T


def filled(shape: tuple[int, ...], value: object, dtype: object) -> Anything:
    """Return an array of one value, laid out visit after visit."""
    found = np.empty(shape, dtype=dtype, order="F")  # type: ignore[call-overload]
    found.fill(value)
    return np.asarray(found)


def ever(flags: Bools) -> Bools:
    """Return whether the flag was set at the visit or at any before it."""
    found = np.empty(flags.shape, dtype=bool, order="F")
    for rank in range(flags.shape[1]):
        found[:, rank] = flags[:, rank] if rank == 0 else found[:, rank - 1] | flags[:, rank]
    return found


def earlier(flags: Bools) -> Bools:
    """Return whether the flag was set at any earlier visit."""
    found = np.zeros(flags.shape, dtype=bool, order="F")
    for rank in range(1, flags.shape[1]):
        found[:, rank] = found[:, rank - 1] | flags[:, rank - 1]
    return found


def lowest_earlier(values: Ints, none: int) -> Ints:
    """Return the smallest value at any earlier visit; `none` at the first."""
    found = filled(values.shape, none, values.dtype)
    for rank in range(1, values.shape[1]):
        found[:, rank] = np.minimum(found[:, rank - 1], values[:, rank - 1])
    return np.asarray(found)


def highest_earlier(values: Ints, none: int) -> Ints:
    """Return the largest value at any earlier visit; `none` at the first."""
    found = filled(values.shape, none, values.dtype)
    for rank in range(1, values.shape[1]):
        found[:, rank] = np.maximum(found[:, rank - 1], values[:, rank - 1])
    return np.asarray(found)


def first_rank(flags: Bools) -> Ints:
    """Return the first visit whose flag is set, 0 where none is."""
    return np.maximum(rank_of_first(flags), 0)


def rank_of_first(flags: Bools) -> Ints:
    """Return the first visit whose flag is set, -1 where none is."""
    flags = by_visit(flags)
    found = np.full(len(flags), -1, dtype=np.min_scalar_type(-flags.shape[1]))
    for rank in range(flags.shape[1] - 1, -1, -1):
        found = choose(flags[:, rank], rank, found)
    return found.astype(np.int64)


def places_where(flags: Bools) -> tuple[Ints, Ints]:
    """Return row and rank of the cells that are flagged, visit after visit."""
    rank, row = np.divmod(np.flatnonzero(flags.T), max(len(flags), 1))
    return row, rank


def per_case(amount: Anything, bounds: Ints) -> Anything:
    """Return sums over the lesions of each case; lesions are sorted by case.

    Parameters
    ----------
    amount : (lesion, ...) whole numbers; in half as wide ones none exceeds `LARGEST_NARROW`
    bounds : (case + 1,) first lesion of each case, and the end; a case may have none
    """
    most = int(np.diff(bounds).max(initial=0))
    narrow = amount.dtype.itemsize <= 4 and most * LARGEST_NARROW < 2**31
    return sums_of_case(amount, bounds, np.int32 if narrow else np.int64).astype(np.int64)


def sums_of_case(amount: Anything, bounds: Ints, dtype: Any = None) -> Anything:
    """Return such sums in the type of the amounts, or in another."""
    start = bounds[:-1]
    some = np.flatnonzero(bounds[1:] > start)
    if len(some) == len(start) and len(start):
        return np.add.reduceat(amount.T, start, axis=-1, dtype=dtype).T
    found = filled((len(start), *amount.shape[1:]), 0, dtype or amount.dtype)
    if len(some):
        found[some] = np.add.reduceat(amount, start[some], axis=0, dtype=dtype)
    return found


def sums_of_members(amount: Anything, member: Bools, bounds: Ints) -> Anything:
    """Return such sums over the member lesions, in the type of the amounts (lesion, rank)."""
    found = filled((len(bounds) - 1, amount.shape[1]), 0, amount.dtype)
    for rank in range(amount.shape[1]):  # one visit at a time stays in the cache
        found[:, rank] = sums_of_case(amount[:, rank] * member, bounds, amount.dtype)
    return found


def any_of_case(flags: Bools, bounds: Ints) -> Bools:
    """Return whether any lesion of each case is flagged; lesions are sorted by case.

    Parameters
    ----------
    flags : (lesion, ...) array
    bounds : (case + 1,) first lesion of each case, and the end; a case may have none
    """
    if not flags.any():
        return np.asarray(filled((len(bounds) - 1, *flags.shape[1:]), value=False, dtype=bool))
    return np.asarray(sums_of_case(flags, bounds, np.bool_))


@dataclass(frozen=True, slots=True)
class Cells:
    """Some cells of (case, rank) arrays, case by case, as rows: their case, rank and place.

    Attributes
    ----------
    place : of each cell in an array that is laid out visit after visit
    """

    case: Ints
    rank: Ints
    place: Ints

    @classmethod
    def where(cls, flags: Bools) -> Cells:
        """Return the cells that are flagged."""
        n, depth = flags.shape
        case, rank = np.divmod(np.flatnonzero(flags.ravel(order="C")), max(depth, 1))
        return cls(case, rank, rank * n + case)

    def kept(self, rows: Bools) -> Cells:
        """Return some of the cells."""
        return Cells(self.case[rows], self.rank[rows], self.place[rows])

    def of(self, values: Anything) -> Anything:
        """Return the values at the cells: many times faster than by case and rank."""
        return values.T.ravel().take(self.place)


@dataclass(frozen=True, slots=True)
class Packed:
    """Flags of every lesion and visit, packed so that they are counted together.

    Attributes
    ----------
    numbers : (lesion, rank) arrays, each with so many flags as fit side by side
    width : bits that the count of one flag may need
    n : how many flags there are
    """

    numbers: tuple[Ints, ...]
    width: int
    n: int

    @property
    def at_once(self) -> int:
        """How many flags stand in one number."""
        return max(BITS // self.width, 1)

    def counts(self, member: Bools, bounds: Ints) -> list[Ints]:
        """Return how many member lesions of each case have each flag."""
        mask = (1 << self.width) - 1
        totals = [sums_of_members(numbers, member, bounds) for numbers in self.numbers]
        places = (divmod(flag, self.at_once) for flag in range(self.n))
        return [(totals[number] >> (place * self.width)) & mask for number, place in places]


def packed(flags: Sequence[Bools], bounds: Ints) -> Packed:
    """Return flags of lesions side by side; no case has more lesions than the bounds say."""
    most = int(np.diff(bounds).max(initial=0))
    empty = Packed((), max(most.bit_length(), 1), len(flags))
    numbers = []
    for start in range(0, len(flags), empty.at_once):
        group = flags[start : start + empty.at_once]
        narrow = empty.width * len(group) < NARROW_BITS
        kind: Any = np.int32 if narrow else np.int64
        whole = group[0].astype(kind, order="F")
        for place, flag in enumerate(group[1:], 1):
            for rank in range(whole.shape[1]):  # one visit at a time stays in the cache
                bits = flag[:, rank].astype(kind)
                bits <<= place * empty.width
                whole[:, rank] += bits
        numbers.append(whole)
    return Packed(tuple(numbers), empty.width, len(flags))
