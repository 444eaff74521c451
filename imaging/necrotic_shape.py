"""Lesions with necrosis: ring, crescent, two islands; and their closed-form answers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imaging.shape import Shape
from imaging.solid import (
    Point,
    ShapeError,
    Solid,
    ball,
    ball_overlap_mm3,
    check_positive,
    disc_overlap_mm2,
    plus,
    surface_points,
    times,
)


@dataclass(frozen=True, slots=True)
class Ring(Shape):
    """A ball with a concentric ball of necrosis.

    Notes
    -----
    On a plane with radii R and r and a gap g: 2 sqrt(R^2 - r^2 + g^2 / 4), and 2 R once g >= 2 r.

    Examples
    --------
    >>> ring = Ring(50.0, 34.0)
    >>> [round(ring.longest_viable_on_plane(0.0, gap), 2) for gap in (0.0, 2.0, float("inf"))]
    [36.66, 36.72, 50.0]
    """

    diameter_mm: float
    core_diameter_mm: float
    centre_mm: Point = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        check_positive(self.core_diameter_mm, "core_diameter_mm")
        if self.core_diameter_mm >= self.diameter_mm:
            msg = f"core of {self.core_diameter_mm} mm in a ball of {self.diameter_mm} mm: use Dead"
            raise ShapeError(msg)

    @property
    def whole(self) -> Solid:
        """The outer ball."""
        return ball(self.diameter_mm, self.centre_mm)

    @property
    def core(self) -> Solid:
        """The necrotic core."""
        return ball(self.core_diameter_mm, self.centre_mm)

    @property
    def bricks(self) -> tuple[Solid, ...]:
        """The outer ball and the core."""
        return self.whole, self.core

    def inside_viable_at(self, x: ArrayLike, y: ArrayLike, z: ArrayLike) -> NDArray[np.bool_]:
        """In the ball and not in the core."""
        return self.inside_whole_at(x, y, z) & (self.core.level_at(x, y, z) > 1.0)

    def longest_viable_on_plane(self, z_mm: float, gap_mm: float) -> float:
        """Return the longest chord that crosses the core in at most the gap."""
        outer = self.whole.semi_axes_mm[0] * self.whole.shrink_at(z_mm)
        core = self.core.semi_axes_mm[0] * self.core.shrink_at(z_mm)
        return 2.0 * math.sqrt(max(0.0, outer**2 - max(0.0, core**2 - (gap_mm / 2.0) ** 2)))

    def viable_area_on_plane(self, z_mm: float) -> float:
        """Return the area of the annulus."""
        return self.whole.area_at(z_mm) - self.core.area_at(z_mm)

    @property
    def viable_volume_ml(self) -> float:
        """The ball less the core."""
        return self.whole_volume_ml - self.core.volume_ml

    def scaled(self, factor: float) -> Self:
        """Return the ring with both diameters multiplied."""
        return replace(
            self,
            diameter_mm=self.diameter_mm * factor,
            core_diameter_mm=self.core_diameter_mm * factor,
        )


@dataclass(frozen=True, slots=True)
class Crescent(Shape):
    """A ball with a ball of necrosis anywhere in it or biting into it.

    Parameters
    ----------
    diameter_mm : float
        Of the whole lesion.
    core_diameter_mm : float
        Of the ball that is necrotic where it lies inside the lesion.
    offset_mm : (x, y, z)
        From the centre of the lesion to that of the core.

    Notes
    -----
    On a plane that cuts the lesion in a disc of radius R and the core in one of radius r, centres
    e apart, every admissible segment is dominated by a chord perpendicular to the offset, beyond
    the core: lines that cross the core in at most g keep h = sqrt(r^2 - g^2 / 4) from its centre,
    so the chord runs at x = min(0, e - h) and is 2 sqrt(R^2 - x^2) long; where the circles cross
    at x_c < x, both ends must lie in the horns and x = x_c. Horns end in points that no pixel
    holds: a core that bites through the surface has a truth that any mask falls short of.
    """

    diameter_mm: float
    core_diameter_mm: float
    offset_mm: Point
    centre_mm: Point = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        check_positive(self.diameter_mm, "diameter_mm")
        check_positive(self.core_diameter_mm, "core_diameter_mm")
        if math.hypot(*self.offset_mm) + self.diameter_mm / 2 <= self.core_diameter_mm / 2:
            msg = "the core covers the whole lesion: make it smaller, or use Dead"
            raise ShapeError(msg)

    @property
    def whole(self) -> Solid:
        """The outer ball."""
        return ball(self.diameter_mm, self.centre_mm)

    @property
    def core(self) -> Solid:
        """The ball of necrosis, also where it lies outside the lesion."""
        x, y, z = np.add(self.centre_mm, self.offset_mm).tolist()
        return ball(self.core_diameter_mm, (x, y, z))

    @property
    def bricks(self) -> tuple[Solid, ...]:
        """The outer ball and the core."""
        return self.whole, self.core

    def inside_viable_at(self, x: ArrayLike, y: ArrayLike, z: ArrayLike) -> NDArray[np.bool_]:
        """In the lesion and not in the core."""
        return self.inside_whole_at(x, y, z) & (self.core.level_at(x, y, z) > 1.0)

    def _discs(self, z_mm: float) -> tuple[float, float, float]:
        """Radii of lesion and core on a plane, and the distance of their centres."""
        core, whole = self.core, self.whole
        return (
            whole.semi_axes_mm[0] * whole.shrink_at(z_mm),
            core.semi_axes_mm[0] * core.shrink_at(z_mm),
            math.hypot(self.offset_mm[0], self.offset_mm[1]),
        )

    def longest_viable_on_plane(self, z_mm: float, gap_mm: float) -> float:
        """Return the chord beyond the core that crosses it in at most the gap."""
        outer, core, offset = self._discs(z_mm)
        if outer <= 0.0 or core >= outer + offset:
            return 0.0
        height = math.sqrt(max(0.0, core**2 - (gap_mm / 2.0) ** 2))
        at = min(0.0, offset - height)
        if abs(outer - core) < offset < outer + core:
            at = min(at, (outer**2 - core**2 + offset**2) / (2.0 * offset))
        return 2.0 * math.sqrt(max(0.0, outer**2 - at**2))

    def viable_area_on_plane(self, z_mm: float) -> float:
        """Return the disc less its overlap with the core's."""
        outer, core, offset = self._discs(z_mm)
        return math.pi * outer**2 - disc_overlap_mm2(outer, core, offset)

    @property
    def viable_volume_ml(self) -> float:
        """The ball less its overlap with the core."""
        overlap = ball_overlap_mm3(
            self.diameter_mm / 2, self.core_diameter_mm / 2, math.hypot(*self.offset_mm)
        )
        return self.whole_volume_ml - overlap / 1000.0

    def scaled(self, factor: float) -> Self:
        """Return the shape with both diameters and the offset multiplied."""
        return replace(
            self,
            diameter_mm=self.diameter_mm * factor,
            core_diameter_mm=self.core_diameter_mm * factor,
            offset_mm=times(self.offset_mm, factor),
        )


