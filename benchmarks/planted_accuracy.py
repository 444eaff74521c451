"""How near the viable diameter comes to truth on lesions planted in a real CT.

    python benchmarks/planted_accuracy.py --series ../shared/data/hcc_tace_hcc048_portal \
        --lesions 320 --seed 1 [--cnr 2 4] [--texture scan|soft|sharp] [--outline-mm 1]
        [--dead] [--naive] [--csv FILE]

Shapes: balls, ellipsoids, rings, crescents, two islands, dead; 12 to 50 mm across; every lesion at
a fresh place in the scan's liver, alone, with fresh noise in each phase. The noise has the
autocorrelation and strength measured in that liver, or that of a softer or sharper kernel. CNR =
enhancement / (sqrt 2 x added noise SD of a phase). Within tolerance: 1.5 mm or 5 % of truth.
``--outline-mm`` moves the outline that is handed in by a smooth random distance of this SD; then
the outline's part of the uncertainty is counted, else not. ``--dead`` plants dead lesions alone.
``--naive`` measures the same lesions in the ways of the field: arterial phase above 100 HU with the
plain longest distance; subtraction (smoothed by 1 mm) of 10 HU or more, and above mean + 2 SD of
the liver around, both with the contained segment. The host is kept beside the system's temporary
files after the first call.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import pickle
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from imaging.coverage import planes_mm, whole_mask
from imaging.geometry import VolumeGeometry
from imaging.mask import LesionMask, SegmentIdentity
from imaging.necrotic_shape import Crescent, Ring, TwoIslands
from imaging.planting import Host, contrast, plant, prepare_host
from imaging.reference_lesion import ReferenceLesion
from imaging.shape import Ball, Dead, Ellipsoid, Shape, longest_viable_mm
from imaging.solid import ShapeError
from imaging.texture import NoiseTexture
from imaging.volume import Volume
from measurement.cut import cut
from measurement.diameter import longest_diameter
from measurement.lesion import measure_lesion
from measurement.reading import LesionImages, LesionReading, MeasurementSettings
from measurement.smoothing import robust_sd, smoothed_within
from sumdiam.demo.real import QUIETEST_HU, read_series

KINDS = ("ball", "ring", "islands", "crescent", "ellipsoid", "islands", "ring", "dead", "crescent")
MARGIN_MM = 24.0
TOLERANCE_MM, TOLERANCE_PART = 1.5, 0.05
NATIVE_UNDER_LIVER_HU = -50.0
SMOOTH_MM = 8.0
"""Correlation length of an outline that is off."""

NAIVE_SMOOTHING_MM = 1.0
NORMAL_95 = 1.96
TEXTURES = {"soft": 1.1, "sharp": 0.35}
"""SD in pixels of the Gaussian that would make noise of such texture from white noise."""


@dataclass(frozen=True)
class Planting:
    """How lesions are planted."""

    cnr: tuple[float, float]
    kinds: tuple[str, ...] = KINDS
    outline_mm: float = 0.0


@dataclass(frozen=True)
class Planted:
    """One lesion with its images and truth."""

    kind: str
    images: LesionImages
    shape: Shape
    truth_mm: float
    cnr: float


def random_shape(rng: np.random.Generator, kind: str) -> Shape:
    """Return a shape of a kind, 12 to 50 mm across, about the origin; parts of 4 mm or more."""
    d = float(rng.uniform(12.0, 50.0))
    turn = float(rng.uniform(0, 180))
    u = np.array([math.cos(math.radians(turn)), math.sin(math.radians(turn)), 0.0])
    if kind == "ball":
        return Ball(d)
    if kind == "ellipsoid":
        b, c = (d / 2 * rng.uniform(0.55, 1.0, 2)).tolist()
        return Ellipsoid((d / 2, b, c), turn)
    if kind == "dead":
        b, c = (d / 2 * rng.uniform(0.6, 1.0, 2)).tolist()
        return Dead((d / 2, b, c), turn)
    if kind == "ring":
        d = max(d, 15.0)
        return Ring(d, d - 2 * float(rng.uniform(4.0, max(4.5, 0.3 * d))))
    if kind == "crescent":
        d = max(d, 15.0)
        core = d * float(rng.uniform(0.5, 0.8))
        x, y, _ = (u * (d - core) / 2 * rng.uniform(0.7, 1.5) * rng.choice([-1, 1])).tolist()
        return Crescent(d, core, (x, y, float(rng.uniform(-2, 2))))
    d = max(d, 22.0)
    while True:
        a, b = rng.uniform(0.2, 0.62, 2) * d
        a, b = max(6.0, a), max(5.0, b)
        axes = (d / 2, d / 2 * rng.uniform(0.62, 1.0), d / 2 * rng.uniform(0.62, 1.0))
        first, second = -(d - a) / 2 * 0.92 * u, (d - b) / 2 * 0.92 * u
        try:
            return TwoIslands(
                axes, (float(a), float(b)), (tuple(first.tolist()), tuple(second.tolist())), turn
            )
        except ShapeError:
            continue


def cached_host(series: Path) -> Host:
    """Return a scan with its liver and noise, from the last call if there was one."""
    parts = (str(series.resolve()), *(field.name for field in fields(Volume)))
    name = hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]
    file = Path(tempfile.gettempdir()) / f"sumdiam-host-{name}.pickle"
    if not file.exists():
        file.write_bytes(pickle.dumps(prepare_host(read_series(series))))
    host: Host = pickle.loads(file.read_bytes())  # noqa: S301 - written by this function
    return host


def textured(host: Host, word: str) -> Host:
    """Return the host with the noise of another kernel, of the same strength."""
    if word == "scan":
        return host
    lags = np.arange(-8, 9)
    distance = np.hypot(lags[:, None], lags[None, :])
    in_plane = np.exp(-(distance**2) / (4.0 * TEXTURES[word] ** 2))
    return replace(host, texture=NoiseTexture(host.texture.sd_hu, in_plane, (0.1, 0.0)))


class Places:
    """Random places in a scan's liver, by how deep they lie."""

    def __init__(self, host: Host) -> None:
        grid = host.volume.geometry
        depth = ndimage.distance_transform_edt(np.pad(host.liver, 1), sampling=grid.spacing_mm)
        self._depth = depth[1:-1, 1:-1, 1:-1].astype(np.float32)
        self._at = np.argwhere(self._depth > 6.0)
        self._depths = self._depth[tuple(self._at.T)]

    def one(self, rng: np.random.Generator, radius_mm: float) -> NDArray[np.float64]:
        """Return an index (z, row, column) with room for a ball, or the deepest there are."""
        needed = min(radius_mm, float(np.quantile(self._depths, 0.995)))
        fitting = self._at[self._depths >= needed]
        return np.asarray(fitting[rng.integers(len(fitting))] + rng.uniform(-0.5, 0.5, 3))


