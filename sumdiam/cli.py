"""The command line. Heavy libraries are loaded by the command that needs them."""

from __future__ import annotations

import errno
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec

import typer

from sumdiam import __version__
from sumdiam import cli_option as option

EXIT_INTERNAL, EXIT_USAGE, EXIT_STOPPED = 1, 2, 130
_OURS = frozenset({"imaging", "measurement", "assessment", "stats", "sumdiam"})
_WRONG = "1 internal error; 2 the call or a table that was handed in is wrong, nothing was measured"
_EXIT_CODES = (
    f"Exit codes: 0 everything was read and measured; {_WRONG}; 3 the run ended, but something was "
    "refused (a file, a study, a decision): the summary and tables/studies, tables/problems say "
    "what and how to mend it."
)
_SCAN_EXIT_CODES = (
    f"Exit codes: 0 nothing is refused; {_WRONG}; 3 a file, series, study or date is refused."
)
_ASSESS_EXIT_CODES = f"Exit codes: 0 done, warnings.csv says what is doubtful; {_WRONG}."
_DEMO_EXIT_CODES = (
    "Exit codes: 0 every response equals the truth; 1 one differs, or an internal error; 2 the "
    "call is wrong. One study of the trial is damaged on purpose and refused."
)
_PAPER_EXIT_CODES = (
    "Exit codes: 0 no cell is at fault; 3 one is (any verdict but rounded, consistent, "
    "not_recomputable); 2 the call or the table is wrong; 1 internal error."
)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EXIT_CODES,
)
criteria_app = typer.Typer(no_args_is_help=True, help="Print the rules that responses come from.")
app.add_typer(criteria_app, name="criteria")

Given = ParamSpec("Given")


def _told(command: Callable[Given, int]) -> Callable[Given, None]:
    """Let a command end with its exit code, and with one clear message where it fails."""

    @wraps(command)
    def wrapped(*args: Given.args, **kwargs: Given.kwargs) -> None:
        try:
            code = command(*args, **kwargs)
        except typer.Exit:
            raise
        except KeyboardInterrupt:
            typer.echo("\nStopped. What is measured is kept: call again to go on.", err=True)
            code = EXIT_STOPPED
        except Exception as error:  # noqa: BLE001 - the last place that can say it in words
            code = _explain(error)
        raise typer.Exit(code)

    return wrapped


def _explain(error: Exception) -> int:
    """Print what went wrong and return the exit code."""
    if _debug():
        traceback.print_exception(error)
    if type(error).__module__.partition(".")[0] in _OURS and isinstance(
        error, ValueError | OSError
    ):
        typer.echo(f"Error: {error}", err=True)
        return EXIT_USAGE
    if _disk_full(error):
        typer.echo(
            "Error: the disk is full. Free room where --out lies (or at TMPDIR) and call again: "
            "what was measured is kept.",
            err=True,
        )
        return EXIT_INTERNAL
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_ours(frame)]
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    typer.echo(
        f"Internal error: {type(error).__name__}{where}. Nothing that was measured is lost. "
        "Call again as `sumdiam --debug ...` and report what it prints; it may name files.",
        err=True,
    )
    return EXIT_INTERNAL


def _disk_full(error: BaseException) -> bool:
    """Whether an error, or one behind it, says that there is no room; SQLite says it in words."""
    behind = error.__cause__ or error.__context__
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    full = full or "database or disk is full" in str(error)
    return full or (behind is not None and _disk_full(behind))


def _is_ours(frame: traceback.FrameSummary) -> bool:
    """Whether a frame lies in our own code."""
    root = Path(__file__).parent.parent
    return any(Path(frame.filename).is_relative_to(root / name) for name in _OURS)


def _debug() -> bool:
    """Whether tracebacks are wanted."""
    return _ASKED.debug


class _Asked:
    """Options before the command; one call of the command line is one process."""

    debug = False


_ASKED = _Asked()


def _print_version(value: bool) -> None:
    """Print the version and end."""
    if value:
        typer.echo(f"sumdiam {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[  # noqa: ARG001 - its callback has done it
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")] = False,
) -> None:
    """Measure tumour response from CT and MRI archives. For research, not a medical device.

    Start with [bold]sumdiam demo[/], which makes a small trial and runs everything on it.
    """
    _ASKED.debug = debug


