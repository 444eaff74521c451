"""How near the native phase is brought to the arterial one, and what that does to diameters.

    python -m benchmarks.registration --series ../shared/data/hcc_tace_hcc048_portal \
        --cases 60 --seed 1 [--host scan|plain|phantom] [--csv FILE]

Every case is a lesion planted at a fresh place, alone, with fresh noise of the scan's own
autocorrelation in each phase, and a native phase that lies elsewhere by a known law:

    aligned    nowhere else
    breathing  the liver by 3 mm, spine and body wall not at all, 12 mm of shear between them
    shift      everything by 6 to 30 mm, in any direction
    rotation   by 3 to 10 degrees about any axis through a point up to 60 mm from the lesion
    wave       a sine of 3 to 10 mm amplitude and 60 to 150 mm wavelength, in any directions; where
               it would fold tissue (a longitudinal slope above 0.6) the amplitude is less

Hosts: ``scan`` is the real CT as it is: both phases hold its vessels and its own noise. ``plain``
has its own noise smoothed away and no vessels in the native liver, as a true native phase has not.
``phantom`` is a body of ellipsoids with fat in the liver's fissures.

Error: the distance between where a point of the lesion is looked for and where it is, mean over
the lesion. Seconds are CPU seconds. Diameters: error of the viable diameter with the native phase
as it lies, and after registration; within 1.5 mm or 5 %. Then, per kind: how often the lesion lies
nearer than the residual that is reported, how many are flagged for it, and how far off the others
are.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from benchmarks.planted_accuracy import (
    KINDS,
    NATIVE_UNDER_LIVER_HU,
    TOLERANCE_MM,
    TOLERANCE_PART,
    Places,
    _around,
    cached_host,
    random_shape,
)
from imaging.coverage import planes_mm, whole_mask
from imaging.geometry import VolumeGeometry
from imaging.mask import LesionMask, SegmentIdentity
from imaging.noise import Acquisition
from imaging.phantom import TRUNK, Body, Field, Organ, render
from imaging.planting import Host, _add, contrast, prepare_host
from imaging.reference_lesion import ReferenceLesion
from imaging.registration import align_phase
from imaging.shape import longest_viable_mm
from imaging.solid import Solid
from imaging.texture import texture_noise
from imaging.volume import Volume
from measurement.lesion import measure_lesion
from measurement.reading import LesionImages
from sumdiam.batch.study_registration import RESIDUAL_LIMIT_MM, registered_phases
from sumdiam.demo.real import QUIETEST_HU

HOWS = ("breathing", "shift", "rotation", "wave", "aligned")
MARGIN_MM = 82.0
COARSE = (2, 5, 5)
FISSURES = (
    Organ("fat", Solid((-2.0, -24.0, 4.0), (3.0, 14.0, 22.0))),
    Organ("fat", Solid((-38.0, 10.0, -8.0), (11.0, 5.0, 9.0))),
    Organ("fat", Solid((-4.0, 14.0, 14.0), (12.0, 4.0, 6.0))),
)

Points = NDArray[np.float64]
Law = Callable[[Points], Points]
"""Where in the arterial phase the tissue at a point of the native phase lies, LPS mm."""


@dataclass(frozen=True)
class Case:
    """One lesion in two phases, and the law by which the native one lies elsewhere."""

    how: str
    kind: str
    arterial: Volume
    native: Volume
    lesion: NDArray[np.bool_]
    liver: NDArray[np.bool_]
    law: Law
    truth_mm: float

    def error_mm(self, moved: Law) -> float:
        """Return how far, on average, points of the lesion are looked for from where they are."""
        geometry = self.arterial.geometry
        points = geometry.index_to_patient(np.argwhere(self.lesion)[::17])
        return float(np.linalg.norm(self.law(moved(points)) - points, axis=1).mean())


def plain(host: Host) -> Host:
    """Return a host without noise of its own; `case` takes its vessels off the native phase."""
    array = ndimage.gaussian_filter(host.volume.array.astype(np.float32), (0.0, 1.2, 1.2))
    array[host.volume.array < -1024] = -1025
    return replace(host, volume=replace(host.volume, array=array))


def phantom() -> Host:
    """Return a body of ellipsoids whose liver has fissures."""
    field = Field((64, 210, 250), (2.5, 0.8, 0.8))
    body = Body(organs=(*TRUNK, *FISSURES))
    image = render(
        field, [], "portal_venous", body=body, acquisition=Acquisition(8.0), seed=("host",)
    )
    count = len(image)
    volume = Volume(image, field.geometry(), "HU", ("",) * count, (1,) * count, "phantom")
    quiet = render(
        field, [], "portal_venous", body=body, acquisition=Acquisition(0.0), seed=("host",)
    )
    return replace(prepare_host(volume), volume=replace(volume, array=quiet))


def unit(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a random direction."""
    vector = rng.normal(size=3)
    return np.asarray(vector / np.linalg.norm(vector))


