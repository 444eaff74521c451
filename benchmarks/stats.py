"""Survival beside lifelines and R; tables and figures of a trial of 177 from a cold start.

    python -m benchmarks.stats [--sizes 177 10000 1000000] [--repeats 3] [--skip-tables]

Kaplan-Meier with limits, log-rank of two groups and Cox regression of 10 covariates (Efron) on
simulated days with ties and censoring. sumdiam, lifelines and R (where Rscript with the package
survival is installed) take turns, so that what else the machine does falls on all; medians of
processor time (all threads, user and system) are compared. R reads the same numbers and times the
call alone. Answers are compared too: a fast wrong number is no win.

Tables 1 to 3 with figures: the simulated trial in `sumdiam/demo/cohort`, its rows handed in, to
files in every format; first in a new process (with its imports), then again in the same one. A
second process writes some of the formats: the seconds of processors are those of both.
"""

from __future__ import annotations

import argparse
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

COVARIATES = 10
LIMIT = 1.5
TASKS = ("Kaplan-Meier", "log-rank", "Cox")
R_SCRIPT = """
suppressPackageStartupMessages(library(survival))
args <- commandArgs(TRUE); n <- as.integer(args[2])
raw <- readBin(args[1], "double", n * 13); m <- matrix(raw, nrow = n)
d <- as.data.frame(m); names(d) <- c("days", "event", "group", paste0("x", 1:10))
spent <- function(f) { gc(); t <- proc.time(); v <- f(); u <- proc.time() - t
  c(sum(u[c(1, 2)]), v) }
km <- spent(function() { f <- survfit(Surv(days, event) ~ 1, d); f$surv[which(f$time >= 500)[1]] })
lr <- spent(function() survdiff(Surv(days, event) ~ group, d)$chisq)
cx <- spent(function() coef(coxph(Surv(days, event) ~ ., d[, -3]))[[1]])
cat(sprintf("%.17g", c(km, lr, cx)), sep = "\\n")
"""


def survival_data(n: int, seed: int = 6) -> pd.DataFrame:
    """Return days with ties, event, group, and covariates that matter a little."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, COVARIATES))
    group = random.integers(0, 2, n)
    risk = np.exp(x @ np.linspace(-0.3, 0.3, COVARIATES) + 0.3 * group)
    died = random.exponential(700 / risk)
    censored = random.uniform(200, 2500, n)
    frame = pd.DataFrame(x, columns=[f"x{i + 1}" for i in range(COVARIATES)])
    frame.insert(0, "days", np.ceil(np.minimum(died, censored)))
    frame.insert(1, "event", (died <= censored).astype(float))
    frame.insert(2, "group", group.astype(float))
    return frame


def ours(data: pd.DataFrame) -> dict[str, Callable[[], float]]:
    """Return the calls of sumdiam, each with one number to compare."""
    from stats.logrank import logrank
    from stats.regression import cox
    from stats.survival import kaplan_meier

    days, event, group = (data[name].to_numpy() for name in ("days", "event", "group"))
    covariates = data.drop(columns=["days", "event", "group"])

    def curve() -> float:
        found = kaplan_meier(days, event)
        return float(found.survival[np.searchsorted(found.times, 500)])

    return {
        "Kaplan-Meier": curve,
        "log-rank": lambda: logrank(days, event, group).statistic,
        "Cox": lambda: cox(days, event, covariates).terms[0].coefficient,
    }


def theirs(data: pd.DataFrame) -> dict[str, Callable[[], float]]:
    """Return the calls of lifelines."""
    from lifelines import CoxPHFitter, KaplanMeierFitter
    from lifelines.statistics import multivariate_logrank_test

    def curve() -> float:
        found = KaplanMeierFitter().fit(data["days"], data["event"]).survival_function_
        return float(found[found.index >= 500].iloc[0, 0])

    frame = data.drop(columns=["group"])
    return {
        "Kaplan-Meier": curve,
        "log-rank": lambda: (
            multivariate_logrank_test(data["days"], data["group"], data["event"]).test_statistic
        ),
        "Cox": lambda: float(CoxPHFitter().fit(frame, "days", "event").params_["x1"]),
    }


def r_s(data: pd.DataFrame, folder: Path) -> dict[str, tuple[float, float]]:
    """Return seconds and the number of each task by R."""
    numbers = folder / "data.bin"
    numbers.write_bytes(data.to_numpy(dtype="<f8").ravel(order="F").tobytes())
    done = subprocess.run(
        ["Rscript", "--vanilla", "-e", R_SCRIPT, str(numbers), str(len(data))],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    values = [float(line) for line in done.stdout.split()]
    return {task: (values[2 * i], values[2 * i + 1]) for i, task in enumerate(TASKS)}


def has_r() -> bool:
    """Whether Rscript with the package survival is there."""
    if shutil.which("Rscript") is None:
        return False
    asked = ["Rscript", "--vanilla", "-e", "library(survival)"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def timed(call: Callable[[], float]) -> tuple[float, float]:
    """Return processor seconds and the number."""
    start = time.process_time()
    value = call()
    return time.process_time() - start, value


def race(n: int, repeats: int, *, with_r: bool) -> list[str]:
    """Return a table row per task; says where answers differ."""
    data = survival_data(n)
    for call in ours(survival_data(50)).values():  # imports and first calls are no part of it
        call()
    calls = {"sumdiam": ours(data), "lifelines": theirs(data)}
    seconds: dict[tuple[str, str], list[float]] = {}
    values: dict[tuple[str, str], float] = {}
    with tempfile.TemporaryDirectory() as name:
        for _ in range(repeats):
            found = {
                (who, task): timed(call) for who, tasks in calls.items()
                for task, call in tasks.items()
            }  # fmt: skip
            if with_r:
                found |= {("R", task): pair for task, pair in r_s(data, Path(name)).items()}
            for key, (spent, values[key]) in found.items():
                seconds.setdefault(key, []).append(spent)
    middle = {key: median(all_of) for key, all_of in seconds.items()}
    for (who, task), value in values.items():
        # lifelines stops Cox a little short of the maximum
        near = 1e-4 if (who, task) == ("lifelines", "Cox") else 1e-7
        mine = values["sumdiam", task]
        if not np.isclose(value, mine, rtol=near, atol=0):
            print(f"ANSWERS DIFFER: {task}, n = {n}: sumdiam {mine!r}, {who} {value!r}")
    return [_row(task, n, middle) for task in TASKS]


def _row(task: str, n: int, seconds: dict[tuple[str, str], float]) -> str:
    """Return a row of seconds and ratios."""
    mine, other = seconds["sumdiam", task], seconds["lifelines", task]
    r_time = seconds.get(("R", task), float("nan"))
    to_r = mine / r_time if r_time else float("nan")
    mark = "" if mine <= LIMIT * other else f" slower than {LIMIT:g} times lifelines"
    return (
        f"| {task} | {n} | {mine:.4f} | {other:.4f} | {mine / other:.2f} | {r_time:.4f} | "
        f"{to_r:.2f} |{mark}"
    )


def trial_tables() -> dict[str, pd.DataFrame]:
    """Return the tables of the simulated trial: those of a run that a report is made of."""
    from sumdiam.demo.cohort.rederived import ELDERLY_YEARS, rederive
    from sumdiam.demo.cohort.table import load_cohort

    cohort = load_cohort()
    found = rederive(cohort).assessment
    subjects = cohort.subjects
    subjects = subjects[subjects["subject_id"].isin(found.outcomes["subject_id"])]
    age = pd.to_numeric(subjects["age_years"])
    subjects = subjects.assign(age_65=np.where(age >= ELDERLY_YEARS, "yes", "no"))
    subjects = subjects.drop(columns=["encephalopathy", "ascites"])
    names = ("selections", "policies", "responses", "outcomes", "events")
    return {
        "subjects": subjects, "timepoints": cohort.timepoints, "lesions": cohort.lesions,
        **{name: getattr(found, name) for name in names},
    }  # fmt: skip


PAPER_FIGURES = ("flow", "forest_response", "kaplan_meier_PFS")
"""The paper's three figures."""
PAPER_TABLES = ("characteristics", "response", "regression_PFS")