@app.command("run", epilog=_EXIT_CODES)
@_told
def run_command(
    archive: option.ImagesAndMasks,
    *,
    out: option.RunFolder,
    config: option.Config = None,
    subjects: option.Subjects = None,
    subject_map: option.SubjectMap = None,
    findings: option.Findings = None,
    decisions: option.Decisions = None,
    plan: option.Plan = None,
    criteria: option.Criteria = None,
    policies: option.Policies = None,
    scheme: option.Scheme = None,
    select: option.Select = None,
    control_arm: option.ControlArm = None,
    adjust_for: option.AdjustFor = None,
    covariate_type: option.CovariateType = None,
    gap_mm: option.GapMm = None,
    resample_masks: option.ResampleMasks = False,
    allow_gaps: option.AllowGaps = None,
    workers: option.Workers = None,
    cluster: option.Cluster = None,
    store: option.Store = None,
) -> int:
    """Measure an archive: images and masks in, responses and a report out.

    [bold]sumdiam run ARCHIVE --out RUN --subjects subjects.csv[/]

    RUN then holds report.html, tables/, figures/, overlays/, and plan.csv, masks.csv, matches.csv:
    what was understood of the archive. Edit a cell there, put your id into the column beside it
    that ends in _by, and call again with the same options: only what hangs on it is measured anew.

    A run that was stopped, in whatever way, goes on when it is called again. See docs/run.md.
    """
    from sumdiam.batch import command

    given = {
        "subjects": subjects,
        "subject_map": subject_map,
        "findings": findings,
        "decisions": decisions,
        "plan_dir": plan,
        "criteria": tuple(criteria or ()),
        "policies": policies,
        "scheme": scheme,
        "select": select,
        "control_arm": control_arm,
        "adjust_for": tuple(adjust_for or ()),
        "covariate_type": tuple(covariate_type or ()),
        "gap_mm": gap_mm,
        "resample_masks": resample_masks,
        "allow_gaps": tuple(allow_gaps or ()),
        "workers": workers,
        "cluster": cluster,
        "store": store,
    }
    return command.run_command(archive, out=out, config=config, given=given)


@app.command("scan", epilog=_SCAN_EXIT_CODES)
@_told
def scan_command(
    archive: Annotated[
        list[Path],
        typer.Argument(help="Folders, zip or tar files; only read."),
    ],
    *,
    out: Annotated[
        Path,
        typer.Option(help="Folder for the catalogue, or one file .csv or .parquet of the series."),
    ] = Path("scan"),
    subjects: Annotated[
        Path | None, typer.Option(help="CSV as for run: its ids and dates are compared.")
    ] = None,
    subject_map: Annotated[Path | None, typer.Option(help="CSV: patient_id, subject_id.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; else one per processor.")
    ] = None,
    check_digests: Annotated[
        bool,
        typer.Option(
            "--check-digests", help="Compare the content of files that look unchanged, too."
        ),
    ] = False,
    allow_gaps: option.AllowGaps = None,
) -> int:
    """Look at archives before a run: what they hold, what is left out, what is doubtful.

    [bold]sumdiam scan ARCHIVE --out RUN --subjects subjects.csv[/]

    Only headers are read. It prints subjects, studies, series and masks, every reason why files
    are not used, and ids and dates that contradict each other or the table. OUT/catalogue/ then
    holds the same as tables (studies, series, masks, not_used, problems).

    OUT/sumdiam-scan remembers what was read, and holds what zip and tar files were unpacked to;
    called again, only new and changed files are read. Give the folder of the later run as --out:
    the run goes on from there. See docs/scan.md.
    """
    from sumdiam.archive import command
    from sumdiam.batch.settings import usable_processors

    return command.scan_command(
        archive,
        out=out,
        subjects=subjects,
        subject_map=subject_map,
        workers=workers or usable_processors(),
        check_digests=check_digests,
        allow_gaps=tuple(allow_gaps or ()),
    )


