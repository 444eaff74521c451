"""Which lesion of a visit is which of an earlier one, how sure that is, and who must be asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from measurement.assignment import Pairing, gated_assignment

Relation = Literal["same", "new", "vanished", "split", "merged"]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MatchRule:
    """What decides which lesions are one; the defaults are those of `benchmarks/correspondence.py`.

    Parameters
    ----------
    tolerance_mm : how far registration by the outline of the liver may be off inside it
    alone : cost of a lesion that is new or has vanished; a pair costs at most twice as much
    least_margin : a match whose best alternative costs less than this more waits for a person
    farthest_cost : nothing costs more, so that margins stay comparable
    shared_part : a lesion left over of which another covers so much is a fragment of it, or has
        grown into it
    """

    tolerance_mm: float = 10.0
    alone: float = 1.2
    least_margin: float = 0.4
    farthest_cost: float = 6.0
    shared_part: float = 0.5


@dataclass(frozen=True, slots=True)
class PlacedLesion:
    """One lesion at one visit, as far as matching needs it.

    Parameters
    ----------
    name : what it is called in the proposals
    radius_mm : radius of the ball of its volume
    place : liver, lymph_node...: lesions of different places are never one; empty where unknown
    """

    name: str
    radius_mm: float
    place: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Meeting:
    """How the lesions of two visits lie to one another, once one visit is moved onto the other.

    Parameters
    ----------
    distance_mm : (n, m) array
        Between centroids, earlier lesions by later ones; not a number where they cannot be
        compared.
    shared : (n, m) array
        Volume that both cover, as part of the smaller one, 0 to 1.
    tolerance_mm : (n, m) array, optional
        How far the registration may be off for a pair; the rule's where None.
    """

    distance_mm: Matrix
    shared: Matrix
    tolerance_mm: Matrix | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What became of a lesion.

    Parameters
    ----------
    earlier, later : names; empty where a lesion is new or has vanished
    cost, margin : as of `Pairing`; None for split and merged
    settled : False where a person must be asked
    distance_mm, shared : how the two lie to one another, where there are two
    """

    earlier: str
    later: str
    relation: Relation
    cost: float | None
    margin: float | None
    settled: bool
    distance_mm: float | None = None
    shared: float | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What ids or a person say already: pairs of names, earlier and later.

    Parameters
    ----------
    same : pairs that are one lesion
    apart : pairs that are not
    """

    same: frozenset[tuple[str, str]] = frozenset()
    apart: frozenset[tuple[str, str]] = frozenset()


def match_cost(
    earlier: Sequence[PlacedLesion],
    later: Sequence[PlacedLesion],
    meeting: Meeting,
    rule: MatchRule,
) -> Matrix:
    """Return the cost of every pair, (n, m): distance by size, and the overlap that is lost.

    Notes
    -----
    Size is the radius of the larger one, or the tolerance of the registration where that is more.
    The overlap that is lost is the part of the smaller lesion that the larger one does not cover:
    what shrinks or grows in place loses none. Pairs that cannot be are infinite, as are those that
    cannot be compared.
    """
    cost = np.full((len(earlier), len(later)), math.inf)
    for i, one in enumerate(earlier):
        for j, other in enumerate(later):
            distance = meeting.distance_mm[i, j]
            if math.isnan(distance) or _elsewhere(one, other):
                continue
            tolerance = rule.tolerance_mm
            if meeting.tolerance_mm is not None:
                tolerance = meeting.tolerance_mm[i, j]
            size = max(one.radius_mm, other.radius_mm, tolerance)
            lost = 1.0 - meeting.shared[i, j]
            cost[i, j] = min(distance / size + lost, rule.farthest_cost)
    return cost


def propose_matches(
    earlier: Sequence[PlacedLesion],
    later: Sequence[PlacedLesion],
    meeting: Meeting,
    rule: MatchRule | None = None,
    *,
    given: Given | None = None,
) -> tuple[Proposal, ...]:
    """Return what became of every lesion between two visits: same, new, vanished, split, merged.

    Parameters
    ----------
    earlier, later : sequences of PlacedLesion
        Of one reading; the same order of them gives the same proposals.
    meeting : Meeting
        Their distances and overlaps.
    rule : MatchRule, optional
    given : Given, optional
        What is known already, and is not weighed against geometry.

    Notes
    -----
    Matches are those of least total cost; a lesion stays alone where that is cheaper. The margin of
    each is how much more the best assignment without it costs; below ``least_margin`` it waits for
    a person. So does a lesion that stays alone while one that it may be could not be compared. A
    lesion left over that lies in a matched one may be a fragment of it (split) or have grown into
    it (merged): which, no geometry can tell, so that these always wait.
    """
    work = _Work(tuple(earlier), tuple(later), meeting, rule or MatchRule(), given or Given())
    return work.proposals()


def _elsewhere(one: PlacedLesion, other: PlacedLesion) -> bool:
    """Whether two lesions lie in different organs."""
    return bool(one.place and other.place) and one.place != other.place


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """One matching: what goes in, and the proposals that come of it."""

    earlier: tuple[PlacedLesion, ...]
    later: tuple[PlacedLesion, ...]
    meeting: Meeting
    rule: MatchRule
    given: Given

    def proposals(self) -> tuple[Proposal, ...]:
        """Return the proposals, earlier lesions in order, then those that are left over."""
        pairings = gated_assignment(self._cost(), alone=self.rule.alone)
        pairs = [(one.row, one.column) for one in pairings]
        matched = [(i, j) for i, j in pairs if i is not None and j is not None]
        alone = ([i for i, j in pairs if j is None], [j for i, j in pairs if i is None])
        found = []
        for one in pairings:
            i, j = one.row, one.column
            if i is not None and j is not None:
                found.append(self._of_pair(i, j, "same", one))
            elif i is not None:
                hosts = [later for _, later in matched if self._covers(i, later)]
                host = max(hosts, key=lambda later: self.meeting.shared[i, later], default=None)
                unsure = any(self._unknown(i, later) for later in alone[1] if later is not None)
                found.append(self._left_over(one, i, host, unsure=unsure))
            elif j is not None:
                hosts = [first for first, _ in matched if self._covers(first, j)]
                host = max(hosts, key=lambda first: self.meeting.shared[first, j], default=None)
                unsure = any(self._unknown(first, j) for first in alone[0] if first is not None)
                found.append(self._left_over(one, host, j, unsure=unsure))
        return tuple(found)

    def _cost(self) -> Matrix:
        """Return the cost of every pair, with what is given: alone it costs nothing to be right."""
        cost = match_cost(self.earlier, self.later, self.meeting, self.rule)
        for i, one in enumerate(self.earlier):
            for j, other in enumerate(self.later):
                if (one.name, other.name) in self.given.apart:
                    cost[i, j] = math.inf
        for i, one in enumerate(self.earlier):
            for j, other in enumerate(self.later):
                if (one.name, other.name) in self.given.same:
                    cost[i, :], cost[:, j] = math.inf, math.inf
                    cost[i, j] = 0.0
        return cost

    def _covers(self, i: int, j: int) -> bool:
        """Whether two outlines share most of the smaller one."""
        return bool(self.meeting.shared[i, j] >= self.rule.shared_part)

    def _unknown(self, i: int, j: int) -> bool:
        """Whether two lesions may be one, and nothing could be compared."""
        one, other = self.earlier[i], self.later[j]
        apart = _elsewhere(one, other) or (one.name, other.name) in self.given.apart
        return math.isnan(self.meeting.distance_mm[i, j]) and not apart

    def _of_pair(self, i: int, j: int, relation: Relation, one: Pairing | None) -> Proposal:
        """Propose a relation of two outlines; without a pairing it waits for a person."""
        names = (self.earlier[i].name, self.later[j].name)
        distance, shared = self.meeting.distance_mm[i, j], self.meeting.shared[i, j]
        return Proposal(
            *names, relation,
            cost=None if one is None else one.cost,
            margin=None if one is None else one.margin,
            settled=one is not None and (names in self.given.same or self._clear(one)),
            distance_mm=None if math.isnan(distance) else float(distance),
            shared=None if math.isnan(shared) else float(shared),
        )  # fmt: skip

    def _left_over(self, one: Pairing, i: int | None, j: int | None, *, unsure: bool) -> Proposal:
        """Propose what became of a lesion that is matched to none."""
        if i is not None and j is not None:
            return self._of_pair(i, j, "merged" if one.column is None else "split", None)
        return Proposal(
            "" if i is None else self.earlier[i].name,
            "" if j is None else self.later[j].name,
            "new" if i is None else "vanished",
            one.cost, one.margin, settled=self._clear(one) and not unsure,
        )  # fmt: skip

    def _clear(self, one: Pairing) -> bool:
        """Whether a pairing needs no person: its best alternative is far worse, or none is."""
        return one.margin is None or one.margin >= self.rule.least_margin
