"""The reasons to doubt a reading, each with its sentence and the number behind it."""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy import ndimage

from measurement.crop import Mask, bounding_box
from measurement.flag import Flag
from measurement.reading import LesionImages, MeasurementSettings
from measurement.short_axis import ShortAxis

OBLIQUE_DEGREES = 15.0
TILT_DEGREES = 1.0
BAND_PX = 3.0
BAND_PART = 0.2
JUMP_PART = 0.2
CNR_MARGIN = 0.12
"""The contrast of viable tissue to noise is measured to about 8 % (SD over 547 planted lesions, 3 %
too low on the whole; one in a hundred is read 12 % too high or more): one below the limit must not
pass because it was read too high."""

NOISE_MARGIN = 0.1
"""By so much the noise of a dead lesion may be read too low: what is said to be found would not be.

A part of 7 mm with 23 HU was once read 0 mm where 19.99 HU were said to be enough."""

CHANCE_DOUBTED = 0.05
"""Noise alone makes the highest place of a dead lesion as high as this in so many of them."""

LIKE_LIVER = 1.25
"""Tissue that rises by less than so many times what the liver does is not hypervascular."""

PART_ML = 0.05


def of_mask(images: LesionImages, whole: Mask, settings: MeasurementSettings) -> list[Flag]:
    """Doubts that the grid and the outline alone give."""
    flags = _of_grid(images, settings)
    slices = int(whole.any(axis=(1, 2)).sum())
    if slices < settings.few_slices:
        flags.append(Flag("few_slices", "the lesion is seen on one slice only", float(slices)))
    parts = _parts_ml(whole, images.image.geometry.voxel_volume_ml)
    if len(parts) > 1:
        sentence = f"the outline has {len(parts)} separate parts; the longest axis lies in one"
        flags.append(Flag("several_components", sentence, float(len(parts))))
    return flags


def _of_grid(images: LesionImages, settings: MeasurementSettings) -> list[Flag]:
    """Doubts about slices: thick, tilted, oblique."""
    geometry = images.image.geometry
    flags = []
    thick = max(geometry.slice_spacing_mm, images.image.slice_thickness_mm or 0.0)
    if thick > settings.thick_slice_mm + 1e-3:
        flags.append(Flag("slice_thick", "slices are thicker than 5 mm", thick))
    normal = geometry.normal
    oblique = math.degrees(math.acos(min(1.0, abs(float(normal[2])))))
    if oblique > OBLIQUE_DEGREES:
        flags.append(Flag("oblique", "slices are not axial (degrees off)", oblique))
    step = geometry.affine[:3, 0] / np.linalg.norm(geometry.affine[:3, 0])
    tilt = math.degrees(math.acos(min(1.0, abs(float(step @ normal)))))
    if tilt > TILT_DEGREES:
        flags.append(Flag("gantry_tilt", "the gantry was tilted (degrees)", tilt))
    return flags


def of_border(images: LesionImages) -> list[Flag]:
    """Doubt about a lesion that the border of the scan or its padding cuts off."""
    whole = images.lesion.array
    box = bounding_box(whole)
    near = tuple(slice(max(0, part.start - 1), part.stop + 1) for part in box)
    at_end = any(
        part.start == 0 or part.stop == size for part, size in zip(box, whole.shape, strict=True)
    )
    padding = images.image.padding
    beside = padding is not None and bool(
        (ndimage.binary_dilation(whole[near]) & padding[near]).any()
    )
    if not (at_end or beside):
        return []
    sentence = "the lesion reaches the border of the scan: it may go on beyond"
    return [Flag("touches_border", sentence)]


def _parts_ml(region: Mask, voxel_ml: float) -> list[float]:
    """Volumes of the separate parts of a region that are more than a speck."""
    box = bounding_box(region)
    labels, count = ndimage.label(region[box], np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:] * voxel_ml
    return [float(size) for size in sizes if size >= min(PART_ML, sizes.max())]


def whole_lesion_unknown() -> Flag:
    """Return the doubt that only the viable part was outlined."""
    return Flag(
        "whole_lesion_unknown",
        "only the viable part was outlined: its holes count as necrosis, islands are not joined",
    )


def no_native_phase() -> Flag:
    """Viable tissue was sought on the arterial phase alone."""
    return Flag("no_native_phase", "no native phase: enhancement is judged against the liver alone")


def of_contrast(
    evidence: dict[str, float], settings: MeasurementSettings, unit: str, *, viable: bool
) -> list[Flag]:
    """Doubts about how well enhancement stands out: of what is viable, or of a dead lesion."""
    if "cnr" in evidence and not viable:
        sentence = "something enhances, but no part of it is clear enough to be measured"
        return [Flag("faint_enhancement", sentence, evidence["chance_of_noise"])]
    if "cnr" in evidence:
        if evidence["cnr"] < settings.low_cnr * (1.0 + CNR_MARGIN):
            sentence = "enhancement hardly exceeds the noise: the edge is uncertain"
            return [Flag("low_cnr", sentence, evidence["cnr"])]
        return []
    promised = settings.promised_enhancement_hu
    if unit != "HU":  # signal has no unit: twice the least that counts, as on CT
        promised *= evidence["least_enhancement"] / settings.viable.least_enhancement
    if evidence["detectable_enhancement"] > promised * (1.0 - NOISE_MARGIN):
        sentence = "nothing enhances, but 20 HU in a part of 10 mm would not have been found"
        return [Flag("dead_lesion_undetectable", sentence, evidence["detectable_enhancement"])]
    if evidence["chance_of_noise"] < CHANCE_DOUBTED:
        sentence = "nothing enhances for certain, but noise alone reaches this high so rarely"
        return [Flag("faint_enhancement", sentence, evidence["chance_of_noise"])]
    return []


