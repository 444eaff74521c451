"""Lengths from pixels against the tables' own: bias, SD and limits by shape, size and modality."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pandas as pd

from sumdiam.demo.comparison import matched_lengths

COLUMNS = (
    "quantity", "by", "group", "n", "missing", "bias_mm", "sd_mm", "lower_mm", "upper_mm",
    "largest_mm", "flagged_percent", "unflagged_off",
)  # fmt: skip
SIZES_MM = (0.0, 5.0, 10.0, 20.0, 40.0, 80.0, float("inf"))
NORMAL_95 = 1.959963984540054


def accuracy_table(measurements: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return how far lengths are off, one row per quantity and group.

    Parameters
    ----------
    measurements : of a run
    truth : DataFrame
        Of `input_table.true_lengths`.

    Notes
    -----
    ``lower_mm`` and ``upper_mm`` are 95 % limits of agreement, bias - 1.96 SD and + 1.96 SD.
    ``unflagged_off`` counts errors beyond 1.5 mm and 5 % without a flag. Lesions that read 0 by
    truth (nothing viable) are a group of their own and left out of all others.
    """
    lengths = matched_lengths(measurements, truth)
    rows = [
        {"quantity": quantity, "by": by, "group": group} | _errors(part)
        for quantity, own in lengths.groupby("quantity", sort=True)
        for by, group, part in _groups(own)
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    whole = ("n", "missing", "unflagged_off")
    text = ("quantity", "by", "group")
    types = dict.fromkeys(whole, "Int64") | dict.fromkeys(text, "string")
    return frame.astype({name: types.get(name, "float64") for name in COLUMNS})


def _groups(lengths: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yield the groups of one quantity."""
    some = lengths[lengths["value_mm"] > 0]
    yield "all", "all", some
    for name, column in (("shape", "shape"), ("modality", "modality")):
        for word, part in some.groupby(column, sort=True):
            yield name, str(word), part
    for low, high in pairwise(SIZES_MM):
        inside = (some["value_mm"] > low) & (some["value_mm"] <= high)
        if inside.any():
            yield "size", size_words(low, high), some[inside]
    nothing = lengths[lengths["value_mm"] == 0]
    if len(nothing):
        yield "all", "0 mm by truth", nothing


def size_words(low_mm: float, high_mm: float) -> str:
    """Return a class of `SIZES_MM` in words."""
    return f"over {low_mm:g} mm" if high_mm == SIZES_MM[-1] else f"{low_mm:g} to {high_mm:g} mm"


def _errors(part: pd.DataFrame) -> dict[str, Any]:
    """Return the numbers of one group."""
    errors = part["error_mm"].dropna()
    bias, sd = float(errors.mean()), float(errors.std())
    return {
        "n": len(part),
        "missing": len(part) - len(errors),
        "bias_mm": bias,
        "sd_mm": sd,
        "lower_mm": bias - NORMAL_95 * sd,
        "upper_mm": bias + NORMAL_95 * sd,
        "largest_mm": float(errors.abs().max()),
        "flagged_percent": 100.0 * float(part["flagged"].mean()),
        "unflagged_off": int((part["off"] & ~part["flagged"]).sum()),
    }
