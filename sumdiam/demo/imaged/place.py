"""Where the lesions of a subject lie, the body around them, and the field that is imaged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from imaging.coverage import solid_mask
from imaging.phantom import Body, Field, Organ
from imaging.placement import PlacementError, find_sites
from imaging.solid import Point, Solid
from imaging.tissue import Modality
from sumdiam.demo.imaged.subject import ImagedSubject

LIVER_MM = (58.0, 62.0, 85.0)
"""Semi-axes of the smallest liver; it grows until all lesions find room."""
GROWTH, TRIES = 1.06, 40
COARSE_MM = 3.0
WALL_MM, APART_MM = 6.0, 7.0
SLACK_MM = 2.5
"""A lesion whose centre is off the slice planes is that much larger than it measures."""
MARGIN_MM, LEAST_SIDE_MM = 12.0, 96.0
BESIDE_MM = 8.0
AORTA_MM = 9.0
GRIDS = ((40.0, 0.6, 2.5), (70.0, 0.75, 3.0), (110.0, 0.85, 4.0), (math.inf, 1.0, 5.0))
"""Up to which largest lesion: pixel and slice spacing. All in mm.

Small lesions have finer grids, as depth of response is a share of their length.
"""

_ENDLESS = math.inf


@dataclass(frozen=True, slots=True)
class Place:
    """A subject's body: centres of the lesions by id, organs, and the grid of every study."""

    centres: Mapping[str, Point]
    organs: tuple[Organ, ...]
    field: Field

    def body(self, modality: str) -> Body:
        """Return the body as a modality sees it."""
        kind: Modality = "MR" if modality == "MR" else "CT"
        return Body(kind, self.organs)


@lru_cache(maxsize=16)
def place_of(subject: ImagedSubject) -> Place:
    """Return where everything lies; the same at every visit.

    Raises
    ------
    PlacementError
        If even a huge liver has no room.
    """
    radii = {key: mm / 2.0 + SLACK_MM for key, mm in subject.largest_mm().items()}
    hepatic = {name: radius for (organ, name), radius in radii.items() if organ == "liver"}
    axes, centres = _liver(subject.subject_id, hepatic)
    elsewhere = {key: radius for key, radius in radii.items() if key[0] != "liver"}
    around = []
    y = -0.3 * axes[1]
    for (organ, name), radius in elsewhere.items():
        centres[name] = (axes[0] + BESIDE_MM + 8.0 + radius, y + radius, 0.0)
        y += 2.0 * radius + 2.0 * BESIDE_MM
        if organ in ("bone", "lung"):
            around.append(Organ(organ, Solid(centres[name], (radius + BESIDE_MM,) * 3)))
    reach = {**hepatic, **{name: r + BESIDE_MM for (_, name), r in elsewhere.items()}}
    field = _field(centres, reach, max((mm for mm in subject.largest_mm().values()), default=0.0))
    return Place(centres, _organs(axes, around, centres), field)


def _liver(subject_id: str, radii: Mapping[str, float]) -> tuple[Point, dict[str, Point]]:
    """Return semi-axes of a liver in which all lesions find room, and their centres.

    Lesions lie at the height of the largest, so that few slices show them all.
    """
    thick = max(radii.values(), default=0.0) + WALL_MM + COARSE_MM
    for step in range(TRIES):
        a, b, c = (side * GROWTH**step for side in LIVER_MM)
        if min(a, b, c) < thick:
            continue
        shape = tuple(2 * math.ceil(side / COARSE_MM) + 1 for side in (thick, b, a))
        grid = Field((shape[0], shape[1], shape[2]), (COARSE_MM,) * 3).geometry()
        allowed = solid_mask(Solid((0.0, 0.0, 0.0), (a, b, c)), grid)
        try:
            sites = find_sites(
                allowed, grid, list(radii.values()), margin_mm=APART_MM, wall_mm=WALL_MM,
                seed=("soramic", subject_id),
            )  # fmt: skip
        except PlacementError:
            continue
        return (a, b, c), dict(zip(radii, sites, strict=True))
    msg = f"{subject_id}: no liver has room for lesions of {sorted(radii.values())} mm radius"
    raise PlacementError(msg)


def _field(centres: Mapping[str, Point], reach: Mapping[str, float], largest_mm: float) -> Field:
    """Return the smallest grid that shows every lesion with tissue around it."""
    pixel, step = next((p, s) for most, p, s in GRIDS if largest_mm <= most)
    middle = np.array([centres[name] for name in reach])
    radius = np.array(list(reach.values()))[:, None]
    low, high = (middle - radius).min(axis=0), (middle + radius).max(axis=0)
    sides = high - low + 2.0 * MARGIN_MM
    sides[:2] = np.maximum(sides[:2], LEAST_SIDE_MM)
    columns, rows = (2 * math.ceil(side / pixel / 2.0) for side in sides[:2])
    slices = math.ceil((high[2] - low[2] + 2.0 * max(MARGIN_MM - 3.0, step)) / step)
    x, y, z = ((low + high) / 2.0).tolist()
    return Field((slices, rows, columns), (step, pixel, pixel), (x, y, z))


def _organs(
    axes: Point, around: list[Organ], centres: Mapping[str, Point]
) -> tuple[Organ, ...]:  # fmt: skip
    """Return the trunk in the order in which it is drawn."""
    a, b, c = axes
    far = max([a, *(x for x, _, _ in centres.values())]) + 50.0
    middle = (far - a) / 2.0 - 10.0
    half = (far + a) / 2.0
    layers = [("fat", 40.0), ("muscle", 32.0), ("fat", 22.0)]
    trunk = [
        Organ(tissue, Solid((middle, 10.0, 0.0), (half + out, b + 30.0 + out, _ENDLESS)))
        for tissue, out in layers
    ]
    aorta = Solid((0.4 * a, b + AORTA_MM + 2.0, 0.0), (AORTA_MM, AORTA_MM, _ENDLESS))
    return (
        *trunk,
        Organ("aorta", aorta),
        *around,
        Organ("liver", Solid((0.0, 0.0, 0.0), (a, b, c))),
    )
