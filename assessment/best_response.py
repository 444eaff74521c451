"""Best overall response, with and without confirmation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from assessment.code import (
    CR,
    NE,
    NED,
    NO_DAY,
    NON_CR_NON_PD,
    NONE,
    PD,
    PR,
    SD,
    Bools,
    Ints,
    choose,
)
from assessment.visit_array import earlier, filled, rows_of
from assessment.words import Words, first_of


@dataclass(frozen=True, slots=True)
class Best:
    """Best response of each case: code and reason."""

    code: Ints
    reason: Words


def until_progression(overall: Ints) -> Bools:
    """Return which follow-up visits count for the outcomes: up to and including first PD.

    A baseline has no response and does not count.
    """
    return np.asarray(~earlier(overall == PD) & (overall != NONE))


def best_response(
    overall: Ints, day: Ints, start_day: Ints, policy: Mapping[str, str], *, dated: Bools
) -> Best:
    """Return the best response without confirmation.

    Parameters
    ----------
    overall : (case, rank) codes
    day : (case, rank) date of each response
    start_day : (case,) where the minimum interval of SD starts
    dated : (case,) where these dates are known; without them the interval is not applied

    Source: Eisenhauer 2009, section 4.6 and table 3.
    """
    code = best_codes(overall, day, start_day, policy, dated=dated)
    return Best(code, _reasons(code, until_progression(overall), overall, dated, policy))


def best_codes(
    overall: Ints, day: Ints, start_day: Ints, policy: Mapping[str, str], *, dated: Bools
) -> Ints:
    """Return the code of the best response without confirmation; parameters as there."""
    stable = _late_enough(day, start_day, policy) | ~dated[:, None]
    return _best_codes(overall, stable, overall == CR, overall == PR, until_progression(overall))


def confirmed_best_response(
    overall: Ints,
    day: Ints,
    start_day: Ints,
    policy: Mapping[str, str],
    *,
    dated: Bools,
    without_target: Bools,
) -> Best:
    """Return the best response where CR and PR need a second one, late enough after it.

    An unconfirmed CR or PR is SD if the minimum interval is met, else as for SD; in non-target
    disease only (`without_target`, by case) it is NON-CR/NON-PD, as there is no SD.
    """
    confirmed_cr = confirmed(overall, day, policy, first=(CR,), second=(CR,))
    confirmed_pr = confirmed(overall, day, policy, first=(PR,), second=(CR, PR))
    stable = _late_enough(day, start_day, policy) | ~dated[:, None]
    counting = until_progression(overall)
    code = _best_codes(overall, stable, confirmed_cr, confirmed_pr, counting)
    reason = _reasons(code, counting, overall, dated, policy)
    return Best(choose(without_target & (code == SD), NON_CR_NON_PD, code), reason)


def confirmed(
    overall: Ints,
    day: Ints,
    policy: Mapping[str, str],
    *,
    first: tuple[int, ...],
    second: tuple[int, ...],
) -> Bools:
    """Return at which visits a response begins that a later one confirms.

    Between them lie only responses of the second kind and at most so many NE as policy says.
    """
    whole = filled(overall.shape, value=False, dtype=bool)
    begins = np.logical_or.reduce([overall == code for code in first])
    case = np.flatnonzero(begins.any(axis=1))
    overall, day = rows_of(overall, case), rows_of(day, case)
    depth = overall.shape[1]
    counting = until_progression(overall)
    starts, seconds = (
        counting & np.logical_or.reduce([overall == code for code in codes]) & (day != NO_DAY)
        for codes in (first, second)
    )
    done = np.zeros_like(starts)
    least, most = int(policy["confirmation_days"]), int(policy["ne_during_confirmation"])
    for begin in range(depth):
        open_ = starts[:, begin].copy()
        gaps = np.zeros(len(overall), dtype=np.int64)
        for rank in range(begin + 1, depth):
            response = seconds[:, rank]
            elapsed = day[:, rank] - day[:, begin]  # looked at where both are known
            done[:, begin] |= open_ & response & (elapsed >= least)
            gaps += overall[:, rank] == NE
            open_ &= response | ((overall[:, rank] == NE) & (gaps <= most))
    whole[case] = done
    return np.asarray(whole)


def _late_enough(day: Ints, start_day: Ints, policy: Mapping[str, str]) -> Bools:
    """Return which visits are far enough from the start for SD to count; both dates are known."""
    return np.asarray(day - start_day[:, None] >= int(policy["sd_minimum_days"]))


def _best_codes(
    overall: Ints, stable: Bools, complete: Bools, partial: Bools, counting: Bools
) -> Ints:
    """Return the best of CR, PR, SD, NON-CR/NON-PD, PD, NED, NE, in that order."""
    responding = (overall == CR) | (overall == PR)
    stands = [
        (CR, complete),
        (PR, partial),
        (SD, stable & ((overall == SD) | responding)),
        (NON_CR_NON_PD, stable & (overall == NON_CR_NON_PD)),
        (PD, overall == PD),
        (NED, overall == NED),
    ]
    code = np.full(len(overall), NE, dtype=np.int64)
    for category, where in reversed(stands):
        code = choose((where & counting).any(axis=1), category, code)
    return code


def _reasons(
    code: Ints,
    counting: Bools,
    overall: Ints,
    dated: Bools,
    policy: Mapping[str, str],
) -> Words:
    """Return in words why the best response is what it is."""
    early = (CR, PR, SD, NON_CR_NON_PD)
    short = (counting & np.logical_or.reduce([overall == one for one in early])).any(axis=1)
    days = policy["sd_minimum_days"]
    unconfirmed = (code == SD) & ~(counting & (overall == SD)).any(axis=1)
    early_only = f"SD only within {days} days of the start"
    return first_of(
        [
            ((code == NE) & ~counting.any(axis=1), "no assessment after baseline"),
            ((code == NE) & short, f"{early_only}, and no PD after it"),
            (code == NE, "no evaluable assessment after baseline"),
            ((code == PD) & short, f"{early_only}, then PD"),
            (code == PD, "PD without a better response before it"),
            (unconfirmed, "a response that was not confirmed"),
            (
                ~dated & ((code == SD) | (code == NON_CR_NON_PD)),
                "no_dates: the minimum interval for SD was not applied",
            ),
        ],
        "best response up to first PD",
    )
