"""A mask on the grid of an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imaging.geometry import VolumeGeometry


@dataclass(frozen=True, slots=True)
class SegmentIdentity:
    """What a file says of one of its segments; codes are (scheme, value, meaning)."""

    number: int
    label: str = ""
    tracking_id: str | None = None
    tracking_uid: str | None = None
    property_category: tuple[str, str, str] | None = None
    property_type: tuple[str, str, str] | None = None
    anatomic_region: tuple[str, str, str] | None = None
    algorithm_type: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class LesionMask:
    """A region as a bool array on the grid of the image it was drawn on.

    ``declared_empty`` tells a segment that is declared and holds nothing (0 mm: a candidate for
    complete response) from one that was never drawn.

    Parameters
    ----------
    array : (z, y, x) bool array
    """

    array: NDArray[np.bool_]
    geometry: VolumeGeometry
    mask_id: str
    identity: SegmentIdentity

    @property
    def declared_empty(self) -> bool:
        """Whether the segment is declared but holds no voxel."""
        return not bool(self.array.any())
