"""What the words of a series say about its contrast phase."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_NOT_CONTRAST = (
    r"(?! ?(op|operative|surg|tace|treat|therap|rx|rt|biopsy|bx|ablat|transplant|tips|embol|"
    r"monit|scan|study|dose|session|prep))"
)
"""What follows "pre" where it speaks of a treatment, not of contrast."""

_WORDS: tuple[tuple[str, str], ...] = (
    ("native", rf"pre{_NOT_CONTRAST}|precontrast|precon|preliver"),
    ("native", r"nativ|native|nativa|nativo|nativphase|dry|unenhanced|plain|basale?|vuoto|smdc"),
    ("native", r"non? ?con(trast)?|noncontrast\w*|ncct|without( iv)?( con(trast)?)?"),
    ("native", r"w ?o( iv)?( con(trast)?| gd| gad)?|sans( iv| inj\w*| contraste| pdc| produit)"),
    ("native", r"ohne (km|kontrast\w*)|leeraufnahme|senza (mdc|contrasto|mezzo)"),
    ("native", r"s[ie][nm] (contraste|civ)|zonder contrast|blanco"),
    ("early_arterial", r"(early|frue?h\w*|precoce) ?arter\w*|arter\w* (precoce|early)|earlyart"),
    ("early_arterial", r"fr(u|ue)harter\w*"),
    ("late_arterial", r"(late|spae?t\w*|tardive) ?art(er\w*)?|arter\w* (tardive|late)|lateart"),
    ("late_arterial", r"sp(a|ae)tarter\w*"),
    ("arterial", r"arter(?!y|ies)\w*|art"),
    ("portal_venous", r"porta+l\w*|porto\w*|pv|pvp|p ?ven\w*|venous|venos\w*|vei?neu\w*|ven"),
    ("delayed", r"delay\w*|dly|retard\w*|tardi[fvoa]\w*|equilib\w*|sp(a|ae)t(phase)?|excret\w*"),
    ("delayed", r"late phase|sp(a|ae)tvenos\w*"),
    ("transitional", r"transition\w*"),
    ("hepatobiliary", r"hepato ?bil\w*|hbp|hepatobiliaire"),
    ("several", r"([2-6]|two|three|four|bi|tri|quad\w*|multi|dual|double) ?(phas|fas|ph)\w*"),
    ("several", r"triple ?(phas|fas|ph)\w*"),
    ("several", r"dyn|dynamic|dynamique|dynamisch"),
    ("tracking", r"smart ?prep|monitor\w*|premonitoring|care ?bolus|bolus|tracker|tracking"),
    ("tracking", r"locator"),
    ("localizer", r"locali[sz]er|scout|topogram|surview|test inj\w*"),
    ("contrast", r"post|w|with|c\+|contrast|contraste|\+c|kontrast\w*|km|gd|gad"),
    ("contrast", r"enhanced|iv|inj\w*"),
    ("elsewhere", r"asl|spin label\w*|perfusion|perf|tof|venogra\w*|mrv|ctv|carotid\w*|coronar\w*"),
)  # fmt: skip
_RULES = tuple(
    (name, re.compile(rf"(?<![a-z0-9])(?:{words})(?![a-z0-9])")) for name, words in _WORDS
)
_ARTERIAL = {"arterial", "early_arterial", "late_arterial"}
_IDEOGRAMS = tuple(
    (name, re.compile(words))
    for name, words in (
        ("native", "平[扫掃]|単純"),
        ("arterial", "[动動][脉脈][期相]"),
        ("portal_venous", "[门門](静|靜)?[脉脈][期相]"),
        ("delayed", "[延遅][迟遲延][期相]|平衡[期相]"),
        ("hepatobiliary", "肝[胆膽][期相]|肝細胞造影相"),
    )
)
_DELAY = re.compile(r"(?<![a-z0-9])(\d{1,3}) ?(s|sec|secs|second|seconds|sek)(?![a-z0-9])")
_MINUTES = re.compile(r"(?<![a-z0-9])(\d{1,2}) ?(min|mins|minute|minutes|mn)(?![a-z0-9])")
_LIST_OF_DELAYS = re.compile(r"\d{2,3}[ ,/]+\d{2,3}[ ,/]+(\d{2,3}[ ,/]+)*(s|sec)")
_COUNT = re.compile(r"([2-6]|two|three|four|bi|tri|quad|dual|double|triple) ?(phas|fas|ph)")
_INJECTED = re.compile(r"(?<![a-z])(delay|dly|post|inj|retard|p i(?![a-z]))")
_WITH_TOO = re.compile(r"(?<![a-z])(post|w (and )?w ?o|with and without)(?![a-z])")
_SHORTEST_S, _BREATH_HOLD_S, _LONGEST_S = 15.0, 45.0, 3600.0
_LONGEST_IN_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class PhaseWords:
    """Which phases a text names, and what else it says.

    ``phases`` are words of `imaging.phase.PHASES`, and ``arterial`` where early or late is not
    said. ``delay_s`` is a delay after injection.
    """

    phases: tuple[str, ...] = ()
    delay_s: float | None = None
    several: int = 0
    tracking: bool = False
    contrast: bool = False


def phase_words(text: str) -> PhaseWords:
    """Return what a description, protocol name or contrast text says of the phase.

    Notes
    -----
    ``AP``, ``A/P`` and ``C-A-P`` are regions (abdomen, pelvis, chest) and say nothing here. A text
    that lists several delays, or names several phases, is about the whole examination. A delay of
    45 s or less is believed only beside a word for delay or injection.
    """
    plain = _plain(text)
    spaced = re.sub(r"[^a-z0-9+]+", " ", plain).strip()
    found = {name for name, pattern in _RULES if pattern.search(spaced)}
    found |= {name for name, pattern in _IDEOGRAMS if pattern.search(plain)}
    several = _several(spaced) if "several" in found else 0
    if _LIST_OF_DELAYS.search(plain):
        return PhaseWords(several=max(several, 2), contrast=True)
    if "localizer" in found:
        return PhaseWords(tracking=True)
    if "elsewhere" in found:
        return PhaseWords()
    delays = _delays_s(spaced)
    if len(delays) > 1:
        return PhaseWords(several=max(several, len(delays)), contrast=True)
    delay = _believed(delays, spaced)
    phases = found & {
        "native", "early_arterial", "late_arterial", "arterial", "portal_venous", "delayed",
        "transitional", "hepatobiliary",
    }  # fmt: skip
    if phases & {"early_arterial", "late_arterial"}:
        phases -= {"arterial", "delayed"}
    if delay is not None:
        phases -= {"delayed"}  # "70 SEC DELAY" is a time, not the delayed phase
    if re.search(r"(?<![a-z0-9])c-(?![a-z0-9-])", plain):
        phases |= {"native"}
    if "native" in phases and _WITH_TOO.search(spaced):
        return PhaseWords(several=2, contrast=True)  # "PRE/POST", "W/WO": the whole examination
    return PhaseWords(
        phases=tuple(sorted(phases)),
        delay_s=delay,
        several=several,
        tracking="tracking" in found and not phases,
        contrast="contrast" in found and "native" not in phases,
    )


def _plain(text: str) -> str:
    """Return lower case without accents."""
    split = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in split if not unicodedata.combining(letter))


def _several(spaced: str) -> int:
    """Return how many phases the examination has by its own words; 2 where it does not count."""
    match = _COUNT.search(spaced)
    if match is None:
        return 2
    word = match.group(1)
    counts = {"two": 2, "bi": 2, "dual": 2, "double": 2, "three": 3, "tri": 3, "triple": 3}
    return int(word) if word.isdigit() else counts.get(word, 4)


def _delays_s(spaced: str) -> set[float]:
    """Return the delays that a text states, in seconds."""
    minutes = {60.0 * int(m.group(1)) for m in _MINUTES.finditer(spaced)}
    seconds = {float(m.group(1)) for m in _DELAY.finditer(spaced)}
    return minutes | {delay for delay in seconds if delay <= _LONGEST_IN_SECONDS}


def _believed(delays_s: set[float], spaced: str) -> float | None:
    """Return the delay after injection where it can be one, not the length of a breath-hold."""
    if not delays_s:
        return None
    delay = next(iter(delays_s))
    if not _SHORTEST_S <= delay <= _LONGEST_S:
        return None
    return delay if delay > _BREATH_HOLD_S or _INJECTED.search(spaced) else None
