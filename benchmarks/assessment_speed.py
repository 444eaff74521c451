"""Assessing a lesion table beside sorting it: time, memory, and how both grow.

    python benchmarks/assessment_speed.py [--rows 1000000] [--repeats 3] [--probabilities]

The table has one reader, five lesions and about five visits a subject, ids as categories, lengths
with uncertainties, dates. Sorting (by subject, lesion and timepoint) and assessing (schema checks,
selection, responses, outcomes, events, reasons in words) take turns, so that what else the machine
does falls on both; the medians of processor time are compared. `--probabilities` works these out
too. Memory is the peak of the process over what it held before the first call, as a multiple of
the table.
"""

from __future__ import annotations

import argparse
import gc
import resource
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import pandas as pd

LESIONS, VISITS = 5, 5
KEY = ["subject_id", "lesion_id", "timepoint"]


def lesion_table(rows: int, seed: int = 5) -> pd.DataFrame:
    """Return a table of about so many rows, in random order, ids as categories."""
    random = np.random.default_rng(seed)
    subjects = max(1, rows // (LESIONS * VISITS))
    shape = (subjects, LESIONS, VISITS)
    subject, lesion, visit = (axis.ravel() for axis in np.indices(shape))
    first = random.uniform(10, 90, shape[:2])[:, :, None]
    factors = np.cumprod(random.normal(0.95, 0.2, shape).clip(0.3, 1.9), axis=2)
    viable = np.round(first * factors / factors[:, :, :1], 1)
    viable[random.random(shape) < 0.03] = 0.0
    viable[random.random(shape) < 0.02] = np.nan
    hepatic = lesion < 3
    lengths = viable.ravel()
    names = pd.Categorical.from_codes
    day = pd.Timestamp("2020-01-06") + pd.to_timedelta(91 * visit + subject % 7, unit="D")
    table = pd.DataFrame(
        {
            "subject_id": names(subject, [f"S{number:06d}" for number in range(subjects)]),
            "reader": names(np.zeros(subject.size, dtype=np.int8), ["auto"]),
            "lesion_id": names(lesion, [f"L{number}" for number in range(LESIONS)]),
            "timepoint": visit,
            "organ": names(np.where(hepatic, 0, lesion - 2), ["liver", "lung", "bone"]),
            "site": names(np.where(hepatic, 0, 1), ["hepatic", "extrahepatic"]),
            "node": names(np.zeros(subject.size, dtype=np.int8), ["none"]),
            "viable_diameter_mm": np.where(hepatic, lengths, np.nan),
            "whole_diameter_mm": lengths,
            "u_viable_diameter": np.where(hepatic, 0.8, np.nan),
            "u_whole_diameter": 0.8,
            "scan_on": day,
        }
    )
    unread = names(np.where(np.isnan(lengths), 0, -1), ["not_evaluable"])
    table["status"] = unread
    return table.iloc[random.permutation(len(table))].reset_index(drop=True)


def seconds(act: Callable[[], object]) -> float:
    """Return the processor time that a call takes: a busy machine counts less so."""
    gc.collect()
    begun = time.process_time()
    act()
    return time.process_time() - begun


def compare(
    table: pd.DataFrame, assess: Callable[[pd.DataFrame], object], repeats: int
) -> tuple[float, float]:
    """Return the medians of sorting and assessing, taken in turns."""
    sorting, assessing = [], []
    for _ in range(repeats):
        sorting.append(seconds(lambda: table.sort_values(KEY)))
        assessing.append(seconds(lambda: assess(table)))
    return median(sorting), median(assessing)


def peak_bytes() -> int:
    """Return the most memory that this process ever held."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Print one line per size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--probabilities", action="store_true")
    given = parser.parse_args()
    from assessment import assess

    def answer(table: pd.DataFrame) -> object:
        return assess(table, probabilities=given.probabilities)

    sizes = [size for size in (10_000, 100_000) if size < given.rows]
    answer(lesion_table(1000))  # imports and caches
    print(f"{'rows':>9} {'sort, s':>8} {'assess, s':>9} {'ratio':>6} {'us a row':>8} {'memory':>7}")
    for rows in [*sizes, given.rows]:
        table = lesion_table(rows)
        before = peak_bytes()
        sort_s, assess_s = compare(table, answer, given.repeats)
        share = (peak_bytes() - before) / table.memory_usage(deep=True).sum()
        print(
            f"{rows:>9} {sort_s:>8.3f} {assess_s:>9.2f} {assess_s / sort_s:>6.1f} "
            f"{1e6 * assess_s / rows:>8.1f} {share:>6.1f}x",
            flush=True,
        )


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this script, where `assessment` would be the script itself
    main()
