"""All that a rule set says of every case: responses of each part, best response, depth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from assessment.best_response import (
    Best,
    best_response,
    confirmed,
    confirmed_best_response,
    until_progression,
)
from assessment.code import CR, NO_DAY, NON_CR_NON_PD, PR, SD, Bools, Ints, Texts, choose
from assessment.course import Course
from assessment.criteria import Rules
from assessment.depth import Depth, best_change, depth_of_response, early_shrinkage
from assessment.endpoints import Followed
from assessment.exclusions import Excluded, exclude
from assessment.part import (
    Members,
    Part,
    Reading,
    assess_part,
    assess_parts,
    read_lesion_states,
)
from assessment.people import People
from assessment.probability import Doubt, doubts, margin, unsure_lengths
from assessment.reason import response_reasons
from assessment.visit_array import by_visit, first_rank


@dataclass(frozen=True, slots=True)
class SubjectResponses:
    """Results of every case under a rule set.

    Attributes
    ----------
    whole, hepatic, extrahepatic : responses of the parts, new lesions dated back
    recorded : (case, rank) overall response as known at the visit itself
    reason : (case, rank) in words
    best, confirmed : best response without and with confirmation
    response_rank : (case,) first visit with CR or PR that counts, -1 without one
    ets, dpr, best_change : shrinkage of the hepatic sum, and of the whole
    """

    course: Course
    people: People
    rules: Rules
    reading: Reading
    whole: Part
    hepatic: Part
    extrahepatic: Part
    recorded: Ints
    reason: Texts
    best: Best
    confirmed: Best
    response_rank: Ints
    ets: Depth
    dpr: Depth
    best_change: Depth
    followed: Followed
    excluded: Excluded
    doubt: Doubt

    @property
    def counted(self) -> Best:
        """The best response that objective response and disease control rest on, by policy."""
        return self.confirmed if self.rules.policy["confirm"] == "on" else self.best

    @property
    def kept(self) -> Bools:
        """(case,): whether the case enters outcomes and events."""
        if self.rules.policy["exclusions"] == "apply":
            return self.excluded.analysed
        return np.ones(len(self.course.subject), dtype=bool)


def disease_control(best: Best) -> Bools:
    """Return who has CR, PR or SD (or, without targets, NON-CR/NON-PD)."""
    return np.isin(best.code, (CR, PR, SD, NON_CR_NON_PD))


def followed_cases(course: Course, people: People, policy: Mapping[str, str]) -> Followed:
    """Return what the endpoints depend on, case by case."""
    visits, subject = course.visits, course.subject
    return Followed(
        exists=course.exists,
        first_day=by_visit(visits.first_day[subject]),
        last_day=by_visit(visits.last_day[subject]),
        adequate=by_visit(visits.adequate[subject]),
        start=people.start[subject],
        died=people.died[subject],
        alive=people.alive[subject],
        new_therapy=people.new_therapy[subject],
        no_dates=visits.no_dates.at(subject),
        vital_known=people.handed_in,
        policy=policy,
    )


def stable_from(reading: Reading, people: People) -> Ints:
    """(case,): day from which the minimum interval of SD counts, by policy."""
    if reading.rules.policy["sd_interval_from"] == "baseline_scan":
        return choose(reading.course.exists[:, 0], reading.day[:, 0], NO_DAY)
    return np.asarray(people.start[reading.course.subject])


def interval_known(course: Course, start: Ints) -> Bools:
    """(case,): whether both ends of the minimum interval of SD have dates."""
    return np.asarray(course.visits.dated[course.subject] & (start != NO_DAY))


def assess_subjects(
    course: Course, people: People, rules: Rules, *, select: str, probabilities: bool
) -> SubjectResponses:
    """Return everything a rule set says of every case."""
    reading = read_lesion_states(course, rules, select=select)
    unsure = unsure_lengths(reading)
    whole, hepatic, extrahepatic = assess_parts(
        reading,
        None if rules.criteria.has("immune") else lambda sums: margin(reading, sums, unsure.spread),
    )
    overall, day = whole.found.overall, reading.day
    start = stable_from(reading, people)
    dated = interval_known(course, start)
    best = best_response(overall, day, start, rules.policy, dated=dated)
    sure = confirmed_best_response(
        overall,
        day,
        start,
        rules.policy,
        dated=dated,
        without_target=whole.sums.n_expected == 0,
    )
    counted = sure if rules.policy["confirm"] == "on" else best
    everybody = np.ones(len(overall), dtype=bool)
    only_control = rules.policy["dpr_population"] == "disease_control"
    has_depth = disease_control(counted) if only_control else everybody
    followed = followed_cases(course, people, rules.policy)
    return SubjectResponses(
        course=course,
        people=people,
        rules=rules,
        reading=reading,
        whole=whole,
        hepatic=hepatic,
        extrahepatic=extrahepatic,
        recorded=_recorded(reading, whole),
        reason=response_reasons(reading, whole),
        best=best,
        confirmed=sure,
        response_rank=_response_rank(counted, overall, day, rules),
        ets=early_shrinkage(hepatic.sums, course.exists, rules.policy),
        dpr=depth_of_response(hepatic.sums, overall, course.exists, has_depth, rules.policy),
        best_change=best_change(whole.sums, overall, course.exists, rules.policy),
        followed=followed,
        excluded=exclude(followed, overall),
        doubt=doubts(reading, whole, unsure, start, dated, best.code, probabilities=probabilities),
    )


def _recorded(reading: Reading, whole: Part) -> Ints:
    """Return the overall response as known at the visit itself, before any dating back."""
    if np.array_equal(reading.new.dated, reading.new.recorded):
        return whole.shown
    return assess_part(reading, Members.of(reading, whole.member), dated=False).shown


def _response_rank(counted: Best, overall: Ints, day: Ints, rules: Rules) -> Ints:
    """Return the first visit with CR or PR that counts, -1 without one."""
    responding = until_progression(overall) & ((overall == CR) | (overall == PR))
    if rules.policy["confirm"] == "on":
        responding = confirmed(overall, day, rules.policy, first=(CR, PR), second=(CR, PR))
    has = np.isin(counted.code, (CR, PR)) & responding.any(axis=1)
    return choose(has, first_rank(responding), -1)
