"""Which mask shows the same lesion as which earlier one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import pandas as pd

from measurement.identity import lesion_id_from_mask
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
    write_automatic,
)
from sumdiam.batch.masks import LESION_ROLES, Rows
from sumdiam.batch.plan_table import MATCHES, Matches

ANY_TIMEPOINT = 1_000_000
MATCH_GROUP = Group("decided_by", ("relation",))
Row = Mapping[str, str]
MatchRow = dict[str, str]


def settle_matches(
    masks: Rows, earlier: pd.DataFrame, earlier_masks: pd.DataFrame
) -> tuple[pd.DataFrame, list[Problem]]:
    """Give every lesion mask its lesion id, in place, and return the typed table of matches.

    Parameters
    ----------
    masks : rows of masks with their timepoints
    earlier, earlier_masks : typed tables `Matches` and `Masks`, as a person left them
    """
    before = to_text(earlier).to_dict("records")
    rows = [{str(name): str(cell) for name, cell in row.items()} for row in before]
    decided, problems = decided_matches(rows, masks, origin=MATCHES)
    check_matches(decided, masks, origin=MATCHES)
    problems += settle_lesions(masks, decided, origin=MATCHES)
    problems += unborne_matches(decided, masks, origin=MATCHES)
    found = matches_of(masks, decided)
    problems += _returned_rows(found, rows, rows_by_key(to_text(earlier_masks), "mask_id"), masks)
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
        person = person_of(row, {"relation": row["relation"]}, MATCH_GROUP)
        if person is None:
            continue
        named = [mask_id for mask_id in (row["earlier_mask_id"], row["mask_id"]) if mask_id]
        gone |= {mask_id for mask_id in named if mask_id not in masks}
        if row["decided_by"] in (AUTO, ""):
            problems.append(
                Problem(
                    "edit_without_name",
                    row["mask_id"] or row["earlier_mask_id"],
                    f"{origin} was edited (relation {row['relation']!r}) while decided_by says "
                    f"{AUTO}; the edit is kept. Write your id into decided_by.",
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
        if _when(ends[0]) > _when(ends[-1]):
            msg = f"{what}: earlier_mask_id is of a later timepoint. Exchange the two cells."
            raise EditError(msg)
        row["subject_id"] = ends[0]["subject_id"]


def unborne_matches(decided: Sequence[Row], masks: Rows, *, origin: str) -> list[Problem]:
    """Return what to say of a person's relations that the lesion ids do not bear out."""
    times: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for mask in masks.values():
        if mask["mask_role"] in LESION_ROLES and mask["lesion_id"]:
            times[mask["subject_id"], mask["reader"], mask["lesion_id"]].add(_when(mask))
    problems = []
    for row in decided:
        one = masks[row["mask_id"] or row["earlier_mask_id"]]
        seen = times[one["subject_id"], one["reader"], one["lesion_id"]]
        earlier, later = any(t < _when(one) for t in seen), any(t > _when(one) for t in seen)
        if row["relation"] == "vanished":
            first = masks[row["earlier_mask_id"]] if row["earlier_mask_id"] else one
            later = any(t > _when(first) for t in seen)
        if (
            (row["relation"] == "merged" and not _two_lesions(row, masks))
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


def _two_lesions(row: Row, masks: Rows) -> bool:
    """Whether a match joins two lesions of one reading."""
    if not (row["earlier_mask_id"] and row["mask_id"]):
        return False
    one, other = masks[row["earlier_mask_id"]], masks[row["mask_id"]]
    named = one["lesion_id"] and other["lesion_id"] and one["lesion_id"] != other["lesion_id"]
    return bool(named) and one["reader"] == other["reader"]


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


def settle_lesions(masks: Rows, decided: Sequence[Row], *, origin: str) -> list[Problem]:
    """Give every lesion mask its lesion id, in place.

    Notes
    -----
    A tracking id or a person's lesion_id stays. What a person matched takes the id of the lesion
    it is the same as. Without either, a mask of the subject's first outlined timepoint opens a
    lesion of its own, named by a digest of its mask id; a later one could be any earlier lesion or
    a new one, which would be progression: it becomes undecided until somebody says.
    """
    problems = []
    lesions = {mask_id: row for mask_id, row in masks.items() if row["mask_role"] in LESION_ROLES}
    given = {mask_id: row["lesion_id"] for mask_id, row in lesions.items() if row["lesion_id"]}
    chains = _chains(lesions, decided)
    opened = {str(row["mask_id"]) for row in decided if row["relation"] in ("new", "split")}
    first = _first_timepoints(lesions)
    for chain in chains:
        ordered = sorted(chain, key=lambda mask_id: (_when(masks[mask_id]), mask_id))
        ids = sorted({given[mask_id] for mask_id in ordered if mask_id in given})
        if len(ids) > 1:
            problems.append(_contradiction(ordered, ids, masks, origin=origin))
            for mask_id in ordered:
                masks[mask_id]["lesion_id"] = given.get(mask_id, ids[0])
            continue
        start = masks[ordered[0]]
        reading = (start["subject_id"], start["reader"])
        known = ids or _when(start) == first[reading] or ordered[0] in opened
        for mask_id in ordered:
            row = masks[mask_id]
            if known:
                row["lesion_id"] = ids[0] if ids else lesion_id_from_mask(ordered[0])
            else:
                row["mask_role"] = "undecided"
                row["evidence"] += (
                    "; nothing says which lesion this is: write lesion_id here, or a row into "
                    "matches.csv"
                )
    return problems


def _chains(lesions: Mapping[str, Row], decided: Sequence[Row]) -> list[list[str]]:
    """Return groups of masks that a person called the same lesion, singles included."""
    parent = {mask_id: mask_id for mask_id in lesions}

    def root(mask_id: str) -> str:
        while parent[mask_id] != mask_id:
            mask_id = parent[mask_id]
        return mask_id

    for row in decided:
        earlier, later = row["earlier_mask_id"], row["mask_id"]
        if row["relation"] == "same" and earlier in parent and later in parent:
            parent[root(later)] = root(earlier)
    groups: dict[str, list[str]] = defaultdict(list)
    for mask_id in sorted(lesions):
        groups[root(mask_id)].append(mask_id)
    return [groups[name] for name in sorted(groups)]


def _first_timepoints(lesions: Mapping[str, Row]) -> dict[tuple[str, str], int]:
    """Return the first timepoint at which each reading outlines a lesion."""
    first: dict[tuple[str, str], int] = {}
    for row in lesions.values():
        key = (row["subject_id"], row["reader"])
        first[key] = min(first.get(key, _when(row)), _when(row))
    return first


def _when(row: Row) -> int:
    """Return a row's timepoint; behind all others where it has none."""
    return int(row["timepoint"]) if row["timepoint"] else ANY_TIMEPOINT


def _contradiction(
    chain: Sequence[str], ids: Sequence[str], masks: Rows, *, origin: str
) -> Problem:
    """Say that masks called the same have different lesion ids; refuse if persons wrote both."""
    by_person = {
        masks[mask_id]["lesion_id"] for mask_id in chain if masks[mask_id]["decided_by"] != AUTO
    } - {""}
    named = ", ".join(chain[:4])
    if len(by_person) > 1:
        msg = (
            f"{origin} calls {named} the same lesion, masks.csv calls them {', '.join(ids)}. "
            "Both were decided by a person: correct one of the files."
        )
        raise EditError(msg)
    return Problem(
        "edit_not_applied",
        chain[-1],
        f"{origin} calls {named} the same lesion, but their tracking ids say {', '.join(ids)}, "
        "which win. Write the right lesion_id into masks.csv and your id into decided_by.",
    )


def matches_of(masks: Rows, decided: Sequence[Row]) -> list[MatchRow]:
    """Return the rows of matches: what persons decided, and what lesion ids say of the rest.

    Notes
    -----
    New is said only of a lesion that is first outlined after the first outlined timepoint of its
    reading; vanished only where a later timepoint was outlined, and nothing in it is undecided.
    """
    merged = [row for row in decided if row["relation"] == "merged" and _two_lesions(row, masks)]
    taken = {row["mask_id"] for row in decided if row["mask_id"] and row not in merged}
    ended = {row["earlier_mask_id"] for row in decided if not row["mask_id"] or row in merged}
    rows = [dict(row) for row in decided]
    seen, outlined = _outlines(masks)
    unclear: dict[tuple[str, str], int] = {}
    for row in masks.values():
        if row["mask_role"] == "undecided" and row["timepoint"]:
            key = (row["subject_id"], row["reader"])
            unclear[key] = max(unclear.get(key, 0), int(row["timepoint"]))
    for (subject, reader, _), by_timepoint in seen.items():
        times = sorted(by_timepoint)
        all_times = outlined[subject, reader]
        pairs = [(by_timepoint[a], by_timepoint[b]) for a, b in pairwise(times)]
        if times[0] > min(all_times):
            rows += _automatic("", by_timepoint[times[0]], subject, "new", taken)
        for earlier, later in pairs:
            rows += _automatic(earlier, later, subject, "same", taken)
        settled = times[-1] >= unclear.get((subject, reader), -1)
        if settled and times[-1] < max(all_times) and by_timepoint[times[-1]] not in ended:
            rows += _automatic(by_timepoint[times[-1]], "", subject, "vanished", taken)
    return sorted(rows, key=lambda row: (row["subject_id"], row["earlier_mask_id"], row["mask_id"]))


def _outlines(
    masks: Rows,
) -> tuple[dict[tuple[str, str, str], dict[int, str]], dict[tuple[str, str], set[int]]]:
    """Return the mask of each lesion at each timepoint, and the outlined timepoints of a reading.

    The whole lesion stands for it where both the whole and the viable part are outlined.
    """
    seen: dict[tuple[str, str, str], dict[int, str]] = defaultdict(dict)
    outlined: dict[tuple[str, str], set[int]] = defaultdict(set)
    order = sorted(masks, key=lambda mask_id: (masks[mask_id]["mask_role"], mask_id))
    for mask_id in reversed(order):  # viable sorts before whole, so reversed visits whole first
        row = masks[mask_id]
        if not row["timepoint"]:
            continue
        if row["mask_role"] != "ignore":
            outlined[row["subject_id"], row["reader"]].add(int(row["timepoint"]))
        if row["mask_role"] in LESION_ROLES and row["lesion_id"]:
            lesion = (row["subject_id"], row["reader"], row["lesion_id"])
            seen[lesion].setdefault(int(row["timepoint"]), mask_id)
    return dict(sorted(seen.items())), outlined


def _automatic(
    earlier: str, later: str, subject: str, relation: str, taken: set[str]
) -> list[MatchRow]:
    """Return one row that lesion ids imply, unless a person spoke of that mask."""
    if later in taken:
        return []
    row = dict.fromkeys(columns_of(Matches), "")
    row.update(
        earlier_mask_id=earlier,
        mask_id=later,
        subject_id=subject,
        relation=relation,
        decided_by=AUTO,
        automatic=write_automatic({"relation": relation}),
    )
    return [row]
