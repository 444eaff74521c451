"""A run's tables, made up: they meet every schema and look like a small trial.

The responses follow from the sums by the plain rules (-30 %, +20 % of the nadir, new lesion), so
that figures and tables agree with each other. Nothing here comes from the code under test.
"""

import hashlib
import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from assessment.response_table import (
    Events,
    Outcomes,
    Policies,
    Responses,
    Selections,
    Subjects,
    Timepoints,
)
from measurement.lesion_table import Lesions, Measurements
from measurement.table import from_records
from sumdiam.batch.plan_table import Plan
from sumdiam.export.doubts import Doubts
from sumdiam.report.run_tables import RunTables

KEY = {"reader": "auto", "criteria": "mrecist", "policy_id": "default"}
START = pd.Timestamp("2020-01-06")
CUTOFF = START + pd.Timedelta(days=900)


def doubt_rows() -> list[dict[str, object]]:
    """Rows of doubts, one estimate like the other: 40 (30-50), read again 39 (36-44)."""
    estimates = [
        (what, arm)
        for what in ("objective_response_percent", "disease_control_percent", "pfs_median_days")
        for arm in ("RE + sorafenib", "sorafenib")
    ]
    numbers = {
        "estimated": 40.0, "sampling_lower": 30.0, "sampling_upper": 50.0, "middle": 39.0,
        "lower": 36.0, "upper": 44.0, "n_draws": 499, "n_without_estimate": 1,
        "n_lengths_drawn": 70, "n_lengths_fixed": 8,
    }  # fmt: skip
    return [
        {**KEY, "scheme": "treatment_policy", "read_again": way, "estimate": what, "arm": arm}
        | numbers
        for way in ("measurement", "same_lesions", "own_lesions")
        for what, arm in [*estimates, ("pfs_hazard_ratio", "sorafenib")]
    ]


@dataclass
class FakeRun:
    tables: RunTables
    overlays: dict[str, bytes]


def png(side: int, seed: int) -> bytes:
    """A grey picture of noise with a bright caliper, as PNG."""
    pixels = np.random.default_rng(seed).integers(40, 90, (side, side), dtype=np.uint8) & 0xF8
    pixels[side // 2, side // 4 : 3 * side // 4] = 255
    raw = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(kind: bytes, body: bytes) -> bytes:
        code = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + code

    buffer = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    buffer.seek(0, 2)
    buffer.write(chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)))
    buffer.write(chunk(b"IDAT", zlib.compress(raw, 9)))
    buffer.write(chunk(b"IEND", b""))
    return buffer.getvalue()


def digest(*parts) -> str:
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:16]


