"""Lengths that structured reports state, beside what was measured: never in its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from imaging.capped_process import CapError, Caps, call_apart
from imaging.header import InstanceHeader
from imaging.reason import ReasonedError
from imaging.sr_caliper import ImagePlane, SrCaliper, SrMeasurement, read_sr
from measurement.table import from_records
from sumdiam.archive import reason
from sumdiam.archive.catalogue import Catalogue, ReportFile
from sumdiam.archive.problem import Problem
from sumdiam.batch.caliper_table import Calipers
from sumdiam.batch.edit import AUTO
from sumdiam.batch.masks import LESION_ROLES
from sumdiam.batch.plan_file import PlanFiles

_CAPS = Caps(seconds=30.0, memory_bytes=1 << 30)
_AUTOMATIC = {"viable_diameter": "automatic_viable_mm", "whole_diameter": "automatic_whole_mm"}
NO_LESION = "caliper_lesion_unknown"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an image belongs."""

    study_uid: str
    series_uid: str | None


@dataclass(frozen=True, slots=True)
class _Lesion:
    """A lesion as a mask has it: its id, and what its segment says of it."""

    subject_id: str
    study_uid: str
    lesion_id: str
    mask_id: str
    tracking_id: str | None
    tracking_uid: str | None


def caliper_table(
    catalogue: Catalogue, plan: PlanFiles, measurements: pd.DataFrame
) -> tuple[pd.DataFrame, tuple[Problem, ...]]:
    """Return the lengths that the reports of an archive state, and what is doubtful about them.

    Parameters
    ----------
    plan : PlanFiles
        Says whose a study is, at which timepoint, and which lesion a mask shows.
    measurements : typed table `Measurements`
        Those that stand; the automatic lengths of the same lesion are put beside.

    Returns
    -------
    (table `Calipers`, problems)

    Notes
    -----
    A report belongs to the study of the image its line is drawn on, else to its own. Its lesion is
    that of the segment that it refers to, else of the mask with its tracking UID, else with its
    tracking id, in the same study before others of the subject.
    """
    if not catalogue.reports:
        return from_records([], Calipers), ()
    images = _images(catalogue)
    lesions = _lesions(catalogue, plan)
    visits = {
        str(row["study_uid"]): (str(row["subject_id"]), row["timepoint"])
        for row in plan.plan.to_dict("records")
    }
    lengths = _automatic_lengths(measurements)
    rows: list[Row] = []
    problems: list[Problem] = []
    for report in catalogue.reports:
        found = _read(report, images)
        if isinstance(found, Problem):
            problems.append(found)
            continue
        for number, one in enumerate(found, start=1):
            if one.caliper is None:
                continue
            row = _row(report, one, one.caliper, images)
            row["caliper_id"] = f"{report.header.object_id}#{number}"
            row["subject_id"], row["timepoint"] = visits.get(row["study_uid"], (None, None))
            _name_lesion(row, one, lesions)
            key = (row["subject_id"], row["lesion_id"], row["timepoint"])
            row |= lengths.get(key, {}) if row["lesion_id"] is not None else {}
            rows.append(row)
            problems += _doubts(row)
    rows.sort(key=lambda row: str(row["caliper_id"]))
    return from_records(rows, Calipers), tuple(problems)


def _images(catalogue: Catalogue) -> dict[str, InstanceHeader]:
    """Return every slice by SOP instance; of a multi-frame image by it, ``#`` and the frame."""
    return {
        str(header.sop_instance_uid)
        + ("" if header.frame_number is None else f"#{header.frame_number}"): header
        for one in catalogue.series
        for header in one.headers
    }


def _read(
    report: ReportFile, images: Mapping[str, InstanceHeader]
) -> tuple[SrMeasurement, ...] | Problem:
    """Return the measurements of a report, or why there are none; read in a capped process.

    It is read twice, for the images that it names first: an archive may hold millions of others.
    """
    try:
        named = call_apart(_CAPS, 0, read_sr, report.path, None)
        uids = {one.caliper.sop_instance_uid for one in named if one.caliper is not None}
        frames = {one.caliper.frame_number for one in named if one.caliper is not None}
        keys = [uid if n is None else f"{uid}#{n}" for uid in uids if uid for n in {None, *frames}]
        found = {key: ImagePlane.of_header(images[key]) for key in sorted(keys) if key in images}
        planes = {key: plane for key, plane in found.items() if plane is not None}
        return call_apart(_CAPS, 0, read_sr, report.path, planes)
    except ReasonedError as error:
        code, detail = error.reason_code, error.detail
    except CapError as error:
        code, detail = "sr_unreadable", error.detail
    return Problem(code, report.file, f"{reason.sentence(code)} ({detail})", refused=True)


