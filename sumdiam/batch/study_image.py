"""What is read of one study: volumes and masks, each once, when they are needed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from imaging.geometry import VolumeGeometry
from imaging.mask import LesionMask, MaskError
from imaging.mask_client import read_masks_apart
from imaging.series import ImageSeries, SeriesError, load_volume
from imaging.volume import Volume
from sumdiam.archive import reason
from sumdiam.batch.study_task import MaskTask, StudyTask
from sumdiam.batch.volume_use import shares_space
from sumdiam.step_clock import step


class StudyRefusedError(Exception):
    """The study must not be measured: a reason code and what was found."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail
        super().__init__(code)


class StudyImages:
    """The volumes of one study, each loaded when it is first asked for.

    Parameters
    ----------
    task : StudyTask

    Attributes
    ----------
    series : volume id to what its headers say
    notes : what to know of images that are not used, or not as they are
    """

    def __init__(self, task: StudyTask) -> None:
        self.task = task
        self.notes: list[str] = []
        self.series: dict[str, ImageSeries] = {
            one.volume_id: one
            for one in (task.arterial, task.native, task.late, *task.others)
            if one is not None
        }
        self._volumes: dict[tuple[str, frozenset[int] | None], Volume] = {}

    def load(self, series: ImageSeries, slices: frozenset[int] | None = None) -> Volume:
        """Return the volume of a series; of compressed slices only those that are wanted."""
        key = (series.volume_id, slices)
        if key not in self._volumes:
            with step("read"):
                self._volumes[key] = load_volume(series, slices=slices)
        return self._volumes[key]

    def phases(
        self, series: ImageSeries, slices: frozenset[int] | None = None
    ) -> dict[str, Volume | None]:
        """Return the phases to compare with, where the volume is the arterial one.

        Parameters
        ----------
        slices : indices (z) on the grid of the arterial volume, optional
            Those that are wanted. A native phase is needed whole, as it is registered.
        """
        arterial = self.task.arterial
        if arterial is None or series.volume_id != arterial.volume_id:
            return {"arterial": None, "native": None, "late": None}
        native, late = self.task.native, None
        if self.task.late is not None:
            try:
                on_grid = arterial.geometry.same_grid(self.task.late.geometry)
                late = self.load(self.task.late, slices if on_grid else None)
            except SeriesError as error:
                # washout is then unknown; what is measured does not hang on it
                self.notes.append(f"{error.reason_code}: {error}")
        return {
            "arterial": self.load(arterial, slices),
            "native": None if native is None else self.load(native),
            "late": late,
        }

    def image_of(self, masks: list[MaskTask]) -> ImageSeries | None:
        """Return the volume that a lesion is measured on; None where a person excluded it.

        Raises
        ------
        StudyRefusedError
            If the archive lacks that volume, or the lesion lies on a grid of its own.
        """
        arterial = self.task.arterial
        for mask in masks:
            drawn_on = self.series.get(mask.volume_id)
            if drawn_on is None:
                raise StudyRefusedError("image_missing", f"mask {mask.mask_id}")
            if mask.site != "hepatic":
                return None if mask.volume_id in self.task.excluded else drawn_on
            if arterial is not None and not _can_be_laid(mask, drawn_on, arterial):
                raise StudyRefusedError("mask_grid_mismatch", _apart(mask, drawn_on, arterial))
        return arterial if arterial is not None else self.series[masks[0].volume_id]

    def liver_masks(self, series: ImageSeries) -> list[LesionMask]:
        """Return the masks of the liver on the grid of a volume, one drawn elsewhere moved there.

        A moved one is noted; one that cannot be moved is noted and left out, as no length is read
        from it.
        """
        found: list[LesionMask] = []
        for mask in self.task.masks:
            if mask.role != "liver" or not self._is_on(mask, series):
                continue
            drawn_on = self.series.get(mask.volume_id)
            moved = drawn_on is not None and not series.geometry.same_grid(drawn_on.geometry)
            try:
                read = masks_on([mask], series.geometry)[mask.mask_id]
            except MaskError as error:
                if not moved:
                    raise
                self.notes.append(f"{error.reason_code}: {error}")
                continue
            if "mask_resampled" in read.flags:
                said = reason.sentence("mask_resampled")
                self.notes.append(f"mask_resampled: {said} (the liver, mask {mask.mask_id})")
            found.append(read)
        return found

    def _is_on(self, mask: MaskTask, series: ImageSeries) -> bool:
        """Return whether a mask lies on the grid of a volume, or may be moved there."""
        drawn_on = self.series.get(mask.volume_id)
        if drawn_on is None:  # it fits the arterial volume, or would not be here
            return series is self.task.arterial
        if series.geometry.same_grid(drawn_on.geometry):
            return True
        return mask.resample and shares_space(drawn_on.geometry, series.geometry)


def _can_be_laid(mask: MaskTask, drawn_on: ImageSeries, arterial: ImageSeries) -> bool:
    """Return whether a mask lies on the arterial grid, or may be moved onto it."""
    if arterial.geometry.same_grid(drawn_on.geometry):
        return True
    return mask.resample and shares_space(drawn_on.geometry, arterial.geometry)


def _apart(mask: MaskTask, drawn_on: ImageSeries, arterial: ImageSeries) -> str:
    """Say how a mask's grid differs from the arterial one, and what can be asked for."""
    apart = arterial.geometry.largest_offset_voxels(drawn_on.geometry)
    where = f"lies {apart:.2f} voxels from"
    if not math.isfinite(apart):
        where = "has other slices, rows or columns than"
    asked = "; --resample-masks moves it there" if not mask.resample else ""
    return (
        f"mask {mask.mask_id} was drawn on {drawn_on.volume_id}, which {where} "
        f"the arterial volume {arterial.volume_id}{asked}"
    )


def masks_on(masks: Iterable[MaskTask], geometry: VolumeGeometry) -> dict[str, LesionMask]:
    """Return the masks on the grid of a volume, by mask id; every file is opened once."""
    by_file: dict[str, list[MaskTask]] = defaultdict(list)
    for mask in masks:
        by_file[mask.path].append(mask)
    found: dict[str, LesionMask] = {}
    for path, wanted in sorted(by_file.items()):
        with step("read"):
            read = read_masks_apart(
                path,
                geometry,
                {mask.segment for mask in wanted},
                resample=any(mask.resample for mask in wanted),
            )
        found.update({mask.mask_id: read[mask.segment] for mask in wanted})
    return found


def without_missing(mask: LesionMask, series: ImageSeries) -> LesionMask:
    """Return a mask without what it outlines on slices that are not there: nobody can see it.

    Raises
    ------
    StudyRefusedError
        If nothing else is left: the lesion would be taken for one that has vanished.
    """
    missing = list(series.missing_slices)
    if not missing or not mask.array[missing].any():
        return mask
    array = mask.array.copy()
    array[missing] = False
    if not array.any():
        detail = f"mask {mask.mask_id} lies on slices of {series.volume_id} alone that are missing"
        raise StudyRefusedError("missing_slice", detail)
    return replace(mask, array=array)
