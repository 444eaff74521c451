"""Digital reference objects: bodies and lesions of known shape as DICOM, with the truth beside.

The door to the modules that make them: `shape` and `necrotic_shape` (shapes and closed forms),
`tissue` and `phantom` (what they look like), `reference_lesion` (lesions and their truth),
`reference_dicom` and `reference_seg` (datasets), `placement` (where there is room) and
`planting` (the same lesions in a real scan). Nothing here writes a file.

Examples
--------
>>> import datetime as dt
>>> lesion = ReferenceLesion("L1", Ring(40.0, 24.0, (-20.3, -4.1, 0.6)), hypervascular())
>>> who = StudyIdentity("S01", "baseline", dt.date(2020, 1, 2))
>>> study = reference_study(who, Field(), [lesion], standard_scans(["native", "late_arterial"]))
>>> round(study.truth["L1"].longest_viable_mm[2.0], 2)
32.06
>>> len(study.series["late_arterial"]), study.seg.Modality
(26, 'SEG')
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from imaging.coverage import viable_mask, whole_mask
from imaging.geometry import VolumeGeometry
from imaging.necrotic_shape import Crescent, Ring, TwoIslands
from imaging.noise import Acquisition
from imaging.phantom import EXTRAHEPATIC_PLACES, Body, Field, render
from imaging.reference_dicom import (
    SeriesIdentity,
    StudyIdentity,
    ct_series,
    mr_series,
    reference_volume,
    uid_for,
)
from imaging.reference_lesion import (
    ORGAN_CODES,
    LesionTruth,
    ReferenceLesion,
    lesion_truth,
    truths,
)
from imaging.reference_seg import (
    Segment,
    SegmentError,
    lesion_segment,
    organ_segment,
    seg_dataset,
)
from imaging.shape import Ball, Dead, Ellipsoid, Shape, longest_viable_mm, longest_whole_mm
from imaging.solid import Point, ShapeError
from imaging.tissue import (
    OBJECT_PHASES,
    Appearance,
    hypervascular,
    hypervascular_mr,
    soft_tissue,
)
from imaging.volume import Volume

__all__ = [
    "EXTRAHEPATIC_PLACES",
    "OBJECT_PHASES",
    "ORGAN_CODES",
    "Acquisition",
    "Appearance",
    "Ball",
    "Body",
    "Crescent",
    "Dead",
    "Ellipsoid",
    "Field",
    "LesionTruth",
    "ReferenceLesion",
    "ReferenceStudy",
    "Ring",
    "Scan",
    "Segment",
    "SegmentError",
    "SeriesIdentity",
    "Shape",
    "ShapeError",
    "StudyIdentity",
    "TwoIslands",
    "ct_series",
    "hypervascular",
    "hypervascular_mr",
    "lesion_masks",
    "lesion_segment",
    "lesion_segments",
    "lesion_truth",
    "longest_viable_mm",
    "longest_whole_mm",
    "mr_series",
    "organ_segment",
    "reference_study",
    "reference_volume",
    "render",
    "seg_dataset",
    "soft_tissue",
    "standard_scans",
    "truths",
    "uid_for",
]

_STANDARD = {
    "native": (2, "LIVER NATIVE", 0.0),
    "early_arterial": (3, "LIVER EARLY ARTERIAL", 80.0),
    "late_arterial": (4, "LIVER ARTERIAL", 95.0),
    "portal_venous": (5, "LIVER PORTAL VENOUS", 130.0),
    "delayed": (6, "LIVER DELAYED", 240.0),
}


@dataclass(frozen=True, slots=True)
class Scan:
    """One phase to acquire.

    Parameters
    ----------
    phase : a word of `OBJECT_PHASES`
    series : how its series is called and timed
    shift_mm : (x, y, z)
        Breathing: the anatomy moves, masks and truth stay where they are.
    """

    phase: str
    series: SeriesIdentity
    shift_mm: Point = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceStudy:
    """A study with its answers; mappings are keyed by phase or by lesion id.

    Parameters
    ----------
    volumes, series : per phase; the Volume a reader should make, and the DICOM instances
    seg : DICOM SEG of liver, whole lesions and, if asked for, viable parts
    masks, viable : (z, y, x) bool arrays per lesion; pixel centres inside
    liver : (z, y, x) bool array, lesions included
    """

    identity: StudyIdentity
    geometry: VolumeGeometry
    volumes: dict[str, Volume]
    series: dict[str, list[Dataset]]
    seg: Dataset
    masks: Mapping[str, NDArray[np.bool_]]
    viable: Mapping[str, NDArray[np.bool_]]
    liver: NDArray[np.bool_]
    truth: dict[str, LesionTruth] = field(default_factory=dict)

    def datasets(self) -> list[Dataset]:
        """Return every instance of the study, series by series, the SEG last."""
        images = [instance for series in self.series.values() for instance in series]
        return [*images, self.seg]


def standard_scans(phases: Sequence[str]) -> list[Scan]:
    """Return scans with plain descriptions and usual times (arterial 35 s after injection)."""
    scans = []
    for phase in phases:
        number, description, after_s = _STANDARD[phase]
        agent = "" if phase == "native" else "SIMULATED CONTRAST"
        scans.append(Scan(phase, SeriesIdentity(number, description, after_s, agent)))
    return scans


class MaskMap(Mapping[str, NDArray[np.bool_]]):
    """(z, y, x) bool masks by lesion id, drawn when asked for: a dozen of a real scan fill 300 MB.

    Parameters
    ----------
    viable : bool
        The viable part instead of the whole lesion.
    """

    def __init__(
        self, lesions: Sequence[ReferenceLesion], geometry: VolumeGeometry, *, viable: bool
    ) -> None:
        self._shapes = {lesion.lesion_id: lesion.shape for lesion in lesions}
        self._geometry = geometry
        self._draw = viable_mask if viable else whole_mask

    def __getitem__(self, lesion_id: str) -> NDArray[np.bool_]:
        """Return the mask of one lesion; without a voxel where it has vanished."""
        shape = self._shapes[lesion_id]
        if shape is None:
            return np.zeros(self._geometry.shape, dtype=bool)
        return self._draw(shape, self._geometry)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the lesion ids in the order given."""
        return iter(self._shapes)

    def __len__(self) -> int:
        """Return the number of lesions."""
        return len(self._shapes)


