"""The evidence that one volume carries itself: words, delays, contrast attributes, content."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from imaging.phase_content import OrganMedians, content_weights
from imaging.phase_text import PhaseWords
from imaging.phase_timing import PHASES, Weights, delay_weights, spread, spread_over
from imaging.series_date import parse_time

_NAMED = 0.85
"""Weight of a phase that a text names: typed by people, right far more often than not."""
_ARTERIAL: Mapping[str, float] = {"late_arterial": 0.72, "early_arterial": 0.15}
_ART: Mapping[str, float] = {"late_arterial": 0.71, "early_arterial": 0.13}
"""Arterial without more is late arterial: what liver protocols time for."""
_SEVERAL_NAMED = 0.8
"""Shared by the phases where a text names more than one."""
_COUNTED = 0.5
"""Weight of "3 PHASE" on three volumes in order: below the threshold, never enough alone."""
_GADOXETATE = re.compile(r"gadoxet|primovist|eovist|eob", re.IGNORECASE)
_NO_AGENT = re.compile(r"no(ne|t| |$)|without|sans|ohne|n/a", re.IGNORECASE)
_AGENT = dict.fromkeys(PHASES, 0.13) | {"native": 0.08, "unknown": 0.14}
"""A named contrast agent speaks a little against native: protocols fill it in beforehand."""
_SOONEST_S = 15.0
_NATIVE_BY_CONTENT = 0.7


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """What is known of one volume that bears on its phase."""

    volume_id: str
    description: str | None = None
    modality: str = "CT"
    protocol: str | None = None
    contrast_text: str | None = None
    acquired_on: str | None = None
    acquisition_time: str | None = None
    contrast_start_time: str | None = None
    series_number: int | None = None
    temporal_position: int | None = None
    acquisition_number: int | None = None
    trigger_time_ms: float | None = None
    image_type: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PhaseEvidence:
    """One piece of evidence: where it comes from, what it says, and how strongly, by phase."""

    source: str
    text: str
    weights: Mapping[str, float]

    def words(self) -> str:
        """Return the evidence as a person reads it, with the phases that it speaks for."""
        ranked = sorted(PHASES[:-1], key=lambda phase: -self.weights[phase])[:2]
        said = [f"{p} {self.weights[p]:.2f}" for p in ranked if self.weights[p] >= 0.2]
        return f"{self.source}: {self.text} ({', '.join(said) or 'says little'})"


def seconds_of_day(time: str | None) -> float | None:
    """Return a DICOM time as seconds of the day; None where it is missing or no time."""
    parsed = parse_time(time)
    if parsed is None:
        return None
    return int(parsed[:2]) * 3600 + int(parsed[2:4]) * 60 + float(parsed[4:])


def series_uid_of(facts: SeriesFacts) -> str:
    """Return the series UID of a volume."""
    return facts.volume_id.split("#")[0]


def is_moment(facts: SeriesFacts) -> bool:
    """Return whether a volume is one of several moments of its series."""
    label = facts.volume_id.partition("#")[2]
    return any(f"{word}=" in label for word in ("temporal", "time", "acquisition", "trigger"))


def without_recon(description: str | None) -> str:
    """Return a description without GE's number of the reconstruction."""
    text = description or ""
    return text.split(":", 1)[1].strip() if text.lower().startswith("recon ") else text.strip()


def names_gadoxetate(facts: SeriesFacts, words: PhaseWords) -> bool:
    """Return whether an MR volume speaks of gadoxetate, or of a phase that only it has."""
    if facts.modality != "MR":
        return False
    named = f"{facts.contrast_text or ''} {facts.description or ''} {facts.protocol or ''}"
    late = {"hepatobiliary", "transitional"} & set(words.phases)
    return bool(_GADOXETATE.search(named) or late)


def is_no_phase(facts: SeriesFacts, words: PhaseWords) -> str:
    """Return why a volume is in no phase of the dynamic, whatever it is called; else empty."""
    if words.tracking:
        return "is bolus tracking or a localizer"
    if words.sampled:
        return "is perfusion, or an injection into an artery"
    if words.derived:
        return "is computed from other images"
    if words.weighting and facts.modality == "MR":
        return "is no T1-weighted dynamic"
    return ""


