"""The noise of a real scan: how strong, how correlated; and more of the same kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from imaging.noise import random_for

REACH_PX = 8  # lags beyond hold anatomy, not noise
FLAT_PX = 4  # up to here the measured correlation is kept as it is


@dataclass(frozen=True, slots=True, eq=False)
class NoiseTexture:
    """Noise as measured in a region of one scan.

    Parameters
    ----------
    sd_hu : float
    in_plane : (17, 17) float64 array
        Autocorrelation at lags of -8..8 rows and columns.
    between_slices : (r1, r2)
        Correlation with the next slice and the one after it.
    """

    sd_hu: float
    in_plane: NDArray[np.float64]
    between_slices: tuple[float, float]


def measure_texture(
    array: NDArray[np.int16] | NDArray[np.float32], region: NDArray[np.bool_]
) -> NoiseTexture:
    """Strength and autocorrelation of the noise in an even region of a scan.

    Parameters
    ----------
    array, region : (z, y, x) arrays
        The region should hold even tissue only, some 10,000 voxels of it.

    Notes
    -----
    What varies over more than 6 pixels is taken for anatomy and removed before; single voxels
    beyond 4 robust SD (small vessels) are left out. Masked correlation by FFT, slice by slice.
    """
    residual, used = _residual(array, region)
    size = [fft.next_fast_len(n + REACH_PX, real=True) for n in array.shape[1:]]
    value = fft.rfft2(residual, size)
    weight = fft.rfft2(used.astype(np.float32), size)
    lag0 = _correlation(value, weight, 0, size)
    centre = float(lag0[0, 0])
    lags = np.arange(-REACH_PX, REACH_PX + 1)
    in_plane = lag0[np.ix_(lags, lags)] / centre
    next_one, second = (
        float(_correlation(value, weight, gap, size)[0, 0]) / centre for gap in (1, 2)
    )
    return NoiseTexture(float(np.sqrt(centre)), in_plane, (next_one, second))


def texture_noise(
    shape: tuple[int, int, int], texture: NoiseTexture, sd_hu: float, *words: str
) -> NDArray[np.float32]:
    """Gaussian noise with a scan's autocorrelation, as a (z, y, x) float32 array in HU.

    Parameters
    ----------
    sd_hu : float
        Standard deviation of the result; need not be the scan's own.
    words : the same words give the same noise
    """
    rows, columns = (fft.next_fast_len(max(n, 2 * REACH_PX + 1), real=True) for n in shape[1:])
    root = np.sqrt(_spectrum(texture.in_plane, rows, columns)).astype(np.float32)
    rng = random_for("texture", *words)
    noise = np.empty(shape, dtype=np.float32)
    for k in range(shape[0]):
        white = rng.standard_normal((rows, columns), dtype=np.float32)
        plane = fft.irfft2(fft.rfft2(white) * root, (rows, columns))
        noise[k] = plane[: shape[1], : shape[2]]
    kernel = _slice_kernel(texture.between_slices)
    noise = ndimage.correlate1d(noise, kernel, axis=0, mode="wrap")
    noise *= np.float32(sd_hu)
    return np.asarray(noise, dtype=np.float32)


def _residual(
    array: NDArray[np.int16] | NDArray[np.float32], region: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return values less their slow variation within the region, and the voxels to use."""
    value = np.where(region, array, 0).astype(np.float32)
    weight = region.astype(np.float32)
    sigma = (0.0, 6.0, 6.0)
    share = np.maximum(ndimage.gaussian_filter(weight, sigma), 1e-3)
    residual = (value - ndimage.gaussian_filter(value, sigma) / share) * region
    spread = 1.4826 * float(np.median(np.abs(residual[region])))
    used = region & (np.abs(residual) <= 4.0 * spread)
    residual = np.where(used, residual, 0.0).astype(np.float32)
    return residual, used


def _correlation(
    value: NDArray[np.complex64], weight: NDArray[np.complex64], gap: int, size: list[int]
) -> NDArray[np.float64]:
    """Mean product of voxels at every in-plane lag, between slices that lie ``gap`` apart."""
    last = len(value) - gap
    top = (value[:last] * np.conj(value[gap:])).sum(axis=0)
    pairs = (weight[:last] * np.conj(weight[gap:])).sum(axis=0)
    products = np.asarray(fft.irfft2(top, size), dtype=np.float64)
    return products / np.maximum(np.asarray(fft.irfft2(pairs, size), dtype=np.float64), 1.0)


def _spectrum(in_plane: NDArray[np.float64], rows: int, columns: int) -> NDArray[np.float64]:
    """Power spectrum of mean 1 whose autocorrelation is the measured one, tapered to its reach."""
    lags = np.arange(-REACH_PX, REACH_PX + 1)
    distance = np.hypot(lags[:, None], lags[None, :])
    beyond = np.clip((distance - FLAT_PX) / (REACH_PX + 1.0 - FLAT_PX), 0.0, 1.0)
    taper = 0.5 + 0.5 * np.cos(np.pi * beyond)
    wrapped = np.zeros((rows, columns))
    wrapped[np.ix_(lags, lags)] = 0.5 * (in_plane + in_plane[::-1, ::-1]) * taper
    power = np.maximum(fft.fft2(wrapped).real, 0.0)
    half = power[:, : columns // 2 + 1] / power.mean()
    return np.asarray(half, dtype=np.float64)


def _slice_kernel(between_slices: tuple[float, float], length: int = 64) -> NDArray[np.float64]:
    """Weights along z, squares summing to 1, that give the measured correlation of slices."""
    wrapped = np.zeros(length)
    wrapped[0] = 1.0
    wrapped[[1, -1]], wrapped[[2, -2]] = between_slices
    power = np.maximum(fft.fft(wrapped).real, 0.0)
    weights = np.roll(fft.ifft(np.sqrt(power)).real, length // 2)
    weights = weights[length // 2 - 6 : length // 2 + 7]
    return np.asarray(weights / np.sqrt(np.square(weights).sum()))
