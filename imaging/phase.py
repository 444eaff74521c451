"""The contrast phase of each series of a study, with the evidence for it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from imaging import phase_evidence
from imaging.phase_content import OrganMedians
from imaging.phase_evidence import PhaseEvidence, SeriesFacts, seconds_of_day
from imaging.phase_order import SESSION_S, Moment, study_weights
from imaging.phase_text import PhaseWords, phase_words
from imaging.phase_timing import PHASES, Weights
from imaging.series import ImageSeries

__all__ = [
    "ARTERIAL", "PHASES", "THRESHOLD", "PhaseEvidence", "PhaseGuess", "SeriesFacts",
    "guess_phases", "series_facts",
]  # fmt: skip

ARTERIAL = ("early_arterial", "late_arterial")

THRESHOLD = 0.7
"""A phase less probable than this is ``unknown``: a person must settle it."""

_FLOOR = 0.01
_MOST_BY_TIME = 0.65
"""Most that times and order alone give to arterial phases: a word or the content must agree."""
_OWN_ARTERIAL = 0.3
"""Share of arterial phases in a volume's own evidence from which it says arterial at all."""
_SAYS = 0.6
"""Weight from which a piece of evidence names a phase, when evidence is held against evidence."""
_MOST_MOMENTS = 12
"""A series of more moments is a perfusion study: its curve is the finding, not a phase each."""


@dataclass(frozen=True, slots=True)
class PhaseGuess:
    """The phase of a volume.

    ``probability`` is that of the most probable phase; where it is below `THRESHOLD`, or evidence
    contradicts itself, ``phase`` is ``unknown``. ``in_doubt`` says that a look at its pixels could
    settle it.
    """

    phase: str = "unknown"
    probability: float = 0.0
    evidence: tuple[PhaseEvidence, ...] = ()
    conflicts: tuple[str, ...] = ()
    in_doubt: bool = False


@dataclass(slots=True)
class _Case:
    """A volume while its evidence is collected."""

    facts: SeriesFacts
    words: PhaseWords
    time_s: float | None = None
    evidence: list[PhaseEvidence] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)

    def weights(self) -> Weights:
        """Return the normalised product of the evidence; equal weights where there is none."""
        return _combined(e.weights for e in self.evidence)

    def guess(self) -> tuple[str, float]:
        """Return the most probable phase and its probability."""
        if not self.evidence:
            return "unknown", 0.0
        weights = self.weights()
        best = max(PHASES[:-1], key=lambda phase: weights[phase])
        return best, weights[best]

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
        trigger_time_ms=first.trigger_time_ms,
        image_type=first.image_type,
    )


def guess_phases(
    series: Sequence[SeriesFacts], content: Mapping[str, OrganMedians] | None = None
) -> dict[str, PhaseGuess]:
    """Return the phase of each volume of one study, found together.

    Parameters
    ----------
    content : mapping, optional
        Medians of organs by volume id, of the volumes whose pixels were looked at.

    Notes
    -----
    A volume's own evidence (words of the description, else of the protocol; a delay after the
    injection, stated or by the clock; content; a stated number of phases) is multiplied. Then the
    acquisitions of a study weigh on each other by order and time (`imaging.phase_order`). Two
    volumes whose own evidence runs against their acquisition times contradict each other, and
    both are unknown. Times and order alone never make an arterial phase.
    """
    cases = [_Case(facts, _words(facts)) for facts in series if facts.modality in ("CT", "MR")]
    _set_times(cases)
    cases.sort(key=_order)
    shared = Counter(
        phase_evidence.series_uid_of(case.facts)
        for case in cases
        if phase_evidence.is_moment(case.facts)
    )
    gadoxetate = any(phase_evidence.names_gadoxetate(case.facts, case.words) for case in cases)
    content = content or {}
    native = phase_evidence.native_liver_hu(((c.facts, c.words) for c in cases), content)
    for case in cases:
        volume_id = case.facts.volume_id
        case.evidence, case.conflicts = phase_evidence.own_evidence(
            case.facts,
            case.words,
            volumes=shared[phase_evidence.series_uid_of(case.facts)],
            medians=content.get(volume_id),
            gadoxetate=gadoxetate and case.facts.modality == "MR",
            scan_s=case.time_s,
            native_liver=native[1] if native and native[0] != volume_id else None,
        )
    _add_counts(cases)
    _find_contradictions(cases)
    for group in _sessions([c for c in cases if _takes_part(c, shared)]):
        _add_study(group, gadoxetate=gadoxetate and group[0].facts.modality == "MR")
    guesses = {facts.volume_id: PhaseGuess() for facts in series}
    for case in cases:
        _note_disagreement(case)
        phase = case.settled()
        guesses[case.facts.volume_id] = PhaseGuess(
            phase,
            round(case.guess()[1], 4),
            tuple(case.evidence),
            tuple(case.conflicts),
            in_doubt=phase == "unknown" and _takes_part(case, shared),
        )
    return guesses


