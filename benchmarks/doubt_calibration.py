"""Whether a category's stated probability is the share of other readers who give that category.

    python benchmarks/doubt_calibration.py SUMS.csv [--criterion mRECIST] [--figure FILE.png]

SUMS.csv: patient, reader, criterion, baseline_sum_mm, followup_sum_mm, response; three radiologists
of HCC-TACE-Seg. Everything is fitted on patients of odd number; which model is best is judged there
too, by leaving one patient out at a time. On patients of even number each model says, from one
reader's two sums, how probable every category of another reader is.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import norm
from scipy.stats import t as student_t

from assessment import assess, load_criteria, read_lesions
from assessment.policy import PolicySet
from benchmarks.reader_calibration import (
    CATEGORIES,
    LEAST,
    Calibration,
    Floats,
    calibration,
    figure,
    outcomes,
    slopes,
)

RULES = {
    "mRECIST": ("mrecist", "viable_diameter"),
    "RECIST": ("recist_1_1", "whole_diameter"),
}


def read_pairs(path: Path, criterion: str) -> pd.DataFrame:
    """Return ordered pairs of readers of one patient: sums of A, sums and category of B."""
    table = pd.read_csv(path, dtype={"patient": str, "reader": str})
    table = table[(table["criterion"] == criterion) & table["response"].notna()]
    table = table.rename(columns={"baseline_sum_mm": "before", "followup_sum_mm": "after"})
    table = table[["patient", "reader", "before", "after", "response"]]
    pairs = table.merge(table, on="patient", suffixes=("_a", "_b"))
    pairs = pairs[pairs["reader_a"] != pairs["reader_b"]].reset_index(drop=True)
    return pairs.assign(number=pairs["patient"].str.extract(r"(\d+)$")[0].astype(int))


@dataclass(frozen=True)
class Student:
    """B's change given A's: intercept, slope, and Student's t about that line."""

    df: int
    intercept: float
    slope: float
    scale: float


@dataclass(frozen=True)
class Fit:
    """How readers differ, and how patients do; sums on the scale of logarithms.

    ``change`` is log(follow-up / baseline), of pairs in which both readers see tumour. ``gone`` is
    the logit of "B sees nothing" over A's change where A sees something; ``stays_gone`` its share
    where A sees nothing; ``returned`` the shares of PR, SD, PD among those B who do see something.
    """

    sd_baseline: float
    sd_followup: float
    correlation: float
    sd_change: float
    mean_change: float
    shrinkage: float
    sd_shrunken: float
    student: Student
    gone: tuple[float, float]
    stays_gone: float
    returned: Floats
    returned_change: tuple[float, float]


def fitted(pairs: pd.DataFrame) -> Fit:
    """Return the fit; every pair stands in the table in both orders."""
    seen = (pairs["after_a"] > 0) & (pairs["after_b"] > 0)
    apart = {
        when: np.log(pairs[f"{when}_a"][seen] / pairs[f"{when}_b"][seen])
        for when in ("before", "after")
    }
    variance = {when: float((gap**2).mean() / 2) for when, gap in apart.items()}
    common = float((apart["before"] * apart["after"]).mean() / 2)
    one, other = (
        np.log(pairs[f"after_{x}"][seen] / pairs[f"before_{x}"][seen]) for x in ("a", "b")
    )
    mean = float(one.mean())
    slope = float(((one - mean) * (other - mean)).sum() / ((one - mean) ** 2).sum())
    left = other - mean - slope * (one - mean)
    gone_a = pairs["after_a"] == 0
    lost = pairs[~gone_a]
    back = pairs[gone_a & (pairs["after_b"] > 0)]["response_b"]
    counts = np.array([(back == word).sum() for word in CATEGORIES[1:]]) + 0.5
    n_gone = int(gone_a.sum())
    return Fit(
        sd_baseline=variance["before"] ** 0.5,
        sd_followup=variance["after"] ** 0.5,
        correlation=common / (variance["before"] * variance["after"]) ** 0.5,
        sd_change=float(((one - other) ** 2).mean()) ** 0.5,
        mean_change=mean,
        shrinkage=slope,
        sd_shrunken=float((left**2).mean()) ** 0.5,
        student=_student(one.to_numpy(), other.to_numpy()),
        gone=_logistic(_change(lost), (lost["after_b"] == 0).to_numpy(dtype=float)),
        stays_gone=(int((pairs["after_b"][gone_a] == 0).sum()) + 0.5) / (n_gone + 1),
        returned=counts / counts.sum(),
        returned_change=_returned_change(pairs[gone_a & (pairs["after_b"] > 0)]),
    )


def _returned_change(pairs: pd.DataFrame) -> tuple[float, float]:
    """Return mean and SD of B's log change where only B sees tumour at follow-up."""
    if pairs.empty:
        return 0.0, 0.0
    change = np.log((pairs["after_b"] / pairs["before_b"]).to_numpy(dtype=float))
    return float(change.mean()), float(change.std())


