"""Tables of printed cells for tests, written short."""

from pathlib import Path

import pandas as pd

from stats.consistency import COLUMNS, Verdict, check_paper

SEED = Path(__file__).parents[2] / "fixtures" / "seed"


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(SEED / name, dtype=str, keep_default_na=False)


def table(rows: list[dict[str, object]]) -> pd.DataFrame:
    usual = dict.fromkeys(COLUMNS, "") | {"variable": "X"}
    filled = [{name: str(text) for name, text in (usual | row).items()} for row in rows]
    return pd.DataFrame(filled, columns=list(COLUMNS))


def cell(statistic: str, printed: str, n: int | str = "", **others: object) -> dict[str, object]:
    return {"statistic": statistic, "printed": printed, "n": n, **others}


def verdicts(rows: list[dict[str, object]]) -> list[str]:
    return [one.verdict for one in check_paper(table(rows))]


def last(rows: list[dict[str, object]]) -> Verdict:
    return check_paper(table(rows))[-1]
