"""Numbers and codes as a reader of a report expects them."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

import pandas as pd

from imaging.reason import REASONS
from measurement.flag import is_doubtful
from stats.number_text import DASH, NOTHING, p_value, percent, rounded
from stats.number_text import p_of_test as test_words
from stats.result import Difference, Proportion

__all__ = [
    "DASH", "DAYS_PER_MONTH", "FIXED", "FLAG_WORDS", "NOTHING", "RESPONSE_WORDS", "SCHEME_WORDS",
    "STATUS_WORDS",
    "change", "count_of", "day", "difference", "flags_in_words", "heading",
    "p_value", "percent", "proportion", "rounded", "signed", "test_words", "text_of",
    "visit",
]  # fmt: skip

DAYS_PER_MONTH: Final = 30.4375
MOST_DECIMALS: Final = 6
FIXED: Final = "\u00a0"  # no-break space: a number stays with its limits

RESPONSE_WORDS: Final = {
    "CR": "complete response",
    "PR": "partial response",
    "SD": "stable disease",
    "PD": "progressive disease",
    "NE": "not evaluable",
    "NON-CR/NON-PD": "non-target disease only, neither CR nor PD",
    "NED": "no evidence of disease",
    "iCR": "complete response (iRECIST)",
    "iPR": "partial response (iRECIST)",
    "iSD": "stable disease (iRECIST)",
    "iUPD": "unconfirmed progression (iRECIST)",
    "iCPD": "confirmed progression (iRECIST)",
    "iNON-CR/NON-PD": "non-target disease only, neither CR nor PD (iRECIST)",
}

FLAG_WORDS: Final = {
    "several_components": "viable tumour lies in several parts",
    "slice_thick": "slices are thicker than 5 mm",
    "oblique": "slices are not axial",
    "gantry_tilt": "the gantry was tilted",
    "gap_allowed": "slices of the series are missing, which was allowed",
    "few_slices": "the lesion is seen on one slice only",
    "touches_border": "the lesion reaches the border of the scan: it may go on beyond",
    "whole_lesion_unknown": "only the viable part was outlined",
    "no_native_phase": "no native phase: enhancement is judged against the liver alone",
    "low_cnr": "enhancement hardly exceeds the noise: the edge is uncertain",
    "dead_lesion_undetectable": "nothing enhances, but a faint rest would not have been found",
    "faint_enhancement": "nothing enhances for certain, but noise seldom looks like this",
    "rises_as_liver": "viable tissue rises hardly more than the liver: late phase or other scale",
    "liver_darkens": "the liver is darker after contrast: swapped phases or other scale",
    "phases_misaligned": "enhancement beside the outline is lopsided: phases may lie apart",
    "oil": "iodised oil hides enhancement in part of the lesion: use MRI",
    "fallback_used": "viable tissue is so thin that pixels stand in for its smoothed edge",
    "length_sensitive": "a neighbouring threshold or gap moves the length",
    "gap_curve_jumps": "necrosis decides the length: another gap between 0 and 5 mm changes it",
    "small_part": "the viable part is small for its noise: a share of its height may be lost",
    "short_axis_band_wide": "several long axes tie, and their short axes differ",
    "contours_skip_slices": "slices between outlined ones were not outlined: no volume",
    "mask_resampled": "the mask was moved from another grid, which changed its volume",
    "scale_factors_differ": "the scanner scaled the MR values of the phases differently (ratio)",
    "mask_of_other_phase": "the mask was drawn on another phase: breathing may lie between",
    "fractional_mask": "the mask holds fractions; more than one half was taken",
    "sform_qform_differ": "the NIfTI mask says two things of where it lies; one fits the image",
    "contour_repeated": "a contour was drawn twice, and used once",
    "contour_without_area": "contours of one or two points were left out",
    "contours_touch": "a hole reaches over the rim by a few pixels",
    "registered": "the native phase was moved onto the arterial one; what may be left over",
    "registration_residual": "the phases may still lie apart after registration",
    "native_too_short": "the native phase does not reach the whole lesion and was not used",
    "measured_twice": "the lesion was measured more than once at this timepoint: no value counts",
    "decision_stale": "the automatic value changed after a reviewer judged it",
}

FLAG_UNITS: Final = {
    "slice_thick": "mm",
    "oblique": "degrees",
    "gantry_tilt": "degrees",
    "length_sensitive": "mm",
    "gap_curve_jumps": "mm",
    "short_axis_band_wide": "mm",
    "mask_resampled": "%",
    "registered": "mm",
    "registration_residual": "mm",
}
"""Units of the values behind flags; the other values have none, or that of the image."""

SHARES: Final = frozenset({"small_part", "faint_enhancement"})
"""Flags whose value is a share, told in percent."""
WITHOUT_VALUE: Final = frozenset({"few_slices"})
"""Flags whose words hold the value already."""

SCHEME_WORDS: Final = {
    "seed": "at the last images; new therapy and missed visits are ignored",
    "treatment_policy": "at the last evaluable images; new therapy and missed visits are ignored",
    "fda_strict": "at the last evaluable images; new therapy, or an event after two missed visits, "
    "censors",
}
"""Where subjects without an event are censored, by the name of the scheme."""

STATUS_WORDS: Final = {
    "done": "measured",
    "refused": "refused",
    "failed": "failed",
    "todo": "not yet measured",
    "leased": "not yet measured",
}


def signed(value: float, digits: int) -> str:
    """Write a change with its sign."""
    text = rounded(value, digits)
    plain = text not in {NOTHING} and not text.startswith("−")  # noqa: RUF001
    return f"+{text}" if plain and text.strip("0.") else text


def change(percent: float) -> str:
    """Write a change in percent with its sign, as the reasons of responses do.

    One decimal, halves up; more where one would show a whole percent that it is not, such as
    19.96 as the 20 of a cut-off.
    """
    if not math.isfinite(percent):
        return NOTHING
    exact = round(float(percent), 9)  # quotients such as 39.99999999999999 are 40
    for digits in range(1, MOST_DECIMALS + 1):
        shown = Decimal(repr(exact)).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
        if shown % 1 or shown == Decimal(repr(exact)):
            break
    return signed(float(shown), digits)


def count_of(k: int, n: int) -> str:
    """Write k of n with its percentage."""
    return f"{k}/{n} ({percent(k / n)} %)" if n else f"{k}/{n}"


def proportion(found: Proportion) -> str:
    """Write a proportion as k/n, percent and limits."""
    if found.n == 0:
        return NOTHING
    limits = f"{percent(found.lower)}{DASH}{percent(found.upper)}"
    return f"{found.events}/{found.n} ({percent(found.estimate)} %; {limits})".replace(" ", FIXED)


def difference(found: Difference) -> str:
    """Write a difference of proportions in percentage points."""
    if math.isnan(found.estimate):
        return NOTHING
    limits = f"{signed(100 * found.lower, 1)} to {signed(100 * found.upper, 1)}"
    return f"{signed(100 * found.estimate, 1)} ({limits})"


def flags_in_words(cell: Any) -> list[str]:
    """Split a cell such as ``low_cnr(1.31);oil(0.2)`` into sentences."""
    if pd.isna(cell) or not str(cell).strip():
        return []
    return [_flag(part.strip()) for part in str(cell).split(";") if part.strip()]


def _flag(written: str) -> str:
    """Return the sentence of one flag with its value."""
    match = re.fullmatch(r"([^()]+)\(([^()]*)\)", written)
    code, value = (match.group(1), match.group(2)) if match else (written, "")
    of_series = REASONS.get(code)
    known = FLAG_WORDS.get(code, of_series.sentence if of_series else "")
    words = known or code.replace("_", " ")
    note = "" if is_doubtful(code) else "note: "
    if not value or code in WITHOUT_VALUE:
        return note + words
    if code in SHARES:
        return f"{note}{words} [{rounded(100 * float(value), 1)} %]"
    shown = " ".join(part for part in (_short(value), FLAG_UNITS.get(code, "")) if part)
    return f"{note}{words} [{shown}]"


def _short(value: str) -> str:
    """Write the value of a flag with two decimals at most; what is no number as it is."""
    if not re.fullmatch(r"[+-]?\d+\.\d{3,}", value):
        return value
    return rounded(float(value), 2 if abs(float(value)) < 1 else 1)


def text_of(cell: Any, missing: str = NOTHING) -> str:
    """Write a text cell."""
    return missing if pd.isna(cell) else str(cell)


def day(cell: Any) -> str:
    """Write a date as ISO."""
    return NOTHING if pd.isna(cell) else pd.Timestamp(cell).date().isoformat()


def visit(timepoint: Any) -> str:
    """Write a timepoint: the baseline by its name; missing as a dash."""
    if pd.isna(timepoint):
        return NOTHING
    return str(int(timepoint)) if int(timepoint) else "baseline"


HEADINGS = {
    "child_pugh": "Child-Pugh class",
    "child_pugh_points": "Child-Pugh points",
    "albi_score": "ALBI score",
    "albi_grade": "ALBI grade",
    "up_to_seven": "Within up-to-seven",
    "bclc": "BCLC stage",
    "ecog": "ECOG",
    "afp": "AFP",
    "inr": "INR",
    "bilirubin_umol_l": "Bilirubin, µmol/L",
    "bilirubin_mg_dl": "Bilirubin, mg/dL",
    "albumin_g_l": "Albumin, g/L",
    "albumin_g_dl": "Albumin, g/dL",
    "n_tumours": "Number of tumours",
}
"""Covariates whose name is not what a table prints."""


ACRONYMS = {
    word.lower(): word
    for word in ("AFP", "ALT", "AST", "CEA", "ECOG", "BCLC", "HBV", "HCC", "HCV", "HIV", "INR",
                 "MVI", "PVT", "RFA", "SIRT", "TACE", "TARE", "TIPS", "TNM")
}  # fmt: skip
"""Words of a covariate's name that are written in capitals."""

LEVELS = {"true": "yes", "false": "no"}


def level(word: str) -> str:
    """Write a level of a covariate: `true` as yes, `hepatitis_b` as hepatitis B."""
    words = LEVELS.get(word.lower(), word.replace("_", " ").strip() or word)
    return re.sub(r"(?<=hepatitis )[a-e]\b", lambda kind: kind[0].upper(), words)


def heading(column: str) -> str:
    """Write the name of a covariate's column: `age_years` as Age, years."""
    if column in HEADINGS:
        return HEADINGS[column]
    words = " ".join(ACRONYMS.get(word, word) for word in column.split("_")).strip()
    for unit in ("years", "mm", "cm", "months", "days"):
        if words.endswith(f" {unit}"):
            words = f"{words.removesuffix(f' {unit}')}, {unit}"
    return words[:1].upper() + words[1:]
