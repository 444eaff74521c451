"""A smaller trial: so many of the analysed patients, and those left out in proportion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from sumdiam.demo.cohort.table import Cohort
from sumdiam.demo.imaged.subject import share_of
from sumdiam.demo.trial import TrialError


def selected(cohort: Cohort, patients: int | None, *, short: bool = False) -> Cohort:
    """Return a cohort of so many analysed patients; the whole one for None.

    Parameters
    ----------
    patients : int, optional
        Of the 177 who are analysed, in proportion by arm and best response; of those who are left
        out as many as belong to them, by arm and number of images.
    short : bool
        Of every stratum those with the fewest outlines over all visits, in place of any: quicker
        to measure, and less like the trial.

    Raises
    ------
    TrialError
        If the cohort has not so many.
    """
    if patients is None:
        return cohort
    analysed = cohort.plan["subject_id"].astype(str).tolist()
    if not 1 <= patients <= len(analysed):
        msg = f"{patients} patients asked for: ask for 1 to {len(analysed)}"
        raise TrialError(msg)
    arms = cohort.subjects.set_index("subject_id")["arm"].astype(str)
    scans = cohort.timepoints["subject_id"].value_counts()
    best = cohort.plan.set_index("subject_id")["best_response"].astype(str)
    size = cohort.lesions["subject_id"].value_counts() + scans if short else scans * 0
    size = size.reindex(arms.index, fill_value=0)
    taken = _drawn({name: f"{arms[name]} {best[name]}" for name in analysed}, patients, size)
    others = sorted(set(arms.index) - set(analysed))
    count = round(patients * len(others) / len(analysed))
    taken |= _drawn({name: f"{arms[name]} {scans[name]}" for name in others}, count, size)
    return replace(
        cohort,
        **{
            name: _of(getattr(cohort, name), taken)
            for name in ("subjects", "timepoints", "lesions", "plan")
        },
    )


def _of(frame: pd.DataFrame, names: set[str]) -> pd.DataFrame:
    """Return the rows of these subjects."""
    return frame[frame["subject_id"].isin(names)].reset_index(drop=True)


def _drawn(strata: dict[str, str], count: int, size: pd.Series[int]) -> set[str]:
    """Return so many names, each stratum in proportion (largest remainders), seeded within.

    Parameters
    ----------
    size : by name; the smaller ones of a stratum come first
    """
    groups: dict[str, list[str]] = {}
    for name in sorted(strata, key=lambda name: (size[name], share_of("selection", name))):
        groups.setdefault(strata[name], []).append(name)
    return {
        name
        for stratum, wanted in _shares({k: len(v) for k, v in groups.items()}, count).items()
        for name in groups[stratum][:wanted]
    }


def _shares(sizes: dict[str, int], count: int) -> dict[str, int]:
    """Return how many of each stratum make up a count in proportion."""
    whole = sum(sizes.values())
    exact = {name: count * size / whole for name, size in sizes.items()} if whole else {}
    found = {name: int(part) for name, part in exact.items()}
    order: Sequence[str] = sorted(exact, key=lambda name: (found[name] - exact[name], name))
    for name in order[: count - sum(found.values())]:
        found[name] += 1
    return found
