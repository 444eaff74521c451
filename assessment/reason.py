"""The reason behind each response, in words a radiologist would write."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assessment import immune, phrase
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
    choose,
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
from assessment.visit_array import Cells, places_where
from assessment.words import Words


def response_reasons(reading: Reading, whole: Part) -> Texts:
    """Return per row of `course.cells` the reason in words, such as "sum 46.2 mm, -30.0 % ..."."""
    course = reading.course
    later = course.cells.rank > 0
    at = course.cells.kept(later)
    missing = _missing_targets(reading)
    found, shown = whole.found, at.of(whole.shown)
    told = phrase.joined(
        *_target_pieces(reading, whole, missing, at),
        phrase.labels(at.of(found.nontarget), RESPONSES, "; non-target ").unless(NA),
        _new_text(course, whole.new, reading.new, at),
        *([] if whole.immune is None else _immune_pieces(whole.immune, at)),
        phrase.labels(np.maximum(shown, 0), RESPONSES, "; overall "),
    )
    told[shown < 0] = "after first PD: not assessed (policy after_pd)"
    told[~course.baseline_known[at.case]] = "no baseline: timepoint 0 was not read; overall NE"
    unit = reading.rules.criteria.unit
    text = np.empty(len(later), dtype=object)
    text[later] = told
    text[~later] = _baseline_text(whole, course.baseline_known, missing, unit)[
        course.cells.case[~later]
    ]
    return text


(
    NO_TARGETS, NO_BASELINE, ZERO_BASELINE, SOFTNESS_UNKNOWN, NOT_MEASURED_ALL, PART_GROWN, GROWN,
    ALL_GONE, CARRIED_ON, SOFTER, SHRUNK, STABLE,
) = range(12)  # fmt: skip
"""How the sentence about the targets is built."""


def _sentences(sums: Sums, found: TimepointResponses, at: Cells) -> Ints:
    """Return by which of the sentences each cell's target response is told."""
    case, target, cause = at.case, at.of(found.target), at.of(found.cause)
    none = sums.n_expected[case] == 0
    not_evaluable, baseline = target == NE, sums.baseline[case]
    progressed = target == PD
    return np.select(
        [
            none,
            not_evaluable & (baseline < 0),
            not_evaluable & (baseline == 0),
            not_evaluable & (cause == NO_ATTENUATION),
            not_evaluable,
            progressed & ~at.of(sums.complete),
            progressed,
            target == CR,
            cause == CARRIED,
            cause == BY_ATTENUATION,
            target == PR,
        ],
        list(range(STABLE)),
        STABLE,
    )


def _target_pieces(reading: Reading, whole: Part, missing: Words, at: Cells) -> list[Words]:
    """Say what the sum did and what that is, piece by piece."""
    sums, found, unit = whole.sums, whole.found, reading.rules.criteria.unit
    kind = _sentences(sums, found, at)
    target = at.of(found.target)
    mm = " " + SHOWN_UNITS[unit]
    opening = {
        NO_BASELINE: "baseline sum not complete",
        ZERO_BASELINE: f"baseline sum is 0{mm}: no percentage can be taken (policy zero_baseline)",
        PART_GROWN: "measured part: ",
        ALL_GONE: "all targets gone (",
    }
    closing = {
        SOFTNESS_UNKNOWN: ", attenuation not known of every target",
        ALL_GONE: ")",
        CARRIED_ON: ", PR carried forward (policy pr_carry_forward)",
        SOFTER: ", attenuation fallen enough",
        PART_GROWN: ", ",
    }
    told = whole.no_target
    no_target = Words(told.codes, tuple(word or "no target" for word in told.words))
    partial = (kind == NOT_MEASURED_ALL) | (kind == PART_GROWN)
    return [
        phrase.where(kind == NO_TARGETS, no_target.at(at.case)),
        phrase.by_code(kind, opening),
        *_sum_pieces(sums, found, unit, kind, at),
        phrase.by_code(kind, closing),
        *_part_pieces(sums, missing, partial, at),
        phrase.labels(np.maximum(target, 0), RESPONSES, ": ").unless(NA),
    ]


