"""What goes into the measuring of one lesion, and what comes out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from imaging.mask import LesionMask
from imaging.volume import Volume
from measurement.crop import Mask
from measurement.diameter import Caliper
from measurement.enhancement import ViableSettings
from measurement.flag import Flag

Kind = Literal["hepatic", "extrahepatic", "node"]


class MeasurementSettingsError(ValueError):
    """A setting with which nothing can be measured; the message says what it should be."""


@dataclass(frozen=True, slots=True)
class MeasurementSettings:
    """Everything that decides a number; the defaults are the published method.

    Parameters
    ----------
    gap_mm : longest single stretch of the viable diameter outside viable tissue
    outline_sd_mm : how far an outline is from the truth, as SD per end of a length; 0 where the
        outline is taken as it is
    oil_hu : native attenuation above which a voxel is iodised oil (or calcium)
    oil_part : a lesion of which more than this part is oil is not assessable on CT
    low_cnr, thick_slice_mm, few_slices, promised_enhancement_hu : limits of the flags
    sensitive_mm, sensitive_part : tolerance of a length, the larger of both; it is flagged when
        a neighbouring threshold, smoothing or gap moves it by more than ``sensitive_share`` of it
    small_part : a viable part is flagged when the smoothing takes more than this of its level

    Raises
    ------
    MeasurementSettingsError
        If ``gap_mm`` is negative or not a number.
    """

    gap_mm: float = 2.0
    viable: ViableSettings = field(default_factory=ViableSettings)
    outline_sd_mm: float = 0.5
    oil_hu: float = 200.0
    oil_part: float = 0.05
    low_cnr: float = 1.5
    thick_slice_mm: float = 5.0
    few_slices: int = 2
    promised_enhancement_hu: float = 20.0
    sensitive_mm: float = 1.5
    sensitive_part: float = 0.05
    sensitive_share: float = 0.75
    small_part: float = 0.2

    def __post_init__(self) -> None:
        """Refuse a gap that no length can keep to."""
        if not self.gap_mm >= 0.0:
            msg = (
                f"gap_mm (--gap-mm) is {self.gap_mm:g}: give 0 mm or more; inf lets a viable "
                "diameter cross a gap of any length."
            )
            raise MeasurementSettingsError(msg)

    def method_name(self) -> str:
        """Return the name under which numbers of these settings are stored."""
        gap = "infinity" if math.isinf(self.gap_mm) else f"{self.gap_mm:g}mm"
        return f"contained_segment_v1/gap_{gap}/level_{self.viable.edge_fraction:g}"


@dataclass(frozen=True, slots=True, eq=False)
class LesionImages:
    """One lesion on one grid.

    Parameters
    ----------
    image : Volume
        The volume that the mask was drawn on and that is measured.
    lesion : LesionMask
        The whole lesion, or its viable part where ``mask_is_viable``.
    arterial, native, late : Volume, optional
        Phases; late is portal venous or delayed.
    liver : (z, y, x) bool array, optional
    other_lesions : (z, y, x) bool array, optional
        All other lesions of the study; they are no reference tissue.
    kind : hepatic lesions are measured by their viable part, others as a whole
    """

    image: Volume
    lesion: LesionMask
    arterial: Volume | None = None
    native: Volume | None = None
    late: Volume | None = None
    liver: Mask | None = None
    other_lesions: Mask | None = None
    mask_is_viable: bool = False
    kind: Kind = "hepatic"


@dataclass(frozen=True, slots=True)
class MeasuredQuantity:
    """One number with its caliper, or the reason why there is none.

    Parameters
    ----------
    quantity : a word of `measurement.lesion_table.QUANTITY_UNITS`
    value : unrounded; None where it cannot be evaluated (then ``reason`` says why)
    uncertainty_parts : standard uncertainties in the unit of the value, by source
    flags : reasons to doubt this number alone; those of the reading hold for all
    """

    quantity: str
    value: float | None
    unit: str
    method: str
    standard_uncertainty: float | None = None
    uncertainty_parts: dict[str, float] = field(default_factory=dict)
    caliper: Caliper | None = None
    reason: str | None = None
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class LesionReading:
    """All that was measured of one lesion.

    Parameters
    ----------
    viable : (z, y, x) bool array
        The viable part on the whole grid; empty where it was not sought or not found.
    curve : longest viable diameter in mm by gap in mm; 0 where there is none
    evidence : named numbers behind the result (noise, threshold, contrast...)
    """

    quantities: tuple[MeasuredQuantity, ...]
    flags: tuple[Flag, ...]
    viable: Mask
    curve: dict[float, float] = field(default_factory=dict)
    evidence: dict[str, float] = field(default_factory=dict)

    def value(self, quantity: str) -> float | None:
        """Return a value by its word; None where it is absent."""
        return next((q.value for q in self.quantities if q.quantity == quantity), None)
