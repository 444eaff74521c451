"""When a volume was acquired, and what is doubtful about its dates."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from imaging.header import InstanceHeader

_DAY = re.compile(r"(\d{4})[.\-/]?(\d{2})[.\-/]?(\d{2})")
_TIME = re.compile(r"(\d{2}):?(\d{2}):?(\d{2})(\.\d{1,6})?")
_EARLIEST, _LATEST = date(1980, 1, 1), date(2099, 12, 31)
"""CT came in the seventies; a date outside has a century wrong."""


@dataclass(frozen=True, slots=True)
class Acquired:
    """Day and time of day (``HHMMSS.ffffff``) of a volume, and flags."""

    day: date | None
    time: str | None
    flags: tuple[str, ...]


@functools.lru_cache(maxsize=1024)
def parse_day(written: str | None) -> date | None:
    """Return the date that a DICOM date holds; None for anything else."""
    match = _DAY.fullmatch(written.strip()) if written else None
    if match is None:
        return None
    try:
        return date(*map(int, match.groups()))
    except ValueError:
        return None


def parse_time(written: str | None) -> str | None:
    """Return a DICOM time as ``HHMMSS.ffffff``, so that times sort as text; else None."""
    match = _TIME.fullmatch(written.strip()) if written else None
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups()
    if int(hours) > 23 or int(minutes) > 59 or int(seconds) > 60:
        return None
    return f"{hours}{minutes}{seconds}{(fraction or '.'):0<7}"


def acquired(headers: Sequence[InstanceHeader]) -> Acquired:
    """Return the day of a volume: AcquisitionDate, else SeriesDate, else StudyDate.

    Notes
    -----
    Within the first kind of date that any slice has, the day of most slices counts, and the earlier
    one where as many have another: one damaged or strayed slice must not move a visit. The earliest
    time counts. More than a day between any two dates is flagged, as dates drive survival. A date
    of another century is flagged, and counts only where there is no other: archives whose dates
    were shifted on purpose are legal.
    """
    flags = set()
    kinds = (
        [h.acquisition_date for h in headers],
        [h.series_date for h in headers],
        [h.study_date for h in headers],
    )
    days = [_days(kind) for kind in kinds]
    if any(written and parse_day(written) is None for kind in kinds for written in set(kind)):
        flags.add("date_unreadable")
    known = [day for kind in days for day in kind]
    if not known:
        flags.add("no_date")
    elif (max(known) - min(known)).days > 1:
        flags.add("dates_differ")
    if not all(map(plausible, known)):
        flags.add("date_implausible")
    sound = [Counter({day: n for day, n in kind.items() if plausible(day)}) for kind in days]
    counts = next((kind for kind in (*sound, *days) if kind), Counter[date]())
    first = min(counts, key=lambda day: (-counts[day], day), default=None)
    written_times = {h.acquisition_time for h in headers}
    times = (t for written in written_times if (t := parse_time(written)) is not None)
    return Acquired(first, min(times, default=None), tuple(sorted(flags)))


def plausible(day: date) -> bool:
    """Return whether a scan can be of this day, unless dates were shifted on purpose."""
    return _EARLIEST <= day <= _LATEST


def _days(written: Iterable[str | None]) -> Counter[date]:
    """Return how many slices have each readable date."""
    found: Counter[date] = Counter()
    for text, count in Counter(written).items():
        day = parse_day(text)
        if day is not None:
            found[day] += count
    return found
