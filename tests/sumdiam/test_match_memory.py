"""Visits that were compared once are not registered again, and never with other files."""

import datetime as dt
from dataclasses import replace

import pydicom
import pytest

from imaging.reference_object import Ball, ReferenceLesion, hypervascular
from measurement.table import to_text
from sumdiam.archive.scan import scan_archives
from sumdiam.batch import match_memory
from sumdiam.batch.match_memory import MatchMemory
from sumdiam.batch.plan import make_plan


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory, write_study):
    root = tmp_path_factory.mktemp("remembered")
    balls = [ReferenceLesion("A", Ball(16.0, (-30.0, -4.0, 0.0)), hypervascular()),
             ReferenceLesion("B", Ball(14.0, (10.0, 6.0, 0.0)), hypervascular())]  # fmt: skip
    write_study(root / "t0", lesions=balls)
    write_study(root / "t1", visit="t1", day=dt.date(2020, 4, 2), lesions=balls)
    for path in sorted(root.rglob("seg.dcm")):
        dataset = pydicom.dcmread(path)
        for segment in dataset.SegmentSequence:
            for keyword in ("TrackingID", "TrackingUID"):
                segment.pop(keyword, None)
        dataset.save_as(path)
    return scan_archives([root])


def plan_with(catalogue, known):
    memory = MatchMemory(known)
    return make_plan(catalogue, matched=memory), memory.used


def same(one, other):
    return all(
        to_text(getattr(one, name)).equals(to_text(getattr(other, name)))
        for name in ("masks", "matches")
    )


def test_a_second_plan_takes_what_the_first_found(catalogue):
    first, kept = plan_with(catalogue, {})
    assert first.matches["relation"].tolist() == ["same", "same"]
    [(key, written)] = kept.items()
    again, used = plan_with(catalogue, kept)
    assert same(first, again)
    assert used == kept
    # what is kept is what is used: were the lesions remembered as far apart, none would be matched
    far = written.replace('"shared": [[1.0', '"shared": [[0.0')
    assert far != written
    other, _ = plan_with(catalogue, {key: far})
    assert not same(first, other)


@pytest.mark.parametrize("change", ["files", "code"])
def test_other_files_or_other_code_are_compared_anew(catalogue, change, monkeypatch):
    _, kept = plan_with(catalogue, {})
    if change == "files":
        catalogue = replace(catalogue, digests=dict.fromkeys(catalogue.digests, "other"))
    else:
        monkeypatch.setattr(match_memory, "code_version", lambda: "another version")
    _, used = plan_with(catalogue, kept)
    assert set(used).isdisjoint(kept)
