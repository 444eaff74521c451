"""A lesion that is necrotic but for one ball of viable tissue, and its closed-form answers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imaging.shape import Shape
from imaging.solid import Point, ShapeError, Solid, ball, check_positive, plus, times


@dataclass(frozen=True, slots=True)
class Remnant(Shape):
    """A necrotic ball that holds one viable ball: what embolisation leaves at a feeding vessel.

    Parameters
    ----------
    diameter_mm : float
        Of the whole lesion.
    viable_diameter_mm : float
    offset_mm : (x, y, z)
        From the centre of the lesion to that of the viable ball, which stays inside.

    Notes
    -----
    On a plane the viable part is a disc, so the gap does not matter: 2 sqrt(r^2 - z^2).

    Examples
    --------
    >>> Remnant(40.0, 18.0, (8.0, 0.0, 0.0)).longest_viable_on_plane(0.0, 2.0)
    18.0
    """

    diameter_mm: float
    viable_diameter_mm: float
    offset_mm: Point
    centre_mm: Point = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        check_positive(self.viable_diameter_mm, "viable_diameter_mm")
        room = (self.diameter_mm - self.viable_diameter_mm) / 2.0
        if math.hypot(*self.offset_mm) > room + 1e-9:
            msg = "the viable ball sticks out of the lesion: make offset_mm or the ball smaller"
            raise ShapeError(msg)

    @property
    def whole(self) -> Solid:
        """The outer ball."""
        return ball(self.diameter_mm, self.centre_mm)

    @property
    def remnant(self) -> Solid:
        """The viable ball."""
        return ball(self.viable_diameter_mm, plus(self.centre_mm, self.offset_mm))

    @property
    def bricks(self) -> tuple[Solid, ...]:
        """Both balls."""
        return self.whole, self.remnant

    def inside_viable_at(self, x: ArrayLike, y: ArrayLike, z: ArrayLike) -> NDArray[np.bool_]:
        """In the viable ball."""
        return self.remnant.level_at(x, y, z) <= 1.0

    def longest_viable_on_plane(self, z_mm: float, gap_mm: float) -> float:  # noqa: ARG002
        """Return the diameter of the viable disc."""
        return self.viable_diameter_mm * self.remnant.shrink_at(z_mm)

    def viable_area_on_plane(self, z_mm: float) -> float:
        """Return the area of the viable disc."""
        return self.remnant.area_at(z_mm)

    @property
    def viable_volume_ml(self) -> float:
        """The viable ball."""
        return self.remnant.volume_ml

    def scaled(self, factor: float) -> Self:
        """Return the lesion with both diameters and the offset multiplied."""
        return replace(
            self,
            diameter_mm=self.diameter_mm * factor,
            viable_diameter_mm=self.viable_diameter_mm * factor,
            offset_mm=times(self.offset_mm, factor),
        )
