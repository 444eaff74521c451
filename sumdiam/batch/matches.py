"""Which mask shows the same lesion as which earlier one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from measurement.table import columns_of, parse_text, to_text
from sumdiam.archive import reason
from sumdiam.archive.problem import Problem
from sumdiam.batch.edit import (
    AUTO,
    EditError,
    Group,
    person_of,
    read_automatic,
    refuse_gone,
    rows_by_key,
)
from sumdiam.batch.lesion_settling import settle_lesions, when
from sumdiam.batch.masks import LESION_ROLES, Rows
from sumdiam.batch.match_proposal import Compare, propose
from sumdiam.batch.match_row import UNDECIDED, MatchRow, matches_of, two_lesions
from sumdiam.batch.plan_table import MATCHES, Matches

MATCH_GROUP = Group("decided_by", ("relation",))
Row = Mapping[str, str]


def settle_matches(
    masks: Rows, earlier: pd.DataFrame, earlier_masks: pd.DataFrame, compare: Compare
) -> tuple[pd.DataFrame, list[Problem]]:
    """Give every lesion mask its lesion id, in place, and return the typed table of matches.

    Parameters
    ----------
    masks : rows of masks with their timepoints
    earlier, earlier_masks : typed tables `Matches` and `Masks`, as a person left them
    compare : how lesions of two visits lie to one another
    """
    before = to_text(earlier).to_dict("records")
    rows = [{str(name): str(cell) for name, cell in row.items()} for row in before]
    decided, problems = decided_matches(rows, masks, origin=MATCHES)
    check_matches(decided, masks, origin=MATCHES)
    proposals = propose(masks, decided, compare)
    problems += settle_lesions(masks, decided, proposals, origin=MATCHES)
    problems += unborne_matches(decided, masks, origin=MATCHES)
    found = matches_of(masks, decided, proposals)
    problems += _returned_rows(found, rows, rows_by_key(to_text(earlier_masks), "mask_id"), masks)
    problems += _dropped_rows(found, rows, masks)
    matched = pd.DataFrame(found, columns=columns_of(Matches), dtype=object)
    return parse_text(matched, Matches, origin=MATCHES), problems


def decided_matches(
    previous: Iterable[Row], masks: Rows, *, origin: str
) -> tuple[list[MatchRow], list[Problem]]:
    """Return the matches that a person decided earlier.

    Raises
    ------
    EditError
        If a mask that such a row names is gone, or two rows say different things of one mask.
    """
    kept: list[MatchRow] = []
    problems = []
    gone = set()
    for row in previous:
        unnamed = row["decided_by"] in (AUTO, "", UNDECIDED)
        before = {**row, "decided_by": AUTO} if unnamed else row
        person = person_of(before, {"relation": row["relation"]}, MATCH_GROUP)
        if person is None:
            continue
        named = [mask_id for mask_id in (row["earlier_mask_id"], row["mask_id"]) if mask_id]
        gone |= {mask_id for mask_id in named if mask_id not in masks}
        if unnamed:
            problems.append(
                Problem(
                    "edit_without_name",
                    row["mask_id"] or row["earlier_mask_id"],
                    f"{origin} was edited (relation {row['relation']!r}) while decided_by says "
                    f"{row['decided_by'] or AUTO}; the edit is kept. "
                    "Write your id into decided_by.",
                )
            )
        kept.append({**row, "decided_by": person})
    refuse_gone(sorted(gone), origin=origin, what="mask")
    seen: dict[str, str] = {}
    for row in kept:
        later = row["mask_id"] or f"{row['earlier_mask_id']} (gone)"
        if (
            row["relation"] in ("same", "new", "vanished")
            and seen.setdefault(later, row["earlier_mask_id"]) != row["earlier_mask_id"]
        ):
            msg = (
                f"{origin}: two rows say which lesion mask {later} shows: the one of "
                f"{seen[later] or 'none'} and the one of {row['earlier_mask_id'] or 'none'}. "
                "Remove one of the rows."
            )
            raise EditError(msg)
    return kept, problems


def check_matches(decided: Sequence[MatchRow], masks: Rows, *, origin: str) -> None:
    """Refuse matches of masks that cannot be one lesion; write each row's subject.

    Raises
    ------
    EditError
        If a mask outlines no lesion, or two are of different subjects or in the wrong order.
    """
    for row in decided:
        named = [mask_id for mask_id in (row["earlier_mask_id"], row["mask_id"]) if mask_id]
        what = f"{origin}: the row of {' and '.join(named)}"
        for mask_id in named:
            if masks[mask_id]["mask_role"] not in (*LESION_ROLES, "undecided"):
                role = masks[mask_id]["mask_role"]
                msg = f"{what}: {mask_id} outlines no lesion (mask_role {role}). Remove the row."
                raise EditError(msg)
        ends = [masks[mask_id] for mask_id in named]
        if len({end["subject_id"] for end in ends}) > 1:
            msg = f"{what} names masks of two subjects. Correct one of the ids."
            raise EditError(msg)
        if when(ends[0]) > when(ends[-1]):
            msg = f"{what}: earlier_mask_id is of a later timepoint. Exchange the two cells."
            raise EditError(msg)
        row["subject_id"] = ends[0]["subject_id"]


def unborne_matches(decided: Sequence[Row], masks: Rows, *, origin: str) -> list[Problem]:
    """Return what to say of a person's relations that the lesion ids do not bear out."""
    times: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for mask in masks.values():
        if mask["mask_role"] in LESION_ROLES and mask["lesion_id"]:
            times[mask["subject_id"], mask["reader"], mask["lesion_id"]].add(when(mask))
    problems = []
    for row in decided:
        one = masks[row["mask_id"] or row["earlier_mask_id"]]
        seen = times[one["subject_id"], one["reader"], one["lesion_id"]]
        earlier, later = any(t < when(one) for t in seen), any(t > when(one) for t in seen)
        if row["relation"] == "vanished":
            first = masks[row["earlier_mask_id"]] if row["earlier_mask_id"] else one
            later = any(t > when(first) for t in seen)
        if (
            (row["relation"] == "merged" and not two_lesions(row, masks))
            or (row["relation"] in ("new", "split") and earlier)
            or (row["relation"] == "vanished" and later)
        ):
            problems.append(
                Problem(
                    "edit_not_applied",
                    row["mask_id"] or row["earlier_mask_id"],
                    f"{origin} says {row['relation']}, which changes nothing while lesion_id of "
                    f"its masks in masks.csv says {one['lesion_id'] or 'nothing'}. Write the "
                    "lesion_id that you mean there, and your id into decided_by.",
                )
            )
    return problems


