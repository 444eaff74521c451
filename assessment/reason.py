"""The reason behind each response, in words a radiologist would write."""

from __future__ import annotations

import numpy as np

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
from assessment.new_lesion import NewLesions
from assessment.part import Part, Reading
from assessment.response import (
    BY_RETURN,
    BY_RETURN_AFTER_CR,
    BY_RETURN_LARGE,
    CARRIED,
    TimepointResponses,
)
from assessment.sums import Sums


def response_reasons(reading: Reading, whole: Part) -> Texts:
    """Return per (case, rank) the reason in words, such as "sum 46.2 mm, -30.0 % from ..."."""
    course, new, new_codes = reading.course, reading.new, whole.new
    sums, found, no_target = whole.sums, whole.found, whole.no_target
    targets, missing = reading.selection.role == TARGET, reading.states.value == NOT_MEASURED
    text = _target_text(sums, found, no_target, _first_missing(course, targets, missing))
    has_nontarget = found.nontarget != NA
    nontarget = "; non-target " + words_of(np.maximum(found.nontarget, 0), RESPONSES)
    text = text + np.where(has_nontarget, nontarget, "")
    text = text + _new_text(course, new_codes, new)
    text = text + "; overall " + words_of(np.maximum(found.overall, 0), RESPONSES)
    silent = found.overall < 0
    text = np.where(silent, "after first PD: not assessed (policy after_pd)", text)
    unread = np.broadcast_to((~course.baseline_known)[:, None], text.shape)
    text = np.where(unread, "no baseline: timepoint 0 was not read; overall NE", text)
    text[:, 0] = _baseline_text(sums, no_target, course.baseline_known)
    return np.asarray(text, dtype=object)


def _target_text(sums: Sums, found: TimepointResponses, no_target: Texts, missing: Texts) -> Texts:
    """Say what the sum did and what that is."""
    baseline = np.broadcast_to(sums.baseline[:, None], sums.total.shape)
    word = words_of(np.maximum(found.target, 0), RESPONSES)
    total = "sum " + written(sums.total) + " mm"
    from_baseline = (
        percent_written(sums.total - baseline, baseline)
        + " from baseline " + written(np.maximum(baseline, 0)) + " mm"
    )  # fmt: skip
    growth = sums.total - found.nadir
    step = np.where(growth < 0, "-", "+") + written(np.abs(growth)) + " mm"
    from_nadir = np.where(
        found.nadir > 0,
        percent_written(growth, np.maximum(found.nadir, 1)) + " (" + step + ") from nadir "
        + written(np.maximum(found.nadir, 0)) + " mm",
        step + " from nadir 0 mm",
    )  # fmt: skip
    counted = sums.n_measured.astype(str).astype(object)
    expected = sums.n_expected[:, None].astype(str).astype(object)
    part = counted + " of " + expected + " targets measured (" + missing + " is not)"
    partial = ~sums.complete
    came_back = _return_text(found)
    grown = np.where(found.nadir > 0, total + ", " + from_nadir, total + ", nadir 0 mm") + came_back
    text = np.select(
        [
            sums.n_expected[:, None] == 0,
            (found.target == NE) & (sums.baseline < 0)[:, None],
            (found.target == NE) & (sums.baseline == 0)[:, None],
            found.target == NE,
            (found.target == PD) & partial,
            found.target == PD,
            found.target == CR,
            found.cause == CARRIED,
            found.target == PR,
        ],
        [
            np.where(no_target != "", no_target, "no target")[:, None],
            "baseline sum not complete",
            "baseline sum is 0 mm: no percentage can be taken (policy zero_baseline)",
            part,
            "measured part: " + grown + ", " + part,
            grown,
            "all targets gone (" + total + ")",
            total + ", " + from_baseline + ", PR carried forward (policy pr_carry_forward)",
            total + ", " + from_baseline,
        ],
        total + ", " + from_baseline + ", " + from_nadir,
    )
    return np.asarray(np.where(found.target == NA, text, text + ": " + word))


def _return_text(found: TimepointResponses) -> Texts:
    """Say which return of a target made the progression."""
    return np.asarray(
        np.select(
            [
                found.cause == BY_RETURN_AFTER_CR,
                found.cause == BY_RETURN,
                found.cause == BY_RETURN_LARGE,
            ],
            [
                ", a target is there again after overall CR",
                ", a vanished target is there again",
                ", a vanished target has reached 10 mm again",
            ],
            "",
        ),
        dtype=object,
    )


def _first_missing(course: Course, targets: Bools, missing: Bools) -> Texts:
    """Name per (case, rank) the first target without a measurement."""
    return _first_of(course, missing & targets[:, None], course.lesion_id[:, None])


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


def _baseline_text(sums: Sums, no_target: Texts, known: Bools) -> Texts:
    """Say what the baseline is."""
    count = sums.n_expected.astype(str).astype(object)
    noun = np.where(sums.n_expected == 1, " target", " targets").astype(object)
    total = "baseline: sum " + written(sums.total[:, 0]) + " mm of " + count + noun
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
            "baseline: not all targets measured",
        ],
        total,
    )
    return np.asarray(text, dtype=object)
