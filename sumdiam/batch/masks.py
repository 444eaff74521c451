"""The table of masks: every segment of the archive, what it is and of which lesion."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import pandas as pd

from imaging.series import ImageSeries
from measurement.identity import lesion_id_from_mask
from measurement.table import columns_of, parse_text, to_text
from sumdiam.archive import reason
from sumdiam.archive.catalogue import Catalogue, SegFile
from sumdiam.archive.problem import Problem
from sumdiam.batch import edit
from sumdiam.batch import segment_word as word
from sumdiam.batch.edit import AUTO, EditError, Group
from sumdiam.batch.mask_volume import MaskPlace, places_of_masks
from sumdiam.batch.plan_table import MASKS, Masks
from sumdiam.batch.segment_role import SegmentRole, segment_role

MASK_GROUP = Group(
    "decided_by",
    ("volume_id", "reader", "mask_role", "lesion_id", "organ", "site", "node", "treated_before"),
)
NOT_HERE = {
    "subject_id": "Correct it in the files, or hand in --subject-map.",
    "timepoint": "Correct the timepoint of its study in plan.csv.",
}
FROM_FILES = ("study_uid", "segment", "label")
LEAVE_OUT = "To leave out a mask, write ignore into mask_role and your id into decided_by."
LESION_ROLES = ("lesion_whole", "lesion_viable")
NO_STUDY = "mask_study_unknown"
Rows = dict[str, dict[str, str]]


def automatic_masks(
    catalogue: Catalogue,
    subjects: Mapping[str, str],
    places: Mapping[str, MaskPlace],
) -> Rows:
    """Return one row of text cells per segment, by mask id, as understood without a person.

    Parameters
    ----------
    catalogue : Catalogue
    subjects : mapping
        Subject of every study that has one; masks of other studies are not listed.
    places : mapping
        Where each mask file belongs, by its path (`sumdiam.batch.mask_volume`).
    """
    rows: Rows = {}
    ordered = sorted(catalogue.masks, key=lambda mask: mask.header.object_id)
    for mask in ordered:
        place = places[mask.path]
        if place.study_uid not in subjects:
            continue
        study_uid = str(place.study_uid)
        for segment in sorted(mask.header.segments, key=lambda one: one.number):
            role = segment_role(segment)
            mask_id = mask_id_of(mask, segment.number)
            row = dict.fromkeys(columns_of(Masks), "")
            row.update(
                mask_id=mask_id,
                subject_id=subjects[study_uid],
                study_uid=study_uid,
                file=mask.file,
                segment=str(segment.number),
                label=segment.label,
                volume_id=_sure_volume(place, role) or "",
                reader=AUTO,
                mask_role=role.mask_role,
                lesion_id=role.lesion_id or "",
                organ=role.organ or "",
                site=role.site or "",
                node=role.node,
                decided_by=AUTO,
                evidence=f"{role.evidence}; {place.why}",
            )
            rows[mask_id] = row
    _pair_parts(rows)
    return rows


def _pair_parts(rows: Rows) -> None:
    """Give a whole lesion and its viable part one lesion id where their names are alike.

    Without a tracking id each outline would be a lesion of its own, and one tumour count twice.
    """
    alike: dict[tuple[str, str], list[str]] = defaultdict(list)
    for mask_id, row in rows.items():
        if row["mask_role"] in LESION_ROLES and not row["lesion_id"]:
            stem = " ".join(re.sub(word.PART, " ", word.plain(row["label"])).split())
            alike[row["study_uid"], stem].append(mask_id)
    for mask_ids in alike.values():
        by_role = {rows[mask_id]["mask_role"]: mask_id for mask_id in sorted(mask_ids)}
        if len(mask_ids) == len(by_role) == len(LESION_ROLES):
            lesion_id = lesion_id_from_mask(by_role["lesion_whole"])
            for mask_id in mask_ids:
                rows[mask_id]["lesion_id"] = lesion_id
                rows[mask_id]["evidence"] += "; whole and viable part by their names"


def _sure_volume(place: MaskPlace, role: SegmentRole) -> str | None:
    """Return the volume of a segment; None where several fit and it matters which.

    Lesions of the liver are measured on the arterial volume of the grid, whichever volume the mask
    is said to lie on; what lies outside the liver is measured on the volume it was drawn on.
    """
    return None if place.alike and role.site == "extrahepatic" else place.volume_id


def misplaced(
    catalogue: Catalogue, subjects: Mapping[str, str], places: Mapping[str, MaskPlace]
) -> list[Problem]:
    """Return the label images of which it cannot be told to which study they belong."""
    problems = []
    for mask in sorted(catalogue.masks, key=lambda one: one.file):
        if mask.header.kind != "label_image":
            continue
        place = places[mask.path]
        if place.study_uid not in subjects:
            said = f"{reason.sentence(NO_STUDY)} ({place.why})"
            problems.append(Problem(NO_STUDY, mask.file, said, refused=True))
    return problems


def settle_masks(
    catalogue: Catalogue, subjects: Mapping[str, str], earlier: pd.DataFrame
) -> tuple[Rows, set[str], list[Problem]]:
    """Return the rows of masks with a person's cells kept.

    Returns
    -------
    rows, appended, problems
        ``appended`` are rows that came to a table after a person edited it; they stay undecided
        until somebody settles them.

    Raises
    ------
    EditError
        If a mask that a person decided on is gone, or a lesion is given no site.
    """
    places = places_of_masks(catalogue)
    rows = automatic_masks(catalogue, subjects, places)
    before = edit.rows_by_key(to_text(earlier), "mask_id")
    edit.refuse_gone(edit.gone_rows(rows, before, [MASK_GROUP]), origin=MASKS, what="mask")
    appended = set()
    if edit.was_edited(before.values(), [MASK_GROUP]):
        appended = {
            mask_id
            for mask_id, row in rows.items()
            if row["mask_role"] != "ignore" and _is_appended(before.get(mask_id))
        }
    for mask_id in appended:
        rows[mask_id]["mask_role"] = "undecided"
    problems = edit.unapplied(rows, before, NOT_HERE, origin=MASKS)
    problems += edit.unlike_files(rows, before, FROM_FILES, origin=MASKS)
    problems += edit.moved_rows(rows, before, LEAVE_OUT, origin=MASKS)
    roles = {mask_id: row["mask_role"] for mask_id, row in rows.items()}
    for row in rows.values():
        row["automatic"] = edit.write_automatic({name: row[name] for name in MASK_GROUP.cells})
    problems += edit.keep(rows, before, MASK_GROUP, origin=MASKS)
    for mask_id, row in rows.items():
        if _named_since(row, before.get(mask_id)) and roles[mask_id] in LESION_ROLES:
            row["mask_role"] = roles[mask_id]
    problems += misplaced(catalogue, subjects, places)
    check_masks(rows, origin=MASKS)
    _check_volumes(rows, catalogue, subjects)
    return rows, appended, problems


def _named_since(row: Mapping[str, str], before: Mapping[str, str] | None) -> bool:
    """Return whether a person wrote a lesion_id beside a role that waited for it."""
    if before is None or row["decided_by"] == AUTO:
        return False
    waited = edit.read_automatic(before["automatic"]).get("mask_role") == "undecided"
    return waited and row["mask_role"] == "undecided" and row["lesion_id"] != ""


def _check_volumes(rows: Rows, catalogue: Catalogue, subjects: Mapping[str, str]) -> None:
    """Let masks follow the volume that a person gave them; refuse one that is not the subject's."""
    studies = {one.volume_id: one.study_uid for one in catalogue.series}
    studies |= {one.volume_id: one.study_uid for one in catalogue.refused_series}
    for mask_id, row in rows.items():
        if row["decided_by"] == AUTO or not row["volume_id"]:
            continue
        study_uid = studies.get(row["volume_id"])
        if study_uid is None or subjects.get(study_uid) != row["subject_id"]:
            msg = (
                f"{MASKS}: mask {mask_id} is given the volume {row['volume_id']}, which is none "
                f"of subject {row['subject_id']}. Write a volume_id of plan.csv."
            )
            raise EditError(msg)
        row["study_uid"] = study_uid


