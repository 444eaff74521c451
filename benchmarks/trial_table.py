"""The part of docs/validation.md on lesions of the simulated trial, from runs over its images.

    sumdiam demo --trial soramic --out trial-all
    python -m benchmarks.trial_table trial-6 trial-24 trial-all --out docs/validation.md

Accuracy is that of the run with the most studies; run times are of all that kept them. With
``--pages`` each trial's own pages and tables of comparison are written anew first, from what its
run left: nothing is measured.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.document_part import with_part
from sumdiam.demo.cohort.table import Cohort, load_cohort
from sumdiam.demo.cohort.words import SHAPE_WORDS
from sumdiam.demo.imaged.accuracy import NORMAL_95, accuracy_table
from sumdiam.demo.imaged.command import compare_trial, told
from sumdiam.demo.imaged.cost import COMPILING, TrialCost, trial_cost
from sumdiam.demo.imaged.sample import measured_lesions
from sumdiam.demo.imaged.selection import selected
from sumdiam.export.table_file import read_table

PART = "simulated trial"
QUANTITIES = {
    "viable_diameter": "Viable diameter",
    "whole_diameter": "Whole diameter",
    "node_short_axis": "Short axis of nodes",
}


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A finished `sumdiam demo --trial soramic`.

    Parameters
    ----------
    patients : analysed ones
    subjects : these and those left out
    verdicts : how many printed figures pixels met, by verdict
    differing : `demo_differences` of the run
    """

    patients: int
    subjects: int
    studies: int
    measurements: pd.DataFrame
    truth: pd.DataFrame
    verdicts: Counter[str]
    differing: pd.DataFrame
    cost: TrialCost | None

    @classmethod
    def read(cls, out: Path) -> Trial:
        """Read what a trial left behind."""
        patients = len(cohort_of(out).plan)
        tables = out / "run" / "tables"
        measurements = read_table(tables / "measurements")
        printed = read_table(tables / "printed_against_reproduced")
        return cls(
            patients=patients,
            subjects=len(pd.read_csv(out / "subjects.csv")),
            studies=len(read_table(tables / "studies")),
            measurements=measurements,
            truth=pd.read_csv(out / "truth_measurements.csv"),
            verdicts=Counter(printed["verdict_of_pixels"].astype(str)),
            differing=read_table(tables / "demo_differences"),
            cost=trial_cost(out, patients),
        )


def cohort_of(out: Path) -> Cohort:
    """Return the patients of a trial that the demo wrote."""
    asked = json.loads((out / "demo.json").read_text(encoding="utf-8"))
    patients = None if asked["patients"] == "all" else int(asked["patients"])
    return selected(load_cohort(), patients, short=asked.get("short", False))


def cells(*values: object) -> str:
    """Return one line of a table."""
    return "| " + " | ".join(str(value) for value in values) + " |"


def head(*names: str) -> list[str]:
    """Return the head of a table."""
    return [cells(*names), cells(*["---"] * len(names))]


def accuracy_lines(trial: Trial) -> list[str]:
    """Return the table of errors: the viable diameter by group, the others as a whole."""
    frame = accuracy_table(trial.measurements, trial.truth)
    lines = head(
        "length", "by", "group", "n", "not measured", "bias mm", "SD mm", "95 % limits mm",
        "largest mm", "flagged", "off without a flag",
    )  # fmt: skip
    order = {name: place for place, name in enumerate(QUANTITIES)}
    rank = frame["quantity"].map(order)
    for row in frame.iloc[rank.argsort(kind="stable")].to_dict("records"):
        if row["quantity"] != "viable_diameter" and row["by"] != "all":
            continue
        numbers = (
            f"{row['bias_mm']:+.2f}", f"{row['sd_mm']:.2f}" if row["n"] > 1 else "-",
            f"{row['lower_mm']:+.2f} to {row['upper_mm']:+.2f}" if row["n"] > 1 else "-",
            f"{row['largest_mm']:.2f}",
            f"{row['flagged_percent']:.1f} %", row["unflagged_off"],
        )  # fmt: skip
        group = SHAPE_WORDS.get(row["group"], row["group"])
        by = "" if row["by"] == "all" else row["by"]
        lines.append(
            cells(QUANTITIES[row["quantity"]], by, group, row["n"], row["missing"], *numbers)
        )
    return lines


def limit_lines(trial: Trial) -> list[str]:
    """Return how often the truth lies within the 95 % limits of one measurement."""
    lesions = measured_lesions(trial.measurements, trial.truth)
    lines = head(
        "lesions", "n with limits", "truth within", "without a flag", "median half-width mm"
    )
    groups = [("all", lesions), *lesions.groupby("modality"), *lesions.groupby("shape")]
    for name, part in groups:
        known = part[part["within_limits"].notna()]
        if not len(known):
            continue
        holds = known["within_limits"].astype(bool)
        quiet = holds[known["doubt"] == "not flagged"]
        half = (known["upper_mm"] - known["value"]).median()
        lines.append(
            cells(
                SHAPE_WORDS.get(name, name), len(known), share(holds), share(quiet), f"{half:.2f}"
            )
        )
    return lines


def share(held: pd.Series) -> str:
    """Return a share in percent with its counts; a dash of nothing."""
    if not len(held):
        return "-"
    return f"{100 * held.mean():.1f} % ({int(held.sum())}/{len(held)})"


