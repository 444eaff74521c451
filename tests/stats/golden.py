"""Numbers computed by R, read from fixtures/r (script survival.R, versions in versions.csv)."""

from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).parents[2] / "fixtures" / "r"
CASES = (
    "lung", "veteran", "all_censored", "one_event", "all_events", "ties", "near_ties", "flat_half",
    "flat_half_end", "zero_time", "three_groups", "one_gone",
)  # fmt: skip


def golden(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{name}.csv", float_precision="round_trip")


def data_of(case: str) -> pd.DataFrame:
    return golden(f"data_{case}")
