"""A mask on the grid of an image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from imaging.geometry import VolumeGeometry
from imaging.reason import ReasonedError

MaskKind = Literal["dicom_seg", "rtstruct", "label_image"]


@dataclass(frozen=True, slots=True)
class SegmentIdentity:
    """What a file says of one of its segments; codes are (scheme, value, meaning).

    ``interpreted_type`` is what a structure set calls a region: GTV, ORGAN, EXTERNAL...
    ``named_by_file`` says that the label is no more than the name of a file.
    """

    number: int
    label: str = ""
    tracking_id: str | None = None
    tracking_uid: str | None = None
    property_category: tuple[str, str, str] | None = None
    property_type: tuple[str, str, str] | None = None
    anatomic_region: tuple[str, str, str] | None = None
    algorithm_type: str = ""
    interpreted_type: str = ""
    named_by_file: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class MaskHeader:
    """What a mask file of any kind says of itself.

    Parameters
    ----------
    kind : ``dicom_seg``, ``rtstruct`` or ``label_image``
    file : str
        Path.
    object_id : str
        SOPInstanceUID; of a file without one its SHA-256. With ``#`` and a segment's number it is
        the mask's id.
    patient_id, study_uid, series_uid : str
        Empty for a label image, which names none of them.
    referenced_series_uid : str, optional
        The image series it was drawn on, None where it names none or several.
    referenced_sop_uids : tuple of str
        Instances that it, or one of its frames or contours, names: one that the image lacks means
        that the image is not complete.
    grid : VolumeGeometry, optional
        Of a label image: its own voxels. The image it was drawn on is found by it.
    segments : tuple of SegmentIdentity
        By number; declared but empty ones too.
    holds_voxels : bool
        False for a label image of zeros alone.
    """

    kind: MaskKind
    file: str
    object_id: str
    patient_id: str = ""
    study_uid: str = ""
    series_uid: str = ""
    subject_hint: str | None = None
    frame_of_reference_uid: str | None = None
    referenced_series_uids: tuple[str, ...] = ()
    referenced_sop_uids: tuple[str, ...] = ()
    grid: VolumeGeometry | None = None
    segments: tuple[SegmentIdentity, ...] = ()
    holds_voxels: bool = True

    @property
    def referenced_series_uid(self) -> str | None:
        """The only series it names; None where it names none or several."""
        named = self.referenced_series_uids
        return named[0] if len(named) == 1 else None


@dataclass(frozen=True, slots=True, eq=False)
class LesionMask:
    """A region as a bool array on the grid of the image it was drawn on.

    ``declared_empty`` tells a segment that is declared and holds nothing (0 mm: a candidate for
    complete response) from one that was never drawn.

    Parameters
    ----------
    array : (z, y, x) bool array
    flags : tuple of str
        Reason codes of what is doubtful about it, such as ``contours_skip_slices``.
    volume_change_percent : float, optional
        By how much moving it onto the grid of the image changed its volume; None where it was
        drawn on that grid.
    """

    array: NDArray[np.bool_]
    geometry: VolumeGeometry
    mask_id: str
    identity: SegmentIdentity
    flags: tuple[str, ...] = ()
    volume_change_percent: float | None = None

    @classmethod
    def moved(
        cls,
        array: NDArray[np.bool_],
        geometry: VolumeGeometry,
        mask_id: str,
        identity: SegmentIdentity,
        *,
        flags: tuple[str, ...] = (),
        change_percent: float | None = None,
    ) -> LesionMask:
        """Return a mask, flagged where it was moved onto the grid of the image."""
        if change_percent is not None:
            flags = (*flags, "mask_resampled")
        return cls(array, geometry, mask_id, identity, flags, change_percent)

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
