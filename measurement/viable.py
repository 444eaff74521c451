"""The arterially enhancing part of a lesion: detected first, then drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from measurement.crop import Mask, bounding_box
from measurement.denoise import flattened
from measurement.enhancement import (
    Contrast,
    Noise,
    ViableSettings,
    border_noise,
    detection,
    noise_ratio,
)
from measurement.smoothing import Spacing, Values, equivalent_noise, smoothed_within

WHITE_MM = 1.5
"""Noise is compared at this smoothing, at which its correlation from pixel to pixel is gone."""

HIGHEST_FRACTION = 0.8
"""No edge is drawn nearer to the viable level than this."""

SOFTENING_PX = 0.5
"""Total variation leaves steps; an edge finer than pixels needs them soft."""

BORDER_PULL = 0.7
"""How much of the variation counts between the lesion's border and nothing outside it.

At 0 an edge of viable tissue that runs close to the border would be spared by moving it there:
the thin necrosis between is swallowed, and a caliper reads from border to border.
"""

OUTERMOST = 0.5
"""Outermost pixels of a lesion follow their neighbours from this part of the viable level on.

Viable tissue up to the outline leaves them half its level or more. What is less is viable tissue
that turns away from the outline, and ends there.
"""

FEWEST_VOXELS, HIGHEST_EXCESS = 20, 1.3
"""Where fewer voxels or a higher mean speak for more enhancement than the level, noise does."""

APART_MM = 2.5
"""Blur and noise of the viable part's edge reach no further than this."""


@dataclass(frozen=True, slots=True, eq=False)
class ViablePart:
    """The viable part, and the numbers by which it was found (HU or signal, ml, mm).

    Parameters
    ----------
    region : (z, y, x) bool array
    degree : (z, y, x) float64 array
        From 0 to 1; 0.5 at the edge. It goes on beyond the lesion, so that the lesion's own
        edge is the outline's.
    """

    region: Mask
    degree: Values
    evidence: dict[str, float]


def viable_part(contrast: Contrast, settings: ViableSettings) -> ViablePart:
    """Enhancing part of a lesion; empty where nothing enhances.

    Notes
    -----
    1. Noise is the robust SD of the difference around the lesion.
    2. *Detection*: the difference, smoothed inside the lesion alone, exceeds both the least
       enhancement and so many SD of noise at that width somewhere. Else the lesion is dead.
    3. *Edge*: noise is flattened by total variation inside the lesion alone, which averages along
       edges and leaves them in place. The edge runs at 0.62 of the level of viable tissue
       or more, the median of the inner part of what is above the edge. Not at half: a caliper takes
       the luckiest of many lines, the more so in noise; this balances it
       (benchmarks/viable_accuracy.py).
    4. *Clean-up* in mm: components that are small or nowhere clear count as noise. But where
       enhancement was detected and all of it is small, what is clear stays: the lesion is not dead.
    """
    noise = Noise(contrast)
    level, evidence = detection(contrast, noise, settings)
    white = equivalent_noise(noise.at(WHITE_MM), WHITE_MM, contrast.spacing_mm)
    evidence["white_noise"] = white
    if level is None:
        return ViablePart(np.zeros_like(contrast.lesion), np.zeros(contrast.lesion.shape), evidence)
    strength = settings.flatness * white
    field = flat_field(contrast, strength)
    level, threshold = edge_level(contrast, field, settings, white=white, level=level)
    if contrast.fixed_threshold_sd is not None:
        threshold = contrast.fixed_threshold_sd * noise.at(0.0)
    part = drawn(contrast, field, settings, threshold=threshold, level=level)
    evidence |= {
        "viable_level": level,
        "threshold": threshold,
        "strength": strength,
        "cnr": _height(contrast, part.region, level) / noise.at(0.0),
    }
    return ViablePart(part.region, part.degree, evidence | part.evidence)


def edge_level(
    contrast: Contrast, field: Values, settings: ViableSettings, *, white: float, level: float
) -> tuple[float, float]:
    """Level of viable tissue in a flattened field, and the threshold at which its edge runs.

    Parameters
    ----------
    white : SD of a voxel's noise as if it were white
    level : a first guess at the level
    """
    level = _viable_level(field, contrast, level, settings)
    fraction = settings.edge_fraction + settings.edge_shift * white / level
    return level, min(fraction, HIGHEST_FRACTION) * level


def flat_field(contrast: Contrast, strength: float) -> Values:
    """Difference without its noise, inside the lesion alone."""
    field = np.zeros(contrast.values.shape)
    box = bounding_box(contrast.lesion)
    field[box] = flattened(
        contrast.values[box], contrast.lesion[box], contrast.spacing_mm, strength,
        border=BORDER_PULL,
    )  # fmt: skip
    width = SOFTENING_PX * math.sqrt(contrast.spacing_mm[1] * contrast.spacing_mm[2])
    return smoothed_within(field, contrast.lesion, contrast.spacing_mm, width)


