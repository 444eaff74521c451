"""Calibration of stated probabilities of categories, with limits by resampling patients."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

Floats = NDArray[np.float64]

CATEGORIES = ("CR", "PR", "SD", "PD")
LEAST = 1 / 4000
"""Probabilities are kept this far from 0 and 1: half of one draw of 2000."""
COLOURS = ("#1f5a87", "#b8651b", "#3b7a57")
RESAMPLES = 2000
SEED = 5
BINS = 10


def slopes(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Return (resample, 2) intercepts and slopes of weighted logistic regressions, by Newton."""
    beta = np.zeros((len(weights), 2))
    for _ in range(25):
        p = expit(beta[:, :1] + beta[:, 1:] * x)
        left, w = weights * (y - p), weights * p * (1 - p)
        a, b, d = w.sum(1), (w * x).sum(1), (w * x * x).sum(1)
        g, h = left.sum(1), (left * x).sum(1)
        step = np.stack([d * g - b * h, a * h - b * g], axis=1) / (a * d - b * b)[:, None]
        beta += step
        if np.abs(step).max() < 1e-9:
            break
    return beta


def outcomes(pairs: pd.DataFrame) -> Floats:
    """(pair, 4): 1 where reader B's recorded category is that one."""
    return np.stack([pairs["response_b"] == word for word in CATEGORIES], axis=1).astype(float)


def resampled(pairs: pd.DataFrame, times: int) -> Floats:
    """(resample, pair) how often each pair is drawn when patients are drawn with replacement."""
    patients, place = np.unique(pairs["patient"], return_inverse=True)
    rng = np.random.default_rng(SEED)
    drawn = rng.multinomial(len(patients), np.full(len(patients), 1 / len(patients)), times)
    return drawn[:, place].astype(float)


@dataclass(frozen=True)
class Calibration:
    """How one model fares, each figure with its patient-bootstrap 95 % limits."""

    brier: tuple[float, float, float]
    slope: tuple[float, float, float]
    intercept: tuple[float, float, float]
    curve: pd.DataFrame


def calibration(p: Floats, pairs: pd.DataFrame, resamples: int = RESAMPLES) -> Calibration:
    """Return Brier score, slope and curve of (pair, 4) probabilities.

    Slope and intercept: logistic regression of "B gave this category" on logit(p), all categories
    together; 1 and 0 where every stated probability is the share that comes true.
    """
    y, weights = outcomes(pairs), resampled(pairs, resamples)
    own = np.ones((1, len(pairs)))
    squares = ((p - y) ** 2).sum(axis=1)
    x = logit(np.clip(p, LEAST, 1 - LEAST)).ravel()
    every = np.concatenate([own, weights])
    brier = every @ squares / every.sum(axis=1)
    lines = slopes(x, y.ravel(), np.repeat(every, len(CATEGORIES), axis=1))
    return Calibration(
        _limits(brier), _limits(lines[:, 1]), _limits(lines[:, 0]), _curve(p, y, every)
    )


def _limits(values: Floats) -> tuple[float, float, float]:
    """Return the estimate, which stands first, and limits from the others."""
    lower, upper = np.quantile(values[1:], [0.025, 0.975])
    return float(values[0]), float(lower), float(upper)


def _curve(p: Floats, y: Floats, every: Floats) -> pd.DataFrame:
    """Return per tenth of the stated probabilities their mean and the share that came true."""
    edges = np.unique(np.quantile(p, np.linspace(0, 1, BINS + 1)))
    place = np.clip(np.searchsorted(edges, p, side="right") - 1, 0, len(edges) - 2)
    rows = []
    for number in range(len(edges) - 1):
        inside = place == number
        k, n = every @ (y * inside).sum(axis=1), every @ inside.sum(axis=1)
        share = _limits(np.divide(k, n, out=np.zeros_like(k), where=n > 0))
        rows.append((float(p[inside].mean()), *share, int(inside.sum())))
    return pd.DataFrame(rows, columns=["stated", "observed", "lower", "upper", "n"])


def figure(curves: dict[str, pd.DataFrame], title: str, path: Path) -> None:
    """Draw calibration curves."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    fig, axis = plt.subplots(figsize=(4.4, 4.4), layout="constrained")
    axis.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle="--")
    for (name, curve), colour in zip(curves.items(), COLOURS, strict=False):
        mid = curve["observed"]
        reach = np.maximum([mid - curve["lower"], curve["upper"] - mid], 0)
        style = {"fmt": "o-", "markersize": 4, "capsize": 2, "color": colour, "label": name}
        axis.errorbar(curve["stated"], mid, reach, **style)
    axis.set(xlim=(0, 1), ylim=(0, 1), xlabel="stated probability of a category", title=title)
    axis.set_ylabel("share of other readers who gave it")
    axis.legend(loc="upper left", frameon=False)
    fig.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(fig)
