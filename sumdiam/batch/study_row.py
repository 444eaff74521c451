"""Rows of measurements of one study."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from imaging.mask import LesionMask
from imaging.series import ImageSeries
from imaging.volume import Volume
from measurement.flag import Flag
from measurement.identity import measurement_id
from measurement.lesion import LEADING
from measurement.lesion_table import QUANTITY_UNITS
from measurement.reading import Kind, LesionReading, MeasuredQuantity
from measurement.uncertainty import reader_uncertainty
from sumdiam import __version__
from sumdiam.archive import reason
from sumdiam.batch.edit import AUTO
from sumdiam.batch.study_task import MaskTask, StudyTask

Row = dict[str, Any]

FLAGS_OF_VOLUMES = frozenset(
    {
        "derived_image",
        "fewer_images_than_stated",
        "gantry_tilt",
        "gap_allowed",
        "instance_number_gap",
        "lossy_compressed",
        "orientation_jitter",
        "padding_in_tissue_range",
        "slices_out_of_order",
        "spacing_contradicts_header",
        "surplus_pixel_data",
        "two_slices",
    }
)
"""What is doubtful about a volume and makes its measurements doubtful too."""


OTHER_PHASE = "mask_of_other_phase"
_SAME_FACTOR = 1e-4
"""Scale slopes are written in single precision; a ten thousandth moves no edge."""
SKIPPED, NOT_OUTLINED = "contours_skip_slices", "slices between were not outlined"


def key_cells(task: StudyTask, mask: MaskTask, quantity: str) -> Row:
    """Return the cells that say what a row is about."""
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


def measured_row(
    task: StudyTask,
    mask: MaskTask,
    found: tuple[MeasuredQuantity, LesionReading],
    image: Volume,
    *,
    drawn: LesionMask,
    series: Mapping[str, ImageSeries],
    phases: Mapping[str, Volume | None],
) -> Row:
    """Return the row of one quantity of a lesion's reading.

    The volume of a lesion that was not outlined on some of its slices would be too small: it is
    missing, and its lengths are flagged.
    """
    quantity, reading = found
    row = key_cells(task, mask, quantity.quantity)
    flags = [flag.written() for flag in (*reading.flags, *quantity.flags)]
    flags += sorted(_volume_flags([image, phases["native"]]))
    flags += _mask_flags(drawn)
    flags += _phase_flags(mask, quantity.quantity, image.volume_id)
    flags += _scale_flags(mask, quantity.quantity, series, [image, phases["native"]])
    row.update(
        value=quantity.value,
        unit=quantity.unit,
        standard_uncertainty=quantity.standard_uncertainty,
        reader_uncertainty=reader_uncertainty(quantity.quantity, quantity.value),
        reason=quantity.reason,
        series_uid=series[image.volume_id].series_uid,
        volume_id=image.volume_id,
        method=quantity.method,
        flags=";".join(dict.fromkeys(flags)) or None,
    )
    if SKIPPED in drawn.flags and quantity.unit == "ml" and quantity.value is not None:
        row.update(value=None, standard_uncertainty=None, reason=NOT_OUTLINED)
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


def missing_row(task: StudyTask, mask: MaskTask, code: str) -> Row:
    """Return the row of a lesion that is outlined and cannot be evaluated."""
    quantity = LEADING[kind_of(mask)]
    row = key_cells(task, mask, quantity)
    row.update(
        value=None,
        unit=QUANTITY_UNITS[quantity],
        reason=reason.REASONS[code][0],
        volume_id=mask.volume_id,
        method=task.settings.method_name(),
    )
    return row


def kind_of(mask: MaskTask) -> Kind:
    """Return how a lesion is measured."""
    if mask.site == "hepatic":
        return "hepatic"
    return "extrahepatic" if mask.node in ("", "none") else "node"


def _mask_flags(drawn: LesionMask) -> list[str]:
    """Return the flags of a mask, with the change of volume where it was resampled."""
    change = drawn.volume_change_percent
    return [
        Flag(flag, "", change if flag == "mask_resampled" else None).written()
        for flag in drawn.flags
    ]


def _phase_flags(mask: MaskTask, quantity: str, volume_id: str) -> list[str]:
    """Return the flag of what was sought in the voxels of a volume that the mask was not drawn on.

    Breathing moves a liver between phases, and no mask is moved with it. Lengths of the outline
    itself do not hang on the voxels.
    """
    if mask.role != "lesion_whole" or quantity.startswith("whole_"):
        return []
    elsewhere = mask.names_volume and mask.volume_id != volume_id
    return [OTHER_PHASE] if elsewhere else []


def _scale_flags(
    mask: MaskTask,
    quantity: str,
    series: Mapping[str, ImageSeries],
    volumes: Sequence[Volume | None],
) -> list[str]:
    """Return the flag of phases whose MR values a scanner scaled by other factors.

    Philips states what a value has to be divided by to be a signal: rescale slope by scale slope.
    Source: Chenevert 2014, Transl Oncol 7:65.
    """
    if mask.role != "lesion_whole" or quantity.startswith("whole_"):
        return []
    factors = [
        (1.0 if header.rescale_slope is None else header.rescale_slope) * header.scale_slope_philips
        for volume in volumes
        if volume is not None
        for header in series[volume.volume_id].headers
        if header.scale_slope_philips is not None
    ]
    if not factors or math.isclose(max(factors), min(factors), rel_tol=_SAME_FACTOR):
        return []
    ratio = max(factors) / min(factors) if min(factors) > 0.0 else None
    return [Flag("scale_factors_differ", "", ratio).written()]


def _volume_flags(volumes: Iterable[Volume | None]) -> set[str]:
    """Return the flags of volumes that make a measurement doubtful."""
    return {
        flag
        for volume in volumes
        if volume is not None
        for flag in volume.report.flags
        if flag in FLAGS_OF_VOLUMES
    }
