"""The rows of matches: what persons decided, what ids say, and what is proposed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

from measurement.correspondence import Proposal
from measurement.table import columns_of
from sumdiam.batch.edit import AUTO, write_automatic
from sumdiam.batch.masks import LESION_ROLES, Rows
from sumdiam.batch.match_proposal import Proposals
from sumdiam.batch.plan_table import Matches

UNDECIDED = "undecided"
"""In decided_by: a row that is proposed and waits for a person."""

DIGITS = 4
Row = Mapping[str, str]
MatchRow = dict[str, str]


def two_lesions(row: Row, masks: Rows) -> bool:
    """Whether a match joins two lesions of one reading."""
    if not (row["earlier_mask_id"] and row["mask_id"]):
        return False
    one, other = masks[row["earlier_mask_id"]], masks[row["mask_id"]]
    named = one["lesion_id"] and other["lesion_id"] and one["lesion_id"] != other["lesion_id"]
    return bool(named) and one["reader"] == other["reader"]


def matches_of(masks: Rows, decided: Sequence[Row], proposals: Proposals) -> list[MatchRow]:
    """Return the rows of matches: what persons decided, and what lesion ids say of the rest.

    Notes
    -----
    New is said only of a lesion that is first outlined after the first outlined timepoint of its
    reading; vanished only where a later timepoint was outlined, and nothing in it is undecided.
    What is proposed and waits for a person stands beside them, with ``undecided`` in decided_by.
    """
    merged = [row for row in decided if row["relation"] == "merged" and two_lesions(row, masks)]
    taken = {row["mask_id"] for row in decided if row["mask_id"] and row not in merged}
    ended = {row["earlier_mask_id"] for row in decided if not row["mask_id"] or row in merged}
    seen, outlined = _outlines(masks)
    last = {by_timepoint[max(by_timepoint)] for by_timepoint in seen.values()}
    rows = [dict(row) for row in decided]
    waiting = _waiting(masks, proposals, taken, last - ended)
    rows += waiting
    ended |= {row["earlier_mask_id"] for row in waiting if row["relation"] == "merged"}
    unclear: dict[tuple[str, str], int] = {}
    for row in masks.values():
        if row["mask_role"] == "undecided" and row["timepoint"]:
            key = (row["subject_id"], row["reader"])
            unclear[key] = max(unclear.get(key, 0), int(row["timepoint"]))
    found: list[MatchRow] = []
    for (subject, reader, _), by_timepoint in seen.items():
        times = sorted(by_timepoint)
        all_times = outlined[subject, reader]
        pairs = [(by_timepoint[a], by_timepoint[b]) for a, b in pairwise(times)]
        if times[0] > min(all_times):
            found += _automatic("", by_timepoint[times[0]], subject, "new", taken)
        for earlier, later in pairs:
            found += _automatic(earlier, later, subject, "same", taken)
        settled = times[-1] >= unclear.get((subject, reader), -1)
        if settled and times[-1] < max(all_times) and by_timepoint[times[-1]] not in ended:
            found += _automatic(by_timepoint[times[-1]], "", subject, "vanished", taken)
    _write_costs(found, proposals)
    rows += found
    return sorted(rows, key=lambda row: (row["subject_id"], row["earlier_mask_id"], row["mask_id"]))


def _waiting(masks: Rows, proposals: Proposals, taken: set[str], last: set[str]) -> list[MatchRow]:
    """Return the proposals that wait for a person, unless one spoke of their masks."""
    rows = []
    for one in proposals.found:
        spoken = one.later in taken or (one.relation == "merged" and one.earlier not in last)
        if one.settled or one.relation == "vanished" or spoken:
            continue
        subject = masks[one.later]["subject_id"]
        [row] = _automatic(one.earlier, one.later, subject, one.relation, set())
        rows.append(row | {"decided_by": UNDECIDED} | _costs(one))
    return rows


def _write_costs(rows: Sequence[MatchRow], proposals: Proposals) -> None:
    """Write cost and margin into the rows that follow from what was matched by its place."""
    settled: dict[tuple[str, str], Proposal] = {
        (one.relation, one.later or one.earlier): one for one in proposals.settled
    }
    for row in rows:
        one = settled.get((row["relation"], row["mask_id"] or row["earlier_mask_id"]))
        if one is not None:
            row.update(_costs(one))


def _costs(one: Proposal) -> MatchRow:
    """Return cost and margin as text, empty where there is none."""
    numbers = {"cost": one.cost, "margin": one.margin}
    return {
        name: "" if value is None else str(round(value, DIGITS)) for name, value in numbers.items()
    }


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
