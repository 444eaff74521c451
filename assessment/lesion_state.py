"""What each lesion is at each visit under a rule set: its length, gone, seen, progressed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import reduce
from typing import Any

import numpy as np

from assessment.code import NOT_MEASURED, TARGET, Bools, Floats, Ints
from assessment.course import Course
from assessment.criteria import Criteria
from assessment.measurand import (
    LENGTHS,
    MEASURANDS,
    NAMES,
    SHORT_AXIS_PART,
    VIABLE,
    VIABLE_PART,
    WHOLE_PART,
    chosen,
    measured,
    place_of,
    uncertainty,
    whole_instead,
)
from assessment.visit_array import ever, filled, places_where
from assessment.words import Words

TOO_SMALL = "too_small"
"""The status of a lesion that is there, but too small to measure."""

SEEN_STATUSES = ("measured", TOO_SMALL, "present", "progressed", "equivocal")
NOT_ZERO_STATUSES = (TOO_SMALL, "present", "progressed", "equivocal", "not_evaluable")


@dataclass(frozen=True, slots=True)
class LesionStates:
    """Arrays (lesion, rank), but `node`, `hepatic`, `vascular`, `measurand`, `parent` (lesion).

    Attributes
    ----------
    value : the measurand in whole steps of its unit, NOT_MEASURED where there is none
    uncertainty : standard uncertainty of it in those steps, NaN where not stated
    span : hundredths of a mm of the same part of the lesion (a node: its short axis), by which
        it is large enough to be a target, or to count as new
    gone : under these criteria no disease is left of it (a node: under 10 mm)
    seen : evaluated and not gone
    visible : there at all, enhancing or not
    viable_length, whole_length, axis_length : hundredths of a mm, whatever is summed
    declared_absent : evaluated and not there at all
    progressed, equivocal : as a person called it
    overruled : a length stands beside a status that denies it
    measurand : place in `MEASURANDS`
    parent : the lesion that this one is a fragment of, itself otherwise
    """

    value: Ints
    uncertainty: Floats
    span: Ints
    gone: Bools
    seen: Bools
    visible: Bools
    viable_length: Ints
    whole_length: Ints
    axis_length: Ints
    declared_absent: Bools
    progressed: Bools
    equivocal: Bools
    overruled: Bools
    node: Bools
    porta_hepatis: Bools
    hepatic: Bools
    vascular: Bools
    measurand: Ints
    parent: Ints

    def chosen(self, lesions: Ints) -> LesionStates:
        """Return the states of some lesions; `parent` still counts among all."""
        return LesionStates(**{f.name: getattr(self, f.name)[lesions] for f in fields(self)})

    @property
    def viable(self) -> Bools:
        """(lesion,): the measurand is of the viable part."""
        return np.asarray(np.array(VIABLE)[self.measurand])

    @property
    def in_mm(self) -> Bools:
        """(lesion,): the measurand is a length."""
        return np.asarray(self.measurand < len(LENGTHS))

    @property
    def length(self) -> Ints:
        """(lesion, rank): the value where that is a length, else the span."""
        return self.length_of(slice(None))

    def length_of(self, lesions: Any) -> Ints:
        """Return the lengths of some lesions."""
        in_mm = self.in_mm[lesions]
        if in_mm.all():
            return np.asarray(self.value[lesions])
        return np.asarray(np.where(in_mm[:, None], self.value[lesions], self.span[lesions]))

    @property
    def missing(self) -> Bools:
        """(lesion, rank): not evaluated."""
        return ~(self.gone | self.seen)

    @property
    def fragment(self) -> Bools:
        """(lesion,): counted with the lesion that it came from."""
        return np.asarray(self.parent != np.arange(len(self.parent)))


def lesion_states(course: Course, criteria: Criteria, policy: Mapping[str, str]) -> LesionStates:
    """Return the state of every lesion at every visit, fragments added to their parents.

    The measurand is fixed by what the lesion is at first sight, never by what happens to be given:
    a hepatic lesion of which mRECIST has no viable diameter stays unmeasured.
    """
    kind = _kinds(course, criteria, policy)
    enhancement = course.truth("arterial_enhancement")
    status = course.words("status")
    values = {place: measured(course, NAMES[place]) for place in _places_read(criteria, policy)}
    values, overruled = _without_denied(kind, values, status)
    measurand = _measurands(kind["node"], kind["hepatic"], values, enhancement, criteria, policy)
    value = chosen(measurand, values)
    spread = chosen(measurand, {key: uncertainty(course, NAMES[key]) for key in _used(measurand)})

    viable = np.array(VIABLE)[measurand][:, None]
    unmeasured = value == NOT_MEASURED
    dead = viable & (enhancement == 0) & unmeasured
    small, absent = criteria.amount("response", "too_small"), status.equals("absent")
    value = value.copy(order="F")
    value[unmeasured & (absent | dead)] = 0
    value[unmeasured & status.equals(TOO_SMALL)] = small
    largest = reduce(np.maximum, values.values())  # only whether there is anything at all
    normal = criteria.length("node", "gone_below_mm")
    stated = unmeasured & (value >= 0)  # a length that a status stands for has no error
    span = value if criteria.unit == "mm" else _spans(kind["node"], measurand, values)
    axis = value if criteria.measures_short_axis else span
    by_axis = kind["node"][:, None] & (axis >= 0)
    gone = (by_axis & (axis < normal)) | (~by_axis & (value == 0))
    named = status.is_any(SEEN_STATUSES)
    seen = ~gone & ((value > 0) | named | (~status.given & (largest > 0)))
    visible = (largest > 0) | (named & (largest != 0))
    return _join_fragments(
        course,
        LesionStates(
            value=value,
            uncertainty=np.where(stated, 0.0, spread) if stated.any() else spread,
            span=span,
            gone=gone,
            seen=seen,
            visible=visible,
            viable_length=values[place_of("viable_diameter")],
            whole_length=values[place_of("whole_diameter")],
            axis_length=values[place_of("node_short_axis")],
            declared_absent=course.recorded & ~visible & (absent | (largest == 0)),
            progressed=status.equals("progressed"),
            equivocal=status.equals("equivocal"),
            overruled=overruled,
            measurand=measurand,
            parent=np.arange(len(course.lesion_id)),
            **kind,
        ),
    )


def _places_read(criteria: Criteria, policy: Mapping[str, str]) -> list[int]:
    """Return the measurands that a rule set looks at: all lengths, and what it sums up."""
    places = {*range(len(LENGTHS)), *criteria.measurands}
    if policy["non_enhancing_hepatic"] == "whole_diameter":
        places |= {whole_instead(place) for place in criteria.measurands if VIABLE[place]}
    return sorted(places)


def _used(measurand: Ints) -> list[int]:
    """Return the measurands that any lesion has; one at least."""
    return np.flatnonzero(np.bincount(measurand)).tolist() or [0]


def _spans(node: Bools, measurand: Ints, values: Mapping[int, Ints]) -> Ints:
    """Return the length by which a lesion is large enough; a node's is its short axis."""
    own = np.array([place_of(m.length) for m in MEASURANDS])[measurand]
    axis = values[place_of("node_short_axis")]
    lengths = {place: values[place] for place in range(len(LENGTHS))}
    return np.where(node[:, None] & (axis >= 0), axis, chosen(own, lengths))


