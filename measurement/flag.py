"""Reasons to doubt a measurement: a code, a sentence, and the value behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass

NOTES = frozenset({"registered", "gap_curve_jumps"})
"""Codes that a reviewer should see and that are no doubt by themselves. Breathing moves nearly
every liver, and what is left over after registration has a flag of its own. Where necrosis decides
a length, the gap that was allowed does; a length that is near to such a jump is `length_sensitive`.
"""


@dataclass(frozen=True, slots=True)
class Flag:
    """One reason to doubt a number; shown to a reviewer, written as ``code(value)``."""

    code: str
    sentence: str
    value: float | None = None

    def written(self) -> str:
        """Return the cell text of this flag, such as ``low_cnr(1.31)``."""
        return self.code if self.value is None else f"{self.code}({self.value:.4g})"


def is_doubtful(cell: object) -> bool:
    """Whether a cell of flags, such as ``low_cnr(1.31);registered(0.5)``, holds more than notes."""
    if not isinstance(cell, str):
        return False  # nothing, or what tables have for it
    codes = (re.sub(r"\(.*", "", part).strip() for part in cell.split(";"))
    return any(code and code not in NOTES for code in codes)
