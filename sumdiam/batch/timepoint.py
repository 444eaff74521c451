"""Which study belongs to which timepoint, and which of them is the baseline."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from assessment.response_table import Timepoints
from measurement.table import from_records

DATES_OF_SUBJECTS = ("randomised_on", "treatment_started_on")
"""The only columns of subjects that may influence the plan."""


@dataclass(frozen=True, slots=True)
class TimepointRule:
    """How studies become timepoints.

    Source: timepoint window and baseline limit of the specification of response assessment.
    """

    window_days: int = 14
    baseline_within_days: int = 28


@dataclass(frozen=True, slots=True)
class StudyDay:
    """A study of a subject: when it was scanned and whether it can serve as an assessment."""

    study_uid: str
    scanned_on: dt.date | None
    adequate: bool


@dataclass(frozen=True, slots=True)
class Place:
    """The timepoint of a study, or the reason why it has none."""

    timepoint: int | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """The places of a subject's studies, and what is doubtful about the baseline.

    ``early_days``: how many days before the start the baseline lies, where that is too early.
    """

    places: Mapping[str, Place]
    flags: tuple[str, ...]
    early_days: int | None = None


def treatment_start(
    randomised_on: dt.date | None, treatment_started_on: dt.date | None
) -> dt.date | None:
    """Return the day that divides baseline from follow-up: treatment start, else randomisation."""
    return treatment_started_on if treatment_started_on is not None else randomised_on


def number_timepoints(
    studies: Sequence[StudyDay],
    start: dt.date | None,
    rule: TimepointRule | None = None,
) -> Course:
    """Return the timepoint of every study of one subject.

    Parameters
    ----------
    studies : sequence of StudyDay
    start : date, optional
        Start of treatment; without it the first study is the baseline.
    rule : TimepointRule, optional

    Notes
    -----
    Baseline is the last adequate study on or before the start; studies up to `window_days` before
    it belong to it. A study after the start never joins the baseline, however close it lies: it
    shows the liver after treatment. From there on a timepoint opens with the first study that is
    not within the window of the first study of the timepoint before.

    Where no adequate study lies on or before the start, the last inadequate one is the baseline,
    else the first study after it; either is flagged.
    """
    rule = rule or TimepointRule()
    places = {
        study.study_uid: Place(None, "no_date") for study in studies if study.scanned_on is None
    }
    dated = sorted(
        (study.scanned_on, study.study_uid, study.adequate)
        for study in studies
        if study.scanned_on is not None
    )
    if not dated:
        return Course(places, ())
    baseline_on, flags = _baseline(dated, start, rule)
    window = dt.timedelta(days=rule.window_days)
    current, opened_on = 0, baseline_on
    for day, study_uid, _ in dated:
        before_start = start is None or day <= start
        if day < baseline_on:
            joins = baseline_on - day <= window
            places[study_uid] = Place(0) if joins else Place(None, "before_baseline")
        elif (
            current == 0
            and day - baseline_on <= window
            and (before_start or (start is not None and baseline_on > start))
        ):
            places[study_uid] = Place(0)
        elif start is not None and before_start:
            places[study_uid] = Place(None, "inadequate_before_start")
        else:
            if current == 0 or day - opened_on > window:
                current, opened_on = current + 1, day
            places[study_uid] = Place(current)
    early = (start - baseline_on).days if start and "baseline_too_early" in flags else None
    return Course(places, flags, early)


def _baseline(
    dated: Sequence[tuple[dt.date, str, bool]], start: dt.date | None, rule: TimepointRule
) -> tuple[dt.date, tuple[str, ...]]:
    """Return the day of the baseline study and what is doubtful about it."""
    if start is None:
        day, _, adequate = dated[0]
        return day, () if adequate else ("baseline_inadequate",)
    before = [(day, adequate) for day, _, adequate in dated if day <= start]
    fit = [day for day, adequate in before if adequate]
    if fit:
        day = fit[-1]
        early = (start - day).days > rule.baseline_within_days
        return day, ("baseline_too_early",) if early else ()
    if before:
        return before[-1][0], ("baseline_inadequate",)
    return dated[0][0], ("baseline_after_start",)


def timepoint_table(
    plan: pd.DataFrame, masks: pd.DataFrame, refused_studies: Iterable[str] = ()
) -> pd.DataFrame:
    """Return the timepoints of a plan (schema `Timepoints`).

    Parameters
    ----------
    plan, masks : typed tables of the schemas `Plan` and `Masks`
    refused_studies : study UIDs
        Studies that could not be measured: nobody looked for new lesions there, and they make no
        timepoint adequate. Hand them in after the measuring.

    Notes
    -----
    Adequate: at least one volume is measured as arterial, or nothing hepatic is outlined in any
    of the subject's studies. New lesions were looked for where a timepoint is adequate and somebody
    drew masks in it, all of which are decided: images that nobody outlined cannot say that there is
    no new lesion, and an undecided mask may be one.
    """
    refused = set(refused_studies)
    hepatic = set(masks.loc[_lesions(masks) & (masks["site"] != "extrahepatic"), "subject_id"])
    unclear = set(masks.loc[masks["mask_role"] == "undecided", "study_uid"])
    outlined = set(masks["study_uid"]) - refused - unclear
    used = plan[plan["timepoint"].notna()].sort_values(["subject_id", "timepoint", "volume_id"])
    rows: list[dict[str, object]] = []
    baseline: dict[str, str] = {}
    for key, volumes in used.groupby(["subject_id", "timepoint"], sort=True):
        subject, timepoint = str(key[0]), int(str(key[1]))
        read = volumes[~volumes["study_uid"].isin(refused)]
        modality = ";".join(sorted(set(volumes["modality"].dropna())))
        arterial = bool((read["use"] == "measure").any())
        adequate = arterial or (subject not in hepatic and not read.empty)
        if timepoint == 0:
            baseline[subject] = modality
        days = volumes["acquired_on"].dropna()
        rows.append(
            {
                "subject_id": subject,
                "timepoint": timepoint,
                "first_scan_on": days.min() if len(days) else pd.NaT,
                "last_scan_on": days.max() if len(days) else pd.NaT,
                "modality": modality or None,
                "adequate": adequate,
                "new_lesions_assessed": adequate and not outlined.isdisjoint(read["study_uid"]),
                "modality_changed": modality != baseline.get(subject, modality),
            }
        )
    return from_records(rows, Timepoints)


def _lesions(masks: pd.DataFrame) -> pd.Series[bool]:
    """Return which rows of masks outline a lesion."""
    return masks["mask_role"].isin(["lesion_whole", "lesion_viable", "undecided"])