def own_evidence(
    facts: SeriesFacts,
    words: PhaseWords,
    *,
    volumes: int,
    medians: OrganMedians | None,
    gadoxetate: bool,
    scan_s: float | None,
    native_liver: float | None = None,
) -> tuple[list[PhaseEvidence], list[str]]:
    """Return the evidence that a volume carries itself, and what speaks against any phase.

    Parameters
    ----------
    volumes : int
        How many moments of its series share its words.
    scan_s : float, optional
        Second of the day of the scan.
    native_liver : float, optional
        HU of the liver in the native phase of the study, of another volume.
    """
    against = is_no_phase(facts, words)
    text = facts.description or facts.protocol or ""
    if against:
        return [], [f"{text!r} {against}"]
    found = [
        _text(facts, words, volumes=volumes),
        _agent(facts),
        _stated_delay(facts, words, gadoxetate=gadoxetate),
        _injection(facts, scan_s, gadoxetate=gadoxetate),
        _content(facts, medians, native_liver),
    ]
    return [one for one in found if one is not None], []


def counted(number: int, count: int, words: str) -> PhaseEvidence:
    """Return what "2 PHASE" or "3 PHASE" says of the first, second or third such volume."""
    phase = ("late_arterial", "portal_venous", "delayed")[number - 1]
    text = f"volume {number} of {count} of {words!r}"
    return PhaseEvidence("order", text, spread(phase, _COUNTED))


def _text(facts: SeriesFacts, words: PhaseWords, *, volumes: int) -> PhaseEvidence | None:
    """Return what the words say; words of a series do not tell its several moments apart."""
    text = facts.description or facts.protocol or ""
    if not words.phases:
        return None
    named: Weights = {}
    for phase in words.phases:
        if phase != "arterial":
            named[phase] = _NAMED
        else:
            named |= _ART if words.abbreviated else _ARTERIAL
    if len(words.phases) > 1:
        total = sum(named.values()) / _SEVERAL_NAMED
        named = {phase: weight / total for phase, weight in named.items()}
    if volumes > 1:
        text = f"{text}, the name of {volumes} volumes of one series"
        named = {}
    return PhaseEvidence("text", text, spread_over(named) if named else _nothing())


def _nothing() -> Weights:
    """Return equal weights: evidence that was looked at and says nothing."""
    return dict.fromkeys(PHASES, 1 / len(PHASES))


def _agent(facts: SeriesFacts) -> PhaseEvidence | None:
    """Return that a contrast agent is named."""
    agent = (facts.contrast_text or "").strip()
    if not agent or _NO_AGENT.match(agent):
        return None
    return PhaseEvidence("contrast agent", "named", dict(_AGENT))


def _stated_delay(
    facts: SeriesFacts, words: PhaseWords, *, gadoxetate: bool
) -> PhaseEvidence | None:
    """Return what a delay stated in words says."""
    if words.delay_s is None:
        return None
    weights = delay_weights(words.delay_s, modality=facts.modality, gadoxetate=gadoxetate)
    text = f"{words.delay_s:.0f} s"
    return PhaseEvidence("delay in text", text, weights) if weights else None


def _injection(
    facts: SeriesFacts, scan_s: float | None, *, gadoxetate: bool
) -> PhaseEvidence | None:
    """Return what the scanner's clock says of the time from the injection to the scan."""
    start = seconds_of_day(facts.contrast_start_time)
    if start is None or scan_s is None or scan_s - start < _SOONEST_S:
        return None
    weights = delay_weights(scan_s - start, modality=facts.modality, gadoxetate=gadoxetate)
    text = f"{scan_s - start:.0f} s"
    return PhaseEvidence("injection to scan", text, weights) if weights else None


def _content(
    facts: SeriesFacts, medians: OrganMedians | None, native_liver: float | None
) -> PhaseEvidence | None:
    """Return what the medians of organs say."""
    if medians is None:
        return None
    weights = content_weights(medians, modality=facts.modality, native_liver=native_liver)
    beside = "" if native_liver is None else f", native liver {native_liver:.0f}"
    return PhaseEvidence("content", medians.words() + beside, weights) if weights else None


def native_liver_hu(
    volumes: Iterable[tuple[SeriesFacts, PhaseWords]], content: Mapping[str, OrganMedians]
) -> tuple[str, float] | None:
    """Return volume id and liver of the CT of a study that is native by words or by content.

    The lowest where there are several; None where there is none.
    """
    found = []
    for facts, words in volumes:
        medians = content.get(facts.volume_id)
        if facts.modality != "CT" or medians is None or medians.liver is None:
            continue
        weights = content_weights(medians, modality="CT")
        by_content = weights is not None and weights["native"] >= _NATIVE_BY_CONTENT
        if words.phases == ("native",) or (by_content and not words.phases):
            found.append((medians.liver, facts.volume_id))
    if not found:
        return None
    liver, volume_id = min(found)
    return volume_id, liver
