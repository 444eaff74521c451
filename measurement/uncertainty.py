"""Standard uncertainty of a length: from the grid, from the edge, from the outline."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

PIXEL_SHARE = 0.45
"""Error of the house's edge on exact masks, rms in pixels; source: spec/measurement.md."""

READER_SHARE = 0.085
"""Standard deviation of one reader's longest diameter, as a share of it.

Half the logarithmic width of the 95 % limits between two readers, -22 % to +25 %, over 1.96 sqrt 2;
source: Yoon 2016, PMID 26687017.
"""

READ_BETWEEN = frozenset({"viable_diameter", "whole_diameter"})
"""Quantities that those limits are of: the longest diameter of one lesion."""


def grid_sd_mm(pixel_mm: float) -> float:
    """Uncertainty that the size of a pixel leaves of a length between two edges, in mm."""
    return PIXEL_SHARE * pixel_mm


def slice_sd_mm(length_mm: float, slice_mm: float) -> float:
    """Uncertainty from where the slice planes happen to cut a rounded lesion, in mm.

    Notes
    -----
    A ball of diameter D cut at u from its middle reads 2 u^2 / D short; with u even between
    -s/2 and s/2 the SD of that is s^2 / (2 D) times sqrt(4/45).
    """
    if length_mm <= 0.0:
        return 0.0
    return min(slice_mm**2 / (2.0 * length_mm) * math.sqrt(4.0 / 45.0), 0.29 * length_mm)


def edge_sd_mm(length_mm: float, neighbours_mm: Iterable[float]) -> float:
    """Uncertainty from the edge: rms change of the length under neighbouring choices, in mm."""
    changes = [other - length_mm for other in neighbours_mm]
    return math.sqrt(sum(c * c for c in changes) / len(changes)) if changes else 0.0


def outline_sd_of_length_mm(outline_sd_mm: float) -> float:
    """Uncertainty of a length whose two ends both move with the outline, in mm."""
    return math.sqrt(2.0) * outline_sd_mm


def outline_sd_of_viable_mm(outline_sd_mm: float) -> float:
    """Uncertainty of a viable length whose ends thresholds find, by an outline that is off, in mm.

    Notes
    -----
    Where the outline is too wide, enhancement ends the length; only where it is too narrow does it
    cut off. The root mean square of min(0, e) is 1 / sqrt 2 of that of an error e, at each of two
    ends.
    """
    return outline_sd_mm


def reader_uncertainty(quantity: str, value: float | None) -> float | None:
    """Return the standard uncertainty between readers of a value, apart from its own; or None.

    Parameters
    ----------
    quantity : a word of `measurement.lesion_table.QUANTITY_UNITS`
    value : in mm for the lengths that have an answer, which is in mm too

    Notes
    -----
    None where no limits between readers are known: for other quantities, and for a lesion that
    reads 0 mm, of which readers may disagree whether it is there at all.

    Examples
    --------
    >>> reader_uncertainty("viable_diameter", 40.0)
    3.4
    """
    if quantity not in READ_BETWEEN or not value:
        return None
    return READER_SHARE * value


def combined(parts: Mapping[str, float]) -> float:
    """Root of the sum of squares of independent parts."""
    return math.sqrt(sum(part * part for part in parts.values()))
