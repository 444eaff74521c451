"""Lesions that seem to have exchanged their ids between two visits: each lies where another lay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from sumdiam.archive import reason
from sumdiam.archive.problem import Problem
from sumdiam.batch.edit import AUTO

CODE = "lesions_exchanged"
FAR_MM = 20.0
"""By their ids, lesions that were exchanged lie at least so far from where they lay..."""

NEAR_MM = 10.0
"""...and each no further than this from where another one of them lay."""

_LENGTHS = ("whole_diameter", "viable_diameter", "node_short_axis")
_ENDS = [f"end{number}_{axis}_mm" for number in (1, 2) for axis in "xyz"]
_VISIT = ["subject_id", "reader", "timepoint"]
Place = tuple[str, NDArray[np.float64]]


def exchanged_lesions(measurements: pd.DataFrame, masks: pd.DataFrame) -> tuple[Problem, ...]:
    """Return a warning for all lesions of two successive visits that lie in each other's places.

    Parameters
    ----------
    measurements : typed table `Measurements`; the last revision of each counts
    masks : typed table `Masks`
        Lesions whose mask a person decided on are not called exchanged.

    Notes
    -----
    A lesion's place is the middle of its caliper. Only where lesions lie to each other is compared:
    the mean of those that both visits show is taken out, so that no registration is needed, and one
    lesion alone says nothing. Ids still win; what they say is only doubted.
    """
    persons = set(masks.loc[masks["decided_by"] != AUTO, "mask_id"].astype(str))
    visits: dict[tuple[str, str], dict[int, dict[str, Place]]] = defaultdict(dict)
    for _, rows in _placed(measurements).groupby(_VISIT, sort=True):
        first = rows.iloc[0]
        reading = (str(first["subject_id"]), str(first["reader"]))
        visits[reading][int(first["timepoint"])] = _places(rows)
    problems = []
    for (subject, reader), by_timepoint in visits.items():
        for earlier, later in pairwise(sorted(by_timepoint)):
            found = _exchanged(by_timepoint[earlier], by_timepoint[later])
            if not found or any(by_timepoint[later][name][0] in persons for name in found):
                continue
            where = f"subject {subject}, reader {reader}, timepoint {later}"
            pairs = sorted(found.items())
            moves = ", ".join(f"{one} lies where {other} lay" for one, other in pairs)
            said = f"{reason.sentence(CODE)} ({moves} at timepoint {earlier})"
            problems.append(Problem(CODE, where, said))
    return tuple(problems)


def _placed(measurements: pd.DataFrame) -> pd.DataFrame:
    """Return the lengths in force that have two ends."""
    last = measurements.drop_duplicates("measurement_id", keep="last")
    wanted = last["accepted"].astype(bool) & last["quantity"].isin(_LENGTHS)
    return last[wanted].dropna(subset=_ENDS)


def _places(rows: pd.DataFrame) -> dict[str, Place]:
    """Return mask and middle (x, y, z) in LPS mm of every lesion of a visit: of its whole first."""
    order = {name: rank for rank, name in enumerate(_LENGTHS)}
    first = rows.assign(rank=rows["quantity"].map(order)).sort_values(["lesion_id", "rank"])
    first = first.drop_duplicates("lesion_id")
    middles = first[_ENDS].to_numpy(float).reshape(-1, 2, 3).mean(axis=1)
    names = zip(first["lesion_id"].astype(str), first["mask_id"].astype(str), strict=True)
    return {lesion: (mask, at) for (lesion, mask), at in zip(names, middles, strict=True)}


def _exchanged(earlier: Mapping[str, Place], later: Mapping[str, Place]) -> dict[str, str]:
    """Return which lesion of the later visit lies where which other one lay."""
    names = sorted(earlier.keys() & later.keys())
    if len(names) < 2:
        return {}
    before, after = (np.array([visit[name][1] for name in names]) for visit in (earlier, later))
    before, after = before - before.mean(axis=0), after - after.mean(axis=0)
    apart = np.linalg.norm(after[:, None] - before[None], axis=2)
    return {
        names[i]: names[j]
        for cycle in _cycles(linear_sum_assignment(apart)[1])
        if all(apart[i, i] >= FAR_MM and apart[i, j] <= NEAR_MM for i, j in cycle)
        for i, j in cycle
    }


def _cycles(nearest: NDArray[np.intp]) -> Iterator[list[tuple[int, int]]]:
    """Yield the rounds in which lesions change places: (later, earlier) of each lesion in it."""
    seen: set[int] = set()
    for start in range(len(nearest)):
        cycle = []
        i = start
        while i not in seen:
            seen.add(i)
            cycle.append((i, int(nearest[i])))
            i = int(nearest[i])
        if len(cycle) > 1:
            yield cycle