def cost_lines(trials: Sequence[Trial]) -> list[str]:
    """Return what each trial cost per study, one column per trial; a sentence without times."""
    costs = [trial.cost for trial in trials if trial.cost is not None]
    if not costs:
        return ["Not measured in these runs."]
    stages = list(dict.fromkeys(row.stage for cost in costs for row in cost.rows))
    within = {row.stage for cost in costs for row in cost.rows if row.in_studies}
    lines = head("seconds of a processor per study", *[f"{c.patients} patients" for c in costs])
    for stage in stages:
        if stage == COMPILING:
            continue
        known = [[row.stage for row in cost.rows] for cost in costs]
        found = [
            f"{cost.per_study_s([stage]):.3f}" if stage in names else "-"
            for cost, names in zip(costs, known, strict=True)
        ]
        lines.append(cells(f"each study: {stage}" if stage in within else stage, *found))
    lines.append(cells("all but compiling", *[f"{cost.per_study_s():.2f}" for cost in costs]))
    lines.append(cells("studies", *[cost.studies for cost in costs]))
    lines.append(cells("workers", *[cost.workers for cost in costs]))
    lines.append(
        cells("the call of the main job took, min", *[f"{c.call_s / 60:.1f}" for c in costs])
    )
    for words, name in (("a worker", "peak_worker_mb"), ("the main process", "peak_main_mb")):
        peaks = [getattr(cost, name) for cost in costs]
        shown = ["-" if mb is None else f"{mb:.0f}" for mb in peaks]
        lines.append(cells(f"peak memory of {words}, MB", *shown))
    sizes = [cost.archive_mb for cost in costs]
    shown = ["-" if mb is None else f"{mb:.0f}" for mb in sizes]
    lines.append(cells("archive, MB", *shown))
    return lines


def outcome_lines(trial: Trial) -> list[str]:
    """Say which patients and which printed figures differ."""
    odd = trial.differing
    names = sorted(odd["subject_id"].astype(str).unique())
    said = (
        f"Best response, first progression and progression-free survival are those of the true "
        f"lengths for {trial.patients - len(names)} of {trial.patients} patients."
    )
    if names:
        unseen = odd.loc[~odd["called_doubtful"].astype(bool), "subject_id"].nunique()
        said += (
            f" Others: {', '.join(names)}; of these the run called "
            f"{len(names) - unseen} doubtful, {unseen} not."
        )
    whole = trial.patients == len(load_cohort().plan)
    against = "print" if whole else "the true lengths of the same patients"
    words = "; ".join(f"{word} {n}" for word, n in trial.verdicts.most_common())
    return [said, "", f"The paper's figures, pixels against {against}: {words}."]


TEXT = """## Lesions of the simulated trial

Written by `make trial-validation` (`benchmarks/trial_table.py`) from runs of
`sumdiam demo --trial soramic`: {patients} of {everybody} analysed patients and {others} of those
left out, {studies} studies, every outlined lesion at every visit, measured by the main job from
DICOM as any archive is. Truth is the closed-form length of each lesion on the slice planes. Error
is measured less true length; the limits of agreement are bias ± {normal:.2f} SD. Off: beyond 1.5 mm
and 5 %.

{accuracy}

95 % limits of one measurement (± {normal:.2f} standard uncertainties), lesions in which something
is viable:

{limits}

{outcomes}

### What it costs

Processors that others share take longer for the same, and the time that passes then says little.

{cost}

### What this proves, and what it does not

It proves that the chain holds from pixels to report: phases are found, registered and subtracted,
masks read, lengths measured to about a millimetre, and the rules and statistics then give from
these lengths what they give from the true ones, wherever no sum lies at a cut-off. Limits allow for
an outline that is off; as outlines are right here, more than 95 % of them should hold.

It does not prove how well lesions of patients are measured. **Simulated lesions are not patients**:

- their borders are sharp, their viable tissue even, their necrosis round, their outlines right;
  a real border fades, and a reader's outline is off by a millimetre or more (see the tables on
  outlines above);
- phases lie on each other, but for sub-pixel drift between visits; nobody breathes, and no vessel,
  fat, oil or artefact lies beside a lesion;
- noise is Gaussian, hardly correlated, alike in a whole image, and of one strength per subject;
- the same program draws and measures: what both misunderstand alike shows nowhere;
- the cohort was searched to give the printed figures, so nothing here says how a treatment works.
"""


def document(trials: Sequence[Trial]) -> str:
    """Return the part of the page."""
    largest = max(trials, key=lambda trial: trial.studies)
    everybody = len(load_cohort().plan)
    return TEXT.format(
        patients="all" if largest.patients == everybody else largest.patients,
        everybody=everybody,
        others=largest.subjects - largest.patients,
        studies=largest.studies,
        normal=NORMAL_95,
        accuracy="\n".join(accuracy_lines(largest)),
        limits="\n".join(limit_lines(largest)),
        outcomes="\n".join(outcome_lines(largest)),
        cost="\n".join(cost_lines(sorted(trials, key=lambda trial: trial.studies))),
    )


def main() -> None:
    """Write the part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trials", type=Path, nargs="+", help="folders given to the demo as --out")
    parser.add_argument("--pages", action="store_true", help="write each trial's pages anew")
    parser.add_argument("--out", type=Path, help="Markdown page; printed without it")
    args = parser.parse_args()
    if args.pages:
        for folder in args.trials:
            print("\n".join(told(compare_trial(cohort_of(folder), folder))))
    text = document([Trial.read(folder) for folder in args.trials])
    if args.out is None:
        print(text)
        return
    page = args.out.read_text(encoding="utf-8") if args.out.exists() else ""
    args.out.write_text(with_part(page, PART, text), encoding="utf-8")


if __name__ == "__main__":
    main()
