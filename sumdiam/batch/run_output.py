"""From measurements to everything a run leaves behind: tables, workbook, figures, report."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

import sumdiam
from assessment import Assessment, assess
from measurement.pivot import pivot_lesions
from sumdiam.archive.catalogue import Catalogue
from sumdiam.archive.problem import Problem
from sumdiam.batch.lesion_row import lesion_rows, unread_studies
from sumdiam.batch.run_input import RunInput
from sumdiam.batch.settings import RunSettings
from sumdiam.batch.summary import RunSummary, count_lesions
from sumdiam.batch.timepoint import timepoint_table
from sumdiam.doctor import LIBRARIES
from sumdiam.export.command import TABLES, summary
from sumdiam.export.table_file import write_table, written_whole
from sumdiam.export.workbook import write_workbook
from sumdiam.report.doubt_table import doubt_table
from sumdiam.report.page import write_report
from sumdiam.report.run_tables import InputDigest, RunFacts, RunTables
from sumdiam.report.view import choose_view
from sumdiam.step_clock import step
from sumdiam.store.revision import AUTO, WITHDRAWN
from sumdiam.store.settlement import DecisionOutcome
from sumdiam.store.workspace import LedgerEntry

if TYPE_CHECKING:
    from sumdiam.batch.run import Measured

REPORT = "report.html"
WORKBOOK = "sumdiam.xlsx"
IN_WORKBOOK = ("lesions", "responses", "outcomes", "selections", "events", "policies")


def write_output(settings: RunSettings, handed_in: RunInput, measured: Measured) -> RunSummary:
    """Derive and write everything; return the summary.

    Notes
    -----
    `tables` and `figures` are replaced as whole folders: nobody reads half of two runs.
    """
    out = settings.out
    with step("assess"):
        timepoints, lesions, found = _assessed(settings, handed_in, measured)
    derived = {name: getattr(found, name) for name in TABLES}
    frames = {
        "timepoints": timepoints,
        "measurements": measured.measurements,
        "calipers": measured.calipers,
        "lesions": lesions,
        **derived,
        "arms": handed_in.arms,
        "studies": _study_frame(measured.studies),
        "decisions": _decision_frame(measured.decisions),
        "problems": _problem_frame(measured.problems),
        "left_out": _left_out_frame(measured.catalogue),
    }
    facts = _facts(settings, handed_in, measured.catalogue)
    shown = _report_tables(handed_in, measured, frames)
    with step("statistics"):
        frames["doubts"] = _doubts(settings, handed_in, shown, facts)
    with step("tables"), _whole_folder(out / "tables") as folder:
        for name, frame in frames.items():
            write_table(frame, folder / name)
        write_workbook({name: frames[name] for name in IN_WORKBOOK}, folder / WORKBOOK)
    with (
        step("report"),
        _whole_folder(out / "figures") as folder,
        _whole_folder(out / "printed") as printed,
    ):
        report = write_report(
            replace(shown, doubts=frames["doubts"]),
            overlays=measured.overlays,
            pairs=measured.pairs,
            out=out / REPORT,
            run_facts=facts,
            figures=folder,
            printed=printed,
        )
    _write_facts(settings, facts, out / "run.json")
    return _summary(measured, lesions, found, report)


def _assessed(
    settings: RunSettings, handed_in: RunInput, measured: Measured
) -> tuple[pd.DataFrame, pd.DataFrame, Assessment]:
    """Return timepoints and lesions, and what the rules derive from them."""
    unread = unread_studies(measured.studies)
    timepoints = timepoint_table(measured.plan.plan, measured.plan.masks, unread)
    lesions = _lesions(handed_in, measured, timepoints, unread)
    found = assess(
        lesions,
        timepoints=timepoints,
        subjects=handed_in.subjects,
        criteria=settings.criteria,
        policies=handed_in.policies,
        scheme=settings.scheme,
        select=settings.select,
    )
    return timepoints, lesions, found


def _lesions(
    handed_in: RunInput, measured: Measured, timepoints: pd.DataFrame, unread: Mapping[str, str]
) -> pd.DataFrame:
    """Return the lesion table: the pivot of what is measured now, with the findings."""
    facts = lesion_rows(measured.plan, measured.catalogue, unread)
    return pivot_lesions(_standing(measured.measurements), facts, handed_in.findings, timepoints)


def _standing(measurements: pd.DataFrame) -> pd.DataFrame:
    """Return the measurements that were not withdrawn: whose study and mask are still there."""
    last = measurements.drop_duplicates("measurement_id", keep="last")
    gone = (
        ~last["accepted"].astype(bool)
        & (last["decided_by"] == AUTO)
        & last["reason"].str.startswith(WITHDRAWN, na=False).astype(bool)
    )
    kept = ~measurements["measurement_id"].isin(last.loc[gone, "measurement_id"])
    return measurements[kept].reset_index(drop=True)


def _report_tables(
    handed_in: RunInput, measured: Measured, frames: dict[str, pd.DataFrame]
) -> RunTables:
    """Return what the report is made of."""
    studies = frames["studies"].assign(seconds=None)
    studies["status"] = studies["status"].replace("quarantined", "failed")
    people = {} if handed_in.subjects is None else {"subjects": handed_in.subjects}
    names = ("timepoints", "measurements", "lesions", "selections", "policies", "responses",
             "outcomes", "events", "exclusions", "warnings", "problems")  # fmt: skip
    return RunTables(
        plan=measured.plan.plan,
        masks=measured.plan.masks,
        matches=measured.plan.matches,
        studies=studies,
        **people,
        **{name: frames[name] for name in names},
    )


def _doubts(
    settings: RunSettings, handed_in: RunInput, shown: RunTables, facts: RunFacts
) -> pd.DataFrame:
    """Return how far reading again moves the estimates of the analysis that the report shows."""
    return doubt_table(
        choose_view(shown, facts),
        shown.lesions,
        timepoints=shown.timepoints,
        subjects=handed_in.subjects,
        policies=handed_in.policies,
        select=settings.select,
    )


def _study_frame(studies: Sequence[LedgerEntry]) -> pd.DataFrame:
    """Return the ledger without what differs from run to run."""
    columns = {
        "study_uid": "string", "subject_id": "string", "timepoint": "Int64", "status": "string",
        "reason_code": "string", "reason": "string", "notes": "string",
    }  # fmt: skip
    rows = [
        (s.study_uid, s.subject_id, s.timepoint, s.state, s.reason_code, s.reason,
         s.notes if s.state in ("done", "refused") else None)
        for s in studies
    ]  # fmt: skip
    return _frame(rows, columns)


def _decision_frame(decisions: Sequence[DecisionOutcome]) -> pd.DataFrame:
    """Return the decisions and what became of them."""
    columns = {
        "measurement_id": "string", "revision": "Int64", "verdict": "string",
        "decided_by": "string", "state": "string", "message": "string",
        "resulting_revision": "Int64",
    }  # fmt: skip
    return _frame([tuple(asdict(decision).values()) for decision in decisions], columns)


def _problem_frame(problems: Sequence[Problem]) -> pd.DataFrame:
    """Return what a person should know of the input."""
    columns = {"code": "string", "where": "string", "sentence": "string", "refused": "boolean"}
    return _frame([(p.code, p.where, p.sentence, p.refused) for p in problems], columns)


def _left_out_frame(catalogue: Catalogue) -> pd.DataFrame:
    """Return the files that were passed over, and why."""
    columns = {"file": "string", "reason_code": "string", "detail": "string"}
    return _frame([(f.file, f.reason_code, f.detail) for f in catalogue.left_out], columns)


def _frame(rows: Sequence[tuple[Any, ...]], columns: dict[str, str]) -> pd.DataFrame:
    """Return a typed table."""
    frame = pd.DataFrame(list(rows), columns=list(columns), dtype=object)
    return frame.astype(columns)


def _facts(settings: RunSettings, handed_in: RunInput, catalogue: Catalogue) -> RunFacts:
    """Return what the tables do not say of a run."""
    pairs = sorted((catalogue.names.get(path, path), d) for path, d in catalogue.digests.items())
    whole = hashlib.sha256(json.dumps(pairs).encode()).hexdigest()
    inputs = {"archive (names and digests of all files that were used)": whole}
    inputs |= handed_in.digests
    return RunFacts(
        title=settings.title,
        software_version=sumdiam.__version__,
        simulated=settings.simulated,
        versions={name: importlib.metadata.version(name) for name in LIBRARIES},
        configuration=settings.configuration() | {"method": handed_in.measurement.method_name()},
        inputs=tuple(InputDigest(name, digest) for name, digest in inputs.items()),
        archive={
            "files found": catalogue.files_found,
            "DICOM files": catalogue.dicom_files,
            "studies": len(catalogue.studies()),
            "volumes": len(catalogue.series),
            "mask files": len(catalogue.masks),
            "files refused": len(catalogue.refused_files),
            "series refused": len(catalogue.refused_series),
            "files left out": len(catalogue.left_out),
        },
        criteria=settings.criteria[0],
        control_arm=settings.control_arm,
        adjust_for=settings.adjust_for,
        covariate_type=settings.covariate_type,
    )


def _write_facts(settings: RunSettings, facts: RunFacts, path: Path) -> None:
    """Write run.json: versions, configuration, digests of inputs; no clock."""
    content = asdict(facts) | {"configuration_digest": settings.digest()}
    with written_whole(path) as draft:
        text = json.dumps(content, indent=2, ensure_ascii=False)
        draft.write_text(text + "\n", encoding="utf-8")


def _summary(
    measured: Measured, lesions: pd.DataFrame, found: Assessment, report: Path
) -> RunSummary:
    """Return the closing words."""
    last = _standing(measured.measurements).drop_duplicates("measurement_id", keep="last")
    measured_lesions, flagged = count_lesions(last, lesions)
    return RunSummary(
        studies=measured.studies,
        problems=measured.problems,
        decisions=measured.decisions,
        lesions=measured_lesions,
        flagged=flagged,
        responses=tuple(summary(found)),
        report=report,
    )


@contextmanager
def _whole_folder(folder: Path) -> Iterator[Path]:
    """Hand out an empty folder that takes the place of the final one when it is complete."""
    draft, old = folder.with_name(f".{folder.name}.part"), folder.with_name(f".{folder.name}.old")
    for path in (draft, old):
        shutil.rmtree(path, ignore_errors=True)
    draft.mkdir(parents=True)
    yield draft
    if folder.exists():
        folder.rename(old)
    draft.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
