"""From phases to the difference in which viable tissue is found, and the tissue around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from imaging.volume import Volume
from measurement.crop import Mask
from measurement.enhancement import Contrast
from measurement.reading import LesionImages, MeasurementSettings

RIM_MM = 2.5
"""Reference tissue keeps this far from every lesion's outline."""

FEWEST_VOXELS = 200
LEAST_OIL_ML = 0.02
"""Less than this above the limit is noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What is what around one lesion.

    Parameters
    ----------
    oil : (z, y, x) bool array
        Iodised oil in the lesion.
    around : (z, y, x) bool array
        Reference tissue: liver where that is known.
    around_is_liver : whether that tissue is known to be liver
    """

    oil: Mask
    around: Mask
    around_is_liver: bool


def scene(images: LesionImages, settings: MeasurementSettings) -> Scene:
    """Find reference tissue and oil in images that are cut to a lesion's surroundings."""
    whole = images.lesion.array
    spacing = images.image.geometry.spacing_mm
    taken = whole if images.other_lesions is None else whole | images.other_lesions
    off = ndimage.distance_transform_edt(~taken, sampling=spacing) > RIM_MM
    usable = off & _counted(images)
    liver = None if images.liver is None else usable & images.liver
    if liver is not None and np.count_nonzero(liver) >= FEWEST_VOXELS:
        return Scene(_oil(images, settings), liver, around_is_liver=True)
    return Scene(_oil(images, settings), usable, around_is_liver=False)


def contrast_of(
    images: LesionImages, here: Scene, settings: MeasurementSettings
) -> Contrast | None:
    """Difference in which the viable part is sought; None without an arterial phase."""
    arterial, native = images.arterial, images.native
    if arterial is None:
        return None
    values = arterial.array.astype(np.float64)
    lesion = images.lesion.array & ~here.oil & _counted(images)
    before = values if native is None else native.array.astype(np.float64)
    reference = _median(before, here.around)
    least = settings.viable.least_enhancement
    if arterial.unit == "signal":
        least = settings.viable.least_enhancement_part * abs(reference)
    return Contrast(
        values=values - (reference if native is None else before),
        lesion=lesion,
        around=here.around,
        spacing_mm=arterial.geometry.spacing_mm,
        least=least,
        fixed_threshold_sd=settings.viable.arterial_only_sd if native is None else None,
    )


def rises(images: LesionImages, here: Scene, contrast: Contrast, region: Mask) -> dict[str, float]:
    """Rise from the native to the arterial phase of the liver and of a viable part.

    In HU; of signal, which has no unit, as part of the native signal of the same tissue. Empty
    without a native phase, or where the tissue around is not known to be liver.
    """
    if images.native is None or not here.around_is_liver:
        return {}
    tissues = {"liver_rise": here.around, "viable_rise": region}
    found = {}
    for name, tissue in tissues.items():
        if not tissue.any():
            continue
        whole = 1.0
        if images.native.unit != "HU":
            whole = abs(float(np.median(images.native.array[tissue])))
        if whole > 0.0:
            found[name] = _median(contrast.values, tissue) / whole
    return found


def mean_in(volume: Volume, region: Mask) -> float | None:
    """Mean of a volume in a region, padding left out; None where nothing is left."""
    inside = region if volume.padding is None else region & ~volume.padding
    if not inside.any():
        return None
    return float(volume.array[inside].astype(np.float64).mean())


def _counted(images: LesionImages) -> Mask:
    """Mark voxels that are padding in none of the volumes."""
    counted = np.ones(images.lesion.array.shape, dtype=bool)
    for volume in (images.image, images.arterial, images.native):
        if volume is not None and volume.padding is not None:
            counted &= ~volume.padding
    return counted


def _median(values: NDArray[np.float64], region: Mask) -> float:
    """Median in a region; zero where it is empty."""
    return float(np.median(values[region])) if region.any() else 0.0


def _oil(images: LesionImages, settings: MeasurementSettings) -> Mask:
    """Mark iodised oil: dense on the native phase over more than single noisy voxels."""
    native = images.native
    if native is None or native.unit != "HU":
        return np.zeros_like(images.lesion.array)
    smooth = ndimage.uniform_filter(native.array.astype(np.float64), (1, 3, 3))
    dense = images.lesion.array & (smooth > settings.oil_hu)
    if np.count_nonzero(dense) * images.image.geometry.voxel_volume_ml < LEAST_OIL_ML:
        return np.zeros_like(dense)
    return np.asarray(dense, dtype=np.bool_)
