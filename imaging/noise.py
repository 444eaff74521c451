"""Seeded noise for reference objects: the same words give the same noise on every run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


@dataclass(frozen=True, slots=True)
class Acquisition:
    """How a scanner blurs and roughens an image.

    Parameters
    ----------
    noise_sd : float
        Standard deviation of the noise, in HU or signal, after correlation.
    correlation_px : float
        SD of the Gaussian kernel that correlates the noise in the plane, in pixels; 0 is white.
    blur_mm : float
        SD of the in-plane point spread of the object itself, in mm; 0 leaves partial volume alone.
    """

    noise_sd: float = 10.0
    correlation_px: float = 0.6
    blur_mm: float = 0.0


def random_for(*words: str) -> np.random.Generator:
    """Return a generator that depends on these words alone, not on the process or the run."""
    digest = hashlib.sha256("\x1f".join(words).encode()).digest()
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(int.from_bytes(digest))))


def noise_field(
    shape: tuple[int, int, int], acquisition: Acquisition, *words: str
) -> NDArray[np.float32]:
    """Gaussian noise as a (z, y, x) float32 array, correlated in the plane, independent per slice.

    The edges wrap, so the standard deviation is the same everywhere.
    """
    noise = random_for(*words).standard_normal(shape, dtype=np.float32)
    if acquisition.correlation_px > 0.0:
        kernel = _unit_kernel(acquisition.correlation_px)
        for axis in (1, 2):
            noise = ndimage.correlate1d(noise, kernel, axis=axis, mode="wrap")
    noise *= np.float32(acquisition.noise_sd)
    return np.asarray(noise, dtype=np.float32)


def _unit_kernel(sd_px: float) -> NDArray[np.float64]:
    """Gaussian weights whose squares sum to 1: filtered white noise keeps its variance."""
    reach = int(np.ceil(3.5 * sd_px))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sd_px) ** 2)
    return np.asarray(weights / np.sqrt(np.square(weights).sum()))
