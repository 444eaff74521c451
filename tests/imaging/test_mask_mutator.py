"""Mutants of masks: refused, flagged, or the voxels that their bytes say to a slow reading.

`SUMDIAM_MUTANTS` and `SUMDIAM_MUTANT_SEED` set how many the slow test makes, and from which seed.
"""

import dataclasses
import os

import pytest

from tests.imaging.mask_mutator.base import BOX, HOLE, OTHER, bases
from tests.imaging.mask_mutator.damage import KINDS
from tests.imaging.mask_mutator.independent import read_slowly
from tests.imaging.mask_mutator.run import judge, load, mutant, run
from tests.imaging.mutator.kind import Kind
from tests.imaging.mutator.reading import LONGEST_S
from tests.imaging.mutator.run import put


def check(result, count):
    """Nothing died, hung, was silently wrong or went unnoticed."""
    assert result.wrong == []
    assert result.count == count
    assert result.longest_s < LONGEST_S


def test_no_mutant_of_a_mask_is_silently_wrong(tmp_path):
    check(run(20240301, 150, tmp_path), 150)


@pytest.mark.slow
def test_no_mutant_mask_of_thousands_is_silently_wrong(tmp_path):
    count = int(os.environ.get("SUMDIAM_MUTANTS", "2000"))
    check(run(int(os.environ.get("SUMDIAM_MUTANT_SEED", "1")), count, tmp_path), count)


def test_both_readings_find_the_undamaged_masks(tmp_path):
    for base in bases(tmp_path / "bases"):
        folder = put(base.files, tmp_path / "m")
        found, slow = load(folder), read_slowly(folder)
        assert isinstance(slow, dict), (base.name, slow)
        assert found.voxels == {number: voxels for number, (voxels, _) in slow.items()}, base.name
        if base.kind != "structures":
            assert found.voxels == {1: BOX - HOLE, 2: OTHER}


def test_a_mutant_mask_is_made_again_by_its_seed_and_number(tmp_path):
    masks = bases(tmp_path / "bases")
    for number in range(20):
        assert mutant(3, number, masks) == mutant(3, number, masks)
    assert {kind.family for kinds in KINDS.values() for kind in kinds} == {
        "harmless", "structural", "value", "bytes",
    }  # fmt: skip


def test_the_judge_finds_a_wrong_voxel_a_missing_segment_and_what_went_unnoticed(tmp_path):
    base = bases(tmp_path / "bases")[0]
    folder = put(base.files, tmp_path / "m")
    found, slow = load(folder), read_slowly(folder)
    kind = Kind("none", "bytes", lambda _files, _rng: None, multiframe=False)
    assert judge(kind, found, slow, found) == ("unchanged", "")
    fewer = {number: set(sorted(voxels)[1:]) for number, voxels in found.voxels.items()}
    one = {1: found.voxels[1]}
    for voxels in (fewer, one):
        seen = dataclasses.replace(found, voxels=voxels)
        assert judge(kind, seen, slow, found)[1]
        assert judge(kind, seen, "unreadable", found)[1]
        assert not judge(kind, dataclasses.replace(seen, refused="mask_unreadable"), slow, found)[1]
    structural = dataclasses.replace(kind, family="structural")
    assert judge(structural, found, slow, found)[1]
    assert judge(kind, "crash", slow, found)[1] == "crash"
    assert judge(kind, dataclasses.replace(found, seconds=LONGEST_S), slow, found)[1]
