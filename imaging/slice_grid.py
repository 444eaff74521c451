"""The grid of a stack of slices: ordered, measured, and refused where slices are missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imaging.geometry import VolumeGeometry
from imaging.header import InstanceHeader
from imaging.reason import ReasonedError

SAME_ORIENTATION = 1e-3
"""Largest difference of direction cosines within one volume; jitter to 1e-4 is common."""
SAME_POSITION_MM = 0.01
"""Positions along the normal closer than this are one position."""
_ROUNDING_MM = 0.1
"""Positions are often written to 0.1 mm; also two percent of the spacing, if that is more."""
_LARGEST_SHEAR = 1.0
"""Shift per step along the normal: 45 degrees; gantries tilt by 30 at most."""
_HEADER_SPACING = 0.05


class GridError(ReasonedError):
    """Slices that do not form a regular grid."""

    def __init__(self, reason_code: str, detail: str) -> None:
        super().__init__(reason_code, "slices", detail)

    def __reduce__(self) -> tuple[type[GridError], tuple[str, str]]:
        return type(self), (self.reason_code, self.detail)


@dataclass(frozen=True, slots=True)
class SliceGrid:
    """Slices in order of increasing position along the normal, and the grid they form."""

    headers: tuple[InstanceHeader, ...]
    geometry: VolumeGeometry
    largest_residual_mm: float
    flags: tuple[str, ...]
    missing: tuple[int, ...] = ()


def directions(headers: Sequence[InstanceHeader]) -> NDArray[np.float64]:
    """Return the mean unit vectors (2, 3) along rows and columns, exactly perpendicular."""
    mean = (
        np.array([header.orientation for header in headers], dtype=np.float64)
        .mean(axis=0)
        .reshape(2, 3)
    )
    along_row = mean[0] / np.linalg.norm(mean[0])
    along_column = mean[1] - (mean[1] @ along_row) * along_row
    return np.stack([along_row, along_column / np.linalg.norm(along_column)])


def heights_mm(headers: Sequence[InstanceHeader]) -> NDArray[np.float64]:
    """Return each slice's position along the common normal (row x column direction), in mm."""
    normal = np.cross(*directions(headers))
    positions = np.asarray([header.position for header in headers], dtype=np.float64)
    return np.asarray(positions @ normal, dtype=np.float64)


def slice_grid(headers: Sequence[InstanceHeader], *, allow_gaps: bool = False) -> SliceGrid:
    """Return the ordered slices and the grid they form.

    Parameters
    ----------
    headers : two or more
        Of one orientation, matrix and spacing, no two at one position.
    allow_gaps : bool, optional
        Leave room for missing slices instead of refusing them; ``missing`` tells their indices.
        More missing slices than there are others are refused all the same.

    Raises
    ------
    GridError
        ``single_slice``, ``missing_slice``, ``uneven_spacing``, ``not_on_a_line``,
        ``sheared_slices``.

    Notes
    -----
    The index z increases along the normal, the cross product of row and column direction; for an
    upright axial series that is from feet to head. The affine runs from the first to the last
    position (PS3.3 C.7.6.2.1.1), so a gantry tilt stays in it as a shear.
    A slice's distance from that line may be 0.1 mm or 2 % of the spacing, but never a quarter of
    it; a missing slice always moves one by half the spacing at least.
    """
    if len(headers) == 1:
        raise GridError("single_slice", "1 slice")
    heights = heights_mm(headers)
    order = np.argsort(heights, kind="stable")
    ordered = tuple(headers[i] for i in order)
    heights = heights[order]
    positions = np.asarray([header.position for header in ordered], dtype=np.float64)
    spacing, gaps = _judged_spacing(heights)
    if gaps is not None and not (allow_gaps and gaps.reason_code == "missing_slice"):
        raise gaps
    if gaps is not None and (heights[-1] - heights[0]) / spacing > 2 * len(headers):
        raise gaps
    steps = np.maximum(np.rint(np.diff(heights) / spacing), 1).astype(np.int64)
    places = np.concatenate([[0], np.cumsum(steps)])
    residual = _checked_residual(positions, places, spacing)
    geometry = _geometry(ordered, positions, int(places[-1]))
    flags = _flags(ordered, geometry)
    missing = tuple(sorted(set(range(int(places[-1]))) - set(places.tolist())))
    return SliceGrid(
        ordered, geometry, residual, (*flags, "gap_allowed") if missing else flags, missing
    )


def _tolerance_mm(spacing_mm: float) -> float:
    """Return how far a slice may lie from where an even grid puts it."""
    return min(max(_ROUNDING_MM, 0.02 * spacing_mm), 0.25 * spacing_mm)


