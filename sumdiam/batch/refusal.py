"""Studies that cannot be measured, as far as that is known before their pixels are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from sumdiam.archive import reason
from sumdiam.archive.catalogue import Catalogue, RefusedVolume, SegFile
from sumdiam.archive.problem import Problem
from sumdiam.archive.subject import StudySubjects
from sumdiam.batch.mask_volume import NO_VOLUME
from sumdiam.batch.masks import LESION_ROLES
from sumdiam.batch.volume_use import VolumeFacts, refusal_matters

Refusals = dict[str, tuple[str, str]]
Row = dict[str, Any]
_EXCLUDED = ("before_baseline", "inadequate_before_start")
_NOTED_FLAGS = ("date_unreadable", "dates_differ", "date_implausible", "instance_uid_differs")
"""Flags of a volume that no measurement shows, and that a person should know of all the same."""


def refused_studies(
    catalogue: Catalogue,
    owners: StudySubjects,
    plan: pd.DataFrame,
    masks: pd.DataFrame,
    facts: Mapping[str, VolumeFacts],
) -> Refusals:
    """Return reason code and detail of every study that must not be measured.

    Parameters
    ----------
    plan, masks : typed tables of their schemas
    facts : what decides the use of each volume, by volume id

    Notes
    -----
    The first reason found is given; damage comes before everything else, because what it hides
    may be the cause of the rest.
    """
    refused: Refusals = {}

    def refuse(study_uid: str, code: str, detail: str) -> None:
        refused.setdefault(study_uid, (code, detail))

    for study_uid, code in sorted(owners.refused.items()):
        refuse(study_uid, code, "")
    for file in catalogue.refused_files:
        if file.study_uid is not None and file.certain:
            refuse(file.study_uid, "unreadable_study_file", f"{file.file}: {file.detail}")
    for bare in catalogue.bare_studies:
        refuse(bare.study_uid, "no_volume", f"{bare.files} images")
    outlined = _by_study(masks)
    for study_uid, volumes in _by_study(plan).items():
        hepatic = any(_is_hepatic(row) for row in outlined.get(study_uid, ()))
        for code, detail in _of_volumes(catalogue, volumes, facts, hepatic=hepatic):
            refuse(study_uid, code, detail)
    files = {mask.header.object_id: mask for mask in catalogue.masks}
    held = {h.sop_instance_uid or "" for one in catalogue.series for h in one.headers}
    # where gaps are allowed a person knows that slices are missing which masks refer to
    whole = {one.volume_id for one in catalogue.series if not one.missing_slices}
    for study_uid, rows in outlined.items():
        used = [row for row in rows if row["mask_role"] != "ignore"]
        for code, detail in (*_of_images(used, files, held, whole), *_of_lesions(used)):
            refuse(study_uid, code, detail)
    placed = set(plan.loc[plan["timepoint"].notna(), "study_uid"])
    skipped = set(plan.loc[plan["reason"].isin(_EXCLUDED), "study_uid"]) - placed
    return {uid: why for uid, why in sorted(refused.items()) if uid not in skipped}


def _by_study(frame: pd.DataFrame) -> dict[str, list[Row]]:
    """Return the rows of a table by study, missing cells as None."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in frame.to_dict("records"):
        found[str(row["study_uid"])].append(
            {str(name): None if pd.isna(cell) else cell for name, cell in row.items()}
        )
    return dict(sorted(found.items()))


def _is_hepatic(row: Row) -> bool:
    """Return whether a mask outlines, or may outline, a lesion of the liver."""
    return row["mask_role"] in (*LESION_ROLES, "undecided") and row["site"] != "extrahepatic"


def _of_volumes(
    catalogue: Catalogue,
    volumes: Sequence[Row],
    facts: Mapping[str, VolumeFacts],
    *,
    hepatic: bool,
) -> Iterable[tuple[str, str]]:
    """Yield why a study's volumes keep it from being measured.

    A lesion outside the liver is measured whatever the phase is, so that an open phase matters
    only where something hepatic is outlined.
    """
    mine = [facts[row["volume_id"]] for row in volumes]
    uses = {row["volume_id"]: (row["use"], "") for row in volumes}
    for one in mine:
        if refusal_matters(one, mine, uses):
            series = next(r for r in catalogue.refused_series if r.volume_id == one.volume_id)
            file = series.file_to_see(catalogue.names)
            yield series.reason_code, f"series {series.series_uid}: {series.detail}; see {file}"
    if all(row["timepoint"] is None for row in volumes):
        reasons = {row["reason"] for row in volumes}
        if "no_date" in reasons:
            yield "no_date", "no volume has a date"
        elif not reasons & set(_EXCLUDED):
            yield "no_timepoint", "timepoint was emptied in plan.csv"
    undecided = sorted(row["volume_id"] for row in volumes if row["use"] == "undecided")
    if hepatic and undecided and not any(row["use"] == "measure" for row in volumes):
        yield "undecided_use", "volume " + ", ".join(undecided[:4])


