"""Mutants of whole series: refused, flagged, or what their bytes say to a slow reading.

`SUMDIAM_MUTANTS` and `SUMDIAM_MUTANT_SEED` set how many the slow test makes, and from which seed.
"""

import dataclasses
import os

import numpy as np
import pytest

from tests.imaging.mutator.base import bases
from tests.imaging.mutator.independent import read_slices
from tests.imaging.mutator.judge import judge
from tests.imaging.mutator.kind import Kind
from tests.imaging.mutator.reading import LONGEST_S, MOST_BYTES, Apart, load
from tests.imaging.mutator.run import KINDS, mutant, put, run

_SELF_CONSISTENT = {
    "last_slices_missing",
    "pixels_of_two_slices_exchanged",
    "whole_series_moved",
    "whole_series_stretched_without_a_stated_spacing",
    "all_slices_PixelSpacing_[1.0,1.0]",
    "all_slices_PixelSpacing_[0.8,0.7]",
    "all_slices_ImageOrientationPatient_[0,1,0,-1,0,0]",
    "all_slices_ImageOrientationPatient_[-1,0,0,0,1,0]",
    "all_slices_ImageOrientationPatient_[1,0,0,0,0.9986295,0.052336]",  # where tilted already
    "all_slices_Rows_40_Columns_32",
    "shared_spacing_changed",
}
"""Changes that no reader can tell, as nothing in the files contradicts them."""


def check(result, count):
    """Nothing died, hung, took too much, was silently wrong, or went unnoticed."""
    assert result.wrong == []
    assert result.count == count
    assert set(result.unseen) <= _SELF_CONSISTENT
    assert result.longest_s < LONGEST_S
    assert result.peak_bytes < MOST_BYTES


def test_no_mutant_is_silently_wrong(tmp_path):
    check(run(20240301, 150, tmp_path), 150)


@pytest.mark.slow
def test_no_mutant_of_thousands_is_silently_wrong(tmp_path):
    count = int(os.environ.get("SUMDIAM_MUTANTS", "2000"))
    result = run(int(os.environ.get("SUMDIAM_MUTANT_SEED", "1")), count, tmp_path)
    check(result, count)
    if count >= 2000:
        assert sum(n for (family, _), n in result.outcomes.items() if family == "structural") > 500


def test_what_no_reader_can_tell_is_listed_and_all_else_must_be_noticed():
    assert {kind.name for kind in KINDS if kind.unseen} == _SELF_CONSISTENT
    assert len({(kind.name, kind.multiframe) for kind in KINDS}) == len(KINDS)


def test_a_mutant_is_made_again_by_its_seed_and_number():
    series = bases()
    for number in range(20):
        one, two = mutant(3, number, series), mutant(3, number, series)
        assert (one.kind, one.files) == (two.kind, two.files)
        assert one.files != mutant(4, number, series).files


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """An undamaged series: its base, both readings, its volume."""
    base = bases()[0]
    folder = put(base.files, tmp_path_factory.mktemp("mutator") / "plain")
    apart = Apart()  # this process may hold a gigabyte of other tests, and is weighed
    try:
        found = apart.run(load, folder)
    finally:
        apart.end()
    return base, found, read_slices(folder), found.volumes[0][0]


_BYTES = Kind("none", "bytes", lambda _files, _rng: None, multiframe=False)


def test_the_judge_finds_an_undamaged_series_right(plain):
    base, found, slow, whole = plain
    verdict = judge(base, _BYTES, found, slow, whole)
    assert (verdict.outcome, verdict.wrong) == ("unchanged", [])


def test_the_judge_finds_a_wrong_value_a_wrong_place_and_a_wrong_padding(plain):
    base, found, slow, whole = plain
    values = whole.array.copy()
    values[3, 4, 5] += 1
    affine = whole.geometry.affine.copy()
    affine[:3, 2] *= 1.02
    padding = np.zeros(values.shape, bool)
    padding[0, 0, 0] = True
    for wrong in (
        dataclasses.replace(whole, array=values),
        dataclasses.replace(whole, geometry=dataclasses.replace(whole.geometry, affine=affine)),
        dataclasses.replace(whole, padding=padding),
    ):
        seen = dataclasses.replace(found, volumes=[(wrong, found.volumes[0][1])])
        assert judge(base, _BYTES, seen, slow, whole).wrong


def test_the_judge_wants_a_structural_change_noticed_and_a_process_alive(plain):
    base, found, slow, whole = plain
    structural = dataclasses.replace(_BYTES, family="structural")
    assert judge(base, structural, found, slow, whole).wrong
    assert not judge(base, dataclasses.replace(structural, unseen="so"), found, slow, whole).wrong
    assert judge(base, _BYTES, "crash", slow, whole).wrong == ["crash"]
    slowly = dataclasses.replace(found, seconds=LONGEST_S + 1)
    assert judge(base, _BYTES, slowly, slow, whole).wrong
    heavy = dataclasses.replace(found, peak_bytes=MOST_BYTES + 1)
    assert judge(base, _BYTES, heavy, slow, whole).wrong
