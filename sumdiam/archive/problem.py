"""Something a person should know about the input: what, where, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about the input that does not end the run.

    Parameters
    ----------
    code : str
        Reason code.
    where : str
        File name, subject, study, series or mask id; never a name of a person.
    sentence : str
        What is wrong and how to mend it.
    refused : bool
        True where data are not used because of it (exit code 3), False where it is a warning.
    """

    code: str
    where: str
    sentence: str
    refused: bool = False

    def written(self) -> str:
        """Return the line that a person reads."""
        return f"{self.where}: {self.sentence} [{self.code}]"
