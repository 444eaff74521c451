"""The contrast phase of each series of a study, with the evidence for it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from imaging.phase_text import PhaseWords, phase_words
from imaging.series import ImageSeries
from imaging.series_date import parse_time

PHASES = (
    "native", "early_arterial", "late_arterial", "portal_venous", "transitional", "delayed",
    "hepatobiliary", "unknown",
)  # fmt: skip
"""In the order in which contrast passes; the words of the plan's phase column."""

THRESHOLD = 0.7
"""A phase less probable than this is ``unknown``: a person must settle it."""

_FLOOR = 0.01
_NAMED = 0.85
"""Weight of a phase that a text names: typed by people, right far more often than not."""
_COUNTED = 0.6
"""Weight of "3 PHASE" on three volumes in order: below the threshold, never enough alone."""
_GAP_ARTERIAL, _GAP_LATER = 0.65, 0.75
"""Weight of the time between two acquisitions: alone never enough for an arterial phase."""
_DELAYS_S: tuple[tuple[str, float, float], ...] = (
    ("early_arterial", 15, 27),
    ("late_arterial", 30, 45),
    ("portal_venous", 55, 100),
    ("delayed", 120, 900),
)
"""Seconds from injection. Source: CT/MRI LI-RADS v2018, technique (late arterial 35-45 s, portal
venous 60-80 s, delayed 2-5 min), widened by what scan start and circulation vary."""
_HEPATOBILIARY_S: tuple[tuple[str, float, float], ...] = (
    *_DELAYS_S[:3],
    ("transitional", 120, 300),
    ("hepatobiliary", 600, 3600),
)
"""The same after gadoxetate on MR. Source: LI-RADS v2018 (2-5 min; about 20 min)."""
_GADOXETATE = re.compile(r"gadoxet|primovist|eovist", re.IGNORECASE)
_NO_AGENT = re.compile(r"no(ne|t| |$)|without|sans|ohne|n/a", re.IGNORECASE)
_AGENT = dict.fromkeys(PHASES, 0.13) | {"native": 0.08, "unknown": 0.14}
"""A named contrast agent speaks a little against native: protocols fill it in beforehand."""


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
    image_type: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PhaseEvidence:
    """One piece of evidence: where it comes from, what it says, and how strongly, by phase."""

    source: str
    text: str
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class PhaseGuess:
    """The phase of a volume.

    ``probability`` is that of the most probable phase; where it is below `THRESHOLD`, or evidence
    contradicts itself, ``phase`` is ``unknown``.
    """

    phase: str = "unknown"
    probability: float = 0.0
    evidence: tuple[PhaseEvidence, ...] = ()
    conflicts: tuple[str, ...] = ()


@dataclass(slots=True)
class _Case:
    """A volume while its evidence is collected."""

    facts: SeriesFacts
    words: PhaseWords
    evidence: list[PhaseEvidence] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)

    def guess(self) -> tuple[str, float]:
        """Return the most probable phase and its probability."""
        weights = _combined(e.weights for e in self.evidence)
        best = max(PHASES[:-1], key=lambda phase: weights[phase])
        return (best, weights[best]) if weights[best] > 0 else ("unknown", 0.0)

    def settled(self) -> str:
        """Return the phase where it is probable enough and nothing contradicts, else unknown."""
        phase, probability = self.guess()
        return phase if probability >= THRESHOLD and not self.conflicts else "unknown"


def series_facts(series: ImageSeries) -> SeriesFacts:
    """Return the facts of a volume that bear on its phase."""
    first = series.headers[0]
    return SeriesFacts(
        volume_id=series.volume_id,
        description=series.description,
        modality=series.modality,
        protocol=first.protocol_name,
        contrast_text=first.contrast_agent,
        acquired_on=series.acquired_on.isoformat() if series.acquired_on else None,
        acquisition_time=series.acquisition_time,
        contrast_start_time=first.contrast_start_time,
        series_number=first.series_number,
        temporal_position=first.temporal_position,
        acquisition_number=first.acquisition_number,
        image_type=first.image_type,
    )


def guess_phases(series: Sequence[SeriesFacts]) -> dict[str, PhaseGuess]:
    """Return the phase of each volume of one study, found together.

    Notes
    -----
    Evidence is multiplied: words of the description (else of the protocol), a delay after the
    injection, reconstructions of one acquisition, the time between acquisitions, and a stated
    number of phases. Contrast only comes later: two volumes whose named phases run against their
    acquisition times contradict each other, and both are unknown. Nothing is called arterial
    without a word or a time that says so.
    """
    cases = [_Case(facts, _words(facts)) for facts in series if facts.modality in ("CT", "MR")]
    cases.sort(key=lambda case: _order(case.facts))
    shared = Counter(_series_of(case.facts) for case in cases if _is_moment(case.facts))
    for case in cases:
        _add_text(case, volumes=shared[_series_of(case.facts)])
        _add_agent(case)
        _add_delay(case)
    _share_acquisition(cases)
    _add_gaps(cases)
    _add_counts(cases)
    _find_contradictions(cases)
    guesses = {facts.volume_id: PhaseGuess() for facts in series}
    for case in cases:
        guesses[case.facts.volume_id] = PhaseGuess(
            case.settled(), round(case.guess()[1], 4), tuple(case.evidence), tuple(case.conflicts)
        )
    return guesses


