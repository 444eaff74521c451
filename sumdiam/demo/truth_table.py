"""The simulated trial as tables: what is handed in, and the truth to compare with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from assessment.response_table import Subjects
from imaging.reference_lesion import ReferenceLesion
from measurement.lesion_table import Findings
from measurement.table import from_records
from sumdiam.demo.anatomy import field_of, reference_lesions, truth_mm
from sumdiam.demo.trial import DemoSubject
from sumdiam.export.table_file import csv_bytes, written_whole

MEASUREMENTS = (
    "subject_id", "lesion_id", "timepoint", "quantity", "value_mm", "pixel_mm", "shape",
)  # fmt: skip
RESPONSES = (
    "subject_id", "timepoint", "target_response", "nontarget_response", "overall_response",
    "borderline",
)  # fmt: skip
OUTCOMES = ("subject_id", "best_response", "first_progression_timepoint", "borderline")
EVENTS = ("subject_id", "endpoint", "start_on", "end_on", "days", "event", "borderline")


@dataclass(frozen=True, slots=True)
class TruthTables:
    """Truth of every measurement, response, outcome and event, one table each."""

    measurements: pd.DataFrame
    responses: pd.DataFrame
    outcomes: pd.DataFrame
    events: pd.DataFrame

    def named(self) -> dict[str, pd.DataFrame]:
        """Return the tables by the names of their files."""
        return {
            "truth_measurements": self.measurements,
            "truth_responses": self.responses,
            "truth_outcomes": self.outcomes,
            "truth_events": self.events,
        }


def truth_tables(
    subjects: Iterable[DemoSubject], lengths: list[dict[str, object]] | None = None
) -> TruthTables:
    """Return the truth about the simulated trial.

    Parameters
    ----------
    lengths : rows of `lesion_rows`, optional
        Where lesions were planted elsewhere than in the trial's own body.

    Notes
    -----
    Lengths are closed forms on the slice planes; responses, outcomes and events were judged by
    hand (trial.toml). An unreadable study has no truth.
    """
    subjects = list(subjects)
    if lengths is None:
        lengths = [row for s in subjects for row in _measurements(s)]
    return TruthTables(
        measurements=_frame(lengths, MEASUREMENTS),
        responses=_frame([row for s in subjects for row in _responses(s)], RESPONSES),
        outcomes=_frame([_outcome(s) for s in subjects], OUTCOMES),
        events=_frame([row for s in subjects for row in _events(s)], EVENTS),
    )


def subjects_table(subjects: Iterable[DemoSubject]) -> pd.DataFrame:
    """Return subjects as they are handed to `sumdiam run --subjects`."""
    subjects = list(subjects)
    rows = [
        {
            "subject_id": s.subject_id,
            "arm": s.arm,
            "randomised_on": pd.Timestamp(s.randomised_on),
            "treatment_started_on": pd.Timestamp(s.day(s.started)),
            "died_on": None if s.died is None else pd.Timestamp(s.day(s.died)),
            "last_known_alive_on": pd.Timestamp(s.day(_last_known(s))),
        }
        for s in subjects
    ]
    frame = from_records(rows, Subjects)
    for name in subjects[0].covariates:
        frame[name] = pd.Series([s.covariates[name] for s in subjects], dtype="string")
    return frame


def findings_table(subjects: Iterable[DemoSubject]) -> pd.DataFrame:
    """Return findings as they are handed to `sumdiam run --findings`."""
    rows = [
        {"subject_id": s.subject_id, "entered_by": "demo"} | finding
        for s in subjects
        for finding in s.findings
    ]
    return from_records(rows, Findings)


def write_inputs(
    subjects: Iterable[DemoSubject], folder: Path, truth: TruthTables | None = None
) -> None:
    """Write subjects.csv, findings.csv and the truth tables into a folder."""
    subjects = list(subjects)
    tables = {"subjects": subjects_table(subjects), "findings": findings_table(subjects)}
    for name, frame in (tables | (truth or truth_tables(subjects)).named()).items():
        with written_whole(folder / f"{name}.csv") as draft:
            draft.write_bytes(csv_bytes(frame))


def lesion_rows(
    lesions: Iterable[tuple[ReferenceLesion, dict[str, float]]],
    *,
    subject_id: str,
    timepoint: int,
    pixel_mm: float,
) -> list[dict[str, object]]:
    """Return the truth rows of the lesions of one study, one per quantity."""
    return [
        {
            "subject_id": subject_id,
            "lesion_id": lesion.lesion_id,
            "timepoint": timepoint,
            "quantity": quantity,
            "value_mm": round(value, 4),
            "pixel_mm": pixel_mm,
            "shape": "empty" if lesion.shape is None else type(lesion.shape).__name__.lower(),
        }
        for lesion, lengths in lesions
        for quantity, value in sorted(lengths.items())
    ]


def _measurements(subject: DemoSubject) -> list[dict[str, object]]:
    """Return the lengths of all lesions of a subject at readable visits."""
    geometry = field_of(subject).geometry()
    rows: list[dict[str, object]] = []
    for visit in range(len(subject.visits)):
        if visit in subject.unreadable:
            continue
        pairs = zip(subject.lesions_at(visit), reference_lesions(subject, visit), strict=True)
        known = [(shown, truth_mm(lesion, shown.shape, geometry)) for (lesion, _), shown in pairs]
        rows += lesion_rows(
            known, subject_id=subject.subject_id, timepoint=visit, pixel_mm=subject.pixel_mm
        )
    return rows


def _responses(subject: DemoSubject) -> list[dict[str, object]]:
    """Return the hand-judged responses of a subject."""
    truth = subject.truth
    visits = [v for v in range(1, len(subject.visits)) if v not in subject.unreadable]
    words = zip(visits, truth.target, truth.nontarget, truth.overall, strict=True)
    return [
        {
            "subject_id": subject.subject_id,
            "timepoint": visit,
            "target_response": target,
            "nontarget_response": nontarget,
            "overall_response": overall,
            "borderline": visit in subject.borderline,
        }
        for visit, target, nontarget, overall in words
    ]


def _outcome(subject: DemoSubject) -> dict[str, object]:
    """Return the hand-judged outcome of a subject."""
    return {
        "subject_id": subject.subject_id,
        "best_response": subject.truth.best,
        "first_progression_timepoint": subject.truth.first_pd,
        "borderline": bool(subject.borderline),
    }


def _events(subject: DemoSubject) -> list[dict[str, object]]:
    """Return the hand-judged events of a subject."""
    return [
        {
            "subject_id": subject.subject_id,
            "endpoint": endpoint,
            "start_on": pd.Timestamp(subject.randomised_on),
            "end_on": pd.Timestamp(subject.day(days)),
            "days": days,
            "event": event,
            "borderline": bool(subject.borderline),
        }
        for endpoint, (days, event) in sorted(subject.truth.events.items())
    ]


def _last_known(subject: DemoSubject) -> int:
    """Return the last day on which a subject was known to live."""
    days = subject.alive_until if subject.died is None else subject.died
    return max(subject.visits) if days is None else days


def _frame(rows: list[dict[str, object]], columns: tuple[str, ...]) -> pd.DataFrame:
    """Return rows as a table of the five types."""
    frame = pd.DataFrame(rows, columns=list(columns))
    types = {
        "timepoint": "Int64", "days": "Int64", "first_progression_timepoint": "Int64",
        "borderline": "boolean", "event": "boolean", "value_mm": "float64",
        "pixel_mm": "float64", "start_on": "datetime64[ns]", "end_on": "datetime64[ns]",
    }  # fmt: skip
    return frame.astype({name: types.get(name, "string") for name in columns})