def _student(one: Floats, other: Floats) -> Student:
    """Return the likeliest line with t errors: by reweighting, for each of several df."""
    rows = np.column_stack([np.ones(len(one)), one])
    best, likeliest = Student(1, 0.0, 0.0, 1.0), -np.inf
    for df in (2, 3, 4, 6, 10, 30):
        beta, scale = np.linalg.lstsq(rows, other, rcond=None)[0], float(other.std())
        for _ in range(60):
            weight = (df + 1) / (df + ((other - rows @ beta) / scale) ** 2)
            beta = np.linalg.solve(rows.T @ (weight[:, None] * rows), rows.T @ (weight * other))
            scale = float(np.sqrt((weight * (other - rows @ beta) ** 2).mean()))
        likelihood = float(student_t.logpdf(other - rows @ beta, df, scale=scale).sum())
        if likelihood > likeliest:
            best, likeliest = Student(df, float(beta[0]), float(beta[1]), scale), likelihood
    return best


def _logistic(x: Floats, y: Floats) -> tuple[float, float]:
    """Return intercept and slope of a logistic regression; nobody's event gives a flat one."""
    if y.sum() in (0, len(y)):
        return float(logit((y.sum() + 0.5) / (len(y) + 1))), 0.0
    found = slopes(x, y, np.ones((1, len(x))))[0]
    return float(found[0]), float(found[1])


# models: (Fit, pairs) -> (pair, 4) probabilities of CR, PR, SD, PD of reader B


def printed(pairs: pd.DataFrame, criterion: str, own: Floats, policies: PolicySet) -> Floats:
    """Return p_cr to p_pd of A's sums with relative uncertainties of baseline and follow-up."""
    criteria, length = RULES[criterion]
    rows = [
        pd.DataFrame(
            {
                "subject_id": pairs.index.astype(str),
                "lesion_id": "sum",
                "timepoint": str(timepoint),
                "site": "hepatic",
                "role_given": "target",
                f"{length}_mm": pairs[column].map("{:.1f}".format),
                f"u_{length}": (pairs[column] * own[timepoint]).map("{:.4f}".format),
            }
        )
        for timepoint, column in enumerate(("before_a", "after_a"))
    ]
    table = read_lesions(pd.concat(rows, ignore_index=True), "sums")
    found = assess(table, criteria=(criteria,), policies=policies).responses
    later = found[found["timepoint"] == 1].set_index("subject_id").loc[pairs.index.astype(str)]
    names = [f"p_{word.lower()}" for word in CATEGORIES]
    return later[names].to_numpy(dtype=float)


def own_lesions(_fit: Fit, pairs: pd.DataFrame, criterion: str) -> Floats:
    """What sumdiam prints of another reader who chooses his own lesions, with its own numbers."""
    policies = PolicySet(
        "default", {"doubt_from": "measurement_and_reader", "reader_model": "own_lesions"}
    )
    return printed(pairs, criterion, np.zeros(2), policies)


def lengths_alone(fit: Fit, pairs: pd.DataFrame, criterion: str) -> Floats:
    """What sumdiam prints for A's sums, given the uncertainty of one reader against another.

    Its errors at two visits are independent. What two readers' errors have in common at both visits
    cancels in the change, so that only the rest is handed over.
    """
    common = fit.correlation * fit.sd_baseline * fit.sd_followup
    own = np.sqrt(2 * np.array([fit.sd_baseline**2 - common, fit.sd_followup**2 - common]))
    if not np.isfinite(own).all():
        own = np.array([0.0, fit.sd_change])
    return printed(pairs, criterion, own, PolicySet())


def lengths_and_gone(fit: Fit, pairs: pd.DataFrame, criterion: str) -> Floats:
    """Return the same, with the chance that B sees no tumour where A does, and the other way."""
    return _with_gone(fit, pairs, lengths_alone(fit, pairs, criterion))


def change_of_reader(fit: Fit, pairs: pd.DataFrame, criterion: str) -> Floats:
    """Log-normal change about A's own, in closed form, with the same chances of gone."""
    law = norm(_change(pairs), fit.sd_change)
    return _with_gone(fit, pairs, _by_cutoff(law, pairs, criterion))


def change_of_population(fit: Fit, pairs: pd.DataFrame, criterion: str) -> Floats:
    """Return the same about A's change drawn towards the mean of all patients."""
    centre = fit.mean_change + fit.shrinkage * (_change(pairs) - fit.mean_change)
    return _with_gone(fit, pairs, _by_cutoff(norm(centre, fit.sd_shrunken), pairs, criterion))


def student_of_population(fit: Fit, pairs: pd.DataFrame, criterion: str) -> Floats:
    """Return the same with the long tails of Student's t: readers who chose other lesions."""
    one = fit.student
    law = student_t(one.df, one.intercept + one.slope * _change(pairs), one.scale)
    return _with_gone(fit, pairs, _by_cutoff(law, pairs, criterion))


def _change(pairs: pd.DataFrame) -> Floats:
    """Return log(follow-up / baseline) of reader A; of 0 mm as of 0.1, and unused."""
    return np.log((pairs["after_a"].clip(lower=0.1) / pairs["before_a"]).to_numpy(dtype=float))


