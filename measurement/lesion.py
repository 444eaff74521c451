"""One lesion on its images: every quantity, its uncertainty, and the reasons to doubt it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from imaging.volume import Volume
from measurement import doubt, quantity
from measurement.alignment import dipole
from measurement.contrast import contrast_of, mean_in, rises, scene
from measurement.crop import Mask
from measurement.cut import cut
from measurement.delineation import clear_border_percent
from measurement.diameter import (
    GAPS_MM,
    Caliper,
    outline_curve,
    outline_diameter,
)
from measurement.enhancement import Contrast
from measurement.flag import Flag
from measurement.neighbour import lesion_outline, neighbours
from measurement.outline import LesionOutline
from measurement.reading import (
    LesionImages,
    LesionReading,
    MeasuredQuantity,
    MeasurementSettings,
)
from measurement.short_axis import ShortAxis, tied_short_axis
from measurement.uncertainty import outline_sd_of_viable_mm
from measurement.viable import viable_part
from measurement.volumetry import enhancing_fraction, holes_filled

__all__ = [
    "GridMismatchError",
    "LesionImages",
    "LesionReading",
    "MeasuredQuantity",
    "MeasurementSettings",
    "measure_lesion",
]

LEADING = {
    "hepatic": "viable_diameter",
    "extrahepatic": "whole_diameter",
    "node": "node_short_axis",
}
"""Quantity by which a lesion of each kind counts in mRECIST."""

DECLARED_EMPTY = "declared_empty"


class GridMismatchError(ValueError):
    """Volumes and masks of one lesion are not on one grid."""


def measure_lesion(
    images: LesionImages, *, settings: MeasurementSettings | None = None
) -> LesionReading:
    """Measure one lesion: its viable part if it is hepatic, else the whole of it.

    Parameters
    ----------
    images : LesionImages
        All on one grid.
    settings : MeasurementSettings, optional

    Raises
    ------
    GridMismatchError
        If a volume or mask is not on the grid of ``images.image``.

    Notes
    -----
    A mask that is declared and empty reads 0 mm, without a caliper. A hepatic lesion in which
    nothing enhances reads 0 mm, and is flagged unless enhancement by 20 HU of a part of 10 mm
    would have been found.
    """
    settings = settings or MeasurementSettings()
    _check_grids(images)
    if images.lesion.declared_empty:
        return _empty_reading(images)
    here = cut(images)
    kinds = {"hepatic": _hepatic_reading, "extrahepatic": _whole_reading, "node": _whole_reading}
    read = _given_viable_reading if images.mask_is_viable else kinds[images.kind]
    reading = read(here.images, settings)
    flags = (*doubt.of_border(images), *reading.flags)
    return here.restored(replace(reading, flags=flags))


def _check_grids(images: LesionImages) -> None:
    """Raise unless every volume and mask is on the grid of the measured image."""
    grid = images.image.geometry
    parts = {"arterial": images.arterial, "native": images.native, "late": images.late}
    for name, volume in parts.items():
        if volume is not None and not grid.same_grid(volume.geometry):
            msg = (
                f"volume {volume.volume_id} ({name}) is not on the grid of "
                f"{images.image.volume_id}: they lie "
                f"{grid.largest_offset_voxels(volume.geometry):.2f} voxels apart. "
                "Register it and resample it first, or exclude it in plan.csv."
            )
            raise GridMismatchError(msg)
    masks = {"liver": images.liver, "other_lesions": images.other_lesions}
    shapes = {name: mask.shape for name, mask in masks.items() if mask is not None}
    shapes["lesion"] = images.lesion.array.shape
    for name, shape in shapes.items():
        if shape != grid.shape:
            msg = (
                f"mask {images.lesion.mask_id} ({name}) has shape {shape}, volume "
                f"{images.image.volume_id} has {grid.shape}. Read it onto that volume's geometry."
            )
            raise GridMismatchError(msg)


def _empty_reading(images: LesionImages) -> LesionReading:
    """Return the reading of a lesion that is declared and holds nothing."""
    quantities = [
        MeasuredQuantity(
            word, 0.0, "mm", DECLARED_EMPTY, standard_uncertainty=0.0, uncertainty_parts={}
        )
        for word in _diameters(images)
    ]
    return LesionReading(
        tuple(quantities), (), np.zeros_like(images.lesion.array),
        {} if images.kind != "hepatic" else dict.fromkeys(GAPS_MM, 0.0),
    )  # fmt: skip


def _diameters(images: LesionImages) -> tuple[str, ...]:
    """Lengths that are read of a lesion of this kind."""
    return {
        "hepatic": ("viable_diameter", "whole_diameter"),
        "extrahepatic": ("whole_diameter",),
        "node": ("node_short_axis", "whole_diameter"),
    }[images.kind]


@dataclass(frozen=True, slots=True, eq=False)
class _Axes:
    """The outline of a region and both axes of it."""

    outline: LesionOutline
    long: Caliper | None
    short: ShortAxis | None


def _axes(outline: LesionOutline, gap_mm: float) -> _Axes:
    """Measure the longest diameter and the axis across it."""
    long = outline_diameter(outline, gap_mm=gap_mm)
    return _Axes(outline, long, tied_short_axis(outline, long) if long is not None else None)


def _whole_axes(whole: Mask, images: LesionImages) -> _Axes:
    """Measure a region as a whole: the largest distance in it and the axis across."""
    return _axes(LesionOutline(whole, whole, images.image.geometry), math.inf)


def _whole_reading(images: LesionImages, settings: MeasurementSettings) -> LesionReading:
    """Return the reading of a lesion outside the liver, or of a node."""
    whole = images.lesion.array
    geometry = images.image.geometry
    axes = _whole_axes(whole, images)
    quantities = [quantity.length("whole_diameter", axes.long, geometry, settings)]
    if images.kind == "node":
        node = quantity.across("node_short_axis", axes.short, geometry, settings)
        quantities.insert(0, node)
    flags = doubt.of_mask(images, whole, settings)
    return LesionReading(tuple(quantities), tuple(flags), np.zeros_like(whole))


def _given_viable_reading(images: LesionImages, settings: MeasurementSettings) -> LesionReading:
    """Return the reading of a lesion whose viable part somebody has drawn."""
    whole = holes_filled(images.lesion.array)
    flags = (*doubt.of_mask(images, whole, settings), doubt.whole_lesion_unknown())
    outline = LesionOutline(images.lesion.array, whole, images.image.geometry)
    part = _Part(outline, {}, {}, flags)
    return _reading(images, settings, part)


def _hepatic_reading(images: LesionImages, settings: MeasurementSettings) -> LesionReading:
    """Return the reading of a lesion in the liver, whose viable part is to be found."""
    whole = images.lesion.array
    flags = doubt.of_mask(images, whole, settings)
    here = scene(images, settings)
    evidence = {"oil_part": float(here.oil.sum()) / float(whole.sum())}
    if here.oil.any():
        flags.append(doubt.of_oil(evidence["oil_part"]))
    contrast = contrast_of(images, here, settings)
    reason = _why_not(images, evidence["oil_part"], contrast, settings)
    if contrast is None or reason is not None:
        return _without_viable(images, settings, tuple(flags), evidence, reason or "")
    found = viable_part(contrast, settings.viable)
    evidence |= found.evidence | {"least_enhancement": contrast.least}
    evidence |= rises(images, here, contrast, found.region)
    flags += doubt.of_rises(evidence, settings, images.image.unit)
    if images.native is None:
        flags.append(doubt.no_native_phase())
    elif here.around_is_liver:
        beside = images.liver & ~_taken(images) if images.liver is not None else here.around
        strength, limit = dipole(
            contrast, images.lesion.array, beside, evidence["white_noise"],
            outline_sd_mm=settings.outline_sd_mm,
        )  # fmt: skip
        evidence["dipole"] = strength
        flags += doubt.of_alignment(strength, limit)
    viable = bool(found.region.any())
    flags += doubt.of_contrast(evidence, settings, images.image.unit, viable=viable)
    part = _Part(
        lesion_outline(found, images),
        neighbours(images, contrast, found, settings),
        evidence,
        tuple(flags),
    )
    return _reading(images, settings, part)


def _taken(images: LesionImages) -> Mask:
    """Mark every lesion of the study."""
    whole = images.lesion.array
    return whole if images.other_lesions is None else whole | images.other_lesions


def _why_not(
    images: LesionImages, oil_part: float, contrast: Contrast | None, settings: MeasurementSettings
) -> str | None:
    """Say why the viable part of a lesion cannot be evaluated; None where it can."""
    if images.arterial is None or contrast is None:
        return "no arterial phase"
    if oil_part > settings.oil_part:
        return "iodised oil hides enhancement on CT: use MRI"
    if not contrast.lesion.any():
        return "no voxel of the lesion has a value in every phase"
    if not contrast.around.any():
        return "no tissue around the lesion to measure noise in"
    return None


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A viable part that is settled: neighbouring lengths, evidence and flags so far."""

    outline: LesionOutline
    neighbours_mm: dict[str, float]
    evidence: dict[str, float]
    flags: tuple[Flag, ...]


