"""Dates of another century than the rest of a person's: they place no visit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from imaging.series import ImageSeries
from imaging.series_date import plausible
from sumdiam.archive.catalogue import RefusedVolume

Dated = TypeVar("Dated", ImageSeries, RefusedVolume)


def well_dated(*volumes: Iterable[ImageSeries] | Iterable[RefusedVolume]) -> frozenset[str]:
    """Return the persons who have a volume with a plausible date."""
    return frozenset(
        _person(one)
        for several in volumes
        for one in several
        if one.acquired_on is not None and plausible(one.acquired_on)
    )


def without_lost_centuries(volumes: Iterable[Dated], sound: frozenset[str]) -> tuple[Dated, ...]:
    """Return volumes, without the date where it lies a century off those of the same person.

    Parameters
    ----------
    volumes : ImageSeries or RefusedVolume
    sound : persons
        As `well_dated` returns them.

    Notes
    -----
    A scan of 1920 among scans of 2020 would become the baseline. Where all dates of a person lie
    outside 1980 to 2099 they were shifted on purpose, and their distances still count. The flag
    ``date_implausible`` stays in both cases.
    """
    return tuple(
        replace(one, acquired_on=None)
        if one.acquired_on is not None and not plausible(one.acquired_on) and _person(one) in sound
        else one
        for one in volumes
    )


def _person(volume: ImageSeries | RefusedVolume) -> str:
    """Return whose volume it is, as far as its files say."""
    return volume.subject_hint or volume.patient_id
