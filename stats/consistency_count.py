"""Counts, percentages and sums of a printed paper held against each other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from stats.finding import Finding
from stats.printed_number import PrintedNumber
from stats.printed_paper import Paper, possible_counts, possible_denominators
from stats.printed_table import Cell, Place, evened, is_no_count, means_missing

MAX_DENOMINATORS: Final = 6
MOST_TIMES_N: Final = 3
"""A denominator that is this many times the printed n is no explanation."""


def count_findings(paper: Paper) -> Iterator[Finding]:
    """Yield what counts and percentages say, each against the numbers of its own place."""
    for cell in paper.printed.cells:
        if cell.statistic == "k":
            yield _count(cell)
        elif cell.statistic == "percent":
            yield _percent(paper, cell)
        elif cell.statistic == "total" and cell.number.value != cell.n:
            yield Finding(
                cell.row, "inconsistent", f"{cell.number} is printed as the total, n is {cell.n}"
            )
    yield from _same_fraction(paper)
    yield from _said_twice(paper)


def sum_findings(paper: Paper) -> Iterator[Finding]:
    """Yield what sums say: arms against the whole, levels against n, levels that exclude."""
    places = {Place(r.place.table, r.place.variable, r.place.level, "") for r in paper.printed.rows}
    for place in sorted(places, key=str):
        yield from _arms(paper, place)
    variables = {Place(p.table, p.variable, "", p.arm) for p in paper.partitions}
    for place in sorted(variables, key=str):
        yield from _partition(paper, place)
    yield from _exclusions(paper)


def _count(cell: Cell) -> Finding:
    """Say whether a count is one of n."""
    number, n = cell.number, cell.n
    if number.relation != "=":
        return Finding(cell.row, "not_recomputable", "only a limit of the count is printed")
    if number.value.denominator != 1 or number.value < 0:
        return Finding(cell.row, "impossible", f"{number} is not a whole number of subjects")
    if n is not None and number.value > n:
        return Finding(cell.row, "impossible", f"{number} is more than the n of {n}")
    return Finding(cell.row, "consistent", f"{number} of {n}" if n is not None else "a count")


def _percent(paper: Paper, cell: Cell) -> Finding:
    """Say whether a percentage is that of its count, and how it was shortened."""
    number, n = cell.number, cell.n if cell.n is not None else paper.size(cell.place)
    low, high = number.bounds(truncation=False)
    if number.relation == "=" and (high < 0 or low > 100):
        return Finding(cell.row, "impossible", f"{number} % is no share of n")
    if n is None:
        return Finding(cell.row, "not_recomputable", "n is not given")
    printed = paper.value(cell.place, "k")
    if printed is None:
        return _alone(cell, n)
    k = paper.count(cell.place)
    if k is None or k > n:
        return Finding(cell.row, "not_recomputable", "its count is none of n")
    if n == 0:
        return Finding(cell.row, "not_recomputable", "nobody to take a share of")
    exact = Fraction(100 * k, n)
    fit = number.fit(exact)
    said = f"{k}/{n} = {float(exact):.3f} %"
    if fit == "none":
        return _mismatch(paper, cell, k, n)
    if number.relation != "=" or fit == "either":
        return Finding(cell.row, "consistent", said)
    return Finding(cell.row, fit, said)


def _alone(cell: Cell, n: int) -> Finding:
    """Say whether any count of n has a percentage that stands without one."""
    number = cell.number
    if is_no_count(cell.place):
        words = "a rate over time or a change, not a share of n: only the patients' data give it"
        return Finding(cell.row, "not_recomputable", words)
    if number.relation != "=" or n == 0:
        return Finding(cell.row, "not_recomputable", "no count is printed")
    fits = possible_counts(number, n)
    if not fits:
        near = max(0, min(n, round(float(number.value) * n / 100)))
        said = ", ".join(f"{k}/{n} = {100 * k / n:.2f} %" for k in _around(near, n))
        return Finding(cell.row, "impossible", f"no count of {n} gives {number} %: {said}")
    if len(fits) > 1:
        return Finding(cell.row, "consistent", f"{fits[0]} to {fits[-1]} of {n} would give it")
    fit = number.fit(Fraction(100 * fits[0], n))
    said = f"{fits[0]}/{n} = {100 * fits[0] / n:.3f} %"
    return Finding(cell.row, "truncated" if fit == "truncated" else "consistent", said)


def _around(k: int, n: int) -> list[int]:
    """Return a count and its neighbours within 0 and n."""
    return [one for one in (k - 1, k, k + 1) if 0 <= one <= n]


def _mismatch(paper: Paper, cell: Cell, k: int, n: int) -> Finding:
    """Say that a percentage is not that of its count, and which denominator or count would fit."""
    number = cell.number
    known = n - paper.missing(cell.place)
    if not means_missing(cell.place.level) and known != n and known >= max(k, 1):
        fit = number.fit(Fraction(100 * k, known))
        if fit != "none":
            of_known = f"{k}/{known}, the {known} of {n} of whom it is known"
            return Finding(cell.row, "truncated" if fit == "truncated" else "consistent", of_known)
    if number.unit < 1 and number.fit(Fraction(k, n)) != "none":
        return Finding(cell.row, "consistent", f"printed as a share: {k}/{n} = {k / n:.4f}")
    words = [f"{k}/{n} = {100 * k / n:.3f} %, not {number}"]
    fits = possible_denominators(number, k, MOST_TIMES_N * n)
    if fits:
        words.append(f"{number} % would be {_denominators(paper, cell.place, k, fits)}")
    counts = possible_counts(number, n)
    if counts:
        words.append(f"or {' or '.join(map(str, counts[:2]))} of {n}")
    else:
        words.append(f"no count of {n} gives it")
    return Finding(cell.row, "impossible", "; ".join(words))


def _denominators(paper: Paper, place: Place, k: int, fits: range) -> str:
    """Write denominators that would fit, and whose n they are."""
    arms = paper.arms.get((place.table, place.variable), ())
    sizes = {paper.size(place.at(arm=arm)): paper.name(arm) for arm in reversed(arms)}
    known = [
        f"{k}/{d} (the n of {sizes[d]})"
        for d in sorted(n for n in sizes if n is not None and n in fits)
    ]
    if known:
        return " or ".join(known)
    shown = ", ".join(f"{k}/{d}" for d in fits[:MAX_DENOMINATORS])
    return shown + (" ..." if len(fits) > MAX_DENOMINATORS else "")


def _same_fraction(paper: Paper) -> Iterator[Finding]:
    """Yield percentages of one fraction that are printed in two ways; the rarer way is blamed."""
    groups: dict[tuple[Fraction, Fraction], list[Cell]] = defaultdict(list)
    for cell in paper.printed.cells:
        k = paper.value(cell.place, "k")
        if cell.statistic != "percent" or cell.number.relation != "=" or k is None or not cell.n:
            continue
        exact = Fraction(k.value) / cell.n
        if cell.number.fit(100 * exact) != "none":
            groups[exact, cell.number.unit].append(cell)
    for (exact, _), cells in groups.items():
        ways = Counter(cell.number.value for cell in cells)
        if len(ways) < 2:
            continue
        most = max(ways.values())
        rare = {value for value, count in ways.items() if count < most} or set(ways)
        said = " and ".join(
            f"{next(c.number for c in cells if c.number.value == value)} ({count} x)"
            for value, count in ways.most_common()
        )
        for cell in cells:
            k = paper.value(cell.place, "k")
            words = f"{k}/{cell.n} = {float(100 * exact):.3f} % is printed as {said}"
            if cell.number.value in rare:
                yield Finding(cell.row, "inconsistent", words)
            else:
                yield Finding(cell.row, "consistent", words)


def _said_twice(paper: Paper) -> Iterator[Finding]:
    """Yield rows of one place and statistic that print different numbers."""
    first: dict[tuple[Place, str, str], Cell] = {}
    for cell in paper.printed.cells:
        key = (cell.place, cell.statistic, evened(cell.test))  # two tests have two p values
        if not cell.own or key not in first:
            first.setdefault(key, cell)
            continue
        other = first[key]
        unit = max(cell.number.unit, other.number.unit) if cell.statistic != "k" else 0
        same = cell.number.relation == other.number.relation
        if same and abs(cell.number.value - other.number.value) > unit:
            words = f"row {{}} prints {{}} for the same {cell.statistic}"
            yield Finding(
                cell.row, "inconsistent", words.format(paper.line(other.row), other.number)
            )
            yield Finding(
                other.row, "inconsistent", words.format(paper.line(cell.row), cell.number)
            )


def _arms(paper: Paper, place: Place) -> Iterator[Finding]:
    """Yield a count of the whole that its arms do not add up to."""
    whole, arms = paper.count(place), paper.counted_arms(place)
    if whole is None or len(arms) < 2:
        return
    parts = [paper.count(place.at(arm=arm)) or 0 for arm in arms]
    sizes = [paper.size(place.at(arm=arm)) for arm in arms]
    n = paper.size(place)
    rest = None if n is None or None in sizes else n - sum(size or 0 for size in sizes)
    if rest is not None and rest < 0:
        return  # columns that share subjects are no arms
    total = sum(parts)
    added = " + ".join(map(str, parts))
    if total <= whole <= total + (rest or 0):
        if not rest:
            yield from _told(paper, place, "consistent", f"the arms add up: {added} = {whole}")
        return
    culprits = [] if rest else _suspects(paper, place, arms, whole - total)
    for arm in culprits:
        spot = place.at(arm=arm)
        right = (paper.count(spot) or 0) + whole - total
        words = f"the arms add up to {total}, not {whole}; {right} would fit sum and percentage"
        yield from _told(paper, spot, "inconsistent", words)
    if culprits:
        return
    words = f"the arms add up to {added} = {total}, not {whole}"
    if n:
        words += f" ({total}/{n} = {100 * total / n:.1f} %)"
    yield from _told(paper, place, "inconsistent", words)
    percent = paper.cell(place, "percent")
    if percent and n and percent.number.fit(Fraction(100 * total, n)) == "none":
        yield Finding(percent.row, "inconsistent", words)


def _suspects(paper: Paper, place: Place, arms: tuple[str, ...], gap: int) -> list[str]:
    """Return the arms whose percentage says that their count is wrong by the gap."""
    found = []
    for arm in arms:
        spot = place.at(arm=arm)
        percent, n, k = paper.value(spot, "percent"), paper.size(spot), paper.count(spot)
        if percent is None or not n or k is None or not 0 <= k + gap <= n:
            continue
        as_is, mended = (percent.fit(Fraction(100 * x, n)) for x in (k, k + gap))
        if as_is == "none" and mended != "none":
            found.append(arm)
    return found


def _told(paper: Paper, place: Place, verdict: str, words: str) -> Iterator[Finding]:
    """Yield a finding for the count at a place, or for its percentage where there is none."""
    cell = paper.cell(place, "k") or paper.cell(place, "percent")
    if cell and verdict == "inconsistent":
        yield Finding(cell.row, "inconsistent", words)
    elif cell:
        yield Finding(cell.row, "consistent", words)


def _partition(paper: Paper, variable: Place) -> Iterator[Finding]:
    """Yield levels that are said to add up to n and do not."""
    every = paper.levels.get((variable.table, variable.variable), ())
    places = [variable.at(level=one) for one in every if one]
    places = [p for p in places if p in paper.partitions]
    n = paper.common_size(places)
    if n is None or len(places) < 2:
        return
    counts = [paper.count(place) for place in places]
    known = [k for k in counts if k is not None]
    if len(known) < len(places):
        yield from _percent_sum(paper, places)
        if sum(known) <= n:
            return
    added = f"{' + '.join(map(str, known))} = {sum(known)}"
    gap = n - sum(known)
    if gap == 0:
        for place in places:
            yield from _told(paper, place, "consistent", f"the levels add up: {added}")
        return
    words = f"the levels add up to {added}, " + (
        f"{-gap} more than the n of {n}" if gap < 0 else f"{gap} fewer than the n of {n}"
    )
    suspects = [p for p in places if _fits_if(paper, p, gap)]
    if len(suspects) == 1:
        right = (paper.count(suspects[0]) or 0) + gap
        words += f"; {paper.name(suspects[0].level)} = {right} would fit sum and percentage"
    for place in places:
        yield from _told(paper, place, "inconsistent", words)


def _fits_if(paper: Paper, place: Place, gap: int) -> bool:
    """Whether a percentage contradicts its count and would not if the count made up for the gap."""
    return bool(_suspects(paper, place, (place.arm,), gap))


def _percent_sum(paper: Paper, places: list[Place]) -> Iterator[Finding]:
    """Yield percentages of levels that cannot add up to 100."""
    numbers = [paper.value(place, "percent") for place in places]
    shown: list[PrintedNumber] = [number for number in numbers if number is not None]
    if len(shown) < len(places):
        return
    total = sum((number.value for number in shown), Fraction(0))
    reach = sum((number.unit for number in shown), Fraction(0))
    if total - reach / 2 <= 100 <= total + reach:
        return
    for place in places:
        words = f"the percentages of the levels add up to {float(total):g}"
        yield from _told(paper, place, "inconsistent", words)


def _exclusions(paper: Paper) -> Iterator[Finding]:
    """Yield levels that no same subject can have, and that need more subjects than there are."""
    seen: set[tuple[Place, Place]] = set()
    for index, row in enumerate(paper.printed.rows):
        for words in row.excludes:
            other = paper.place_named(words, row.place, index)
            arms = dict.fromkeys((row.place.arm, *paper.arms[row.place.table, row.place.variable]))
            for arm in arms:
                here, there = row.place.at(arm=arm), other.at(arm=arm)
                if (here, there) not in seen:
                    seen.add((here, there))
                    yield from _exclusion(paper, here, there)


def _exclusion(paper: Paper, here: Place, there: Place) -> Iterator[Finding]:
    """Compare two levels that exclude each other with the subjects there are."""
    one, two, n = paper.count(here), paper.count(there), paper.size(here)
    if one is None or two is None or n is None:
        return
    names = f"{paper.name(there.variable)} {paper.name(there.level) if there.level else ''}".strip()
    if one + two <= n:
        yield from _told(paper, here, "consistent", f"{one} + {two} of {names} are within {n}")
        return
    words = (
        f"{one} and {two} of {names}, which no same subject can have, are {one + two} of {n}: "
        f"at least {one + two - n} have both. Is a label inverted?"
    )
    yield from _told(paper, here, "inconsistent", words)
