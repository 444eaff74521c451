"""Every lesion mask given the id of its lesion: by ids, by persons, by proposals, or not at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from measurement.identity import lesion_id_from_mask
from sumdiam.archive.problem import Problem
from sumdiam.batch.edit import AUTO, EditError
from sumdiam.batch.masks import LESION_ROLES, Rows
from sumdiam.batch.match_proposal import Proposals, outlines_of

ANY_TIMEPOINT = 1_000_000
Row = Mapping[str, str]
NOTHING_SAYS = "; nothing says which lesion this is"
REMEDY = ": write lesion_id here, or a row into matches.csv"
CONFIRM = (
    ": if so, write your id into decided_by of its row in matches.csv; if not, correct the row, or "
    "write lesion_id here"
)


def settle_lesions(
    masks: Rows, decided: Sequence[Row], proposals: Proposals, *, origin: str
) -> list[Problem]:
    """Give every lesion mask its lesion id, in place.

    Notes
    -----
    A tracking id or a person's lesion_id stays. What a person matched takes the id of the lesion
    it is the same as, as does what was matched by its place and needs no person. Without either, a
    mask of the subject's first outlined timepoint opens a lesion of its own, named by a digest of
    its mask id; a later one could be any earlier lesion or a new one, which would be progression:
    it becomes undecided until somebody says.
    """
    problems = []
    lesions = {mask_id: row for mask_id, row in masks.items() if row["mask_role"] in LESION_ROLES}
    given, pairs = _given(masks)
    pairs += [
        (row["earlier_mask_id"], row["mask_id"]) for row in decided if row["relation"] == "same"
    ]
    pairs += [(one.earlier, one.later) for one in proposals.settled if one.relation == "same"]
    opened = {str(row["mask_id"]) for row in decided if row["relation"] in ("new", "split")}
    opened |= proposals.opened
    first = _first_timepoints(lesions)
    for chain in _chains(lesions, pairs):
        ordered = sorted(chain, key=lambda mask_id: _order(mask_id, masks))
        ids = sorted({given[mask_id] for mask_id in ordered if mask_id in given})
        if len(ids) > 1:
            problems.append(_contradiction(ordered, ids, masks, origin=origin))
            for mask_id in ordered:
                masks[mask_id]["lesion_id"] = given.get(mask_id, ids[0])
            continue
        start = masks[ordered[0]]
        reading = (start["subject_id"], start["reader"])
        known = ids or when(start) == first[reading] or ordered[0] in opened
        waits = any(mask_id in proposals.waiting for mask_id in chain)
        for mask_id in ordered:
            row = masks[mask_id]
            if known and not waits:
                row["lesion_id"] = ids[0] if ids else lesion_id_from_mask(ordered[0])
                row["evidence"] += proposals.evidence.get(mask_id, "")
            else:
                row["mask_role"] = "undecided"
                row["lesion_id"] = given.get(mask_id, "")
                row["evidence"] += _waiting(mask_id, proposals)
    return problems


def _order(mask_id: str, masks: Rows) -> tuple[int, bool, str]:
    """Return by what the masks of a lesion are sorted: by visit, the whole before its part."""
    return when(masks[mask_id]), masks[mask_id]["mask_role"] != "lesion_whole", mask_id


def _waiting(mask_id: str, proposals: Proposals) -> str:
    """Say why a mask waits, and what to do."""
    said = proposals.waiting.get(mask_id, "")
    proposed = any(mask_id == one.later for one in proposals.found)
    return (said if proposed else NOTHING_SAYS + said) + (CONFIRM if proposed else REMEDY)


def _given(masks: Rows) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return the lesion ids that files or persons gave, and pairs of whole and viable part.

    The id of such a pair is a digest of one of its masks: it says nothing of other visits.
    """
    given = {
        mask_id: row["lesion_id"]
        for mask_id, row in masks.items()
        if row["mask_role"] in LESION_ROLES and row["lesion_id"]
    }
    pairs = []
    for visits in outlines_of(masks).values():
        for outline in (one for outlines in visits.values() for one in outlines):
            if len(outline.masks) > 1 and not outline.known:
                pairs += [(outline.main, other) for other in sorted(outline.masks)]
    for one, other in pairs:
        for mask_id in (one, other):
            given.pop(mask_id, None)
    return given, pairs


def _chains(lesions: Mapping[str, Row], pairs: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Return groups of masks that are the same lesion by these pairs, singles included."""
    parent = {mask_id: mask_id for mask_id in lesions}

    def root(mask_id: str) -> str:
        while parent[mask_id] != mask_id:
            mask_id = parent[mask_id]
        return mask_id

    for earlier, later in pairs:
        if earlier in parent and later in parent:
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
        first[key] = min(first.get(key, when(row)), when(row))
    return first


def when(row: Row) -> int:
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
