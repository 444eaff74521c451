"""How near the viable diameter comes to closed-form truth on noisy digital lesions.

    python benchmarks/viable_accuracy.py --lesions 200 [--seed 1] [--cnr 3 8] [--full]

Shapes: balls, ellipsoids, rings, crescents, two islands, dead; any sub-pixel position; pixels of
0.7 to 0.9 mm, slices of 2.5 mm; noise of 10 to 20 HU per phase, white or correlated.
CNR = enhancement / (sqrt 2 x noise SD of a phase).
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imaging.coverage import coverage, planes_mm, whole_mask
from imaging.geometry import VolumeGeometry
from imaging.mask import LesionMask, SegmentIdentity
from imaging.necrotic_shape import Crescent, Ring, TwoIslands
from imaging.noise import Acquisition, noise_field
from imaging.shape import Ball, Dead, Ellipsoid, Shape, longest_viable_mm
from imaging.volume import Volume
from measurement.contrast import contrast_of, scene
from measurement.cut import cut
from measurement.diameter import outline_diameter
from measurement.lesion import measure_lesion
from measurement.outline import LesionOutline
from measurement.reading import LesionImages, MeasurementSettings
from measurement.viable import viable_part

LIVER = {"native": 55.0, "arterial": 70.0}
NATIVE_HU, NECROSIS_HU = 45.0, 35.0


@dataclass(frozen=True)
class Case:
    """One lesion with its images and truth."""

    name: str
    images: LesionImages
    truth_mm: float
    cnr: float
    pixel_mm: float


def random_shape(rng: np.random.Generator, kind: str, centre: tuple[float, ...]) -> Shape:
    """Return a shape of a kind with a diameter of 15 to 50 mm."""
    d = float(rng.uniform(15.0, 50.0))
    if kind == "ball":
        return Ball(d, centre)
    if kind == "ellipsoid":
        axes = (d / 2, d / 2 * rng.uniform(0.5, 1.0), d / 2 * rng.uniform(0.6, 1.0))
        return Ellipsoid(axes, float(rng.uniform(0, 180)), centre)
    if kind == "dead":
        return Dead(
            (d / 2, d / 2 * rng.uniform(0.6, 1.0), d / 2), float(rng.uniform(0, 180)), centre
        )
    if kind == "ring":
        d = max(d, 20.0)
        rim = rng.uniform(4.0, max(4.5, 0.3 * d))
        return Ring(d, d - 2 * rim, centre)
    if kind == "crescent":
        d = max(d, 20.0)
        core = d * rng.uniform(0.5, 0.8)
        turn = rng.uniform(0, 2 * np.pi)
        e = (d - core) / 2 * rng.uniform(0.7, 1.6)
        offset = (e * np.cos(turn), e * np.sin(turn), rng.uniform(-2, 2))
        return Crescent(d, core, tuple(map(float, offset)), centre)
    d = max(d, 30.0)
    a, b = rng.uniform(0.3, 0.4, 2) * d
    turn = rng.uniform(0, 2 * np.pi)
    u = np.array([np.cos(turn), np.sin(turn), 0.0])
    first, second = -(d - a) / 2 * 0.95 * u, (d - b) / 2 * 0.95 * u
    return TwoIslands(
        (d / 2, d / 2, d / 2),
        (float(a), float(b)),
        (tuple(map(float, first)), tuple(map(float, second))),
        0.0,
        centre,
    )


def make_case(number: int, kind: str, seed: int, cnr_range: tuple[float, float]) -> Case:
    """Return one lesion in a block of liver."""
    rng = np.random.default_rng([seed, number])
    pixel = float(rng.uniform(0.7, 0.9))
    spacing = (2.5, pixel, pixel)
    shape = (28, int(84 / pixel), int(84 / pixel))
    origin = [-(n - 1) * s / 2 for n, s in zip(shape[::-1], spacing[::-1], strict=True)]
    grid = VolumeGeometry.upright(shape=shape, spacing_mm=spacing, origin_mm=tuple(origin))
    centre = tuple(float(v) for v in rng.uniform(-1.2, 1.2, 3))
    lesion = random_shape(rng, kind, centre)
    noise = float(rng.uniform(10, 20))
    cnr = float(rng.uniform(*cnr_range))
    correlation = float(rng.choice([0.0, 0.6, 0.9]))
    rise = cnr * math.sqrt(2.0) * noise
    part = coverage(lesion, grid)
    volumes = {}
    for phase, liver in LIVER.items():
        array = np.full(grid.shape, liver, np.float32)
        viable = NATIVE_HU + (rise if phase == "arterial" else 0.0)
        under = array[part.box]
        array[part.box] = (
            under * (1 - part.whole)
            + NECROSIS_HU * (part.whole - part.viable)
            + viable * part.viable
        )
        array += noise_field(
            grid.shape, Acquisition(noise, correlation), phase, str(seed), str(number)
        )
        volumes[phase] = _volume(np.rint(array).astype(np.int16), grid, phase)
    mask = whole_mask(lesion, grid)
    images = LesionImages(
        image=volumes["arterial"],
        arterial=volumes["arterial"],
        native=volumes["native"],
        lesion=LesionMask(mask, grid, f"m{number}", SegmentIdentity(1)),
        liver=np.ones(grid.shape, dtype=bool),
    )
    truth = longest_viable_mm(lesion, planes_mm(grid).tolist(), 2.0)
    return Case(kind, images, truth, cnr, pixel)


def _volume(array: NDArray[np.int16], grid: VolumeGeometry, name: str) -> Volume:
    slices = grid.shape[0]
    return Volume(
        array, grid, "HU", tuple(f"{name}.{k}" for k in range(slices)), (1,) * slices, name
    )


KINDS = ("ball", "ring", "ring", "crescent", "crescent", "islands", "ellipsoid", "dead")


def quick_length(case: Case, settings: MeasurementSettings) -> float:
    """Longest viable diameter without the rest of the reading."""
    images = cut(case.images).images
    here = scene(images, settings)
    found = viable_part(contrast_of(images, here, settings), settings.viable)
    outline = LesionOutline(
        found.region, images.lesion.array, images.image.geometry, degree=found.degree
    )
    caliper = outline_diameter(outline, gap_mm=settings.gap_mm)
    return 0.0 if caliper is None else caliper.length_mm


def run(
    count: int, seed: int, cnr: tuple[float, float], settings: MeasurementSettings, *, full: bool
) -> pd.DataFrame:
    """Measure random lesions; one row each."""
    rows = []
    for number in range(count):
        case = make_case(number, KINDS[number % len(KINDS)], seed, cnr)
        row = {"kind": case.name, "truth": case.truth_mm, "cnr": case.cnr, "pixel": case.pixel_mm}
        if full:
            reading = measure_lesion(case.images, settings=settings)
            q = reading.quantities[0]
            row |= {
                "value": q.value,
                "u": q.standard_uncertainty,
                "edge": q.uncertainty_parts["edge"],
                "outline": q.uncertainty_parts.get("outline", 0.0),
                "flags": ";".join(f.written() for f in reading.flags),
            }
        else:
            row |= {"value": quick_length(case, settings), "flags": ""}
        rows.append(row)
    frame = pd.DataFrame(rows)
    frame["error_px"] = (frame.value - frame.truth) / frame.pixel
    return frame


def summary(frame: pd.DataFrame) -> str:
    """Return the table of errors by kind, in pixels."""
    lines = []
    for kind, part in [*frame.groupby("kind"), ("all", frame)]:
        e = part.error_px
        flagged = (part["flags"] != "").mean()
        quiet = e[part["flags"] == ""]
        lines.append(
            f"{kind:10s} n={len(part):4d} mean {e.mean():+.2f} rms {np.sqrt((e**2).mean()):.2f} "
            f"max {e.abs().max():.2f} within 1 px {(e.abs() <= 1).mean():6.1%} "
            f"flagged {flagged:5.1%} worst unflagged {quiet.abs().max():.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lesions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cnr", type=float, nargs=2, default=(3.0, 8.0))
    parser.add_argument("--full", action="store_true", help="the whole reading, with flags")
    parser.add_argument("--csv", help="write one row per lesion")
    args = parser.parse_args()
    frame = run(args.lesions, args.seed, tuple(args.cnr), MeasurementSettings(), full=args.full)
    print(summary(frame))
    if "u" in frame:
        alive = frame[(frame.value > 0) & (frame.truth > 0)]
        bare = (alive.u**2 - alive.outline**2) ** 0.5  # these masks are exact
        z = (alive.value - alive.truth).abs() / bare
        print(
            f"without the outline's part, 95 % limits hold for {(z <= 1.96).mean():.1%}, "
            f"median half-width {1.96 * bare.median():.2f} mm"
        )
    if args.csv:
        frame.to_csv(args.csv, index=False)


if __name__ == "__main__":
    main()
