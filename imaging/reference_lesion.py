"""A lesion of a reference object: what it is, its shape, its look, and the truth about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imaging.coverage import planes_mm
from imaging.geometry import VolumeGeometry
from imaging.shape import Shape, longest_viable_mm, longest_whole_mm
from imaging.tissue import Appearance

Code = tuple[str, str, str]  # scheme, value, meaning

ORGAN_CODES: dict[str, Code] = {
    "liver": ("SCT", "10200004", "Liver"),
    "lung": ("SCT", "39607008", "Lung"),
    "lymph_node": ("SCT", "59441001", "Lymph node"),
    "adrenal": ("SCT", "23451007", "Adrenal gland"),
    "soft_tissue": ("SCT", "87784001", "Soft tissue"),
    "spleen": ("SCT", "78961009", "Spleen"),
    "aorta": ("SCT", "15825003", "Aorta"),
    "bone": ("SCT", "272673000", "Bone"),
}
NEOPLASM: Code = ("SCT", "108369006", "Neoplasm")
ABNORMAL: Code = ("SCT", "49755003", "Morphologically Abnormal Structure")
ANATOMICAL: Code = ("SCT", "91723000", "Anatomical Structure")
DEFAULT_GAPS_MM = (0.0, 2.0, 5.0, float("inf"))


@dataclass(frozen=True, slots=True)
class ReferenceLesion:
    """One lesion at one visit.

    Parameters
    ----------
    lesion_id : str
        The same at every visit.
    shape : Shape or None
        None where the lesion has vanished: its segment stays declared, without a voxel.
    appearance : HU or signal per phase, of the viable part and of necrosis
    organ : a key of `ORGAN_CODES`
    """

    lesion_id: str
    shape: Shape | None
    appearance: Appearance
    organ: str = "liver"


@dataclass(frozen=True, slots=True)
class LesionTruth:
    """What a perfect reader reads of a lesion on the slice planes of a grid.

    ``*_volume_ml`` is that of the body; ``*_slices_ml`` is the sum of exact areas times spacing,
    which a count of voxels estimates.
    """

    lesion_id: str
    longest_viable_mm: dict[float, float]
    longest_whole_mm: float
    short_whole_mm: float
    viable_volume_ml: float
    whole_volume_ml: float
    viable_slices_ml: float
    whole_slices_ml: float
    slices: int


def lesion_truth(
    lesion: ReferenceLesion,
    geometry: VolumeGeometry,
    *,
    gaps_mm: Iterable[float] = DEFAULT_GAPS_MM,
) -> LesionTruth:
    """Closed-form answers for one lesion on the slice planes that a grid has."""
    shape = lesion.shape
    if shape is None:
        zeros = dict.fromkeys(gaps_mm, 0.0)
        return LesionTruth(lesion.lesion_id, zeros, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0)
    planes = planes_mm(geometry).tolist()
    step = geometry.slice_spacing_mm / 1000.0
    return LesionTruth(
        lesion_id=lesion.lesion_id,
        longest_viable_mm={gap: longest_viable_mm(shape, planes, gap) for gap in gaps_mm},
        longest_whole_mm=longest_whole_mm(shape, planes),
        short_whole_mm=max(shape.short_whole_on_plane(z) for z in planes),
        viable_volume_ml=shape.viable_volume_ml,
        whole_volume_ml=shape.whole_volume_ml,
        viable_slices_ml=step * sum(shape.viable_area_on_plane(z) for z in planes),
        whole_slices_ml=step * sum(shape.whole_area_on_plane(z) for z in planes),
        slices=sum(shape.whole_area_on_plane(z) > 0.0 for z in planes),
    )


def truths(lesions: Sequence[ReferenceLesion], geometry: VolumeGeometry) -> dict[str, LesionTruth]:
    """Return the truth about each lesion by its id."""
    return {lesion.lesion_id: lesion_truth(lesion, geometry) for lesion in lesions}
