"""What the consistency check says of a printed cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Word = Literal[
    "impossible",
    "inconsistent",
    "test_dependent",
    "not_wald_compatible",
    "unreadable",
    "truncated",
    "rounded",
    "consistent",
    "not_recomputable",
]

VERDICTS: Final[dict[Word, str]] = {
    "impossible": "the cell cannot come from the counts beside it, by any rounding or method",
    "inconsistent": "the cell contradicts others; which of them is wrong cannot be told from it",
    "test_dependent": "the p value, or its side of 0.05, hangs on the choice of test or of levels",
    "not_wald_compatible": "the p value is not the Wald p of the interval beside it",
    "unreadable": "what is printed cannot be read as a number",
    "truncated": "a percentage whose digits were cut off; rounding gives another last digit",
    "rounded": "a percentage that is rounded; cutting off would give another last digit",
    "consistent": "nothing in the table contradicts it",
    "not_recomputable": "only the patients' data could tell",
}
"""Every verdict with its meaning, the gravest first: a row has the gravest of its findings."""

FAULTS: Final[frozenset[Word]] = frozenset(list(VERDICTS)[:6])
"""Verdicts that a person should look at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found about one cell: row of the input (from 0), verdict and reason."""

    row: int
    verdict: Word
    reason: str


def gravest(findings: list[Finding]) -> Word:
    """Return the gravest verdict of some findings."""
    order = list(VERDICTS)
    return min((found.verdict for found in findings), key=order.index, default="not_recomputable")