def _without_denied(
    kind: Mapping[str, Bools], values: Mapping[int, Ints], status: Words
) -> tuple[dict[int, Ints], Bools]:
    """Return the values without those that the lesion's status denies, and where it does.

    A finding's status takes the place of what was measured: a length of a lesion that is absent
    or not evaluable does not count, nor does a 0 of one that a person sees or cannot judge (it
    would make a complete response). A whole diameter beside a viable one of 0 is no
    contradiction: the status is that of the viable part.
    """
    denying = status.is_any(["absent", "not_evaluable"])
    claiming = status.is_any(NOT_ZERO_STATUSES)
    lesion, rank = places_where(denying | claiming)
    overruled = filled(status.codes.shape, value=False, dtype=bool)
    if not len(lesion):
        return dict(values), overruled
    node, liver = kind["node"][lesion], (kind["hepatic"] & ~kind["vascular"])[lesion]
    leading = np.where(node, SHORT_AXIS_PART, np.where(liver, VIABLE_PART, WHOLE_PART))
    value = np.full(len(lesion), NOT_MEASURED)
    for place, found in values.items():
        own = np.where(leading == MEASURANDS[place].part, found[lesion, rank], NOT_MEASURED)
        value = np.maximum(value, own)
    gone = denying[lesion, rank] & (value > 0)
    there = claiming[lesion, rank] & (value == 0)
    overruled[lesion, rank] = gone | there
    kept = {}
    for place, found in values.items():
        denied = gone | (there & (leading == MEASURANDS[place].part))
        kept[place] = found.copy(order="F") if denied.any() else found
        kept[place][lesion[denied], rank[denied]] = NOT_MEASURED
    return kept, overruled


def _kinds(course: Course, criteria: Criteria, policy: Mapping[str, str]) -> dict[str, Bools]:
    """Return what each lesion is: node, at the porta hepatis, vascular, hepatic."""
    node_word = course.first_words("node")
    node = node_word.is_any(["node", "porta_hepatis"])
    found = course.words("finding")
    vascular: Bools = np.zeros(len(course.lesion_case), dtype=bool)
    if found.words:
        vascular |= found.holds(criteria.value("new_lesion", "vascular_findings")).any(axis=1)
    organs = criteria.value("new_lesion", "vascular_organs")
    vascular = (vascular | course.first_words("organ").is_any(organs)) & ~node
    hepatic = course.first_words("site").equals("hepatic") & ~node
    in_liver = policy["vascular_site"] == "hepatic"
    hepatic = hepatic | vascular if in_liver else hepatic & ~vascular
    return {
        "node": node,
        "porta_hepatis": node_word.equals("porta_hepatis"),
        "hepatic": hepatic,
        "vascular": vascular,
    }


