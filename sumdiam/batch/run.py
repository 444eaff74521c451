"""The main job: an archive in, a response report out."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sumdiam.archive.catalogue import Catalogue
from sumdiam.archive.clinical import scan_date_problems
from sumdiam.archive.clinical_check import clinical_problems
from sumdiam.archive.date_check import archive_problems, subject_scans
from sumdiam.archive.problem import Problem
from sumdiam.archive.scan import ScanOptions, scan_archives
from sumdiam.archive.subject import study_subjects
from sumdiam.batch.caliper import caliper_table
from sumdiam.batch.compilation import compile_ahead
from sumdiam.batch.content_memory import ContentMemory
from sumdiam.batch.cost import COST, TIMES, StudyCosts, write_times
from sumdiam.batch.doubtful_pair import write_pairs
from sumdiam.batch.exchanged_lesion import exchanged_lesions
from sumdiam.batch.journal import RunJournal, remove_other_overlays, studies_without_overlays
from sumdiam.batch.match_memory import MatchMemory
from sumdiam.batch.plan import make_plan
from sumdiam.batch.plan_file import PlanFiles
from sumdiam.batch.plan_table import MASKS, MATCHES, PLAN
from sumdiam.batch.pool import open_pool
from sumdiam.batch.progress import Reporter, SilentReporter, Stage
from sumdiam.batch.run_input import RunInput, read_input
from sumdiam.batch.schedule import measure_all
from sumdiam.batch.settings import RunSettings
from sumdiam.batch.study_task import StudyTask, build_tasks
from sumdiam.batch.summary import RunSummary
from sumdiam.batch.work import measure_in_worker
from sumdiam.export.table_file import csv_bytes, written_whole
from sumdiam.step_clock import clocked, step
from sumdiam.store.lock import run_lock
from sumdiam.store.settlement import DecisionOutcome
from sumdiam.store.workspace import LedgerEntry, Workspace

OVERLAYS, CONTENT, MATCHED = "overlays", "content", "matched"


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What a run knows when every study is measured, refused or given up."""

    catalogue: Catalogue
    plan: PlanFiles
    studies: tuple[LedgerEntry, ...]
    measurements: pd.DataFrame
    calipers: pd.DataFrame
    overlays: dict[str, str]
    """Path relative to RUN, by measurement id."""
    pairs: dict[str, str]
    """Path relative to RUN, by mask id, of outlines that a person has to match."""
    decisions: tuple[DecisionOutcome, ...]
    problems: tuple[Problem, ...]


def run(settings: RunSettings, reporter: Reporter | None = None) -> RunSummary:
    """Do the main job and return what it ended with.

    Parameters
    ----------
    settings : RunSettings
    reporter : Reporter, optional
        Told of every stage.

    Raises
    ------
    TableError, UnknownCriteriaError, PolicyError
        A table or name that cannot be used; before any work.
    ArchiveError
        If no path holds DICOM.
    RunLockedError, StoreError, ScheduleError
        The folder, the database or the workers cannot be used.

    Notes
    -----
    Whenever it is stopped, the next call goes on where it was: what is in the ledger is not
    measured again, and tables are written from the ledger alone. So the same inputs, settings and
    version give the same bytes, with any number of workers; but for ``times.json``.
    """
    from sumdiam.batch.run_output import write_output

    reporter = reporter or SilentReporter()
    handed_in = read_input(settings)
    with run_lock(settings.out), _workspace(settings) as workspace, clocked() as clock:
        if handed_in.decisions is not None and settings.decisions is not None:
            workspace.check_known(handed_in.decisions, origin=settings.decisions.name)
        measured = _measure(settings, handed_in, workspace, reporter)
        with reporter.stage("report", 1) as stage:
            summary = write_output(settings, handed_in, measured)
            stage.advance()
        costs = StudyCosts.read(measured.studies, workspace.remembered(COST))
        write_times(settings.out / TIMES, clock, costs, workers=settings.workers)
        workspace.log(f"run ended, exit code {summary.exit_code}")
    return summary


def _workspace(settings: RunSettings) -> Workspace:
    """Open the database of a run."""
    who = getpass.getuser()
    if settings.store is not None:
        return Workspace(settings.store, who=who)
    return Workspace.in_folder(settings.out, who=who)