def of_rises(evidence: dict[str, float], settings: MeasurementSettings, unit: str) -> list[Flag]:
    """Doubts whether what differs between the phases is contrast agent in an arterial phase.

    Viable tissue of a hepatocellular carcinoma takes up more than the liver in it. Where a lesion
    rises no more than the liver does, the phase may be a later one, or the scanner may have scaled
    the signal of the phases differently, which no header need say. The liver never falls.
    """
    if "liver_rise" not in evidence:
        return []
    liver = evidence["liver_rise"]
    in_hu = unit == "HU"
    least = settings.viable.least_enhancement if in_hu else settings.viable.least_enhancement_part
    if liver < -least:
        sentence = (
            "the liver is darker after contrast than before: swapped phases, or another scale"
        )
        return [Flag("liver_darkens", sentence, liver)]
    viable = evidence.get("viable_rise", math.inf)
    if liver > 0.0 and viable < LIKE_LIVER * liver:
        sentence = "viable tissue rises hardly more than the liver: a late phase, or another scale"
        return [Flag("rises_as_liver", sentence, viable / liver)]
    return []


def of_alignment(strength: float, limit: float) -> list[Flag]:
    """Doubt whether the phases lie on one another."""
    if strength <= limit:
        return []
    sentence = "enhancement beside the outline is lopsided: the phases may lie apart (breathing)"
    return [Flag("phases_misaligned", sentence, strength)]


def of_small_part(
    length_mm: float, evidence: dict[str, float], pixel_mm: float, settings: MeasurementSettings
) -> list[Flag]:
    """Doubt about a viable part so small that taking the noise away takes from the part itself.

    Total variation of strength s lowers a disc of radius r by 2 s / r (Strong and Chan 2003,
    Inverse Problems 19:S165): as part of its level, that says how much of the edge is left.
    """
    if length_mm <= 0.0 or "strength" not in evidence:
        return []
    radius_px = length_mm / 2.0 / pixel_mm
    taken = 2.0 * evidence["strength"] / radius_px / evidence["viable_level"]
    if taken <= settings.small_part:
        return []
    sentence = "the viable part is small for its noise: so much of its height may be lost"
    return [Flag("small_part", sentence, taken)]


def of_oil(part: float) -> Flag:
    """Iodised oil lies in the lesion."""
    return Flag("oil", "iodised oil hides enhancement in this part of the lesion: use MRI", part)


def fallback_used() -> Flag:
    """Thin tissue was kept pixel by pixel."""
    return Flag(
        "fallback_used", "viable tissue is so thin that pixels stand in for its smoothed edge"
    )


def of_sensitivity(
    value_mm: float, neighbours_mm: dict[str, float], settings: MeasurementSettings
) -> list[Flag]:
    """Doubt where a neighbouring threshold, smoothing or gap gives another length."""
    tolerance = max(settings.sensitive_mm, settings.sensitive_part * value_mm)
    moves = {name: abs(other - value_mm) for name, other in neighbours_mm.items()}
    worst = max(moves, key=lambda name: moves[name], default=None)
    if worst is None or moves[worst] <= settings.sensitive_share * tolerance:
        return []
    sentence = f"a neighbouring choice ({worst}) moves the length by this many mm"
    return [Flag("length_sensitive", sentence, moves[worst])]


def short_axis_band_wide(short: ShortAxis, pixel_mm: float) -> Flag | None:
    """Doubt where long axes that are tied have quite different short axes."""
    band = short.highest_mm - short.lowest_mm
    if band <= max(BAND_PX * pixel_mm, BAND_PART * short.highest_mm):
        return None
    sentence = "long axes within half a pixel of the longest have short axes this many mm apart"
    return Flag("short_axis_band_wide", sentence, band)


def of_curve(curve: dict[float, float]) -> list[Flag]:
    """Note that another gap between 0 and 5 mm would give quite another length."""
    if jump_part(curve) <= JUMP_PART:
        return []
    sentence = "necrosis decides the length: gaps of 0 to 5 mm give lengths this many mm apart"
    return [Flag("gap_curve_jumps", sentence, _range_mm(curve))]


def _range_mm(curve: dict[float, float]) -> float:
    """Difference of the longest and the shortest length over finite gaps."""
    finite = [length for gap, length in curve.items() if math.isfinite(gap)]
    return max(finite) - min(finite)


def jump_part(curve: dict[float, float]) -> float:
    """Largest step of the curve over finite gaps, as part of the plain diameter."""
    finite = [curve[gap] for gap in sorted(curve) if math.isfinite(gap)]
    steps = [b - a for a, b in itertools.pairwise(finite)]
    longest = max(curve.values(), default=0.0)
    return max(steps, default=0.0) / longest if longest > 0.0 else 0.0
