"""What was read of the archive, what was refused and why, and where the run came from."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from assessment.criteria import UnknownCriteriaError, load_criteria
from assessment.criteria_text import describe
from assessment.policy import policy_data
from imaging.reason import REASONS
from sumdiam.archive.reason import WARNINGS
from sumdiam.batch.summary import count_lesions
from sumdiam.report import wording
from sumdiam.report.grid import Cell, Grid, row_of
from sumdiam.report.run_tables import RunFacts, RunTables
from sumdiam.report.view import View


def criteria_title(name: str) -> tuple[str, str, str]:
    """Return a rule set's title, source and full text; its bare name where it is not known."""
    try:
        criteria = load_criteria(name)
    except (UnknownCriteriaError, ValueError):
        return name, "", ""
    return criteria.title, criteria.source, describe(criteria)


def archive_grid(tables: RunTables, facts: RunFacts) -> Grid:
    """Return the counts of what was read, measured, refused and flagged."""
    rows = [row_of([w[:1].upper() + w[1:], str(number)]) for w, number in facts.archive.items()]
    status = Counter(wording.STATUS_WORDS[word] for word in tables.studies["status"])
    rows += [row_of(["Studies handed to measuring", str(len(tables.studies))])]
    rows += [
        row_of([f"Studies {word}", str(status[word])])
        for word in ("measured", "refused", "failed", "not yet measured")
        if status[word] or word in {"measured", "refused"}
    ]
    latest = accepted(tables.measurements)
    n_lesions, n_flagged = count_lesions(latest, tables.lesions)
    rows += [
        row_of(["Lesions measured (once per visit and reader)", str(n_lesions)]),
        row_of(
            ["… of these flagged in the length that counts", wording.count_of(n_flagged, n_lesions)]
        ),
        row_of(["Measured values accepted", str(len(latest))]),
    ]
    corrected = int((latest["decided_by"].astype("string") != "auto").sum())
    rows.append(row_of(["… of these decided by a person", str(corrected)]))
    waiting = int((tables.masks["mask_role"] == "undecided").sum())
    if waiting:
        said = "Outlines not measured until a person says what they show"
        rows.append(row_of([said, str(waiting)], kind="doubt"))
    return Grid("archive", ("What", "Number"), tuple(rows), numeric=(1,))


def accepted(measurements: pd.DataFrame) -> pd.DataFrame:
    """Return the latest revision of every measurement, if it is accepted."""
    latest = measurements.sort_values(["measurement_id", "revision"])
    latest = latest.drop_duplicates("measurement_id", keep="last")
    return latest[latest["accepted"].fillna(value=False).astype(bool)]


def refused_grid(tables: RunTables) -> Grid:
    """Return the studies that were refused or failed, with the reason and the remedy."""
    rows = tables.studies[tables.studies["status"].isin(["refused", "failed"])]
    rows = rows.sort_values(["subject_id", "timepoint", "study_uid"])
    cells = []
    for row in rows.to_dict("records"):
        code = wording.text_of(row["reason_code"], "")
        known = REASONS.get(code)
        reason = wording.text_of(row["reason"], known.sentence if known else wording.NOTHING)
        remedy = known.remedy if known and known.remedy not in reason else ""
        cells.append(
            row_of(
                [
                    wording.text_of(row["subject_id"]),
                    wording.visit(row["timepoint"]),
                    wording.STATUS_WORDS[row["status"]],
                    code or wording.NOTHING,
                    f"{reason.rstrip('.')}. {remedy}".strip(),
                    Cell(wording.text_of(row["study_uid"]), "mono"),
                ]
            )
        )
    missing = "No study was refused." if len(tables.studies) else "The run handed over no studies."
    columns = ("Subject", "Visit", "Status", "Code", "Reason and remedy", "Study UID")
    return Grid("refused", columns, tuple(cells), missing=missing, sortable=True)


def problem_grid(tables: RunTables) -> Grid:
    """Return what was refused or doubtful in the archive or the tables, before any measuring.

    What is about a study of `refused_grid` is not said twice.
    """
    rows = tables.problems.assign(refused=tables.problems["refused"].astype("boolean"))
    rows = rows.assign(grave=rows["code"].isin(WARNINGS)).sort_values(
        ["refused", "grave", "code", "where"], ascending=[False, False, True, True]
    )
    out = tables.studies[tables.studies["status"].isin(["refused", "failed"])]
    uids = [str(uid) for uid in out["study_uid"]]
    said = rows["where"].astype("string").fillna("").map(lambda w: any(uid in w for uid in uids))
    n_said = int(said.sum())
    rows = rows[~said.astype(bool)]
    cells = []
    for row in rows.to_dict("records"):
        known = REASONS.get(str(row["code"]))
        sentence = str(row["sentence"])
        remedy = known.remedy if known and known.remedy not in sentence else ""
        cells.append(
            row_of(
                [
                    "refused" if row["refused"] else "warning" if row["grave"] else "noted",
                    str(row["code"]),
                    Cell(wording.text_of(row["where"]), "mono"),
                    f"{sentence.rstrip('.')}. {remedy}".strip(),
                ]
            )
        )
    columns = ("What happened", "Code", "Where", "Reason and remedy")
    above = f"{n_said} about the studies above are not listed again." if n_said else ""
    missing = f"No others: {above}" if n_said else "No problems of the input were handed over."
    notes = (above,) if above else ()
    return Grid("problems", columns, tuple(cells), notes=notes, missing=missing, sortable=True)


