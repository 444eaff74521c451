"""The closing words of a run: what was read, refused, measured and flagged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from measurement.flag import is_doubtful
from measurement.pivot import KEY, leading_quantity
from sumdiam.archive.problem import Problem
from sumdiam.archive.problem_line import problem_lines
from sumdiam.store.settlement import DecisionOutcome, still_asked
from sumdiam.store.workspace import LedgerEntry

EXIT_DONE = 0
EXIT_REFUSED = 3
SHOWN = 40
"""How many lines of one kind are printed; the rest is in the tables."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run ended with.

    Parameters
    ----------
    studies : the ledger's entries that were planned
    problems : what a person should know of the input
    decisions : every decision and what became of it
    lesions : lesions with at least one accepted measurement, counted at every timepoint
    flagged : those of them with a flag on the quantity that they count with
    responses : one line per rule set and reader
    report : the HTML file
    """

    studies: tuple[LedgerEntry, ...]
    problems: tuple[Problem, ...]
    decisions: tuple[DecisionOutcome, ...]
    lesions: int
    flagged: int
    responses: tuple[str, ...]
    report: Path

    def count(self, *states: str) -> int:
        """Return how many studies are in one of these states."""
        return sum(study.state in states for study in self.studies)

    @property
    def exit_code(self) -> int:
        """0, or 3 where anything was refused: a file, a study, a subject's dates, a decision."""
        refused = (
            self.count("done") < len(self.studies)
            or any(problem.refused for problem in self.problems)
            or any(decision.state == "refused" for decision in self.decisions)
        )
        return EXIT_REFUSED if refused else EXIT_DONE

    def lines(self) -> list[str]:
        """Return the summary, line by line."""
        failed = self.count("failed", "quarantined")
        lines = [
            f"Studies: {len(self.studies)} found, {self.count('done')} measured, "
            f"{self.count('refused')} refused" + (f", {failed} failed" if failed else "")
        ]
        lines += _some(
            [
                f"  {'refused' if s.state == 'refused' else 'failed'}: {s.subject_id or '-'}, "
                f"study {s.study_uid}: {s.reason} [{s.reason_code}]"
                for s in self.studies
                if s.state != "done"
            ],
            "studies",
        )
        told = {study.study_uid for study in self.studies if study.state != "done"}
        rest = [p for p in self.problems if told.isdisjoint(re.split(r"[\s,]+", p.where))]
        lines += _some(problem_lines(rest, "tables/problems.csv"), "problems")
        lines += _some(
            [
                f"  decision of {d.decided_by} on {d.measurement_id} revision {d.revision} is "
                f"{d.state}: {d.message}"
                for d in still_asked(self.decisions)
            ],
            "decisions",
        )
        lines.append(
            f"Lesions: {self.lesions} measured (counted at every timepoint), "
            f"{self.flagged} flagged for a second look"
        )
        return [*lines, *self.responses, f"Report: {self.report}"]


def count_lesions(latest: pd.DataFrame, lesions: pd.DataFrame) -> tuple[int, int]:
    """Return how many lesions are measured, and how many of them need a second look.

    Parameters
    ----------
    latest : DataFrame
        The last revision of each measurement.
    lesions : DataFrame
        The lesion table; tells by which quantity a lesion counts.

    Notes
    -----
    A lesion is flagged by its leading quantity alone: a doubtful perpendicular, or a whole diameter
    in the liver, enters no sum of mRECIST. A note that says what was done is no doubt.
    """
    accepted = latest[latest["accepted"].astype(bool)]
    key = list(KEY)
    kinds = zip(lesions["site"].astype(str), lesions["node"].astype(str), strict=True)
    words = pd.array([leading_quantity(*kind) for kind in kinds], dtype="string")
    leading = lesions[key].assign(quantity=words)
    counted = accepted.merge(leading, on=[*key, "quantity"])
    flagged = counted[counted["flags"].map(is_doubtful).astype(bool)]
    return len(accepted.drop_duplicates(key)), len(flagged.drop_duplicates(key))


def _some(lines: list[str], table: str) -> list[str]:
    """Return the first lines, and where the others are."""
    if len(lines) <= SHOWN:
        return lines
    return [*lines[:SHOWN], f"  and {len(lines) - SHOWN} more: see tables/{table}.csv"]