def _measure(
    settings: RunSettings, handed_in: RunInput, workspace: Workspace, reporter: Reporter
) -> Measured:
    """Scan, plan and measure; return everything that the tables are made of."""
    with reporter.stage("scan") as stage, step("scan"):
        catalogue = scan_archives(
            settings.archives, progress=_counting(stage), options=_scan_options(settings)
        )
    with reporter.stage("plan", 1) as stage, step("plan"):
        plan = _planned(handed_in, workspace, catalogue)
        tasks = build_tasks(
            plan, catalogue, handed_in.measurement, resample_masks=settings.resample_masks
        )
        pairs = _write_plan(plan, catalogue, settings.out)
        stage.advance()
    workspace.begin_run()
    folder = settings.out / OVERLAYS
    _measure_missing(settings, workspace, tasks, reporter, catalogue.names)
    with step("settle"):
        outcomes = workspace.settle(handed_in.decisions)
    names = [name for files in workspace.overlay_sizes().values() for name in files]
    remove_other_overlays(folder, names)
    folder.mkdir(exist_ok=True)
    measurements = workspace.measurements()
    calipers, doubted = caliper_table(catalogue, plan, measurements)
    return Measured(
        catalogue=catalogue,
        plan=plan,
        studies=tuple(entry for entry in workspace.entries() if entry.planned),
        measurements=measurements,
        calipers=calipers,
        overlays={name.removesuffix(".png"): f"{OVERLAYS}/{_png(name)}" for name in sorted(names)},
        pairs=pairs,
        decisions=tuple(outcomes),
        problems=(
            *handed_in.problems,
            *catalogue.problems,
            *plan.problems,
            *_doubts(settings, handed_in, catalogue),
            *_late_scans(settings, handed_in, plan),
            *doubted,
            *exchanged_lesions(measurements, plan.masks),
        ),
    )


def _planned(handed_in: RunInput, workspace: Workspace, catalogue: Catalogue) -> PlanFiles:
    """Return the plan; what it took long to find out is remembered for the next run."""
    memory = ContentMemory(workspace.remembered(CONTENT))
    matched = MatchMemory(workspace.remembered(MATCHED))
    plan = make_plan(
        catalogue,
        handed_in.subjects,
        handed_in.subject_map,
        handed_in.previous,
        memory=memory,
        matched=matched,
    )
    for name, kept in ((CONTENT, memory), (MATCHED, matched)):
        if kept.used != kept.known:
            workspace.remember(name, kept.used)
    return plan


def _scan_options(settings: RunSettings) -> ScanOptions:
    """Return how the archives are scanned."""
    return ScanOptions(
        folder=settings.out, workers=settings.workers, allow_gaps=settings.allow_gaps
    )


def _measure_missing(
    settings: RunSettings,
    workspace: Workspace,
    tasks: Sequence[StudyTask],
    reporter: Reporter,
    names: Mapping[str, str],
) -> None:
    """Measure the studies that are new, changed or unfinished, or whose overlays are gone."""
    folder = settings.out / OVERLAYS
    workspace.register(tasks)
    workspace.register(tasks, redo=studies_without_overlays(folder, workspace.overlay_sizes()))
    to_do = set(workspace.to_do())
    missing = [task for task in tasks if task.study_uid in to_do]
    if not missing:
        reporter.say(f"measure: all {len(tasks)} studies are measured already")
        return
    if settings.cluster is None:
        with step("compile"):
            compile_ahead(reporter)
    with reporter.stage("measure", len(missing)) as stage, step("measure"):
        journal = RunJournal(workspace, folder, stage, names)
        workers = min(settings.workers, len(missing))
        with open_pool(workers, settings.cluster) as pool:
            measure_all(pool, missing, measure_in_worker, journal)


def _write_plan(plan: PlanFiles, catalogue: Catalogue, out: Path) -> dict[str, str]:
    """Write what was understood of the archive, for persons to edit; return pictures to judge."""
    for name, frame in ((PLAN, plan.plan), (MASKS, plan.masks), (MATCHES, plan.matches)):
        with written_whole(out / name) as draft:
            draft.write_bytes(csv_bytes(frame))
    return write_pairs(plan, catalogue, out)


def _doubts(
    settings: RunSettings, handed_in: RunInput, catalogue: Catalogue
) -> tuple[Problem, ...]:
    """Return ids and dates that contradict each other, or the table of subjects."""
    owners = study_subjects(catalogue, handed_in.subject_map)
    problems = archive_problems(catalogue, owners)
    if handed_in.subjects is None or settings.subjects is None:
        return problems
    scans = subject_scans(catalogue, owners.subjects)
    origin = settings.subjects.name
    return (*problems, *clinical_problems(handed_in.subjects, scans, origin=origin))


def _late_scans(settings: RunSettings, handed_in: RunInput, plan: PlanFiles) -> tuple[Problem, ...]:
    """Return the subjects who have images after their death."""
    if handed_in.subjects is None or settings.subjects is None:
        return ()
    return scan_date_problems(plan.timepoints, handed_in.subjects, origin=settings.subjects.name)


def _counting(stage: Stage) -> Callable[[int, int], None]:
    """Return a function that turns "so many of so many" into steps of a stage."""
    before = 0

    def count(done: int, total: int) -> None:
        nonlocal before
        stage.expect(total)
        stage.advance(done - before)
        before = done

    return count


def _png(name: str) -> str:
    """Return the file name of an overlay."""
    return name if name.endswith(".png") else f"{name}.png"