def _is_appended(before: Mapping[str, str] | None) -> bool:
    """Return whether a row is new to an edited table and nobody has settled it since."""
    if before is None:
        return True
    marked = edit.APPENDED in edit.read_automatic(before["automatic"])
    return marked and edit.person_of(before, None, MASK_GROUP) is None


def mask_table(rows: Rows, appended: set[str]) -> pd.DataFrame:
    """Return the typed table, with what was automatic in each row."""
    for mask_id, row in rows.items():
        automatic = {name: row[name] for name in (*NOT_HERE, *MASK_GROUP.cells)}
        if row["decided_by"] != AUTO:  # else an edit could not be undone by writing the old word
            automatic |= edit.read_automatic(row["automatic"])
        if mask_id in appended:
            automatic[edit.APPENDED] = "true"
        row["automatic"] = edit.write_automatic(automatic)
    ordered = [rows[mask_id] for mask_id in ordered_mask_ids(rows)]
    text = pd.DataFrame(ordered, columns=columns_of(Masks), dtype=object)
    return parse_text(text, Masks, origin=MASKS)


def mask_id_of(mask: SegFile, segment: int) -> str:
    """Return the stable id of a segment."""
    return f"{mask.header.object_id}#{segment}"


def check_masks(rows: Rows, *, origin: str) -> None:
    """Refuse lesions of which it is not said where they lie.

    Raises
    ------
    EditError
        Naming the mask; only a person's cells can lead here.
    """
    for mask_id, row in rows.items():
        if row["mask_role"] in LESION_ROLES and not row["site"]:
            msg = (
                f"{origin}: mask {mask_id} has the role {row['mask_role']} but no site. "
                "Write hepatic or extrahepatic into site, or the role undecided."
            )
            raise EditError(msg)