def law_of(
    how: str, rng: np.random.Generator, centre: Points, liver: NDArray[np.bool_],
    grid: VolumeGeometry,
) -> Law:  # fmt: skip
    """Return a random law of one kind."""
    if how == "shift":
        shift = unit(rng) * rng.uniform(6.0, 30.0)
        return lambda points: points - shift
    if how == "rotation":
        turn = Rotation.from_rotvec(unit(rng) * math.radians(rng.uniform(3.0, 10.0)))
        about = centre + unit(rng) * rng.uniform(0.0, 60.0)
        return lambda points: (points - about) @ turn.as_matrix().T + about
    if how == "wave":
        length, along, to = rng.uniform(60.0, 150.0), unit(rng), unit(rng)
        slope = 2.0 * math.pi * max(abs(along @ to), 1e-3) / length
        height, start = min(rng.uniform(3.0, 10.0), 0.6 / slope), rng.uniform(0.0, 2.0 * math.pi)

        def wave(points: Points) -> Points:
            turn = 2.0 * math.pi * ((points - centre) @ along) / length + start
            return points + height * np.sin(turn)[..., None] * to

        return wave
    if how == "breathing":
        shift = unit(rng) * np.array([0.4, 0.6, 1.0])  # mostly towards the feet or the head
        shift *= 3.0 / np.linalg.norm(shift)
        far = ndimage.distance_transform_edt(~liver, sampling=grid.spacing_mm)
        part = np.clip(1.0 - (far - 4.0) / 12.0, 0.0, 1.0).astype(np.float32)
        part = ndimage.gaussian_filter(part, 3.0 / np.array(grid.spacing_mm))

        def breathing(points: Points) -> Points:
            at = np.moveaxis(grid.patient_to_index(points), -1, 0)
            share = ndimage.map_coordinates(part, at, order=1, mode="nearest")
            return points - share[..., None] * shift

        return breathing
    return lambda points: points


def case(number: int, host: Host, places: Places, seed: int, *, bare: bool) -> Case:
    """Return one case; ``bare`` takes the vessels off the native liver."""
    rng = np.random.default_rng([seed, number])
    how, kind = HOWS[number % len(HOWS)], KINDS[number % len(KINDS)]
    shape = random_shape(rng, kind)
    reach = max(shape.whole.semi_axes_mm)
    middle = places.one(rng, reach)
    centre = host.volume.geometry.index_to_patient(middle)
    x, y, z = centre.tolist()
    shape = shape.at((x, y, z))
    here = _around(host, middle, reach + MARGIN_MM)
    grid = here.volume.geometry
    added = max(host.texture.sd_hu, QUIETEST_HU)
    enhancement = float(rng.uniform(2.0, 4.0)) * math.sqrt(2.0) * added
    look = contrast(enhancement_hu=enhancement, native_hu=NATIVE_UNDER_LIVER_HU)
    lesion = ReferenceLesion("L", shape, look)
    arterial = np.maximum(here.volume.array.astype(np.float32), -1024)
    native = without_vessels(arterial, here.liver) if bare else arterial.copy()
    for image, phase in ((native, "native"), (arterial, "late_arterial")):
        _add(image, grid, lesion, phase, blur_mm=0.6)
    mask = whole_mask(shape, grid)
    law = law_of(how, rng, centre, here.liver | mask, grid)
    if how != "aligned":
        native = displaced(native, grid, law)
    volumes = {
        phase: replace(
            here.volume,
            array=noisy(image, host, added, phase, str(seed), str(number)),
            padding=None,
            volume_id=phase,
        )
        for image, phase in ((native, "native"), (arterial, "late_arterial"))
    }
    truth = longest_viable_mm(shape, planes_mm(grid).tolist(), 2.0)
    return Case(
        how, kind, volumes["late_arterial"], volumes["native"], mask, here.liver | mask, law, truth
    )


