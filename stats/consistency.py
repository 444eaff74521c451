"""What a printed paper says against itself: one verdict per printed cell, with the reason.

Percentages, limits and p values are recomputed from the counts beside them; sums over arms and
levels, repeated fractions and intervals are held against each other. Nothing here knows a paper or
a disease: what belongs together is said by the columns of the table.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import pandas as pd

from stats.consistency_count import count_findings, sum_findings
from stats.consistency_interval import interval_findings
from stats.consistency_p import p_findings
from stats.finding import FAULTS, VERDICTS, Finding, Word, gravest
from stats.printed_paper import Paper
from stats.printed_table import COLUMNS, Printed, PrintedTableError, read_printed


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on one row of the input (counted from 0), and why."""

    row: int
    verdict: Word
    reason: str

    @property
    def is_fault(self) -> bool:
        """Whether a person should look at the cell."""
        return self.verdict in FAULTS


def check_paper(printed: pd.DataFrame) -> tuple[Verdict, ...]:
    """Verdicts on the printed cells of a paper, one per row and in their order.

    Parameters
    ----------
    printed : DataFrame of text, one row per printed cell
        ``table``, ``variable``, ``level`` (empty: the variable itself, such as its p), ``arm``
        (empty: overall), ``n``, ``statistic`` (k, percent, ci_low, ci_high, estimate, p),
        ``printed`` (as printed), ``test``, ``partition`` (true: the levels exclude each other and
        add up to n), ``excludes`` (``variable=level`` that no same subject can have; several
        parted by semicolons).

    Returns
    -------
    tuple of Verdict
        Words of `stats.finding.VERDICTS`; where several things are found about a row, the gravest
        decides and all that weigh as much are told.

    Raises
    ------
    PrintedTableError
        If the table cannot be checked as handed in: columns, statistics, n, names.

    Notes
    -----
    ``impossible`` is kept for a cell that its own counts deny, whatever the method of rounding or
    of the interval. What contradicts other cells is ``inconsistent``. That a percentage must be one
    of n is the GRIM test (Brown and Heathers 2017, Soc Psychol Personal Sci 8:363).

    Examples
    --------
    >>> rows = [("k", "61"), ("percent", "79.2"), ("ci_low", "73.0"), ("ci_high", "91.2")]
    >>> frame = pd.DataFrame(rows, columns=["statistic", "printed"]).assign(
    ...     table="2", variable="Disease control", level="", arm="A", n="73", test="",
    ...     partition="", excludes="")
    >>> [one.verdict for one in check_paper(frame)]
    ['consistent', 'impossible', 'consistent', 'consistent']
    """
    table = read_printed(printed)
    paper = Paper.of(table)
    findings = [*_unread(table), *count_findings(paper), *sum_findings(paper)]
    truncation = any(found.verdict == "truncated" for found in findings)
    findings += [*interval_findings(paper), *p_findings(paper, truncation=truncation)]
    by_row: dict[int, list[Finding]] = defaultdict(list)
    for found in findings:
        by_row[found.row].append(found)
    return tuple(_verdict(index, by_row[index]) for index in range(len(table.rows)))


def _unread(table: Printed) -> list[Finding]:
    """Return rows that hold no number."""
    numbered = {cell.row for cell in table.cells}
    found = []
    for index, row in enumerate(table.rows):
        if row.problem:
            found.append(Finding(index, "unreadable", row.problem))
        elif index not in numbered:
            found.append(Finding(index, "not_recomputable", "no number is printed"))
    return found


def _verdict(row: int, findings: list[Finding]) -> Verdict:
    """Return the gravest verdict of a row with the reasons for it."""
    word = gravest(findings)
    reasons = dict.fromkeys(found.reason for found in findings if found.verdict == word)
    return Verdict(row, word, "; ".join(reasons))


__all__ = [
    "COLUMNS",
    "FAULTS",
    "VERDICTS",
    "PrintedTableError",
    "Verdict",
    "check_paper",
]
