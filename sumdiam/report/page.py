"""The report as one HTML file; only very many pictures stay in files beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from stats.plots import Drawing, encode, inline_svg
from sumdiam.export.table_file import written_whole
from sumdiam.report.estimate import Estimates, estimates, write_printed
from sumdiam.report.figure_file import SecondProcess, write_figures
from sumdiam.report.picture import PictureGroup, picture_anchors, picture_groups
from sumdiam.report.picture_source import EMBEDDED_MB, PictureSource, files_mb
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
from sumdiam.report.view import View, choose_view
from sumdiam.report.waiting import waiting_outlines
from sumdiam.step_clock import step

FIGURE_TITLES: Mapping[str, str] = {
    "flow": "Flow of subjects",
    "kaplan_meier_PFS": "Progression-free survival",
    "kaplan_meier_OS": "Overall survival",
    "kaplan_meier_TTP": "Time to progression",
    "kaplan_meier_hepatic_PFS": "Hepatic progression-free survival",
    "waterfall": "Best change of the target sum",
    "spider": "Change of the target sum over time",
    "swimmer": "Course of every subject",
    "forest_response": "Objective response by factor",
    "forest_hazard_PFS": "Progression-free survival by factor",
    "forest_hazard_OS": "Overall survival by factor",
    "cumulative_incidence": "Progression with death competing",
    "response_sankey": "Response from visit to visit",
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
    printed: Path | None = None,
    pairs: Mapping[str, bytes | str | Path] | None = None,
    embedded_mb: float = EMBEDDED_MB,
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
    printed : Path, optional
        Folder to write the tables of estimates into, as HTML, LaTeX, Markdown, DOCX and CSV, and
        ``check_paper.csv``: their cells as `stats.consistency.check_paper` reads them.
    pairs : mask id -> PNG, optional
        Outlines of matches that wait for a person, as overlays.
    embedded_mb : float
        Where the files of overlays and pairs are larger in all, the page shows them from where
        they lie, and says so.

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
    pairs = pairs or {}
    linked = files_mb(out.parent, overlays, pairs) > embedded_mb
    pictures = [PictureSource(out.parent, some, linked=linked) for some in (overlays, pairs)]
    with SecondProcess() as second:
        with step("statistics"):
            take = None if figures is None else second.take
            found = estimates(tables, view, run_facts, drawn=take)
        svgs = {name: encode(drawing.figure, "svg") for name, drawing in found.drawings.items()}
        html = _page(tables, view, run_facts, found, svgs, pictures)
        with written_whole(out) as draft:
            draft.write_text(html, encoding="utf-8", newline="\n")
        if printed is not None:
            write_printed(found.grids, printed)
        if figures is not None:
            write_figures(found.drawings, svgs, second.encoded(), figures)
    return out


def _page(
    tables: RunTables,
    view: View,
    run_facts: RunFacts,
    found: Estimates,
    svgs: Mapping[str, bytes],
    pictures: Sequence[PictureSource],
) -> str:
    """Return the page; the pictures are the overlays and the outlines of pairs."""
    source, outlines = pictures
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            facts=run_facts,
            view=view,
            waiting=waiting_outlines(tables, outlines),
            beside=[folder for one in pictures for folder in one.folders()],
            style=Markup(_asset("report.css")),  # noqa: S704 - our own file
            script=Markup(_asset("report.js")),  # noqa: S704 - our own file
            **_run_parts(tables, view, run_facts),
            **_estimate_parts(found, svgs),
            **_lesion_parts(tables, view, picture_groups(tables, view, source)),
        )
    )


def _run_parts(tables: RunTables, view: View, run_facts: RunFacts) -> dict[str, Any]:
    """Return what the page says of the run itself: what was read, by which rules, made of what."""
    title, source, rules = criteria_title(view.criteria)
    return {
        "criteria_title": title,
        "criteria_source": source,
        "criteria_rules": rules,
        "archive": archive_grid(tables, run_facts),
        "plan": plan_grid(tables),
        "refused": refused_grid(tables),
        "problems": problem_grid(tables),
        "notes": notes_grid(tables, view),
        "policies": policy_grid(tables, view),
        "provenance": provenance_grids(run_facts),
    }


def _estimate_parts(found: Estimates, svgs: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the tables and figures of estimates."""
    return {
        "characteristics": found.grids["characteristics"],
        "response": found.grids["response"],
        "times": found.grids["times"],
        "doubt": found.grids["doubt"],
        "agreement": found.grids["agreement"],
        "regressions": found.regressions,
        "figures": {name: _figure(name, one, svgs[name]) for name, one in found.drawings.items()},
    }


def _lesion_parts(
    tables: RunTables, view: View, pictures: tuple[PictureGroup, ...]
) -> dict[str, Any]:
    """Return the course of every subject, its lesions and their pictures."""
    return {
        "course": course_grid(tables, view),
        "lesions": lesion_grid(tables, view, picture_anchors(pictures)),
        "pictures": pictures,
    }


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


def _figure(name: str, drawing: Drawing, content: bytes) -> _Figure:
    """Return a drawing as a part of the page."""
    title = FIGURE_TITLES.get(name, "Agreement of two readers")
    svg = inline_svg(content, f"fig-{name}", title=title)
    return _Figure(name, title, Markup(svg), drawing.caption)  # noqa: S704 - matplotlib's
