"""A catalogue on the screen: what there is, what is left out, what is doubtful."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sumdiam.archive.catalogue import Catalogue
from sumdiam.archive.catalogue_table import study_modalities
from sumdiam.archive.date_check import study_days
from sumdiam.archive.problem import Problem
from sumdiam.archive.problem_line import problem_lines

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 25
"""So many rows of a printed table; the files hold all."""
_WIDTH = 110


def show_catalogue(
    catalogue: Catalogue,
    subjects: Mapping[str, str],
    tables: Mapping[str, pd.DataFrame],
    problems: Sequence[Problem],
) -> None:
    """Print what a person wants to know of archives before a run.

    Parameters
    ----------
    subjects : mapping
        Study UID to subject.
    tables : mapping
        As `catalogue_tables` returns them.
    """
    console = _console()
    lengths = sum(report.header.lengths for report in catalogue.reports)
    stated = f", {len(catalogue.reports)} reports with {lengths} lengths" if lengths else ""
    console.print(
        f"{catalogue.files_found:,} files, {catalogue.dicom_files:,} of them DICOM: "
        f"{len(set(subjects.values()))} subjects, {len(catalogue.studies())} studies, "
        f"{len(catalogue.series)} volumes, {len(catalogue.masks)} mask files{stated}",
        highlight=False,
    )
    kinds = ("modality", "volumes", "slices", "refused")
    people = ("subject", "studies", "first", "last", "modality", "volumes", "masks")
    unused = ("state", "reason", "files", "what it says", "first file")
    _print_table(console, "Series by modality", _modality_rows(tables["series"]), kinds)
    _print_table(console, "Subjects", _subject_rows(catalogue, subjects), people)
    _print_table(console, "Not used", _reason_rows(tables["not_used"]), unused)
    for line in problem_lines(problems, "problems.csv"):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _modality_rows(series: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return volumes, slices and refused series of each modality."""
    rows: list[tuple[str, ...]] = []
    for modality, own in series.groupby(series["modality"].fillna("none"), sort=True):
        read = own["state"] == "read"
        slices = int(own.loc[read, "slices"].sum())
        rows.append((str(modality), f"{read.sum()}", f"{slices:,}", f"{(~read).sum() or ''}"))
    return rows


def _subject_rows(catalogue: Catalogue, subjects: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Return what there is of each subject."""
    days, kinds = study_days(catalogue), study_modalities(catalogue)
    studies: dict[str, list[str]] = {}
    for uid in catalogue.studies():
        studies.setdefault(subjects.get(uid, "no subject"), []).append(uid)
    volumes = Counter(one.study_uid for one in catalogue.series)
    masks = Counter(one.header.study_uid for one in catalogue.masks)
    rows: list[tuple[str, ...]] = []
    for subject, uids in sorted(studies.items()):
        dates = sorted(day for uid in uids for day in days.get(uid, ()))
        modalities = sorted({kind for uid in uids for kind in kinds.get(uid, ())})
        rows.append(
            (subject, f"{len(uids)}", *((f"{dates[0]}", f"{dates[-1]}") if dates else ("-", "-")),
             " ".join(modalities), f"{sum(volumes[uid] for uid in uids)}",
             f"{sum(masks[uid] for uid in uids)}")
        )  # fmt: skip
    return rows


def _reason_rows(not_used: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return how many files are not used for each reason, with an example."""
    rows = []
    for (state, code), own in not_used.groupby(["state", "reason_code"], sort=True):
        said = str(own["sentence"].iloc[0]).partition(". ")[0]
        rows.append((str(state), str(code), f"{len(own):,}", said, str(own["file"].iloc[0])))
    return sorted(rows, key=lambda row: (row[0] != "refused", row[1]))


def _print_table(
    console: Console, title: str, rows: Sequence[tuple[str, ...]], columns: Sequence[str]
) -> None:
    """Print a table, the first rows of a long one; nothing where there is no row."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return
    more = f" (first {SHOWN} of {len(rows)})" if len(rows) > SHOWN else ""
    shown = Table(title=f"{title}{more}", title_justify="left", box=box.SIMPLE_HEAD)
    for number, name in enumerate(columns):
        counts = rows[0][number].replace(",", "").isdigit() and number > 0
        shown.add_column(name, justify="right" if counts else "left", overflow="fold")
    for row in rows[:SHOWN]:
        shown.add_row(*(Text(cell) for cell in row))
    console.print(shown)


def _console() -> Console:
    """Return the standard output: as wide as the terminal, or wide enough for a file."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)
