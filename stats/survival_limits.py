"""Confidence limits of a survival probability on five scales, as R's ``survfit`` gives them.

Own code, because lifelines has only ``log-log``, while R's default is ``log``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONF_TYPES: Final = ("log", "log-log", "plain", "logit", "arcsin")


def survival_limits(
    survival: Floats, log_error: Floats, *, conf_type: str, level: float
) -> tuple[Floats, Floats]:
    """Return lower and upper limits of survival probabilities.

    Parameters
    ----------
    survival : (n,) shares
    log_error : (n,) numbers
        Standard error of the logarithm of survival (Greenwood).
    conf_type : one of `CONF_TYPES`
        Scale on which the limits are symmetric.
    level : float
        Confidence level, such as 0.95.

    Returns
    -------
    lower, upper
        NaN where survival is zero, as R gives NA.

    Notes
    -----
    The arcsine limits are those of R: symmetric on asin(sqrt(S)), cut at 0 and pi / 2.
    """
    from scipy.stats import norm

    z = float(norm.isf((1 - level) / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        known = np.where(survival > 0, survival, np.nan)
        if conf_type == "plain":
            half = z * log_error * known
            return np.maximum(known - half, 0), np.minimum(known + half, 1)
        if conf_type == "log":
            lower = np.exp(np.log(known) - z * log_error)
            return lower, np.minimum(np.exp(np.log(known) + z * log_error), 1)
        if conf_type == "arcsin":
            half = z * log_error * np.sqrt(known / (1 - known)) / 2
            centre = np.arcsin(np.sqrt(known))
            lower = np.sin(np.maximum(0, centre - half)) ** 2
            return lower, np.sin(np.minimum(np.pi / 2, centre + half)) ** 2
        known = np.where(survival < 1, known, np.nan)
        if conf_type == "logit":
            centre = np.log(known / (1 - known))
            half = z * log_error / (1 - known)
            return 1 - 1 / (1 + np.exp(centre - half)), 1 - 1 / (1 + np.exp(centre + half))
        centre = np.log(-np.log(known))
        half = z * log_error / np.log(known)
        return np.exp(-np.exp(centre - half)), np.exp(-np.exp(centre + half))
