"""The page "printed against reproduced": one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import jinja2
import pandas as pd
from markupsafe import Markup

from sumdiam import __version__
from sumdiam.demo.cohort.words import OUTCOME_WORDS, SHAPE_WORDS, in_words
from sumdiam.demo.imaged.cost import COMPILING, TrialCost
from sumdiam.demo.imaged.reproduced import Reproduced, counted
from sumdiam.export.table_file import written_whole
from sumdiam.report.doubt_grid import TITLE, doubt_grid

FIGURES = (
    ("flow", "Figure 1: flow of the patients"),
    ("response_by_factor", "Figure 2: factors and objective response"),
    ("kaplan_meier_PFS", "Figure 3: progression-free survival"),
    ("kaplan_meier_OS", "Overall survival"),
)


@dataclass(frozen=True, slots=True)
class PageContent:
    """What the page shows.

    Parameters
    ----------
    analysed, everybody : patients of the analysis, measured here, and in the whole trial
    imaged : all patients measured here, those who are left out of the analysis too
    rows : of `reproduced`
    differing : of `outcome.differing`
    accuracy : of `accuracy_table`
    doubts : of the run (`report.doubt_table`)
    studies, refused : how many were measured and refused
    cost : what all of it took; None where that is not known
    review : what the reviewer's view shows, in a sentence
    """

    analysed: int
    everybody: int
    imaged: int
    rows: tuple[Reproduced, ...]
    differing: pd.DataFrame
    accuracy: pd.DataFrame
    doubts: pd.DataFrame
    studies: int
    refused: int
    cost: TrialCost | None = None
    review: str = ""


def write_page(
    content: PageContent, out: Path, *, figures: Path, report: str, review: str = ""
) -> Path:
    """Write the page and return its path.

    Parameters
    ----------
    figures : Path
        Folder of the run's figures; those that it lacks are left out.
    report, review : paths of the run's report and the reviewer's view, relative to the page
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    html = environment.from_string(_asset("sumdiam.demo.imaged", "page.html.j2")).render(
        content=content,
        in_words=in_words,
        compiling=COMPILING,
        outcome_words=OUTCOME_WORDS,
        shape_words=SHAPE_WORDS,
        whole=content.analysed == content.everybody,
        verdicts=_verdicts(content),
        differing=content.differing.fillna("").to_dict("records"),
        n_differing=content.differing["subject_id"].nunique(),
        accuracy=content.accuracy.to_dict("records"),
        doubt=doubt_grid(content.doubts),
        doubt_title=TITLE,
        figures=[(words, _embedded(figures / f"{name}.svg")) for name, words in FIGURES
                 if (figures / f"{name}.svg").is_file()],
        report=report,
        review=review,
        version=__version__,
        style=Markup(_asset("sumdiam.report", "template/report.css")),  # noqa: S704 - our own file
    )  # fmt: skip
    with written_whole(out) as draft:
        draft.write_text(html, encoding="utf-8", newline="\n")
    return out


def _verdicts(content: PageContent) -> dict[str, dict[str, int]]:
    """Return how often there is each verdict, of true lengths and of pixels."""
    against = "print" if content.analysed == content.everybody else "true lengths"
    return {
        "True lengths against print": counted(row.verdict for row in content.rows),
        f"Pixels against {against}": counted(row.pixel_verdict for row in content.rows),
    }


def _embedded(path: Path) -> str:
    """Return a picture as a data URI."""
    return f"data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def _asset(package: str, name: str) -> str:
    """Return a text file of a package."""
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")
