"""The lesions of one study measured on their volume, with a picture of each length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imaging.mask import LesionMask
from imaging.series import ImageSeries
from imaging.volume import Volume
from measurement.cut import slices_around
from measurement.flag import Flag
from measurement.lesion import measure_lesion
from measurement.reading import LesionImages, LesionReading, MeasuredQuantity
from sumdiam.batch.doubled_lesion import DrawnLesion, refuse_doubled
from sumdiam.batch.masks import LESION_ROLES
from sumdiam.batch.study_image import StudyImages, masks_on, without_missing
from sumdiam.batch.study_registration import Phases, registered_phases
from sumdiam.batch.study_row import Row, key_cells, kind_of, measured_row
from sumdiam.batch.study_task import MaskTask
from sumdiam.report.overlay import PICTURES, draw_overlay
from sumdiam.step_clock import step

LesionKey = tuple[str, str]
"""Reader and lesion id."""

_Taken = dict[str, tuple[MeasuredQuantity, MaskTask, LesionReading]]


class LesionsOnVolume:
    """The measuring of the lesions that belong to one volume.

    Attributes
    ----------
    rows : of measurements, in the order in which they were measured
    overlays : measurement id to PNG
    drawn : where the lesions lie

    Raises
    ------
    StudyRefusedError
        If a lesion was drawn twice, here or on the volumes measured before (``elsewhere``).
    """

    def __init__(
        self,
        images: StudyImages,
        series: ImageSeries,
        lesions: Mapping[LesionKey, list[MaskTask]],
        elsewhere: Sequence[DrawnLesion] = (),
    ) -> None:
        self.rows: list[Row] = []
        self.overlays: dict[str, bytes] = {}
        self._images = images
        self._task = images.task
        self._lesions = lesions
        wanted = [mask for masks in lesions.values() for mask in masks]
        self._read = {
            mask_id: without_missing(mask, series)
            for mask_id, mask in masks_on(wanted, series.geometry).items()
        }
        slices = self._slices(series, wanted)
        self._image = images.load(series, slices)
        self.drawn = tuple(DrawnLesion.of(mask, self._read[mask.mask_id]) for mask in wanted)
        refuse_doubled((*elsewhere, *self.drawn))
        self._liver = _union(images.liver_masks(series))
        self._phases = images.phases(series, slices)

    def _slices(self, series: ImageSeries, masks: list[MaskTask]) -> frozenset[int] | None:
        """Return the slices that measuring looks at; None for all, as registering does."""
        arterial = self._task.arterial
        registers = arterial is not None and series.volume_id == arterial.volume_id
        if registers and self._task.native is not None:
            return None
        drawn = [self._read[mask.mask_id].array for mask in masks]
        around = [slices_around(mask, series.geometry) for mask in drawn if mask.any()]
        return frozenset().union(*around) if around else None

    def measure(self) -> None:
        """Measure every lesion."""
        for (reader, lesion_id), masks in sorted(self._lesions.items()):
            others = [
                self._read[mask.mask_id]
                for key, own in sorted(self._lesions.items())
                if key[0] == reader and key[1] != lesion_id
                for mask in own
            ]
            self._measure_lesion(masks, _union(others))

    def _measure_lesion(self, masks: list[MaskTask], around: NDArray[np.bool_] | None) -> None:
        """Measure one lesion: by its drawn viable part where there is one, else by thresholds."""
        by_role = {mask.role: mask for mask in masks}
        kind = kind_of(masks[0])
        taken: _Taken = {}
        phases, doubts = self._phases_of(by_role, around)
        # the whole lesion first: a drawn viable part then replaces what was found in it
        for role in LESION_ROLES:
            mask = by_role.get(role)
            if mask is None or (kind != "hepatic" and taken):
                continue
            images = LesionImages(
                image=self._image,
                lesion=self._read[mask.mask_id],
                liver=self._liver,
                other_lesions=around,
                mask_is_viable=role == "lesion_viable",
                kind=kind,
                **phases,
            )
            with step("measure"):
                reading = measure_lesion(images, settings=self._task.settings)
            if role == "lesion_whole":
                reading = replace(reading, flags=(*reading.flags, *doubts))
            for quantity in reading.quantities:
                if quantity.quantity not in taken or quantity.quantity.startswith("viable"):
                    taken[quantity.quantity] = (quantity, mask, reading)
        for quantity, mask, reading in taken.values():
            row = measured_row(
                self._task, mask, (quantity, reading), self._image,
                drawn=self._read[mask.mask_id], series=self._images.series, phases=self._phases,
            )  # fmt: skip
            self.rows.append(row)
        with step("draw"):
            self._draw(taken, phases["native"])

    def _phases_of(
        self, by_role: Mapping[str, MaskTask], around: NDArray[np.bool_] | None
    ) -> tuple[Phases, tuple[Flag, ...]]:
        """Return the phases of one lesion, registered where its viable part is to be found."""
        mask = by_role.get("lesion_whole")
        if mask is None or kind_of(mask) != "hepatic":
            return self._phases, ()
        lesion = self._read[mask.mask_id]
        with step("register"):
            return registered_phases(self._phases, lesion, liver=self._liver, other_lesions=around)

    def _draw(self, taken: _Taken, native: Volume | None) -> None:
        """Draw every length on its slice: long and short axis of a region share a picture.

        A viable part has the native phase below it, as it was compared.
        """
        if not taken:
            return
        if native is not None and not native.geometry.same_grid(self._image.geometry):
            native = None
        whole = next((m for q, m, _ in taken.values() if q.quantity == "whole_diameter"), None)
        kind = kind_of(next(iter(taken.values()))[1])
        for name, other, label in PICTURES[kind]:
            if name not in taken or taken[name][0].value is None:
                continue
            quantity, mask, reading = taken[name]
            key = key_cells(self._task, mask, name)
            visit = f"visit {key['timepoint']}" if key["timepoint"] else "baseline"
            picture = draw_overlay(
                self._image,
                self._read[(whole or mask).mask_id].array,
                reading.viable if name == "viable_diameter" else None,
                quantity.caliper,
                second=taken[other][0].caliper if other in taken else None,
                native=native if name == "viable_diameter" else None,
                title=(self._task.subject_id, mask.lesion_id, visit),
                label=label,
            )
            if picture is not None:
                self.overlays[key["measurement_id"]] = picture


def _union(masks: list[LesionMask]) -> NDArray[np.bool_] | None:
    """Return the voxels of any of the masks; None where there is none."""
    return np.logical_or.reduce([mask.array for mask in masks]) if masks else None
