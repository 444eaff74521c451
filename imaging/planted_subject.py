"""A subject made of one real scan: lesions with a course over visits, planted in its liver."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imaging.geometry import VolumeGeometry
from imaging.liver_region import even_liver
from imaging.necrotic_shape import Crescent, Ring, TwoIslands
from imaging.placement import PlacementError, find_sites
from imaging.planting import Host, contrast, planted_study
from imaging.reference_dicom import StudyIdentity
from imaging.reference_lesion import ReferenceLesion
from imaging.reference_object import ReferenceStudy, standard_scans
from imaging.shape import Ball, Dead, Ellipsoid, Shape
from imaging.solid import Point

COARSE = 2  # every second row and column is enough to find room
ADDED_SD_HU = 10.0


@dataclass(frozen=True, slots=True)
class Course:
    """A lesion over the visits of its subject.

    Parameters
    ----------
    shapes : one per visit, centred at the origin; None where the lesion has vanished
    enhancement_hu : arterial less native, of the viable part
    """

    lesion_id: str
    shapes: tuple[Shape | None, ...]
    enhancement_hu: float

    @property
    def reach_mm(self) -> float:
        """Radius of the ball that holds the lesion at every visit."""
        return max(max(shape.whole.semi_axes_mm) for shape in self.shapes if shape is not None)


def course(
    lesion_id: str, shape: Shape, factors: Sequence[float], *, enhancement_hu: float
) -> Course:
    """Return a lesion that is its first shape times a factor at each visit; 0 is vanished."""
    shapes = tuple(None if factor == 0.0 else shape.scaled(factor) for factor in factors)
    return Course(lesion_id, shapes, enhancement_hu)


def standard_courses() -> tuple[Course, ...]:
    """Twelve lesions of 15 to 44 mm over three visits, seven with necrosis, most shrinking.

    Notes
    -----
    Enhancement of 30 to 56 HU over 10 HU of added noise: contrast to noise 2.1 to 4.0.
    """
    islands = TwoIslands((15.0, 11.0, 11.0), (12.0, 10.0), ((-8.0, 0.0, 0.0), (8.5, 0.0, 0.0)))
    shrinking, stable = (1.0, 0.76, 0.56), (1.0, 0.96, 0.92)
    return (
        course("L01", Ring(44.0, 26.0), shrinking, enhancement_hu=56.0),
        course("L02", Ball(36.0), shrinking, enhancement_hu=50.0),
        course("L03", Crescent(32.0, 20.0, (5.0, 3.0, 0.0)), stable, enhancement_hu=52.0),
        course("L04", islands, stable, enhancement_hu=50.0),
        course("L05", Ellipsoid((14.0, 10.0, 11.0), 30.0), shrinking, enhancement_hu=36.0),
        course("L06", Ring(26.0, 13.0), stable, enhancement_hu=46.0),
        course("L07", Ball(24.0), stable, enhancement_hu=30.0),
        Course("L08", (Ring(22.0, 9.0), Ring(22.0, 13.0), Dead((10.0,) * 3)), 44.0),
        course("L09", Crescent(21.0, 14.0, (6.0, -2.0, 0.0)), stable, enhancement_hu=42.0),
        course("L10", Ball(19.0), shrinking, enhancement_hu=34.0),
        course("L11", Ring(18.0, 8.0), stable, enhancement_hu=40.0),
        course("L12", Ball(15.0), (1.0, 0.8, 0.0), enhancement_hu=38.0),
    )


def place_courses(
    host: Host, courses: Sequence[Course], *, seed: Sequence[str] = ()
) -> list[Point]:
    """Centres in the real liver, LPS mm, at which no two lesions touch at any visit.

    Even parenchyma is tried first; where it has no room, lesions may cover hilum or real tumour.

    Raises
    ------
    PlacementError
        If the liver has no room for them all.
    """
    radii = [one.reach_mm for one in courses]
    even = even_liver(host.volume, host.liver)
    for region in (even, host.liver):
        thin, grid = _thinned(region, host.volume.geometry)
        try:
            return find_sites(thin, grid, radii, wall_mm=0.0, seed=seed)
        except PlacementError:
            if region is host.liver:
                raise
    return []


def planted_subject(
    host: Host,
    *,
    subject_id: str,
    start: dt.date,
    courses: Sequence[Course] | None = None,
    interval_days: int = 60,
    phases: Sequence[str] = ("native", "late_arterial"),
    added_sd_hu: float = ADDED_SD_HU,
    comment: str = "",
) -> Iterator[ReferenceStudy]:
    """Yield the studies of a subject, visit by visit: real texture, known answers.

    Parameters
    ----------
    courses : `standard_courses` by default; all with the same number of visits
    comment : written as ImageComments: where the real scan comes from

    Notes
    -----
    Visits are called "visit 0" (the baseline), "visit 1"... One study is held at a time: a scan
    of 89 slices takes some 300 MB.
    """
    courses = standard_courses() if courses is None else courses
    centres = place_courses(host, courses, seed=(subject_id,))
    for visit in range(len(courses[0].shapes)):
        identity = StudyIdentity(
            subject_id, f"visit {visit}", start + dt.timedelta(days=visit * interval_days),
            comment=comment,
        )  # fmt: skip
        lesions = [
            _lesion(one, visit, centre) for one, centre in zip(courses, centres, strict=True)
        ]
        yield planted_study(
            identity, host, lesions, standard_scans(phases), added_sd_hu=added_sd_hu
        )


def _lesion(one: Course, visit: int, centre: Point) -> ReferenceLesion:
    """Return a lesion of a course at one visit, put in its place."""
    shape = one.shapes[visit]
    looks = contrast(enhancement_hu=one.enhancement_hu)
    return ReferenceLesion(one.lesion_id, None if shape is None else shape.at(centre), looks)


def _thinned(
    region: NDArray[np.bool_], geometry: VolumeGeometry
) -> tuple[NDArray[np.bool_], VolumeGeometry]:
    """Return every second row and column of a region, and their grid."""
    affine = geometry.affine.copy()
    affine[:, 1:3] *= COARSE
    thin = region[:, ::COARSE, ::COARSE]
    rows, columns = thin.shape[1:]
    return thin, VolumeGeometry(affine, (geometry.shape[0], rows, columns))
