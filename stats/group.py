"""The groups that are compared, in the order in which they are shown."""

from __future__ import annotations

from typing import Any

import pandas as pd


def names_in_order(group: pd.Series[Any]) -> tuple[str, ...]:
    """Return the names of the groups that occur.

    Parameters
    ----------
    group : Series of text or categories, missing allowed
        Ordered categories keep their order; anything else is sorted.
    """
    present = set(group.dropna().astype(str))
    if isinstance(group.dtype, pd.CategoricalDtype) and group.dtype.ordered:
        return tuple(str(name) for name in group.dtype.categories if str(name) in present)
    return tuple(sorted(present))
