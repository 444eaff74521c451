"""`sumdiam demo --trial soramic`: images of the simulated trial, the main job, and the page."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import typer

from stats.plots import encode
from sumdiam import __version__
from sumdiam.batch.progress import Reporter, reporter_for_screen
from sumdiam.batch.run import run
from sumdiam.batch.settings import RunSettings
from sumdiam.demo.cohort.rederived import rederive
from sumdiam.demo.cohort.table import Cohort, load_cohort
from sumdiam.demo.imaged.accuracy import accuracy_table
from sumdiam.demo.imaged.archive import write_trial_archive
from sumdiam.demo.imaged.cost import COMPILING, TrialCost, size_mb, trial_cost, write_archive_cost
from sumdiam.demo.imaged.figure import draw_responders
from sumdiam.demo.imaged.input_table import true_lengths, write_trial_inputs
from sumdiam.demo.imaged.outcome import differing, measured_patients, run_tables
from sumdiam.demo.imaged.page import PageContent, write_page
from sumdiam.demo.imaged.reproduced import as_frame, counted, reproduced
from sumdiam.demo.imaged.review_page import summary as review_summary
from sumdiam.demo.imaged.review_page import write_review
from sumdiam.demo.imaged.sample import measured_lesions, review_sample
from sumdiam.demo.imaged.selection import selected
from sumdiam.demo.imaged.subject import imaged_subjects
from sumdiam.demo.written_mark import is_written, mark_written
from sumdiam.export.table_file import write_table
from sumdiam.report.figure_file import encode_beside, write_figures
from sumdiam.step_clock import StepClock

EXIT_EQUAL, EXIT_DIFFERENT = 0, 1
TITLE = "Simulated trial after the published one"
PAGE, REVIEW, REPORT = (
    "printed_against_reproduced.html", "reviewed_measurements.html", "report.html"
)  # fmt: skip


def trial_command(
    *, out: Path, patients: int | None = None, short: bool = False, workers: int = 2
) -> int:
    """Write the simulated trial's archive, run the main job on it, compare with print and truth.

    Parameters
    ----------
    out : Path
        Gets ``archive/``, ``subjects.csv``, ``findings.csv``, ``truth_measurements.csv``, ``run/``.
    patients : how many of the 177 analysed ones; all, and all who are left out, for None
    short : take those with the fewest outlines to measure

    Returns
    -------
    int
        0 where every patient whose outcome differs from that of the true lengths was called
        doubtful by the run, else 1.
    """
    started = time.monotonic()
    cohort = selected(load_cohort(), patients, short=short)
    mark = {"trial": "soramic", "patients": patients or "all", "version": __version__}
    mark |= {"short": True} if short else {}
    with reporter_for_screen() as reporter:
        _write(cohort, out, mark, workers, reporter)
        written_s = time.monotonic() - started
        summary = run(_settings(out, workers), reporter)
    run_s = time.monotonic() - started - written_s
    content = compare_trial(cohort, out)
    typer.echo("\n".join([*summary.lines(), "", *told(content)]))
    typer.echo("\n".join(_times(content.cost, written_s, run_s)))
    typer.echo(f"Report: {out / 'run' / PAGE}")
    doubted = content.differing["called_doubtful"].all()
    return EXIT_EQUAL if doubted else EXIT_DIFFERENT


def compare_trial(cohort: Cohort, out: Path) -> PageContent:
    """Compare a run over the images of a cohort with print and truth; write tables and page."""
    folder = out / "run"
    tables = run_tables(folder)
    everybody = rederive(load_cohort()).patients
    here = rederive(cohort).patients
    measured = measured_patients(tables, out / "subjects.csv")
    studies = tables["timepoints"]
    truth = true_lengths(imaged_subjects(cohort))
    lesions = measured_lesions(tables["measurements"], truth)
    sample = review_sample(lesions)
    content = PageContent(
        analysed=len(here),
        everybody=len(everybody),
        imaged=len(cohort.subjects),
        rows=reproduced(everybody, here, measured),
        differing=differing(here, measured, tables),
        accuracy=accuracy_table(tables["measurements"], truth),
        doubts=tables["doubts"],
        studies=int(studies["adequate"].fillna(value=False).sum()),
        refused=int((~studies["adequate"].fillna(value=False)).sum()),
        cost=trial_cost(out, len(here)),
        review=review_summary(lesions, sample),
    )
    _write_comparison(content, sample, folder)
    by_factor = {"response_by_factor": draw_responders(measured)}
    svgs = {name: encode(drawing.figure, "svg") for name, drawing in by_factor.items()}
    write_figures(by_factor, svgs, encode_beside(by_factor), folder / "figures")
    write_review(lesions, sample, folder / REVIEW, overlays=folder / "overlays", report=REPORT)
    write_page(content, folder / PAGE, figures=folder / "figures", report=REPORT, review=REVIEW)
    return content


def _write_comparison(content: PageContent, sample: pd.DataFrame, folder: Path) -> None:
    """Write the tables of a comparison beside those of the run."""
    write_table(as_frame(content.rows), folder / "tables" / "printed_against_reproduced")
    write_table(content.differing, folder / "tables" / "demo_differences")
    write_table(content.accuracy, folder / "tables" / "demo_accuracy")
    write_table(sample, folder / "tables" / "demo_reviewed")


def told(content: PageContent) -> list[str]:
    """Return the comparison in sentences for a terminal."""
    lines = [
        f"From pixels ({content.imaged} patients imaged, {content.analysed} of them among the "
        f"{content.everybody} of the analysis):"
    ]
    lines += [
        f"  {row['quantity']} ({row['group']}): n {row['n']}, bias {row['bias_mm']:+.2f}, "
        + (f"SD {row['sd_mm']:.2f}, " if row["n"] > 1 else "")
        + f"largest {row['largest_mm']:.2f} mm; "
        f"{row['flagged_percent']:.1f} % flagged, {row['unflagged_off']} off without a flag, "
        f"{row['missing']} not measured"
        for row in content.accuracy[content.accuracy["by"] == "all"].to_dict("records")
    ]
    odd = content.differing
    names = ", ".join(sorted(odd["subject_id"].unique())) or "none"
    unseen = odd.loc[~odd["called_doubtful"].astype(bool), "subject_id"].nunique()
    lines.append(f"  outcomes that differ from those of the true lengths: {names}")
    if len(odd):
        lines.append(f"  of these not called doubtful: {unseen}")
    tally = counted(row.pixel_verdict for row in content.rows)
    words = "; ".join(f"{word} {n}" for word, n in tally.items())
    against = "print" if content.analysed == content.everybody else "true lengths"
    lines.append(f"  figures of the paper, pixels against {against}: {words}")
    return lines


def _settings(out: Path, workers: int) -> RunSettings:
    """Return the call of the main job."""
    return RunSettings(
        archives=(out / "archive",),
        out=out / "run",
        subjects=out / "subjects.csv",
        findings=out / "findings.csv",
        policies="seed",
        workers=workers,
        title=TITLE,
        simulated=True,
    )


def _write(
    cohort: Cohort, out: Path, mark: Mapping[str, object], workers: int, reporter: Reporter
) -> None:
    """Write archive and tables, unless they are there already."""
    if is_written(out, mark):
        return
    mark_written(out, {"unfinished": "soramic"})  # so that a stopped one is not taken for whole
    subjects = imaged_subjects(cohort)
    clock = StepClock()
    with reporter.stage("write archive", len(subjects)) as stage:
        studies = write_trial_archive(
            subjects, out / "archive", workers=workers, progress=lambda _: stage.advance()
        )
    spent, archive_mb = clock.whole(), size_mb(out / "archive")
    write_archive_cost(out, spent, studies=studies, archive_mb=archive_mb)
    write_trial_inputs(cohort, true_lengths(subjects), out)
    mark_written(out, mark)


def _times(cost: TrialCost | None, written_s: float, run_s: float) -> list[str]:
    """Say how long it took, whole and by stage, and how much memory a worker had."""
    lines = [f"This call: archive in {written_s:.0f} s, run in {run_s:.0f} s."]
    if cost is None:
        return lines
    if cost.archive_mb is not None:
        size = f"{cost.archive_mb:.0f} MB, {cost.archive_mb / max(1, cost.studies):.1f} per study"
        lines[0] += f" Archive: {size}."
    lines.append(
        f"Per study ({cost.studies} studies, {cost.workers} workers), seconds of a processor: "
        f"{cost.per_study_s():.2f}"
    )
    lines += [
        f"  {row.stage}: {row.cpu_s / max(1, cost.studies):.2f} "
        f"({100 * row.cpu_s / max(cost.whole().cpu_s, 1e-9):.0f} %)"
        for row in cost.rows
        if row.stage != COMPILING
    ]
    if cost.peak_worker_mb is not None:
        lines.append(f"Peak memory of a worker: {cost.peak_worker_mb:.0f} MB")
    return lines