@app.command("assess", epilog=_ASSESS_EXIT_CODES)
@_told
def assess_command(
    lesions: Annotated[Path, typer.Argument(help="CSV: one row per lesion and timepoint.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder for the tables.")],
    timepoints: Annotated[
        Path | None, typer.Option(help="CSV: subject_id, timepoint, dates.")
    ] = None,
    subjects: Annotated[Path | None, typer.Option(help="CSV: subject_id, arm, dates.")] = None,
    criteria: option.Criteria = None,
    policies: option.Policies = None,
    scheme: option.Scheme = None,
    select: option.Select = None,
    control_arm: option.ControlArm = None,
) -> int:
    """Derive responses from a lesion table of your own, without images.

    [bold]sumdiam assess lesions.csv --out OUT --criteria mrecist --criteria recist_1_1[/]

    Needed are subject_id, lesion_id, timepoint, site (hepatic or extrahepatic), and a length such
    as viable_diameter_mm or a status. Timepoint 0 is the baseline. Every other column may be left
    out; an absent reader is 1, an absent node is none. With a column scan_on, or --timepoints,
    there are dates, and with --subjects overall survival.
    """
    from sumdiam.export import command

    return command.assess_command(
        lesions,
        out=out,
        timepoints=timepoints,
        subjects=subjects,
        criteria=tuple(criteria or ("mrecist",)),
        policies=policies or "default",
        select=select or "given",
        scheme=scheme,
        control_arm=control_arm,
    )


@app.command("check-paper", epilog=_PAPER_EXIT_CODES)
@_told
def check_paper_command(
    printed: Annotated[
        Path, typer.Argument(help="CSV: one row per printed number.", metavar="PRINTED.csv")
    ],
    *,
    out: Annotated[
        Path | None, typer.Option(help="CSV file for the verdicts; else they are printed.")
    ] = None,
) -> int:
    """Find what a paper's printed tables say against themselves. Nothing but the tables is needed.

    [bold]sumdiam check-paper PRINTED.csv --out verdicts.csv[/]

    Columns: table, variable, level (empty: the variable itself, such as its p), arm (empty:
    overall), n, statistic (k, percent, ci_low, ci_high, estimate, p), printed (as printed), test,
    partition (true: the levels exclude each other and add up to n), excludes (variable=level that
    no same patient can have).

    Every row gets a verdict (impossible, inconsistent, test_dependent, not_wald_compatible,
    unreadable, truncated, rounded, consistent, not_recomputable) and its reason: as CSV into a file
    or pipe, the faults in words on a screen. See docs/check_paper.md.
    """
    from sumdiam.export import command_paper

    return command_paper.check_paper_command(printed, out=out)


@app.command("demo", epilog=_DEMO_EXIT_CODES)
@_told
def demo_command(
    *,
    out: option.DemoFolder = Path("demo-run"),
    real: option.RealSeries = None,
    subjects: option.DemoSubjects = 24,
    trial: option.Trial = None,
    patients: option.Patients = None,
    short: option.Short = False,
    workers: option.Workers = None,
) -> int:
    """Make a simulated trial with known answers, run everything on it, and compare.

    [bold]sumdiam demo[/] writes 24 subjects; [bold]sumdiam demo --real SERIES_DIR[/] plants
    lesions of known shape in your own CT series. Ends with 1 where a response differs from truth.

    [bold]sumdiam demo --trial soramic --patients 12[/] images a part of a trial whose patients
    give what a published one printed, and sets print against what its pixels give. Ends with 1
    where an outcome differs and was not called doubtful.
    """
    from sumdiam.demo import command

    return command.chosen_demo(
        out=out, real=real, subjects=subjects, trial=trial, patients=patients, short=short,
        workers=workers,
    )  # fmt: skip


@app.command("doctor")
@_told
def doctor_command() -> int:
    """Tell what is installed, what collides, which codecs are there."""
    from sumdiam import doctor

    return doctor.doctor_command()


@criteria_app.command("list")
@_told
def list_criteria() -> int:
    """Name the rule sets."""
    from assessment import criteria_names, load_criteria

    for name in criteria_names():
        typer.echo(f"{name:<20} {load_criteria(name).title}")
    return 0


@criteria_app.command("show")
@_told
def show_criteria(
    name: Annotated[str, typer.Argument(help="Such as mrecist; see `sumdiam criteria list`.")],
) -> int:
    """Print a rule set, each rule with its source."""
    from assessment import describe, load_criteria

    typer.echo(describe(load_criteria(name)))
    return 0


def main() -> None:
    """Run the command line."""
    if sys.stdout.encoding.lower() not in ("utf-8", "utf8"):
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    app()