def _set_times(cases: Sequence[_Case]) -> None:
    """Give each volume its second of the day; moments of one series by their trigger times."""
    by_series: dict[tuple[str, float], list[_Case]] = defaultdict(list)
    for case in cases:
        case.time_s = seconds_of_day(case.facts.acquisition_time)
        if case.time_s is not None:
            by_series[phase_evidence.series_uid_of(case.facts), case.time_s].append(case)
    for same in by_series.values():
        triggers = [c.facts.trigger_time_ms for c in same]
        known = [t for t in triggers if t is not None]
        if len(known) == len(same) > 1 and len(set(known)) == len(same):
            for case, trigger in zip(same, known, strict=True):
                case.time_s = (case.time_s or 0.0) + (trigger - min(known)) / 1000.0


def _order(case: _Case) -> tuple[str, str, float, int, int, int, str]:
    """Return what volumes are sorted by: acquisition time where known, else series number."""
    facts = case.facts
    return (
        facts.acquired_on or "",
        facts.modality,
        -1.0 if case.time_s is None else case.time_s,
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


def _combined(weights: Iterable[Mapping[str, float]]) -> Weights:
    """Return the normalised product."""
    product = dict.fromkeys(PHASES, 1.0)
    for one in weights:
        product = {phase: p * max(one[phase], _FLOOR) for phase, p in product.items()}
    total = sum(product.values())
    return {phase: p / total for phase, p in product.items()}


def _takes_part(case: _Case, shared: Mapping[str, int]) -> bool:
    """Return whether a volume is one of the acquisitions that follow an injection."""
    if case.words.elsewhere or phase_evidence.is_no_phase(case.facts, case.words):
        return False
    return shared[phase_evidence.series_uid_of(case.facts)] <= _MOST_MOMENTS


def _sessions(cases: Sequence[_Case]) -> list[list[_Case]]:
    """Return the volumes by day and modality, parted where another injection must lie between.

    Volumes without a time join the session of the volume before them in the order of series.
    """
    groups: dict[tuple[str, str], list[_Case]] = defaultdict(list)
    for case in cases:
        groups[case.facts.acquired_on or "", case.facts.modality].append(case)
    sessions: list[list[_Case]] = []
    for _, group in sorted(groups.items()):
        last: float | None = None
        sessions.append([])
        for case in group:
            if case.time_s is not None:
                if last is not None and case.time_s - last > SESSION_S:
                    sessions.append([])
                last = case.time_s
            sessions[-1].append(case)
    return sessions


def _add_study(cases: Sequence[_Case], *, gadoxetate: bool) -> None:
    """Add what the acquisitions of a session say of each other."""
    acquisitions = _acquisitions(cases)
    own = [_shared_weights(group) for group in acquisitions]
    _share_acquisition(acquisitions, own)
    if len(acquisitions) < 2:
        return
    times = _believed_times(acquisitions)
    moments = [
        Moment(time, tuple(max(weights[p], _FLOOR) for p in PHASES))
        for time, weights in zip(times, own, strict=True)
    ]
    modality = cases[0].facts.modality
    given = study_weights(moments, modality=modality, gadoxetate=gadoxetate)
    found = [dict(zip(PHASES, (float(weight) for weight in row), strict=True)) for row in given]
    best = [_most_probable(_combined((a, b))) for a, b in zip(own, found, strict=True)]
    for number, group in enumerate(acquisitions):
        text = _beside(number, times, best)
        source = "order" if times[number] is None else "time between"
        for case in group:
            weights = _capped(found[number], case.weights())
            case.evidence.append(PhaseEvidence(source, text, weights))


def _acquisitions(cases: Sequence[_Case]) -> list[list[_Case]]:
    """Return the volumes of each acquisition: several reconstructions have one time.

    Where volumes of one time name different phases, or are moments of one series, the time is a
    filler, and they are parted.
    """
    groups: dict[tuple[object, ...], list[_Case]] = {}
    for case in cases:
        key: tuple[object, ...] = (case.facts.volume_id,)
        if case.time_s:
            key = (case.time_s,)
        groups.setdefault(key, []).append(case)
    found: list[list[_Case]] = []
    for group in groups.values():
        said = {_most_probable(c.weights()) for c in group if c.evidence} - {"unknown"}
        moments = {
            (phase_evidence.series_uid_of(c.facts), c.facts.temporal_position) for c in group
        }
        one = len(said) <= 1 and len(moments) == len({name for name, _ in moments})
        found += [group] if one else [[case] for case in group]
    return found


def _most_probable(weights: Mapping[str, float]) -> str:
    """Return the phase that has most of the weight, unknown where none has half of it."""
    best = max(PHASES, key=lambda phase: weights[phase])
    return best if weights[best] >= 0.5 else "unknown"


def _shared_weights(group: Sequence[_Case]) -> Weights:
    """Return the weights of an acquisition: its reconstructions are one witness, not several."""
    known = [case.weights() for case in group if case.evidence and not case.conflicts]
    if not known:
        return dict.fromkeys(PHASES, 1 / len(PHASES))
    product = dict.fromkeys(PHASES, 1.0)
    for one in known:
        product = {p: v * max(one[p], 1e-6) ** (1 / len(known)) for p, v in product.items()}
    total = sum(product.values())
    return {phase: value / total for phase, value in product.items()}


def _share_acquisition(acquisitions: Sequence[list[_Case]], own: Sequence[Weights]) -> None:
    """Give reconstructions without evidence what the others of their acquisition have."""
    for group, weights in zip(acquisitions, own, strict=True):
        speaking = [case for case in group if case.evidence and not case.conflicts]
        for case in group:
            if speaking and not case.evidence and not case.conflicts:
                text = f"acquired together with {speaking[0].facts.volume_id}"
                case.evidence.append(PhaseEvidence("same acquisition", text, weights))


def _believed_times(acquisitions: Sequence[list[_Case]]) -> list[float | None]:
    """Return the time of each acquisition; None where several have the same, as a filler has."""
    times = [group[0].time_s or None for group in acquisitions]
    counts = Counter(times)
    return [None if time is None or counts[time] > 1 else time for time in times]


def _beside(number: int, times: Sequence[float | None], best: Sequence[str]) -> str:
    """Say where an acquisition stands among the others, as a person would."""
    now = times[number]
    parts = []
    for step, word in ((-1, "after"), (1, "before")):
        if not 0 <= number + step < len(times):
            continue
        other = times[number + step]
        if now is not None and other is not None:
            parts.append(f"{abs(now - other):.0f} s {word} {best[number + step]}")
        else:
            parts.append(f"{word} {best[number + step]}")
    return f"{', '.join(parts)} ({number + 1} of {len(times)})"


def _capped(given: Weights, own: Mapping[str, float]) -> Weights:
    """Return what the study gives, its arterial share limited where nothing else says arterial."""
    share = sum(given[phase] for phase in ARTERIAL)
    if share <= _MOST_BY_TIME or sum(own[phase] for phase in ARTERIAL) >= _OWN_ARTERIAL:
        return given
    less, more = _MOST_BY_TIME / share, (1 - _MOST_BY_TIME) / max(1 - share, 1e-9)
    capped = {p: w * (less if p in ARTERIAL else more) for p, w in given.items()}
    if share > 1 - 1e-6:
        capped["unknown"] = 1 - _MOST_BY_TIME
    return capped


def _add_counts(cases: Sequence[_Case]) -> None:
    """Add what "2 PHASE" or "3 PHASE" says, where exactly so many volumes bear the same words."""
    groups: dict[str, list[_Case]] = {}
    for case in cases:
        if case.words.several and not case.words.phases and case.words.delay_s is None:
            groups.setdefault(phase_evidence.without_recon(case.facts.description), []).append(case)
    for words, group in sorted(groups.items()):
        count = group[0].words.several
        if count in (2, 3) and len(group) == count == len({_order(c)[:6] for c in group}):
            for number, case in enumerate(group, start=1):
                case.evidence.append(phase_evidence.counted(number, count, words))


def _find_contradictions(cases: Sequence[_Case]) -> None:
    """Note where phases settled by own evidence run against acquisition times."""
    settled = [(case, case.settled()) for case in cases]
    for i, (one, earlier) in enumerate(settled):
        for two, later in settled[i + 1 :]:
            if "unknown" in (earlier, later) or PHASES.index(earlier) <= PHASES.index(later):
                continue
            gap = _gap_s(one, two)
            if gap is not None and 0 < gap <= SESSION_S:
                text = f"{earlier} {gap:.0f} s before {later}"
                one.conflicts.append(f"{text} of {two.facts.volume_id}")
                two.conflicts.append(f"{text}, which is {one.facts.volume_id}")


def _gap_s(one: _Case, two: _Case) -> float | None:
    """Return how many seconds ``one`` was acquired before ``two`` on the same day."""
    if one.time_s is None or two.time_s is None or one.facts.modality != two.facts.modality:
        return None
    same_day = one.facts.acquired_on == two.facts.acquired_on
    return two.time_s - one.time_s if same_day else None


def _note_disagreement(case: _Case) -> None:
    """Note which evidence stands against which, where no phase is probable enough."""
    if case.conflicts or case.guess()[1] >= THRESHOLD:
        return
    said = []
    for one in case.evidence:
        best = max(PHASES[:-1], key=lambda phase: one.weights[phase])
        if one.weights[best] >= _SAYS:
            said.append((one.source, best))
    kinds = {"arterial" if best in ARTERIAL else best for _, best in said}
    if len(kinds) > 1:
        case.conflicts.append(", but ".join(f"{source} says {best}" for source, best in said))
