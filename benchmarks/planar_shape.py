"""Flat shapes whose longest contained segment is known in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imaging.geometry import VolumeGeometry

Mask = NDArray[np.bool_]
Values = NDArray[np.float64]
Inside = Callable[[Values, Values], Mask]


@dataclass(frozen=True)
class Planar:
    """A viable part and its lesion, as tests of places (x, y) in mm, and its longest segment."""

    kind: str
    viable: Inside
    whole: Inside
    truth_mm: float
    reach_mm: float
    solid: bool  # nothing dead between its two farthest points

    def rasterised(
        self, pixel_mm: float, turn: float, offset_px: tuple[float, float]
    ) -> tuple[Mask, Mask, VolumeGeometry]:
        """Pixels whose centres lie in the viable part and in the lesion, on one slice."""
        half = math.ceil(self.reach_mm / pixel_mm) + 3
        y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float64)
        x, y = (x + offset_px[1]) * pixel_mm, (y + offset_px[0]) * pixel_mm
        u = x * math.cos(turn) + y * math.sin(turn)
        v = y * math.cos(turn) - x * math.sin(turn)
        viable, whole = self.viable(u, v)[None], self.whole(u, v)[None]
        spacing = (2.5, pixel_mm, pixel_mm)
        grid = VolumeGeometry.upright(shape=viable.shape, spacing_mm=spacing)
        return viable, whole, grid


def _size_mm(rng: np.random.Generator, least: float = 10.0) -> float:
    """A length up to 60 mm; small ones are as common as large ones, as in lesions."""
    return float(np.exp(rng.uniform(np.log(least), np.log(60.0))))


def _ellipse(x: Values, y: Values, a: float, b: float) -> Mask:
    return (x / a) ** 2 + (y / b) ** 2 <= 1.0


def disc(rng: np.random.Generator) -> Planar:
    """Its diameter."""
    r = 0.5 * _size_mm(rng)

    def inside(x: Values, y: Values) -> Mask:
        return _ellipse(x, y, r, r)

    return Planar("disc", inside, inside, 2.0 * r, r, solid=True)


def ellipse(rng: np.random.Generator) -> Planar:
    """Its major axis."""
    a = 0.5 * _size_mm(rng)
    b = a * rng.uniform(0.4, 0.9)

    def inside(x: Values, y: Values) -> Mask:
        return _ellipse(x, y, a, b)

    return Planar("ellipse", inside, inside, 2.0 * a, a, solid=True)


def ring(rng: np.random.Generator) -> Planar:
    """The tangent of the core along the major axis: a ring is an ellipse with a core of its form.

    An affine map makes it a round one, all of whose tangent chords are 2 sqrt(1 - q^2) long; the
    map stretches that along the major axis most.
    """
    a = 0.5 * _size_mm(rng, 20.0)
    b = a * rng.uniform(0.6, 1.0)
    q = 1.0 - rng.uniform(4.0, max(4.5, 0.6 * a)) / a  # rims as in viable_accuracy.py

    def whole(x: Values, y: Values) -> Mask:
        return _ellipse(x, y, a, b)

    def viable(x: Values, y: Values) -> Mask:
        return whole(x, y) & ~_ellipse(x, y, q * a, q * b)

    return Planar("ring", viable, whole, 2.0 * a * math.sqrt(1.0 - q * q), a, solid=False)


def crescent(rng: np.random.Generator) -> Planar:
    """The chord that touches the bite where it is nearest to the far side.

    A disc of radius R less one of radius r, whose centre is e away and which holds the first one's
    centre (e < r): of all lines that miss the bite the nearest to the centre is r - e away.
    """
    big = 0.5 * _size_mm(rng, 20.0)
    r = big * rng.uniform(0.6, 0.8)
    e = rng.uniform(max(0.3, 1.0 - r / big + 0.05), 0.9 * r / big) * big
    near = r - e

    def whole(x: Values, y: Values) -> Mask:
        return _ellipse(x, y, big, big)

    def viable(x: Values, y: Values) -> Mask:
        return whole(x, y) & ~_ellipse(x - e, y, r, r)

    return Planar("crescent", viable, whole, 2.0 * math.sqrt(big**2 - near**2), big, solid=False)


def lobulated(rng: np.random.Generator) -> Planar:
    """Two lobes opposite to each other, of an even number around a centre that all is seen from."""
    r = 0.45 * _size_mm(rng)
    lobes = int(rng.choice([4, 6]))
    height = rng.uniform(0.05, 0.15)

    def inside(x: Values, y: Values) -> Mask:
        edge = r * (1.0 + height * np.cos(lobes * np.arctan2(y, x)))
        return np.hypot(x, y) <= edge

    top = r * (1.0 + height)
    return Planar("lobulated", inside, inside, 2.0 * top, top, solid=True)


def clover(rng: np.random.Generator) -> Planar:
    """Three discs that overlap: the centres of two and both radii."""
    r = 0.25 * _size_mm(rng)
    apart = r * rng.uniform(1.0, 1.6)
    away = apart / math.sqrt(3.0)

    def inside(x: Values, y: Values) -> Mask:
        turns = [2.0 * math.pi * k / 3.0 for k in range(3)]
        discs = [_ellipse(x - away * math.cos(t), y - away * math.sin(t), r, r) for t in turns]
        return np.logical_or.reduce(discs)

    return Planar("clover", inside, inside, apart + 2.0 * r, away + r, solid=True)


KINDS = (disc, ellipse, ring, crescent, lobulated, clover)