def lesion_masks(
    lesions: Sequence[ReferenceLesion], geometry: VolumeGeometry
) -> tuple[MaskMap, MaskMap]:
    """Return the whole and the viable (z, y, x) bool masks per lesion id; vanished ones empty."""
    return (
        MaskMap(lesions, geometry, viable=False),
        MaskMap(lesions, geometry, viable=True),
    )


def lesion_segments(
    lesions: Sequence[ReferenceLesion],
    whole: Mapping[str, NDArray[np.bool_]],
    viable: Mapping[str, NDArray[np.bool_]] | None = None,
) -> list[Segment]:
    """Return the segments of lesions in their order; viable parts, if given, behind all wholes."""
    segments = [lesion_segment(a.lesion_id, whole[a.lesion_id], organ=a.organ) for a in lesions]
    if viable is not None:
        segments += [
            lesion_segment(a.lesion_id, viable[a.lesion_id], organ=a.organ, viable=True)
            for a in lesions
        ]
    return segments


def reference_study(
    identity: StudyIdentity,
    grid: Field,
    lesions: Sequence[ReferenceLesion],
    scans: Sequence[Scan],
    *,
    body: Body | None = None,
    acquisition: Acquisition | None = None,
    drawn_on: str = "late_arterial",
    reader: str = "R1",
    with_viable_segments: bool = False,
) -> ReferenceStudy:
    """Whole study of a body: volumes, DICOM series per phase, DICOM SEG, and the truth.

    Parameters
    ----------
    lesions : not overlapping; one without a shape is declared as an empty segment
    scans : phases to acquire, as of `standard_scans`
    body : CT trunk by default; ``Body("MR")`` gives MR series
    drawn_on : the phase whose series the SEG refers to
    reader : whose masks the SEG holds

    Raises
    ------
    SegmentError
        If no scan has the phase ``drawn_on``.
    """
    body = body or Body()
    geometry = grid.geometry(identity.frame_of_reference_uid)
    volumes, series = {}, {}
    for scan in scans:
        image = render(
            grid, lesions, scan.phase, body=body, acquisition=acquisition,
            seed=(identity.study_uid, str(scan.series.number)), shift_mm=scan.shift_mm,
        )  # fmt: skip
        volume = reference_volume(
            image, geometry, study=identity, series=scan.series, modality=body.modality
        )
        write = ct_series if body.modality == "CT" else mr_series
        volumes[scan.phase], series[scan.phase] = volume, write(volume, identity, scan.series)
    if drawn_on not in series:
        msg = f"masks are drawn on {drawn_on!r}, but the scans are {sorted(series)}: add that scan"
        raise SegmentError(msg)
    whole, viable = lesion_masks(lesions, geometry)
    liver = body.organ_mask("liver", geometry)
    segments = [
        organ_segment("liver", liver),
        *lesion_segments(lesions, whole, viable if with_viable_segments else None),
    ]
    seg = seg_dataset(series[drawn_on], segments, identity, reader=reader)
    return ReferenceStudy(
        identity, geometry, volumes, series, seg, whole, viable, liver, truths(lesions, geometry)
    )
