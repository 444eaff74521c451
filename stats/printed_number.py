"""Numbers as they are printed in papers: what a cell says, and what exact values it can stand for.

Papers mix dashes, decimal commas, thin spaces, footnote marks and whole intervals in one cell. A
string that could be read in two ways is not read.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, Literal

Relation = Literal["=", "<", ">"]
Fit = Literal["either", "rounded", "truncated", "none"]

ABSENT: Final = frozenset(
    {
        "", "-", "--", "---", "...", "nr", "na", "n/a", "n.a.", "ne", "n.e.", "nd", "not reached",
        "none", "not available", "not applicable", "not reported", "not estimable", "not evaluable",
        "inf", "infinity", "∞", "ref", "ref.", "reference", "nan",
    }
)  # fmt: skip
NOT_SIGNIFICANT: Final = frozenset({"ns", "n.s.", "n.s", "not significant", "nonsignificant"})
SIGNIFICANCE: Final = Fraction(5, 100)
MOST_CHARACTERS: Final = 200
_SLACK: Final = 1e-9
"""Exact values come as floats; a tie must not hang on their last bit."""

_DASHES: Final = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_MARKS: Final = re.compile(r"[*\u2020\u2021\u00a7\u00b6#\u2016]|\^\(?[a-z]\)?|(?<=[\d)%])\s?[a-d]$")
_INTERVAL_WORDS: Final = re.compile(
    r"\d{2}(?:\.\d+)?\s*%?\s*-?\s*(?:c\.?i\.?|confidence interval|confidence limits)\s*[:,=]?|"
    r"\b(?:ci|confidence interval)\s*[:,=]?"
)
_PLAIN: Final = r"(?:\d+\.\d+|\d+|\.\d+)(?:e[+-]?\d{1,3}(?!\d))?"
_SIGNED: Final = rf"(?:(?<![\d.])[+-])?{_PLAIN}"
_WORDS: Final = r"[a-z\u00b5\u03bc/%\s.]*"
_CELL: Final = re.compile(
    rf"^(?:(?:p(?:\s*-?\s*value)?|hr|or|rr|n|median|mean)\s*:?\s*)?(?P<relation><=|>=|<|>|=)?\s*(?P<first>{_SIGNED})\s*"
    rf"(?P<percent>%|percent|per cent)?\s*(?:(?P<of>/|of|out of)\s*(?P<total>{_PLAIN}))?"
    r"(?P<rest>.*)$"
)
_PAIR: Final = re.compile(
    rf"^\s*(?P<low>{_SIGNED})\s*%?\s*(?:-|to|,|;|\bbis\b)\s*(?P<high>{_SIGNED})\s*%?\s*$"
)
_OPEN: Final = r"(?:nr|n\.?e\.?|na|n/a|inf|infinity|∞|not reached|-)"
_HALF_PAIR: Final = re.compile(
    rf"^\s*(?:(?P<low>{_SIGNED})\s*(?:-|to|,|;)\s*{_OPEN}|{_OPEN}\s*(?:-|to|,|;)\s*(?P<high>{_PLAIN}))\s*$"
)
_SHARE: Final = re.compile(rf"^\s*({_PLAIN})\s*/\s*({_PLAIN})\s*$")
_IN_BRACKETS: Final = re.compile(r"[(\[]([^()\[\]]*)[)\]]")


class PrintedNumberError(ValueError):
    """A printed string cannot be read as a number."""


@dataclass(frozen=True, slots=True)
class PrintedNumber:
    """A printed number: its value, the unit of its last digit, and a relation such as ``<``."""

    value: Fraction
    unit: Fraction
    relation: Relation = "="

    def fit(self, exact: float | Fraction) -> Fit:
        """Say how the exact value would have to be shortened to be printed so.

        ``either`` where rounding and cutting off give the same, or at a tie. A relation is either
        true or ``none``.
        """
        slack = _SLACK * float(self.unit)
        gap = float(Fraction(exact) - self.value)
        if self.relation == "<":
            return "either" if gap < slack else "none"
        if self.relation == ">":
            return "either" if gap > -slack else "none"
        unit = float(self.unit)
        rounds = abs(gap) <= unit / 2 + slack
        inward = gap if self.value > 0 or (self.value == 0 and exact > 0) else -gap
        cuts = -slack <= inward < unit - slack
        if rounds and cuts:
            return "either"
        return "rounded" if rounds else "truncated" if cuts else "none"

    def bounds(self, *, truncation: bool) -> tuple[float, float]:
        """Return the lowest and highest exact value that may be printed so."""
        value, unit = float(self.value), float(self.unit)
        if self.relation != "=":
            return (-float("inf"), value) if self.relation == "<" else (value, float("inf"))
        low, high = value - unit / 2, value + unit / 2
        if truncation:
            low, high = (low, value + unit) if value >= 0 else (value - unit, high)
        return low, high

    def __str__(self) -> str:
        """Return the number with the digits that it was printed with."""
        digits = max(0, len(str(self.unit.denominator)) - 1)
        sign = "" if self.relation == "=" else f"{self.relation} "
        return f"{sign}{float(self.value):.{digits}f}"


@dataclass(frozen=True, slots=True)
class PrintedCell:
    """All that one cell says; None for what it does not.

    ``first`` is the number that stands first, ``total`` that behind a slash, ``bracket`` a number
    alone in brackets, ``low`` and ``high`` an interval, in brackets or as the whole cell.
    """

    first: PrintedNumber | None
    first_is_percent: bool = False
    total: PrintedNumber | None = None
    bracket: PrintedNumber | None = None
    low: PrintedNumber | None = None
    high: PrintedNumber | None = None


def read_cell(text: str, *, whole: bool = False) -> PrintedCell | None:
    """Read what a cell of a printed table says; None where it says nothing (``-``, ``NR``).

    Parameters
    ----------
    text : str
        As printed: ``<0.001``, ``12.3%``, ``61/73 (83.6)``, ``1.2 (0.8-1.9)``, ``0,038``.
    whole : bool
        Whether the number counts something: a comma before three digits then parts thousands.

    Raises
    ------
    PrintedNumberError
        If it is no number, or may be two different ones.

    Examples
    --------
    >>> cell = read_cell("1,2 (0,8\u20131,9)")
    >>> str(cell.first), str(cell.low), str(cell.high)
    ('1.2', '0.8', '1.9')
    """
    if len(text) > MOST_CHARACTERS:
        msg = f"{len(text)} characters are no number. Put one number into a cell."
        raise PrintedNumberError(msg)
    plain = _plain(text, whole=whole)
    if plain in ABSENT:
        return None
    if plain in NOT_SIGNIFICANT:
        return PrintedCell(PrintedNumber(SIGNIFICANCE, Fraction(1, 100), ">"))
    pair = _PAIR.match(_unwrapped(plain))
    if pair:
        return PrintedCell(None, low=_number(pair["low"]), high=_number(pair["high"]))
    found = _CELL.match(_unwrapped(plain))
    behind = _IN_BRACKETS.sub("", found["rest"]) if found else "?"
    if not found or not re.fullmatch(_WORDS, re.sub(rf"\+/-\s*{_PLAIN}|±\s*{_PLAIN}", "", behind)):
        raise _unreadable(text)
    total = _number(found["total"]) if found["total"] else None
    is_percent = bool(found["percent"]) or found["rest"].strip() in {"%", "percent"}
    cell = PrintedCell(_number(found["first"], found["relation"] or "="), is_percent, total)
    for inside in _IN_BRACKETS.findall(found["rest"]):
        cell = _with_bracket(cell, inside, text)
    return cell


def _with_bracket(cell: PrintedCell, inside: str, text: str) -> PrintedCell:
    """Add what stands in brackets behind the number: an interval, a number, or words."""
    pair = _PAIR.match(inside) or _HALF_PAIR.match(inside)
    if pair and cell.low is None and cell.high is None:
        return replace(
            cell,
            low=_number(pair["low"]) if pair["low"] else None,
            high=_number(pair["high"]) if pair["high"] else None,
        )
    share = _SHARE.match(inside)
    if share and cell.bracket is None and cell.total is None:
        return replace(cell, bracket=_number(share[1]), total=_number(share[2]))
    alone = re.fullmatch(rf"\s*({_SIGNED})\s*%?\s*", inside)
    if alone and cell.bracket is None:
        return replace(cell, bracket=_number(alone[1]))
    if re.search(r"\d", inside):
        raise _unreadable(text)
    return cell


def _plain(text: str, *, whole: bool) -> str:
    """Return the string with one kind of dash, space, sign and decimal mark, in small letters."""
    one = unicodedata.normalize("NFKC", _superscripts(text)).casefold()
    one = _DASHES.sub("-", one).replace("≤", "<=").replace("≥", ">=")
    one = re.sub(r"[\u200b-\u200f\u2060\ufeff]", "", one)
    one = re.sub(r"[~\u2248]", "", one).replace("\u00d7", "x")
    one = one.replace("·", ".").replace("\u066b", ".")
    one = re.sub(r"\s+", " ", one).strip()
    one = re.sub(r"\s?x\s?10\s?\^?\s?(-?\d+)", r"e\1", one)
    one = _MARKS.sub("", one)
    # one space or apostrophe between groups of three digits parts thousands
    one = re.sub(
        r"(?<![\d.,])\d{1,3}(?:[ '\u2019]\d{3})+(?!\d)",
        lambda m: re.sub(r"\D", "", m[0]),
        one,
    )
    one = _decimal_points(one, text, whole=whole)
    return _INTERVAL_WORDS.sub("", one).strip().rstrip(";,").strip()


def _superscripts(text: str) -> str:
    """Drop raised figures that mark footnotes, keep those of a power of ten."""
    raised = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
    text = re.sub(r"(10)([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda m: f"{m[1]}^{m[2].translate(raised)}", text)
    return re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹ᵃᵇᶜᵈᵉ]+", "", text)


def _decimal_points(plain: str, text: str, *, whole: bool) -> str:
    """Turn decimal commas into points and drop commas that part thousands."""
    if not re.search(r"\d,\d", plain):
        return plain
    both = re.search(r"\d[.,]\d.*", plain)
    if both and re.search(r"\d{1,3}(\.\d{3})+,\d", plain):  # 1.234,5
        return re.sub(r"(?<=\d)\.(?=\d{3})", "", plain).replace(",", ".")
    if re.search(r"\d\.\d", plain):
        if re.search(r"(?<![\d.])\d{1,3}(,\d{3})+(?![\d,])", plain):  # 1,234.5
            return re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", plain)
        return re.sub(r"(?<=\d),(?=\d)", ", ", plain)  # 0.8,1.9
    groups = re.findall(r"(?<![\d,])\d{1,3}(?:,\d{3})+(?![\d,])", plain)
    commas = re.findall(r"\d+(?:,\d+)+", plain)
    if groups and not any(one.startswith("0,") for one in commas):
        if whole or any(one.count(",") > 1 for one in groups):
            return re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", plain)
        if len(groups) == len(commas):
            msg = (
                f"{text!r} may be {groups[0].replace(',', '')} or {groups[0].replace(',', '.')}. "
                "Write it with a point, or without a comma."
            )
            raise PrintedNumberError(msg)
    return re.sub(r"(?<=\d),(?=\d)", ".", plain)


def _unwrapped(plain: str) -> str:
    """Drop brackets about the whole cell."""
    wrapped = re.fullmatch(r"[(\[]([^()\[\]]*)[)\]]", plain)
    return wrapped[1].strip() if wrapped else plain


def _number(text: str, relation: str = "=") -> PrintedNumber:
    """Return value and last digit of a plain number."""
    mantissa, _, power = text.partition("e")
    scale = Fraction(10) ** int(power or 0)
    digits = len(mantissa.partition(".")[2])
    kind: Relation = "<" if relation[0] == "<" else ">" if relation[0] == ">" else "="
    return PrintedNumber(Fraction(mantissa) * scale, Fraction(1, 10**digits) * scale, kind)


def _unreadable(text: str) -> PrintedNumberError:
    """Say that a string is no number."""
    return PrintedNumberError(
        f"{text!r} is not read as a number. Write it as in 61, 12.3%, <0.001 or 1.2 (0.8-1.9)."
    )