def lesion_facts(masks: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """Return what the pivot to lesions needs of each lesion outlined at a timepoint.

    Parameters
    ----------
    masks : typed table `Masks`

    Returns
    -------
    DataFrame
        subject_id, reader, lesion_id, timepoint, organ, site, node, treated_before,
        slice_thickness_mm; one row per lesion and timepoint.

    Notes
    -----
    Slice thickness is the larger of the recorded thickness and the spacing of slices: gaps between
    slices hide as much as thick slices do.
    """
    thickness = {one.volume_id: _thickness_mm(one) for one in catalogue.series}
    lesions = masks[
        masks["mask_role"].isin(LESION_ROLES)
        & masks["lesion_id"].notna()
        & masks["timepoint"].notna()
    ]
    key = ["subject_id", "reader", "lesion_id", "timepoint"]
    ordered = lesions.sort_values([*key, "mask_role", "mask_id"], ascending=True)
    facts = ordered.drop_duplicates(key)[[*key, "organ", "site", "node", "treated_before"]]
    volumes = ordered.drop_duplicates(key)["volume_id"]
    found = [thickness.get(str(volume)) for volume in volumes]
    return facts.assign(
        slice_thickness_mm=pd.Series(found, index=facts.index, dtype="float64")
    ).reset_index(drop=True)


def _thickness_mm(series: ImageSeries) -> float:
    """Return how thick the slices of a volume count."""
    recorded = [header.slice_thickness or 0.0 for header in series.headers]
    return round(max(*recorded, series.geometry.slice_spacing_mm), 6)


def ordered_mask_ids(rows: Mapping[str, Mapping[str, str]]) -> Sequence[str]:
    """Return mask ids by subject, timepoint, file and segment."""

    def key(mask_id: str) -> tuple[str, int, str, int]:
        row = rows[mask_id]
        timepoint = int(row["timepoint"]) if row["timepoint"] else 1_000_000
        return row["subject_id"], timepoint, mask_id.rsplit("#", 1)[0], int(row["segment"])

    return sorted(rows, key=key)
