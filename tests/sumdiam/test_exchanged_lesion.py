"""Ids that change places between two visits are doubted, by where the lesions lie."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sumdiam.batch.exchanged_lesion import exchanged_lesions

PLACES = {"A": (-40.0, -4.0, 0.0), "B": (-66.0, 20.0, 12.0), "C": (-20.0, 30.0, -40.0)}
BREATH = (3.0, -6.0, 21.0)
"""How far the whole liver lies from where it lay."""


def measured(visits) -> pd.DataFrame:
    """Lengths of 10 mm along x about the middles of lesions, one dict per visit."""
    rows = []
    for timepoint, places in enumerate(visits):
        for lesion, (x, y, z) in places.items():
            ends = dict(zip(("end1_x_mm", "end1_y_mm", "end1_z_mm"), (x - 5, y, z), strict=True))
            ends |= dict(zip(("end2_x_mm", "end2_y_mm", "end2_z_mm"), (x + 5, y, z), strict=True))
            rows.append(
                {
                    "measurement_id": f"{lesion}{timepoint}", "subject_id": "S1", "reader": "auto",
                    "lesion_id": lesion, "timepoint": timepoint, "quantity": "whole_diameter",
                    "accepted": True, "mask_id": f"{timepoint}#{lesion}", **ends,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def masks(**persons) -> pd.DataFrame:
    return pd.DataFrame(
        [{"mask_id": "0#A", "decided_by": "auto"}]
        + [{"mask_id": f"1#{name}", "decided_by": who} for name, who in persons.items()]
    )


def moved(places, by=BREATH):
    return {name: tuple(np.add(place, by)) for name, place in places.items()}


def renamed(places, names):
    return {names.get(name, name): place for name, place in places.items()}


SWAP = {"A": "B", "B": "A"}
ROUND = {"A": "B", "B": "C", "C": "A"}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (SWAP, "A lies where B lay, B lies where A lay at timepoint 0"),
        (ROUND, "A lies where C lay, B lies where A lay, C lies where B lay at timepoint 0"),
    ],
)
def test_lesions_whose_ids_go_round_are_named_though_the_liver_has_moved(names, said):
    table = measured([PLACES, renamed(moved(PLACES), names)])
    [problem] = exchanged_lesions(table, masks())
    assert problem.where == "subject S1, reader auto, timepoint 1"
    assert said in problem.sentence
    assert not problem.refused


def test_an_exchange_that_lasts_is_told_once_and_one_undone_twice():
    swapped = renamed(PLACES, SWAP)
    assert len(exchanged_lesions(measured([PLACES, swapped, swapped]), masks())) == 1
    assert len(exchanged_lesions(measured([PLACES, swapped, PLACES]), masks())) == 2


@pytest.mark.parametrize(
    "later",
    [
        moved(PLACES),
        {"A": PLACES["B"]},  # one lesion alone says nothing
        {"A": PLACES["A"], "B": (-10.0, -30.0, 60.0), "C": PLACES["C"]},  # nobody lay there
        renamed({"A": PLACES["A"], "B": (-40.0, 12.0, 0.0)}, SWAP),  # 16 mm beside each other
    ],
)
def test_lesions_that_lie_where_they_lay_or_where_none_lay_are_not_doubted(later):
    first = PLACES if len(later) != 2 else {"A": PLACES["A"], "B": (-40.0, 12.0, 0.0)}
    assert exchanged_lesions(measured([first, later]), masks()) == ()


def test_neighbours_that_touch_do_not_hide_an_exchange_far_from_them():
    near = {"D": (-90.0, 0.0, 0.0), "E": (-90.0, 8.0, 0.0)}
    later = renamed(PLACES, SWAP) | renamed(near, {"D": "E", "E": "D"})
    [problem] = exchanged_lesions(measured([PLACES | near, later]), masks())
    assert "(A lies where B lay, B lies where A lay at timepoint 0)" in problem.sentence


def test_a_bend_of_the_liver_by_9_mm_is_no_exchange():
    random = np.random.default_rng(7)
    for _ in range(200):
        first = {name: tuple(random.uniform(-80, 80, 3)) for name in "ABCDE"}
        bend = random.normal(size=(5, 3))
        bend *= 9.0 / np.linalg.norm(bend, axis=1, keepdims=True)
        later = {name: tuple(np.add(first[name], b)) for name, b in zip("ABCDE", bend, strict=True)}
        assert exchanged_lesions(measured([first, later]), masks()) == ()


def test_what_a_person_decided_is_not_doubted():
    table = measured([PLACES, renamed(PLACES, SWAP)])
    assert exchanged_lesions(table, masks(A="reader-7", B="reader-7", C="auto")) == ()


def test_a_rejected_length_and_one_without_ends_have_no_place():
    table = measured([PLACES, renamed(PLACES, SWAP)])
    for change in ({"accepted": False}, {"end1_x_mm": np.nan}):
        assert exchanged_lesions(table.assign(**change), masks()) == ()
