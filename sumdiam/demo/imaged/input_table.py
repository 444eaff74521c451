"""What is handed to the main job beside the archive, and the true lengths to compare with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from sumdiam.demo.cohort.table import Cohort, data_folder, reader_findings
from sumdiam.demo.imaged.place import place_of
from sumdiam.demo.imaged.study import shapes_of
from sumdiam.demo.imaged.subject import Extent, ImagedSubject
from sumdiam.export.table_file import csv_bytes, written_whole

COLUMNS = (
    "subject_id", "lesion_id", "timepoint", "quantity", "value_mm", "pixel_mm", "slice_mm",
    "shape", "modality", "simulated",
)  # fmt: skip


def write_trial_inputs(cohort: Cohort, truth: pd.DataFrame, folder: Path) -> None:
    """Write subjects.csv, findings.csv and truth_measurements.csv into a folder."""
    findings = reader_findings(cohort)
    tables = {
        "subjects": _subjects(cohort),
        "findings": findings,
        "truth_measurements": truth,
    }
    for name, frame in tables.items():
        with written_whole(folder / f"{name}.csv") as draft:
            draft.write_bytes(csv_bytes(frame))


def true_lengths(subjects: Iterable[ImagedSubject]) -> pd.DataFrame:
    """Return every length that the tables state of an outlined lesion, one row per quantity."""
    rows: list[dict[str, object]] = []
    for subject in subjects:
        step, pixel, _ = place_of(subject).field.spacing_mm
        for visit in subject.visits:
            shapes = [one.shape for one in shapes_of(subject, visit)]
            for extent, shape in zip(visit.lesions, shapes, strict=True):
                rows += [
                    {
                        "subject_id": subject.subject_id,
                        "lesion_id": extent.lesion_id,
                        "timepoint": visit.timepoint,
                        "quantity": quantity,
                        "value_mm": length,
                        "pixel_mm": pixel,
                        "slice_mm": step,
                        "shape": "empty" if shape is None else type(shape).__name__.lower(),
                        "modality": visit.modality,
                        "simulated": True,
                    }
                    for quantity, length in _lengths(extent)
                ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    types = {"timepoint": "Int64", "simulated": "boolean"}
    types |= dict.fromkeys(("value_mm", "pixel_mm", "slice_mm"), "float64")
    return frame.astype({name: types.get(name, "string") for name in COLUMNS})


def _lengths(extent: Extent) -> list[tuple[str, float]]:
    """Return the stated lengths of a lesion by quantity."""
    stated = {
        "viable_diameter": extent.viable_mm,
        "whole_diameter": extent.whole_mm,
        "node_short_axis": extent.short_mm,
    }
    return [(name, length) for name, length in stated.items() if length is not None]


def _subjects(cohort: Cohort) -> pd.DataFrame:
    """Return the rows of the committed table of subjects, as text."""
    with (data_folder() / "subjects.csv").open(encoding="utf-8") as file:
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
    return table[table["subject_id"].isin(cohort.subjects["subject_id"])].reset_index(drop=True)