def without_vessels(image: NDArray[np.float32], liver: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return an image whose liver has no voxel above its median."""
    middle = np.median(image[liver])
    part = ndimage.gaussian_filter(liver.astype(np.float32), (0.5, 2.0, 2.0))
    return np.asarray(image - part * np.clip(image - middle, 0.0, 60.0), dtype=np.float32)


def displaced(image: NDArray[np.float32], grid: VolumeGeometry, law: Law) -> NDArray[np.float32]:
    """Return an image whose every point shows what the law says (cubic splines)."""
    size = [-(-n // step) + 1 for n, step in zip(grid.shape, COARSE, strict=True)]
    index = np.moveaxis(np.indices(size), 0, -1) * np.array(COARSE)
    points = grid.index_to_patient(index)
    field = SimpleITK.GetImageFromArray((law(points) - points).astype(np.float64), isVector=True)
    source = SimpleITK.GetImageFromArray(image)
    spacing = np.array(grid.spacing_mm)
    for one, step in ((field, spacing * COARSE), (source, spacing)):
        one.SetSpacing(step[::-1].tolist())
        one.SetOrigin(grid.affine[:3, 3].tolist())
    transform = SimpleITK.DisplacementFieldTransform(field)
    moved = SimpleITK.Resample(source, source, transform, SimpleITK.sitkBSpline, -1024.0)
    return np.asarray(SimpleITK.GetArrayFromImage(moved), dtype=np.float32)


def noisy(image: NDArray[np.float32], host: Host, sd: float, *seed: str) -> NDArray[np.int16]:
    """Return an image with fresh noise of the scan's autocorrelation."""
    noise = texture_noise(image.shape, host.texture, sd, *seed)
    return np.clip(np.rint(image + noise), -1024, 3071).astype(np.int16)


def row_of(one: Case) -> dict[str, object]:
    """Register and measure one case."""
    start = time.process_time()
    found = align_phase(one.arterial, one.native, one.lesion, liver=one.liver)
    seconds = time.process_time() - start
    mask = LesionMask(one.lesion, one.arterial.geometry, "m", SegmentIdentity(1))
    before = {"arterial": one.arterial, "native": one.native, "late": None}
    after, doubts = registered_phases(before, mask, liver=one.liver, other_lesions=None)
    left, moved = (
        measure_lesion(LesionImages(image=one.arterial, lesion=mask, liver=one.liver, **phases))
        for phases in (before, after)
    )
    lead = moved.quantities[0]
    flags = (*moved.flags, *lead.flags, *doubts)
    return {
        "how": one.how,
        "kind": one.kind,
        "apart": one.error_mm(lambda points: points),
        "error": one.error_mm(found.native_points),
        "residual": found.residual_mm,
        "found": found.kind,
        "seconds": seconds,
        "truth": one.truth_mm,
        "left": left.quantities[0].value,
        "value": lead.value,
        "flags": ";".join(flag.written() for flag in flags),
    }


def run(
    host: Host, cases: int, seed: int, *, bare: bool = False, hows: tuple[str, ...] = HOWS
) -> pd.DataFrame:
    """Return one row per case of the kinds asked for."""
    places = Places(host)
    numbers = [n for n in range(cases) if HOWS[n % len(HOWS)] in hows]
    return pd.DataFrame([row_of(case(n, host, places, seed, bare=bare)) for n in numbers])


def summary(frame: pd.DataFrame) -> str:
    """Return the table of errors by kind of displacement."""
    lines = [
        "displacement   n  apart  error mm: median  95 %   worst  moved  CPU s: median  most   "
        "diameters within: as it lies, registered, or flagged"
    ]
    allowed = np.maximum(TOLERANCE_MM, TOLERANCE_PART * frame.truth)
    right = (frame.value - frame.truth).abs() <= allowed
    frame = frame.assign(
        raw=(frame.left - frame.truth).abs() <= allowed, right=right,
        safe=right | (frame["flags"].str.replace(r"registered\([^)]*\);?", "", regex=True) != ""),
    )  # fmt: skip
    displaced_ones = frame[frame.how != "aligned"]
    for name, part in [*frame.groupby("how"), ("all displaced", displaced_ones)]:
        lines.append(
            f"{name:13s} {len(part):3d} {part.apart.median():6.1f} {part.error.median():17.2f} "
            f"{part.error.quantile(0.95):6.2f} {part.error.max():7.2f} "
            f"{part.found.isin(['rigid', 'deformable']).mean():6.0%} "
            f"{part.seconds.median():14.2f} {part.seconds.max():5.2f} "
            f"{part.raw.mean():27.0%} {part.right.mean():10.0%} {part.safe.mean():10.0%}"
        )
    lines += [residual_line(name, part) for name, part in frame.groupby("how")]
    dead = frame[frame.truth == 0]
    lines.append(
        f"dead lesions that read 0 mm: {int((dead.left == 0).sum())} as they lie, "
        f"{int((dead.value == 0).sum())} registered, of {len(dead)}"
    )
    return "\n".join(lines)


def residual_line(name: str, part: pd.DataFrame) -> str:
    """Return how often the residual is a limit, and how far off lesions are that bear no flag."""
    quiet = part[~(part.residual > RESIDUAL_LIMIT_MM)]
    over = int((quiet.error > RESIDUAL_LIMIT_MM).sum())
    return (
        f"{name:13s} nearer than the residual {(part.error <= part.residual).mean():4.0%}, "
        f"flagged {(part.residual > RESIDUAL_LIMIT_MM).mean():4.0%}; of {len(quiet)} unflagged "
        f"{over} over {RESIDUAL_LIMIT_MM} mm, worst {quiet.error.max():.2f} mm"
    )


def main() -> None:
    """Plant, displace, register, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=Path, required=True, help="a portal venous CT series")
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--host", choices=("scan", "plain", "phantom"), default="scan")
    parser.add_argument("--only", choices=HOWS, nargs="+", default=HOWS)
    parser.add_argument("--csv", help="write one row per case")
    args = parser.parse_args()
    host = phantom() if args.host == "phantom" else cached_host(args.series)
    bare = args.host == "plain"
    frame = run(
        plain(host) if bare else host, args.cases, args.seed, bare=bare, hows=tuple(args.only)
    )
    print(summary(frame))
    if args.csv:
        frame.to_csv(args.csv, index=False)


if __name__ == "__main__":
    main()
