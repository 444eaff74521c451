"""Where the disease progressed first: liver, elsewhere, or both."""

from __future__ import annotations

import numpy as np

from assessment.code import NONE, PD, Ints, first_code
from assessment.part import Part
from assessment.response import first_progression
from assessment.words import Words, first_of

SITES = ("liver", "extrahepatic", "both")
LIVER, EXTRAHEPATIC, BOTH = range(3)


def first_site(whole: Part, hepatic: Part, extrahepatic: Part) -> tuple[Ints, Words]:
    """Return the code of the first progression site and why; NONE without PD.

    Where only the joint sum is PD, the part with the larger absolute growth from its own nadir.
    """
    rank = first_progression(whole.found.overall)
    case, visit = np.arange(len(rank)), np.maximum(rank, 0)
    liver = hepatic.found.overall[case, visit] == PD
    outside = extrahepatic.found.overall[case, visit] == PD
    growth = [
        part.sums.total[case, visit] - np.maximum(part.found.nadir[case, visit], 0)
        for part in (hepatic, extrahepatic)
    ]
    code = first_code(
        [rank < 0, liver & outside, liver, outside, growth[0] > growth[1], growth[0] < growth[1]],
        [NONE, BOTH, LIVER, EXTRAHEPATIC, LIVER, EXTRAHEPATIC],
        BOTH,
    )
    reason = first_of(
        [
            (rank < 0, "no PD"),
            (liver & outside, "hepatic and extrahepatic PD"),
            (liver, "hepatic PD"),
            (outside, "extrahepatic PD"),
        ],
        "only the joint sum is PD: the part with the larger absolute growth",
    )
    return code, reason
