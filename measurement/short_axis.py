"""The short axis: across the longest diameter, with the band that tied long axes leave."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from imaging.geometry import VolumeGeometry
from measurement import chord
from measurement.contour import Contour
from measurement.crop import Mask
from measurement.diameter import Caliper, caliper_between, search_slice
from measurement.outline import LesionOutline

TIED_PX = 0.5
"""Long axes within half a pixel of the longest are tied; source: spec/measurement.md."""

TIED_AXES = 24


@dataclass(frozen=True, slots=True)
class ShortAxis:
    """The short axis, and how far it depends on which of several tied long axes is taken."""

    caliper: Caliper
    lowest_mm: float
    highest_mm: float
    tied_axes: int


def short_axis(
    region: Mask, geometry: VolumeGeometry, long: Caliper, *, whole: Mask | None = None
) -> Caliper:
    """Longest segment perpendicular to a long axis, in its slice (tie-break: `tied_short_axis`)."""
    outline = LesionOutline(region, region if whole is None else whole, geometry)
    return tied_short_axis(outline, long).caliper


def tied_short_axis(outline: LesionOutline, long: Caliper) -> ShortAxis:
    """Short axis with the band that tied long axes leave.

    Notes
    -----
    The short axis is ill-conditioned: a long axis moved by less than a pixel may change it by
    half. Among the long axes of the slice within half a pixel of the longest (at most one per
    direction, 24 directions), the one with the largest short axis is taken; the band is from
    the smallest to the largest. Source: spec/measurement.md.
    """
    index = outline.cropped_index(long.slice_index)
    viable, whole = outline.contours(index)
    axes = _tied_axes(outline, index, long)
    rows = [_across(viable, whole, long.gap_mm, axis) for axis in axes]
    lengths = [float(row[0]) for row in rows]
    widest = int(np.argmax(np.round(lengths, 9)))
    caliper = caliper_between(outline, index, rows[widest][1:].reshape(2, 2), long.gap_mm)
    caliper = replace(caliper, method="perpendicular_to_longest")
    return ShortAxis(
        caliper, min(*lengths, caliper.length_mm), caliper.length_mm, tied_axes=len(axes)
    )


def _tied_axes(outline: LesionOutline, index: int, long: Caliper) -> list[tuple[float, float]]:
    """Directions (x, y) of the long axes within half a pixel of the longest, that one first."""
    pixel = min(outline.spacing_mm)
    (_, y1, x1), (_, y2, x2) = long.ends_index
    own = np.array([(x2 - x1) * outline.spacing_mm[1], (y2 - y1) * outline.spacing_mm[0]])
    axes = [own]
    floor = long.length_mm - TIED_PX * pixel
    if floor > 0.0:
        runs = search_slice(outline, index, long.gap_mm, floor, each=True)
        groups = np.array_split(np.arange(len(runs)), min(TIED_AXES, len(runs)))
        for group in groups:
            run = runs[group[np.argmax(runs[group, 0])]]
            if run[0] > 0.0:
                axes.append(run[3:5] - run[1:3])
    return [(float(x), float(y)) for x, y in (axis / np.hypot(*axis) for axis in axes)]


def _across(
    viable: Contour, whole: Contour, gap_mm: float, axis: tuple[float, float]
) -> NDArray[np.float64]:
    """Longest run perpendicular to an axis, as (length, x, y, x, y)."""
    run = chord.along(
        viable.points_mm, viable.edges, whole.points_mm, whole.edges, gap_mm, (-axis[1], axis[0])
    )
    return np.asarray(run[0])
