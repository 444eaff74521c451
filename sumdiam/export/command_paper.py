"""`sumdiam check-paper`: what printed tables say against themselves."""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import typer

from stats.consistency import FAULTS, VERDICTS, PrintedTableError, Verdict, check_paper
from stats.finding import Word
from sumdiam.archive.csv_text import read_text
from sumdiam.export.table_file import written_whole

EXIT_DONE, EXIT_FAULT = 0, 3
ADDED = ("line", "verdict", "reason")


class VerdictFileError(OSError):
    """The verdicts cannot be written."""


def check_paper_command(printed: Path, *, out: Path | None = None) -> int:
    """Check the printed cells of a paper and tell a verdict for each.

    Parameters
    ----------
    printed : Path
        CSV as `stats.consistency.check_paper` reads it.
    out : Path, optional
        CSV file for the verdicts. Without it they are printed: as CSV into a pipe or file, in words
        on a screen.

    Returns
    -------
    int
        0, or 3 where a cell is at fault.

    Raises
    ------
    ValueError
        Of `measurement.table.TableError` or `stats.consistency.PrintedTableError`: the file cannot
        be checked.
    VerdictFileError
        The verdicts cannot be written.
    """
    frame = read_text(printed)
    try:
        verdicts = check_paper(frame)
    except PrintedTableError as error:
        msg = f"{printed.name}: {error}"
        raise PrintedTableError(msg) from None
    lines = [int(index) + 2 for index in frame.index]
    table = verdict_csv(frame, lines, verdicts)
    counted = Counter(one.verdict for one in verdicts)
    if out is not None:
        _write(table, out, printed)
    elif not sys.stdout.isatty():
        typer.echo(table, nl=False)
        typer.echo(_summary(counted), err=True)
        return _exit_code(verdicts)
    for line, cells, one in zip(lines, frame.to_dict("records"), verdicts, strict=True):
        if one.is_fault:
            typer.echo(_told(line, {str(k): str(v) for k, v in cells.items()}, one))
    typer.echo(_summary(counted))
    if out is not None:
        typer.echo(f"Verdicts on every row: {out}")
    return _exit_code(verdicts)


def verdict_csv(frame: pd.DataFrame, lines: list[int], verdicts: tuple[Verdict, ...]) -> str:
    """Return the rows as handed in, with line, verdict and reason behind them, as CSV."""
    own = [str(name) for name in frame.columns if str(name).strip().casefold() not in ADDED]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*(name.strip() for name in own), *ADDED])
    cells = frame[own].astype(str).to_numpy().tolist()
    for row, line, one in zip(cells, lines, verdicts, strict=True):
        writer.writerow([*row, line, one.verdict, one.reason])
    return text.getvalue()


def _told(line: int, cells: dict[str, str], one: Verdict) -> str:
    """Return a fault in words: where it stands, what is printed, why."""
    given = {name.strip().casefold(): cell.strip() for name, cell in cells.items()}
    where = [given[name] for name in ("table", "variable", "level", "arm") if given[name]]
    printed = f"{given['statistic']} {given['printed']!r}"
    return f"line {line}  {one.verdict}: {', '.join(where)}, {printed}\n    {one.reason}"


def _summary(counted: Counter[Word]) -> str:
    """Return the number of rows of each verdict, with its meaning."""
    total = sum(counted.values())
    lines = [f"{total} row{'s' if total != 1 else ''}:"]
    lines += [
        f"  {counted[word]:>4} {word.replace('_', ' ')}{' *' if word in FAULTS else ''}: {meaning}"
        for word, meaning in VERDICTS.items()
        if counted[word]
    ]
    if any(counted[word] for word in FAULTS):
        lines.append("* look at these. A fault may be one of typing: compare with the paper first.")
    return "\n".join(lines)


def _write(table: str, out: Path, printed: Path) -> None:
    """Write the verdicts, never over the table that was handed in."""
    if out.resolve() == printed.resolve():
        msg = f"{out.name}: --out would write over the table itself. Choose another file."
        raise VerdictFileError(msg)
    if out.is_dir():
        msg = f"{out}: is a folder. Give --out the name of a file, such as verdicts.csv."
        raise VerdictFileError(msg)
    try:
        with written_whole(out) as draft:
            draft.write_text(table, encoding="utf-8", newline="")
    except OSError as error:
        msg = f"{out}: cannot be written ({error.strerror}). Choose another place for --out."
        raise VerdictFileError(msg) from None


def _exit_code(verdicts: tuple[Verdict, ...]) -> int:
    """Return 3 where a cell is at fault."""
    return EXIT_FAULT if any(one.is_fault for one in verdicts) else EXIT_DONE
