"""Numbers of one lesion as measured quantities, each with its uncertainty."""

from __future__ import annotations

from collections.abc import Iterable

from imaging.geometry import VolumeGeometry
from measurement.crop import Mask
from measurement.diameter import Caliper
from measurement.doubt import short_axis_band_wide
from measurement.lesion_table import QUANTITY_UNITS
from measurement.reading import MeasuredQuantity, MeasurementSettings
from measurement.short_axis import ShortAxis
from measurement.uncertainty import (
    combined,
    edge_sd_mm,
    grid_sd_mm,
    outline_sd_of_length_mm,
    slice_sd_mm,
)
from measurement.volumetry import volume_ml, volume_uncertainty_ml


def length(
    word: str,
    caliper: Caliper | None,
    geometry: VolumeGeometry,
    settings: MeasurementSettings,
    *,
    neighbours_mm: Iterable[float] = (),
    outline_mm: float | None = None,
) -> MeasuredQuantity:
    """Length of a caliper; 0 mm where nothing is there to measure.

    ``neighbours_mm`` are the lengths under neighbouring thresholds, smoothing and gaps.
    ``outline_mm`` is the uncertainty that the outline leaves; by default that of two ends that both
    move with it.
    """
    if outline_mm is None:
        outline_mm = outline_sd_of_length_mm(settings.outline_sd_mm)
    value = 0.0 if caliper is None else caliper.length_mm
    parts = {"edge": edge_sd_mm(value, neighbours_mm)}
    if caliper is not None:
        parts |= {
            "grid": grid_sd_mm(max(geometry.spacing_mm[1:])),
            "slice": slice_sd_mm(value, geometry.slice_spacing_mm),
            "outline": outline_mm,
        }
    return MeasuredQuantity(
        word, value, "mm", settings.method_name(), combined(parts), parts, caliper
    )


def across(
    word: str, short: ShortAxis | None, geometry: VolumeGeometry, settings: MeasurementSettings
) -> MeasuredQuantity:
    """Short axis; the band that tied long axes leave is part of its uncertainty."""
    if short is None:
        return length(word, None, geometry, settings)
    band = short.highest_mm - short.lowest_mm
    parts = {
        "grid": grid_sd_mm(max(geometry.spacing_mm[1:])),
        "slice": slice_sd_mm(short.caliper.length_mm, geometry.slice_spacing_mm),
        "outline": outline_sd_of_length_mm(settings.outline_sd_mm),
        "tied_axes": band / 12.0**0.5,
    }
    flag = short_axis_band_wide(short, min(geometry.spacing_mm[1:]))
    return MeasuredQuantity(
        word, short.caliper.length_mm, "mm", settings.method_name(), combined(parts), parts,
        short.caliper, flags=() if flag is None else (flag,),
    )  # fmt: skip


def volume(
    word: str,
    region: Mask,
    geometry: VolumeGeometry,
    settings: MeasurementSettings,
    *,
    edge_mm: float = 0.0,
) -> MeasuredQuantity:
    """Volume of a region; ``edge_mm`` is how far its edge may be off as a whole."""
    parts = {
        "edge": volume_uncertainty_ml(region, geometry, shift_mm=edge_mm),
        "outline": volume_uncertainty_ml(region, geometry, shift_mm=settings.outline_sd_mm),
    }
    return MeasuredQuantity(
        word, volume_ml(region, geometry), "ml", settings.method_name(), combined(parts), parts
    )


def mean(
    word: str, value: float | None, unit: str, settings: MeasurementSettings, *, reason: str
) -> MeasuredQuantity:
    """Mean value, or the reason why there is none."""
    return MeasuredQuantity(
        word, value, "hu" if unit == "HU" else "signal", settings.method_name(),
        reason=reason if value is None else None,
    )  # fmt: skip


def percent(
    word: str, value: float | None, settings: MeasurementSettings, *, reason: str
) -> MeasuredQuantity:
    """Part in percent, or the reason why there is none."""
    return MeasuredQuantity(
        word, value, "percent", settings.method_name(), reason=reason if value is None else None
    )


def missing(word: str, reason: str, settings: MeasurementSettings) -> MeasuredQuantity:
    """Return a quantity that cannot be evaluated."""
    return MeasuredQuantity(word, None, QUANTITY_UNITS[word], settings.method_name(), reason=reason)
