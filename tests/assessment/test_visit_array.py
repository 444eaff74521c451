"""Arrays by visit against plain loops."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from assessment.visit_array import (
    Cells,
    any_of_case,
    by_visit,
    earlier,
    ever,
    first_rank,
    highest_earlier,
    lowest_earlier,
    packed,
    per_case,
    rank_of_first,
    rows_of,
)

MANY = settings(max_examples=60, deadline=None)
SHAPE = st.tuples(st.integers(1, 6), st.integers(1, 5))
FLAGS = arrays(bool, SHAPE)
VALUES = arrays(np.int64, SHAPE, elements=st.integers(-5, 50))


@MANY
@given(FLAGS)
def test_what_was_set_before_is_known_at_every_visit(flags):
    for lesion, row in enumerate(flags.tolist()):
        for rank in range(len(row)):
            assert ever(flags)[lesion, rank] == any(row[: rank + 1])
            assert earlier(flags)[lesion, rank] == any(row[:rank])
        assert first_rank(flags)[lesion] == (row.index(True) if any(row) else 0)


@MANY
@given(VALUES)
def test_extremes_before_every_visit(values):
    for lesion, row in enumerate(values.tolist()):
        for rank in range(len(row)):
            assert lowest_earlier(values, 99)[lesion, rank] == min([99, *row[:rank]])
            assert highest_earlier(values, -9)[lesion, rank] == max([-9, *row[:rank]])


@MANY
@given(st.lists(st.integers(0, 4), min_size=1, max_size=5), st.integers(1, 7), st.data())
def test_lesions_are_summed_and_flags_counted_case_by_case(sizes, n_flags, data):
    """Cases without a lesion stand anywhere."""
    bounds, n = np.append(0, np.cumsum(sizes)), sum(sizes)
    shape = (n, 3)
    values = data.draw(arrays(np.int64, shape, elements=st.integers(0, 9)))
    flags = [data.draw(arrays(bool, shape)) for _ in range(n_flags)]
    member = data.draw(arrays(bool, (n,)))
    counts = packed(flags, bounds).counts(member, bounds)
    for case, (start, end) in enumerate(itertools.pairwise(bounds)):
        assert per_case(values, bounds)[case].tolist() == values[start:end].sum(axis=0).tolist()
        assert (
            any_of_case(flags[0], bounds)[case].tolist() == flags[0][start:end].any(axis=0).tolist()
        )
        for flag, count in zip(flags, counts, strict=True):
            chosen = flag[start:end][member[start:end]]
            assert count[case].tolist() == chosen.sum(axis=0).tolist()


def test_more_flags_than_fit_side_by_side_are_counted_all_the_same():
    bounds = np.array([0, 5000])
    flags = [np.arange(5000)[:, None] % (n + 2) == 0 for n in range(9)]
    made = packed(flags, bounds)
    assert len(made.numbers) > 1
    counts = made.counts(np.ones(5000, dtype=bool), bounds)
    assert [int(c[0, 0]) for c in counts] == [int(f.sum()) for f in flags]


def test_cells_are_rows_case_by_case_whatever_the_layout():
    flags = np.array([[True, False, True], [False, True, True]])
    values = np.arange(6).reshape(2, 3)
    for laid_out in (values, by_visit(values)):
        cells = Cells.where(by_visit(flags))
        assert cells.of(laid_out).tolist() == values[flags].tolist()
        assert (cells.case.tolist(), cells.rank.tolist()) == tuple(
            axis.tolist() for axis in np.nonzero(flags)
        )
        late = cells.kept(cells.rank > 1)
        assert late.of(laid_out).tolist() == [2, 5]
    assert rows_of(by_visit(values), np.array([1, 1])).tolist() == [[3, 4, 5], [3, 4, 5]]
    assert rank_of_first(flags & [[False], [True]]).tolist() == [-1, 1]
