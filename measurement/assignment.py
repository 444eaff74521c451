"""Who goes with whom at the least cost, and how much worse the best other answer is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Costs = NDArray[np.float64]

FORBIDDEN = 1e6
"""Cost of a pair that cannot be; far above every sum of real ones."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """A row with a column, or one of them alone.

    Parameters
    ----------
    row, column : index, None where the other one stays alone
    cost : what this pairing adds to the total
    margin : how much more the best assignment without this pairing costs in all; None where there
        is none
    """

    row: int | None
    column: int | None
    cost: float
    margin: float | None


def gated_assignment(cost: Costs, *, alone: float) -> tuple[Pairing, ...]:
    """Return the pairings of least total cost, each with its margin.

    Parameters
    ----------
    cost : (n, m) array
        Of each row with each column; infinite where they cannot go together.
    alone : float
        Cost of a row or a column that stays alone. A pair that costs more than two of them never
        goes together: that is the gate.

    Returns
    -------
    tuple of Pairing
        Rows in order, then the columns that stay alone.

    Raises
    ------
    ValueError
        If a cost is negative or not a number.

    Notes
    -----
    The assignment problem with a dummy column for every row and a dummy row for every column
    (`scipy.optimize.linear_sum_assignment`). A margin is found by solving it again with that one
    pairing forbidden.

    Examples
    --------
    >>> import numpy as np
    >>> found = gated_assignment(np.array([[0.25, 9.0], [9.0, 9.0]]), alone=1.0)
    >>> [(one.row, one.column, one.margin) for one in found]
    [(0, 0, 1.75), (1, None, 7.0), (None, 1, 7.0)]
    """
    if np.isnan(cost).any() or (cost < 0.0).any() or alone < 0.0:
        msg = "a cost of an assignment is negative or not a number"
        raise ValueError(msg)
    rows, columns = cost.shape
    square = _with_dummies(cost, alone)
    chosen = _solved(square)
    total = _total(square, chosen)
    found = []
    for place, other in enumerate(chosen):
        if place >= rows and other >= columns:
            continue
        without = square.copy()
        without[place, other] = FORBIDDEN
        rest = _total(without, _solved(without))
        found.append(
            Pairing(
                row=place if place < rows else None,
                column=int(other) if other < columns else None,
                cost=float(square[place, other]),
                margin=None if rest >= FORBIDDEN else float(max(rest - total, 0.0)),
            )
        )
    return tuple(found)


def _with_dummies(cost: Costs, alone: float) -> Costs:
    """Return the square matrix in which everyone may also go with a dummy of its own."""
    rows, columns = cost.shape
    square = np.full((rows + columns, rows + columns), FORBIDDEN)
    square[:rows, :columns] = np.where(np.isfinite(cost), cost, FORBIDDEN)
    square[np.arange(rows), columns + np.arange(rows)] = alone
    square[rows + np.arange(columns), np.arange(columns)] = alone
    square[rows:, columns:] = 0.0
    return square


def _solved(square: Costs) -> NDArray[np.intp]:
    """Return the column of each row in the assignment of least cost."""
    return np.asarray(linear_sum_assignment(square)[1])


def _total(square: Costs, chosen: NDArray[np.intp]) -> float:
    """Return the cost of an assignment."""
    return float(square[np.arange(len(chosen)), chosen].sum())
