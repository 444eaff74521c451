"""Fourth stage, second half: lesions at every visit, whose rules give the planned responses.

Rows are those of the `lesions` table; lengths in mm with one decimal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sumdiam.demo.cohort.course_state import BEST, BOTH, CR, ELSEWHERE, SITE
from sumdiam.demo.cohort.sum_course import NEW, NONTARGET, Patient

Row = dict[str, Any]

SPREAD_TARGETS, SPREAD_NONTARGETS = ("lymph_node", "adrenal"), ("bone", "peritoneum")
NEW_ORGANS = ("lung", "bone", "adrenal", "lymph_node")
TWO_TARGETS_FROM, TWO_TARGETS_ALWAYS, TWO_TARGETS_SHARE = 340, 1200, 0.6
ONE_LEFT_BELOW = 160
"""A sum this small (tenths of a mm) is all in one target: the other enhances no more."""
NODE_GONE_MM = 7.0
SATELLITE_MM = (5.0, 8.5)
"""Beside a single target other nodules are too small to be one."""


@dataclass(frozen=True, slots=True)
class Anatomy:
    """What a patient has at baseline: targets (tenths of a mm), nodules, tumour elsewhere."""

    targets: tuple[int, ...]
    whole_factor: float
    nodules_mm: tuple[float, ...]
    diffuse: bool
    spread_organ: str
    spread_mm: float

    @property
    def largest_mm(self) -> float:
        """The largest tumour of the liver, enhancing or not."""
        return round(max(self.targets) / 10 * self.whole_factor, 1)


def anatomy(
    patient: Patient, cells: dict[str, int], n_tumours: int, rng: np.random.Generator
) -> Anatomy:
    """Return the lesions of a patient at baseline, of which the rules take the targets."""
    base = patient.baseline
    two = n_tumours > 1 and base >= TWO_TARGETS_FROM
    if two and (base >= TWO_TARGETS_ALWAYS or rng.random() < TWO_TARGETS_SHARE):
        first = round(base * rng.uniform(0.53, 0.66))
        targets: tuple[int, ...] = (first, base - first)
    else:
        targets = (base,)
    outlined = min(n_tumours - len(targets), int(rng.integers(1, 3)))
    top = min(targets) / 10 * 0.8 if len(targets) == 2 else SATELLITE_MM[1]
    nodules = tuple(round(float(rng.uniform(SATELLITE_MM[0], top)), 1) for _ in range(outlined))
    places = SPREAD_TARGETS if patient.spread_target else SPREAD_NONTARGETS
    organ = str(rng.choice(places)) if cells["extrahepatic_spread"] == 1 else ""
    factor = 1.0 if cells["outside_up_to_7"] == 0 else float(rng.uniform(1.0, 1.15))
    size = round(float(rng.uniform(17, 34)), 1)
    return Anatomy(targets, factor, nodules, cells["diffuse"] == 1, organ, size)


def lesion_rows(
    patient: Patient, body: Anatomy, sums: list[int], mechanism: str, rng: np.random.Generator
) -> list[Row]:
    """Return every lesion at every visit."""
    rows = _targets(body, sums, rng) + _nodules(body, sums)
    rows += _nontargets(patient, body, sums, mechanism)
    rows += _spread(patient, body, sums)
    if mechanism == NEW and patient.hepatic_visit < len(patient.days):
        rows += _new_nodule(patient.hepatic_visit, len(patient.days), rng)
    if patient.row[SITE] in (ELSEWHERE, BOTH):
        rows += _new_elsewhere(patient.pd_visit, len(patient.days), rng)
    return rows


def _targets(body: Anatomy, sums: list[int], rng: np.random.Generator) -> list[Row]:
    """Return the hepatic targets, whose viable diameters add up to the sums."""
    rows: list[Row] = []
    share = body.targets[0] / sum(body.targets)
    for visit, total in enumerate(sums):
        part = float(np.clip(share + (rng.normal(0, 0.03) if visit else 0), 0.35, 0.8))
        first = round(total * part) if visit else body.targets[0]
        if len(body.targets) == 1 or total < ONE_LEFT_BELOW:
            first = total
        for place, viable in enumerate((first, total - first)[: len(body.targets)]):
            ratio = viable / body.targets[place]
            whole = body.targets[place] * body.whole_factor * (0.55 + 0.45 * ratio)
            rows.append(_liver_row(f"liver-{place + 1}", visit, viable / 10, whole / 10))
    return rows


def _liver_row(name: str, visit: int, viable_mm: float, whole_mm: float) -> Row:
    """Return a measured liver lesion; without viable part nothing of it enhances."""
    viable = round(viable_mm, 1)
    return {
        "lesion_id": name, "timepoint": visit, "organ": "liver", "site": "hepatic",
        "status": "measured", "viable_diameter_mm": viable,
        "whole_diameter_mm": round(max(viable, whole_mm), 1), "arterial_enhancement": viable > 0,
    }  # fmt: skip


def _nodules(body: Anatomy, sums: list[int]) -> list[Row]:
    """Return outlined non-target nodules, which follow the targets but never grow much."""
    rows = []
    for place, size in enumerate(body.nodules_mm):
        for visit, total in enumerate(sums):
            ratio = min(total / sums[0], 1.08)
            viable = max(3.0, size * ratio) if total else 0.0
            name = f"liver-{len(body.targets) + place + 1}"
            rows.append(_liver_row(name, visit, viable, size * (0.7 + 0.3 * ratio)))
    return rows


def _nontargets(patient: Patient, body: Anatomy, sums: list[int], mechanism: str) -> list[Row]:
    """Return what a reader enters without a length: portal thrombus, countless nodules."""
    rows = []
    for visit, total in enumerate(sums):
        status = "present" if total else "absent"
        if patient.portal_invasion:
            grown = mechanism == NONTARGET and visit - 1 >= patient.hepatic_visit
            rows.append({
                "lesion_id": "portal-1", "timepoint": visit, "organ": "portal_vein",
                "site": "hepatic", "finding": "portal_thrombus",
                "status": "progressed" if grown else status,
            })  # fmt: skip
        if body.diffuse:
            rows.append({
                "lesion_id": "liver-many", "timepoint": visit, "organ": "liver", "site": "hepatic",
                "finding": "diffuse", "status": status,
            })  # fmt: skip
    return rows


def _spread(patient: Patient, body: Anatomy, sums: list[int]) -> list[Row]:
    """Return tumour outside the liver: a target in step with the liver, or a non-target."""
    rows: list[Row] = []
    if not body.spread_organ:
        return rows
    node = body.spread_organ == "lymph_node" and patient.spread_target
    for visit, total in enumerate(sums):
        row: Row = {
            "lesion_id": f"{body.spread_organ}-1", "timepoint": visit,
            "organ": body.spread_organ, "site": "extrahepatic",
        }  # fmt: skip
        gone = patient.row[BEST] == CR and not total
        size = round(body.spread_mm * min(total / sums[0], 1.08), 1)
        if not patient.spread_target:
            row["status"] = "absent" if gone else "present"
        elif node:
            row |= {
                "node": "node", "status": "measured",
                "node_short_axis_mm": NODE_GONE_MM if gone else size,
            }  # fmt: skip
        else:
            row |= {"status": "measured", "whole_diameter_mm": size}
        rows.append(row)
    return rows


def _new_nodule(first: int, n: int, rng: np.random.Generator) -> list[Row]:
    """Return a new liver nodule with enhancement and washout, seen from one visit on."""
    size, rows = float(rng.uniform(12, 24)), []
    for visit in range(first + 1, n + 1):
        rows.append(_liver_row("liver-new-1", visit, size, size) | {"washout": True})
        size *= float(rng.uniform(1.0, 1.3))
    return rows


def _new_elsewhere(first: int, n: int, rng: np.random.Generator) -> list[Row]:
    """Return a new lesion outside the liver, seen from one visit on."""
    organ, size, rows = str(rng.choice(NEW_ORGANS)), float(rng.uniform(12, 26)), []
    for visit in range(first + 1, n + 1):
        row: Row = {
            "lesion_id": f"{organ}-new-1", "timepoint": visit, "organ": organ,
            "site": "extrahepatic", "status": "measured",
        }  # fmt: skip
        name = "node_short_axis_mm" if organ == "lymph_node" else "whole_diameter_mm"
        row[name] = round(size, 1)
        row["node"] = "node" if organ == "lymph_node" else "none"
        rows.append(row)
        size *= float(rng.uniform(1.0, 1.25))
    return rows
