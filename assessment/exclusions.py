"""Who enters the analysis under the published analysis' rules, and the counts of the others."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from assessment.code import NO_DAY, Bools, Ints, choose
from assessment.endpoints import Followed, at_rank
from assessment.policy import policy_data
from assessment.response import first_progression
from assessment.visit_array import rank_of_first
from assessment.words import Words, first_of

REASONS = {
    "analysed": "analysed",
    "no_followup_images": "no images after baseline",
    "no_followup_within_6_months": "no follow-up images within 6 months (183 days) of the start",
    "imaging_gap_before_death": "more than 6 months (183 days) without images before death, no PD",
    "no_dates": "no_dates: the rules cannot be applied",
}


@dataclass(frozen=True, slots=True)
class Excluded:
    """Per case: whether it is analysed, and the code of `REASONS`."""

    analysed: Bools
    code: Words


def exclude(followed: Followed, overall: Ints) -> Excluded:
    """Return who is left out; a subject without usable dates is kept, and says so.

    Source: the published analysis' methods; six months are 183 days, inclusive.
    """
    limit = int(policy_data()["exclusion"]["days"])
    later = followed.exists.copy()
    later[:, 0] = False
    none = rank_of_first(later) < 0
    first = at_rank(followed.first_day, rank_of_first(later))
    fault = ~followed.dated | (followed.start == NO_DAY)
    usable = ~none & ~fault
    late = usable & (choose(usable, first - choose(usable, followed.start, 0), 0) > limit)
    dead = usable & (followed.died != NO_DAY) & (first_progression(overall) < 0)
    gap = choose(dead, followed.died, 0) - choose(dead, followed.last_image, 0)
    code = first_of(
        [
            (none, "no_followup_images"),
            (fault, "no_dates"),
            (late, "no_followup_within_6_months"),
            (dead & (gap > limit), "imaging_gap_before_death"),
        ],
        "analysed",
    )
    return Excluded(code.is_any(["analysed", "no_dates"]), code)


def exclusion_counts(exclusions: pd.DataFrame) -> pd.DataFrame:
    """Return how many subjects each reason left out, and how many are analysed; they add up.

    Returns
    -------
    DataFrame
        reader, criteria, policy_id, code, reason, n; one row per code, zero counts included.
    """
    keys = ["reader", "criteria", "policy_id"]
    counts = exclusions.groupby([*keys, "code"], observed=True).size()
    groups = exclusions[keys].drop_duplicates().sort_values(keys)
    rows = [
        (*group, code, REASONS[code], int(counts.get((*group, code), 0)))
        for group in groups.itertuples(index=False, name=None)
        for code in REASONS
    ]
    return pd.DataFrame(rows, columns=[*keys, "code", "reason", "n"])
