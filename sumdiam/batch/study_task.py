"""One study as a task: everything that a worker needs to measure it, and a digest of it all."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from imaging.series import ImageSeries
from measurement.reading import MeasurementSettings
from sumdiam.archive import reason
from sumdiam.archive.catalogue import Catalogue
from sumdiam.batch.code_version import code_version
from sumdiam.batch.edit import AUTO
from sumdiam.batch.masks import LESION_ROLES
from sumdiam.batch.plan_file import PlanFiles
from sumdiam.batch.volume_use import LATE, shares_space

ORGAN_ROLES = ("liver",)
_NOT_MEASURED = ("before_baseline", "inadequate_before_start")


@dataclass(frozen=True, slots=True)
class MaskTask:
    """One segment to read: where it is and what it is of.

    ``resample`` says whether it may be moved onto the grid of its image, ``file`` what masks.csv
    calls its file, ``names_volume`` whether the file or a person says on which volume it was drawn:
    a label image fits every volume of its grid.
    """

    mask_id: str
    path: str
    segment: int
    role: str
    lesion_id: str
    organ: str
    site: str
    node: str
    reader: str
    volume_id: str
    resample: bool = False
    file: str = ""
    names_volume: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class StudyTask:
    """One study to measure; picklable, without a clinical outcome or another subject's data.

    Parameters
    ----------
    arterial, native, late : ImageSeries, optional
        To measure, to subtract, to see washout.
    others : ImageSeries
        Further volumes on which lesions outside the liver are drawn.
    excluded : volume ids
        Volumes that a person excluded: lesions drawn on them are not evaluable.
    refused : (reason code, detail), optional
        Why the study is refused without reading its pixels.
    digest : str
        Of files, masks, plan, settings and software version.
    """

    study_uid: str
    subject_id: str
    timepoint: int | None
    arterial: ImageSeries | None = None
    native: ImageSeries | None = None
    late: ImageSeries | None = None
    others: tuple[ImageSeries, ...] = ()
    masks: tuple[MaskTask, ...] = ()
    excluded: tuple[str, ...] = ()
    settings: MeasurementSettings = field(default_factory=MeasurementSettings)
    refused: tuple[str, str] | None = None
    notes: tuple[str, ...] = ()
    digest: str = ""


def build_tasks(
    plan_files: PlanFiles,
    catalogue: Catalogue,
    settings: MeasurementSettings | None = None,
    *,
    resample_masks: bool = False,
) -> list[StudyTask]:
    """Return one task per study that is to be measured or refused, by subject and timepoint.

    Parameters
    ----------
    resample_masks : bool
        Whether masks of another grid may be moved onto their image.

    Notes
    -----
    Studies before the baseline have no task. Where two studies of one timepoint outline the same
    lesion, it is measured in one of them: the one with an arterial phase, else the later one.
    """
    settings = settings or MeasurementSettings()
    claims = _claims(plan_files)
    subjects = dict(zip(plan_files.plan["study_uid"], plan_files.plan["subject_id"], strict=True))
    volumes = {str(uid): rows for uid, rows in plan_files.plan.groupby("study_uid", sort=True)}
    masks = {str(uid): rows for uid, rows in plan_files.masks.groupby("study_uid", sort=True)}
    tasks = []
    for study_uid in sorted({*volumes, *plan_files.refused_studies}):
        refused = plan_files.refused_studies.get(study_uid)
        rows = volumes.get(study_uid)
        if refused is None and (rows is None or rows["timepoint"].isna().all()):
            continue
        task = StudyTask(
            study_uid=study_uid,
            subject_id=str(subjects.get(study_uid, "")),
            timepoint=_timepoint(rows),
            settings=settings,
            refused=refused,
            notes=plan_files.notes.get(study_uid, ()),
        )
        if refused is None and rows is not None:
            own = masks.get(study_uid)
            task = _filled(task, rows, own, catalogue, claims, resample=resample_masks)
        tasks.append(_with_digest(task, catalogue))
    return sorted(tasks, key=_order)


def _order(task: StudyTask) -> tuple[str, int, str]:
    """Return what tasks are sorted by."""
    return task.subject_id, -1 if task.timepoint is None else task.timepoint, task.study_uid


def _timepoint(rows: pd.DataFrame | None) -> int | None:
    """Return the timepoint of a study."""
    known = [] if rows is None else rows["timepoint"].dropna().tolist()
    return int(known[0]) if known else None


def _claims(plan_files: PlanFiles) -> dict[tuple[str, str, str, int], str]:
    """Return which study measures each lesion at each timepoint."""
    plan = plan_files.plan
    arterial = set(plan.loc[plan["use"] == "measure", "study_uid"])
    days = plan.groupby("study_uid")["acquired_on"].min().to_dict()
    wanted: dict[tuple[str, str, str, int], set[str]] = defaultdict(set)
    lesions = plan_files.masks[plan_files.masks["mask_role"].isin(LESION_ROLES)]
    for row in lesions[lesions["timepoint"].notna()].to_dict("records"):
        key = (row["subject_id"], row["reader"], str(row["lesion_id"]), int(row["timepoint"]))
        if row["study_uid"] not in plan_files.refused_studies:
            wanted[key].add(str(row["study_uid"]))

    def preferred(study_uid: str) -> tuple[bool, str, str]:
        return study_uid in arterial, str(days.get(study_uid, "")), study_uid

    return {key: max(studies, key=preferred) for key, studies in wanted.items()}


def _filled(
    task: StudyTask,
    rows: pd.DataFrame,
    masks: pd.DataFrame | None,
    catalogue: Catalogue,
    claims: Mapping[tuple[str, str, str, int], str],
    *,
    resample: bool,
) -> StudyTask:
    """Return the task with its volumes and masks."""
    series = {one.volume_id: one for one in catalogue.series if one.study_uid == task.study_uid}
    arterial = _of_use(rows, series, "measure")
    native = _of_use(rows, series, "subtract")
    late, notes = _late(rows, series, arterial)
    excluded = rows[(rows["use"] == "exclude") & (rows["use_by"] != AUTO)]["volume_id"]
    tasks, more = _mask_tasks(task, masks, catalogue, claims)
    tasks = tuple(
        replace(mask, resample=resample)
        for mask in tasks
        if mask.role in LESION_ROLES
        or _fits(series.get(mask.volume_id), arterial, resample=resample)
    )
    named = {mask.volume_id for mask in tasks if mask.role in LESION_ROLES}
    own = {one.volume_id for one in (arterial,) if one is not None}
    refused = None
    if native and arterial and not _can_move(native, arterial):
        refused = ("grid_differs", f"{native.volume_id} is to be subtracted")
    return replace(
        task,
        arterial=arterial,
        native=native,
        late=late,
        others=tuple(series[name] for name in sorted(named - own) if name in series),
        masks=tasks,
        excluded=tuple(sorted(excluded)),
        notes=(*task.notes, *notes, *more),
        refused=refused,
    )


def _can_move(native: ImageSeries, arterial: ImageSeries) -> bool:
    """Return whether a volume to subtract can be brought onto the arterial grid."""
    same_kind = native.modality == arterial.modality
    return same_kind and shares_space(native.geometry, arterial.geometry)


def _fits(drawn_on: ImageSeries | None, arterial: ImageSeries | None, *, resample: bool) -> bool:
    """Return whether a liver outlined on one volume can be used on the arterial one."""
    if drawn_on is None or arterial is None:
        return drawn_on is not None
    if arterial.geometry.same_grid(drawn_on.geometry):
        return True
    return resample and shares_space(drawn_on.geometry, arterial.geometry)


def _of_use(rows: pd.DataFrame, series: Mapping[str, ImageSeries], use: str) -> ImageSeries | None:
    """Return the one volume of a use."""
    names = rows.loc[rows["use"] == use, "volume_id"].tolist()
    return series.get(names[0]) if names else None


def _late(
    rows: pd.DataFrame, series: Mapping[str, ImageSeries], arterial: ImageSeries | None
) -> tuple[ImageSeries | None, list[str]]:
    """Return the volume that shows washout: portal venous before delayed."""
    if arterial is None:
        return None, []
    washout = rows[rows["use"] == "washout"]
    order = {phase: rank for rank, phase in enumerate(LATE)}
    named = sorted(
        zip(washout["phase"], washout["volume_id"], strict=True),
        key=lambda pair: (order.get(pair[0], len(order)), pair[1]),
    )
    notes: list[str] = []
    for _, name in named:
        one = series.get(name)
        if one is not None and arterial.geometry.same_grid(one.geometry):
            return one, notes
        notes.append(f"grid_differs: {reason.sentence('grid_differs')} ({name})")
    return None, notes


def _mask_tasks(
    task: StudyTask,
    masks: pd.DataFrame | None,
    catalogue: Catalogue,
    claims: Mapping[tuple[str, str, str, int], str],
) -> tuple[tuple[MaskTask, ...], list[str]]:
    """Return the segments to read, and what to say of those that another study measures."""
    if masks is None:
        return (), []
    files = {mask.header.object_id: mask for mask in catalogue.masks}
    wanted, notes = [], []
    for row in masks.to_dict("records"):
        role = str(row["mask_role"])
        if role not in (*LESION_ROLES, *ORGAN_ROLES):
            continue
        lesion_id = "" if pd.isna(row["lesion_id"]) else str(row["lesion_id"])
        if role in LESION_ROLES:
            key = (task.subject_id, str(row["reader"]), lesion_id, int(task.timepoint or 0))
            if claims.get(key, task.study_uid) != task.study_uid:
                notes.append(f"lesion {lesion_id} is measured in study {claims[key]}")
                continue
        mask_id = str(row["mask_id"])
        drawn = files[mask_id.rsplit("#", 1)[0]]
        by_grid = drawn.header.kind == "label_image" and row["decided_by"] == AUTO
        wanted.append(
            MaskTask(
                mask_id=mask_id,
                path=drawn.path,
                segment=int(row["segment"]),
                role=role,
                lesion_id=lesion_id,
                organ=_text(row["organ"]),
                site=_text(row["site"]),
                node=_text(row["node"]),
                reader=_text(row["reader"]),
                volume_id=_text(row["volume_id"]),
                file=_text(row["file"]),
                names_volume=not by_grid,
            )
        )
    return tuple(sorted(wanted, key=lambda mask: (mask.mask_id, mask.segment))), sorted(set(notes))


def _text(cell: object) -> str:
    """Return a cell as text; empty where it is missing."""
    return "" if cell is None or pd.isna(cell) else str(cell)  # type: ignore[call-overload]


def _with_digest(task: StudyTask, catalogue: Catalogue) -> StudyTask:
    """Return the task with the digest of everything that its result depends on."""
    volumes = {"arterial": task.arterial, "native": task.native, "late": task.late}
    parts: dict[str, object] = {
        "version": code_version(),
        "settings": repr(task.settings),
        "subject": task.subject_id,
        "timepoint": task.timepoint,
        "refused": task.refused,
        "notes": task.notes,
        "excluded": task.excluded,
        "volumes": {
            name: None if one is None else _series_digest(one, catalogue.digests)
            for name, one in volumes.items()
        },
        "others": [_series_digest(one, catalogue.digests) for one in task.others],
        "masks": [
            [mask.mask_id, mask.segment, mask.role, mask.lesion_id, mask.organ, mask.site,
             mask.node, mask.reader, mask.volume_id, mask.resample,
             mask.names_volume, catalogue.digests.get(mask.path, "")]
            for mask in task.masks
        ],
    }  # fmt: skip
    if task.refused is not None:
        parts["files"] = sorted(_files_of(task.study_uid, catalogue))
    written = json.dumps(parts, sort_keys=True, ensure_ascii=True)
    return replace(task, digest=hashlib.sha256(written.encode()).hexdigest())


def _series_digest(series: ImageSeries, digests: Mapping[str, str]) -> list[str]:
    """Return a volume's id and the digests of its slices in order."""
    return [series.volume_id, *(digests.get(header.file, "") for header in series.headers)]


def _files_of(study_uid: str, catalogue: Catalogue) -> Iterable[str]:
    """Return the digests of all files of a refused study, so that mended files are noticed."""
    for one in catalogue.series:
        if one.study_uid == study_uid:
            yield from _series_digest(one, catalogue.digests)
    for refused in catalogue.refused_series:
        if refused.study_uid == study_uid:
            yield from (catalogue.digests.get(file, "") for file in refused.files)
    for mask in catalogue.masks:
        if mask.header.study_uid == study_uid:
            yield catalogue.digests.get(mask.path, "")
