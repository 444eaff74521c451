"""Times to event under a censoring scheme, each with the reason why it ends where it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from assessment.code import NO_DAY, Bools, Ints, choose
from assessment.phrase import spelled
from assessment.response import evaluable, first_progression
from assessment.words import Words, first_of, one_word

UNKNOWN_START = "no_dates: the start is not known"
ALLOWED_MISSED = 1
"""More missed visits in a row than this censor the event behind them (scheme fda_strict)."""


@dataclass(frozen=True, slots=True)
class Times:
    """One endpoint of every case: days since 1970-01-01, NO_DAY where there is no answer."""

    start: Ints
    end: Ints
    event: Bools
    reason: Words

    @property
    def known(self) -> Bools:
        """(case,): there is an answer, and it does not end before it starts."""
        return np.asarray((self.start != NO_DAY) & (self.end >= self.start))  # NO_DAY is least


@dataclass(frozen=True, slots=True)
class Followed:
    """What the endpoints of every case depend on.

    Attributes
    ----------
    exists, first_day, last_day, adequate : (case, rank) of the visits; `adequate` -1, 0 or 1;
        a visit that is not there has NO_DAY
    start, died, alive, new_therapy : (case,) days
    no_dates : (case,) why dates cannot be used, empty where they can
    vital_known : whether deaths were handed in at all
    policy : with the three of the scheme in place
    """

    exists: Bools
    first_day: Ints
    last_day: Ints
    adequate: Ints
    start: Ints
    died: Ints
    alive: Ints
    new_therapy: Ints
    no_dates: Words
    vital_known: bool
    policy: Mapping[str, str]
    _kept: dict[str, Ints] = field(default_factory=dict, repr=False, compare=False)

    @property
    def dated(self) -> Bools:
        """(case,): whether the dates can be used."""
        return self.no_dates.equals("")

    @property
    def last_image(self) -> Ints:
        """(case,): day of the last images after baseline, NO_DAY where there are none."""
        if "last_image" not in self._kept:
            self._kept["last_image"] = self.last_day[:, 1:].max(axis=1, initial=NO_DAY)
        return self._kept["last_image"]

    def repeated(self, times: int, policy: Mapping[str, str]) -> Followed:
        """Return the cases one after the other, several times, under other policies."""
        return Followed(
            exists=np.tile(self.exists, (times, 1)),
            first_day=np.tile(self.first_day, (times, 1)),
            last_day=np.tile(self.last_day, (times, 1)),
            adequate=np.tile(self.adequate, (times, 1)),
            start=np.tile(self.start, times),
            died=np.tile(self.died, times),
            alive=np.tile(self.alive, times),
            new_therapy=np.tile(self.new_therapy, times),
            no_dates=replace(self.no_dates, codes=np.tile(self.no_dates.codes, times)),
            vital_known=self.vital_known,
            policy=policy,
        )


def at_rank(days: Ints, rank: Ints) -> Ints:
    """Return the day of each case's visit, NO_DAY where the rank is negative."""
    found = days[np.arange(len(rank)), rank]
    return choose(rank >= 0, found, NO_DAY)


def _latest(day: Ints, where: Bools) -> Ints:
    """Return the latest day of each case's visits at which a flag is set, else NO_DAY."""
    found = np.full(len(day), NO_DAY, dtype=np.int64)
    for rank in range(day.shape[1]):
        np.maximum(found, day[:, rank], out=found, where=where[:, rank])
    return found


def _last_adequate(followed: Followed, overall: Ints, limit: Ints, *, before: bool) -> Ints:
    """Return the last adequate visit on or before (or strictly before) a day, else the start."""
    fine = evaluable(overall) & (followed.adequate != 0)
    in_time = followed.last_day < limit[:, None] if before else followed.last_day <= limit[:, None]
    last = _latest(followed.last_day, fine & in_time)
    return choose(last == NO_DAY, followed.start, last)


def _censoring_day(followed: Followed, overall: Ints) -> tuple[Ints, Words]:
    """Return where a case without event is censored, and the words for it."""
    if followed.policy["last_assessment"] == "last_evaluable":
        last = _last_adequate(followed, overall, np.full_like(followed.start, 2**62), before=False)
        none = last == followed.start
        words = "censored at the last evaluable images"
    else:
        last = followed.last_image
        none = last == NO_DAY
        words = "censored at the last images"
    day = choose(none, followed.start, last)
    cases = [
        (followed.start == NO_DAY, UNKNOWN_START),
        (none, "censored at the start: no assessment after baseline"),
    ]
    return day, first_of(cases, words)


def progression_times(
    followed: Followed, overall: Ints, *, deaths: bool, start: Ints | None = None
) -> Times:
    """Return the time to first PD (and, with `deaths`, to death without it).

    Parameters
    ----------
    overall : (case, rank) the response whose first PD counts
    start : (case,) another start than the study's, for the duration of response
    """
    begin = followed.start if start is None else start
    rank = first_progression(overall)
    progressed = rank >= 0
    dead = (followed.died != NO_DAY) & deaths
    event = progressed | dead
    day = choose(progressed, at_rank(followed.first_day, rank), followed.died)
    censored, words = _censoring_day(followed, overall)
    end = choose(event, day, censored)
    told = Words(rank, tuple(f"PD at follow-up {n}" for n in range(overall.shape[1])))
    cases: list[tuple[Bools, str | Words]] = [(progressed, told), (dead, "death without PD")]
    if not deaths:
        longer = Words(words.codes, tuple(f"death without PD: {word}" for word in words.words))
        cases.append((followed.died != NO_DAY, longer))
    reason = first_of(cases, words)
    end, event, reason = _apply_scheme(followed, overall, end, event, reason)
    if start is not None:  # a scheme may censor before the response that the duration starts from
        end = choose(event, end, np.maximum(end, begin))
    return _settle(followed, Times(begin, end, event, reason))


