"""Agreement of readers, against published tables and the definition written out."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from stats.agreement import RatingsError, fleiss_kappa

# Fleiss 1971, table 1: 30 patients, 6 psychiatrists, 5 diagnoses; counts per patient.
FLEISS_1971 = [
    (0, 0, 0, 6, 0), (0, 3, 0, 0, 3), (0, 1, 4, 0, 1), (0, 0, 0, 0, 6), (0, 3, 0, 3, 0),
    (2, 0, 4, 0, 0), (0, 0, 4, 0, 2), (2, 0, 3, 1, 0), (2, 0, 0, 4, 0), (0, 0, 0, 0, 6),
    (1, 0, 0, 5, 0), (1, 1, 0, 4, 0), (0, 3, 3, 0, 0), (1, 0, 0, 5, 0), (0, 2, 0, 3, 1),
    (0, 0, 5, 0, 1), (3, 0, 0, 1, 2), (5, 1, 0, 0, 0), (0, 2, 0, 4, 0), (1, 0, 2, 0, 3),
    (0, 0, 0, 0, 6), (0, 1, 0, 5, 0), (0, 2, 0, 1, 3), (2, 0, 0, 4, 0), (1, 0, 0, 4, 1),
    (0, 5, 0, 1, 0), (4, 0, 0, 0, 2), (0, 2, 0, 4, 0), (1, 0, 5, 0, 0), (0, 0, 0, 0, 6),
]  # fmt: skip


def spelt_out(counts):
    """Write counts per category as one rating per reader."""
    return pd.DataFrame(
        [[word for word, k in zip("abcde", row, strict=False) for _ in range(k)] for row in counts]
    )


def by_hand(ratings):
    """Return kappa from its definition: pairs of readers who agree, against pairs at random."""
    rows = ratings.to_numpy()
    agreed = np.mean([[a == b for a, b in itertools.combinations(row, 2)] for row in rows])
    _, counts = np.unique(rows, return_counts=True)
    chance = ((counts / counts.sum()) ** 2).sum()
    return (agreed - chance) / (1 - chance)


def test_the_published_table_of_fleiss_gives_its_published_kappa():
    found = fleiss_kappa(spelt_out(FLEISS_1971))
    assert round(found.estimate, 3) == 0.430
    assert (found.n, found.n_readers, found.n_missing) == (30, 6, 0)


@pytest.mark.parametrize("seed", range(4))
def test_kappa_is_what_its_definition_gives(seed):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, (40, 1))
    ratings = pd.DataFrame(np.where(rng.random((40, 4)) < 0.6, truth, rng.integers(0, 3, (40, 4))))
    assert fleiss_kappa(ratings).estimate == pytest.approx(by_hand(ratings), abs=1e-12)


def test_the_standard_error_is_near_that_of_leaving_out_one_subject_at_a_time():
    ratings = spelt_out(FLEISS_1971 * 4)
    left_out = np.array([by_hand(ratings.drop(index=row)) for row in ratings.index])
    n = len(left_out)
    jackknife = math.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())
    assert fleiss_kappa(ratings).standard_error == pytest.approx(jackknife, rel=0.03)


def test_the_interval_holds_a_known_kappa_as_often_as_it_says():
    # two categories, each reader right with 0.8: kappa = (2 * 0.8 - 1)^2
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(200):
        truth = rng.random((93, 1)) < 0.5
        seen = np.where(rng.random((93, 3)) < 0.8, truth, ~truth)
        found = fleiss_kappa(pd.DataFrame(seen))
        held += found.lower <= 0.36 <= found.upper
    assert 180 <= held <= 198


def test_full_agreement_is_1_and_the_upper_limit_is_never_more():
    found = fleiss_kappa(pd.DataFrame({"A": list("xyxy"), "B": list("xyxy")}))
    assert (found.estimate, found.upper) == (1.0, 1.0)


def test_subjects_whom_a_reader_left_out_are_counted_and_not_used():
    ratings = spelt_out(FLEISS_1971).rename(columns=str)
    gaps = pd.concat([ratings, ratings.iloc[:3].assign(**{"2": None})], ignore_index=True)
    found, whole = fleiss_kappa(gaps), fleiss_kappa(ratings)
    assert (found.estimate, found.n, found.n_missing) == (whole.estimate, 30, 3)


@pytest.mark.parametrize(
    ("ratings", "why"),
    [
        ({"A": ["x", "x", "x"], "B": ["x", "x", "x"]}, "one category"),
        ({"A": ["x", None], "B": ["x", "y"]}, "fewer than two"),
        ({"A": [], "B": []}, "fewer than two"),
    ],
)
def test_where_kappa_has_no_value_the_note_says_why(ratings, why):
    found = fleiss_kappa(pd.DataFrame(ratings))
    assert math.isnan(found.estimate)
    assert why in found.note


def test_one_reader_or_a_percent_as_level_is_refused():
    with pytest.raises(RatingsError, match="two readers or more"):
        fleiss_kappa(pd.DataFrame({"A": ["x", "y"]}))
    with pytest.raises(RatingsError, match="between 0 and 1"):
        fleiss_kappa(pd.DataFrame({"A": ["x", "y"], "B": ["x", "y"]}), level=95)


def test_categories_are_compared_by_value_not_by_how_a_column_holds_them():
    whole = pd.Series([1, 2, 1, 2, 3], dtype="Int64")
    found = fleiss_kappa(pd.DataFrame({"A": whole, "B": whole.astype("float64")}))
    assert (found.estimate, len(found.categories)) == (1.0, 3)
