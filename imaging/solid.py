"""Balls, ellipsoids and cylinders: the bricks of reference objects, in patient mm."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Point = tuple[float, float, float]


class ShapeError(ValueError):
    """A shape that cannot exist; the message says which measure to change."""


@dataclass(frozen=True, slots=True)
class Solid:
    """An ellipsoid upright in z and turned in the axial plane; the brick of all shapes.

    Parameters
    ----------
    centre_mm : (x, y, z) in LPS
    semi_axes_mm : (a, b, c)
        Along the turned x, the turned y, and z. ``c`` may be infinite: a cylinder.
    angle_deg : float
        Turn of the first axis from x (patient left) towards y (back).
    """

    centre_mm: Point
    semi_axes_mm: Point
    angle_deg: float = 0.0

    def __post_init__(self) -> None:
        if not all(axis > 0 for axis in self.semi_axes_mm):
            msg = f"semi-axes {self.semi_axes_mm} mm: each must be above 0"
            raise ShapeError(msg)

    def level(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Return how far out points (..., 3) lie: below 1 inside, 1 on the surface."""
        x, y, z = np.moveaxis(np.asarray(points_mm, dtype=np.float64), -1, 0)
        return self.level_at(x, y, z)

    def level_at(self, x: ArrayLike, y: ArrayLike, z: ArrayLike) -> NDArray[np.float64]:
        """Return the same for x, y, z arrays in mm that broadcast."""
        x, y = np.subtract(x, self.centre_mm[0]), np.subtract(y, self.centre_mm[1])
        z = np.subtract(z, self.centre_mm[2])
        a, b, c = self.semi_axes_mm
        if a != b and self.angle_deg:
            cos, sin = _turn(self.angle_deg)
            x, y = x * cos + y * sin, y * cos - x * sin
        squared = np.square(x / a) + np.square(y / b) + np.square(z / c)
        return np.asarray(np.sqrt(squared), dtype=np.float64)

    def shrink_at(self, z_mm: float) -> float:
        """Return the in-plane size on a plane relative to that through the centre; 0 beyond."""
        return math.sqrt(max(0.0, 1.0 - ((z_mm - self.centre_mm[2]) / self.semi_axes_mm[2]) ** 2))

    def area_at(self, z_mm: float) -> float:
        """Return the area cut by an axial plane, in mm2."""
        return math.pi * self.semi_axes_mm[0] * self.semi_axes_mm[1] * self.shrink_at(z_mm) ** 2

    @property
    def volume_ml(self) -> float:
        """Volume in ml."""
        return 4.0 / 3.0 * math.pi * math.prod(self.semi_axes_mm) / 1000.0

    @property
    def reach_mm(self) -> Point:
        """Half the extent along x, y and z."""
        cos, sin = _turn(self.angle_deg)
        a, b, c = self.semi_axes_mm
        return math.hypot(a * cos, b * sin), math.hypot(a * sin, b * cos), c


def ball(diameter_mm: float, centre_mm: Point) -> Solid:
    """Return the solid of a ball."""
    radius = diameter_mm / 2.0
    return Solid(centre_mm, (radius, radius, radius))


def disc_overlap_mm2(radius: float, other: float, apart: float) -> float:
    """Area that two discs share, in mm2 (the lens of two circles)."""
    if radius <= 0.0 or other <= 0.0 or apart >= radius + other:
        return 0.0
    if apart <= abs(radius - other):
        return math.pi * min(radius, other) ** 2
    one = (apart**2 + radius**2 - other**2) / (2.0 * apart)
    two = apart - one
    return _segment(radius, one) + _segment(other, two)


def _segment(radius: float, distance: float) -> float:
    """Area of a disc beyond a line at a distance from its centre."""
    height = math.sqrt(max(0.0, radius**2 - distance**2))
    return radius**2 * math.acos(max(-1.0, min(1.0, distance / radius))) - distance * height


def ball_overlap_mm3(radius: float, other: float, apart: float) -> float:
    """Volume that two balls share, in mm3 (two caps)."""
    if apart >= radius + other:
        return 0.0
    if apart <= abs(radius - other):
        return 4.0 / 3.0 * math.pi * min(radius, other) ** 3
    total = radius + other
    return (
        math.pi
        * (total - apart) ** 2
        * (apart**2 + 2.0 * apart * total - 3.0 * (radius - other) ** 2)
        / (12.0 * apart)
    )


def check_positive(value: float, name: str) -> None:
    """Raise unless a measure is above 0 mm."""
    if not value > 0.0:
        msg = f"{name} is {value} mm; it must be above 0 (a vanished lesion is no shape)"
        raise ShapeError(msg)


def times(point: Point, factor: float) -> Point:
    """Scale a triple."""
    x, y, z = point
    return x * factor, y * factor, z * factor


def plus(one: Point, two: Point) -> Point:
    """Add two triples."""
    return one[0] + two[0], one[1] + two[1], one[2] + two[2]


def surface_points(ball: Solid, steps: int = 48) -> NDArray[np.float64]:
    """Points spread over the surface of a ball."""
    turn = np.linspace(0.0, 2.0 * np.pi, steps, endpoint=False)[:, None]
    rise = np.linspace(-np.pi / 2, np.pi / 2, steps // 2 + 1)[None, :]
    unit = np.stack(
        np.broadcast_arrays(np.cos(turn) * np.cos(rise), np.sin(turn) * np.cos(rise), np.sin(rise)),
        axis=-1,
    )
    return np.asarray(unit * ball.semi_axes_mm[0] + np.array(ball.centre_mm))


def _turn(angle_deg: float) -> tuple[float, float]:
    """Cosine and sine of an angle in degrees."""
    angle = math.radians(angle_deg)
    return math.cos(angle), math.sin(angle)
