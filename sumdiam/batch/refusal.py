"""Studies that cannot be measured, as far as that is known before their pixels are read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import pandas as pd

from sumdiam.archive import reason
from sumdiam.archive.catalogue import Catalogue
from sumdiam.archive.problem import Problem
from sumdiam.archive.subject import StudySubjects
from sumdiam.batch.masks import LESION_ROLES
from sumdiam.batch.volume_use import VolumeFacts, refusal_matters

Refusals = dict[str, tuple[str, str]]
_EXCLUDED = ("before_baseline", "inadequate_before_start")


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
    for name, volumes in plan.groupby("study_uid", sort=True):
        for code, detail in _of_volumes(catalogue, volumes, facts):
            refuse(str(name), code, detail)
    held = {h.sop_instance_uid or "" for one in catalogue.series for h in one.headers}
    for name, rows in masks.groupby("study_uid", sort=True):
        for code, detail in _of_masks(catalogue, rows, held):
            refuse(str(name), code, detail)
    skipped = set(plan.loc[plan["reason"].isin(_EXCLUDED), "study_uid"]) - set(
        plan.loc[plan["timepoint"].notna(), "study_uid"]
    )
    return {uid: why for uid, why in sorted(refused.items()) if uid not in skipped}


def _of_volumes(
    catalogue: Catalogue, volumes: pd.DataFrame, facts: Mapping[str, VolumeFacts]
) -> Iterable[tuple[str, str]]:
    """Yield why a study's volumes keep it from being measured."""
    mine = [facts[volume_id] for volume_id in volumes["volume_id"]]
    uses = {str(row.volume_id): (str(row.use), "") for row in volumes.itertuples()}
    details = {one.volume_id: one for one in catalogue.refused_series}
    for one in mine:
        if refusal_matters(one, mine, uses):
            series = details[one.volume_id]
            first = catalogue.names.get(series.files[0], series.files[0])
            yield series.reason_code, f"series {series.series_uid}: {series.detail}; {first}"
    if volumes["timepoint"].isna().all():
        reasons = set(volumes["reason"].dropna())
        if "no_date" in reasons:
            yield "no_date", "no volume has a date"
        elif not reasons & set(_EXCLUDED):
            yield "no_timepoint", "timepoint was emptied in plan.csv"
    usable = volumes["use"].isin(["measure"])
    open_ones = volumes[volumes["use"] == "undecided"]
    if not usable.any() and len(open_ones):
        yield "undecided_use", "volume " + ", ".join(sorted(open_ones["volume_id"])[:4])


def _of_masks(
    catalogue: Catalogue, rows: pd.DataFrame, held: set[str]
) -> Iterable[tuple[str, str]]:
    """Yield why a study's masks keep it from being measured."""
    used = rows[~rows["mask_role"].isin(["ignore"])]
    lost = used[used["volume_id"].isna()]
    if len(lost):
        yield "image_missing", f"mask file {lost['file'].iloc[0]}"
    refused = {one.volume_id for one in catalogue.refused_series}
    known = used[~used["volume_id"].isin(refused)]
    names = {str(mask_id).rsplit("#", 1)[0] for mask_id in known["mask_id"]}
    for mask in catalogue.masks:
        if mask.header.sop_instance_uid not in names:
            continue
        wanted = mask.header.referenced_sop_uids
        lacking = [uid for uid in wanted if uid not in held]
        if lacking:
            yield (
                "referenced_image_missing",
                f"mask file {mask.file} refers to {len(wanted)} slices, {len(lacking)} of them "
                f"are not there, the first is {lacking[0]}",
            )
    lesions = rows[rows["mask_role"].isin(LESION_ROLES) & rows["lesion_id"].notna()]
    outlines = Counter(
        (str(row.reader), str(row.lesion_id), str(row.mask_role)) for row in lesions.itertuples()
    )
    for (reader, lesion, role), count in sorted(outlines.items()):
        if count > 1:
            files = lesions.loc[
                (lesions["reader"] == reader)
                & (lesions["lesion_id"] == lesion)
                & (lesions["mask_role"] == role),
                "file",
            ]
            where = " and ".join(sorted(set(files)))
            yield "doubled_mask", f"lesion {lesion} of reader {reader} ({role}) in {where}"


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
            notes[study_uid].append(
                _note(one.reason_code, f"series {one.series_uid}: {one.detail}")
            )
    for row in masks[masks["mask_role"] == "undecided"].itertuples():
        notes[str(row.study_uid)].append(_note("undecided_mask", f"mask {row.mask_id}"))
    measured = plan[plan["timepoint"].notna()]
    outlined = set(masks["study_uid"])
    for study_uid in sorted(set(measured["study_uid"]) - outlined):
        notes[study_uid].append(_note("no_mask", ""))
    return {uid: tuple(said) for uid, said in sorted(notes.items()) if uid not in refused}


def _note(code: str, detail: str) -> str:
    """Write one note."""
    return f"{code}: {reason.sentence(code)}" + (f" ({detail})" if detail else "")


def study_problems(
    refused: Mapping[str, tuple[str, str]],
    notes: Mapping[str, tuple[str, ...]],
    plan: pd.DataFrame,
) -> list[Problem]:
    """Return one problem per refused study, and one per note."""
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
            Problem(note.split(":", 1)[0], named[uid], note.split(": ", 1)[1]) for note in said
        ]
    return problems