def write_all(rows: dict[str, pd.DataFrame], out: Path, *, paper_only: bool) -> tuple[int, int]:
    """Write tables and figures in every format; return how many of each."""
    from stats.plots import encode
    from sumdiam.report.estimate import estimates, write_printed
    from sumdiam.report.figure_file import SecondProcess, write_figures
    from sumdiam.report.run_tables import RunFacts, RunTables
    from sumdiam.report.view import choose_view

    tables = RunTables(**rows).checked()
    facts = RunFacts(adjust_for=("child_pugh",))
    only = PAPER_FIGURES if paper_only else None
    with SecondProcess() as second:
        view = choose_view(tables, facts)
        found = estimates(tables, view, facts, only=only, drawn=second.take)
        svgs = {name: encode(one.figure, "svg") for name, one in found.drawings.items()}
        kept = {n: g for n, g in found.grids.items() if not paper_only or n in PAPER_TABLES}
        write_printed(kept, out / "printed")
        write_figures(found.drawings, svgs, second.encoded(), out / "figures")
    return len(kept), len(svgs)


def child(path: Path, *, paper_only: bool) -> None:
    """Write everything twice in this process and print seconds: cold with imports, then warm."""
    rows = pickle.loads(path.read_bytes())  # noqa: S301 - written by the parent
    for _ in range(2):
        begun, spent = time.perf_counter(), _processor_s()
        counts = write_all(rows, path.parent / "out", paper_only=paper_only)
        print(time.perf_counter() - begun, _processor_s() - spent, *counts)


def _processor_s() -> float:
    """Return the processor time of this process and of those that it started and that ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def tables_and_figures(*, paper_only: bool) -> list[str]:
    """Return the lines of the second benchmark."""
    lines = []
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "rows.pickle"
        path.write_bytes(pickle.dumps(trial_tables()))
        before = os.times()
        begun = time.perf_counter()
        kind = "paper" if paper_only else "all"
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.stats", "--child", str(path), kind],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        whole = time.perf_counter() - begun
        after = os.times()
        cpu = after.children_user + after.children_system
        cpu -= before.children_user + before.children_system
        first, second = (line.split() for line in done.stdout.split("\n")[:2])
        start_cpu, start_wall = cpu - float(second[1]), whole - float(second[0])
        what = f"{first[2]} tables and {first[3]} figures"
        lines.append(
            f"| {what} | cold, from the start of Python | {start_cpu:.1f} | {start_wall:.1f} |"
        )
        lines.append(f"| {what} | warm | {float(second[1]):.1f} | {float(second[0]):.1f} |")
    return lines


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[177, 10_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--skip-tables", action="store_true")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        child(Path(chosen.child[0]), paper_only=chosen.child[1] == "paper")
        return
    with_r = has_r()
    print("| what | n | sumdiam s | lifelines s | ratio | R s | ratio |")
    print("|---|---|---|---|---|---|---|")
    for n in chosen.sizes:
        print("\n".join(race(n, chosen.repeats, with_r=with_r)), flush=True)
    if not chosen.skip_tables:
        print("\n| 177 patients | start | processor s | wall s |\n|---|---|---|---|")
        for paper_only in (True, False):
            print("\n".join(tables_and_figures(paper_only=paper_only)), flush=True)


if __name__ == "__main__":
    main()
