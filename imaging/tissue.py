"""What the tissues and lesions of reference objects look like in every phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Modality = Literal["CT", "MR"]
OBJECT_PHASES = ("native", "early_arterial", "late_arterial", "portal_venous", "delayed")

# Values per phase, in the order of OBJECT_PHASES. CT in HU; MR as T1-weighted signal, no unit.
TISSUES: Mapping[Modality, Mapping[str, tuple[float, ...]]] = {
    "CT": {
        "air": (-1000.0,) * 5,
        "fat": (-100.0,) * 5,
        "muscle": (50.0, 53.0, 57.0, 62.0, 60.0),
        "bone": (180.0, 184.0, 190.0, 190.0, 186.0),
        "lung": (-850.0,) * 5,
        "liver": (55.0, 60.0, 70.0, 110.0, 95.0),
        "spleen": (45.0, 95.0, 125.0, 115.0, 95.0),
        "aorta": (40.0, 320.0, 280.0, 150.0, 110.0),
    },
    "MR": {
        "air": (5.0,) * 5,
        "fat": (190.0,) * 5,
        "muscle": (260.0, 270.0, 285.0, 300.0, 300.0),
        "bone": (220.0, 225.0, 235.0, 240.0, 240.0),
        "lung": (20.0,) * 5,
        "liver": (400.0, 420.0, 460.0, 640.0, 600.0),
        "spleen": (300.0, 460.0, 560.0, 560.0, 520.0),
        "aorta": (180.0, 1400.0, 1250.0, 800.0, 650.0),
    },
}


@dataclass(frozen=True, slots=True)
class Appearance:
    """HU or signal of a lesion per phase: of its viable part and of its necrosis."""

    viable: Mapping[str, float]
    necrosis: Mapping[str, float]


def hypervascular(
    *,
    enhancement_hu: float = 60.0,
    native_hu: float = 45.0,
    necrosis_hu: float = 35.0,
    washout_hu: float = 20.0,
) -> Appearance:
    """Return an HCC on CT: arterial enhancement over native, washout below the liver later on."""
    liver = TISSUES["CT"]["liver"]
    levels = (
        native_hu,
        native_hu + 0.5 * enhancement_hu,
        native_hu + enhancement_hu,
        liver[3] - washout_hu,
        liver[4] - washout_hu,
    )
    return Appearance(
        dict(zip(OBJECT_PHASES, levels, strict=True)), dict.fromkeys(OBJECT_PHASES, necrosis_hu)
    )


def hypervascular_mr(
    *, enhancement: float = 300.0, native: float = 330.0, necrosis: float = 290.0
) -> Appearance:
    """Return an HCC on T1-weighted MR, in signal without a unit."""
    levels = (native, native + 0.5 * enhancement, native + enhancement, 560.0, 520.0)
    return Appearance(
        dict(zip(OBJECT_PHASES, levels, strict=True)), dict.fromkeys(OBJECT_PHASES, necrosis)
    )


def soft_tissue(*, native_hu: float = 40.0, enhancement_hu: float = 45.0) -> Appearance:
    """Return a lesion outside the liver on CT that enhances and does not wash out."""
    shares = (0.0, 0.6, 1.0, 1.0, 0.8)
    levels = [native_hu + share * enhancement_hu for share in shares]
    return Appearance(
        dict(zip(OBJECT_PHASES, levels, strict=True)), dict.fromkeys(OBJECT_PHASES, native_hu)
    )
