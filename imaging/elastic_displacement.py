"""One smooth displacement of a whole neighbourhood, also where nothing may be compared.

A Gaussian process of cosines: the displacement is the sum of modes whose variance falls with their
frequency, and the most probable one is found by Gauss-Newton steps with conjugate gradients
(regularised optical flow: Horn and Schunck, Artif Intell 1981;17:185; the prior: Rasmussen and
Williams, Gaussian Processes for Machine Learning, 2006, chapter 2). Tumour is left out of the
comparison, so that the displacement in it is that which the prior expects from its surroundings:
surer than harmonic filling, which flattens a wave. How unsure it is, draws from the same model tell
(Papandreou and Yuille, NIPS 2010: perturb and maximise).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from imaging.grid_sampling import BIN, bin_sums
from imaging.local_displacement import OUTLIER, Field, centred
from imaging.working_grid import STEP_MM, Mask, Values

Reals = NDArray[np.float64]

SHORTEST_MM = 42.0
"""Wavelengths below this are left out: breathing does not bend a liver so sharply."""

BEYOND_MM = 24.0
"""The cosines end so far outside the grid, so that their flat ends do not show in it."""

CENTRED_MM = 25.0
INDEPENDENT = 0.05
"""Part of the voxels that count as independent: images are smoothed over some ten voxels, and what
one phase shows and the other does not is wider still."""

MOST_ITERATIONS = 60
TOLERANCE = 1e-3
DRAWS = 4


@dataclass(frozen=True)
class Modes:
    """The modes of one working grid and how large each is expected to be.

    Parameters
    ----------
    shape : (z, y, x) of the grid
    sd_mm, length_mm : of the squared exponential by which displacements vary along each axis
    """

    shape: tuple[int, int, int]
    sd_mm: float
    length_mm: float

    @cached_property
    def lengths_mm(self) -> list[float]:
        """Return how far the cosines reach along each axis."""
        return [size * STEP_MM + 2.0 * BEYOND_MM for size in self.shape]

    @cached_property
    def sd(self) -> Reals:
        """Return the SD of each mode, (nz, ny, nx) mm: the spectrum of the squared exponential."""
        axes = []
        for reach in self.lengths_mm:
            mode = np.arange(int(2.0 * reach / SHORTEST_MM) + 1)
            power = np.exp(-0.5 * np.square(np.pi * mode / reach * self.length_mm))
            power *= math.sqrt(2.0 * math.pi) * self.length_mm / (2.0 * reach)
            # cosines alone: each stands for two frequencies, and its square averages 1/2
            axes.append(np.where(mode > 0, 4.0, 2.0) * power)
        z, y, x = axes
        return np.asarray(self.sd_mm * np.sqrt(z[:, None, None] * y[:, None] * x))

    @cached_property
    def coarse(self) -> list[Reals]:
        """Return each axis's cosines at the middles of the bins, (bins, modes)."""
        return self._cosines(BIN)

    @cached_property
    def fine(self) -> list[Reals]:
        """Return each axis's cosines at the voxels, (voxels, modes)."""
        return self._cosines(1)

    def _cosines(self, step: int) -> list[Reals]:
        """Return each axis's cosines at the middles of so many voxels."""
        found = []
        for size, reach, count in zip(self.shape, self.lengths_mm, self.sd.shape, strict=True):
            at = (np.arange(-(-size // step)) + 0.5) * step * STEP_MM + BEYOND_MM
            found.append(np.cos(np.pi / reach * np.outer(at, np.arange(count))))
        return found

    def none(self) -> Reals:
        """Return the amounts of no displacement."""
        return np.zeros((3, *self.sd.shape))

    def field(self, amounts: Reals) -> Field:
        """Return the displacement at every voxel, (3, z, y, x) mm."""
        return self._summed(amounts, self.fine).astype(np.float32)

    def at_bins(self, amounts: Reals) -> Reals:
        """Return the displacement at every bin, (3, z, y, x) mm."""
        return self._summed(amounts, self.coarse)

    def _summed(self, amounts: Reals, cosines: list[Reals]) -> Reals:
        z, y, x = cosines
        planes = y @ ((amounts * self.sd) @ x.T)
        return np.moveaxis(np.tensordot(z, planes, axes=(1, 1)), 0, 1)

    def gathered(self, force: Reals) -> Reals:
        """Return the transpose of `at_bins`."""
        z, y, x = self.coarse
        planes = np.moveaxis(np.tensordot(z, force, axes=(0, 1)), 0, 1)
        return np.asarray((y.T @ planes @ x) * self.sd)

    def solved(self, terms: Equations, right: Reals, start: Reals) -> Reals:
        """Return the most probable amounts, (3, nz, ny, nx), by conjugate gradients.

        Parameters
        ----------
        right : (3, z, y, x), in place of that of the equations
        start : amounts near the solution
        """

        def times(amounts: Reals) -> Reals:
            return amounts + self.gathered(terms.pull(self.at_bins(amounts)))

        return _conjugate(times, self.gathered(right), start)

    def uncertainty_mm(self, terms: Equations, where: Mask) -> float:
        """Return the root mean square error to be expected at some voxels.

        Parameters
        ----------
        where : (z, y, x) bool array of the grid

        Notes
        -----
        Fields drawn from the prior are looked for by the same equations with drawn noise.
        """
        rng = np.random.default_rng(DRAWS)
        trace = np.trace(terms.matrix, axis1=-2, axis2=-1)[..., None, None]
        root = np.linalg.cholesky(terms.matrix + (1e-5 * trace + 1e-9) * np.eye(3))
        squares = []
        for _ in range(DRAWS):
            drawn = rng.normal(size=(3, *self.sd.shape))
            noise = rng.normal(size=root.shape[:-1])
            force = np.moveaxis((root @ noise[..., None])[..., 0], -1, 0)
            right = terms.pull(self.at_bins(drawn)) + force
            missed = self.field(self.solved(terms, right, self.none()) - drawn)
            squares.append(float(np.square(missed[:, where]).sum(axis=0).mean()))
        return math.sqrt(sum(squares) / DRAWS)


@dataclass(frozen=True, slots=True, eq=False)
class Equations:
    """What images say about the displacement of each bin.

    Parameters
    ----------
    matrix : (z, y, x, 3, 3) certainty, 1 / mm^2
    right : (3, z, y, x) certainty times displacement
    """

    matrix: Reals
    right: Reals

    def pull(self, field: Reals) -> Reals:
        """Return the certainty times a field on bins."""
        along = np.moveaxis(field, 0, -1)[..., None]
        return np.moveaxis((self.matrix @ along)[..., 0], -1, 0)

    def and_also(self, other: Equations) -> Equations:
        """Return what both say together."""
        return Equations(self.matrix + other.matrix, self.right + other.right)


def image_equations(
    fixed: Values, moved: Values, weight: Values, *, slack_mm: float = 0.0
) -> Equations:
    """Return the least squares on gradients of two images, summed over bins.

    Parameters
    ----------
    moved : the native phase; its slopes are taken, since vessels without contrast drive nothing
    weight : (z, y, x), 0 where nothing is to be compared
    slack_mm : SD of what edges may be off by even where the displacement is right

    Notes
    -----
    The variance of a difference is that of noise and, at edges, what a shift by the slack makes of
    it: slices are thick, blur is stretched with the tissue, and an edge's height differs between
    the phases. Without the slack the liver's surface counts as if it were known to a tenth of a
    millimetre, and where it is still off it is an outlier to noise.
    """
    along: list[Values] = list(np.gradient(moved, STEP_MM))
    slope = np.stack([centred(part, weight, CENTRED_MM) for part in along])
    off = centred(fixed - moved, weight, CENTRED_MM)
    used = np.abs(off[weight > 0])
    noise = max(1.4826 * float(np.median(used)) if used.size else 1.0, 1.0)
    variance = noise**2 + slack_mm**2 * np.square(slope).sum(axis=0)
    count = weight / (1.0 + np.square(off) / (OUTLIER**2 * variance))
    return summed_equations(off, slope, count * INDEPENDENT / variance)


def summed_equations(off: Values, slope: Field, count: Values) -> Equations:
    """Return the normal equations of differences and slopes, summed over bins.

    Parameters
    ----------
    off, count : (z, y, x) difference, and weight of its square
    slope : (3, z, y, x) per mm
    """
    right = np.stack([bin_sums(count * part * off) for part in slope])
    matrix = np.empty((*right.shape[1:], 3, 3))
    for i in range(3):
        for j in range(i, 3):
            matrix[..., i, j] = matrix[..., j, i] = bin_sums(count * slope[i] * slope[j])
    return Equations(matrix, right)


def _conjugate(times: Callable[[Reals], Reals], right: Reals, start: Reals) -> Reals:
    """Solve a symmetric system by conjugate gradients (Hestenes and Stiefel 1952)."""
    found = start
    left = right - times(found)
    along = left
    size, enough = float(np.vdot(left, left)), TOLERANCE**2 * float(np.vdot(right, right))
    for _ in range(MOST_ITERATIONS):
        if size <= enough:
            break
        image = times(along)
        far = size / float(np.vdot(along, image))
        found, left = found + far * along, left - far * image
        size, before = float(np.vdot(left, left)), size
        along = left + (size / before) * along
    return found
