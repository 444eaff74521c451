"""What each volume of a study is used for, from its phase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imaging.geometry import VolumeGeometry
from sumdiam.batch.edit import EditError

ARTERIAL = ("late_arterial", "early_arterial")
LATE = ("portal_venous", "delayed")
READ_MODALITIES = ("CT", "MR")


@dataclass(frozen=True, slots=True, eq=False)
class VolumeFacts:
    """What decides the use of a volume.

    Parameters
    ----------
    geometry : VolumeGeometry or None
        None for a volume that was refused.
    refused : str, optional
        Reason code of the refusal.
    outlined : bool
        Whether a mask was drawn on it.
    use_by_person : str, optional
        The use that a person decided.
    """

    volume_id: str
    phase: str
    probability: float
    modality: str
    geometry: VolumeGeometry | None
    refused: str | None
    outlined: bool
    use_by_person: str | None


def uses_of_study(volumes: Sequence[VolumeFacts]) -> dict[str, tuple[str, str]]:
    """Return (use, reason code or empty) of every volume of one study, by volume id.

    Raises
    ------
    EditError
        If a person wants two volumes of one study measured, or a refused one.

    Notes
    -----
    One arterial volume is measured: the one that masks are drawn on, else late before early
    arterial, else the surer one. A native volume on its grid is subtracted, else one that can be
    resampled onto it; portal venous and delayed ones on its grid show washout. Nothing but the
    native phase is moved from one grid to another.
    """
    measured = _chosen(volumes, "measure")
    if measured is None:
        measured = _best([one for one in volumes if one.phase in ARTERIAL and _free(one)])
    native = _chosen(volumes, "subtract")
    if native is None:
        natives = [one for one in volumes if one.phase == "native" and _free(one)]
        native = _best([one for one in natives if _on_grid_of(one, measured)])
        if native is None:
            native = _best([one for one in natives if can_be_registered(one, measured)])
    return {one.volume_id: _use(one, measured, native) for one in volumes}


def _chosen(volumes: Sequence[VolumeFacts], use: str) -> VolumeFacts | None:
    """Return the volume that a person wants measured or subtracted."""
    chosen = [one for one in volumes if one.use_by_person == use]
    if len(chosen) > 1:
        named = " and ".join(sorted(one.volume_id for one in chosen))
        msg = (
            f"plan.csv: both {named} have the use {use}, but one study has one such volume. "
            "Set use of one of them to exclude."
        )
        raise EditError(msg)
    if chosen and chosen[0].refused is not None:
        msg = (
            f"plan.csv: volume {chosen[0].volume_id} has the use {use}, but it was refused "
            f"({chosen[0].refused}). Mend the series, or set its use to exclude."
        )
        raise EditError(msg)
    return chosen[0] if chosen else None


def _free(one: VolumeFacts) -> bool:
    """Return whether a volume can be given a use."""
    return one.refused is None and one.use_by_person is None and one.modality in READ_MODALITIES


def _best(volumes: Sequence[VolumeFacts]) -> VolumeFacts | None:
    """Return the volume to prefer among several of one phase."""
    return min(
        volumes,
        key=lambda one: (
            not one.outlined,
            one.phase == "early_arterial",
            -one.probability,
            one.volume_id,
        ),
        default=None,
    )


def _on_grid_of(one: VolumeFacts, other: VolumeFacts | None) -> bool:
    """Return whether two volumes share their grid."""
    if other is None or one.geometry is None or other.geometry is None:
        return False
    return one.modality == other.modality and other.geometry.same_grid(one.geometry)


def can_be_registered(one: VolumeFacts, other: VolumeFacts | None) -> bool:
    """Return whether positions of one volume mean places in another: modality, frame, overlap."""
    if other is None or one.geometry is None or other.geometry is None:
        return False
    return one.modality == other.modality and shares_space(one.geometry, other.geometry)


def shares_space(one: VolumeGeometry, other: VolumeGeometry) -> bool:
    """Return whether two grids have one frame of reference; an absent one contradicts nothing."""
    first, second = one.frame_of_reference_uid, other.frame_of_reference_uid
    return first is None or second is None or first == second


def _use(
    one: VolumeFacts, measured: VolumeFacts | None, native: VolumeFacts | None
) -> tuple[str, str]:
    """Return the use of one volume, with a reason where it is not used."""
    if one.refused is not None:
        return "exclude", one.refused
    if one is measured:
        return "measure", ""
    if one is native:
        return "subtract", ""
    if one.modality not in READ_MODALITIES:
        return "exclude", "phase_not_used"
    if one.phase == "unknown":
        return "undecided", "phase_unknown"
    if one.phase in ARTERIAL:
        return "exclude", "second_arterial"
    if one.phase not in (*LATE, "native"):
        return "exclude", "phase_not_used"
    if measured is None:
        return "exclude", "no_arterial"
    if not _on_grid_of(one, measured):
        return "exclude", "grid_differs"
    return ("exclude", "second_native") if one.phase == "native" else ("washout", "")


def refusal_matters(
    one: VolumeFacts, volumes: Sequence[VolumeFacts], uses: dict[str, tuple[str, str]]
) -> bool:
    """Return whether a study cannot be measured because this volume of it was refused.

    Notes
    -----
    It matters where the volume would be measured or subtracted, or where that cannot be told. A
    late phase only shows washout; a volume that a person excluded does not matter.
    """
    if one.refused is None or one.use_by_person == "exclude":
        return False
    if one.outlined:
        return True
    chosen = {use for use, _ in uses.values()}
    if one.phase in ARTERIAL:
        measured = [v for v in volumes if uses[v.volume_id][0] == "measure"]
        return not any(v.outlined for v in measured)
    if one.phase == "native":
        return "subtract" not in chosen
    if one.phase == "unknown":
        return not {"measure", "subtract"} <= chosen
    return False
