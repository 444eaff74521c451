"""Where voxels are: the map between array indices and the patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, eq=False)
class VolumeGeometry:
    """Position, spacing and orientation of a (z, y, x) array in the patient.

    Parameters
    ----------
    affine : (4, 4) float64 array
        Maps the index (z, y, x, 1) of a voxel's centre to (x, y, z, 1) in LPS mm.
    shape : (z, y, x)
        Number of slices, rows and columns.
    frame_of_reference_uid : str, optional
        None where the files do not name one.

    Notes
    -----
    Columns of the affine are steps along slices, rows and columns, in array order. A gantry tilt
    is a shear of the first column and is kept exactly.

    Examples
    --------
    >>> grid = VolumeGeometry.upright(shape=(4, 8, 8), spacing_mm=(2.5, 0.7, 0.7))
    >>> grid.index_to_patient([1, 2, 4]).round(2).tolist()
    [2.8, 1.4, 2.5]
    """

    affine: NDArray[np.float64]
    shape: tuple[int, int, int]
    frame_of_reference_uid: str | None = None

    @classmethod
    def upright(
        cls,
        *,
        shape: tuple[int, int, int],
        spacing_mm: tuple[float, float, float],
        origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
        frame_of_reference_uid: str | None = None,
    ) -> VolumeGeometry:
        """Return axial slices from feet to head, rows towards the back, columns to the left.

        Parameters
        ----------
        spacing_mm : (z, y, x)
        origin_mm : (x, y, z) in LPS
            Centre of the first voxel.
        """
        affine = np.zeros((4, 4))
        affine[2, 0], affine[1, 1], affine[0, 2] = spacing_mm
        affine[:3, 3] = origin_mm
        affine[3, 3] = 1.0
        return cls(affine, shape, frame_of_reference_uid)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Step between voxel centres along (z, y, x), in mm."""
        z, y, x = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(z), float(y), float(x)

    @property
    def slice_spacing_mm(self) -> float:
        """Distance between neighbouring slice planes, perpendicular to them, in mm."""
        return float(abs(self.affine[:3, 0] @ self.normal))

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector perpendicular to the slices: row direction x column direction, in LPS."""
        normal = np.cross(self.affine[:3, 2], self.affine[:3, 1])
        return np.asarray(normal / np.linalg.norm(normal), dtype=np.float64)

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel in ml."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    def index_to_patient(self, index: ArrayLike) -> NDArray[np.float64]:
        """Return LPS mm (..., 3) of fractional (z, y, x) indices (..., 3)."""
        points = np.asarray(index, dtype=np.float64)
        return points @ self.affine[:3, :3].T + self.affine[:3, 3]

    def patient_to_index(self, point_mm: ArrayLike) -> NDArray[np.float64]:
        """Return fractional (z, y, x) indices (..., 3) of LPS mm points (..., 3)."""
        points = np.asarray(point_mm, dtype=np.float64) - self.affine[:3, 3]
        return points @ np.linalg.inv(self.affine[:3, :3]).T

    def largest_offset_voxels(self, other: VolumeGeometry) -> float:
        """Return how far apart the two grids' corners lie at most, in voxels of this one.

        Infinite where the shapes differ.
        """
        if self.shape != other.shape:
            return float("inf")
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape])).reshape(3, -1).T
        moved = self.patient_to_index(other.index_to_patient(corners))
        return float(np.abs(moved - corners).max())

    def same_grid(self, other: VolumeGeometry, *, tolerance_voxels: float = 0.1) -> bool:
        """Return whether both grids agree within a tenth of a voxel and one frame of reference.

        An absent frame of reference on either side is no contradiction.
        """
        one, two = self.frame_of_reference_uid, other.frame_of_reference_uid
        if one is not None and two is not None and one != two:
            return False
        return self.largest_offset_voxels(other) <= tolerance_voxels