def notes_grid(tables: RunTables, view: View) -> Grid:
    """Return notes on single studies and warnings of the assessment."""
    rows = []
    noted = tables.studies[tables.studies["notes"].astype("string").fillna("") != ""]
    for row in noted.sort_values(["subject_id", "timepoint", "study_uid"]).to_dict("records"):
        rows += [
            row_of(
                [wording.text_of(row["subject_id"]), wording.visit(row["timepoint"]), part.strip()]
            )
            for part in str(row["notes"]).split(";")
            if part.strip()
        ]
    for row in _shown_warnings(tables.warnings, view).to_dict("records"):
        rows.append(
            row_of(
                [
                    str(row["subject_id"]),
                    wording.visit(row["timepoint"]),
                    _warning(row),
                ]
            )
        )
    return Grid("notes", ("Subject", "Visit", "Note"), tuple(rows), missing="None.", sortable=True)


def _warning(row: dict[Any, Any]) -> str:
    """Write a warning: its message, then the lesion it is about."""
    message = str(row["message"])
    return message if pd.isna(row["lesion_id"]) else f"{row['lesion_id']}: {message}"


def _shown_warnings(warnings: pd.DataFrame, view: View) -> pd.DataFrame:
    """Return the warnings of the analysis that is shown."""
    rows = warnings
    for name, value in (("reader", view.reader), ("criteria", view.criteria)):
        rows = rows[rows[name].isna() | (rows[name] == value)]
    return rows.sort_values(["subject_id", "timepoint", "lesion_id", "code", "message"])


def policy_grid(tables: RunTables, view: View) -> Grid:
    """Return every policy of the analysis with what it means."""
    rows = tables.policies[tables.policies["policy_id"] == view.policy_id].sort_values("policy")
    known = policy_data()["policy"]
    cells = []
    for row in rows.to_dict("records"):
        data = known.get(str(row["policy"]), {})
        default = data.get("default_for", {}).get(view.criteria, data.get("default"))
        changed = default is not None and str(default) != str(row["value"])
        value = f"{row['value']} (default {default})" if changed else str(row["value"])
        others = [str(word) for word in data.get("values", ()) if str(word) != str(row["value"])]
        instead = "any whole number" if data.get("integer") else ", ".join(others)
        decides, source = str(data.get("text", "")), str(data.get("source", ""))
        cells.append(
            row_of(
                [str(row["policy"]), value, instead, decides, source],
                kind="changed" if changed else "",
            )
        )
    columns = ("Policy", "Value here", "Could be", "What it decides", "Source")
    notes = ("Where the rules leave a point open a policy decides it; without a source the choice "
             "is this software's. Blue rows differ from the default.",)  # fmt: skip
    missing = "The run handed over no policies."
    return Grid("policies", columns, tuple(cells), notes=notes, missing=missing)


def plan_grid(tables: RunTables) -> Grid:
    """Return how the volumes of the archive are used, by phase."""
    pairs = zip(tables.plan["use"].astype(str), tables.plan["phase"].astype(str), strict=True)
    rows = tuple(
        row_of([use, phase.replace("_", " "), str(number)], kind="doubt" * (use == "undecided"))
        for (use, phase), number in sorted(Counter(pairs).items())
    )
    return Grid(
        "plan", ("Use", "Phase", "Volumes"), rows, missing="The run had no plan.", numeric=(2,)
    )


def provenance_grids(facts: RunFacts) -> tuple[Grid, ...]:
    """Return versions, configuration and digests of inputs."""
    versions = tuple(row_of([k, v]) for k, v in sorted(facts.versions.items()))
    settings = tuple(row_of([k, v]) for k, v in sorted(facts.configuration.items()))
    inputs = tuple(row_of([k, v]) for k, v in sorted((i.name, i.sha256) for i in facts.inputs))
    said = "None handed over."
    return (
        Grid("versions", ("Software", "Version"), versions, missing=said),
        Grid("configuration", ("Setting", "Value"), settings, missing=said),
        Grid("inputs", ("Input", "SHA-256"), inputs, missing=said),
    )
