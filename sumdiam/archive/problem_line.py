"""Problems as lines on a screen: one each, or one for all that share a reason."""

from __future__ import annotations

from collections.abc import Sequence

from sumdiam.archive import reason
from sumdiam.archive.problem import Problem

_APART = 3
"""More problems of one kind than this are told in one line."""
_NAMED = 160
"""So many characters of the places of such a line; the file holds all."""


def problem_lines(problems: Sequence[Problem], file: str) -> list[str]:
    """Return a line per problem that stands alone, and one per reason that several share.

    Parameters
    ----------
    file : str
        Where all of them are listed.

    Returns
    -------
    list of str
        Refusals first, then what changes results if it is a slip, then notes.
    """
    lines = []
    for word, several in _by_weight(problems):
        codes: dict[str, list[Problem]] = {}
        for problem in several:
            codes.setdefault(problem.code, []).append(problem)
        for code, same in codes.items():
            if len(same) <= _APART:
                lines += [f"  {word}: {problem.written()}" for problem in same]
                continue
            where = _places(list(dict.fromkeys(problem.where for problem in same)), file)
            lines.append(f"  {word}, {len(same)} times: {reason.sentence(code)} ({where}) [{code}]")
    return lines


def _places(places: Sequence[str], file: str) -> str:
    """Name the first places, each once, as many as one line bears, and where the others are."""
    named = 1
    while named < len(places) and len("; ".join(places[: named + 1])) <= _NAMED:
        named += 1
    rest = len(places) - named
    return "; ".join(places[:named]) + (f"; {rest} others in {file}" if rest else "")


def _by_weight(problems: Sequence[Problem]) -> list[tuple[str, list[Problem]]]:
    """Return problems by how much they matter."""
    refused = [one for one in problems if one.refused]
    rest = [one for one in problems if not one.refused]
    grave = [one for one in rest if one.code in reason.WARNINGS]
    notes = [one for one in rest if one.code not in reason.WARNINGS]
    return [("refused", refused), ("WARNING", grave), ("note", notes)]
