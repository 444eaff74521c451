"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import jinja2
from markupsafe import Markup

from stats.comparison import policy_named
from stats.plots import Drawing, encode, inline_svg
from sumdiam.export.table_file import csv_bytes, written_whole
from sumdiam.report.figure import draw_figures
from sumdiam.report.group_grid import characteristics_grid, response_grid
from sumdiam.report.picture import picture_anchors, picture_groups
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
from sumdiam.report.subject_grid import course_grid, lesion_grid
from sumdiam.report.view import choose_view
from sumdiam.report.waiting import waiting_outlines

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
    pairs: Mapping[str, bytes | str | Path] | None = None,
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
    pairs : mask id -> PNG, optional
        Outlines of matches that wait for a person, as overlays.

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
    pictures = picture_groups(tables, view, overlays, out.parent)
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
        lesions=lesion_grid(tables, view, picture_anchors(pictures)),
        waiting=waiting_outlines(tables, pairs or {}, out.parent),
        pictures=pictures,
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