def _returned_rows(
    found: Sequence[Row], before: Sequence[Row], masks_before: Mapping[str, Row], masks: Rows
) -> list[Problem]:
    """Say that rows which follow from unchanged lesion ids were deleted, and are back."""
    had = {(row["earlier_mask_id"], row["mask_id"]) for row in before}
    then = {key: read_automatic(row["automatic"]) for key, row in masks_before.items()}
    back = [
        row["mask_id"]
        for row in found
        if row["relation"] == "same"
        and row["decided_by"] == AUTO
        and (row["earlier_mask_id"], row["mask_id"]) not in had
        and all(
            then.get(mask_id, {}).get(name) == masks[mask_id][name]
            for name in ("lesion_id", "timepoint")
            for mask_id in (row["earlier_mask_id"], row["mask_id"])
        )
    ]
    if not back:
        return []
    said = (
        f"{reason.sentence('row_new')} These follow from lesion_id in masks.csv: to part two "
        f"masks, write another lesion_id there ({', '.join(back[:5])})"
    )
    return [Problem("row_new", MATCHES, said)]


def _dropped_rows(found: Sequence[Row], before: Sequence[Row], masks: Rows) -> list[Problem]:
    """Say that a row which waited is proposed no more, as it may be an edit without a name."""
    now = {(row["earlier_mask_id"], row["mask_id"]) for row in found}
    gone = [
        (row["earlier_mask_id"], row["mask_id"])
        for row in before
        if row["decided_by"] == UNDECIDED
        and (row["earlier_mask_id"], row["mask_id"]) not in now
        and all(name in masks for name in (row["earlier_mask_id"], row["mask_id"]) if name)
        and masks[row["mask_id"] or row["earlier_mask_id"]]["mask_role"] == "undecided"
    ]
    return [
        Problem(
            "edit_not_applied",
            mask_id or earlier,
            f"{MATCHES} held a row of {earlier or 'no mask'} and {mask_id or 'no mask'} that "
            "waited for a person; it is proposed no more. If you "
            "wrote it, write it again with your id in decided_by.",
        )
        for earlier, mask_id in gone
    ]
