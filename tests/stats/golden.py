"""Numbers computed by R, read from fixtures/r (its scripts; versions in versions.csv).

R's own data sets are not in the repository: `data_of` lets R write them, where R is installed.
"""

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

FOLDER = Path(__file__).parents[2] / "fixtures" / "r"


def golden(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{name}.csv", float_precision="round_trip")


def data_of(case: str) -> pd.DataFrame:
    """Return the input of a golden; without R, a test of R's own data is skipped (not in CI)."""
    if (FOLDER / f"data_{case}.csv").is_file():
        return golden(f"data_{case}")
    if shutil.which("Rscript") is None and os.environ.get("CI") != "true":
        pytest.skip("no Rscript: R's own data sets need r-base-core and r-cran-survival")
    return _data_sets_of_r()[case].copy()


@cache
def _data_sets_of_r() -> dict[str, pd.DataFrame]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["Rscript", FOLDER / "cases.R", folder],
            check=True,
            env={**os.environ, "LC_ALL": "C"},
            capture_output=True,
            cwd=FOLDER,
        )
        return {
            path.stem.removeprefix("data_"): pd.read_csv(path, float_precision="round_trip")
            for path in Path(folder).glob("data_*.csv")
        }
