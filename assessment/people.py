"""Dates of the subjects as whole days, and where their time starts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from assessment.code import NO_DAY, Bools, Ints, days_of
from assessment.visits import Visits

DATE_COLUMNS = (
    "randomised_on", "treatment_started_on", "died_on", "last_known_alive_on", "new_therapy_on",
    "data_cutoff_on",
)  # fmt: skip
ORIGINS = {"randomised_on": "randomisation", "treatment_started_on": "start of treatment"}


@dataclass(frozen=True, slots=True)
class People:
    """Arrays (subject,) of days since 1970-01-01, NO_DAY where unknown.

    Attributes
    ----------
    handed_in : whether there is a table of subjects at all
    listed : which subjects it lists
    origin : where time starts, in words
    start, died, alive, new_therapy, cutoff : days; `alive`: last known to be
    """

    handed_in: bool
    listed: Bools
    origin: str
    start: Ints
    died: Ints
    alive: Ints
    new_therapy: Ints
    cutoff: Ints


def make_people(visits: Visits, subjects: pd.DataFrame | None) -> People:
    """Return each subject's dates in the order of the visits; nothing after the cut-off counts.

    Time starts at randomisation; where the study has none, at the start of treatment; else at the
    baseline scan. One origin holds for the whole study.
    """
    n = len(visits.words)
    days = {name: np.full(n, NO_DAY, dtype=np.int64) for name in DATE_COLUMNS}
    listed = np.zeros(n, dtype=bool)
    if subjects is not None:
        place = np.searchsorted(visits.subject_id, subjects["subject_id"].to_numpy(dtype=object))
        listed[place] = True
        for name in DATE_COLUMNS:
            days[name][place] = days_of(subjects[name])
    baseline = np.where(visits.exists[:, 0] & visits.dated, visits.last_day[:, 0], NO_DAY)
    start, origin = baseline, "baseline scan"
    for name, words in reversed(ORIGINS.items()):
        if (days[name] != NO_DAY).any():
            start, origin = days[name], words
    cutoff = days["data_cutoff_on"]
    has_cutoff = cutoff != NO_DAY
    died_late = has_cutoff & (days["died_on"] > cutoff)
    alive = np.where(died_late, cutoff, days["last_known_alive_on"])
    alive = np.where(has_cutoff & (alive != NO_DAY), np.minimum(alive, cutoff), alive)
    therapy = days["new_therapy_on"]
    return People(
        handed_in=subjects is not None,
        listed=listed,
        origin=origin,
        start=start,
        died=np.where(died_late, NO_DAY, days["died_on"]),
        alive=alive,
        new_therapy=np.where(has_cutoff & (therapy > cutoff), NO_DAY, therapy),
        cutoff=cutoff,
    )