def _sum_pieces(
    sums: Sums, found: TimepointResponses, unit: str, kind: Ints, at: Cells
) -> list[Words]:
    """Write the sum, its change from baseline, and that from the nadir."""
    steps, mm = PER_UNIT[unit], " " + SHOWN_UNITS[unit]
    total, baseline, nadir = at.of(sums.total), sums.baseline[at.case], at.of(found.nadir)
    growth = total - nadir
    with_sum = (kind == SOFTNESS_UNKNOWN) | (kind >= PART_GROWN)
    with_baseline = (kind == SOFTNESS_UNKNOWN) | (kind >= CARRIED_ON)
    with_nadir = (kind == PART_GROWN) | (kind == GROWN) | (kind == STABLE)
    real, zero = with_nadir & (nadir > 0), with_nadir & (nadir <= 0)
    amounts, percentages = phrase.amounts, phrase.percentages
    low, zero_text = np.maximum(nadir, 0), f"{mm} from nadir 0{mm}"
    return [
        phrase.on(with_sum, lambda i: amounts(total[i], steps, "sum ", mm)),
        phrase.on(
            with_baseline,
            lambda i: percentages(total[i] - baseline[i], baseline[i], ", ", " from baseline "),
        ),
        phrase.on(with_baseline, lambda i: amounts(np.maximum(baseline[i], 0), steps, "", mm)),
        phrase.on(real, lambda i: percentages(growth[i], np.maximum(nadir[i], 1), ", ", " (")),
        phrase.on(
            real, lambda i: phrase.signed_amounts(growth[i], steps, "", f"{mm}) from nadir ")
        ),
        phrase.on(real, lambda i: amounts(low[i], steps, "", mm)),
        phrase.on(
            zero & (kind == STABLE),
            lambda i: phrase.signed_amounts(growth[i], steps, ", ", zero_text),
        ),
        phrase.by_code(np.where(zero & (kind != STABLE), 0, -1), {0: f", nadir 0{mm}"}),
        phrase.by_code(choose(kind <= GROWN, at.of(found.cause), 0), RETURN_TEXTS),
    ]


def _part_pieces(sums: Sums, missing: Words, partial: Bools, at: Cells) -> list[Words]:
    """Say how many targets were measured, and which were not."""
    expected = sums.n_expected[at.case]
    return [
        phrase.where(partial, phrase.spelled(at.of(sums.n_measured), str)),
        phrase.where(partial, phrase.spelled(expected, " of {} targets measured (".format)),
        phrase.where(partial, Words(at.of(missing.codes), missing.words)),
        phrase.by_code(np.where(partial, 0, -1), {0: ")"}),
    ]


RETURN_TEXTS = {
    BY_RETURN_AFTER_CR: ", a target is there again after overall CR",
    BY_RETURN: ", a vanished target is there again",
    BY_RETURN_LARGE: ", a vanished target has reached 10 mm again",
    BY_LESION: ", a target grew enough by itself (policy pd_unit)",
}
"""Which target made the progression, where the sum did not."""


def _missing_targets(reading: Reading) -> Words:
    """Say per (case, rank) which targets have no measurement, and why."""
    course = reading.course
    target = (reading.selection.role == TARGET)[:, None]
    lesion, rank = places_where(target & (reading.states.value == NOT_MEASURED))
    there = course.exists[course.lesion_case[lesion], rank]
    lesion, rank = lesion[there], rank[there]
    why = _why_missing(reading, lesion, rank)
    shape = course.exists.shape
    place = course.lesion_case[lesion] * shape[1] + rank
    order = np.argsort(place, kind="stable")
    cells, start = np.unique(place[order], return_index=True)
    length = np.diff(np.append(start, len(order)))
    one = order[start[length == 1]]
    single = _one_missing(course.lesion_words.at(lesion[one]), phrase.texts(why[one]))
    words = {word: code for code, word in enumerate(single.words)}
    told = np.empty(len(cells), dtype=np.int64)
    told[length == 1] = single.codes
    several = np.flatnonzero(length > 1)
    for cell, begin, n in zip(
        several.tolist(), start[several].tolist(), length[several].tolist(), strict=True
    ):
        rows = order[begin : begin + n]
        text = _named(course.lesion_id[lesion[rows]].tolist(), why[rows].tolist())
        told[cell] = words.setdefault(text, len(words))
    codes = np.full(shape, -1, dtype=np.int64)
    codes.ravel()[cells] = told
    return Words(codes, tuple(words))