def _reading(images: LesionImages, settings: MeasurementSettings, part: _Part) -> LesionReading:
    """Return the reading of a hepatic lesion whose viable part is settled."""
    geometry = images.image.geometry
    viable, whole = part.outline.viable, part.outline.whole
    axes = _axes(part.outline, settings.gap_mm)
    curve = {
        gap: 0.0 if caliper is None else caliper.length_mm
        for gap, caliper in outline_curve(axes.outline).items()
    }
    by_threshold = bool(part.evidence)  # else its outline was drawn
    long = quantity.length(
        "viable_diameter", axes.long, geometry, settings,
        neighbours_mm=part.neighbours_mm.values(),
        outline_mm=outline_sd_of_viable_mm(settings.outline_sd_mm) if by_threshold else None,
    )  # fmt: skip
    flags = list(part.flags)
    if axes.long is not None and axes.outline.thin_on(axes.long.slice_index):
        flags.append(doubt.fallback_used())
    flags += doubt.of_curve(curve)
    flags += doubt.of_sensitivity(long.value or 0.0, part.neighbours_mm, settings)
    if part.neighbours_mm:
        pixel = math.sqrt(math.prod(geometry.spacing_mm[1:]))
        flags += doubt.of_small_part(long.value or 0.0, part.evidence, pixel, settings)
    edge_mm = long.uncertainty_parts["edge"] / math.sqrt(2.0)
    quantities = [
        long,
        quantity.across("viable_perpendicular", axes.short, geometry, settings),
        quantity.volume("viable_volume", viable, geometry, settings, edge_mm=edge_mm),
        *_whole_quantities(images, whole, settings),
        *_means(images, part.outline, settings),
    ]
    evidence = part.evidence | {
        "enhancing_fraction": enhancing_fraction(viable, whole),
        "gap_curve_jump": doubt.jump_part(curve),
        "tied_axes": float(axes.short.tied_axes) if axes.short else 0.0,
    }
    return LesionReading(tuple(quantities), tuple(flags), viable, curve, evidence)