def _by_cutoff(law: Any, pairs: pd.DataFrame, criterion: str) -> Floats:
    """Return the probabilities of tumour that is seen, from the law of B's log change."""
    name = RULES[criterion][0]
    rule = load_criteria(name).sections["response"]
    least_mm = float(PolicySet().values_for(name)["pd_absolute_mm"])
    before = pairs["before_a"].to_numpy(dtype=float)
    growth = np.maximum(1 + rule["pd_increase_percent"] / 100, 1 + least_mm / before)
    pr, grown = law.cdf(np.log(1 - rule["pr_decrease_percent"] / 100)), law.sf(np.log(growth))
    return np.stack([np.zeros(len(pairs)), pr, 1 - pr - grown, grown], axis=1)


def _with_gone(fit: Fit, pairs: pd.DataFrame, seen: Floats) -> Floats:
    """Mix "B sees nothing" into the probabilities of what B sees."""
    gone_a = (pairs["after_a"] == 0).to_numpy()
    gone = np.where(gone_a, fit.stays_gone, expit(fit.gone[0] + fit.gone[1] * _change(pairs)))
    rest = np.where(gone_a[:, None], fit.returned, seen[:, 1:])
    return np.column_stack([gone, (1 - gone)[:, None] * rest])


MODELS = {
    "own_lesions": own_lesions,
    "lengths alone": lengths_alone,
    "lengths, gone": lengths_and_gone,
    "log change, gone": change_of_reader,
    "log change, gone, population": change_of_population,
    "log change, gone, population, t": student_of_population,
}

PRINTED = "own_lesions"
"""What sumdiam prints with `reader_model = own_lesions`. Its numbers, rounded,
are those of all odd patients, so that no odd patient can be left out of it."""

MAIN = "lengths, gone"
"""Reader SD and its correlation through sumdiam's own doubt: the model that was asked for."""


def log_loss_left_out(pairs: pd.DataFrame, criterion: str) -> dict[str, float]:
    """Return each model's mean log loss on patients left out of its fit one at a time."""
    models = {name: model for name, model in MODELS.items() if name != PRINTED}
    loss = dict.fromkeys(models, 0.0)
    for patient in pairs["patient"].unique():
        out = pairs["patient"] == patient
        fit, here = fitted(pairs[~out]), pairs[out]
        for name, model in models.items():
            p = np.clip(model(fit, here, criterion), LEAST, 1 - LEAST)
            loss[name] -= float((outcomes(here) * np.log(p)).sum())
    return {name: total / len(pairs) for name, total in loss.items()}


@dataclass(frozen=True)
class Report:
    """Everything that the benchmark prints."""

    odd: pd.DataFrame
    even: pd.DataFrame
    fit: Fit
    losses: dict[str, float]
    found: dict[str, Calibration]
    base: float


def run(path: Path, criterion: str) -> Report:
    """Return the calibration of every model on even patients."""
    pairs = read_pairs(path, criterion)
    odd = pairs[pairs["number"] % 2 == 1].reset_index(drop=True)
    even = pairs[pairs["number"] % 2 == 0].reset_index(drop=True)
    fit = fitted(odd)
    found = {name: calibration(model(fit, even, criterion), even) for name, model in MODELS.items()}
    shares = np.broadcast_to(outcomes(odd).mean(axis=0), (len(even), len(CATEGORIES)))
    base = float(((shares - outcomes(even)) ** 2).sum(axis=1).mean())
    return Report(odd, even, fit, log_loss_left_out(odd, criterion), found, base)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sums", type=Path)
    parser.add_argument("--criterion", choices=list(RULES), default="mRECIST")
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args()
    report = run(given.sums, given.criterion)
    for pairs in (report.odd, report.even):
        print(f"{pairs['patient'].nunique()} patients, {len(pairs)} ordered pairs of readers")
    print(report.fit)
    print(f"Brier score of the odd patients' shares of categories: {report.base:.3f}\n")
    print("| model | log loss, odd left out | Brier | slope | intercept |")
    print("| --- | --- | --- | --- | --- |")
    for name, one in report.found.items():
        cells = ["{:.3f} ({:.3f} to {:.3f})".format(*x) for x in (one.slope, one.intercept)]
        brier = "{:.3f} ({:.3f} to {:.3f})".format(*one.brier)
        loss = f"{report.losses[name]:.3f}" if name in report.losses else ""
        print(f"| {name} | {loss} | {brier} | {' | '.join(cells)} |")
    best = min(report.losses, key=report.losses.__getitem__)
    print(f"\nleast loss on odd patients left out: {best}\n")
    curves = {name: report.found[name].curve for name in dict.fromkeys([MAIN, PRINTED, best])}
    table = pd.concat([one.assign(model=name) for name, one in curves.items()])
    print(table.round(3).to_string(index=False))
    if given.figure:
        table.round(6).to_csv(given.figure.with_suffix(".csv"), index=False)
        figure(curves, f"{given.criterion}, even patients", given.figure)


if __name__ == "__main__":
    main()
