"""Lesions of known shape, in patient mm, and the closed-form answers to every question on them.

All shapes are made of ellipsoids whose third axis is the patient's long axis, so each axial slice
plane cuts them in discs or ellipses and what a caliper must read there is a formula.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imaging.solid import Point, Solid, ball, check_positive, times


class Shape(ABC):
    """A lesion: the whole of it, and the part of it that is viable.

    Lengths on a plane follow one definition: the longest straight segment of the plane with both
    ends in viable tissue, every single run of it outside viable tissue at most ``gap_mm`` long;
    the gaps count into the length. The whole of every shape is convex, so no such run leaves it.
    """

    __slots__ = ()

    centre_mm: Point

    @property
    @abstractmethod
    def whole(self) -> Solid:
        """The whole lesion."""

    @property
    @abstractmethod
    def bricks(self) -> tuple[Solid, ...]:
        """All solids whose surfaces bound the whole or the viable part."""

    @abstractmethod
    def inside_viable_at(self, x: ArrayLike, y: ArrayLike, z: ArrayLike) -> NDArray[np.bool_]:
        """Return whether points lie in the viable part (x, y, z arrays in mm that broadcast)."""

    @abstractmethod
    def longest_viable_on_plane(self, z_mm: float, gap_mm: float) -> float:
        """Return the longest admissible viable segment on one axial plane, in mm; 0 if none."""

    @abstractmethod
    def viable_area_on_plane(self, z_mm: float) -> float:
        """Return the viable area on one axial plane, in mm2."""

    @property
    @abstractmethod
    def viable_volume_ml(self) -> float:
        """Volume of the viable part in ml."""

    @abstractmethod
    def scaled(self, factor: float) -> Self:
        """Return the same shape grown or shrunk about its centre."""

    def inside_whole_at(self, x: ArrayLike, y: ArrayLike, z: ArrayLike) -> NDArray[np.bool_]:
        """Return whether points lie in the lesion (x, y, z arrays in mm that broadcast)."""
        return self.whole.level_at(x, y, z) <= 1.0

    def inside_whole(self, points_mm: ArrayLike) -> NDArray[np.bool_]:
        """Return whether LPS points (..., 3) lie in the lesion."""
        x, y, z = np.moveaxis(np.asarray(points_mm, dtype=np.float64), -1, 0)
        return self.inside_whole_at(x, y, z)

    def inside_viable(self, points_mm: ArrayLike) -> NDArray[np.bool_]:
        """Return whether LPS points (..., 3) lie in its viable part."""
        x, y, z = np.moveaxis(np.asarray(points_mm, dtype=np.float64), -1, 0)
        return self.inside_viable_at(x, y, z)

    def longest_whole_on_plane(self, z_mm: float) -> float:
        """Return the longest diameter of the whole lesion on one axial plane, in mm."""
        a, b, _ = self.whole.semi_axes_mm
        return 2.0 * max(a, b) * self.whole.shrink_at(z_mm)

    def short_whole_on_plane(self, z_mm: float) -> float:
        """Return the short axis of the whole lesion on one axial plane, in mm."""
        a, b, _ = self.whole.semi_axes_mm
        return 2.0 * min(a, b) * self.whole.shrink_at(z_mm)

    def whole_area_on_plane(self, z_mm: float) -> float:
        """Return the area of the whole lesion on one axial plane, in mm2."""
        return self.whole.area_at(z_mm)

    @property
    def whole_volume_ml(self) -> float:
        """Volume of the whole lesion in ml."""
        return self.whole.volume_ml

    def at(self, centre_mm: Point) -> Self:
        """Return the same shape elsewhere."""
        return replace(self, centre_mm=centre_mm)  # type: ignore[type-var]


@dataclass(frozen=True, slots=True)
class Ball(Shape):
    """A solid viable ball."""

    diameter_mm: float
    centre_mm: Point = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        check_positive(self.diameter_mm, "diameter_mm")

    @property
    def whole(self) -> Solid:
        """The ball."""
        return ball(self.diameter_mm, self.centre_mm)

    @property
    def bricks(self) -> tuple[Solid, ...]:
        """The ball."""
        return (self.whole,)

    def inside_viable_at(self, x: ArrayLike, y: ArrayLike, z: ArrayLike) -> NDArray[np.bool_]:
        """All of it is viable."""
        return self.inside_whole_at(x, y, z)

    def longest_viable_on_plane(self, z_mm: float, gap_mm: float) -> float:  # noqa: ARG002
        """Return 2 sqrt(R^2 - z^2)."""
        return self.longest_whole_on_plane(z_mm)

    def viable_area_on_plane(self, z_mm: float) -> float:
        """All of it is viable."""
        return self.whole_area_on_plane(z_mm)

    @property
    def viable_volume_ml(self) -> float:
        """All of it is viable."""
        return self.whole_volume_ml

    def scaled(self, factor: float) -> Self:
        """Return the ball with another diameter."""
        return replace(self, diameter_mm=self.diameter_mm * factor)


@dataclass(frozen=True, slots=True)
class Ellipsoid(Shape):
    """A solid viable ellipsoid, turned in the axial plane (see `Solid` for axes and angle)."""

    semi_axes_mm: Point
    angle_deg: float = 0.0
    centre_mm: Point = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        check_positive(min(self.semi_axes_mm), "semi_axes_mm")

    @property
    def whole(self) -> Solid:
        """The ellipsoid."""
        return Solid(self.centre_mm, self.semi_axes_mm, self.angle_deg)

    @property
    def bricks(self) -> tuple[Solid, ...]:
        """The ellipsoid."""
        return (self.whole,)

    def inside_viable_at(self, x: ArrayLike, y: ArrayLike, z: ArrayLike) -> NDArray[np.bool_]:
        """All of it is viable."""
        return self.inside_whole_at(x, y, z)

    def longest_viable_on_plane(self, z_mm: float, gap_mm: float) -> float:  # noqa: ARG002
        """Return 2 max(a, b) sqrt(1 - z^2 / c^2)."""
        return self.longest_whole_on_plane(z_mm)

    def viable_area_on_plane(self, z_mm: float) -> float:
        """All of it is viable."""
        return self.whole_area_on_plane(z_mm)

    @property
    def viable_volume_ml(self) -> float:
        """All of it is viable."""
        return self.whole_volume_ml

    def scaled(self, factor: float) -> Self:
        """Return the ellipsoid with all axes multiplied."""
        return replace(self, semi_axes_mm=times(self.semi_axes_mm, factor))


@dataclass(frozen=True, slots=True)
class Dead(Shape):
    """An ellipsoid without any viable part: what complete response leaves behind."""

    semi_axes_mm: Point
    angle_deg: float = 0.0
    centre_mm: Point = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        check_positive(min(self.semi_axes_mm), "semi_axes_mm")

    @property
    def whole(self) -> Solid:
        """The ellipsoid."""
        return Solid(self.centre_mm, self.semi_axes_mm, self.angle_deg)

    @property
    def bricks(self) -> tuple[Solid, ...]:
        """The ellipsoid."""
        return (self.whole,)

    def inside_viable_at(self, x: ArrayLike, y: ArrayLike, z: ArrayLike) -> NDArray[np.bool_]:
        """Nothing is viable."""
        return np.zeros(np.broadcast_shapes(np.shape(x), np.shape(y), np.shape(z)), dtype=bool)

    def longest_viable_on_plane(self, z_mm: float, gap_mm: float) -> float:  # noqa: ARG002
        """Return 0."""
        return 0.0

    def viable_area_on_plane(self, z_mm: float) -> float:  # noqa: ARG002
        """Return 0."""
        return 0.0

    @property
    def viable_volume_ml(self) -> float:
        """Nothing is viable."""
        return 0.0

    def scaled(self, factor: float) -> Self:
        """Return the ellipsoid with all axes multiplied."""
        return replace(self, semi_axes_mm=times(self.semi_axes_mm, factor))


def longest_viable_mm(shape: Shape, planes_mm: Iterable[float], gap_mm: float) -> float:
    """Longest viable diameter of a lesion over the slice planes of a grid; 0 if none is viable.

    Parameters
    ----------
    planes_mm : z of the slice planes in LPS mm
    gap_mm : largest single run outside viable tissue; ``math.inf`` gives the plain Feret diameter
    """
    return max((shape.longest_viable_on_plane(z, gap_mm) for z in planes_mm), default=0.0)


def longest_whole_mm(shape: Shape, planes_mm: Iterable[float]) -> float:
    """Longest diameter of the whole lesion over the slice planes of a grid, in mm."""
    return max((shape.longest_whole_on_plane(z) for z in planes_mm), default=0.0)