def drawn(
    contrast: Contrast,
    field: Values,
    settings: ViableSettings,
    *,
    threshold: float,
    level: float,
) -> ViablePart:
    """Return what lies above a threshold in a field, cleaned, and how much that took."""
    field = _outermost_followed(field, contrast, OUTERMOST * level)
    rough = contrast.lesion & (field >= threshold)
    region, evidence = _cleaned(rough, field, (threshold, level), contrast, settings)
    degree = np.clip(field / (2.0 * threshold), 0.0, 1.0)
    degree[rough & ~region] = 0.0
    degree[region & ~rough] = 1.0
    return ViablePart(region, _carried_on(degree, contrast.lesion, contrast.spacing_mm), evidence)


def _outermost_followed(field: Values, contrast: Contrast, least: float) -> Values:
    """Return the field in which the outermost pixels have the values of those further in.

    They share their own with what lies outside the lesion. Where they do not even reach ``least``
    they keep them, and so do parts too thin to have neighbours further in.
    """
    followed = field.copy()
    for index in np.flatnonzero(contrast.lesion.any(axis=(1, 2))):
        inside, own = contrast.lesion[index], field[index]
        inner = ndimage.binary_erosion(inside)
        inner |= inside & ~ndimage.binary_dilation(inner, np.ones((3, 3)))
        further_in = own[_nearest(inner, contrast.spacing_mm)]
        followed[index] = np.where(inside & ~inner & (own >= least), further_in, own)
    return followed


def _carried_on(degree: Values, lesion: Mask, spacing_mm: Spacing) -> Values:
    """Return the degree with the nearest value of the lesion's own slice everywhere around it."""
    carried = np.zeros_like(degree)
    for index in np.flatnonzero(lesion.any(axis=(1, 2))):
        carried[index] = degree[index][_nearest(lesion[index], spacing_mm)]
    return carried


def _nearest(region: NDArray[np.bool_], spacing_mm: Spacing) -> tuple[NDArray[np.intp], ...]:
    """Rows and columns of the nearest pixel of a region, for every pixel of a slice."""
    rows, columns = ndimage.distance_transform_edt(
        ~region, sampling=spacing_mm[1:], return_distances=False, return_indices=True
    )
    return rows, columns


def with_left_out(
    contrast: Contrast, found: ViablePart, settings: ViableSettings
) -> ViablePart | None:
    """Take in what enhances clearly away from the viable part; None where nothing does.

    Clear is what would be detected as a lesion's enhancement is, at half the viable level.
    """
    far = ndimage.distance_transform_edt(~found.region, sampling=contrast.spacing_mm) > APART_MM
    rest = replace(contrast, lesion=contrast.lesion & far)
    if not rest.lesion.any():
        return None
    noise = Noise(contrast)
    taken = np.zeros_like(rest.lesion)
    for width in settings.detection_mm:
        field = smoothed_within(rest.values, rest.lesion, rest.spacing_mm, width)
        sd = noise.at(width) * border_noise(rest, width)
        least = max(contrast.least, 0.5 * found.evidence["viable_level"])
        taken |= rest.lesion & (field >= np.maximum(least, noise_ratio(rest, width, settings) * sd))
    if not taken.any():
        return None
    evidence = {"left_out_ml": float(taken.sum()) * math.prod(contrast.spacing_mm) / 1000.0}
    return ViablePart(found.region | taken, np.where(taken, 1.0, found.degree), evidence)


def _viable_level(
    field: Values, contrast: Contrast, level: float, settings: ViableSettings
) -> float:
    """Median of the inner part of what lies above the edge, until edge and level agree."""
    for _ in range(10):
        above = contrast.lesion & (field >= settings.edge_fraction * level)
        if not above.any():
            return level
        inner = _inner(above, contrast.lesion)
        before, level = (
            level,
            float(
                np.median(field[inner])
                if inner.sum() >= 0.2 * above.sum()
                else np.percentile(field[above], 75)
            ),
        )
        if abs(level - before) <= 0.01 * level:
            break
    return level


def _inner(region: Mask, lesion: Mask) -> Mask:
    """Return a part of a lesion without the pixels at its edges within the lesion."""
    in_plane = ndimage.generate_binary_structure(3, 1)
    in_plane[0] = in_plane[2] = False
    return np.asarray(ndimage.binary_erosion(region | ~lesion, in_plane) & region)


def _height(contrast: Contrast, region: Mask, level: float) -> float:
    """Enhancement of viable tissue, of which the level of the flattened field is too low a guess.

    Total variation takes from the level, the more the smaller a part is; the mean of the bare
    difference in the part is too high, as the part was chosen for being high. Of 271 necrotic
    lesions planted in a real liver, the level was 0.87 of what was planted, that mean 1.14, and
    the geometric mean of both, limited, 0.96 (SD 0.08).
    """
    inner = _inner(region, contrast.lesion)
    if np.count_nonzero(inner) < FEWEST_VOXELS:
        return level
    excess = float(contrast.values[inner].mean()) / level
    return level * math.sqrt(min(max(excess, 0.0), HIGHEST_EXCESS))


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
    if specks.any() and not (rough & ~specks).any():
        specks = _unclear(rough, field < clear, 0.0, voxel_mm3)
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
