"""The arterially enhancing part of a lesion: detected first, then drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from measurement.outline import Mask, bounding_box

Spacing = tuple[float, float, float]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ViableSettings:
    """How the viable part is found; the defaults won `benchmarks/viable_accuracy.py`.

    Parameters
    ----------
    edge_fraction : the edge is drawn where enhancement falls to this part of the viable level
    threshold_noise_ratio : smoothing grows until the threshold is this many SD of smoothed noise
    smoothing_mm : SD of the Gaussians that are tried, from the least
    clear_fraction : components that nowhere come this near to the other level are noise
    smallest_part_mm, smallest_hole_mm : diameter of a ball; smaller components are left out
    least_enhancement : less is no enhancement; in HU (10 HU: Abdom Imaging 2014;39:1247)
    least_enhancement_part : the same for signal without a unit, as part of the native liver's
    detection_mm : SD of the Gaussians at which enhancement is looked for
    detection_noise_ratio : enhancement counts above this many SD of noise at that size
    arterial_only_sd : without a native phase the edge lies this many SD above the liver
    """

    edge_fraction: float = 0.5
    threshold_noise_ratio: float = 3.2
    smoothing_mm: tuple[float, ...] = (0.0, 0.5, 0.7, 0.9, 1.1, 1.4, 1.7, 2.0, 2.5, 3.0, 4.0)
    clear_fraction: float = 0.75
    smallest_part_mm: float = 3.0
    smallest_hole_mm: float = 2.0
    least_enhancement: float = 10.0
    least_enhancement_part: float = 0.1
    detection_mm: tuple[float, ...] = (1.5, 2.0, 3.0)
    detection_noise_ratio: float = 5.0
    arterial_only_sd: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """What the viable part is found in.

    Parameters
    ----------
    values : (z, y, x) float64 array
        Rise from the native to the arterial phase; without native, arterial less liver.
    lesion : (z, y, x) bool array
        Voxels of the lesion that may be judged: neither padding nor oil.
    around : (z, y, x) bool array
        Tissue in which the same difference is noise.
    least : float
        Less than this is no enhancement.
    fixed_threshold_sd : float, optional
        Draw the edge at so many SD of a voxel's noise instead of part of the viable level.
    """

    values: Values
    lesion: Mask
    around: Mask
    spacing_mm: Spacing
    least: float
    fixed_threshold_sd: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ViablePart:
    """The viable part, and the numbers by which it was found (HU or signal, ml, mm)."""

    region: Mask
    evidence: dict[str, float]


def viable_part(contrast: Contrast, settings: ViableSettings) -> ViablePart:
    """Enhancing part of a lesion; empty where nothing enhances.

    Notes
    -----
    1. Noise is the robust SD of the difference around the lesion.
    2. *Detection*: the difference, smoothed inside the lesion alone, exceeds both the least
       enhancement and so many SD of noise at that width somewhere. Else the lesion is dead.
    3. *Edge*: half way between necrosis (0) and the level of viable tissue, which is the median of
       the inner part of what is above the edge; smoothing is as little as makes the
       threshold 3.2 SD of noise (spec/measurement.md: the share of a robust peak ranks first).
    4. *Clean-up* in mm; small components count as noise unless they are clear.
    """
    noise = _Noise(contrast)
    level, evidence = _detection(contrast, noise, settings)
    if level is None:
        return ViablePart(np.zeros_like(contrast.lesion), evidence)
    width, level = _width_and_level(contrast, noise, level, settings)
    threshold = _threshold(contrast, noise, level, settings)
    region, cleaned = drawn(contrast, settings, width_mm=width, threshold=threshold, level=level)
    evidence |= {
        "viable_level": level,
        "threshold": threshold,
        "smoothing_mm": width,
        "cnr": level / noise.at(0.0),
        "smoothed_cnr": level / noise.at(width),
    }
    return ViablePart(region, evidence | cleaned)


def drawn(
    contrast: Contrast,
    settings: ViableSettings,
    *,
    width_mm: float,
    threshold: float,
    level: float,
) -> tuple[Mask, dict[str, float]]:
    """Return what lies above a threshold after smoothing, cleaned, and how much that took."""
    field = smoothed_within(contrast.values, contrast.lesion, contrast.spacing_mm, width_mm)
    rough = contrast.lesion & (field >= threshold)
    return _cleaned(rough, field, (threshold, level), contrast, settings)


def smoothed_within(values: Values, region: Mask, spacing_mm: Spacing, width_mm: float) -> Values:
    """Gaussian mean over the region alone, so that nothing outside bleeds into it.

    ``width_mm`` is the SD of the Gaussian; outside the region the result is zero.
    """
    smooth = np.zeros(region.shape)
    box = bounding_box(region)
    part = region[box]
    inside = np.where(part, values[box], 0.0)
    if width_mm > 0.0:
        sigma = [width_mm / step for step in spacing_mm]
        weight = ndimage.gaussian_filter(
            part.astype(np.float64), sigma, mode="constant", truncate=3.0
        )
        total = ndimage.gaussian_filter(inside, sigma, mode="constant", truncate=3.0)
        inside = np.where(part, total / np.maximum(weight, 1e-12), 0.0)
    smooth[box] = inside
    return smooth


def robust_sd(values: Values) -> float:
    """SD that a few vessels do not move: 1.4826 x the median distance to the median."""
    if values.size == 0:
        return math.nan
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


class _Noise:
    """Noise of the difference after smoothing, measured around the lesion; each width once."""

    def __init__(self, contrast: Contrast) -> None:
        self._contrast = contrast
        self._known: dict[float, float] = {}

    def at(self, width_mm: float) -> float:
        """Return the robust SD after smoothing by a Gaussian of this SD in mm."""
        if width_mm not in self._known:
            around = self._contrast.around
            smooth = smoothed_within(
                self._contrast.values, around, self._contrast.spacing_mm, width_mm
            )
            self._known[width_mm] = max(robust_sd(smooth[around]), 1e-9)
        return self._known[width_mm]


def _detection(
    contrast: Contrast, noise: _Noise, settings: ViableSettings
) -> tuple[float | None, dict[str, float]]:
    """Strongest enhancement where there is one, and what would have been found."""
    best: float | None = None
    strongest = 0.0
    for width in settings.detection_mm:
        field = smoothed_within(contrast.values, contrast.lesion, contrast.spacing_mm, width)
        peak = float(field[contrast.lesion].max(initial=0.0))
        strongest = max(strongest, peak / noise.at(width))
        needed = max(contrast.least, settings.detection_noise_ratio * noise.at(width))
        if peak >= needed and (best is None or peak > best):
            best = peak
    detectable = min(
        max(contrast.least, settings.detection_noise_ratio * noise.at(width)) / part_response(width)
        for width in settings.detection_mm
    )
    return best, {
        "noise": noise.at(0.0),
        "detectable_enhancement": detectable,
        "detection_ratio": strongest,
    }


def part_response(width_mm: float, part_mm: float = 10.0) -> float:
    """Value that smoothing leaves in the middle of a ball of height 1: 10 mm unless stated."""
    x = 0.5 * part_mm / width_mm
    return math.erf(x / math.sqrt(2.0)) - math.sqrt(2.0 / math.pi) * x * math.exp(-0.5 * x * x)


def _threshold(contrast: Contrast, noise: _Noise, level: float, settings: ViableSettings) -> float:
    """Value at which the edge of the viable part is drawn."""
    if contrast.fixed_threshold_sd is not None:
        return contrast.fixed_threshold_sd * noise.at(0.0)
    return settings.edge_fraction * level


def _width_and_level(
    contrast: Contrast, noise: _Noise, level: float, settings: ViableSettings
) -> tuple[float, float]:
    """Least smoothing that lifts the threshold over the noise, and the viable level at it."""
    widths = settings.smoothing_mm
    at = _least_width(contrast, noise, level, settings)
    for _ in range(3):
        field = smoothed_within(contrast.values, contrast.lesion, contrast.spacing_mm, widths[at])
        level = _viable_level(field, contrast, level, settings)
        again = _least_width(contrast, noise, level, settings)
        if again == at:
            break
        at = again
    return widths[at], level


def _least_width(contrast: Contrast, noise: _Noise, level: float, settings: ViableSettings) -> int:
    """Index of the least smoothing at which the threshold clears the noise (by bisection)."""
    threshold = _threshold(contrast, noise, level, settings)
    low, high = 0, len(settings.smoothing_mm) - 1
    while low < high:
        middle = (low + high) // 2
        if threshold >= settings.threshold_noise_ratio * noise.at(settings.smoothing_mm[middle]):
            high = middle
        else:
            low = middle + 1
    return low


def _viable_level(
    field: Values, contrast: Contrast, level: float, settings: ViableSettings
) -> float:
    """Median of the inner part of what lies above the edge, until edge and level agree."""
    for _ in range(10):
        above = contrast.lesion & (field >= settings.edge_fraction * level)
        if not above.any():
            return level
        in_plane = ndimage.generate_binary_structure(3, 1)
        in_plane[0] = in_plane[2] = False
        inner = ndimage.binary_erosion(above | ~contrast.lesion, in_plane) & above
        before, level = (
            level,
            float(
                np.median(field[inner])
                if inner.sum() >= 0.2 * above.sum()  # noqa: PLR2004
                else np.percentile(field[above], 75)
            ),
        )
        if abs(level - before) <= 0.01 * level:
            break
    return level


def _cleaned(
    rough: Mask,
    field: Values,
    levels: tuple[float, float],
    contrast: Contrast,
    settings: ViableSettings,
) -> tuple[Mask, dict[str, float]]:
    """Leave out specks and fill holes that are small or not clear; tell how much."""
    voxel_mm3 = float(np.prod(contrast.spacing_mm))
    threshold, level = levels
    clear = threshold + (2.0 * settings.clear_fraction - 1.0) * (level - threshold)
    specks = _unclear(rough, field < clear, settings.smallest_part_mm, voxel_mm3)
    region = rough & ~specks
    clear = threshold - (2.0 * settings.clear_fraction - 1.0) * threshold
    holes = _unclear(contrast.lesion & ~region, field > clear, settings.smallest_hole_mm, voxel_mm3)
    return region | holes, {
        "left_out_ml": float(specks.sum()) * voxel_mm3 / 1000.0,
        "filled_ml": float(holes.sum()) * voxel_mm3 / 1000.0,
    }


def _unclear(region: Mask, doubtful: Mask, smallest_mm: float, voxel_mm3: float) -> Mask:
    """Mark components that are smaller than a ball of that diameter or doubtful throughout."""
    labels, count = ndimage.label(region)
    if count == 0:
        return np.zeros_like(region)
    index = np.arange(1, count + 1)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:] * voxel_mm3
    all_doubtful = np.asarray(ndimage.minimum(doubtful, labels, index)).astype(bool)
    small = sizes < math.pi / 6.0 * smallest_mm**3
    return np.asarray(np.concatenate([[False], small | all_doubtful])[labels], dtype=np.bool_)
