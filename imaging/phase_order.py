"""What the acquisitions of one study say of each other's phase: their order and their times.

One injection is assumed. When it was is not known, so all times of it are tried: given one, each
acquisition has a delay, and a delay has its phases (`imaging.phase_timing`). Where times are
missing the order is left: contrast only comes later. Exact sums over all assignments (forward and
backward along the order), for each time of the injection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from imaging.phase_timing import PHASES, possible, scan_density

Array = NDArray[np.float64]

SESSION_S = 5400.0
"""Acquisitions further apart belong to another injection."""
_STEP_S = 3.0
_BEFORE_S = 2700.0
_AFTER_S = 120.0
_EARLY_PHASE, _LATER_THAN_ARTERIAL = PHASES.index("early_arterial"), slice(3, 7)
_PORTAL, _AFTER_PORTAL = PHASES.index("portal_venous"), slice(4, 6)
_RANK = np.array([0, 1, 2, 3, 4, 4, 5])
_BACKWARD_BY_CLOCK, _BACKWARD_BY_NUMBER = 0.01, 0.3
"""Weight of contrast that seems to go away between two acquisitions: clocks are believed, series
numbers only as a hint, since reconstructions are numbered in any order."""
_AGAIN_BY_CLOCK = (0.6, 0.3, 0.3, 0.3, 0.7, 0.7, 0.8)
_AGAIN_BY_NUMBER = (0.6, 0.5, 0.5, 0.5, 0.6, 0.6, 0.6)
"""Weight of scanning one phase twice, by the order of `PHASES`; a series with another number may
be another reconstruction."""
_WITHOUT_PORTAL = 0.35
"""Weight of a delayed or transitional scan that no portal venous one precedes."""
_UNKNOWN = 0.5
_EARLY, _EARLY_ALONE = 0.5, 0.08
"""An early arterial scan is made less often than a late one, and hardly ever without it: what
LI-RADS v2018 requires is the late arterial phase."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One acquisition: when it was, in seconds, and the weights of its own evidence by phase.

    ``time_s`` is None where unknown; ``weights`` follow `PHASES`.
    """

    time_s: float | None
    weights: tuple[float, ...]


def study_weights(moments: Sequence[Moment], *, modality: str, gadoxetate: bool) -> Array:
    """Weights of the phases of each acquisition that the others of its study give it.

    Parameters
    ----------
    moments : sequence of Moment
        In the order in which they were acquired, of one day and modality.

    Returns
    -------
    (moments, 8) array
        Rows sum to 1; equal weights where nothing is said. A moment's own evidence is not in its
        row: the product of both is its probability.
    """
    has = possible(modality=modality, gadoxetate=gadoxetate)
    times = _injections(moments)
    seen = [_emission(one, times, has, modality=modality, gadoxetate=gadoxetate) for one in moments]
    own = [np.asarray(one.weights) for one in moments]
    links = [_transition(a, b) for a, b in pairwise(moments)]
    ahead = _passed(seen, own, links)
    behind = _passed(seen[::-1], own[::-1], [link.T for link in links[::-1]])[::-1]
    rows = []
    for emission, forward, backward in zip(seen, ahead, behind, strict=True):
        row = np.where(has > 0, (emission * forward * backward).sum(axis=0), 0.0)
        row = row / row.sum() if row.sum() > 0 else has / has.sum()
        rows.append(row)
    return np.array(rows).reshape(len(moments), len(PHASES))


def _injections(moments: Sequence[Moment]) -> Array:
    """Return the times of the injection to try."""
    known = [one.time_s for one in moments if one.time_s is not None]
    if not known:
        return np.zeros(1)
    return np.arange(min(known) - _BEFORE_S, max(known) + _AFTER_S, _STEP_S)


def _emission(
    one: Moment, injections: Array, has: Array, *, modality: str, gadoxetate: bool
) -> Array:
    """Return (injections, 8) weights of an acquisition's phases by its time."""
    if one.time_s is None:
        flat = has.copy()
        flat[-1] *= _UNKNOWN
        flat[_EARLY_PHASE] *= _EARLY
        return np.tile(flat, (injections.size, 1))
    span = injections.size * _STEP_S
    density = scan_density(
        one.time_s - injections, modality=modality, gadoxetate=gadoxetate, span_s=span
    )
    density[:, -1] *= _UNKNOWN
    density[:, _EARLY_PHASE] *= _EARLY
    return density * _STEP_S


def _transition(one: Moment, two: Moment) -> Array:
    """Return (8, 8) weights of going from a phase to the next acquisition's."""
    by_clock = one.time_s is not None and two.time_s is not None and one.time_s < two.time_s
    backward = _BACKWARD_BY_CLOCK if by_clock else _BACKWARD_BY_NUMBER
    again = _AGAIN_BY_CLOCK if by_clock else _AGAIN_BY_NUMBER
    weights = np.ones((len(PHASES), len(PHASES)))
    weights[:-1, :-1] = np.where(_RANK[:, None] > _RANK[None, :], backward, 1.0)
    weights[range(7), range(7)] = again
    weights[:_PORTAL, _AFTER_PORTAL] = _WITHOUT_PORTAL
    weights[_EARLY_PHASE, _LATER_THAN_ARTERIAL] = _EARLY_ALONE
    return weights


def _passed(seen: Sequence[Array], own: Sequence[Array], links: Sequence[Array]) -> list[Array]:
    """Return for each acquisition what those before it pass on, by injection and phase."""
    passed = [np.ones_like(seen[0])] if seen else []
    for emission, weights, link in zip(seen, own, links, strict=False):
        step = (passed[-1] * emission * weights) @ link
        top = step.max()
        passed.append(step / top if top > 0 else np.ones_like(step))
    return passed
