"""The page on mutation testing: how many mutants the tests notice, and why others go unnoticed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.mutant import Mutant

REASONS = Path(__file__).parent / "mutation_reasons.toml"
Rows = Mapping[str, Mapping[str, str]]
HEAD = """# Mutation testing of the assessment

Written by `make mutation` (`python -m benchmarks.mutation`), outside CI. Each mutant is one small
change of a module of the assessment or of a rule set; it is *killed* if a test fails with it. The
changes: a comparison one step beside or the contrary, another operator, one side of `&` or `|`
alone, a sign dropped, a whole number one more or one less, another response, role or cause, the two
answers of a choice exchanged, a statement dropped; in the rule files a threshold one step up and
down, a word of a list dropped, another word or policy, a rule dropped or with another answer, and
every cell of the tables of overall response flipped. Words of sentences, annotations and sources
stay as they are. The tests are those named in `benchmarks/mutation.py`; tests of real data, which
take longer, are left out.

"""


def _reasons() -> list[Mapping[str, str]]:
    """Return why mutants survive that no test can kill."""
    found: list[Mapping[str, str]] = tomllib.loads(REASONS.read_text(encoding="utf-8"))["mutant"]
    return found


def reason_of(mutant: Mutant, reasons: Sequence[Mapping[str, str]]) -> str:
    """Return why a mutant cannot be killed, empty where nobody has said so."""
    shown = {
        "file": mutant.file, "function": mutant.function, "operator": mutant.operator,
        "before": mutant.before, "after": mutant.after, "line": str(mutant.line),
    }  # fmt: skip
    for reason in reasons:
        keys = [key for key in shown if key in reason]
        if keys and all(shown[key] == reason[key] for key in keys):
            return reason["why"]
    return ""


def _share(part: int, whole: int) -> str:
    """Return a share in percent, rounded down."""
    return f"{1000 * part // whole / 10:.1f} %" if whole else "-"


def write_report(path: Path, mutants: Sequence[Mutant], rows: Rows) -> None:
    """Write the page from the session."""
    reasons = _reasons()
    lines = [HEAD, "| file | mutants | tried | killed | survived | of these equivalent | killed |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    survivors: list[tuple[Mutant, str]] = []
    totals = [0] * 5
    for file in dict.fromkeys(mutant.file for mutant in mutants):
        own = [mutant for mutant in mutants if mutant.file == file]
        tried = [mutant for mutant in own if mutant.key in rows]
        alive = [mutant for mutant in tried if rows[mutant.key]["result"] == "survived"]
        told = [(mutant, reason_of(mutant, reasons)) for mutant in alive]
        survivors += told
        equal = sum(why.startswith("equivalent") for _, why in told)
        counts = [len(own), len(tried), len(tried) - len(alive), len(alive), equal]
        totals = [one + other for one, other in zip(totals, counts, strict=True)]
        lines.append(_row(f"`{file}`", counts))
    lines += [_row("all", totals), ""]
    tried_n, killed, equal = totals[1], totals[2], totals[4]
    lines.append(
        f"Of the {tried_n} mutants tried, the tests kill {killed} ({_share(killed, tried_n)}); of "
        f"those that are not equivalent, {_share(killed, tried_n - equal)}. "
        f"{totals[0] - tried_n} are not tried yet.\n"
    )
    lines += ["## Survivors", "", "| where | change | why |", "|---|---|---|"]
    lines += [
        f"| `{mutant.file.removeprefix('assessment/')}` {mutant.function}"
        f"{f', line {mutant.line}' if mutant.line else ''} | `{_cell(mutant.before)}` → "
        f"`{_cell(mutant.after)}` | {why or 'not explained'} |"
        for mutant, why in survivors
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _row(name: str, counts: Sequence[int]) -> str:
    """Return one line of the table."""
    share = _share(counts[2], counts[1] - counts[4])
    return f"| {name} | " + " | ".join(map(str, counts)) + f" | {share} |"


def _cell(text: str) -> str:
    """Return code as it may stand in a table."""
    return text.replace("|", "\\|")
