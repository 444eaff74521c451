"""Printed p values held against the counts or the interval that they belong to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stats import p_variant
from stats.consistency_interval import confidence_level, is_of_proportion
from stats.finding import Finding
from stats.printed_number import PrintedNumber
from stats.printed_paper import Paper
from stats.printed_table import Cell, Place, means_missing
from stats.wald_range import WaldRange, wald_range

Counts = NDArray[np.int64]

_NO_RATIO: Final = re.compile(r"median|mean|month|week|\bdays?\b|survival|time to|year|\bmm\b")
_RATIO: Final = re.compile(
    r"\bhr\b|hazard|\bor\b|odds|\brr\b|ratio|cox|wald|logistic|regression|diff"
)


@dataclass(frozen=True, slots=True)
class CountTable:
    """The counts that a p value compares: (levels, groups), and the missing, or none, per group."""

    levels: tuple[str, ...]
    table: Counts
    missing: Counts


def p_findings(paper: Paper, *, truncation: bool) -> Iterator[Finding]:
    """Yield what each p value says.

    Parameters
    ----------
    truncation
        Whether the paper cuts digits off; estimates and limits may then be larger than printed.
    """
    for cell in paper.printed.cells:
        if cell.statistic == "p":
            yield from _p(paper, cell, truncation=truncation)


def _p(paper: Paper, cell: Cell, *, truncation: bool) -> Iterator[Finding]:
    """Check one p value against what there is to check it with."""
    number = cell.number
    low, high = number.bounds(truncation=False)
    if (number.relation == "=" and number.value < 0) or high < 0 or low > 1:
        yield Finding(cell.row, "impossible", f"{number} is no probability")
        return
    if number.relation == "=" and number.value > 1:
        yield Finding(cell.row, "impossible", f"{number} is no probability")
        return
    counts = None if p_variant.names_another_test(cell.test) else _counts(paper, cell.place)
    by_counts = _from_counts(cell, counts) if counts else None
    spot = None if p_variant.named_variants(cell.test) else _interval_of(paper, cell)
    if spot is None:
        yield by_counts or Finding(
            cell.row, "not_recomputable", "no counts or interval to recompute it from"
        )
        return
    if by_counts and by_counts.verdict not in {"inconsistent", "test_dependent"}:
        yield by_counts
        return
    yield from _from_interval(paper, cell, spot, truncation=truncation)


def _interval_of(paper: Paper, cell: Cell) -> Place | None:
    """Return the place of the interval whose p value this is, or None."""
    words = cell.test.casefold()
    if p_variant.names_another_test(words) and not _RATIO.search(words):
        return None  # a log-rank or likelihood-ratio p is not Wald's
    if "likelihood" in words or re.search(r"log.?rank", words):
        return None
    place = cell.place
    if not _has_interval(paper, place):
        levels = [
            one for one in paper.known_levels(place) if _has_interval(paper, place.at(level=one))
        ]
        if place.level or len(levels) != 1:
            return None
        place = place.at(level=levels[0])
    if is_of_proportion(paper, place):
        return None
    arms = paper.arms.get((place.table, place.variable), ())
    compared = not place.arm and any(
        arm and paper.cell(place.at(arm=arm), "estimate") for arm in arms
    )
    if compared:
        return None  # it compares the arms' estimates and is not that of the whole
    about = f"{place.variable} {place.level}"
    if _NO_RATIO.search(about) and not (_RATIO.search(about) or _RATIO.search(words)):
        return None
    return place


def _has_interval(paper: Paper, place: Place) -> bool:
    """Whether both limits are printed at a place."""
    return all(paper.value(place, side) is not None for side in ("ci_low", "ci_high"))


def _from_interval(
    paper: Paper, cell: Cell, place: Place, *, truncation: bool
) -> Iterator[Finding]:
    """Compare a p value with those that the interval leaves possible."""
    estimate = paper.value(place, "estimate")
    low, high = paper.value(place, "ci_low"), paper.value(place, "ci_high")
    if low is None or high is None or low.value >= high.value:
        yield Finding(cell.row, "not_recomputable", "the interval has no width")
        return
    about = f"{place.variable} {place.level} {cell.test}".casefold()
    difference = bool(re.search(r"diff|coefficient|\bbeta\b|β", about))
    level = confidence_level(cell.test)

    def feasible(*, cut: bool) -> WaldRange | None:
        return wald_range(
            estimate, low, high, level=level, truncation=cut, difference=difference, n=cell.n
        )

    found = feasible(cut=False)
    if found is None:
        yield Finding(cell.row, "not_recomputable", "the interval has no width")
        return
    allowed = found.allows(cell.number)
    if truncation and not (found.symmetric and allowed):
        wider = feasible(cut=True) or found
        allowed = wider.allows(cell.number)
        found = wider if allowed else replace(found, symmetric=wider.symmetric)
    if not found.symmetric and _RATIO.search(f"{about} {place.table}"):
        own = paper.cell(place, "estimate")
        if own:
            told = f"{own.number} is not the middle of {low} to {high}: no Wald interval"
            yield Finding(own.row, "not_wald_compatible", told)
    span = " or ".join(f"{_p_words(least)} to {_p_words(most)}" for least, most in found.spans)
    scale = f"on the scale of a {found.scale}" if found.symmetric else "on either scale"
    words = f"Wald p from {low} to {high} {scale}: {span}"
    if allowed:
        yield Finding(cell.row, "consistent", words)
    else:
        words += f", not {cell.number} (a likelihood-ratio p may differ so)"
        yield Finding(cell.row, "not_wald_compatible", words)


def _counts(paper: Paper, place: Place) -> CountTable | None:
    """Return the counts that a p value at a place compares, or None."""
    arms = paper.counted_arms(place)
    if len(arms) >= 2:
        return _dichotomy(paper, place, arms)
    if place.level:
        return None
    levels = paper.known_levels(place)
    arms = tuple(
        arm
        for arm in paper.arms.get((place.table, place.variable), ())
        if arm and any(paper.count(place.at(level=one, arm=arm)) is not None for one in levels)
    )
    if len(arms) >= 2:
        return _levels(paper, place, levels, arms)
    return _by_level(paper, place, levels)


def _dichotomy(paper: Paper, place: Place, arms: tuple[str, ...]) -> CountTable | None:
    """Return one level against the rest of those whose value is known, by arm."""
    counts, sizes, missing = [], [], []
    for arm in arms:
        spot = place.at(arm=arm)
        n, k = paper.size(spot), paper.count(spot)
        if n is None or k is None:
            return None
        gone = 0 if means_missing(place.level) else paper.missing(spot)
        counts.append(k)
        missing.append(gone)
        sizes.append(n - gone)
    rest = [n - k for n, k in zip(sizes, counts, strict=True)]
    if min(rest) < 0:
        return None
    name = paper.name(place.level) if place.level else paper.name(place.variable)
    return CountTable((name, "the rest"), np.array([counts, rest]), np.array(missing))


def _levels(
    paper: Paper, place: Place, levels: tuple[str, ...], arms: tuple[str, ...]
) -> CountTable | None:
    """Return all levels by arm; a level alone is set against the rest."""
    full = tuple(
        one
        for one in levels
        if all(paper.count(place.at(level=one, arm=arm)) is not None for arm in arms)
    )
    if len(full) == 1:
        return _dichotomy(paper, place.at(level=full[0]), arms)
    table = paper.counts(place, full, arms)
    if table is None or not _exclusive(paper, place, full, arms, table):
        return None
    missing = np.array([paper.missing(place.at(arm=arm)) for arm in arms])
    return CountTable(tuple(paper.name(one) for one in full), table, missing)


def _exclusive(
    paper: Paper, place: Place, levels: tuple[str, ...], arms: tuple[str, ...], table: Counts
) -> bool:
    """Whether no subject is in two levels: said by ``partition``, or as they add up to n."""
    if any(place.at(level=one, arm=arm) in paper.partitions for one in levels for arm in arms):
        return True
    if any(place.at(level=one, arm="") in paper.partitions for one in levels):
        return True
    sizes = [paper.common_size([place.at(level=one, arm=arm) for one in levels]) for arm in arms]
    missing = [paper.missing(place.at(arm=arm)) for arm in arms]
    return all(
        n is not None and int(total) + gone == n
        for n, total, gone in zip(sizes, table.sum(axis=0), missing, strict=True)
    )


def _by_level(paper: Paper, place: Place, levels: tuple[str, ...]) -> CountTable | None:
    """Return events by level of a factor, each level with an n of its own: k and n - k."""
    places = [place.at(level=one) for one in levels]
    if len(places) < 2 or any(spot in paper.partitions for spot in places):
        return None
    counts, sizes = [paper.count(spot) for spot in places], [paper.size(spot) for spot in places]
    if any(k is None or n is None or k > n for k, n in zip(counts, sizes, strict=True)):
        return None
    if len(set(sizes)) == 1 and sizes[0] is not None and place.arm == "":
        return None  # levels of one n are several questions to the same subjects
    rows = [[k or 0, (n or 0) - (k or 0)] for k, n in zip(counts, sizes, strict=True)]
    nobody = np.zeros(len(rows), dtype=np.int64)
    return CountTable(("yes", "no"), np.array(rows).T, nobody)


def _from_counts(cell: Cell, counts: CountTable) -> Finding | None:
    """Say which test of the counts gives a p value; None where no test can be made."""
    number, named = cell.number, p_variant.named_variants(cell.test)
    variants = p_variant.usual_variants(counts.table)
    if not variants:
        return None
    said = ", ".join(f"{name} {_p_words(p)}" for name, p in variants.items())
    fits = p_variant.fitting(variants, number)
    if "Fisher exact" not in variants and (not fits or named == {"Fisher exact"}):
        words = f"{said}; Fisher's exact test of so large a table is not recomputed"
        return Finding(cell.row, "not_recomputable", words)
    if fits:
        if p_variant.significance_hangs(variants):
            words = f"{' and '.join(fits)} gives {number}, but 0.05 lies between the tests: {said}"
            return Finding(cell.row, "test_dependent", words)
        own = {name: fit for name, fit in fits.items() if not named or name in named}
        if not own:
            words = f"{number} is not of the test that is named but of {' and '.join(fits)}: {said}"
            return Finding(cell.row, "test_dependent", words)
        cut = ", digits cut off" if set(own.values()) == {"truncated"} else ""
        return Finding(cell.row, "consistent", f"{' and '.join(own)}{cut}: {said}")
    other = _other_table(counts, number)
    if other:
        return Finding(cell.row, "test_dependent", f"{other}; as printed: {said}")
    words = f"no test of these counts gives {number}: {said}"
    fewer = p_variant.fewer_known(counts.table, number) if counts.table.shape == (2, 2) else None
    if fewer:
        words += f"; it fits n = {'/'.join(map(str, fewer))}: undisclosed missing values?"
    return Finding(cell.row, "inconsistent", words)


def _other_table(counts: CountTable, number: PrintedNumber) -> str:
    """Return another table or test of the same counts that gives the p value, or nothing."""
    if len(counts.levels) > 2:
        for words, member in p_variant.groupings(counts.levels):
            table = np.array([counts.table[member].sum(axis=0), counts.table[~member].sum(axis=0)])
            fit = _first_fit(p_variant.usual_variants(table), number)
            if fit:
                return f"{number} is that of {words} ({fit})"
    if counts.missing.any():
        table = np.vstack([counts.table, counts.missing])
        fit = _first_fit(p_variant.usual_variants(table), number)
        if fit:
            return f"{number} counts the missing as a level ({fit})"
        table = counts.table.copy()
        table[-1] += counts.missing
        fit = _first_fit(p_variant.usual_variants(table), number)
        if fit:
            return f"{number} counts the missing as {counts.levels[-1]} ({fit})"
    fit = _first_fit(p_variant.rare_variants(counts.table), number)
    return f"{number} is that of an unusual test ({fit})" if fit else ""


def _first_fit(variants: Mapping[str, float], number: PrintedNumber) -> str:
    """Name the first variant that may be printed so, rounded ones before truncated."""
    fits = p_variant.fitting(variants, number)
    order = ("either", "rounded", "truncated")
    if not fits:
        return ""
    name = min(fits, key=lambda one: order.index(fits[one]))
    return f"{name} {_p_words(variants[name])}"


def _p_words(p: float) -> str:
    """Write a recomputed p with three digits that matter."""
    return f"{p:.3g}"
