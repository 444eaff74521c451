"""What became of each lesion from visit to visit, where neither ids nor a person say it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from measurement.correspondence import Given, Meeting, PlacedLesion, Proposal, propose_matches
from measurement.identity import lesion_id_from_mask
from sumdiam.batch.masks import LESION_ROLES, Rows

Row = Mapping[str, str]
Reading = tuple[str, str]
Visits = dict[Reading, dict[int, list["LesionOutline"]]]


@dataclass(frozen=True, slots=True)
class LesionOutline:
    """One lesion at one visit of a reading: its whole outline, its viable part, or both.

    Parameters
    ----------
    main : mask id of the whole lesion where it is outlined
    masks : all mask ids
    known : lesion id that a file or a person gave; empty where none did
    site : hepatic, extrahepatic or empty
    """

    main: str
    masks: frozenset[str]
    known: str
    site: str


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Lesions of two visits laid over one another.

    Parameters
    ----------
    earlier, later : in the order that was asked for, named by the masks that were compared
    how : in words, by what the visits were registered
    unplaced : why a mask could not be compared, by mask id
    """

    earlier: tuple[PlacedLesion, ...]
    later: tuple[PlacedLesion, ...]
    meeting: Meeting
    how: str = ""
    unplaced: Mapping[str, str] = field(default_factory=dict)


Compare = Callable[[Sequence[Sequence[str]], Sequence[str]], Compared]
"""Given the masks of each earlier lesion, newest first, and those of the later visit."""


@dataclass(slots=True)
class Proposals:
    """What is proposed of a plan's lesions.

    Parameters
    ----------
    found : every proposal about outlines that could be compared, by reading and visit
    settled : those of them that need no person
    opened : masks that begin a lesion of their own
    waiting : what to say of masks of which a person has to say which lesion they show
    evidence : what to say of masks that were matched
    """

    found: list[Proposal] = field(default_factory=list)
    opened: set[str] = field(default_factory=set)
    waiting: dict[str, str] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)

    @property
    def settled(self) -> list[Proposal]:
        """Proposals that need no person."""
        return [one for one in self.found if one.settled]


@dataclass(slots=True)
class _Track:
    """A lesion over the visits seen so far: its outlines, newest first."""

    known: str
    named: str
    site: str
    mains: list[str]
    masks: set[str]

    @classmethod
    def of(cls, outline: LesionOutline) -> _Track:
        """Open a track."""
        named = outline.known or lesion_id_from_mask(outline.main)
        return cls(outline.known, named, outline.site, [outline.main], set(outline.masks))

    def add(self, outline: LesionOutline) -> None:
        """Go on with the outline of a later visit."""
        self.known = self.known or outline.known
        self.mains.insert(0, outline.main)
        self.masks |= outline.masks


def is_derived(lesion_id: str, mask_ids: Iterable[str]) -> bool:
    """Whether a lesion id is no more than a digest of one of its own masks."""
    return any(lesion_id == lesion_id_from_mask(mask_id) for mask_id in mask_ids)


def outlines_of(masks: Rows) -> Visits:
    """Return the lesions that each reading outlines at each timepoint."""
    grouped: dict[tuple[str, str, int, str], list[str]] = defaultdict(list)
    for mask_id, row in sorted(masks.items()):
        if row["mask_role"] in LESION_ROLES and row["timepoint"]:
            key = (row["subject_id"], row["reader"], int(row["timepoint"]))
            grouped[*key, row["lesion_id"] or mask_id].append(mask_id)
    found: Visits = defaultdict(lambda: defaultdict(list))
    for (subject, reader, timepoint, name), mask_ids in sorted(grouped.items()):
        main = max(mask_ids, key=lambda mask_id: (masks[mask_id]["mask_role"], mask_id))
        given = name == masks[main]["lesion_id"] and not is_derived(name, mask_ids)
        outline = LesionOutline(
            main, frozenset(mask_ids), name if given else "", masks[main]["site"]
        )
        found[subject, reader][timepoint].append(outline)
    return found


def propose(masks: Rows, decided: Sequence[Row], compare: Compare) -> Proposals:
    """Return what became of the lesions of every reading, visit by visit.

    Parameters
    ----------
    masks : rows of masks with their timepoints
    decided : rows of matches that a person decided
    compare : called only where ids and persons leave something open

    Notes
    -----
    Ids that are given decide, then a person's rows. What they leave open is matched by
    `measurement.correspondence` to the last outline of every earlier lesion, vanished ones
    included. A lesion that waits is still followed, so that the visits after it can be matched.
    """
    found = Proposals()
    for _, visits in sorted(outlines_of(masks).items()):
        tracks: list[_Track] = []
        for timepoint in sorted(visits):
            outlines = visits[timepoint]
            if tracks:
                _Visit(tracks, outlines, decided, compare, found).settle()
            else:
                tracks += [_Track.of(one) for one in outlines]
    return found


