"""When each contrast phase is scanned after an injection, and how sure that makes a phase."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PHASES = (
    "native", "early_arterial", "late_arterial", "portal_venous", "transitional", "delayed",
    "hepatobiliary", "unknown",
)  # fmt: skip
"""In the order in which contrast passes; the words of the plan's phase column."""

Weights = dict[str, float]
Array = NDArray[np.float64]

_WINDOWS_S: tuple[tuple[str, float, float], ...] = (
    ("early_arterial", 15, 27),
    ("late_arterial", 30, 45),
    ("portal_venous", 55, 100),
    ("delayed", 120, 900),
)
"""Seconds from injection. Source: CT/MRI LI-RADS v2018, technique (late arterial 35-45 s, portal
venous 60-80 s, delayed 2-5 min), widened by what scan start and circulation vary."""
_GADOXETATE_WINDOWS_S: tuple[tuple[str, float, float], ...] = (
    *_WINDOWS_S[:3],
    ("transitional", 120, 300),
    ("hepatobiliary", 600, 3600),
)
"""The same after gadoxetate on MR. Source: LI-RADS v2018 (2-5 min; about 20 min)."""
_LATE_MR_S = 600.0
"""From here on an MR scan is made for the hepatobiliary phase more often than not."""
STATED = 0.8
"""Weight of the phase whose window holds a stated delay."""

_USUAL: dict[str, tuple[float, float]] = {
    "early_arterial": (22.0, 0.20),
    "late_arterial": (36.0, 0.15),
    "portal_venous": (70.0, 0.18),
    "transitional": (180.0, 0.30),
    "delayed": (240.0, 0.55),
    "hepatobiliary": (1200.0, 0.30),
}
"""Median in seconds after injection and spread (SD of the logarithm). Source: as the windows; the
spread covers bolus tracking and slow circulation (Bae, Radiology 2010;256:32)."""
_NATIVE_SOON_S, _NATIVE_LONG_S = 180.0, 3600.0
"""A native scan lies minutes before the injection as a rule, at most an hour."""


def spread(phase: str, weight: float) -> Weights:
    """Return weights for one phase; what is left is shared, most of it by not knowing."""
    return spread_over({phase: weight})


def spread_over(named: Weights) -> Weights:
    """Return weights for some phases; half of what is left to 1 is for not knowing."""
    rest = 1 - sum(named.values())
    others = [phase for phase in PHASES[:-1] if phase not in named]
    weights = dict.fromkeys(PHASES, rest / 2 / max(len(others), 1))
    weights["unknown"] = rest / 2
    return weights | named


def delay_weights(seconds: float, *, modality: str, gadoxetate: bool) -> Weights | None:
    """Return weights of the phases for a delay after injection; None where no window holds it.

    Notes
    -----
    A late MR scan whose agent is not known may be hepatobiliary or delayed: neither is enough.
    """
    if modality == "MR" and not gadoxetate and seconds >= _LATE_MR_S:
        return spread_over({"hepatobiliary": 0.55, "delayed": 0.25})
    for phase, low, high in _GADOXETATE_WINDOWS_S if gadoxetate else _WINDOWS_S:
        if low <= seconds <= high:
            return spread(phase, STATED)
    return None


def scan_density(offset_s: Array, *, modality: str, gadoxetate: bool, span_s: float) -> Array:
    """Density of a scan of each phase at times after the injection, per second.

    Parameters
    ----------
    offset_s : (n,) array
        Seconds from injection to scan; negative before it.
    span_s : float
        How long the time is over which an unknown scan may lie anywhere.

    Returns
    -------
    (n, 8) array
        By the order of `PHASES`. Phases that the modality or the agent does not have are 0.
    """
    after = np.maximum(offset_s, 1e-3)
    density = np.zeros((offset_s.size, len(PHASES)))
    for phase, (median, sd) in _USUAL.items():
        if _has(phase, modality=modality, gadoxetate=gadoxetate):
            z = (np.log(after) - np.log(median)) / sd
            bell = np.exp(-0.5 * z * z) / (after * sd * np.sqrt(2 * np.pi))
            density[:, PHASES.index(phase)] = np.where(offset_s > 0, bell, 0.0)
    before = np.maximum(5.0 - offset_s, 0.0)
    soon = np.exp(-before / _NATIVE_SOON_S) / _NATIVE_SOON_S
    long = (before < _NATIVE_LONG_S) / _NATIVE_LONG_S
    density[:, 0] = np.where(offset_s <= 5.0, 0.7 * soon + 0.3 * long, 0.0)
    density[:, -1] = 1.0 / span_s
    return density


def possible(*, modality: str, gadoxetate: bool) -> Array:
    """Return (8,) weights, 1 where a phase exists for the modality and agent, else 0."""
    return np.array([float(_has(p, modality=modality, gadoxetate=gadoxetate)) for p in PHASES])


def _has(phase: str, *, modality: str, gadoxetate: bool) -> bool:
    """Return whether a phase exists for a modality and agent."""
    if phase in ("transitional", "hepatobiliary"):
        return modality == "MR" and gadoxetate
    return not (phase == "delayed" and gadoxetate)
