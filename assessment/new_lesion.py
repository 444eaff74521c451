"""New lesions: when they count, from when they count, and when they stay in doubt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from assessment.code import (
    NEW,
    NEW_EQUIVOCAL,
    NEW_NO,
    NEW_NOT_ASSESSED,
    NEW_YES,
    NO_ROLE,
    NOT_MEASURED,
    Anything,
    Bools,
    Ints,
    Texts,
    first_code,
    written,
)
from assessment.course import Course
from assessment.criteria import Criteria
from assessment.lesion_state import TOO_SMALL, LesionStates
from assessment.visit_array import any_of_case, ever, filled, first_rank, lowest_earlier, rows_of
from assessment.words import Words


@dataclass(frozen=True, slots=True)
class NewLesions:
    """Arrays (lesion, rank) of new lesions.

    Attributes
    ----------
    recorded : counts, as known at the visit itself
    dated : counts, after dating back to where it was first seen
    pending : seen, but in doubt at the visit
    text : (possible, rank) why it counts or waits, of the lesions that may be new
    place : (lesion,) the place of each among those, -1 for the others
    """

    recorded: Bools
    dated: Bools
    pending: Bools
    text: Texts
    place: Ints

    def text_at(self, lesion: Ints, rank: Ints) -> Texts:
        """Return why certain lesions, all of which may be new, count or wait at a visit."""
        return np.asarray(self.text[self.place[lesion], rank])


def find_new_lesions(
    course: Course,
    states: LesionStates,
    role: Ints,
    criteria: Criteria,
    policy: Mapping[str, str],
) -> NewLesions:
    """Return when each new lesion counts.

    Source: Lencioni & Llovet 2010 (liver nodules); Eisenhauer 2009, sections 4.3.4 and 4.3.5.
    """
    possible = ((role == NEW) | ((role == NO_ROLE) & states.node)) & ~states.fragment
    place = np.flatnonzero(possible)
    recorded, dated, pending = (filled(course.row.shape, value=False, dtype=bool) for _ in range(3))
    where = np.full(len(possible), -1, dtype=np.int64)
    if not len(place):
        return NewLesions(recorded, dated, pending, np.zeros((0, 0), dtype=object), where)
    part = _judge(_Cells(course, place), states.chosen(place), criteria, policy)
    recorded[place], dated[place], pending[place] = part.recorded, part.dated, part.pending
    where[place] = np.arange(len(place))
    return NewLesions(recorded, dated, pending, part.text, where)


@dataclass(frozen=True, slots=True)
class _Cells:
    """The columns of some lesions of a course."""

    course: Course
    lesions: Ints

    def words(self, name: str) -> Words:
        """(lesion, rank): words of a text column."""
        return self.course.words(name, self.lesions)

    def truth(self, name: str) -> Anything:
        """(lesion, rank): 1, 0, or -1 where there is no row or an empty cell."""
        return self.course.truth(name, self.lesions)

    def number(self, name: str) -> Anything:
        """(lesion, rank): values of a column, NaN where there is none."""
        return self.course.number(name, self.lesions)


def _judge(
    course: _Cells, states: LesionStates, criteria: Criteria, policy: Mapping[str, str]
) -> NewLesions:
    """Return when each of the lesions that may be new counts."""
    kind = _kinds(course, states, criteria)
    visible = states.visible.copy()
    visible[:, 0] = False
    equivocal = visible & states.equivocal
    sure = visible & ~equivocal
    called = sure & states.progressed
    size = _sizes(course, states, criteria)
    nodule, nodule_text = _nodules(course, size, visible, criteria, policy)
    node, normal_node, node_text = _nodes(states, size, visible, criteria)
    cytology = course.words("cytology")
    proven = ever(cytology.equals("positive"))
    counts = sure & np.select(
        [kind["effusion"], kind["node"], kind["nodule"]],
        [proven, node | called, nodule | called],
        visible,
    )
    benign = np.select(
        [kind["effusion"], kind["node"]],
        [cytology.equals("negative") & ~proven, normal_node & ~called],
        default=False,
    )
    pending = visible & ~counts & ~benign
    recorded = _lasting(counts, states.declared_absent)
    back = pending & _datable(kind, equivocal, policy)
    back &= _counts_later(counts, states.declared_absent)
    dated = _lasting(counts | back, states.declared_absent)
    effusion_text = np.where(proven, "effusion, cytology positive", "effusion without proof")
    text = np.select(
        [kind["effusion"], kind["node"], kind["nodule"]],
        [effusion_text, node_text, nodule_text],
        np.where(equivocal, "called equivocal", "unequivocal"),
    )
    text = np.where(equivocal & ~kind["effusion"], "called equivocal", text).astype(object)
    return NewLesions(recorded, dated, pending & ~dated, text, np.arange(len(text)))


def _kinds(course: _Cells, states: LesionStates, criteria: Criteria) -> dict[str, Bools]:
    """Return by what rule each lesion is judged, as (lesion, 1) columns."""
    found = course.words("finding")
    effusion = found.holds(criteria.value("new_lesion", "effusion_findings")).any(axis=1)
    pattern_rule = criteria.value("new_lesion", "hepatic_rule") == "hcc_pattern"
    in_liver = states.hepatic & ~states.vascular & ~effusion
    return {
        "effusion": np.asarray(effusion)[:, None],
        "node": (states.node & ~effusion)[:, None],
        "nodule": (in_liver & pattern_rule)[:, None],
        "vascular": states.vascular[:, None],
        "in_liver": in_liver[:, None],
    }


def _sizes(course: _Cells, states: LesionStates, criteria: Criteria) -> Ints:
    """Return the extent of each lesion: whole if given, else viable, else short axis."""
    whole, viable, axis = states.whole_length, states.viable_length, states.axis_length
    size = np.where(whole >= 0, whole, np.where(viable >= 0, viable, axis))
    small = (size == NOT_MEASURED) & course.words("status").equals(TOO_SMALL)
    return np.where(small, criteria.length("new_lesion", "too_small_mm"), size)


def _nodules(
    course: _Cells,
    size: Ints,
    visible: Bools,
    criteria: Criteria,
    policy: Mapping[str, str],
) -> tuple[Bools, Texts]:
    """Return when a new liver nodule counts, by pattern or by growth, and in which words."""
    pattern = course.words("pattern")
    enhancement = course.truth("arterial_enhancement")
    viable = course.number("viable_diameter_mm")
    enhances = (enhancement == 1) | ((enhancement == -1) & (viable > 0))
    washout = course.truth("washout")
    atypical = pattern.equals("atypical")
    typical = pattern.equals("typical") | (enhances & (washout == 1) & ~atypical)
    unknown = enhances & (washout == -1) & ~pattern.given
    if policy["washout_unknown"] == "typical":
        typical = typical | unknown
    typical = ever(typical & visible)
    least = criteria.length("new_lesion", "minimum_mm")
    large = size >= least
    unsized = (size == NOT_MEASURED) & pattern.equals("typical")
    first = _first_size(size, visible)
    grown = large & (first >= 0) & (size - first >= criteria.length("new_lesion", "growth_mm"))
    counts = (typical & (large | unsized)) | grown
    extent = np.where(size >= 0, written(np.maximum(size, 0)) + " mm", "size not given")
    growth = written(np.maximum(size - first, 0)) + " mm grown since first seen"
    why = np.select(
        [typical & ~large & ~unsized, typical, grown, unknown],
        ["typical pattern, under " + str(written(np.array([least]))[0]) + " mm", "typical pattern",
         growth.astype(object), "washout unknown"],
        "atypical, " + growth,
    )  # fmt: skip
    return counts, np.asarray(extent + ", " + why, dtype=object)


def _first_size(size: Ints, visible: Bools) -> Ints:
    """Return the length of each lesion where it was first seen with one, -1 before."""
    known = visible & (size >= 0)
    place = first_rank(known)
    first = size[np.arange(len(size)), place]
    return np.where(ever(known), first[:, None], NOT_MEASURED)


def _nodes(
    states: LesionStates, size: Ints, visible: Bools, criteria: Criteria
) -> tuple[Bools, Bools, Texts]:
    """Return when a new node counts, when it is still normal, and in which words."""
    axis = np.where(states.node[:, None], states.length, NOT_MEASURED)
    least = np.where(
        states.porta_hepatis,
        criteria.length("node", "porta_hepatis_new_mm"),
        criteria.length("node", "new_mm"),
    )[:, None]
    huge = int(np.iinfo(axis.dtype).max)
    low = lowest_earlier(np.where(axis >= 0, axis, huge), huge)
    low = np.where(low == huge, 0, low)  # never recorded before: it was not there to be measured
    grown = axis - low >= criteria.length("node", "new_growth_mm")
    unsized = visible & (size == NOT_MEASURED)  # a person saw it and gave no length
    counts = ((axis >= least) & grown) | unsized
    normal = (axis >= 0) & (axis < least)
    text = np.where(
        axis >= 0,
        "node of " + written(np.maximum(axis, 0)) + " mm, smallest before " + written(low) + " mm",
        "node, short axis not given",
    )
    return counts, normal, np.asarray(text, dtype=object)


def _datable(kind: Mapping[str, Bools], equivocal: Bools, policy: Mapping[str, str]) -> Bools:
    """Return at which visits a lesion in doubt may be dated back to, by policy."""
    by_doubt = np.where(
        equivocal, policy["backdate_equivocal"] == "on", policy["backdate_new_hcc"] == "on"
    )
    if policy["backdate_scope"] == "all_new_lesions":
        return by_doubt
    other = ~(kind["effusion"] | kind["node"] | kind["vascular"])
    return np.asarray(other & by_doubt & (kind["in_liver"] | equivocal))


def _lasting(counts: Bools, absent: Bools) -> Bools:
    """Return whether a lesion counts: from where it does until it is recorded absent."""
    lasting = counts.copy()
    for rank in range(1, counts.shape[1]):
        lasting[:, rank] |= lasting[:, rank - 1] & ~absent[:, rank]
    return lasting


def _counts_later(counts: Bools, absent: Bools) -> Bools:
    """Return whether a lesion comes to count at this visit or later, not absent in between."""
    later = counts.copy()
    for rank in range(counts.shape[1] - 2, -1, -1):
        later[:, rank] |= later[:, rank + 1] & ~absent[:, rank + 1]
    return later


def new_lesion_codes(
    course: Course, new: NewLesions, member: Bools, policy: Mapping[str, str], *, dated: bool
) -> Ints:
    """Return per (case, rank) the code of `NEW_WORDS` over the member lesions.

    A lesion in doubt does not say that the rest was looked at: not assessed stays so.
    """
    lesion = np.flatnonzero(member & (new.place >= 0))
    bounds = np.searchsorted(lesion, course.bounds)
    back, recorded, pending = (
        rows_of(flags, lesion) for flags in (new.dated, new.recorded, new.pending)
    )
    counting = back if dated else recorded
    yes = any_of_case(counting, bounds)
    doubt = any_of_case(pending | (back & ~counting), bounds)
    found = [NEW_YES, NEW_NOT_ASSESSED, NEW_EQUIVOCAL]
    return first_code([yes, not_looked_for(course, policy), doubt], found, NEW_NO)


def not_looked_for(course: Course, policy: Mapping[str, str]) -> Bools:
    """Return at which (case, rank) nobody looked for new lesions.

    Where the timepoint table does not say, a visit with any lesion row was looked through.
    """
    looked = course.visits.looked[course.subject]
    silent = (looked == -1) & ~course.has_row
    if policy["new_lesions_unassessed"] == "ignore":
        return np.zeros(silent.shape, dtype=bool)
    return np.asarray((looked == 0) | silent)