@dataclass(slots=True)
class _Visit:
    """One visit matched to everything before it."""

    tracks: list[_Track]
    outlines: list[LesionOutline]
    decided: Sequence[Row]
    compare: Compare
    found: Proposals

    def settle(self) -> None:
        """Go on with the tracks, open new ones, and note what was proposed."""
        tied = self._tied()
        spoken = {j for j, one in enumerate(self.outlines) if self._opened_by_person(one)}
        ended = {i for i, one in enumerate(self.tracks) if self._ended_by_person(one)}
        free = [j for j in range(len(self.outlines)) if j not in tied and j not in spoken]
        nameless = any(
            not one.known for i, one in enumerate(self.tracks) if i not in {*tied.values(), *ended}
        )
        open_ones = [j for j in free if nameless or not self.outlines[j].known]
        before = len(self.tracks)
        followed = dict(tied)
        if open_ones:
            followed |= self._matched(tied, spoken, ended, set(open_ones))
        for j, one in enumerate(self.outlines):
            if j in followed:
                self.tracks[followed[j]].add(one)
            else:
                self.tracks.append(_Track.of(one))
        assert len(self.tracks) >= before  # noqa: S101 - no lesion is ever forgotten

    def _tied(self) -> dict[int, int]:
        """Return the track of each outline that an id or a person ties to one."""
        return {
            j: i
            for j, one in enumerate(self.outlines)
            for i, track in reversed(list(enumerate(self.tracks)))
            if (one.known and one.known in (track.known, track.named))
            or any(
                row["relation"] == "same"
                and row["mask_id"] in one.masks
                and row["earlier_mask_id"] in track.masks
                for row in self.decided
            )
        }

    def _opened_by_person(self, one: LesionOutline) -> bool:
        """Whether a person said that an outline begins a lesion."""
        return any(
            row["relation"] in ("new", "split") and row["mask_id"] in one.masks
            for row in self.decided
        )

    def _ended_by_person(self, track: _Track) -> bool:
        """Whether a person said that a lesion has vanished or grown into another."""
        return any(
            row["relation"] in ("vanished", "merged") and row["earlier_mask_id"] in track.masks
            for row in self.decided
        )

    def _matched(
        self, tied: Mapping[int, int], spoken: set[int], ended: set[int], open_ones: set[int]
    ) -> dict[int, int]:
        """Match what is open; return the track of each outline that goes on with one."""
        compared = self.compare(
            [track.mains for track in self.tracks], [one.main for one in self.outlines]
        )
        earlier = [one.name for one in compared.earlier]
        later = [one.name for one in compared.later]
        given = Given(
            same=frozenset((earlier[i], later[j]) for j, i in tied.items()),
            apart=frozenset(
                (earlier[i], later[j])
                for i, track in enumerate(self.tracks)
                for j, one in enumerate(self.outlines)
                if i in ended or j in spoken or _contradict(track, one)
            ),
        )
        followed: dict[int, int] = {}
        for one in propose_matches(
            compared.earlier, compared.later, compared.meeting, given=given
        ):  # fmt: skip
            i = earlier.index(one.earlier) if one.earlier else None
            j = later.index(one.later) if one.later else None
            if j is None or one.relation == "merged":
                if i not in ended and one.earlier not in compared.unplaced:
                    self.found.found.append(one)
            elif j in open_ones:
                self._note(one, self.outlines[j], compared)
                if one.relation == "same" and i is not None:
                    followed[j] = i
        return followed

    def _note(self, one: Proposal, outline: LesionOutline, compared: Compared) -> None:
        """Keep a proposal about an outline, and what to say of it."""
        why = compared.unplaced.get(outline.main)
        if why is None:
            self.found.found.append(one)
        if one.settled:
            said = f"; {_in_words(one)}, {compared.how}"
            self.found.evidence.update(dict.fromkeys(outline.masks, said))
            if one.relation == "new":
                self.found.opened |= outline.masks
            return
        said = f"; {why}" if why else f"; perhaps {_in_words(one)}, {compared.how}"
        self.found.waiting.update(dict.fromkeys(outline.masks, said))


def _contradict(track: _Track, one: LesionOutline) -> bool:
    """Whether ids or sites say that an outline does not go on with a track."""
    ids = bool(track.known and one.known) and track.known != one.known
    return ids or (bool(track.site and one.site) and track.site != one.site)


def _in_words(one: Proposal) -> str:
    """Say what is proposed, with the numbers behind it."""
    said = {
        "same": f"the same lesion as {one.earlier}",
        "new": "a new lesion",
        "split": f"a fragment of {one.earlier}",
    }[one.relation]
    parts = []
    if one.distance_mm is not None and one.shared is not None:
        apart = f"centroids {one.distance_mm:.1f} mm apart"
        parts.append(f"{apart}, {100.0 * one.shared:.0f} % of the smaller one shared")
    if one.margin is not None:
        parts.append(f"margin {one.margin:.2f}")
    return f"{said} ({', '.join(parts)})" if parts else said
