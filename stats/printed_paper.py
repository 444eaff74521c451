"""Printed cells found by their place: counts, levels and arms of a paper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import numpy as np
from numpy.typing import NDArray

from stats.printed_number import PrintedNumber
from stats.printed_table import (
    Cell,
    Place,
    Printed,
    PrintedTableError,
    evened,
    is_no_count,
    listed,
    means_missing,
)

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Paper:
    """An index over the cells of a paper."""

    printed: Printed
    groups: dict[Place, dict[str, Cell]]
    names: dict[str, str]
    levels: dict[tuple[str, str], tuple[str, ...]]
    arms: dict[tuple[str, str], tuple[str, ...]]
    partitions: frozenset[Place]

    @classmethod
    def of(cls, printed: Printed) -> Self:
        """Index a paper; where a place says a thing twice, its own row and the first one count."""
        groups: dict[Place, dict[str, Cell]] = {}
        for cell in sorted(printed.cells, key=lambda c: not c.own):
            groups.setdefault(cell.place, {}).setdefault(cell.statistic, cell)
        names: dict[str, str] = {"": "overall"}
        levels: dict[tuple[str, str], dict[str, None]] = {}
        arms: dict[tuple[str, str], dict[str, None]] = {}
        for row in printed.rows:
            for name in row.names:
                names.setdefault(evened(name), name)
            key = (row.place.table, row.place.variable)
            levels.setdefault(key, {})[row.place.level] = None
            arms.setdefault(key, {})[row.place.arm] = None
        partitions = frozenset(row.place for row in printed.rows if row.partition)
        return cls(
            printed,
            groups,
            names,
            {key: tuple(found) for key, found in levels.items()},
            {key: tuple(found) for key, found in arms.items()},
            partitions,
        )

    def cell(self, place: Place, statistic: str) -> Cell | None:
        """Return what is printed at a place, or None."""
        return self.groups.get(place, {}).get(statistic)

    def value(self, place: Place, statistic: str) -> PrintedNumber | None:
        """Return a printed number without relation, or None."""
        found = self.cell(place, statistic)
        return found.number if found and found.number.relation == "=" else None

    def count(self, place: Place) -> int | None:
        """Return the count at a place: as printed, else the only one that its percentage allows."""
        k = self.value(place, "k")
        if k is not None:
            return int(k.value) if k.value.denominator == 1 and k.value >= 0 else None
        percent, n = self.value(place, "percent"), self.size(place)
        if percent is None or not n or is_no_count(place):
            return None
        fits = possible_counts(percent, n)
        return fits[0] if len(fits) == 1 else None

    def size(self, place: Place) -> int | None:
        """Return the number of subjects at a place, that of its count first."""
        group = self.groups.get(place, {})
        order = sorted(group.values(), key=lambda c: (c.statistic != "k", c.statistic != "percent"))
        return next((cell.n for cell in order if cell.n is not None), None)

    def missing(self, place: Place) -> int:
        """Return the subjects of whom the variable is printed to be missing."""
        every = self.levels.get((place.table, place.variable), ())
        found = [self.count(place.at(level=one)) for one in every if means_missing(one)]
        return sum(k for k in found if k)

    def known_levels(self, place: Place) -> tuple[str, ...]:
        """Return the levels of a variable but the missing, without the variable itself."""
        every = self.levels.get((place.table, place.variable), ())
        return tuple(one for one in every if one and not means_missing(one))

    def counted_arms(self, place: Place) -> tuple[str, ...]:
        """Return the arms, not overall, in which a place has a count."""
        every = self.arms.get((place.table, place.variable), ())
        return tuple(arm for arm in every if arm and self.count(place.at(arm=arm)) is not None)

    def counts(self, place: Place, levels: tuple[str, ...], arms: tuple[str, ...]) -> Counts | None:
        """Return (levels, arms) counts, or None where one is not printed."""
        cells = [[self.count(place.at(level=one, arm=arm)) for arm in arms] for one in levels]
        flat = [k for row in cells for k in row]
        if not flat or any(k is None for k in flat):
            return None
        return np.array(cells, dtype=np.int64)

    def name(self, evened_name: str) -> str:
        """Return a name as it was handed in."""
        return self.names.get(evened_name, evened_name)

    def common_size(self, places: list[Place]) -> int | None:
        """Return the number of subjects that most of some places have."""
        found = Counter(n for place in places if (n := self.size(place)) is not None)
        return found.most_common(1)[0][0] if found else None

    def line(self, row: int) -> int:
        """Return the line of the input on which a row stands."""
        return self.printed.rows[row].line

    def place_named(self, words: str, near: Place, row: int) -> Place:
        """Return the place of ``variable=level``, in the same table if it is there.

        Raises
        ------
        PrintedTableError
            If no row is about it.
        """
        cuts = [i for i, sign in enumerate(words) if sign == "="] + [len(words)]
        wanted = [(evened(words[:i]), evened(words[i + 1 :])) for i in cuts]
        every = {(r.place.table, r.place.variable, r.place.level) for r in self.printed.rows}
        for table in (near.table, *sorted({t for t, _, _ in every})):
            for variable, level in wanted:
                if (table, variable, level) in every:
                    return Place(table, variable, level, near.arm)
        here = sorted(f"{self.name(v)}={self.name(lev) if lev else ''}" for t, v, lev in every)
        msg = (
            f"row {self.line(row)}: excludes {words!r} names no row. Write variable=level as "
            f"in another row, such as {listed(here)}."
        )
        raise PrintedTableError(msg)


def possible_counts(percent: PrintedNumber, n: int) -> range:
    """Return the counts of n whose percentage may be printed so, rounded or cut off."""
    low, high = percent.bounds(truncation=True)
    first = max(0, int(max(low, 0.0) * n / 100) - 1)
    last = min(n, int(min(high, 100.0) * n / 100) + 1)
    return _fitting_ends(first, last, lambda k: percent.fit(Fraction(100 * k, n)) != "none")


def possible_denominators(percent: PrintedNumber, k: int, most: int) -> range:
    """Return the numbers of subjects, up to a greatest, of whom k may be printed so."""
    low, high = percent.bounds(truncation=True)
    if k == 0 or high <= 0:
        return range(0)
    first = max(k, int(100 * k / high) - 1)
    last = min(most, int(100 * k / low) + 1) if low > 0 else most
    return _fitting_ends(first, last, lambda n: percent.fit(Fraction(100 * k, n)) != "none")


def _fitting_ends(first: int, last: int, fits: Callable[[int], bool]) -> range:
    """Return the numbers between two that fit; those that do lie together."""
    while first <= last and not fits(first):
        first += 1
    while last >= first and not fits(last):
        last -= 1
    return range(first, last + 1)
