"""What the attenuation of aorta, liver and spleen says of the contrast phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from imaging.phase_timing import PHASES, Weights

_CT: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "native": {"aorta": (42, 9), "liver": (56, 12), "spleen": (47, 7)},
    "early_arterial": {"aorta": (300, 70), "liver": (60, 12), "spleen": (90, 20)},
    "late_arterial": {"aorta": (285, 55), "liver": (70, 13), "spleen": (125, 20)},
    "portal_venous": {"aorta": (155, 30), "liver": (106, 17), "spleen": (120, 16)},
    "delayed": {"aorta": (103, 17), "liver": (89, 15), "spleen": (92, 13)},
}
"""Mean and SD in HU of adults. Source: enhancement curves in Bae, Radiology 2010;256:32; liver 50
to 60 HU more than native in the portal venous phase, 10 to 20 HU in the late arterial one."""
_CT_LIVER_RISE: Mapping[str, tuple[float, float]] = {
    "native": (0, 4), "early_arterial": (3, 4), "late_arterial": (13, 6), "portal_venous": (52, 13),
    "delayed": (34, 11),
}  # fmt: skip
"""Mean and SD in HU of the liver above its own native value: tells more than the value itself, as
livers differ (fat, iron). Source: as above."""
_MR: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "native": {"aorta": (0.6, 0.40), "spleen": (0.72, 0.20)},
    "early_arterial": {"aorta": (3.0, 0.30), "spleen": (1.10, 0.25)},
    "late_arterial": {"aorta": (2.5, 0.30), "spleen": (1.25, 0.20)},
    "portal_venous": {"aorta": (1.30, 0.15), "spleen": (0.92, 0.15)},
    "transitional": {"aorta": (0.95, 0.15), "spleen": (0.80, 0.15)},
    "delayed": {"aorta": (1.10, 0.15), "spleen": (0.88, 0.15)},
    "hepatobiliary": {"aorta": (0.55, 0.25), "spleen": (0.50, 0.25)},
}
"""T1-weighted signal over that of the liver: median and SD of the logarithm. Wide, as signal has
no unit and depends on sequence and coil."""
_DOSES = ((0.65, 0.1), (0.8, 0.22), (1.0, 0.48), (1.2, 0.2))
"""Enhancement relative to the usual, and how often: contrast is dosed by habit, not by weight, so
all organs enhance less in heavy patients."""
_DEGREES = 5.0
"""Tails of a t distribution: contrast dose, heart and steatosis move a value far."""
_SURE_MASKS, _SURE_IMAGE, _SURE_ONE_ORGAN = 0.9, 0.86, 0.75
"""How much of the weight what was measured gets: a region found in the image may be another, above
all where only one of aorta and liver was plainly there."""


@dataclass(frozen=True, slots=True)
class OrganMedians:
    """Medians of organs in one volume: HU on CT, signal on MR; None where not measured.

    Parameters
    ----------
    found_by : ``masks`` or ``image``
        Whether the regions are a person's or a file's masks, or were found in the image.
    slices : int
        How many slices were read.
    """

    aorta: float | None = None
    liver: float | None = None
    spleen: float | None = None
    found_by: str = "image"
    slices: int = 0

    def words(self) -> str:
        """Return the medians as a person reads them."""
        named = (("aorta", self.aorta), ("liver", self.liver), ("spleen", self.spleen))
        parts = [f"{name} {value:.0f}" for name, value in named if value is not None]
        return f"{', '.join(parts)} in {self.slices} slices ({self.found_by})"


def content_weights(
    medians: OrganMedians, *, modality: str, native_liver: float | None = None
) -> Weights | None:
    """Weights of the phases for the medians of a volume; None where nothing was measured.

    Parameters
    ----------
    native_liver : float, optional
        Of the native CT of the same study, HU.

    Notes
    -----
    On MR signal is taken relative to the liver's. Phases that a modality does not have keep the
    least weight.
    """
    values = {"aorta": medians.aorta, "liver": medians.liver, "spleen": medians.spleen}
    known = {name: value for name, value in values.items() if value is not None}
    if modality == "MR":
        return _mr_weights(known, _SURE_MASKS)
    if not known:
        return None
    sure = _SURE_MASKS if medians.found_by == "masks" else _SURE_IMAGE
    sure = sure if len(known) > 1 else _SURE_ONE_ORGAN
    return _weights(
        {phase: _log_ct(known, phase, native_liver) for phase in _CT},
        sure,
    )


def _log_ct(known: Mapping[str, float], phase: str, native_liver: float | None) -> float:
    """Return the logarithm of the likelihood of a phase, over the doses of contrast."""
    expected = dict(_CT[phase])
    if native_liver is not None:
        expected["liver"] = native_liver + _CT_LIVER_RISE[phase][0], _CT_LIVER_RISE[phase][1]
    native = {organ: _CT["native"][organ][0] for organ in known}
    if native_liver is not None:
        native["liver"] = native_liver
    terms = []
    for dose, share in _DOSES:
        log = float(np.log(share))
        for organ, value in known.items():
            mean, sd = expected[organ]
            mean = native[organ] + dose * (mean - native[organ])
            log += _log_t((value - mean) / sd, sd)
        terms.append(log)
    return float(np.logaddexp.reduce(terms))


def _mr_weights(known: Mapping[str, float], sure: float) -> Weights | None:
    """Return the weights by signal relative to the liver."""
    liver = known.get("liver", 0.0)
    ratios = {n: value / liver for n, value in known.items() if n != "liver" and liver > 0}
    ratios = {n: ratio for n, ratio in ratios.items() if ratio > 0}
    if not ratios:
        return None
    return _weights(
        {
            phase: sum(
                _log_t(np.log(ratios[n] / organs[n][0]) / organs[n][1], organs[n][1])
                for n in ratios
            )
            for phase, organs in _MR.items()
        },
        sure,
    )


def _log_t(z: float, sd: float) -> float:
    """Return the logarithm of a t density but for a constant."""
    return float(-0.5 * (_DEGREES + 1) * np.log1p(z * z / _DEGREES) - np.log(sd))


def _weights(log_weight: Mapping[str, float], sure: float) -> Weights:
    """Return normalised weights, of which a part is kept for not knowing."""
    top = max(log_weight.values())
    raw = {phase: float(np.exp(value - top)) for phase, value in log_weight.items()}
    total = sum(raw.values())
    rest = (1 - sure) / 2
    weights = dict.fromkeys(PHASES, rest / (len(PHASES) - 1))
    weights["unknown"] = rest
    for phase, value in raw.items():
        weights[phase] += sure * value / total
    return weights
