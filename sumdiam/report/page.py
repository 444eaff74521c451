"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import jinja2
from markupsafe import Markup

from stats.comparison import policy_named
from stats.plots import Drawing, encode, inline_svg
from sumdiam.export.table_file import csv_bytes, written_whole
from sumdiam.report.figure import draw_figures
from sumdiam.report.grid import Link, anchor_of
from sumdiam.report.group_grid import characteristics_grid, response_grid
from sumdiam.report.response_summary import endpoints, follow_up
from sumdiam.report.run_grid import (
    archive_grid,
    criteria_title,
    notes_grid,
    plan_grid,
    policy_grid,
    problem_grid,
    provenance_grids,
    refused_grid,
)
from sumdiam.report.run_tables import RunFacts, RunTables
from sumdiam.report.subject_grid import course_grid, lesion_grid, picture_caption
from sumdiam.report.view import View, choose_view

FIGURE_TITLES: Mapping[str, str] = {
    "flow": "Flow of subjects",
    "kaplan_meier_PFS": "Progression-free survival",
    "kaplan_meier_OS": "Overall survival",
    "kaplan_meier_TTP": "Time to progression",
    "kaplan_meier_hepatic_PFS": "Hepatic progression-free survival",
    "waterfall": "Best change of the target sum",
    "spider": "Change of the target sum over time",
    "swimmer": "Course of every subject",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """An overlay with the places that link to it. ``source`` is empty where the file is gone."""

    anchor: str
    source: str
    captions: tuple[str, ...]
    back: Link | None


@dataclass(frozen=True, slots=True)
class _Figure:
    """A figure of the page."""

    name: str
    title: str
    svg: Markup
    caption: str


def write_report(
    tables: RunTables,
    *,
    overlays: Mapping[str, bytes | str | Path],
    out: Path,
    run_facts: RunFacts,
    figures: Path | None = None,
) -> Path:
    """Write the report of a run as one HTML file and return its path.

    Parameters
    ----------
    tables : RunTables
    overlays : measurement_id -> PNG
        Bytes, or a path relative to the report's folder. Equal pictures are stored once.
    out : Path
        The HTML file.
    run_facts : RunFacts
    figures : Path, optional
        Folder to write every figure into too, as SVG, PNG and PDF, with the numbers that it shows
        as CSV beside it.

    Raises
    ------
    TableError
        If a table does not meet its schema.

    Notes
    -----
    The same tables, overlays and facts give the same bytes. The file opens from disk, without
    network and without JavaScript (which only sorts, filters and enlarges).
    """
    tables = tables.checked()
    view = choose_view(tables, run_facts)
    policy = policy_named(run_facts.comparison)
    fits = endpoints(view)
    drawings = draw_figures(tables, view, fits)
    pictures = _pictures(tables, view, overlays, out.parent)
    anchors = {name: p.anchor for p, names in pictures for name in names if p.source}
    title, source, rules = criteria_title(view.criteria)
    html = _environment().get_template("report.html.j2").render(
        facts=run_facts,
        view=view,
        criteria_title=title,
        criteria_source=source,
        criteria_rules=rules,
        archive=archive_grid(tables, run_facts),
        plan=plan_grid(tables),
        refused=refused_grid(tables),
        problems=problem_grid(tables),
        notes=notes_grid(tables, view),
        characteristics=characteristics_grid(tables, view, policy),
        response=response_grid(view, fits, follow_up(view), policy),
        figures={name: _figure(name, drawing) for name, drawing in drawings.items()},
        course=course_grid(tables, view),
        lesions=lesion_grid(tables, view, anchors),
        pictures=[picture for picture, _ in pictures],
        policies=policy_grid(tables, view),
        provenance=provenance_grids(run_facts),
        style=Markup(_asset("report.css")),  # noqa: S704 - our own file
        script=Markup(_asset("report.js")),  # noqa: S704 - our own file
    )  # fmt: skip
    with written_whole(out) as draft:
        draft.write_text(html, encoding="utf-8", newline="\n")
    if figures is not None:
        _write_figures(drawings, figures)
    return out


def _write_figures(drawings: Mapping[str, Drawing], folder: Path) -> None:
    """Write figures and the numbers that they show."""
    for name, drawing in drawings.items():
        files = {
            "svg": encode(drawing.figure, "svg"),
            "png": encode(drawing.figure, "png"),
            "pdf": encode(drawing.figure, "pdf"),
            "csv": csv_bytes(drawing.plotted),
        }
        for ending, content in files.items():
            with written_whole(folder / f"{name}.{ending}") as draft:
                draft.write_bytes(content)


def _environment() -> jinja2.Environment:
    """Return the templates of this package; every value is escaped."""
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_asset),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _asset(name: str) -> str:
    """Return a file of the template folder."""
    folder = resources.files("sumdiam.report") / "template"
    return (folder / name).read_text(encoding="utf-8")


def _figure(name: str, drawing: Drawing) -> _Figure:
    """Return a drawing as a part of the page."""
    title = FIGURE_TITLES[name]
    svg = inline_svg(drawing.figure, f"fig-{name}", title=title)
    return _Figure(name, title, Markup(svg), drawing.caption)  # noqa: S704 - matplotlib's


def _pictures(
    tables: RunTables, view: View, overlays: Mapping[str, bytes | str | Path], folder: Path
) -> list[tuple[Picture, tuple[str, ...]]]:
    """Return the pictures in the order of the lesion table, equal ones once, with their ids."""
    rows = tables.measurements.sort_values(["measurement_id", "revision"])
    rows = rows.drop_duplicates("measurement_id", keep="last")
    rows = rows[rows["measurement_id"].isin(list(overlays)) & (rows["reader"] == view.reader)]
    rows = rows.sort_values(["subject_id", "timepoint", "lesion_id", "quantity"])
    found: dict[str, tuple[Picture, tuple[str, ...]]] = {}
    for row in rows.to_dict("records"):
        name = str(row["measurement_id"])
        content = _content(overlays[name], folder)
        digest = hashlib.sha256(content).hexdigest() if content else f"missing {name}"
        key = f"{row['subject_id']}\x1f{row['lesion_id']}\x1f{row['timepoint']}\x1f{digest}"
        caption = picture_caption(row)
        if key in found:
            picture, names = found[key]
            captions = (*picture.captions, caption.rsplit(": ", 1)[1])
            found[key] = (replace(picture, captions=captions), (*names, name))
            continue
        source = f"data:image/png;base64,{base64.b64encode(content).decode()}" if content else ""
        back = Link(str(row["subject_id"]), anchor_of("lesions", str(row["subject_id"])))
        found[key] = (Picture(anchor_of("picture", name), source, (caption,), back), (name,))
    return list(found.values())


def _content(overlay: bytes | str | Path, folder: Path) -> bytes:
    """Return a picture's bytes; none where its file is not there any more."""
    if isinstance(overlay, bytes):
        return overlay
    path = folder / overlay
    return path.read_bytes() if path.is_file() else b""