def planted(number: int, host: Host, places: Places, seed: int, planting: Planting) -> Planted:
    """Return one lesion in the surroundings that a reader would see."""
    rng = np.random.default_rng([seed, number])
    kind = planting.kinds[number % len(planting.kinds)]
    shape = random_shape(rng, kind)
    grid = host.volume.geometry
    middle = places.one(rng, max(shape.whole.semi_axes_mm))
    x, y, z = grid.index_to_patient(middle).tolist()
    shape = shape.at((x, y, z))
    here = _around(host, middle, max(shape.whole.semi_axes_mm) + MARGIN_MM)
    added = max(host.texture.sd_hu, QUIETEST_HU)
    cnr = float(rng.uniform(*planting.cnr))
    look = contrast(enhancement_hu=cnr * math.sqrt(2.0) * added, native_hu=NATIVE_UNDER_LIVER_HU)
    lesion = ReferenceLesion("L", shape, look)
    volumes = {
        phase: replace(
            here.volume,
            array=plant(
                here, [lesion], phase, added_sd_hu=added, seed=(str(seed), str(number), phase)
            ),
            volume_id=phase,
        )
        for phase in ("native", "late_arterial")
    }
    small = here.volume.geometry
    mask = moved_outline(whole_mask(shape, small), small, planting.outline_mm, rng)
    images = LesionImages(
        image=volumes["late_arterial"],
        arterial=volumes["late_arterial"],
        native=volumes["native"],
        lesion=LesionMask(mask, small, f"m{number}", SegmentIdentity(1)),
        liver=here.liver | mask,
    )
    truth = longest_viable_mm(shape, planes_mm(small).tolist(), 2.0)
    return Planted(kind, images, shape, truth, cnr)


