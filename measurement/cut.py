"""A lesion with its surroundings, cut from large volumes, and the way back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from imaging.geometry import VolumeGeometry
from imaging.volume import Volume
from measurement.crop import Box, Mask, bounding_box
from measurement.diameter import Caliper, Point
from measurement.reading import LesionImages, LesionReading, MeasuredQuantity

NEAR_MM = 15.0
"""Tissue is looked at up to this far around a lesion."""


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """The images of one lesion without what is far from it.

    Parameters
    ----------
    images : LesionImages
        On the grid of the cut.
    box : where the cut lies in the volumes
    shape : (z, y, x) of the volumes
    """

    images: LesionImages
    box: Box
    shape: tuple[int, int, int]

    def restored(self, reading: LesionReading) -> LesionReading:
        """Return the reading with indices and mask of the whole volumes."""
        viable = np.zeros(self.shape, dtype=bool)
        viable[self.box] = reading.viable
        quantities = tuple(self._placed(q) for q in reading.quantities)
        return replace(reading, viable=viable, quantities=quantities)

    def _placed(self, measured: MeasuredQuantity) -> MeasuredQuantity:
        """Return a quantity whose caliper counts slices, rows and columns of the volume."""
        caliper = measured.caliper
        return measured if caliper is None else replace(measured, caliper=self._moved(caliper))

    def _moved(self, caliper: Caliper) -> Caliper:
        """Return a caliper in the indices of the volume."""
        one, two = (self._index(end) for end in caliper.ends_index)
        return replace(
            caliper,
            ends_index=(one, two),
            slice_index=caliper.slice_index + self.box[0].start,
        )

    def _index(self, point: Point) -> Point:
        """Return an index of the volume from one of the cut."""
        z, row, column = (p + part.start for p, part in zip(point, self.box, strict=True))
        return float(z), float(row), float(column)


def slices_around(mask: Mask, geometry: VolumeGeometry) -> range:
    """Slices that measuring a lesion looks at: its own and 15 mm to both sides.

    Parameters
    ----------
    mask : (z, y, x) bool array
        Of the whole lesion, or of what was drawn of it; not empty.
    geometry : of the volume
    """
    part = _grown(bounding_box(mask), geometry)[0]
    return range(part.start, part.stop)


def cut(images: LesionImages) -> Cut:
    """Cut all images of a lesion to its box and 15 mm around it."""
    geometry = images.image.geometry
    box = _grown(bounding_box(images.lesion.array), geometry)
    origin = np.array([part.start for part in box], dtype=np.float64)
    affine = geometry.affine.copy()
    affine[:3, 3] = geometry.index_to_patient(origin)
    lesion = images.lesion.array[box]
    small = VolumeGeometry(affine, _shape(lesion), geometry.frame_of_reference_uid)
    return Cut(
        replace(
            images,
            image=_volume(images.image, box, small),
            arterial=None if images.arterial is None else _volume(images.arterial, box, small),
            native=None if images.native is None else _volume(images.native, box, small),
            late=None if images.late is None else _volume(images.late, box, small),
            lesion=replace(images.lesion, array=lesion, geometry=small),
            liver=None if images.liver is None else images.liver[box],
            other_lesions=None if images.other_lesions is None else images.other_lesions[box],
        ),
        box,
        geometry.shape,
    )


def _volume(volume: Volume, box: Box, geometry: VolumeGeometry) -> Volume:
    """Return a part of a volume."""
    slices = box[0]
    return replace(
        volume,
        array=volume.array[box],
        geometry=geometry,
        sop_instance_uids=volume.sop_instance_uids[slices],
        frame_numbers=volume.frame_numbers[slices],
        padding=None if volume.padding is None else volume.padding[box],
    )


def _shape(mask: Mask | NDArray[np.bool_]) -> tuple[int, int, int]:
    """Return the shape of a (z, y, x) array as three numbers."""
    z, y, x = mask.shape
    return int(z), int(y), int(x)


def _grown(box: Box, geometry: VolumeGeometry) -> Box:
    """Return the box with the margin in which reference tissue is sought."""
    grown = []
    for part, step, size in zip(box, geometry.spacing_mm, geometry.shape, strict=True):
        margin = int(np.ceil(NEAR_MM / step))
        grown.append(slice(max(0, part.start - margin), min(size, part.stop + margin)))
    return grown[0], grown[1], grown[2]
