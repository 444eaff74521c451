"""The rows of a plan before anything is decided: what files and phases say of each volume."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from imaging.phase import PhaseGuess, SeriesFacts, guess_phases, series_facts
from measurement.table import columns_of
from sumdiam.archive.catalogue import Catalogue, RefusedVolume
from sumdiam.batch.content import read_contents
from sumdiam.batch.content_memory import ContentMemory
from sumdiam.batch.edit import AUTO
from sumdiam.batch.plan_table import Plan

Rows = dict[str, dict[str, str]]


def volume_rows(
    catalogue: Catalogue,
    subjects: Mapping[str, str],
    masks: Mapping[str, Mapping[str, str]],
    memory: ContentMemory | None = None,
) -> Rows:
    """Return one row per volume whose subject is known, with the phase that the evidence gives.

    Parameters
    ----------
    subjects : mapping
        Study UID to subject id.
    masks : mapping
        Rows of masks.csv by mask id.
    memory : ContentMemory, optional
        What is known of the contents of volumes.

    Returns
    -------
    dict
        Text cells by volume id; timepoint and use are still open.

    Notes
    -----
    Pixels are read only of volumes whose texts and times leave the phase in doubt.
    """
    guesses, unread = _guesses(catalogue, masks, memory)
    rows: Rows = {}
    for one in catalogue.series:
        if one.study_uid in subjects:
            flags = ", ".join(one.report.flags)
            why = unread.get(one.volume_id)
            said = [f"content: not read ({why})"] if why else []
            said += [f"flags: {flags}"] if flags else []
            rows[one.volume_id] = _row(
                guesses[one.volume_id],
                volume_id=one.volume_id,
                subject_id=subjects[one.study_uid],
                study_uid=one.study_uid,
                series_uid=one.series_uid,
                description=one.description or "",
                modality=one.modality,
                acquired_on=one.acquired_on.isoformat() if one.acquired_on else "",
                evidence="; ".join(said),
            )
    for refused in catalogue.refused_series:
        if refused.study_uid in subjects:
            rows[refused.volume_id] = _row(
                guesses[refused.volume_id],
                volume_id=refused.volume_id,
                subject_id=subjects[refused.study_uid],
                study_uid=refused.study_uid,
                series_uid=refused.series_uid,
                description=refused.header.series_description or "",
                modality=refused.header.modality or "",
                acquired_on=refused.acquired_on.isoformat() if refused.acquired_on else "",
                evidence=f"refused: {refused.detail}",
            )
    return rows


def _row(guess: PhaseGuess, **cells: str) -> dict[str, str]:
    """Return a row of plan as text."""
    row = dict.fromkeys(columns_of(Plan), "")
    said = [one.words() for one in guess.evidence]
    said += [f"conflict: {conflict}" for conflict in guess.conflicts]
    evidence = cells.pop("evidence")
    row.update(
        cells,
        timepoint_by=AUTO,
        phase=guess.phase,
        phase_probability=repr(float(guess.probability)),
        phase_by=AUTO,
        use="undecided",
        use_by=AUTO,
        evidence="; ".join([*said, evidence] if evidence else said),
    )
    return row


def _guesses(
    catalogue: Catalogue, masks: Mapping[str, Mapping[str, str]], memory: ContentMemory | None
) -> tuple[dict[str, PhaseGuess], dict[str, str]]:
    """Return the phase of every volume, refused ones included, study by study.

    Beside them, why volumes in doubt could not be looked at.
    """
    by_study: dict[str, list[SeriesFacts]] = defaultdict(list)
    for one in catalogue.series:
        by_study[one.study_uid].append(series_facts(one))
    for refused in catalogue.refused_series:
        by_study[refused.study_uid].append(_refused_facts(refused))
    guesses: dict[str, PhaseGuess] = {}
    for _, facts in sorted(by_study.items()):
        guesses.update(guess_phases(sorted(facts, key=lambda one: one.volume_id)))
    doubtful = [one for one in catalogue.series if guesses[one.volume_id].in_doubt]
    contents = read_contents(doubtful, masks, catalogue, memory)
    for study_uid in sorted({one.study_uid for one in doubtful}):
        facts = sorted(by_study[study_uid], key=lambda one: one.volume_id)
        guesses.update(guess_phases(facts, contents.medians))
    return guesses, contents.unread


def _refused_facts(refused: RefusedVolume) -> SeriesFacts:
    """Return what bears on the phase of a refused volume: what it would have been used for."""
    first = refused.header
    return SeriesFacts(
        volume_id=refused.volume_id,
        description=first.series_description,
        modality=first.modality or "",
        protocol=first.protocol_name,
        contrast_text=first.contrast_agent,
        acquired_on=refused.acquired_on.isoformat() if refused.acquired_on else None,
        acquisition_time=refused.acquisition_time,
        contrast_start_time=first.contrast_start_time,
        series_number=first.series_number,
        temporal_position=first.temporal_position,
        acquisition_number=first.acquisition_number,
        image_type=first.image_type,
    )
