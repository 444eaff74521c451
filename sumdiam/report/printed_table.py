"""Tables of the report as files for a paper: HTML, LaTeX, Markdown, DOCX and CSV.

Own code, as the tables are there already, row by row with their notes: great-tables writes HTML
and LaTeX only, and pandas' ``to_latex`` and ``to_markdown`` know of no indented levels and notes.
Word files are python-docx's.
"""

from __future__ import annotations

import csv
import html
import io
import zipfile
from typing import Final

from sumdiam.report.grid import Grid, GridRow

INDENT: Final = "    "
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)

_LATEX: Final = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "\u2212": r"\ensuremath{-}", "\u2013": "--",
    "\u2014": "---", "\u00a0": "~", "\u2265": r"\ensuremath{\geq}", "\u2264": r"\ensuremath{\leq}",
    "\u00b5": r"\ensuremath{\mu}", "\u2020": r"\dag{}", "\u201c": "``", "\u201d": "''",
}  # fmt: skip


def encode_table(grid: Grid, title: str) -> dict[str, bytes]:
    """Return a table as files' bytes, by suffix: html, tex, md, docx, csv.

    Parameters
    ----------
    grid : Grid
        With rows. Links and notes of cells are left to the page.
    title : str
        Its caption.

    Notes
    -----
    The same table gives the same bytes. The LaTeX needs the packages booktabs and longtable.
    """
    texts = {
        "html": grid_html(grid, title),
        "tex": grid_latex(grid, title),
        "md": grid_markdown(grid, title),
        "csv": grid_csv(grid),
    }
    found = {suffix: text.encode("utf-8") for suffix, text in texts.items()}
    return found | {"docx": grid_docx(grid, title)}


def _is_inner(row: GridRow) -> bool:
    """Whether the row is a level of the one above it."""
    return row.kind.startswith("level")


def grid_html(grid: Grid, title: str) -> str:
    """Return a table as an HTML page that needs nothing else."""
    heads = "".join(f'<th scope="col">{html.escape(one)}</th>' for one in grid.columns)
    lines = []
    for row in grid.rows:
        kind = ' class="level"' if _is_inner(row) else ""
        cells = "".join(f"<td>{html.escape(cell.text)}</td>" for cell in row.cells)
        lines.append(f"<tr{kind}>{cells}</tr>")
    notes = "".join(f"<p>{html.escape(note)}</p>\n" for note in grid.notes)
    style = (
        "table{border-collapse:collapse;font:10pt sans-serif}caption{text-align:left;"
        "font-weight:bold}th{border-top:1.5px solid;border-bottom:1px solid;text-align:left}"
        "td,th{padding:2px 8px;vertical-align:top}tbody{border-bottom:1.5px solid}"
        ".level td:first-child{padding-left:2em}p{font:9pt sans-serif;max-width:60em}"
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}'
        f"</title><style>{style}</style></head><body>\n<table><caption>{html.escape(title)}"
        f"</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n" + "\n".join(lines) + "\n</tbody>"
        f"</table>\n{notes}</body></html>\n"
    )


def grid_latex(grid: Grid, title: str) -> str:
    """Return a table as LaTeX (longtable, booktabs)."""
    columns = "p{0.28\\linewidth}" + "l" * (len(grid.columns) - 1)
    head = " & ".join(_latex(one) for one in grid.columns) + r" \\"
    lines = []
    for row in grid.rows:
        cells = [_latex(cell.text) for cell in row.cells]
        first = rf"\quad {cells[0]}" if _is_inner(row) else cells[0]
        lines.append(" & ".join([first, *cells[1:]]) + r" \\")
    body = "\n".join(lines)
    notes = "".join(f"\n\\par\\noindent {{\\footnotesize {_latex(note)}}}" for note in grid.notes)
    return (
        f"\\begin{{longtable}}{{{columns}}}\n\\caption{{{_latex(title)}}}\\\\\n\\toprule\n{head}\n"
        f"\\midrule\n\\endhead\n{body}\n\\bottomrule\n\\end{{longtable}}{notes}\n"
    )


def _latex(text: str) -> str:
    """Escape what LaTeX would read as a command."""
    return "".join(_LATEX.get(letter, letter) for letter in text)


def grid_markdown(grid: Grid, title: str) -> str:
    """Return a table as Markdown with pipes."""
    lines = [f"**{_markdown(title)}**", ""]
    lines += [_piped(grid.columns), "|" + " --- |" * len(grid.columns)]
    for row in grid.rows:
        cells = [_markdown(cell.text) for cell in row.cells]
        first = f"&emsp;{cells[0]}" if _is_inner(row) else cells[0]
        lines.append("| " + " | ".join([first, *cells[1:]]) + " |")
    for note in grid.notes:
        lines += ["", _markdown(note)]
    return "\n".join(lines) + "\n"


def _piped(texts: tuple[str, ...]) -> str:
    """Return cells between pipes."""
    return "| " + " | ".join(_markdown(text) for text in texts) + " |"


def _markdown(text: str) -> str:
    """Escape what Markdown would read as a mark or a tag."""
    for letter in "\\`*_|<>[]":
        text = text.replace(letter, f"\\{letter}")
    return text.replace("\n", " ")


def grid_csv(grid: Grid) -> str:
    """Return a table as CSV, levels indented; a cell that a spreadsheet would compute is text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(grid.columns)
    for row in grid.rows:
        cells = [_inert(cell.text) for cell in row.cells]
        writer.writerow([INDENT + cells[0] if _is_inner(row) else cells[0], *cells[1:]])
    return text.getvalue()


def _inert(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in {"=", "@", "\t", "\r"} else text


def grid_docx(grid: Grid, title: str) -> bytes:
    """Return a table as a Word file, in landscape, with its head repeated on each page."""
    from docx import Document
    from docx.enum.section import WD_ORIENT
    from docx.oxml import OxmlElement
    from docx.shared import Cm, Pt

    document = Document()
    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = section.page_height, section.page_width
    section.left_margin = section.right_margin = Cm(1.5)
    document.styles["Normal"].font.size = Pt(9)
    document.add_paragraph().add_run(title).bold = True
    table = document.add_table(rows=1 + len(grid.rows), cols=len(grid.columns))
    table.style = "Light List"
    for cell, head in zip(table.rows[0].cells, grid.columns, strict=True):
        cell.text = head
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))  # noqa: SLF001
    for line, row in zip(table.rows[1:], grid.rows, strict=True):
        for i, (place, cell) in enumerate(zip(line.cells, row.cells, strict=True)):
            place.text = ""
            run = place.paragraphs[0].add_run(cell.text)
            run.bold = i == 0 and not _is_inner(row)
            if i == 0 and _is_inner(row):
                place.paragraphs[0].paragraph_format.left_indent = Cm(0.5)
    for note in grid.notes:
        document.add_paragraph(note).runs[0].font.size = Pt(8)
    buffer = io.BytesIO()
    document.save(buffer)
    return _without_clock(buffer.getvalue())


def _without_clock(content: bytes) -> bytes:
    """Return a zip archive with the time of writing taken out of its entries."""
    found = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in sorted(old.namelist()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, old.read(name))
    return found.getvalue()