def _without_viable(
    images: LesionImages,
    settings: MeasurementSettings,
    flags: tuple[Flag, ...],
    evidence: dict[str, float],
    reason: str,
) -> LesionReading:
    """Return the reading of a hepatic lesion whose viable part cannot be evaluated."""
    whole = images.lesion.array
    words = ("viable_diameter", "viable_perpendicular", "viable_volume")
    quantities = [quantity.missing(word, reason, settings) for word in words]
    quantities += _whole_quantities(images, whole, settings)
    return LesionReading(tuple(quantities), flags, np.zeros_like(whole), {}, evidence)


def _whole_quantities(
    images: LesionImages, whole: Mask, settings: MeasurementSettings
) -> list[MeasuredQuantity]:
    """Diameter, short axis, volume and mean attenuation of the whole lesion."""
    geometry = images.image.geometry
    axes = _whole_axes(whole, images)
    return [
        quantity.length("whole_diameter", axes.long, geometry, settings),
        quantity.across("whole_perpendicular", axes.short, geometry, settings),
        quantity.volume("whole_volume", whole, geometry, settings),
        quantity.mean(
            "mean_attenuation", mean_in(images.image, whole), images.image.unit, settings,
            reason="the lesion is padding only",
        ),
        *_delineation(images, settings),
    ]  # fmt: skip


def _delineation(images: LesionImages, settings: MeasurementSettings) -> list[MeasuredQuantity]:
    """Part of the border that can be seen; not of a viable part, whose border is in the lesion."""
    if images.mask_is_viable:
        return []
    value = clear_border_percent(images, settings)
    reason = "noise, other lesions or the end of the scan hide most of the border"
    return [quantity.percent("clear_border", value, settings, reason=reason)]


def _means(
    images: LesionImages, outline: LesionOutline, settings: MeasurementSettings
) -> list[MeasuredQuantity]:
    """Mean enhancement of the whole lesion, and its contrast to the liver in the late phase."""
    found = []
    if images.arterial is not None and images.native is not None:
        after, before = (mean_in(v, outline.whole) for v in (images.arterial, images.native))
        rise = None if after is None or before is None else after - before
        found.append(
            quantity.mean(
                "mean_enhancement", rise, images.arterial.unit, settings,
                reason="the lesion is padding only",
            )
        )  # fmt: skip
    if images.late is not None:
        found.append(_late_contrast(images, images.late, outline, settings))
    return found


def _late_contrast(
    images: LesionImages, late: Volume, outline: LesionOutline, settings: MeasurementSettings
) -> MeasuredQuantity:
    """Lesion less liver in the portal venous or delayed phase; of its viable part if it has one.

    Values without a unit are given in percent of the liver, as only that can be compared.
    """
    region = outline.viable if outline.viable.any() else outline.whole
    here = scene(replace(images, image=late), settings)
    value = None
    if here.around_is_liver:
        lesion, reference = mean_in(late, region), mean_in(late, here.around)
        if lesion is not None and reference is not None:
            value = lesion - reference
            if late.unit != "HU":
                value = 100.0 * value / abs(reference) if reference else None
    if late.unit != "HU":
        return quantity.percent(
            "late_contrast", value, settings, reason="no liver beside the lesion"
        )  # fmt: skip
    return quantity.mean(
        "late_contrast", value, late.unit, settings, reason="no liver beside the lesion"
    )
