"""The arms of a trial: which one the others are compared with, and in which order they stand."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from measurement.lesion_table import Text, Whole
from measurement.table import TableError, TableModel, from_records

CONTROL, REFERENCE, COMPARED, SINGLE = ROLES = ("control", "reference", "compared", "single")
BY_OPTION, BY_NAME = "option", "name"


class Arms(TableModel):
    """One row per arm of the subjects, the control or reference arm first."""

    arm: Series[Text]
    role: Series[Text] = pa.Field(isin=ROLES)
    role_by: Series[Text] = pa.Field(isin=(BY_OPTION, BY_NAME))
    n_subjects: Series[Whole] = pa.Field(ge=1)

    class Config:
        """An arm stands once."""

        unique = ["arm"]  # noqa: RUF012 - pandera reads a plain list


def arms_in_order(arms: Iterable[str], control: str | None = None) -> tuple[str, ...]:
    """Return the names of the arms: the one that others are compared with first, then by name.

    Parameters
    ----------
    arms : names, in any order and any number of times
    control : the control arm; the first by name where None

    Raises
    ------
    TableError
        If no subject is in the control arm.
    """
    names = sorted(set(arms))
    if control is None:
        return tuple(names)
    if control not in names:
        near = difflib.get_close_matches(control, names, 1)
        hint = f" (nearest: {near[0]})" if near else ""
        listed = ", ".join(names) or "no arm at all"
        msg = (
            f"--control-arm: no subject is in arm {control!r}{hint}. The column arm of --subjects "
            f"has {listed}."
        )
        raise TableError(msg)
    return (control, *(name for name in names if name != control))


def arm_table(subjects: pd.DataFrame | None, control: str | None = None) -> pd.DataFrame:
    """Return the table ``arms`` of the subjects that were handed in.

    Only an arm that was named is called the control; the first by name is a reference, as the
    alphabet does not know what a trial compares.

    Raises
    ------
    TableError
        If a control arm is named that no subject is in, or without a table of subjects.
    """
    cells = pd.Series([], dtype=object) if subjects is None else subjects["arm"].dropna()
    counts = cells.astype(str).value_counts()
    names = arms_in_order(counts.index, control)
    first = REFERENCE if control is None else CONTROL
    first = first if len(names) > 1 else SINGLE
    rows = [
        {
            "arm": name,
            "role": COMPARED if place else first,
            "role_by": BY_NAME if control is None else BY_OPTION,
            "n_subjects": int(counts[name]),
        }
        for place, name in enumerate(names)
    ]
    return from_records(rows, Arms)
