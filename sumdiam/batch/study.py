"""One study measured: a pure function from its files and its plan to rows and overlays."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imaging.dicom_seg import read_masks
from imaging.geometry import VolumeGeometry
from imaging.mask import LesionMask
from imaging.reason import ReasonedError
from imaging.series import ImageSeries, SeriesError, load_volume
from imaging.volume import Volume
from measurement.identity import measurement_id
from measurement.lesion import LEADING, GridMismatchError, measure_lesion
from measurement.lesion_table import QUANTITY_UNITS
from measurement.reading import Kind, LesionImages, LesionReading, MeasuredQuantity
from sumdiam import __version__
from sumdiam.archive import reason
from sumdiam.batch.edit import AUTO
from sumdiam.batch.masks import LESION_ROLES
from sumdiam.batch.study_task import MaskTask, StudyTask, build_tasks
from sumdiam.report.overlay import PICTURES, draw_overlay

__all__ = ["MaskTask", "StudyResult", "StudyTask", "build_tasks", "measure_study"]

FLAGS_OF_VOLUMES = frozenset(
    {
        "derived_image",
        "fewer_images_than_stated",
        "gantry_tilt",
        "instance_number_gap",
        "lossy_compressed",
        "orientation_jitter",
        "padding_in_tissue_range",
        "spacing_contradicts_header",
        "two_slices",
    }
)
"""What is doubtful about a volume and makes its measurements doubtful too."""


@dataclass(frozen=True, slots=True, eq=False)
class StudyResult:
    """What measuring one study gave.

    Parameters
    ----------
    status : ``done`` or ``refused``
    reason_code, reason : why it was refused, with the remedy
    rows : columns of `Measurements` without revision and supersedes
    overlays : measurement id to PNG
    notes : what to know of a study that was measured all the same
    seconds : how long it took; the only thing that may differ between two runs
    """

    study_uid: str
    subject_id: str
    status: str
    reason_code: str | None = None
    reason: str | None = None
    rows: tuple[dict[str, Any], ...] = ()
    overlays: Mapping[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


class _RefusedError(Exception):
    """The study must not be measured."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail
        super().__init__(code)


def measure_study(task: StudyTask) -> StudyResult:
    """Return the measurements of one study, or the reason why it is refused.

    Notes
    -----
    Depends on the task and the files it names alone. Anything that is wrong with the data refuses
    the whole study: a lesion that can still be measured beside damaged data is not to be trusted.
    """
    start = time.perf_counter()
    if task.refused is not None:
        return _refused(task, *task.refused, start)
    try:
        work = _Work(task)
        work.measure()
    except _RefusedError as error:
        return _refused(task, error.code, error.detail, start)
    except ReasonedError as error:
        return _refused(task, error.reason_code, f"{error.where}: {error.detail}", start)
    except GridMismatchError as error:
        return _refused(task, "grid_differs", str(error), start)
    return StudyResult(
        study_uid=task.study_uid,
        subject_id=task.subject_id,
        status="done",
        rows=tuple(work.rows),
        overlays=dict(sorted(work.overlays.items())),
        notes=(*task.notes, *work.notes),
        seconds=time.perf_counter() - start,
    )


def _refused(task: StudyTask, code: str, detail: str, start: float) -> StudyResult:
    """Return the result of a study that is not measured."""
    said = reason.sentence(code) + (f" ({detail})" if detail else "")
    return StudyResult(
        study_uid=task.study_uid,
        subject_id=task.subject_id,
        status="refused",
        reason_code=code,
        reason=said,
        notes=task.notes,
        seconds=time.perf_counter() - start,
    )


