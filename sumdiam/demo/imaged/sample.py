"""A sample of measurements for a reviewer: every shape, size and modality, flagged and not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pandas as pd

from sumdiam.demo.comparison import matched_lengths
from sumdiam.demo.imaged.accuracy import NORMAL_95, SIZES_MM, size_words
from sumdiam.demo.imaged.subject import share_of

REVIEWED = 40
ONE_EACH = ["subject_id", "lesion_id", "timepoint"]
MARGINS = ("shape", "size", "modality", "doubt", "subject_id")
"""What a sample is balanced by; the last so that few patients are not seen over and over."""
NOTHING_VIABLE = "0 mm"
SIZES = [NOTHING_VIABLE, *(size_words(low, high) for low, high in pairwise(SIZES_MM))]
"""The classes of size in rising order."""
DOUBTS = {True: "flagged", False: "not flagged"}
COLUMNS = (
    "measurement_id", "subject_id", "lesion_id", "timepoint", "quantity", "shape", "size",
    "modality", "doubt", "value_mm", "value", "error_mm", "lower_mm", "upper_mm", "within_limits",
    "pixel_mm", "slice_mm", "flags", "reason",
)  # fmt: skip


def measured_lesions(measurements: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return one row per lesion and visit: the length that it counts with, truth, limits.

    Parameters
    ----------
    measurements : of a run
    truth : of `input_table.true_lengths`

    Notes
    -----
    In the liver the viable diameter, elsewhere the whole one, of nodes the short axis. Limits are
    the measured length ± 1.96 standard uncertainties, not below 0 mm; missing where none is told.
    """
    lengths = matched_lengths(measurements, truth)
    rank = lengths["quantity"].map({"viable_diameter": 0, "node_short_axis": 0}).fillna(1)
    lengths = lengths.assign(rank=rank).sort_values([*ONE_EACH, "rank"], ignore_index=True)
    lengths = lengths.drop_duplicates(ONE_EACH, keep="first")
    known = measurements.sort_values("revision").drop_duplicates("measurement_id", keep="last")
    key = [*ONE_EACH, "quantity"]
    known = known.loc[known["reader"] == "auto", [*key, "measurement_id", "standard_uncertainty"]]
    lengths = lengths.merge(known, on=key, how="left")
    half = NORMAL_95 * lengths["standard_uncertainty"].astype("float64")
    half = half.where(half > 0.0)  # of nothing viable no width is told
    value = lengths["value"].astype("float64")
    lower, upper = (value - half).clip(lower=0.0), value + half
    within = (lengths["value_mm"] >= lower) & (lengths["value_mm"] <= upper)
    found = lengths.assign(
        size=lengths["value_mm"].map(_size),
        doubt=lengths["flagged"].map(DOUBTS),
        lower_mm=lower,
        upper_mm=upper,
        within_limits=within.astype("boolean").where(lower.notna()),
    )
    return found[list(COLUMNS)]


def review_sample(lesions: pd.DataFrame, count: int = REVIEWED) -> pd.DataFrame:
    """Return so many measured lesions, balanced over shapes, sizes, modalities and flags.

    Parameters
    ----------
    lesions : of `measured_lesions`
    count : all, in the same order, where there are no more

    Notes
    -----
    One after another, that one is taken whose shape, size, modality, flag and patient were taken
    least often so far; chance, seeded by its name, decides among equals. So rare kinds are seen as
    often as common ones, and the sample's shares are not those of the trial.
    """
    taken: list[int] = []
    seen = {name: Counter[str]() for name in MARGINS}
    rows = {
        int(place): (row, share_of("review", *(str(row[name]) for name in ONE_EACH)))
        for place, row in zip(lesions.index, lesions.to_dict("records"), strict=True)
    }
    while rows and len(taken) < count:
        best = min(
            rows,
            key=lambda at: (
                sum(seen[name][str(rows[at][0][name])] for name in MARGINS),
                rows[at][1],
            ),
        )
        row, _ = rows.pop(best)
        for name in MARGINS:
            seen[name][str(row[name])] += 1
        taken.append(best)
    order = ["shape", "size", *ONE_EACH]
    return lesions.loc[taken].sort_values(order, ignore_index=True)


def shares(lesions: pd.DataFrame, sample: pd.DataFrame) -> Iterator[tuple[str, str, int, int]]:
    """Yield what is sampled: kind, level, how many of it in the sample and in the trial."""
    for kind in MARGINS[:-1]:
        whole = lesions[kind].value_counts().sort_index()
        if kind == "size":
            whole = whole.reindex([level for level in SIZES if level in whole.index])
        for level, n in whole.items():
            yield kind, str(level), int((sample[kind] == level).sum()), int(n)


def _size(length_mm: float) -> str:
    """Return the class of size of a true length."""
    if length_mm == 0.0:
        return NOTHING_VIABLE
    return next(size_words(low, high) for low, high in pairwise(SIZES_MM) if length_mm <= high)