class _Trial:
    """Collects rows subject by subject."""

    def __init__(self, n_subjects: int, n_lesions: int, side: int) -> None:
        self.random = np.random.default_rng(7)
        self.rows = {
            name: []
            for name in ("subjects", "timepoints", "plan", "measurements", "lesions",
                         "selections", "responses", "outcomes", "events", "studies")
        }  # fmt: skip
        self.overlays: dict[str, bytes] = {}
        self.n_lesions, self.side = n_lesions, side
        for i in range(n_subjects):
            self.subject(i)

    def add(self, table: str, **row) -> None:
        self.rows[table].append(row)

    def subject(self, i: int) -> None:
        subject_id = f"DT-{i + 1:03d}"
        arm = ("RE + sorafenib", "sorafenib")[i % 2]
        start = START + pd.Timedelta(days=7 * i)
        hazard = 500 if i % 2 == 0 else 330
        death = start + pd.Timedelta(days=int(60 + self.random.exponential(hazard)))
        died = death <= CUTOFF and i % 7 != 3
        alive = min(death, CUTOFF) if i % 7 != 3 else start + pd.Timedelta(days=260)
        self.add(
            "subjects", subject_id=subject_id, arm=arm, randomised_on=start,
            died_on=death if died else None, last_known_alive_on=alive, data_cutoff_on=CUTOFF,
        )  # fmt: skip
        self.course(i, subject_id, start, death if died else None, alive)

    def course(self, i, subject_id, start, death, alive) -> None:
        effect = self.random.normal(-0.28 if i % 2 == 0 else -0.08, 0.22)
        base = self.random.uniform(15, 80, self.n_lesions)
        sums, dates, responses, first_pd = [], [], [], None
        for visit in range(5):
            on = start + pd.Timedelta(days=-7 if visit == 0 else 80 * visit + int(i % 5))
            if on > (death or alive) or (i == 21 and visit > 0):
                break
            trend = effect * min(visit, 3) + 0.16 * max(0, visit - 2)
            factor = np.clip(1 + trend + self.random.normal(0, 0.05, self.n_lesions), 0, 3)
            sizes = np.round(base * factor if visit else base, 1)
            if i == 4 and visit >= 2:
                sizes[:] = 0
            missing = i == 9 and visit == 2
            self.visit(i, subject_id, visit, on, sizes, missing=missing)
            sums.append(np.nan if missing else float(sizes[:2].sum()))
            dates.append(on)
            new = visit >= 3 and i % 6 == 5
            response = self.response(i, subject_id, visit, sums, new)
            responses.append(response)
            if response == "PD" and first_pd is None and visit:
                first_pd = visit
        self.outcome(subject_id, start, sums, dates, responses, first_pd, death, alive)

    def visit(self, i, subject_id, visit, on, sizes, *, missing) -> None:
        study, series = f"1.2.826.0.1.{i + 1}.{visit + 1}", f"1.2.826.0.1.{i + 1}.{visit + 1}.2"
        self.add(
            "timepoints", subject_id=subject_id, timepoint=visit, first_scan_on=on,
            last_scan_on=on, modality="CT", adequate=True, new_lesions_assessed=True,
        )  # fmt: skip
        for phase, use in (("late_arterial", "measure"), ("native", "subtract"),
                           ("portal_venous", "washout"), ("unknown", "exclude")):  # fmt: skip
            self.add(
                "plan", volume_id=f"{series}.{phase}#all", subject_id=subject_id, study_uid=study,
                series_uid=f"{series}.{phase}", modality="CT", acquired_on=on, timepoint=visit,
                timepoint_by="auto", phase=phase, phase_probability=0.9, phase_by="auto", use=use,
                use_by="auto",
            )  # fmt: skip
        refused = missing
        self.add(
            "studies", study_uid=study, subject_id=subject_id, timepoint=visit,
            status="refused" if refused else "done",
            reason_code="missing_slice" if refused else None,
            reason="series 1.2.826: gap of 10.00 mm after slice position 42.50 mm" if refused
            else None,
            seconds=1.0 + visit, notes="portal venous phase taken by its time" if i == 2 else None,
        )  # fmt: skip
        for k, size in enumerate(sizes):
            self.lesion(i, subject_id, visit, on, series, k, size, missing=missing)

    def lesion(self, i, subject_id, visit, on, series, k, size, *, missing) -> None:
        lesion_id, hepatic = f"L{k + 1}", k < 3
        flags = f"low_cnr({1.2 + 0.01 * visit:.2f});touches_border" if (i + k) % 11 == 0 else None
        row = {
            "subject_id": subject_id, "reader": "auto", "lesion_id": lesion_id,
            "timepoint": visit, "organ": "liver" if hepatic else "lung",
            "site": "hepatic" if hepatic else "extrahepatic", "node": "none",
            "status": "not_evaluable" if missing else ("absent" if size == 0 else "measured"),
            "status_reason": "study refused" if missing else None, "scan_on": on, "flags": flags,
        }  # fmt: skip
        for quantity, factor in (("viable_diameter", 1.0), ("whole_diameter", 1.3)):
            name = digest(subject_id, "auto", lesion_id, visit, quantity)
            value = None if missing else round(float(size * factor), 1)
            row |= {
                f"{quantity}_mm": value, f"u_{quantity}": None if missing else 0.6,
                f"{quantity}_id": name,
            }  # fmt: skip
            self.add(
                "measurements", measurement_id=name, revision=1, subject_id=subject_id,
                reader="auto", decided_by="R1" if i == 6 and k == 0 else "auto",
                read_role="automatic", lesion_id=lesion_id, timepoint=visit, quantity=quantity,
                value=value, unit="mm", standard_uncertainty=0.6, accepted=True,
                series_uid=series, slice=20 + k, method="contour gap 2 mm", software_version="0.1",
                flags=flags,
            )  # fmt: skip
            if not missing and quantity == "viable_diameter":
                self.overlays[name] = png(self.side, 1000 * i + 10 * visit + k)
        if not missing:  # both lengths stand in one picture
            whole = digest(subject_id, "auto", lesion_id, visit, "whole_diameter")
            self.overlays[whole] = self.overlays[
                digest(subject_id, "auto", lesion_id, visit, "viable_diameter")
            ]
        self.add("lesions", **row)
        if visit == 0:
            self.add(
                "selections", subject_id=subject_id, reader="auto", criteria="mrecist",
                lesion_id=lesion_id, role="target" if k < 2 else "non-target",
                order=k + 1 if k < 2 else None, measurand="viable_diameter" if k < 2 else None,
                reason="largest" if k < 2 else "two hepatic targets are chosen",
            )  # fmt: skip

    def response(self, i, subject_id, visit, sums, new) -> str:
        total, base = sums[-1], sums[0]
        nadir = np.nanmin(sums[:-1]) if visit else total
        if np.isnan(total):
            target = "NE"
        elif visit and nadir > 0 and total >= 1.2 * nadir:
            target = "PD"
        elif total == 0:
            target = "CR"
        else:
            target = "PR" if total <= 0.7 * base else "SD"
        overall = "PD" if new else target
        near = bool(visit and not np.isnan(total) and abs(total / base - 0.7) < 0.12)
        self.add(
            "responses", **KEY, subject_id=subject_id, timepoint=visit, n_targets_expected=2,
            n_targets_measured=0 if np.isnan(total) else 2, sum_mm=total, baseline_sum_mm=base,
            nadir_sum_mm=nadir, change_from_baseline_mm=total - base,
            change_from_baseline_percent=100 * (total - base) / base,
            change_from_nadir_mm=total - nadir,
            change_from_nadir_percent=100 * (total - nadir) / nadir if nadir else None,
            target_response="NA" if visit == 0 else target,
            nontarget_response="NA" if visit == 0 else ("CR" if total == 0 else "NON-CR/NON-PD"),
            new_lesion="yes" if new else "no",
            overall_response=None if visit == 0 else overall,
            hepatic_response=None if visit == 0 else target,
            recorded_response=None if visit == 0 else overall,
            reason="baseline" if visit == 0 else ("new lesion" if new else "sum of the targets"),
            p_pr=0.61 if near else None, p_sd=0.39 if near else None,
            within_error_of_cutoff=near,
        )  # fmt: skip
        return overall

    def outcome(self, subject_id, start, sums, dates, responses, first_pd, death, alive) -> None:
        until = len(sums) if first_pd is None else first_pd + 1
        order = ("CR", "PR", "SD", "PD", "NE")
        after = responses[1:until]
        best = min(after, key=order.index) if after else "NE"
        changes = [100 * (s / sums[0] - 1) for s in sums[1:until] if not np.isnan(s)]
        responders = [k for k in range(1, until) if responses[k] in {"CR", "PR"}]
        decrease = max([0.0, *(-c for c in changes)])
        self.add(
            "outcomes", **KEY, subject_id=subject_id, best_response=best,
            best_response_reason="no follow-up scan" if not after else "best until progression",
            objective_response=best in {"CR", "PR"}, disease_control=best in {"CR", "PR", "SD"},
            ets=changes[0] < -20 if changes else None, ets_percent=changes[0] if changes else None,
            dpr_percent=decrease if best in {"CR", "PR", "SD"} else None,
            best_change_percent=min(changes) if changes else None,
            time_to_response_days=(dates[responders[0]] - start).days if responders else None,
            progressed=first_pd is not None, first_progression_timepoint=first_pd,
            first_progression_site=("liver", "extrahepatic", "both")[first_pd % 3]
            if first_pd else None,
            best_response_doubtful=False,
        )  # fmt: skip
        scanned = dates[-1] if len(dates) > 1 else start
        pd_on = dates[first_pd] if first_pd else None
        ends = {
            "OS": (death or alive, death is not None, {"reader": "none", "criteria": "none"}),
            "PFS": (pd_on or death or scanned, bool(pd_on or death), {}),
            "TTP": (pd_on or scanned, bool(pd_on), {}),
        }
        for endpoint, (end, event, key) in ends.items():
            self.add(
                "events", **{**KEY, **key}, subject_id=subject_id, scheme="seed",
                endpoint=endpoint, start_on=start, end_on=end, days=max((end - start).days, 0),
                event=event, reason="made up",
            )  # fmt: skip