def _of_images(
    masks: Sequence[Row], files: Mapping[str, SegFile], held: set[str], whole: set[str]
) -> Iterable[tuple[str, str]]:
    """Yield which images of a study's masks are not there.

    Parameters
    ----------
    files : segmentation files by SOP instance
    held : SOP instances of all volumes
    whole : volumes that were not refused and lack no slice
    """
    lost = [row for row in masks if row["volume_id"] is None]
    for row in lost[:1]:
        labels = files[row["mask_id"].rsplit("#", 1)[0]].header.kind == "label_image"
        code = NO_VOLUME if labels else "image_missing"
        yield code, f"mask file {row['file']}"
    instances = {row["mask_id"].rsplit("#", 1)[0] for row in masks if row["volume_id"] in whole}
    for name in sorted(instances):
        wanted = files[name].header.referenced_sop_uids
        lacking = [uid for uid in wanted if uid not in held]
        # structure sets are often copied without the UIDs of their slices: where none of them is
        # known, contours are placed by their positions alone
        if files[name].header.kind == "rtstruct" and len(lacking) == len(wanted):
            continue
        if lacking:
            yield (
                "referenced_image_missing",
                f"mask file {files[name].file} refers to {len(wanted)} slices, {len(lacking)} of "
                f"them are not there, the first is {lacking[0]}",
            )


def _of_lesions(masks: Sequence[Row]) -> Iterable[tuple[str, str]]:
    """Yield which lesions of a study are outlined more than once for one reader."""
    outlines: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for row in masks:
        if row["mask_role"] in LESION_ROLES and row["lesion_id"] is not None:
            outlines[row["reader"], row["lesion_id"], row["mask_role"]].append(row["file"])
    for (reader, lesion, role), where in sorted(outlines.items()):
        if len(where) > 1:
            named = " and ".join(sorted(set(where)))
            yield "doubled_mask", f"lesion {lesion} of reader {reader} ({role}) in {named}"


def study_notes(
    catalogue: Catalogue,
    plan: pd.DataFrame,
    masks: pd.DataFrame,
    refused: Mapping[str, tuple[str, str]],
) -> dict[str, tuple[str, ...]]:
    """Return what to know of studies that are measured all the same, by study UID."""
    notes: dict[str, list[str]] = defaultdict(list)
    for file in catalogue.refused_files:
        if file.study_uid is not None and not file.certain:
            notes[file.study_uid].append(_note("unreadable_file_nearby", file.file))
    for one in catalogue.refused_series:
        for study_uid in (one.study_uid, *one.other_studies):
            notes[study_uid].append(_series_note(one))
    for study_uid, said in _of_used_volumes(catalogue, plan):
        notes[study_uid].append(said)
    for row in masks[masks["mask_role"] == "undecided"].itertuples():
        notes[str(row.study_uid)].append(_note("undecided_mask", f"mask {row.mask_id}"))
    measured = plan[plan["timepoint"].notna()]
    outlined = set(masks["study_uid"])
    for study_uid in sorted(set(measured["study_uid"]) - outlined):
        notes[study_uid].append(_note("no_mask", ""))
    return {uid: tuple(said) for uid, said in sorted(notes.items()) if uid not in refused}


def _of_used_volumes(catalogue: Catalogue, plan: pd.DataFrame) -> Iterable[tuple[str, str]]:
    """Yield (study, note) of doubtful volumes, and of those left unused for their grid.

    A phase that was cut at its first or last slice looks just like one that was scanned on another
    grid: it is not compared with, and nothing else would say why.
    """
    for uid, volumes in plan.groupby("study_uid", sort=True):
        days = volumes["acquired_on"].dropna()
        if len(days) and (days.max() - days.min()).days > 1:
            apart = f"volumes of {days.min():%Y-%m-%d} and {days.max():%Y-%m-%d}"
            yield str(uid), _note("dates_differ", apart)
    series = {one.volume_id: one for one in catalogue.series}
    measured = {
        str(row.study_uid): series[str(row.volume_id)].geometry
        for row in plan[plan["use"] == "measure"].itertuples()
        if row.volume_id in series
    }
    for row in plan.itertuples():
        volume_id, study_uid = str(row.volume_id), str(row.study_uid)
        if volume_id not in series:
            continue
        for flag in _NOTED_FLAGS:
            if flag in series[volume_id].report.flags:
                yield study_uid, _note(flag, f"volume {volume_id}")
        own, grid = series[volume_id].geometry, measured.get(study_uid)
        if grid is None:
            continue
        beside = f"{row.phase}, {own.shape[0]} slices beside {grid.shape[0]}; volume {volume_id}"
        if str(row.reason) == "grid_differs":
            yield study_uid, _note("grid_differs", beside)
        if row.use == "subtract" and not grid.same_grid(own):
            yield study_uid, _note("native_resampled", beside)


def _note(code: str, detail: str) -> str:
    """Write one note."""
    return f"{code}: {reason.sentence(code)}" + (f" ({detail})" if detail else "")


def _series_note(one: RefusedVolume) -> str:
    """Write the note of a study of which a series was refused."""
    return _note(one.reason_code, f"series {one.series_uid}: {one.detail}")


def study_problems(
    refused: Mapping[str, tuple[str, str]],
    notes: Mapping[str, tuple[str, ...]],
    plan: pd.DataFrame,
    series: Iterable[RefusedVolume],
) -> list[Problem]:
    """Return one problem per refused study, and one per note that no refused series states."""
    stated = {(one.study_uid, _series_note(one)) for one in series}
    subjects = dict(zip(plan["study_uid"], plan["subject_id"], strict=True))
    named = {uid: f"study {uid}" for uid in {*refused, *notes}}
    for uid, where in named.items():
        if uid in subjects:
            named[uid] = f"{subjects[uid]}, {where}"
    problems = [
        Problem(code, named[uid], f"{reason.sentence(code)} ({detail})", refused=True)
        for uid, (code, detail) in refused.items()
    ]
    for uid, said in notes.items():
        problems += [
            Problem(note.split(":", 1)[0], named[uid], note.split(": ", 1)[1])
            for note in said
            if (uid, note) not in stated
        ]
    return problems
