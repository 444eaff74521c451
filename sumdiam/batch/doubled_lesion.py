"""Lesions that were drawn twice under two ids: on one volume, or on two of one study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from imaging.geometry import VolumeGeometry
from imaging.mask import LesionMask
from sumdiam.batch.study_image import StudyRefusedError
from sumdiam.batch.study_task import MaskTask
from sumdiam.batch.volume_use import shares_space

SAME_PLACE = 0.5
"""Two lesions that share more of the smaller one's volume are one lesion, drawn twice."""


@dataclass(frozen=True, slots=True, eq=False)
class DrawnLesion:
    """Where a lesion lies: what is left of its mask when its volume is put away.

    Parameters
    ----------
    voxels : (n,) int64 array
        Flat indices of its voxels in the grid, rising.
    """

    mask: MaskTask
    voxels: NDArray[np.int64]
    geometry: VolumeGeometry

    @classmethod
    def of(cls, mask: MaskTask, drawn: LesionMask) -> DrawnLesion:
        """Return where a mask lies."""
        return cls(mask, np.flatnonzero(drawn.array), drawn.geometry)

    @property
    def volume_mm3(self) -> float:
        """How large it is."""
        step = abs(float(np.linalg.det(self.geometry.affine[:3, :3])))
        return self.voxels.size * step

    def points_mm(self) -> NDArray[np.float64]:
        """Return the centres of its voxels, (n, 3) in LPS mm."""
        index = np.column_stack(np.unravel_index(self.voxels, self.geometry.shape))
        return self.geometry.index_to_patient(index)

    def holds(self, points_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which (n, 3) points in LPS mm lie in one of its voxels."""
        index = np.rint(self.geometry.patient_to_index(points_mm)).astype(np.int64)
        inside = ((index >= 0) & (index < np.array(self.geometry.shape))).all(axis=1)
        found = np.zeros(len(index), dtype=bool)
        flat = np.ravel_multi_index(tuple(index[inside].T), self.geometry.shape)
        found[inside] = np.isin(flat, self.voxels)
        return found


def refuse_doubled(lesions: Sequence[DrawnLesion]) -> None:
    """Refuse the study where two lesions of one reader share most of their place.

    One lesion that was drawn in two files, on the arterial and on the portal venous phase, or is in
    the label of all lesions too, would count twice in the sum; so would a whole lesion and its
    viable part of which neither ids nor names say that they are one.

    Raises
    ------
    StudyRefusedError

    Notes
    -----
    On two grids the centres of the smaller one's voxels are looked up in the larger one. Volumes
    of another frame of reference say nothing of each other.
    """
    ordered = sorted(lesions, key=lambda one: (one.mask.reader, one.mask.lesion_id))
    for one, two in combinations(ordered, 2):
        if one.mask.reader != two.mask.reader or one.mask.lesion_id == two.mask.lesion_id:
            continue
        if not shares_space(one.geometry, two.geometry):
            continue
        shared = _shared_part(one, two)
        if shared > SAME_PLACE:
            raise StudyRefusedError("doubled_mask", _words(one.mask, two.mask, shared))


def _shared_part(one: DrawnLesion, two: DrawnLesion) -> float:
    """Return how much of the smaller of two lesions lies in the other one, 0 to 1."""
    if not one.voxels.size or not two.voxels.size:
        return 0.0
    if one.geometry.same_grid(two.geometry):
        shared = np.intersect1d(one.voxels, two.voxels, assume_unique=True).size
        return float(shared / min(one.voxels.size, two.voxels.size))
    small, large = sorted((one, two), key=lambda lesion: lesion.volume_mm3)
    return float(large.holds(small.points_mm()).mean())


def _words(one: MaskTask, two: MaskTask, shared: float) -> str:
    """Say which masks show one lesion."""
    where = (
        "" if one.volume_id == two.volume_id
        else f", drawn on {one.volume_id} and on {two.volume_id}"
    )  # fmt: skip
    roles = one.role if one.role == two.role else f"{one.role} and {two.role}"
    part = "" if one.role == two.role else (
        ". If one is the viable part of the other, write the same lesion_id into both rows of "
        "masks.csv"
    )  # fmt: skip
    return (
        f"lesions {one.lesion_id} and {two.lesion_id} of reader {one.reader} ({roles}) share "
        f"{100 * shared:.0f} % of the smaller one: mask {one.mask_id} in {one.file} "
        f"and mask {two.mask_id} in {two.file}{where}{part}"
    )
