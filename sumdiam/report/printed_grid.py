"""Tables of our own report as printed cells, for the consistency check before release."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pandas as pd

from stats.printed_table import COLUMNS
from sumdiam.report.grid import Grid

_NUMBER: Final = r"[\u2212-]?\d+(?:\.\d+)?"
_RANGE: Final = rf"({_NUMBER})\u2013({_NUMBER})"
_GROUP: Final = re.compile(r"^(.*) \(n = (\d+)\)$")
_SHARE: Final = re.compile(rf"^(\d+)/(\d+) \(({_NUMBER}) %(?:; {_RANGE})?\)")
_COUNT: Final = re.compile(rf"^(\d+)(?: \(({_NUMBER}) %\))?$")
_MEDIAN: Final = re.compile(rf"^({_NUMBER}) \({_RANGE}\)")
_TEST: Final = re.compile(r"^([<>]? ?\d\.\d+|[<>] ?\d\.\d+) \((.+)\)$")

Printed = dict[str, str]


def printed_cells(grid: Grid) -> pd.DataFrame:
    """Return the cells of Table 1 or of the response table as `stats.consistency` reads them.

    Parameters
    ----------
    grid : Grid
        Of `sumdiam.report.group_grid`: its first column names characteristics and their levels,
        columns such as ``A (n = 12)`` are groups, ``p (test)`` holds p values.

    Returns
    -------
    DataFrame of text
        Counts, percentages, exact limits, medians with their limits, and p values with their tests.
        Means, ratios and differences between arms are left out: nothing printed recomputes them.
    """
    rows: list[Printed] = []
    variable = ""
    for row in grid.rows:
        texts = [cell.text.replace("\u00a0", " ").strip() for cell in row.cells]
        inner = row.kind.startswith("level")
        variable = variable if inner else texts[0]
        level = texts[0] if inner else ""
        for heading, text in zip(grid.columns[1:], texts[1:], strict=True):
            place = {"table": grid.name, "variable": variable, "level": level}
            rows += [place | one for one in _cell(heading, text, is_level=inner)]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=object).fillna("").astype(str)


def _cell(heading: str, text: str, *, is_level: bool) -> Iterator[Printed]:
    """Yield the numbers of one cell."""
    test = _TEST.match(text)
    if heading == "p (test)":
        if test:
            yield {"statistic": "p", "printed": test[1], "test": test[2]}
        return
    group = _GROUP.match(heading)
    if not group:
        return
    arm = {"arm": "" if group[1] == "Overall" else group[1], "n": group[2]}
    arm["partition"] = "true" if is_level else ""
    share, count, median = _SHARE.match(text), _COUNT.match(text), _MEDIAN.match(text)
    if share:
        arm["n"] = share[2]
        yield from _numbers(arm, ("k", share[1]), ("percent", share[3]))
        if share[4]:
            exact = arm | {"test": "Clopper-Pearson"}
            yield from _numbers(exact, ("ci_low", share[4]), ("ci_high", share[5]))
    elif count:
        yield from _numbers(arm, ("k", count[1]), ("percent", count[2]))
    elif median:
        arm["partition"] = ""
        limits = (("ci_low", median[2]), ("ci_high", median[3]))
        yield from _numbers(arm, ("estimate", median[1]), *limits)


def _numbers(place: Printed, *numbers: tuple[str, str | None]) -> Iterator[Printed]:
    """Yield one row per number that is there."""
    for statistic, printed in numbers:
        if printed is not None:
            yield place | {"statistic": statistic, "printed": printed}
