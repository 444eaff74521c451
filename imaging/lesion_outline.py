"""The outline of a lesion as evidence of where it lies in the native phase.

Tumour is darker (or brighter) than liver before contrast too, viable or dead. The step at its
outline says how it moved where the liver around it is plain; what lies inside says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from imaging.elastic_displacement import INDEPENDENT, Equations, summed_equations
from imaging.geometry import VolumeGeometry
from imaging.volume import Volume
from imaging.working_grid import STEP_MM, Mask, Values, mask_onto, read_onto

STEP_WIDTH_MM = 6.0
"""The step is compared so far on both sides of the outline."""

RING_MM = (3.0, 10.0)
"""Liver so far outside tells how much the lesion differs."""

DEEP_MM = 6.0
"""Nearer to the liver's surface the step is that of the liver."""

LEAST_CONTRAST_HU = 8.0
OUTLINE_SD_MM = 1.5
"""Readers' outlines are off by so much."""

FEWEST = 30
OUTLIER = 3.0
SHARE = 0.5
"""An outline is off over a centimetre: its voxels count less than those of tissue."""


@dataclass(frozen=True, slots=True, eq=False)
class LesionOutline:
    """A lesion's outline on the working grid.

    Parameters
    ----------
    part : (z, y, x) share of lesion in each voxel, smoothed as images are
    step : where the step is compared
    inner, ring : lesion and liver that tell the contrast
    """

    part: Values
    step: Mask
    inner: Mask
    ring: Mask

    def equations(self, moved: Values, seen: Values) -> Equations | None:
        """Return what the native phase says at the outline; None where the lesion is not seen.

        Parameters
        ----------
        moved : (z, y, x) the native phase at the places to which a field points
        seen : 1 where it has values
        """
        ring, inner = (where & (seen > 0) for where in (self.ring, self.inner))
        if np.count_nonzero(ring) < FEWEST or not inner.any():
            return None
        around = float(np.median(moved[ring]))
        contrast = float(np.median(moved[inner])) - around
        if abs(contrast) < LEAST_CONTRAST_HU:
            return None
        expected = np.asarray(around + contrast * self.part, dtype=np.float32)
        along: list[Values] = list(np.gradient(expected, STEP_MM))
        slope = np.stack(along)
        noise = 1.4826 * float(np.median(np.abs(moved[ring] - around)))
        variance = noise**2 + OUTLINE_SD_MM**2 * np.square(slope).sum(axis=0) + 1.0
        off = expected - moved
        count = self.step * seen / (1.0 + np.square(off) / (OUTLIER**2 * variance))
        return summed_equations(off, slope, count * (SHARE * INDEPENDENT) / variance)


def lesion_outline(
    lesion: Mask, geometry: VolumeGeometry, grid: VolumeGeometry, *, liver: Mask, tumour: Mask
) -> LesionOutline:
    """Read a lesion's outline onto the working grid.

    Parameters
    ----------
    lesion : (z, y, x) bool array on the arterial grid
    liver, tumour : (z, y, x) bool arrays on the working grid; tumour is all lesions
    """
    here = mask_onto(lesion, geometry, grid)
    count = len(lesion)
    image = Volume(
        np.where(lesion, np.int16(100), np.int16(0)), geometry, "HU", ("",) * count, (1,) * count,
        "outline",
    )  # fmt: skip
    part, _ = read_onto(image, grid)
    deep = ndimage.distance_transform_edt(liver | here) * STEP_MM > DEEP_MM
    outside = ndimage.distance_transform_edt(~here) * STEP_MM
    inside = ndimage.distance_transform_edt(here) * STEP_MM
    other = tumour & ~here
    alone = deep & ~other
    inner = inside > STEP_MM
    return LesionOutline(
        part=np.asarray(part / 100.0, dtype=np.float32),
        step=alone & (outside <= STEP_WIDTH_MM) & (inside <= STEP_WIDTH_MM),
        inner=inner if np.count_nonzero(inner) >= FEWEST else here,
        ring=alone & (outside > RING_MM[0]) & (outside <= RING_MM[1]),
    )
