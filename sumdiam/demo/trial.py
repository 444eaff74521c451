"""The small simulated trial as it is written down in `data/trial.toml`."""

from __future__ import annotations

import datetime as dt
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

SHAPES = ("ball", "ellipsoid", "ring", "crescent", "islands", "node", "dead", "empty")


class TrialError(ValueError):
    """The trial's data contradict themselves; the message names subject and lesion."""


@dataclass(frozen=True, slots=True)
class Look:
    """A lesion at one visit: its shape, its length in mm, and how it looks later on.

    ``mm`` is what mRECIST measures (see trial.toml); for ``dead`` it is the size of the whole.
    ``late`` is ``washout`` or ``bright`` (against liver in the portal venous phase) or empty.
    """

    shape: str
    mm: float
    late: str = ""


@dataclass(frozen=True, slots=True)
class DemoLesion:
    """A lesion over all visits; None where it is not there yet.

    ``cnr`` is its contrast-to-noise ratio where lesions are planted in a real scan.
    """

    lesion_id: str
    organ: str
    course: tuple[Look | None, ...]
    cnr: float | None = None

    @property
    def hepatic(self) -> bool:
        """Whether it lies in the liver."""
        return self.organ == "liver"

    @property
    def first_seen(self) -> int:
        """Number of the visit at which it is first there."""
        return next(number for number, look in enumerate(self.course) if look is not None)


@dataclass(frozen=True, slots=True)
class Truth:
    """What was judged by hand: words per follow-up, and (days, event) per endpoint."""

    target: tuple[str, ...]
    nontarget: tuple[str, ...]
    overall: tuple[str, ...]
    best: str
    events: dict[str, tuple[int, bool]]
    first_pd: int | None


@dataclass(frozen=True, slots=True)
class DemoSubject:
    """A subject: dates as days from randomisation, lesions, findings, truth."""

    subject_id: str
    number: int
    arm: str
    randomised_on: dt.date
    started: int
    died: int | None
    alive_until: int | None
    visits: tuple[int, ...]
    unreadable: tuple[int, ...]
    borderline: tuple[int, ...]
    pixel_mm: float
    covariates: dict[str, str]
    lesions: tuple[DemoLesion, ...]
    findings: tuple[dict[str, Any], ...]
    truth: Truth

    def day(self, days: int) -> dt.date:
        """Return the date so many days after randomisation."""
        return self.randomised_on + dt.timedelta(days=days)

    def lesions_at(self, visit: int) -> list[tuple[DemoLesion, Look]]:
        """Return the lesions that have a segment at a visit, with their look."""
        looks = ((lesion, lesion.course[visit]) for lesion in self.lesions)
        return [(lesion, look) for lesion, look in looks if look is not None]

    def phases_at(self, visit: int) -> tuple[str, ...]:
        """Return the phases of a study: a portal venous one wherever a new liver lesion shows."""
        new = any(lesion.hepatic and 0 < lesion.first_seen <= visit for lesion in self.lesions)
        late = ("portal_venous",) if new or self.number % 4 == 0 else ()
        return ("native", "late_arterial", *late)


def load_trial() -> tuple[DemoSubject, ...]:
    """Return the subjects of the simulated trial, in order.

    Raises
    ------
    TrialError
        If a course or the truth does not fit the visits.
    """
    data = _read("trial.toml")
    return tuple(
        _subject(entry, number, data["arms"]) for number, entry in enumerate(data["subject"], 1)
    )


def load_real_subject() -> DemoSubject:
    """Return the subject whose lesions are planted in a real scan."""
    data = _read("real.toml")
    return _subject(data["subject"], 1, data["arms"])


def _read(name: str) -> dict[str, Any]:
    """Read one of the trial's data files."""
    return tomllib.loads(files("sumdiam.demo").joinpath("data", name).read_text(encoding="utf-8"))


def _subject(entry: dict[str, Any], number: int, arms: dict[str, str]) -> DemoSubject:
    """Build one subject and check it against its visits."""
    subject_id, visits = entry["id"], tuple(entry["visits"])
    lesions = tuple(_lesion(lesion, subject_id, len(visits)) for lesion in entry["lesion"])
    names = ("age_years", "sex", "aetiology", "child_pugh")
    unreadable = tuple(entry.get("unreadable", ()))
    return DemoSubject(
        subject_id=subject_id,
        number=number,
        arm=arms[entry["arm"]],
        randomised_on=entry["randomised_on"],
        started=entry["started"],
        died=entry.get("died"),
        alive_until=entry.get("alive_until"),
        visits=visits,
        unreadable=unreadable,
        borderline=tuple(entry.get("borderline", ())),
        pixel_mm=entry["pixel_mm"],
        covariates={name: str(entry[name]) for name in names},
        lesions=lesions,
        findings=tuple(entry.get("finding", ())),
        truth=_truth(entry["truth"], subject_id, len(visits) - 1 - len(unreadable)),
    )


def _lesion(entry: dict[str, Any], subject_id: str, visits: int) -> DemoLesion:
    """Build one lesion from its course."""
    course = tuple(_look(text.strip(), subject_id) for text in entry["course"].split(";"))
    if len(course) != visits:
        msg = f"{subject_id} {entry['id']}: {len(course)} looks for {visits} visits"
        raise TrialError(msg)
    return DemoLesion(entry["id"], entry["organ"], course, entry.get("cnr"))


def _look(text: str, subject_id: str) -> Look | None:
    """Read ``-``, ``empty``, ``<shape> <mm>`` or ``<shape> <mm> <late>``."""
    words = text.split()
    if words == ["-"]:
        return None
    if words[0] not in SHAPES:
        msg = f"{subject_id}: shape {words[0]!r} is none of {', '.join(SHAPES)}"
        raise TrialError(msg)
    if words == ["empty"]:
        return Look("empty", 0.0)
    return Look(words[0], float(words[1]), words[2] if len(words) > 2 else "")


def _truth(entry: dict[str, Any], subject_id: str, follow_ups: int) -> Truth:
    """Build the truth and check that every readable follow-up has its words."""
    words = {name: tuple(entry[name]) for name in ("target", "nontarget", "overall")}
    if {len(given) for given in words.values()} != {follow_ups}:
        msg = f"{subject_id}: truth needs {follow_ups} words each"
        raise TrialError(msg)
    events = {name.upper(): (entry[name][0], entry[name][1]) for name in ("pfs", "ttp", "os")}
    return Truth(**words, best=entry["best"], events=events, first_pd=entry.get("first_pd"))
