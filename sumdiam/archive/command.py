"""`sumdiam scan`: what archives hold, printed and saved before anything is measured."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import typer

from sumdiam.archive.catalogue import Catalogue
from sumdiam.archive.catalogue_screen import show_catalogue
from sumdiam.archive.catalogue_table import catalogue_tables
from sumdiam.archive.clinical import date_problems, read_subject_map, read_subjects
from sumdiam.archive.clinical_check import clinical_problems, death_problems
from sumdiam.archive.date_check import archive_problems, subject_scans
from sumdiam.archive.folder import ArchiveError
from sumdiam.archive.problem import Problem
from sumdiam.archive.scan import ScanOptions, scan_archives
from sumdiam.archive.subject import StudySubjects, id_problems, study_subjects
from sumdiam.batch.progress import Stage, reporter_for_screen
from sumdiam.export.table_file import TABLE_SUFFIXES, write_one, write_table
from sumdiam.store.lock import run_lock

EXIT_DONE, EXIT_REFUSED = 0, 3
CATALOGUE = "catalogue"


def scan_command(
    archives: Sequence[Path],
    *,
    out: Path,
    subjects: Path | None = None,
    subject_map: Path | None = None,
    workers: int = 2,
    check_digests: bool = False,
    allow_gaps: tuple[str, ...] = (),
) -> int:
    """Scan archives, print a summary, save the catalogue.

    Parameters
    ----------
    archives : folders, zip or tar files
    out : Path
        A folder, or a file ``.csv`` or ``.parquet`` for the table of series alone.
    subjects, subject_map : CSV files, optional
        Held against the images.
    workers : int
        Processes that read headers.
    check_digests : bool
        Whether to compare the content of files that look unchanged.
    allow_gaps : series UIDs
        Series that are read although slices are missing.

    Returns
    -------
    int
        0, or 3 where something is refused.
    """
    _check_place(archives, out)
    table = read_subjects(subjects) if subjects is not None else None
    mapping = read_subject_map(subject_map) if subject_map is not None else None
    with _working_folder(out) as folder, reporter_for_screen() as reporter:
        options = ScanOptions(
            folder=folder,
            workers=workers,
            digests=check_digests,
            check_digests=check_digests,
            allow_gaps=allow_gaps,
        )
        with reporter.stage("scan") as stage:
            catalogue = scan_archives(archives, options=options, progress=_counting(stage))
        owners = study_subjects(catalogue, mapping)
        origin = "" if subjects is None else subjects.name
        problems = _problems(catalogue, owners, table, origin)
        tables = catalogue_tables(catalogue, owners, problems)
        if _is_file(out):
            write_one(tables["series"], out)
        else:
            for name, frame in tables.items():
                write_table(frame, out / CATALOGUE / name)
    show_catalogue(catalogue, owners.subjects, tables, problems)
    typer.echo(f"Saved: {out}" if _is_file(out) else f"Saved: {out / CATALOGUE}")
    return EXIT_REFUSED if any(problem.refused for problem in problems) else EXIT_DONE


def _problems(
    catalogue: Catalogue, owners: StudySubjects, table: pd.DataFrame | None, origin: str
) -> tuple[Problem, ...]:
    """Return what a person should know of the archives, and of the table held against them."""
    problems = [*catalogue.problems, *owners.problems, *archive_problems(catalogue, owners)]
    if table is not None:
        scans = subject_scans(catalogue, owners.subjects)
        problems += id_problems(table["subject_id"], owners.subjects.values())
        problems += date_problems(table, origin=origin)
        problems += death_problems(table, scans, origin=origin)
        problems += clinical_problems(table, scans, origin=origin)
    return tuple(problems)


def _is_file(out: Path) -> bool:
    """Return whether the table of series is wanted as one file."""
    return out.suffix.lower() in TABLE_SUFFIXES


def _check_place(archives: Sequence[Path], out: Path) -> None:
    """Refuse to write into the archive itself, which is only read."""
    for archive in archives:
        if archive.is_dir() and out.resolve() == archive.resolve():
            msg = f"--out {out}: this is the archive, which is only read. Name another folder."
            raise ArchiveError(msg)


@contextmanager
def _working_folder(out: Path) -> Iterator[Path]:
    """Hand out the folder for the index and for what is unpacked."""
    if _is_file(out):
        with tempfile.TemporaryDirectory(prefix="sumdiam-") as folder:
            yield Path(folder)
    else:
        with run_lock(out):
            yield out


def _counting(stage: Stage) -> Callable[[int, int], None]:
    """Return a function that turns "so many of so many" into steps of a stage."""
    before = 0

    def count(done: int, total: int) -> None:
        nonlocal before
        stage.expect(total)
        stage.advance(done - before)
        before = done

    return count
