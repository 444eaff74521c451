"""Flow of subjects from the archive to the analysis; every subject is in exactly one end box."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

import pandas as pd

from stats.plots.flow import FlowBox
from sumdiam.report.run_tables import RunTables
from sumdiam.report.view import View

MAX_REASONS = 6


def subject_flow(tables: RunTables, view: View) -> tuple[FlowBox, ...]:
    """Return the boxes of the flow diagram, from all subjects to those with a best response."""
    everyone = [str(name) for name in view.subjects["subject_id"]]
    assessed = {str(name) for name in view.outcomes["subject_id"]}
    lost = Counter(_why_not(tables, view, [n for n in everyone if n not in assessed]))
    boxes = [
        FlowBox("all", "Subjects in the archive or the subject table", len(everyone)),
        FlowBox(
            "lost",
            "Not in the analysis of response",
            lost.total(),
            "all",
            side=True,
            reasons=_listed(lost),
        ),
        FlowBox("assessed", "In the analysis of response", len(everyone) - lost.total(), "all"),
    ]
    if not view.has_arms:
        return (*boxes, *_ends(view, sorted(assessed), "assessed", "one"))
    in_arms = {arm: [n for n in view.ids_of(arm) if n in assessed] for arm in view.arms}
    without = boxes[2].n - sum(len(names) for names in in_arms.values())
    boxes.append(FlowBox("no_arm", "No arm given in the subject table", without, "assessed",
                         side=True))  # fmt: skip
    for i, (arm, names) in enumerate(in_arms.items()):
        boxes.append(FlowBox(f"arm{i}", arm, len(names), "assessed"))
        boxes += _ends(view, names, f"arm{i}", f"end{i}")
    return tuple(boxes)


def _ends(view: View, names: list[str], parent: str, key: str) -> list[FlowBox]:
    """Return who of these has a best response, and who has none and why."""
    rows = view.outcomes[view.outcomes["subject_id"].isin(names)]
    best = rows["best_response"].astype("string").fillna("NE")
    without = rows[best == "NE"]
    said = without["best_response_reason"]
    reasons = Counter("no reason given" if pd.isna(cell) else str(cell) for cell in said)
    n_without = len(without)
    return [
        FlowBox(f"{key}_ne", "Best response not evaluable (counted as no response)", n_without,
                parent, side=True, reasons=_listed(reasons)),
        FlowBox(f"{key}_best", "Best response evaluable", len(names) - n_without, parent),
    ]  # fmt: skip


def _why_not(tables: RunTables, view: View, names: Collection[str]) -> Iterator[str]:
    """Say how far each of these subjects, all without an assessment, came."""
    studies = tables.studies["status"].groupby(tables.studies["subject_id"].astype(str))
    states = {str(name): set(status) for name, status in studies}
    planned, with_lesion = (
        set(frame["subject_id"].dropna().astype(str)) for frame in (tables.plan, tables.lesions)
    )
    excluded = view.excluded.drop_duplicates("subject_id")
    why = dict(zip(excluded["subject_id"].astype(str), excluded["reason"], strict=True))
    for name in names:
        of_studies = states.get(name, set())
        if name in why:
            yield str(why[name])
        elif name in with_lesion:
            yield "no baseline to compare with"
        elif of_studies == {"refused"}:
            yield "every study was refused"
        elif of_studies & {"failed", "todo", "leased"}:
            yield "studies not measured yet, or failed"
        elif of_studies or name in planned:
            yield "studies without a measured lesion"
        else:
            yield "no study in the archive"


def _listed(reasons: Counter[str]) -> tuple[tuple[str, int], ...]:
    """Return the commonest reasons, the rest as one."""
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    if len(ordered) <= MAX_REASONS:
        return tuple(ordered)
    rest = sum(n for _, n in ordered[MAX_REASONS - 1 :])
    return (*ordered[: MAX_REASONS - 1], ("other reasons", rest))