def _measurands(
    node: Bools,
    hepatic: Bools,
    values: Mapping[int, Ints],
    enhancement: Ints,
    criteria: Criteria,
    policy: Mapping[str, str],
) -> Ints:
    """Return what is measured of each lesion, as its place in `MEASURANDS`."""
    place = {
        key: place_of(criteria.value("measurand", key))
        for key in ("hepatic", "extrahepatic", "node")
    }
    found = np.where(
        node, place["node"], np.where(hepatic, place["hepatic"], place["extrahepatic"])
    )
    if policy["non_enhancing_hepatic"] == "whole_diameter" and VIABLE[place["hepatic"]]:
        instead = whole_instead(place["hepatic"])
        viable = values[place["hepatic"]][:, 0]
        dead = (viable == 0) | ((viable == NOT_MEASURED) & (enhancement[:, 0] == 0))
        whole = values[instead][:, 0] > 0
        found = np.where((found == place["hepatic"]) & dead & whole, instead, found)
    return found.astype(np.int64)


def _join_fragments(course: Course, states: LesionStates) -> LesionStates:
    """Add the fragments of a split lesion to it; one fragment not measured leaves it so.

    Source: Eisenhauer 2009, section 4.3.1: the longest diameters of the fragments are added.
    """
    parent = linked_lesions(course, course.first_words("split_from"))
    for _ in range(8):  # a fragment may split again
        parent = parent[parent]
    fragment = np.flatnonzero(parent != np.arange(len(parent)))
    if not len(fragment):
        return states
    root = parent[fragment]
    started = ever(states.visible[fragment])
    parts = np.zeros(states.value.shape, dtype=np.int64)
    np.add.at(parts, root, started.astype(np.int64))
    is_split = parts > 0
    retired = is_split & ~course.recorded  # the id went with the split
    total = np.where(retired, 0, states.value)
    unknown = (total == NOT_MEASURED).astype(np.int64)
    np.add.at(unknown, root, (started & (states.value[fragment] == NOT_MEASURED)).astype(np.int64))
    np.add.at(total, root, np.where(started, np.maximum(states.value[fragment], 0), 0))
    left = (states.seen & ~retired).astype(np.int64)
    np.add.at(left, root, (started & states.seen[fragment]).astype(np.int64))
    variance = np.where(retired, 0, states.uncertainty**2)
    np.add.at(variance, root, np.where(started, states.uncertainty[fragment] ** 2, 0))
    value = np.where(unknown > 0, NOT_MEASURED, total)
    return replace(
        states,
        value=np.where(is_split, value, states.value),
        uncertainty=np.where(is_split, np.sqrt(variance), states.uncertainty),
        gone=np.where(is_split, (unknown == 0) & (left == 0), states.gone),
        seen=np.where(is_split, left > 0, states.seen),
        parent=parent,
    )


def linked_lesions(course: Course, named: Words) -> Ints:
    """Return for each lesion the one of its case that is named, itself where none is."""
    own = np.arange(len(course.lesion_id))
    linked = np.flatnonzero(named.given)
    if not len(linked):
        return own
    names = named.text
    place = {
        (case, name): index
        for index, (case, name) in enumerate(
            zip(course.lesion_case.tolist(), course.lesion_id.tolist(), strict=True)
        )
    }
    target = own.copy()
    target[linked] = [
        place.get((int(course.lesion_case[index]), names[index]), index) for index in linked
    ]
    return target


def join_merged(course: Course, states: LesionStates, role: Ints) -> LesionStates:
    """Count a lesion that merged into another with it: 0 mm beside a target, else its length.

    Source: Eisenhauer 2009, section 4.3.1: the longest diameter of the merged lesion counts.
    """
    merged = course.words("merged_into").given
    index = np.flatnonzero(merged.any(axis=1))
    host = linked_lesions(course, course.first_words("merged_into"))[index]
    index, host = index[host != index], host[host != index]
    if not len(index):
        return states
    since = ever(merged[index])
    carried = role[host] == TARGET
    _, first_of_host = np.unique(host, return_index=True)
    carried |= ~np.isin(np.arange(len(index)), first_of_host)
    value = np.where(carried[:, None], 0, states.value[host])
    fields = {
        "value": np.where(since, value, states.value[index]),
        "uncertainty": np.where(
            since,
            np.where(carried[:, None], 0.0, states.uncertainty[host]),
            states.uncertainty[index],
        ),
        "gone": np.where(since, states.gone[host], states.gone[index]),
        "seen": np.where(since, states.seen[host], states.seen[index]),
    }
    changed = {}
    for name, new in fields.items():
        whole = getattr(states, name).copy()
        whole[index] = new
        changed[name] = whole
    return replace(states, **changed)