def moved_outline(
    mask: NDArray[np.bool_], grid: VolumeGeometry, sd_mm: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return a mask whose outline is off by a smooth random distance of this SD."""
    if sd_mm <= 0.0:
        return mask
    spacing = grid.spacing_mm
    half = 0.5 * math.sqrt(spacing[1] * spacing[2])  # the outline runs between two centres
    inside = ndimage.distance_transform_edt(mask, sampling=spacing) - half
    outside = ndimage.distance_transform_edt(~mask, sampling=spacing) - half
    distance = np.where(mask, -inside, outside)
    sigma = [SMOOTH_MM / math.sqrt(2.0) / step for step in spacing]
    field = ndimage.gaussian_filter(rng.standard_normal(mask.shape), sigma, mode="wrap")
    return np.asarray(distance < sd_mm * field / field.std(), dtype=np.bool_)


def _around(host: Host, middle: NDArray[np.float64], reach_mm: float) -> Host:
    """Return the host cut to a box around a place."""
    grid = host.volume.geometry
    box = tuple(
        slice(max(0, int(at - reach_mm / step)), min(size, int(at + reach_mm / step) + 2))
        for at, step, size in zip(middle, grid.spacing_mm, grid.shape, strict=True)
    )
    affine = grid.affine.copy()
    affine[:3, 3] = grid.index_to_patient(np.array([part.start for part in box], dtype=float))
    liver = host.liver[box]
    small = VolumeGeometry(affine, liver.shape, grid.frame_of_reference_uid)
    volume: Volume = replace(
        host.volume,
        array=host.volume.array[box],
        geometry=small,
        sop_instance_uids=host.volume.sop_instance_uids[box[0]],
        frame_numbers=host.volume.frame_numbers[box[0]],
        padding=None if host.volume.padding is None else host.volume.padding[box],
    )
    return replace(host, volume=volume, liver=liver)


def read(case: Planted, settings: MeasurementSettings | None = None) -> LesionReading:
    """Measure one planted lesion."""
    return measure_lesion(case.images, settings=settings)


def naive_lengths(images: LesionImages, *, hounsfield: bool = True) -> dict[str, float]:
    """Longest viable diameters in mm in the ways of the field; two of them need HU."""
    if images.arterial is None or images.native is None or images.liver is None:
        return {}
    grid, mask = images.image.geometry, images.lesion.array
    arterial = images.arterial.array.astype(np.float64)
    rise = arterial - images.native.array
    around = images.liver & ~ndimage.binary_dilation(mask, iterations=3)
    liver = smoothed_within(rise, around, grid.spacing_mm, NAIVE_SMOOTHING_MM)[around]
    smooth = smoothed_within(rise, mask, grid.spacing_mm, NAIVE_SMOOTHING_MM)
    ways = {
        "arterial above 100 HU, plain": (arterial > 100.0, math.inf),
        "rise of 10 HU": (smooth >= 10.0, 2.0),
        "mean + 2 SD of liver": (smooth > np.median(liver) + 2.0 * robust_sd(liver), 2.0),
    }
    if not hounsfield:
        ways = {"mean + 2 SD of liver": ways["mean + 2 SD of liver"]}
    lengths = {}
    for name, (above, gap_mm) in ways.items():
        caliper = longest_diameter(mask & above, mask, grid, gap_mm=gap_mm)
        lengths[name] = 0.0 if caliper is None else caliper.length_mm
    return lengths


def cases(
    host: Host, count: int, seed: int, planting: Planting, *, first: int = 0
) -> Iterator[Planted]:
    """Plant lesions one after the other."""
    places = Places(host)
    for number in range(first, first + count):
        yield planted(number, host, places, seed, planting)


def run(
    host: Host, count: int, seed: int, planting: Planting, *, naive: bool = False
) -> pd.DataFrame:
    """Measure planted lesions; one row each."""
    rows = []
    settings = MeasurementSettings(outline_sd_mm=planting.outline_mm)
    for case in cases(host, count, seed, planting):
        reading = read(case, settings)
        first = reading.quantities[0]
        rows.append(
            {
                "kind": case.kind,
                "truth": case.truth_mm,
                "whole": 2 * max(case.shape.whole.semi_axes_mm),
                "planted_cnr": case.cnr,
                "value": first.value,
                "u": first.standard_uncertainty,
                "flags": ";".join(f.written() for f in (*reading.flags, *first.flags)),
            }
            | (naive_lengths(cut(case.images).images) if naive else {})
            | reading.evidence
        )
    frame = pd.DataFrame(rows)
    frame["error"] = frame.value - frame.truth
    frame["missed"] = frame.error.abs() > tolerance_mm(frame)
    frame["flagged"] = frame["flags"] != ""
    return frame


def tolerance_mm(frame: pd.DataFrame) -> NDArray[np.float64]:
    """How far a length may be from truth."""
    return np.maximum(TOLERANCE_MM, TOLERANCE_PART * frame.truth.to_numpy())


def by_flag(frame: pd.DataFrame) -> str:
    """Return per flag how many misses and how many right lengths it marks."""
    codes = frame["flags"].str.replace(r"\([^)]*\)", "", regex=True).str.split(";")
    lines = []
    for code in sorted({c for found in codes for c in found if c}):
        marked = codes.apply(lambda found, code=code: code in found)
        alone = codes.apply(lambda found, code=code: found == [code])
        lines.append(
            f"flag {code:26s} misses {int((marked & frame.missed).sum()):3d} "
            f"right {int((marked & ~frame.missed).sum()):3d}; alone: "
            f"misses {int((alone & frame.missed).sum()):3d} "
            f"right {int((alone & ~frame.missed).sum()):3d}"
        )
    return "\n".join(lines)


def calibration(frame: pd.DataFrame) -> str:
    """Return how often the 95 % limits of a viable length hold."""
    viable = frame[(frame.truth > 0) & (frame.value > 0)]
    half = NORMAL_95 * viable.u
    holds = float((viable.error.abs() <= half).mean())
    quiet = viable[~viable.flagged]
    holds_quiet = float((quiet.error.abs() <= NORMAL_95 * quiet.u).mean())
    return (
        f"95 % limits hold for {holds:.1%} of {len(viable)} viable lengths ({holds_quiet:.1%} of "
        f"the unflagged); median half-width {half.median():.2f} mm"
    )


def naive_summary(frame: pd.DataFrame) -> str:
    """Return the share within tolerance of every way, for all and for necrotic lesions."""
    necrotic = frame.kind.isin(["ring", "islands", "crescent"])
    lines = []
    for way in ("value", *(c for c in frame.columns if " " in c)):
        error = (frame[way] - frame.truth).abs()
        good = error <= tolerance_mm(frame)
        lines.append(
            f"{'this method' if way == 'value' else way:30s} within {good.mean():6.1%} "
            f"(necrotic {good[necrotic].mean():6.1%}) rms {math.sqrt((error**2).mean()):6.2f} mm"
        )
    return "\n".join(lines)


def summary(frame: pd.DataFrame) -> str:
    """Return the table of errors by kind, in mm."""
    lines = []
    for kind, part in [*frame.groupby("kind"), ("all", frame)]:
        quiet = part[~part.flagged]
        lines.append(
            f"{kind:10s} n={len(part):4d} mean {part.error.mean():+.2f} "
            f"rms {math.sqrt((part.error**2).mean()):.2f} within {1 - part.missed.mean():6.1%} "
            f"flagged {part.flagged.mean():5.1%} unflagged misses {int(quiet.missed.sum()):3d} "
            f"worst unflagged {quiet.error.abs().max():.2f} mm"
        )
    dead = frame[frame.truth == 0]
    lines.append(f"dead lesions that read 0 mm: {int((dead.value == 0).sum())} of {len(dead)}")
    return "\n".join(lines)


def main() -> None:
    """Plant, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=Path, required=True, help="a portal venous CT series")
    parser.add_argument("--lesions", type=int, default=320)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cnr", type=float, nargs=2, default=(2.0, 4.0))
    parser.add_argument("--texture", choices=("scan", *TEXTURES), default="scan")
    parser.add_argument("--outline-mm", type=float, default=0.0, help="SD of a smooth error")
    parser.add_argument("--dead", action="store_true", help="plant dead lesions alone")
    parser.add_argument("--naive", action="store_true", help="compare with other ways")
    parser.add_argument("--csv", help="write one row per lesion")
    args = parser.parse_args()
    host = textured(cached_host(args.series), args.texture)
    kinds = ("dead",) if args.dead else KINDS
    planting = Planting(tuple(args.cnr), kinds, args.outline_mm)
    frame = run(host, args.lesions, args.seed, planting, naive=args.naive)
    print(summary(frame))
    print(by_flag(frame))
    print(calibration(frame))
    if args.naive:
        print(naive_summary(frame))
    if args.csv:
        frame.to_csv(args.csv, index=False)


if __name__ == "__main__":
    main()
