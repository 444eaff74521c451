"""One study of a simulated subject: its lesions as shapes, its series and its masks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from imaging.coverage import planes_mm
from imaging.phantom import Field
from imaging.reference_lesion import ReferenceLesion
from imaging.reference_object import (
    Acquisition,
    ReferenceStudy,
    Scan,
    SeriesIdentity,
    StudyIdentity,
    reference_study,
)
from imaging.tissue import OBJECT_PHASES, Appearance, hypervascular, hypervascular_mr, soft_tissue
from sumdiam.demo.imaged.lesion_shape import STYLES, lesion_shape
from sumdiam.demo.imaged.place import place_of
from sumdiam.demo.imaged.subject import Extent, ImagedSubject, Visit, share_of

TRIAL = "SIMULATED-SORAMIC"
COMMENT = "Simulated: a digital reference object, no patient"
SERIES = {
    "CT": {
        "native": SeriesIdentity(2, "LIVER NATIVE", 0.0),
        "late_arterial": SeriesIdentity(3, "LIVER ARTERIAL", 155.0, "IOMEPROL"),
        "portal_venous": SeriesIdentity(4, "LIVER PORTAL VENOUS", 190.0, "IOMEPROL"),
    },
    "MR": {
        "native": SeriesIdentity(2, "T1 VIBE FS NATIVE", 0.0),
        "late_arterial": SeriesIdentity(3, "T1 VIBE FS ARTERIAL", 155.0, "GADOBUTROL"),
        "portal_venous": SeriesIdentity(4, "T1 VIBE FS PORTAL VENOUS", 190.0, "GADOBUTROL"),
    },
}
NOISE = {"CT": (8.0, 0.7), "MR": (40.0, 3.5)}
"""Of the quietest scanner, and how much more of each of three others, in HU or signal."""
DRIFT = 0.4
"""A lesion wanders by this part of a pixel or slice to either side from visit to visit."""
_MR_SOFT = (260.0, 330.0, 380.0, 380.0, 350.0)
_FIRST_HOUR, _HOURS = 8, 9


def study_identity(subject: ImagedSubject, visit: Visit) -> StudyIdentity:
    """Return whose study it is and when it was acquired."""
    return StudyIdentity(
        subject_id=subject.subject_id,
        visit=f"visit {visit.timepoint}",
        acquired_on=visit.on,
        acquired_at=dt.time(_FIRST_HOUR + subject.number % _HOURS, 7 * visit.timepoint % 60),
        trial=TRIAL,
        sex=subject.sex,
        comment=COMMENT,
    )


def shapes_of(subject: ImagedSubject, visit: Visit) -> list[ReferenceLesion]:
    """Return the lesions of one study, each with the lengths of the tables."""
    place = place_of(subject)
    return [
        _lesion(subject, visit, extent, place.field, place.centres[extent.lesion_id])
        for extent in visit.lesions
    ]


def trial_study(
    subject: ImagedSubject, visit: Visit, lesions: Iterable[ReferenceLesion] | None = None
) -> ReferenceStudy:
    """Return one study: every phase, the masks, the truth.

    Parameters
    ----------
    lesions : optional
        In place of those of the tables.
    """
    place = place_of(subject)
    least, more = NOISE[visit.modality]
    study = reference_study(
        study_identity(subject, visit),
        place.field,
        shapes_of(subject, visit) if lesions is None else list(lesions),
        [Scan(phase, SERIES[visit.modality][phase]) for phase in visit.phases],
        body=place.body(visit.modality),
        acquisition=Acquisition(least + more * (subject.number % 4)),
    )
    for device in study.seg.get("ContributingEquipmentSequence", ()):
        device.pop("ContributionDateTime", None)  # highdicom takes it from the clock
    return study


def _lesion(
    subject: ImagedSubject, visit: Visit, extent: Extent, field: Field, centre: tuple[float, ...]
) -> ReferenceLesion:
    """Return a lesion at its place, at another sub-pixel position at every visit."""
    name = (subject.subject_id, extent.lesion_id)
    here = (*name, str(visit.timepoint))
    step, row, column = field.spacing_mm
    drift = [2.0 * DRIFT * (share_of(*here, axis) - 0.5) for axis in ("x", "y", "z")]
    x, y, z = centre
    z += drift[2] * step
    shape = lesion_shape(
        extent,
        style=STYLES[int(share_of(*name, "style") * len(STYLES))],
        angle_deg=360.0 * share_of(*name, "angle") + 12.0 * visit.timepoint,
        centre_mm=(x + drift[0] * column, y + drift[1] * row, z),
        off_plane_mm=float(abs(planes_mm(field.geometry()) - z).min()),
    )
    look = _appearance(extent.organ, visit.modality)
    return ReferenceLesion(extent.lesion_id, shape, look, extent.organ)


def _appearance(organ: str, modality: str) -> Appearance:
    """Return how a lesion looks: HCC with washout in the liver, soft tissue elsewhere."""
    if organ == "liver":
        return hypervascular() if modality == "CT" else hypervascular_mr()
    if modality == "CT":
        return soft_tissue()
    levels = dict(zip(OBJECT_PHASES, _MR_SOFT, strict=True))
    return Appearance(levels, dict.fromkeys(OBJECT_PHASES, _MR_SOFT[0]))
