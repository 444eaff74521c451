"""The reason behind each response, in words a radiologist would write."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from assessment import immune
from assessment.code import (
    CR,
    NA,
    NE,
    NEW_EQUIVOCAL,
    NEW_NOT_ASSESSED,
    NEW_YES,
    NOT_MEASURED,
    PD,
    PR,
    RESPONSES,
    TARGET,
    Bools,
    Ints,
    Texts,
    percent_written,
    words_of,
    written,
)
from assessment.course import Course
from assessment.measurand import PER_UNIT, SHOWN_UNITS
from assessment.new_lesion import NewLesions
from assessment.part import Part, Reading
from assessment.response import (
    BY_ATTENUATION,
    BY_LESION,
    BY_RETURN,
    BY_RETURN_AFTER_CR,
    BY_RETURN_LARGE,
    CARRIED,
    NO_ATTENUATION,
    TimepointResponses,
)
from assessment.sums import Sums


def response_reasons(reading: Reading, whole: Part) -> Texts:
    """Return per (case, rank) the reason in words, such as "sum 46.2 mm, -30.0 % from ..."."""
    course, new, new_codes = reading.course, reading.new, whole.new
    sums, found, no_target = whole.sums, whole.found, whole.no_target
    missing = _missing_targets(reading)
    unit = reading.rules.criteria.unit
    text = _target_text(sums, found, no_target, missing, unit)
    has_nontarget = found.nontarget != NA
    nontarget = "; non-target " + words_of(np.maximum(found.nontarget, 0), RESPONSES)
    text = text + np.where(has_nontarget, nontarget, "")
    text = text + _new_text(course, new_codes, new)
    text = text + _immune_text(whole)
    text = text + "; overall " + words_of(np.maximum(whole.shown, 0), RESPONSES)
    silent = whole.shown < 0
    text = np.where(silent, "after first PD: not assessed (policy after_pd)", text)
    unread = np.broadcast_to((~course.baseline_known)[:, None], text.shape)
    text = np.where(unread, "no baseline: timepoint 0 was not read; overall NE", text)
    text[:, 0] = _baseline_text(sums, no_target, course.baseline_known, missing[:, 0], unit)
    return np.asarray(text, dtype=object)


def _target_text(
    sums: Sums, found: TimepointResponses, no_target: Texts, missing: Texts, unit: str
) -> Texts:
    """Say what the sum did and what that is."""
    word = words_of(np.maximum(found.target, 0), RESPONSES)
    total, from_baseline, from_nadir = _sum_texts(sums, found, unit)
    mm = " " + SHOWN_UNITS[unit]
    counted = sums.n_measured.astype(str).astype(object)
    expected = sums.n_expected[:, None].astype(str).astype(object)
    part = counted + " of " + expected + " targets measured (" + missing + ")"
    partial = ~sums.complete
    came_back = _return_text(found)
    grown = total + np.where(found.nadir > 0, ", " + from_nadir, f", nadir 0{mm}") + came_back
    text = np.select(
        [
            sums.n_expected[:, None] == 0,
            (found.target == NE) & (sums.baseline < 0)[:, None],
            (found.target == NE) & (sums.baseline == 0)[:, None],
            (found.target == NE) & (found.cause == NO_ATTENUATION),
            found.target == NE,
            (found.target == PD) & partial,
            found.target == PD,
            found.target == CR,
            found.cause == CARRIED,
            found.cause == BY_ATTENUATION,
            found.target == PR,
        ],
        [
            np.where(no_target != "", no_target, "no target")[:, None],
            "baseline sum not complete",
            f"baseline sum is 0{mm}: no percentage can be taken (policy zero_baseline)",
            total + ", " + from_baseline + ", attenuation not known of every target",
            part,
            "measured part: " + grown + ", " + part,
            grown,
            "all targets gone (" + total + ")",
            total + ", " + from_baseline + ", PR carried forward (policy pr_carry_forward)",
            total + ", " + from_baseline + ", attenuation fallen enough",
            total + ", " + from_baseline,
        ],
        total + ", " + from_baseline + ", " + from_nadir,
    )
    return np.asarray(np.where(found.target == NA, text, text + ": " + word))


def _sum_texts(sums: Sums, found: TimepointResponses, unit: str) -> tuple[Texts, Texts, Texts]:
    """Write the sum, its change from baseline, and that from the nadir."""
    mm = " " + SHOWN_UNITS[unit]

    def amount(steps: Ints) -> Texts:
        return np.asarray(written(steps, PER_UNIT[unit]) + mm)

    baseline = np.broadcast_to(sums.baseline[:, None], sums.total.shape)
    change = percent_written(sums.total - baseline, baseline)
    from_baseline = change + " from baseline " + amount(np.maximum(baseline, 0))
    growth = sums.total - found.nadir
    step = np.where(growth < 0, "-", "+") + amount(np.abs(growth))
    nadir = amount(np.maximum(found.nadir, 0))
    percent = percent_written(growth, np.maximum(found.nadir, 1))
    from_nadir = np.where(
        found.nadir > 0,
        percent + " (" + step + ") from nadir " + nadir,
        step + f" from nadir 0{mm}",
    )
    return "sum " + amount(sums.total), from_baseline, from_nadir


def _return_text(found: TimepointResponses) -> Texts:
    """Say which target made the progression, where the sum did not."""
    return np.asarray(
        np.select(
            [
                found.cause == BY_RETURN_AFTER_CR,
                found.cause == BY_RETURN,
                found.cause == BY_RETURN_LARGE,
                found.cause == BY_LESION,
            ],
            [
                ", a target is there again after overall CR",
                ", a vanished target is there again",
                ", a vanished target has reached 10 mm again",
                ", a target grew enough by itself (policy pd_unit)",
            ],
            "",
        ),
        dtype=object,
    )


def _missing_targets(reading: Reading) -> Texts:
    """Say per (case, rank) which targets have no measurement, and why."""
    course = reading.course
    targets = (reading.selection.role == TARGET)[:, None] & course.exists[course.lesion_case]
    lesion, rank = np.nonzero(targets & (reading.states.value == NOT_MEASURED))
    why = _why_missing(reading, lesion, rank)
    lacking: dict[tuple[int, int], dict[str, str]] = {}
    names = course.lesion_id[lesion].tolist()
    cases = course.lesion_case[lesion].tolist()
    for case, at, name, reason in zip(cases, rank.tolist(), names, why.tolist(), strict=True):
        lacking.setdefault((case, at), {})[name] = reason
    text = np.full(course.exists.shape, "", dtype=object)
    for place, reasons in lacking.items():
        text[place] = _named(reasons)
    return text


def _why_missing(reading: Reading, lesion: Ints, rank: Ints) -> Texts:
    """Return why each lesion has no measurement at its visit; empty where nobody says."""
    course, states = reading.course, reading.states
    split = np.zeros(course.row.shape, dtype=bool)
    np.logical_or.at(split, states.parent[states.fragment], course.row[states.fragment] >= 0)
    told = course.column("status_reason", "")[lesion, rank]
    status = course.column("status", "")[lesion, rank]
    return np.select(
        [split[lesion, rank], course.row[lesion, rank] < 0, told != "",
         status != "not_evaluable"],
        ["a fragment is not measured", "no row at this visit", told, "no length"],
        "",
    ).astype(object)  # fmt: skip


def _named(reasons: Mapping[str, str]) -> str:
    """Name lesions and the reason of each, once where all share it."""
    names = ", ".join(reasons) + (" is not" if len(reasons) == 1 else " are not")
    shared = set(reasons.values())
    if shared == {""}:
        return names
    if len(shared) == 1:
        return f"{names}: {shared.pop()}"
    return f"{names}: " + "; ".join(f"{name} {why}" for name, why in reasons.items() if why)


def _first_of(course: Course, flagged: Bools, text: Texts) -> Texts:
    """Return per (case, rank) the text of the first flagged lesion."""
    shape = course.exists.shape
    found = np.full(shape, "", dtype=object)
    lesion, rank = np.nonzero(flagged)
    case = course.lesion_case[lesion]
    _, first = np.unique(case * shape[1] + rank, return_index=True)
    texts = np.broadcast_to(text, flagged.shape)[lesion[first], rank[first]]
    found[case[first], rank[first]] = texts
    return found


def _new_text(course: Course, codes: Ints, new: NewLesions) -> Texts:
    """Say whether there is a new lesion, which, why, and whether dated back."""
    flagged = np.where((codes == NEW_YES)[course.lesion_case], new.dated, new.pending)
    told = new.text.copy()
    for lesion, rank in zip(*np.nonzero(flagged), strict=True):
        back = new.dated[lesion, rank] and not new.recorded[lesion, rank]
        why = told[lesion, rank] + (", dated back from a later visit" if back else "")
        told[lesion, rank] = f"; new lesion {course.lesion_id[lesion]} ({why})"
    first = _first_of(course, flagged, told)
    return np.select(
        [codes == NEW_YES, codes == NEW_EQUIVOCAL, codes == NEW_NOT_ASSESSED],
        [first, first + ", in doubt", "; new lesions not looked for"],
        "",
    ).astype(object)


IMMUNE_TEXTS = {
    immune.BY_TARGET_GROWTH: "confirmed: the sum grew by 5 mm or more since the iUPD",
    immune.BY_OTHER_KIND: "confirmed: progression of a kind that had none",
    immune.BY_NONTARGET_GROWTH: "confirmed: non-targets grew since the iUPD",
    immune.BY_NEW_GROWTH: "confirmed: new lesions grew since the iUPD",
    immune.BY_ANOTHER_NEW: "confirmed: another new lesion since the iUPD",
    immune.UNCONFIRMED: "not confirmed: nothing grew enough since the iUPD",
    immune.TOO_EARLY: "not confirmed: less than 4 weeks since the iUPD",
    immune.RESET: "the iUPD before is taken back",
    immune.RESET_DESPITE_NEW: "the iUPD before is taken back: targets respond, new lesions persist",
}


def _immune_text(whole: Part) -> Texts | str:
    """Say what became of progression that has to be confirmed."""
    if whole.immune is None:
        return ""
    words = np.array(["", *(f"; {IMMUNE_TEXTS[code]}" for code in sorted(IMMUNE_TEXTS))], object)
    late = np.where(whole.immune.late, " (later than 8 weeks)", "").astype(object)
    return np.asarray(words[whole.immune.why] + late)


def _baseline_text(sums: Sums, no_target: Texts, known: Bools, missing: Texts, unit: str) -> Texts:
    """Say what the baseline is."""
    count = sums.n_expected.astype(str).astype(object)
    noun = np.where(sums.n_expected == 1, " target", " targets").astype(object)
    amount = written(sums.total[:, 0], PER_UNIT[unit]) + f" {SHOWN_UNITS[unit]} of "
    total = "baseline: sum " + amount + count + noun
    text = np.select(
        [
            ~known,
            (sums.n_expected == 0) & (no_target != ""),
            sums.n_expected == 0,
            sums.baseline < 0,
        ],
        [
            "no baseline: timepoint 0 was not read",
            "baseline: no target, " + no_target,
            "baseline: no target",
            "baseline: not all targets measured (" + missing + ")",
        ],
        total,
    )
    return np.asarray(text, dtype=object)
