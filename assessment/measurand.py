"""What a rule set measures of a lesion, as whole numbers: lengths, products of two, volumes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assessment.code import NOT_MEASURED, Anything, Floats, Ints
from assessment.course import Course

PER_UNIT = {"mm": 100, "mm2": 10_000, "ml": 100}
"""Whole steps in one unit: hundredths of a mm, products of two of them, hundredths of a ml."""
SHOWN_UNITS = {"mm": "mm", "mm2": "mm²", "ml": "ml"}
DRAWN_STEPS = {"mm": 10, "mm2": 100, "ml": 1}
"""Steps in which lengths (0.1 mm), products (0.01 mm²) and volumes (0.01 ml) are written down."""

VIABLE_PART, WHOLE_PART, SHORT_AXIS_PART = range(3)


@dataclass(frozen=True, slots=True)
class Measurand:
    """A quantity of the lesion table that a rule set may sum up.

    Attributes
    ----------
    name : as the rule sets and the table of selections write it
    unit : `mm`, `mm2` or `ml`
    part : the viable part, the whole lesion, or a node's short axis
    length : the length of the same part, by which a lesion is large enough to be a target
    """

    name: str
    unit: str
    part: int
    length: str


MEASURANDS = (
    Measurand("viable_diameter", "mm", VIABLE_PART, "viable_diameter"),
    Measurand("whole_diameter", "mm", WHOLE_PART, "whole_diameter"),
    Measurand("node_short_axis", "mm", SHORT_AXIS_PART, "node_short_axis"),
    Measurand("viable_product", "mm2", VIABLE_PART, "viable_diameter"),
    Measurand("whole_product", "mm2", WHOLE_PART, "whole_diameter"),
    Measurand("viable_volume", "ml", VIABLE_PART, "viable_diameter"),
    Measurand("whole_volume", "ml", WHOLE_PART, "whole_diameter"),
)
NAMES = tuple(measurand.name for measurand in MEASURANDS)
LENGTHS = NAMES[:3]
VIABLE = tuple(m.part == VIABLE_PART for m in MEASURANDS)


def place_of(name: str) -> int:
    """Return the place of a measurand in `MEASURANDS`.

    Raises
    ------
    ValueError
        If there is no such measurand.
    """
    return NAMES.index(name)


def whole_instead(place: int) -> int:
    """Return the place of the same kind of measure of the whole lesion."""
    wanted = MEASURANDS[place]
    same = (m.unit == wanted.unit and m.part == WHOLE_PART for m in MEASURANDS)
    return list(same).index(True)


def measured(course: Course, name: str) -> Ints:
    """(lesion, rank): values in whole steps of the unit, NOT_MEASURED where there is none.

    A product needs both diameters; where the longest is 0 mm, nothing is left, whether of a product
    or of a volume. A perpendicular of 0 mm beside a longest diameter is none that anybody measured.
    """
    measurand = MEASURANDS[place_of(name)]
    if measurand.unit == "mm":
        return course.steps(f"{name}_mm", PER_UNIT["mm"])
    if measurand.unit == "ml":
        volume = course.steps(f"{name}_ml", PER_UNIT["ml"])
        nothing = course.steps(f"{measurand.length}_mm", PER_UNIT["mm"]) == 0
        return np.where((volume == NOT_MEASURED) & nothing, 0, volume)
    first, second = _diameters(name)
    longest = course.steps(f"{first}_mm", PER_UNIT["mm"]).astype(np.int64)
    across = course.steps(f"{second}_mm", PER_UNIT["mm"]).astype(np.int64)
    known = (longest > 0) & (across > 0)
    return np.where(known, longest * across, np.where(longest == 0, 0, NOT_MEASURED))


def uncertainty(course: Course, name: str) -> Floats:
    """(lesion, rank): standard uncertainties in steps of the unit, NaN where not stated.

    Those of the two diameters of a product count as independent.
    """
    unit = MEASURANDS[place_of(name)].unit
    if unit != "mm2":
        return np.asarray(course.number(f"u_{name}") * PER_UNIT[unit])
    first, second = _diameters(name)
    length = {key: course.number(f"{key}_mm") for key in (first, second)}
    spread = {key: course.number(f"u_{key}") for key in (first, second)}
    squares = (length[first] * spread[second]) ** 2 + (length[second] * spread[first]) ** 2
    return np.asarray(np.sqrt(squares) * PER_UNIT[unit])


def _diameters(name: str) -> tuple[str, str]:
    """Return the two diameters of a product."""
    part = name.removesuffix("_product")
    return f"{part}_diameter", f"{part}_perpendicular"


def chosen(place: Ints, options: dict[int, Anything]) -> Anything:
    """Return of several (lesion, rank) arrays the one that each lesion's measurand names."""
    places = [key for key in options if (place == key).any()] or list(options)[:1]
    found = options[places[0]]
    for key in places[1:]:
        found = np.where((place == key)[:, None], options[key], found)
    return found
