"""The native phase brought onto the arterial one, lesion by lesion, and what to say of it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from imaging.mask import LesionMask
from imaging.registered_phase import registered_phase
from imaging.registration import PhaseAlignment, align_phase
from imaging.volume import Volume
from imaging.working_grid import Mask
from measurement.flag import Flag

RESIDUAL_LIMIT_MM = 1.5
"""Phases that lie further apart than this after registration are flagged."""

Phases = Mapping[str, Volume | None]


def registered_phases(
    phases: Phases, lesion: LesionMask, *, liver: Mask | None, other_lesions: Mask | None
) -> tuple[Phases, tuple[Flag, ...]]:
    """Return the phases of one lesion, the native one moved where it has to be, and the doubts.

    Parameters
    ----------
    phases : arterial, native and late volumes; the arterial one is never moved
    lesion : on the arterial grid
    liver, other_lesions : (z, y, x) bool arrays on the arterial grid

    Notes
    -----
    A native phase on the arterial grid that lies within 0.7 mm is handed on as it is.
    """
    arterial, native = phases["arterial"], phases["native"]
    if arterial is None or native is None or lesion.declared_empty:
        return phases, ()
    alignment = align_phase(
        arterial, native, lesion.array, liver=liver, other_lesions=other_lesions
    )
    on_grid = arterial.geometry.same_grid(native.geometry)
    if on_grid and not alignment.moves:
        return phases, _doubts(alignment, moved=False)
    moved = registered_phase(native, alignment, lesion.array, arterial.geometry)
    if moved is None:
        return {**phases, "native": None}, (_too_short(),)
    return {**phases, "native": moved}, _doubts(alignment, moved=True)


def _doubts(alignment: PhaseAlignment, *, moved: bool) -> tuple[Flag, ...]:
    """Return what a reviewer has to know of an alignment."""
    residual = None if math.isnan(alignment.residual_mm) else alignment.residual_mm
    flags = []
    if moved:
        sentence = "the native phase was moved onto the arterial one (mm left over)"
        flags.append(Flag("registered", sentence, residual))
    if (moved and residual is None) or (residual is not None and residual > RESIDUAL_LIMIT_MM):
        sentence = "the phases may still lie apart after registration (mm)"
        flags.append(Flag("registration_residual", sentence, residual))
    return tuple(flags)


def _too_short() -> Flag:
    """Return the doubt about a native phase that ends within the lesion."""
    return Flag("native_too_short", "the native phase does not reach the whole lesion")
