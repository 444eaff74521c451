"""Who enters the analysis under the published analysis' rules, and the counts of the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from assessment.code import NO_DAY, Bools, Ints, Texts
from assessment.endpoints import Followed, at_rank, last_image
from assessment.policy import policy_data
from assessment.response import first_progression
from assessment.visit_array import first_rank

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
    code: Texts


def exclude(followed: Followed, overall: Ints) -> Excluded:
    """Return who is left out; a subject without usable dates is kept, and says so.

    Source: the published analysis' methods; six months are 183 days, inclusive.
    """
    limit = int(policy_data()["exclusion"]["days"])
    later = followed.exists.copy()
    later[:, 0] = False
    none = ~later.any(axis=1)
    first = at_rank(followed.first_day, np.where(none, -1, first_rank(later)))
    fault = (followed.no_dates != "") | (followed.start == NO_DAY)
    usable = ~none & ~fault
    late = usable & (np.where(usable, first - np.where(usable, followed.start, 0), 0) > limit)
    dead = usable & (followed.died != NO_DAY) & (first_progression(overall) < 0)
    gap = np.where(dead, followed.died, 0) - np.where(dead, last_image(followed), 0)
    code = np.select(
        [none, fault, late, dead & (gap > limit)],
        [
            "no_followup_images",
            "no_dates",
            "no_followup_within_6_months",
            "imaging_gap_before_death",
        ],
        "analysed",
    ).astype(object)
    return Excluded(np.asarray((code == "analysed") | (code == "no_dates")), code)


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