def fake_run(n_subjects: int = 24, n_lesions: int = 4, side: int = 48) -> FakeRun:
    trial = _Trial(n_subjects, n_lesions, side)
    random = np.random.default_rng(3)
    rows = trial.rows
    subjects = from_records(rows["subjects"], Subjects)
    covariates = {
        "age": [str(int(a)) for a in random.normal(66, 9, n_subjects)],
        "sex": random.choice(["female", "male"], n_subjects, p=[0.2, 0.8]),
        "ECOG": random.choice(["0", "1"], n_subjects),
        "child_pugh": random.choice(["A", "B"], n_subjects, p=[0.9, 0.1]),
        "afp_ng_ml": [f"{v:.1f}" for v in random.lognormal(4, 2, n_subjects)],
    }
    for name, values in covariates.items():
        column = pd.Series(values, dtype="string")
        if name == "ECOG":
            column[3] = pd.NA
        subjects[name] = column
    lost = from_records(
        [{"subject_id": "DT-999", "arm": "sorafenib", "randomised_on": START}], Subjects
    )
    policies = [
        {"policy_id": "default", "policy": name, "value": value}
        for name, value in (("confirm", "off"), ("pd_absolute_mm", "0"), ("nadir_from", "any"))
    ]
    tables = RunTables(
        subjects=pd.concat([subjects, lost], ignore_index=True),
        timepoints=from_records(rows["timepoints"], Timepoints),
        plan=from_records(rows["plan"], Plan),
        measurements=from_records(rows["measurements"], Measurements),
        lesions=from_records(rows["lesions"], Lesions),
        selections=from_records(rows["selections"], Selections),
        policies=from_records(policies, Policies),
        responses=from_records(rows["responses"], Responses),
        outcomes=from_records(rows["outcomes"], Outcomes),
        events=from_records(rows["events"], Events),
        doubts=from_records(doubt_rows(), Doubts),
        studies=pd.DataFrame(rows["studies"]),
    ) if rows["measurements"] else RunTables()  # fmt: skip
    return FakeRun(tables, trial.overlays)
