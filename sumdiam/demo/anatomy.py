"""Where the lesions of the simulated trial lie, and how large a shape must be to measure right."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

from imaging.coverage import planes_mm
from imaging.geometry import VolumeGeometry
from imaging.necrotic_shape import Crescent, Ring, TwoIslands
from imaging.phantom import Body, Field, Organ
from imaging.reference_lesion import ReferenceLesion
from imaging.shape import Ball, Dead, Ellipsoid, Shape, longest_viable_mm, longest_whole_mm
from imaging.solid import Point, Solid
from imaging.tissue import Appearance, hypervascular, soft_tissue
from sumdiam.demo.trial import DemoLesion, DemoSubject, Look

GAP_MM = 2.0
SLICES = 24
SLICE_MM = 2.5
_FIELD_MM = (124.0, 148.0)
_LIVER_HU_UNDER = 20.0

_ENDLESS = float("inf")
BODY = Body(
    "CT",
    (
        Organ("fat", Solid((0.0, 4.0, 0.0), (100.0, 80.0, _ENDLESS))),
        Organ("muscle", Solid((0.0, 4.0, 0.0), (92.0, 72.0, _ENDLESS))),
        Organ("fat", Solid((0.0, 4.0, 0.0), (84.0, 64.0, _ENDLESS))),
        Organ("aorta", Solid((24.0, 48.0, 0.0), (9.0, 9.0, _ENDLESS))),
        Organ("liver", Solid((-26.0, -1.0, 0.0), (45.0, 54.0, 90.0))),
    ),
)

_LIVER_PLACES: tuple[Point, ...] = ((-42.0, -17.0, 0.0), (-31.0, 30.0, 1.0), (1.0, -7.0, -2.0))
_OTHER_PLACES: dict[str, Point] = {
    "adrenal": (41.0, -2.0, 2.0),
    "lymph_node": (52.0, -34.0, -1.0),
    "soft_tissue": (50.0, 30.0, 0.0),
}


def field_of(subject: DemoSubject) -> Field:
    """Return the grid on which all studies of a subject lie: cropped to the liver."""
    rows, columns = (2 * round(side / subject.pixel_mm / 2) for side in _FIELD_MM)
    return Field((SLICES, rows, columns), (SLICE_MM, subject.pixel_mm, subject.pixel_mm))


def reference_lesions(subject: DemoSubject, visit: int) -> list[ReferenceLesion]:
    """Return the lesions of one study, each sized so that it measures what the trial says."""
    geometry = field_of(subject).geometry()
    found = []
    for lesion, look in subject.lesions_at(visit):
        shape = None if look.shape == "empty" else _placed(subject, lesion, look, visit, geometry)
        found.append(
            ReferenceLesion(lesion.lesion_id, shape, _appearance(lesion, look), lesion.organ)
        )
    return found


def truth_mm(lesion: DemoLesion, shape: Shape | None, geometry: VolumeGeometry) -> dict[str, float]:
    """Return the closed-form lengths of a lesion on the slice planes, by quantity, in mm."""
    if shape is None:
        kinds = ("viable_diameter", "whole_diameter") if lesion.hepatic else ("whole_diameter",)
        return dict.fromkeys(kinds, 0.0)
    planes = tuple(planes_mm(geometry).tolist())
    lengths = {"whole_diameter": longest_whole_mm(shape, planes)}
    if lesion.hepatic:
        lengths["viable_diameter"] = longest_viable_mm(shape, planes, GAP_MM)
    if lesion.organ == "lymph_node":
        lengths["node_short_axis"] = max(shape.short_whole_on_plane(z) for z in planes)
    return lengths


def measurand(lesion: DemoLesion) -> str:
    """Return the quantity that mRECIST measures of a lesion of this organ."""
    if lesion.hepatic:
        return "viable_diameter"
    return "node_short_axis" if lesion.organ == "lymph_node" else "whole_diameter"


def sized_shape(
    look: Look, quantity: str, *, centre_mm: Point, angle_deg: float, geometry: VolumeGeometry
) -> Shape:
    """Return a shape at a place that measures what the trial says, within 0.001 mm.

    Parameters
    ----------
    look : Look
        Not ``empty``. ``dead`` has no viable length; its size is that of the whole.
    quantity : viable_diameter, whole_diameter or node_short_axis
        What must have the length, on the slice planes of the grid.
    """
    unit = _unit_shape(look.shape, angle_deg).at(centre_mm)
    if look.shape == "dead":
        return unit.scaled(look.mm)
    planes = tuple(planes_mm(geometry).tolist())

    def length(factor: float) -> float:
        grown = unit.scaled(factor)
        if quantity == "viable_diameter":
            return longest_viable_mm(grown, planes, GAP_MM)
        if quantity == "node_short_axis":
            return max(grown.short_whole_on_plane(z) for z in planes)
        return longest_whole_mm(grown, planes)

    return unit.scaled(_factor_for(length, look.mm))


def _placed(
    subject: DemoSubject, lesion: DemoLesion, look: Look, visit: int, geometry: VolumeGeometry
) -> Shape:
    """Return the shape of a lesion at its place, at another sub-pixel position at every visit."""
    number = subject.lesions.index(lesion)
    spread = subject.number * 0.37 + number * 0.61 + visit * 0.23
    shifts = tuple((spread * step) % 1.0 - 0.5 for step in (1.0, 2.7, 1.9))
    x, y, z = _LIVER_PLACES[number] if lesion.hepatic else _OTHER_PLACES[lesion.organ]
    pixel = subject.pixel_mm
    return sized_shape(
        look,
        measurand(lesion),
        centre_mm=(x + shifts[0] * pixel, y + shifts[1] * pixel, z + shifts[2] * SLICE_MM),
        angle_deg=(subject.number * 47.0 + number * 71.0 + visit * 13.0) % 180.0,
        geometry=geometry,
    )


def _factor_for(length: Callable[[float], float], mm: float) -> float:
    """Return the factor at which a growing length reaches its aim, by bisection."""
    low, high = 0.2 * mm, 4.0 * mm
    while high - low > 1e-6:
        middle = (low + high) / 2.0
        low, high = (middle, high) if length(middle) < mm else (low, middle)
    return (low + high) / 2.0


@cache
def _unit_shape(word: str, angle_deg: float) -> Shape:
    """Return a shape about 1 mm long, turned in the plane."""
    cos, sin = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    shapes: dict[str, Callable[[], Shape]] = {
        "ball": lambda: Ball(1.0),
        "ellipsoid": lambda: Ellipsoid((0.5, 0.38, 0.42), angle_deg),
        "node": lambda: Ellipsoid((0.7, 0.5, 0.6), angle_deg),
        "dead": lambda: Dead((0.5, 0.42, 0.45), angle_deg),
        "ring": lambda: Ring(1.0, 0.5),
        "crescent": lambda: Crescent(1.0, 0.72, (0.22 * cos, 0.22 * sin, 0.0)),
        "islands": lambda: TwoIslands(
            (1.0, 0.62, 0.62),
            (1.0, 0.5),
            ((-0.39 * cos, -0.39 * sin, 0.0), (0.64 * cos, 0.64 * sin, 0.0)),
            angle_deg,
        ),
    }
    return shapes[word]()


def _appearance(lesion: DemoLesion, look: Look) -> Appearance:
    """Return how a lesion looks: HCC in the liver, soft tissue elsewhere."""
    if not lesion.hepatic:
        return soft_tissue()
    under = -_LIVER_HU_UNDER if look.late == "bright" else _LIVER_HU_UNDER
    return hypervascular(washout_hu=under)