def _order(facts: SeriesFacts) -> tuple[str, float, int, int, int, str]:
    """Return what volumes are sorted by: acquisition time where known, else series number."""
    moment = _seconds(facts.acquisition_time)
    return (
        facts.acquired_on or "",
        -1.0 if moment is None else moment,
        facts.series_number if facts.series_number is not None else 1 << 30,
        facts.acquisition_number or 0,
        facts.temporal_position or 0,
        facts.volume_id,
    )


def _words(facts: SeriesFacts) -> PhaseWords:
    """Return what the description says; the protocol speaks only where it says nothing."""
    words = phase_words(facts.description or "")
    if words == PhaseWords() and facts.protocol:
        words = phase_words(facts.protocol)
    return words


def _spread(phase: str, weight: float) -> dict[str, float]:
    """Return weights for one phase; what is left is shared, most of it by not knowing."""
    rest = 1 - weight
    weights = dict.fromkeys(PHASES, rest / 2 / (len(PHASES) - 2))
    weights["unknown"] = rest / 2
    weights[phase] = weight
    return weights


def _combined(weights: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the normalised product; all unknown where there is no evidence."""
    product = dict.fromkeys(PHASES, 1.0)
    any_evidence = False
    for one in weights:
        any_evidence = True
        product = {phase: p * max(one[phase], _FLOOR) for phase, p in product.items()}
    if not any_evidence:
        return {phase: float(phase == "unknown") for phase in PHASES}
    total = sum(product.values())
    return {phase: p / total for phase, p in product.items()}


def _series_of(facts: SeriesFacts) -> str:
    """Return the series UID of a volume."""
    return facts.volume_id.split("#")[0]


def _is_moment(facts: SeriesFacts) -> bool:
    """Return whether a volume is one of several moments of its series."""
    label = facts.volume_id.partition("#")[2]
    return any(f"{word}=" in label for word in ("temporal", "time", "acquisition", "trigger"))


def _add_text(case: _Case, *, volumes: int) -> None:
    """Add what the words say; words of a series do not tell its several moments apart."""
    text = case.facts.description or case.facts.protocol or ""
    named = ["late_arterial" if p == "arterial" else p for p in case.words.phases]
    if len(named) > 1:
        case.conflicts.append(f"{text!r} names {' and '.join(named)}")
    elif named and volumes > 1:
        case.conflicts.append(f"{text!r} is the name of {volumes} volumes of one series")
    elif named:
        # Arterial without more is late arterial: what liver protocols time for.
        case.evidence.append(PhaseEvidence("text", text, _spread(named[0], _NAMED)))
    elif case.words.tracking:
        case.conflicts.append(f"{text!r} is bolus tracking or a localizer")


def _add_agent(case: _Case) -> None:
    """Add that a contrast agent is named."""
    agent = (case.facts.contrast_text or "").strip()
    if agent and not _NO_AGENT.match(agent):
        case.evidence.append(PhaseEvidence("contrast agent", "named", dict(_AGENT)))


def _add_delay(case: _Case) -> None:
    """Add what a delay after the injection says, stated in words or by the scanner's clock."""
    stated = case.words.delay_s
    if stated is not None:
        _add_seconds(case, "delay in text", stated)
    start, scan = _seconds(case.facts.contrast_start_time), _seconds(case.facts.acquisition_time)
    if start is not None and scan is not None and scan - start >= _DELAYS_S[0][1]:
        _add_seconds(case, "injection to scan", scan - start)


def _add_seconds(case: _Case, source: str, seconds: float) -> None:
    """Add the phase whose window holds a delay."""
    facts = case.facts
    known_agent = f"{facts.contrast_text or ''} {facts.description or ''}"
    gadoxetate = facts.modality == "MR" and _GADOXETATE.search(known_agent)
    for phase, low, high in _HEPATOBILIARY_S if gadoxetate else _DELAYS_S:
        if low <= seconds <= high:
            weights = _spread(phase, _GAP_LATER + 0.05)
            case.evidence.append(PhaseEvidence(source, f"{seconds:.0f} s", weights))


def _seconds(time: str | None) -> float | None:
    """Return a DICOM time as seconds of the day."""
    parsed = parse_time(time)
    if parsed is None:
        return None
    return int(parsed[:2]) * 3600 + int(parsed[2:4]) * 60 + float(parsed[4:])


def _share_acquisition(cases: Sequence[_Case]) -> None:
    """Give reconstructions of one acquisition the phase that one of them has."""
    moments: dict[tuple[str | None, str, int | None], list[_Case]] = {}
    for case in cases:
        time = parse_time(case.facts.acquisition_time)
        if time is not None and time != "000000.000000":
            key = (case.facts.acquired_on, time, case.facts.temporal_position)
            moments.setdefault(key, []).append(case)
    for same in moments.values():
        known = [(case, case.settled()) for case in same if case.settled() != "unknown"]
        if len({phase for _, phase in known}) != 1:
            continue
        source, phase = known[0]
        for case in same:
            if case.settled() == "unknown" and not case.conflicts:
                text = f"acquired together with {source.facts.volume_id}"
                case.evidence.append(
                    PhaseEvidence("same acquisition", text, _spread(phase, _NAMED))
                )


def _add_gaps(cases: Sequence[_Case]) -> None:
    """Add what the time before or after a settled phase says of an unsettled one."""
    settled = [(case, case.settled()) for case in cases]
    for case, phase in settled:
        if phase != "unknown" or case.conflicts:
            continue
        found: dict[str, tuple[float, dict[str, float]]] = {}
        for other, known in settled:
            gap = _gap_s(case.facts, other.facts)
            weights = None if gap is None else _phase_by_gap(known, gap)
            if gap is None or weights is None:
                continue
            if known not in found or abs(gap) < abs(found[known][0]):
                found[known] = gap, weights  # two reconstructions are one acquisition, one proof
        for known, (gap, weights) in sorted(found.items()):
            text = f"{abs(gap):.0f} s {'before' if gap > 0 else 'after'} {known}"
            case.evidence.append(PhaseEvidence("time between", text, weights))


def _phase_by_gap(known: str, gap_s: float) -> dict[str, float] | None:
    """Return weights of a volume ``gap_s`` before (negative: after) one of a known phase."""
    if known == "portal_venous" and 20 <= gap_s <= 60:
        return _spread("late_arterial", _GAP_ARTERIAL)
    if known == "late_arterial" and 20 <= -gap_s <= 60:
        return _spread("portal_venous", _GAP_LATER)
    if known == "portal_venous" and 80 <= -gap_s <= 800:
        return _spread("delayed", _GAP_LATER)
    return None


def _gap_s(one: SeriesFacts, two: SeriesFacts) -> float | None:
    """Return how many seconds ``one`` was acquired before ``two`` on the same day."""
    start, end = _seconds(one.acquisition_time), _seconds(two.acquisition_time)
    if start is None or end is None or one.acquired_on != two.acquired_on:
        return None
    return end - start


def _add_counts(cases: Sequence[_Case]) -> None:
    """Add what "2 PHASE" or "3 PHASE" says, where exactly so many volumes bear the same words."""
    groups: dict[str, list[_Case]] = {}
    for case in cases:
        if case.words.several and not case.words.phases and case.words.delay_s is None:
            groups.setdefault(_without_recon(case.facts.description), []).append(case)
    for words, group in sorted(groups.items()):
        count = group[0].words.several
        orders = {_order(case.facts)[:5] for case in group}
        if count not in (2, 3) or len(group) != count or len(orders) != count:
            continue
        names = ("late_arterial", "portal_venous", "delayed")
        for number, (case, phase) in enumerate(zip(group, names, strict=False), start=1):
            text = f"volume {number} of {count} of {words!r}"
            case.evidence.append(PhaseEvidence("order", text, _spread(phase, _COUNTED)))


def _without_recon(description: str | None) -> str:
    """Return a description without GE's number of the reconstruction."""
    text = description or ""
    return text.split(":", 1)[1].strip() if text.lower().startswith("recon ") else text.strip()


def _find_contradictions(cases: Sequence[_Case]) -> None:
    """Note where settled phases run against acquisition times, or a series number."""
    settled = [(case, case.settled()) for case in cases]
    for i, (one, earlier) in enumerate(settled):
        for two, later in settled[i + 1 :]:
            if "unknown" in (earlier, later) or PHASES.index(earlier) <= PHASES.index(later):
                continue
            gap = _gap_s(one.facts, two.facts)
            if gap is not None and gap > 0:
                text = f"{earlier} {gap:.0f} s before {later}"
                one.conflicts.append(f"{text} of {two.facts.volume_id}")
                two.conflicts.append(f"{text}, which is {one.facts.volume_id}")
