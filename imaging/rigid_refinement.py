"""A rotation and shift brought nearer by Gauss-Newton steps, weighed as a smooth field is.

SimpleITK's descent on correlation ends a few millimetres short where edges are few or where a part
of them enhances; what it finds is near enough for these steps, which subdue such edges.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from imaging.elastic_displacement import Equations
from imaging.grid_sampling import BIN
from imaging.local_displacement import Field
from imaging.phase_pair import SLACKS_MM, PhasePair
from imaging.working_grid import STEP_MM

Reals = NDArray[np.float64]

STEPS_MM = (*SLACKS_MM, SLACKS_MM[-1], SLACKS_MM[-1])
"""What edges may be off by at each step."""

PRIOR_MM = 30.0
PRIOR_RADIANS = math.radians(10.0)
"""SD of a step where the images say nothing."""


def refined_rigid(pair: PhasePair, field: Field) -> Field:
    """Return the rigid field, of those that further steps pass, that leaves the least difference.

    Parameters
    ----------
    field : (3, z, y, x) mm along slices, rows and columns
        Of a rotation and a shift.
    """
    turn, move = _motion(field)
    best, least = field, pair.mean_misfit(field)
    for slack in STEPS_MM:
        further, by = _step(pair.terms(field, pair.weight, slack), turn, field.shape[1:])
        turn, move = further * turn, move + by
        field = _field(turn, move, field.shape[1:])
        left = pair.mean_misfit(field)
        if left < least:
            best, least = field, left
    return best


def _motion(field: Field) -> tuple[Rotation, Reals]:
    """Return the rotation about the grid's middle, and the shift, of a rigid field."""
    first = field[:, 0, 0, 0].astype(np.float64)
    ends = (field[:, -1, 0, 0], field[:, 0, -1, 0], field[:, 0, 0, -1])
    matrix = np.eye(3)
    for axis, (end, size) in enumerate(zip(ends, field.shape[1:], strict=True)):
        matrix[:, axis] += (end - first) / ((size - 1) * STEP_MM)
    return Rotation.from_matrix(matrix), first + (matrix - np.eye(3)) @ _middle(field.shape[1:])


def _middle(shape: tuple[int, ...]) -> Reals:
    return (np.array(shape) - 1.0) * (STEP_MM / 2.0)


def _field(turn: Rotation, move: Reals, shape: tuple[int, ...]) -> Field:
    """Return the field of a rotation about the grid's middle and a shift."""
    axes = [np.arange(size) * STEP_MM for size in shape]
    from_middle = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1) - _middle(shape)
    field = from_middle @ (turn.as_matrix() - np.eye(3)).T + move
    return np.ascontiguousarray(np.moveaxis(field, -1, 0), dtype=np.float32)


def _step(terms: Equations, turn: Rotation, shape: tuple[int, ...]) -> tuple[Rotation, Reals]:
    """Return the further rotation and shift that images ask for (least squares)."""
    axes = [(np.arange(size) * BIN + 0.5 * (BIN - 1)) * STEP_MM for size in terms.matrix.shape[:3]]
    at = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1) - _middle(shape)
    z, y, x = np.moveaxis(at @ turn.as_matrix().T, -1, 0)
    by = np.zeros((*z.shape, 3, 6))
    by[..., range(3), range(3)] = 1.0
    by[..., 0, 4], by[..., 0, 5] = x, -y
    by[..., 1, 5], by[..., 1, 3] = z, -x
    by[..., 2, 3], by[..., 2, 4] = y, -z
    prior = np.diag([PRIOR_MM**-2] * 3 + [PRIOR_RADIANS**-2] * 3)
    known = prior + np.einsum("zyxia,zyxij,zyxjb->ab", by, terms.matrix, by, optimize=True)
    wanted = np.einsum("zyxia,izyx->a", by, terms.right)
    found = np.linalg.solve(known, wanted)
    return Rotation.from_rotvec(found[3:]), found[:3]