def _lesions(catalogue: Catalogue, plan: PlanFiles) -> list[_Lesion]:
    """Return the lesions that masks show, in a fixed order."""
    segments = {
        f"{mask.header.object_id}#{segment.number}": segment
        for mask in catalogue.masks
        for segment in mask.header.segments
    }
    rows = plan.masks[plan.masks["mask_role"].isin(LESION_ROLES) & plan.masks["lesion_id"].notna()]
    return [
        _Lesion(
            subject_id=str(row["subject_id"]),
            study_uid=str(row["study_uid"]),
            lesion_id=str(row["lesion_id"]),
            mask_id=str(row["mask_id"]),
            tracking_id=segments[row["mask_id"]].tracking_id,
            tracking_uid=segments[row["mask_id"]].tracking_uid,
        )
        for row in rows.sort_values("mask_id").to_dict("records")
        if row["mask_id"] in segments
    ]


def _automatic_lengths(measurements: pd.DataFrame) -> dict[tuple[Any, ...], Row]:
    """Return the automatic lengths that stand, by subject, lesion and timepoint."""
    last = measurements.drop_duplicates("measurement_id", keep="last")
    wanted = last[last["accepted"].astype(bool) & last["quantity"].isin(_AUTOMATIC)]
    found: dict[tuple[Any, ...], Row] = {}
    for row in wanted[wanted["reader"] == AUTO].to_dict("records"):
        key = (row["subject_id"], row["lesion_id"], row["timepoint"])
        if not pd.isna(row["value"]):
            found.setdefault(key, {})[_AUTOMATIC[row["quantity"]]] = row["value"]
    return found


def _row(
    report: ReportFile,
    one: SrMeasurement,
    caliper: SrCaliper,
    images: Mapping[str, InstanceHeader],
) -> Row:
    """Return what the report and its image say of one length."""
    uid, frame = caliper.sop_instance_uid, caliper.frame_number
    image = images.get(f"{uid}#{frame}", images.get(uid or ""))
    row: Row = {
        # whose report it is not known by is a reading of its own
        "reader": f"sr-{report.header.observer or report.header.object_id}",
        "tracking_id": one.tracking_id,
        "tracking_uid": one.tracking_uid,
        "quantity": ", ".join(
            code[2] or code[1] for code in (one.concept, one.derivation) if code is not None
        ),
        "length_mm": caliper.stated_mm,
        "coordinates_mm": caliper.measured_mm,
        "tolerance_mm": caliper.tolerance_mm,
        "agrees": None if caliper.measured_mm is None else caliper.reason_code is None,
        "study_uid": report.header.study_uid if image is None else image.study_uid,
        "series_uid": None if image is None else image.series_uid,
        "sop_instance_uid": uid,
        "frame_number": frame,
        "file": report.file,
        "flags": caliper.reason_code,
    }
    for end, point in zip((1, 2), caliper.ends_mm or (), strict=False):
        row |= {f"end{end}_{axis}_mm": v for axis, v in zip("xyz", point, strict=True)}
    return row


def _name_lesion(row: Row, one: SrMeasurement, lesions: Sequence[_Lesion]) -> None:
    """Write which lesion a length is of, and how that is known."""
    own = [lesion for lesion in lesions if lesion.subject_id == row["subject_id"]]
    own.sort(key=lambda lesion: lesion.study_uid != row["study_uid"])
    named = {f"{uid}#{number}" for uid, number in one.segments}
    ways = (
        ("segment", [lesion for lesion in own if lesion.mask_id in named]),
        ("tracking uid", _with(own, "tracking_uid", one.tracking_uid)),
        ("tracking id", _with(own, "tracking_id", one.tracking_id)),
    )
    for way, found in ways:
        ids = {lesion.lesion_id for lesion in found if lesion.study_uid == found[0].study_uid}
        if len(ids) == 1:
            row["lesion_id"], row["lesion_by"] = ids.pop(), way
            return
    row["lesion_id"] = row["lesion_by"] = None
    row["flags"] = ";".join(flag for flag in (row["flags"], NO_LESION) if flag)


def _with(lesions: Iterable[_Lesion], name: str, value: str | None) -> list[_Lesion]:
    """Return the lesions with this tracking id or UID; none where there is no such value."""
    return [lesion for lesion in lesions if value and getattr(lesion, name) == value]


def _doubts(row: Row) -> Iterable[Problem]:
    """Yield what is doubtful about a length."""
    where = f"{row['subject_id'] or 'unknown subject'}, report {row['file']}"
    for code in str(row["flags"] or "").split(";"):
        if code:
            what = f"{row['tracking_id'] or 'no tracking id'}: {row['length_mm']:g} mm stated"
            if row["coordinates_mm"] is not None:
                what += f", {row['coordinates_mm']:.2f} mm by its coordinates"
            yield Problem(code, where, f"{reason.sentence(code)} ({what})")
