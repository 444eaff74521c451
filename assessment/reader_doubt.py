"""What another reader may see: how sums of two readers differ, and whether both see tumour.

Kept apart from the doubt of measuring: only the policy `doubt_from` lets it in, and the policy
`reader_model` says whose readers they are. Its numbers stand in `rules/policies.toml`, each set
with its source; `benchmarks/doubt_calibration.py` fits them and holds them against other patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import expit

from assessment.code import Anything, Bools, Floats, Ints
from assessment.policy import policy_data

OWN_LESIONS = "own_lesions"
READER = 1_000_000
"""Seeds of readers lie beyond those of targets."""
LENGTHS_IN_UNIT = {"mm": 1, "mm2": 2, "ml": 3}
"""An error of so many lengths goes into what is summed: products of two, volumes of three."""


@dataclass(frozen=True, slots=True)
class ReaderModel:
    """How readers differ who each choose and measure lesions of their own.

    Attributes
    ----------
    sd_baseline, sd_followup : of the logarithm of one reader's sum of lengths
    correlation : of a reader's two errors
    gone_logit, gone_slope : logit of "the other sees nothing", where this one sees tumour, is the
        first plus the second times log(sum / baseline)
    stays_gone : chance that the other sees nothing either, where this one sees nothing
    returned_mean, returned_sd : log(sum / baseline) of the other, where only he sees tumour
    """

    sd_baseline: float
    sd_followup: float
    correlation: float
    gone_logit: float
    gone_slope: float
    stays_gone: float
    returned_mean: float
    returned_sd: float

    @property
    def common(self) -> float:
        """Standard deviation of the error that a reader has at every visit."""
        return float(np.sqrt(max(self.correlation, 0.0) * self.sd_baseline * self.sd_followup))

    @property
    def own(self) -> tuple[float, float]:
        """Standard deviation of the errors of the baseline and of a follow-up besides that."""
        baseline, followup = (
            float(np.sqrt(max(sd**2 - self.common**2, 0.0)))
            for sd in (self.sd_baseline, self.sd_followup)
        )
        return baseline, followup

    @property
    def sd_change(self) -> float:
        """Standard deviation of how log(sum / baseline) of two readers differs."""
        return float(np.hypot(*self.own) * np.sqrt(2.0))


@cache
def own_lesions() -> ReaderModel:
    """Return the model of readers who chose lesions of their own."""
    numbers = {key: v for key, v in policy_data()["reader"][OWN_LESIONS].items() if key != "source"}
    return ReaderModel(**numbers)


def same_lesions_share() -> float:
    """Return the standard deviation of one reader's length, as a share of it."""
    return float(policy_data()["reader"]["same_lesions"]["sd_percent"]) / 100.0


@dataclass(frozen=True, slots=True)
class Noise:
    """Draws of one other reader after another; one lesion alone where they are the same for all.

    Attributes
    ----------
    common, returned : (draw, lesion) standard normal, the same for all lesions of a case
    own : (draw, lesion, rank) standard normal, likewise
    sees : (draw, lesion) uniform, likewise; one for all visits, so that who misses a tumour misses
        a smaller one
    """

    common: Floats
    returned: Floats
    own: Floats
    sees: Floats


def reader_noise(draws: int, depth: int, seed: int) -> Noise:
    """Return draws for all lesions, the same in every run; more visits do not change the first."""
    common, returned, sees = (np.random.default_rng([seed, READER, n]) for n in range(3))
    own = np.empty((draws, 1, depth))
    for rank in range(depth):
        own[:, 0, rank] = np.random.default_rng([seed, READER + 1, rank]).standard_normal(draws)
    return Noise(
        common.standard_normal((draws, 1)),
        returned.standard_normal((draws, 1)),
        own,
        sees.random((draws, 1)),
    )


def factors(model: ReaderModel, noise: Noise, unit: str) -> Floats:
    """(draw, lesion, rank): what this reader's sum is multiplied with to give another's."""
    own = np.where(np.arange(noise.own.shape[2]) == 0, *model.own)
    error = model.common * noise.common[..., None] + own * noise.own
    return np.asarray(np.exp(np.sqrt(2.0) * LENGTHS_IN_UNIT[unit] * error))


def gone_for_other(
    model: ReaderModel, total: Ints, baseline: Ints, nothing: Bools, unit: str
) -> Floats:
    """(case, rank): chance that another reader sees nothing of the targets; 0 at baseline.

    Parameters
    ----------
    total, nothing : (case, rank) of this reader: the sum, and whether no target is left
    baseline : (case,) sum, not above 0 where there is none
    """
    known = (total > 0) & (baseline > 0)[:, None]
    ratio = np.where(known, total, 1) / np.where(known, baseline[:, None], 1)
    change = np.log(ratio) / LENGTHS_IN_UNIT[unit]
    chance = np.where(known, expit(model.gone_logit + model.gone_slope * change), 0.0)
    chance = np.where(nothing & (baseline > 0)[:, None], model.stays_gone, chance)
    chance[:, 0] = 0.0
    return chance


def as_other_reader(
    model: ReaderModel,
    noise: Noise,
    drawn: Anything,
    *,
    place: Ints,
    chance: Floats,
    nothing: Bools,
    unit: str,
) -> Anything:
    """(draw, lesion, rank): lengths that another reader may give to the targets.

    Parameters
    ----------
    drawn : (draw, lesion, rank) this reader's, with the errors of measuring; negative where there
        is none: it stays so
    place : (lesion,) case of each
    chance : (case, rank) that the other sees nothing
    nothing : (case, rank) this reader sees nothing
    """
    lost = noise.sees[..., None] < chance[place]
    returned = np.exp(
        LENGTHS_IN_UNIT[unit] * (model.returned_mean + model.returned_sd * noise.returned)
    )
    factor = factors(model, noise, unit)
    back = np.maximum(drawn[:, :, :1], 0) * factor[:, :, :1] * returned[..., None]
    seen = np.where(nothing[place], back, drawn * factor)
    found = np.where(lost, 0.0, seen)
    return np.where(drawn < 0, drawn, found)
