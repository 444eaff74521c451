"""Printed against reproduced: print, true lengths and pixels side by side, with two verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from sumdiam.demo.cohort.comparison import (
    CONTRADICTS,
    CUT,
    DIFFERS,
    EQUAL,
    NOT_MET,
    UNKNOWN,
    WITHIN,
    Compared,
    compared,
    verdict,
)

COLUMNS = (
    "where", "what", "printed", "from_true_lengths", "verdict", "true_lengths_of_those_measured",
    "from_pixels", "verdict_of_pixels", "why",
)  # fmt: skip
TOLERATED = {"dpr, ": (1.0, "within 1 point"), "target_size, ": (1.0, "within 1 mm")}
"""What pixels may add to percentages and millimetres, by how the figure's name begins."""
AMOUNTS = ("median", "mean")
"""How the names of figures end that may be printed as whole numbers and are no counts."""
LENGTHLESS = "no length is in it"
"""Of rows about the print itself, and of figures that no length can change as long as the same
patients are analysed."""
NEITHER = "cannot be estimated from either"
_NO_LENGTH = ("OS", "follow-up images", "first_scan")
"""How the names of figures begin that hang on dates and tables alone."""


@dataclass(frozen=True, slots=True)
class Reproduced:
    """One printed figure of the paper, and what came of it.

    Parameters
    ----------
    printed : as in the paper
    true : from the true lengths of all 177
    verdict : of that against print
    true_here : from the true lengths of the patients who were measured
    pixels : from the pixels of these
    pixel_verdict : against print where all were measured, else against ``true_here``
    """

    where: str
    what: str
    printed: str
    true: str
    verdict: str
    true_here: str
    pixels: str
    pixel_verdict: str
    why: str


def reproduced(
    everybody: pd.DataFrame, here: pd.DataFrame, measured: pd.DataFrame
) -> tuple[Reproduced, ...]:
    """Return every printed figure with what true lengths and pixels give.

    Parameters
    ----------
    everybody : tables of `rederived.patient_table`
        All analysed patients, from true lengths.
    here : the same of those who were imaged
    measured : the same patients, from pixels
    """
    whole = len(here) == len(everybody)
    rows = zip(compared(everybody), compared(here), compared(measured), strict=True)
    return tuple(_joined(*three, whole=whole) for three in rows)


def as_frame(rows: Iterable[Reproduced]) -> pd.DataFrame:
    """Return the comparison as a table of text."""
    cells = [
        (
            r.where, r.what, r.printed, r.true, r.verdict, r.true_here, r.pixels, r.pixel_verdict,
            r.why,
        )
        for r in rows
    ]  # fmt: skip
    return pd.DataFrame(cells, columns=list(COLUMNS), dtype="string")


def _joined(true: Compared, here: Compared, pixels: Compared, *, whole: bool) -> Reproduced:
    """Return one row of three."""
    if not true.where:  # about the print itself
        judged, shown, own = LENGTHLESS, "", ""
    else:
        judged = pixels.verdict if whole else against_truth(here, pixels)
        judged = _tolerated(judged, here, pixels)
        shown, own = here.reproduced, pixels.reproduced
        if shown == own and _lengthless(true):
            judged = LENGTHLESS
    why = true.why or (pixels.why if judged in {UNKNOWN, NEITHER} else "")
    return Reproduced(
        true.where, true.what, true.printed, true.reproduced, true.verdict, shown, own, judged, why
    )


def _lengthless(figure: Compared) -> bool:
    """Return whether no length can change a figure as long as the same patients are analysed."""
    if figure.where == "Table 1":
        return not figure.what.startswith("target_size")
    return figure.what.startswith(_NO_LENGTH)


def against_truth(here: Compared, pixels: Compared) -> str:
    """Return whether pixels give what true lengths give, at the decimals of print.

    Examples
    --------
    >>> one = Compared("Table 2", "dpr, all, median", "36.6", "41.044", "differs")
    >>> against_truth(one, Compared("Table 2", "dpr, all, median", "36.6", "41.020", "differs"))
    'equal'
    """
    if not here.reproduced or not pixels.reproduced:
        return NEITHER if here.reproduced == pixels.reproduced else UNKNOWN
    if here.printed.isdigit() and not here.what.endswith(AMOUNTS):
        return EQUAL if here.reproduced == pixels.reproduced else DIFFERS
    number = here.printed.lstrip("< ")
    decimals = len(number.split(".")[1]) if "." in number else 0
    word = f"{float(here.reproduced):.{decimals}f}"
    found = verdict(word, float(pixels.reproduced))
    return EQUAL if here.reproduced == pixels.reproduced else found


def _tolerated(judged: str, here: Compared, pixels: Compared) -> str:
    """Return a milder verdict where pixels are as near to the true lengths as is asked of them."""
    for begins, (most, word) in TOLERATED.items():
        if judged == DIFFERS and pixels.what.startswith(begins) and not pixels.what.endswith(" p"):
            away = abs(float(here.reproduced) - float(pixels.reproduced))
            return word if away <= most else judged
    return judged


def counted(verdicts: Iterable[str]) -> dict[str, int]:
    """Return how often there is each verdict, the best first."""
    order = [EQUAL, CUT, WITHIN, *(word for _, word in TOLERATED.values()), DIFFERS, NOT_MET,
             CONTRADICTS, UNKNOWN, NEITHER, LENGTHLESS]  # fmt: skip
    found = Counter(verdicts)
    return {name: found[name] for name in sorted(found, key=order.index)}
