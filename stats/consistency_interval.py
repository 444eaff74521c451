"""Printed confidence limits held against the counts or the estimate that they belong to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Final

from stats.finding import Finding
from stats.printed_number import Fit, PrintedNumber
from stats.printed_paper import Paper
from stats.printed_table import Cell, Place
from stats.proportion import clopper_pearson, wilson

Limits = tuple[float, float]
Method = Callable[[int, int, float], Limits]

USUAL_LEVEL: Final = 0.95
_NAMED: Final = {
    "Clopper-Pearson": r"clopper|exact|binom",
    "Wilson": r"wilson|score",
    "Wilson with continuity correction": r"wilson|score|continuity",
    "Wald": r"wald|normal|asymptotic",
    "Agresti-Coull": r"agresti",
    "Jeffreys": r"jeffreys",
}


def interval_findings(paper: Paper) -> Iterator[Finding]:
    """Yield what limits say: of proportions they are recomputed, others hold their estimate."""
    for cell in paper.printed.cells:
        if cell.statistic in {"ci_low", "ci_high"}:
            yield from _limit(paper, cell)
        elif cell.statistic == "estimate":
            yield _estimate(paper, cell)


def confidence_level(words: str) -> float:
    """Return the level that the name of a method or test mentions, else 0.95."""
    found = re.search(r"(\d{2}(?:\.\d+)?)\s*%", words)
    level = float(found[1]) / 100 if found else USUAL_LEVEL
    return level if 0.5 < level < 1 else USUAL_LEVEL


def is_of_proportion(paper: Paper, place: Place) -> bool:
    """Whether the interval at a place belongs to k of n and not to an estimate such as a ratio."""
    k, n = paper.count(place), paper.size(place)
    estimate, percent = paper.value(place, "estimate"), paper.value(place, "percent")
    if estimate is None:
        return percent is not None or (k is not None and n is not None)
    if k is not None and n and _is_share(estimate, k, n):
        return True
    low, high = paper.value(place, "ci_low"), paper.value(place, "ci_high")
    if percent is None or low is None or high is None:
        return False
    outside = not low.value <= estimate.value <= high.value
    return outside and low.value <= percent.value <= high.value


def limits_by_method(k: int, n: int, level: float) -> dict[str, Limits]:
    """Return the limits of k of n, in percent, by each method that papers use."""
    from statsmodels.stats.proportion import proportion_confint

    exact, score = clopper_pearson(k, n, level), wilson(k, n, level)
    found = {
        "Clopper-Pearson": (exact.lower, exact.upper),
        "Wilson": (score.lower, score.upper),
        "Wilson with continuity correction": _corrected_wilson(k, n, level),
    }
    for name, code in (("Agresti-Coull", "agresti_coull"), ("Jeffreys", "jeffreys")):
        low, high = proportion_confint(k, n, 1 - level, method=code)
        found[name] = float(low), float(high)
    found["Wald"] = _wald(k, n, level)
    return {name: (100 * low, 100 * high) for name, (low, high) in found.items()}


def _is_share(estimate: PrintedNumber, k: int, n: int) -> bool:
    """Whether an estimate is k of n, in percent or as a share with two decimals or more."""
    if estimate.fit(Fraction(100 * k, n)) != "none":
        return True
    return estimate.unit <= Fraction(1, 100) and estimate.fit(Fraction(k, n)) != "none"


def _limit(paper: Paper, cell: Cell) -> Iterator[Finding]:
    """Check one limit."""
    place = cell.place
    low, high = paper.value(place, "ci_low"), paper.value(place, "ci_high")
    if low and high and low.value > high.value:
        yield Finding(cell.row, "impossible", f"the lower limit {low} is above the upper {high}")
        return
    if cell.number.relation != "=":
        yield Finding(cell.row, "not_recomputable", "only a bound of the limit is printed")
        return
    k, n = paper.count(place), paper.size(place)
    if not is_of_proportion(paper, place):
        words = "a limit of an estimate: only the patients' data give it"
        yield Finding(cell.row, "not_recomputable", words)
    elif k is None or not n or k > n:
        yield from _about_percent(paper, cell)
    else:
        yield _of_counts(cell, k, n, high if cell.statistic == "ci_low" else low)


def _about_percent(paper: Paper, cell: Cell) -> Iterator[Finding]:
    """Check that a limit without counts lies on its side of the percentage."""
    percent = paper.value(cell.place, "percent")
    if percent is not None and _beyond(cell, percent):
        words = f"{percent} % lies outside the limit {cell.number}"
        yield Finding(cell.row, "impossible", words)
        return
    yield Finding(cell.row, "not_recomputable", "its counts are not printed")


def _beyond(limit: Cell, middle: PrintedNumber) -> bool:
    """Whether a limit lies on the wrong side of its estimate, whatever was rounded."""
    if limit.statistic == "ci_low":
        return limit.number.bounds(truncation=False)[0] > middle.bounds(truncation=True)[1]
    return limit.number.bounds(truncation=True)[1] < middle.bounds(truncation=False)[0]


def _of_counts(cell: Cell, k: int, n: int, partner: PrintedNumber | None) -> Finding:
    """Say which method gives a limit of k of n."""
    level = confidence_level(cell.test)
    side = 0 if cell.statistic == "ci_low" else 1
    limits = limits_by_method(k, n, level)
    shares = partner is not None and max(partner.value, cell.number.value) <= 1 and 100 * k > n
    scale = 0.01 if shares else 1.0
    fits = {name: cell.number.fit(scale * both[side]) for name, both in limits.items()}
    fits = {name: fit for name, fit in fits.items() if fit != "none"}
    named = _named(cell.test)
    wanted = named or tuple(limits)
    exact = scale * limits[wanted[0]][side]
    said = f"{wanted[0]} {100 * level:g} % limit of {k}/{n}: {exact:.4g}"
    if not fits:
        others = ", ".join(f"{name} {scale * both[side]:.4g}" for name, both in limits.items())
        return Finding(
            cell.row, "impossible", f"no method gives {cell.number} for {k}/{n}: {others}"
        )
    own = {name: fits[name] for name in wanted if name in fits}
    if not own:
        words = f"{said}; {cell.number} would be {' or '.join(fits)}"
        return Finding(cell.row, "inconsistent", words)
    if partner is not None and not named:
        both = [name for name in own if partner.fit(scale * limits[name][1 - side]) != "none"]
        alone = any(partner.fit(scale * limits[name][1 - side]) != "none" for name in limits)
        if both:
            own = {name: own[name] for name in both}
        elif alone:
            words = f"{cell.number} is the limit by {' or '.join(own)}, the other limit is not"
            return Finding(cell.row, "inconsistent", words)
    return _shortened(cell, own, {name: scale * limits[name][side] for name in own})


def _shortened(cell: Cell, own: dict[str, Fit], exact: dict[str, float]) -> Finding:
    """Say how a limit was shortened by the method that needs the least assumption."""
    order = ("either", "rounded", "truncated")
    name = min(own, key=lambda one: order.index(own[one]))
    cut = ", digits cut off" if own[name] == "truncated" else ""
    return Finding(cell.row, "consistent", f"{name}: {exact[name]:.4g}{cut}")


def _estimate(paper: Paper, cell: Cell) -> Finding:
    """Say whether an estimate lies within its interval."""
    number = cell.number
    k, n = paper.value(cell.place, "k"), paper.size(cell.place)
    if number.relation == "=" and k is not None and n and _is_share(number, int(k.value), n):
        return Finding(cell.row, "consistent", f"{k}/{n}")
    if is_of_proportion(paper, cell.place):
        return Finding(cell.row, "not_recomputable", "the interval is that of the percentage")
    for side in ("ci_low", "ci_high"):
        limit = paper.cell(cell.place, side)
        known = limit is not None and limit.number.relation == number.relation == "="
        if limit is not None and known and _beyond(limit, number):
            words = f"{number} lies outside its own limit {limit.number}"
            return Finding(cell.row, "impossible", words)
    return Finding(cell.row, "not_recomputable", "an estimate: only the patients' data give it")


def _named(test: str) -> tuple[str, ...]:
    """Return the methods that a printed name may mean."""
    words = test.casefold()
    return tuple(name for name, pattern in _NAMED.items() if re.search(pattern, words))


def _wald(k: int, n: int, level: float) -> Limits:
    """Return the limits of the normal approximation, which may leave 0 to 1."""
    from scipy.stats import norm

    share = k / n
    half = float(norm.isf((1 - level) / 2)) * (share * (1 - share) / n) ** 0.5
    return share - half, share + half


def _corrected_wilson(k: int, n: int, level: float) -> Limits:
    """Return score limits with continuity correction, as R's prop.test by default."""
    from scipy.stats import norm

    z = float(norm.isf((1 - level) / 2))
    low_share, high_share = (k - 0.5) / n, (k + 0.5) / n

    def limit(p: float, sign: int) -> float:
        inner = max(0.0, p * (1 - p) / n + z * z / (4 * n * n))
        return float((p + z * z / (2 * n) + sign * z * inner**0.5) / (1 + z * z / n))

    return (0.0 if k == 0 else max(0.0, limit(low_share, -1))), (
        1.0 if k == n else min(1.0, limit(high_share, 1))
    )
