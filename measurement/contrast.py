"""From phases to the difference in which viable tissue is found, and the tissue around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from imaging.volume import Volume
from measurement.outline import Mask, bounding_box
from measurement.reading import LesionImages, MeasurementSettings
from measurement.viable import Contrast

NEAR_MM = 15.0
RIM_MM = 2.5
FEWEST_VOXELS = 200
Box = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """The surroundings of one lesion, cut from its volumes.

    Parameters
    ----------
    box : where the cut lies in the volumes
    whole, oil, around : (z, y, x) bool arrays of the cut
        The whole lesion, its iodised oil, and the tissue around it that serves as reference.
    around_is_liver : whether that tissue is known to be liver
    """

    box: Box
    whole: Mask
    oil: Mask
    around: Mask
    around_is_liver: bool


def scene(images: LesionImages, whole: Mask, settings: MeasurementSettings) -> Scene:
    """Cut the surroundings of a lesion: reference tissue within 15 mm, 2.5 mm off any lesion."""
    box = _grown(bounding_box(whole), images)
    inside = whole[box]
    spacing = images.image.geometry.spacing_mm
    taken = inside if images.other_lesions is None else inside | images.other_lesions[box]
    off = ndimage.distance_transform_edt(~taken, sampling=spacing) > RIM_MM
    usable = off & _counted(images, box)
    liver = None if images.liver is None else usable & images.liver[box]
    is_liver = liver is not None and int(liver.sum()) >= FEWEST_VOXELS
    around = liver if liver is not None and is_liver else usable
    return Scene(box, inside, _oil(images, box, inside, settings), around, is_liver)


def contrast_of(
    images: LesionImages, here: Scene, settings: MeasurementSettings
) -> Contrast | None:
    """Difference in which the viable part is sought; None without an arterial phase."""
    arterial, native = images.arterial, images.native
    if arterial is None:
        return None
    values = _values(arterial, here.box)
    lesion = here.whole & ~here.oil & _counted(images, here.box)
    spacing = arterial.geometry.spacing_mm
    if native is not None:
        before = _values(native, here.box)
        least = settings.viable.least_enhancement
        if arterial.unit == "signal":
            least = settings.viable.least_enhancement_part * _median(before, here.around)
        return Contrast(values - before, lesion, here.around, spacing, least)
    above = values - _median(values, here.around)
    least = settings.viable.least_enhancement
    if arterial.unit == "signal":
        least = settings.viable.least_enhancement_part * _median(values, here.around)
    return Contrast(
        above, lesion, here.around, spacing, least,
        fixed_threshold_sd=settings.viable.arterial_only_sd,
    )  # fmt: skip


def mean_in(volume: Volume, region: Mask) -> float | None:
    """Mean of a volume in a region, padding left out; None where nothing is left."""
    box = bounding_box(region)
    inside = region[box]
    if volume.padding is not None:
        inside = inside & ~volume.padding[box]
    if not inside.any():
        return None
    return float(volume.array[box][inside].astype(np.float64).mean())


def _values(volume: Volume, box: Box) -> NDArray[np.float64]:
    """Return a cut of a volume in double precision."""
    return volume.array[box].astype(np.float64)


def _counted(images: LesionImages, box: Box) -> Mask:
    """Mark voxels that are padding in none of the volumes."""
    shape = images.lesion.array[box].shape
    counted = np.ones(shape, dtype=bool)
    for volume in (images.image, images.arterial, images.native):
        if volume is not None and volume.padding is not None:
            counted &= ~volume.padding[box]
    return counted


def _median(values: NDArray[np.float64], region: Mask) -> float:
    """Median in a region; zero where it is empty."""
    return float(np.median(values[region])) if region.any() else 0.0


def _grown(box: Box, images: LesionImages) -> Box:
    """Return the box with the margin in which reference tissue is sought."""
    shape = images.image.geometry.shape
    spacing = images.image.geometry.spacing_mm
    grown = []
    for part, step, size in zip(box, spacing, shape, strict=True):
        margin = int(np.ceil(NEAR_MM / step))
        grown.append(slice(max(0, part.start - margin), min(size, part.stop + margin)))
    return grown[0], grown[1], grown[2]


def _oil(images: LesionImages, box: Box, whole: Mask, settings: MeasurementSettings) -> Mask:
    """Mark iodised oil: dense on the native phase over more than single noisy voxels."""
    native = images.native
    if native is None or native.unit != "HU":
        return np.zeros_like(whole)
    smooth = ndimage.uniform_filter(_values(native, box), (0, 3, 3))
    return np.asarray(whole & (smooth > settings.oil_hu), dtype=np.bool_)