def _apply_scheme(
    followed: Followed, overall: Ints, end: Ints, event: Bools, reason: Words
) -> tuple[Ints, Bools, Words]:
    """Censor earlier for new therapy and for missed visits, where the scheme says so."""
    if followed.policy["new_therapy"] == "censor":
        therapy = followed.new_therapy
        hit = (therapy != NO_DAY) & (end > therapy)
        day = _last_adequate(followed, overall, therapy, before=False)
        end, event = choose(hit, np.minimum(end, day), end), event & ~hit
        text = "censored at the last adequate visit on or before new therapy"
        reason = first_of([(hit, text)], reason)
    if followed.policy["missed_visits"] == "censor_after_2":
        missed, day = _missed_visits(followed, overall, end)
        hit = event & (missed > ALLOWED_MISSED)
        end, event = choose(hit, day, end), event & ~hit
        text = " visits missed before the event: censored at the last adequate visit"
        reason = first_of([(hit, spelled(missed, lambda n: f"{n}{text}"))], reason)
    return end, event, reason


def _missed_visits(followed: Followed, overall: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Return how many scheduled visits in a row were missed before a day, and the last made.

    A visit is missed when its whole window passed after the last adequate images and before the
    event without any.
    """
    interval = int(followed.policy["visit_interval_days"])
    window = int(followed.policy["visit_window_days"])
    last = _last_adequate(followed, overall, end, before=True)
    closed = (end - followed.start - window - 1) // interval  # windows closed before the event
    covered = np.maximum((last - followed.start + window) // interval, 0)  # due by the last images
    return closed - covered, last


def hepatic_progression_times(followed: Followed, hepatic: Ints, overall: Ints) -> Times:
    """Return the time to first hepatic PD or death; extrahepatic PD by policy."""
    times = progression_times(followed, hepatic, deaths=True)
    if followed.policy["hepatic_pfs_extrahepatic_pd"] == "ignore":
        return times
    rank = first_progression(overall)
    day = at_rank(followed.first_day, rank)
    hit = (rank >= 0) & (day < times.end)
    return Times(
        times.start,
        choose(hit, day, times.end),
        times.event & ~hit,
        first_of([(hit, "censored at extrahepatic PD")], times.reason),
    )


def survival_times(followed: Followed, start: Ints) -> Times:
    """Return the time to death; else censored where last known alive, or at the last images."""
    images = choose(followed.dated, followed.last_day.max(axis=1), NO_DAY)
    dead = followed.died != NO_DAY
    alive = np.maximum(followed.alive, images)
    reason = first_of(
        [
            (dead, "death"),
            (alive == NO_DAY, "neither died nor known to be alive"),
            (images > followed.alive, "censored at last images"),
        ],
        "censored at last known alive",
    )
    end = choose(dead, followed.died, alive)
    if not followed.vital_known:
        end, dead = np.full_like(end, NO_DAY), np.zeros_like(dead)
        reason = one_word("no_dates: no table of subjects", len(end))
    return _checked(Times(start, end, dead, reason))


def post_progression_times(followed: Followed, overall: Ints) -> Times:
    """Return the time from first PD to death, for those with PD only."""
    rank = first_progression(overall)
    times = survival_times(followed, at_rank(followed.first_day, rank))
    none = rank < 0
    times = Times(
        choose(none, NO_DAY, times.start),
        choose(none, NO_DAY, times.end),
        times.event,
        first_of([(none, "no PD: not in this endpoint")], times.reason),
    )
    return _settle(followed, times)


def duration_times(followed: Followed, overall: Ints, response_rank: Ints) -> Times:
    """Return the time from first response to PD or death, for responders only."""
    none = response_rank < 0
    start = at_rank(followed.last_day, response_rank)
    times = progression_times(followed, overall, deaths=True, start=start)
    return Times(
        choose(none, NO_DAY, times.start),
        choose(none, NO_DAY, times.end),
        times.event,
        first_of([(none & followed.dated, "no response: not in this endpoint")], times.reason),
    )


def _settle(followed: Followed, times: Times) -> Times:
    """Leave out the answers of cases whose dates cannot be used."""
    fault = ~followed.dated
    reason = first_of([(fault, followed.no_dates)], times.reason)
    return _checked(
        Times(times.start, choose(fault, NO_DAY, times.end), times.event & ~fault, reason)
    )


def _checked(times: Times) -> Times:
    """Leave out answers without a start, or that end before they start; say so."""
    no_start = (times.start == NO_DAY) & (times.end != NO_DAY)
    backwards = (times.end != NO_DAY) & (times.end < times.start)
    bad = no_start | backwards
    reason = first_of(
        [
            (no_start, UNKNOWN_START),
            (backwards, "dates_backwards: ends before it starts"),
        ],
        times.reason,
    )
    return Times(times.start, choose(bad, NO_DAY, times.end), times.event & ~bad, reason)