def _one_missing(lesion: Words, why: Words) -> Words:
    """Say of single lesions that they are not measured, and why."""
    n = max(len(why.words), 1)
    pairs = phrase.spelled(
        lesion.codes.astype(np.int64) * n + why.codes,
        lambda key: _named([lesion.words[key // n]], [why.words[key % n]]),
    )
    return pairs if len(why.words) else Words(pairs.codes, ())


def _why_missing(reading: Reading, lesion: Ints, rank: Ints) -> Texts:
    """Return why each lesion has no measurement at its visit; empty where nobody says."""
    course, states = reading.course, reading.states
    split = np.zeros(course.row.shape, dtype=bool)
    np.logical_or.at(split, states.parent[states.fragment], course.row[states.fragment] >= 0)
    told = course.words("status_reason").at((lesion, rank)).text
    status = course.words("status").at((lesion, rank))
    return np.select(
        [split[lesion, rank], course.row[lesion, rank] < 0, told != "",
         ~status.equals("not_evaluable")],
        ["a fragment is not measured", "no row at this visit", told, "no length"],
        "",
    ).astype(object)  # fmt: skip


def _named(lesions: Sequence[str], reasons: Sequence[str]) -> str:
    """Name lesions and the reason of each, once where all share it."""
    names = ", ".join(lesions) + (" is not" if len(lesions) == 1 else " are not")
    shared = set(reasons)
    if shared == {""}:
        return names
    if len(shared) == 1:
        return f"{names}: {shared.pop()}"
    pairs = zip(lesions, reasons, strict=True)
    return f"{names}: " + "; ".join(f"{name} {why}" for name, why in pairs if why)


def _new_text(course: Course, codes: Ints, new: NewLesions, at: Cells) -> Words:
    """Say whether there is a new lesion, which, why, and whether dated back."""
    lesion, rank = places_where(new.dated | new.pending)
    sure = codes[course.lesion_case[lesion], rank] == NEW_YES
    told_of = np.where(sure, new.dated[lesion, rank], new.pending[lesion, rank])
    lesion, rank = lesion[told_of], rank[told_of]
    place, first = np.unique(course.lesion_case[lesion] * codes.shape[1] + rank, return_index=True)
    index = (lesion[first], rank[first])
    back = new.dated[index] & ~new.recorded[index]
    doubt = codes.ravel()[place] == NEW_EQUIVOCAL
    told = phrase.merged(
        "; new lesion ",
        course.lesion_words.at(index[0]),
        " (",
        phrase.texts(new.text_at(*index)),
        Words(back + 2 * doubt, NEW_ENDINGS),
    )
    found = np.full(codes.size, -1, dtype=np.int64)
    found[place] = told.codes
    named = (codes == NEW_YES) | (codes == NEW_EQUIVOCAL)
    found = choose(named, found.reshape(codes.shape), -1)
    found[codes == NEW_NOT_ASSESSED] = len(told.words)
    return Words(at.of(found), (*told.words, "; new lesions not looked for"))


NEW_ENDINGS = (
    ")",
    ", dated back from a later visit)",
    "), in doubt",
    ", dated back from a later visit), in doubt",
)
"""By whether a new lesion is dated back, and twice whether it is in doubt."""


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


def _immune_pieces(state: immune.ImmuneResponses, at: Cells) -> list[Words]:
    """Say what became of progression that has to be confirmed."""
    told = {code: f"; {text}" for code, text in IMMUNE_TEXTS.items()}
    late = np.where(at.of(state.late), 0, -1)
    return [
        phrase.by_code(at.of(state.why), told),
        phrase.by_code(late, {0: " (later than 8 weeks)"}),
    ]


def _baseline_text(whole: Part, known: Bools, missing: Words, unit: str) -> Texts:
    """Say what the baseline is."""
    sums, no_target = whole.sums, whole.no_target
    none, incomplete = sums.n_expected == 0, sums.baseline < 0
    total = phrase.joined(
        "baseline: sum ",
        phrase.amounts(sums.total[:, 0], PER_UNIT[unit], "", f" {SHOWN_UNITS[unit]} of "),
        phrase.spelled(sums.n_expected, lambda n: f"{n} target{'' if n == 1 else 's'}"),
    )
    lacking = np.flatnonzero(~none & incomplete)
    reasons = missing.at((lacking, 0)).text
    total[lacking] = [f"baseline: not all targets measured ({told})" for told in reasons.tolist()]
    total[none] = "baseline: no target"
    named = np.flatnonzero(none & ~no_target.equals(""))
    reasons = no_target.at(named).text
    total[named] = [f"baseline: no target, {told}" for told in reasons.tolist()]
    total[~known] = "no baseline: timepoint 0 was not read"
    return total