def _judged_spacing(heights: NDArray[np.float64]) -> tuple[float, GridError | None]:
    """Return the usual step between slices, and the error where one step differs."""
    steps = np.diff(heights)
    spacing = float(np.median(steps))
    if np.median(steps) > np.min(steps) + _tolerance_mm(spacing):
        spacing = float(np.min(steps))  # two or three steps: the narrow one is the true spacing
        regular = float(np.mean(np.abs(steps - spacing) <= _tolerance_mm(spacing)))
        spacing = spacing if regular >= 1 / 3 else float(np.median(steps))
    wrong = np.flatnonzero(np.abs(steps - spacing) > _tolerance_mm(spacing))
    return spacing, _spacing_error(heights, steps, spacing, wrong) if wrong.size else None


def _spacing_error(
    heights: NDArray[np.float64],
    steps: NDArray[np.float64],
    spacing: float,
    wrong: NDArray[np.intp],
) -> GridError:
    """Tell missing slices (gaps of whole spacings) from an uneven series."""
    ratios = steps[wrong] / spacing
    whole = np.abs(ratios - np.rint(ratios)) <= 0.1
    worst = int(wrong[np.argmax(np.abs(steps[wrong] - spacing))])
    where = (
        f"gap of {steps[worst]:.2f} mm between slice positions {heights[worst]:.2f} and "
        f"{heights[worst + 1]:.2f} mm along the normal, expected {spacing:.2f} mm"
    )
    if bool(np.all(whole & (ratios > 1.5))):
        missing = int(np.rint(ratios - 1).sum())
        return GridError("missing_slice", f"{where}; {missing} missing in {wrong.size} gap(s)")
    return GridError("uneven_spacing", f"{where}; {wrong.size} of {steps.size} steps differ")


def _checked_residual(
    positions: NDArray[np.float64], places: NDArray[np.int64], spacing: float
) -> float:
    """Return the largest distance of a slice from the line between first and last, in mm."""
    along = (places / places[-1])[:, None]
    line = positions[0] + along * (positions[-1] - positions[0])
    distances = np.linalg.norm(positions - line, axis=1)
    worst = int(np.argmax(distances))
    if distances[worst] > 2 * _tolerance_mm(spacing):
        raise GridError(
            "not_on_a_line",
            f"slice {worst} of {len(positions)} lies {distances[worst]:.2f} mm off the line from "
            "first to last position",
        )
    return float(distances[worst])


def _geometry(
    ordered: Sequence[InstanceHeader], positions: NDArray[np.float64], steps: int
) -> VolumeGeometry:
    """Return the affine from first and last position; raise on a shear beyond any gantry."""
    first = ordered[0]
    along_row, along_column = directions(ordered)
    spacing = np.array([h.pixel_spacing for h in ordered], dtype=np.float64).mean(axis=0)
    affine = np.eye(4)
    affine[:3, 0] = (positions[-1] - positions[0]) / steps
    affine[:3, 1] = along_column * spacing[0]
    affine[:3, 2] = along_row * spacing[1]
    affine[:3, 3] = positions[0]
    shape = (steps + 1, first.rows or 0, first.columns or 0)
    geometry = VolumeGeometry(affine, shape, first.frame_of_reference_uid)
    if _shear(geometry) > _LARGEST_SHEAR:
        raise GridError("sheared_slices", f"{_shear(geometry):.2f} mm sideways per mm of height")
    return geometry


def _shear(geometry: VolumeGeometry) -> float:
    """Return how far slices shift sideways per mm along the normal."""
    step = geometry.affine[:3, 0]
    up = float(step @ geometry.normal)
    return float(np.linalg.norm(step - up * geometry.normal)) / abs(up)


def _flags(ordered: Sequence[InstanceHeader], geometry: VolumeGeometry) -> tuple[str, ...]:
    """Return what is doubtful about the grid."""
    flags = []
    sideways_mm = _shear(geometry) * geometry.slice_spacing_mm * (geometry.shape[0] - 1)
    if sideways_mm > 0.5 * min(geometry.spacing_mm[1:]):
        flags.append("gantry_tilt")
    if len({header.orientation for header in ordered}) > 1:
        flags.append("orientation_jitter")
    if len(ordered) == 2:
        flags.append("two_slices")
    stated = {header.spacing_between_slices for header in ordered} - {None}
    spacing = geometry.slice_spacing_mm
    if any(abs(abs(s) - spacing) > _HEADER_SPACING * spacing for s in stated if s is not None):
        flags.append("spacing_contradicts_header")
    return tuple(flags)
