"""Sums over the targets in whole steps of their unit: per case, visit by visit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assessment.code import NOT_MEASURED, Bools, Ints, choose
from assessment.visit_array import Packed, earlier, filled, lowest_earlier, packed, per_case

NO_SUM = -1


@dataclass(frozen=True, slots=True)
class Sums:
    """Targets of each case: (case, rank) arrays, but `n_expected` and `baseline` (case).

    Attributes
    ----------
    total : of the targets measured, in whole steps of the unit that is summed
    n_measured, n_expected : how many targets were measured, and how many there are
    complete : every target is measured
    all_gone : every target is gone; nodes under 10 mm may leave a sum
    any_present : a target is measured and not gone
    returned : a target that was gone before is there again
    returned_large : a target that was 0 before is as large as the rule set's `reappears_from`
    grown : a target has grown from its own smallest value by the percentage asked for
    baseline : sum at baseline, NO_SUM if it is not complete
    """

    total: Ints
    n_measured: Ints
    n_expected: Ints
    complete: Bools
    all_gone: Bools
    any_present: Bools
    returned: Bools
    returned_large: Bools
    grown: Bools
    baseline: Ints


def sum_targets(
    value: Ints,
    gone: Bools,
    target: Bools,
    bounds: Ints,
    *,
    reappears_from: int,
    lesion_percent: int | None = None,
) -> Sums:
    """Return the sums over the targets of each case.

    Parameters
    ----------
    value : (lesion, rank) whole steps of the unit, NOT_MEASURED where there is none
    gone : (lesion, rank)
    target : (lesion,) which lesions are summed
    bounds : (case + 1,) first lesion of each case, and the end
    reappears_from : whole steps of the unit
    lesion_percent : look for targets that grew by so much from their own nadir; else none is
    """
    flags = target_flags(
        value, gone, bounds, reappears_from=reappears_from, lesion_percent=lesion_percent
    )
    return count_targets(value, flags, target, bounds).sums


def target_flags(
    value: Ints, gone: Bools, bounds: Ints, *, reappears_from: int, lesion_percent: int | None
) -> Packed:
    """Return what is to be counted of each lesion, were it a target; parameters as there."""
    measured = value != NOT_MEASURED
    present = measured & ~gone
    returned = present & vanished_before(present, gone)
    large = large_again(value, gone, value, reappears_from)
    flags = [measured, gone, present, returned, large]
    if lesion_percent is not None:
        flags.append(_grown(value, measured, lesion_percent))
    return packed(flags, bounds)


def large_again(value: Ints, gone: Bools, length: Ints, reappears_from: int) -> Bools:
    """Return where a lesion that was 0 before is there with a length of so much or more."""
    present = (value != NOT_MEASURED) & ~gone
    return np.asarray(present & earlier(gone & (value == 0)) & (length >= reappears_from))


@dataclass(frozen=True, slots=True)
class Counted:
    """Totals over some targets of each case, (case, rank) but `n` (case); they can be subtracted.

    Attributes
    ----------
    total : sum of the values
    n : how many targets
    flags : how many of them have each of the flags of `target_flags`
    """

    total: Ints
    n: Ints
    flags: tuple[Ints, ...]

    def without(self, part: Counted) -> Counted:
        """Return the totals over the others."""
        flags = zip(self.flags, part.flags, strict=True)
        return Counted(
            self.total - part.total, self.n - part.n, tuple(one - other for one, other in flags)
        )

    @property
    def sums(self) -> Sums:
        """The sums over the targets."""
        n_measured, n_gone, n_present, n_returned, n_large, *n_grown = self.flags
        complete = n_measured == self.n[:, None]
        nobody = filled(self.total.shape, value=False, dtype=bool)
        return Sums(
            total=self.total,
            n_measured=n_measured,
            n_expected=self.n,
            complete=complete,
            all_gone=(n_gone == self.n[:, None]) & (self.n > 0)[:, None],
            any_present=n_present > 0,
            returned=n_returned > 0,
            returned_large=n_large > 0,
            grown=n_grown[0] > 0 if n_grown else nobody,
            baseline=choose(complete[:, 0], self.total[:, 0], NO_SUM),
        )


def count_targets(value: Ints, flags: Packed, target: Bools, bounds: Ints) -> Counted:
    """Return the totals over the targets of each case from their values and flags."""
    total = per_case(np.maximum(value, 0) * target[:, None], bounds)
    return Counted(total, per_case(target, bounds), tuple(flags.counts(target, bounds)))


def _grown(value: Ints, measured: Bools, percent: int) -> Bools:
    """Return which lesions grew from their smallest value before by a percentage of it."""
    low = lowest_before(value, measured)
    return np.asarray((low > 0) & (100 * (value - low) >= percent * low))  # missing is no growth


def vanished_before(present: Bools, gone: Bools) -> Bools:
    """Return whether a lesion had been there and then gone, before the visit."""
    return earlier(gone & earlier(present))


def lowest_before(total: Ints, eligible: Bools) -> Ints:
    """Return the smallest eligible sum before each visit, NO_SUM where there is none.

    Rank 0 is given its own sum, as the nadir includes the baseline.
    """
    huge = np.iinfo(np.int64).max
    own = choose(eligible, total, huge)
    low = lowest_earlier(own, huge)
    low[:, 0] = own[:, 0]
    low[low == huge] = NO_SUM
    return low
