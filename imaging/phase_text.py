"""What the words of a series say about its contrast phase."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

from imaging.phase_word import SCRIPTS, WORDS

_LETTERS = str.maketrans(
    {
        "\N{LATIN SMALL LETTER DOTLESS I}": "i", "ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'", "\N{PRIME}": "'", "\N{DOUBLE PRIME}": "''",
    }
)  # fmt: skip
"""Letters that Unicode does not take apart, and signs for minutes and seconds."""


def _plain(text: str) -> str:
    """Return lower case without accents."""
    split = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in split if not unicodedata.combining(one)).translate(_LETTERS)


_RULES = tuple(
    (name, re.compile(rf"(?<![a-z0-9])(?:{words})(?![a-z0-9])")) for name, words in WORDS
)
_SCRIPTS = tuple((name, re.compile(_plain(words))) for name, words in SCRIPTS)
_PHASES = frozenset(
    {
        "native", "early_arterial", "late_arterial", "arterial", "portal_venous", "delayed",
        "transitional", "hepatobiliary",
    }
)  # fmt: skip
_NUMBER = r"(?<![a-z0-9.,/:=])(\d{1,4}(?:[.,]\d+)?) ?-?"
_SECONDS = re.compile(
    _NUMBER + r"(?:''|(?:s|sec|secs|second|seconds|sek|segundos?|secondi)(?![a-z0-9/]))"
)
_MINUTES = re.compile(
    _NUMBER + r"(?:(?:m(?= delay)|min|mins|minute|minutes|mn|minuten|minutos|minuti|dk|dakika)"
    r"(?![a-z0-9/]| ?ip)|'(?![a-z0-9']))"
)
_RANGE = re.compile(r"(?<![a-z0-9])\d{2,4} ?(-|to) ?\d{2,4} ?(s|sec)(?![a-z0-9])")
_LIST_OF_DELAYS = re.compile(r"\d{2,3}[ ,/]+\d{2,3}[ ,/]+(\d{2,3}[ ,/]+)*(s|sec)")
_COUNT = re.compile(r"([2-6]|two|three|four|bi|tri|quad|dual|double|triple) ?(phas|fas|faz|ph)")
_INJECTED = re.compile(
    r"(?<![a-z])(delay|dly|post|inj|retard|p i(?![a-z])|gad|after|nach|apres|dopo|tras|apos)"
    r"|\+ ?c|(?<![a-z])[ci] ?\+"
)
_WITH_TOO = re.compile(
    r"(?<![a-z])(post\w*|w (and )?w ?o|w ?o (and )?w|with|without and with|sans et avec|avec|"
    r"con e senza|mit und ohne|ohne und mit|ohne mit)(?![a-z])|(?<![a-z])[ci]\+"
)
_NO_DELAY = re.compile(r"(?<![a-z])(no|without|zero) delay")
_C_MINUS = re.compile(r"(?<![a-z0-9])[ci]-(?![a-z0-9-])(?! ?[ap](?![a-z]))")
_SHORTEST_S, _BREATH_HOLD_S, _LONGEST_S = 15.0, 45.0, 3600.0
_LONGEST_IN_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class PhaseWords:
    """Which phases a text names, and what else it says.

    Parameters
    ----------
    phases : words of `imaging.phase.PHASES`, and ``arterial`` where early or late is not said
    delay_s : a delay after injection
    several : how many phases the examination has that the text describes; 0 where it is of one
    tracking : a localizer or bolus tracking
    contrast : contrast was given
    abbreviated : ``ART`` alone says arterial
    derived : the image is computed from others (projection, subtraction, virtual native)
    weighting : on MR the image is no T1-weighted dynamic (T2, diffusion, in and out of phase)
    sampled : perfusion, spin labelling or an injection into an artery
    elsewhere : a region whose phases have other times than the liver's
    """

    phases: tuple[str, ...] = ()
    delay_s: float | None = None
    several: int = 0
    tracking: bool = False
    contrast: bool = False
    abbreviated: bool = False
    derived: bool = False
    weighting: bool = False
    sampled: bool = False
    elsewhere: bool = False


def phase_words(text: str) -> PhaseWords:
    """Return what a description, protocol name or contrast text says of the phase.

    Notes
    -----
    ``AP``, ``A/P`` and ``C-A-P`` are regions (abdomen, pelvis, chest) and say nothing here. A text
    that lists several delays is about the whole examination. A delay of 45 s or less is believed
    only beside a word for delay or injection: it may be the length of a breath-hold. In regions
    other than the trunk only ``native`` is believed, as phases have other times there.
    """
    plain = _plain(text).replace("_", " ")
    spaced = re.sub(r"[^a-z0-9+]+", " ", plain).strip()
    found = {name for name, pattern in _RULES if pattern.search(spaced)}
    found |= {name for name, pattern in _SCRIPTS if pattern.search(plain)}
    if "localizer" in found:
        return PhaseWords(tracking=True)
    if "sampled" in found:
        return PhaseWords(sampled=True)
    several = _several(spaced) if "several" in found else 0
    delays = _delays_s(plain)
    listed = _LIST_OF_DELAYS.search(plain)
    if listed or len(delays) > 1:
        count = len(re.findall(r"\d+", listed.group())) if listed else len(delays)
        return PhaseWords(several=max(several, count), contrast=True)
    words = _named(found, plain, spaced)
    if words.several:
        return replace(words, several=max(several, words.several))
    delay = _believed(delays, spaced)
    phases = set(words.phases)
    if delay is not None:
        phases -= {"delayed"}  # "70 SEC DELAY" is a time, not the delayed phase
    if words.elsewhere:
        phases, delay = phases & {"native"}, None
    return replace(words, phases=tuple(sorted(phases)), delay_s=delay, several=several)


def _named(found: set[str], plain: str, spaced: str) -> PhaseWords:
    """Return the phases that are named, and what is said of the image beside them."""
    phases = found & _PHASES
    if "inflow" in found:  # the portal vein begins to fill: late arterial (LI-RADS)
        phases = (phases - {"portal_venous"}) | {"late_arterial"}
    abbreviated = "art" in found and not phases & {"arterial", "early_arterial", "late_arterial"}
    if abbreviated:
        phases |= {"arterial"}
    if phases & {"early_arterial", "late_arterial"}:
        phases -= {"arterial", "delayed"}
    if _NO_DELAY.search(spaced):
        phases -= {"delayed", "native"}
    if phases == {"delayed", "portal_venous"} and re.search(r"(?<![a-z])(spae?t|gec) ?ven", spaced):
        phases -= {"portal_venous"}
    if _C_MINUS.search(plain):
        phases |= {"native"}
    if "native" in phases and _WITH_TOO.search(spaced) and not _only_with(spaced):
        return PhaseWords(several=2, contrast=True)  # "PRE/POST", "W/WO": the whole examination
    if "tracking" in found:
        return PhaseWords(tracking=True)
    return PhaseWords(
        phases=tuple(sorted(phases)),
        contrast="contrast" in found and "native" not in phases,
        abbreviated=abbreviated,
        derived="derived" in found,
        weighting="weighting" in found,
        elsewhere="elsewhere" in found,
    )


def _only_with(spaced: str) -> bool:
    """Return whether "with" is but a part of words for native."""
    return not _WITH_TOO.search(re.sub(r"pre contrast|with(out)? (non|no) ?con\w*", " ", spaced))


def _several(spaced: str) -> int:
    """Return how many phases the examination has by its own words; 2 where it does not count."""
    match = _COUNT.search(spaced)
    if match is None:
        return 2
    word = match.group(1)
    counts = {"two": 2, "bi": 2, "dual": 2, "double": 2, "three": 3, "tri": 3, "triple": 3}
    return int(word) if word.isdigit() else counts.get(word, 4)


def _delays_s(plain: str) -> set[float]:
    """Return the delays that a text states, in seconds; ranges are lengths of scans, not delays."""
    text = _RANGE.sub(" ", plain)
    minutes = {60.0 * _decimal(m.group(1)) for m in _MINUTES.finditer(text)}
    seconds = {_decimal(m.group(1)) for m in _SECONDS.finditer(text)}
    seconds = {delay for delay in seconds if delay <= _LONGEST_IN_SECONDS}
    # shorter ones are times of rotation or repetition, not delays
    return {delay for delay in minutes | seconds if delay >= _SHORTEST_S}


def _decimal(text: str) -> float:
    """Return a number with a decimal point or comma."""
    return float(text.replace(",", "."))


def _believed(delays_s: set[float], spaced: str) -> float | None:
    """Return the delay after injection where it can be one, not the length of a breath-hold."""
    if not delays_s:
        return None
    delay = next(iter(delays_s))
    if delay > _LONGEST_S:
        return None
    return delay if delay > _BREATH_HOLD_S or _INJECTED.search(spaced) else None
