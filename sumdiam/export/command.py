"""`sumdiam assess`: from a lesion table that somebody made to responses, outcomes and events."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd
import typer

from assessment.response_table import Timepoints
from measurement.table import TableError, parse_text
from sumdiam.archive.clinical import read_subjects
from sumdiam.archive.csv_text import read_text
from sumdiam.export.arm import arm_table
from sumdiam.export.policy_file import policy_set
from sumdiam.export.table_file import write_table
from sumdiam.export.workbook import write_workbook

if TYPE_CHECKING:
    from assessment import Assessment

TABLES = ("selections", "policies", "responses", "outcomes", "events", "exclusions", "warnings")


class OutputError(OSError):
    """The folder for the tables cannot be written."""


_COUNTED = (
    "CR", "PR", "SD", "PD", "iCR", "iPR", "iSD", "iUPD", "iCPD", "NE", "NON-CR/NON-PD",
    "iNON-CR/NON-PD", "NED",
)  # fmt: skip


def assess_command(
    lesions: Path,
    *,
    out: Path,
    timepoints: Path | None = None,
    subjects: Path | None = None,
    criteria: Sequence[str] = ("mrecist",),
    policies: str = "default",
    select: Literal["given", "auto"] = "given",
    scheme: str | None = None,
    control_arm: str | None = None,
) -> int:
    """Assess a lesion table, write every derived table to ``out`` and print a short summary.

    Parameters
    ----------
    policies
        Name of a policy set, or a TOML file: ``set = "seed"``, then ``policy = "value"`` lines.
    select
        ``given``: a role that the table gives wins; ``auto``: the rules choose the targets.
    control_arm
        The arm that others are compared with, in the table ``arms``; the first by name where None.

    Returns
    -------
    int
        Exit code 0.

    Raises
    ------
    ValueError
        Of `measurement.table.TableError` or of `assessment`: a file or a name cannot be used.
    OutputError
        The folder cannot be written.
    """
    from assessment import assess, read_lesions

    _spare_inputs([lesions, timepoints, subjects], out)
    table = read_lesions(read_text(lesions), lesions.name)
    visits = _read_timepoints(timepoints) if timepoints else None
    if not len(table) and (visits is None or not len(visits)):
        msg = f"{lesions.name}: a header and no row, so nothing to assess. Is it the right file?"
        raise TableError(msg)
    people = read_subjects(subjects) if subjects else None
    arms = arm_table(people, control_arm)
    found = assess(
        table,
        timepoints=visits,
        subjects=people,
        criteria=tuple(criteria),
        policies=policy_set(policies),
        scheme=scheme,
        select=select,
    )
    try:
        write_assessment(table, found, arms, out)
    except OSError as error:
        msg = f"{out}: cannot be written ({error.strerror}). Choose another folder for --out."
        raise OutputError(msg) from None
    typer.echo("\n".join(summary(found)))
    typer.echo(f"Tables and workbook: {out}")
    return 0


def write_assessment(
    lesions: pd.DataFrame, found: Assessment, arms: pd.DataFrame, out: Path
) -> None:
    """Write the lesion table as read, everything derived from it, the arms, and the workbook."""
    frames = {"lesions": lesions} | {name: getattr(found, name) for name in TABLES}
    frames |= {"arms": arms}
    for name, frame in frames.items():
        write_table(frame, out / name)
    shown = ("lesions", "selections", "responses", "outcomes", "events", "policies")
    write_workbook({name: frames[name] for name in shown}, out / "sumdiam.xlsx")


def summary(found: Assessment) -> list[str]:
    """Return a few lines: per rule set and reader the best responses, then the warnings."""
    lines = []
    for key, group in found.outcomes.groupby(["criteria", "policy_id", "reader"], sort=True):
        criteria, policy_id, reader = key
        counts = group["best_response"].value_counts()
        told = ", ".join(f"{word} {counts[word]}" for word in _COUNTED if word in counts)
        lines.append(
            f"{criteria} (policies {policy_id}), reader {reader}: "
            f"{_counted(len(group), 'subject')}, best response {told or 'none'}"
        )
    doubtful = int(found.responses["within_error_of_cutoff"].fillna(value=False).sum())
    responses = _counted(len(found.responses), "response")
    lines.append(f"{responses} (baselines are counted too), {doubtful} within error of a cut-off")
    if len(found.warnings):
        lines.append(f"{_counted(len(found.warnings), 'warning')}: see warnings.csv")
    return lines


def _counted(number: int, word: str) -> str:
    """Write a number of things."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def _spare_inputs(given: Sequence[Path | None], out: Path) -> None:
    """Refuse to write over a table that was handed in, such as lesions.csv with ``--out .``."""
    written = {(out / f"{name}.csv").resolve() for name in ("lesions", *TABLES, "arms")}
    for path in given:
        if path is not None and path.resolve() in written:
            msg = f"{path.name}: --out would write over it. Choose another folder."
            raise OutputError(msg)


def _read_timepoints(path: Path) -> pd.DataFrame:
    """Read a table of visits."""
    needed = ("subject_id", "timepoint")
    return parse_text(read_text(path), Timepoints, origin=path.name, required=needed)
