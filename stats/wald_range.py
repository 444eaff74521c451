"""The p values that a printed estimate and its printed interval leave possible."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from stats.printed_number import PrintedNumber

Scale = Literal["ratio", "difference"]
Bounds = tuple[float, float]

TINY: Final = 1e-12


@dataclass(frozen=True, slots=True)
class WaldRange:
    """Lowest and highest Wald p of an interval, on the scale on which the estimate is its middle.

    ``symmetric`` is False where the estimate lies in the middle on no scale; there is then
    a span of the limits alone for each scale that they may be on.
    """

    scale: Scale
    spans: tuple[Bounds, ...]
    symmetric: bool

    def allows(self, p: PrintedNumber) -> bool:
        """Whether a printed p may be one of these."""
        low, high = p.bounds(truncation=True)
        return any(low <= most + TINY and high >= least - TINY for least, most in self.spans)


def wald_range(
    estimate: PrintedNumber | None,
    low: PrintedNumber,
    high: PrintedNumber,
    *,
    level: float = 0.95,
    truncation: bool = False,
    difference: bool = False,
    n: int | None = None,
) -> WaldRange | None:
    """Return the Wald p values that printed numbers allow, given how they may have been shortened.

    Parameters
    ----------
    estimate, low, high
        As printed. A ratio (no effect: 1, symmetric in its logarithm) where all are positive, else
        a difference (no effect: 0).
    truncation
        Whether digits may have been cut off, not only rounded.
    difference
        Whether it is known to be a difference; else it is taken for one only if it is no ratio.
    n
        Subjects, if known: the interval of a difference may be of Student's t with n - 2 degrees.

    Returns
    -------
    WaldRange or None
        None where the limits are reversed or have no width.

    Notes
    -----
    With limits a and b (in logarithms for a ratio) Wald's z is (a + b) / (b - a) times the normal
    quantile of the level. It is extreme at corners of what the printed digits leave open.
    """
    from scipy.stats import norm, t

    laws = [norm]
    if n is not None and n > 2:
        laws.append(t(n - 2))
    tail = (1 - level) / 2
    boxes = [x.bounds(truncation=truncation) for x in (low, high)]
    middle = estimate.bounds(truncation=truncation) if estimate else None
    positive = boxes[0][1] > 0 and low.value >= 0 and (middle is None or middle[1] > 0)
    scales: list[Scale] = ["ratio", "difference"] if positive else ["difference"]
    if difference:
        scales = ["difference"]
    for scale in scales:
        found = _extremes(*_on(scale, boxes, middle))
        if found:
            return _in_p(scale, found, laws, tail, symmetric=True)
    # the middle of no scale: a profile, exact or hybrid interval of a ratio or a difference
    alone = [
        _in_p(scale, found, laws, tail, symmetric=False)
        for scale in scales
        if (found := _extremes(*_on(scale, boxes, None)))
    ]
    if not alone:
        return None
    return replace(alone[0], spans=tuple(one.spans[0] for one in alone))


def _on(
    scale: Scale, boxes: list[Bounds], middle: Bounds | None
) -> tuple[Bounds, Bounds, Bounds | None]:
    """Return the bounds on the scale on which an interval is symmetric."""
    low, high = boxes
    if scale == "difference":
        return low, high, middle
    return _logs(low), _logs(high), _logs(middle) if middle else None


def _logs(bounds: Bounds) -> Bounds:
    """Return logarithms; a bound that reaches zero stops just above it."""
    low, high = (max(x, TINY) for x in bounds)
    return math.log(low), math.log(high)


def _extremes(low: Bounds, high: Bounds, middle: Bounds | None) -> Bounds | None:
    """Return the least and greatest (a + b) / (b - a) within the bounds; None if there is none."""
    corners = [(a, b) for a in low for b in high]
    if middle is not None:
        sums = (2 * middle[0], 2 * middle[1])
        corners = [(a, b) for a, b in corners if sums[0] - TINY <= a + b <= sums[1] + TINY]
        for total in sums:
            corners += [(a, total - a) for a in low if high[0] <= total - a <= high[1]]
            corners += [(total - b, b) for b in high if low[0] <= total - b <= low[1]]
    ratios = [(a + b) / (b - a) for a, b in corners if b - a > TINY]
    return (min(ratios), max(ratios)) if ratios else None


def _in_p(
    scale: Scale, ratios: Bounds, laws: list[Any], tail: float, *, symmetric: bool
) -> WaldRange:
    """Turn extreme ratios into p values; a ratio has the normal law alone."""
    least = 0.0 if ratios[0] <= 0 <= ratios[1] else min(abs(x) for x in ratios)
    most = max(abs(x) for x in ratios)
    fit = laws if scale == "difference" else laws[:1]
    return WaldRange(
        scale,
        (
            (
                min(float(2 * law.sf(law.isf(tail) * most)) for law in fit),
                max(float(2 * law.sf(law.isf(tail) * least)) for law in fit),
            ),
        ),
        symmetric,
    )
