"""Studies whose texts say nothing: bodies with contrast that comes and goes, at known times.

The curves are typical ones of the literature (Bae, Radiology 2010;256:32: an injection of about
25 s; aorta highest at its end, liver 50 to 60 HU above native at 70 s) and are not those that the
code under test holds: enhancement by time here, mean and spread by phase there.
"""

from __future__ import annotations

import numpy as np

from imaging.coverage import solid_coverage
from imaging.noise import Acquisition, noise_field, random_for
from imaging.organ_region import organ_slice, organ_values
from imaging.phantom import Field
from imaging.phase import SeriesFacts
from imaging.phase_content import OrganMedians
from imaging.solid import Solid

# seconds after the contrast reaches the aorta, and HU above native
AORTA = ((-1, 0), (0, 0), (6, 170), (18, 270), (24, 250), (35, 150), (55, 112), (100, 80), (165, 64),
         (285, 52), (600, 38))  # fmt: skip
LIVER = ((0, 0), (8, 2), (18, 11), (30, 28), (45, 46), (55, 53), (75, 53), (105, 44), (165, 37),
         (285, 30), (600, 22))  # fmt: skip
SPLEEN = ((0, 0), (4, 10), (8, 45), (18, 78), (30, 82), (55, 72), (105, 54), (165, 45), (285, 36),
          (600, 25))  # fmt: skip
NATIVE = {"aorta": 42.0, "liver": 57.0, "spleen": 47.0, "muscle": 52.0, "kidney": 33.0}
PROTOCOLS = (
    ("native", "late_arterial", "portal_venous", "delayed"),
    ("native", "late_arterial", "portal_venous"),
    ("late_arterial", "portal_venous"),
    ("late_arterial", "portal_venous", "delayed"),
    ("native", "early_arterial", "late_arterial", "portal_venous"),
    ("native", "portal_venous"),
    ("native", "portal_venous", "delayed"),
    ("native", "late_arterial", "portal_venous", "delayed", "delayed"),
)
FIELD = Field((8, 84, 120), (20.0, 3.2, 3.2))
USELESS = ("2.5 STANDARD", "C-A-P", "Abdomen 5.0 B40s", "CT CH/AB/PEL", "Recon 2: LIVER", "")


def curve(knots, after_s):
    x, y = np.array(knots, dtype=float).T
    return float(np.interp(after_s, x, y))


def scan_times_s(protocol, random):
    """Seconds from injection to each scan: bolus tracking for the arterial, fixed for the others."""
    arrival = random.normal(17, 2.5)
    times = {
        "native": -random.uniform(30, 600),
        "early_arterial": arrival + random.uniform(5, 8),
        "late_arterial": arrival + random.uniform(17, 22),
        "portal_venous": random.normal(70, 4),
        "delayed": random.uniform(170, 300),
    }
    found, late = [], 0.0
    for phase in protocol:
        late = times[phase] + 120 * (phase == "delayed" and late == times["delayed"])
        found.append(late)
    return arrival, found


def organ_hu(after_s, dose, native):
    """HU of each tissue so long after contrast reached the aorta."""
    rise = {"aorta": AORTA, "liver": LIVER, "spleen": SPLEEN}
    values = {name: native[name] + dose * curve(knots, after_s) for name, knots in rise.items()}
    portal = native["aorta"] + dose * curve(
        ((8, 0), (18, 40), (45, 125), (105, 85), (600, 38)), after_s
    )
    cortex = native["kidney"] + dose * curve(((2, 0), (12, 130), (60, 160), (600, 140)), after_s)
    return values | {"cava": portal, "kidney": cortex,
                     "muscle": native["muscle"] + 0.12 * dose * curve(LIVER, after_s) * 2}  # fmt: skip


def body(random):
    """Solids and their tissue (or HU), in the order in which they are drawn."""
    wide, shift = random.uniform(0.92, 1.1), random.uniform(-6, 6)
    end = float("inf")

    def solid(x, y, z, a, b, c=end):
        return Solid((wide * x + shift, wide * y, z), (wide * a, wide * b, c))

    stomach = random.choice([60.0, 30.0, 350.0])  # water, food, oral contrast
    return [
        (-105.0, solid(0, 0, 0, 165, 112)), ("muscle", solid(0, 2, 0, 150, 98)),
        (-100.0, solid(0, -4, 0, 138, 84)),
        ("muscle", solid(-32, 58, 0, 24, 26)), ("muscle", solid(32, 58, 0, 24, 26)),
        (230.0, solid(0, 62, 0, 21, 17)), (150.0, solid(0, 62, 0, 17, 13)),
        (260.0, solid(0, 88, 0, 14, 9)),
        ("kidney", solid(-62, 42, -50, 24, 20, 55)),
        ("kidney", solid(64, 42, -45, 24, 20, 55)),
        ("spleen", solid(96, 22, 20, 24, 42, 55)),
        (stomach, solid(58, -38, 30, 38, 30, 40)),
        ("liver", solid(-66, -14, 20, 68, 60, 75)),
        ("liver", solid(-10, -44, 20, 46, 28, 50)),
        ("cava", solid(-22, 32, 0, 12, 10)), ("aorta", solid(12, 32, 0, 10, 10)),
    ]  # fmt: skip


def volume(shares, values, seed, noise_hu):
    """(z, y, x) HU of a body."""
    image = np.full(FIELD.shape, -1000.0, dtype=np.float32)
    for tissue, (box, share) in shares:
        image[box] = image[box] * (1 - share) + np.float32(values.get(tissue, tissue)) * share
    return image + noise_field(FIELD.shape, Acquisition(noise_hu), *seed)


def clock(seconds):
    whole = int(seconds)
    return (
        f"{whole // 3600:02d}{whole % 3600 // 60:02d}{whole % 60:02d}.{int(seconds % 1 * 1e6):06d}"
    )


def study(number, *, timed):
    """One study: facts by volume, medians found in its pixels, and the true phase of each."""
    random = random_for("phase study", str(number))
    protocol = PROTOCOLS[number % len(PROTOCOLS)]
    arrival, times = scan_times_s(protocol, random)
    dose = float(np.clip(random.normal(1.0, 0.14), 0.75, 1.3))
    native = {name: hu + random.normal(0, 5) for name, hu in NATIVE.items()}
    noise, grid = random.uniform(8, 22), FIELD.geometry()
    shares = [(tissue, solid_coverage(solid, grid)) for tissue, solid in body(random)]
    injected = random.uniform(8, 16) * 3600
    facts, medians, truth = [], {}, {}
    for k, (phase, after) in enumerate(zip(protocol, times, strict=True)):
        volume_id = f"1.2.{number}.{k}#all"
        facts.append(
            SeriesFacts(
                volume_id, USELESS[int(random.integers(len(USELESS)))], acquired_on="2024-03-01",
                acquisition_time=clock(injected + after) if timed else None, series_number=k + 2,
            )
        )  # fmt: skip
        values = organ_hu(after - arrival, dose, native)
        image = volume(shares, values, (volume_id,), noise)
        found = organ_values([organ_slice(z, FIELD.spacing_mm[1:], to_left=True) for z in image])
        medians[volume_id] = OrganMedians(*found, None, "image", len(image))
        truth[volume_id] = phase
    return facts, medians, truth
