"""`sumdiam demo`: make a trial with known answers, run the main job on it, compare."""

from __future__ import annotations

import time
from pathlib import Path

import typer

from sumdiam import __version__
from sumdiam.batch.progress import Reporter, reporter_for_screen
from sumdiam.batch.run import run
from sumdiam.batch.settings import RunSettings, usable_processors
from sumdiam.demo.archive import write_archive
from sumdiam.demo.comparison import Comparison, compare
from sumdiam.demo.imaged.command import trial_command
from sumdiam.demo.real import write_planted
from sumdiam.demo.trial import TrialError, load_trial
from sumdiam.demo.truth_table import TruthTables, truth_tables, write_inputs
from sumdiam.demo.written_mark import is_written, mark_written
from sumdiam.export.table_file import read_table, write_table

EXIT_EQUAL, EXIT_DIFFERENT = 0, 1
_COMPARED = ("measurements", "responses", "outcomes", "events")


def chosen_demo(
    *,
    out: Path,
    real: Path | None = None,
    subjects: int = 24,
    trial: str | None = None,
    patients: int | None = None,
    short: bool = False,
    workers: int | None = None,
) -> int:
    """Run the demo that the options ask for; see `demo_command` and `imaged.trial_command`.

    Raises
    ------
    TrialError
        If options of two demos are given.
    """
    if trial is None and patients is not None:
        msg = "--patients goes with --trial soramic; the small trial has --subjects"
        raise TrialError(msg)
    if short and patients is None:
        msg = "--short goes with --patients: say how many of --trial soramic"
        raise TrialError(msg)
    workers = workers or usable_processors()
    if trial is None:
        return demo_command(out=out, real=real, subjects=subjects, workers=workers)
    if real is not None:
        msg = "--trial and --real make different archives: give one of them"
        raise TrialError(msg)
    return trial_command(out=out, patients=patients, short=short, workers=workers)


def demo_command(
    *, out: Path, real: Path | None = None, workers: int = 2, subjects: int = 24
) -> int:
    """Write a trial, run the main job on it, print measured against truth.

    Parameters
    ----------
    out : Path
        Gets ``archive/``, ``subjects.csv``, ``findings.csv``, ``truth_*.csv`` and ``run/``.
    real : Path, optional
        Folder of one portal venous CT: one subject's lesions are planted in it, in place of the
        simulated trial.
    subjects : how many of the trial's subjects

    Returns
    -------
    int
        0 where every category equals the truth, else 1.
    """
    started = time.monotonic()
    with reporter_for_screen() as reporter:
        if real is not None:
            truth = _write_planted(out, real, reporter)
        else:
            truth = _write_trial(out, subjects, workers, reporter)
        written_s = time.monotonic() - started
        summary = run(_settings(out, workers, planted=real is not None), reporter)
    found = compare_run(out / "run", truth)
    typer.echo("\n".join(summary.lines()))
    typer.echo("\nMeasured against truth:")
    typer.echo("\n".join(f"  {line}" for line in found.lines()))
    whole_s = time.monotonic() - started
    typer.echo(
        f"\nArchive written in {written_s:.0f} s, run in {whole_s - written_s:.0f} s. "
        f"Differences: {out / 'run' / 'tables' / 'demo_differences.csv'}"
    )
    typer.echo(f"Report: {summary.report}")
    return EXIT_EQUAL if found.categories_equal else EXIT_DIFFERENT


def compare_run(run_folder: Path, truth: TruthTables) -> Comparison:
    """Compare the tables of a run with the truth and write the comparison beside them."""
    tables = {name: read_table(run_folder / "tables" / name) for name in _COMPARED}
    found = compare(tables, truth)
    write_table(found.summary, run_folder / "tables" / "demo_comparison")
    write_table(found.differences, run_folder / "tables" / "demo_differences")
    return found


def _settings(out: Path, workers: int, *, planted: bool) -> RunSettings:
    """Return the call of the main job."""
    return RunSettings(
        archives=(out / "archive",),
        out=out / "run",
        subjects=out / "subjects.csv",
        findings=None if planted else out / "findings.csv",
        workers=workers,
        title="Lesions planted in a real CT" if planted else "Simulated trial",
        simulated=True,
    )


def _write_trial(out: Path, count: int, workers: int, reporter: Reporter) -> TruthTables:
    """Write the first so many subjects, unless they are there already."""
    subjects = load_trial()[:count]
    if len(subjects) < count or count < 1:
        msg = f"{count} subjects asked for; the trial has {len(load_trial())}. Ask for 1 to that."
        raise TrialError(msg)
    mark = {"subjects": count, "version": __version__}
    if not is_written(out, mark):
        mark_written(out, {"unfinished": "demo"})  # so that a stopped one is not taken for whole
        with reporter.stage("write archive", len(subjects)) as stage:
            write_archive(
                subjects, out / "archive", workers=workers, progress=lambda _: stage.advance()
            )
        write_inputs(subjects, out)
        mark_written(out, mark)
    return truth_tables(subjects)


def _write_planted(out: Path, series: Path, reporter: Reporter) -> TruthTables:
    """Plant a subject's lesions in a real series."""
    is_written(out, {})
    mark_written(out, {"unfinished": "demo"})
    with reporter.stage("plant lesions", 1) as stage:
        planted = write_planted(series, out / "archive")
        stage.advance()
    write_inputs([planted.subject], out, planted.truth)
    reporter.say(planted.noise_sentence())
    return planted.truth
