"""A mask on the grid of an image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imaging.geometry import VolumeGeometry
from imaging.reason import ReasonedError


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


class MaskError(ReasonedError):
    """A mask that cannot be read, or that does not lie on the grid of its image."""

    def __init__(self, reason_code: str, file: str, detail: str) -> None:
        super().__init__(reason_code, Path(file).name, detail)
        self.file = file

    def __reduce__(self) -> tuple[type[MaskError], tuple[str, str, str]]:
        return type(self), (self.reason_code, self.file, self.detail)