@dataclass(frozen=True, slots=True)
class TwoIslands(Shape):
    """Two viable balls apart from each other in a lesion that is necrotic otherwise.

    Parameters
    ----------
    semi_axes_mm, angle_deg
        Of the whole lesion, as in `Ellipsoid`.
    diameters_mm : (first, second)
    offsets_mm : two (x, y, z)
        From the centre of the lesion to those of the islands.

    Notes
    -----
    On a plane with discs of radii r and s, centres d apart: r + d + s where their distance
    d - r - s is at most the gap (no line crosses both with less), else the larger disc's diameter.
    """

    semi_axes_mm: Point
    diameters_mm: tuple[float, float]
    offsets_mm: tuple[Point, Point]
    angle_deg: float = 0.0
    centre_mm: Point = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        check_positive(min(self.semi_axes_mm), "semi_axes_mm")
        check_positive(min(self.diameters_mm), "diameters_mm")
        if math.dist(*self.offsets_mm) <= sum(self.diameters_mm) / 2.0:
            msg = "the islands touch: move them apart by offsets_mm or make them smaller"
            raise ShapeError(msg)
        for island in self.islands:
            if (self.whole.level(surface_points(island)) > 1.0 + 1e-9).any():
                msg = "an island sticks out of the lesion: enlarge semi_axes_mm or move it inwards"
                raise ShapeError(msg)

    @property
    def whole(self) -> Solid:
        """The capsule."""
        return Solid(self.centre_mm, self.semi_axes_mm, self.angle_deg)

    @property
    def islands(self) -> tuple[Solid, Solid]:
        """The two viable balls."""
        first, second = (
            ball(diameter, plus(self.centre_mm, offset))
            for diameter, offset in zip(self.diameters_mm, self.offsets_mm, strict=True)
        )
        return first, second

    @property
    def bricks(self) -> tuple[Solid, ...]:
        """The capsule and the islands."""
        return self.whole, *self.islands

    def inside_viable_at(self, x: ArrayLike, y: ArrayLike, z: ArrayLike) -> NDArray[np.bool_]:
        """In either island."""
        first, second = self.islands
        return (first.level_at(x, y, z) <= 1.0) | (second.level_at(x, y, z) <= 1.0)

    def longest_viable_on_plane(self, z_mm: float, gap_mm: float) -> float:
        """Return the span of both islands where the gap allows, else the larger's diameter."""
        first, second = (i.semi_axes_mm[0] * i.shrink_at(z_mm) for i in self.islands)
        apart = math.dist(self.offsets_mm[0][:2], self.offsets_mm[1][:2])
        if first > 0.0 and second > 0.0 and apart - first - second <= gap_mm:
            return apart + first + second
        return 2.0 * max(first, second)

    def viable_area_on_plane(self, z_mm: float) -> float:
        """Return the area of both discs."""
        return sum(island.area_at(z_mm) for island in self.islands)

    @property
    def viable_volume_ml(self) -> float:
        """Both balls."""
        return sum(island.volume_ml for island in self.islands)

    def scaled(self, factor: float) -> Self:
        """Return the shape with all its measures multiplied."""
        first, second = self.offsets_mm
        return replace(
            self,
            semi_axes_mm=times(self.semi_axes_mm, factor),
            diameters_mm=(self.diameters_mm[0] * factor, self.diameters_mm[1] * factor),
            offsets_mm=(times(first, factor), times(second, factor)),
        )
