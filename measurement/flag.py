"""Reasons to doubt a measurement: a code, a sentence, and the value behind it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flag:
    """One reason to doubt a number; shown to a reviewer, written as ``code(value)``."""

    code: str
    sentence: str
    value: float | None = None

    def written(self) -> str:
        """Return the cell text of this flag, such as ``low_cnr(1.31)``."""
        return self.code if self.value is None else f"{self.code}({self.value:.4g})"