class _Work:
    """The measuring of one study: volumes and masks are read once, when they are needed."""

    def __init__(self, task: StudyTask) -> None:
        self.task = task
        self.rows: list[dict[str, Any]] = []
        self.overlays: dict[str, bytes] = {}
        self.notes: list[str] = []
        self._volumes: dict[str, Volume] = {}
        self._series = {
            one.volume_id: one
            for one in (task.arterial, task.native, task.late, *task.others)
            if one is not None
        }

    def measure(self) -> None:
        """Measure every lesion of every reader."""
        lesions: dict[tuple[str, str], list[MaskTask]] = defaultdict(list)
        for mask in self.task.masks:
            if mask.role in LESION_ROLES:
                lesions[mask.reader, mask.lesion_id].append(mask)
        if not lesions:
            return
        by_image: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for key, masks in sorted(lesions.items()):
            image = self._image_of(masks)
            if image is None:
                self._add_missing(masks[0], "volume_excluded")
            else:
                by_image[image.volume_id].append(key)
        for volume_id, keys in sorted(by_image.items()):
            self._measure_on(self._series[volume_id], {key: lesions[key] for key in keys})
        self.rows.sort(key=lambda row: (row["reader"], row["lesion_id"], row["quantity"]))

    def _image_of(self, masks: list[MaskTask]) -> ImageSeries | None:
        """Return the volume that a lesion is measured on; None where a person excluded it."""
        arterial = self.task.arterial
        for mask in masks:
            drawn_on = self._series.get(mask.volume_id)
            if drawn_on is None:
                raise _RefusedError("image_missing", f"mask {mask.mask_id}")
            if mask.site != "hepatic":
                return None if mask.volume_id in self.task.excluded else drawn_on
            if arterial is not None and not arterial.geometry.same_grid(drawn_on.geometry):
                apart = arterial.geometry.largest_offset_voxels(drawn_on.geometry)
                detail = (
                    f"mask {mask.mask_id} was drawn on {drawn_on.volume_id}, which lies "
                    f"{apart:.2f} voxels from the arterial volume {arterial.volume_id}"
                )
                raise _RefusedError("mask_grid_mismatch", detail)
        return arterial if arterial is not None else self._series[masks[0].volume_id]

    def _measure_on(
        self, series: ImageSeries, lesions: Mapping[tuple[str, str], list[MaskTask]]
    ) -> None:
        """Measure the lesions that belong to one volume."""
        image = self._load(series)
        liver_masks = [mask for mask in self.task.masks if self._is_liver(mask, series)]
        wanted = [mask for masks in lesions.values() for mask in masks]
        read = _read(wanted + liver_masks, image.geometry)
        livers = [read[mask.mask_id].array for mask in liver_masks]
        liver = np.logical_or.reduce(livers) if livers else None
        phases = self._phases(series)
        for (reader, lesion_id), masks in sorted(lesions.items()):
            others = [
                read[mask.mask_id].array
                for key, own in sorted(lesions.items())
                if key[0] == reader and key[1] != lesion_id
                for mask in own
            ]
            around = np.logical_or.reduce(others) if others else None
            self._measure_lesion(image, masks, read, phases, liver, around)

    def _is_liver(self, mask: MaskTask, series: ImageSeries) -> bool:
        """Return whether a mask outlines the liver on the grid of a volume."""
        drawn_on = self._series.get(mask.volume_id)
        if mask.role != "liver":
            return False
        if drawn_on is None:  # it lies on the arterial grid, or would not be here
            return series is self.task.arterial
        return series.geometry.same_grid(drawn_on.geometry)

    def _phases(self, series: ImageSeries) -> dict[str, Volume | None]:
        """Return the phases to compare with, where the volume is the arterial one."""
        arterial = self.task.arterial
        if arterial is None or series.volume_id != arterial.volume_id:
            return {"arterial": None, "native": None, "late": None}
        native, late = self.task.native, None
        if self.task.late is not None:
            try:
                late = self._load(self.task.late)
            except SeriesError as error:
                # washout is then unknown; what is measured does not hang on it
                self.notes.append(f"{error.reason_code}: {error}")
        return {
            "arterial": self._load(arterial),
            "native": None if native is None else self._load(native),
            "late": late,
        }

    def _load(self, series: ImageSeries) -> Volume:
        """Return the volume of a series, read once."""
        if series.volume_id not in self._volumes:
            self._volumes[series.volume_id] = load_volume(series)
        return self._volumes[series.volume_id]

    def _measure_lesion(
        self,
        image: Volume,
        masks: list[MaskTask],
        read: Mapping[str, LesionMask],
        phases: Mapping[str, Volume | None],
        liver: NDArray[np.bool_] | None,
        around: NDArray[np.bool_] | None,
    ) -> None:
        """Measure one lesion: by its drawn viable part where there is one, else by thresholds."""
        by_role = {mask.role: mask for mask in masks}
        kind = _kind(masks[0])
        taken: dict[str, tuple[MeasuredQuantity, MaskTask, LesionReading]] = {}
        # the whole lesion first: a drawn viable part then replaces what was found in it
        for role in LESION_ROLES:
            mask = by_role.get(role)
            if mask is None or (kind != "hepatic" and taken):
                continue
            reading = measure_lesion(
                LesionImages(
                    image=image,
                    lesion=read[mask.mask_id],
                    liver=liver,
                    other_lesions=around,
                    mask_is_viable=role == "lesion_viable",
                    kind=kind,
                    **phases,
                ),
                settings=self.task.settings,
            )
            for quantity in reading.quantities:
                if quantity.quantity not in taken or quantity.quantity.startswith("viable"):
                    taken[quantity.quantity] = (quantity, mask, reading)
        for quantity, mask, reading in taken.values():
            self.rows.append(self._row(quantity, mask, reading, image, phases))
        self._draw(kind, taken, read, image)

    def _row(
        self,
        quantity: MeasuredQuantity,
        mask: MaskTask,
        reading: LesionReading,
        image: Volume,
        phases: Mapping[str, Volume | None],
    ) -> dict[str, Any]:
        """Return one row of measurements."""
        row = self._key_cells(mask, quantity.quantity)
        flags = [flag.written() for flag in (*reading.flags, *quantity.flags)]
        flags += sorted(_volume_flags([image, phases["native"]]))
        row.update(
            value=quantity.value,
            unit=quantity.unit,
            standard_uncertainty=quantity.standard_uncertainty,
            reason=quantity.reason,
            series_uid=self._series[image.volume_id].series_uid,
            volume_id=image.volume_id,
            method=quantity.method,
            flags=";".join(dict.fromkeys(flags)) or None,
        )
        caliper = quantity.caliper
        if caliper is not None:
            row.update(
                sop_instance_uid=image.sop_instance_uids[caliper.slice_index],
                frame_number=image.frame_numbers[caliper.slice_index],
                slice=caliper.slice_index,
                gap_mm=caliper.gap_mm,
            )
            for number, end in enumerate(caliper.ends_mm, start=1):
                for axis, place in zip("xyz", end, strict=True):
                    row[f"end{number}_{axis}_mm"] = float(place)
        return row

    def _key_cells(self, mask: MaskTask, quantity: str) -> dict[str, Any]:
        """Return the cells that say what a row is about."""
        task = self.task
        timepoint = int(task.timepoint or 0)
        return {
            "measurement_id": measurement_id(
                task.subject_id, mask.reader, mask.lesion_id, timepoint, quantity
            ),
            "subject_id": task.subject_id,
            "reader": mask.reader,
            "decided_by": AUTO,
            "read_role": "automatic" if mask.reader == AUTO else "reader",
            "lesion_id": mask.lesion_id,
            "timepoint": timepoint,
            "quantity": quantity,
            "accepted": True,
            "study_uid": task.study_uid,
            "mask_id": mask.mask_id,
            "software_version": __version__,
        }

    def _add_missing(self, mask: MaskTask, code: str) -> None:
        """Add the row of a lesion that is outlined and cannot be evaluated."""
        quantity = LEADING[_kind(mask)]
        row = self._key_cells(mask, quantity)
        row.update(
            value=None,
            unit=QUANTITY_UNITS[quantity],
            reason=reason.REASONS[code][0],
            volume_id=mask.volume_id,
            method=self.task.settings.method_name(),
        )
        self.rows.append(row)

    def _draw(
        self,
        kind: Kind,
        taken: Mapping[str, tuple[MeasuredQuantity, MaskTask, LesionReading]],
        read: Mapping[str, LesionMask],
        image: Volume,
    ) -> None:
        """Draw every length on its slice: long and short axis of a region share a picture."""
        whole = next((m for q, m, _ in taken.values() if q.quantity == "whole_diameter"), None)
        for name, other, label in PICTURES[kind]:
            if name not in taken or taken[name][0].value is None:
                continue
            quantity, mask, reading = taken[name]
            key = self._key_cells(mask, name)
            visit = f"visit {key['timepoint']}" if key["timepoint"] else "baseline"
            picture = draw_overlay(
                image,
                read[(whole or mask).mask_id].array,
                reading.viable if name == "viable_diameter" else None,
                quantity.caliper,
                second=taken[other][0].caliper if other in taken else None,
                title=(self.task.subject_id, mask.lesion_id, visit),
                label=label,
            )
            if picture is not None:
                self.overlays[key["measurement_id"]] = picture


def _read(masks: Iterable[MaskTask], geometry: VolumeGeometry) -> dict[str, LesionMask]:
    """Return the masks on the grid of a volume, by mask id; every file is opened once."""
    by_file: dict[str, list[MaskTask]] = defaultdict(list)
    for mask in masks:
        by_file[mask.path].append(mask)
    found: dict[str, LesionMask] = {}
    for path, wanted in sorted(by_file.items()):
        read = read_masks(path, geometry, {mask.segment for mask in wanted})
        found.update({mask.mask_id: read[mask.segment] for mask in wanted})
    return found


def _kind(mask: MaskTask) -> Kind:
    """Return how a lesion is measured."""
    if mask.site == "hepatic":
        return "hepatic"
    return "extrahepatic" if mask.node in ("", "none") else "node"


def _volume_flags(volumes: Iterable[Volume | None]) -> set[str]:
    """Return the flags of volumes that make a measurement doubtful."""
    return {
        flag
        for volume in volumes
        if volume is not None
        for flag in volume.report.flags
        if flag in FLAGS_OF_VOLUMES
    }
