"""Enhancement of a lesion: the difference it is sought in, its noise, and whether there is any."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from scipy import ndimage

from measurement.crop import Mask, bounding_box
from measurement.smoothing import Spacing, Values, part_response, robust_sd, smoothed_within

PLACES_PER_CELL = 4.0
"""A maximum is sought at every voxel: so many independent ones per cell of the smoothing."""


@dataclass(frozen=True, slots=True)
class ViableSettings:
    """How the viable part is found; the defaults won `benchmarks/viable_accuracy.py`.

    Parameters
    ----------
    edge_fraction : the edge is drawn where enhancement falls to this part of the viable level
    edge_shift : the edge runs higher by this much per noise-to-level ratio: the noisier an edge,
        the luckier the line that a caliper takes
    flatness : weight of the total variation, in SD of a voxel's noise (as if it were white)
    clear_fraction : components that nowhere come this near to the other level are noise
    smallest_part_mm, smallest_hole_mm : diameter of a ball; smaller components are left out, but
        for clear parts where nothing else enhances
    least_enhancement : less is no enhancement; in HU (10 HU: Abdom Imaging 2014;39:1247)
    least_enhancement_part : the same for signal without a unit, as part of the native liver's
    detection_mm : SD of the Gaussians at which enhancement is looked for
    false_detection : chance of taking noise in a dead lesion for enhancement
    arterial_only_sd : without a native phase the edge lies this many SD above the liver
    """

    edge_fraction: float = 0.62
    edge_shift: float = 0.12
    flatness: float = 0.4
    clear_fraction: float = 0.75
    smallest_part_mm: float = 3.0
    smallest_hole_mm: float = 2.0
    least_enhancement: float = 10.0
    least_enhancement_part: float = 0.1
    detection_mm: tuple[float, ...] = (1.5, 2.0, 3.0)
    false_detection: float = 1e-3
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


class Noise:
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


def detection(
    contrast: Contrast, noise: Noise, settings: ViableSettings
) -> tuple[float | None, dict[str, float]]:
    """Strongest enhancement where there is one, and what would have been found."""
    best: float | None = None
    strongest, chance = 0.0, 1.0
    detectable = math.inf
    for width in settings.detection_mm:
        field = smoothed_within(contrast.values, contrast.lesion, contrast.spacing_mm, width)
        field = field[contrast.lesion]
        sd = noise.at(width) * border_noise(contrast, width)[contrast.lesion]
        strongest = max(strongest, float((field / sd).max()))
        high = field >= contrast.least
        if high.any():
            beyond = 0.5 * math.erfc(float((field[high] / sd[high]).max()) / math.sqrt(2.0))
            chance = float(min(chance, _places(contrast, width) * beyond))
        ratio = noise_ratio(contrast, width, settings)
        needed = max(contrast.least, ratio * noise.at(width))
        detectable = min(detectable, needed / part_response(width))
        found = field[field >= np.maximum(contrast.least, ratio * sd)]
        if found.size and (best is None or found.max() > best):
            best = float(found.max())
    return best, {
        "noise": noise.at(0.0),
        "detectable_enhancement": detectable,
        "detection_ratio": strongest,
        "chance_of_noise": chance,
    }


def border_noise(contrast: Contrast, width_mm: float) -> Values:
    """Noise of the smoothed difference as a multiple of that far from the lesion's border.

    At the border fewer voxels share in the mean. With weights w within the lesion, the variance
    goes with the sum of w^2 over the square of the sum of w.
    """
    box = bounding_box(contrast.lesion)
    inside = contrast.lesion[box].astype(np.float64)
    sigma = np.array([width_mm / step for step in contrast.spacing_mm])
    once = ndimage.gaussian_filter(inside, sigma, mode="constant", truncate=3.0)
    twice = ndimage.gaussian_filter(inside, sigma / math.sqrt(2.0), mode="constant", truncate=4.2)
    ratio = np.ones(contrast.lesion.shape)
    ratio[box] = np.sqrt(np.maximum(twice, 1e-12)) / np.maximum(once, 1e-12)
    return np.maximum(ratio, 1.0)


def _places(contrast: Contrast, width_mm: float) -> float:
    """Independent places at which a lesion's smoothed noise may be largest."""
    volume_mm3 = np.count_nonzero(contrast.lesion) * math.prod(contrast.spacing_mm)
    cell_mm3 = (2.0 * math.sqrt(math.pi) * width_mm) ** 3
    return PLACES_PER_CELL * (1.0 + volume_mm3 / cell_mm3)


def noise_ratio(contrast: Contrast, width_mm: float, settings: ViableSettings) -> float:
    """How many SD the largest of all independent places of a lesion exceeds by chance alone."""
    places = _places(contrast, width_mm)
    return NormalDist().inv_cdf(1.0 - settings.false_detection / places)
