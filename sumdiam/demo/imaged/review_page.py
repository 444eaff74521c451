"""The reviewer's view: sampled measurements, each with its picture, truth, limits and flags."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from sumdiam import __version__
from sumdiam.demo.cohort.words import SHAPE_WORDS
from sumdiam.demo.imaged.sample import shares
from sumdiam.export.table_file import written_whole
from sumdiam.report import wording
from sumdiam.report.grid import anchor_of
from sumdiam.report.picture import QUANTITY_WORDS


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One sampled measurement as it is shown. ``picture`` is empty where there is none."""

    title: str
    what: str
    picture: str
    report: str
    facts: tuple[tuple[str, str], ...]
    flags: tuple[str, ...]
    doubtful: bool
    outside: bool


def write_review(
    lesions: pd.DataFrame, sample: pd.DataFrame, out: Path, *, overlays: Path, report: str
) -> Path:
    """Write the page of the reviewer's view and return its path.

    Parameters
    ----------
    lesions, sample : of `sample.measured_lesions` and `sample.review_sample`
    overlays : folder of the run's pictures
    report : path of the run's report, relative to the page
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    source = resources.files("sumdiam.demo.imaged").joinpath("review.html.j2")
    style = resources.files("sumdiam.report").joinpath("template/report.css")
    rows = sample.to_dict("records")
    html = environment.from_string(source.read_text(encoding="utf-8")).render(
        reviewed=[_reviewed(row, overlays, report) for row in rows],
        shares=[(kind, SHAPE_WORDS.get(level, level), n, of)
                for kind, level, n, of in shares(lesions, sample)],
        summary=summary(lesions, sample),
        report=report,
        version=__version__,
        style=Markup(style.read_text(encoding="utf-8")),  # noqa: S704 - our own file
    )  # fmt: skip
    with written_whole(out) as draft:
        draft.write_text(html, encoding="utf-8", newline="\n")
    return out


def summary(lesions: pd.DataFrame, sample: pd.DataFrame) -> str:
    """Say how many lie within their limits, in the sample and in the trial."""
    said = []
    for words, part in (("sampled", sample), ("of the trial", lesions)):
        judged = part["within_limits"].dropna().astype(bool)
        told = part.loc[judged.index, "doubt"] == "not flagged"
        said.append(
            f"{len(part)} measurements {words}: of {len(judged)} with limits, truth lies within "
            f"them for {int(judged.sum())}; of {int(told.sum())} without a flag, for "
            f"{int(judged[told].sum())}"
        )
    return (
        ". ".join(said)
        + ". The limits are made for real images, whose edges are less sure: here they are wide."
    )


def _reviewed(row: dict[Any, Any], overlays: Path, report: str) -> Reviewed:
    """Return one measurement as it is shown."""
    name = "" if pd.isna(row["measurement_id"]) else str(row["measurement_id"])
    path = overlays / f"{name}.png"
    content = path.read_bytes() if name and path.is_file() else b""
    limits, inside = "none told", ""
    if pd.notna(row["lower_mm"]):
        limits = f"{row['lower_mm']:.1f} to {row['upper_mm']:.1f} mm"
        inside = "yes" if row["within_limits"] else "no"
    measured = pd.notna(row["value"])
    facts = (
        ("Truth", f"{row['value_mm']:.1f} mm"),
        ("Measured", f"{row['value']:.1f} mm" if measured else f"not measured: {row['reason']}"),
        ("Error", f"{round(row['error_mm'], 2) + 0.0:+.2f} mm" if measured else ""),
        ("95 % limits", limits),
        ("Truth within", inside),
        ("Grid", f"pixels {row['pixel_mm']:g} mm, slices {row['slice_mm']:g} mm"),
    )
    visit = wording.visit(row["timepoint"])
    return Reviewed(
        title=f"{row['subject_id']}, {row['lesion_id']}, "
        + (visit if visit == "baseline" else f"visit {visit}"),
        what=f"{SHAPE_WORDS.get(row['shape'], row['shape'])}, {row['modality']}, "
        f"{QUANTITY_WORDS[row['quantity']]}",
        picture=f"data:image/png;base64,{base64.b64encode(content).decode()}" if content else "",
        report=f"{report}#{anchor_of('picture', name)}",
        facts=facts,
        flags=tuple(wording.flags_in_words(row["flags"])),
        doubtful=row["doubt"] == "flagged",
        outside=inside == "no",
    )
